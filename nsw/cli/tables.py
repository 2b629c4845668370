"""How tables, their differences, proposals and history are printed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from nsw.cli.cluster import format_moment
from nsw.cli.output import OutputFormat, complain, print_json, print_table, show
from nsw.masterdata import Change, Difference, Ledger, Rows, Table, TableSet, read_rows
from nsw.masterdata.rows import Row
from nsw.routing import PermitTable

_MOST_LINES = 200
_MOST_OVERLAPS = 20
_HASH = 12
_MARKS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~", Change.ENDED: "|"}


def print_differences(found: Mapping[str, Sequence[Difference]], output: OutputFormat) -> None:
    """Print what changes: as text a count and the first lines of each table, as JSON an object for each row."""
    if output is OutputFormat.JSON:
        for name, differences in found.items():
            for each in differences:
                print_json(_told(name, each))
        return
    for name, differences in found.items():
        counts = [f"{sum(1 for each in differences if each.change is change)} {change}" for change in Change]
        show(f"{name}: {', '.join(counts)}")
        for each in differences[:_MOST_LINES]:
            show(f"  {_MARKS[each.change]} {each.change} {each.row}{_place(each)}{_cells(each)}")
        if len(differences) > _MOST_LINES:
            show(f"  and {len(differences) - _MOST_LINES} more; --format json lists all")
    if not found:
        show("no difference")


def _told(table: str, difference: Difference) -> dict[str, object]:
    return {
        "table": table,
        "change": difference.change,
        "row": difference.row,
        "line": difference.line,
        "cells": {column: list(cells) for column, cells in difference.cells.items()},
    }


def _place(difference: Difference) -> str:
    if difference.line is None:
        return ""
    old = "old " if difference.change is Change.REMOVED else ""
    return f" ({old}line {difference.line})"


def _cells(difference: Difference) -> str:
    cells = (f"{column} {old!r} → {new!r}" for column, (old, new) in difference.cells.items())
    return "".join(f"\n      {each}" for each in cells)


def print_overlaps(permits: PermitTable, file: str) -> None:
    """Say which permits hold twice on some days: no harm to a decision, but perhaps not meant."""
    found = permits.overlaps()
    for one, two in found[:_MOST_OVERLAPS]:
        complain(
            f"note: {file} line {two.line}: {two.goods} {two.direction} {two.agency}"
            f" holds on days of line {one.line} too"
        )
    if len(found) > _MOST_OVERLAPS:
        complain(f"note: and {len(found) - _MOST_OVERLAPS} more permits that hold twice on some days")


def print_tables(tables: TableSet, output: OutputFormat) -> None:
    """Print what is said of each table of a set."""
    rows = [describe_table(each) for each in tables.tables.values()]
    if output is OutputFormat.JSON:
        for row in rows:
            print_json({"set": tables.version, **row})
        return
    show(f"set {tables.version}")
    print_table(
        ("table", "title", "owner", "rows", "valid", "licence", "sha256"),
        (
            (
                str(row["table"]),
                str(row["title_en"]),
                str(row["owner"]),
                str(row["rows"]),
                str(row["valid"]),
                str(row["licence"]),
                str(row["sha256"])[:_HASH],
            )
            for row in rows
        ),
    )


def describe_table(table: Table) -> dict[str, object]:
    """Give all that is known of a table but its rows."""
    rows, about = read_rows(table), table.description
    return {
        "table": table.name,
        "title_en": about.title.en,
        "title_th": about.title.th,
        "owner": about.owner,
        "source": about.source,
        "licence": about.licence,
        "notes": about.notes,
        "rows": len(rows.rows),
        "valid": _validity(rows),
        "sha256": table.sha256,
        "bytes": len(table.content),
    }


def _validity(rows: Rows) -> str:
    """Tell the first and the last day on which any row holds; what is open is told as such."""
    if not rows.is_dated:
        return "not dated"
    days = [rows.days(row) for row in rows.rows]
    firsts = [first for first, _ in days if first is not None]
    lasts = [last for _, last in days if last is not None]
    start = min(firsts).isoformat() if firsts and len(firsts) == len(days) else "open"
    end = max(lasts).isoformat() if lasts and len(lasts) == len(days) else "open"
    return f"{start} to {end}"


def print_proposals(ledger: Ledger, output: OutputFormat) -> None:
    """Print proposals, newest first."""
    for each in sorted(ledger.proposals.values(), key=lambda proposal: -proposal.number):
        if output is OutputFormat.JSON:
            print_json(
                {**each.model_dump(mode="json"), "proposal": each.number, "at": format_moment(each.at_ms)}
            )
            continue
        decided = f" by {each.decided_by}" if each.decided_by else ""
        why = f": {each.decision_reason}" if each.decision_reason else ""
        show(
            f"proposal {each.number} {each.status}{decided}{why}  {each.table}, proposed by {each.by}"
            f" ({each.reason}), {format_moment(each.at_ms)}"
        )


def print_history(ledger: Ledger, output: OutputFormat) -> None:
    """Print how each set followed another, newest first, and what in the topic no command of ours wrote."""
    for each in ledger.history():
        if output is OutputFormat.JSON:
            print_json(
                {**each.model_dump(mode="json"), "approval": each.number, "at": format_moment(each.at_ms)}
            )
            continue
        mark = "*" if each.set == ledger.current else " "
        show(
            f"{mark} set {each.set} {format_moment(each.at_ms)}  {', '.join(each.tables[:3])}"
            f"{' …' if len(each.tables) > 3 else ''}: {each.reason}"  # noqa: PLR2004 - so many fit
            f"; proposed by {each.proposed_by}, approved by {each.approved_by}"
        )
    for problem in ledger.problems:
        complain(f"not ours: {problem}")


def print_rows(table: Table, on: date | None, output: OutputFormat) -> None:
    """Print a table; *on* leaves out the rows that do not hold on that day."""
    found = read_rows(table)
    rows = [each for each in found.rows if on is None or found.in_force(each, on)]
    if output is OutputFormat.JSON:
        print_json(describe_table(table))
        for row in rows:
            print_json({"line": row.line, **row.cells})
        return
    for name, value in describe_table(table).items():
        if value != "":
            show(f"{name.replace('_', ' ')}: {value}")
    if on is not None:
        show(f"on {on}: {len(rows)} rows")
    columns = [each for each in found.columns if any(row.cells.get(each) for row in rows)]
    print_table(("line", *columns), _cells_of(rows, columns))


def _cells_of(rows: Iterable[Row], columns: Sequence[str]) -> Iterable[list[str]]:
    return ([str(row.line), *(row.cells.get(each, "") for each in columns)] for row in rows)
