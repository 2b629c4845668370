"""The command ``held``: look at held deliveries, and release them."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from nsw.cli.cluster import OPERATOR, Bootstrap, DataFolder, connect, format_moment, mark_done
from nsw.cli.output import FormatOption, OutputFormat, complain, print_json, show

held_app = typer.Typer(no_args_is_help=True, help="Look at held deliveries, and release them.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(held_app, name="held")


Topic = Annotated[str | None, typer.Option(help="Only those that were meant for this topic.")]


def _held(connection: Any, topic: str | None) -> Iterator[tuple[Any, bytes, dict[str, Any]]]:
    """Give what is still held, with the mark that its release leaves."""
    from nsw import admin, topics
    from nsw.held import parse_held

    released = {record.key for record in admin.read_topic(connection, [topics.CONTROL])}
    for record in admin.read_topic(connection, [topics.HELD]):
        try:
            held = parse_held(record)
        except ValueError as error:
            complain(f"{topics.HELD} offset {record.offset}: not a held delivery of ours: {error}")
            continue
        mark = f"released:{record.partition}:{record.offset}".encode()
        if mark in released or (topic is not None and held.meant.topic != topic):
            continue
        yield (
            held,
            mark,
            {
                "topic": held.meant.topic,
                "code": held.code,
                "detail": held.detail,
                "at": format_moment(record.timestamp_ms),
                "bytes": len(record.value or b""),
            },
        )


@held_app.command("list")
def list_held(
    topic: Topic = None,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show what waits for its destination."""
    as_json = output is OutputFormat.JSON
    _, connection = connect(bootstrap_servers, data_folder)
    rows = [row for _, _, row in _held(connection, topic)]
    for row in rows:
        if as_json:
            print_json(row)
        else:
            show(f"{row['at']} {row['topic']}: {row['code']} {row['detail']}")
    if not rows and not as_json:
        show("nothing is held")


@held_app.command("release")
def release_held(
    topic: Topic = None, bootstrap_servers: Bootstrap = None, data_folder: DataFolder = None
) -> None:
    """Send what is held to its destinations, each once, now that they are there."""
    from nsw import admin

    _, connection = connect(bootstrap_servers, data_folder)
    waiting = list(_held(connection, topic))
    with admin.AtomicPublisher(connection, OPERATOR) as publisher:
        for held, mark, _ in waiting:
            publisher.publish([held.meant, mark_done(mark)])
    show(f"{len(waiting)} held deliveries released")
