"""
Makes the code tables of ``schemas/th/codes`` from the fact tables and from pycountry.

It knows what is dirty in the published tables and how each fault is cleaned; what was cleaned is told to
readers in ``lists.yaml``. It refuses to guess: a row it does not understand stops it. The same input gives
the same bytes. Tables that ``lists.yaml`` marks as written by hand are only checked.

    python tools/make_codes.py           write the tables
    python tools/make_codes.py --check   write nothing; exit with 1 when a table or a description differs
"""

import argparse
import csv
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pycountry
import yaml

ROOT = Path(__file__).resolve().parent.parent
CODES = ROOT / "schemas" / "th" / "codes"
COMMON_COLUMNS = ("code", "name_en", "name_th", "valid_from", "valid_to")

# Characters that a conversion to ASCII turned into question marks in the published tables.
MENDED_NAMES = {
    "15?C": "15 °C",
    "?nodules?": "'nodules'",
    "?grains?": "'grains'",
    "?powders?": "'powders'",
    "?full?": "'full'",
}
# Two rows of the container table are pieces of others: "20" + "20G0 GENERAL PURPOSE ...", and a name's end.
CONTAINER_FRAGMENTS = frozenset({"2020", "Mech"})
# "- withdrawn [on a date] - use code NNNN instead - name", with en dashes; one row misspells "code".
WITHDRAWN_VEHICLE = re.compile(
    r"\u2013 ขอยกเลิก ?(?P<on>\d+/\d+/\d+)? ?\u2013 ให้ใช้รั?หัส (?P<other>\d{4}) แทน \u2013(?P<name>.*)"
)
BUDDHIST_ERA_OFFSET_2500 = 2500 - 543
NOT_MONEY = frozenset({"XTS", "XXX"})


class TableError(ValueError):
    """A fact table holds a row that this tool was not taught to read."""


@dataclass(frozen=True)
class Row:
    """One code of one list, in the column order of the file."""

    code: str
    name_en: str = ""
    name_th: str = ""
    valid_from: str = ""
    valid_to: str = ""
    extra: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        """Give the cells as written into the table."""
        return (self.code, self.name_en, self.name_th, self.valid_from, self.valid_to, *self.extra)


@dataclass(frozen=True)
class Table:
    """A list made by this tool: its file, its extra columns, and what makes its rows."""

    file: str
    extra_columns: tuple[str, ...]
    rows: Callable[[Path], Iterator[Row]]


def facts_folder() -> Path:
    """Find the folder of the Thai facts: beside the project unless NSW_CONFORMANCE_DATA says otherwise."""
    return Path(os.environ.get("NSW_CONFORMANCE_DATA", str(ROOT.parent / "shared" / "data"))) / "thai-facts"


def read_tsv(facts: Path, name: str, width: int) -> Iterator[list[str]]:
    """
    Read a headless table of the facts.

    Raises:
        TableError: a line has another number of cells than *width*.
    """
    for number, line in enumerate(
        (facts / "codes" / f"{name}.tsv").read_text(encoding="utf-8").splitlines(), 1
    ):
        cells = [" ".join(cell.split()) for cell in line.split("\t")]
        if len(cells) != width:
            raise TableError(f"{name}.tsv line {number}: {len(cells)} cells, expected {width}")
        yield cells


def mend_name(name: str) -> str:
    """Put back characters lost as question marks, and drop a spreadsheet's leading apostrophe."""
    for broken, mended in MENDED_NAMES.items():
        name = name.replace(broken, mended)
    if "?" in name:
        raise TableError(f"a lost character in {name!r} is not in MENDED_NAMES")
    return name.removeprefix("'") if name.count("'") == 1 else name


def iso_date(text: str, order: str) -> str:
    """
    Turn a date of the facts into an ISO date.

    Args:
        text: the digits, with slashes or without.
        order: "dmy" (01/12/2017), "ymd" (20171201), or "dmy-be" (2/7/55, a Buddhist year from 2500).
    """
    if order == "ymd":
        return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
    day, month, year = (int(part) for part in text.split("/"))
    return date(year + BUDDHIST_ERA_OFFSET_2500 if order == "dmy-be" else year, month, day).isoformat()


