"""Tables and sets of tables: bytes with a description, named by the hash of both."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from nsw.codelists import OPERATOR, CodeList, ListEntry, read_list
from nsw.errors import ConfigError
from nsw.textfile import KeptFile

#: Tables that every window has, with the names of their files.
FILES: Mapping[str, str] = {
    "agencies": "agencies.yaml",
    "parties": "parties.yaml",
    "permits": "permits.csv",
    "routes": "routes.yaml",
    "window": "window.yaml",
}
#: What the names of code lists begin with.
CODES = "codes/"
_VERSION_CHARACTERS = 16


class Title(BaseModel):
    """What a table holds, in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str = ""
    th: str = ""


class Description(BaseModel):
    """What is said of a table beside its content; of a code list, its entry in ``lists.yaml`` says it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: Title = Title()
    owner: str = OPERATOR
    source: str = ""
    licence: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """
    One table as it was given.

    Attributes:
        name: ``permits``, ``codes/iso.countries`` and so on.
        content: the bytes of its file, unchanged.
        about: its description as JSON values: a `Description`, or the entry of a code list (`ListEntry`).
        place: what problems call its file; no part of its content.
    """

    name: str
    content: bytes = field(repr=False)
    about: Mapping[str, object] = field(repr=False)
    place: str = field(default="", compare=False)

    @property
    def sha256(self) -> str:
        """The content's SHA-256, lower-case hex: what ``sha256sum`` says of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def file_name(self) -> str:
        """The name of the table's file in a folder."""
        return FILES.get(self.name) or self.entry.file

    @property
    def file(self) -> KeptFile:
        """What loaders read."""
        return KeptFile(self.place or self.file_name, self.content)

    @property
    def is_code_list(self) -> bool:
        """Whether it is one of the code lists."""
        return self.name.startswith(CODES)

    @property
    def entry(self) -> ListEntry:
        """
        The description of a code list.

        Raises:
            ConfigError: every problem of the description.
        """
        try:
            return ListEntry.model_validate(self.about)
        except ValidationError as error:
            raise ConfigError(*_problems(self.name, error)) from error

    @property
    def description(self) -> Description:
        """Title, owner, source and licence of any table."""
        known = {key: value for key, value in self.about.items() if key in Description.model_fields}
        try:
            return Description.model_validate(known)
        except ValidationError as error:
            raise ConfigError(*_problems(self.name, error)) from error

    def code_list(self) -> CodeList:
        """
        Read a code list.

        Raises:
            ConfigError: every problem of its description or its rows.
        """
        entry = self.entry
        if self.name != CODES + entry.name:
            raise ConfigError(f"{self.name}: its description is that of the list {entry.name!r}")
        return read_list(self.file, entry)


def _problems(name: str, error: ValidationError) -> list[str]:
    return [
        f"{name}: its description: {'.'.join(map(str, each['loc']))}: {each['msg']}"
        for each in error.errors()
    ]


@dataclass(frozen=True)
class TableSet:
    """
    The tables of one moment, by name.

    Attributes:
        tables: never changed once made.
    """

    tables: Mapping[str, Table] = field(repr=False)

    @classmethod
    def of(cls, tables: Iterable[Table]) -> "TableSet":
        """Make a set; a later table takes the place of an earlier one of its name."""
        return cls({each.name: each for each in sorted(tables, key=lambda each: each.name)})

    @cached_property
    def version(self) -> str:
        """First 16 hex digits of a SHA-256 over names, contents and descriptions; places do not count."""
        return hash_of_manifest(self.manifest)

    @cached_property
    def manifest(self) -> dict[str, dict[str, object]]:
        """What a set is told by: of each table the hash of its content, and its description."""
        return {
            name: {"sha256": self.tables[name].sha256, "about": dict(self.tables[name].about)}
            for name in sorted(self.tables)
        }

    def with_table(self, table: Table) -> "TableSet":
        """Give the set with one table added or put in the place of the one of its name."""
        return TableSet.of([*self.tables.values(), table])

    def with_content(self, name: str, content: bytes, place: str) -> "TableSet":
        """
        Give the set with another content of a table that it has.

        Raises:
            KeyError: it has no such table.
        """
        return self.with_table(replace(self.tables[name], content=content, place=place))

    def find(self, name: str) -> Table:
        """
        Give a table by its name; the ``codes/`` of a code list may be left out.

        Raises:
            ConfigError: it has no such table.
        """
        found = self.tables.get(name) or self.tables.get(CODES + name)
        if found is None:
            raise ConfigError(f"there is no table {name}; known are {', '.join(self.tables)}")
        return found

    def differing(self, other: "TableSet") -> list[str]:
        """Name the tables whose content or description is not the same in both, sorted."""
        names = self.tables.keys() | other.tables.keys()
        mine, others = self.manifest, other.manifest
        return sorted(
            name for name in names if orjson.dumps(mine.get(name)) != orjson.dumps(others.get(name))
        )

    def code_lists(self) -> list[Table]:
        """Give the code lists."""
        return [each for each in self.tables.values() if each.is_code_list]


def hash_of_manifest(manifest: Mapping[str, object]) -> str:
    """Name a set by what it is told by."""
    # Unsorted: the order of a list's columns is part of what it is.
    return hashlib.sha256(orjson.dumps(manifest)).hexdigest()[:_VERSION_CHARACTERS]


def table_of_file(tables: TableSet, file_name: str) -> str:
    """
    Tell which table a file is of, by its name.

    Raises:
        ConfigError: no table, or more than one, has a file of that name.
    """
    found = [name for name, table in tables.tables.items() if table.file_name == file_name]
    if len(found) == 1:
        return found[0]
    hint = f"it may be {' or '.join(found)}" if found else f"known are {', '.join(tables.tables)}"
    raise ConfigError(f"{file_name}: which table is it? Name it with --table; {hint}")
