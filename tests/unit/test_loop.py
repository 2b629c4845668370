"""The loop without a broker: bookkeeping, cutting of batches, and what follows from each error."""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from nsw.errors import Code, InvariantError, MessageError, TransientError
from nsw.loop import (
    Backlog,
    LoopFatalError,
    LoopSettings,
    Remedy,
    TransactionalLoop,
    Work,
    remedy_of,
    transactional,
)
from nsw.loop.batch import Batch, find_oversized
from nsw.loop.clientlog import FloodFilter
from nsw.loop.membership import read_assignment
from nsw.loop.probation import Probation
from nsw.loop.records import read_messages
from nsw.loop.remedies import AbortError, check_consumed
from nsw.loop.source import Source, is_blank
from nsw.model import Publication, Purpose, Record

SETTINGS = LoopSettings("broker:9092", "group", "slot-0", ("in",), max_message_bytes=100_000)


def record(offset: int, *, topic: str = "in", partition: int = 0, value: bytes = b"v") -> Record:
    return Record(topic, partition, offset, 0, b"k", value)


def publication(topic: str = "out", value: bytes = b"v") -> Publication:
    return Publication(Purpose.CASE, topic, b"k", value)


def backlog_of(*records: Record, owned: Sequence[tuple[str, int]] = (("in", 0),)) -> Backlog:
    backlog = Backlog()
    for partition in owned:
        backlog.own(partition, 0)
    for each in records:
        backlog.add(each)
    return backlog


def drain(backlog: Backlog) -> list[tuple[str, int]]:
    taken = []
    while backlog:
        each = backlog.take()
        taken.append((each.topic, each.offset))
    return taken


class TestBacklog:
    """Which records wait, in which order."""

    def test_gives_records_in_the_order_they_came(self) -> None:
        """The first record consumed is the first one taken."""
        assert drain(backlog_of(record(0), record(1), record(4))) == [("in", 0), ("in", 1), ("in", 4)]

    def test_drops_records_of_partitions_that_are_not_owned(self) -> None:
        """A record that was fetched before its partition went to another worker is not done twice."""
        assert not backlog_of(record(0, partition=1))

    def test_begins_at_the_committed_offset(self) -> None:
        """A record before the committed offset means the client lost its place, and stops the loop."""
        backlog = Backlog()
        backlog.own(("in", 0), 7)
        with pytest.raises(InvariantError, match=r"offset 6 came after 6"):
            backlog.add(record(6))

    def test_takes_a_partition_without_committed_offset_from_its_start(self) -> None:
        """Kafka's negative "no offset" and "beginning" both let offset 0 pass."""
        backlog = Backlog()
        backlog.own(("in", 0), -2)
        backlog.add(record(0))
        assert drain(backlog) == [("in", 0)]

    def test_refuses_an_offset_that_comes_again(self) -> None:
        """Offsets of a partition only grow."""
        backlog = backlog_of(record(3))
        with pytest.raises(InvariantError):
            backlog.add(record(3))

    def test_drops_what_waits_of_a_revoked_partition(self) -> None:
        """What is left of a revoked partition is its next owner's, also where it stands aside."""
        owned = [("in", 0), ("in", 1), ("aside", 0)]
        backlog = backlog_of(
            record(0), record(0, partition=1), record(0, topic="aside"), record(1), owned=owned
        )
        backlog.hold(frozenset({"aside"}))
        backlog.disown([("in", 0), ("aside", 0)])
        backlog.hold(frozenset())
        assert drain(backlog) == [("in", 0)]
        assert backlog.partitions == {("in", 1)}

    def test_sets_records_of_paused_topics_aside(self) -> None:
        """A paused topic's records wait, those of other topics go on."""
        backlog = backlog_of(record(0, topic="a"), record(0, topic="b"), owned=[("a", 0), ("b", 0)])
        backlog.hold(frozenset({"a"}))
        backlog.add(record(1, topic="a"))
        assert drain(backlog) == [("b", 0)]

    def test_gives_a_resumed_topic_back_in_order(self) -> None:
        """Records that stood aside come back before newer ones of their topic."""
        backlog = backlog_of(record(0, topic="a"), record(1, topic="a"), owned=[("a", 0)])
        backlog.hold(frozenset({"a"}))
        backlog.hold(frozenset())
        backlog.add(record(2, topic="a"))
        assert drain(backlog) == [("a", 0), ("a", 1), ("a", 2)]

    def test_puts_an_aborted_batch_before_everything_else(self) -> None:
        """The records of an aborted batch come again first, in their order."""
        backlog = backlog_of(record(0), record(1), record(2))
        aborted = [backlog.take(), backlog.take()]
        backlog.put_back(aborted)
        assert drain(backlog) == [("in", 0), ("in", 1), ("in", 2)]


