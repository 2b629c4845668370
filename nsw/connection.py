"""
The one place that opens kafka-python: how to reach Kafka, what its failures mean, reading and confirmed publishing.

kafka-python has no types; what leaves this module is typed, except the clients that ``nsw.admin`` asks for. Every wait
has an end: a broker that does not answer is a ``BrokerUnavailableError`` with its address, never a stack trace.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient

from nsw.errors import Code, ConfigError, MessageError, NswError, TransientError
from nsw.model import Publication, Record

_LOG_APPEND_TIME = 1
#: How long one poll waits, so that ``stop`` is asked at least that often.
_POLL_SECONDS = 0.2
#: Below Kafka's default of the largest request (100 MiB): the broker drops the connection above it, without a word.
_LARGEST_REQUEST_BYTES = 96 * 1024 * 1024
#: 20,000 documents of 3.5 kB: 3,400/s with 64 KiB, 5,300/s with 128 KiB or more. An inbox that takes less is no harm:
#: the client splits a batch that is refused.
_BATCH_BYTES = 256 * 1024
#: How long a producer looks for a topic.
_METADATA_MS = 3000
#: A confirmation may need a new leader: longer than a broker's restart, shorter than a person's patience.
_DELIVERY_SECONDS = 30.0
_CLOSE_SECONDS = 2.0
#: kafka-python 3 has no limit of its own on what waits for confirmation.
_UNCONFIRMED_RECORDS = 2000
_UNCONFIRMED_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Connection:
    """
    How to reach Kafka.

    Attributes:
        bootstrap_servers: ``host:port``, several separated by commas.
        settings: further settings of kafka-python (``security_protocol``, ``sasl_mechanism`` and so on).
        timeout_seconds: after so long without an answer the broker counts as unavailable.
    """

    bootstrap_servers: str
    settings: Mapping[str, object] = field(default_factory=dict, repr=False)
    timeout_seconds: float = 8.0


class BrokerUnavailableError(TransientError):
    """No broker answers at the given address, or it stopped answering."""


class BrokerRefusedError(ConfigError):
    """Kafka answers, and refuses: login, permission, or a setting that it does not take."""


class TopicMissingError(ConfigError):
    """A topic does not exist, or this login may not see it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    Where a confirmed record stands.

    Attributes:
        timestamp_ms: milliseconds since 1970-01-01 UTC by the broker's clock; of an inbox: the lodging time.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@contextmanager
def explained(connection: Connection, action: str) -> Iterator[None]:
    """
    Turn the client's errors into ours.

    Args:
        action: what was tried, as it goes into the sentence (``read nsw.cases``).

    Raises:
        BrokerUnavailableError: nothing answered in time.
        TopicMissingError: a topic is unknown to the broker.
        BrokerRefusedError: the broker refused, or the settings of the connection are wrong.
    """
    try:
        yield
    except (kafka_errors.KafkaError, ConnectionError) as error:
        raise _translate(error, connection, action) from error


def _translate(error: Exception, connection: Connection, action: str) -> NswError:
    where = f"Kafka at {connection.bootstrap_servers}"
    reason = str(error)[:300] or type(error).__name__
    if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
        return TopicMissingError(f"{where}: cannot {action}, the topic does not exist: {reason}")
    if isinstance(error, kafka_errors.RetriableError | kafka_errors.KafkaConnectionError | ConnectionError):
        return BrokerUnavailableError(
            f"{where} does not answer: cannot {action}. Check the address, and that the broker runs ({reason})."
        )
    return BrokerRefusedError(f"{where} refuses to {action}: {reason}")


def _reachable(connection: Connection) -> list[str]:
    # kafka-python 3.0.12 tries a closed port until its time is over, and leaves a socket behind each time. So it gets
    # the addresses from the first one on that can be reached.
    addresses = [address.strip() for address in connection.bootstrap_servers.split(",")]
    reasons = []
    for place, address in enumerate(addresses):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), connection.timeout_seconds):
                return addresses[place:]
        except ValueError as error:
            raise ConfigError(f"Kafka's address must be host:port, not {address!r}") from error
        except OSError as error:
            reasons.append(f"{address}: {error.strerror or error}")
    raise BrokerUnavailableError(
        f"No Kafka answers at {connection.bootstrap_servers}. "
        f"Check the address, and that the broker runs ({'; '.join(reasons)})."
    )


