"""The workers of a chaos run: real processes, as in production, each started again when it ends."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_RESTART_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.1
_STOP_SECONDS: Final = 45.0
_EXIT_CONFIG: Final = 2
ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Slot:
    """
    One worker's place: its name is kept over restarts.

    Attributes:
        full: whether its disk is full.
        stopped: whether it sleeps (SIGSTOP).
    """

    name: str
    process: subprocess.Popen[bytes]
    started_at: float = field(default_factory=time.monotonic)
    full: bool = False
    stopped: bool = False


class Fleet:
    """
    Keeps as many workers running as are wanted; as a context manager they run inside the block.

    All methods may be called by one thread; a second one, of its own, starts anew what has ended.

    Attributes:
        ends: how processes ended that nobody had killed, by exit code.
        troubles: what must not happen.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.ends: Counter[int] = Counter()
        self.troubles: list[str] = []
        self._environment = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
        self._folder = folder
        self._slots: list[Slot] = []
        self._leaving: list[tuple[float, str, subprocess.Popen[bytes]]] = []
        self._expected: set[int] = set()
        self._guard = threading.RLock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="fleet", daemon=True)
        # Through a pipe, so that a limit on the size of files does not meet the log.
        self._log = subprocess.Popen(
            ["tee", "-a", str(folder / "workers.log")], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(30)
        self.resize(0)
        self.wait_for_ends()
        if self._log.stdin is not None:
            self._log.stdin.close()
        self._log.wait(10)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The workers that are wanted now."""
        with self._guard:
            return tuple(self._slots)

    def resize(self, count: int) -> None:
        """Start workers, or ask the last ones to end, until there are so many."""
        with self._guard:
            surplus, self._slots = self._slots[count:], self._slots[:count]
            for slot in surplus:
                self.terminate(slot)
                self._leaving.append((time.monotonic() + _STOP_SECONDS, slot.name, slot.process))
            for number in range(len(self._slots), count):
                self._slots.append(Slot(str(number), self._start(str(number))))

    def wait_for_ends(self) -> None:
        """Wait until those have ended that were asked to."""
        while self._leaving:
            self._see_off()
            time.sleep(_TICK_SECONDS)

    def kill(self, slot: Slot) -> None:
        """End a worker by kill -9."""
        self._signal(slot, signal.SIGKILL)

    def terminate(self, slot: Slot) -> None:
        """Ask a worker to end; it is started again."""
        self._signal(slot, signal.SIGTERM)

    def sleep(self, slot: Slot) -> None:
        """Stop a worker in its tracks, until it is woken."""
        slot.stopped = True
        self._signal(slot, signal.SIGSTOP, expected=False)

    def wake(self, slot: Slot) -> None:
        """Let a worker go on that sleeps."""
        if slot.stopped:
            slot.stopped = False
            self._signal(slot, signal.SIGCONT, expected=False)

    def replace(self, slot: Slot) -> subprocess.Popen[bytes]:
        """Start a worker's place anew beside the process that has it, which is given back: a zombie."""
        with self._guard:
            zombie, slot.process = slot.process, self._start(slot.name)
            slot.started_at = time.monotonic()
            slot.stopped = False
            return zombie

    def fill_disk(self, slot: Slot, *, full: bool) -> None:
        """Let no file of a worker grow, or let it again; also those of the processes that follow it."""
        with self._guard:
            slot.full = full
            self._limit(slot)

    def shift_clock(self, slot: Slot, seconds: int) -> None:
        """Set the clock of a worker beside the right time."""
        self._clock(slot.name).write_text(str(seconds), encoding="ascii")

    def _clock(self, name: str) -> Path:
        return self._folder / f"clock-{name}"

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        clock = self._clock(name)
        if not clock.exists():
            clock.write_text("0", encoding="ascii")
        roles = ["--role", "intake", "--role", "casework"]
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.chaos.shifted",
                "worker",
                *roles,
                "--slot",
                name,
                "--end-with-parent",
            ],
            env={**self._environment, "CHAOS_CLOCK": str(clock)},
            stdout=self._log.stdin,
            stderr=self._log.stdin,
            start_new_session=True,
        )

    def _limit(self, slot: Slot) -> None:
        try:
            _, most = resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE)
            now = 0 if slot.full else most
            resource.prlimit(slot.process.pid, resource.RLIMIT_FSIZE, (now, most))
        except ProcessLookupError:
            pass

    def _signal(self, slot: Slot, number: signal.Signals, *, expected: bool = True) -> None:
        with self._guard:
            if expected:
                self._expected.add(slot.process.pid)
                slot.stopped = False
            slot.process.send_signal(number)
            if number is signal.SIGTERM:
                slot.process.send_signal(signal.SIGCONT)

    def _supervise(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            with self._guard:
                for slot in tuple(self._slots):
                    self._look_after(slot)
                self._see_off()

    def _look_after(self, slot: Slot) -> None:
        code = slot.process.poll()
        if code is None or time.monotonic() - slot.started_at < _RESTART_SECONDS:
            return
        if slot.process.pid not in self._expected:
            self.ends[code] += 1
        if code == _EXIT_CONFIG:
            self.troubles.append(f"worker {slot.name} refuses its settings: see workers.log")
            self._slots.remove(slot)
            return
        slot.process, slot.started_at, slot.stopped = self._start(slot.name), time.monotonic(), False
        if slot.full:
            self._limit(slot)

    def _see_off(self) -> None:
        """Look after those that were asked to end."""
        with self._guard:
            now = time.monotonic()
            for each in tuple(self._leaving):
                until, name, process = each
                if process.poll() is None and now < until:
                    continue
                if process.returncode is None:
                    self.troubles.append(f"worker {name} did not end within {_STOP_SECONDS:.0f} s of SIGTERM")
                    process.kill()
                    process.wait()
                self._leaving.remove(each)
