"""Casework and intake as works of the loop: holding back, pausing, counting."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from nsw import telemetry, topics
from nsw.casestore import CaseBook
from nsw.casework import Casework, Destinations
from nsw.control import apply_control, build_pause
from nsw.errors import Code
from nsw.held import parse_held
from nsw.identifiers import AgencyCode, CaseId, PartyId
from nsw.intake import Intake
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Publication, Purpose, Record
from nsw.reference import Reference
from nsw.telemetry import Telemetry
from tests.memory import MemoryChangelog

SETTINGS = LodgingSettings(cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=6, version="1")
ALL = frozenset({"nsw.agency.CUSTOMS.inbox", "nsw.agency.DFT.inbox", "nsw.outbox.ACME", "nsw.outbox.OTHER"})
NUMBER = b"NSWD000000001"


def record(value: bytes, key: bytes = NUMBER, party: str = "ACME", offset: int = 0) -> Record:
    """Give a record of nsw.cases."""
    lodged = lodge(Record(f"nsw.inbox.{party}", 0, offset, 1_795_370_400_000, key, value), SETTINGS)
    return Record(topics.CASES, 0, offset, 0, lodged.key, lodged.value, lodged.headers)


def record_of(publication: Publication) -> Record:
    """Give the record that a publication becomes."""
    return Record(publication.topic, 0, 0, 0, publication.key, publication.value, publication.headers)


def purposes(publications: Sequence[Publication]) -> list[Purpose]:
    """Name what is published to others than the window itself."""
    own = (Purpose.EVENT, Purpose.CASE_STATE)
    return [each.purpose for each in publications if each.purpose not in own]


@pytest.fixture
def small(samples: Path) -> bytes:
    """Give a valid declaration."""
    return (samples / "valid" / "small.xml").read_bytes()


@pytest.fixture
def metrics() -> Telemetry:
    """Give the metrics of a process."""
    return Telemetry({"agency": (), "message_type": ()})


@pytest.fixture
def book(tmp_path: Path) -> Iterator[CaseBook]:
    """Give the book of a worker that owns partition 0."""
    book = CaseBook(tmp_path, MemoryChangelog(), keep_days=100, today=lambda: date(2026, 11, 22))
    book.assign([0])
    yield book
    book.revoke([0])


def casework(
    reference: Reference,
    metrics: Telemetry,
    book: CaseBook,
    known: frozenset[str] = ALL,
    limit: int = 3,
) -> Casework:
    """Give casework where these topics exist."""
    return Casework(lambda: reference, metrics, Destinations(lambda: known), book, limit)


def test_holds_back_only_what_has_no_destination(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """The other agency and the trader get theirs."""
    work = casework(reference, metrics, book, ALL - {"nsw.agency.DFT.inbox"})
    published = work.process(record(small))
    (held,) = [each for each in published if each.purpose is Purpose.HELD]

    assert purposes(published) == [Purpose.DELIVERY, Purpose.HELD, Purpose.ANSWER]
    assert parse_held(record_of(held)).meant.topic == "nsw.agency.DFT.inbox"
    assert parse_held(record_of(held)).meant.value == small
    assert [each.counted_as for each in published if each.purpose is Purpose.EVENT][-1] == "nsw.delivery.held"


def test_holds_back_what_the_broker_refused(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """The retry of the aborted batch goes on without that destination."""
    work = casework(reference, metrics, book)
    work.unavailable("nsw.agency.DFT.inbox", "forbidden")
    (held,) = [each for each in work.process(record(small)) if each.purpose is Purpose.HELD]

    assert parse_held(record_of(held)).code == Code.DESTINATION_MISSING
    assert "forbidden" in parse_held(record_of(held)).detail


def test_sees_a_topic_that_has_come(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """Without waiting for the next regular look."""
    known = set(ALL - {"nsw.outbox.ACME"})
    destinations = Destinations(lambda: frozenset(known))
    work = Casework(lambda: reference, metrics, destinations, book, 3)
    assert Purpose.HELD in purposes(work.process(record(small)))
    known.add("nsw.outbox.ACME")
    destinations._asked_at = float("-inf")

    assert Purpose.HELD not in purposes(work.process(record(small)))


def test_a_flood_pauses_the_party_after_so_many_in_a_row(
    reference: Reference, metrics: Telemetry, book: CaseBook
) -> None:
    """And counts anew afterwards."""
    work = casework(reference, metrics, book)
    published = [purposes(work.process(record(b"rubbish", offset=each))) for each in range(7)]

    assert [Purpose.CONTROL in each for each in published] == [False, False, True, False, False, True, False]


def test_a_good_record_ends_the_row(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """And another party's dead letters do not count."""
    work = casework(reference, metrics, book)
    for value, party in ((b"x", "ACME"), (b"x", "OTHER"), (b"x", "ACME"), (small, "ACME"), (b"x", "ACME")):
        assert Purpose.CONTROL not in purposes(work.process(record(value, party=party)))


