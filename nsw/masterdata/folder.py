"""Sets of tables in folders: the codes folders below the message types, and the reference folder."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from nsw.codelists import INDEX, read_index
from nsw.errors import ConfigError
from nsw.masterdata.tables import CODES, FILES, Description, Table, TableSet
from nsw.textfile import read_text

CODES_FOLDER = "codes"
#: The file of the reference folder that says whose its tables are; it may be missing.
DESCRIPTIONS = "tables.yaml"
_HIDDEN = ".new"


class _Descriptions(BaseModel):
    """The shape of ``tables.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    tables: dict[str, Description]


def read_tables(schema_folders: Iterable[Path], reference_folder: Path) -> TableSet:
    """
    Read all tables as they are, without looking into them.

    Args:
        schema_folders: code lists lie in folders named ``codes`` below them.
        reference_folder: has the files of `FILES`, and perhaps ``tables.yaml`` with their descriptions.

    Raises:
        ConfigError: every file that can't be read, and every problem of descriptions.
    """
    problems: list[str] = []
    tables = collect_tables(schema_folders, reference_folder, problems)
    if problems:
        raise ConfigError(*problems)
    return tables


def collect_tables(schema_folders: Iterable[Path], reference_folder: Path, problems: list[str]) -> TableSet:
    """
    Read the tables that can be read, as ``read_tables`` does.

    Args:
        problems: gets every problem; what it concerns is left out.
    """
    codes = _code_tables(schema_folders, problems)
    return TableSet.of([*codes, *_window_tables(reference_folder, problems)])


def read_some_tables(folder: Path) -> TableSet:
    """
    Read the tables that a folder has, whichever they are: files of `FILES` in it, and code lists at any depth.

    Raises:
        ConfigError: every file that can't be read, and every problem of descriptions.
    """
    problems: list[str] = []
    codes = _code_tables([folder], problems)
    about = _read_descriptions(folder / DESCRIPTIONS, problems)
    there = {name: folder / file for name, file in FILES.items() if (folder / file).exists()}
    contents = {name: _read(path, problems) for name, path in there.items()}
    tables = [
        Table(name, content, about.get(name, {}), str(there[name]))
        for name, content in contents.items()
        if content is not None
    ]
    if problems:
        raise ConfigError(*problems)
    return TableSet.of([*codes, *tables])


def _code_tables(schema_folders: Iterable[Path], problems: list[str]) -> list[Table]:
    found: dict[str, Table] = {}
    folders = {
        path.parent.resolve(): path.parent
        for each in schema_folders
        for path in each.rglob(f"{CODES_FOLDER}/{INDEX}")
    }
    for full in sorted(folders):
        folder = folders[full]
        for entry in read_index(folder, problems):
            path = folder / entry.file
            content = _read(path, problems)
            if content is None:
                continue
            table = Table(CODES + entry.name, content, entry.model_dump(mode="json"), str(path))
            first = found.setdefault(table.name, table)
            if first is not table:
                problems.append(f"{path}: the list {entry.name!r} is also in {first.place}")
    return list(found.values())


def _window_tables(folder: Path, problems: list[str]) -> list[Table]:
    about = _read_descriptions(folder / DESCRIPTIONS, problems)
    contents = {name: _read(folder / file, problems) for name, file in FILES.items()}
    return [
        Table(name, content, about.get(name, {}), str(folder / FILES[name]))
        for name, content in contents.items()
        if content is not None
    ]


def _read_descriptions(path: Path, problems: list[str]) -> Mapping[str, dict[str, object]]:
    if not path.exists():
        return {}
    try:
        read = _Descriptions.model_validate(yaml.safe_load(read_text(path)))
    except ConfigError as error:
        problems += error.problems
    except yaml.YAMLError as error:
        problems.append(f"{path}: not YAML: {' '.join(str(error).split())}")
    except ValidationError as error:
        problems += (f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    else:
        problems += (
            f"{path}: tables.{name}: known are {', '.join(FILES)}"
            for name in read.tables.keys() - FILES.keys()
        )
        return {name: each.model_dump(mode="json") for name, each in read.tables.items()}
    return {}


def _read(path: Path, problems: list[str]) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        problems.append(f"{path}: can't be read: {error.strerror}")
        return None


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """
    Write files so that each is either the old one or the new one, even if the machine stops.

    All are written beside their places before the first one takes its place.
    """
    for path, content in contents.items():
        with _beside(path).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    for path in contents:
        _beside(path).replace(path)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}{_HIDDEN}")


def write_tables(tables: TableSet, folder: Path) -> list[Path]:
    """
    Write a set into a folder that ``read_tables`` reads again, as schema folder and as reference folder.

    Returns:
        The files, in order; those that were there are replaced.
    """
    codes = folder / CODES_FOLDER
    codes.mkdir(parents=True, exist_ok=True)
    contents: dict[Path, bytes] = {}
    entries: list[object] = []
    described: dict[str, object] = {}
    for table in tables.tables.values():
        if table.is_code_list:
            contents[codes / table.file_name] = table.content
            entries.append(dict(table.about))
        else:
            contents[folder / table.file_name] = table.content
            described[table.name] = dict(table.about)
    contents[codes / INDEX] = _yaml({"lists": entries})
    contents[folder / DESCRIPTIONS] = _yaml({"tables": described})
    replace_files(contents)
    return sorted(contents)


def _yaml(value: object) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True, sort_keys=False).encode()
