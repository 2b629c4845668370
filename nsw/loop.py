"""
The transactional consume-process-produce loop on librdkafka: outputs and offsets of a batch are one commit.

It knows Kafka and nothing of declarations: what becomes of a record is its ``Work``'s to say.

What must not be changed, since each was seen to lose or double declarations (docs/adr, exactly-once):

1. On assignment: stable committed offsets first, then the work restores, then the partitions are taken there.
2. State is written after the commit, never before it.
3. Offsets come from the records that are done, never from the client's position; the group metadata is the
   loop's own consumer's.
4. Callbacks of the client never raise: an exception there leaves partitions assigned without their state.
"""
# ruff: noqa: SLF001 - the names of librdkafka's own error codes begin with an underscore

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from nsw.errors import Code, InvariantError, NswError, TransientError
from nsw.model import Headers, Publication, Record

__all__ = [
    "UNREADABLE_HEADER_NAME",
    "Backlog",
    "ControlFollower",
    "LoopFatalError",
    "LoopSettings",
    "Partition",
    "Remedy",
    "TransactionalLoop",
    "Work",
    "read_topic",
    "remedy_of",
]

log = logging.getLogger(__name__)

#: A topic and a partition's number.
Partition = tuple[str, int]
#: Where one record stands: topic, partition, offset.
Place = tuple[str, int, int]
_T = TypeVar("_T")
ClientConfig = Mapping[str, str | int | float | bool]

#: Stands for a header's name that is not UTF-8: the client cannot give such a name, nor write it.
UNREADABLE_HEADER_NAME = "\N{REPLACEMENT CHARACTER}"

_STOP_PATIENCE_SECONDS = 5.0
_IDLE_SECONDS = 1.0
_FLUSH_SLICE_SECONDS = 0.25
_RETRY_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 0.05
_LAST_BACKOFF_SECONDS = 2.0
_POLL_EVERY_RECORDS = 64
#: Room for key, headers and the protocol's own bytes; only what comes near the limit is counted exactly.
_SIZE_SLACK_BYTES = 64 * 1024
_RECORD_OVERHEAD_BYTES = 128
_HEADER_OVERHEAD_BYTES = 16
_FOLLOWER_RECORDS = 1_000


class LoopFatalError(NswError):
    """The loop cannot go on in this process: end it with a non-zero code and start a new one."""


class _AbortError(Exception):
    """The open transaction can't be committed: abort it and do its records again."""


class Remedy(Enum):
    """What to do about an error of the client inside a transaction."""

    RETRY = auto()
    ABORT = auto()
    DIE = auto()


