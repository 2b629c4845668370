"""``nsw permits lookup``: asks the permit table about many goods at once, without a document."""

import csv
import io
import re
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from nsw.cli.output import (
    FormatOption,
    OutputFormat,
    parse_day,
    print_json,
    read_settings,
    report,
    shown_name,
)

_STDIN = "-"
_COLUMNS = 2
_MOST_PROBLEMS = 20
# As in documents: what follows the 8 digits of the AHTN is no part of the key; 0 or nothing stands for 000.
_TARIFF = re.compile(r"\d{8,12}", re.ASCII)
_STATISTICAL = re.compile(r"\d{0,3}", re.ASCII)
_HEADER = re.compile(r"[^\d,]+,[^\d,]+", re.ASCII)


class Direction(StrEnum):
    """The directions that permits know."""

    IMPORT = "import"
    EXPORT = "export"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Which goods need which agency's permit.")
    group.command(
        name="lookup",
        epilog="Example: echo 01023900,000 | nsw permits lookup --direction export --on 2026-01-31",
    )(lookup)
    app.add_typer(group, name="permits")


def lookup(
    direction: Annotated[Direction, typer.Option("--direction", help="Which way the goods move.")],
    on: Annotated[
        date,
        typer.Option("--on", parser=parse_day, metavar="YYYY-MM-DD", help="The day whose permits apply."),
    ],
    file: Annotated[
        str,
        typer.Argument(metavar="[FILE]", help="Lines 'tariff,statistical_code'; '-' is the standard input."),
    ] = _STDIN,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", exists=True, dir_okay=False, help="A permit table (CSV).", show_default="the window's"
        ),
    ] = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Look up the agencies whose permit goods need.

    Reads lines 'tariff,statistical_code' and prints each with a third column: the agencies, sorted, with a space
    between them, or nothing. A header line is passed over. A line that can't be understood refuses them all.
    """
    from nsw.routing import load_permits

    goods = _read_goods(file)
    permits = load_permits(table or read_settings().reference_folder / "permits.csv")
    agencies = {pair: permits.agencies_for(*pair, direction, on) for pair in set(goods)}
    if output is OutputFormat.JSON:
        for tariff, statistical_code in goods:
            found = agencies[tariff, statistical_code]
            print_json({"tariff": tariff, "statistical_code": statistical_code, "agencies": list(found)})
        return
    lines = (f"{tariff},{code},{' '.join(agencies[tariff, code])}\n" for tariff, code in goods)
    sys.stdout.writelines(lines)


def _read_goods(file: str) -> list[tuple[str, str]]:
    """
    Read all lines; blank ones and a header are passed over.

    Raises:
        Exit: some are malformed, each was told.
    """
    goods: list[tuple[str, str]] = []
    problems: list[str] = []
    reader = csv.reader(io.StringIO(_read_text(file), newline=""), strict=True)
    try:
        for cells in reader:
            match [cell.strip() for cell in cells]:
                case [tariff, code] if _TARIFF.fullmatch(tariff) and _STATISTICAL.fullmatch(code):
                    goods.append((tariff, code))
                case [] | [""]:
                    pass
                case others:
                    is_header = reader.line_num == 1 and _HEADER.fullmatch(",".join(others))
                    problems += [] if is_header else [f"line {reader.line_num}: {_problem_of(others)}"]
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: not CSV: {error}")
    if problems:
        surplus = len(problems) - _MOST_PROBLEMS
        shown = problems[:_MOST_PROBLEMS] + ([f"and {surplus} more"] if surplus > 0 else [])
        report("Nothing was looked up; some lines are not 'tariff,statistical_code':", shown)
        raise typer.Exit(2)
    return goods


def _read_text(file: str) -> str:
    try:
        content = sys.stdin.buffer.read() if file == _STDIN else Path(file).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{shown_name(file)}: {error.strerror}", param_hint="FILE") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise typer.BadParameter(f"line {line} is not UTF-8 text", param_hint="FILE") from error


def _problem_of(cells: list[str]) -> str:
    if len(cells) != _COLUMNS:
        return f"{len(cells)} columns, but 2 are expected"
    tariff, code = cells
    if not _TARIFF.fullmatch(tariff):
        return f"tariff {tariff!r} is not 8 to 12 digits (a spreadsheet may have dropped leading zeros)"
    return f"statistical code {code!r} is not up to 3 digits"