def test_an_aborted_batch_does_not_count(reference: Reference, metrics: Telemetry, book: CaseBook) -> None:
    """Its records come again."""
    work = casework(reference, metrics, book)
    for _ in range(5):
        work.process(record(b"x"))
        work.process(record(b"x"))
        work.aborted("test")
    assert Purpose.CONTROL not in purposes(work.process(record(b"x")))


def test_counts_only_what_was_committed(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """By code, by agency, by message type."""
    work = casework(reference, metrics, book)
    work.process(record(small))
    work.aborted("test")
    records = [record(small), record(b"x", offset=1), record(small[:-5], offset=2)]
    publications = [each for one in records for each in work.process(one)]
    work.committed(records, publications, 0.01)
    text = generate_latest(metrics.registry).decode()

    assert 'nsw_declarations_accepted_total{message_type="th.export-declaration"} 1.0' in text
    assert 'nsw_declarations_rejected_total{code="NSW-1003"} 1.0' in text
    assert 'nsw_dead_letters_kept_total{code="NSW-1002"} 1.0' in text
    assert 'nsw_deliveries_routed_total{agency="CUSTOMS"} 1.0' in text
    assert 'nsw_deliveries_routed_total{agency="DFT"} 1.0' in text
    assert 'nsw_transactions_ended_total{outcome="aborted",role="casework"} 1.0' in text
    assert f'nsw_reference_data_info{{version="{reference.version}"}} 1.0' in text


def test_refuses_a_record_whose_outputs_are_too_large(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """The loop found out: the record becomes a dead letter, and its trader is told."""
    published = casework(reference, metrics, book).refuse(record(small), Code.OUTPUT_TOO_LARGE, "too large")

    assert purposes(published) == [Purpose.DEAD_LETTER, Purpose.ANSWER]


def test_the_same_document_is_answered_again_and_delivered_once(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """Within one batch, and after its commit; an aborted batch leaves nothing behind."""
    work = casework(reference, metrics, book)
    work.process(record(small))
    work.aborted("test")
    records = [record(small, offset=each) for each in range(2)]
    first, second = (work.process(each) for each in records)
    work.committed(records, [*first, *second], 0.1)
    third = work.process(record(small, offset=2))

    assert purposes(first) == [Purpose.DELIVERY, Purpose.DELIVERY, Purpose.ANSWER]
    assert [each.purpose for each in first][-1] is Purpose.CASE_STATE
    assert purposes(second) == purposes(third) == [Purpose.ANSWER]
    answers = [
        each.value for part in (first, second, third) for each in part if each.purpose is Purpose.ANSWER
    ]
    assert len(set(answers)) == 1
    assert "nsw_declarations_repeated_total 1.0" in generate_latest(metrics.registry).decode()


def test_a_record_that_is_refused_after_all_leaves_no_case(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """Its outputs were too large: the same document may come again, and is counted once."""
    work = casework(reference, metrics, book)
    one = record(small)
    work.process(one)
    refused = work.refuse(one, Code.OUTPUT_TOO_LARGE, "too large")
    work.committed([one], refused, 0.1)

    assert purposes(refused) == [Purpose.DEAD_LETTER, Purpose.ANSWER]
    assert Purpose.DELIVERY in purposes(work.process(record(small, offset=1)))
    assert "nsw_declarations_accepted_total{" not in generate_latest(metrics.registry).decode()


def control(publication: Publication) -> Record:
    """Give the record of nsw.control that a command becomes."""
    return Record(topics.CONTROL, 0, 0, 0, publication.key, publication.value)


def test_a_record_that_is_refused_after_all_counts_once(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """In the row of dead letters: neither twice, nor as a good record before."""
    work = casework(reference, metrics, book)
    paused = []
    for offset, value in enumerate([b"x", b"x", small]):
        work.process(record(value, offset=offset))
        published = work.refuse(record(value, offset=offset), Code.OUTPUT_TOO_LARGE, "too large")
        paused.append(Purpose.CONTROL in purposes(published))

    assert paused == [False, False, True]


def test_a_record_under_a_strange_key_does_not_overwrite_a_case(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """Somebody else copied one of ours into nsw.cases: judged as new, it would erase what is known of the case."""
    work = casework(reference, metrics, book)
    work.process(record(small))
    known = book.get(0, CaseId(f"ACME/{NUMBER.decode()}"))
    strange = replace(record(small, offset=1), key=b"ACME/ANOTHER")

    assert purposes(work.process(strange)) == [Purpose.DEAD_LETTER]
    assert known is not None
    assert book.get(0, CaseId(f"ACME/{NUMBER.decode()}")) == known


def test_intake_pauses_and_resumes_inboxes_by_command(metrics: Telemetry) -> None:
    """The latest command of each party counts."""
    waiting: list[Record] = []

    def take() -> list[Record]:
        taken = list(waiting)
        waiting.clear()
        return taken

    work = Intake(SETTINGS, metrics, take)
    waiting.extend(control(build_pause(PartyId(party), paused=True, reason="test")) for party in ("A", "B"))
    work.idle()
    assert work.paused_topics() == {"nsw.inbox.A", "nsw.inbox.B"}
    waiting.append(control(build_pause(PartyId("A"), paused=False, reason="")))
    work.idle()

    assert work.paused_topics() == {"nsw.inbox.B"}
    assert "nsw_inboxes_paused 1.0" in generate_latest(metrics.registry).decode()


def test_other_commands_do_not_pause() -> None:
    """The topic also remembers what was replayed."""
    paused: set[PartyId] = set()
    apply_control(Record(topics.CONTROL, 0, 0, 0, b"replayed:x:1", b"{}"), paused)
    apply_control(Record(topics.CONTROL, 0, 0, 0, None, b"{}"), paused)
    apply_control(Record(topics.CONTROL, 0, 0, 0, b"\xff\xfe", b"{}"), paused)

    assert paused == set()


def test_intake_gives_each_record_its_case_and_counts(metrics: Telemetry) -> None:
    """One publication for each record."""
    work = Intake(SETTINGS, metrics)
    records = [Record("nsw.inbox.A", 0, each, 1, b"k", b"v") for each in range(3)]
    publications = [each for one in records for each in work.process(one)]
    work.committed(records, publications, 0.1)

    assert [each.purpose for each in publications] == [Purpose.CASE] * 3
    assert "nsw_records_lodged_total 3.0" in generate_latest(metrics.registry).decode()


def test_new_tables_judge_from_the_next_batch_on(
    reference: Reference, metrics: Telemetry, book: CaseBook, small: bytes
) -> None:
    """Never within one; the metrics follow, with the agencies that are new."""
    newest = [reference]
    work = Casework(lambda: newest[0], metrics, Destinations(lambda: ALL), book, 3)
    metrics.count(telemetry.ROUTED, "NOBODY")
    first = work.process(record(small))
    stranger = reference.tables.agencies[AgencyCode("DFT")]
    agencies = {**reference.tables.agencies, AgencyCode("NOBODY"): stranger}
    newest[0] = replace(reference, version="x-y", tables=replace(reference.tables, agencies=agencies))
    other = b"NSWD000000009"
    second = work.process(record(small.replace(NUMBER, other), other, offset=1))
    work.committed([], [*first, *second], 0.1)
    metrics.count(telemetry.ROUTED, "NOBODY")
    text = generate_latest(metrics.registry).decode()

    assert dict(second[0].headers)[topics.H_REFERENCE_VERSION] == reference.version.encode()
    assert 'nsw_reference_data_info{version="x-y"} 1.0' in text
    assert reference.version not in text
    assert 'nsw_deliveries_routed_total{agency="other"} 1.0' in text
    assert 'nsw_deliveries_routed_total{agency="NOBODY"} 1.0' in text


def test_new_tables_are_found_in_a_quiet_time_and_after_an_abort(
    reference: Reference, metrics: Telemetry, book: CaseBook
) -> None:
    """Whatever ends a batch, and when there is none."""
    newest = [reference]
    work = Casework(lambda: newest[0], metrics, Destinations(lambda: ALL), book, 3)
    for version, step in (("x-1", work.idle), ("x-2", lambda: work.aborted("test"))):
        newest[0] = replace(reference, version=version)
        step()
        assert f'version="{version}"' in generate_latest(metrics.registry).decode()
