"""The rows of any table in one shape, for showing and comparing them; loaders check what they mean."""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import orjson
import yaml

from nsw.errors import ConfigError
from nsw.masterdata.tables import Table
from nsw.routing.validity import parse_date
from nsw.textfile import read_text


@dataclass(frozen=True, slots=True)
class Row:
    """
    One row, or one entry of a YAML list.

    Attributes:
        key: what names it among the rows of its table; a day in it is the row's first one.
        cells: the row's text by column, empty cells left out; of a YAML entry, values with parts are JSON.
        line: 1-based line in the file; of a CSV row, the one on which it ends.
    """

    key: tuple[str, ...]
    cells: Mapping[str, str]
    line: int

    @property
    def label(self) -> str:
        """The key as people read it."""
        return " ".join(filter(None, self.key))


@dataclass(frozen=True, slots=True)
class Rows:
    """
    All rows of one table.

    Attributes:
        start: the column of the first day, *end* that of the last one; '' where rows have no dates.
    """

    columns: tuple[str, ...]
    start: str
    end: str
    rows: tuple[Row, ...] = field(repr=False)

    @property
    def is_dated(self) -> bool:
        """Whether rows have days on which they hold."""
        return bool(self.start)

    def in_force(self, row: Row, on: date) -> bool:
        """Tell whether a row holds on a day; both its days are inclusive, an empty one is open."""
        first, last = self.days(row)
        return (first is None or first <= on) and (last is None or on <= last)

    def days(self, row: Row) -> tuple[date | None, date | None]:
        """Give the first and the last day of a row; None where it is open, or the table has no dates."""
        return parse_date(row.cells.get(self.start, "")), parse_date(row.cells.get(self.end, ""))


@dataclass(frozen=True, slots=True)
class _Shape:
    """
    How a table's rows are told apart.

    Attributes:
        under: the only key of a YAML file, below which its list stands; '' for a CSV file.
    """

    key: tuple[str, ...]
    start: str = ""
    end: str = ""
    under: str = ""


_SHAPES: Mapping[str, _Shape] = {
    "permits": _Shape(
        ("tariff", "statistical_code", "direction", "agency", "effective_from"),
        "effective_from",
        "effective_until",
    ),
    "routes": _Shape(("id",), "from", "until", "routes"),
    "agencies": _Shape(("code",), "valid_from", "valid_to", "agencies"),
    "parties": _Shape(("id",), under="parties"),
}
_CODE_LIST = _Shape(("code", "valid_from"), "valid_from", "valid_to")


def read_rows(table: Table) -> Rows:
    """
    Read the rows of a table that its loader has taken.

    Raises:
        ConfigError: it is no text, no CSV, or no YAML.
    """
    if table.name == "window":
        return _window(table)
    shape = _CODE_LIST if table.is_code_list else _SHAPES[table.name]
    found = list(_entries(table, shape.under) if shape.under else _csv_rows(table))
    columns = list(dict.fromkeys(column for cells, _ in found for column in cells))
    rows = tuple(
        Row(tuple(cells.get(each, "") for each in shape.key), {k: v for k, v in cells.items() if v}, line)
        for cells, line in found
    )
    return Rows(tuple(columns), shape.start, shape.end, rows)


def _csv_rows(table: Table) -> Iterator[tuple[dict[str, str], int]]:
    reader = csv.reader(io.StringIO(read_text(table.file), newline=""), strict=True)
    try:
        header = next(reader, [])
        for cells in filter(None, reader):
            yield dict(zip(header, cells, strict=False)), reader.line_num
    except csv.Error as error:
        raise ConfigError(f"{table.file} line {reader.line_num}: not CSV: {error}") from error


def _entries(table: Table, under: str) -> Iterator[tuple[dict[str, str], int]]:
    root = _compose(table)
    found = _values(root).get(under)
    for node in found.value if isinstance(found, yaml.SequenceNode) else ():
        cells = {name: _text(value) for name, value in _values(node).items()}
        yield cells, node.start_mark.line + 1


def _window(table: Table) -> Rows:
    rows = tuple(
        Row((name,), {"name": name, "value": _text(node)}, node.start_mark.line + 1)
        for name, node in _values(_compose(table)).items()
    )
    return Rows(("name", "value"), "", "", rows)


def _compose(table: Table) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(read_text(table.file), Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{table.file}: not YAML: {' '.join(str(error).split())}") from error
    return root


def _values(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {str(key.value): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _text(node: yaml.Node) -> str:
    plain = _plain(node)
    if isinstance(plain, str):
        return plain
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()


def _plain(node: yaml.Node) -> object:
    """Give a node with every scalar as written: NO is Norway."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each) for each in node.value]
    return str(node.value)
