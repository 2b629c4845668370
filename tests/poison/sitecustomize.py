"""
Makes documents deadly in every Python process that has this folder in PYTHONPATH: workers, wardens and their cells.

No document is known that libxml2 dies of. So one that holds ``<!--poison:KIND-->`` makes the parser do what such a
document would: a call out of C that aborts or reads nowhere, an interpreter lock that is not given back, memory
without end.
"""

import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from nsw import documents

_MARK = re.compile(rb"<!--poison:([a-z-]+)-->")
_MEGABYTE = 2**20
#: As the kernel does it, but long before the machine that tests is short of memory.
_KILLED_AT = 700


def _hang() -> None:
    re.match("^(a+)+$", "a" * 60 + "!")


def _eat() -> None:
    eaten = []
    for _ in range(_KILLED_AT // 10):
        eaten.append(b"x" * (10 * _MEGABYTE))
        time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGKILL)


def _die_in_a_worker() -> None:
    if "nsw.quarantine" not in " ".join(sys.orig_argv):
        os.abort()


_DEATHS: dict[bytes, Callable[[], object]] = {
    b"abort": os.abort,
    b"segfault": lambda: ctypes.string_at(0),
    b"hang": _hang,
    b"memory": _eat,
    b"exit": lambda: os._exit(9),
    b"in-a-worker": _die_in_a_worker,
}
_parse = documents.parse_document


def _parse_or_die(value: bytes | None, *others: Any, **more: Any) -> documents.Parsed:  # noqa: ANN401 - as they are
    mark = _MARK.search(value or b"")
    if mark is not None:
        _DEATHS[mark[1]]()
    return _parse(value, *others, **more)


documents.parse_document = _parse_or_die
