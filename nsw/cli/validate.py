"""
``nsw validate``, and what the other offline commands share with it: the snapshot, documents, and judging them.

Judges as the window does, by the same function; needs no broker.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nsw.cli.output import (
    DayOption,
    FormatOption,
    Language,
    LanguageOption,
    OutputFormat,
    SchemasOption,
    clean,
    is_debugging,
    print_json,
    read_settings,
    shown_name,
    stderr,
    stdout,
)
from nsw.errors import Code, ConfigError, Severity, Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from nsw.codelists import CodeLists
    from nsw.config import Config
    from nsw.messagetypes import Catalogue, MessageType
    from nsw.model import Finding, Reason
    from nsw.processing import Judgement
    from nsw.reference import Reference

STDIN = "-"
_SUFFIXES = (".xml", ".avro")
_MANY_FILES = 50
_MOST_RUNS = 12
_CODE_LISTS = "codes/lists.yaml"
_STYLES = {
    Verdict.ACCEPTED: "bold green",
    Verdict.REJECTED: "bold red",
    Verdict.DEAD_LETTER: "bold magenta",
    Severity.ERROR: "red",
    Severity.WARNING: "yellow",
    Severity.INFORMATION: "blue",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="validate", epilog="Example: nsw validate --on 2026-01-31 declarations/ other.avro")(
        validate
    )


def validate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="XML or Avro documents; '-' is the standard input; a folder stands for all *.xml and *.avro in it.",
        ),
    ],
    schemas: SchemasOption = None,
    on: DayOption = None,
    language: LanguageOption = Language.EN,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Check documents exactly as the window would, without a broker.

    Prints each document's verdict, what was found in it, and the agencies it would go to with the reasons. As json,
    that is one object on one line for each document.

    Exit code: 0 all accepted, 1 not all, 2 it could not be tried.
    """
    names = find_documents(files)
    reference = load_snapshot(read_settings(), schemas or ())
    on = on or today(reference)
    verdicts: Counter[Verdict] = Counter()
    with _console_for_many(len(names), output) as (console, advance):
        for name in names:
            judgement = judge_file(name, on, reference)
            verdicts[judgement.verdict] += 1
            if output is OutputFormat.JSON:
                print_json(describe(name, judgement, language))
            else:
                print_judgement(console, name, judgement, language)
            advance()
    if output is OutputFormat.TEXT and len(names) > 1:
        stdout().print(
            ", ".join(f"{verdicts[each]} {each}" for each in Verdict if verdicts[each]) + f" on {on}"
        )
    raise typer.Exit(0 if verdicts.total() == verdicts[Verdict.ACCEPTED] else 1)


# Documents.


def find_documents(names: Sequence[str]) -> list[str]:
    """
    List the documents that are meant, in the order given; folders in the order of their files' paths.

    Raises:
        BadParameter: every name that is neither file nor folder, or a folder without documents.
    """
    found: list[str] = []
    problems: list[str] = []
    for name in names:
        try:
            found += _documents_of(name)
        except OSError as error:
            problems.append(f"{shown_name(name)}: {error.strerror}")
    if names.count(STDIN) > 1:
        problems.append("'-' can be read only once")
    if problems:
        raise typer.BadParameter("\n".join(problems), param_hint="FILE")
    return found


def _documents_of(name: str) -> list[str]:
    path = Path(name)
    if name == STDIN or not path.is_dir():
        if name == STDIN or path.exists():
            return [name]
        raise FileNotFoundError(ENOENT, "no such file")
    # A link that leads nowhere is listed too: its document is missed, and that is told when it is read.
    found = (each for each in path.rglob("*") if each.suffix.lower() in _SUFFIXES and not each.is_dir())
    inside = [str(each) for each in sorted(found)]
    if not inside:
        raise FileNotFoundError(ENOENT, "no *.xml or *.avro in this folder")
    return inside


def _read(name: str) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{shown_name(name)}: {error.strerror}", param_hint="FILE") from error


# The snapshot.


