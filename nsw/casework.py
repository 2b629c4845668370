"""Casework: the only role that decides. It carries out what ``processing.process`` says, and keeps counts."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from nsw import telemetry
from nsw.cases import Case
from nsw.casestore import CaseBook
from nsw.control import build_pause
from nsw.documents import Parsed
from nsw.envelope import is_apart, last_header, parse_stamp
from nsw.errors import Code, MessageError, Severity, Verdict
from nsw.events import CloudEvents, EventType, build_event
from nsw.held import TOPIC, build_held
from nsw.identifiers import CaseId, PartyId
from nsw.model import Publication, Purpose, Record, SenderRole
from nsw.processing import Outcome, process, refuse
from nsw.readahead import ReadAhead
from nsw.reference import Reference
from nsw.telemetry import Telemetry

log = logging.getLogger(__name__)
ROLE = "casework"
#: Gives what is to be published for a record, and the case after it.
Decide = Callable[[Record, Reference, Case | None, Parsed | None], Outcome]
JudgeApart = Callable[[Record, Reference, Case | None], Outcome]
_REFRESH_SECONDS = 5.0
_FORCED_REFRESH_SECONDS = 0.5


class Destinations:
    """
    Which topics can be published to now.

    Args:
        list_topics: asks the broker; may take a moment.
    """

    def __init__(self, list_topics: Callable[[], frozenset[str]]) -> None:
        self._list_topics = list_topics
        self._known: frozenset[str] = frozenset()
        self._refused: dict[str, str] = {}
        self._asked_at = float("-inf")

    def reason_against(self, topic: str) -> str | None:
        """Say why a topic can't be published to; None when it can."""
        if topic in self._refused:
            return self._refused[topic]
        if topic not in self._known:
            self.refresh(_FORCED_REFRESH_SECONDS)
        return None if topic in self._known else "it does not exist"

    def refuse(self, topic: str, reason: str) -> None:
        """Remember that the broker refused a publication, until the next refresh."""
        self.refresh(0)
        self._refused[topic] = reason

    def refresh(self, after_seconds: float = _REFRESH_SECONDS) -> None:
        """Ask the broker again if the last answer is older than *after_seconds*."""
        if time.monotonic() - self._asked_at >= after_seconds:
            self._known = self._list_topics()
            self._refused.clear()
            self._asked_at = time.monotonic()


