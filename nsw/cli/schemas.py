"""``nsw schemas``, ``nsw codes`` and ``nsw metrics``: what the window knows, for people and for pages."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated

import typer

from nsw.cli.output import (
    DayOption,
    FormatOption,
    OutputFormat,
    PageFormat,
    PageFormatOption,
    SchemasOption,
    TypeFolders,
    print_json,
    print_markdown_table,
    print_table,
    read_settings,
    show,
    stdout,
)
from nsw.cli.registry import register_schemas
from nsw.cli.validate import load_snapshot, today
from nsw.errors import CATALOGUE, ConfigError

if TYPE_CHECKING:
    from nsw.messagetypes import MessageType
    from nsw.onboarding import Problem, Surroundings

_TYPE_NAME = re.compile(r"[a-z][a-z0-9.-]*")
_VERSION = re.compile(r"[A-Za-z0-9._-]+")
_CODES_PAGE = """\
# Codes

What the window reports has a stable code; integrators may route on it, and a code never changes its meaning.
The codes of business rules stand in the rule file of their message type.

*accepted* marks codes that never reject; *rejected* is answered to the sender with every finding; a *dead-letter*
could not be understood, and is kept with its origin.
"""
_METRICS_PAGE = """\
# Metrics

Each process serves these at `/metrics`. Labels are from closed sets; a value outside its set counts as `other`.
"""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The message types that the window knows.")
    group.command(name="list", epilog="Example: nsw schemas list --on 2026-01-31")(list_types)
    group.command(name="check", epilog="Example: nsw schemas check schemas/th/response")(check)
    group.command(
        name="new",
        epilog="Example: nsw schemas new note.xsd --root auto --type th.note --version 1.0 --into schemas/th/note/1.0",
    )(new)
    group.command(name="avro", epilog="Example: nsw schemas avro schemas/th/response/1.0 --check")(avro)
    group.command(name="register", epilog="Example: nsw schemas register --dry-run")(register_schemas)
    app.add_typer(group, name="schemas")
    app.command(name="codes", epilog="Example: nsw codes --format markdown > docs/codes.md")(codes)
    app.command(name="metrics", epilog="Example: nsw metrics --format markdown > docs/metrics.md")(metrics)


# Message types.


def list_types(
    schemas: SchemasOption = None, on: DayOption = None, output: FormatOption = OutputFormat.TEXT
) -> None:
    """List the message types, with the days on which they are in force."""
    reference = load_snapshot(read_settings(), schemas or ())
    on = on or today(reference)
    rows = [_describe(each, on) for each in sorted(reference.catalogue.types, key=_name_and_version)]
    if output is OutputFormat.JSON:
        print_json(rows)
        return
    columns = (
        "type",
        "version",
        "kind",
        "direction",
        "Avro id",
        "in force",
        "from",
        "until",
        "root",
        "title",
    )
    keys = (
        "message_type",
        "version",
        "kind",
        "direction",
        "avro_id",
        "in_force",
        "effective_from",
        "effective_until",
        "root",
        "title_en",
    )
    print_table(columns, ([_cell(row[key]) for key in keys] for row in rows))


def _name_and_version(message_type: "MessageType") -> tuple[str, str]:
    return message_type.name, message_type.version


def _describe(message_type: "MessageType", on: date) -> dict[str, object]:
    return {
        "message_type": message_type.name,
        "version": message_type.version,
        "kind": message_type.kind,
        "direction": message_type.direction,
        "root": message_type.root,
        "avro_id": message_type.avro_id,
        "in_force": message_type.is_in_force(on),
        "effective_from": message_type.effective_from.isoformat(),
        "effective_until": _day(message_type.effective_until),
        "dated_by": message_type.dated_by.name if message_type.dated_by else None,
        "rules": [
            {"from": each.effective_from.isoformat(), "until": _day(each.effective_until)}
            for each in message_type.dated_rules
        ],
        "title_en": message_type.title_en,
        "title_th": message_type.title_th,
        "folder": str(message_type.folder),
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def avro(
    folder: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="A message type's folder: it holds type.yaml."),
    ],
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail when the file is missing or differs.")
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Derive a message type's Avro schema from its XSD, and write it where its type.yaml says.

    Exit code: 0 written or equal, 1 --check found a difference, 2 it could not be derived.
    """
    path, derived = _derive(folder)
    is_equal = path.is_file() and path.read_text("utf-8") == derived
    if not is_equal and not only_check:
        path.write_text(derived, "utf-8")
    done = "unchanged" if is_equal else "differs" if only_check else "written"
    if output is OutputFormat.JSON:
        print_json({"file": str(path), "result": done})
    else:
        stdout().print(f"{path}: {done}", soft_wrap=True)
    raise typer.Exit(1 if done == "differs" else 0)


def _derive(folder: Path) -> tuple[Path, str]:
    """
    Give the path and the text that a type's Avro schema should have.

    The type is not loaded: its Avro schema need not be there yet.

    Raises:
        ConfigError: type.yaml is unreadable or names no Avro schema; every construct that has no Avro schema.
    """
    import yaml

    from nsw.formats.derive import build_avsc_text, derive_avro
    from nsw.typefile import TYPE_FILE

    path = folder / TYPE_FILE
    try:
        described = yaml.safe_load(path.read_text("utf-8"))
        root, target = str(described["root"]), folder / str(described["avro"]["schema"])
        xsd = folder / Template(str(described["schema"])).substitute(read_settings().schema_variables)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: 'root', 'schema', and 'schema' below 'avro' are needed: {error}"
        ) from error
    return target, build_avsc_text(derive_avro(xsd, root.removeprefix("{}")))


