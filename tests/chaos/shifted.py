"""
``python -m nsw`` with a wall clock that can be set wrong while it runs: by the seconds in the file ``CHAOS_CLOCK``.

It shifts what the window's own code asks for: ``time.time`` and the day of today. The clients' C code keeps the
machine's clock; libfaketime would shift that too, but breaks ``time.sleep`` (Debian 12: it fails with EINVAL).
"""

import os
import time
from datetime import date
from pathlib import Path
from typing import Final, Self

_FILE: Final = Path(os.environ["CHAOS_CLOCK"])
_READ_AGAIN_SECONDS: Final = 0.5
_true_time = time.time


class _Shift:
    """The seconds in the file, read again now and then."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._read_at = float("-inf")

    def __call__(self) -> float:
        now = time.monotonic()
        if now - self._read_at > _READ_AGAIN_SECONDS:
            self._read_at = now
            self._seconds = float(_FILE.read_text("ascii") or 0)
        return self._seconds


_shift = _Shift()


class ShiftedDate(date):
    """Dates whose today is that of the shifted clock."""

    @classmethod
    def today(cls) -> Self:
        """Give the day."""
        return cls.fromtimestamp(_true_time() + _shift())


def main() -> None:
    """Shift the clock, and run the command line."""
    vars(time)["time"] = lambda: _true_time() + _shift()
    from nsw import cli, worker

    vars(worker)["date"] = ShiftedDate
    cli.main()


if __name__ == "__main__":
    main()
