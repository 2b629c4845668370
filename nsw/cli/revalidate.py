"""``nsw revalidate``: what would become of past declarations under other rules or tables; nothing is published."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nsw.cli.cluster import Bootstrap, DataFolder, connect
from nsw.cli.output import (
    DayOption,
    FormatOption,
    OutputFormat,
    clean,
    parse_day,
    print_json,
    print_table,
    read_settings,
    show,
    shown_name,
    stderr,
)
from nsw.errors import ConfigError

if TYPE_CHECKING:
    from nsw.config import Config
    from nsw.connection import Connection
    from nsw.history import Decided
    from nsw.masterdata import Ledger
    from nsw.processing import Judgement
    from nsw.reference import Reference
    from nsw.revalidation import Difference, Place, Summary

_VERSION = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{16})?")
_MOST_SNAPSHOTS = 4
_DAY = timedelta(days=1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        name="revalidate",
        epilog="Example: nsw revalidate --from 2026-11-01 --until 2026-11-30 --with new-rules/",
    )(revalidate)


def revalidate(
    since: Annotated[
        date | None,
        typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="First lodging date."),
    ] = None,
    until: Annotated[
        date | None,
        typer.Option(
            "--until",
            parser=parse_day,
            metavar="YYYY-MM-DD",
            help="Last lodging date.",
            show_default="the first one",
        ),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="FOLDER|VERSION",
            help="What to judge by: a folder with message types, code lists or tables, each in place of the window's "
            "own; or the version of a set of tables that counted once. May be given several times.",
        ),
    ] = None,
    documents: Annotated[
        list[str] | None,
        typer.Option(
            "--documents",
            metavar="FILE",
            help="Judge these documents, or all *.xml and *.avro of a folder, in place of the log: without a broker.",
        ),
    ] = None,
    on: DayOption = None,
    *,
    most: Annotated[
        int,
        typer.Option("--show", min=0, help="How many declarations are listed for people; all are counted."),
    ] = 20,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Judge past declarations again under other rules or tables, and show what would change; publishes nothing.

    Each declaration is judged by the tables that judged it then, and by those given; verdicts, findings (code and
    place) and agencies are compared. As json, that is one object on one line for each declaration that differs, and
    a last one with the counts. No content of documents is shown.

    Exit code: 0 nothing would change, 1 something would, 2 it could not be tried.
    """
    listing = _Listing(output, most)
    given = given or []
    if documents:
        if since or until:
            raise typer.BadParameter(
                "dates choose from the log; documents are lodged --on a day", param_hint="--from"
            )
        _check_given(given, has_log=False)
        summary = _judge_documents(documents, on, given, listing)
    else:
        if since is None:
            raise typer.BadParameter("a first lodging date is needed, or --documents", param_hint="--from")
        if on is not None:
            raise typer.BadParameter("what the log holds was lodged when it was", param_hint="--on")
        _check_given(given, has_log=True)
        if until is not None and until < since:
            raise typer.BadParameter(f"{until} is before {since}", param_hint="--until")
        config, connection = connect(bootstrap_servers, data_folder)
        summary = _judge_log(config, connection, (since, until or since), given, listing)
    listing.finish(summary)
    raise typer.Exit(1 if summary.changed else 0)


# What is judged.


def _judge_documents(
    names: Sequence[str], on: date | None, given: Sequence[str], listing: "_Listing"
) -> "Summary":
    from nsw.cli.validate import find_documents, judge_file, load_snapshot, today
    from nsw.revalidation import Summary, compare

    config = read_settings()
    current = load_snapshot(config)
    new = _new_reference(current, given, config)
    day = on or today(current)
    summary = Summary()
    for name in find_documents(names):
        before, after = judge_file(name, day, current), judge_file(name, day, new)
        difference = compare(before, after)
        summary.add(difference, _type_of(before, after))
        if difference.kinds:
            listing.add({"file": shown_name(name), "lodged_on": day.isoformat()}, difference, before, after)
    return summary


