"""
A worker process for the tests of the loop: copies records, and has a fault placed at a step.

The steps are those that the loop tells of, and more that are found by looking inside: each publication, the reading
of the changelog, the store's own transaction, and ``asked:`` for the midst of a call to the broker.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from nsw.cases import Case, CaseState
from nsw.casestore import CaseBook
from nsw.casestore.book import Apply
from nsw.casestore.partition import Change, Checkpoint, PartitionStore
from nsw.errors import Code, InvariantError, MessageError
from nsw.identifiers import AgencyCode, CaseId
from nsw.loop import ChangelogReader, LoopSettings, TransactionalLoop
from nsw.loop.work import Steps
from nsw.model import Format, Publication, Purpose, Record
from nsw.stream import run_worker

T = TypeVar("T")
DEAD, HELD = "dead", "held"
DAY = date(2026, 11, 22)
#: So long after a call to the broker began it is still under way, mostly.
_ASKED_SECONDS = 0.001


@dataclass(frozen=True)
class Task:
    """
    What one worker process does.

    Attributes:
        step: where the fault happens; '' for none.
        nth: at which passing of this step.
        changelog: topic of the case state, with *folder* for its store; '' keeps none.
        fault: ``kill`` and ``stop`` are signals to itself, ``raise`` a bug, ``hold`` a pause of *hold_seconds*.
        record_seconds: how long each record takes.
        judge_seconds: as in the loop's settings; with it, marks are kept.
        log: file for what the process writes; '' leaves it with the test.
    """

    bootstrap_servers: str
    group: str
    source: str
    target: str
    slot: str = "0"
    step: str = ""
    nth: int = 1
    fault: str = "kill"
    hold_seconds: float = 0.0
    record_seconds: float = 0.0
    batch_records: int = 50
    transaction_timeout_ms: int = 10_000
    session_timeout_ms: int = 6_000
    changelog: str = ""
    folder: str = ""
    judge_seconds: float | None = None
    log: str = ""

    def work(
        self, stopping: Callable[[], bool] = lambda: False, steps: Steps = lambda _step: None
    ) -> "CopyWork":
        """Give the work: one that keeps cases where a changelog is named."""
        if not self.changelog:
            return CopyWork(self.target, self.record_seconds)
        reader = WatchedReader(self.bootstrap_servers, self.changelog, stopping=stopping)
        reader.steps = steps
        book = WatchedBook(Path(self.folder) / self.slot, reader, keep_days=10, today=date.today)
        book.steps = steps
        return CaseWork(self.target, book, self.changelog, self.record_seconds)

    def settings(self, **changes: object) -> LoopSettings:
        """Give the loop's settings for this task."""
        values = {
            "bootstrap_servers": self.bootstrap_servers,
            "group_id": self.group,
            "transactional_id": f"{self.group}-{self.slot}",
            "group_instance_id": f"{self.group}-{self.slot}",
            "subscription": (self.source,),
            "batch_records": self.batch_records,
            "transaction_timeout_ms": self.transaction_timeout_ms,
            "session_timeout_ms": self.session_timeout_ms,
            "judge_seconds": self.judge_seconds,
            "broker_wait_seconds": 30.0,
        }
        return LoopSettings(**(values | changes))  # type: ignore[arg-type]


