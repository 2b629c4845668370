"""Keeps a data folder for one broker at a time."""

import fcntl
import os
import time
from pathlib import Path

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError

_RETRY_SECONDS = 0.05


class FolderLock:
    """
    The lock of one data folder, held from :meth:`acquire` to :meth:`release`.

    The kernel frees it when the last process that inherited it is gone. The broker's process is given it too,
    so a broker that outlived its starter for a moment still holds its folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """The open file that a child must inherit to hold the lock too."""
        assert self._descriptor is not None  # noqa: S101
        return self._descriptor

    def acquire(self, wait_seconds: float) -> None:
        """
        Take the lock.

        Args:
            wait_seconds: how long to wait for a broker that is just ending.

        Raises:
            EmbeddedBrokerError: FOLDER_IN_USE, with the process that holds it.
        """
        path = self._folder / "nsw.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + wait_seconds
        while not _try_lock(descriptor):
            if time.monotonic() >= deadline:
                os.close(descriptor)
                owner = path.read_text(encoding="ascii").strip() or "unknown"
                raise EmbeddedBrokerError(BrokerTrouble.FOLDER_IN_USE, folder=self._folder, owner=owner)
            time.sleep(_RETRY_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give our hold up; the file stays, as removing it would let two brokers lock two files."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