def load_snapshot(config: "Config", extra_folders: Sequence[Path] = ()) -> "Reference":
    """
    Read the window's snapshot, and put further message types into it.

    A type of an extra folder takes the place of the window's own with the same name and version, or with the
    same root element in force at the same time; so do its code lists. The error output tells which.

    Raises:
        ConfigError: every problem of every file.
    """
    from nsw.formats.xml import XmlLimits
    from nsw.reference import Limits, load_reference

    problems: list[str] = []
    reference = given = None
    limits = Limits(XmlLimits(max_document_bytes=config.max_document_bytes), config.max_findings)
    try:
        reference = load_reference(
            config.schema_folders,
            config.reference_folder,
            config.schema_variables,
            limits,
            config.schema_ids_file,
        )
    except ConfigError as error:
        problems += error.problems
    try:
        given = _load_extra(_outermost(extra_folders), config.schema_variables) if extra_folders else None
    except ConfigError as error:
        problems += (problem for problem in error.problems if problem not in problems)
    if reference is None or problems:
        raise ConfigError(*problems)
    if given is None:
        return reference
    catalogue, code_lists = given
    return replace(
        reference,
        catalogue=_replace(reference.catalogue, catalogue),
        code_lists=replace(reference.code_lists, lists={**reference.code_lists.lists, **code_lists.lists}),
    )


def replace_types(own: "Catalogue", folders: Sequence[Path], config: "Config") -> "Catalogue":
    """
    Put the message types of folders in the place of those with the same name and version, or for the same documents.

    Raises:
        ConfigError: every problem of every file.
    """
    from nsw.typefolders import load_catalogue

    return _replace(own, load_catalogue(_outermost(folders), config.schema_variables))


def _replace(own: "Catalogue", given: "Catalogue") -> "Catalogue":
    """Join both; a type takes over the Avro ids, a registry's too, of the one whose place it takes, if it may."""
    from nsw.messagetypes import Catalogue

    kept = tuple(_not_replaced(own, given))
    heir_by_own = {
        id(each): next(
            (heir for heir in given.types if _takes_place(heir, each) and heir.shares_avro(each)), None
        )
        for each in own.types
    } | {id(each): each for each in kept}
    id_by_heir = {id(heir_by_own[id(each)]): each.avro_id for each in own.types}
    types = {id(each): replace(each, avro_id=id_by_heir.get(id(each), each.avro_id)) for each in given.types}
    types |= {id(each): each for each in kept}
    other_ids = {
        number: tuple(types[id(heir)] for heir in (heir_by_own.get(id(each)) for each in versions) if heir)
        for number, versions in own.other_ids.items()
    }
    return Catalogue(
        tuple(types.values()), {number: each for number, each in other_ids.items() if each}, own.ids_source
    )


def _outermost(folders: Sequence[Path]) -> list[Path]:
    """Leave out folders that lie in another one, or are given twice."""
    resolved = {folder.resolve(): folder for folder in folders}
    return [folder for full, folder in resolved.items() if resolved.keys().isdisjoint(full.parents)]


def _load_extra(folders: list[Path], variables: dict[str, str]) -> "tuple[Catalogue, CodeLists]":
    from nsw.codelists import load_code_lists, merge
    from nsw.typefolders import load_catalogue

    lists = sorted({path.parent for folder in folders for path in folder.rglob(_CODE_LISTS)})
    return load_catalogue(folders, variables), merge(*map(load_code_lists, lists))


def _not_replaced(own: "Catalogue", given: "Catalogue") -> "Iterator[MessageType]":
    folders = {each.folder.resolve() for each in given.types}
    problems: list[str] = []
    for each in own.types:
        if each.folder.resolve() in folders:
            continue
        other = next((other for other in given.types if _takes_place(other, each)), None)
        if other is not None:
            stderr().print(
                f"{other.name} {other.version} of {other.folder} is used in place of {each.name} {each.version}",
                style="yellow",
                soft_wrap=True,
            )
            continue
        problems += (
            f"{other.folder}: Avro schema id {each.avro_id} is that of the window's {each.name}; take another"
            for other in given.types
            if each.avro_id is not None and other.avro_id == each.avro_id and not other.shares_avro(each)
        )
        yield each
    if problems:
        raise ConfigError(*problems)


def _takes_place(given: "MessageType", own: "MessageType") -> bool:
    return (given.name, given.version) == (own.name, own.version) or (
        given.root == own.root and given.overlaps(own)
    )


def today(reference: "Reference") -> date:
    """Give the lodging date of what would be lodged now."""
    return datetime.now(reference.window.time_zone).date()


# Judging.