class TestBatch:
    """One transaction's bookkeeping."""

    def test_commits_the_next_offset_of_each_partition(self) -> None:
        """Offsets are one past the last record done, per partition."""
        batch = Batch([record(3), record(9, partition=1), record(4)])
        offsets = {(each.topic, each.partition): each.offset for each in batch.offsets()}
        assert offsets == {("in", 0): 5, ("in", 1): 10}

    def test_stops_at_a_failed_delivery(self) -> None:
        """A batch with a publication that was not delivered can't be committed."""
        batch = Batch()
        batch.failed(record(1), "out", KafkaError(KafkaError._MSG_TIMED_OUT, "too late"))
        with pytest.raises(AbortError, match="delivery to out: too late"):
            batch.check()

    def test_takes_no_error_for_a_delivery(self) -> None:
        """A delivery report without an error is no failure."""
        batch = Batch()
        batch.delivered(record(1), "out", None, Message(topic="out"))
        batch.check()

    @pytest.mark.parametrize(
        ("value_bytes", "headers", "oversized"),
        [
            (10, (), False),
            (99_000, (), False),
            (100_000, (), True),
            (60_000, (("h", b"x" * 50_000),), True),
            (99_000, (("h" * 300, b""),), True),
        ],
        ids=["small", "near", "value", "header-value", "header-name"],
    )
    def test_counts_all_of_a_publication(
        self, value_bytes: int, headers: tuple[tuple[str, bytes], ...], *, oversized: bool
    ) -> None:
        """Key, value, headers and the protocol's own bytes must fit together."""
        candidate = Publication(Purpose.CASE, "out", b"k", b"x" * value_bytes, headers)
        assert oversized == (find_oversized([publication(), candidate], 100_000) is not None)


class TestRemedies:
    """What follows from each error of the client."""

    @pytest.mark.parametrize(
        ("error", "remedy"),
        [
            (KafkaError(KafkaError._TIMED_OUT, retriable=True), Remedy.RETRY),
            (KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE, retriable=True), Remedy.RETRY),
            (KafkaError(KafkaError.ILLEGAL_GENERATION, txn_requires_abort=True), Remedy.ABORT),
            (KafkaError(KafkaError.UNKNOWN_MEMBER_ID, txn_requires_abort=True), Remedy.ABORT),
            (KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, txn_requires_abort=True), Remedy.ABORT),
            (KafkaError(KafkaError._INCONSISTENT, txn_requires_abort=True), Remedy.ABORT),
            (KafkaError(KafkaError._TIMED_OUT, retriable=True, txn_requires_abort=True), Remedy.ABORT),
            (KafkaError(KafkaError._STATE), Remedy.ABORT),
            (KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), Remedy.ABORT),
            (KafkaError(KafkaError._FENCED, fatal=True), Remedy.DIE),
            (KafkaError(KafkaError._FENCED), Remedy.DIE),
            (KafkaError(KafkaError._FATAL), Remedy.DIE),
            (KafkaError(KafkaError.FENCED_INSTANCE_ID, txn_requires_abort=True), Remedy.DIE),
            (KafkaError(KafkaError._STATE, fatal=True, retriable=True, txn_requires_abort=True), Remedy.DIE),
        ],
        ids=[
            "timeout",
            "no-coordinator",
            "generation",
            "member",
            "sequence",
            "undelivered",
            "timeout-that-aborts",
            "failed-in-background",
            "too-large",
            "fenced",
            "fenced-without-flag",
            "fatal-without-flag",
            "fenced-member",
            "all-flags",
        ],
    )
    def test_every_error_has_one_remedy(self, error: KafkaError, remedy: Remedy) -> None:
        """Fatal beats abort, abort beats retry, and an error without a flag aborts."""
        assert remedy is remedy_of(error)

    @pytest.mark.parametrize(
        "code",
        [
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            KafkaError._MAX_POLL_EXCEEDED,
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
        ],
    )
    def test_reads_on_after_errors_that_skip_nothing(self, code: int) -> None:
        """A pattern without topics, a slow poll or one forbidden inbox don't end the process."""
        check_consumed(KafkaError(code))

    @pytest.mark.parametrize(
        "code",
        [
            KafkaError._FATAL,
            KafkaError.FENCED_INSTANCE_ID,
            KafkaError.GROUP_AUTHORIZATION_FAILED,
            KafkaError.INVALID_MSG,
        ],
    )
    def test_dies_of_errors_that_end_the_reading(self, code: int) -> None:
        """A fenced member idles silently for ever, and a broken record would be skipped: the process ends."""
        with pytest.raises(LoopFatalError, match="consumer: "):
            check_consumed(KafkaError(code, "why"))


