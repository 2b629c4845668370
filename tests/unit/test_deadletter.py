"""Dead letters: what they keep, and how they go through the window again."""

from nsw import topics
from nsw.deadletter import ATTEMPTS, CODE, build_dead_letter, parse_dead_letter, plan_replay
from nsw.envelope import parse_stamp
from nsw.errors import Code
from nsw.held import build_held, parse_held
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Publication, Purpose, Record

SETTINGS = LodgingSettings(cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=6, version="9")
HEADERS = ((CODE, b"spoofed"), ("x", b"\x00\xff"), ("x", b"again"))
RECORD = Record("nsw.inbox.ACME", 0, 3, 1_795_370_400_123, b"R1", b"not a document", HEADERS)


def record_of(publication: Publication, topic: str = "any") -> Record:
    """Give the record that a publication becomes."""
    return Record(topic, 0, 0, 0, publication.key, publication.value, publication.headers)


def dead_letter() -> Record:
    """Give a dead letter of a stamped submission."""
    submission = parse_stamp(record_of(lodge(RECORD, SETTINGS)))
    return record_of(build_dead_letter(submission, Code.UNKNOWN_FORMAT, "it begins with 6e", version="9"))


def test_keeps_key_value_headers_and_origin_unchanged() -> None:
    """Even headers that pretend to be ours come back as they were."""
    letter = parse_dead_letter(dead_letter())

    assert letter.original == RECORD
    assert letter.code == Code.UNKNOWN_FORMAT
    assert letter.detail == "it begins with 6e"
    assert letter.attempts == 1
    assert letter.version == "9"
    assert letter.sender == "ACME"


def test_a_replay_goes_to_the_same_case_with_the_same_ids_and_lodging_time() -> None:
    """So that the answer is for the submission that the sender knows."""
    before = parse_stamp(record_of(lodge(RECORD, SETTINGS)))
    plan = plan_replay(parse_dead_letter(dead_letter()), case_partitions=6)
    after = parse_stamp(record_of(plan))

    assert plan.topic == topics.CASES
    assert plan.partition == topics.case_partition(b"ACME/R1", 6)
    assert after.headers == before.headers
    assert (after.submission_id, after.lodged_at) == (before.submission_id, before.lodged_at)
    assert after.attempt == 2


def test_a_replayed_dead_letter_counts_its_attempts() -> None:
    """An operator sees how often it failed."""
    plan = plan_replay(parse_dead_letter(dead_letter()), case_partitions=6)
    again = build_dead_letter(parse_stamp(record_of(plan)), Code.UNKNOWN_FORMAT, "", version="9")

    assert parse_dead_letter(record_of(again)).attempts == 2
    assert dict(again.headers)[ATTEMPTS] == b"2"


def test_a_dead_letter_of_intake_is_replayed_to_where_it_came_from() -> None:
    """It has no case yet."""
    record = Record("nsw.agency.DOF.outbox", 0, 3, 1, b"k", b"v", (("a", b"1"),))
    plan = plan_replay(parse_dead_letter(record_of(lodge(record, SETTINGS))), case_partitions=6)

    assert (plan.topic, plan.key, plan.value, plan.headers) == (record.topic, b"k", b"v", (("a", b"1"),))


def test_a_held_publication_comes_back_as_it_was_meant() -> None:
    """Key, value and headers, with a header that pretends to be ours."""
    meant = Publication(
        Purpose.DELIVERY, "nsw.agency.DOF.inbox", b"k", b"v", (("nsw-held-topic", b"spoofed"),)
    )
    held = parse_held(record_of(build_held(meant, Code.DESTINATION_MISSING, "it does not exist")))

    assert held.meant == meant
    assert held.code == Code.DESTINATION_MISSING
