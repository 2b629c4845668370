"""What changes between two versions of a table, row by row."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from nsw.masterdata.rows import Row, Rows, read_rows
from nsw.masterdata.tables import Table, TableSet


class Change(StrEnum):
    """What became of a row."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One row that is not as it was.

    Attributes:
        row: its key as people read it; ``description`` for what is said of the table.
        line: in the new file, or in the old one of a removed row; None for the description.
        cells: old and new text by column, where they differ; '' where there is none.
    """

    change: Change
    row: str
    line: int | None
    cells: Mapping[str, tuple[str, str]]


def compare_sets(old: TableSet, new: TableSet) -> dict[str, list[Difference]]:
    """Give what changes in each table that is not the same in both, by its name."""
    return {name: compare_tables(old.tables.get(name), new.tables.get(name)) for name in new.differing(old)}


def compare_tables(old: Table | None, new: Table | None) -> list[Difference]:
    """
    Tell what changes; files that differ in comments, order, or line ends only give nothing.

    Args:
        old: None for a table that is new; *new*: None for one that goes.

    Raises:
        ConfigError: a table can't be read.
    """
    one, two = _by_key(old), _by_key(new)
    ends = {rows.end for rows in (_rows(old), _rows(new)) if rows is not None}
    found = [_compare_rows(one.get(key), two.get(key), ends) for key in one.keys() | two.keys()]
    differences = sorted(
        (each for each in found if each is not None),
        key=lambda each: (each.change is Change.REMOVED, each.line or 0, each.row),
    )
    about = _compare_cells(_about(old), _about(new))
    if about and old is not None and new is not None:
        differences.insert(0, Difference(Change.CHANGED, "description", None, about))
    return differences


def _rows(table: Table | None) -> Rows | None:
    return None if table is None else read_rows(table)


def _by_key(table: Table | None) -> dict[tuple[str, ...], Row]:
    """Give the rows by key; further ones of a key are told apart by their number."""
    rows = _rows(table)
    counted: Counter[tuple[str, ...]] = Counter()
    found: dict[tuple[str, ...], Row] = {}
    for row in rows.rows if rows is not None else ():
        counted[row.key] += 1
        number = counted[row.key]
        key = row.key if number == 1 else (*row.key, f"({number})")
        found[key] = replace(row, key=key)
    return found


def _compare_rows(old: Row | None, new: Row | None, ends: set[str]) -> Difference | None:
    if new is None:
        return Difference(Change.REMOVED, old.label, old.line, {}) if old is not None else None
    if old is None:
        return Difference(Change.ADDED, new.label, new.line, {})
    cells = _compare_cells(old.cells, new.cells)
    if not cells:
        return None
    change = Change.ENDED if _is_end(cells, ends) else Change.CHANGED
    return Difference(change, new.label, new.line, cells)


def _is_end(cells: Mapping[str, tuple[str, str]], ends: set[str]) -> bool:
    """Tell whether all that changes is that a row ends, or ends earlier."""
    if not cells.keys() <= ends:
        return False
    return all(after and (not before or after < before) for before, after in cells.values())


def _compare_cells(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = list(dict.fromkeys((*old, *new)))
    return {
        name: (old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name, "") != new.get(name, "")
    }


def _about(table: Table | None) -> dict[str, str]:
    if table is None:
        return {}
    return {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in table.about.items()
    }