class TestRecords:
    """From the client's messages to ours."""

    def test_keeps_what_the_broker_stores(self) -> None:
        """Place, time, key, value and headers arrive unchanged, repeated headers too."""
        headers: list[tuple[str, str | bytes | None]] = [("h", b"1"), ("h", b"\xff")]
        message = Message(
            topic="in", partition=2, offset=5, key=b"k", value=b"v", headers=headers, timestamp=(2, 1234)
        )
        wanted = Record("in", 2, 5, 1234, b"k", b"v", (("h", b"1"), ("h", b"\xff")), log_append_time=True)
        assert [wanted] == list(read_messages([message]))

    def test_tells_the_senders_clock_from_the_brokers(self) -> None:
        """A timestamp that the sender made is marked as such."""
        (found,) = read_messages([Message(topic="in", partition=0, offset=0, timestamp=(1, 5))])
        assert isinstance(found, Record)
        assert not found.log_append_time

    def test_makes_a_null_header_value_empty(self) -> None:
        """Kafka's null and empty header values are the same to us."""
        (found,) = read_messages(
            [Message(topic="in", partition=0, offset=0, headers=[("h", None)], timestamp=(1, 5))]
        )
        assert isinstance(found, Record)
        assert found.headers == (("h", b""),)

    def test_passes_errors_on_in_their_place(self) -> None:
        """An error among the messages is given out where it came."""
        error = KafkaError(KafkaError._MAX_POLL_EXCEEDED)
        good = Message(topic="in", partition=0, offset=0, timestamp=(1, 5))
        found = list(read_messages([Message(error=error), good]))
        assert isinstance(found[0], KafkaError)
        assert isinstance(found[1], Record)


class TestAssignment:
    """Who has which partitions."""

    def test_reads_an_assignment_as_the_group_keeps_it(self) -> None:
        """Version, topics with their partitions, and whatever follows; nothing of a member that has nothing."""
        content = bytes.fromhex(
            "0001 00000002 0002 696e 00000002 00000000 00000007 0001 78 00000001 00000003"
        )
        assert list(read_assignment(content + b"\xff\xff\xff\xff")) == [("in", 0), ("in", 7), ("x", 3)]
        assert list(read_assignment(b"")) == []


class TestSettings:
    """What the settings mean to librdkafka."""

    def test_extra_settings_of_the_client_win(self) -> None:
        """Security and tuning reach both clients, over the loop's own."""
        extra = LoopSettings(
            "b", "g", "t", ("in",), client_config={"security.protocol": "SSL", "linger.ms": 1}
        )
        assert extra.consumer_config()["security.protocol"] == "SSL"
        assert (extra.producer_config()["security.protocol"], extra.producer_config()["linger.ms"]) == (
            "SSL",
            1,
        )

    def test_reads_committed_records_from_the_first_one(self) -> None:
        """What others aborted is never seen, and a new topic's first records are."""
        config = SETTINGS.consumer_config()
        assert (config["isolation.level"], config["auto.offset.reset"]) == ("read_committed", "earliest")
        assert config["enable.auto.commit"] is False

    def test_joins_as_a_static_member_only_with_a_name(self) -> None:
        """Without an instance id the client gets none at all."""
        assert "group.instance.id" not in SETTINGS.consumer_config()
        named = LoopSettings("b", "g", "t", ("in",), group_instance_id="slot-0")
        assert named.consumer_config()["group.instance.id"] == "slot-0"


class TestClientLog:
    """What librdkafka logs."""

    def test_lets_one_line_of_each_kind_through(self) -> None:
        """A client that cannot connect doesn't fill the disk, nor hide what other clients say."""
        lines = [
            (0.0, "FAIL [rdkafka#consumer-2] refused"),
            (1.0, "FAIL [rdkafka#consumer-2] refused again"),
            (2.0, "FAIL [rdkafka#producer-1] refused"),
            (3.0, "TXNERR [rdkafka#producer-1] failed"),
            (10.5, "FAIL [rdkafka#consumer-2] still refused"),
        ]
        flood_filter = FloodFilter()
        passed = []
        for created, text in lines:
            line = logging.makeLogRecord({"msg": text, "created": created})
            passed.append(flood_filter.filter(line))
        assert passed == [True, False, True, True, True]