def office_rows(facts: Path) -> Iterator[Row]:
    """Offices and places of release; the meaning of the four flags is not published with the table."""
    for code, name, *flags in read_tsv(facts, "area_code", 6):
        yield Row(code, name_th=name, extra=tuple(flags))


def package_rows(facts: Path) -> Iterator[Row]:
    """Kinds of package."""
    for code, name in read_tsv(facts, "package_code", 2):
        yield Row(code, mend_name(name))


def unit_rows(facts: Path) -> Iterator[Row]:
    """Units of quantity; the code NA had become the word for an empty cell of a spreadsheet."""
    for _, code, name in read_tsv(facts, "unit_code", 3):
        yield Row("NA" if code == "nan" else code, mend_name(name))


def privilege_rows(facts: Path) -> Iterator[Row]:
    """Duty privileges, each with the group that the published name begins with."""
    for code, name, valid_from in read_tsv(facts, "privilege_code", 3):
        group, _, title = name.partition(" : ")
        yield Row(code, name_th=title, valid_from=iso_date(valid_from, "dmy"), extra=(group,))


def province_rows(facts: Path) -> Iterator[Row]:
    """Provinces; their codes are those of ISO 3166-2:TH, which gives the English name."""
    english = {each.code: each.name for each in pycountry.subdivisions if each.country_code == "TH"}
    for _, code, name in read_tsv(facts, "province_code", 3):
        yield Row(code, english[f"TH-{code}"], name)


