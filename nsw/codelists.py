"""
Code lists with dates: which codes a list held on a day, and what its columns say of them.

Knows the layout of a folder of lists (``lists.yaml`` and one CSV file a list); knows no document and no rule.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nsw.errors import ConfigError
from nsw.textfile import TextFile

__all__ = [
    "INDEX",
    "OPERATOR",
    "CodeList",
    "CodeLists",
    "CodeRow",
    "ListEntry",
    "load_code_lists",
    "merge",
    "read_index",
    "read_list",
]

_FIXED = ("code", "name_en", "name_th", "valid_from", "valid_to")
#: Who answers for a table that names no owner.
OPERATOR = "operator of the window"
#: The file of a folder of lists that describes them.
INDEX = "lists.yaml"


class CodeRow(NamedTuple):
    """
    One row of a list.

    Attributes:
        valid_from: first day on which the code is in the list.
        valid_to: last day on which it is.
        cells: the row's text by column, those of the code and of both dates included.
    """

    valid_from: date
    valid_to: date
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeList:
    """
    One list.

    Attributes:
        title_en: what the list holds, in English; *title_th* in Thai.
        source: who publishes the codes; *licence* what may be done with them.
        origin: file that it was read from, for messages; no part of its content.
        columns: place of each column by its name.
        rows_by_code: rows of one code never overlap in time; sorted by their first day.
    """

    name: str
    title_en: str
    title_th: str
    source: str
    licence: str
    columns: Mapping[str, int] = field(repr=False)
    rows_by_code: Mapping[str, tuple[CodeRow, ...]] = field(repr=False)
    origin: str = field(default="", compare=False)

    def find(self, code: str, on: date) -> CodeRow | None:
        """Give the row of *code* that is valid on that day."""
        for row in self.rows_by_code.get(code, ()):
            if row.valid_from <= on <= row.valid_to:
                return row
        return None


@dataclass(frozen=True, slots=True)
class CodeLists:
    """All lists of a window, never changed once made."""

    lists: Mapping[str, CodeList] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all lists, sorted."""
        return tuple(sorted(self.lists))

    @property
    def content(self) -> bytes:
        """What a digest of the lists is taken from: equal for equal names, columns, rows, however filed."""
        return repr([(name, self._content_of(name)) for name in self.names]).encode()

    def contains(self, list_name: str, code: str, on: date) -> bool:
        """
        Tell whether a list holds *code* on a day.

        Raises:
            KeyError: there is no such list.
        """
        return self.lists[list_name].find(code, on) is not None

    def value(self, list_name: str, code: str, column: str, on: date) -> str | None:
        """
        Give what a column says of *code* on a day.

        Returns:
            '' for an empty cell; None when the list does not hold the code on that day.

        Raises:
            KeyError: there is no such list, or it has no such column.
        """
        code_list = self.lists[list_name]
        place = code_list.columns[column]
        row = code_list.find(code, on)
        return None if row is None else row.cells[place]

    def _content_of(self, name: str) -> tuple[list[str], list[tuple[str, ...]]]:
        code_list = self.lists[name]
        rows = (row.cells for rows in code_list.rows_by_code.values() for row in rows)
        return list(code_list.columns), sorted(rows)


def merge(*parts: CodeLists) -> CodeLists:
    """
    Join the lists of several folders.

    Raises:
        ConfigError: a name stands in two of them.
    """
    lists: dict[str, CodeList] = {}
    problems = []
    for code_list in (each for part in parts for each in part.lists.values()):
        first = lists.setdefault(code_list.name, code_list)
        if first is not code_list:
            problems.append(f"{code_list.origin}: the list {code_list.name!r} is also in {first.origin}")
    if problems:
        raise ConfigError(*problems)
    return CodeLists(lists)


