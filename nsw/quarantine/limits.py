"""What a cell may use, and what the kernel is told about it."""

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_SET_PARENT_DEATH_SIGNAL = 1
#: A core file of at most so many bytes is none; and Linux takes just this number for "pipe none to a program either".
_NO_CORE_BYTES = 1
#: A cell may wait for the processor much longer than it uses it; but the group waits for a worker 600 s at most.
_PATIENCE = 10.0
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class CellLimits:
    """
    What judging one record may take.

    Attributes:
        seconds: of processor time; counted up to a whole second.
        memory_bytes: resident; watched from outside, so that no allocation fails and changes the verdict.
    """

    seconds: float
    memory_bytes: int

    @property
    def wall_seconds(self) -> float:
        """How long a cell may take for one record, however busy the machine is."""
        return _PATIENCE * self.seconds + _GRACE_SECONDS


def enter_cell() -> None:
    """Bind this process: no core file, an end with its parent, and the first one to go when memory runs out."""
    forbid_core_files()
    end_with_parent()
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def allow_time(limits: CellLimits) -> None:
    """Have this process killed when it has used its time for one record from here on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(usage.ru_utime + usage.ru_stime + limits.seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (seconds if hard == resource.RLIM_INFINITY else min(seconds, hard), hard)
    )


def forbid_core_files() -> None:
    """Have no picture of this process's memory written when it crashes: it holds documents, and secrets."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    limit = _NO_CORE_BYTES if hard == resource.RLIM_INFINITY else min(hard, _NO_CORE_BYTES)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def end_with_parent() -> None:
    """Have this process killed when its parent is gone; where the kernel can't, its limits end it later."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def resident_bytes(pid: int) -> int:
    """Tell how much memory a process has now; 0 where the system does not say (it is watched on Linux only)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
