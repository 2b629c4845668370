"""The command ``topics``: create, list and check the window's topics."""

from typing import Annotated, Any

import typer

from nsw.cli.cluster import Bootstrap, DataFolder, connect
from nsw.cli.output import FormatOption, OutputFormat, print_json, show

topics_app = typer.Typer(no_args_is_help=True, help="Create, list and check the window's topics.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(topics_app, name="topics")


def _specs(config: Any, references: list[Any], parties: list[str], agencies: list[str]) -> list[Any]:
    from nsw import topics
    from nsw.identifiers import parse_agency_code, parse_party_id
    from nsw.provision import window_topics

    largest = config.max_document_bytes
    groups = [
        *(window_topics(config, each) for each in references),
        *(topics.party_topics(parse_party_id(each), max_document_bytes=largest) for each in parties),
        *(topics.agency_topics(parse_agency_code(each), max_document_bytes=largest) for each in agencies),
    ]
    return list({spec.name: spec for group in groups for spec in group}.values())


def _tables_in_force(connection: Any, folder: Any) -> Any:
    """Give the snapshot of the tables that count; the folders' while the topic holds none."""
    from nsw import stewards
    from nsw.connection import TopicMissingError

    try:
        ledger = stewards.read_ledger(connection)
    except TopicMissingError:
        return folder
    return stewards.load_newest(ledger, folder.types, folder.limits)[0] if ledger.current else folder


Parties = Annotated[
    list[str] | None, typer.Option("--party", help="Also the topics of this party; may repeat.")
]
Agencies = Annotated[
    list[str] | None, typer.Option("--agency", help="Also the topics of this agency; may repeat.")
]


@topics_app.command("create")
def create_topics(
    party: Parties = None,
    agency: Agencies = None,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Create every topic that is missing: the system's, and those of all agencies and parties in the tables.

    In a new window the tables of its folders count from then on; later they are changed by 'nsw reference propose'.
    """
    from nsw import admin, stewards
    from nsw.worker import load_snapshot

    config, connection = connect(bootstrap_servers, data_folder)
    folder = load_snapshot(config)
    specs = _specs(config, [folder], party or [], agency or [])
    created = admin.create_topics(connection, specs, config.replication_factor, config.in_sync_replicas)
    seeded = stewards.seed(connection, folder.table_set)
    # Only now are those tables there that new message types need.
    specs = _specs(config, [_tables_in_force(connection, folder)], [], [])
    created += admin.create_topics(connection, specs, config.replication_factor, config.in_sync_replicas)
    for name in created:
        show(f"created {name}")
    show(f"{len(created)} topics created")
    if seeded:
        show(f"{len(seeded)} tables of the folders count from now on")


@topics_app.command("list")
def list_topics(
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show the window's topics with their partitions."""
    from nsw import admin

    as_json = output is OutputFormat.JSON
    _, connection = connect(bootstrap_servers, data_folder)
    for name, state in sorted(admin.list_topics(connection).items()):
        if not name.startswith("nsw."):
            continue
        if as_json:
            print_json({"topic": name, "partitions": state.partitions})
        else:
            show(f"{name}  {state.partitions}")


@topics_app.command("check")
def check_topics(
    party: Parties = None,
    agency: Agencies = None,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Say everything that is wrong with the window's topics; exit code 1 if anything is."""
    from nsw import admin
    from nsw.worker import load_snapshot

    config, connection = connect(bootstrap_servers, data_folder)
    references = [_tables_in_force(connection, load_snapshot(config))]
    specs = _specs(config, references, party or [], agency or [])
    problems = admin.check_topics(connection, specs, config.replication_factor, config.in_sync_replicas)
    for problem in problems:
        show(problem)
    if problems:
        raise typer.Exit(1)
    show("all topics are as they must be")