class FakeProducer:
    """Stands in for the client: records what is published, and fails where told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.published: list[tuple[str, bytes | None]] = []
        self.committed: list[dict[tuple[str, int], int]] = []
        self.errors: dict[str, deque[Exception]] = defaultdict(deque)
        self.undelivered: deque[tuple[str, KafkaError]] = deque()
        self._offsets: dict[tuple[str, int], int] = {}
        self._reports: list[Callable[[], None]] = []

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,  # noqa: ARG002 - as the client's
        partition: int,  # noqa: ARG002
        on_delivery: Callable[[KafkaError, Message], None],
        headers: list[tuple[str, bytes]],  # noqa: ARG002
    ) -> None:
        self._call("produce")
        self.published.append((topic, value))
        message = Message(topic=topic)
        self._reports.extend(
            partial(on_delivery, error, message) for name, error in self.undelivered if name == topic
        )

    def poll(self, timeout: float = 0) -> None:  # noqa: ARG002
        reports, self._reports = self._reports, []
        for report in reports:
            report()

    def flush(self, timeout: float) -> int:
        self._call("flush")
        self.poll(timeout)
        return 0

    def init_transactions(self, timeout: float) -> None:  # noqa: ARG002
        self._call("init")

    def begin_transaction(self) -> None:
        self._call("begin")

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], *_: object) -> None:
        self._call("send-offsets")
        self._offsets = {(each.topic, each.partition): each.offset for each in offsets}

    def commit_transaction(self, timeout: float) -> None:  # noqa: ARG002
        self._call("commit")
        self.committed.append(self._offsets)

    def abort_transaction(self, timeout: float) -> None:  # noqa: ARG002
        self._call("abort")
        self.published.clear()
        self._reports.clear()

    def _call(self, name: str) -> None:
        if name != "produce":
            self.calls.append(name)
        if self.errors[name]:
            raise self.errors[name].popleft()


class FakeWork:
    """Copies records, and remembers what it is told."""

    def __init__(self) -> None:
        self.refused: list[tuple[int, str]] = []
        self.missing: dict[str, str] = {}
        self.committed_offsets: list[list[int]] = []
        self.reasons: list[str] = []
        self.outputs: dict[int, Publication | Exception] = {}
        self.diverts = True
        self.suspects: set[int] = set()
        self.deadly: set[int] = set()
        self.apart: list[int] = []

    def process(self, record: Record) -> Sequence[Publication]:
        output = self.outputs.get(record.offset, publication(value=str(record.offset).encode()))
        if isinstance(output, Exception):
            raise output
        if self.diverts and output.topic in self.missing:
            return (publication("held"),)
        return (output,)

    def announce(self, records: Sequence[Record]) -> None:
        """Learn what comes next."""

    def is_suspect(self, record: Record) -> bool:
        return record.offset in self.suspects

    def process_apart(self, record: Record) -> Sequence[Publication]:
        self.apart.append(record.offset)
        if record.offset in self.deadly:
            raise MessageError(Code.ENDS_PROCESS, "SIGABRT")
        return self.process(record)

    def refuse(self, record: Record, code: Code, detail: str) -> Sequence[Publication]:
        assert code in (Code.OUTPUT_TOO_LARGE, Code.ENDS_PROCESS)
        self.refused.append((record.offset, detail))
        return (publication("dead"),)

    def unavailable(self, topic: str, reason: str) -> None:
        self.missing[topic] = reason

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        assert seconds >= 0
        assert len(records) == len(publications)
        self.committed_offsets.append([each.offset for each in records])

    def aborted(self, reason: str) -> None:
        self.reasons.append(reason)


class Bench:
    """A loop on a fake client, with its batches run by hand."""

    def __init__(self, *records: Record, settings: LoopSettings = SETTINGS) -> None:
        self.producer = FakeProducer()
        self.work = FakeWork()
        self.steps: list[str] = []
        self.backlog = backlog_of(*records)
        self.loop = TransactionalLoop(settings, cast("Work", self.work), steps=self.steps.append)
        self.loop._producer = cast("Producer", self.producer)
        self.probation = Probation(settings.batch_records)
        self.marks: list[TopicPartition] = []
        self.outside = False
        source = SimpleNamespace(
            backlog=self.backlog,
            probation=self.probation,
            marks=lambda: self.marks,
            group=lambda: None if self.outside else b"member",
        )
        self.loop._source = cast("Source", source)

    def run_batch(self) -> None:
        self.loop._run_batch()

    def run_all(self) -> None:
        while self.backlog:
            self.run_batch()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loop wait for nothing."""
    monkeypatch.setattr(transactional, "_FIRST_BACKOFF_SECONDS", 0.0)
    monkeypatch.setattr(transactional, "_RETRY_SECONDS", 0.0)


