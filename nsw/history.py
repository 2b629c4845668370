"""
Past declarations as the log has them: what traders lodged, with what the window decided about each then.

Reads committed records only, up to the ends that the topics had at the start, and publishes nothing. What events say
is kept in a temporary database on disk, so that memory does not grow with the log.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

import orjson

from nsw import admin, topics
from nsw.connection import Connection
from nsw.envelope import last_header, parse_stamp
from nsw.errors import MessageError, Verdict
from nsw.events import EventType
from nsw.model import Record, SenderRole, Submission
from nsw.processing import Judgement

__all__ = ["Decided", "Past", "read_past"]

_VERDICTS = {
    EventType.DECLARATION_ACCEPTED: Verdict.ACCEPTED,
    EventType.DECLARATION_REJECTED: Verdict.REJECTED,
    EventType.DEAD_LETTER_KEPT: Verdict.DEAD_LETTER,
}
_TELLING = frozenset((EventType.DECLARATION_RECEIVED, EventType.DECLARATION_ROUTED, *_VERDICTS))
_TABLE = """
create table decided (
    submission text not null, attempt integer not null, version text, verdict text, codes text, agencies text,
    primary key (submission, attempt)
) without rowid
"""
_ADD = """
insert into decided values (:submission, :attempt, :version, :verdict, :codes, :agencies)
on conflict do update set verdict = coalesce(excluded.verdict, verdict), codes = coalesce(excluded.codes, codes),
    agencies = coalesce(excluded.agencies, agencies)
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """
    What the window's events say of one submission.

    Attributes:
        version: of the reference data that it was judged by.
        codes: of its findings, each once; of a dead letter only the one that made it so.
        agencies: who got it.
    """

    version: str
    verdict: Verdict
    codes: frozenset[str]
    agencies: frozenset[str]

    def agrees_with(self, judgement: Judgement) -> bool:
        """Tell whether a judgement is what was decided then, as far as events tell it."""
        if judgement.verdict is not self.verdict:
            return False
        if self.verdict is Verdict.DEAD_LETTER:
            return True
        codes = {each.code for each in judgement.findings}
        return codes == self.codes and set(judgement.decision.agencies) == self.agencies


@dataclass(frozen=True, slots=True)
class Past:
    """One declaration that was lodged; *decided* is None when no event tells of it yet."""

    submission: Submission
    decided: Decided | None


def read_past(
    connection: Connection, since: datetime, until: datetime, progress: Callable[[str, int, int], None]
) -> Iterator[Past]:
    """
    Read the declarations that traders lodged from one moment to before another, in order within a case.

    Args:
        since: aware; *until* aware.
        progress: told what is read, how far, and how much there is, in offsets.

    Raises:
        BrokerUnavailableError: nothing answers.
        TopicMissingError: this is no window's Kafka.
    """
    since_ms = round(since.timestamp() * 1000)
    with closing(sqlite3.connect("")) as database:
        database.execute(_TABLE)
        # The cases first: what is judged meanwhile then has its events.
        cases = _Reading(connection, topics.CASES, since_ms, progress)
        for record in _Reading(connection, topics.EVENTS, since_ms, progress):
            _keep(database, record)
        for record in cases:
            try:
                submission = parse_stamp(record)
            except MessageError:
                continue  # not intake's: it is a dead letter, and nobody's declaration
            if submission.role is SenderRole.TRADER and since <= submission.lodged_at < until:
                yield Past(submission, _find(database, submission))


class _Reading(Iterator[Record]):
    """The records of a topic from a moment to its end; tells the progress."""

    def __init__(
        self, connection: Connection, topic: str, since_ms: int, progress: Callable[[str, int, int], None]
    ) -> None:
        starts = admin.offsets_since(connection, [topic], since_ms)
        ends = admin.end_offsets(connection, [topic])
        self._topic = topic
        self._records = admin.read_topic(connection, [topic], offsets=starts)
        self._left = {part: max(0, end - starts[part]) for part, end in ends.items()}
        self._total = sum(self._left.values())
        self._ends = ends
        self._progress = progress

    def __next__(self) -> Record:
        try:
            record = next(self._records)
        except StopIteration:
            self._progress(self._topic, self._total, self._total)
            raise
        part = (record.topic, record.partition)
        self._left[part] = max(0, self._ends[part] - record.next_offset)
        self._progress(self._topic, self._total - sum(self._left.values()), self._total)
        return record


def _keep(database: sqlite3.Connection, record: Record) -> None:
    """Keep what an event adds to what is known of its submission."""
    kind = last_header(record.headers, topics.CE_TYPE)
    identifier = last_header(record.headers, topics.CE_ID) or ""
    if kind not in _TELLING:
        return
    try:
        body = orjson.loads(record.value or b"")
        attempt = int(identifier.split(".")[1])
        submission, version = str(body["submission_id"]), str(body["reference_data_version"])
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return  # not casework's
    database.execute(
        _ADD, {"submission": submission, "attempt": attempt, "version": version, **_told(kind, body)}
    )


def _told(kind: str, body: Mapping[str, object]) -> dict[str, str | None]:
    """Give verdict, codes and agencies as far as one event tells them."""
    verdict = _VERDICTS.get(EventType(kind))
    codes = body.get("warnings", body.get("codes"))
    if verdict is Verdict.DEAD_LETTER:
        codes = [body.get("code")]
    agencies = body.get("agencies")
    return {
        "verdict": verdict,
        "codes": ",".join(map(str, codes)) if isinstance(codes, list) else None,
        "agencies": ",".join(map(str, agencies)) if isinstance(agencies, list) else None,
    }


def _find(database: sqlite3.Connection, submission: Submission) -> Decided | None:
    found = database.execute(
        "select version, verdict, codes, agencies from decided where submission = ? and attempt = ?",
        (submission.submission_id, submission.attempt),
    ).fetchone()
    if found is None or found[1] is None:
        return None
    version, verdict, codes, agencies = found
    return Decided(version, Verdict(verdict), _words(codes), _words(agencies))


def _words(text: str | None) -> frozenset[str]:
    return frozenset(filter(None, (text or "").split(",")))
