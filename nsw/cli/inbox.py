"""The command ``inbox``: pause or resume one party."""

from typing import Annotated, Any

import orjson
import typer

from nsw.cli.cluster import Bootstrap, DataFolder, connect, format_moment
from nsw.cli.output import FormatOption, OutputFormat, print_json, show

inbox_app = typer.Typer(
    no_args_is_help=True, help="Pause or resume one party's inbox; nobody else is affected."
)


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(inbox_app, name="inbox")


Party = Annotated[str, typer.Argument(help="The party's id.")]


@inbox_app.command("pause")
def pause_inbox(
    party: Party,
    reason: Annotated[str, typer.Option(help="Why, for the next operator.")] = "by an operator",
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Stop reading a party's inbox; what it publishes waits there."""
    _command_inbox(party, reason, bootstrap_servers, data_folder, paused=True)


@inbox_app.command("resume")
def resume_inbox(party: Party, bootstrap_servers: Bootstrap = None, data_folder: DataFolder = None) -> None:
    """Read a party's inbox again, from where it was paused."""
    _command_inbox(party, "", bootstrap_servers, data_folder, paused=False)


def _command_inbox(party: str, reason: str, bootstrap: str | None, data_folder: Any, *, paused: bool) -> None:
    from nsw import admin, topics
    from nsw.control import build_pause
    from nsw.errors import ConfigError
    from nsw.identifiers import parse_party_id

    _, connection = connect(bootstrap, data_folder)
    topic = topics.inbox(parse_party_id(party))
    if topic not in admin.list_topics(connection):
        raise ConfigError(f"there is no topic {topic}: is {party} the party's id?")
    command = build_pause(parse_party_id(party), paused=paused, reason=reason)
    admin.publish_control(connection, (command.key or b"").decode(), command.value)
    show(f"the inbox of {party} is {'paused' if paused else 'resumed'} within a second or two")


@inbox_app.command("list")
def list_paused(
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show which inboxes are paused, and why."""
    from nsw import admin, topics

    as_json = output is OutputFormat.JSON
    _, connection = connect(bootstrap_servers, data_folder)
    paused: dict[str, dict[str, Any]] = {}
    for record in admin.read_topic(connection, [topics.CONTROL]):
        subject, _, name = (record.key or b"").decode().partition(":")
        if subject == "inbox":
            paused.pop(name, None)
            if record.value is not None:
                reason = orjson.loads(record.value).get("reason")
                paused[name] = {"party": name, "reason": reason, "since": format_moment(record.timestamp_ms)}
    for row in paused.values():
        if as_json:
            print_json(row)
        else:
            show(f"{row['party']}: {row['reason']} (since {row['since']})")
    if not paused and not as_json:
        show("no inbox is paused")
