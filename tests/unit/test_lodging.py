"""Intake's decisions: sender, submission, case and lodging time of a record."""

from dataclasses import replace

import pytest

from nsw import topics
from nsw.deadletter import parse_dead_letter
from nsw.envelope import build_stamp, encode_headers, parse_stamp
from nsw.errors import Code, InvariantError, MessageError
from nsw.identifiers import build_case_id, build_conversation_id, build_submission_id, parse_conversation_id
from nsw.lodging import MAX_KEY_BYTES, LodgingSettings, lodge
from nsw.model import Purpose, Record, SenderRole

KEY = b"a-secret-of-at-least-16-bytes"
SETTINGS = LodgingSettings(cluster="c1", conversation_key=KEY, case_partitions=6, version="1.2.3")
INBOX_RECORD = Record(
    topic="nsw.inbox.ACME",
    partition=0,
    offset=41,
    timestamp_ms=1_795_370_400_123,
    key=b"ACME000000001",
    value=b"<x/>",
    headers=(("content-type", b"application/xml"), ("odd", b"\xff\xfe")),
)


def as_case_record(record: Record, settings: LodgingSettings = SETTINGS) -> Record:
    """Give the record of nsw.cases that intake makes of a record."""
    lodged = lodge(record, settings)
    assert lodged.purpose is Purpose.CASE
    return Record(topics.CASES, lodged.partition or 0, 7, 0, lodged.key, lodged.value, lodged.headers)


def test_names_sender_case_and_lodging_time_of_a_traders_record() -> None:
    """The topic proves the party, the key names the case, the broker's time is the lodging time."""
    submission = parse_stamp(as_case_record(INBOX_RECORD))

    assert submission.role is SenderRole.TRADER
    assert submission.party == submission.sender == "ACME"
    assert submission.case_id == "ACME/ACME000000001"
    assert submission.lodged_at.isoformat() == "2026-11-22T18:00:00.123000+00:00"
    assert submission.submission_id == build_submission_id("c1", "nsw.inbox.ACME", 0, 41)
    assert submission.origin.key == b"ACME000000001"
    assert submission.attempt == 1


def test_keeps_value_and_headers_of_the_sender_unchanged() -> None:
    """The sender's headers stand first, in order, with bytes that are no text."""
    record = as_case_record(INBOX_RECORD)

    assert record.value == INBOX_RECORD.value
    assert parse_stamp(record).headers == INBOX_RECORD.headers


def test_chooses_the_partition_of_a_case_by_its_own_hash() -> None:
    """CRC-32 of the case id, so that every client and version agrees."""
    lodged = lodge(INBOX_RECORD, SETTINGS)

    assert lodged.key == b"ACME/ACME000000001"
    assert lodged.partition == topics.case_partition(b"ACME/ACME000000001", 6) == 1


def test_the_same_record_gives_the_same_publication() -> None:
    """A retry after an abort must not differ."""
    assert lodge(INBOX_RECORD, SETTINGS) == lodge(INBOX_RECORD, SETTINGS)


def test_a_forged_stamp_of_the_sender_does_not_count() -> None:
    """Only the last header is the stamp, and intake writes the last one."""
    forged = build_stamp(replace(parse_stamp(as_case_record(INBOX_RECORD)), sender="VICTIM", party="VICTIM"))  # type: ignore[arg-type]
    record = replace(INBOX_RECORD, headers=(forged,))

    assert parse_stamp(as_case_record(record)).party == "ACME"


@pytest.mark.parametrize("key", [None, b"", b"two words", "กขค".encode(), b"\xff\xfe", b"~tilde", b"x" * 65])
def test_a_key_that_is_no_reference_number_still_has_a_case_of_the_party(key: bytes | None) -> None:
    """So that the answer to it finds its way, and order holds."""
    submission = parse_stamp(as_case_record(replace(INBOX_RECORD, key=key)))

    assert submission.case_id.startswith("ACME/~")
    assert submission.case_id.isascii()
    assert submission.origin.key == key


def test_a_key_beyond_the_limit_is_a_dead_letter_with_the_key_unchanged() -> None:
    """A key of a megabyte would not fit into the stamp."""
    letter = lodge(replace(INBOX_RECORD, key=b"k" * (MAX_KEY_BYTES + 1)), SETTINGS)

    assert letter.purpose is Purpose.DEAD_LETTER
    assert letter.key == b"k" * (MAX_KEY_BYTES + 1)
    assert letter.counted_as == Code.KEY_TOO_LONG


def test_refuses_the_senders_clock() -> None:
    """An inbox that takes the sender's time would let senders choose their law."""
    assert (
        lodge(replace(INBOX_RECORD, log_append_time=False), SETTINGS).counted_as == Code.NOT_LOG_APPEND_TIME
    )


def answer(headers: tuple[tuple[str, bytes], ...]) -> Record:
    """Give a record of an agency."""
    return replace(INBOX_RECORD, topic="nsw.agency.DOF.outbox", key=b"any", headers=headers)


def test_an_agencys_answer_finds_the_case_that_its_conversation_id_names() -> None:
    """The key of the agency's record does not matter."""
    case_id = build_case_id("ACME", b"ACME000000001")
    conversation = build_conversation_id(case_id, KEY)
    submission = parse_stamp(as_case_record(answer(encode_headers(((topics.H_CONVERSATION, conversation),)))))

    assert submission.role is SenderRole.AGENCY
    assert submission.sender == "DOF"
    assert submission.party == "ACME"
    assert submission.case_id == case_id
    assert submission.conversation_id == conversation


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ((), Code.CONVERSATION_MISSING),
        (((topics.H_CONVERSATION, b"forged.abc"),), Code.CONVERSATION_FORGED),
        (((topics.H_CONVERSATION, b"no dot"),), Code.CONVERSATION_FORGED),
        (((topics.H_CONVERSATION, b"\xff\xff"),), Code.HEADER_NOT_UTF8),
        (((topics.H_CONVERSATION, b"a.b"), (topics.H_CONVERSATION, b"c.d")), Code.HEADER_TWICE),
    ],
)
def test_an_answer_without_a_genuine_conversation_id_is_a_dead_letter(
    headers: tuple[tuple[str, bytes], ...], code: Code
) -> None:
    """It is kept unchanged, with where it came from."""
    publication = lodge(answer(headers), SETTINGS)
    letter = parse_dead_letter(Record("t", 0, 0, 0, publication.key, publication.value, publication.headers))

    assert letter.code == code
    assert letter.original == answer(headers)
    assert letter.sender == "DOF"
    assert letter.stamp is None


def test_a_conversation_id_can_not_be_moved_to_another_case() -> None:
    """Its MAC covers the case."""
    one = build_conversation_id(build_case_id("A", b"1"), KEY)
    two = build_conversation_id(build_case_id("A", b"2"), KEY)
    mixed = f"{one.partition('.')[0]}.{two.partition('.')[2]}"

    with pytest.raises(MessageError, match=Code.CONVERSATION_FORGED):
        parse_conversation_id(mixed, KEY)


def test_refuses_a_topic_that_intake_does_not_serve() -> None:
    """That would be a bug of ours."""
    with pytest.raises(InvariantError):
        lodge(replace(INBOX_RECORD, topic="nsw.cases"), SETTINGS)
