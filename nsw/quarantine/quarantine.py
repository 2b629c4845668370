"""The worker's side: start a warden when one is needed, ask it, and say what became of the record."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import Any

from nsw.cases import Case
from nsw.errors import Code, ConfigError, MessageError, TransientError
from nsw.model import Record
from nsw.processing import Outcome
from nsw.quarantine.messages import Ended, Judge, Ready, Setup
from nsw.reference import Reference

log = logging.getLogger(__name__)

_START_SECONDS = 120.0
_LOOK_SECONDS = 0.1
_SECRETS = ("NSW_CONVERSATION_KEY", "NSW_SCHEMA_REGISTRY_PASSWORD")


class Quarantine:
    """
    Judges records in processes of their own.

    Args:
        stopping: asked while waiting; when true the waiting ends with ``TransientError``.
    """

    def __init__(self, setup: Setup, stopping: Callable[[], bool] = lambda: False) -> None:
        self._setup = setup
        self._stopping = stopping
        self._warden: subprocess.Popen[bytes] | None = None
        self._pipe: Connection[Any, Any] | None = None
        # Of the tables that the warden has.
        self._version = ""

    def judge(self, record: Record, reference: Reference, case: Case | None) -> Outcome:
        """
        Give what ``process`` gives, without the parsed document.

        Raises:
            MessageError: NSW-9002, judging this record ends the process that does it.
            TransientError: the warden ended, or did not answer; the next call starts another one.
            ConfigError: the message types on disk are not those that this process judges by.
        """
        place = f"{record.topic}[{record.partition}] offset {record.offset}"
        try:
            answer = self._ask(record, reference, case)
        except (EOFError, OSError) as error:
            self.close()
            raise TransientError(f"the warden ended: {type(error).__name__}") from error
        except BaseException:
            self.close()
            raise
        if isinstance(answer, Ended):
            log.error("%s: judging it ended the process that did it: %s", place, answer.how)
            raise MessageError(Code.ENDS_PROCESS, answer.how)
        return answer

    def close(self) -> None:
        """End the warden, if there is one."""
        pipe, self._pipe = self._pipe, None
        warden, self._warden = self._warden, None
        self._version = ""
        if pipe is not None:
            pipe.close()
        if warden is not None:
            warden.kill()
            warden.wait()

    def _ask(self, record: Record, reference: Reference, case: Case | None) -> Outcome | Ended:
        pipe = self._pipe or self._start(reference)
        tables = None if self._version == reference.version else reference.table_set
        pipe.send(Judge(record, case, tables))
        self._version = reference.version
        # Two cells, one after the other.
        answer: Outcome | Ended = self._answer(pipe, 2 * self._setup.cell.wall_seconds + _START_SECONDS)
        return answer

    def _start(self, reference: Reference) -> "Connection[Any, Any]":
        began = time.monotonic()
        self._pipe, theirs = Pipe()
        with theirs:
            self._warden = subprocess.Popen(
                [sys.executable, "-m", "nsw.quarantine", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={name: value for name, value in os.environ.items() if name not in _SECRETS},
                # Signals for this process's group are not for the warden: it ends with this process.
                start_new_session=True,
            )
        self._pipe.send(self._setup)
        ready: Ready = self._answer(self._pipe, _START_SECONDS)
        if ready.types_version != reference.types.version:
            raise ConfigError("the message types on disk have changed since this worker was started")
        log.info("a warden was started in %.1f s", time.monotonic() - began)
        return self._pipe

    def _answer(self, pipe: "Connection[Any, Any]", seconds: float) -> Any:  # noqa: ANN401 - what was asked for
        until = time.monotonic() + seconds
        while not pipe.poll(_LOOK_SECONDS):
            if self._stopping():
                raise TransientError("the process is to end")
            if time.monotonic() > until:
                raise TransientError(f"the warden did not answer within {seconds:.0f} s")
        return pipe.recv()
