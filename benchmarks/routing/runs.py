"""One turn of an engine: publish, wait until all is copied, count, and give rate and processor time."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

from benchmarks.routing.engines import Engine, Running
from benchmarks.routing.meter import Meter
from benchmarks.routing.stage import Count, Place, Stage
from benchmarks.routing.workload import Workload

_POLL_SECONDS = 0.2
_PATIENCE_SECONDS = 180.0
_BROKEN = 20
#: Name of the broker's process in a turn's figures.
BROKER = "broker"


class UnequalWorkError(Exception):
    """An engine published other copies than it had to."""


@dataclass(frozen=True)
class Turn:
    """
    What one turn measured.

    Attributes:
        documents: so many were published and copied.
        rate: documents a second, from their publication to the last copy's append.
        cpu_microseconds: a document, by process; the broker's too.
    """

    documents: int
    rate: float
    cpu_microseconds: Mapping[str, float]

    @property
    def total_cpu_microseconds(self) -> float:
        """Processor time of a document, the broker's included."""
        return sum(self.cpu_microseconds.values())

    @property
    def own_cpu_microseconds(self) -> float:
        """Processor time of a document, the broker's left out."""
        return self.total_cpu_microseconds - self.cpu_microseconds[BROKER]


class Bench:
    """Runs engines on one stage; numbers documents, so that each is new."""

    def __init__(self, stage: Stage, workload: Workload, seconds: float) -> None:
        self._stage = stage
        self._workload = workload
        self._seconds = seconds
        self._next = 1
        self._sizes: dict[str, int] = {}

    def turn(self, running: Running) -> Turn:
        """Let an engine do its share once; the first time, some documents before it to get warm."""
        engine = running.engine
        if not running.runs:
            running.start()
            self._warm(running)
        try:
            turn = self._measure(running, self._sizes[engine.name])
        finally:
            if not engine.lasting:
                running.stop()
        self._sizes[engine.name] = self._size_for(turn.rate)
        return turn

    def publish(self, engine: Engine, count: int, broken: int = 0) -> float:
        """Publish the next documents to an engine, some broken ones first."""
        first = self._take_numbers(count)
        return self._stage.publish(self._records(engine, first, count, broken))

    def _size_for(self, rate: float) -> int:
        return max(100, min(60_000, int(rate * self._seconds)))

    def _warm(self, running: Running) -> None:
        """Prove with the first documents that the engine refuses broken ones."""
        engine = running.engine
        self._measure(running, 40, broken=_BROKEN)
        self._measure(running, engine.warm_documents)
        self._sizes.setdefault(engine.name, self._size_for(engine.guess))

    def _take_numbers(self, count: int) -> int:
        first = self._next
        self._next += count
        return first

    def _measure(self, running: Running, count: int, broken: int = 0) -> Turn:
        engine, stage = running.engine, self._stage
        names = list(engine.outputs) or stage.agency_inboxes
        starts = stage.ends(names)
        first = self._take_numbers(count)
        expected = {engine.outputs[0]: count} if engine.outputs else self._workload.expected(first, count)
        pids = {**running.pids, BROKER: stage.broker_pid}
        with Meter(pids) as meter:
            if engine.early:
                running.pause(paused=True)
            began = stage.publish(self._records(engine, first, count, broken))
            if engine.early:
                running.pause(paused=False)
            found = self._await(running, names, starts, sum(expected.values()))
            time.sleep(_POLL_SECONDS)
        if dict(found.copies) != expected or found.repeated:
            raise UnequalWorkError(
                f"{engine.name}: {dict(found.copies)} with {found.repeated} repeated, expected {expected}"
            )
        stage.forget([*names, *{topic for topic, _ in engine.inboxes}])
        ended = found.last_seconds
        return Turn(
            count,
            count / (ended - began),
            {name: meter.used(name, began, ended) / count * 1e6 for name in pids},
        )

    def _await(self, running: Running, names: list[str], starts: Mapping[Place, int], wanted: int) -> Count:
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            _ = running.pids
            ends = self._stage.ends(names)
            # Markers of transactions take offsets too: only a reader can tell whether all is there.
            if sum(ends[place] - start for place, start in starts.items()) >= wanted:
                found = self._stage.count(starts)
                if sum(found.copies.values()) >= wanted:
                    return found
            time.sleep(_POLL_SECONDS)
        found = self._stage.count(starts)
        raise UnequalWorkError(f"{running.engine.name}: {sum(found.copies.values())} of {wanted} copies came")

    def _records(
        self, engine: Engine, first: int, count: int, broken: int
    ) -> Iterator[tuple[str, int, bytes, bytes]]:
        inboxes = cycle(engine.inboxes)
        work = self._workload
        for number in range(broken):
            topic, partition = next(inboxes)
            yield topic, partition, f"BROKEN{number}".encode(), work.broken(number)
        for number in range(first, first + count):
            topic, partition = next(inboxes)
            yield topic, partition, work.key(number), work.document(number)


def tell(lines: Iterable[str]) -> None:
    """Print lines to the person who waits."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)
