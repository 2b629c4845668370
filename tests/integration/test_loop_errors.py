"""
Every error that the client was seen to give, provoked by a broker's answer, and what the loop makes of it.

The broker is librdkafka's mock: the client and all that it makes of an answer are real. What a real Kafka's readers
see is shown by the tests of placed faults.
"""

import re
import time
from dataclasses import dataclass, replace
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer

from nsw.loop import LoopFatalError
from nsw.loop.batch import Batch
from tests.integration.loop_stage import InThread, numbered, wait_for
from tests.integration.loop_worker import CopyWork, Task, WatchedLoop
from tests.integration.mockcluster import Api, MockCluster

pytestmark = pytest.mark.kafka

CODE = KafkaError
RECORDS = 8
SECONDS = 15.0


@dataclass(frozen=True)
class Row:
    """
    One answer of the broker and what follows.

    Attributes:
        says: what the loop says of it; '' when the same call simply succeeds when it is made again.
        late: how long the answer takes.
        pause: a wait between the first two publications, so that a transaction can fail behind their back.
    """

    name: str
    api: Api
    errors: tuple[int, ...]
    says: str
    late: float = 0.0
    pause: float = 0.0


ABORTED = [
    Row(
        "generation", Api.TXN_OFFSET_COMMIT, (CODE.ILLEGAL_GENERATION,), "send-offsets: .*ILLEGAL_GENERATION"
    ),
    Row("member", Api.TXN_OFFSET_COMMIT, (CODE.UNKNOWN_MEMBER_ID,), "send-offsets: .*UNKNOWN_MEMBER_ID"),
    Row("delivery", Api.PRODUCE, (CODE.POLICY_VIOLATION,), "delivery to out: .*POLICY_VIOLATION"),
    Row("size", Api.PRODUCE, (CODE.MSG_SIZE_TOO_LARGE,), "delivery to out: .*MSG_SIZE_TOO_LARGE"),
    Row("producer-id", Api.PRODUCE, (CODE.UNKNOWN_PRODUCER_ID,), "UNKNOWN_PRODUCER_ID"),
    Row("state", Api.PRODUCE, (CODE.POLICY_VIOLATION,), "POLICY_VIOLATION", pause=0.5),
    Row(
        "state-of-partitions",
        Api.ADD_PARTITIONS_TO_TXN,
        (CODE.POLICY_VIOLATION,),
        "POLICY_VIOLATION",
        pause=0.5,
    ),
    Row("late-offsets", Api.TXN_OFFSET_COMMIT, (0,), "send-offsets: .*_TIMED_OUT", late=1.6),
    Row(
        "loading-long",
        Api.TXN_OFFSET_COMMIT,
        (CODE.COORDINATOR_LOAD_IN_PROGRESS,) * 3,
        "COORDINATOR_LOAD_IN_PROGRESS",
    ),
    Row("group", Api.ADD_OFFSETS_TO_TXN, (CODE.POLICY_VIOLATION,), "send-offsets: .*POLICY_VIOLATION"),
]
REPEATED = [
    Row(f"late-{api.name}".lower(), api, (0,), "", late=1.6) for api in (Api.END_TXN, Api.ADD_OFFSETS_TO_TXN)
] + [
    Row("no-coordinator", Api.END_TXN, (CODE.COORDINATOR_NOT_AVAILABLE,) * 3, ""),
    Row("loading", Api.TXN_OFFSET_COMMIT, (CODE.COORDINATOR_LOAD_IN_PROGRESS,), ""),
    Row("concurrent", Api.ADD_PARTITIONS_TO_TXN, (CODE.CONCURRENT_TRANSACTIONS,) * 3, ""),
    Row("no-leader", Api.PRODUCE, (CODE.NOT_LEADER_FOR_PARTITION,) * 2, ""),
    Row("fetch", Api.FETCH, (CODE.NOT_LEADER_FOR_PARTITION, CODE.UNKNOWN_TOPIC_OR_PART), ""),
]
FATAL = [
    # A lost record; the client also takes gaps that it made itself for this error, and then aborts (row "state").
    Row("sequence", Api.PRODUCE, (CODE.OUT_OF_ORDER_SEQUENCE_NUMBER,), "OUT_OF_ORDER_SEQUENCE_NUMBER"),
    Row("fenced", Api.END_TXN, (CODE.INVALID_PRODUCER_EPOCH,), "commit: .*_FENCED"),
    Row("fenced-early", Api.ADD_PARTITIONS_TO_TXN, (CODE.PRODUCER_FENCED,), "FENCED"),
    Row("fenced-offsets", Api.TXN_OFFSET_COMMIT, (CODE.INVALID_PRODUCER_EPOCH,), "FENCED"),
    Row("forbidden-id", Api.END_TXN, (CODE.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,), "commit: "),
    Row("consumer", Api.HEARTBEAT, (CODE.FENCED_INSTANCE_ID,), "consumer: .*_FATAL"),
    Row("instance", Api.TXN_OFFSET_COMMIT, (CODE.FENCED_INSTANCE_ID,), "send-offsets: .*FENCED_INSTANCE_ID"),
]


