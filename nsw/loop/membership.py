"""Joining the group behind a predecessor of the same slot that died while it had to give partitions back."""

import logging
import re
import struct
import threading
import time  # noqa: TID251 - an edge: it waits for the broker
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from nsw.loop.clientlog import client_log
from nsw.loop.remedies import describe
from nsw.loop.settings import LoopSettings
from nsw.loop.work import Partition

log = logging.getLogger(__name__)

_STABLE = "Stable"
_VERSION = _LENGTH = struct.Struct(">h")
_COUNT = struct.Struct(">i")
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
    client = AdminClient(settings.admin_config(), logger=client_log)
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
    group = read_group(client, settings.group_id, _ANSWER_SECONDS)
    # In any other state the broker lets everybody join again when we come.
    if not group.is_stable or len(group.members) < 2:  # noqa: PLR2004 - us and somebody else
        return frozenset()
    # So the broker names a static member.
    predecessor = re.compile(re.escape(settings.group_instance_id) + "-[0-9a-f-]{36}")
    if not any(predecessor.fullmatch(member) for member in group.members):
        return frozenset()
    wanted = frozenset(
        (name, number)
        for name, topic in client.list_topics(timeout=_ANSWER_SECONDS).topics.items()
        if any(matches(name, each) for each in settings.subscription)
        for number in topic.partitions
    )
    return wanted - group.owned


@dataclass(frozen=True, slots=True)
class Group:
    """
    A consumer group as its coordinator sees it.

    Attributes:
        is_stable: whether it is not being given its partitions just now.
        members: their ids.
        owned: what they were given.
    """

    is_stable: bool
    members: tuple[str, ...]
    owned: frozenset[Partition]


def read_group(client: AdminClient, name: str, timeout: float) -> Group:
    """
    Ask for a consumer group; one that does not exist has no members.

    Raises:
        KafkaException: no answer in time.
    """
    # The call is called deprecated; its successor, as every one that asks the coordinator, may end the process when the
    # broker is slow (librdkafka 2.16: a failed assertion, its issue 4605).
    found: list[Any] = client.list_groups(name, timeout=timeout)
    members = [member for group in found for member in group.members]
    return Group(
        all(group.state == _STABLE for group in found),
        tuple(member.id for member in members),
        frozenset(place for member in members for place in read_assignment(member.assignment)),
    )


def read_assignment(content: bytes) -> Iterator[Partition]:
    """
    Read which partitions a member of a consumer group has.

    Source:
        Kafka protocol, ``ConsumerProtocolAssignment``: version, then topics with their partitions; more may follow.
    """
    place = _VERSION.size

    def read(form: struct.Struct) -> int:
        nonlocal place
        (number,) = form.unpack_from(content, place)
        place += form.size
        return int(number)

    # Of a member that has nothing yet there is no content.
    for _ in range(read(_COUNT) if content else 0):
        length = read(_LENGTH)
        topic = content[place : place + length].decode()
        place += length
        for _ in range(read(_COUNT)):
            yield topic, read(_COUNT)


def matches(topic: str, subscription: str) -> bool:
    """Tell whether a subscription, a topic's name or a pattern that begins with ``^``, is for a topic."""
    if subscription.startswith("^"):
        return re.search(subscription, topic) is not None
    return topic == subscription