class Work(Protocol):
    """
    What a role does with the loop's records; every method is called in the loop's thread.

    Nothing may be kept of ``process`` and ``refuse`` before ``committed`` tells that it is so:
    after ``aborted`` the same records come again.
    """

    def process(self, record: Record) -> Sequence[Publication]:
        """Give what is to be published for a record; an exception from here ends the process."""

    def refuse(self, record: Record, code: Code, detail: str) -> Sequence[Publication]:
        """Give what is published instead for a record whose own outputs can't be produced: a dead letter."""

    def unavailable(self, topic: str, reason: str) -> None:
        """Learn that a topic is missing or forbidden; publish what was for it elsewhere from now on."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Restore what is known of newly assigned partitions; no record of them comes before this returns."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Forget partitions that this process does not own any more."""

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        """Keep and count what was committed; *seconds* is the time from the batch's begin."""

    def aborted(self, reason: str) -> None:
        """Drop what was prepared since the last commit."""

    def paused_topics(self) -> frozenset[str]:
        """Name the topics that must not be read now; asked before every batch."""

    def idle(self) -> None:
        """Do what is due beside the stream, quickly; outside transactions, at least about every second."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """
    How one loop runs.

    Attributes:
        transactional_id: unique per worker slot and stable over its restarts, so that a restart ends its
            predecessor's open transaction at once.
        group_instance_id: unique per worker slot (static membership); '' joins as a dynamic member.
        subscription: topic names, and patterns that begin with ``^``.
        batch_records: records per transaction at most.
        batch_bytes: bytes of record values per transaction at most (the record that crosses it is the last).
        batch_seconds: when a batch has worked this long, it is committed and the rest of its records wait.
        poll_seconds: how long one poll waits for more records: the latency of a quiet stream.
        transaction_timeout_ms: an abandoned transaction hides everybody's later records this long.
        session_timeout_ms: a dead worker's partitions move after this long.
        metadata_refresh_ms: how soon a new topic that matches a pattern is found.
        max_message_bytes: the largest record that is written: what the largest output topic takes.
        max_consecutive_aborts: the process ends after so many in a row that taught nothing.
        broker_wait_seconds: how long the broker may be away within a transaction, or at start.
        client_config: further settings of both clients, such as security; they win over the loop's own.
    """

    bootstrap_servers: str
    group_id: str
    transactional_id: str
    subscription: tuple[str, ...]
    group_instance_id: str = ""
    batch_records: int = 500
    batch_bytes: int = 8 * 1024 * 1024
    batch_seconds: float = 1.0
    poll_seconds: float = 0.05
    transaction_timeout_ms: int = 10_000
    session_timeout_ms: int = 6_000
    metadata_refresh_ms: int = 1_000
    max_message_bytes: int = 4 * 1024 * 1024
    max_consecutive_aborts: int = 20
    broker_wait_seconds: float = 60.0
    client_config: ClientConfig = field(default_factory=dict)

    def consumer_config(self) -> dict[str, Any]:
        """Spell the consumer's settings."""
        static = {"group.instance.id": self.group_instance_id} if self.group_instance_id else {}
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "group.id": self.group_id,
            **static,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # With the default, the first records of a new topic are lost.
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.partition.eof": False,
            "session.timeout.ms": self.session_timeout_ms,
            "heartbeat.interval.ms": self.session_timeout_ms // 4,
            "max.poll.interval.ms": int(max(120.0, 2 * self.broker_wait_seconds) * 1000),
            "topic.metadata.refresh.interval.ms": self.metadata_refresh_ms,
            # A rebalance waits behind what is fetched ahead, so that is kept to a few batches.
            "queued.min.messages": 2 * self.batch_records,
            "queued.max.messages.kbytes": max(2 * self.batch_bytes // 1024, 1024),
            "fetch.queue.backoff.ms": 20,
            "fetch.wait.max.ms": 100,
            "fetch.message.max.bytes": min(1024 * 1024, self.max_message_bytes),
            **self.client_config,
        }

    def producer_config(self) -> dict[str, Any]:
        """Spell the producer's settings."""
        return {
            "bootstrap.servers": self.bootstrap_servers,
            "transactional.id": self.transactional_id,
            "transaction.timeout.ms": self.transaction_timeout_ms,
            "message.timeout.ms": self.transaction_timeout_ms,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 5,
            "message.max.bytes": self.max_message_bytes,
            # The default partitioner of Java's clients, so that foreign tools agree where a key is.
            "partitioner": "murmur2_random",
            # A missing topic is told after this long instead of the message's timeout.
            "topic.metadata.propagation.max.ms": 2_000,
            "delivery.report.only.error": True,
            **self.client_config,
        }


_FATAL_CODES = frozenset({KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID})
_UNAVAILABLE_CODES = frozenset(
    {
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
    }
)
_QUIET_CODES = frozenset(
    {
        # A pattern that no topic matches yet says so, again and again.
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._PARTITION_EOF,
    }
)
#: Errors among the consumed records after which going on could skip records, or never read one again.
_CONSUMER_FATAL_CODES = _FATAL_CODES | {
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError._BAD_MSG,
    KafkaError._BAD_COMPRESSION,
    KafkaError.INVALID_MSG,
    KafkaError.INCONSISTENT_GROUP_PROTOCOL,
    KafkaError._AUTO_OFFSET_RESET,
}


def remedy_of(error: KafkaError) -> Remedy:
    """
    Tell what to do about an error of a client call inside a transaction.

    Order matters: a fatal error may also carry the other flags. An error without any flag (a transaction that
    failed in the background, a record too large) is aborted by ourselves; too many in a row end the process.
    """
    if error.fatal() or error.code() in _FATAL_CODES:
        return Remedy.DIE
    if error.txn_requires_abort():
        return Remedy.ABORT
    if error.retriable():
        return Remedy.RETRY
    return Remedy.ABORT


