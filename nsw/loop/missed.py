"""
Topics that match a subscription and that nobody was given to read.

A static member that comes back gets the assignment that its predecessor had, and the group is not asked anew (KIP-345).
A topic that was made while it was away then stays unread until something else moves the group.
"""

import re
from collections.abc import Collection, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from nsw.loop.work import Partition


def find_missed(
    consumer: Consumer, subscription: Sequence[str], owned: Collection[Partition], timeout: float
) -> frozenset[str]:
    """
    Name topics that may have been missed: they match a pattern, are not *owned*, and nobody has committed there.

    Such a topic may be another member's that has not committed yet; joining again then changes nothing.

    Raises:
        KafkaException: no answer in time.
    """
    patterns = [re.compile(each) for each in subscription if each.startswith("^")]
    found = consumer.list_topics(timeout=timeout).topics.values() if patterns else ()
    unowned = [
        TopicPartition(topic.topic, number)
        for topic in found
        if any(each.match(topic.topic) for each in patterns)
        for number in topic.partitions
        if (topic.topic, number) not in owned
    ]
    committed = consumer.committed(unowned, timeout) if unowned else []
    for each in committed:
        if each.error is not None:
            raise KafkaException(each.error)
    return frozenset(each.topic for each in committed if each.offset < 0)