def settings_with(**changes: Any) -> LoopSettings:  # noqa: ANN401 - any of the settings
    return LoopSettings("b", "g", "t", ("in",), **{"max_message_bytes": 100_000, **changes})


class TestCutting:
    """Where a batch ends."""

    def test_takes_all_that_waits_into_one_transaction(self) -> None:
        """Outputs, then flush, then offsets, then commit: in this order, once for all records."""
        bench = Bench(record(0), record(1), record(2))
        bench.run_batch()
        assert bench.producer.calls == ["begin", "flush", "send-offsets", "commit"]
        assert bench.producer.committed == [{("in", 0): 3}]
        assert bench.work.committed_offsets == [[0, 1, 2]]
        assert bench.steps == ["begin", "produce", "flush", "send-offsets", "commit", "committed"]

    def test_ends_a_batch_at_the_limit_of_records(self) -> None:
        """The rest waits for the next transaction."""
        bench = Bench(*map(record, range(5)), settings=settings_with(batch_records=2))
        bench.run_all()
        assert bench.work.committed_offsets == [[0, 1], [2, 3], [4]]

    def test_ends_a_batch_with_the_record_that_crosses_the_limit_of_bytes(self) -> None:
        """A batch holds few large records, and at least one however large."""
        records = [record(offset, value=b"x" * 600) for offset in range(3)]
        bench = Bench(*records, settings=settings_with(batch_bytes=1_000))
        bench.run_all()
        assert bench.work.committed_offsets == [[0, 1], [2]]

    def test_ends_a_batch_when_its_time_is_over(self) -> None:
        """Slow work commits what it has done instead of holding the transaction open."""
        bench = Bench(record(0), record(1), settings=settings_with(batch_seconds=0.0))
        bench.run_all()
        assert bench.work.committed_offsets == [[0], [1]]


