"""What worker and warden tell each other, pickled: both are one program, started by the same user."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nsw.cases import Case
from nsw.masterdata import TableSet
from nsw.model import Record
from nsw.quarantine.limits import CellLimits
from nsw.reference import Limits


@dataclass(frozen=True, slots=True)
class Setup:
    """
    The first message to a warden: which message types it loads, from the same files as the worker.

    Attributes:
        variables, schema_ids: as for ``nsw.reference.load_types``.
        limits: of documents.
        cell: what judging one of them may take.
    """

    schema_folders: tuple[Path, ...]
    variables: Mapping[str, str]
    schema_ids: Path | None
    limits: Limits
    cell: CellLimits


@dataclass(frozen=True, slots=True)
class Ready:
    """The warden's answer to ``Setup``: the version of the message types it has."""

    types_version: str


@dataclass(frozen=True, slots=True)
class Judge:
    """
    Asks for the outcome of one record; the answer is an ``Outcome``, or ``Ended``.

    Attributes:
        tables: to judge by from here on; None leaves those of the message before.
    """

    record: Record
    case: Case | None
    tables: TableSet | None


@dataclass(frozen=True, slots=True)
class Ended:
    """
    The answer for a record that ended its cell.

    Attributes:
        how: the rest of a sentence.
        beyond_doubt: nobody else, and no record before it, can have been the cause.
    """

    how: str
    beyond_doubt: bool = False
