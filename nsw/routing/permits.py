"""The permit table: which goods need which agency's permit, looked up by tariff and statistical code."""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode, parse_agency_code
from nsw.model import Item, Reason
from nsw.routing.validity import in_force, parse_date
from nsw.textfile import TextFile, read_text

#: Route id of the reasons that come from the permit table.
PERMITS = "permits"

#: The most reasons for one agency's permits: they go into events and acknowledgements, whole.
MOST_REASONS = 20

_PERMIT_DIRECTIONS = {"import": ("import",), "export": ("export",), "both": ("import", "export")}
_PERMIT_COLUMNS = ("tariff", "statistical_code", "direction", "agency", "effective_from")
_OPTIONAL_PERMIT_COLUMN = "effective_until"
_MOVED_EN = {"import": "imported", "export": "exported"}
_MOVED_TH = {"import": "นำเข้า", "export": "ส่งออก"}

# AHTN: 8 digits of tariff and 3 of statistics (Thai Customs e-Export manual; FACTS "Numbers").
_TARIFF_DIGITS = 8
_STATISTICAL_DIGITS = 3

# re.ASCII: Thai digits are digits to Python.
_TARIFF = re.compile(r"\d{8}", re.ASCII)
_STATISTICAL = re.compile(r"\d{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PermitRow:
    """
    One row of the permit table: these goods need this agency's permit.

    Attributes:
        direction: ``import``, ``export`` or ``both``.
        effective_until: the last day; None for no end.
        line: 1-based line in the file.
    """

    tariff: str
    statistical_code: str
    direction: str
    agency: AgencyCode
    effective_from: date
    effective_until: date | None
    line: int

    @property
    def goods(self) -> str:
        """Tariff and statistical code, as sentences name them."""
        return f"{self.tariff}/{self.statistical_code}"

    def in_force(self, on: date) -> bool:
        """Tell whether the row holds on a day; both its dates are inclusive."""
        return in_force(on, self.effective_from, self.effective_until)

    def overlaps(self, other: "PermitRow") -> bool:
        """Tell whether both hold on a common day in a common direction."""
        directions = set(_PERMIT_DIRECTIONS[self.direction]) & set(_PERMIT_DIRECTIONS[other.direction])
        last = min(self.effective_until or date.max, other.effective_until or date.max)
        return bool(directions) and max(self.effective_from, other.effective_from) <= last


def _permit_key(tariff: str, statistical_code: str) -> str:
    """
    Name a pair of declared codes as the index does; the slash keeps codes of wrong lengths from matching.

    A declared tariff code may have up to 12 digits (format n..12 in the export declaration): the first 8
    are the AHTN code that permits hang on, what follows is no part of it. A statistical code has up to 3
    (n..3): 0, or nothing, stands for 000.
    """
    return f"{tariff[:_TARIFF_DIGITS]}/{statistical_code.rjust(_STATISTICAL_DIGITS, '0')}"


@dataclass(frozen=True, slots=True)
class PermitTable:
    """
    The permit table, compiled.

    Attributes:
        name: the file's name, for explanations.
        rows: in the order of the file.
        index: rows by direction of movement, then by tariff and statistical code; sorted by agency and date.
    """

    name: str
    rows: tuple[PermitRow, ...]
    index: Mapping[str, Mapping[str, tuple[PermitRow, ...]]]

    @classmethod
    def of(cls, name: str, rows: Iterable[PermitRow]) -> "PermitTable":
        """Compile rows."""
        rows = tuple(rows)
        lists: dict[str, defaultdict[str, list[PermitRow]]] = {
            "import": defaultdict(list),
            "export": defaultdict(list),
        }
        for row in sorted(rows, key=lambda row: (row.agency, row.effective_from, row.line)):
            for direction in _PERMIT_DIRECTIONS[row.direction]:
                lists[direction][_permit_key(row.tariff, row.statistical_code)].append(row)
        index = {
            direction: {key: tuple(found) for key, found in rows_by_key.items()}
            for direction, rows_by_key in lists.items()
        }
        return cls(name, rows, index)

    def rows_for(self, tariff: str, statistical_code: str, direction: str) -> tuple[PermitRow, ...]:
        """
        Give all rows about these goods, in force or not, sorted by agency and date.

        Args:
            tariff: as declared; only its first 8 digits count.
            statistical_code: as declared; filled up to 3 digits with zeros.
            direction: of the declaration; other than import and export nothing matches.
        """
        return self.index.get(direction, {}).get(_permit_key(tariff, statistical_code), ())

    def agencies_for(
        self, tariff: str, statistical_code: str, direction: str, on: date
    ) -> tuple[AgencyCode, ...]:
        """Give the agencies, sorted, whose permit these goods need on a day; arguments as in `rows_for`."""
        rows = self.rows_for(tariff, statistical_code, direction)
        return tuple(sorted({row.agency for row in rows if row.in_force(on)}))

    def overlaps(self) -> list[tuple[PermitRow, PermitRow]]:
        """
        Give the pairs of rows that hold on a common day for the same goods, direction and agency.

        A decision is the same as without the second one; but an officer may not have meant it.
        """
        found: list[tuple[PermitRow, PermitRow]] = []
        rows_by_key: defaultdict[tuple[str, AgencyCode], list[PermitRow]] = defaultdict(list)
        for row in self.rows:
            rows_by_key[row.goods, row.agency].append(row)
        for rows in rows_by_key.values():
            for place, one in enumerate(rows):
                found += ((one, two) for two in rows[place + 1 :] if one.overlaps(two))
        return sorted(found, key=lambda pair: pair[1].line)

    def reasons_for(self, items: Iterable[Item], direction: str, on: date) -> list[Reason]:
        """
        Give one reason for each row that holds for some of the items, by the first item concerned.

        An agency with more than `MOST_REASONS` gets the others told together, in its last reason.
        """
        needs_by_agency: defaultdict[AgencyCode, dict[int, _Need]] = defaultdict(dict)
        rows_by_key = self.index.get(direction, {})
        for item in items if rows_by_key else ():
            for row in rows_by_key.get(_permit_key(item.tariff_code, item.statistical_code), ()):
                if row.in_force(on):
                    need = needs_by_agency[row.agency].setdefault(id(row), _Need(row, []))
                    need.numbers.append(item.number)
        reasons: list[Reason] = []
        for needs in needs_by_agency.values():
            told, others = _split_needs(list(needs.values()))
            reasons += (self._reason(need, direction, on) for need in told)
            reasons += [self._reason_of_others(others, direction, on)] if others else []
        return reasons

    def _reason(self, need: "_Need", direction: str, on: date) -> Reason:
        row = need.row
        text_en, text_th = _sentences(self.name, row.goods, row.agency, row.line, direction, on)
        return Reason(row.agency, PERMITS, text_en, text_th, tuple(need.numbers))

    def _reason_of_others(self, needs: Sequence["_Need"], direction: str, on: date) -> Reason:
        agency = needs[0].row.agency
        count = len({need.row.goods for need in needs})
        codes, need_one = ("code", "needs") if count == 1 else ("codes", "need")
        return Reason(
            agency=agency,
            route=PERMITS,
            text_en=f"And {count} more tariff {codes} {_MOVED_EN[direction]} on {on} {need_one}"
            f" a permit of {agency} ({self.name}).",
            text_th=f"และสินค้าอีก {count} พิกัด {_MOVED_TH[direction]}วันที่ {on}"
            f" ต้องมีใบอนุญาตของ {agency} ({self.name})",
            items=tuple(sorted(set(chain.from_iterable(need.numbers for need in needs)))),
        )


@lru_cache(maxsize=20_000)
def _sentences(
    table: str, goods: str, agency: AgencyCode, line: int, direction: str, on: date
) -> tuple[str, str]:
    """Say in English and Thai why a row holds: the same goods are declared all day."""
    return (
        f"Tariff {goods} {_MOVED_EN[direction]} on {on} needs a permit of {agency} ({table} line {line}).",
        f"สินค้าพิกัด {goods} {_MOVED_TH[direction]}วันที่ {on} ต้องมีใบอนุญาตของ {agency} ({table} บรรทัดที่ {line})",
    )


@dataclass(frozen=True, slots=True)
class _Need:
    """A row that holds for a declaration, with the numbers of the goods items that it holds for."""

    row: PermitRow
    numbers: list[int]


def _split_needs(needs: list[_Need]) -> tuple[list[_Need], list[_Need]]:
    """Part what one agency's reasons tell one by one from what its last tells together: whole tariff codes."""
    if len(needs) <= MOST_REASONS:
        return needs, []
    cut = MOST_REASONS - 1
    # Rows for the same goods stand side by side: the same items ask for them.
    while cut and needs[cut - 1].row.goods == needs[cut].row.goods:
        cut -= 1
    return needs[:cut], needs[cut:]


def load_permits(table: TextFile) -> PermitTable:
    """
    Read a permit table.

    Args:
        table: CSV, UTF-8 with or without a byte order mark, with the header
            ``tariff,statistical_code,direction,agency,effective_from`` and perhaps ``,effective_until``.

    Raises:
        ConfigError: with every problem and its line.
    """
    reader = csv.reader(io.StringIO(read_text(table), newline=""), strict=True)
    problems: list[str] = []
    rows: list[PermitRow] = []
    line_by_row: dict[tuple[str, ...], int] = {}
    try:
        header = tuple(next(reader, ()))
        if header not in {_PERMIT_COLUMNS, (*_PERMIT_COLUMNS, _OPTIONAL_PERMIT_COLUMN)}:
            expected = f"{','.join(_PERMIT_COLUMNS)}[,{_OPTIONAL_PERMIT_COLUMN}]"
            raise ConfigError(f"{table} line 1: the header must be {expected}, not {','.join(header)!r}")
        for cells in filter(None, reader):
            line = reader.line_num
            row, sentences = _parse_permit(cells, len(header), line)
            first_line = line_by_row.setdefault(tuple(cells), line)
            if first_line != line:
                sentences.append(f"the same row as line {first_line}")
            problems += (f"{table} line {line}: {sentence}" for sentence in sentences)
            rows += [row] if row else []
    except csv.Error as error:
        problems.append(f"{table} line {reader.line_num}: not CSV: {error}")
    if problems:
        raise ConfigError(*problems)
    return PermitTable.of(table.name, rows)


def _parse_permit(cells: list[str], width: int, line: int) -> tuple[PermitRow | None, list[str]]:
    if len(cells) != width:
        return None, [f"{len(cells)} cells, but the header has {width}"]
    tariff, statistical_code, direction, agency, since, until = (*cells, "")[:6]
    effective_from, effective_until = parse_date(since), parse_date(until)
    problems: list[str] = []
    if not _TARIFF.fullmatch(tariff):
        problems.append(f"tariff {tariff!r} is not 8 digits (a spreadsheet may have dropped leading zeros)")
    if not _STATISTICAL.fullmatch(statistical_code):
        problems.append(f"statistical_code {statistical_code!r} is not 3 digits (000 where there is none)")
    if direction not in _PERMIT_DIRECTIONS:
        problems.append(f"direction {direction!r} is not one of {', '.join(_PERMIT_DIRECTIONS)}")
    try:
        parse_agency_code(agency)
    except ConfigError as error:
        problems.append(str(error))
    if effective_from is None:
        problems.append(f"effective_from {since!r} is not a date like 2026-01-31")
    if until and effective_until is None:
        problems.append(f"effective_until {until!r} is not a date like 2026-01-31")
    if effective_from and effective_until and effective_until < effective_from:
        problems.append(f"effective_until {until} is before effective_from {since}")
    if problems or effective_from is None:
        return None, problems
    row = PermitRow(
        tariff, statistical_code, direction, AgencyCode(agency), effective_from, effective_until, line
    )
    return row, problems
