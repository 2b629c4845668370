"""Commands of operators: ``inbox``, ``dead-letters``, ``held`` and ``topics``."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from nsw.cli.cluster import Bootstrap, DataFolder, connect
from nsw.cli.output import FormatOption, OutputFormat, complain, print_json, print_table, show

_TRANSACTION = "nsw-operator"

inbox_app = typer.Typer(
    no_args_is_help=True, help="Pause or resume one party's inbox; nobody else is affected."
)
letters_app = typer.Typer(no_args_is_help=True, help="Look at dead letters, and send them through again.")
held_app = typer.Typer(no_args_is_help=True, help="Look at held deliveries, and release them.")
topics_app = typer.Typer(no_args_is_help=True, help="Create, list and check the window's topics.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(inbox_app, name="inbox")
    app.add_typer(letters_app, name="dead-letters")
    app.add_typer(held_app, name="held")
    app.add_typer(topics_app, name="topics")


def _time_of(timestamp_ms: int) -> str:
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")


# Inboxes.

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
    from nsw import admin
    from nsw.control import build_pause
    from nsw.identifiers import parse_party_id

    _, connection = connect(bootstrap, data_folder)
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
                paused[name] = {"party": name, "reason": reason, "since": _time_of(record.timestamp_ms)}
    for row in paused.values():
        if as_json:
            print_json(row)
        else:
            show(f"{row['party']}: {row['reason']} (since {row['since']})")
    if not paused and not as_json:
        show("no inbox is paused")


# Dead letters.


@dataclass(frozen=True, slots=True)
class _Filter:
    code: str | None
    sender: str | None
    identifiers: tuple[str, ...] = ()

    def takes(self, letter: Any) -> bool:
        return (
            (self.code is None or letter.code == self.code)
            and (self.sender is None or letter.sender == self.sender)
            and (not self.identifiers or letter.identifier in self.identifiers)
        )


Code = Annotated[str | None, typer.Option(help="Only those of this code, such as NSW-1010.")]
Sender = Annotated[str | None, typer.Option(help="Only those of this party or agency.")]


def _letters(connection: Any, wanted: _Filter) -> Iterator[tuple[Any, bool]]:
    """Give the dead letters that a filter takes, each with whether it was replayed."""
    from nsw import admin, topics
    from nsw.deadletter import parse_dead_letter

    replayed = {record.key for record in admin.read_topic(connection, [topics.CONTROL])}
    for record in admin.read_topic(connection, [topics.DEAD_LETTERS]):
        try:
            letter = parse_dead_letter(record)
        except ValueError as error:
            complain(f"{topics.DEAD_LETTERS} offset {record.offset}: not a dead letter of ours: {error}")
            continue
        if wanted.takes(letter):
            yield letter, _replay_key(letter) in replayed


def _replay_key(letter: Any) -> bytes:
    return f"replayed:{letter.identifier}:{letter.attempts}".encode()


def _letter_row(letter: Any, *, replayed: bool) -> dict[str, Any]:
    return {
        "id": letter.identifier,
        "code": letter.code,
        "detail": letter.detail,
        "sender": letter.sender,
        "topic": letter.original.topic,
        "partition": letter.original.partition,
        "offset": letter.original.offset,
        "at": _time_of(letter.original.timestamp_ms),
        "bytes": len(letter.original.value or b""),
        "attempts": letter.attempts,
        "version": letter.version,
        "replayed": replayed,
    }


@letters_app.command("list")
def list_letters(
    code: Code = None,
    sender: Sender = None,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show the dead letters, oldest first."""
    as_json = output is OutputFormat.JSON
    _, connection = connect(bootstrap_servers, data_folder)
    rows = [
        _letter_row(letter, replayed=replayed)
        for letter, replayed in _letters(connection, _Filter(code, sender))
    ]
    if as_json:
        for row in rows:
            print_json(row)
        return
    if not rows:
        show("no dead letters")
        return
    columns = ("id", "code", "sender", "at", "attempts", "replayed", "detail")
    print_table(columns, ([_cell(row[each]) for each in columns] for row in rows))


def _cell(value: object) -> str:
    return {True: "yes", False: ""}[value] if isinstance(value, bool) else str(value)


@letters_app.command("show")
def show_letter(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="The dead letter's id: its submission's.")],
    *,
    value: Annotated[
        bool, typer.Option("--value", help="Write the original bytes to standard output.")
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """Show one dead letter with its key, headers and origin; its value only on request."""
    as_json = output is OutputFormat.JSON
    _, connection = connect(bootstrap_servers, data_folder)
    found = list(_letters(connection, _Filter(None, None, (identifier,))))
    if not found:
        complain(f"there is no dead letter {identifier}")
        raise typer.Exit(1)
    letter, replayed = found[-1]
    if value:
        sys.stdout.buffer.write(letter.original.value or b"")
        return
    row = _letter_row(letter, replayed=replayed)
    row["key"] = (
        None if letter.original.key is None else letter.original.key.decode("utf-8", "backslashreplace")
    )
    row["headers"] = [
        [name, each.decode("utf-8", "backslashreplace")] for name, each in letter.original.headers
    ]
    if as_json:
        print_json(row)
        return
    for name, each in row.items():
        show(f"{name:>10}  {each}")


@letters_app.command("replay")
def replay_letters(
    identifiers: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Ids; left out: all that the filters take.")
    ] = None,
    code: Code = None,
    sender: Sender = None,
    *,
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Send dead letters through the window again, each once, with the lodging time and ids that they had.

    Example: nsw dead-letters replay --code NSW-1010 --dry-run
    """
    from nsw import admin
    from nsw.deadletter import plan_replay

    config, connection = connect(bootstrap_servers, data_folder)
    wanted = _Filter(code, sender, tuple(identifiers or ()))
    letters = [letter for letter, replayed in _letters(connection, wanted) if again or not replayed]
    for letter in letters:
        show(
            f"{'would replay' if dry_run else 'replaying'} {letter.identifier} ({letter.code}, {letter.sender})"
        )
    if letters and not dry_run:
        plans = [plan_replay(letter, config.case_partitions) for letter in letters]
        marks = [_mark(_replay_key(letter)) for letter in letters]
        # One transaction each: a letter that its topic does not take any more stops only itself.
        with admin.AtomicPublisher(connection, _TRANSACTION) as publisher:
            for plan, mark in zip(plans, marks, strict=True):
                publisher.publish([plan, mark])
    show(f"{len(letters)} dead letters {'would be ' if dry_run else ''}replayed")


def _mark(key: bytes) -> Any:
    from nsw import topics
    from nsw.model import Publication, Purpose

    return Publication(Purpose.CONTROL, topics.CONTROL, key, b"{}")


# Held deliveries.

Topic = Annotated[str | None, typer.Option(help="Only those that were meant for this topic.")]


def _held(connection: Any, topic: str | None) -> Iterator[tuple[Any, bytes, dict[str, Any]]]:
    """Give what is still held, with the mark that its release leaves."""
    from nsw import admin, topics
    from nsw.held import parse_held

    released = {record.key for record in admin.read_topic(connection, [topics.CONTROL])}
    for record in admin.read_topic(connection, [topics.HELD]):
        held = parse_held(record)
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
                "at": _time_of(record.timestamp_ms),
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
    with admin.AtomicPublisher(connection, _TRANSACTION) as publisher:
        for held, mark, _ in waiting:
            publisher.publish([held.meant, _mark(mark)])
    show(f"{len(waiting)} held deliveries released")


# Topics.


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