def _open(kind: Callable[..., Any], connection: Connection, **settings: object) -> Any:  # noqa: ANN401 - untyped library
    clients: list[Any] = []

    def remember(**given: object) -> Any:  # noqa: ANN401 - untyped library
        clients.append(KafkaNetClient(**given))
        return clients[-1]

    # Behind a proxy only the proxy can tell.
    behind_proxy = "proxy_url" in connection.settings
    addresses = connection.bootstrap_servers if behind_proxy else _reachable(connection)
    timeout_ms = round(connection.timeout_seconds * 1000)
    merged = {
        "bootstrap_servers": addresses,
        "bootstrap_timeout_ms": timeout_ms,
        "request_timeout_ms": timeout_ms,
        "kafka_client": remember,
        **settings,
        **connection.settings,
    }
    try:
        with explained(connection, "connect"):
            return kind(**merged)
    except BaseException as error:
        # kafka-python 3.0.12 leaves its thread running when it cannot connect.
        for client in clients:
            client.close()
        if isinstance(error, ValueError | OSError):
            raise ConfigError(f"Kafka at {connection.bootstrap_servers}: {error}") from error
        raise


def open_admin(connection: Connection) -> Any:  # noqa: ANN401 - untyped library
    """Open kafka-python's client for administration; the caller closes it."""
    return _open(KafkaAdminClient, connection)


def open_producer(connection: Connection, **settings: object) -> Any:  # noqa: ANN401 - untyped library
    """Open an idempotent producer whose records count only when all in-sync replicas have them."""
    return _open(
        KafkaProducer,
        connection,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        batch_size=_BATCH_BYTES,
        max_request_size=_LARGEST_REQUEST_BYTES,
        delivery_timeout_ms=round(_delivery_seconds(connection) * 1000),
        metrics_enabled=False,
        **{"max_block_ms": round(connection.timeout_seconds * 1000), **settings},
    )


def _delivery_seconds(connection: Connection) -> float:
    return max(_DELIVERY_SECONDS, connection.timeout_seconds + 1)


def close_producer(producer: Any) -> None:  # noqa: ANN401 - untyped library
    """Close a producer in bounded time; what is not confirmed by then is given up."""
    try:
        producer.close(timeout=_CLOSE_SECONDS)
    except kafka_errors.KafkaTimeoutError:
        producer._sender.force_close()  # noqa: SLF001 - close() gives up before it stops the thread


