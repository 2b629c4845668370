"""Reading a partition's changelog to its end, before its records are worked on."""

import logging
import time  # noqa: TID251 - an edge: it waits for the broker
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient

from nsw.errors import TransientError
from nsw.loop.clientlog import client_log
from nsw.loop.remedies import check_consumed, describe
from nsw.loop.settings import ClientConfig, connecting

#: Takes keys and values in order, and the offset behind the last of them.
Apply = Callable[[Sequence[tuple[bytes | None, bytes | None]], int], None]

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_READ_RECORDS = 10_000
_READ_SECONDS = 0.05
_ANSWER_SECONDS = 10.0
_RETRY_SECONDS = 0.25


class ChangelogReader:
    """
    Reads one compacted topic, partition by partition.

    The target is the high watermark, taken when the reading begins: whoever calls after it has read stable committed
    offsets sees everything that those offsets stand for. Up to there only committed records are handed over, and
    the end is taken from the broker's end-of-partition, since markers and aborted records leave gaps.

    Args:
        patience_seconds: how long nothing may come before the end, and how long the broker may have no answer.
        stopping: asked while reading; when true the reading ends with ``TransientError``.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        topic: str,
        *,
        stopping: Callable[[], bool],
        patience_seconds: float = 60.0,
        client_config: ClientConfig | None = None,
    ) -> None:
        self._topic = topic
        self._stopping = stopping
        self._patience = patience_seconds
        self._config: dict[str, Any] = {
            **connecting(bootstrap_servers),
            "logger": client_log,
            **(client_config or {}),
        }
        self._admin = AdminClient(self._config)
        self._source = ""

    @property
    def source(self) -> str:
        """
        Name the changelog: a topic made anew under the same name is another one.

        Raises:
            TransientError: the broker does not answer, or there is no such topic.
        """
        if not self._source:
            self._source = f"{self._topic}:{self._ask(self._topic_id)}"
        return self._source

    def end(self, partition: int) -> int:
        """
        Give the high watermark: open transactions' records are before it.

        Raises:
            TransientError: the broker does not answer.
        """
        consumer = Consumer(self._consumer_config("read_uncommitted"))
        try:
            place = TopicPartition(self._topic, partition)
            _low, high = self._ask(lambda: consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS))
        finally:
            consumer.close()
        return int(high)

    def __call__(self, partition: int, start: int | None, apply: Apply) -> int:
        """
        Hand over every committed record from *start* to the end, in order.

        Returns:
            The offset that the next record will have at least.

        Raises:
            TransientError: the end was not reached.
            LoopFatalError: the topic can't be read.
        """
        target = self.end(partition)
        if (start or 0) >= target:
            return target
        consumer = Consumer(self._consumer_config("read_committed"))
        try:
            # Not ``OFFSET_BEGINNING``: the client would look for it half a second longer.
            consumer.assign([TopicPartition(self._topic, partition, start or 0)])
            return self._read(consumer, partition, target, apply)
        finally:
            consumer.close()

    def _read(self, consumer: Consumer, partition: int, target: int, apply: Apply) -> int:
        count, began = 0, time.monotonic()
        until = began + self._patience
        while True:
            if self._stopping():
                raise TransientError("the process is to end")
            messages = consumer.consume(_READ_RECORDS, _READ_SECONDS)
            # Millions of records may come: no more is made of them than is needed.
            pairs = [(each.key(), each.value()) for each in messages if each.error() is None]
            if pairs:
                last = next(each for each in reversed(messages) if each.error() is None)
                apply(pairs, cast("int", last.offset()) + 1)
                count += len(pairs)
                until = time.monotonic() + self._patience
            end = _find_end(messages)
            if end is not None and end >= target:
                log.info(
                    "%s[%d]: %d records read in %.1f s",
                    self._topic,
                    partition,
                    count,
                    time.monotonic() - began,
                )
                return end
            # An end before the target is an open transaction's begin: it is committed or aborted soon.
            if time.monotonic() > until:
                raise TransientError(f"{self._topic}[{partition}]: offset {target} was not reached")

    def _topic_id(self) -> object:
        found = self._admin.describe_topics(TopicCollection([self._topic]), request_timeout=_ANSWER_SECONDS)
        return found[self._topic].result().topic_id

    def _ask(self, question: Callable[[], _T]) -> _T:
        """Ask again for a while: a partition that was made just now, or moves to another broker, has no leader."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return question()
            except KafkaException as exception:
                error = exception.args[0]
                if error.fatal() or self._stopping() or time.monotonic() > until:
                    raise TransientError(f"{self._topic}: {describe(error)}") from exception
                log.info("%s: %s; trying again", self._topic, describe(error))
                time.sleep(_RETRY_SECONDS)

    def _consumer_config(self, isolation_level: str) -> dict[str, Any]:
        return self._config | {
            # The client wants a name; nothing is ever committed under it.
            "group.id": f"{self._topic}.reader",
            "isolation.level": isolation_level,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "queued.max.messages.kbytes": 64 * 1024,
            "fetch.wait.max.ms": 100,
        }


def _find_end(messages: Sequence[Message]) -> int | None:
    """Give the partition's end if it was among the messages."""
    end = None
    for message in messages:
        error = message.error()
        if error is None:
            continue
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - so is its name
            end = cast("int", message.offset())
        else:
            check_consumed(error)
    return end
