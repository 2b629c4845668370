"""Reading small topics beside the stream, without a group and without transactions."""

import time  # noqa: TID251 - an edge: it waits for the broker
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from nsw.errors import TransientError
from nsw.loop.clientlog import client_log
from nsw.loop.records import read_messages
from nsw.loop.remedies import check_consumed
from nsw.loop.settings import ClientConfig, connecting
from nsw.model import Record

_POLL_RECORDS = 1_000
_POLL_SECONDS = 0.1


class ControlFollower:
    """
    Follows a small topic from its start: committed records only, no group, never waiting.

    Its user polls it, in one thread. A topic that is missing is found when it appears.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        partitions: int = 1,
        client_config: ClientConfig | None = None,
    ) -> None:
        self._consumer = Consumer(
            {
                **connecting(bootstrap_servers),
                # The client wants a name; nothing is ever committed under it.
                "group.id": f"{topic}.follower",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "topic.metadata.refresh.interval.ms": 1_000,
                "fetch.wait.max.ms": 100,
                "logger": client_log,
                **(client_config or {}),
            }
        )
        self._consumer.assign(
            [TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(partitions)]
        )
        self._behind = set(range(partitions))

    @property
    def caught_up(self) -> bool:
        """Whether the end of every partition has been seen once."""
        return not self._behind

    def poll(self, timeout: float = 0.0) -> list[Record]:
        """
        Give the records that have come; with the default, without waiting.

        Raises:
            LoopFatalError: the topic can't be read on.
        """
        records = []
        messages = self._consumer.consume(_POLL_RECORDS, timeout)
        for message, found in zip(messages, read_messages(messages), strict=True):
            if isinstance(found, Record):
                records.append(found)
            elif found.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - so is its name
                self._behind.discard(cast("int", message.partition()))
            else:
                check_consumed(found)
        return records

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def read_topic(
    bootstrap_servers: str,
    topic: str,
    *,
    partitions: int = 1,
    timeout: float = 30.0,
    client_config: ClientConfig | None = None,
) -> list[Record]:
    """
    Read all committed records that a topic holds now; each partition in order.

    Raises:
        TransientError: the end was not reached within *timeout* seconds.
    """
    follower = ControlFollower(bootstrap_servers, topic, partitions=partitions, client_config=client_config)
    try:
        records: list[Record] = []
        until = time.monotonic() + timeout
        while not follower.caught_up:
            records += follower.poll(_POLL_SECONDS)
            if time.monotonic() > until:
                raise TransientError(f"{topic}: its end was not reached within {timeout:.0f} s")
        return records
    finally:
        follower.close()
