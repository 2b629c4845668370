"""The one function that decides, with the project's own message types and tables."""

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest

from nsw import topics
from nsw.deadletter import DETAIL, parse_dead_letter
from nsw.documents import encode_document, identify
from nsw.envelope import encode_headers, last_header, parse_stamp
from nsw.errors import Code, Layer, Verdict
from nsw.formats.avro import join_wire
from nsw.formats.xml import XmlLimits
from nsw.identifiers import PartyId, build_case_id, build_conversation_id
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Format, Headers, Publication, Purpose, Record, utc_from_ms
from nsw.processing import Outcome, process
from nsw.reference import Limits, Reference
from nsw.routing import AnswerFormat, Party

SETTINGS = LodgingSettings(cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=6, version="1")
LODGED_MS = 1_795_370_400_123
PARTY = "ACME"
REFERENCE_NUMBER = b"NSWD000000001"


def case_record(
    value: bytes | None,
    key: bytes | None = REFERENCE_NUMBER,
    headers: Headers = (),
    topic: str = f"nsw.inbox.{PARTY}",
) -> Record:
    """Give the record of nsw.cases that intake makes of what a sender published."""
    lodged = lodge(Record(topic, 0, 5, LODGED_MS, key, value, headers), SETTINGS)
    assert lodged.purpose is Purpose.CASE
    return Record(topics.CASES, 0, 9, LODGED_MS + 5, lodged.key, lodged.value, lodged.headers)


def record_at(record: Record, offset: int) -> Record:
    """Give what intake makes of the same publication, sent again."""
    again = parse_stamp(record)
    lodged = lodge(
        Record(again.origin.topic, 0, offset, LODGED_MS + offset, again.origin.key, record.value), SETTINGS
    )
    return Record(topics.CASES, 0, offset, LODGED_MS + offset, lodged.key, lodged.value, lodged.headers)


def of_purpose(outcome: Outcome, purpose: Purpose) -> list[Publication]:
    """Pick publications."""
    return [each for each in outcome.publications if each.purpose is purpose]


def answer_tree(outcome: Outcome, reference: Reference) -> dict[str, list[str]]:
    """Read an answer in either format as texts by local name."""
    (answer,) = of_purpose(outcome, Purpose.ANSWER)
    texts: dict[str, list[str]] = {}
    on = utc_from_ms(LODGED_MS).date()
    for element in identify(answer.value, on, reference.catalogue, XmlLimits()).root.iter():
        texts.setdefault(str(element.tag).rpartition("}")[2], []).append(element.text or "")
    return texts


def reference_number_of(value: bytes, reference: Reference) -> bytes:
    """Read a document's reference number, which must be its record's key."""
    document = identify(value, utc_from_ms(LODGED_MS).date(), reference.catalogue, XmlLimits())
    return (document.read_fields().reference_number or "").encode()


@pytest.fixture(scope="session")
def small(samples: Path) -> bytes:
    """Give a valid declaration."""
    return (samples / "valid" / "small.xml").read_bytes()


@pytest.fixture(scope="session")
def small_avro(small: bytes, reference: Reference) -> bytes:
    """Give the same declaration in Avro."""
    document = identify(small, utc_from_ms(LODGED_MS).date(), reference.catalogue, XmlLimits())
    return encode_document(document.message_type, document.root, Format.AVRO)


def test_delivers_the_original_bytes_to_every_agency(small: bytes, reference: Reference) -> None:
    """Byte for byte where the agency accepts the format, with what it must know in headers."""
    outcome = process(case_record(small), reference, None)
    deliveries = {each.topic: each for each in of_purpose(outcome, Purpose.DELIVERY)}

    assert outcome.verdict is Verdict.ACCEPTED
    assert set(deliveries) == {"nsw.agency.CUSTOMS.inbox", "nsw.agency.DFT.inbox"}
    for delivery in deliveries.values():
        assert delivery.value == small
        assert last_header(delivery.headers, topics.H_ORIGINAL_DIGEST) == hashlib.sha256(small).hexdigest()
        assert last_header(delivery.headers, topics.H_VIEW) == "identity"
        assert last_header(delivery.headers, topics.CE_SPECVERSION) == "1.0"
        assert last_header(delivery.headers, topics.H_REFERENCE) == "NSWD000000001"


