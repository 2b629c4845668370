"""
Compares what stands in the topics with what had to follow from each submission; nothing of ``nsw`` is used here.

Identity is followed through the window: an inbox's offset → the stamp in ``nsw.cases`` → the submission id of
everything that was published.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.answers import problem_of_answer
from tests.chaos.expected import CONTENTS, DEAD, ONLY_FORMAT, CaseModel, Expected
from tests.chaos.findings import DUPLICATED, LOST, OUT_OF_ORDER, WRONG, Report
from tests.chaos.ledger import NUMBER, Ledger
from tests.chaos.reading import Log, Row
from tests.chaos.silence import silences

CASES, EVENTS, DEAD_LETTERS, HELD = "nsw.cases", "nsw.events", "nsw.deadletters", "nsw.held"
_AVRO_MARK = b"\0"


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


def judge(log: Log, ledger: Ledger) -> Report:
    """Decide about every submission, and find what belongs to none."""
    judge = _Judge(log, ledger)
    judge.follow_intake()
    judge.check_answers()
    judge.check_deliveries()
    judge.check_dead_letters()
    judge.check_events()
    for partition, count in sorted(log.hidden.items()):
        judge.report.notes.append(f"{partition}: {count} offsets are hidden behind an open transaction")
    return judge.report


class _Judge:
    def __init__(self, log: Log, ledger: Ledger) -> None:
        self.report = Report()
        self._log = log
        self._ledger = ledger
        self._submissions: dict[tuple[str, int], Submission] = {}
        for party in sorted(ledger.parties):
            self._read_inbox(party, f"nsw.inbox.{party}")
        self.report.counts["published"] = len(self._submissions)
        self._by_id: dict[str, Submission] = {}
        self._ids: dict[tuple[str, int], str] = {}

    def _read_inbox(self, party: str, topic: str) -> None:
        cases: dict[bytes, CaseModel] = defaultdict(CaseModel)
        found: dict[int, list[int]] = defaultdict(list)
        for row in self._log.rows(topic):
            text = row.header(NUMBER)
            sent = self._ledger.sent.get(int(text)) if text.isdecimal() else None
            if sent is None or sent.digest != row.digest or sent.key.encode() != (row.key or b""):
                self.report.add(WRONG, row.place, "the ledger knows no such submission")
                continue
            found[sent.number].append(row.offset)
            content = CONTENTS[sent.content]
            expected = cases[row.key or b""].submit(row.offset, row.digest, content)
            self._submissions[topic, row.offset] = Submission(row, party, sent.number, sent.key, expected)
            self.report.counts[f"content {sent.content}"] += 1
        for number, confirmed in self._ledger.confirmed.items():
            if self._ledger.sent[number].party == party and confirmed.offset not in found[number]:
                sentence = f"number {number} was confirmed to stand here, and does not"
                self.report.add(LOST, f"{topic}[0]@{confirmed.offset}", sentence)
        again = sum(1 for offsets in found.values() if len(offsets) > 1)
        if again:
            self.report.notes.append(f"{topic}: {again} submissions stand here twice, and count twice")

    # Intake.

    def follow_intake(self) -> None:
        """Find each submission's one record in ``nsw.cases``, and learn its id."""
        rows_by_place: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in self._log.rows(CASES):
            name, value = row.headers[-1] if row.headers else ("", b"")
            if name != "nsw-stamp":
                self.report.add(WRONG, row.place, "the last header is no stamp")
                continue
            stamp = json.loads(value)
            place = stamp["topic"], stamp["offset"]
            submission = self._submissions.get(place)
            if submission is None:
                self._stranger(row, stamp["party"])
                continue
            rows_by_place[place].append(row)
            self._ids[place] = stamp["submission_id"]
            self._by_id[stamp["submission_id"]] = submission
            if row.digest != submission.row.digest or row.headers[:-1] != submission.row.headers:
                self.report.add(WRONG, row.place, f"not as {submission.place} was sent")
        for place, submission in self._submissions.items():
            wanted = 1 if submission.expected.stamped else 0
            self._expect(CASES, submission, rows_by_place[place], wanted)
        # One inbox, one partition: there the order of the inbox must hold, across cases too.
        self._check_order(
            [row for rows in rows_by_place.values() for row in rows],
            lambda row: (json.loads(row.headers[-1][1])["topic"], json.loads(row.headers[-1][1])["offset"]),
            by_case=False,
        )

    # Answers.

    def check_answers(self) -> None:
        """One answer to each submission, in the order of its case; the same bytes again to the same bytes."""
        for party in sorted(self._ledger.parties):
            topic = f"nsw.outbox.{party}"
            rows = self._group(self._log.rows(topic), party)
            for submission in self._of_party(party):
                found = rows[submission.row.topic, submission.row.offset]
                if self._expect(topic, submission, found, 1 if submission.expected.stamped else 0):
                    self._check_answer(submission, found[0], rows)
            self._check_order([row for each in rows.values() for row in each], self._place_of)

    def _check_answer(self, submission: Submission, row: Row, rows: dict[tuple[str, int], list[Row]]) -> None:
        expected = submission.expected
        if row.header("nsw-verdict") != expected.verdict:
            sentence = f"{submission.place} is answered {row.header('nsw-verdict')}, not {expected.verdict}"
            self.report.add(WRONG, row.place, sentence)
            return
        origin = submission.row.topic, submission.row.offset
        if expected.repeats is None:
            if row.header("nsw-repeats-submission-id"):
                self.report.add(
                    WRONG, row.place, f"{submission.place} is answered as if it were a repetition"
                )
        else:
            origin = submission.row.topic, expected.repeats
            first = rows[origin][:1]
            if row.header("nsw-repeats-submission-id") != self._ids.get(origin, "?"):
                self.report.add(
                    WRONG, row.place, f"{submission.place} repeats {expected.repeats}, which is not named"
                )
            if first and first[0].digest != row.digest:
                self.report.add(WRONG, row.place, f"other bytes than the first answer, {first[0].place}")
        wanted = {submission.row.digest, self._ids.get(origin, "?")}
        problem = problem_of_answer(row.value, wanted, expected)
        if problem:
            self.report.add(WRONG, row.place, f"{submission.place}: {problem}")

    # Deliveries.

    def check_deliveries(self) -> None:
        """To each expected agency once, or held for it once; to nobody else; in the order of the case."""
        delivered = {
            topic.split(".")[2]: self._group(self._log.rows(topic), None)
            for topic in self._log.topics("nsw.agency.", ".inbox")
        }
        held: dict[str, dict[tuple[str, int], list[Row]]] = defaultdict(lambda: defaultdict(list))
        for place, rows in self._group(self._log.rows(HELD), None).items():
            for row in rows:
                held[row.header("nsw-held-topic").split(".")[2]][place].append(row)
                self.report.counts["held"] += 1
        for agency in sorted({*delivered, *held}):
            rows_by_place: dict[tuple[str, int], list[Row]] = defaultdict(list)
            for source in (delivered.get(agency, {}), held[agency]):
                for place, rows in source.items():
                    rows_by_place[place] += rows
            for place, submission in self._submissions.items():
                wanted = 1 if agency in submission.expected.agencies else 0
                if self._expect(f"agency {agency}", submission, rows_by_place[place], wanted):
                    self._check_delivery(agency, submission, rows_by_place[place][0])
            self.report.counts["deliveries"] += sum(map(len, delivered.get(agency, {}).values()))
            for source in (delivered.get(agency, {}), held[agency]):
                self._check_order([row for each in source.values() for row in each], self._place_of)
        numbers = {
            (row.topic, row.offset): self._submissions[place].number
            for rows_by_place in delivered.values()
            for place, rows in rows_by_place.items()
            for row in rows
        }
        self.report.silence_by_agency = silences(self._ledger, numbers)
        known = {*delivered, *held}
        for submission in self._submissions.values():
            for agency in sorted(submission.expected.agencies - known):
                self.report.add(
                    LOST, submission.place, f"agency {agency} has no topic, and nothing is held for it"
                )

    def _check_delivery(self, agency: str, submission: Submission, row: Row) -> None:
        sent = "avro" if submission.row.head.startswith(_AVRO_MARK) else "xml"
        form = ONLY_FORMAT.get(agency, sent)
        faults = [
            f"{name} is {row.header(name)!r}"
            for name, value in (
                ("nsw-agency", agency),
                ("nsw-party", submission.party),
                ("nsw-original-digest", submission.row.digest),
                ("nsw-original-format", sent),
                ("nsw-format", form),
            )
            if row.header(name) != value
        ]
        if form == sent and row.digest != submission.row.digest:
            faults.append("the bytes are not the original's")
        if form != sent and row.head.startswith(_AVRO_MARK) != (form == "avro"):
            faults.append("the bytes are not in the format")
        if faults:
            self.report.add(WRONG, row.place, f"{submission.place}: {'; '.join(faults)}")

    # Dead letters.

    def check_dead_letters(self) -> None:
        """Each that could not be understood is kept once, unchanged, with its code; and no other."""
        rows_by_place: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in self._log.rows(DEAD_LETTERS):
            place = row.header("nsw-dead-letter-topic"), int(row.header("nsw-dead-letter-offset") or -1)
            if place in self._submissions:
                rows_by_place[place].append(row)
            else:
                self._stranger(row, row.header("nsw-dead-letter-sender"))
        for place, submission in self._submissions.items():
            found = rows_by_place[place]
            if not self._expect(DEAD_LETTERS, submission, found, int(submission.expected.verdict == DEAD)):
                continue
            (row, *_), sent = found, submission.row
            self.report.counts["dead letters"] += 1
            same = (row.key, row.digest, row.headers[: len(sent.headers)]) == (
                *(sent.key, sent.digest),
                sent.headers,
            )
            if not same or row.header("nsw-dead-letter-code") not in submission.expected.codes:
                code = row.header("nsw-dead-letter-code")
                self.report.add(
                    WRONG, row.place, f"{submission.place}: changed, or for another reason: {code}"
                )

    # Events.

    def check_events(self) -> None:
        """Each submission's events tell what became of it, in order, each with an id of its own."""
        seen: set[str] = set()
        events = self._group(self._log.rows(EVENTS), None)
        for row in self._log.rows(EVENTS):
            if row.header("ce_id") in seen and self._by_id.get(_submission_id(row)):
                self.report.add(DUPLICATED, row.place, f"the event {row.header('ce_id')} stands here again")
            seen.add(row.header("ce_id"))
        for place, submission in self._submissions.items():
            rows = events[place]
            types = [row.header("ce_type") for row in rows]
            told = tuple(dict.fromkeys(each for each in types if each != "nsw.delivery.held"))
            if told != submission.expected.events:
                missing = set(submission.expected.events) - set(told)
                kind = LOST if missing and not set(told) - set(submission.expected.events) else WRONG
                wanted = ", ".join(submission.expected.events)
                self.report.add(
                    kind, submission.place, f"events are {', '.join(told) or 'none'}, not {wanted}"
                )
            if len({row.partition for row in rows}) > 1:
                self.report.add(WRONG, submission.place, "its events stand in several partitions")
        self._check_order([row for rows in events.values() for row in rows], self._place_of)
        self.report.counts["events"] = sum(map(len, events.values()))

    # Shared.

    def _of_party(self, party: str) -> Iterable[Submission]:
        return (each for each in self._submissions.values() if each.party == party)

    def _place_of(self, row: Row) -> tuple[str, int]:
        submission = self._by_id[_submission_id(row)]
        return submission.row.topic, submission.row.offset

    def _group(self, rows: Iterable[Row], party: str | None) -> dict[tuple[str, int], list[Row]]:
        """Give the rows of each submission; what belongs to none of a party of the ledger is an anomaly."""
        grouped: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in rows:
            submission = self._by_id.get(_submission_id(row))
            if submission is None:
                self._stranger(row, party or row.header("ce_subject").partition("/")[0])
            else:
                grouped[submission.row.topic, submission.row.offset].append(row)
        return grouped

    def _stranger(self, row: Row, party: str) -> None:
        if party in self._ledger.parties:
            self.report.add(WRONG, row.place, "it belongs to no submission that was sent")

    def _expect(self, where: str, submission: Submission, found: Sequence[Row], wanted: int) -> bool:
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

    def _check_order(
        self, rows: list[Row], place_of: Callable[[Row], tuple[str, int]], *, by_case: bool = True
    ) -> None:
        latest: dict[tuple[str, int, str, bytes | None], int] = {}
        met: set[tuple[str, str, int, str]] = set()
        for row in sorted(rows, key=lambda each: (each.topic, each.partition, each.offset)):
            inbox, offset = place_of(row)
            # What stands there again is told as such; its first place is what counts for the order.
            what = row.topic, inbox, offset, row.header("ce_id") if row.topic == EVENTS else ""
            if what in met:
                continue
            met.add(what)
            case = self._submissions[inbox, offset].row.key if by_case else None
            lane = row.topic, row.partition, inbox, case
            if offset < latest.get(lane, -1):
                sentence = (
                    f"{self._submissions[inbox, offset].place} stands behind @{latest[lane]} of its inbox"
                )
                self.report.add(OUT_OF_ORDER, row.place, sentence)
            else:
                latest[lane] = offset


def _submission_id(row: Row) -> str:
    if row.topic == EVENTS:
        return str(json.loads(row.value).get("submission_id", ""))
    return row.header("nsw-submission-id")
