"""Three Kafka nodes for real: what they keep three times, and that one of them may die."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from nsw import admin
from nsw.connection import Connection
from nsw.embedded import EmbeddedCluster
from nsw.topics import TopicSpec
from tests.kafkacluster import leader_of, wait_until_in_sync

pytestmark = pytest.mark.kafka

TOPIC = TopicSpec("greetings", 1, {})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCluster]:
    """Three nodes, with a topic that is kept three times; each test leaves all of them running."""
    with EmbeddedCluster(tmp_path_factory.mktemp("cluster")) as running:
        admin.create_topics(Connection(running.bootstrap_servers), [TOPIC], 3, 2)
        yield running


def _write(producer: Producer, *values: bytes) -> None:
    producer.begin_transaction()
    for value in values:
        producer.produce(TOPIC.name, value)
    producer.commit_transaction(30)


def _read(cluster: EmbeddedCluster, group: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap_servers, "group.id": group, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([TOPIC.name])
    values: list[bytes | None] = []
    deadline = time.monotonic() + 60
    while len(values) < count and time.monotonic() < deadline:
        record = consumer.poll(1)
        if record is not None and record.error() is None:
            values.append(record.value())
    consumer.close()
    return values


def test_outlives_any_node_and_keeps_everything_three_times(cluster: EmbeddedCluster) -> None:
    """
    Each node is killed in turn and comes back to its own folder; transactions go on, and nothing committed is lost.

    Kafka's own topics are kept three times as well, and a record counts when two nodes have it.
    """
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "transactional.id": "test"})
    producer.init_transactions(30)
    _write(producer, b"zero")
    assert _read(cluster, "first", 1) == [b"zero"]
    client = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    for node in cluster.nodes:
        address, pid = node.bootstrap_servers, node.pid
        node.kill()
        _write(producer, str(node.node_id).encode())
        node.start()
        assert (node.bootstrap_servers, node.pid != pid) == (address, True)
        wait_until_in_sync(client)
    assert _read(cluster, "second", 4) == [b"zero", b"1", b"2", b"3"]
    names = ("__consumer_offsets", "__transaction_state", TOPIC.name)
    topics = client.list_topics(timeout=30).topics
    assert {len(part.replicas) for name in names for part in topics[name].partitions.values()} == {3}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    settings = [future.result(30) for future in client.describe_configs(resources).values()]
    assert [each["min.insync.replicas"].value for each in settings] == ["2"] * 3
    states = admin.list_topics(Connection(cluster.bootstrap_servers))
    assert admin.find_problems(states, [TOPIC], 3, 2) == []
    assert len(admin.find_problems(states, [TOPIC], 4, 3)) == 2


def test_starts_again_as_a_whole(cluster: EmbeddedCluster) -> None:
    """All nodes killed at once and started again have the records, under the same addresses."""
    address = cluster.bootstrap_servers
    producer = Producer({"bootstrap.servers": address, "transactional.id": "whole"})
    producer.init_transactions(30)
    _write(producer, b"before")
    cluster.kill()
    cluster.start()
    assert cluster.bootstrap_servers == address
    wait_until_in_sync(AdminClient({"bootstrap.servers": address}))
    assert leader_of(AdminClient({"bootstrap.servers": address}), TOPIC.name) in {1, 2, 3}
    assert b"before" in _read(cluster, "whole", 5)
