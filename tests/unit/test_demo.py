"""The demonstration: its stream, what it expects of it, and that no difference escapes the comparison."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from rich.console import Console

from nsw import topics
from nsw.client import parse_delivery
from nsw.config import Config, load_config
from nsw.connection import Receipt
from nsw.demo.agencies import Office, declaration_number
from nsw.demo.comparison import Kind, compare
from nsw.demo.facts import (
    Draft,
    Happenings,
    Responded,
    SeenAnswer,
    SeenDelivery,
    SeenEvent,
    SeenLetter,
    Sent,
    sent_of,
)
from nsw.demo.observer import Notebook
from nsw.demo.oddities import ODDITIES
from nsw.demo.samples import load_samples, put, read_permit_codes, rewrite
from nsw.demo.screen import print_report
from nsw.demo.stream import load_stream
from nsw.demo.summary import Report, summarise
from nsw.documents import identify
from nsw.errors import Verdict
from nsw.events import EventType
from nsw.identifiers import AgencyCode, build_submission_id
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Format, Publication, Purpose, Record
from nsw.processing import judge, process
from nsw.reference import Reference
from nsw.validation import check_schema
from nsw.worker import load_snapshot

ON = date(2026, 11, 22)
CLUSTER = "c1"
SETTINGS = LodgingSettings(CLUSTER, b"0123456789abcdef", case_partitions=6, version="9")
DECLARATION = "th.export-declaration"
T = TypeVar("T")


@pytest.fixture(scope="module")
def config() -> Config:
    """Give the settings of a fresh clone."""
    return load_config({})


@pytest.fixture(scope="module")
def reference(config: Config) -> Reference:
    """Give the snapshot of a fresh clone."""
    return load_snapshot(config)


@pytest.fixture(scope="module")
def first_round(reference: Reference, config: Config) -> list[Draft]:
    """Give the records of `nsw demo` as they come without options."""
    return load_stream(reference, config, seed=1).round(60, ON, heavy=True)


class WindowInMemory:
    """The core between lists instead of topics, with the demonstration's agencies around it."""

    def __init__(self, reference: Reference, on: date) -> None:
        self.reference = reference
        self.notebook = Notebook(reference, on)
        self.responded: list[Responded] = []
        self.sent: list[Sent] = []
        self._at = datetime(on.year, on.month, on.day, 5, tzinfo=UTC)
        self._offsets: dict[str, int] = {}
        self._agency_by_inbox = {topics.agency_inbox(code): code for code in reference.tables.agencies}
        self._offices = {
            code: Office(agency, reference) for code, agency in reference.tables.agencies.items()
        }

    def lodge(self, draft: Draft) -> None:
        """Lodge a draft, and let everything follow from it."""
        record = self._append(draft.publication)
        self.sent.append(
            sent_of(draft, Receipt(record.topic, 0, record.offset, record.timestamp_ms), CLUSTER)
        )
        self._take_in(record)

    def happenings(self) -> Happenings:
        """Give all that happened."""
        accepts = {
            str(code): agency.formats_for(DECLARATION)
            for code, agency in self.reference.tables.agencies.items()
        }
        return Happenings(tuple(self.sent), tuple(self.responded), self.notebook.seen(), accepts)

    def _append(self, publication: Publication) -> Record:
        offset = self._offsets.get(publication.topic, 0)
        self._offsets[publication.topic] = offset + 1
        at = round(self._at.timestamp() * 1000)
        return Record(
            publication.topic, 0, offset, at, publication.key, publication.value, publication.headers
        )

    def _take_in(self, record: Record) -> None:
        lodged = lodge(record, SETTINGS)
        if lodged.topic != topics.CASES:
            self.notebook.note(self._append(lodged))
            return
        for publication in process(self._append(lodged), self.reference, None).publications:
            published = self._append(publication)
            self.notebook.note(published)
            if published.topic in self._agency_by_inbox:
                self._respond(published)

    def _respond(self, record: Record) -> None:
        agency = self._agency_by_inbox[record.topic]
        delivery = parse_delivery(record)
        status, _form, value, content = self._offices[agency].respond(delivery)
        conversation = delivery.conversation_id.encode()
        headers = ((topics.H_CONVERSATION, conversation),)
        response = self._append(
            Publication(Purpose.ANSWER, topics.agency_outbox(agency), conversation, value, headers)
        )
        identifier = build_submission_id(CLUSTER, response.topic, 0, response.offset)
        self.responded.append(
            Responded(
                agency,
                delivery.submission_id,
                identifier,
                delivery.party,
                delivery.reference_number,
                status,
                content,
            )
        )
        self._take_in(response)


