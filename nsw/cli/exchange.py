"""Commands of traders and agencies: ``publish``, ``consume`` and ``trace``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from nsw.cli.cluster import Bootstrap, DataFolder, connect
from nsw.cli.output import FormatOption, OutputFormat, complain, print_json, show, stderr

_PROGRESS_FROM = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("publish")(publish)
    app.command("consume")(consume)
    app.command("trace")(trace)


def publish(
    files: Annotated[list[Path], typer.Argument(help="XML or Avro documents.", exists=True, dir_okay=False)],
    party: Annotated[str, typer.Option(help="The party whose inbox they go to.")],
    reference: Annotated[
        str | None, typer.Option(help="Reference number to use as key; left out: read from the document.")
    ] = None,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Lodge documents as a trader: each is confirmed by Kafka, and its submission id shown.

    Example: nsw publish --party 0105599000019 schemas/th/export-declaration/1.0/samples/valid/small.xml
    """
    from rich.progress import Progress

    from nsw import admin
    from nsw.client import TraderClient
    from nsw.identifiers import build_submission_id

    as_json = output is OutputFormat.JSON
    config, connection = connect(bootstrap_servers, data_folder)
    contents = [path.read_bytes() for path in files]
    keys = [reference] * len(files) if reference else _keys_of(contents, config)
    cluster = admin.cluster_id(connection)
    with (
        TraderClient(connection, party) as client,
        Progress(transient=True, disable=len(files) < _PROGRESS_FROM, console=stderr()) as bar,
    ):
        task = bar.add_task("publishing", total=len(files))
        receipts = client.publish_many(
            zip(contents, keys, strict=True),
            progress=lambda done: bar.update(task, completed=done),
        )
    for path, key, receipt in zip(files, keys, receipts, strict=True):
        submission = build_submission_id(cluster, receipt.topic, receipt.partition, receipt.offset)
        row = {
            "file": str(path),
            "reference_number": key,
            "submission_id": submission,
            "topic": receipt.topic,
            "offset": receipt.offset,
            "lodged_at": datetime.fromtimestamp(receipt.timestamp_ms / 1000, UTC).isoformat(),
        }
        if as_json:
            print_json(row)
        else:
            show(f"{path}: lodged as {submission} (reference {key}, offset {receipt.offset})")


def _keys_of(contents: list[bytes], config: Any) -> list[str]:
    """Read the reference numbers that become the keys; a document that can't be read gets a key of its digest."""
    from nsw.documents import identify
    from nsw.errors import MessageError
    from nsw.worker import load_snapshot

    reference = load_snapshot(config)
    today = datetime.now(reference.window.time_zone).date()

    def key_of(content: bytes) -> str:
        try:
            fields = identify(content, today, reference.catalogue, reference.limits.xml).read_fields()
        except MessageError:
            return _unread_key(content)
        return fields.case_reference or _unread_key(content)

    return [key_of(content) for content in contents]


def _unread_key(content: bytes) -> str:
    return f"unread-{sha256(content).hexdigest()[:16]}"


def consume(
    agency: Annotated[str | None, typer.Option(help="Read this agency's inbox.")] = None,
    party: Annotated[str | None, typer.Option(help="Read this party's outbox.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on for new records until Ctrl-C.")] = False,
    offset: Annotated[int, typer.Option(help="Where to begin; the last offset seen plus 1.")] = 0,
    save: Annotated[Path | None, typer.Option(help="Folder into which each document is written.")] = None,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Read what the window sent: an agency's declarations, or a party's answers.

    Example: nsw consume --party 0105599000019 --follow
    """
    as_json = output is OutputFormat.JSON
    if (agency is None) == (party is None):
        raise typer.BadParameter("give either --agency or --party")
    _, connection = connect(bootstrap_servers, data_folder)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
    for row, value in _received(connection, agency, party, follow=follow, offset=offset):
        if save is not None:
            name = f"{row['offset']:08d}-{row['submission_id']}.{row['format'] or 'bin'}"
            (save / name).write_bytes(value)
            row["saved_as"] = str(save / name)
        if as_json:
            print_json(row)
        else:
            show(_line_of(row))


def _received(
    connection: Any,
    agency: str | None,
    party: str | None,
    *,
    follow: bool,
    offset: int,
) -> Iterator[tuple[dict[str, Any], bytes]]:
    from nsw.client import AgencyClient, TraderClient

    if agency is not None:
        with AgencyClient(connection, agency) as reader:
            for delivery in reader.deliveries(follow=follow, offset=offset):
                yield (
                    {
                        "offset": delivery.offset,
                        "submission_id": delivery.submission_id,
                        "conversation_id": delivery.conversation_id,
                        "party": delivery.party,
                        "reference_number": delivery.reference_number,
                        "message_type": delivery.message_type,
                        "format": delivery.format,
                        "bytes": len(delivery.value),
                        "lodged_at": delivery.lodged_at.isoformat() if delivery.lodged_at else None,
                    },
                    delivery.value,
                )
    else:
        with TraderClient(connection, party or "") as answers:
            for answer in answers.answers(follow=follow, offset=offset):
                yield (
                    {
                        "offset": answer.offset,
                        "submission_id": answer.submission_id,
                        "conversation_id": answer.conversation_id,
                        "reference_number": answer.reference_number,
                        "message_type": answer.message_type,
                        "verdict": answer.verdict,
                        "agency": answer.agency or None,
                        "format": answer.format,
                        "bytes": len(answer.value),
                    },
                    answer.value,
                )


def _line_of(row: dict[str, Any]) -> str:
    what = row.get("verdict") or row["message_type"]
    sender = row.get("agency") or row.get("party") or "window"
    return (
        f"{row['offset']:>6} {what} {row['reference_number']} from {sender}"
        f" ({row['message_type']}, {row['format']}, {row['bytes']} bytes) {row['submission_id']}"
    )


def trace(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="Submission id, reference number, case id (party/reference).")
    ],
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Show every event of a declaration, in order.

    Example: nsw trace DEMO000000001
    """
    from nsw import admin, topics
    from nsw.envelope import last_header

    as_json = output is OutputFormat.JSON
    _, connection = connect(bootstrap_servers, data_folder)
    found = []
    for record in admin.read_topic(connection, [topics.EVENTS]):
        data = orjson.loads(record.value or b"{}")
        if identifier in (data.get("submission_id"), data.get("reference_number"), data.get("case_id")):
            type_ = last_header(record.headers, topics.CE_TYPE)
            event_id = last_header(record.headers, topics.CE_ID)
            at = datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).isoformat()
            found.append(
                (record.timestamp_ms, record.offset, {"at": at, "id": event_id, "type": type_, **data})
            )
    if not found:
        complain(f"no event of {identifier} was found")
        raise typer.Exit(1)
    for _, _, row in sorted(found, key=lambda each: each[:2]):
        if as_json:
            print_json(row)
        else:
            show(_event_lines(row))


def _event_lines(row: dict[str, Any]) -> str:
    head = f"{row['at']} {row['type']} {row['case_id']} ({row['submission_id']})"
    hidden = {
        "at",
        "type",
        "case_id",
        "submission_id",
        "id",
        "reasons",
        "party",
        "lodged_at",
        "reference_number",
    }
    shown = {name: value for name, value in row.items() if name not in hidden and value not in (None, [], "")}
    lines = [head, "    " + ", ".join(f"{name}={_plain(value)}" for name, value in shown.items())]
    lines += [f"    {each['agency']}: {each['text']}" for each in row.get("reasons", [])]
    return "\n".join(lines)


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
