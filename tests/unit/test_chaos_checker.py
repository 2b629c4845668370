"""The checker of ``make chaos`` on logs made by hand: a right one passes, and each kind of anomaly is told."""

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.checker import check, describe, result_line
from tests.chaos.expected import CONTENTS, CaseModel
from tests.chaos.findings import DUPLICATED, KINDS, LOST, OUT_OF_ORDER, WRONG, Report
from tests.chaos.ledger import Ledger, read_ledger
from tests.chaos.reading import Log, Row
from tests.chaos.silence import longest_silence

CHAOS = Path(__file__).resolve().parents[1] / "chaos"
PARTY = "P"
INBOX, OUTBOX = f"nsw.inbox.{PARTY}", f"nsw.outbox.{PARTY}"
CUSTOMS, DFT = "nsw.agency.CUSTOMS.inbox", "nsw.agency.DFT.inbox"
#: What shares no code with the window, and must not begin to.
CHECKER = ("answers", "checker", "expected", "findings", "judging", "ledger", "reading", "silence", "trail")


class Written:
    """A log and its ledger, written as a window without faults would."""

    def __init__(self) -> None:
        self.log = Log({topic: [] for topic in (INBOX, OUTBOX, CUSTOMS, DFT)})
        self.lines: list[dict[str, object]] = []

    @property
    def ledger(self) -> Ledger:
        return read_ledger(json.dumps(line) for line in self.lines)

    def check(self) -> Report:
        return check(self.log, self.ledger)

    def write(self, topic: str, key: str, headers: dict[str, str], value: bytes = b"") -> Row:
        rows = self.log.rows_by_topic.setdefault(topic, [])
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        digest = hashlib.sha256(value).hexdigest()
        rows.append(Row(topic, 0, len(rows), key.encode(), pairs, digest, value[:16], value))
        return rows[-1]

    def submit(self, content: str, key: str, value: bytes) -> str:
        """Publish a submission, and take it to its case; give its id."""
        number = len(self.log.rows(INBOX)) + 1
        sent = self.write(INBOX, key, {"chaos-number": str(number)}, value)
        self.lines += [
            {"number": number, "party": PARTY, "content": content, "key": key, "digest": sent.digest},
            {"number": number, "offset": sent.offset, "at": float(number)},
        ]
        identifier = f"id-{number}"
        if content != "key-too-long":
            stamp = {"topic": INBOX, "offset": sent.offset, "submission_id": identifier, "party": PARTY}
            headers = {"chaos-number": str(number), "nsw-stamp": json.dumps(stamp)}
            self.write("nsw.cases", f"{PARTY}/{key}", headers, value)
        return identifier

    def answer(self, key: str, identifier: str, verdict: str, value: bytes, repeats: str = "") -> None:
        headers = {"nsw-submission-id": identifier, "nsw-verdict": verdict, "ce_subject": f"{PARTY}/{key}"}
        self.write(OUTBOX, key, headers | ({"nsw-repeats-submission-id": repeats} if repeats else {}), value)

    def deliver(self, agency: str, identifier: str, value: bytes, topic: str = "") -> None:
        headers = {
            "ce_subject": f"{PARTY}/K",
            "nsw-submission-id": identifier,
            "nsw-agency": agency,
            "nsw-party": PARTY,
            "nsw-original-digest": hashlib.sha256(value).hexdigest(),
            "nsw-original-format": "xml",
            "nsw-format": "xml",
        }
        held = {"nsw-held-topic": f"nsw.agency.{agency}.inbox"} if topic else {}
        row = self.write(topic or f"nsw.agency.{agency}.inbox", "c", headers | held, value)
        if not topic:
            self.lines.append({"topic": row.topic, "offset": row.offset, "at": 20.0 + len(self.lines)})

    def tell(self, identifier: str, *steps: str) -> None:
        for sequence, step in enumerate(steps, start=1):
            headers = {"ce_id": f"{identifier}.1.{sequence}", "ce_type": f"nsw.{step}"}
            self.write("nsw.events", "c", headers, json.dumps({"submission_id": identifier}).encode())

    def accept(self, key: str, value: bytes) -> str:
        """Let a small declaration go its whole way."""
        identifier = self.submit("small", key, value)
        for agency in ("CUSTOMS", "DFT"):
            self.deliver(agency, identifier, value)
        self.answer(key, identifier, "accepted", acknowledgement(identifier, value))
        steps = ("received", "accepted", "routed", "acknowledged")
        self.tell(identifier, *(f"declaration.{step}" for step in steps))
        return identifier

    def repeat(self, key: str, value: bytes, first: str) -> str:
        identifier = self.submit("small", key, value)
        self.answer(key, identifier, "accepted", acknowledgement(first, value), first)
        self.tell(identifier, "declaration.received", "declaration.repeated")
        return identifier

    def reject(self, content: str, key: str, value: bytes, *codes: str) -> str:
        identifier = self.submit(content, key, value)
        self.answer(key, identifier, "rejected", rejection(identifier, value, codes))
        self.tell(identifier, "declaration.received", "declaration.rejected")
        return identifier

    def bury(self, content: str, key: str, value: bytes, code: str) -> None:
        identifier = self.submit(content, key, value)
        sent = self.log.rows(INBOX)[-1]
        headers = {name: each.decode() for name, each in sent.headers} | {
            "nsw-dead-letter-topic": INBOX,
            "nsw-dead-letter-offset": str(sent.offset),
            "nsw-dead-letter-code": code,
            "nsw-dead-letter-sender": PARTY,
        }
        self.write("nsw.deadletters", key, headers, value)
        if content != "key-too-long":
            self.answer(key, identifier, "dead-letter", rejection(identifier, value, [code]))
            self.tell(identifier, "declaration.received", "deadletter.kept")


