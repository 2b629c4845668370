"""
The transactional consume-process-produce loop on librdkafka: outputs and offsets of a batch are one commit.

It knows Kafka and nothing of declarations: what becomes of a record is its ``Work``'s to say. Four things must not
be changed here; each was seen to lose or to double declarations (docs/delivery.md):

1. On assignment: stable committed offsets first, then the work restores, then the partitions are taken there.
2. State is written after the commit, never before it.
3. Offsets come from the records that are done, never from the client's position; the group metadata is the
   loop's own consumer's.
4. Callbacks of the client never raise: an exception there leaves partitions assigned without their state.
"""

from nsw.loop.backlog import Backlog
from nsw.loop.changelog import ChangelogReader
from nsw.loop.follower import ControlFollower, read_topic
from nsw.loop.records import UNREADABLE_HEADER_NAME
from nsw.loop.remedies import LoopFatalError, Remedy, remedy_of
from nsw.loop.settings import ClientConfig, LoopSettings
from nsw.loop.transactional import TransactionalLoop
from nsw.loop.work import Partition, Work

__all__ = [
    "UNREADABLE_HEADER_NAME",
    "Backlog",
    "ChangelogReader",
    "ClientConfig",
    "ControlFollower",
    "LoopFatalError",
    "LoopSettings",
    "Partition",
    "Remedy",
    "TransactionalLoop",
    "Work",
    "read_topic",
    "remedy_of",
]
