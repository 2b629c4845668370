"""
The reference snapshot: everything a decision is made from, immutable, named by a hash of its contents.

It has two parts. *Message types* come from folders and change with a deployment; *tables* are master data and change
while the window runs (``nsw.masterdata``). The names of both are written into every event, so that an old declaration
can be judged again by the tables of its day.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nsw.codelists import CodeList, CodeLists
from nsw.errors import ConfigError
from nsw.formats.xml import XmlLimits
from nsw.identifiers import PartyId
from nsw.masterdata import FILES, TableSet
from nsw.masterdata.folder import CODES_FOLDER, collect_tables
from nsw.messagetypes import Catalogue, MessageType
from nsw.model import Kind
from nsw.routing import Party, RoutingTables, load_parties, read_routing_tables
from nsw.routing.yamlfile import YamlFile
from nsw.schemaids import load_schema_ids, with_registry_ids
from nsw.textfile import TextFile
from nsw.typefolders import load_catalogue

_T = TypeVar("_T")
_HASH_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Window:
    """
    Who this window is.

    Attributes:
        source: URN that names it in CloudEvents.
        time_zone: its legal time; decides the lodging date.
    """

    name_en: str
    name_th: str
    source: str
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What one document may cost.

    Attributes:
        max_findings: findings listed; the rest is counted.
    """

    xml: XmlLimits = field(default_factory=XmlLimits)
    max_findings: int = 500


@dataclass(frozen=True)
class MessageTypes:
    """
    The part of a snapshot that changes with a deployment only.

    Attributes:
        version: first 16 hex digits of the SHA-256 of all files of the folders but samples and code lists, and of
            the files elsewhere that the types name.
    """

    catalogue: Catalogue
    version: str


@dataclass(frozen=True)
class Reference:
    """
    One immutable snapshot.

    Attributes:
        version: the versions of message types and of tables, joined by a dash; stands in every event.
        acknowledgement: our message type of answers to accepted declarations; rejection: to refused ones.
        table_set: what *code_lists*, *tables*, *parties* and *window* were read from.
    """

    version: str
    window: Window
    catalogue: Catalogue
    code_lists: CodeLists
    tables: RoutingTables
    parties: Mapping[PartyId, Party]
    acknowledgement: MessageType
    rejection: MessageType
    limits: Limits = field(default_factory=Limits)
    table_set: TableSet = field(default_factory=lambda: TableSet({}), repr=False)

    @property
    def types(self) -> MessageTypes:
        """The message types, to make a snapshot of them and other tables."""
        return MessageTypes(self.catalogue, self.version.partition("-")[0])


def tables_version_of(version: str) -> str:
    """Give the version of the set of tables out of an event's version; that of a set is itself."""
    return version.rpartition("-")[2]


def load_reference(
    schema_folders: Iterable[Path],
    reference_folder: Path,
    variables: Mapping[str, str],
    limits: Limits | None = None,
    schema_ids: Path | None = None,
) -> Reference:
    """
    Read a snapshot from folders.

    Args:
        schema_folders: folders of message types; code lists lie in folders named ``codes`` below them.
        reference_folder: has ``window``, ``agencies``, ``routes`` and ``parties`` (.yaml), and ``permits.csv``.
        variables: values for ``${NAME}`` in ``type.yaml`` files.
        schema_ids: file of the ids that a schema registry gave; None when there is none.

    Raises:
        ConfigError: every problem of every file.
    """
    folders = list(schema_folders)
    problems: list[str] = []
    types = _attempt(problems, lambda: load_types(folders, variables, schema_ids))
    tables = collect_tables(folders, reference_folder, problems)
    return _build(types, tables, limits, problems)


def load_types(
    schema_folders: Iterable[Path], variables: Mapping[str, str], schema_ids: Path | None = None
) -> MessageTypes:
    """
    Read the message types of folders.

    Args:
        schema_ids: file of the ids that a schema registry gave; None when there is none.

    Raises:
        ConfigError: every problem of every file.
    """
    folders = list(schema_folders)
    catalogue = load_catalogue(folders, variables)
    if schema_ids is not None:
        catalogue = with_registry_ids(catalogue, load_schema_ids(schema_ids))
    return MessageTypes(catalogue, _hash_of_types(folders, catalogue, schema_ids))


def build_reference(types: MessageTypes, tables: TableSet, limits: Limits | None = None) -> Reference:
    """
    Make a snapshot of message types and a set of tables, wherever that was kept.

    The same types and tables give the same snapshot, with the same version.

    Raises:
        ConfigError: every problem of every table, alone and against the others and the types.
    """
    missing = [f"the set of tables has no table {name!r}" for name in FILES if name not in tables.tables]
    return _build(types, tables, limits, missing)