class WatchedProducing(WatchedLoop):
    """Keeps what ``produce`` raised."""

    raised: frozenset[int] = frozenset()

    def _publish_one(self, batch: Batch, *arguments: Any) -> bool:  # noqa: ANN401 - what the loop gives
        before = len(batch.failures)
        try:
            return super()._publish_one(batch, *arguments)
        finally:
            self.raised |= {each.error.code() for each in batch.failures[before:]}


class Bench:
    """A loop in a thread, on a mock cluster."""

    def __init__(self, cluster: MockCluster, row: Row) -> None:
        cluster.create("in")
        cluster.create("out")
        self._row = row
        self._due = self._struck = False
        self._cluster = cluster
        self.work = CopyWork("out")
        task = Task(cluster.bootstrap_servers, "group", "in", "out", batch_records=4)
        task = replace(task, transaction_timeout_ms=1_000, session_timeout_ms=1_000)
        self.running = InThread(task.settings(), self.work)
        self.loop = WatchedProducing(task.settings(), self.work, steps=self._step)
        self.running.loop = self.loop
        self._producer = Producer(
            {"bootstrap.servers": cluster.bootstrap_servers, "linger.ms": 0, "log_level": 2}
        )

    def send(self) -> None:
        """Publish some records."""
        for value in numbered(RECORDS):
            self._producer.produce("in", value)
        assert self._producer.flush(10) == 0

    def strike(self) -> None:
        """Let the row's answers come, in the next transaction: earlier they would meet another client."""
        self._due = True

    def wait_for(self, count: int) -> None:
        """Wait until so many records are done, or the loop is dead."""
        wait_for(lambda: self.running.error or len(self.work.done) >= count, SECONDS)

    def _step(self, step: str) -> None:
        if self._due and step == "begin":
            self._due = False
            self._struck = True
            self._cluster.answer(self._row.api, *self._row.errors, seconds=self._row.late)
        if self._struck and self._row.pause and step == "produce:1":
            time.sleep(self._row.pause)

    def run_until_it_dies(self) -> None:
        """Strike it in its stream."""
        with self.running:
            self.send()
            self.wait_for(RECORDS)
            self.strike()
            self.send()
            wait_for(lambda: self.running.error, SECONDS)

    def check_all_done_once(self) -> None:
        """Fail unless each record was done once, in order."""
        assert [each.offset for each in self.work.done] == list(range(2 * RECORDS))


@pytest.mark.parametrize("row", [*ABORTED, *REPEATED], ids=lambda row: row.name)
def test_goes_on_after_an_error_that_passes(row: Row) -> None:
    """The batch is aborted and done again, or the same call made again; each record is done once, in order."""
    with MockCluster() as cluster:
        bench = Bench(cluster, row)
        with bench.running:
            bench.send()
            bench.wait_for(RECORDS)
            bench.strike()
            bench.send()
            bench.wait_for(2 * RECORDS)
        reasons = "\n".join(bench.work.reasons)
        assert bool(reasons) == bool(row.says), reasons
        assert re.search(row.says, reasons)
        assert (row.pause > 0) == (CODE._STATE in bench.loop.raised)
        bench.check_all_done_once()


@pytest.mark.parametrize("row", FATAL, ids=lambda row: row.name)
def test_ends_after_an_error_that_does_not_pass(row: Row) -> None:
    """It says what it was; a loop that idled on would not be started again."""
    with MockCluster() as cluster:
        bench = Bench(cluster, row)
        with pytest.raises(LoopFatalError, match=row.says):
            bench.run_until_it_dies()
        assert [each.offset for each in bench.work.done] == list(range(len(bench.work.done)))
