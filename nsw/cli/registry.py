"""``nsw schemas register``: puts Avro schemas into a schema registry, and notes the ids that it gives."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nsw.cli.output import (
    FormatOption,
    OutputFormat,
    TypeFolders,
    print_json,
    print_table,
    read_settings,
    show,
)
from nsw.errors import ConfigError

if TYPE_CHECKING:
    from nsw.registration import Entry


def register_schemas(
    folders: TypeFolders = None,
    registry: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the registry.", show_default="NSW_SCHEMA_REGISTRY"),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            dir_okay=False,
            help="Where the ids are noted.",
            show_default="NSW_SCHEMA_IDS, else schema-ids.yaml of the reference folder",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only ask whether the registry would take them.")
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Register each type's Avro schema in a schema registry, and note the ids that it gives for the workers.

    The registry is asked first whether all fit what it has; when one does not, nothing is registered.
    Workers take the file when they start, and never ask the registry.

    Exit code: 0 registered (with --dry-run: all fit), 2 refused, or not set up, 3 the registry is away.
    """
    from nsw.registration import judge_types, note_ids, register_types, write_schema_ids
    from nsw.schemaids import SCHEMA_IDS_FILE
    from nsw.schemaregistry import RegistryAccess, SchemaRegistry
    from nsw.typefolders import load_catalogue

    config = read_settings(schema_registry=registry)
    if not config.schema_registry:
        raise ConfigError("no registry is named: give --registry URL, or set NSW_SCHEMA_REGISTRY")
    catalogue = load_catalogue(list(folders or config.schema_folders), config.schema_variables)
    target = ids or config.schema_ids or config.reference_folder / SCHEMA_IDS_FILE
    access = RegistryAccess(
        config.schema_registry,
        config.schema_registry_user,
        config.schema_registry_password.get_secret_value(),
        config.schema_registry_timeout_seconds,
    )
    with SchemaRegistry(access) as client:
        entries = judge_types(client, catalogue)
        if not dry_run:
            entries = register_types(client, entries)
            write_schema_ids(target, note_ids(client.url, entries))
    _print(entries, output)
    if output is OutputFormat.TEXT and not dry_run:
        show(f"{target}: written; workers take it at their next start")
    raise typer.Exit(0 if all(each.judgement.is_compatible for each in entries) else 2)


def _print(entries: "tuple[Entry, ...]", output: OutputFormat) -> None:
    rows = [
        {
            "message_type": each.message_type.name,
            "version": each.message_type.version,
            "subject": each.subject,
            "compatibility": each.level,
            "result": _result(each),
            "id": each.id,
        }
        for each in entries
    ]
    if output is OutputFormat.JSON:
        print_json(rows)
        return
    heads = ("type", "version", "subject", "compatibility", "result", "id")
    print_table(heads, (["" if value is None else str(value) for value in row.values()] for row in rows))


def _result(entry: "Entry") -> str:
    if entry.judgement.is_known:
        return "known"
    if not entry.judgement.is_compatible:
        return "; ".join(("not compatible", *entry.judgement.reasons))
    return "fits" if entry.id is None else "new"