def _build(
    types: MessageTypes | None, tables: TableSet, limits: Limits | None, problems: list[str]
) -> Reference:
    """Check everything that can be checked, then refuse it with all problems, those given before too."""
    files = {name: tables.tables[name].file for name in FILES if name in tables.tables}

    def with_files(load: Callable[..., _T], *names: str) -> _T | None:
        if not files.keys() >= set(names):
            return None
        return _attempt(problems, lambda: load(*(files[name] for name in names)))

    window = with_files(load_window, "window")
    code_lists = _load_code_lists(tables, problems)
    routing = with_files(read_routing_tables, "permits", "routes", "agencies")
    parties = with_files(load_parties, "parties")
    if types is None or window is None or routing is None or parties is None:
        raise ConfigError(*problems)
    acknowledgement = _attempt(problems, lambda: types.catalogue.of_kind(Kind.ACKNOWLEDGEMENT))
    rejection = _attempt(problems, lambda: types.catalogue.of_kind(Kind.REJECTION))
    problems += _unknown_fields(types.catalogue, routing)
    if len(code_lists.lists) == len(tables.code_lists()):
        # Beside a list that can't be read, what it lacks would only confuse.
        problems += _unknown_lists(types.catalogue, code_lists)
    if acknowledgement is None or rejection is None or problems:
        raise ConfigError(*problems)
    return Reference(
        version=f"{types.version}-{tables.version}",
        window=window,
        catalogue=types.catalogue,
        code_lists=code_lists,
        tables=routing,
        parties=parties,
        acknowledgement=acknowledgement,
        rejection=rejection,
        limits=limits or Limits(),
        table_set=tables,
    )


def _attempt(problems: list[str], load: Callable[[], _T]) -> _T | None:
    try:
        return load()
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def load_window(file: TextFile) -> Window:
    """
    Read ``window.yaml``.

    Raises:
        ConfigError: every problem, with its line.
    """
    read = YamlFile(file)
    entries = read.entries(read.root(), "the file", ("name", "source", "time_zone", "country"))
    name_en, name_th = read.names(entries.get("name"), "name")
    source = read.text(entries.get("source"), "source")
    zone = read.text(entries.get("time_zone"), "time_zone")
    read.text(entries.get("country"), "country")
    time_zone = ZoneInfo("UTC")
    try:
        time_zone = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        read.report(
            entries["time_zone"], f"time_zone: {zone!r} is not known; one like Asia/Bangkok is expected"
        )
    read.finish()
    return Window(name_en, name_th, source, time_zone)


def _load_code_lists(tables: TableSet, problems: list[str]) -> CodeLists:
    lists: dict[str, CodeList] = {}
    for table in tables.code_lists():
        found = _attempt(problems, table.code_list)
        if found is not None:
            lists[found.name] = found
    return CodeLists(lists)


def _unknown_fields(catalogue: Catalogue, tables: RoutingTables) -> Iterable[str]:
    known = frozenset().union(*(each.canonical_names for each in catalogue.types))
    for route in tables.routes.rows:
        for name in sorted(route.fields_named() - known):
            yield f"{tables.routes.name} line {route.line}: no message type has the field {name}"


def _unknown_lists(catalogue: Catalogue, code_lists: CodeLists) -> Iterable[str]:
    """Say which code lists and columns rules ask for in vain: they would be missed only while judging."""
    for message_type in catalogue.types:
        for name, column in sorted(message_type.lists_used, key=str):
            found = code_lists.lists.get(name)
            what = (
                f"the code list {name!r}"
                if found is None
                else f"the column {column!r} of the code list {name!r}"
            )
            if found is None or (column is not None and column not in found.columns):
                yield f"{message_type.folder}: the rules ask for {what}, which the tables do not have"


def _hash_of_types(folders: Sequence[Path], catalogue: Catalogue, schema_ids: Path | None) -> str:
    digest = hashlib.sha256(schema_ids.read_bytes() if schema_ids else b"")
    left_out = {"samples", CODES_FOLDER}
    inside = [folder.resolve() for folder in folders]
    for each in sorted(catalogue.types, key=lambda each: (each.name, each.version)):
        # Shared sets and those of variables: named by whose they are, since they may lie anywhere.
        outside = (path for path in each.files if not any(path.is_relative_to(top) for top in inside))
        for place, path in enumerate(outside):
            content = path.read_bytes()
            digest.update(f"{each.name}/{each.version}/{place}\0{len(content)}\0".encode())
            digest.update(content)
    for place, folder in enumerate(folders):
        files = (each for each in folder.rglob("*") if each.is_file())
        for path in sorted(each for each in files if left_out.isdisjoint(each.relative_to(folder).parts)):
            content = path.read_bytes()
            digest.update(f"{place}/{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:_HASH_CHARACTERS]
