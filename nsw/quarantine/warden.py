"""The warden's side: load the message types once, then fork cells that judge."""

import faulthandler
import gc
import os
import signal
import time
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

from nsw.cases import Case
from nsw.errors import InvariantError
from nsw.model import Record
from nsw.processing import Judgement, Outcome, process
from nsw.quarantine.limits import CellLimits, allow_time, end_with_parent, enter_cell, resident_bytes
from nsw.quarantine.messages import Ended, Judge, Ready, Setup
from nsw.reference import Reference, build_reference, load_types

_LOOK_SECONDS = 0.02
_UNFINISHED = 1


def serve(worker: "Connection[Any, Any]") -> None:
    """
    Answer the worker until it is gone.

    Raises:
        ConfigError: the message types can't be loaded; every problem.
    """
    # The worker ends it, by closing the pipe or by dying; a signal for all processes of a terminal is not for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    # A cell that dies tells where, in the worker's log: names and lines of code, no values.
    faulthandler.enable()
    setup: Setup = worker.recv()
    types = load_types(setup.schema_folders, setup.variables, setup.schema_ids)
    types.catalogue.warm()
    # Cells share the memory of what was loaded, as long as nothing touches it.
    gc.collect()
    gc.freeze()
    worker.send(Ready(types.version))
    wing = _Wing(setup.cell)
    while True:
        try:
            question: Judge = worker.recv()
        except EOFError:
            return
        if question.tables is not None:
            wing.admit_by(build_reference(types, question.tables, setup.limits))
        worker.send(wing.judge(question.record, question.case))


class _Wing:
    """
    One cell at a time, forked anew after each that ended.

    A record that ended its cell is judged again in a fresh one: records before it may have worn the first, or somebody
    else ended it, as the kernel does when memory is short. Only time is the record's own doing at once.
    """

    def __init__(self, limits: CellLimits) -> None:
        self._limits = limits
        self._reference: Reference | None = None
        self._cell: _Cell | None = None

    def admit_by(self, reference: Reference) -> None:
        """Judge by this snapshot from here on."""
        self._reference = reference
        if self._cell is not None:
            self._cell.close()
            self._cell = None

    def judge(self, record: Record, case: Case | None) -> Outcome | Ended:
        """Give a record's outcome, or how it ends its cell."""
        answer = self._judge_once(record, case)
        if isinstance(answer, Ended) and not answer.beyond_doubt:
            answer = self._judge_once(record, case)
        return answer

    def _judge_once(self, record: Record, case: Case | None) -> Outcome | Ended:
        if self._reference is None:
            raise InvariantError("a record came before the tables to judge it by")
        cell = self._cell = self._cell or _Cell(self._reference, self._limits)
        answer = cell.judge(record, case)
        if isinstance(answer, Ended):
            self._cell = None
        return answer


class _Cell:
    """A forked process that judges one record after the other until one ends it; seen from the warden."""

    def __init__(self, reference: Reference, limits: CellLimits) -> None:
        self._limits = limits
        self._pipe, theirs = Pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._pipe.close()
            _be_cell(theirs, reference, limits)
        theirs.close()

    def judge(self, record: Record, case: Case | None) -> Outcome | Ended:
        """Give a record's outcome, or how it ended this cell."""
        try:
            self._pipe.send((record, case))
            stopped = self._watch()
            if stopped is None:
                outcome: Outcome = self._pipe.recv()
                return outcome
        except (EOFError, OSError):
            stopped = None
        status = self.close()
        return stopped or _read_status(status, self._limits)

    def close(self) -> int:
        """Wait for its end, which a closed pipe leads to; give the status that it ended with."""
        self._pipe.close()
        _, status = os.waitpid(self._pid, 0)
        return status

    def _watch(self) -> Ended | None:
        """Wait until it answers or ends by itself (None); end it beyond its limits."""
        limits = self._limits
        until = time.monotonic() + limits.wall_seconds
        while not self._pipe.poll(_LOOK_SECONDS):
            if resident_bytes(self._pid) > limits.memory_bytes:
                os.kill(self._pid, signal.SIGKILL)
                return Ended(f"more than {limits.memory_bytes // 2**20} MiB of memory were needed")
            if time.monotonic() > until:
                os.kill(self._pid, signal.SIGKILL)
                return Ended(f"it took more than {limits.wall_seconds:.0f} s", beyond_doubt=True)
        return None


def _be_cell(warden: "Connection[Any, Any]", reference: Reference, limits: CellLimits) -> NoReturn:
    code = _UNFINISHED
    try:
        enter_cell()
        while True:
            record, case = warden.recv()
            allow_time(limits)
            warden.send(_portable(process(record, reference, case)))
    except EOFError:
        code = 0
    finally:
        # Nothing of the warden's may run in here, whatever went wrong.
        os._exit(code)


def _portable(outcome: Outcome) -> Outcome:
    """Leave out what can't leave its process, the parsed document, and what nobody asks for afterwards."""
    judgement = outcome.judgement
    return replace(outcome, judgement=Judgement(judgement.verdict, judgement.findings, judgement.omitted))


def _read_status(status: int, limits: CellLimits) -> Ended:
    if not os.WIFSIGNALED(status):
        return Ended(f"the process ended with code {os.WEXITSTATUS(status)}")
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return Ended(f"more than {limits.seconds:.0f} s of processor time were needed", beyond_doubt=True)
    return Ended(f"the process was ended by signal {number} ({signal.Signals(number).name})")