def acknowledgement(identifier: str, value: bytes) -> bytes:
    agencies = "".join(f"<Agency><Code>{each}</Code></Agency>" for each in ("CUSTOMS", "DFT"))
    digest = hashlib.sha256(value).hexdigest()
    return f"<A xmlns='urn:a'><I>{identifier}</I><D>{digest}</D>{agencies}</A>".encode()


def rejection(identifier: str, value: bytes, codes: Iterable[str]) -> bytes:
    findings = "".join(f"<Finding><Code>{each}</Code></Finding>" for each in codes)
    digest = hashlib.sha256(value).hexdigest()
    return f"<R xmlns='urn:r'><I>{identifier}</I><D>{digest}</D>{findings}</R>".encode()


@pytest.fixture
def written() -> Written:
    """A day without faults: two declarations, one sent again and then otherwise, a wrong one, two dead ones."""
    written = Written()
    first = written.accept("K1", b"<one/>")
    written.accept("K2", b"<two/>")
    written.repeat("K1", b"<one/>", first)
    written.reject("typical", "K1", b"<other/>", "NSW-5001")
    written.reject("wrong-exporter", "K3", b"<three/>", "TH-EXP-020")
    written.bury("no-document", "K4", b"hello", "NSW-1002")
    written.bury("key-too-long", "K5", b"<five/>", "NSW-1022")
    return written


def kinds(report: Report) -> set[str]:
    return {each.kind for each in report.anomalies}


def test_a_right_log_has_no_anomaly(written: Written) -> None:
    report = written.check()
    assert report.anomalies == []
    assert report.counts["published"] == 7
    assert (report.counts["deliveries"], report.counts["dead letters"]) == (4, 2)
    line = json.loads(result_line(report, {"seed": 3, "kills": 2, "rebalances": 1}))
    assert list(line) == ["seed", "kills", "rebalances", "published", *KINDS]
    assert list(line.values()) == [3, 2, 1, 7, 0, 0, 0, 0]