def agencies(facts: Path) -> list[dict[str, str]]:
    """Read the agencies of the facts, as rows by column name."""
    with (facts / "agencies.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def exemption_rows(facts: Path) -> Iterator[Row]:
    """Exemption codes by agency: the key is the agency's code, a colon, and the exemption code."""
    code_by_name = {row["name_th"]: row["agency"] for row in agencies(facts)}
    for agency_name, exemption, valid_from in read_tsv(facts, "exampt", 3):
        agency = code_by_name[agency_name]
        yield Row(
            f"{agency}:{exemption}",
            valid_from=iso_date(valid_from, "ymd"),
            extra=(agency, exemption, agency_name),
        )


def authority_rows(facts: Path) -> Iterator[Row]:
    """Make the authorities that issue permits, by the tax id that the permit section names them with."""
    for row in agencies(facts):
        if row["tax_id"]:
            yield Row(row["tax_id"], row["name_en"], row["name_th"], extra=(row["agency"],))


def container_rows(facts: Path) -> Iterator[Row]:
    """Container size and type codes, without the two broken rows."""
    for code, name, size in read_tsv(facts, "container_size", 3):
        if code in CONTAINER_FRAGMENTS:
            continue
        thai = name if not name.isascii() and not re.search("[A-Za-z]", name) else ""
        english = "" if thai else mend_name(name.replace("\u2018", "'").replace("\u2019", "'"))
        yield Row(code, english, thai, extra=("" if size == "nan" else size,))


def vehicle_rows(facts: Path) -> Iterator[Row]:
    """Vehicle types; a withdrawn one is kept until its date, or left out when its date is not told."""
    for _, code, name in read_tsv(facts, "cartype_code", 3):
        withdrawn = WITHDRAWN_VEHICLE.fullmatch(name)
        if withdrawn is None:
            if "ขอยกเลิก" in name:
                raise TableError(f"cartype_code {code}: a withdrawal in another shape: {name}")
            yield Row(code, name_th=name, extra=("",))
        elif withdrawn["on"]:
            last_day = iso_date(withdrawn["on"], "dmy-be")
            yield Row(code, name_th=withdrawn["name"], valid_to=last_day, extra=(withdrawn["other"],))


def country_rows(_facts: Path) -> Iterator[Row]:
    """Countries of ISO 3166-1."""
    for country in pycountry.countries:
        name = getattr(country, "common_name", country.name)
        yield Row(country.alpha_2, name, extra=(country.alpha_3, country.numeric))


def currency_rows(_facts: Path) -> Iterator[Row]:
    """Currencies of ISO 4217, without the test code and the code for no currency."""
    for currency in pycountry.currencies:
        if currency.alpha_3 not in NOT_MONEY:
            yield Row(currency.alpha_3, currency.name, extra=(currency.numeric,))


TABLES = (
    Table("offices.csv", ("flag_1", "flag_2", "flag_3", "flag_4"), office_rows),
    Table("packages.csv", (), package_rows),
    Table("units.csv", (), unit_rows),
    Table("privileges.csv", ("group_th",), privilege_rows),
    Table("provinces.csv", (), province_rows),
    Table("exemptions.csv", ("agency", "exemption", "agency_name_th"), exemption_rows),
    Table("permit_authorities.csv", ("agency",), authority_rows),
    Table("container_sizes.csv", ("size_feet",), container_rows),
    Table("vehicle_types.csv", ("replaced_by",), vehicle_rows),
    Table("countries.csv", ("alpha_3", "numeric"), country_rows),
    Table("currencies.csv", ("numeric",), currency_rows),
)


def encode_table(table: Table, facts: Path) -> bytes:
    """Give the whole file of a list: header, then rows in the order of their codes."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow((*COMMON_COLUMNS, *table.extra_columns))
    writer.writerows(row.cells() for row in sorted(table.rows(facts), key=Row.cells))
    return stream.getvalue().encode()


def check_file(path: Path) -> Iterator[str]:
    """Tell what is wrong with a table as written: columns, dates, a code given twice, order."""
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    if tuple(header[: len(COMMON_COLUMNS)]) != COMMON_COLUMNS:
        yield f"{path.name}: the header must begin with {','.join(COMMON_COLUMNS)}"
    keys = [(row[0], row[COMMON_COLUMNS.index("valid_from")]) for row in rows]
    if keys != sorted(set(keys)):
        yield f"{path.name}: codes, with the days from which they hold, must be unique and in order"
    for row in rows:
        if len(row) != len(header) or not row[0]:
            yield f"{path.name}: {row} does not fill the header's columns"
        for cell in filter(None, row[3:5]):
            if date.fromisoformat(cell).isoformat() != cell:
                yield f"{path.name}: {cell} of code {row[0]} is not an ISO date"


def check_descriptions(codes: Path) -> Iterator[str]:
    """Tell what lists.yaml and the folder say differently about files and columns."""
    lists = yaml.safe_load((codes / "lists.yaml").read_text(encoding="utf-8"))["lists"]
    described = {each["file"]: each for each in lists}
    if len(described) != len(lists) or len({each["name"] for each in lists}) != len(lists):
        yield "lists.yaml: a name or a file is described twice"
    present = {path.name for path in codes.glob("*.csv")}
    yield from (f"lists.yaml: {name} is described but missing" for name in sorted(described.keys() - present))
    yield from (f"lists.yaml: {name} is not described" for name in sorted(present - described.keys()))
    made = {table.file for table in TABLES}
    for name in sorted(described.keys() & present):
        with (codes / name).open(encoding="utf-8", newline="") as stream:
            extra = next(csv.reader(stream))[len(COMMON_COLUMNS) :]
        if extra != list(described[name].get("columns", {})):
            yield f"lists.yaml: the extra columns of {name} are {extra}"
        if (described[name]["made"] == "tool") != (name in made):
            yield f"lists.yaml: {name} is {'made by this tool' if name in made else 'not made by this tool'}"


def main(arguments: list[str] | None = None) -> int:
    """Write the tables, or check them; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Make the code tables of schemas/th/codes.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a table differs")
    check_only = parser.parse_args(arguments).check
    facts = facts_folder()
    problems: list[str] = []
    for table in TABLES:
        path, content = CODES / table.file, encode_table(table, facts)
        if not check_only:
            path.write_bytes(content)
        elif not path.is_file() or path.read_bytes() != content:
            problems.append(f"{table.file}: differs from what the facts give")
    problems += check_descriptions(CODES)
    for path in sorted(CODES.glob("*.csv")):
        problems += check_file(path)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