def load_code_lists(folder: Path) -> CodeLists:
    """
    Read a folder of code lists.

    Args:
        folder: holds ``lists.yaml`` and the CSV files it names. A file has the header
            ``code,name_en,name_th,valid_from,valid_to`` and the further columns of its entry, in that order;
            days are ISO dates, both inclusive; an empty one is open. Rows of one code must not overlap.

    Raises:
        ConfigError: every problem of every file, with its line.
    """
    problems: list[str] = []
    lists: dict[str, CodeList] = {}
    for entry in read_index(folder, problems):
        try:
            lists[entry.name] = read_list(folder / entry.file, entry)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return CodeLists(lists)


def read_index(folder: Path, problems: list[str]) -> list["ListEntry"]:
    """
    Read what ``lists.yaml`` says of the lists of a folder, without the lists.

    Args:
        problems: gets each problem of the index, with its line, and each file that it does not name.
    """
    found: dict[str, ListEntry] = {}
    files: set[str] = set()
    faults: list[str] = []
    for line, entry in _read_entries(folder / INDEX, faults):
        if entry.name in found:
            faults.append(f"{folder / INDEX}:{line}: the list {entry.name!r} is named twice")
        if entry.file in files:
            faults.append(f"{folder / INDEX}:{line}: the file {entry.file} is named twice")
        files.add(entry.file)
        found[entry.name] = entry
    if not faults:
        strays = sorted({path.name for path in folder.glob("*.csv")} - files)
        faults.extend(f"{folder / name}: {INDEX} does not name this file" for name in strays)
    problems += faults
    return list(found.values())


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Text = Annotated[str, Field(min_length=1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$")]
_Column = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class ListTitle(_Strict):
    """What a list holds, in both languages."""

    en: _Text
    th: _Text


class ListEntry(_Strict):
    """
    What ``lists.yaml`` says of one list.

    Attributes:
        made: by ``tools/make_codes.py`` or by hand.
        owner: who answers for the list in this window: its operator unless another is named.
        source: who publishes the codes.
        key: the columns whose cells, joined by a colon, are the code.
        columns: what each further column means, by its name.
    """

    name: _Name
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+\.csv$")]
    title: ListTitle
    made: Literal["tool", "hand"]
    owner: _Text = OPERATOR
    source: _Text
    licence: _Text
    key: Annotated[tuple[_Column, ...], Field(min_length=1)]
    columns: dict[_Column, _Text]
    notes: str = ""


def _read_entries(path: Path, problems: list[str]) -> Iterator[tuple[int, ListEntry]]:
    """Give each entry of ``lists.yaml`` that can be read, with its line."""
    try:
        loader = yaml.SafeLoader(path.read_text("utf-8"))
        root = loader.get_single_node()
        entries = _entry_nodes(root)
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path}: the file can't be read: {error}")
        return
    except yaml.YAMLError as error:
        problems.append(f"{path}:{_line_of_fault(error)}: no YAML: {' '.join(str(error).split())}")
        return
    except RecursionError:
        problems.append(f"{path}:1: no YAML: nested too deeply")
        return
    if entries is None:
        problems.append(f"{path}:1: a mapping with the one key 'lists', a sequence, is expected")
        return
    for node in entries:
        line = node.start_mark.line + 1
        try:
            yield line, ListEntry.model_validate(loader.construct_object(node, deep=True))
        except ValidationError as error:
            for fault in error.errors():
                where = ".".join(str(step) for step in fault["loc"])
                problems.append(f"{path}:{_line_of(node, fault['loc'])}: {where}: {fault['msg']}")
        except yaml.YAMLError as error:
            problems.append(f"{path}:{_line_of_fault(error)}: no YAML: {' '.join(str(error).split())}")


def _line_of_fault(error: yaml.YAMLError) -> int:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return mark.line + 1 if mark else 1


def _entry_nodes(root: yaml.Node | None) -> list[yaml.Node] | None:
    if not isinstance(root, yaml.MappingNode) or [key.value for key, _ in root.value] != ["lists"]:
        return None
    entries = root.value[0][1]
    return entries.value if isinstance(entries, yaml.SequenceNode) else None


def _line_of(entry: yaml.Node, place: tuple[Any, ...]) -> int:
    """Give the line of the key that *place* begins with, or the entry's own."""
    if isinstance(entry, yaml.MappingNode):
        for key, _ in entry.value:
            if place and key.value == place[0]:
                return int(key.start_mark.line) + 1
    return entry.start_mark.line + 1


def read_list(file: TextFile, entry: ListEntry) -> CodeList:
    """
    Read one list.

    Raises:
        ConfigError: every problem of the file, with its line.
    """
    columns = (*_FIXED, *entry.columns)
    reader = _Table(file, columns, entry.key)
    rows_by_code = reader.read()
    if reader.problems:
        raise ConfigError(*reader.problems)
    return CodeList(
        name=entry.name,
        title_en=entry.title.en,
        title_th=entry.title.th,
        source=entry.source,
        licence=entry.licence,
        columns={name: place for place, name in enumerate(columns)},
        rows_by_code=rows_by_code,
        origin=str(file),
    )


class _Table:
    """Reads one CSV file, and keeps what is wrong with it."""

    def __init__(self, file: TextFile, columns: tuple[str, ...], key: tuple[str, ...]) -> None:
        self.problems: list[str] = []
        self._file = file
        self._columns = columns
        self._key = key

    def read(self) -> dict[str, tuple[CodeRow, ...]]:
        """Give the rows by code; what can't be read is left out, with a problem."""
        unknown = [name for name in self._key if name not in self._columns]
        if unknown:
            self._problem(1, f"the key names columns that the list has not: {', '.join(unknown)}")
            return {}
        rows: dict[str, list[CodeRow]] = {}
        for line, cells in self._records():
            row = self._read_row(line, cells)
            if row is None:
                continue
            others = rows.setdefault(cells[0], [])
            if any(row.valid_from <= other.valid_to and other.valid_from <= row.valid_to for other in others):
                self._problem(line, f"the code {cells[0]!r} has another row for some of these days")
            others.append(row)
        return {code: tuple(sorted(found)) for code, found in rows.items()}

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Give each record after the header, with the line on which it ends."""
        text = self._text()
        if text is None:
            return
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = next(reader, [])
            if tuple(header) != self._columns:
                self._problem(1, f"the header must be {','.join(self._columns)}")
                return
            for cells in reader:
                yield reader.line_num, cells
        except csv.Error as error:
            self._problem(reader.line_num, f"no CSV: {error}")

    def _text(self) -> str | None:
        try:
            return self._file.read_bytes().decode("utf-8-sig")
        except OSError as error:
            self.problems.append(f"{self._file}: the file can't be read: {error.strerror}")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            self._problem(line, f"no UTF-8: {error.reason}")
        return None

    def _read_row(self, line: int, cells: list[str]) -> CodeRow | None:
        before = len(self.problems)
        if len(cells) != len(self._columns):
            self._problem(line, f"{len(cells)} cells stand where {len(self._columns)} are expected")
            return None
        by_name = dict(zip(self._columns, cells, strict=True))
        code = by_name["code"]
        if not code or code != code.strip():
            self._problem(line, f"the code {code!r} is empty or has white space around it")
        elif not code.isprintable():
            self._problem(line, f"the code {code!r} has characters that can't be seen")
        if code != ":".join(by_name[name] for name in self._key):
            self._problem(line, f"the code {code!r} is not its key: {':'.join(self._key)}")
        start = self._read_day(line, by_name["valid_from"], date.min)
        end = self._read_day(line, by_name["valid_to"], date.max)
        if start > end:
            self._problem(line, f"the code {code!r} ends before it begins")
        return CodeRow(start, end, tuple(cells)) if len(self.problems) == before else None

    def _read_day(self, line: int, text: str, when_open: date) -> date:
        if not text:
            return when_open
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self._problem(line, f"{text!r} is no date of the form 2026-01-31")
        return when_open

    def _problem(self, line: int, sentence: str) -> None:
        self.problems.append(f"{self._file}:{line}: {sentence}")
