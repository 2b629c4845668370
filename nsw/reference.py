"""
The reference snapshot: everything a decision is made from, immutable, named by a hash of its contents.

The hash is written into every event, so that an old declaration can be judged again by the tables of its day.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from nsw.codelists import CodeLists, load_code_lists, merge
from nsw.errors import ConfigError
from nsw.formats.xml import XmlLimits
from nsw.identifiers import PartyId
from nsw.messagetypes import Catalogue, MessageType
from nsw.model import Kind
from nsw.routing import Party, RoutingTables, load_parties, load_routing_tables
from nsw.typefolders import load_catalogue

_T = TypeVar("_T")
_CODES_FOLDER = "codes"
_HASH_CHARACTERS = 16


class _Names(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str
    th: str


class _WindowFile(BaseModel):
    """The shape of ``window.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: _Names
    source: str
    time_zone: str
    country: str


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
class Reference:
    """
    One immutable snapshot.

    Attributes:
        version: first 16 hex digits of the SHA-256 of all files it was read from.
        acknowledgement: our message type of answers to accepted declarations; rejection: to refused ones.
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


def load_reference(
    schema_folders: Iterable[Path],
    reference_folder: Path,
    variables: Mapping[str, str],
    limits: Limits | None = None,
) -> Reference:
    """
    Read a snapshot.

    Args:
        schema_folders: folders of message types; code lists lie in folders named ``codes`` below them.
        reference_folder: has ``window``, ``agencies``, ``routes`` and ``parties`` (.yaml), and ``permits.csv``.
        variables: values for ``${NAME}`` in ``type.yaml`` files.

    Raises:
        ConfigError: every problem of every file.
    """
    folders = list(schema_folders)
    problems: list[str] = []

    def attempt(load: Callable[[], _T]) -> _T | None:
        try:
            return load()
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    window = attempt(lambda: _load_window(reference_folder / "window.yaml"))
    catalogue = attempt(lambda: load_catalogue(folders, variables))
    code_lists = attempt(lambda: _load_all_codes(folders))
    tables = attempt(lambda: load_routing_tables(reference_folder))
    parties = attempt(lambda: load_parties(reference_folder / "parties.yaml"))
    if window is None or catalogue is None or code_lists is None or tables is None or parties is None:
        raise ConfigError(*problems)
    acknowledgement = attempt(lambda: catalogue.of_kind(Kind.ACKNOWLEDGEMENT))
    rejection = attempt(lambda: catalogue.of_kind(Kind.REJECTION))
    problems.extend(_unknown_fields(catalogue, tables))
    problems.extend(_unknown_lists(catalogue, code_lists))
    if acknowledgement is None or rejection is None or problems:
        raise ConfigError(*problems)
    return Reference(
        version=_content_hash(folders, reference_folder),
        window=window,
        catalogue=catalogue,
        code_lists=code_lists,
        tables=tables,
        parties=parties,
        acknowledgement=acknowledgement,
        rejection=rejection,
        limits=limits or Limits(),
    )


def _load_window(path: Path) -> Window:
    try:
        read = _WindowFile.model_validate(yaml.safe_load(path.read_text("utf-8")))
        return Window(read.name.en, read.name.th, read.source, ZoneInfo(read.time_zone))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ZoneInfoNotFoundError) as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        raise ConfigError(
            *(f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        ) from error


def _load_all_codes(folders: Iterable[Path]) -> CodeLists:
    found = sorted(
        {path.parent for folder in folders for path in folder.rglob(f"{_CODES_FOLDER}/lists.yaml")}
    )
    return merge(*(load_code_lists(each) for each in found))


def _unknown_fields(catalogue: Catalogue, tables: RoutingTables) -> Iterable[str]:
    known = frozenset().union(*(each.canonical_names for each in catalogue.types))
    for name in sorted(tables.routes.fields_named() - known - {"message_type", "direction"}):
        yield f"{tables.routes.name}: no message type has the field {name}"


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
                yield f"{message_type.folder}: the rules ask for {what}, which no folder named {_CODES_FOLDER} has"


def _content_hash(folders: Iterable[Path], reference_folder: Path) -> str:
    digest = hashlib.sha256()
    for place, folder in enumerate([*folders, reference_folder]):
        for path in sorted(
            each for each in folder.rglob("*") if each.is_file() and "samples" not in each.parts
        ):
            content = path.read_bytes()
            digest.update(f"{place}/{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:_HASH_CHARACTERS]
