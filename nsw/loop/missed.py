"""
Topics that match a subscription and that no member of the group was given to read.

A static member that comes back gets the assignment that its predecessor had, and the group is not asked anew (KIP-345).
A topic that was made while it was away then stays unread until something else moves the group.
"""

from confluent_kafka.admin import AdminClient

from nsw.loop.clientlog import client_log
from nsw.loop.membership import matches, read_group
from nsw.loop.settings import LoopSettings


def find_missed(settings: LoopSettings, timeout: float) -> frozenset[str] | None:
    """
    Name the topics that were missed.

    Returns:
        None when it can't be told now: the group is being given its partitions.

    Raises:
        KafkaException: no answer in time.
    """
    patterns = [each for each in settings.subscription if each.startswith("^")]
    if not patterns:
        return frozenset()
    admin = AdminClient(settings.admin_config(), logger=client_log)
    found = admin.list_topics(timeout=timeout).topics
    matching = {name for name in found if any(matches(name, each) for each in patterns)}
    group = read_group(admin, settings.group_id, timeout)
    return frozenset(matching - {topic for topic, _number in group.owned}) if group.is_stable else None
