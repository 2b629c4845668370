"""The command ``topics``: create, list and check the window's topics."""

from typing import Annotated, Any

import typer

from nsw.cli.cluster import Bootstrap, DataFolder, connect
from nsw.cli.output import FormatOption, OutputFormat, print_json, show

topics_app = typer.Typer(no_args_is_help=True, help="Create, list and check the window's topics.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(topics_app, name="topics")


def _specs(config: Any, parties: list[str]) -> list[Any]:
    from nsw import topics
    from nsw.identifiers import parse_party_id
    from nsw.provision import window_topics
    from nsw.worker import load_snapshot

    specs = list(window_topics(config, load_snapshot(config)))
    known = {spec.name for spec in specs}
    largest = config.max_document_bytes
    asked = (
        spec
        for each in parties
        for spec in topics.party_topics(parse_party_id(each), max_document_bytes=largest)
    )
    specs.extend(spec for spec in asked if spec.name not in known)
    return specs


Parties = Annotated[
    list[str] | None, typer.Option("--party", help="Also the topics of this party; may repeat.")
]


@topics_app.command("create")
def create_topics(
    party: Parties = None, bootstrap_servers: Bootstrap = None, data_folder: DataFolder = None
) -> None:
    """Create every topic that is missing: the system's, and those of all agencies and parties in the tables."""
    from nsw import admin

    config, connection = connect(bootstrap_servers, data_folder)
    created = admin.create_topics(connection, _specs(config, party or []), config.replication_factor)
    for name in created:
        show(f"created {name}")
    show(f"{len(created)} topics created")


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
    party: Parties = None, bootstrap_servers: Bootstrap = None, data_folder: DataFolder = None
) -> None:
    """Say everything that is wrong with the window's topics; exit code 1 if anything is."""
    from nsw import admin

    config, connection = connect(bootstrap_servers, data_folder)
    problems = admin.check_topics(connection, _specs(config, party or []))
    for problem in problems:
        show(problem)
    if problems:
        raise typer.Exit(1)
    show("all topics are as they must be")
