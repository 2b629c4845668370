"""Documents that end the process that judges them, in a running window: found, kept, and everybody else is answered."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nsw.client import TraderClient
from nsw.config import Config, load_config
from nsw.errors import Code, Verdict
from nsw.local import LocalSettings, LocalWindow
from nsw.reference import Reference
from nsw.worker import load_snapshot
from tests.integration.test_window import Window, nsw

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
POISON = ROOT / "tests" / "poison"
JUDGE_SECONDS = 3
MEMORY_MEGABYTES = 450
KINDS = ("abort", "hang", "memory", "segfault")


def environment() -> dict[str, str]:
    """Give what makes marked documents deadly in a worker, and in what it starts."""
    return {"PYTHONPATH": os.pathsep.join((str(POISON), str(ROOT)))}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Give settings of a window with few message types, since its workers start often."""
    folder = tmp_path_factory.mktemp("poison")
    tables = folder / "reference"
    shutil.copytree(ROOT / "deploy" / "reference", tables)
    (tables / "routes.yaml").write_text("routes: []\n", encoding="ascii")
    for each in ("nsw", "th/codes", "th/export-declaration", "th/response"):
        shutil.copytree(ROOT / "schemas" / each, folder / "schemas" / each)
    return load_config(
        {},
        schema_folders=(folder / "schemas",),
        reference_folder=tables,
        data_folder=folder,
        judge_seconds=JUDGE_SECONDS,
        judge_memory_bytes=MEMORY_MEGABYTES * 2**20,
    )


@pytest.fixture(scope="module")
def snapshot(config: Config) -> Reference:
    """Give what the window judges by."""
    return load_snapshot(config)


@pytest.fixture(scope="module")
def window(config: Config, snapshot: Reference, samples: Path) -> Iterator[Window]:
    """Run a window like ``nsw up``."""
    settings = LocalSettings(
        worker_log=config.data_folder / "worker.log", extra_environment=tuple(environment().items())
    )
    with LocalWindow(config, snapshot, settings) as local:
        yield Window(local, config, snapshot, (samples / "valid" / "small.xml").read_bytes())


def poisoned(document: bytes, kind: str) -> bytes:
    return document + f"<!--poison:{kind}-->".encode()


def wait_until(done: Callable[[], bool], check: Callable[[], object], seconds: float = 180.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come about in time"
        check()
        time.sleep(0.5)


def test_a_window_survives_whatever_a_document_does(window: Window, config: Config) -> None:
    """Four kinds of death among honest documents, before its supervisor loses patience; later ones kill nobody."""
    party = window.add_party("POISONER")
    case = b"POIS000000000"
    first = window.numbered(case.decode())
    sent: list[tuple[bytes, bytes]] = [(case, first), (case, poisoned(first, "abort")), (case, first)]
    for number, kind in enumerate(KINDS, start=1):
        good, bad = f"GOOD{number:09d}", f"EVIL{number:09d}"
        sent += [(bad.encode(), poisoned(window.numbered(bad), kind)), (good.encode(), window.numbered(good))]
    # What ends only workers is no dead letter: the outcome of its cell counts, and no worker looks into it.
    sent.append((b"GOOD000000009", poisoned(window.numbered("GOOD000000009"), "in-a-worker")))
    for key, value in sent:
        window.send(party, value, key)
    wait_until(lambda: len(answers_of(window, party)) == len(sent), window.local.check)
    deaths = window.local.worker.restarts
    pid = window.local.worker.pid
    # The same party is watched now, and a replay is judged apart at once.
    window.send(party, poisoned(window.numbered("EVIL000000009"), "abort"), b"EVIL000000009")
    window.dead_letters(party, 6)
    nsw(window, "dead-letters", "replay", "--code", Code.ENDS_PROCESS, "--sender", party)
    letters = window.dead_letters(party, 12)
    answers = answers_of(window, party)

    expected = {key: [Verdict.DEAD_LETTER] for key, _ in sent if key.startswith(b"EVIL")}
    expected |= {key: [Verdict.ACCEPTED] for key, value in sent if key.startswith(b"GOOD")}
    expected[case] = [Verdict.ACCEPTED, Verdict.DEAD_LETTER, Verdict.ACCEPTED]
    expected[b"EVIL000000009"] = [Verdict.DEAD_LETTER]
    for letter in letters[6:]:
        expected[letter.original.key or b""].append(Verdict.DEAD_LETTER)
    by_case: dict[bytes, list[Verdict | None]] = {}
    for key, verdict in answers:
        by_case.setdefault(key, []).append(verdict)
    assert by_case == expected
    assert {letter.code for letter in letters} == {Code.ENDS_PROCESS}
    assert sorted((each.original.key, each.original.value, each.attempts) for each in letters) == sorted(
        (key, value, attempt)
        for key, value in [*sent, (b"EVIL000000009", poisoned(window.numbered("EVIL000000009"), "abort"))]
        if b"poison" in value and not key.startswith(b"GOOD")
        for attempt in (1, 2)
    )
    assert {letter.detail.partition(":")[2] for letter in letters} == {
        " the process was ended by signal 6 (SIGABRT).",
        " the process was ended by signal 11 (SIGSEGV).",
        f" more than {JUDGE_SECONDS} s of processor time were needed.",
        f" more than {MEMORY_MEGABYTES} MiB of memory were needed.",
    }
    assert 2 <= deaths <= 3
    assert window.local.worker.pid == pid
    log = (config.data_folder / "worker.log").read_text()
    assert "judging it ended the process that did it" in log
    assert not any(text in log for text in ("EVIL0", "GOOD0", "ExportDeclaration"))


def answers_of(window: Window, party: str) -> list[tuple[bytes, Verdict | None]]:
    with TraderClient(window.connection, party) as client:
        return [(each.reference_number.encode(), each.verdict) for each in client.answers()]