class Casework:
    """
    What casework does with the loop's records.

    Args:
        newest: gives the snapshot to judge by; asked between batches only, so that one batch has one.
        book: what is known of the cases of this worker's partitions.
        dead_letters_in_a_row: so many from one party pause its inbox; an operator resumes it.
        decide: what becomes of a record.
        judge_apart: as ``process``, where it can't end this process; a ``MessageError`` when it ends the one there.
        ahead: reads documents before their turn; None reads each in its turn.
    """

    def __init__(
        self,
        newest: Callable[[], Reference],
        metrics: Telemetry,
        destinations: Destinations,
        book: CaseBook,
        dead_letters_in_a_row: int,
        *,
        decide: Decide = process,
        judge_apart: JudgeApart = process,
        ahead: ReadAhead | None = None,
    ) -> None:
        self._newest = newest
        self._reference = newest()
        self._metrics = metrics
        self._destinations = destinations
        self._book = book
        self._last: tuple[str, int, int] | None = None
        self._limit = dead_letters_in_a_row
        self._decide = decide
        self._judge_apart = judge_apart
        self._ahead = ahead
        # Senders of a record that ends processes: for the rest of this one's life all of theirs are judged apart.
        self._watched: set[str] = set()
        self._apart = 0
        self._tallies: list[_Tally] = []
        # Rows of dead letters by party: as committed, and with the open batch.
        self._rows: Counter[PartyId] = Counter()
        self._open_rows: Counter[PartyId] = Counter()
        # What the last record found there, in case it is refused after it was processed.
        self._row_before: tuple[PartyId, int] | None = None
        self._tell_reference()

    def process(self, record: Record) -> Sequence[Publication]:
        """Decide about a record, and hold back what has no destination now."""
        self._begin(record)
        parsed = self._ahead.take(record) if self._ahead is not None else None
        return self._carry_out(record, self._decide(record, self._reference, self._case_of(record), parsed))

    def announce(self, records: Sequence[Record]) -> None:
        """Look up these records' cases, and read them ahead, but for those that must not be read here."""
        self._book.look_up((record.partition, _case_id_of(record)) for record in records)
        if self._ahead is not None:
            self._ahead.announce(record for record in records if not self.is_suspect(record))

    def is_suspect(self, record: Record) -> bool:
        """Tell whether its sender, or it itself, was found to end processes before."""
        if not self._watched:
            return is_apart(record)
        try:
            return is_apart(record) or parse_stamp(record).sender in self._watched
        except MessageError:
            return False

    def process_apart(self, record: Record) -> Sequence[Publication]:
        """
        As ``process``, in a process with limits.

        Raises:
            MessageError: NSW-9002, it ends that process.
        """
        self._apart += 1
        outcome = self._judge_apart(record, self._reference, self._case_of(record))
        self._begin(record)
        return self._carry_out(record, outcome)

    def refuse(self, record: Record, code: Code, detail: str) -> Sequence[Publication]:
        """Keep a record as a dead letter that can't be judged, or whose outputs can't be published."""
        self._begin(record)
        try:
            submission = parse_stamp(record)
        except MessageError:
            return self._carry_out(record, process(record, self._reference, None))
        if code is Code.ENDS_PROCESS:
            self._watched.add(submission.sender)
        return self._carry_out(record, refuse(submission, self._reference, code, detail))

    def unavailable(self, topic: str, reason: str) -> None:
        """Hold back what is for this topic until it is there again."""
        self._destinations.refuse(topic, reason)

    def assigned(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Restore the case state of newly assigned partitions."""
        self._book.assign(number for _topic, number in partitions)

    def revoked(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Give up the case state of partitions that another worker has now."""
        self._book.revoke(number for _topic, number in partitions)

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        """Write the cases down and count what was committed."""
        self._book.commit()
        tallies, self._tallies = self._tallies, []
        self._last = None
        self._rows = self._open_rows.copy()
        self._metrics.observe(telemetry.BATCH_SECONDS, seconds, ROLE)
        self._metrics.observe(telemetry.BATCH_RECORDS, len(records), ROLE)
        self._metrics.count(telemetry.TRANSACTIONS, ROLE, "committed")
        if self._apart:
            self._metrics.count(telemetry.JUDGED_APART, by=self._apart)
            self._apart = 0
        self._count(tallies, publications)
        self._take_newest()

    def aborted(self, reason: str) -> None:  # noqa: ARG002 - the loop logs it
        """Forget the open batch: its records come again."""
        self._book.abort()
        self._tallies = []
        self._apart = 0
        self._last = None
        self._open_rows = self._rows.copy()
        self._metrics.count(telemetry.TRANSACTIONS, ROLE, "aborted")
        self._take_newest()

    def paused_topics(self) -> frozenset[str]:
        """Casework is never paused: it is what keeps the nation's stream going."""
        return frozenset()

    def idle(self) -> None:
        """Look for new tables, and for topics that have come or gone."""
        self._take_newest()
        self._destinations.refresh()

    def _take_newest(self) -> None:
        newest = self._newest()
        if newest is not self._reference:
            log.info("judging by %s from here on, not by %s", newest.version, self._reference.version)
            self._reference = newest
            self._tell_reference()

    def _tell_reference(self) -> None:
        self._metrics.allow(
            {
                "agency": self._reference.tables.agencies,
                "message_type": {each.name for each in self._reference.catalogue.types},
            }
        )
        self._metrics.set_only(telemetry.REFERENCE_INFO, 1, self._reference.version)

    def _begin(self, record: Record) -> None:
        """Take back what was prepared for this very record: it is refused after it was processed."""
        place = (record.topic, record.partition, record.offset)
        if self._last == place:
            self._book.undo()
            self._tallies.pop()
            if self._row_before is not None:
                party, row = self._row_before
                self._open_rows[party] = row
        self._last = place
        self._row_before = None

    def _case_of(self, record: Record) -> Case | None:
        return self._book.get(record.partition, _case_id_of(record))

    def _carry_out(self, record: Record, outcome: Outcome) -> Sequence[Publication]:
        self._tallies.append(_tally(outcome))
        state = self._book.put(record.partition, outcome.case)
        publications = [self._deliverable(each) for each in outcome.publications]
        publications += self._held_events(outcome, publications)
        publications += state
        pause = self._pause_after(outcome)
        return publications if pause is None else [*publications, pause]

    def _deliverable(self, publication: Publication) -> Publication:
        if publication.purpose not in (Purpose.DELIVERY, Purpose.ANSWER):
            return publication
        reason = self._destinations.reason_against(publication.topic)
        if reason is None:
            return publication
        return build_held(publication, Code.DESTINATION_MISSING, f"{publication.topic}: {reason}")

    def _held_events(self, outcome: Outcome, publications: Sequence[Publication]) -> list[Publication]:
        """Say what did not go out: the other events were written before it was known."""
        held = [each for each in publications if each.purpose is Purpose.HELD]
        if not held or outcome.submission is None:
            return []
        written = sum(1 for each in publications if each.purpose is Purpose.EVENT)
        events = []
        cloud = CloudEvents(outcome.submission, self._reference.window.source)
        for number, each in enumerate(held, start=written + 1):
            topic = last_header(each.headers, TOPIC)
            log.warning("held for %s: %s", topic, each.counted_as)
            data = {"topic": topic, "code": each.counted_as}
            events.append(build_event(outcome.submission, cloud, EventType.DELIVERY_HELD, number, data))
        return events

    def _pause_after(self, outcome: Outcome) -> Publication | None:
        """Pause the inbox of a party whose dead letters flood in, and only that one."""
        submission = outcome.submission
        # A replay is an operator's doing, not the party's.
        if submission is None or submission.role is not SenderRole.TRADER or submission.attempt > 1:
            return None
        self._row_before = submission.party, self._open_rows[submission.party]
        if outcome.verdict is not Verdict.DEAD_LETTER:
            self._open_rows.pop(submission.party, None)
            return None
        self._open_rows[submission.party] += 1
        if self._open_rows[submission.party] < self._limit:
            return None
        self._open_rows.pop(submission.party)
        return build_pause(submission.party, paused=True, reason=f"{self._limit} dead letters in a row")

    def _count(self, tallies: Sequence["_Tally"], publications: Sequence[Publication]) -> None:
        """Count a committed batch: many at once, as each single count takes as long as routing a goods item."""
        now = time.time()
        counts: Counter[tuple[str, str]] = Counter()
        for tally in tallies:
            counts.update(tally.counts)
            if tally.lodged_at is not None:
                self._metrics.observe(telemetry.END_TO_END_SECONDS, max(0.0, now - tally.lodged_at))
        self._metrics.count(telemetry.NOT_JUDGED, by=sum(tally.not_judged for tally in tallies))
        counts.update(
            (_METRIC_BY_PURPOSE[each.purpose].name, each.counted_as)
            for each in publications
            if each.purpose in _METRIC_BY_PURPOSE
        )
        for (name, label), count in counts.items():
            metric = _METRIC_BY_NAME[name]
            self._metrics.count(metric, *([label] if metric.labels else []), by=count)


_METRIC_BY_PURPOSE = {
    Purpose.DELIVERY: telemetry.ROUTED,
    Purpose.ANSWER: telemetry.ANSWERS,
    Purpose.DEAD_LETTER: telemetry.DEAD_LETTERS,
    Purpose.HELD: telemetry.HELD,
}
_METRIC_BY_NAME = {each.name: each for each in telemetry.CATALOGUE}


class _Tally(NamedTuple):
    """
    What is counted of an outcome once it is committed.

    The outcome itself is not kept until then: the trees of a whole batch of documents would be.

    Attributes:
        counts: names of counters, each with its label, '' for none.
        lodged_at: in seconds since 1970; None where no trader waits.
    """

    counts: tuple[tuple[str, str], ...] = ()
    lodged_at: float | None = None
    not_judged: int = 0


def _case_id_of(record: Record) -> CaseId:
    # Intake made the case's id the key; a record of somebody else is refused for its stamp anyway.
    return CaseId((record.key or b"").decode("ascii", "replace"))


def _tally(outcome: Outcome) -> _Tally:
    submission = outcome.submission
    if submission is None:
        return _Tally()
    received = (telemetry.RECEIVED.name, submission.role.value)
    if submission.role is not SenderRole.TRADER:
        return _Tally((received,))
    counts = [received]
    findings = outcome.judgement.findings
    if outcome.repeats:
        counts.append((telemetry.REPEATED.name, ""))
    elif outcome.verdict is Verdict.ACCEPTED:
        counts.append((telemetry.ACCEPTED.name, outcome.accepted_type))
    elif outcome.verdict is Verdict.REJECTED:
        errors = {each.code for each in findings if each.severity is Severity.ERROR}
        counts += [(telemetry.REJECTED.name, code) for code in errors]
    not_judged = sum(1 for each in findings if each.code == Code.RULE_NOT_JUDGED)
    return _Tally(tuple(counts), submission.lodged_at.timestamp(), not_judged)
