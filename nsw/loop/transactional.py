"""The loop itself: one batch, one transaction."""

import logging
import math
import threading
import time  # noqa: TID251 - an edge: it waits for the broker
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from nsw.errors import Code, MessageError, TransientError
from nsw.loop.batch import Batch, find_oversized
from nsw.loop.clientlog import client_log
from nsw.loop.membership import await_orphans
from nsw.loop.patience import within
from nsw.loop.permissions import find_forbidden
from nsw.loop.remedies import (
    UNAVAILABLE_CODES,
    AbortError,
    LoopFatalError,
    ProducerLostError,
    Remedy,
    describe,
    raise_unless_passing,
    remedy_of,
)
from nsw.loop.settings import LoopSettings
from nsw.loop.source import Source
from nsw.loop.watchdog import Watchdog
from nsw.loop.work import Place, Steps, Work, place_of
from nsw.model import Publication, Record

log = logging.getLogger(__name__)

_T = TypeVar("_T")

_STOP_PATIENCE_SECONDS = 8.0
# It takes milliseconds, and some seconds while a coordinator moves; a restart must still fit into nobody's silence.
_SEND_OFFSETS_SECONDS = 5
_IDLE_SECONDS = 1.0
_FLUSH_SLICE_SECONDS = 0.25
_RETRY_SECONDS = 0.1
_FIRST_BACKOFF_SECONDS = 0.05
_LAST_BACKOFF_SECONDS = 2.0
_POLL_EVERY_RECORDS = 64


def _no_step(_name: str) -> None:
    pass