def test_converts_for_an_agency_that_takes_the_other_format_only(
    small_avro: bytes, reference: Reference
) -> None:
    """And says so in the headers, with the digest of the original."""
    agencies = dict(reference.tables.agencies)
    customs = agencies[reference.tables.lead]
    agencies[customs.code] = replace(customs, accepts=(replace(customs.accepts[0], formats=(Format.XML,)),))
    tables = replace(reference.tables, agencies=MappingProxyType(agencies))
    outcome = process(case_record(small_avro), replace(reference, tables=tables), None)
    by_topic = {each.topic: each for each in of_purpose(outcome, Purpose.DELIVERY)}
    converted, original = by_topic["nsw.agency.CUSTOMS.inbox"], by_topic["nsw.agency.DFT.inbox"]

    assert (converted.value or b"").startswith(b"<?xml")
    assert original.value == small_avro
    assert last_header(converted.headers, topics.H_FORMAT) == "xml"
    assert last_header(converted.headers, topics.H_ORIGINAL_FORMAT) == "avro"
    assert last_header(converted.headers, topics.H_ORIGINAL_DIGEST) == hashlib.sha256(small_avro).hexdigest()


def test_acknowledges_with_agencies_and_reasons(small: bytes, reference: Reference) -> None:
    """The trader learns who has the declaration, and why."""
    outcome = process(case_record(small), reference, None)
    (answer,) = of_purpose(outcome, Purpose.ANSWER)
    texts = answer_tree(outcome, reference)

    assert answer.topic == f"nsw.outbox.{PARTY}"
    assert answer.key == REFERENCE_NUMBER
    assert texts["Code"] == ["CUSTOMS", "DFT"]
    assert texts["LodgedAt"] == ["2026-11-22T18:00:00.123Z"]
    assert any("permit" in reason for reason in texts["Reason"])


def test_answers_are_valid_by_their_own_schemas(small: bytes, samples: Path, reference: Reference) -> None:
    """An acknowledgement, a rejection with many findings, and one of what can't be understood."""
    broken = (samples / "invalid" / "001-functional-reference-id.xml").read_bytes()
    for value in (small, broken, b"", b"\x00\x00\x00\x00\x63", b"<a", b"\xff\x00garbage\x01"):
        (answer,) = of_purpose(process(case_record(value), reference, None), Purpose.ANSWER)
        on = utc_from_ms(LODGED_MS).date()
        document = identify(answer.value, on, reference.catalogue, XmlLimits())

        document.message_type.schema.assertValid(document.root)


def test_answers_in_the_format_that_was_sent(small: bytes, small_avro: bytes, reference: Reference) -> None:
    """XML to who sent XML, Avro to who sent Avro."""
    for value, form in ((small, "xml"), (small_avro, "avro")):
        (answer,) = of_purpose(process(case_record(value), reference, None), Purpose.ANSWER)

        assert last_header(answer.headers, topics.H_FORMAT) == form
        assert (answer.value or b"")[:1] == (b"<" if form == "xml" else b"\x00")


def test_answers_in_the_format_that_the_register_asks_for(small: bytes, reference: Reference) -> None:
    """A party may want Avro whatever it sends."""
    party = Party(PartyId(PARTY), answers=AnswerFormat.AVRO)
    outcome = process(case_record(small), replace(reference, parties={party.id: party}), None)

    assert (of_purpose(outcome, Purpose.ANSWER)[0].value or b"")[:1] == b"\x00"


