"""Shows a run to the person who watches: a picture that changes on a terminal, a few plain lines elsewhere."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nsw.demo.comparison import Difference
from nsw.demo.facts import Happenings, SeenAnswer, Sent
from nsw.demo.summary import Report, Summary
from nsw.errors import Verdict
from nsw.reference import Reference

_LATEST = 12
#: Fewer lines than these have no room for a table of agencies.
_LOW_TERMINAL_LINES = 40
#: Lines of the picture beside those of traders, agencies and answers.
_LINES_OF_REST = 18
_CODES_SHOWN = 6
_GAP = 3
_SHORTEST_NAME, _LONGEST_NAME = 1, 50
_REFRESH_SECONDS = 0.25
_LINE_SECONDS = 2.0
_DIFFERENCES_SHOWN = 50
_STYLE_BY_VERDICT = {
    Verdict.ACCEPTED: "green",
    Verdict.REJECTED: "yellow",
    Verdict.DEAD_LETTER: "magenta",
}


class Screen:
    """What the person sees, on the error output; as a context manager the picture is drawn inside the block."""

    def __init__(self, reference: Reference, console: Console | None = None) -> None:
        self._reference = reference
        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._drawn_at = 0.0
        self._last_line = ""

    def tell(self, sentence: str) -> None:
        """Say one step."""
        self._console.print(Text.assemble(("· ", "dim"), sentence), soft_wrap=True)

    def suggest(self, hints: Sequence[tuple[str, str]]) -> None:
        """Name commands to try meanwhile, each with what it shows."""
        self.tell("meanwhile, in another terminal:")
        table = Table(box=None, pad_edge=False, show_header=False)
        for command, meaning in hints:
            table.add_row(f"    {command}", Text(meaning, style="dim"))
        self._console.print(table)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def show(self, summarise: Callable[[], Summary], happenings: Callable[[], Happenings]) -> None:
        """Draw the present state, if the last picture is old enough."""
        now = time.monotonic()
        if now - self._drawn_at < (_REFRESH_SECONDS if self._live else _LINE_SECONDS):
            return
        self._drawn_at = now
        if self._live is not None:
            self._live.update(self._picture(summarise(), happenings()), refresh=True)
            return
        line = progress_line(summarise())
        if line != self._last_line:
            self._last_line = line
            self.tell(line)

    def _picture(self, summary: Summary, happenings: Happenings) -> RenderableType:
        height = self._console.height
        is_low = height < _LOW_TERMINAL_LINES
        if is_low:
            got = (f"{each.agency} {each.deliveries}" for each in summary.agencies)
            agencies: RenderableType = Text(f"deliveries: {', '.join(got) or 'none yet'}\n")
        else:
            agencies = _agency_table(summary, self._reference, self._console.width)
        used = _LINES_OF_REST + len(summary.traders) + (0 if is_low else len(summary.agencies))
        return Group(
            Text(f"\n{progress_line(summary)}", style="bold"),
            _trader_table(summary, self._reference, self._console.width),
            agencies,
            _code_lines(summary),
            *latest_lines(happenings, max(1, min(_LATEST, height - used))),
        )


def progress_line(summary: Summary) -> str:
    """Say in one sentence how far it is."""
    return (
        f"{summary.published} lodged: {summary.accepted} accepted, {summary.rejected} rejected, "
        f"{summary.dead_lettered} dead letters; {summary.deliveries} deliveries to {len(summary.agencies)} "
        f"agencies, {summary.responses} of their responses back"
    )


def _trader_table(summary: Summary, reference: Reference, width: int) -> Table:
    name_by_party = {str(party.id): party.name_en for party in reference.parties.values()}
    columns = ("lodged", "accepted", "rejected", "dead", "responses")
    table = _table("trader", name_by_party, columns, width)
    for each in summary.traders:
        numbers = (each.published, each.accepted, each.rejected, each.dead_lettered, each.responses)
        table.add_row(each.party, name_by_party.get(each.party, ""), *map(str, numbers))
    return table


def _agency_table(summary: Summary, reference: Reference, width: int) -> Table:
    name_by_code = {str(agency.code): agency.name_en for agency in reference.tables.agencies.values()}
    table = _table("agency", name_by_code, ("deliveries", "responses"), width)
    for each in summary.agencies:
        table.add_row(
            each.agency, name_by_code.get(each.agency, ""), str(each.deliveries), str(each.responses)
        )
    return table


def _table(who: str, ids: Iterable[str], numbers: Sequence[str], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    id_width = max(map(len, ids), default=0)
    table.add_column(who, no_wrap=True, min_width=id_width)
    # The long names give way where the terminal is narrow.
    taken = id_width + sum(map(len, numbers)) + _GAP * (len(numbers) + 2)
    name_width = max(_SHORTEST_NAME, min(_LONGEST_NAME, width - taken))
    table.add_column("", no_wrap=True, overflow="ellipsis", max_width=name_width)
    for each in numbers:
        table.add_column(each, justify="right", no_wrap=True)
    return table


def _code_lines(summary: Summary) -> RenderableType:
    return Group(
        _codes_line("rejected because of", summary.rejected_by_code),
        _codes_line("dead letters because of", summary.dead_lettered_by_code),
    )


def _codes_line(what: str, count_by_code: Mapping[str, int]) -> Text:
    most = sorted(count_by_code.items(), key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{code} ({times})" for code, times in most[:_CODES_SHOWN])
    further = len(most) - _CODES_SHOWN
    return Text(f"{what}: {shown or 'nothing yet'}{f' and {further} further codes' if further > 0 else ''}")


def latest_lines(happenings: Happenings, most: int) -> Iterator[Text]:
    """Tell the latest answers of the window, the newest last."""
    sent_by_id = {each.submission_id: each for each in happenings.sent}
    newest_first = (
        (sent_by_id[each.submission_id], each)
        for each in reversed(happenings.seen.answers)
        if each.submission_id in sent_by_id
    )
    yield Text("\nLatest answers of the window:", style="dim")
    for sent, answer in reversed(list(islice(newest_first, most))):
        yield _answer_line(sent, answer)


def _answer_line(sent: Sent, answer: SeenAnswer) -> Text:
    verdict = answer.verdict or Verdict.DEAD_LETTER
    reason = " ".join(dict.fromkeys(answer.codes)) or f"to {' '.join(answer.agencies)}"
    return Text.assemble(
        f"  {sent.reference_number[:20]:20} {sent.title[:40]:40} ",
        (f"{verdict:11}", _STYLE_BY_VERDICT[verdict]),
        f" {reason}",
        no_wrap=True,
        overflow="ellipsis",
    )


def print_report(report: Report, reference: Reference, console: Console) -> None:
    """Print the result of a run as text."""
    summary = report.summary
    console.print(
        _trader_table(summary, reference, console.width),
        _agency_table(summary, reference, console.width),
        _code_lines(summary),
    )
    console.print(
        Text(
            f"\n{len(summary.traders)} traders lodged {summary.published} records in {report.seconds:.1f} s: "
            f"{summary.accepted} accepted, {summary.rejected} rejected, "
            f"{summary.dead_lettered} dead letters.\n"
            f"{len(summary.agencies)} agencies got {summary.deliveries} deliveries; "
            f"{summary.responses} responses went back to the traders; {summary.events} events were recorded."
        )
    )
    if report.worker_restarts:
        console.print(Text(f"The worker was started again {_counted(report.worker_restarts, 'time')}."))
    console.print(_judgement(report))


def _judgement(report: Report) -> RenderableType:
    if report.is_as_expected:
        return Text("All as expected: no record was lost, doubled or changed.", style="bold green")
    if report.interrupted:
        return Text("Ended before all was there.", style="bold yellow")
    count = len(report.differences)
    lines: list[RenderableType] = [
        Text(f"{_counted(count, 'difference')} from what was expected:", style="bold red")
    ]
    lines += [Text(f"  {_difference_line(each)}") for each in report.differences[:_DIFFERENCES_SHOWN]]
    if count > _DIFFERENCES_SHOWN:
        lines.append(Text(f"  … and {count - _DIFFERENCES_SHOWN} more"))
    return Group(*lines)


def _difference_line(difference: Difference) -> str:
    what = " ".join(
        filter(None, (difference.reference_number[:20], difference.title and f"({difference.title})"))
    )
    return f"{difference.kind}: {what or difference.submission_id}: {difference.text}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
