"""What traders and agencies read from headers, and what is refused before anything is sent."""

from datetime import UTC, datetime

import pytest

from nsw import topics
from nsw.client import (
    AgencyClient,
    BrokerUnavailableError,
    Connection,
    TraderClient,
    parse_answer,
    parse_delivery,
)
from nsw.envelope import encode_headers
from nsw.errors import Code, ConfigError, MessageError, Verdict
from nsw.model import Format, Headers, Record

NOWHERE = Connection("127.0.0.1:1")


def record_with(headers: Headers, value: bytes | None = b"<a/>") -> Record:
    return Record("nsw.outbox.SIAM", 0, 7, 1_700_000_000_000, b"key", value, headers)


ANSWER = encode_headers(
    (
        (topics.H_VERDICT, "rejected"),
        (topics.H_SUBMISSION, "sub"),
        (topics.H_CONVERSATION, "conv"),
        (topics.H_REFERENCE, "EXP-1"),
        (topics.H_MESSAGE_TYPE, "rejection"),
        (topics.H_FORMAT, "avro"),
    )
)
DELIVERY = encode_headers(
    (
        (topics.H_CONVERSATION, "conv"),
        (topics.H_PARTY, "SIAM"),
        (topics.H_MESSAGE_VERSION, "1.0"),
        (topics.H_LODGED_AT, "2025-11-22T09:30:00.123Z"),
        (topics.H_ORIGINAL_DIGEST, "ab" * 32),
        (topics.H_FORMAT, "xml"),
    )
)


def test_an_answer_of_the_window_is_read_from_its_headers() -> None:
    """Verdict, ids, reference number and format come from our headers; the bytes stay as they are."""
    answer = parse_answer(record_with(ANSWER, b"\x00bytes"))
    assert (answer.verdict, answer.submission_id, answer.conversation_id) == (Verdict.REJECTED, "sub", "conv")
    assert (answer.reference_number, answer.message_type, answer.format) == (
        "EXP-1",
        "rejection",
        Format.AVRO,
    )
    assert (answer.value, answer.offset, answer.headers) == (b"\x00bytes", 7, ANSWER)


def test_an_answer_of_an_agency_has_no_verdict_of_the_window() -> None:
    """The agency is named instead."""
    answer = parse_answer(record_with(encode_headers(((topics.H_AGENCY, "FDA"),))))
    assert (answer.verdict, answer.agency) == (None, "FDA")


def test_the_last_header_of_a_name_counts() -> None:
    """A sender's header of our name, copied in front of ours, does not hide ours."""
    forged = encode_headers(((topics.H_VERDICT, "accepted"),))
    assert parse_answer(record_with(forged + ANSWER)).verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    "headers",
    [(), ((topics.H_VERDICT, b"\xff"), (topics.H_FORMAT, b"pdf"), (topics.H_LODGED_AT, b"today"))],
    ids=["none", "unknown"],
)
def test_strange_headers_stop_no_reader(headers: Headers) -> None:
    """A record that the window did not write is read without its meaning, and the next one comes."""
    record = record_with(headers, None)
    assert (parse_answer(record).verdict, parse_answer(record).format) == (None, None)
    assert (parse_delivery(record).lodged_at, parse_delivery(record).value) == (None, b"")


def test_a_delivery_is_read_from_its_headers() -> None:
    """An agency learns the case, the party, the version, the lodging time and the original's digest."""
    delivery = parse_delivery(record_with(DELIVERY))
    assert (delivery.conversation_id, delivery.party, delivery.message_version) == ("conv", "SIAM", "1.0")
    assert delivery.lodged_at == datetime(2025, 11, 22, 9, 30, 0, 123_000, tzinfo=UTC)
    assert (delivery.original_digest, delivery.format) == ("ab" * 32, Format.XML)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "x" * 65, "ไทย"])
def test_a_party_id_of_another_shape_is_refused(name: str) -> None:
    """It would become part of a topic's name."""
    with pytest.raises(ConfigError, match="party id"):
        TraderClient(NOWHERE, name)


def test_an_agency_code_of_another_shape_is_refused() -> None:
    """It would become part of a topic's name."""
    with pytest.raises(ConfigError, match="agency code"):
        AgencyClient(NOWHERE, "fda")


@pytest.mark.parametrize(
    ("document", "reference", "code"), [(b"", "EXP-1", Code.EMPTY_RECORD), (b"<a/>", "", Code.KEY_MISSING)]
)
def test_a_document_without_content_or_reference_is_not_sent(
    document: bytes, reference: str, code: Code
) -> None:
    """What can never succeed is refused with its code, before a broker is needed."""
    with TraderClient(NOWHERE, "SIAM") as trader, pytest.raises(MessageError) as caught:
        trader.publish(document, reference)
    assert caught.value.code is code


def test_a_response_needs_content_and_a_conversation() -> None:
    """A response that the window could not assign is refused before it is sent."""
    delivery = parse_delivery(record_with(DELIVERY))
    stray = parse_delivery(record_with(()))
    with AgencyClient(NOWHERE, "FDA") as agency:
        with pytest.raises(MessageError, match=Code.EMPTY_RECORD):
            agency.respond(delivery, b"", Format.XML)
        with pytest.raises(MessageError, match=Code.CONVERSATION_MISSING):
            agency.respond(stray, b"<a/>", Format.XML)


def test_a_client_without_a_broker_says_so() -> None:
    """Publishing and reading both name the address."""
    with TraderClient(NOWHERE, "SIAM") as trader:
        with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1"):
            trader.publish(b"<a/>", "EXP-1")
        with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1"):
            trader.answers()
