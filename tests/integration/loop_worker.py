"""
A worker process for the tests of the loop: copies records, and has a fault placed at a step.

It is told what to do by one JSON object in the environment variable ``LOOP_WORKER``.
"""

import json
import logging
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from nsw.cases import Case, CaseState
from nsw.casestore import CaseBook
from nsw.errors import Code, InvariantError
from nsw.identifiers import CaseId
from nsw.loop import ChangelogReader, LoopSettings, TransactionalLoop
from nsw.model import Format, Publication, Purpose, Record
from nsw.stream import run_worker

DEAD, HELD = "dead", "held"
DAY = date(2026, 11, 22)


@dataclass(frozen=True)
class Task:
    """
    What one worker process does.

    Attributes:
        step: the loop's step at which the fault happens; '' for none.
        nth: at which passing of this step.
        changelog: topic of the case state, with *folder* for its store; '' keeps none.
        fault: ``kill`` and ``stop`` are signals to itself, ``raise`` a bug.
        record_seconds: how long each record takes.
    """

    bootstrap_servers: str
    group: str
    source: str
    target: str
    slot: str = "0"
    step: str = ""
    nth: int = 1
    fault: str = "kill"
    record_seconds: float = 0.0
    batch_records: int = 50
    changelog: str = ""
    folder: str = ""

    def work(self, stopping: Callable[[], bool] = lambda: False) -> "CopyWork":
        """Give the work: one that keeps cases where a changelog is named."""
        if not self.changelog:
            return CopyWork(self.target, self.record_seconds)
        reader = ChangelogReader(self.bootstrap_servers, self.changelog, stopping=stopping)
        book = CaseBook(Path(self.folder) / self.slot, reader, keep_days=10, today=date.today)
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
            "broker_wait_seconds": 30.0,
        }
        return LoopSettings(**(values | changes))  # type: ignore[arg-type]

    def environment(self) -> dict[str, str]:
        """Give the environment of the worker process."""
        return {**os.environ, "LOOP_WORKER": json.dumps(asdict(self))}


class CopyWork:
    """
    Copies each record to the target, and its origin into a header.

    A value ``to:<topic>`` is sent to that topic instead; ``big:<n>`` leads to an output of n bytes.
    """

    def __init__(self, target: str, record_seconds: float = 0.0) -> None:
        self.target = target
        self.record_seconds = record_seconds
        self.paused: frozenset[str] = frozenset()
        self.missing: dict[str, str] = {}
        self.owned: set[tuple[str, int]] = set()
        self.refused: list[str] = []
        self.reasons: list[str] = []
        self.done: list[Record] = []
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
        return (self._copy(record, self.target, record.value),)

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
        self.done.extend(records)

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
    """Copies each record, and says in a header whether its key was seen before; keys stand for cases."""

    def __init__(self, target: str, book: CaseBook, changelog: str, record_seconds: float) -> None:
        super().__init__(target, record_seconds)
        self._book = book
        self._changelog = changelog

    def process(self, record: Record) -> Sequence[Publication]:
        """Copy the record, and begin a case with its key."""
        (copy,) = super().process(record)
        key = CaseId((record.key or b"").decode())
        known = self._book.get(record.partition, key)
        seen = ("seen", b"again" if known else b"first")
        case = known or Case(key, CaseState.OPEN, Format.XML, DAY)
        state = self._book.put(record.partition, case)
        return (
            replace(copy, headers=(seen, *copy.headers)),
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
        os.kill(os.getpid(), signal.SIGKILL if self._task.fault == "kill" else signal.SIGSTOP)


def main() -> int:
    """Run one worker as the environment says."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(name)s %(levelname)s %(message)s")
    task = Task(**json.loads(os.environ["LOOP_WORKER"]))
    work = task.work()

    def build() -> TransactionalLoop:
        return TransactionalLoop(task.settings(), work, steps=PlacedFault(task))

    return run_worker({"copy": build}, app_id=task.group, bootstrap_servers=task.bootstrap_servers)


if __name__ == "__main__":
    sys.exit(main())