def judge_file(name: str, on: date, reference: "Reference") -> "Judgement":
    """
    Judge a document as the window would.

    Raises:
        BadParameter: the file can't be read.
    """
    from nsw.model import finding_of
    from nsw.processing import Judgement, judge

    value = _read(name)
    try:
        return judge(value, on, reference)
    except Exception as error:
        if is_debugging():
            raise
        # As in processing.process: whatever the bytes, the window keeps them as a dead letter.
        return Judgement(Verdict.DEAD_LETTER, (finding_of(Code.INTERNAL, type(error).__name__),))


# Printing.


def describe(name: str, judgement: "Judgement", language: Language) -> dict[str, object]:
    """Give the JSON object of one document."""
    message_type = judgement.message_type
    return {
        "file": shown_name(name),
        "message_type": message_type.name if message_type else None,
        "version": message_type.version if message_type else None,
        "law_date": judgement.law.on.isoformat() if judgement.law else None,
        "law_date_field": judgement.law.field if judgement.law else None,
        "verdict": judgement.verdict,
        "findings": [describe_finding(each, language) for each in judgement.findings],
        "agencies": list(judgement.decision.agencies),
    }


def describe_finding(finding: "Finding", language: Language) -> dict[str, object]:
    """Give the JSON object of one finding."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "layer": finding.layer,
        "path": finding.path,
        "line": finding.line,
        "text": sentence(finding, language),
    }


def sentence(said: "Finding | Reason", language: Language) -> str:
    """Give the sentence in the language wanted; English where there is no Thai."""
    return (said.text_th if language is Language.TH else said.text_en) or said.text_en


def print_judgement(console: "Console", name: str, judgement: "Judgement", language: Language) -> None:
    """Print one document's verdict, findings, and agencies with reasons."""
    from rich.text import Text

    message_type = judgement.message_type
    kind = f"{message_type.name} {message_type.version}" if message_type else "unknown message type"
    if judgement.law is not None and judgement.law.field is not None:
        kind += f" by the law of {judgement.law.on}, its {judgement.law.field}"
    verdict = judgement.verdict
    console.print(
        Text.assemble((verdict, _STYLES[verdict]), f"  {clean(shown_name(name))}  ", (kind, "dim")),
        soft_wrap=True,
    )
    print_findings(console, judgement.findings, language)
    print_reasons(console, judgement.decision.reasons, language)


def print_findings(console: "Console", findings: "Sequence[Finding]", language: Language) -> None:
    """Print each finding: its weight, code and place, and below its sentence."""
    from rich.text import Text

    for finding in findings:
        line = f"line {finding.line}" if finding.line else ""
        place = "  ".join(filter(None, (line, finding.path)))
        weight = f"{finding.severity:<8}"
        console.print(
            Text.assemble(
                "  ", (weight, _STYLES[finding.severity]), (f" {finding.code}", "bold"), f"  {place}"
            ),
            soft_wrap=True,
        )
        console.print(Text(f"           {clean(sentence(finding, language))}"), soft_wrap=True)


def print_reasons(console: "Console", reasons: "Sequence[Reason]", language: Language) -> None:
    """Print each agency that gets a declaration, with route, items and sentence."""
    from rich.text import Text

    for reason in reasons:
        numbers = (
            f"{'item' if len(reason.items) == 1 else 'items'} {runs(reason.items)}: " if reason.items else ""
        )
        console.print(
            Text.assemble(
                "  → ",
                (f"{reason.agency:<8}", "bold cyan"),
                (f" {reason.route}  ", "dim"),
                f"{numbers}{sentence(reason, language)}",
            ),
            soft_wrap=True,
        )


def runs(numbers: Sequence[int]) -> str:
    """Write sorted numbers shortly, and not more than a line of them: ``1-3, 7``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in found]
    more = sum(last - first + 1 for first, last in found[_MOST_RUNS:])
    return ", ".join(shown[:_MOST_RUNS]) + (f" and {more} more" if more else "")


@contextmanager
def _console_for_many(count: int, output: OutputFormat) -> "Iterator[tuple[Console, Callable[[], None]]]":
    """
    Give the console for results; with many files and a terminal, a progress bar stands on the error output.

    Where results go to the same terminal they are printed through the bar's console, which keeps it below them.
    """
    results_seen = sys.stdout.isatty()
    if count <= _MANY_FILES or not sys.stderr.isatty() or (results_seen and output is OutputFormat.JSON):
        yield stdout(), lambda: None
        return
    from rich.progress import Progress

    with Progress(console=stderr(), redirect_stdout=False, transient=True) as progress:
        task = progress.add_task("checking", total=count)
        yield progress.console if results_seen else stdout(), lambda: progress.advance(task)
