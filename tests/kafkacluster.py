"""Looking at a Kafka cluster of several nodes: who leads, and whether all have caught up."""

import time

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient


def leader_of(client: AdminClient, topic: str, partition: int = 0) -> int:
    """Tell the node that leads a partition; -1 when none does."""
    return client.list_topics(topic, timeout=30).topics[topic].partitions[partition].leader


def coordinator_of(client: AdminClient, transactional_id: str) -> int:
    """
    Tell the node that ends the transactions of this name.

    Source:
        Apache Kafka: the leader of the partition of ``__transaction_state`` that Java's hash of the name chooses.
    """
    code = 0
    for character in transactional_id:
        code = (31 * code + ord(character)) % 2**32
    code = abs(code - 2**32 if code >= 2**31 else code)
    topic = client.list_topics("__transaction_state", timeout=30).topics["__transaction_state"]
    return topic.partitions[code % len(topic.partitions)].leader


def lagging(client: AdminClient) -> list[str]:
    """List the partitions of which a copy is missing or behind."""
    return [
        f"{topic.topic}/{part.id}"
        for topic in client.list_topics(timeout=30).topics.values()
        for part in topic.partitions.values()
        if part.leader < 0 or set(part.isrs) != set(part.replicas)
    ]


def wait_until_in_sync(client: AdminClient, seconds: float = 60.0) -> None:
    """
    Wait until every partition has all its copies: only then may the next node be taken away.

    Raises:
        AssertionError: it took longer.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            behind = lagging(client)
        except KafkaException as error:  # while no node answers
            behind = [str(error)]
        if not behind:
            return
        assert time.monotonic() < until, f"behind: {behind[:5]}"
        time.sleep(0.2)