def happen(reference: Reference, drafts: Iterable[Draft], on: date) -> Happenings:
    """Let a window in memory do all of it."""
    window = WindowInMemory(reference, on)
    for draft in drafts:
        window.lodge(draft)
    return window.happenings()


@pytest.fixture(scope="module")
def happenings(reference: Reference, first_round: list[Draft]) -> Happenings:
    """Give what happens to the first round."""
    return happen(reference, first_round, ON)


# What is expected.


def test_what_the_demo_expects_is_what_the_core_does(happenings: Happenings) -> None:
    """Verdicts, codes, agencies, bytes, dead letters, responses and events of the round that newcomers see."""
    assert compare(happenings) == []


@pytest.mark.parametrize("on", [date(2024, 2, 29), date(2027, 1, 31), date(2031, 12, 31)], ids=str)
def test_it_holds_on_any_day(reference: Reference, config: Config, on: date) -> None:
    """The samples' dates move with the day on which the demonstration runs."""
    drafts = load_stream(reference, config, seed=2).round(40, on, heavy=False)

    assert compare(happen(reference, drafts, on)) == []


@pytest.mark.parametrize("days_later", [0, 1])
@pytest.mark.parametrize("on", [date(2024, 2, 29), ON, date(2031, 12, 31)], ids=str)
def test_broken_samples_stay_as_broken_on_any_day(
    reference: Reference, config: Config, on: date, days_later: int
) -> None:
    """Also when they are made before midnight and lodged after it."""
    samples = load_samples(config.schema_folders[0])
    for sample in (*samples.schema_broken, *samples.rule_broken):
        document = rewrite(sample.document, "DEMO000000001", on)
        findings = judge(document, on + timedelta(days=days_later), reference).findings
        assert sorted(each.code for each in findings) == list(sample.expected.codes), sample.name


def test_every_oddity_is_in_the_first_round(first_round: list[Draft]) -> None:
    """A newcomer sees all of them."""
    titles = {each.title for each in first_round}

    assert {each.title for each in ODDITIES} <= titles
    assert "999 items" in titles


def test_the_first_round_is_mixed(first_round: list[Draft], reference: Reference) -> None:
    """All parties lodge; all verdicts come; good ones and those with broken rules go in both formats."""
    assert {each.party for each in first_round} == set(reference.parties)
    assert {each.expected.verdict for each in first_round} == set(Verdict)
    accepted = {each.form for each in first_round if each.expected.verdict is Verdict.ACCEPTED}
    broken = {each.form for each in first_round if each.title.startswith("broken: ")}
    assert accepted == broken == {Format.XML, Format.AVRO}
    assert any(each.title.startswith("real code ") for each in first_round)


def test_carriers_and_terminals_lodge_their_messages(first_round: list[Draft]) -> None:
    """A manifest comes from the vessel's agent, a gate event from the terminal; both go to the port."""
    parties = {each.title: each.party for each in first_round if "PAT" in each.expected.agencies}

    assert parties["sea-manifest"] == "0105599000051"
    assert parties["gate-event"] == "0105599000086"


def test_a_party_that_is_answered_in_avro_sends_avro(first_round: list[Draft]) -> None:
    """Only what no Avro can carry comes in XML."""
    good = [each for each in first_round if each.party == "0205599000026" and not each.expected.codes]
    odd = {each.title for each in ODDITIES}

    assert {each.form for each in good if each.title not in odd} == {Format.AVRO}


def test_every_record_has_its_own_reference_number(first_round: list[Draft]) -> None:
    """So each is a case of its own, and can be traced; the one without a key has it in the document only."""
    keys = [each.publication.key for each in first_round if each.publication.key]

    assert len(set(keys)) == len(first_round) - 1


def test_the_same_seed_gives_the_same_records(reference: Reference, config: Config) -> None:
    """Another seed gives others."""
    rounds = [load_stream(reference, config, seed=seed).round(30, ON, heavy=False) for seed in (7, 7, 8)]

    assert rounds[0] == rounds[1] != rounds[2]


def test_a_round_may_be_of_one_record(reference: Reference, config: Config) -> None:
    """Whoever asks for little gets little."""
    assert len(load_stream(reference, config, seed=1).round(1, ON, heavy=True)) == 1


# Where it comes from.