def test_publishes_an_event_for_every_step(small: bytes, reference: Reference) -> None:
    """In order, numbered, with the snapshot's version and without any payload."""
    events = of_purpose(process(case_record(small), reference, None), Purpose.EVENT)
    types = [last_header(each.headers, topics.CE_TYPE) for each in events]
    ids = [last_header(each.headers, topics.CE_ID) or "" for each in events]

    assert types == [
        "nsw.declaration.received",
        "nsw.declaration.accepted",
        "nsw.declaration.routed",
        "nsw.declaration.acknowledged",
    ]
    assert [each.rpartition(".")[2] for each in ids] == ["1", "2", "3", "4"]
    for each in events:
        data = json.loads(each.value or b"")
        assert data["reference_data_version"] == reference.version
        assert "ORCHID" not in (each.value or b"").decode()


def test_the_same_record_gives_the_same_bytes(small: bytes, reference: Reference) -> None:
    """Whatever is published: a retry after an abort must not differ."""
    assert process(case_record(small), reference, None).publications == (
        process(case_record(small), reference, None).publications
    )


def test_a_rejection_names_every_finding_with_its_place(samples: Path, reference: Reference) -> None:
    """Code, place, line, and a sentence in both languages."""
    value = (samples / "invalid" / "070-border-transport-means-name.xml").read_bytes()
    outcome = process(case_record(value, reference_number_of(value, reference)), reference, None)
    texts = answer_tree(outcome, reference)
    expected = json.loads((samples / "invalid" / "070-border-transport-means-name.expected.json").read_text())

    assert outcome.verdict is Verdict.REJECTED
    assert texts["Code"] == [each["code"] for each in expected["findings"]]
    assert texts["Path"] == [each["path"] for each in expected["findings"]]
    assert all(int(line) > 1 for line in texts["Line"])
    assert any("\u0e01" <= letter <= "\u0e5b" for letter in texts["TextThai"][0])
    assert not of_purpose(outcome, Purpose.DELIVERY)
    assert not of_purpose(outcome, Purpose.DEAD_LETTER)


def test_caps_the_findings_and_counts_the_rest(samples: Path, reference: Reference) -> None:
    """However broken a document is, its rejection fits into the outbox."""
    value = (
        (samples / "valid" / "fifty.xml")
        .read_bytes()
        .replace(b"<OriginCountryCode>TH", b"<OriginCountryCode>XX")
    )
    limited = replace(reference, limits=Limits(max_findings=10))
    outcome = process(case_record(value, reference_number_of(value, reference)), limited, None)

    assert outcome.verdict is Verdict.REJECTED
    assert outcome.judgement.findings[-1].code == Code.FINDINGS_CAPPED
    assert len(outcome.judgement.findings) == 11
    assert outcome.judgement.omitted == 40
    assert answer_tree(outcome, reference)["FindingsOmitted"] == ["40"]


def deep(levels: int) -> bytes:
    """Give XML of so many levels."""
    return b"<a>" * levels + b"</a>" * levels