class TransactionalLoop:
    """
    Reads, has each record processed, publishes, and commits all of it in one transaction per batch.

    Args:
        steps: called with the name of each step when it is done, for placing faults in tests.
    """

    def __init__(self, settings: LoopSettings, work: Work, *, steps: Steps = _no_step) -> None:
        self._settings = settings
        self._work = work
        self._step = steps
        self._stopping = threading.Event()
        self._refusals: dict[Place, str] = {}
        self._suspects: set[Place] = set()
        self._unavailable: set[str] = set()
        self._aborts = 0
        self._idle_at = 0.0
        self._trouble = ""
        # Set by ``stop``: an absent broker must not hold the process.
        self._give_up_at = float("inf")
        self._guarded = settings.judge_seconds is not None
        self._watchdog = Watchdog(
            None if settings.judge_seconds is None else settings.judge_seconds + settings.batch_seconds
        )
        self._source: Source
        self._producer: Producer

    def run(self) -> None:
        """
        Work until ``stop``; the batch at hand is committed first.

        Raises:
            LoopFatalError: this process can't go on: fenced, no broker, or too many aborts.
            InvariantError: a bug, ours or the client's.
        """
        self._open()
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._source.close()
        self._source.check()

    def stop(self) -> None:
        """Ask the loop to end after the batch at hand; may be called from any thread."""
        self._give_up_at = time.monotonic() + _STOP_PATIENCE_SECONDS
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """Whether ``stop`` was called: what takes long should end early."""
        return self._stopping.is_set()

    def known_topics(self, timeout: float = 5.0) -> frozenset[str]:
        """
        List the topics that the broker shows us; for use within the hooks of ``Work``.

        Raises:
            TransientError: no answer in time.
        """
        try:
            metadata = self._producer.list_topics(timeout=timeout)
        except KafkaException as exception:
            raise TransientError(f"list of topics: {describe(exception.args[0])}") from exception
        return frozenset(name for name, topic in metadata.topics.items() if topic.error is None)

    def _open(self) -> None:
        self._open_producer()
        self._step("init")
        await_orphans(self._settings, self._stopping)
        self._source = Source(self._settings, self._work, self._step, self._callbacks, self._stopping)
        self._source.subscribe()

    def _open_producer(self) -> None:
        self._producer = Producer(self._settings.producer_config() | self._callbacks)
        # Fences a predecessor of this slot, and aborts what it left open.
        try:
            self._call("init", self._producer.init_transactions, self._timeout)
        except AbortError as error:
            raise LoopFatalError(str(error)) from error

    @property
    def _callbacks(self) -> dict[str, Any]:
        return {"error_cb": self._note_trouble, "logger": client_log}

    @property
    def _timeout(self) -> float:
        seconds = self._settings.transaction_timeout_ms / 1000
        return min(seconds, max(self._give_up_at - time.monotonic(), _RETRY_SECONDS))

    def _note_trouble(self, error: KafkaError) -> None:
        self._trouble = describe(error)
        client_log.warning("%s %s", error.name(), error.str())

    def _turn(self) -> None:
        received = self._source.receive()
        self._step("consume")
        self._source.pause()
        if self._source.backlog:
            self._run_batch()
        now = time.monotonic()
        if now >= self._idle_at or not received:
            self._idle_at = now + _IDLE_SECONDS
            self._rest()

    def _rest(self) -> None:
        try:
            self._work.idle()
        except TransientError as error:
            log.warning("beside the stream: %s", error)

    def _run_batch(self) -> None:
        started = time.monotonic()
        batch = Batch()
        committing = False
        # Taken before the work, so that a generation that ends meanwhile is refused by the coordinator.
        group = self._source.group()
        if group is None or not self._mark(group):
            return
        # Before the transaction begins: one slow record must not let it time out, with everybody's in it.
        try:
            with self._watchdog.guarding():
                outputs = self._process(batch, started + self._settings.batch_seconds)
        except TransientError as error:
            self._put_back(str(error), batch, learnt=False)
            return
        try:
            self._call("begin", self._producer.begin_transaction)
            self._step("begin")
            self._produce(batch, outputs)
            self._step("produce")
            self._flush(batch)
            self._step("flush")
            offsets = batch.offsets()
            self._call("send-offsets", self._send_offsets, offsets, group)
            self._step("send-offsets")
            committing = True
            self._call("commit", self._producer.commit_transaction, self._timeout)
        except AbortError as error:
            cause = self._find_cause(batch, group)
            self._abort(str(error) if cause is None else describe(cause), batch, cause, committing=committing)
            return
        self._step("commit")
        self._settle(batch)
        self._source.probation.committed(
            batch.records, waiting=bool(self._source.backlog), now=time.monotonic()
        )
        self._work.committed(batch.records, batch.publications, time.monotonic() - started)
        self._step("committed")

    def _mark(self, group: object) -> bool:
        """Note where work begins, once for each assignment; in a transaction, so that only a member can."""
        marks = self._source.marks()
        if not marks:
            return True
        committing = False
        try:
            self._call("begin", self._producer.begin_transaction)
            self._call(
                "send-offsets", self._producer.send_offsets_to_transaction, marks, group, self._timeout
            )
            committing = True
            self._call("commit", self._producer.commit_transaction, self._timeout)
        except AbortError as error:
            self._abort_transaction(committing=committing)
            self._put_back(f"mark: {error}", Batch(), learnt=False)
            return False
        self._source.probation.forget([(each.topic, each.partition) for each in marks])
        self._step("mark")
        return True

    def _process(self, batch: Batch, until: float) -> list[Sequence[Publication]]:
        """Take records until the batch is full, and give what each leads to."""
        backlog, records, suspects = self._source.backlog, batch.records, self._suspects
        record_limit, bytes_left = self._settings.batch_records, self._settings.batch_bytes
        outputs: list[Sequence[Publication]] = []
        # Nothing is read ahead of a record that is to be judged apart, or of one that has a batch of its own.
        careful = bool(suspects) or (self._guarded and self._source.probation.active)
        self._work.announce(() if careful else backlog.upcoming(record_limit))
        while backlog and len(records) < record_limit:
            alone = bool(suspects) and place_of(backlog.first()) in suspects
            if alone and records:
                break
            record = backlog.take()
            records.append(record)
            try:
                outputs.append(self._outputs_of(record))
            except TransientError:
                raise
            except Exception as error:
                error.add_note(f"at {record.topic}[{record.partition}] offset {record.offset}")
                raise
            bytes_left -= len(record.value or b"")
            if alone or bytes_left <= 0 or time.monotonic() >= until:
                break
        return outputs

    def _produce(self, batch: Batch, outputs: Sequence[Sequence[Publication]]) -> None:
        for count, (record, publications) in enumerate(zip(batch.records, outputs, strict=True), start=1):
            self._publish(batch, record, publications)
            if count % _POLL_EVERY_RECORDS == 0:
                self._serve(self._producer.poll, 0)
                batch.check()

    def _outputs_of(self, record: Record) -> Sequence[Publication]:
        if self._refusals and (detail := self._refusals.get(place_of(record))) is not None:
            return self._work.refuse(record, Code.OUTPUT_TOO_LARGE, detail)
        if self._guarded and (self._source.probation.active or self._work.is_suspect(record)):
            try:
                with self._watchdog.resting():
                    publications = self._work.process_apart(record)
            except MessageError as error:
                self._source.probation.found(time.monotonic())
                return self._work.refuse(record, error.code, error.detail)
        else:
            publications = self._work.process(record)
        # Looked at before anything is produced: an abort for each oversized record would be slow.
        oversized = find_oversized(publications, self._settings.max_message_bytes)
        if oversized is None:
            return publications
        return self._work.refuse(record, Code.OUTPUT_TOO_LARGE, oversized)

    def _publish(self, batch: Batch, record: Record, publications: Sequence[Publication]) -> None:
        batch.publications.extend(publications)
        for publication in publications:
            on_delivery = partial(batch.delivered, record, publication.topic)
            while not self._publish_one(batch, record, publication, on_delivery):
                self._serve(self._producer.poll, _RETRY_SECONDS)
                batch.check()

    def _publish_one(
        self,
        batch: Batch,
        record: Record,
        publication: Publication,
        on_delivery: Callable[..., None],
    ) -> bool:
        try:
            self._producer.produce(
                publication.topic,
                publication.value,
                publication.key,
                -1 if publication.partition is None else publication.partition,
                on_delivery,
                headers=list(publication.headers),
            )
        except BufferError:
            return False
        except KafkaException as exception:
            error = exception.args[0]
            batch.failed(record, publication.topic, error)
            raise_unless_passing(f"produce to {publication.topic}", error)
            batch.check()
        return True

    def _flush(self, batch: Batch) -> None:
        # Before the offsets: records left in the queue of a failed transaction were seen to break the next.
        # The client gives a record up after one timeout; so two are only the last resort.
        until = time.monotonic() + 2 * self._settings.transaction_timeout_ms / 1000
        while self._serve(self._producer.flush, _FLUSH_SLICE_SECONDS):
            batch.check()
            if time.monotonic() > min(until, self._give_up_at):
                raise AbortError("flush: not all records were delivered in time")
        batch.check()

    def _serve(self, function: Callable[[float], int], seconds: float) -> int:
        """
        Let the client hand over its reports.

        Raises:
            LoopFatalError: the client raised its own fatal error, which it does out of any such call. If a report
                was due as well, Python finds a callback that returned while an exception was set.
        """
        try:
            return function(seconds)
        except (KafkaException, SystemError) as exception:
            cause = exception if isinstance(exception, KafkaException) else exception.__cause__
            if not isinstance(cause, KafkaException):
                raise
            raise LoopFatalError(f"producer: {describe(cause.args[0])}") from exception

    def _send_offsets(self, offsets: list[TopicPartition], group: object) -> None:
        # librdkafka heeds no timeout here, and may wait for ever for a group's coordinator that died (its issues
        # 5456 and 5511, open in 2.16.0).
        seconds = min(math.ceil(self._timeout), _SEND_OFFSETS_SECONDS)
        with within(seconds + 1, "send-offsets"):
            self._producer.send_offsets_to_transaction(offsets, group, self._timeout)

    def _settle(self, batch: Batch) -> None:
        self._aborts = 0
        self._unavailable.clear()
        if self._refusals or self._suspects:
            for record in batch.records:
                place = place_of(record)
                self._refusals.pop(place, None)
                self._suspects.discard(place)

    def _call(self, step: str, function: Callable[..., _T], *args: object) -> _T:
        """
        Call the client; while the error is one that passes, call the same function again.

        Raises:
            AbortError: the transaction can't be committed.
            LoopFatalError: this producer is done for, or the broker was away for too long.
        """
        until = time.monotonic() + self._settings.broker_wait_seconds
        while True:
            try:
                return function(*args)
            except KafkaException as exception:
                error = exception.args[0]
                raise_unless_passing(step, error)
                self._serve(self._producer.poll, 0)
                if time.monotonic() > min(until, self._give_up_at):
                    cause = self._trouble or describe(error)
                    raise LoopFatalError(f"{step}: the broker stayed away: {cause}") from exception
                log.info("%s: %s; trying again", step, describe(error))
                time.sleep(_RETRY_SECONDS)

    def _find_cause(self, batch: Batch, group: object) -> KafkaError | None:
        """Ask why a transaction failed in the background; its deliveries say only that they were dropped."""
        if not batch.failed_elsewhere or self._stopping.is_set():
            return None
        try:
            # The client answers any call inside a failed transaction with what made it fail.
            self._send_offsets(batch.offsets(), group)
        except KafkaException as exception:
            error: KafkaError = exception.args[0]
            if remedy_of(error) is Remedy.DIE:
                raise LoopFatalError(describe(error)) from exception
            return error
        return None

    def _abort(self, reason: str, batch: Batch, cause: KafkaError | None, *, committing: bool) -> None:
        log.warning("aborting a batch of %d records: %s", len(batch.records), reason)
        self._abort_transaction(committing=committing)
        self._put_back(reason, batch, learnt=self._learn(batch, cause))

    def _put_back(self, reason: str, batch: Batch, *, learnt: bool) -> None:
        # The records are done again from memory: no seek, whose position would have to be trusted.
        self._source.backlog.put_back(batch.records)
        self._work.aborted(reason)
        self._step("abort")
        if learnt:
            self._aborts = 0
            return
        self._aborts += 1
        if self._aborts >= self._settings.max_consecutive_aborts:
            raise LoopFatalError(f"{self._aborts} transactions in a row were aborted, the last one: {reason}")
        self._stopping.wait(min(_FIRST_BACKOFF_SECONDS * 2 ** (self._aborts - 1), _LAST_BACKOFF_SECONDS))

    def _abort_transaction(self, *, committing: bool) -> None:
        try:
            self._call("abort", self._producer.abort_transaction, self._timeout)
        except AbortError as error:
            raise LoopFatalError(str(error)) from error
        except ProducerLostError as error:
            # Seen when every partition of the transaction was forbidden: the coordinator knows of none to abort.
            # Once a commit was asked for, only the committed offsets, read anew, can tell whether it came about.
            if committing:
                raise
            log.warning("beginning anew with another producer: %s", error)
            self._open_producer()

    def _learn(self, batch: Batch, cause: KafkaError | None) -> bool:
        """Draw from an abort what must go otherwise next time; tell whether that is anything new."""
        known = len(self._refusals) + len(self._suspects) + len(self._unavailable)
        oversized = {}
        for failure in batch.failures:
            if failure.error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                oversized[failure.place] = f"{failure.topic}: {describe(failure.error)}"
            elif failure.error.code() in UNAVAILABLE_CODES:
                self._tell_unavailable(failure.topic, failure.error)
        if cause is not None and cause.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            for topic in find_forbidden(self._settings, batch.topics, self._timeout):
                self._tell_unavailable(topic, cause)
        if len(oversized) == 1:
            self._refusals.update(oversized)
        else:
            # The broker refuses a whole set of records for one: do each alone, to see which one it is.
            self._suspects.update(oversized)
        return len(self._refusals) + len(self._suspects) + len(self._unavailable) > known

    def _tell_unavailable(self, topic: str, error: KafkaError) -> None:
        if topic not in self._unavailable:
            self._unavailable.add(topic)
            self._work.unavailable(topic, describe(error))
