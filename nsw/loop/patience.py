"""Ends a process whose client does not come back from a call: nothing else ends a thread that waits in C for ever."""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_EXIT_DEAD = 1


@contextmanager
def within(seconds: int, what: str) -> Iterator[None]:
    """
    End the process with code 1, to be started again, if the block takes longer.

    Seconds in which the whole process is stopped count as one.

    Args:
        what: names the block in the log.
    """
    done = threading.Event()

    def watch() -> None:
        for _ in range(seconds):
            if done.wait(1.0):
                return
        log.critical("%s: the client did not come back within %d s; the process ends", what, seconds)
        logging.shutdown()
        os._exit(_EXIT_DEAD)

    threading.Thread(target=watch, name="patience", daemon=True).start()
    try:
        yield
    finally:
        done.set()