def _judge_log(
    config: "Config",
    connection: "Connection",
    days: tuple[date, date],
    given: Sequence[str],
    listing: "_Listing",
) -> "Summary":
    from nsw import stewards
    from nsw.cli.validate import load_snapshot
    from nsw.events import format_time
    from nsw.history import read_past
    from nsw.identifiers import split_case_id
    from nsw.revalidation import Summary, compare, judge_again

    folder = load_snapshot(config)
    ledger = stewards.read_ledger(connection)
    current, _ = stewards.load_newest(ledger, folder.types, folder.limits)
    new = _new_reference(current, given, config, ledger)
    then = _Then(current, ledger, listing)
    zone = current.window.time_zone
    since, until = datetime.combine(days[0], time(), zone), datetime.combine(days[1] + _DAY, time(), zone)
    summary = Summary()
    with _progress() as progress:
        for past in read_past(connection, since, until, progress):
            submission = past.submission
            before = judge_again(submission, then.reference(past.decided))
            then.count(past.decided, before)
            after = judge_again(submission, new)
            difference = compare(before, after)
            summary.add(difference, _type_of(before, after))
            if difference.kinds:
                about = {
                    "submission_id": submission.submission_id,
                    "reference_number": split_case_id(submission.case_id)[1],
                    "lodged_at": format_time(submission.lodged_at),
                    "judged_by": past.decided.version if past.decided else None,
                }
                listing.add(about, difference, before, after)
    return summary


def _type_of(before: "Judgement", after: "Judgement") -> str:
    message_type = after.message_type or before.message_type
    return message_type.name if message_type else ""


@dataclass
class _Then:
    """The snapshots that declarations were judged by; what can't be had again is counted for the listing."""

    current: "Reference"
    ledger: "Ledger"
    listing: "_Listing"
    loaded: "dict[str, Reference | None]" = field(default_factory=dict)

    def reference(self, decided: "Decided | None") -> "Reference":
        """Give the tables of that time with the message types of now; the current ones where there are none."""
        if decided is None:
            return self.current
        from nsw.reference import tables_version_of

        version = tables_version_of(decided.version)
        if version not in self.loaded:
            if len(self.loaded) >= _MOST_SNAPSHOTS:
                self.loaded.pop(next(iter(self.loaded)))
            self.loaded[version] = self._load(version)
        return self.loaded[version] or self.current

    def _load(self, version: str) -> "Reference | None":
        from nsw import stewards

        if version == self.current.table_set.version:
            return self.current
        try:
            return stewards.load_reference_of(version, self.ledger, self.current.types, self.current.limits)
        except ConfigError:
            return None

    def count(self, decided: "Decided | None", before: "Judgement") -> None:
        """Note how sure it is that the first of both judgements is what the window decided then."""
        from nsw.reference import tables_version_of

        notes = self.listing.notes
        if decided is None:
            notes["not_decided_yet"] += 1
            return
        if self.loaded[tables_version_of(decided.version)] is None:
            notes["tables_not_kept"] += 1
        elif not decided.agrees_with(before):
            notes["decided_otherwise"] += 1


# What it is judged by.


def _check_given(given: Sequence[str], *, has_log: bool) -> None:
    """
    Look at what is to be judged by before anything is loaded.

    Raises:
        BadParameter: nothing is given, or something that is neither a folder nor a version.
    """
    if not given:
        raise typer.BadParameter("a folder or a version to judge by is needed", param_hint="--with")
    for each in given:
        if Path(each).is_dir():
            continue
        if not _VERSION.fullmatch(each):
            raise typer.BadParameter(f"{each!r} is neither a folder nor a version", param_hint="--with")
        if not has_log:
            raise typer.BadParameter(
                f"{each}: versions are kept in Kafka; name a folder", param_hint="--with"
            )


def _new_reference(
    current: "Reference", given: Sequence[str], config: "Config", ledger: "Ledger | None" = None
) -> "Reference":
    """
    Put what is given in place of what the window has.

    Raises:
        ConfigError: every problem of every file.
        BadParameter: a folder holds nothing to judge by.
    """
    from nsw.cli.validate import replace_types
    from nsw.masterdata import read_some_tables
    from nsw.reference import MessageTypes, build_reference, tables_version_of
    from nsw.typefile import TYPE_FILE

    tables = current.table_set
    folders = [Path(each) for each in given if Path(each).is_dir()]
    if ledger is not None:
        for each in (each for each in given if not Path(each).is_dir()):
            tables = ledger.tables_of(tables_version_of(each))
    with_types = [folder for folder in folders if next(folder.rglob(TYPE_FILE), None)]
    for folder in folders:
        some = read_some_tables(folder)
        if not some.tables and folder not in with_types:
            raise typer.BadParameter(f"{folder} holds neither message types nor tables", param_hint="--with")
        for table in some.tables.values():
            tables = tables.with_table(table)
    types = current.types
    if with_types:
        types = MessageTypes(replace_types(current.catalogue, with_types, config), "given")
    return build_reference(types, tables, current.limits)


