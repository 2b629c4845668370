"""What the broker allows us to publish to."""

from collections.abc import Collection

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from nsw.loop.clientlog import client_log
from nsw.loop.settings import LoopSettings


def find_forbidden(settings: LoopSettings, topics: Collection[str], timeout: float) -> frozenset[str]:
    """
    Tell which of these topics this process may not write.

    A transaction that a forbidden topic made fail doesn't say which one it was.
    """
    client = AdminClient(settings.admin_config(), logger=client_log)
    answers = client.describe_topics(
        TopicCollection(list(topics)), include_authorized_operations=True, request_timeout=timeout
    )
    forbidden = set()
    for topic, answer in answers.items():
        try:
            operations = answer.result(timeout).authorized_operations
        except KafkaException:
            # Missing, or not even shown to us; deliveries to such a topic say so themselves.
            continue
        if operations is not None and all(each.name != "WRITE" for each in operations):
            forbidden.add(topic)
    return frozenset(forbidden)
