"""The command ``reference``: the window's tables, imported into folders, proposed and approved in a running window."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nsw.cli.cluster import Bootstrap, DataFolder, configure, connect
from nsw.cli.output import FormatOption, OutputFormat, complain, parse_day, print_json, read_settings, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsw.config import Config
    from nsw.masterdata import Ledger, TableSet
    from nsw.stewards import Checks

reference_app = typer.Typer(
    no_args_is_help=True, help="The window's tables: who proposed what, who approved it, and what they hold."
)
_FOLDER = "folder"
_CURRENT = "current"


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(reference_app, name="reference")


TableName = Annotated[str, typer.Argument(metavar="TABLE", help="Such as permits, or codes/iso.countries.")]
By = Annotated[str, typer.Option("--by", help="Who says so; it is recorded as given.")]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The proposal's number.")]
Version = Annotated[
    str | None,
    typer.Option(
        "--version",
        help="A set's version or its beginning, an event's reference_data_version, or 'folder'.",
        show_default="the set that counts",
    ),
]


@reference_app.command("import", epilog="Example: nsw reference import --dry-run new/permits.csv")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    table: Annotated[
        str | None,
        typer.Option(help="The table that FILE is of.", show_default="the one whose file has FILE's name"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and show only.")] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Put files in the place of the folders' tables, all or none, and show what that changes row by row.

    Nothing is written when a file, or a table together with the others, has any problem; each is told with its line.
    Routing tests that expect something else are noted: change them too. A running window goes on by its own tables: see
    'nsw reference propose'.
    """
    from nsw.cli.tables import print_differences, print_overlaps
    from nsw.masterdata import compare_sets, read_tables, table_of_file
    from nsw.masterdata.folder import replace_files

    if table is not None and len(files) > 1:
        raise typer.BadParameter("with several files, their names tell the tables", param_hint="--table")
    config = read_settings()
    before = read_tables(config.schema_folders, config.reference_folder)
    names = {before.find(table).name if table else table_of_file(before, path.name): path for path in files}
    if len(names) < len(files):
        raise typer.BadParameter("two of the files are of one table", param_hint="FILE")
    after = before
    for name, path in names.items():
        after = after.with_content(name, path.read_bytes(), str(path))
    checks = _checks(config)
    reference = checks.load(after)
    print_differences(compare_sets(before, after), output)
    if "permits" in names:
        print_overlaps(reference.tables.permits, str(names["permits"]))
    for sentence in checks.failing_tests(reference):
        complain(f"note: {sentence}")
    changed = [name for name in names if after.tables[name].content != before.tables[name].content]
    if not dry_run:
        replace_files({Path(before.tables[name].place): after.tables[name].content for name in changed})
    if output is OutputFormat.TEXT:
        done = "would be written" if dry_run else "written"
        show("; ".join(f"{before.tables[name].place} {done}" for name in changed) or "nothing to write")


@reference_app.command(
    "propose", epilog="Example: nsw reference propose permits new.csv --by Somchai --reason …"
)
def propose(
    table: TableName,
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)],
    by: By,
    reason: Annotated[str, typer.Option(help="Why, such as the notification's number.")],
    with_description: Annotated[
        bool, typer.Option("--with-description", help="Also take over what the folders say of the table.")
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Propose FILE as the new content of a table of the running window; somebody else approves it.

    The set as it would be must load, its routing tests must pass, and every agency in it must have its topics.
    """
    from dataclasses import replace

    from nsw import stewards
    from nsw.cli.tables import print_differences, print_overlaps
    from nsw.masterdata import CODES, read_tables

    config, connection = connect(bootstrap_servers, data_folder)
    current = _set_of(_CURRENT, config, stewards.read_ledger(connection))
    # A table that is new is described in the folders.
    is_new = table not in current.tables and CODES + table not in current.tables
    described = (
        read_tables(config.schema_folders, config.reference_folder) if is_new or with_description else current
    ).find(table)
    table = described.name
    proposed = replace(described, content=file.read_bytes(), place=str(file))
    outcome = stewards.propose(connection, proposed, by, reason, _checks(config))
    print_differences({table: outcome.differences}, output)
    number = outcome.proposal.number
    if output is OutputFormat.JSON:
        print_json({"proposal": number, "table": table, "sha256": proposed.sha256})
        return
    if table == "permits":
        from nsw.routing import load_permits

        print_overlaps(load_permits(proposed.file), str(file))
    show(f"proposal {number}; somebody else lets it count: nsw reference approve {number} --by NAME")


@reference_app.command("approve")
def approve(
    number: Number,
    by: By,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Let a proposal count; not by who proposed it.

    Refused when its table has changed since it was proposed. All workers judge by the new set from their next batch on.
    """
    from nsw import stewards
    from nsw.cli.tables import print_differences

    config, connection = connect(bootstrap_servers, data_folder)
    approval, outcome = stewards.approve(connection, number, by, _checks(config))
    print_differences({outcome.proposal.table: outcome.differences}, output)
    if output is OutputFormat.JSON:
        print_json({"approval": approval.number, "set": approval.set, "previous": approval.previous})
    else:
        show(f"set {approval.set} counts from now on; before, {approval.previous} did")


@reference_app.command("reject")
def reject(
    number: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="Why.")],
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Close a proposal without a change; its proposer may do so too."""
    from nsw import stewards

    _, connection = connect(bootstrap_servers, data_folder)
    stewards.reject(connection, number, by, reason)
    show(f"proposal {number} is rejected")


@reference_app.command("list")
def list_tables(
    output: FormatOption = OutputFormat.TEXT,
    folder: Annotated[bool, typer.Option("--folder", help="The folders' tables; needs no window.")] = False,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show all tables with owner, source and validity, the open and past proposals, and the history of sets."""
    from nsw import stewards
    from nsw.cli.tables import print_history, print_proposals, print_tables

    if folder:
        config = configure(None, data_folder)
        print_tables(_set_of(_FOLDER, config, None), output)
        return
    config, connection = connect(bootstrap_servers, data_folder)
    ledger = stewards.read_ledger(connection)
    print_tables(_set_of(_CURRENT, config, ledger), output)
    print_proposals(ledger, output)
    print_history(ledger, output)


