"""The consuming half of the loop: partitions come and go, records wait in order, topics are paused."""

import contextlib
import logging
import sys
import threading
import time  # noqa: TID251 - an edge: it waits for the broker
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from nsw.errors import TransientError
from nsw.loop.backlog import Backlog
from nsw.loop.missed import find_missed
from nsw.loop.probation import Probation
from nsw.loop.records import read_messages
from nsw.loop.remedies import LoopFatalError, check_consumed, describe
from nsw.loop.settings import LoopSettings
from nsw.loop.work import Partition, Steps, Work
from nsw.model import Record

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.1
_COMMITTED_SECONDS = 2.0
_LOOK_AGAIN_SECONDS = 1.0
#: How librdkafka 2.16 writes a group's metadata down: a magic word, then the generation, here -1.
_NO_GENERATION = b"CGMDv2:\xff\xff\xff\xff"


class Source:
    """
    The loop's consumer and the backlog it fills.

    Args:
        callbacks: the client's settings that are callables.
        stopping: set when no more partitions are to be taken.
    """

    def __init__(
        self,
        settings: LoopSettings,
        work: Work,
        step: Steps,
        callbacks: dict[str, Any],
        stopping: threading.Event,
    ) -> None:
        self.backlog = Backlog()
        self.probation = Probation(settings.batch_records)
        self._settings = settings
        self._work = work
        self._step = step
        self._stopping = stopping
        self._paused: frozenset[Partition] = frozenset()
        self._failure: BaseException | None = None
        # When to look for topics that were made while this slot had no process; None: not, or not again.
        self._look_at: float | None = None
        self._has_joined = False
        self._consumer = Consumer(settings.consumer_config() | callbacks)

    def subscribe(self) -> None:
        """Join the group."""
        self._consumer.subscribe(
            list(self._settings.subscription),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def close(self) -> None:
        """
        Give the partitions back.

        A static member stays in the group: the next process of its slot takes the same partitions.
        """
        self._stopping.set()
        with contextlib.suppress(KafkaException, RuntimeError):
            self._consumer.close()

    def group(self) -> object | None:
        """
        Give the group's metadata, by which the coordinator knows a worker that lost its partitions.

        Returns:
            None when the client knows already that this process lost its place, and ``receive`` is still to tell:
            the coordinator takes offsets that come with such blank metadata from anybody.
        """
        metadata = self._consumer.consumer_group_metadata()
        return None if is_blank(metadata) else metadata

    def receive(self) -> bool:
        """
        Take what has come into the backlog, and serve rebalances, which happen only in here.

        So it must be called even while records wait; then it doesn't wait itself.

        Returns:
            Whether records came.

        Raises:
            LoopFatalError: nothing more can be read, or restoring failed.
        """
        missing = max(self._settings.batch_records - len(self.backlog), 1)
        messages = self._consume(missing, 0.0 if self.backlog else self._settings.poll_seconds)
        self.check()
        if self._look_at is not None and time.monotonic() >= self._look_at:
            self._look_for_missed_topics()
        for found in read_messages(messages):
            if isinstance(found, Record):
                self.backlog.add(found)
            else:
                check_consumed(found)
        return bool(messages)

    def marks(self) -> list[TopicPartition]:
        """Give what is to be committed before work begins on partitions just taken over; mostly nothing."""
        fresh = self.probation.fresh
        firsts = self.backlog.firsts(fresh) if fresh else ()
        if not firsts:
            return []
        marks = self.probation.marks(firsts)
        return [TopicPartition(*name, offset, note) for name, (offset, note) in marks.items()]

    def _consume(self, count: int, timeout: float) -> list[Message]:
        try:
            return self._consumer.consume(count, timeout)
        except KafkaException as exception:
            # Of a fatal error the client tells among the messages, or so.
            raise LoopFatalError(f"consumer: {describe(exception.args[0])}") from exception

    def check(self) -> None:
        """Raise what went wrong in a callback of the client."""
        if self._failure is not None:
            raise self._failure

    def _look_for_missed_topics(self) -> None:
        """Join the group again when topics were missed; once in a process, as later ones are noticed by the client."""
        self._look_at = None
        try:
            missed = find_missed(self._settings, _COMMITTED_SECONDS)
        except KafkaException as exception:
            log.info("looking for missed topics: %s; trying again", describe(exception.args[0]))
            missed = None
        if missed is None:
            self._look_at = time.monotonic() + _LOOK_AGAIN_SECONDS
        if missed:
            log.info("joining the group again for %d topics, such as %s", len(missed), min(missed))
            self._consumer.unsubscribe()
            self.subscribe()

    def pause(self) -> None:
        """Pause and resume partitions as the work wants it now."""
        topics = self._work.paused_topics()
        self.backlog.hold(topics)
        owned = self.backlog.partitions if topics or self._paused else frozenset()
        wanted = frozenset(partition for partition in owned if partition[0] in topics)
        if wanted != self._paused:
            self._consumer.pause([TopicPartition(*partition) for partition in wanted - self._paused])
            self._consumer.resume([TopicPartition(*partition) for partition in self._paused - wanted])
            self._paused = wanted

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._take_over(consumer, partitions)
        except:  # noqa: E722 - some errors of the client inside callbacks are not even BaseExceptions
            self._keep_failure("assignment")

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            names = [(partition.topic, partition.partition) for partition in partitions]
            self.backlog.disown(names)
            self.probation.forget(names)
            self._paused -= frozenset(names)
            self._work.revoked(names)
            self._step("revoke")
        except:  # noqa: E722 - as above
            self._keep_failure("revocation")

    def _keep_failure(self, what: str) -> None:
        _, value, _ = sys.exc_info()
        self._failure = value if isinstance(value, BaseException) else LoopFatalError(f"{what}: {value}")

    def _take_over(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Waits until no transaction has offsets of these partitions pending: whatever a predecessor still
        # commits is visible after this, so it must come before the work restores its state.
        stable = self._stable_offsets(consumer, partitions)
        if stable is None:
            return
        self._step("assign:committed")
        try:
            self._work.assigned([(partition.topic, partition.partition) for partition in stable])
        except TransientError:
            if self._stopping.is_set():
                return
            raise
        self._step("assign:restored")
        for partition in stable:
            name, note = (partition.topic, partition.partition), partition.metadata
            if self._settings.judge_seconds is not None:
                self.probation.take(name, partition.offset, note, time.monotonic())
            if partition.offset < 0:
                partition.offset = OFFSET_BEGINNING
            self.backlog.own(name, partition.offset)
        consumer.incremental_assign(stable)
        if not self._has_joined and self._settings.group_instance_id:
            self._look_at = time.monotonic()
        self._has_joined = True
        self._step("assign:assigned")

    def _stable_offsets(
        self, consumer: Consumer, partitions: list[TopicPartition]
    ) -> list[TopicPartition] | None:
        """Give the partitions with their offsets; None when the loop is to end, as a closing client has no answer."""
        until = time.monotonic() + self._settings.broker_wait_seconds
        while not self._stopping.is_set():
            stable, errors = self._ask_offsets(consumer, partitions)
            if not errors:
                return stable
            # Errors of this call carry no flags, so any may pass with time (a transaction ends).
            if time.monotonic() > until or errors[0].fatal():
                raise LoopFatalError(f"committed offsets: {describe(errors[0])}")
            log.info("committed offsets: %s; trying again", describe(errors[0]))
            time.sleep(_RETRY_SECONDS)
        return None

    def _ask_offsets(
        self, consumer: Consumer, partitions: list[TopicPartition]
    ) -> tuple[list[TopicPartition], list[KafkaError]]:
        try:
            found = consumer.committed(partitions, _COMMITTED_SECONDS)
        except KafkaException as exception:
            return [], [exception.args[0]]
        return found, [partition.error for partition in found if partition.error is not None]


def is_blank(metadata: object) -> bool:
    """Tell whether a group's metadata names no generation: its writer is in no group."""
    return not isinstance(metadata, bytes) or metadata.startswith(_NO_GENERATION)
