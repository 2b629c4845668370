"""Compares what stands in the topics with what had to follow from each submission; nothing of ``nsw`` is used here."""

from collections import defaultdict

from tests.chaos.answers import problem_of_answer
from tests.chaos.expected import DEAD, ONLY_FORMAT
from tests.chaos.findings import DUPLICATED, LOST, WRONG, Report
from tests.chaos.ledger import Ledger
from tests.chaos.reading import Log, Row
from tests.chaos.silence import silences
from tests.chaos.trail import EVENTS, Place, Submission, Trail, submission_id

DEAD_LETTERS, HELD = "nsw.deadletters", "nsw.held"
_AVRO_MARK = b"\0"


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


class _Judge(Trail):
    """Compares what was published with what was expected."""

    def check_answers(self) -> None:
        """One answer to each submission, in the order of its case; the same bytes again to the same bytes."""
        for party in sorted(self.ledger.parties):
            topic = f"nsw.outbox.{party}"
            rows = self.group(self.log.rows(topic), party)
            for submission in self.of_party(party):
                found = rows[submission.row.topic, submission.row.offset]
                if self.expect(topic, submission, found, 1 if submission.expected.stamped else 0):
                    self._check_answer(submission, found[0], rows)
            self.check_order([row for each in rows.values() for row in each], self.place_of)

    def _check_answer(self, submission: Submission, row: Row, rows: dict[Place, list[Row]]) -> None:
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
            if row.header("nsw-repeats-submission-id") != self.ids.get(origin, "?"):
                self.report.add(
                    WRONG, row.place, f"{submission.place} repeats {expected.repeats}, which is not named"
                )
            if first and first[0].digest != row.digest:
                self.report.add(WRONG, row.place, f"other bytes than the first answer, {first[0].place}")
        wanted = {submission.row.digest, self.ids.get(origin, "?")}
        problem = problem_of_answer(row.value, wanted, expected)
        if problem:
            self.report.add(WRONG, row.place, f"{submission.place}: {problem}")

    def check_deliveries(self) -> None:
        """To each expected agency once, or held for it once; to nobody else; in the order of the case."""
        delivered = {
            topic.split(".")[2]: self.group(self.log.rows(topic), None)
            for topic in self.log.topics("nsw.agency.", ".inbox")
        }
        held: dict[str, dict[Place, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for place, rows in self.group(self.log.rows(HELD), None).items():
            for row in rows:
                held[row.header("nsw-held-topic").split(".")[2]][place].append(row)
                self.report.counts["held"] += 1
        for agency in sorted({*delivered, *held}):
            rows_by_place: dict[Place, list[Row]] = defaultdict(list)
            for source in (delivered.get(agency, {}), held[agency]):
                for place, rows in source.items():
                    rows_by_place[place] += rows
            for place, submission in self.submissions.items():
                wanted = 1 if agency in submission.expected.agencies else 0
                if self.expect(f"agency {agency}", submission, rows_by_place[place], wanted):
                    self._check_delivery(agency, submission, rows_by_place[place][0])
            self.report.counts["deliveries"] += sum(map(len, delivered.get(agency, {}).values()))
            for source in (delivered.get(agency, {}), held[agency]):
                self.check_order([row for each in source.values() for row in each], self.place_of)
        numbers = {
            (row.topic, row.offset): self.submissions[place].number
            for rows_by_place in delivered.values()
            for place, rows in rows_by_place.items()
            for row in rows
        }
        self.report.silence_by_agency = silences(self.ledger, numbers)
        known = {*delivered, *held}
        for submission in self.submissions.values():
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

    def check_dead_letters(self) -> None:
        """Each that could not be understood is kept once, unchanged, with its code; and no other."""
        rows_by_place: dict[Place, list[Row]] = defaultdict(list)
        for row in self.log.rows(DEAD_LETTERS):
            place = row.header("nsw-dead-letter-topic"), int(row.header("nsw-dead-letter-offset") or -1)
            if place in self.submissions:
                rows_by_place[place].append(row)
            else:
                self.note_stranger(row, row.header("nsw-dead-letter-sender"))
        for place, submission in self.submissions.items():
            found = rows_by_place[place]
            if not self.expect(DEAD_LETTERS, submission, found, int(submission.expected.verdict == DEAD)):
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

    def check_events(self) -> None:
        """Each submission's events tell what became of it, in order, each with an id of its own."""
        seen: set[str] = set()
        events = self.group(self.log.rows(EVENTS), None)
        for row in self.log.rows(EVENTS):
            if row.header("ce_id") in seen and self.by_id.get(submission_id(row)):
                self.report.add(DUPLICATED, row.place, f"the event {row.header('ce_id')} stands here again")
            seen.add(row.header("ce_id"))
        for place, submission in self.submissions.items():
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
        self.check_order([row for rows in events.values() for row in rows], self.place_of)
        self.report.counts["events"] = sum(map(len, events.values()))
