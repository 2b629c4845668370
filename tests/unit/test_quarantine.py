"""Judging apart: the same outcome as in the worker, and whatever ends a cell ends nothing else."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nsw import topics
from nsw.deadletter import parse_dead_letter, plan_replay
from nsw.envelope import is_apart, parse_stamp
from nsw.errors import Code, ConfigError, MessageError, TransientError
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Purpose, Record
from nsw.processing import process, refuse
from nsw.quarantine import CellLimits, Quarantine, Setup
from nsw.reference import Limits, Reference, build_reference, load_types

ROOT = Path(__file__).resolve().parents[2]
POISON = ROOT / "tests" / "poison"
FOLDERS = ("nsw", "th/export-declaration", "th/response")
SETTINGS = LodgingSettings(cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=6, version="1")
LIMITS = CellLimits(seconds=1.0, memory_bytes=450 * 2**20)
ENDS = {
    "abort": "the process was ended by signal 6 (SIGABRT)",
    "segfault": "the process was ended by signal 11 (SIGSEGV)",
    "hang": "more than 1 s of processor time were needed",
    "memory": "more than 450 MiB of memory were needed",
    "exit": "the process ended with code 9",
}


def record(value: bytes) -> Record:
    """Give a record of nsw.cases."""
    lodged = lodge(Record("nsw.inbox.ACME", 0, 0, 1_795_370_400_000, b"NSWD000000001", value), SETTINGS)
    return Record(topics.CASES, 0, 0, 0, lodged.key, lodged.value, lodged.headers)


@pytest.fixture(scope="module")
def setup() -> Setup:
    """Give what a warden is to load: few message types, since it does so several times."""
    return Setup(tuple(ROOT / "schemas" / each for each in FOLDERS), {}, None, Limits(), LIMITS)


@pytest.fixture(scope="module")
def reference(setup: Setup, reference: Reference) -> Reference:
    """Give the snapshot of these message types; routes would name others."""
    tables = reference.table_set.with_content("routes", b"routes: []\n", "test")
    return build_reference(load_types(setup.schema_folders, setup.variables), tables)


@pytest.fixture(scope="module")
def quarantine(setup: Setup) -> Iterator[Quarantine]:
    """Give a quarantine whose cells die of marked documents."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join((str(POISON), str(ROOT))))
        patch.setenv("NSW_CONVERSATION_KEY", "not for the warden's eyes")
        quarantine = Quarantine(setup)
        yield quarantine
        quarantine.close()


@pytest.fixture
def small(samples: Path) -> bytes:
    """Give a valid declaration."""
    return (samples / "valid" / "small.xml").read_bytes()


@pytest.mark.parametrize("kind", ["valid", "broken", "rubbish"])
def test_gives_the_same_outcome(
    quarantine: Quarantine, reference: Reference, small: bytes, kind: str
) -> None:
    """Byte by byte what the worker itself would have published, with the case to remember."""
    value = {"valid": small, "broken": small.replace(b"<", b"<<", 3), "rubbish": b"\x01"}[kind]
    here, there = process(record(value), reference, None), quarantine.judge(record(value), reference, None)
    again = quarantine.judge(record(value), reference, here.case)

    assert (there.verdict, there.publications, there.case) == (here.verdict, here.publications, here.case)
    assert (there.submission, there.accepted_type) == (here.submission, here.accepted_type)
    assert again == replace(process(record(value), reference, here.case), judgement=again.judgement)


@pytest.mark.parametrize("kind", ENDS)
def test_says_what_ended_the_cell(
    quarantine: Quarantine, reference: Reference, small: bytes, kind: str
) -> None:
    """And judges the next record as if nothing had been."""
    began = time.monotonic()
    with pytest.raises(MessageError) as caught:
        quarantine.judge(record(small + f"<!--poison:{kind}-->".encode()), reference, None)
    assert (caught.value.code, caught.value.detail) == (Code.ENDS_PROCESS, ENDS[kind])
    assert time.monotonic() - began < 30
    assert quarantine.judge(record(small), reference, None).accepted_type == "th.export-declaration"


def test_follows_the_tables(quarantine: Quarantine, reference: Reference, small: bytes) -> None:
    """What is judged apart is judged by the same tables, also after they changed."""
    tables = reference.table_set.with_content("parties", b"parties: []\n", "test")
    newer = replace(reference, version=f"{reference.types.version}-{tables.version}", table_set=tables)
    judged = quarantine.judge(record(small), newer, None)
    quarantine.judge(record(small), reference, None)

    versions = {dict(each.headers).get(topics.H_REFERENCE_VERSION) for each in judged.publications}
    assert newer.version.encode() in versions


def test_a_warden_that_is_gone_is_replaced(
    quarantine: Quarantine, reference: Reference, small: bytes
) -> None:
    """
    Its record is no culprit: it is judged again.

    One that loads other message types is not asked: after a deployment only a new worker has what counts.
    """
    quarantine.judge(record(small), reference, None)
    assert quarantine._warden is not None
    environment = Path(f"/proc/{quarantine._warden.pid}/environ").read_bytes()
    quarantine._warden.kill()
    with pytest.raises(TransientError, match="the warden ended"):
        quarantine.judge(record(small), reference, None)
    with pytest.raises(ConfigError, match="have changed since this worker was started"):
        quarantine.judge(record(small), replace(reference, version="0-0"), None)
    assert quarantine.judge(record(small), reference, None).accepted_type
    assert b"warden's eyes" not in environment


def test_ends_when_the_worker_ends(setup: Setup, reference: Reference, small: bytes) -> None:
    """A worker that is to stop does not wait for a warden to start."""
    with pytest.raises(TransientError, match="the process is to end"):
        Quarantine(setup, stopping=lambda: True).judge(record(small), reference, None)


def test_a_replay_is_judged_apart_at_once(reference: Reference, small: bytes) -> None:
    """It need not end workers first; no header of a sender's has that effect."""
    submission = parse_stamp(record(small))
    (letter, *_) = [
        each
        for each in refuse(submission, reference, Code.ENDS_PROCESS, "SIGABRT").publications
        if each.purpose is Purpose.DEAD_LETTER
    ]
    kept = Record(letter.topic, 0, 0, 0, letter.key, letter.value, letter.headers)
    again = plan_replay(parse_dead_letter(kept), 6)
    replayed = Record(topics.CASES, 0, 0, 0, again.key, again.value, again.headers)
    forged = replace(record(small), headers=(("nsw-stamp", b'{"apart":true}'), *record(small).headers))

    assert (is_apart(replayed), is_apart(record(small)), is_apart(forged)) == (True, False, False)
    assert (parse_stamp(replayed).attempt, parse_stamp(replayed).value) == (2, small)
