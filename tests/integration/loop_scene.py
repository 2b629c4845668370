"""Worker slots under supervision, and a stream through them that is counted: what the tests of placed faults share."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL

from tests.integration.loop_stage import Stage, Tally, WorkerProcess
from tests.integration.loop_worker import Task

KEYS = [f"case-{number}".encode() for number in range(6)]
#: No batch takes so long, but marks are kept.
JUDGE_SECONDS = 60.0
PATIENCE_SECONDS, ROUND_SECONDS, LOOK_SECONDS = 120.0, 0.5, 0.1

START_STEPS = (
    *("asked:init", "init", "assign:committed"),
    *("restore:end", "restore:applied", "assign:restored", "assign:assigned", "mark"),
)
TRANSACTION_STEPS = (
    "begin",
    *(f"produce:{number}" for number in range(1, 5)),
    *("flush", "asked:send-offsets", "send-offsets", "asked:commit"),
)
OTHER_STEPS = ("consume", "process", "commit", "store:begin", "store:commit", "store:written", "committed")


#: Of the stream that ends, and of the watch over a client that does not come back.
_LAST_WORDS = ("nsw.stream CRITICAL copy: ", "nsw.loop.patience CRITICAL ")


class Slot:
    """A worker slot and its supervisor: what ends is started again."""

    def __init__(self, task: Task, folder: Path, exits: ExitStack) -> None:
        self.task = task
        self._folder = folder
        self._exits = exits
        self._processes: list[WorkerProcess] = []

    @property
    def has_started(self) -> bool:
        """Whether there is or was a process."""
        return bool(self._processes)

    @property
    def process(self) -> WorkerProcess:
        """The latest process."""
        return self._processes[-1]

    def start(self, **changes: object) -> WorkerProcess:
        """Start a process, beside the former one if that lives."""
        number = len(self._processes)
        task = replace(self.task, **changes)  # type: ignore[arg-type]
        process = WorkerProcess(task, self._folder / f"{self.task.slot}-{number}.log")
        self._exits.callback(process.kill)
        self._processes.append(process)
        return process

    def supervise(self, **changes: object) -> WorkerProcess:
        """Start it again if it has ended; it must have said why."""
        if self.process.ended is not None:
            self.check_ends()
            self.start(**changes)
        return self.process

    def has_struck(self, **changes: object) -> bool:
        """Tell whether the fault has come; a process that ended before is started again."""
        if self.process.ended not in (None, -SIGKILL):
            # On a busy machine a short transaction may time out before.
            self.supervise(**changes)
        return self.process.is_stopped or self.process.ended == -SIGKILL

    def check_ends(self) -> None:
        """Fail if a process ended for another reason than kill -9 or a fatal error that it told in a line."""
        for each in self._processes:
            if each.ended not in (None, -SIGKILL):
                lines = [line.split(" ", 2)[-1] for line in each.told().splitlines()]
                told = [line for line in lines if line.startswith(_LAST_WORDS)]
                assert (each.ended, len(told)) == (1, 1), each.told()
                # With the trace it is a bug.
                assert "InvariantError" not in each.told(), each.told()


class Flow:
    """
    Topics with two partitions for workers that keep cases, what was sent through them, and who is to be supervised.

    Args:
        folder: for logs and stores; made.
        exits: ends what is begun here.
        settings: of the workers' task.
    """

    def __init__(self, bootstrap_servers: str, folder: Path, exits: ExitStack, **settings: object) -> None:
        folder.mkdir()
        self.folder = folder
        self.alive: list[Slot] = []
        self._exits = exits
        self._stage = Stage(bootstrap_servers)
        self._stage.create(self._stage.source, 2)
        self._stage.create(self._stage.target, 1)
        # Batches of two records make four publications: copy and state of each.
        self._task = self._stage.keep_cases(
            folder, partitions=2, batch_records=2, judge_seconds=JUDGE_SECONDS, **settings
        )
        self._values: list[bytes] = []
        self._tally = Tally(bootstrap_servers, self._stage.target)
        exits.callback(self._tally.close)

    def slot(self, name: str) -> Slot:
        """Give a worker slot; nothing is started yet."""
        return Slot(replace(self._task, slot=name), self.folder, self._exits)

    def feed(self) -> None:
        """Send a round of records: one of each case."""
        self._stage.send(self._stage.source, KEYS, keyed=True)
        self._values += KEYS

    def feed_until(self, condition: Callable[[], bool]) -> None:
        """Send rounds until something has come about."""
        fed_at = 0.0

        def feed_and_ask() -> bool:
            nonlocal fed_at
            if time.monotonic() - fed_at > ROUND_SECONDS:
                fed_at = time.monotonic()
                self.feed()
            return condition()

        self.wait_until(feed_and_ask)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for something, while what ends is started again."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            missing = f"{self._tally.count()} of {len(self._values)} are copied"
            assert time.monotonic() < until, f"{missing}; logs in {self.folder}"
            for slot in self.alive:
                slot.supervise()
            time.sleep(LOOK_SECONDS)

    def settle(self) -> None:
        """Send a round, and wait until all that was ever sent is copied."""
        self.feed()
        self.wait_until(lambda: self._tally.count(LOOK_SECONDS) >= len(self._values))

    def check(self) -> None:
        """Fail unless all was copied once, in order, and each case was counted on."""
        self._stage.check_copied_once(self._values)
