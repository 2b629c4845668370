"""Reads the window's topics with a plain client, committed records only; nothing of ``nsw`` is used here."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

#: Of these topics the values are kept: they are small, and looked into.
_READ_VALUES = ("nsw.outbox.", "nsw.events")
_PATIENCE_SECONDS = 60.0
_HEAD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Row:
    """
    One record of a topic.

    Attributes:
        digest: lower-case hex SHA-256 of the value; of an absent one as of an empty one.
        head: the value's first bytes.
        value: only of topics whose values are looked into.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    digest: str
    head: bytes = b""
    value: bytes = b""

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    def header(self, name: str) -> str:
        """Give the last header of a name as text; '' when it is absent."""
        for each, value in reversed(self.headers):
            if each == name:
                return value.decode("utf-8", "replace")
        return ""


@dataclass(slots=True)
class Log:
    """
    What stands in the topics.

    Attributes:
        rows_by_topic: each partition's in the order of offsets.
        hidden: partitions whose end can't be read, with how many offsets are hidden: a transaction is open there.
    """

    rows_by_topic: dict[str, list[Row]] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)

    def rows(self, topic: str) -> list[Row]:
        """Give the records of a topic; none of one that does not exist."""
        return self.rows_by_topic.get(topic, [])

    def topics(self, prefix: str, suffix: str = "") -> list[str]:
        """Name the topics that begin and end so."""
        return sorted(
            each for each in self.rows_by_topic if each.startswith(prefix) and each.endswith(suffix)
        )


def read_log(bootstrap_servers: str, isolation_level: str = "read_committed") -> Log:
    """
    Read all topics of the window to their ends.

    Raises:
        TimeoutError: nothing came for a minute, and an end was not reached.
        KafkaException: the broker does not let us read.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "chaos-checker",
            "isolation.level": isolation_level,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 64 * 1024,
        }
    )
    try:
        names = [each for each in consumer.list_topics(timeout=30).topics if _is_read(each)]
        log = Log({name: [] for name in names})
        ends = _read_to_ends(consumer, log, _partitions_of(consumer, names))
    finally:
        consumer.close()
    log.hidden = _find_hidden(bootstrap_servers, ends)
    return log


def _is_read(topic: str) -> bool:
    return topic.startswith("nsw.") and topic not in {"nsw.cases.changelog", "nsw.reference", "nsw.control"}


def _partitions_of(consumer: Consumer, names: Iterable[str]) -> list[tuple[str, int]]:
    found = consumer.list_topics(timeout=30).topics
    return [(name, number) for name in names for number in found[name].partitions]


def _read_to_ends(
    consumer: Consumer, log: Log, partitions: list[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    consumer.assign([TopicPartition(topic, number, 0) for topic, number in partitions])
    ends: dict[tuple[str, int], int] = {}
    until = time.monotonic() + _PATIENCE_SECONDS
    while len(ends) < len(partitions):
        messages = consumer.consume(5_000, 0.2)
        for message in messages:
            topic, number, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
            error = message.error()
            if error is None:
                log.rows_by_topic[topic].append(
                    _row(topic, number, offset, message.key(), message.headers(), message.value())
                )
            elif error.code() == KafkaError._PARTITION_EOF:
                ends[topic, number] = offset
            elif not error.retriable():
                raise KafkaException(error)
        if messages:
            until = time.monotonic() + _PATIENCE_SECONDS
        elif time.monotonic() > until:
            raise TimeoutError(f"not read to the end: {sorted(set(partitions) - ends.keys())}")
    return ends


def _row(
    topic: str, partition: int, offset: int, key: object, headers: object, value: bytes | str | None
) -> Row:
    content = value if isinstance(value, bytes) else b""
    pairs = headers if isinstance(headers, list) else []
    return Row(
        topic,
        partition,
        offset,
        key if isinstance(key, bytes) else None,
        tuple((name, each or b"") for name, each in pairs),
        hashlib.sha256(content).hexdigest(),
        content[:_HEAD_BYTES],
        content if topic.startswith(_READ_VALUES) else b"",
    )


def _find_hidden(bootstrap_servers: str, ends: dict[tuple[str, int], int]) -> dict[str, int]:
    """Compare where committed reading ended with where the log ends."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "chaos-checker",
            "isolation.level": "read_uncommitted",
        }
    )
    try:
        hidden = {}
        for (topic, number), end in ends.items():
            _low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            if high > end:
                hidden[f"{topic}[{number}]"] = high - end
        return hidden
    finally:
        consumer.close()