BILLION_LAUGHS = (
    b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>"""
)
XXE = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>"""

BAD = {
    "empty record": (b"", Code.EMPTY_RECORD),
    "no value": (None, Code.EMPTY_RECORD),
    "neither XML nor Avro": (b"hello", Code.UNKNOWN_FORMAT),
    "truncated XML": (b"<ExportDeclaration><a>", Code.NOT_WELL_FORMED),
    "double hyphen in a comment": (b"<a><!-- x -- y --></a>", Code.NOT_WELL_FORMED),
    "bytes in another encoding": (
        "<?xml version='1.0' encoding='UTF-8'?><a>กข</a>".encode("tis-620"),
        Code.WRONG_ENCODING,
    ),
    "encoding not accepted": (
        "<?xml version='1.0' encoding='TIS-620'?><a>กข</a>".encode("tis-620"),
        Code.WRONG_ENCODING,
    ),
    "billion laughs": (BILLION_LAUGHS, Code.DOCTYPE_REFUSED),
    "external entity": (XXE, Code.DOCTYPE_REFUSED),
    "plain DOCTYPE": (b"<!DOCTYPE a><a/>", Code.DOCTYPE_REFUSED),
    "100,000 levels": (deep(100_000), Code.PARSER_LIMIT),
    "30 MB text node": (b"<a>" + b"x" * 30_000_000 + b"</a>", Code.DOCUMENT_TOO_LARGE),
    "unknown root": (b"<Unknown xmlns='urn:x'/>", Code.UNKNOWN_ROOT),
    "known root in another namespace": (b"<ExportDeclaration xmlns='urn:x'/>", Code.WRONG_NAMESPACE),
    "known root without namespace": (b"<ExportDeclaration/>", Code.WRONG_NAMESPACE),
    "unknown Avro schema id": (join_wire(999_999, b"abc"), Code.UNKNOWN_SCHEMA_ID),
    "truncated Avro header": (b"\x00\x00", Code.AVRO_UNREADABLE),
    "truncated Avro body": (join_wire(1001, b"\x02"), Code.AVRO_UNREADABLE),
}
DEAD = {
    Code.EMPTY_RECORD,
    Code.UNKNOWN_FORMAT,
    Code.DOCTYPE_REFUSED,
    Code.PARSER_LIMIT,
    Code.DOCUMENT_TOO_LARGE,
    Code.UNKNOWN_ROOT,
    Code.WRONG_NAMESPACE,
    Code.UNKNOWN_SCHEMA_ID,
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_code_an_answer_and_loses_nothing(name: str, reference: Reference) -> None:
    """Every kind of bad input is answered; what can't be understood is kept as it came, too."""
    value, code = BAD[name]
    record = case_record(value)
    outcome = process(record, reference, None)
    letters = [
        parse_dead_letter(Record("t", 0, 0, 0, each.key, each.value, each.headers))
        for each in of_purpose(outcome, Purpose.DEAD_LETTER)
    ]

    assert outcome.judgement.findings[0].code == code
    assert outcome.judgement.findings[0].layer is Layer.SYNTAX
    assert answer_tree(outcome, reference)["Code"] == [code]
    assert not of_purpose(outcome, Purpose.DELIVERY)
    if code in DEAD:
        assert outcome.verdict is Verdict.DEAD_LETTER
        assert [(each.code, each.original.value, each.original.key) for each in letters] == [
            (code, value, REFERENCE_NUMBER)
        ]
    else:
        assert outcome.verdict is Verdict.REJECTED
        assert not letters


def test_trailing_bytes_after_avro_are_rejected(small_avro: bytes, reference: Reference) -> None:
    """Rather than ignored: they could hide anything."""
    outcome = process(case_record(small_avro + b"x"), reference, None)

    assert (outcome.verdict, outcome.judgement.findings[0].code) == (
        Verdict.REJECTED,
        Code.AVRO_TRAILING_BYTES,
    )


def test_a_document_exactly_at_the_limit_is_judged(small: bytes, reference: Reference) -> None:
    """And one byte more is a dead letter."""
    exact = replace(reference, limits=Limits(XmlLimits(max_document_bytes=len(small))))

    assert process(case_record(small), exact, None).verdict is Verdict.ACCEPTED
    assert process(case_record(small + b"\n"), exact, None).verdict is Verdict.DEAD_LETTER


def test_a_byte_order_mark_does_no_harm(small: bytes, reference: Reference) -> None:
    """It is part of the original bytes and delivered with them."""
    marked = b"\xef\xbb\xbf" + small
    outcome = process(case_record(marked), reference, None)

    assert outcome.verdict is Verdict.ACCEPTED
    assert of_purpose(outcome, Purpose.DELIVERY)[0].value == marked


@pytest.mark.parametrize(
    ("key", "headers", "code"),
    [
        (None, (), Code.KEY_MISSING),
        (b"", (), Code.KEY_MISSING),
        (b"OTHER", (), Code.KEY_NOT_REFERENCE),
        (REFERENCE_NUMBER, (("content-type", b"application/avro"),), Code.CONTENT_TYPE_WRONG),
        (REFERENCE_NUMBER, (("content-type", b"\xff\xfe"),), Code.HEADER_NOT_UTF8),
        (REFERENCE_NUMBER, (("content-type", b"text/xml"), ("content-type", b"a/b")), Code.HEADER_TWICE),
        (REFERENCE_NUMBER, (("traceparent", b"a"), ("traceparent", b"b")), Code.HEADER_TWICE),
    ],
)
def test_a_wrong_envelope_is_rejected_and_goes_to_no_agency(
    key: bytes | None, headers: Headers, code: Code, small: bytes, reference: Reference
) -> None:
    """The document may be valid: the record around it is not."""
    outcome = process(case_record(small, key, headers), reference, None)

    assert outcome.verdict is Verdict.REJECTED
    assert [each.code for each in outcome.judgement.findings] == [code]
    assert not of_purpose(outcome, Purpose.DELIVERY)


@pytest.mark.parametrize(
    "headers",
    [
        (("content-type", b"application/xml; charset=utf-8"),),
        (("Content-Type", b"anything"),),
        (("content-type", b"text/xml"), ("content-type", b"text/xml")),
        (("other", b"1"), ("other", b"2"), ("odd", b"\xff")),
        (("traceparent", b"00-not-a-trace"),),
    ],
)
def test_headers_that_do_no_harm_are_let_through(
    headers: Headers, small: bytes, reference: Reference
) -> None:
    """Repeated equal values, unknown headers, and a trace parent that tracing must ignore."""
    assert process(case_record(small, headers=headers), reference, None).verdict is Verdict.ACCEPTED


def test_continues_the_senders_trace(small: bytes, reference: Reference) -> None:
    """W3C trace context; without one a trace begins from the submission's id."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with_trace = process(case_record(small, headers=(("traceparent", parent.encode()),)), reference, None)
    without = process(case_record(small), reference, None)

    assert {last_header(each.headers, "traceparent") for each in with_trace.publications} == {parent}
    assert len({last_header(each.headers, "traceparent") for each in without.publications}) == 1


def test_a_trader_may_not_send_an_agencys_message(
    response: tuple[bytes, bytes, str], reference: Reference
) -> None:
    """The topic proves who sends, and that decides what is welcome."""
    value, number, _ = response
    outcome = process(case_record(value, number), reference, None)

    assert outcome.verdict is Verdict.REJECTED
    assert Code.UNWELCOME_KIND in {each.code for each in outcome.judgement.findings}


def answer_record(value: bytes, reference_number: bytes, agency: str = "CUSTOMS") -> Record:
    """Give an agency's answer as it stands in nsw.cases."""
    conversation = build_conversation_id(build_case_id(PARTY, reference_number), SETTINGS.conversation_key)
    headers = encode_headers(((topics.H_CONVERSATION, conversation),))
    return case_record(value, b"k", headers, f"nsw.agency.{agency}.outbox")


@pytest.fixture(scope="session")
def response(reference: Reference) -> tuple[bytes, bytes, str]:
    """Give a valid response with its reference number and agency."""
    path = min(Path(__file__).parents[2].joinpath("schemas/th/response").rglob("valid/accepted*.xml"))
    value = path.read_bytes()
    fields = (
        identify(value, utc_from_ms(LODGED_MS).date(), reference.catalogue, XmlLimits()).read_fields().fields
    )
    return value, fields["reference_number"].encode(), fields["agency_code"]


@pytest.mark.parametrize("of_others", [None, b"8GB12345678901-A-00001"], ids=["Thai", "of others"])
def test_passes_an_agencys_answer_on_to_the_trader(
    response: tuple[bytes, bytes, str], reference: Reference, of_others: bytes | None
) -> None:
    """The same bytes, keyed by the reference number, with the agency's code; other countries number otherwise."""
    value, number, agency = response
    value, number = value.replace(number, of_others or number), of_others or number
    outcome = process(answer_record(value, number, agency), reference, None)
    (answer,) = of_purpose(outcome, Purpose.ANSWER)

    assert (answer.topic, answer.key, answer.value) == (f"nsw.outbox.{PARTY}", number, value)
    assert last_header(answer.headers, topics.H_AGENCY) == agency
    assert Counter(each.counted_as for each in of_purpose(outcome, Purpose.EVENT)) == Counter(
        ["nsw.response.received", "nsw.response.delivered"]
    )


@pytest.mark.parametrize("fault", ["other reference", "other agency", "declaration", "broken"])
def test_an_answer_that_is_not_valid_is_a_dead_letter_and_reaches_no_trader(
    fault: str, response: tuple[bytes, bytes, str], small: bytes, reference: Reference
) -> None:
    """A trader must be able to trust what is in its outbox."""
    value, number, agency = response
    record = {
        "other reference": answer_record(value, b"OTHER", agency),
        "other agency": answer_record(value, number, "DOF"),
        "declaration": answer_record(small, REFERENCE_NUMBER, agency),
        "broken": answer_record(value[:-20], number, agency),
    }[fault]
    outcome = process(record, reference, None)

    assert outcome.verdict is Verdict.DEAD_LETTER
    assert [each.counted_as for each in of_purpose(outcome, Purpose.DEAD_LETTER)] == [Code.ANSWER_NOT_VALID]
    assert not of_purpose(outcome, Purpose.ANSWER)


def test_a_record_without_a_stamp_is_a_dead_letter(small: bytes, reference: Reference) -> None:
    """Somebody other than intake wrote into nsw.cases."""
    outcome = process(Record(topics.CASES, 3, 4, 5, b"k", small, (("a", b"b"),)), reference, None)
    (letter,) = of_purpose(outcome, Purpose.DEAD_LETTER)

    assert letter.counted_as == Code.STAMP_UNREADABLE
    assert letter.value == small


def test_any_failure_of_ours_is_a_dead_letter(
    small: bytes, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing poisonous stops the stream, not even our own bug; the detail says where it is."""
    monkeypatch.setattr("nsw.processing.check_schema", lambda *_, **__: 1 / 0)
    outcome = process(case_record(small), reference, None)
    (letter,) = of_purpose(outcome, Purpose.DEAD_LETTER)

    assert outcome.verdict is Verdict.DEAD_LETTER
    assert letter.counted_as == Code.INTERNAL
    assert "ZeroDivisionError in test_processing.py, line" in (last_header(letter.headers, DETAIL) or "")
    assert len(of_purpose(outcome, Purpose.ANSWER)) == 1


def test_a_failure_of_the_answer_itself_is_a_dead_letter_too(
    small: bytes, reference: Reference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no answer then, but the record is kept and the stream goes on."""
    monkeypatch.setattr("nsw.processing.check_schema", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("nsw.processing.reject", lambda *_: 1 / 0)
    outcome = process(case_record(small), reference, None)

    assert [each.counted_as for each in of_purpose(outcome, Purpose.DEAD_LETTER)] == [Code.INTERNAL]
    assert not of_purpose(outcome, Purpose.ANSWER)


class TestCase:
    """What was lodged before under the same reference number."""

    def test_the_same_bytes_get_the_same_answer_and_reach_no_agency_again(
        self, small: bytes, reference: Reference
    ) -> None:
        """The new submission has its own id in the headers, which name the first one too."""
        first = process(case_record(small), reference, None)
        again = process(record_at(case_record(small), 8), reference, first.case)
        (answer,), (repeated,) = of_purpose(first, Purpose.ANSWER), of_purpose(again, Purpose.ANSWER)
        one, other = first.submission, again.submission
        assert one is not None
        assert other is not None

        assert repeated.value == answer.value
        assert (repeated.topic, repeated.key) == (answer.topic, answer.key)
        assert of_purpose(again, Purpose.DELIVERY) == []
        assert again.case is first.case
        assert one.submission_id != other.submission_id
        assert last_header(repeated.headers, topics.H_SUBMISSION) == other.submission_id
        assert last_header(repeated.headers, topics.H_REPEATS) == one.submission_id
        assert [each.counted_as for each in of_purpose(again, Purpose.EVENT)] == [
            "nsw.declaration.received",
            "nsw.declaration.repeated",
        ]

    def test_a_repetition_on_a_later_day_keeps_the_case_from_being_forgotten(
        self, small: bytes, reference: Reference
    ) -> None:
        """Else what is sent again and again would be new on some day, and go to every agency once more."""
        first = process(case_record(small), reference, None)
        assert first.case is not None
        long_ago = replace(first.case, touched_on=first.case.touched_on - timedelta(days=2))
        again = process(record_at(case_record(small), 8), reference, long_ago)

        assert again.repeats
        assert again.case == first.case

    def test_a_rejection_is_repeated_too(self, samples: Path, reference: Reference) -> None:
        """Its bytes, findings and all."""
        broken = (samples / "invalid" / "001-functional-reference-id.xml").read_bytes()
        key = reference_number_of(broken, reference)
        first = process(case_record(broken, key), reference, None)
        again = process(record_at(case_record(broken, key), 8), reference, first.case)

        assert first.verdict is again.verdict is Verdict.REJECTED
        assert [each.value for each in of_purpose(again, Purpose.ANSWER)] == [
            each.value for each in of_purpose(first, Purpose.ANSWER)
        ]

    def test_other_content_under_an_accepted_reference_is_a_conflict(
        self, small: bytes, reference: Reference
    ) -> None:
        """It is rejected, told so once and again, and the first stays what it is."""
        first = process(case_record(small), reference, None)
        changed = process(record_at(case_record(small + b"\n"), 8), reference, first.case)
        again = process(record_at(case_record(small + b"\n"), 9), reference, changed.case)
        original = process(record_at(case_record(small), 10), reference, again.case)

        assert changed.verdict is Verdict.REJECTED
        assert [each.code for each in changed.judgement.findings] == [Code.REFERENCE_IN_USE]
        assert of_purpose(changed, Purpose.DELIVERY) == []
        assert [each.value for each in of_purpose(again, Purpose.ANSWER)] == [
            each.value for each in of_purpose(changed, Purpose.ANSWER)
        ]
        assert original.verdict is Verdict.ACCEPTED
        assert of_purpose(original, Purpose.DELIVERY) == []

    def test_a_conflict_does_not_hide_other_findings(self, small: bytes, reference: Reference) -> None:
        """All findings at once."""
        first = process(case_record(small), reference, None)
        broken = small.replace(b"<Control>", b"<Control><!-- x --><Surplus/>", 1)
        changed = process(record_at(case_record(broken), 8), reference, first.case)
        codes = {each.code for each in changed.judgement.findings}

        assert Code.REFERENCE_IN_USE in codes
        assert len(codes) > 1

    def test_after_a_rejection_other_content_is_a_new_attempt(
        self, small: bytes, reference: Reference
    ) -> None:
        """And the rejected bytes still get their rejection, even when the corrected ones were accepted."""
        broken = small.replace(b"<Control>", b"<Control><Surplus/>", 1)
        first = process(case_record(broken), reference, None)
        corrected = process(record_at(case_record(small), 8), reference, first.case)
        again = process(record_at(case_record(broken), 9), reference, corrected.case)

        assert [first.verdict, corrected.verdict] == [Verdict.REJECTED, Verdict.ACCEPTED]
        assert [each.value for each in of_purpose(again, Purpose.ANSWER)] == [
            each.value for each in of_purpose(first, Purpose.ANSWER)
        ]

    def test_what_was_wrong_around_the_document_may_be_mended(
        self, small: bytes, reference: Reference
    ) -> None:
        """A wrong header is no answer to the document: sent again without it, the same bytes are accepted."""
        wrong = process(case_record(small, headers=(("content-type", b"application/avro"),)), reference, None)
        right = process(record_at(case_record(small), 8), reference, wrong.case)

        assert [wrong.verdict, right.verdict] == [Verdict.REJECTED, Verdict.ACCEPTED]

    def test_a_dead_letter_leaves_no_trace_in_its_case(self, small: bytes, reference: Reference) -> None:
        """An operator may replay it when the window can read it."""
        first = process(case_record(small), reference, None)
        dead = process(record_at(case_record(b"rubbish"), 8), reference, first.case)

        assert dead.verdict is Verdict.DEAD_LETTER
        assert dead.case is first.case
