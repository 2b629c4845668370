"""Reading a changelog to its end on a real Kafka: committed records only, and all of them."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from nsw.errors import TransientError
from nsw.loop import ChangelogReader

pytestmark = pytest.mark.kafka


class Log:
    """One changelog of one partition, and a reader of it."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.topic = f"test-{uuid.uuid4().hex[:8]}.changelog"
        self.found: list[tuple[bytes | None, bytes | None]] = []
        self.offsets: list[int] = []
        self.stopped = threading.Event()
        self._bootstrap_servers = bootstrap_servers
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})

    def create(self) -> None:
        """Make the topic."""
        topic = NewTopic(self.topic, 1, 1, config={"cleanup.policy": "compact"})
        self._admin.create_topics([topic])[self.topic].result(30)

    def delete(self) -> None:
        """Remove the topic."""
        self._admin.delete_topics([self.topic])[self.topic].result(30)

    def reader(self, patience_seconds: float = 30.0) -> ChangelogReader:
        """Give a reader."""
        return ChangelogReader(
            self._bootstrap_servers,
            self.topic,
            stopping=self.stopped.is_set,
            patience_seconds=patience_seconds,
        )

    def begin(self, *values: bytes) -> Producer:
        """Write values, each under itself, in a transaction that stays open."""
        producer = Producer(
            {"bootstrap.servers": self._bootstrap_servers, "transactional.id": uuid.uuid4().hex}
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(self.topic, value, value)
        assert producer.flush(30) == 0
        return producer

    def read(self, start: int | None = None, patience_seconds: float = 30.0) -> int:
        """Read to the end."""
        return self.reader(patience_seconds)(0, start, self._apply)

    def _apply(self, pairs: Sequence[tuple[bytes | None, bytes | None]], end: int) -> None:
        self.found += pairs
        self.offsets.append(end)


@pytest.fixture
def log(bootstrap_servers: str) -> Log:
    """Give a changelog that is not there yet."""
    return Log(bootstrap_servers)


def later(action: Callable[[], object]) -> None:
    """Do something in a second."""
    timer = threading.Timer(1.0, action)
    timer.daemon = True
    timer.start()


def test_hands_over_what_was_committed_up_to_the_end(log: Log) -> None:
    """Aborted records are left out, and the end is behind them and all marks."""
    log.create()
    log.begin(b"1", b"2").commit_transaction(30)
    log.begin(b"3", b"4", b"5").abort_transaction(30)
    end = log.read()

    assert end == log.reader().end(0) == 2 + 1 + 3 + 1
    assert log.found == [(b"1", b"1"), (b"2", b"2")]
    assert max(log.offsets) == 2
    assert log.read(start=end) == end


def test_reads_on_from_a_place(log: Log) -> None:
    """What stands before it is not read again."""
    log.create()
    for value in (b"1", b"2", b"3"):
        log.begin(value).commit_transaction(30)

    assert log.read(start=2) == 6
    assert log.found == [(b"2", b"2"), (b"3", b"3")]


def test_waits_for_an_open_transaction(log: Log) -> None:
    """Its records are before the end, and may yet be committed."""
    log.create()
    log.begin(b"1").commit_transaction(30)
    producer = log.begin(b"2")
    later(lambda: producer.commit_transaction(30))

    assert log.read() == 4
    assert log.found == [(b"1", b"1"), (b"2", b"2")]


def test_does_not_wait_for_ever(log: Log) -> None:
    """Nor longer than until the process is to end."""
    log.create()
    producer = log.begin(b"1")
    with pytest.raises(TransientError, match="offset 1 was not reached"):
        log.read(patience_seconds=0.5)
    later(log.stopped.set)
    with pytest.raises(TransientError, match="is to end"):
        log.read()
    producer.abort_transaction(30)


def test_waits_for_a_topic_that_is_not_there_yet(log: Log) -> None:
    """Or whose partition has no leader for a moment: that is no reason to end."""
    later(log.create)

    assert log.read() == 0
    assert log.topic in log.reader().source


def test_gives_a_missing_topic_up(log: Log) -> None:
    """After its patience, and at once when the process is to end."""
    with pytest.raises(TransientError, match=log.topic):
        log.read(patience_seconds=0.5)
    with pytest.raises(TransientError, match=log.topic):
        _ = log.reader(0.5).source
    log.stopped.set()
    began = time.monotonic()
    with pytest.raises(TransientError, match=log.topic):
        log.read()
    assert time.monotonic() - began < 15


def test_a_topic_made_anew_is_another_one(log: Log) -> None:
    """Under the same name."""
    log.create()
    first = log.reader().source
    log.delete()
    log.create()

    assert log.reader().source != first