@reference_app.command("show")
def show_table(
    table: TableName,
    version: Version = None,
    on: Annotated[
        date | None,
        typer.Option("--on", parser=parse_day, metavar="YYYY-MM-DD", help="Only rows that hold on this day."),
    ] = None,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show one table: what is said of it, and its rows."""
    from nsw.cli.tables import print_rows

    tables = _find_sets([version or _CURRENT], bootstrap_servers, data_folder)[0]
    print_rows(tables.find(table), on, output)


@reference_app.command("diff", epilog="Example: nsw reference diff 3f2a current")
def diff(
    old: Annotated[
        str, typer.Argument(metavar="OLD", help="A version, 'current', 'folder', or a folder.")
    ] = _CURRENT,
    new: Annotated[str, typer.Argument(metavar="NEW", help="As OLD.")] = _FOLDER,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Show what changes from one set to another, row by row; without names, from what counts to what the folders hold.

    'folder' is the window's folders; any other folder is one that 'nsw reference export' wrote.
    """
    from nsw.cli.tables import print_differences
    from nsw.masterdata import compare_sets

    before, after = _find_sets([old, new], bootstrap_servers, data_folder)
    print_differences(compare_sets(before, after), output)


@reference_app.command("export", epilog="Example: nsw reference export --version 3f2a ./tables-of-june")
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Made if it is not there.")],
    version: Version = None,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Write a set into a folder as files, which can be given as NSW_REFERENCE_FOLDER, imported, and compared."""
    from nsw.masterdata import write_tables

    tables = _find_sets([version or _CURRENT], bootstrap_servers, data_folder)[0]
    folder.mkdir(parents=True, exist_ok=True)
    for path in write_tables(tables, folder):
        show(str(path))


def _find_sets(names: "Sequence[str]", bootstrap: str | None, data_folder: Path | None) -> "list[TableSet]":
    """Give the sets of these names; a window is needed for those only that it keeps."""
    from nsw import stewards

    if all(name == _FOLDER or Path(name).is_dir() for name in names):
        config, ledger = configure(None, data_folder), None
    else:
        config, connection = connect(bootstrap, data_folder)
        ledger = stewards.read_ledger(connection)
    return [_set_of(name, config, ledger) for name in names]


def _set_of(name: str, config: "Config", ledger: "Ledger | None") -> "TableSet":
    from nsw.masterdata import read_tables
    from nsw.reference import tables_version_of

    if name == _FOLDER:
        return read_tables(config.schema_folders, config.reference_folder)
    if ledger is None or (Path(name).is_dir() and name not in ledger.sets):
        return read_tables([Path(name)], Path(name))
    return ledger.newest() if name == _CURRENT else ledger.tables_of(tables_version_of(name))


def _checks(config: "Config") -> "Checks":
    from nsw.formats.xml import XmlLimits
    from nsw.reference import Limits, load_types
    from nsw.stewards import Checks

    types = load_types(config.schema_folders, config.schema_variables, config.schema_ids_file)
    limits = Limits(XmlLimits(max_document_bytes=config.max_document_bytes), config.max_findings)
    return Checks(types, limits, config.reference_folder / "routing_tests")