def test_a_sample_gets_its_own_number_and_todays_dates(config: Config) -> None:
    """Impossible dates stay impossible."""
    samples = load_samples(config.schema_folders[0])
    moved = rewrite(samples.small.document, "DEMO000000042", ON)
    broken = next(each for each in samples.rule_broken if each.name.startswith("073-"))

    assert b"<FunctionalReferenceID>DEMO000000042<" in moved
    assert b"<TransmissionDate>20261122<" in moved
    assert b">20260230<" in rewrite(broken.document, "DEMO000000042", ON)


def test_texts_that_are_put_in_are_escaped() -> None:
    """A company's name may hold an ampersand."""
    assert put(b"<a>x</a><b>x</b>", {"a": "R & D"}) == b"<a>R &amp; D</a><b>x</b>"


def test_permits_are_read_line_by_line(tmp_path: Path) -> None:
    """Exports only, from the day on."""
    table = tmp_path / "permits.csv"
    table.write_text(
        "tariff,statistical_code,direction,agency,effective_from\n"
        "01,000,both,B,2020-01-01\n"
        "01,000,export,A,2026-11-22\n"
        "01,000,export,LATER,2026-11-23\n"
        "01,000,import,OTHER,2020-01-01\n"
    )
    (code,) = read_permit_codes(table, ON)

    assert (code.tariff, code.statistical_code, sorted(code.agencies)) == ("01", "000", ["A", "B"])


@pytest.mark.parametrize("form", Format)
@pytest.mark.parametrize("agency", [AgencyCode("CUSTOMS"), AgencyCode("DFT")])
def test_responses_are_valid(reference: Reference, agency: AgencyCode, form: Format) -> None:
    """In both formats, for the lead agency and for others, whatever they decide."""
    office = Office(
        next(each for each in reference.tables.agencies.values() if each.code == agency), reference
    )
    record = Record(
        topics.agency_inbox(agency),
        0,
        0,
        0,
        None,
        b"",
        (
            (topics.H_REFERENCE, b"DEMO000000001"),
            (topics.H_FORMAT, form.encode()),
            (topics.H_LODGED_AT, b"2026-11-22T20:00:00.000Z"),
        ),
    )
    statuses = set()
    for _ in range(2):
        status, responded_in, value, _content = office.respond(parse_delivery(record))
        document = identify(value, ON, reference.catalogue, reference.limits.xml)
        statuses.add(status)
        assert responded_in is document.format is form
        assert check_schema(document.message_type, document.root) == []
    assert statuses == ({"accepted"} if agency == "CUSTOMS" else {"received", "permit-issued"})


def test_declaration_numbers_run_and_roll_on() -> None:
    """Letter and digit, day, type, Buddhist year, month, running number: 14 characters."""
    at = datetime(2026, 11, 3, tzinfo=UTC)

    assert declaration_number(1, at) == "A0031691100001"
    assert declaration_number(100_002, at) == "A1031691100002"


# What the comparison finds.

Change = Callable[[Happenings], Happenings]


def in_seen(part: str, change: Callable[[Sequence[T]], Sequence[T]]) -> Change:
    """Plant a change into one kind of what was seen."""

    def change_all(given: Happenings) -> Happenings:
        changes: dict[str, Any] = {part: change(getattr(given.seen, part))}
        return replace(given, seen=replace(given.seen, **changes))

    return change_all


def without_first(wanted: Callable[[T], bool] = lambda _each: True) -> Callable[[Sequence[T]], Sequence[T]]:
    """Take the first one out."""

    def change(values: Sequence[T]) -> Sequence[T]:
        place = next(place for place, each in enumerate(values) if wanted(each))
        return (*values[:place], *values[place + 1 :])

    return change


def twice(wanted: Callable[[T], bool] = lambda _each: True) -> Callable[[Sequence[T]], Sequence[T]]:
    """Let the first one come again at the end."""
    return lambda values: (*values, next(each for each in values if wanted(each)))


def changed(
    wanted: Callable[[T], bool] = lambda _each: True, **fields: object
) -> Callable[[Sequence[T]], Sequence[T]]:
    """Give the first one other fields."""

    def change(values: Sequence[T]) -> Sequence[T]:
        place = next(place for place, each in enumerate(values) if wanted(each))
        return (*values[:place], replace(values[place], **fields), *values[place + 1 :])  # type: ignore[type-var]

    return change


def is_window(answer: SeenAnswer) -> bool:
    """Tell the window's answers from agencies'."""
    return not answer.agency


def is_agency(answer: SeenAnswer) -> bool:
    """Tell agencies' answers from the window's."""
    return bool(answer.agency)


def is_rejection(answer: SeenAnswer) -> bool:
    """Tell answers with findings."""
    return answer.verdict is Verdict.REJECTED