class CopyWork:
    """
    Copies each record to the target, and its origin into a header.

    A value ``to:<topic>`` is sent to that topic instead; ``big:<n>`` leads to an output of n bytes, and
    of ``abort:`` the process dies.
    """

    def __init__(self, target: str, record_seconds: float = 0.0) -> None:
        self.target = target
        self.record_seconds = record_seconds
        self.paused: frozenset[str] = frozenset()
        self.missing: dict[str, str] = {}
        self.owned: set[tuple[str, int]] = set()
        self.refused: list[str] = []
        self.reasons: list[str] = []
        # Nobody asks a worker process, and its memory is looked at.
        self.keeps = True
        self.done: list[Record] = []
        self.published: list[Publication] = []
        self.idled = 0

    def process(self, record: Record) -> Sequence[Publication]:
        """Copy the record."""
        if self.record_seconds:
            time.sleep(self.record_seconds)
        kind, _, argument = (record.value or b"").partition(b":")
        if kind == b"to":
            topic = argument.decode()
            return (self._copy(record, HELD if topic in self.missing else topic, record.value),)
        if kind == b"big":
            return (self._copy(record, self.target, b"x" * int(argument)),)
        if kind == b"abort":
            os.abort()
        return (self._copy(record, self.target, record.value),)

    def announce(self, records: Sequence[Record]) -> None:
        """Learn what comes next."""

    def is_suspect(self, record: Record) -> bool:  # noqa: ARG002 - none is by itself
        """Suspect nothing."""
        return False

    def process_apart(self, record: Record) -> Sequence[Publication]:
        """Copy the record here too, but die of none."""
        if (record.value or b"").startswith(b"abort:"):
            raise MessageError(Code.ENDS_PROCESS, "it aborts")
        return self.process(record)

    def refuse(self, record: Record, code: Code, detail: str) -> Sequence[Publication]:
        """Publish a dead letter."""
        self.refused.append(f"{code}: {detail}")
        return (self._copy(record, self.target, DEAD.encode()),)

    def unavailable(self, topic: str, reason: str) -> None:
        """Divert what is for this topic from now on."""
        self.missing[topic] = reason

    def assigned(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Note what is owned."""
        self.owned.update(partitions)

    def revoked(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Note what is not owned any more."""
        self.owned.difference_update(partitions)

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        """Note what is done."""
        if seconds < 0 or not publications:
            raise InvariantError("a batch takes time and publishes something")
        if self.keeps:
            self.done.extend(records)
            self.published.extend(publications)

    def aborted(self, reason: str) -> None:
        """Note the reason."""
        self.reasons.append(reason)

    def paused_topics(self) -> frozenset[str]:
        """Name what the test wants to be paused."""
        return self.paused

    def idle(self) -> None:
        """Count the calls."""
        self.idled += 1

    def has_done(self, count: int) -> bool:
        """Tell whether exactly *count* records were committed."""
        return len(self.done) == count

    def _copy(self, record: Record, topic: str, value: bytes | None) -> Publication:
        if topic == HELD:
            topic, value = self.target, HELD.encode()
        origin = f"{record.topic}/{record.partition}/{record.offset}".encode()
        return Publication(Purpose.CASE, topic, record.key, value, (*record.headers, ("origin", origin)))


class CaseWork(CopyWork):
    """Copies each record, and says in a header how often its key was seen before; keys stand for cases."""

    def __init__(self, target: str, book: CaseBook, changelog: str, record_seconds: float) -> None:
        super().__init__(target, record_seconds)
        self._book = book
        self._changelog = changelog

    def process(self, record: Record) -> Sequence[Publication]:
        """Copy the record, and count it in the case of its key."""
        (copy,) = super().process(record)
        key = CaseId((record.key or b"").decode())
        known = self._book.get(record.partition, key)
        times = times_seen(known)
        state = self._book.put(record.partition, seen_case(key, times + 1))
        return (
            replace(copy, headers=(("seen", str(times).encode()), *copy.headers)),
            *(replace(each, topic=self._changelog) for each in state),
        )

    def assigned(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Restore."""
        self._book.assign(number for _, number in partitions)
        super().assigned(partitions)

    def revoked(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Give up."""
        self._book.revoke(number for _, number in partitions)
        super().revoked(partitions)

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        """Write the store."""
        self._book.commit()
        super().committed(records, publications, seconds)

    def aborted(self, reason: str) -> None:
        """Forget the batch."""
        self._book.abort()
        super().aborted(reason)


def seen_case(key: CaseId, times: int) -> Case:
    """Give a case that was seen so often: the number takes the place of its agencies."""
    return Case(key, CaseState.OPEN, Format.XML, DAY, (AgencyCode(str(times)),))


def times_seen(case: Case | None) -> int:
    """Tell how often a case was seen."""
    return 0 if case is None else int(case.agencies[0])


class WatchedReader(ChangelogReader):
    """Tells when the changelog's end is known, and when some of it was applied."""

    steps: Steps

    def end(self, partition: int) -> int:
        """Give the high watermark."""
        found = super().end(partition)
        self.steps("restore:end")
        return found

    def __call__(self, partition: int, start: int | None, apply: Apply) -> int:
        """Read to the end."""

        def apply_and_tell(pairs: Sequence[tuple[bytes | None, bytes | None]], end: int) -> None:
            apply(pairs, end)
            self.steps("restore:applied")

        return super().__call__(partition, start, apply_and_tell)


class WatchedBook(CaseBook):
    """Tells of each write to a store after a commit: when it begins, before its own commit, and when it is done."""

    steps: Steps

    def assign(self, partitions: Iterable[int]) -> None:
        """Take partitions over, and watch their stores."""
        wanted = list(partitions)
        super().assign(wanted)
        self._stores.update((each, _WatchedStore(self._stores[each], self.steps)) for each in wanted)


class _WatchedStore(PartitionStore):
    def __init__(self, store: PartitionStore, steps: Steps) -> None:
        # The same open store, seen from now on.
        self.__dict__.update(store.__dict__)
        self._steps = steps

    def write(self, changes: Iterable[Change], checkpoint: Checkpoint) -> None:
        self._database.set_trace_callback(self._tell)
        super().write(changes, checkpoint)
        self._database.set_trace_callback(None)
        self._steps("store:written")

    def _tell(self, statement: str) -> None:
        if statement.startswith("BEGIN"):
            self._steps("store:begin")
        elif statement == "COMMIT":
            self._steps("store:commit")


class WatchedLoop(TransactionalLoop):
    """Tells of each batch before it begins, of each publication by its place in it, and of calls under way."""

    tells_asked = False
    _published = 0

    def _run_batch(self) -> None:
        self._step("batch")
        super()._run_batch()

    def _produce(self, *arguments: Any) -> None:  # noqa: ANN401 - what the loop gives
        self._published = 0
        super()._produce(*arguments)

    def _publish_one(self, *arguments: Any) -> bool:  # noqa: ANN401 - as above
        done = super()._publish_one(*arguments)
        self._published += 1
        self._step(f"produce:{self._published}")
        return done

    def _outputs_of(self, record: Record) -> Sequence[Publication]:
        outputs = super()._outputs_of(record)
        self._step("process")
        return outputs

    def _call(self, step: str, function: Callable[..., T], *arguments: object) -> T:
        if not self.tells_asked:
            return super()._call(step, function, *arguments)
        # The call lets other threads run while it waits for the broker.
        timer = threading.Timer(_ASKED_SECONDS, self._step, [f"asked:{step}"])
        timer.start()
        try:
            return super()._call(step, function, *arguments)
        finally:
            timer.cancel()


class PlacedFault:
    """Strikes at the n-th passing of one step."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._passed: Counter[str] = Counter()

    def __call__(self, step: str) -> None:
        """Count the step, and strike."""
        self._passed[step] += 1
        if step != self._task.step or self._passed[step] != self._task.nth:
            return
        if self._task.fault == "raise":
            raise InvariantError(f"a bug was placed at {step}")
        if self._task.fault == "hold":
            time.sleep(self._task.hold_seconds)
            return
        os.kill(os.getpid(), signal.SIGKILL if self._task.fault == "kill" else signal.SIGSTOP)


def run(task: Task) -> None:
    """Be one worker process."""
    if task.log:
        file = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, sys.stderr.fileno())
    form = "%(asctime)s %(name)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=form)
    fault = PlacedFault(task)
    work = task.work(steps=fault)
    work.keeps = False

    def build() -> TransactionalLoop:
        loop = WatchedLoop(task.settings(), work, steps=fault)
        loop.tells_asked = task.step.startswith("asked:")
        return loop

    code = run_worker({"copy": build}, app_id=task.group, bootstrap_servers=task.bootstrap_servers)
    # Nothing of the process that it was forked from is to be tidied up.
    sys.stderr.flush()
    os._exit(code)
