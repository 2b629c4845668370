"""
Follows each submission through the window; nothing of ``nsw`` is used here.

An inbox's offset → the stamp in ``nsw.cases`` → the submission id of everything that was published.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.expected import CONTENTS, CaseModel, Expected
from tests.chaos.findings import DUPLICATED, LOST, OUT_OF_ORDER, WRONG, Report
from tests.chaos.ledger import NUMBER, Ledger
from tests.chaos.reading import Log, Row

CASES, EVENTS = "nsw.cases", "nsw.events"
#: An inbox and an offset in it.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Submission:
    """One record of an inbox, and what must follow from it."""

    row: Row
    party: str
    number: int
    key: str
    expected: Expected

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.row.place} (number {self.number}, {self.key[:20]})"


class Trail:
    """
    What was submitted, and which rows of a topic belong to which submission.

    Attributes:
        submissions: by inbox and offset, in the order of the inboxes.
        by_id: the same by submission id; *ids*, the ids by inbox and offset.
    """

    def __init__(self, log: Log, ledger: Ledger) -> None:
        self.report = Report()
        self.log = log
        self.ledger = ledger
        self.submissions: dict[Place, Submission] = {}
        for party in sorted(ledger.parties):
            self._read_inbox(party, f"nsw.inbox.{party}")
        self.report.counts["published"] = len(self.submissions)
        self.by_id: dict[str, Submission] = {}
        self.ids: dict[Place, str] = {}

    def _read_inbox(self, party: str, topic: str) -> None:
        cases: dict[bytes, CaseModel] = defaultdict(CaseModel)
        found: dict[int, list[int]] = defaultdict(list)
        for row in self.log.rows(topic):
            text = row.header(NUMBER)
            sent = self.ledger.sent.get(int(text)) if text.isdecimal() else None
            if sent is None or sent.digest != row.digest or sent.key.encode() != (row.key or b""):
                self.report.add(WRONG, row.place, "the ledger knows no such submission")
                continue
            found[sent.number].append(row.offset)
            content = CONTENTS[sent.content]
            expected = cases[row.key or b""].submit(row.offset, row.digest, content)
            self.submissions[topic, row.offset] = Submission(row, party, sent.number, sent.key, expected)
            self.report.counts[f"content {sent.content}"] += 1
        for number, confirmed in self.ledger.confirmed.items():
            if self.ledger.sent[number].party == party and confirmed.offset not in found[number]:
                sentence = f"number {number} was confirmed to stand here, and does not"
                self.report.add(LOST, f"{topic}[0]@{confirmed.offset}", sentence)
        again = sum(1 for offsets in found.values() if len(offsets) > 1)
        if again:
            self.report.notes.append(f"{topic}: {again} submissions stand here twice, and count twice")

    def follow_intake(self) -> None:
        """Find each submission's one record in ``nsw.cases``, and learn its id."""
        rows_by_place: dict[Place, list[Row]] = defaultdict(list)
        for row in self.log.rows(CASES):
            name, value = row.headers[-1] if row.headers else ("", b"")
            if name != "nsw-stamp":
                self.report.add(WRONG, row.place, "the last header is no stamp")
                continue
            stamp = json.loads(value)
            place = stamp["topic"], stamp["offset"]
            submission = self.submissions.get(place)
            if submission is None:
                self.note_stranger(row, stamp["party"])
                continue
            rows_by_place[place].append(row)
            self.ids[place] = stamp["submission_id"]
            self.by_id[stamp["submission_id"]] = submission
            if row.digest != submission.row.digest or row.headers[:-1] != submission.row.headers:
                self.report.add(WRONG, row.place, f"not as {submission.place} was sent")
        for place, submission in self.submissions.items():
            wanted = 1 if submission.expected.stamped else 0
            self.expect(CASES, submission, rows_by_place[place], wanted)
        # One inbox, one partition: there the order of the inbox must hold, across cases too.
        self.check_order(
            [row for rows in rows_by_place.values() for row in rows],
            lambda row: (json.loads(row.headers[-1][1])["topic"], json.loads(row.headers[-1][1])["offset"]),
            by_case=False,
        )

    def of_party(self, party: str) -> Iterable[Submission]:
        return (each for each in self.submissions.values() if each.party == party)

    def place_of(self, row: Row) -> Place:
        submission = self.by_id[submission_id(row)]
        return submission.row.topic, submission.row.offset

    def group(self, rows: Iterable[Row], party: str | None) -> dict[Place, list[Row]]:
        """Give the rows of each submission; what belongs to none of a party of the ledger is an anomaly."""
        grouped: dict[Place, list[Row]] = defaultdict(list)
        for row in rows:
            submission = self.by_id.get(submission_id(row))
            if submission is None:
                self.note_stranger(row, party or row.header("ce_subject").partition("/")[0])
            else:
                grouped[submission.row.topic, submission.row.offset].append(row)
        return grouped

    def note_stranger(self, row: Row, party: str) -> None:
        if party in self.ledger.parties:
            self.report.add(WRONG, row.place, "it belongs to no submission that was sent")

    def expect(self, where: str, submission: Submission, found: Sequence[Row], wanted: int) -> bool:
        """Note what is missing, twice there, or not for them; say whether the one that is wanted is there."""
        if wanted and not found:
            self.report.add(LOST, submission.place, f"nothing in {where}")
        elif not wanted and found:
            again = submission.expected.repeats is not None
            sentence = f"{submission.place} has no business in {where}"
            self.report.add(DUPLICATED if again else WRONG, found[0].place, sentence)
        for row in found[1:]:
            self.report.add(DUPLICATED, row.place, f"{submission.place} stands in {where} again")
        return bool(wanted and found)

    def check_order(self, rows: list[Row], place_of: Callable[[Row], Place], *, by_case: bool = True) -> None:
        latest: dict[tuple[str, int, str, bytes | None], int] = {}
        met: set[tuple[str, str, int, str]] = set()
        for row in sorted(rows, key=lambda each: (each.topic, each.partition, each.offset)):
            inbox, offset = place_of(row)
            # What stands there again is told as such; its first place is what counts for the order.
            what = row.topic, inbox, offset, row.header("ce_id") if row.topic == EVENTS else ""
            if what in met:
                continue
            met.add(what)
            case = self.submissions[inbox, offset].row.key if by_case else None
            lane = row.topic, row.partition, inbox, case
            if offset < latest.get(lane, -1):
                sentence = (
                    f"{self.submissions[inbox, offset].place} stands behind @{latest[lane]} of its inbox"
                )
                self.report.add(OUT_OF_ORDER, row.place, sentence)
            else:
                latest[lane] = offset


def submission_id(row: Row) -> str:
    if row.topic == EVENTS:
        return str(json.loads(row.value).get("submission_id", ""))
    return row.header("nsw-submission-id")