# Printing.


@dataclass
class _Listing:
    """
    Lists what differs, as it is found.

    Attributes:
        notes: how many declarations could not be compared with what was decided about them then, by why.
    """

    output: OutputFormat
    most: int
    listed: int = 0
    notes: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("not_decided_yet", "tables_not_kept", "decided_otherwise"), 0)
    )

    def add(
        self, about: dict[str, str | None], difference: "Difference", before: "Judgement", after: "Judgement"
    ) -> None:
        """List one declaration."""
        message_type = after.message_type or before.message_type
        row = {
            **about,
            "message_type": message_type.name if message_type else None,
            "version_before": before.message_type.version if before.message_type else None,
            "version_after": after.message_type.version if after.message_type else None,
            "changes": list(difference.kinds),
            "verdict_before": difference.verdicts[0],
            "verdict_after": difference.verdicts[1],
            "found": [_place(each) for each in difference.found],
            "gone": [_place(each) for each in difference.gone],
            "agencies_gained": list(difference.gained),
            "agencies_lost": list(difference.lost),
        }
        if self.output is OutputFormat.JSON:
            print_json(row)
            return
        self.listed += 1
        if self.listed > self.most:
            return
        first, last = difference.verdicts
        verdict = first if first is last else f"{first} → {last}"
        name = about.get("reference_number") or about.get("file") or about.get("submission_id") or ""
        when = about.get("lodged_at") or about.get("lodged_on")
        show(f"{clean(name)}  {row['message_type'] or 'unknown message type'}  {when}  {verdict}")
        for sign, places in (("+", difference.found), ("-", difference.gone)):
            for place in places:
                show(f"    {sign} {place.severity} {place.code}  {clean(place.path)}")
        for sign, agencies in (("+", difference.gained), ("-", difference.lost)):
            for agency in agencies:
                show(f"    {sign} agency {agency}")

    def finish(self, summary: "Summary") -> None:
        """Give the counts."""
        if self.output is OutputFormat.JSON:
            print_json({"summary": {**_describe(summary), **self.notes}})
            return
        if self.listed > self.most:
            show(f"… and {self.listed - self.most} more, which --show or --format json list")
        show(
            f"{summary.judged} declarations judged again: {summary.changed} differ, {summary.unchanged} do not"
        )
        rows = [
            *((f"change of {kind}", str(count)) for kind, count in summary.by_kind.items()),
            *((f"{one} → {two}", str(count)) for (one, two), count in summary.by_verdicts.most_common()),
            *((f"of type {name or 'unknown'}", str(count)) for name, count in summary.by_type.most_common()),
            *((f"now found {code}", str(count)) for code, count in summary.found.most_common()),
            *((f"no longer found {code}", str(count)) for code, count in summary.gone.most_common()),
            *((f"agency gained {code}", str(count)) for code, count in summary.gained.most_common()),
            *((f"agency lost {code}", str(count)) for code, count in summary.lost.most_common()),
        ]
        if rows:
            print_table(("what", "how many"), rows)
        sentences = {
            "not_decided_yet": "not judged yet by the window: compared with the tables that count now",
            "tables_not_kept": "judged then by tables that are not kept: compared with those that count now",
            "decided_otherwise": "decided otherwise then, by other message types or another version of the software: "
            "compared with what the tables of then give now",
        }
        for name, count in self.notes.items():
            if count:
                show(f"{count} {sentences[name]}")


def _place(place: "Place") -> dict[str, str]:
    return {"code": place.code, "severity": place.severity, "path": place.path}


def _describe(summary: "Summary") -> dict[str, object]:
    return {
        "judged": summary.judged,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "by_change": _counts(summary.by_kind),
        "by_message_type": _counts(summary.by_type),
        "by_verdict": {f"{one} → {two}": count for (one, two), count in summary.by_verdicts.items()},
        "found": _counts(summary.found),
        "gone": _counts(summary.gone),
        "agencies_gained": _counts(summary.gained),
        "agencies_lost": _counts(summary.lost),
    }


def _counts(counter: Mapping[Any, int]) -> dict[str, int]:
    """Give counts under plain text: orjson takes no other keys, not even a StrEnum's."""
    return {str(key): count for key, count in counter.items()}


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show on the error output how far the reading is, where somebody watches."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _what, _done, _total: None
        return
    from rich.progress import Progress, TaskID

    with Progress(console=console, redirect_stdout=False, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(f"reading {what}", total=total)
            bars.update(tasks[what], completed=done)

        yield tell