class Backlog:
    """
    Records that were consumed and are not committed yet, in order; those of paused topics stand aside.

    Pure bookkeeping: it also guards that a partition's offsets only grow, and takes no record of a partition
    that is not owned.
    """

    def __init__(self) -> None:
        self._ready: deque[Record] = deque()
        self._held: dict[str, list[Record]] = {}
        self._next: dict[Partition, int] = {}

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def partitions(self) -> frozenset[Partition]:
        """The partitions that are owned."""
        return frozenset(self._next)

    def own(self, partition: Partition, offset: int) -> None:
        """Take over a partition from an offset; negative when none was ever committed."""
        self._next[partition] = max(offset, 0)

    def disown(self, partitions: Iterable[Partition]) -> None:
        """Drop partitions and what is left of them."""
        gone = frozenset(partitions)
        for partition in gone:
            self._next.pop(partition, None)
        self._ready = deque(record for record in self._ready if (record.topic, record.partition) not in gone)
        for topic, records in self._held.items():
            self._held[topic] = [record for record in records if (record.topic, record.partition) not in gone]

    def add(self, record: Record) -> None:
        """
        Append a record; one of a partition that is not owned is dropped, its owner reads it.

        Raises:
            InvariantError: the record stands before one that came already.
        """
        partition = (record.topic, record.partition)
        expected = self._next.get(partition)
        if expected is None:
            return
        if record.offset < expected:
            raise InvariantError(
                f"{record.topic}[{record.partition}]: offset {record.offset} came after {expected - 1}"
            )
        self._next[partition] = record.offset + 1
        held = self._held.get(record.topic)
        (self._ready if held is None else held).append(record)

    def hold(self, topics: frozenset[str]) -> None:
        """Set aside the records of exactly these topics; those of other topics come back, to the front."""
        for topic in self._held.keys() - topics:
            self._ready.extendleft(reversed(self._held.pop(topic)))
        fresh = topics - self._held.keys()
        if fresh:
            self._held.update((topic, []) for topic in fresh)
            ready, self._ready = self._ready, deque()
            for record in ready:
                held = self._held.get(record.topic)
                (self._ready if held is None else held).append(record)

    def first(self) -> Record:
        """Look at the record whose turn it is."""
        return self._ready[0]

    def take(self) -> Record:
        """Remove the record whose turn it is."""
        return self._ready.popleft()

    def put_back(self, records: Sequence[Record]) -> None:
        """Do records again that were taken and not committed."""
        self._ready.extendleft(reversed(records))


@dataclass(slots=True)
class _Failure:
    """A publication that was not delivered."""

    place: Place
    topic: str
    error: KafkaError


@dataclass(slots=True)
class _Batch:
    """One transaction's records, and what became of them so far."""

    records: list[Record] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    failures: list[_Failure] = field(default_factory=list)

    def failed(self, record: Record, error: KafkaError | None, message: Message) -> None:
        """Note a failed delivery; called by the client for errors only."""
        if error is not None:
            self.failures.append(_Failure(_place_of(record), message.topic() or "", error))

    def failed_at_once(self, record: Record, topic: str, error: KafkaError) -> None:
        """Note a publication that the client did not even take."""
        self.failures.append(_Failure(_place_of(record), topic, error))

    def offsets(self) -> list[TopicPartition]:
        """Give the next offset of each partition."""
        done = {(record.topic, record.partition): record.next_offset for record in self.records}
        return [TopicPartition(topic, number, offset) for (topic, number), offset in done.items()]


def _place_of(record: Record) -> Place:
    return record.topic, record.partition, record.offset


def _size_of(publication: Publication) -> int:
    headers = sum(len(name) * 3 + len(value) + _HEADER_OVERHEAD_BYTES for name, value in publication.headers)
    return len(publication.key or b"") + len(publication.value or b"") + headers + _RECORD_OVERHEAD_BYTES


def _no_step(_name: str) -> None:
    pass


