"""Reads how much processor time processes have used, and their memory, while they run."""

import bisect
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import psutil

_EVERY_SECONDS = 0.05


def cpu_seconds(pid: int) -> float:
    """Give the processor time of a process and its threads so far, the system's for it included."""
    used = psutil.Process(pid).cpu_times()
    return float(used.user + used.system)


class Meter:
    """Samples the processor time of processes; as a context manager it does so inside the block."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._times: list[float] = []
        self._samples: list[dict[str, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._take()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def used(self, name: str, since: float, until: float) -> float:
        """Give the processor seconds of a process between two times, in seconds since 1970."""
        return self._at(name, until) - self._at(name, since)

    def _at(self, name: str, when: float) -> float:
        place = min(bisect.bisect_left(self._times, when), len(self._times) - 1)
        return self._samples[place][name]

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self._take()

    def _take(self) -> None:
        taken = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        self._times.append(time.time())
        self._samples.append(taken)
