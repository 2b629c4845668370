"""Joining the group behind a predecessor of the same slot that died while it had to give partitions back."""

import logging
import re
import threading
import time  # noqa: TID251 - an edge: it waits for the broker

from confluent_kafka import ConsumerGroupState, KafkaException
from confluent_kafka.admin import AdminClient

from nsw.loop.clientlog import client_log
from nsw.loop.remedies import describe
from nsw.loop.settings import LoopSettings, connecting
from nsw.loop.work import Partition

log = logging.getLogger(__name__)

_ANSWER_SECONDS = 5.0
_LOOK_SECONDS = 0.25


def await_orphans(settings: LoopSettings, stopping: threading.Event) -> None:
    """
    Wait while there are partitions that nobody has and nobody is going to get, if we join now.

    In a cooperative rebalance a partition that moves is nobody's until its former owner has given it back and joined
    again. If that owner dies in between and its successor joins as the same static member, the broker sees no reason
    for another rebalance, and the partition stays nobody's. Once the dead member's session has timed out there
    is a rebalance; so we join after that.

    Source:
        KIP-429 (two rebalances to move a partition) and KIP-345 (none for a static member that comes back).
    """
    if not settings.group_instance_id:
        return
    client = AdminClient(
        {**connecting(settings.bootstrap_servers), **settings.client_config}, logger=client_log
    )
    # A live predecessor would not be waited for: the broker fences it when we join.
    until = time.monotonic() + 2 * settings.session_timeout_ms / 1000
    told = False
    while time.monotonic() < until and not stopping.is_set():
        try:
            orphans = _orphans(client, settings)
        except KafkaException as exception:
            log.info("group %s: %s", settings.group_id, describe(exception.args[0]))
            return
        if not orphans:
            return
        if not told:
            told = True
            log.warning(
                "group %s: %d partitions are nobody's; joining when the former %s has timed out",
                settings.group_id,
                len(orphans),
                settings.group_instance_id,
            )
        stopping.wait(_LOOK_SECONDS)


def _orphans(client: AdminClient, settings: LoopSettings) -> frozenset[Partition]:
    """Give the partitions that are assigned to nobody, if our predecessor is still a member beside others."""
    (answer,) = client.describe_consumer_groups([settings.group_id], request_timeout=_ANSWER_SECONDS).values()
    group = answer.result()
    instances = [member.group_instance_id for member in group.members]
    # In any other state the broker lets everybody join again when we come.
    if group.state is not ConsumerGroupState.STABLE or len(instances) < 2:  # noqa: PLR2004 - us and somebody else
        return frozenset()
    if settings.group_instance_id not in instances:
        return frozenset()
    owned = {
        (place.topic, place.partition)
        for member in group.members
        if member.assignment is not None
        for place in member.assignment.topic_partitions
    }
    wanted = {
        (name, number)
        for name, topic in client.list_topics(timeout=_ANSWER_SECONDS).topics.items()
        if any(_matches(name, each) for each in settings.subscription)
        for number in topic.partitions
    }
    return frozenset(wanted - owned)


def _matches(topic: str, subscription: str) -> bool:
    if subscription.startswith("^"):
        return re.search(subscription, topic) is not None
    return topic == subscription