class TestErrors:
    """What the loop does about each error around a transaction."""

    @pytest.mark.parametrize("step", ["begin", "send-offsets", "commit"])
    def test_calls_the_same_function_again_after_a_passing_error(self, step: str) -> None:
        """A retriable error is no reason to abort: the same call is made again."""
        bench = Bench(record(0))
        bench.producer.errors[step].append(KafkaException(KafkaError(KafkaError._TIMED_OUT, retriable=True)))
        bench.run_batch()
        assert bench.producer.calls.count(step) == 2
        assert bench.work.committed_offsets == [[0]]

    @pytest.mark.parametrize("step", ["begin", "send-offsets", "commit"])
    def test_gives_up_when_the_broker_stays_away(self, step: str) -> None:
        """A passing error that does not pass ends the process, with what the client said."""
        bench = Bench(record(0), settings=settings_with(broker_wait_seconds=0.0))
        error = KafkaError(KafkaError._TIMED_OUT, "no answer", retriable=True)
        bench.producer.errors[step].extend(KafkaException(error) for _ in range(3))
        with pytest.raises(LoopFatalError, match=f"{step}: the broker stayed away: no answer"):
            bench.run_batch()

    @pytest.mark.parametrize("step", ["send-offsets", "commit"])
    def test_does_the_same_records_again_after_an_abort(self, step: str) -> None:
        """An abortable error aborts; nothing is lost, nothing is there twice."""
        bench = Bench(record(0), record(1))
        error = KafkaError(KafkaError.ILLEGAL_GENERATION, "moved", txn_requires_abort=True)
        bench.producer.errors[step].append(KafkaException(error))
        bench.run_all()
        assert bench.producer.published == [("out", b"0"), ("out", b"1")]
        assert bench.work.committed_offsets == [[0, 1]]
        assert [f"{step}: moved (ILLEGAL_GENERATION)"] == bench.work.reasons
        assert "abort" in bench.steps

    @pytest.mark.parametrize("step", ["begin", "produce", "send-offsets", "commit"])
    def test_a_fatal_error_ends_the_process(self, step: str) -> None:
        """A fenced producer is not retried and not aborted."""
        bench = Bench(record(0))
        error = KafkaError(KafkaError._FENCED, "a newer one is there", fatal=True)
        bench.producer.errors[step].append(KafkaException(error))
        with pytest.raises(LoopFatalError, match="a newer one is there"):
            bench.run_batch()
        assert "abort" not in bench.producer.calls

    def test_a_failing_abort_ends_the_process(self) -> None:
        """When even the abort fails, only a new process with the same transactional id can clean up."""
        bench = Bench(record(0))
        broken = KafkaException(KafkaError(KafkaError._STATE, "broken"))
        bench.producer.errors["commit"].append(broken)
        bench.producer.errors["abort"].append(broken)
        with pytest.raises(LoopFatalError, match="abort: broken"):
            bench.run_batch()

    def test_another_producer_replaces_one_that_only_could_not_abort(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before a commit was asked for, a broken producer can be replaced: nothing can have been committed."""
        bench = Bench(record(0))
        bench.producer.errors["send-offsets"].append(KafkaException(KafkaError(KafkaError._STATE, "later")))
        bench.producer.errors["abort"].append(
            KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "no transaction", fatal=True))
        )
        replacement = FakeProducer()
        monkeypatch.setattr(transactional, "Producer", lambda _: replacement)
        bench.run_batch()
        bench.run_all()
        assert replacement.calls == ["init", "begin", "flush", "send-offsets", "commit"]
        assert bench.work.committed_offsets == [[0]]

    def test_a_producer_that_cannot_begin_ends_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An error that neither passes nor is fatal is no reason to go on without transactions."""
        bench = Bench()
        bench.producer.errors["init"].append(KafkaException(KafkaError(KafkaError._INVALID_ARG, "no")))
        monkeypatch.setattr(transactional, "Producer", lambda _: bench.producer)
        with pytest.raises(LoopFatalError, match="init: no"):
            bench.loop.run()

    def test_only_a_new_process_knows_whether_a_commit_came_about(self) -> None:
        """Once a commit was asked for, a producer that can't abort ends the process: offsets are read anew."""
        bench = Bench(record(0))
        bench.producer.errors["commit"].append(KafkaException(KafkaError(KafkaError._STATE, "unknown")))
        bench.producer.errors["abort"].append(
            KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "no transaction", fatal=True))
        )
        with pytest.raises(LoopFatalError, match="abort: no transaction"):
            bench.run_batch()

    def test_tells_why_a_transaction_failed_in_the_background(self) -> None:
        """Deliveries that were only dropped don't hide the error that made the transaction fail."""
        bench = Bench(record(0))
        bench.producer.undelivered.append(("out", KafkaError(KafkaError._PURGE_QUEUE, "dropped")))
        why = KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "a gap", txn_requires_abort=True)
        bench.producer.errors["send-offsets"].append(KafkaException(why))
        bench.run_batch()
        assert bench.work.reasons == ["a gap (OUT_OF_ORDER_SEQUENCE_NUMBER)"]

    def test_a_fatal_cause_in_the_background_ends_the_process(self) -> None:
        """A producer that was fenced meanwhile is not aborted and retried."""
        bench = Bench(record(0))
        bench.producer.undelivered.append(("out", KafkaError(KafkaError._PURGE_QUEUE, "dropped")))
        why = KafkaError(KafkaError._FENCED, "a newer one is there", fatal=True)
        bench.producer.errors["send-offsets"].append(KafkaException(why))
        with pytest.raises(LoopFatalError, match="a newer one is there"):
            bench.run_batch()

    def test_many_aborts_in_a_row_end_the_process(self) -> None:
        """A batch that never succeeds is not retried for ever."""
        bench = Bench(record(0), settings=settings_with(max_consecutive_aborts=3))
        error = KafkaError(KafkaError._INCONSISTENT, "again", txn_requires_abort=True)
        bench.producer.errors["commit"].extend(KafkaException(error) for _ in range(9))
        with pytest.raises(
            LoopFatalError, match=r"3 transactions in a row were aborted, the last one: .*again"
        ):
            bench.run_all()

    def test_aborts_between_commits_are_forgiven(self) -> None:
        """Only consecutive aborts count."""
        bench = Bench(record(0), record(1), settings=settings_with(max_consecutive_aborts=2, batch_records=1))
        error = KafkaException(KafkaError(KafkaError._INCONSISTENT, "again", txn_requires_abort=True))
        for _ in range(2):
            bench.producer.errors["commit"].append(error)
            bench.run_batch()
            bench.run_batch()
        assert bench.work.committed_offsets == [[0], [1]]

    def test_a_passing_error_of_the_work_is_tried_again(self) -> None:
        """The work may say "try again"; the batch is aborted and done anew."""
        bench = Bench(record(0))
        bench.work.outputs[0] = TransientError("the broker is slow")
        bench.run_batch()
        del bench.work.outputs[0]
        bench.run_all()
        assert bench.work.reasons == ["the broker is slow"]
        assert bench.work.committed_offsets == [[0]]

    def test_a_bug_in_the_work_ends_the_process_and_names_the_record(self) -> None:
        """Whoever reads the last line knows at which record it happened."""
        bench = Bench(record(0), record(1))
        bench.work.outputs[1] = InvariantError("impossible")
        with pytest.raises(InvariantError) as caught:
            bench.run_batch()
        assert caught.value.__notes__ == ["at in[0] offset 1"]

    def test_waits_while_the_clients_queue_is_full(self) -> None:
        """A full queue is served until the publication fits."""
        bench = Bench(record(0))
        bench.producer.errors["produce"].extend([BufferError(), BufferError()])
        bench.run_batch()
        assert bench.producer.published == [("out", b"0")]


