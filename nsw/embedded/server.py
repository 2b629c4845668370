"""What every embedded Java server has in common: its data folder, its lock, its beginning and its end."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from nsw.embedded.cache import make_folder
from nsw.embedded.errors import EmbeddedBrokerError
from nsw.embedded.folderlock import FolderLock
from nsw.embedded.process import JavaProcess

_POLL_SECONDS = 0.03


class JavaServer(ABC):
    """
    One Java server in a data folder; as a context manager it runs inside the block.

    It may be started again after :meth:`stop` or :meth:`kill`. It ends with this process, however that ends. Not for
    use by several threads at once.

    Args:
        folder: kept between runs; made when missing.
        start_seconds: how long it may take until it answers.
        stop_seconds: how long a clean end may take before it is killed.
        folder_wait_seconds: how long to wait for another one that is just leaving the data folder.
    """

    def __init__(
        self, folder: Path, *, start_seconds: float, stop_seconds: float, folder_wait_seconds: float
    ) -> None:
        self._root = folder
        self._lock = FolderLock(folder)
        self._process: JavaProcess | None = None
        self._start_seconds = start_seconds
        self._stop_seconds = stop_seconds
        self._folder_wait_seconds = folder_wait_seconds

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process id of its Java; None when it was stopped or not started."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """
        Start it and wait until it takes work; does nothing when it runs.

        Raises:
            EmbeddedBrokerError: what kept it from starting; nothing is left running then.
        """
        if not self.is_running:
            self.begin()
            self.wait_until_ready()

    def begin(self) -> None:
        """
        Start its process without waiting for it; does nothing when it runs.

        Raises:
            EmbeddedBrokerError: as :meth:`start`.
        """
        if self.is_running:
            return
        self.stop()
        make_folder(self._root)
        self._lock.acquire(self._folder_wait_seconds)
        with self._or_nothing():
            self._process = self._launch(self._lock.descriptor)

    def wait_until_ready(self) -> None:
        """
        Wait until a server that was begun takes work.

        Raises:
            EmbeddedBrokerError: as :meth:`start`.
        """
        deadline = time.monotonic() + self._start_seconds
        with self._or_nothing():
            while time.monotonic() < deadline:
                self.check_running()
                if self._answers():
                    return
                time.sleep(_POLL_SECONDS)
            raise self._explain_silence()

    def ask_to_end(self) -> None:
        """Ask it to end, and don't wait; does nothing when it does not run."""
        if self._process is not None:
            self._process.ask_to_end()

    def stop(self) -> bool:
        """
        Ask it to end, wait, and kill it if it takes too long; does nothing when it was not started.

        Returns:
            False when it had to be killed.
        """
        if self._process is None:
            return True
        ended = self._process.end(self._stop_seconds)
        self._forget_process()
        return ended

    def kill(self) -> None:
        """Kill it at once (SIGKILL, which leaves the page cache alone); does nothing when it was not started."""
        if self._process is not None:
            self._process.kill()
            self._forget_process()

    def check_running(self) -> None:
        """
        Refuse to go on without a server that was started.

        Raises:
            EmbeddedBrokerError: it has ended by itself, and why.
        """
        status = self._process.poll() if self._process else None
        if status is not None:
            raise self._explain_end(status)

    @abstractmethod
    def _launch(self, lock: int) -> JavaProcess:
        """
        Start the process.

        Args:
            lock: the open file by which it holds the data folder as long as it lives.

        Raises:
            EmbeddedBrokerError: what it needs is missing.
        """

    @abstractmethod
    def _answers(self) -> bool:
        """Tell whether it takes work."""

    @abstractmethod
    def _explain_end(self, status: int) -> EmbeddedBrokerError:
        """Build the error for a server that ended by itself with this status."""

    @abstractmethod
    def _explain_silence(self) -> EmbeddedBrokerError:
        """Build the error for a server that did not answer in time."""

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.kill()
            self._lock.release()
            raise

    def _forget_process(self) -> None:
        self._process = None
        self._lock.release()