MISSING = {
    "an answer": (OUTBOX, 1),
    "the answer to a repetition": (OUTBOX, 2),
    "a delivery": (DFT, 0),
    "a dead letter": ("nsw.deadletters", 1),
    "an event": ("nsw.events", 2),
    "the record of intake": ("nsw.cases", 4),
    "a confirmed record": (INBOX, 6),
}


@pytest.mark.parametrize("what", MISSING)
def test_tells_what_is_lost(written: Written, what: str) -> None:
    topic, place = MISSING[what]
    del written.log.rows_by_topic[topic][place]
    assert LOST in kinds(written.check())


@pytest.mark.parametrize("topic", [OUTBOX, DFT, "nsw.deadletters", "nsw.events", "nsw.cases"])
def test_tells_what_is_there_twice(written: Written, topic: str) -> None:
    rows = written.log.rows_by_topic[topic]
    rows.append(replace(rows[0], offset=len(rows)))
    assert kinds(written.check()) == {DUPLICATED}


def test_tells_a_second_copy_of_the_same_bytes(written: Written) -> None:
    """An agency gets a declaration again because the same bytes were submitted again."""
    written.deliver("DFT", "id-3", b"<one/>")
    assert kinds(written.check()) == {DUPLICATED}


@pytest.mark.parametrize("topic", [OUTBOX, "nsw.cases", "nsw.events"])
def test_tells_what_is_out_of_order(written: Written, topic: str) -> None:
    """The records of the first two submissions of one case change places."""
    rows = written.log.rows_by_topic[topic]
    mine = [
        each for each in rows if b"id-3" in (*dict(each.headers).values(), each.value) or "id-3" in str(each)
    ]
    others = [each for each in rows if each not in mine]
    rows[:] = [replace(each, offset=place) for place, each in enumerate([*mine, *others])]
    assert OUT_OF_ORDER in kinds(written.check())


def test_the_order_of_different_cases_is_free(written: Written) -> None:
    rows = written.log.rows_by_topic[OUTBOX]
    rows[:] = [replace(each, offset=place) for place, each in enumerate([rows[1], rows[0], *rows[2:]])]
    assert written.check().anomalies == []


def _with_header(name: str, value: str) -> Callable[[Row], Row]:
    def change(row: Row) -> Row:
        return replace(row, headers=tuple({**dict(row.headers), name: value.encode()}.items()))

    return change


def _with_value(value: bytes) -> Callable[[Row], Row]:
    digest = hashlib.sha256(value).hexdigest()
    return lambda row: replace(row, value=value, head=value[:16], digest=digest)


