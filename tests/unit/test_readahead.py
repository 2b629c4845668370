"""What threads read ahead is what is read in turn, whatever the bytes and whatever is left out."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from nsw.documents import Parsed
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Record
from nsw.processing import process
from nsw.readahead import ReadAhead
from nsw.reference import Reference

MS = int(datetime(2026, 11, 20, 3, tzinfo=UTC).timestamp() * 1000)
SETTINGS = LodgingSettings("test", b"0123456789abcdef", 1, "1")


def records(reference: Reference, samples: Path) -> list[Record]:
    del reference
    valid = sorted((samples / "valid").glob("*.xml"))
    invalid = sorted((samples / "invalid").glob("*.xml"))[::12]
    values = [path.read_bytes() for path in (*valid, *invalid) if path.stat().st_size < 200_000]
    values += [b"", b"<a/>", b"<broken", b"\x00\x00\x00\x03\xe9\x02", b"no document", b"<!DOCTYPE a><a/>"]
    found = []
    for offset, value in enumerate(values * 2):
        sent = Record("nsw.inbox.T", 0, offset, MS, b"K", value)
        lodged = lodge(sent, SETTINGS)
        found.append(Record("nsw.cases", 0, offset, MS, lodged.key, lodged.value, lodged.headers))
    return found


def test_the_outcome_is_the_same(reference: Reference, samples: Path) -> None:
    """Every publication has the same bytes with and without reading ahead."""
    given = records(reference, samples)
    ahead = ReadAhead(reference.catalogue, reference.limits.xml, 2)
    ahead.announce(given)
    known = 0
    for record in given:
        parsed = ahead.take(record)
        known += parsed is not None and parsed.accepted_by is not None
        with_it = process(record, reference, None, parsed)
        assert with_it.publications == process(record, reference, None).publications
    assert known > 10
    ahead.close()


def test_records_left_out(reference: Reference, samples: Path) -> None:
    """Announced records that never come, records that were not announced, and a new announcement are all no harm."""
    given = records(reference, samples)[:40]
    ahead = ReadAhead(reference.catalogue, reference.limits.xml, 2)
    ahead.announce(given)
    assert isinstance(ahead.take(given[0]), Parsed)
    assert isinstance(ahead.take(given[3]), Parsed)
    ahead.announce(given[:5])
    assert isinstance(ahead.take(given[0]), Parsed)
    assert ahead.take(replace(given[1])) is None
    assert ahead.take(given[2]) is None
    ahead.close()
