"""What all commands share: options, settings, and how text, JSON and complaints are printed."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from nsw.config import Config

#: With it set, errors show where in the code they arose.
DEBUG_VARIABLE = "NSW_DEBUG"
#: Width of tables that go into a file or a pipe.
_PIPE_COLUMNS = 200
_DATE_CHARACTERS = 10


class OutputFormat(StrEnum):
    """How a command prints its result."""

    TEXT = "text"
    JSON = "json"


class PageFormat(StrEnum):
    """How a command prints a catalogue."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class Language(StrEnum):
    """Language of sentences about documents."""

    EN = "en"
    TH = "th"


def parse_day(text: str | date) -> date:
    """
    Read a date of an option.

    Raises:
        BadParameter: it is none, or not written as 2026-01-31.
    """
    try:
        # fromisoformat also takes 20260131 and 2026-W05-6.
        if isinstance(text, str) and len(text) == _DATE_CHARACTERS and "W" not in text:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a date like 2026-01-31")


FormatOption = Annotated[
    OutputFormat, typer.Option("--format", help="text for people, or json for programs.")
]
PageFormatOption = Annotated[
    PageFormat, typer.Option("--format", help="text for people, json for programs, or markdown for a page.")
]
TypeFolders = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Folders with message types, at any depth.",
        show_default="the window's own",
    ),
]
LanguageOption = Annotated[Language, typer.Option("--language", help="Language of the sentences.")]
DayOption = Annotated[
    date | None,
    typer.Option(
        "--on",
        parser=parse_day,
        metavar="YYYY-MM-DD",
        help="Lodging date: rules and tables in force on it apply.",
        show_default="today in the window's time zone",
    ),
]
SchemasOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--schemas",
        exists=True,
        file_okay=False,
        metavar="FOLDER",
        help="Folder with more message types, beside the window's own; may be given several times. "
        "A type in it takes the place of one that the window has for the same documents.",
    ),
]


def read_settings(**overrides: object) -> "Config":
    """
    Read the settings of this process.

    Args:
        overrides: given on the command line; None means not given.

    Raises:
        ConfigError: every problem.
    """
    from nsw.config import load_config

    return load_config(settings_variables(), **overrides)


def is_debugging() -> bool:
    """Tell whether errors are to show where in the code they arose."""
    return os.environ.get(DEBUG_VARIABLE, "") not in {"", "0"}


def settings_variables() -> dict[str, str]:
    """Give the environment without what only the command line itself reads."""
    return {name: value for name, value in os.environ.items() if name != DEBUG_VARIABLE}


def stdout() -> "Console":
    """Give the console for results."""
    return _console(is_error=False)


def stderr() -> "Console":
    """Give the console for everything that is no result."""
    return _console(is_error=True)


def _console(*, is_error: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if is_error else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_COLUMNS
    return Console(stderr=is_error, highlight=False, markup=False, emoji=False, width=width)


def show(line: str) -> None:
    """Print a line of a result, safe for a terminal."""
    typer.echo(clean(line))


def complain(line: str) -> None:
    """Print a line that is no result on the error output, safe for a terminal."""
    typer.echo(clean(line), err=True)


def print_json(value: object) -> None:
    """Print one JSON value on a line, in UTF-8 whatever the terminal's encoding."""
    import orjson

    typer.echo(orjson.dumps(value))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table for people."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    stdout().print(table)


def print_markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table for a page."""
    typer.echo(f"| {' | '.join(columns)} |")
    typer.echo(f"|{'---|' * len(columns)}")
    for row in rows:
        typer.echo(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")


def report(headline: str, problems: Iterable[str], hint: str = "") -> None:
    """Complain on the error output: a headline in red, each problem on its own line, and what to do."""
    from rich.text import Text

    console = stderr()
    console.print(Text(headline, style="bold red"), soft_wrap=True)
    for problem in problems:
        console.print(Text(f"  {clean(problem)}", style="red"), soft_wrap=True)
    if hint:
        console.print(Text(hint), soft_wrap=True)


def clean(text: str) -> str:
    """Replace what could move a terminal's cursor or switch its colours; documents are written by others."""
    return "".join(each if each in "\t\n" or not _is_control(each) else "\ufffd" for each in text)


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"}


def shown_name(name: str) -> str:
    """Give a file's name as text; names that are not UTF-8 get replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")
