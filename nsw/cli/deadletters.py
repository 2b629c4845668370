"""The command ``dead-letters``: look at them, and send them through again."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from nsw.cli.cluster import OPERATOR, Bootstrap, DataFolder, connect, format_moment, mark_done
from nsw.cli.output import FormatOption, OutputFormat, complain, print_json, show

letters_app = typer.Typer(no_args_is_help=True, help="Look at dead letters, and send them through again.")


def register(root: typer.Typer) -> None:
    """Add the commands."""
    root.add_typer(letters_app, name="dead-letters")


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
        "at": format_moment(letter.original.timestamp_ms),
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
    for row in rows:
        # Not a table: an id that is cut off can't be copied.
        replayed = ", replayed" if row["replayed"] else ""
        show(f"{row['id']}  {row['code']}  {row['at']}  {row['sender']}  attempt {row['attempts']}{replayed}")
        show(f"    {row['detail']}")


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
        marks = [mark_done(_replay_key(letter)) for letter in letters]
        # One transaction each: a letter that its topic does not take any more stops only itself.
        with admin.AtomicPublisher(connection, OPERATOR) as publisher:
            for plan, mark in zip(plans, marks, strict=True):
                publisher.publish([plan, mark])
    show(f"{len(letters)} dead letters {'would be ' if dry_run else ''}replayed")
