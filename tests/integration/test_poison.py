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
from nsw.quarantine import CellLimits
from nsw.reference import Reference
from nsw.worker import load_snapshot
from tests.integration.test_window import Window, nsw

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
POISON = ROOT / "tests" / "poison"
JUDGE_SECONDS = 3
MEMORY_MEGABYTES = 450
#: The last ends workers only: its cell's outcome counts, and no worker looks into it.
KINDS = {"hang": Verdict.DEAD_LETTER, "memory": Verdict.DEAD_LETTER, "in-a-worker": Verdict.ACCEPTED}


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
    """Deadly documents among honest ones are found before its supervisor loses patience; later ones kill nobody."""
    party = window.add_party("POISONER")
    case, first = b"POIS000000000", window.numbered("POIS000000000")
    sent: list[tuple[bytes, bytes, Verdict]] = [
        (case, first, Verdict.ACCEPTED),
        (case, poisoned(first, "abort"), Verdict.DEAD_LETTER),
        (case, first, Verdict.ACCEPTED),
    ]
    for number, (kind, verdict) in enumerate(KINDS.items()):
        bad, good = f"EVIL{number:09d}", f"GOOD{number:09d}"
        sent.append((bad.encode(), poisoned(window.numbered(bad), kind), verdict))
        sent.append((good.encode(), window.numbered(good), Verdict.ACCEPTED))
    for key, document, _ in sent:
        window.send(party, document, key)
    wait_until(lambda: len(answers_of(window, party)) == len(sent), window.local.check)
    deaths, pid = window.local.worker.restarts, window.local.worker.pid
    # The party is watched from now on, and a replay is judged apart at once.
    later = (b"EVIL000000009", poisoned(window.numbered("EVIL000000009"), "abort"), Verdict.DEAD_LETTER)
    window.send(party, later[1], later[0])
    found = window.dead_letters(party, 4)[-1]
    nsw(window, "dead-letters", "replay", found.identifier)
    letters = window.dead_letters(party, 5)

    sent += [later, later]
    verdicts_by_case: dict[bytes, list[Verdict | None]] = {}
    for key, answered in answers_of(window, party):
        verdicts_by_case.setdefault(key, []).append(answered)
    assert verdicts_by_case == {
        key: [verdict for each, _, verdict in sent if each == key] for key, _, _ in sent
    }
    assert {letter.code for letter in letters} == {Code.ENDS_PROCESS}
    assert sorted((each.original.key, each.original.value) for each in letters) == sorted(
        (key, value) for key, value, verdict in sent if verdict is Verdict.DEAD_LETTER
    )
    assert [each.attempts for each in letters] == [1, 1, 1, 1, 2]
    details = {letter.detail.partition(":")[2] for letter in letters}
    assert details - hung() == {
        " the process was ended by signal 6 (SIGABRT).",
        f" more than {MEMORY_MEGABYTES} MiB of memory were needed.",
    }
    assert details & hung()
    assert deaths >= 2
    assert window.local.worker.pid == pid
    log = (config.data_folder / "worker.log").read_text()
    assert "judging it ended the process that did it" in log
    assert not any(text in log for text in ("EVIL0", "GOOD0", "ExportDeclaration"))


def hung() -> set[str]:
    """Give what may be said of what hangs; on a machine with much else to do the clock may be first."""
    wall = CellLimits(JUDGE_SECONDS, 0).wall_seconds
    return {
        f" more than {JUDGE_SECONDS} s of processor time were needed.",
        f" it took more than {wall:.0f} s.",
    }


def answers_of(window: Window, party: str) -> list[tuple[bytes, Verdict | None]]:
    with TraderClient(window.connection, party) as client:
        return [(each.reference_number.encode(), each.verdict) for each in client.answers()]