class TransactionalLoop:
    """
    Reads, has each record processed, publishes, and commits both in one transaction per batch.

    Args:
        steps: called with the name of each step when it is done, for placing faults in tests.
    """

    def __init__(
        self, settings: LoopSettings, work: Work, *, steps: Callable[[str], None] = _no_step
    ) -> None:
        self._settings = settings
        self._work = work
        self._step = steps
        self._stopping = threading.Event()
        self._backlog = Backlog()
        self._paused: frozenset[Partition] = frozenset()
        self._failure: BaseException | None = None
        self._refusals: dict[Place, str] = {}
        self._suspects: set[Place] = set()
        self._unavailable: set[str] = set()
        self._aborts = 0
        self._idle_at = 0.0
        self._client_trouble = ""
        self._consumer: Consumer
        self._producer: Producer

    def run(self) -> None:
        """
        Work until ``stop``; the batch at hand is committed first.

        Raises:
            LoopFatalError: this process can't go on: fenced, no broker, or too many aborts.
            InvariantError: a bug, ours or the client's.
        """
        self._open()
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            # Static members stay in the group: their slot's next process takes the same partitions.
            self._consumer.close()
        self._raise_failure()

    def stop(self) -> None:
        """Ask the loop to end after the batch at hand; may be called from any thread."""
        self._stopping.set()

    def known_topics(self, timeout: float = 5.0) -> frozenset[str]:
        """
        List the topics that the broker shows us; for use within the hooks of ``Work``.

        Raises:
            TransientError: no answer in time.
        """
        try:
            metadata = self._producer.list_topics(timeout=timeout)
        except KafkaException as error:
            raise TransientError(f"the broker does not list its topics: {error}") from error
        return frozenset(name for name, topic in metadata.topics.items() if topic.error is None)

    def _open(self) -> None:
        callbacks = {"error_cb": self._note_trouble, "logger": logging.getLogger("nsw.librdkafka")}
        self._producer = Producer(self._settings.producer_config() | callbacks)
        self._call("init", self._producer.init_transactions, self._settings.transaction_timeout_ms / 1000)
        self._step("init")
        self._consumer = Consumer(self._settings.consumer_config() | callbacks)
        self._consumer.subscribe(
            list(self._settings.subscription),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def _note_trouble(self, error: KafkaError) -> None:
        self._client_trouble = error.str()
        log.warning("client: %s", error.str())

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(consumer, partitions)
        except:  # noqa: E722 - errors of the client in a callback are not caught by `except BaseException`
            self._note_failure("assignment")

    def _take_over(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Waits until no transaction has offsets of these partitions pending: whatever a predecessor still
        # commits is visible after this, so it must come before the work restores its state.
        stable = self._stable_offsets(consumer, partitions)
        self._step("assign:committed")
        names = [(partition.topic, partition.partition) for partition in stable]
        self._work.assigned(names)
        self._step("assign:restored")
        for partition in stable:
            if partition.offset < 0:
                partition.offset = OFFSET_BEGINNING
            self._backlog.own((partition.topic, partition.partition), partition.offset)
        consumer.incremental_assign(stable)
        self._step("assign:assigned")

    def _stable_offsets(self, consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
        until = time.monotonic() + self._settings.broker_wait_seconds
        while True:
            stable: list[TopicPartition] = []
            try:
                stable = consumer.committed(partitions, self._settings.transaction_timeout_ms / 1000)
                errors = [partition.error for partition in stable if partition.error is not None]
            except KafkaException as exception:
                errors = [exception.args[0]]
            if not errors:
                return stable
            # Errors of this call carry no flags, so any may pass with time (a transaction ends).
            if time.monotonic() > until or errors[0].fatal():
                raise LoopFatalError(f"committed offsets: {errors[0].str()}")
            time.sleep(_RETRY_SECONDS)

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            names = [(partition.topic, partition.partition) for partition in partitions]
            self._backlog.disown(names)
            self._paused -= frozenset(names)
            self._work.revoked(names)
            self._step("revoke")
        except:  # noqa: E722 - as above
            self._note_failure("revocation")

    def _note_failure(self, what: str) -> None:
        _, value, _ = sys.exc_info()
        self._failure = value if isinstance(value, BaseException) else LoopFatalError(f"{what}: {value}")

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _turn(self) -> None:
        self._receive()
        self._apply_pauses()
        if self._backlog:
            self._run_batch()
        now = time.monotonic()
        if now >= self._idle_at or not self._backlog:
            self._idle_at = now + _IDLE_SECONDS
            self._work.idle()

    def _receive(self) -> None:
        # consume() is called even when records wait: rebalances happen only inside it.
        settings = self._settings
        timeout = 0.0 if self._backlog else settings.poll_seconds
        messages = self._consumer.consume(max(settings.batch_records - len(self._backlog), 1), timeout)
        self._raise_failure()
        for message, headers in zip(messages, _read_headers(messages), strict=True):
            error = message.error()
            if error is None:
                self._backlog.add(_to_record(message, headers))
            else:
                _judge_consumed(error)
        self._step("consume")

    def _apply_pauses(self) -> None:
        topics = self._work.paused_topics()
        self._backlog.hold(topics)
        wanted = frozenset(p for p in self._backlog.partitions if p[0] in topics) if topics else frozenset()
        if wanted != self._paused:
            self._consumer.pause([TopicPartition(*partition) for partition in wanted - self._paused])
            self._consumer.resume([TopicPartition(*partition) for partition in self._paused - wanted])
            self._paused = wanted

    def _run_batch(self) -> None:
        started = time.monotonic()
        batch = _Batch()
        # Taken before the work, so that a generation that ends meanwhile is refused by the coordinator.
        group = self._consumer.consumer_group_metadata()
        try:
            self._call("begin", self._producer.begin_transaction)
            self._step("begin")
            self._produce(batch, started + self._settings.batch_seconds)
            self._step("produce")
            self._flush(batch)
            self._step("flush")
            seconds = self._settings.transaction_timeout_ms / 1000
            self._call(
                "send-offsets", self._producer.send_offsets_to_transaction, batch.offsets(), group, seconds
            )
            self._step("send-offsets")
            self._call("commit", self._producer.commit_transaction, seconds)
        except _AbortError as error:
            self._abort(batch, str(error))
            return
        self._step("commit")
        self._settle(batch)
        self._work.committed(batch.records, batch.publications, time.monotonic() - started)
        self._step("committed")

    def _produce(self, batch: _Batch, until: float) -> None:
        backlog, records = self._backlog, batch.records
        record_limit, bytes_left = self._settings.batch_records, self._settings.batch_bytes
        while backlog and len(records) < record_limit:
            alone = bool(self._suspects) and _place_of(backlog.first()) in self._suspects
            if alone and records:
                return
            record = backlog.take()
            records.append(record)
            self._publish(batch, record, self._outputs_of(record))
            bytes_left -= len(record.value or b"")
            if alone or bytes_left <= 0 or time.monotonic() >= until:
                return
            if len(records) % _POLL_EVERY_RECORDS == 0:
                self._serve_deliveries(batch)

    def _outputs_of(self, record: Record) -> Sequence[Publication]:
        try:
            if self._refusals and (detail := self._refusals.get(_place_of(record))) is not None:
                return self._work.refuse(record, Code.OUTPUT_TOO_LARGE, detail)
            publications = self._work.process(record)
            roomy = self._settings.max_message_bytes - _SIZE_SLACK_BYTES
            for publication in publications:
                # Looked at before anything is produced: an abort for each large record would be slow.
                if (
                    len(publication.value or b"") > roomy
                    and _size_of(publication) > self._settings.max_message_bytes
                ):
                    detail = f"{_size_of(publication)} bytes for {publication.topic}"
                    return self._work.refuse(record, Code.OUTPUT_TOO_LARGE, detail)
        except Exception as error:
            error.add_note(f"while processing {record.topic}[{record.partition}] offset {record.offset}")
            raise
        return publications

    def _publish(self, batch: _Batch, record: Record, publications: Sequence[Publication]) -> None:
        produce, on_delivery = self._producer.produce, partial(batch.failed, record)
        for publication in publications:
            partition = -1 if publication.partition is None else publication.partition
            while True:
                try:
                    produce(
                        publication.topic,
                        publication.value,
                        publication.key,
                        partition,
                        on_delivery,
                        headers=list(publication.headers),
                    )
                    break
                except BufferError:
                    self._producer.poll(_RETRY_SECONDS)
                    self._serve_deliveries(batch)
                except KafkaException as exception:
                    error = exception.args[0]
                    batch.failed_at_once(record, publication.topic, error)
                    self._raise_unless_passing("produce", error)
                    time.sleep(_RETRY_SECONDS)
        batch.publications.extend(publications)

    def _serve_deliveries(self, batch: _Batch) -> None:
        self._producer.poll(0)
        if batch.failures:
            raise _AbortError(f"delivery to {batch.failures[0].topic}: {batch.failures[0].error.str()}")

    def _flush(self, batch: _Batch) -> None:
        # Before the offsets: records left in the queue of a failed transaction were seen to break the next.
        until = time.monotonic() + 2 * self._settings.transaction_timeout_ms / 1000
        while self._producer.flush(_FLUSH_SLICE_SECONDS):
            self._serve_deliveries(batch)
            if time.monotonic() > until:
                raise _AbortError("flush: not all records were delivered in time")
        self._serve_deliveries(batch)

    def _settle(self, batch: _Batch) -> None:
        self._aborts = 0
        self._unavailable.clear()
        if self._refusals or self._suspects:
            for record in batch.records:
                place = _place_of(record)
                self._refusals.pop(place, None)
                self._suspects.discard(place)

    def _call(self, step: str, function: Callable[..., _T], *args: object) -> _T:
        """
        Call the client; while the error is one that passes, call the same function again.

        Raises:
            _AbortError: the transaction can't be committed.
            LoopFatalError: this producer is done for, or the broker was away for too long.
        """
        began = time.monotonic()
        while True:
            try:
                return function(*args)
            except KafkaException as exception:
                error = exception.args[0]
                self._raise_unless_passing(step, error)
                patience = (
                    _STOP_PATIENCE_SECONDS if self._stopping.is_set() else self._settings.broker_wait_seconds
                )
                if time.monotonic() - began > patience:
                    trouble = f" ({self._client_trouble})" if self._client_trouble else ""
                    message = f"{step}: no success in {patience:.0f} s: {error.str()}{trouble}"
                    raise LoopFatalError(message) from exception
                log.info("%s: %s; trying again", step, error.str())
                time.sleep(_RETRY_SECONDS)

    def _raise_unless_passing(self, step: str, error: KafkaError) -> None:
        remedy = remedy_of(error)
        if remedy is Remedy.DIE:
            raise LoopFatalError(f"{step}: {error.str()} ({error.name()})")
        if remedy is Remedy.ABORT:
            raise _AbortError(f"{step}: {error.str()} ({error.name()})")

    def _abort(self, batch: _Batch, reason: str) -> None:
        log.warning("aborting a batch of %d records: %s", len(batch.records), reason)
        try:
            self._call(
                "abort", self._producer.abort_transaction, self._settings.transaction_timeout_ms / 1000
            )
        except _AbortError as error:
            raise LoopFatalError(str(error)) from error
        self._step("abort")
        self._backlog.put_back(batch.records)
        self._work.aborted(reason)
        if self._learn(batch):
            self._aborts = 0
            return
        self._aborts += 1
        if self._aborts >= self._settings.max_consecutive_aborts:
            raise LoopFatalError(f"{self._aborts} transactions in a row were aborted, last: {reason}")
        pause = min(_FIRST_BACKOFF_SECONDS * 2 ** (self._aborts - 1), _LAST_BACKOFF_SECONDS)
        self._stopping.wait(pause)

    def _learn(self, batch: _Batch) -> bool:
        """Draw from failed deliveries what must go otherwise next time; tell whether that is anything new."""
        known = len(self._refusals) + len(self._suspects) + len(self._unavailable)
        too_large = {}
        for failure in batch.failures:
            if failure.error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                too_large[failure.place] = f"{failure.error.str()} ({failure.topic})"
            elif failure.error.code() in _UNAVAILABLE_CODES and failure.topic not in self._unavailable:
                self._unavailable.add(failure.topic)
                self._work.unavailable(failure.topic, failure.error.str())
        if len(too_large) == 1:
            self._refusals.update(too_large)
        else:
            # The broker refuses a whole set of records for one: do each alone, to see which one it is.
            self._suspects.update(too_large)
        return len(self._refusals) + len(self._suspects) + len(self._unavailable) > known


class ControlFollower:
    """
    Follows a small topic from its start, without a group and without ever waiting.

    Its user polls it from one thread. A topic that is missing is found when it appears.

    Attributes:
        caught_up: whether everything that was in the topic at some poll has been given out.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        partitions: int = 1,
        client_config: ClientConfig | None = None,
    ) -> None:
        config = {
            "bootstrap.servers": bootstrap_servers,
            # The client wants one; nothing is ever committed under it.
            "group.id": f"{topic}.follower",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "topic.metadata.refresh.interval.ms": 1_000,
            "fetch.wait.max.ms": 100,
            "logger": logging.getLogger("nsw.librdkafka"),
            **(client_config or {}),
        }
        self._consumer = Consumer(config)
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)]
        )
        self._behind = set(range(partitions))

    @property
    def caught_up(self) -> bool:
        """Whether the end of every partition has been seen."""
        return not self._behind

    def poll(self, timeout: float = 0.0) -> list[Record]:
        """
        Give the records that have come; with the default, without waiting.

        Raises:
            LoopFatalError: the topic can't be read on.
        """
        messages = self._consumer.consume(_FOLLOWER_RECORDS, timeout)
        records = []
        for message, headers in zip(messages, _read_headers(messages), strict=True):
            error = message.error()
            if error is None:
                records.append(_to_record(message, headers))
            elif error.code() == KafkaError._PARTITION_EOF:
                self._behind.discard(message.partition() or 0)
            else:
                _judge_consumed(error)
        return records

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def read_topic(
    bootstrap_servers: str,
    topic: str,
    *,
    partitions: int = 1,
    timeout: float = 30.0,
    client_config: ClientConfig | None = None,
) -> list[Record]:
    """
    Read all committed records that a topic holds now; each partition in order.

    Raises:
        TransientError: the end was not reached within *timeout* seconds.
    """
    follower = ControlFollower(bootstrap_servers, topic, partitions=partitions, client_config=client_config)
    try:
        records: list[Record] = []
        until = time.monotonic() + timeout
        while not follower.caught_up:
            records += follower.poll(0.1)
            if time.monotonic() > until:
                raise TransientError(f"{topic}: its end was not reached in {timeout:.0f} s")
        return records
    finally:
        follower.close()


def _judge_consumed(error: KafkaError) -> None:
    if error.fatal() or error.code() in _CONSUMER_FATAL_CODES:
        raise LoopFatalError(f"consumer: {error.str()} ({error.name()})")
    level = logging.DEBUG if error.code() in _QUIET_CODES else logging.WARNING
    log.log(level, "consumer: %s (%s)", error.str(), error.name())


def _to_record(message: Message, headers: Headers) -> Record:
    kind, timestamp_ms = message.timestamp()
    return Record(
        message.topic() or "",
        cast("int", message.partition()),
        cast("int", message.offset()),
        timestamp_ms,
        message.key(),
        message.value(),
        headers,
        kind == TIMESTAMP_LOG_APPEND_TIME,
    )


def _read_headers(messages: Sequence[Message]) -> Iterator[Headers]:
    """
    Give each message's headers; null values become empty, names that are not UTF-8 one replacement character.

    Such a name must be met with care: ``headers()`` then returns a result *and* sets an exception. Called
    from C (``map``), the interpreter checks for that each time; called from warm Python code it does not,
    and the exception comes out of some later, unrelated line (confluent-kafka 2.16.1 on CPython 3.11).
    """
    reader = map(Message.headers, messages)
    for message in messages:
        try:
            found = cast("list[tuple[str, bytes | None]] | None", next(reader))
        except (SystemError, UnicodeDecodeError):
            found = _salvage_headers(message)
        yield tuple((name, b"" if value is None else value) for name, value in found) if found else ()


def _salvage_headers(message: Message) -> list[tuple[str, bytes | None]]:
    # The second call gives the list as it was built: in some pairs the name is a null pointer, which must not
    # be touched; only `repr` shows it safely.
    pairs = cast("list[tuple[str, bytes | None]]", message.headers())
    return [
        (UNREADABLE_HEADER_NAME if repr(pair).startswith("(<NULL>") else pair[0], pair[1]) for pair in pairs
    ]