OTHERWISE = {
    "another verdict": (OUTBOX, 0, _with_header("nsw-verdict", "rejected")),
    "other bytes to the same bytes": (OUTBOX, 2, _with_value(acknowledgement("id-1", b"<one/>") + b"\n")),
    "a repetition that names another": (OUTBOX, 2, _with_header("nsw-repeats-submission-id", "id-2")),
    "an answer about another document": (OUTBOX, 1, _with_value(acknowledgement("id-2", b"<one/>"))),
    "another finding": (OUTBOX, 4, _with_value(rejection("id-5", b"<three/>", ["TH-EXP-021"]))),
    "one agency too few": (OUTBOX, 1, _with_value(rejection("id-2", b"<two/>", []))),
    "an answer to nobody": (OUTBOX, 1, _with_header("nsw-submission-id", "id-99")),
    "a changed delivery": (DFT, 0, _with_value(b"<one />")),
    "a delivery of another party's": (DFT, 0, _with_header("nsw-party", "Q")),
    "a delivery in another format": (DFT, 0, _with_header("nsw-format", "avro")),
    "a changed dead letter": ("nsw.deadletters", 0, _with_value(b"hello!")),
    "a dead letter for another reason": (
        "nsw.deadletters",
        0,
        _with_header("nsw-dead-letter-code", "NSW-9001"),
    ),
    "a dead letter without its headers": ("nsw.deadletters", 0, _with_header("chaos-number", "7")),
    "an event of another kind": ("nsw.events", 1, _with_header("ce_type", "nsw.declaration.rejected")),
    "a record of intake that was changed": ("nsw.cases", 0, _with_value(b"<one />")),
    "a submission that nobody sent": (INBOX, 0, _with_value(b"<one />")),
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_tells_what_is_wrong(written: Written, what: str) -> None:
    topic, place, change = OTHERWISE[what]
    rows = written.log.rows_by_topic[topic]
    rows[place] = change(rows[place])
    report = written.check()
    assert WRONG in kinds(report)
    assert any(rows[place].place in str(each) or "id-" not in str(each) for each in report.anomalies)


def test_tells_a_delivery_that_nobody_asked_for(written: Written) -> None:
    written.deliver("DOF", "id-2", b"<two/>")
    assert kinds(written.check()) == {WRONG}


def test_a_held_delivery_is_as_good_as_one_that_came(written: Written) -> None:
    """But it may not be there beside the delivery."""
    del written.log.rows_by_topic[DFT][1]
    written.deliver("DFT", "id-2", b"<two/>", topic="nsw.held")
    report = written.check()
    assert (report.anomalies, report.counts["held"]) == ([], 1)
    written.deliver("DFT", "id-2", b"<two/>")
    assert kinds(written.check()) == {DUPLICATED}


def test_says_what_is_hidden_behind_an_open_transaction(written: Written) -> None:
    written.log.hidden = {"nsw.events[0]": 12}
    assert any("12 offsets are hidden" in line for line in describe(written.check()))


def test_measures_silence_while_something_is_under_way() -> None:
    """Two deliveries at once, one 3 s later; then nothing is sent for a minute, which is no silence."""
    assert longest_silence([(10.0, 11.0), (10.5, 11.0), (10.5, 14.0), (70.0, 72.5)]) == 3.0
    assert longest_silence([]) == 0.0


def test_remembers_refusals_as_a_case_does() -> None:
    """The model of a case: eight refusals are remembered, what came early is not, a cancelled case is closed."""
    case = CaseModel()
    for number in range(9):
        assert case.submit(number, f"wrong{number}", CONTENTS["wrong-exporter"]).repeats is None
    assert case.submit(9, "wrong8", CONTENTS["wrong-exporter"]).repeats == 8
    assert case.submit(10, "wrong0", CONTENTS["wrong-exporter"]).repeats is None
    assert case.submit(11, "a", CONTENTS["amendment"]).codes == {"NSW-5002"}
    assert case.submit(12, "d", CONTENTS["small"]).agencies == {"CUSTOMS", "DFT"}
    assert case.submit(13, "a", CONTENTS["amendment"]).agencies == {"CUSTOMS", "DFT"}
    assert case.submit(14, "d", CONTENTS["small"]).repeats == 12
    assert case.submit(15, "e", CONTENTS["typical"]).codes == {"NSW-5001"}
    assert case.submit(16, "c", CONTENTS["cancellation"]).verdict == "accepted"
    assert case.submit(17, "b", CONTENTS["amendment"]).codes == {"NSW-5003"}


def test_shares_no_code_with_the_window() -> None:
    """Neither by its imports, nor by what is loaded when it runs."""
    for name in CHECKER:
        tree = ast.parse((CHAOS / f"{name}.py").read_text("utf-8"))
        imported = {each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
        imported |= {
            alias.name for each in ast.walk(tree) if isinstance(each, ast.Import) for alias in each.names
        }
        assert not {each for each in imported if each.partition(".")[0] == "nsw"}, name
        ours = {each.removeprefix("tests.chaos.") for each in imported if each.startswith("tests")}
        assert ours <= set(CHECKER), name
    script = (
        "import sys, tests.chaos.checker; print([n for n in sys.modules if n.partition('.')[0] == 'nsw'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, cwd=CHAOS.parents[1]
    )
    assert found.stdout == b"[]\n"
