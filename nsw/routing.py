"""
Which agencies get a declaration, and why: a permit table and routes, both with dates.

The tables are read once from files that officers keep (``permits.csv``, ``routes.yaml``, ``agencies.yaml``,
``parties.yaml``) and compiled into dictionaries: a decision looks each goods item up once, however many rows
there are. Nothing here knows a message type's structure: it sees canonical fields only.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import TypeVar, assert_never

import yaml
from stdnum.th import tin

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode, PartyId, parse_agency_code, parse_party_id
from nsw.model import CanonicalFields, Decision, Format, Item, Reason, SenderRole

#: Route ids of reasons that come from no route of ``routes.yaml``.
PERMITS = "permits"
LEAD_AGENCY = "lead-agency"

#: The only view so far: the original bytes, untouched.
IDENTITY_VIEW = "identity"

_DIRECTIONS = ("import", "export", "transit", "none")
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
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_TAX_ID = re.compile(r"\d{13}", re.ASCII)
_ROUTE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FIELD = re.compile(r"[a-z][a-z0-9_]*")
_NULL_TAG = "tag:yaml.org,2002:null"

_T = TypeVar("_T")


def _in_force(on: date, effective_from: date, effective_until: date | None) -> bool:
    return effective_from <= on and (effective_until is None or on <= effective_until)


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} line {line}: not UTF-8 text; save the file as UTF-8") from error


def _parse_date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# Reading YAML: lines for every problem, and scalars as they were written.


class _YamlFile:
    """
    One YAML file being read, with the problems found so far.

    Every scalar is taken as the text written, whatever YAML would make of it: ``NO`` is Norway and ``0100``
    keeps its zero. Reading goes on after a problem, with an empty value, so that all are told at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._problems: list[tuple[int, str]] = []

    def report(self, node: yaml.Node | None, sentence: str) -> None:
        """Note a problem at the node's line."""
        self.report_line(node.start_mark.line + 1 if node is not None else 1, sentence)

    def report_line(self, line: int, sentence: str) -> None:
        """Note a problem at a line."""
        self._problems.append((line, f"{self.path} line {line}: {sentence}"))

    def root(self) -> yaml.Node | None:
        """Parse the file; None when it is not YAML."""
        try:
            root: yaml.Node | None = yaml.compose(_read_text(self.path), Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.report_line(line, f"not YAML: {error.problem}")
        except yaml.YAMLError as error:
            self.report_line(1, f"not YAML: {error}")
        else:
            if root is None:
                self.report(None, "the file is empty")
            return root
        return None

    def rows(self, key: str) -> list[yaml.Node]:
        """Give the list that stands under the file's only key."""
        return self.nodes(self.entries(self.root(), "the file", (key,)).get(key), key)

    def entries(
        self, node: yaml.Node | None, what: str, required: Collection[str], optional: Collection[str] = ()
    ) -> dict[str, yaml.Node]:
        """Give a mapping's values by key; unknown, missing and repeated keys are problems."""
        known = (*required, *optional)
        found = self.any_entries(node, what)
        for key in sorted(found.keys() - set(known)):
            self.report(found[key], f"{what}: unknown key {key!r}; known are {', '.join(known)}")
        missing = [key for key in required if key not in found]
        for key in missing if isinstance(node, yaml.MappingNode) else ():
            self.report(node, f"{what}: {key!r} is missing")
        return found

    def any_entries(self, node: yaml.Node | None, what: str) -> dict[str, yaml.Node]:
        """Give a mapping's values by key, whatever the keys; repeated keys are problems."""
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.report(node, f"{what}: 'key: value' lines are expected here")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = self.text(key_node, f"{what}: key")
            if key in found:
                self.report(key_node, f"{what}: {key!r} is given twice")
            found[key] = value
        return found

    def nodes(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """Give a list's members."""
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.report(node, f"{what}: a list is expected here")
            return []
        return list(node.value)

    def text(self, node: yaml.Node | None, what: str, *, empty: bool = False) -> str:
        """Give a scalar as written; a null is '', a problem unless *empty*."""
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.report(node, f"{what}: one value is expected here")
            return ""
        text = "" if node.tag == _NULL_TAG else str(node.value).strip()
        if not text and not empty:
            self.report(node, f"{what}: the value is empty")
        return text

    def texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        """Give one value or a list of values, at least one, each once."""
        if node is None:
            return ()
        members = self.nodes(node, what) if isinstance(node, yaml.SequenceNode) else [node]
        found = [self.text(member, what) for member in members]
        if not found:
            self.report(node, f"{what}: the list is empty")
        for text in sorted({text for text in found if found.count(text) > 1}):
            self.report(node, f"{what}: {text!r} is given twice")
        return tuple(found)

    def day(self, node: yaml.Node | None, what: str, *, empty: bool = False) -> date | None:
        """Give a date; None for a null, a problem unless *empty*."""
        text = self.text(node, what, empty=empty)
        day = _parse_date(text)
        if text and day is None:
            self.report(node, f"{what}: {text!r} is not a date like 2026-01-31")
        return day

    def names(self, node: yaml.Node | None, what: str) -> tuple[str, str]:
        """Give a text in English and Thai."""
        entries = self.entries(node, what, ("en", "th"))
        return self.text(entries.get("en"), f"{what}: en"), self.text(entries.get("th"), f"{what}: th")

    def tax_id(self, node: yaml.Node | None) -> str:
        """Give a tax identification number or ''."""
        text = self.text(node, "tax_id", empty=True)
        if text and not (_TAX_ID.fullmatch(text) and tin.is_valid(text)):
            self.report(node, f"tax_id: {text!r} is not 13 digits with a right check digit")
        return text

    def one_of(self, node: yaml.Node | None, what: str, known: Sequence[str], default: str) -> str:
        """Give one of the known words; *default* when the key is absent or wrong."""
        if node is None:
            return default
        text = self.text(node, what)
        if text in known:
            return text
        self.report(node, f"{what}: {text!r} is not known; known are {', '.join(known)}")
        return default

    def parsed(self, node: yaml.Node | None, what: str, parse: Callable[[str], _T], blank: _T) -> _T:
        """Give what *parse* makes of a scalar; its problems are told with the line."""
        text = self.text(node, what)
        try:
            return parse(text) if text else blank
        except ConfigError as error:
            self.report(node, str(error))
            return blank

    def agencies(self, node: yaml.Node | None, what: str) -> tuple[AgencyCode, ...]:
        """Give one agency's code or a list of them, sorted."""
        found: list[AgencyCode] = []
        for text in filter(None, self.texts(node, what)):
            try:
                found.append(parse_agency_code(text))
            except ConfigError as error:
                self.report(node, f"{what}: {error}")
        return tuple(sorted(found))

    def finish(self) -> None:
        """
        End the reading.

        Raises:
            ConfigError: with every problem found, in the order of lines.
        """
        if self._problems:
            in_order = sorted(self._problems, key=itemgetter(0))
            raise ConfigError(*(sentence for _, sentence in in_order))


# The permit table.


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

    def in_force(self, on: date) -> bool:
        """Tell whether the row holds on a day; both its dates are inclusive."""
        return _in_force(on, self.effective_from, self.effective_until)


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

    def reasons_for(self, items: Iterable[Item], direction: str, on: date) -> list[Reason]:
        """Give one reason for each row that holds for some of the items."""
        numbers_by_row: dict[int, tuple[PermitRow, list[int]]] = {}
        rows_by_key = self.index.get(direction, {})
        for item in items if rows_by_key else ():
            for row in rows_by_key.get(_permit_key(item.tariff_code, item.statistical_code), ()):
                if row.in_force(on):
                    numbers_by_row.setdefault(id(row), (row, []))[1].append(item.number)
        return [self._reason(row, direction, on, tuple(numbers)) for row, numbers in numbers_by_row.values()]

    def _reason(self, row: PermitRow, direction: str, on: date, numbers: tuple[int, ...]) -> Reason:
        goods = f"{row.tariff}/{row.statistical_code}"
        return Reason(
            agency=row.agency,
            route=PERMITS,
            text_en=f"Tariff {goods} {_MOVED_EN[direction]} on {on} needs a permit of {row.agency}"
            f" ({self.name} line {row.line}).",
            text_th=f"สินค้าพิกัด {goods} {_MOVED_TH[direction]}วันที่ {on} ต้องมีใบอนุญาตของ {row.agency}"
            f" ({self.name} บรรทัดที่ {row.line})",
            items=numbers,
        )


def load_permits(path: Path) -> PermitTable:
    """
    Read a permit table.

    Args:
        path: CSV, UTF-8 with or without a byte order mark, with the header
            ``tariff,statistical_code,direction,agency,effective_from`` and perhaps ``,effective_until``.

    Raises:
        ConfigError: with every problem and its line.
    """
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    problems: list[str] = []
    rows: list[PermitRow] = []
    line_by_row: dict[tuple[str, ...], int] = {}
    try:
        header = tuple(next(reader, ()))
        if header not in {_PERMIT_COLUMNS, (*_PERMIT_COLUMNS, _OPTIONAL_PERMIT_COLUMN)}:
            expected = f"{','.join(_PERMIT_COLUMNS)}[,{_OPTIONAL_PERMIT_COLUMN}]"
            raise ConfigError(f"{path} line 1: the header must be {expected}, not {','.join(header)!r}")
        for cells in filter(None, reader):
            line = reader.line_num
            row, sentences = _parse_permit(cells, len(header), line)
            first_line = line_by_row.setdefault(tuple(cells), line)
            if first_line != line:
                sentences.append(f"the same row as line {first_line}")
            problems += (f"{path} line {line}: {sentence}" for sentence in sentences)
            rows += [row] if row else []
    except csv.Error as error:
        problems.append(f"{path} line {reader.line_num}: not CSV: {error}")
    if problems:
        raise ConfigError(*problems)
    return PermitTable.of(path.name, rows)


def _parse_permit(cells: list[str], width: int, line: int) -> tuple[PermitRow | None, list[str]]:
    if len(cells) != width:
        return None, [f"{len(cells)} cells, but the header has {width}"]
    tariff, statistical_code, direction, agency, since, until = (*cells, "")[:6]
    effective_from, effective_until = _parse_date(since), _parse_date(until)
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


# Routes: conditions that do not hang on tariff codes.


class Comparison(StrEnum):
    """What a condition asks of a field; the values are the words of ``routes.yaml``."""

    ANY_OF = "any_of"
    NOT = "not"
    STARTS_WITH = "starts_with"
    AT_LEAST = "at_least"
    BELOW = "below"
    PRESENT = "present"
    ABSENT = "absent"


_NUMERIC_TESTS = frozenset({Comparison.AT_LEAST, Comparison.BELOW})
_TESTS_WITH_OPERAND = (Comparison.NOT, Comparison.STARTS_WITH, Comparison.AT_LEAST, Comparison.BELOW)


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One test of one canonical field.

    Attributes:
        field: canonical name, or ``message_type`` or ``direction``.
        values: what the test compares with; empty for ``present`` and ``absent``.
        number: the bound of a numeric test.
    """

    field: str
    test: Comparison
    values: tuple[str, ...] = ()
    number: Decimal = Decimal(0)

    def holds(self, fields: Mapping[str, str]) -> bool:  # noqa: PLR0911 - one answer for each word
        """
        Tell whether the field is as asked; never fails.

        An empty field counts as absent. An absent field is *not* any value, and meets no other test but
        ``absent``; a text that is no number meets no numeric test.
        """
        text = fields.get(self.field, "")
        match self.test:
            case Comparison.ANY_OF:
                return text in self.values
            case Comparison.NOT:
                return text not in self.values
            case Comparison.STARTS_WITH:
                return text.startswith(self.values)
            case Comparison.AT_LEAST:
                return _NUMBER.fullmatch(text) is not None and Decimal(text) >= self.number
            case Comparison.BELOW:
                return _NUMBER.fullmatch(text) is not None and Decimal(text) < self.number
            case Comparison.PRESENT:
                return bool(text)
            case Comparison.ABSENT:
                return not text
            case _:
                assert_never(self.test)


@dataclass(frozen=True, slots=True)
class Route:
    """
    One entry of ``routes.yaml``: when all conditions hold, these agencies get the declaration.

    Attributes:
        agencies: sorted.
        effective_until: the last day; None for no end.
        conditions: on the declaration as a whole.
        item_conditions: at least one goods item must meet all of them; empty asks nothing of items.
        line: 1-based line in the file.
    """

    id: str
    agencies: tuple[AgencyCode, ...]
    effective_from: date
    effective_until: date | None
    reason_en: str
    reason_th: str
    source: str
    conditions: tuple[Condition, ...]
    item_conditions: tuple[Condition, ...]
    line: int

    def message_types(self) -> tuple[str, ...] | None:
        """Give the message types that the route is limited to by name; None when it isn't."""
        for condition in self.conditions:
            if condition.field == "message_type" and condition.test is Comparison.ANY_OF:
                return condition.values
        return None

    def applies(self, fields: Mapping[str, str], on: date) -> bool:
        """Tell whether the route is in force and holds for the declaration as a whole."""
        return _in_force(on, self.effective_from, self.effective_until) and _all_hold(self.conditions, fields)

    def items_concerned(self, groups: Iterable["_AlikeItems"]) -> tuple[int, ...]:
        """Give the numbers of the goods items that meet all item conditions, in order."""
        found = [group.numbers for group in groups if _all_hold(self.item_conditions, group.fields)]
        return tuple(sorted(chain.from_iterable(found)))


def _all_hold(conditions: tuple[Condition, ...], fields: Mapping[str, str]) -> bool:
    return all(condition.holds(fields) for condition in conditions)


@dataclass(frozen=True, slots=True)
class _AlikeItems:
    """The goods items that have the same values in the fields that routes ask about."""

    fields: Mapping[str, str]
    numbers: list[int]


def _group_items(items: Iterable[Item], routes: Iterable[Route]) -> list[_AlikeItems]:
    """Group items before asking about them: 999 items seldom have more than a few different UN numbers."""
    names = tuple(sorted({condition.field for route in routes for condition in route.item_conditions}))
    numbers_by_values: dict[tuple[str, ...], list[int]] = {}
    for item in items if names else ():
        values = tuple([item.fields.get(name, "") for name in names])
        numbers_by_values.setdefault(values, []).append(item.number)
    return [
        _AlikeItems(dict(zip(names, values, strict=True)), numbers)
        for values, numbers in numbers_by_values.items()
    ]


@dataclass(frozen=True, slots=True)
class Routes:
    """
    All routes, compiled.

    Attributes:
        name: the file's name, for explanations.
        rows: in the order of the file.
        by_message_type: for each message type that a route names: the routes to try.
        general: the routes to try for every other message type.
    """

    name: str
    rows: tuple[Route, ...]
    by_message_type: Mapping[str, tuple[Route, ...]]
    general: tuple[Route, ...]

    @classmethod
    def of(cls, name: str, rows: Iterable[Route]) -> "Routes":
        """Compile routes."""
        rows = tuple(rows)
        named = {message_type for row in rows for message_type in row.message_types() or ()}
        by_message_type = {
            message_type: tuple(row for row in rows if message_type in (row.message_types() or named))
            for message_type in named
        }
        return cls(name, rows, by_message_type, tuple(row for row in rows if row.message_types() is None))

    def fields_named(self) -> frozenset[str]:
        """Give the canonical fields that conditions name, so that a loader can check that they exist."""
        conditions = (condition for row in self.rows for condition in (*row.conditions, *row.item_conditions))
        return frozenset(condition.field for condition in conditions) - {"message_type", "direction"}

    def reasons_for(self, message_type: str, direction: str, data: CanonicalFields, on: date) -> list[Reason]:
        """Give one reason for each agency of each route that applies."""
        fields = {**data.fields, "message_type": message_type, "direction": direction}
        candidates = self.by_message_type.get(message_type, self.general)
        routes = [route for route in candidates if route.applies(fields, on)]
        groups = _group_items(data.items, routes)
        found = ((route, route.items_concerned(groups)) for route in routes)
        return [
            Reason(agency, route.id, route.reason_en, route.reason_th, numbers)
            for route, numbers in found
            if numbers or not route.item_conditions
            for agency in route.agencies
        ]


def load_routes(path: Path) -> Routes:
    """
    Read the routes.

    Args:
        path: YAML; the head of ``deploy/reference/routes.yaml`` tells its shape.

    Raises:
        ConfigError: with every problem and its line.
    """
    file = _YamlFile(path)
    line_by_id: dict[str, int] = {}
    rows = [_read_route(file, node, line_by_id) for node in file.rows("routes")]
    file.finish()
    return Routes.of(path.name, rows)


def _read_route(file: _YamlFile, node: yaml.Node, line_by_id: dict[str, int]) -> Route:
    entries = file.entries(
        node, "route", ("id", "agencies", "from", "reason", "source", "when"), optional=("until",)
    )
    line = node.start_mark.line + 1
    route_id = file.text(entries.get("id"), "id")
    if route_id in {PERMITS, LEAD_AGENCY}:
        file.report(entries["id"], f"id {route_id!r} is reserved")
    elif route_id and not _ROUTE_ID.fullmatch(route_id):
        file.report(entries["id"], f"id {route_id!r}: 1 to 64 characters of a-z, 0-9 and '-' are allowed")
    if route_id and line_by_id.setdefault(route_id, line) != line:
        file.report(entries["id"], f"id {route_id!r} is already the route of line {line_by_id[route_id]}")
    effective_from = file.day(entries.get("from"), "from")
    effective_until = file.day(entries.get("until"), "until", empty=True)
    if effective_from and effective_until and effective_until < effective_from:
        file.report(entries["until"], f"until {effective_until} is before from {effective_from}")
    reason_en, reason_th = file.names(entries.get("reason"), "reason")
    conditions, item_conditions = _read_when(file, entries.get("when"))
    return Route(
        id=route_id,
        agencies=file.agencies(entries.get("agencies"), "agencies"),
        effective_from=effective_from or date.min,  # absent: a problem is noted, the route is not used
        effective_until=effective_until,
        reason_en=reason_en,
        reason_th=reason_th,
        source=file.text(entries.get("source"), "source"),
        conditions=conditions,
        item_conditions=item_conditions,
        line=line,
    )


def _read_when(
    file: _YamlFile, node: yaml.Node | None
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    entries = file.any_entries(node, "when")
    item_node = entries.pop("item", None)
    items = file.any_entries(item_node, "item")
    if item_node is not None and not items:
        file.report(item_node, "item: name at least one condition")
    elif node is not None and not entries and not items:
        file.report(node, "when: name at least one condition; customs gets every declaration anyway")
    for field in sorted(items.keys() & {"message_type", "direction", "item"}):
        file.report(items[field], f"{field!r} is not a field of a goods item")
    conditions = [each for field, test in entries.items() for each in _read_condition(file, field, test)]
    for each in (each for each in conditions if each.field == "direction" and each.test is Comparison.ANY_OF):
        for value in sorted(set(each.values).difference(_DIRECTIONS)):
            file.report(entries["direction"], f"direction {value!r} is not one of {', '.join(_DIRECTIONS)}")
    item_conditions = [each for field, test in items.items() for each in _read_condition(file, field, test)]
    return tuple(conditions), tuple(item_conditions)


def _read_condition(file: _YamlFile, field: str, node: yaml.Node) -> list[Condition]:
    if not _FIELD.fullmatch(field):
        file.report(node, f"{field!r} is not a field name: a-z, 0-9 and '_', a letter first")
    if isinstance(node, yaml.ScalarNode) and node.value in {Comparison.PRESENT, Comparison.ABSENT}:
        return [Condition(field, Comparison(node.value))]
    if not isinstance(node, yaml.MappingNode):
        return [Condition(field, Comparison.ANY_OF, file.texts(node, field))]
    entries = file.entries(node, field, (), optional=_TESTS_WITH_OPERAND)
    if not node.value:
        file.report(node, f"{field}: name at least one test")
    return [
        _read_test(file, field, Comparison(word), operand)
        for word, operand in entries.items()
        if word in _TESTS_WITH_OPERAND
    ]


def _read_test(file: _YamlFile, field: str, test: Comparison, node: yaml.Node) -> Condition:
    if test not in _NUMERIC_TESTS:
        return Condition(field, test, file.texts(node, f"{field}: {test}"))
    text = file.text(node, f"{field}: {test}")
    if _NUMBER.fullmatch(text):
        return Condition(field, test, (text,), Decimal(text))
    if text:
        file.report(node, f"{field}: {test}: {text!r} is not a number like 500000.00")
    return Condition(field, test)


# Agencies and parties.


@dataclass(frozen=True, slots=True)
class Acceptance:
    """
    What an agency takes of some message types.

    Attributes:
        message_types: patterns as of file names (``th.*``).
        formats: in order of preference, at least one.
        view: how much of the document it gets.
    """

    message_types: tuple[str, ...]
    formats: tuple[Format, ...]
    view: str = IDENTITY_VIEW


@dataclass(frozen=True, slots=True)
class Agency:
    """
    An authority that receives and answers.

    Attributes:
        tax_id: 13 digits, or '' when it isn't known.
        lead: the one agency that gets every declaration.
        accepts: tried in order.
    """

    code: AgencyCode
    name_en: str
    name_th: str
    tax_id: str = ""
    lead: bool = False
    accepts: tuple[Acceptance, ...] = ()

    def acceptance_for(self, message_type: str) -> Acceptance | None:
        """Give the first acceptance whose patterns cover the message type; None when none does."""
        for acceptance in self.accepts:
            if any(fnmatchcase(message_type, pattern) for pattern in acceptance.message_types):
                return acceptance
        return None

    def formats_for(self, message_type: str) -> tuple[Format, ...]:
        """Give the formats it takes this message type in, in order of preference; () when it takes none."""
        acceptance = self.acceptance_for(message_type)
        return acceptance.formats if acceptance else ()


def load_agencies(path: Path) -> dict[AgencyCode, Agency]:
    """
    Read the agencies, by code.

    Raises:
        ConfigError: with every problem and its line; exactly one agency must lead.
    """
    file = _YamlFile(path)
    agency_by_code: dict[AgencyCode, Agency] = {}
    for node in file.rows("agencies"):
        agency = _read_agency(file, node)
        if agency.code and agency.code in agency_by_code:
            file.report(node, f"agency {agency.code!r} is given twice")
        agency_by_code[agency.code] = agency
    file.finish()
    try:
        lead_of(agency_by_code)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error
    return agency_by_code


def _read_agency(file: _YamlFile, node: yaml.Node) -> Agency:
    entries = file.entries(node, "agency", ("code", "name", "accepts"), optional=("tax_id", "lead"))
    name_en, name_th = file.names(entries.get("name"), "name")
    accepts = file.nodes(entries.get("accepts"), "accepts")
    return Agency(
        code=file.parsed(entries.get("code"), "code", parse_agency_code, AgencyCode("")),
        name_en=name_en,
        name_th=name_th,
        tax_id=file.tax_id(entries.get("tax_id")),
        lead=file.one_of(entries.get("lead"), "lead", ("true", "false"), "false") == "true",
        accepts=tuple(_read_acceptance(file, each) for each in accepts),
    )


def _read_acceptance(file: _YamlFile, node: yaml.Node) -> Acceptance:
    entries = file.entries(node, "accepts", ("message_types", "formats"), optional=("view",))
    formats = file.texts(entries.get("formats"), "formats")
    known = [*Format]
    for unknown in sorted(set(formats).difference(known, {""})):
        file.report(entries["formats"], f"formats: {unknown!r} is not known; known are {', '.join(known)}")
    return Acceptance(
        message_types=file.texts(entries.get("message_types"), "message_types"),
        formats=tuple(Format(each) for each in formats if each in known),
        view=file.one_of(entries.get("view"), "view", (IDENTITY_VIEW,), IDENTITY_VIEW),
    )


class AnswerFormat(StrEnum):
    """In which format a party gets its answers."""

    AS_SENT = "as-sent"
    XML = "xml"
    AVRO = "avro"


@dataclass(frozen=True, slots=True)
class Party:
    """
    A party that is connected to the window; one that isn't registered has these defaults.

    Attributes:
        tax_id: 13 digits, or '' when it isn't known.
    """

    id: PartyId
    name_en: str = ""
    name_th: str = ""
    tax_id: str = ""
    role: SenderRole = SenderRole.TRADER
    answers: AnswerFormat = AnswerFormat.AS_SENT


def load_parties(path: Path) -> dict[PartyId, Party]:
    """
    Read the register of parties, by id.

    Raises:
        ConfigError: with every problem and its line.
    """
    file = _YamlFile(path)
    party_by_id: dict[PartyId, Party] = {}
    for node in file.rows("parties"):
        party = _read_party(file, node)
        if party.id and party.id in party_by_id:
            file.report(node, f"party {party.id!r} is given twice")
        party_by_id[party.id] = party
    file.finish()
    return party_by_id


def _read_party(file: _YamlFile, node: yaml.Node) -> Party:
    entries = file.entries(node, "party", ("id", "name"), optional=("tax_id", "role", "answers"))
    name_en, name_th = file.names(entries.get("name"), "name")
    answers = file.one_of(entries.get("answers"), "answers", [*AnswerFormat], AnswerFormat.AS_SENT)
    # Agencies stand in agencies.yaml, so the only role of a party is trader.
    role = file.one_of(entries.get("role"), "role", (SenderRole.TRADER,), SenderRole.TRADER)
    return Party(
        id=file.parsed(entries.get("id"), "id", parse_party_id, PartyId("")),
        name_en=name_en,
        name_th=name_th,
        tax_id=file.tax_id(entries.get("tax_id")),
        role=SenderRole(role),
        answers=AnswerFormat(answers),
    )


def find_party(party_by_id: Mapping[PartyId, Party], party_id: PartyId) -> Party:
    """Give a party as registered, or with the defaults."""
    return party_by_id.get(party_id) or Party(party_id)


# The decision.


@dataclass(frozen=True, slots=True)
class RoutingTables:
    """
    Everything a decision is made from.

    Attributes:
        lead: the agency that gets every declaration.
    """

    permits: PermitTable
    routes: Routes
    agencies: Mapping[AgencyCode, Agency]
    lead: AgencyCode


def lead_of(agencies: Mapping[AgencyCode, Agency]) -> AgencyCode:
    """
    Give the lead agency.

    Raises:
        ConfigError: there is none, or several.
    """
    leads = [agency.code for agency in agencies.values() if agency.lead]
    if len(leads) != 1:
        raise ConfigError(f"exactly one agency must have 'lead: true', not {', '.join(leads) or 'none'}")
    return leads[0]


def load_routing_tables(folder: Path) -> RoutingTables:
    """
    Read ``permits.csv``, ``routes.yaml`` and ``agencies.yaml`` of a folder, checked against each other.

    Raises:
        ConfigError: with every problem of all three.
    """
    problems: list[str] = []

    def attempt(load: Callable[[Path], _T], name: str) -> _T | None:
        try:
            return load(folder / name)
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    permits = attempt(load_permits, "permits.csv")
    routes = attempt(load_routes, "routes.yaml")
    agencies = attempt(load_agencies, "agencies.yaml")
    if permits is None or routes is None or agencies is None:
        raise ConfigError(*problems)
    tables = RoutingTables(permits, routes, agencies, lead_of(agencies))
    if problems := check_tables(tables):
        raise ConfigError(*problems)
    return tables


def check_tables(tables: RoutingTables) -> list[str]:
    """Tell where the tables contradict each other, one sentence each."""
    unknown_permits = (
        f"{tables.permits.name} line {row.line}: agency {row.agency} is not in the table of agencies"
        for row in tables.permits.rows
        if row.agency not in tables.agencies
    )
    routed = [(route, agency) for route in tables.routes.rows for agency in route.agencies]
    unknown_routes = (
        f"{tables.routes.name} line {route.line}: route {route.id}:"
        f" agency {agency} is not in the table of agencies"
        for route, agency in routed
        if agency not in tables.agencies
    )
    unaccepted = (
        f"{tables.routes.name} line {route.line}: route {route.id}:"
        f" agency {agency} does not accept {message_type}"
        for route, agency in routed
        for message_type in route.message_types() or ()
        if agency in tables.agencies and not tables.agencies[agency].formats_for(message_type)
    )
    used = {tables.lead} | {row.agency for row in tables.permits.rows}
    mute = (
        f"agency {code} gets declarations but accepts no message type"
        for code in sorted(used & tables.agencies.keys())
        if not tables.agencies[code].accepts
    )
    return [*unknown_permits, *unknown_routes, *unaccepted, *mute]


def decide_agencies(
    message_type: str, direction: str, data: CanonicalFields, on: date, tables: RoutingTables
) -> Decision:
    """
    Decide which agencies get a declaration; total: any fields give a decision, with the lead agency in it.

    The cost grows with the goods items, and with the routes that may apply to the message type; it does not
    grow with the rows of the permit table.

    Args:
        message_type: id without version.
        direction: ``import``, ``export``, ``transit`` or ``none``.
        on: the day whose tables apply.

    Returns:
        Reasons are sorted by agency, then route; those of one agency's permits by the first item concerned.
    """
    reasons = [
        _lead_reason(tables.agencies[tables.lead]),
        *tables.permits.reasons_for(data.items, direction, on),
        *tables.routes.reasons_for(message_type, direction, data, on),
    ]
    reasons.sort(key=lambda reason: (reason.agency, reason.route))
    return Decision(tuple(sorted({reason.agency for reason in reasons})), tuple(reasons))


def _lead_reason(lead: Agency) -> Reason:
    return Reason(
        agency=lead.code,
        route=LEAD_AGENCY,
        text_en=f"{lead.name_en} is the lead agency: it gets every declaration.",
        text_th=f"{lead.name_th}เป็นหน่วยงานหลัก ได้รับใบขนสินค้าทุกฉบับ",
    )


# Routing tests that stand beside the tables.


@dataclass(frozen=True, slots=True)
class RoutingTest:
    """
    An example that the tables must get right, readable by an officer.

    Attributes:
        file: name of its file.
        agencies: exactly these, sorted.
        because: for some of the agencies: exactly these routes.
    """

    file: str
    name: str
    message_type: str
    direction: str
    on: date
    data: CanonicalFields
    agencies: tuple[AgencyCode, ...]
    because: Mapping[AgencyCode, frozenset[str]]


def load_routing_tests(folder: Path) -> tuple[RoutingTest, ...]:
    """
    Read the routing tests of a folder, one from each ``*.yaml``, in the order of their file names.

    Raises:
        ConfigError: with every problem of every file.
    """
    tests: list[RoutingTest] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        file = _YamlFile(path)
        try:
            tests.append(_read_routing_test(file))
            file.finish()
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return tuple(tests)


def _read_routing_test(file: _YamlFile) -> RoutingTest:
    entries = file.entries(
        file.root(),
        "test",
        ("name", "message_type", "direction", "on", "expect"),
        optional=("fields", "items"),
    )
    expect = file.entries(entries.get("expect"), "expect", ("agencies",), optional=("because",))
    because = file.any_entries(expect.get("because"), "because")
    on = file.day(entries.get("on"), "on")
    items = file.nodes(entries.get("items"), "items")
    return RoutingTest(
        file=file.path.name,
        name=file.text(entries.get("name"), "name"),
        message_type=file.text(entries.get("message_type"), "message_type"),
        direction=file.one_of(entries.get("direction"), "direction", _DIRECTIONS, "none"),
        on=on or date.min,  # absent: a problem is noted, the test is not run
        data=CanonicalFields(
            fields=_read_fields(file, entries.get("fields"), "fields"),
            items=tuple(
                Item(number, _read_fields(file, node, f"item {number}"))
                for number, node in enumerate(items, 1)
            ),
        ),
        agencies=file.agencies(expect.get("agencies"), "agencies"),
        because={AgencyCode(code): frozenset(file.texts(routes, code)) for code, routes in because.items()},
    )


def _read_fields(file: _YamlFile, node: yaml.Node | None, what: str) -> dict[str, str]:
    entries = file.any_entries(node, what)
    return {name: file.text(value, f"{what}: {name}") for name, value in entries.items()}


def run_routing_test(test: RoutingTest, tables: RoutingTables) -> list[str]:
    """Run a routing test; give one sentence for each difference, none when it passes."""
    decision = decide_agencies(test.message_type, test.direction, test.data, test.on, tables)
    problems: list[str] = []
    if decision.agencies != test.agencies:
        problems.append(
            f"{test.file}: expected {', '.join(test.agencies)};"
            f" the tables give {', '.join(decision.agencies)}"
        )
    for agency, routes in sorted(test.because.items()):
        given = frozenset(reason.route for reason in decision.reasons if reason.agency == agency)
        if given != routes:
            problems.append(
                f"{test.file}: {agency} expected because of {', '.join(sorted(routes))};"
                f" the tables give {', '.join(sorted(given)) or 'no reason'}"
            )
    return problems