class TestOversized:
    """Outputs that no topic takes become dead letters, and the stream goes on."""

    def test_refuses_before_anything_is_published(self) -> None:
        """What is larger than the client takes costs no abort."""
        bench = Bench(record(0), record(1))
        bench.work.outputs[0] = publication(value=b"x" * 200_000)
        bench.run_all()
        assert bench.producer.published == [("dead", b"v"), ("out", b"1")]
        assert "abort" not in bench.producer.calls
        assert bench.work.refused[0][0] == 0

    def test_refuses_what_the_client_finds_too_large(self) -> None:
        """The client counts more exactly than we do; what it refuses becomes a dead letter at the next try."""
        bench = Bench(record(0), record(1))
        error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")
        bench.producer.errors["produce"].append(KafkaException(error))
        bench.run_all()
        assert bench.producer.published == [("dead", b"v"), ("out", b"1")]
        assert bench.work.refused == [(0, "out: too large (MSG_SIZE_TOO_LARGE)")]

    def test_refuses_what_the_broker_finds_too_large(self) -> None:
        """A topic may take less than the client; the one record concerned is refused."""
        bench = Bench(record(0), record(1))
        bench.work.outputs[1] = publication("small")
        bench.producer.undelivered.append(("small", KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")))
        bench.run_all()
        assert bench.producer.published == [("out", b"0"), ("dead", b"v")]
        assert [offset for offset, _ in bench.work.refused] == [1]

    def test_finds_the_oversized_one_among_several(self) -> None:
        """The broker refuses a set of records as a whole; each is done alone before one is refused."""
        bench = Bench(*map(record, range(4)))
        too_large = ("small", KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large"))
        bench.work.outputs = {1: publication("small", b"1"), 2: publication("small", b"2")}
        bench.producer.undelivered.append(too_large)
        bench.run_batch()
        bench.producer.undelivered.clear()
        bench.run_all()
        assert bench.work.committed_offsets == [[0], [1], [2], [3]]
        assert bench.work.refused == []

    def test_forgets_a_refusal_once_it_is_committed(self) -> None:
        """Nothing piles up over the weeks."""
        bench = Bench(record(0))
        error = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, "too large")
        bench.producer.errors["produce"].append(KafkaException(error))
        bench.run_all()
        assert not bench.loop._refusals
        assert not bench.loop._suspects


class TestUnavailable:
    """A destination that is missing stops nobody else."""

    @pytest.mark.parametrize(
        "code",
        [KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED],
    )
    def test_tells_the_work_which_topic_is_unavailable(self, code: int) -> None:
        """The work diverts what was for the topic, and the batch succeeds at the next try."""
        bench = Bench(record(0), record(1))
        bench.work.outputs[0] = publication("gone")
        bench.producer.undelivered.append(("gone", KafkaError(code, "not there")))
        bench.run_all()
        assert list(bench.work.missing) == ["gone"]
        assert bench.producer.published == [("held", b"v"), ("out", b"1")]

    def test_finds_the_forbidden_topic_of_a_failed_transaction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The broker says that some topic is forbidden but not which; it is asked about those of the batch."""
        asked: list[frozenset[str]] = []

        def find(_settings: LoopSettings, topics: frozenset[str], _timeout: float) -> frozenset[str]:
            asked.append(topics)
            return frozenset({"closed"})

        monkeypatch.setattr(transactional, "find_forbidden", find)
        bench = Bench(record(0), record(1))
        bench.work.outputs[0] = publication("closed")
        bench.producer.undelivered.append(("closed", KafkaError(KafkaError._PURGE_QUEUE, "dropped")))
        why = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "forbidden", txn_requires_abort=True)
        bench.producer.errors["send-offsets"].append(KafkaException(why))
        bench.run_all()
        assert asked == [{"closed", "out"}]
        assert bench.producer.published == [("held", b"v"), ("out", b"1")]

    def test_a_work_that_does_not_divert_ends_the_process(self) -> None:
        """Telling the work again and again is no progress."""
        bench = Bench(record(0), settings=settings_with(max_consecutive_aborts=3))
        bench.work.outputs[0] = publication("gone")
        bench.work.diverts = False
        bench.producer.undelivered.append(("gone", KafkaError(KafkaError._UNKNOWN_TOPIC, "not there")))
        with pytest.raises(LoopFatalError, match="3 transactions in a row"):
            bench.run_all()


class TestApart:
    """Records that may end the process are not processed in it."""

    def test_processes_apart_what_the_work_suspects(self) -> None:
        """And nothing else."""
        bench = Bench(record(0), record(1), record(2), settings=settings_with(judge_seconds=30.0))
        bench.work.suspects = {1}
        bench.run_all()
        assert bench.work.apart == [1]
        assert bench.work.committed_offsets == [[0, 1, 2]]

    def test_refuses_what_ends_the_process_and_goes_on(self) -> None:
        """On probation every record is processed apart; the deadly one becomes a dead letter."""
        bench = Bench(record(0), record(1), record(2), settings=settings_with(judge_seconds=30.0))
        bench.probation.take(("in", 0), 0, "begun=2", 0.0)
        bench.work.deadly = {1}
        bench.run_all()
        assert bench.work.apart == [0, 1, 2]
        assert bench.work.refused == [(1, "SIGABRT")]
        assert bench.producer.published == [("out", b"0"), ("dead", b"v"), ("out", b"2")]


class TestMembership:
    """Only a member of the group commits anything."""

    def test_begins_no_batch_outside_the_group(self) -> None:
        """The coordinator would take offsets without a generation from anybody."""
        bench = Bench(record(0))
        bench.outside = True
        bench.run_batch()
        assert bench.producer.calls == []
        assert len(bench.backlog) == 1

    def test_knows_the_metadata_of_one_who_never_joined(self) -> None:
        """As the client writes it now."""
        consumer = Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": "g", "log_level": 0})
        assert is_blank(consumer.consumer_group_metadata())
        assert is_blank(None)
        assert not is_blank(b"CGMDv2:\x00\x00\x00\x01g\x00member\x00\x01")
        consumer.close()

    def test_marks_where_work_begins_before_it_begins(self) -> None:
        """In a transaction of its own; once it is committed, no more is asked."""
        bench = Bench(record(0))
        bench.probation.take(("in", 0), 0, None, 0.0)
        bench.marks = [TopicPartition("in", 0, 0, "begun=1")]
        bench.run_batch()
        assert bench.producer.committed == [{("in", 0): 0}, {("in", 0): 1}]
        assert bench.steps[0] == "mark"
        assert not bench.probation.fresh

    def test_begins_no_work_that_it_can_not_mark(self) -> None:
        """A worker that lost its place finds out by this; its records are another's."""
        bench = Bench(record(0))
        bench.probation.take(("in", 0), 0, None, 0.0)
        bench.marks = [TopicPartition("in", 0, 0, "begun=1")]
        error = KafkaError(KafkaError.ILLEGAL_GENERATION, "moved", txn_requires_abort=True)
        bench.producer.errors["send-offsets"].append(KafkaException(error))
        bench.run_batch()
        assert bench.producer.calls == ["begin", "send-offsets", "abort"]
        assert bench.work.committed_offsets == []
        assert set(bench.probation.fresh) == {("in", 0)}
