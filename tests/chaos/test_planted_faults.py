"""The checker against loops that are wrong on purpose: each is caught; the real one passes under the same kills."""

import itertools
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from nsw import admin, stewards, topics
from nsw.config import load_config
from nsw.connection import Connection
from nsw.embedded import EmbeddedBroker
from nsw.identifiers import AgencyCode, PartyId
from nsw.reference import Reference
from tests.chaos import saboteur
from tests.chaos.checker import check_cluster
from tests.chaos.findings import DUPLICATED, LOST, OUT_OF_ORDER, WRONG, Report
from tests.chaos.load import Documents, Load, Stories
from tests.chaos.saboteur import Plan
from tests.chaos.watch import Watch

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
AGENCIES = ("CUSTOMS", "DFT", "DIW", "DOF", "NBTC", "PAT")
MAX_BYTES = 300_000
FIRST, SECOND, LAST = 120, 60, 20
WAIT_SECONDS = 30.0
_names = itertools.count()


class Lives:
    """Workers one after the other, each of which lives by a plan."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as errors:
            self._parent = subprocess.Popen(
                [sys.executable, "-m", saboteur.__name__],
                env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._pid = 0

    def begin(self, plan: Plan) -> int:
        """Begin a life; give its process id."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(plan.line())
        self._parent.stdin.flush()
        self._pid = self._read()
        return self._pid

    def end(self) -> int:
        """Wait for the end of the present one; give its exit code. One that does not come is a failure."""
        assert self._parent.stdout is not None
        if not select.select([self._parent.stdout], [], [], WAIT_SECONDS)[0]:
            os.kill(self._pid, signal.SIGKILL)
            self._read()
            pytest.fail(f"the worker did not end within {WAIT_SECONDS} s")
        return self._read()

    def close(self) -> None:
        self._parent.kill()
        self._parent.communicate()

    def _read(self) -> int:
        assert self._parent.stdout is not None
        return int(self._parent.stdout.readline())


@dataclass(frozen=True)
class Stage:
    """A Kafka with the window's topics."""

    bootstrap_servers: str
    documents: Documents
    lives: Lives


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, reference: Reference) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("planted")
    with EmbeddedBroker(folder / "kafka") as broker:
        connection = Connection(broker.bootstrap_servers)
        partitions = load_config({}).case_partitions
        specs = [
            *topics.system_topics(case_partitions=partitions, max_document_bytes=MAX_BYTES),
            *(
                spec
                for code in AGENCIES
                for spec in topics.agency_topics(AgencyCode(code), max_document_bytes=MAX_BYTES)
            ),
        ]
        admin.create_topics(connection, specs, 1)
        stewards.seed(connection, reference.table_set)
        environment = {
            "NSW_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "NSW_DATA_FOLDER": str(folder),
            "NSW_MAX_DOCUMENT_BYTES": str(MAX_BYTES),
            # Several batches, so that the kill falls into the middle.
            "NSW_BATCH_RECORDS": "20",
        }
        lives = Lives(environment, folder / "worker.log")
        yield Stage(broker.bootstrap_servers, Documents(reference, date.today), lives)
        lives.close()


def run(stage: Stage, folder: Path, *plans: Plan) -> Report:
    """Send, with a worker that is killed as each plan says and started anew by the next; then check."""
    parties = [f"PLANTED-{next(_names)}" for _ in range(2)]
    specs = [
        spec for each in parties for spec in topics.party_topics(PartyId(each), max_document_bytes=MAX_BYTES)
    ]
    admin.create_topics(Connection(stage.bootstrap_servers), specs, 1)
    stories = Stories(stage.documents, 7, parties=parties, later=60, big=False)
    load = Load(stage.bootstrap_servers, stories, folder)
    outboxes = [topics.outbox(PartyId(each)) for each in parties]
    with Watch(stage.bootstrap_servers, outboxes, folder) as watch:
        load.send(FIRST)
        for plan in plans:
            stage.lives.begin(plan)
            assert stage.lives.end() == -signal.SIGKILL, "it was not killed where it should be"
        last = stage.lives.begin(Plan(plans[-1].sabotage))
        load.send(SECOND)
        wanted = load.send_last(stage.documents, parties, LAST)
        until = time.monotonic() + WAIT_SECONDS
        while not wanted <= watch.answered:
            assert time.monotonic() < until, "the answers did not come in time"
            time.sleep(0.05)
        os.kill(last, signal.SIGTERM)
        stage.lives.end()
    return check_cluster(stage.bootstrap_servers, folder)


def test_the_real_loop_passes(stage: Stage, tmp_path: Path) -> None:
    """Killed at the very places where the sabotaged ones are."""
    report = run(
        *(stage, tmp_path),
        Plan(role="intake", call="flush"),
        Plan(call="flush"),
        Plan(call="commit"),
    )
    assert report.anomalies == []
    assert report.counts["published"] == FIRST + SECOND + 2 * LAST
    assert report.counts["dead letters"]
    assert report.counts["deliveries"] > FIRST


def test_offsets_that_are_committed_before_the_outputs_lose_something(stage: Stage, tmp_path: Path) -> None:
    report = run(stage, tmp_path, Plan(saboteur.COMMIT_FIRST, call="commit"))
    assert report.count(LOST)


def test_a_producer_without_transactions_doubles_something(stage: Stage, tmp_path: Path) -> None:
    report = run(stage, tmp_path, Plan(saboteur.NOT_TRANSACTIONAL, call="flush"))
    assert report.count(DUPLICATED)


def test_a_reader_of_uncommitted_records_doubles_something(stage: Stage, tmp_path: Path) -> None:
    report = run(stage, tmp_path, Plan(saboteur.READ_UNCOMMITTED, role="intake", call="flush"))
    assert report.count(DUPLICATED)


def test_a_worker_that_forgets_its_cases_answers_wrongly(stage: Stage, tmp_path: Path) -> None:
    report = run(stage, tmp_path, Plan(saboteur.NO_STATE, call="commit"))
    assert report.count(WRONG)
    assert not report.count(OUT_OF_ORDER)
