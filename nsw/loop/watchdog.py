"""Ends a process that hangs on one record, so that another one finds out about that record."""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager


class Watchdog:
    """
    Guards blocks of work: one that takes too long ends the process with code 1 and the stacks of its threads.

    Its thread needs no interpreter lock, so code in C that holds the lock for minutes (a regular expression) is ended
    too. There is one such watch in a process; to set it costs about 0.1 ms.

    Args:
        seconds: how long a guarded block may take; None guards nothing.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Watch over the block."""
        if self._seconds is None:
            yield
            return
        faulthandler.dump_traceback_later(self._seconds, exit=True)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Watch over nothing inside a guarded block: what happens there has limits of its own."""
        if self._seconds is None:
            yield
            return
        faulthandler.cancel_dump_traceback_later()
        try:
            yield
        finally:
            faulthandler.dump_traceback_later(self._seconds, exit=True)