class RecordReader(Iterator[Record]):
    """
    Committed records of some topics, in order within a partition; no consumer group, nothing is committed.

    Opened when made: what is published later is seen by a follower even if it starts at the end. Ends by itself at the
    ends that the topics had when it was opened, unless it follows; aborted records are left out. A header without a
    value reads as b"".

    Args:
        follow: go on after the end, for new records, until *stop*.
        from_end: begin at the end instead of the beginning.
        offsets: where to begin in some partitions, by topic and partition; an offset that retention has removed counts
            as the oldest one that is left.
        stop: asked before each record and several times a second; True ends the reading.

    Raises:
        BrokerUnavailableError: nothing answers; a follower waits instead, once it was opened.
        TopicMissingError: a topic does not exist.
        ConfigError: an offset lies beyond the end: the topic is another one than the reader remembers.
        MessageError: NSW-1024, the name of a header is not UTF-8; the reader ends there, the detail says where.
    """

    def __init__(
        self,
        connection: Connection,
        topics: Sequence[str],
        *,
        follow: bool = False,
        from_end: bool = False,
        offsets: Mapping[tuple[str, int], int] | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._connection = connection
        self._action = f"read {', '.join(topics)}"
        self._follow = follow
        self._stop = stop
        self._read: deque[Record] = deque()
        self._consumer: Any = _open(
            KafkaConsumer,
            connection,
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=round(_POLL_SECONDS * 1000),
            metrics_enabled=False,
        )
        try:
            with explained(connection, self._action):
                ends = self._assign(topics, from_end=from_end, offsets=offsets or {})
        except BaseException:
            self.close()
            raise
        self._limits = {} if follow else ends
        self._unfinished = set(self._limits)
        self._places: dict[Any, int] = {}
        self._moved_at = time.monotonic()

    def _assign(
        self, topics: Sequence[str], *, from_end: bool, offsets: Mapping[tuple[str, int], int]
    ) -> dict[Any, int]:
        consumer = self._consumer
        parts = [TopicPartition(topic, number) for topic in topics for number in self._partitions(topic)]
        ends: dict[Any, int] = consumer.end_offsets(parts, timeout_ms=self._timeout_ms)
        consumer.assign(parts)
        starts: dict[Any, int] = (
            ends if from_end else consumer.beginning_offsets(parts, timeout_ms=self._timeout_ms)
        )
        for part in parts:
            start = max(offsets.get((part.topic, part.partition), starts[part]), 0)
            if start > ends[part]:
                raise ConfigError(
                    f"{part.topic}, partition {part.partition}: offset {start} lies beyond the end ({ends[part]}); "
                    "the topic was made anew, or the offset belongs to another one"
                )
            consumer.seek(part, start)
        return ends

    def _partitions(self, topic: str) -> list[int]:
        numbers: set[int] = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise TopicMissingError(
                f"Kafka at {self._connection.bootstrap_servers}: there is no topic {topic}"
            )
        return sorted(numbers)

    @property
    def _timeout_ms(self) -> int:
        return round(self._connection.timeout_seconds * 1000)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        while self._consumer is not None:
            if self._stop is not None and self._stop():
                break
            if self._read:
                return self._read.popleft()
            if not self._follow and not self._unfinished:
                break
            self._poll()
        self.close()
        raise StopIteration

    def _poll(self) -> None:
        try:
            with explained(self._connection, self._action):
                polled = self._take()
        except BaseException:
            self.close()
            raise
        for part, found in polled.items():
            end = self._limits.get(part)
            self._read.extend(_record(each) for each in found if end is None or each.offset < end)

    def _take(self) -> dict[Any, list[Any]]:
        try:
            polled: dict[Any, list[Any]] = self._consumer.poll(timeout_ms=round(_POLL_SECONDS * 1000))
        except kafka_errors.CorruptRecordError as error:
            if "UnicodeDecodeError" not in str(error):
                raise
            places = ", ".join(
                f"{part.topic}/{part.partition} at offset {self._consumer.position(part, timeout_ms=self._timeout_ms)}"
                for part in sorted(self._consumer.assignment())
            )
            raise MessageError(Code.HEADER_NOT_UTF8, f"the name of a header, {places}") from error
        if not self._follow:
            self._finish_partitions()
        return polled

    def _finish_partitions(self) -> None:
        # Markers of transactions take offsets and are no records: the position tells the end, no record's offset does.
        places = {
            part: self._consumer.position(part, timeout_ms=self._timeout_ms) for part in self._unfinished
        }
        finished = {
            part for part, place in places.items() if place is not None and place >= self._limits[part]
        }
        if finished:
            self._consumer.pause(*finished)
            self._unfinished -= finished
        now = time.monotonic()
        if places != self._places:
            self._places, self._moved_at = places, now
        elif now - self._moved_at > self._connection.timeout_seconds:
            raise kafka_errors.KafkaTimeoutError("the reading stands still")

    def close(self) -> None:
        """Let go of the connection; reading on gives nothing."""
        consumer, self._consumer = self._consumer, None
        self._read.clear()
        if consumer is not None:
            consumer.close(autocommit=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_consumer", None) is not None:
            self.close()


def _record(found: Any) -> Record:  # noqa: ANN401 - untyped library
    return Record(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp_ms=found.timestamp,
        key=found.key,
        value=found.value,
        headers=tuple((name, value or b"") for name, value in found.headers),
        log_append_time=found.timestamp_type == _LOG_APPEND_TIME,
    )


class Publisher:
    """
    Publishes records and gives each one's receipt once all in-sync replicas have it; opened when first used.

    May be used by several threads.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._producer: Any = None

    def publish(self, publication: Publication) -> Receipt:
        """
        Publish one record and wait for its confirmation.

        Raises:
            MessageError: NSW-1004, the topic does not take a record of this size.
            BrokerUnavailableError: not confirmed in time; the record may stand in the topic all the same.
            TopicMissingError: there is no such topic.
        """
        return self.publish_all((publication,))[0]

    def publish_all(
        self, publications: Iterable[Publication], progress: Callable[[int], None] | None = None
    ) -> list[Receipt]:
        """
        Publish records without waiting for one before sending the next.

        Args:
            progress: told how many are confirmed, after each.

        Returns:
            Receipts in the order of the publications.

        Raises:
            MessageError: NSW-1004; the records before it are confirmed, those behind it may be or not.
            BrokerUnavailableError: as ``publish``.
            TopicMissingError: as ``publish``.
        """
        receipts: list[Receipt] = []
        waiting: deque[tuple[Any, Publication]] = deque()
        room = _UNCONFIRMED_BYTES

        def confirm_oldest() -> int:
            future, publication = waiting.popleft()
            receipts.append(self._confirm(future, publication))
            if progress is not None:
                progress(len(receipts))
            return _size(publication)

        for publication in publications:
            room -= _size(publication)
            while waiting and (room < 0 or len(waiting) >= _UNCONFIRMED_RECORDS):
                room += confirm_oldest()
            waiting.append((self._send(publication), publication))
        while waiting:
            confirm_oldest()
        return receipts

    def _send(self, publication: Publication) -> Any:  # noqa: ANN401 - untyped library
        if self._producer is None:
            self._producer = open_producer(self._connection, max_block_ms=_METADATA_MS)
        try:
            return send(self._producer, publication)
        except kafka_errors.KafkaError as error:
            self.close()
            if isinstance(error, kafka_errors.KafkaTimeoutError):
                check_exist(self._connection, (publication.topic,))
            raise failure_of(error, self._connection, publication) from error

    def _confirm(self, future: Any, publication: Publication) -> Receipt:  # noqa: ANN401 - untyped library
        try:
            found = future.get(timeout=_delivery_seconds(self._connection) + 1)
        except kafka_errors.KafkaError as error:
            # kafka-python 3.0.12 sends nothing more after a refused record: begin anew with the next one.
            self.close()
            raise failure_of(error, self._connection, publication) from error
        return Receipt(found.topic, found.partition, found.offset, found.timestamp)

    def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            close_producer(producer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _size(publication: Publication) -> int:
    return (
        len(publication.key or b"")
        + len(publication.value or b"")
        + sum(len(name) + len(value) for name, value in publication.headers)
    )


def send(producer: Any, publication: Publication) -> Any:  # noqa: ANN401 - untyped library
    """
    Hand a record to a producer; the future given tells when it is confirmed.

    Raises:
        ConfigError: no topic can have that name, or the topic has no such partition.
    """
    try:
        return producer.send(
            publication.topic,
            key=publication.key,
            value=publication.value,
            headers=list(publication.headers),
            partition=publication.partition,
        )
    except ValueError as error:
        raise ConfigError(f"cannot publish into {publication.topic}: {error}") from error


def failure_of(error: Exception, connection: Connection, publication: Publication) -> NswError:
    """Say why a record was not published: NSW-1004 when it is too large, else as ``explained``."""
    if isinstance(error, kafka_errors.MessageSizeTooLargeError | kafka_errors.RecordListTooLargeError):
        size = _size(publication)
        return MessageError(
            Code.DOCUMENT_TOO_LARGE,
            f"{size} bytes with key and headers are more than {publication.topic} takes",
        )
    return _translate(error, connection, f"publish into {publication.topic}")


def check_exist(connection: Connection, names: Iterable[str]) -> None:
    """
    Make sure of topics before publishing: a producer waits for a missing one as for a broker that does not answer.

    Raises:
        TopicMissingError: the first one that does not exist.
    """
    wanted = sorted(set(names))
    with closing(open_admin(connection)) as admin, explained(connection, "describe topics"):
        errors = {each["name"]: each["error_code"] for each in admin.describe_topics(wanted)}
    for name in wanted:
        if errors.get(name) == kafka_errors.UnknownTopicOrPartitionError.errno:
            raise _missing(connection, name)


def _missing(connection: Connection, topic: str) -> TopicMissingError:
    return TopicMissingError(f"Kafka at {connection.bootstrap_servers}: there is no topic {topic}")
