"""
The faust worker that hosts our loops: start, stop, signals and exit code are faust's, the work is the loops'.

It knows nothing of what a loop does. Faust's own consumer is not used here: its exactly-once mode is broken, and
its agents are several times slower than a transactional loop (docs/adr).
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

import faust
import mode
from faust.app import base

from nsw.errors import NswError

__all__ = ["LoopEndedError", "Runnable", "run_worker"]

log = logging.getLogger(__name__)


class Runnable(Protocol):
    """A loop that works in the thread that runs it."""

    def run(self) -> None:
        """Work until ``stop``; an exception ends the process."""

    def stop(self) -> None:
        """Ask the loop to end soon; called from another thread."""


class LoopEndedError(NswError):
    """A loop returned although nobody had stopped it."""


class _NoKafka(base.BootStrategy):
    """Starts faust without consumer, producer and web server: without an agent, its consumer refuses to start."""

    enable_kafka: bool = False
    enable_web: bool | None = False


class _App(faust.App):
    logger = logging.getLogger("faust.app")
    BootStrategy: ClassVar[type[base.BootStrategy]] = _NoKafka

    async def on_first_start(self) -> None:
        """Make no directories: faust's tables are not used."""


class _Loops(mode.Service):
    """
    The loops, each in a thread of its own; when one dies, all are stopped and the process ends.

    Attributes:
        failed: whether a loop died, or did not stop in time.
    """

    logger = logging.getLogger("faust.loops")

    def __init__(self, loops: Mapping[str, Callable[[], Runnable]], stop_seconds: float) -> None:
        super().__init__()
        self.failed = False
        self._stop_seconds = stop_seconds
        self._guard = threading.Lock()
        self._stopping = False
        self._running: list[Runnable] = []
        # Daemons, so that a loop that hangs can't keep the process.
        self._threads = [
            threading.Thread(target=self._live, args=(name, build), name=name, daemon=True)
            for name, build in loops.items()
        ]

    async def on_start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    async def on_stop(self) -> None:
        """Let every loop finish its batch, and wait for them."""
        with self._guard:
            self._stopping = True
            running = tuple(self._running)
        log.info("stopping")
        for runnable in running:
            runnable.stop()
        until = self.loop.time() + self._stop_seconds
        for thread in self._threads:
            await asyncio.to_thread(thread.join, max(until - self.loop.time(), 0.0))
            if thread.is_alive():
                self.failed = True
                log.critical("%s: did not stop within %.0f s, left behind", thread.name, self._stop_seconds)

    def _live(self, name: str, build: Callable[[], Runnable]) -> None:
        try:
            self._build_and_run(build)
        except BaseException as error:  # whatever ends a loop must end the process
            self.failed = True
            # A trace is for bugs; an error that was raised on purpose says all in its sentence and notes.
            sentence = "; ".join((str(error), *getattr(error, "__notes__", ())))
            log.critical("%s: %s", name, sentence, exc_info=None if isinstance(error, NswError) else error)
            if not self._stopping:
                asyncio.run_coroutine_threadsafe(self.crash(error), self.loop)

    def _build_and_run(self, build: Callable[[], Runnable]) -> None:
        runnable = build()
        with self._guard:
            if self._stopping:
                return
            self._running.append(runnable)
        runnable.run()
        if not self._stopping:
            raise LoopEndedError("the loop ended by itself")


def run_worker(
    loops: Mapping[str, Callable[[], Runnable]],
    *,
    app_id: str,
    bootstrap_servers: str,
    stop_seconds: float = 30.0,
) -> int:
    """
    Run loops, each in its thread, until SIGTERM, SIGINT or the death of one of them.

    To be called from the main thread, once in a process. Logging is the caller's to set up.

    Args:
        loops: what builds each loop, by the loop's name; called in the loop's thread.
        stop_seconds: how long the loops may take to finish their batches before the process ends anyway.

    Returns:
        The process's exit code: 0 after a signal, 1 when a loop died or did not stop.
    """
    # Faust tells the start and stop of each of its parts; our own services' crashes are logged above.
    logging.getLogger("faust").setLevel(logging.WARNING)
    _Loops.logger.setLevel(logging.CRITICAL)
    event_loop = asyncio.new_event_loop()
    asyncio.set_event_loop(event_loop)
    app = _App(
        app_id,
        broker=[f"kafka://{server.strip()}" for server in bootstrap_servers.split(",")],
        web_enabled=False,
        loop=event_loop,
    )
    app.finalize()
    service = _Loops(loops, stop_seconds)
    worker = faust.Worker(app, service, loop=event_loop, quiet=True, override_logging=False)
    worker.spinner = None
    code = _exit_code_of(worker)
    return 1 if service.failed else code


def _exit_code_of(worker: faust.Worker) -> int:
    try:
        worker.execute_from_commandline()
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else 1
