"""The sample documents as material for the demonstration: read from their files, and rewritten as text."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

import orjson

from nsw.demo.facts import Expected
from nsw.errors import ConfigError, Verdict
from nsw.routing import Party

#: The samples are meant as lodged on this day; see ``tools/samples/files.py``.
_MEANT_FOR = date(2026, 11, 18)
_DECLARATION = Path("th/export-declaration/1.0/samples")
_IMPORT = Path("th/import-declaration/1.0/samples/valid/permits.xml")
#: Logistics messages; none of them holds a declaration number, whose date would stay while the others move.
_LOGISTICS = (
    Path("th/sea-manifest/1.0/samples/valid/typical.xml"),
    Path("th/gate-event/1.0/samples/valid/empty-out.xml"),
)
_RESPONSE = Path("th/response/1.0/samples/valid/accepted.xml")
_LARGEST = "largest"

_REFERENCE = re.compile(rb"(?<=<FunctionalReferenceID>)[0-9A-Z]{4}[0-9]{9}(?=</)")
_SENDER = re.compile(rb"(?<=<AgentID>)[0-9]{13}(?=</)|(?<=<OperatorID>)[0-9]{13}(?=</)")
_YEAR = re.compile(rb"(?<=<ProductYear>)%d(?=</)" % _MEANT_FOR.year)
_DATE = re.compile(rb"(?<=Date>)[0-9]{8}(?=</)")
# Holds a date inside a number, which stays as it is while the others move.
_HOLDS_A_FIXED_DATE = b"<ReferenceDeclarationID>"


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One document and what must come of it when it is lodged on the day that its dates are moved to.

    Attributes:
        sender: tax id of the one party that lodges it; '' for any.
    """

    name: str
    document: bytes
    expected: Expected
    sender: str = ""

    @property
    def fits_schema(self) -> bool:
        """Whether it can be written in Avro too."""
        return not any(code.startswith("NSW-") for code in self.expected.codes)


@dataclass(frozen=True, slots=True)
class Samples:
    """
    Everything that the demonstration is made from.

    Attributes:
        good: declarations without findings; *largest* has 999 items.
        logistics: messages of carriers and terminals without findings.
        schema_broken: those that break the schema; rule_broken: those that only a rule finds fault with.
        response: a response of an agency.
    """

    good: tuple[Sample, ...]
    logistics: tuple[Sample, ...]
    largest: Sample
    schema_broken: tuple[Sample, ...]
    rule_broken: tuple[Sample, ...]
    response: bytes

    @property
    def small(self) -> Sample:
        """The shortest good one, of a single item."""
        return min(self.good, key=lambda each: len(each.document))


def load_samples(schema_folder: Path) -> Samples:
    """
    Read the sample files.

    Raises:
        ConfigError: they are not there.
    """
    folder = schema_folder / _DECLARATION
    try:
        valid = [*_load(folder / "valid"), _read_sample("import", schema_folder / _IMPORT)]
        broken = [each for each in _load(folder / "invalid") if _is_usable(each)]
        logistics = tuple(_read_logistics(schema_folder / path) for path in _LOGISTICS)
        response = (schema_folder / _RESPONSE).read_bytes()
    except (OSError, orjson.JSONDecodeError, KeyError, ValueError) as error:
        raise ConfigError(f"the demonstration's samples can't be read: {error}") from error
    good = tuple(each for each in valid if each.name != _LARGEST)
    largest = next((each for each in valid if each.name == _LARGEST), None)
    if not good or not broken or largest is None:
        raise ConfigError(f"{folder}: the demonstration's samples are missing")
    return Samples(
        good=good,
        logistics=logistics,
        largest=largest,
        schema_broken=tuple(each for each in broken if not each.fits_schema),
        rule_broken=tuple(each for each in broken if each.fits_schema),
        response=response,
    )


def _load(folder: Path) -> list[Sample]:
    return [_read_sample(path.stem, path) for path in sorted(folder.glob("*.xml"))]


def _read_sample(name: str, path: Path) -> Sample:
    return Sample(name, path.read_bytes(), _read_expected(path.with_suffix(".expected.json")))


def _read_logistics(path: Path) -> Sample:
    sample = _read_sample(path.parents[3].name, path)
    sender = _SENDER.search(sample.document)
    return replace(sample, sender=sender[0].decode() if sender else "")


def _read_expected(path: Path) -> Expected:
    read = orjson.loads(path.read_bytes())
    return Expected(
        verdict=Verdict(read["verdict"]),
        codes=tuple(sorted(each["code"] for each in read["findings"])),
        agencies=tuple(sorted(read["agencies"])),
    )


def _is_usable(sample: Sample) -> bool:
    return _REFERENCE.search(sample.document) is not None and _HOLDS_A_FIXED_DATE not in sample.document


def rewrite(document: bytes, reference_number: str, on: date) -> bytes:
    """
    Give a sample a reference number of its own, and move its dates.

    Args:
        on: the day on which it will be lodged; impossible dates stay as they are.
    """
    moved_by = on - _MEANT_FOR
    document = _REFERENCE.sub(reference_number.encode(), document)
    document = _YEAR.sub(str(on.year).encode(), document)
    return _DATE.sub(lambda match: _move(match[0], moved_by), document)


def _move(day: bytes, by: timedelta) -> bytes:
    try:
        moved = datetime.strptime(day.decode(), "%Y%m%d").date() + by  # noqa: DTZ007 - only its date is used
    except (ValueError, OverflowError):
        return day
    return f"{moved:%Y%m%d}".encode()


def put(document: bytes, texts: Mapping[str, str]) -> bytes:
    """Give elements another text, by name, wherever they stand."""
    for name, text in texts.items():
        new = escape(text).encode()
        pattern = re.compile(rf"(?<=<{name}>)[^<]*(?=</)".encode())
        document = pattern.sub(lambda _match, new=new: new, document)  # type: ignore[misc]
    return document


def with_trader(document: bytes, party: Party) -> bytes:
    """Let a party lodge in its own name, as far as the register knows it."""
    texts = {"ID": party.tax_id, "Name": party.name_th, "EnglishName": party.name_en}
    return put(
        document,
        {f"{role}{name}": text for role in ("Exporter", "Importer") for name, text in texts.items() if text},
    )


@dataclass(frozen=True, slots=True)
class PermitCode:
    """A real tariff code with statistical code, and the agencies that must permit its export."""

    tariff: str
    statistical_code: str
    agencies: frozenset[str]


def read_permit_codes(table: Path, on: date) -> list[PermitCode]:
    """
    Read the permit table as naively as possible: one line, one agency, from a day on.

    Returns:
        All codes whose export needs a permit on that day, in order.
    """
    agencies_by_code: dict[tuple[str, str], set[str]] = {}
    with table.open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            if row["direction"] in ("export", "both") and row["effective_from"] <= on.isoformat():
                code = (row["tariff"], row["statistical_code"])
                agencies_by_code.setdefault(code, set()).add(row["agency"])
    return [
        PermitCode(tariff, statistical_code, frozenset(agencies))
        for (tariff, statistical_code), agencies in sorted(agencies_by_code.items())
    ]


def with_goods(document: bytes, code: PermitCode) -> bytes:
    """Let a declaration of one item be of other goods."""
    return put(
        document,
        {
            "TariffClassificationID": code.tariff,
            "StatisticalCode": code.statistical_code,
            "ThaiDescription": f"สินค้าตัวอย่าง พิกัด {code.tariff}",
            "EnglishDescription": f"SAMPLE GOODS OF TARIFF CODE {code.tariff}",
        },
    )
