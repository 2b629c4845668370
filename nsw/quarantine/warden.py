"""The warden's side: load the message types once, then fork a cell for each record."""

import faulthandler
import gc
import os
import signal
import time
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from typing import Any

from nsw.cases import Case
from nsw.errors import InvariantError
from nsw.model import Record
from nsw.processing import Judgement, Outcome, process
from nsw.quarantine.limits import CellLimits, end_with_parent, enter_cell, resident_bytes
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
    reference: Reference | None = None
    while True:
        try:
            question: Judge = worker.recv()
        except EOFError:
            return
        if question.tables is not None:
            reference = build_reference(types, question.tables, setup.limits)
        if reference is None:
            raise InvariantError("a record came before the tables to judge it by")
        worker.send(judge_in_cell(question.record, question.case, reference, setup.cell))


def judge_in_cell(
    record: Record, case: Case | None, reference: Reference, limits: CellLimits
) -> Outcome | Ended:
    """
    Judge a record in a cell.

    One that ended its cell is judged in a second one: somebody else may have ended the first, as the kernel does when
    memory is short. Only a limit of processor time is the record's own doing at once.
    """
    answer = _judge_once(record, case, reference, limits)
    if isinstance(answer, Ended) and answer != _out_of_time(limits):
        answer = _judge_once(record, case, reference, limits)
    return answer


def _judge_once(
    record: Record, case: Case | None, reference: Reference, limits: CellLimits
) -> Outcome | Ended:
    ours, theirs = Pipe(duplex=False)
    pid = os.fork()
    if pid == 0:
        _be_cell(theirs, record, case, reference, limits)
    theirs.close()
    try:
        stopped = _watch(ours, pid, limits)
        outcome = _receive(ours) if stopped is None else None
    finally:
        ours.close()
        _, status = os.waitpid(pid, 0)
    if outcome is not None:
        return outcome
    return stopped or _read_status(status, limits)


def _be_cell(
    answers: "Connection[Any, Any]",
    record: Record,
    case: Case | None,
    reference: Reference,
    limits: CellLimits,
) -> None:
    code = _UNFINISHED
    try:
        enter_cell(limits)
        answers.send(_portable(process(record, reference, case)))
        code = 0
    finally:
        # Nothing of the warden's may run in here, whatever went wrong.
        os._exit(code)


def _portable(outcome: Outcome) -> Outcome:
    """Leave out what can't leave its process, the parsed document, and what nobody asks for afterwards."""
    judgement = outcome.judgement
    return replace(outcome, judgement=Judgement(judgement.verdict, judgement.findings, judgement.omitted))


def _watch(answers: "Connection[Any, Any]", pid: int, limits: CellLimits) -> Ended | None:
    """Wait until the cell answers or ends by itself (None); end it beyond its limits."""
    until = time.monotonic() + limits.wall_seconds
    while not answers.poll(_LOOK_SECONDS):
        if resident_bytes(pid) > limits.memory_bytes:
            os.kill(pid, signal.SIGKILL)
            return Ended(f"more than {limits.memory_bytes // 2**20} MiB of memory were needed")
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            return Ended(f"it took more than {limits.wall_seconds:.0f} s")
    return None


def _receive(answers: "Connection[Any, Any]") -> Outcome | None:
    try:
        outcome: Outcome = answers.recv()
    except EOFError:
        return None
    return outcome


def _read_status(status: int, limits: CellLimits) -> Ended:
    if not os.WIFSIGNALED(status):
        return Ended(f"the process ended with code {os.WEXITSTATUS(status)}")
    number = os.WTERMSIG(status)
    if number == signal.SIGXCPU:
        return _out_of_time(limits)
    return Ended(f"the process was ended by signal {number} ({signal.Signals(number).name})")


def _out_of_time(limits: CellLimits) -> Ended:
    return Ended(f"more than {limits.seconds:.0f} s of processor time were needed")
