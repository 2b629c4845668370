"""One broker for all engines: their topics, what is published for them, and what they published."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, IsolationLevel, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from nsw import admin, stewards, topics
from nsw.config import load_config
from nsw.connection import Connection
from nsw.embedded import BrokerSettings, EmbeddedBroker
from nsw.identifiers import PartyId
from nsw.provision import window_topics
from nsw.topics import TopicSpec
from nsw.worker import load_snapshot

#: Inboxes of ours, and partitions of the peers' inboxes.
INBOXES = 4
PARTIES = tuple(PartyId(f"BENCH{number}") for number in range(INBOXES))
_SILENCE_SECONDS = 60.0

Place = tuple[str, int]


@dataclass(frozen=True)
class Count:
    """
    What stands in some topics behind some offsets, as a reader of committed records sees it.

    Attributes:
        copies: records by topic; *repeated* are those whose key came before in their topic.
        last_seconds: when the broker appended the last one, in seconds since 1970.
    """

    copies: Mapping[str, int]
    repeated: int
    last_seconds: float


class Stage:
    """The broker, with the topics of the window and of every peer; as a context manager it runs inside the block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broker = EmbeddedBroker(folder / "kafka", BrokerSettings(heap_mib=1024))
        self.config = load_config({})
        self.reference = load_snapshot(self.config)

    def __enter__(self) -> Self:
        self._broker.start()
        self.bootstrap = self._broker.bootstrap_servers
        self.connection = Connection(self.bootstrap)
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap})
        specs = [*window_topics(self.config, self.reference)]
        for party in PARTIES:
            specs += topics.party_topics(party, max_document_bytes=self.config.max_document_bytes)
        admin.create_topics(self.connection, specs, 1)
        stewards.seed(self.connection, self.reference.table_set)
        self._producer = Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "transactional.id": "bench-publisher",
                "transaction.timeout.ms": 120_000,
                "compression.type": "lz4",
                "linger.ms": 50,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1024 * 1024,
                "message.max.bytes": 8 * 1024 * 1024,
            }
        )
        self._producer.init_transactions(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broker.stop()

    @property
    def broker_pid(self) -> int:
        """The broker's process id."""
        if self._broker.pid is None:
            raise RuntimeError("the broker has ended")
        return self._broker.pid

    @property
    def agency_inboxes(self) -> list[str]:
        """Name the topics that copies go to."""
        return [topics.agency_inbox(code) for code in sorted(self.reference.tables.agencies)]

    def create(self, name: str, partitions: int) -> None:
        """Make a topic of a peer, set up as the window's."""
        model = topics.party_topics(PARTIES[0], max_document_bytes=self.config.max_document_bytes)[0]
        admin.create_topics(self.connection, [TopicSpec(name, partitions, model.settings)], 1)

    def publish(self, records: Iterable[tuple[str, int, bytes, bytes]]) -> float:
        """
        Publish records of topic, partition, key and value in one transaction, so that all are there at once.

        Returns:
            When they were there, in seconds since 1970.
        """
        self._producer.begin_transaction()
        for topic, partition, key, value in records:
            while True:
                try:
                    self._producer.produce(topic, value, key, partition)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.flush()
        self._producer.commit_transaction(60)
        return time.time()

    def ends(self, names: Sequence[str]) -> dict[Place, int]:
        """Give the offset behind the last committed record of every partition of some topics."""
        metadata = self._admin.list_topics(timeout=10).topics
        places = [TopicPartition(name, number) for name in names for number in metadata[name].partitions]
        newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        asked = self._admin.list_offsets(
            dict.fromkeys(places, newest), isolation_level=IsolationLevel.READ_COMMITTED
        )
        return {(place.topic, place.partition): found.result().offset for place, found in asked.items()}

    def count(self, starts: Mapping[Place, int]) -> Count:
        """Read everything committed behind some offsets, and count it."""
        copies: Counter[str] = Counter()
        keys: set[tuple[str, bytes | None]] = set()
        last_ms = 0
        ends = self.ends(sorted({topic for topic, _ in starts}))
        waiting = {place for place, end in ends.items() if end > starts[place]}
        with closing(Consumer(self._reader_config())) as consumer:
            consumer.assign([TopicPartition(*place, starts[place]) for place in waiting])
            until = time.monotonic() + _SILENCE_SECONDS
            while waiting and time.monotonic() < until:
                messages = consumer.consume(2_000, 0.1)
                for message in messages:
                    error = message.error()
                    place = (str(message.topic()), int(message.partition() or 0))
                    if error is None:
                        copies[place[0]] += 1
                        keys.add((place[0], message.key()))
                        last_ms = max(last_ms, message.timestamp()[1])
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
                        waiting.discard(place)
        return Count(copies, sum(copies.values()) - len(keys), last_ms / 1000)

    def forget(self, names: Sequence[str]) -> None:
        """Delete all records of some topics: disks are small."""
        ends = [TopicPartition(*place, end) for place, end in self.ends(names).items()]
        for done in self._admin.delete_records(ends).values():
            done.result()

    def _reader_config(self) -> dict[str, str | bool | int]:
        return {
            "bootstrap.servers": self.bootstrap,
            "group.id": "bench-counter",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
        }