def is_converted(delivery: SeenDelivery) -> bool:
    """Tell deliveries in another format than the original's."""
    return bool(delivery.content)


def is_event(type_: EventType) -> Callable[[SeenEvent], bool]:
    """Tell events of one type."""
    return lambda event: event.type == type_


def swap_first_two(events: Sequence[SeenEvent]) -> Sequence[SeenEvent]:
    """Bring a submission's events out of order."""
    first = events[0]
    second = next(each for each in events[1:] if each.submission_id == first.submission_id)
    rest = [each for each in events if each is not first and each is not second]
    return (second, first, *rest)


LETTER = SeenLetter("nobody", "NSW-1002", "LANNA-CRAFT", "nsw.inbox.LANNA-CRAFT", 0, 1, b"k", "00", ())
PLANTED: dict[str, tuple[Kind, Change]] = {
    "no answer": (Kind.ANSWER_MISSING, in_seen("answers", without_first(is_window))),
    "two answers": (Kind.ANSWER_TOO_MANY, in_seen("answers", twice(is_window))),
    "another verdict": (
        Kind.ANSWER_WRONG,
        in_seen("answers", changed(is_rejection, verdict=Verdict.ACCEPTED)),
    ),
    "another code": (Kind.ANSWER_WRONG, in_seen("answers", changed(is_rejection, codes=("NSW-9001",)))),
    "no code": (Kind.ANSWER_WRONG, in_seen("answers", changed(is_rejection, codes=()))),
    "another trader": (Kind.ANSWER_WRONG, in_seen("answers", changed(is_window, party="OTHER"))),
    "another answer format": (Kind.ANSWER_WRONG, in_seen("answers", changed(is_window, form=None))),
    "other agencies told": (Kind.ANSWER_WRONG, in_seen("answers", changed(is_window, agencies=("X",)))),
    "no delivery": (Kind.DELIVERY_MISSING, in_seen("deliveries", without_first())),
    "two deliveries": (Kind.DELIVERY_TOO_MANY, in_seen("deliveries", twice())),
    "delivery to another agency": (Kind.DELIVERY_TOO_MANY, in_seen("deliveries", changed(agency="TCC"))),
    "other bytes": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(digest="00"))),
    "other content": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(is_converted, content="00"))),
    "unread content": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(is_converted, content=""))),
    "another digest told": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(original_digest="00"))),
    "another delivery format": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(form=None))),
    "another party told": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(party="OTHER"))),
    "another number told": (Kind.DELIVERY_WRONG, in_seen("deliveries", changed(reference_number="X"))),
    "no dead letter": (Kind.DEAD_LETTER_MISSING, in_seen("letters", without_first())),
    "two dead letters": (Kind.DEAD_LETTER_TOO_MANY, in_seen("letters", twice())),
    "another dead letter code": (Kind.DEAD_LETTER_WRONG, in_seen("letters", changed(code="NSW-9001"))),
    "another dead letter key": (Kind.DEAD_LETTER_WRONG, in_seen("letters", changed(key=b"x"))),
    "another dead letter value": (Kind.DEAD_LETTER_WRONG, in_seen("letters", changed(digest="00"))),
    "another header": (Kind.DEAD_LETTER_WRONG, in_seen("letters", changed(headers=(("a", b"b"),)))),
    "another origin": (Kind.DEAD_LETTER_WRONG, in_seen("letters", changed(offset=-1))),
    "another sender": (Kind.DEAD_LETTER_WRONG, in_seen("letters", changed(sender="OTHER"))),
    "no event": (Kind.EVENTS_WRONG, in_seen("events", without_first())),
    "two events": (Kind.EVENTS_WRONG, in_seen("events", twice())),
    "events out of order": (Kind.EVENTS_WRONG, in_seen("events", swap_first_two)),
    "no event of a response": (
        Kind.EVENTS_WRONG,
        in_seen("events", without_first(is_event(EventType.RESPONSE_DELIVERED))),
    ),
    "other codes in an event": (
        Kind.EVENTS_WRONG,
        in_seen("events", changed(is_event(EventType.DECLARATION_REJECTED), codes=())),
    ),
    "other agencies in an event": (
        Kind.EVENTS_WRONG,
        in_seen("events", changed(is_event(EventType.DECLARATION_ROUTED), agencies=())),
    ),
    "silent agency": (Kind.RESPONSE_MISSING, lambda given: replace(given, responded=given.responded[1:])),
    "response lost": (Kind.RESPONSE_MISSING, in_seen("answers", without_first(is_agency))),
    "response twice": (Kind.RESPONSE_TOO_MANY, in_seen("answers", twice(is_agency))),
    "response to another trader": (
        Kind.RESPONSE_WRONG,
        in_seen("answers", changed(is_agency, party="OTHER")),
    ),
    "response of another agency": (Kind.RESPONSE_WRONG, in_seen("answers", changed(is_agency, agency="TCC"))),
    "response changed": (Kind.RESPONSE_WRONG, in_seen("answers", changed(is_agency, content="00"))),
    "response refused": (
        Kind.DEAD_LETTER_TOO_MANY,
        lambda given: in_seen(
            "letters",
            lambda letters: (*letters, replace(LETTER, submission_id=given.responded[0].response_id)),
        )(given),
    ),
    "a stranger's dead letter": (Kind.STRANGE, in_seen("letters", lambda letters: (*letters, LETTER))),
    "a stranger's event": (
        Kind.STRANGE,
        in_seen("events", lambda events: (*events, SeenEvent("nobody", EventType.DEAD_LETTER_KEPT))),
    ),
}