def check(
    folders: TypeFolders = None,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Prove message-type folders: schema, rules, fields, samples and Avro, everything that is wrong at once.

    Exit code: 0 nothing wrong (there may be warnings), 1 problems, 2 it could not be tried.
    """
    from nsw.onboarding import check_folders

    count, found = check_folders(folders or (), _surroundings())
    warnings = sum(each.is_warning for each in found)
    problems = len(found) - warnings
    if output is OutputFormat.JSON:
        print_json({"message_types": count, "problems": [_describe_problem(each) for each in found]})
    else:
        for each in found:
            show(str(each))
        show(f"{count} message types: {problems} problems, {warnings} warnings")
    raise typer.Exit(1 if problems else 0)


def _surroundings() -> "Surroundings":
    from nsw.formats.xml import XmlLimits
    from nsw.onboarding import Surroundings
    from nsw.reference import Limits

    config = read_settings()
    limits = Limits(XmlLimits(max_document_bytes=config.max_document_bytes), config.max_findings)
    return Surroundings(
        tuple(config.schema_folders), config.reference_folder, config.schema_variables, limits
    )


def new(
    xsd: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The XSD of the documents.")],
    name: Annotated[str, typer.Option("--type", metavar="NAME", help="Name of the message type.")],
    version: Annotated[str, typer.Option("--version", help="Its version.")],
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="The new folder; it is not there yet.")],
    root: Annotated[
        str, typer.Option("--root", help="{namespace}name of the root element; auto when there is only one.")
    ] = "auto",
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the XSD and all that it includes, instead of naming it.")
    ] = False,
) -> None:
    """
    Make a message-type folder from an XSD: fields are suggested, the Avro schema derived; then prove it.

    Exit code: 0 made, 1 made but the proof finds problems, 2 not made. Nothing is ever overwritten.
    """
    from nsw.onboarding import NewType, check_folders, plan_type

    if into.exists():
        raise ConfigError(f"{into}: is there already; nothing was written")
    if not _TYPE_NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise ConfigError(
            "--type is of a-z, 0-9, '.' and '-'; --version of letters, digits, '.', '-' and '_'"
        )
    window = _surroundings()
    known = load_snapshot(read_settings()).catalogue
    avro_id = max((each.avro_id or 0 for each in known.types), default=0)
    avro_id = max(avro_id, *known.other_ids, 0) + 1
    since = datetime.now(UTC).date()
    plan = plan_type(NewType(xsd, root, name, version, into, since, avro_id, copy), window.variables)
    for path, content in plan.files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        with (into / path).open("xb") as file:
            file.write(content)
        show(str(into / path))
    for note in plan.notes:
        show(note)
    _, found = check_folders([into], window)
    for each in found:
        show(str(each))
    raise typer.Exit(0 if all(each.is_warning for each in found) else 1)


def _describe_problem(problem: "Problem") -> dict[str, object]:
    return {
        "file": str(problem.file),
        "line": problem.line,
        "severity": "warning" if problem.is_warning else "error",
        "text": problem.sentence,
    }


# Catalogues.


def codes(output: PageFormatOption = PageFormat.TEXT) -> None:
    """
    List every stable code and its sentence.

    The verdict is what a finding of this code makes of a record; the layer is the check that reports it.
    """
    rows = [
        {
            "code": str(code),
            "name": code.name.lower().replace("_", "-"),
            "verdict": str(entry.verdict),
            "layer": str(entry.layer),
            "text_en": entry.text_en,
            "text_th": entry.text_th,
            "source": entry.source,
        }
        for code, entry in CATALOGUE.items()
    ]
    if output is PageFormat.JSON:
        print_json(rows)
        return
    columns = ("code", "verdict", "layer", "text_en", "text_th", "source")
    heads = ("Code", "Verdict", "Layer", "Sentence", "In Thai", "Source")
    _print_catalogue(output, _CODES_PAGE, heads, [[row[each] for each in columns] for row in rows])


def metrics(output: PageFormatOption = PageFormat.TEXT) -> None:
    """List every metric that a process serves."""
    from nsw.telemetry import CATALOGUE as METRICS

    if output is PageFormat.JSON:
        print_json(
            [
                {"name": each.name, "kind": each.kind, "labels": list(each.labels), "meaning": each.meaning}
                for each in METRICS
            ]
        )
        return
    rows = [[each.name, each.kind, ", ".join(each.labels), each.meaning] for each in METRICS]
    _print_catalogue(output, _METRICS_PAGE, ("Metric", "Kind", "Labels", "Meaning"), rows)


def _print_catalogue(output: PageFormat, page: str, columns: tuple[str, ...], rows: list[list[str]]) -> None:
    rows = [[cell.replace("{detail}", "…") for cell in row] for row in rows]
    if output is PageFormat.MARKDOWN:
        typer.echo(page)
        print_markdown_table(columns, rows)
    else:
        print_table(columns, rows)
