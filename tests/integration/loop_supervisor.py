"""A worker process that is started again whenever it ends, as an operator's supervisor would."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.integration.loop_stage import WorkerProcess
from tests.integration.loop_worker import Task

_POLL_SECONDS = 0.05


class Supervisor:
    """
    Keeps one worker running within the block.

    Attributes:
        ends: exit codes of the processes that ended by themselves, in order.
    """

    def __init__(self, task: Task, folder: Path) -> None:
        self.ends: list[int] = []
        self._task = task
        self._folder = folder
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._process = self._start()

    def told(self) -> str:
        """Give what all its processes wrote."""
        return "\n".join(
            path.read_text(errors="replace") for path in sorted(self._folder.glob("worker-*.log"))
        )

    def _start(self) -> WorkerProcess:
        return WorkerProcess(self._task, self._folder / f"worker-{self._task.slot}-{len(self.ends)}.log")

    def _watch(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            code = self._process.ended
            if code is not None:
                self.ends.append(code)
                self._process = self._start()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._process.kill()