@pytest.mark.parametrize(("kind", "change"), PLANTED.values(), ids=PLANTED)
def test_a_planted_difference_is_found(happenings: Happenings, kind: Kind, change: Change) -> None:
    """Whatever goes wrong with one record is named."""
    assert kind in {each.kind for each in compare(change(happenings))}


def test_every_kind_of_difference_is_planted() -> None:
    """So that none of them is dead code."""
    assert {kind for kind, _change in PLANTED.values()} == set(Kind)


def test_a_record_that_can_have_no_answer_must_have_none(happenings: Happenings) -> None:
    """Nobody can be told whose case a key of a kilobyte is."""
    unanswered = next(each for each in happenings.sent if not each.expected.answered)
    answers = in_seen("answers", changed(is_window, submission_id=unanswered.submission_id))

    kinds = {each.kind for each in compare(answers(happenings)) if each.title == unanswered.title}
    assert Kind.ANSWER_TOO_MANY in kinds


def test_on_a_shared_cluster_strangers_records_are_no_difference(happenings: Happenings) -> None:
    """Others may work there at the same time."""
    with_stranger = in_seen("letters", lambda letters: (*letters, LETTER))(happenings)
    shared = replace(with_stranger, strangers=True)

    assert compare(shared) == []
    assert summarise(shared, ["LANNA-CRAFT"]).dead_lettered_by_code.get("NSW-1002") == 1


# What is told.


def test_the_summary_counts_what_was_seen(happenings: Happenings, reference: Reference) -> None:
    """Every record is accepted, rejected or a dead letter; every delivery was answered."""
    summary = summarise(happenings, sorted(reference.parties))

    assert summary.published == 60
    assert summary.accepted + summary.rejected + summary.dead_lettered == 60
    assert summary.deliveries == summary.responses == len(happenings.responded)
    assert summary.rejected_by_code["NSW-1003"] == 1
    assert summary.dead_lettered_by_code["NSW-1005"] == 2


def test_the_report_for_machines_says_all(happenings: Happenings, reference: Reference) -> None:
    """One object, which JSON can carry."""
    lost = in_seen("answers", without_first(is_window))(happenings)
    report = Report(summarise(lost, sorted(reference.parties)), compare(lost), seconds=12.0)
    read = orjson.loads(orjson.dumps(report.to_json()))

    assert read["traders"] == len(reference.parties)
    assert read["published"] == 60
    assert read["declarations_per_second"] == 5.0
    assert read["as_expected"] is False
    assert read["differences"][0]["kind"] == "answer missing"


def test_the_report_for_people_names_every_difference(happenings: Happenings, reference: Reference) -> None:
    """With the reference number that `nsw trace` takes."""
    lost = in_seen("answers", without_first(is_window))(happenings)
    report = Report(summarise(lost, sorted(reference.parties)), compare(lost), seconds=12.0)
    console = Console(file=StringIO(), width=100)
    print_report(report, reference, console)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()

    assert "1 difference from what was expected" in text
    assert f"answer missing: {report.differences[0].reference_number}" in text


def test_a_run_that_was_ended_early_is_not_as_expected(happenings: Happenings, reference: Reference) -> None:
    """Even where nothing differs yet."""
    summary = summarise(happenings, sorted(reference.parties))

    assert Report(summary, [], seconds=1.0).is_as_expected
    assert not Report(summary, [], seconds=1.0, interrupted=True).is_as_expected
