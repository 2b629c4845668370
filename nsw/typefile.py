"""How ``type.yaml`` is written: its fields, and the line on which each stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nsw.errors import ConfigError
from nsw.model import Kind

__all__ = ["TYPE_FILE", "Places", "RulesFile", "TypeFile", "lines_of", "read_type_file"]

TYPE_FILE = "type.yaml"
_MOST_DAYS = 3660
_FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_FileName = Annotated[str, Field(min_length=1)]
_Days = Annotated[int, Field(ge=0, le=_MOST_DAYS)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Title(_Strict):
    en: str
    th: str


class _Avro(_Strict):
    schema_file: _FileName = Field(alias="schema")
    id: int = Field(ge=0, lt=2**31)
    subject: str | None = None


class _Effective(_Strict):
    from_: date = Field(alias="from")
    until: date | None = None


class RulesFile(_Strict):
    """
    A rule file and when it applies; without a day it applies as long as the type does.

    Attributes:
        from_: first day; *until* last day.
    """

    file: _FileName
    from_: date | None = Field(None, alias="from")
    until: date | None = None


class _DatedBy(_Strict):
    field: _FieldName
    earliest_days: _Days
    latest_days: _Days


class _Items(_Strict):
    path: str
    fields: dict[_FieldName, str]


class TypeFile(_Strict):
    """What ``type.yaml`` may hold; docs/message-types.md tells what each field means."""

    message_type: str = Field(pattern=r"^[a-z][a-z0-9.-]*$")
    version: str
    kind: Kind
    title: _Title
    direction: Literal["import", "export", "transit", "none"] = "none"
    root: str = Field(pattern=r"^\{[^}]*\}[^{}]+$")
    namespaces: dict[str, str] = {}
    schema_file: _FileName = Field(alias="schema")
    shared: tuple[_FileName, ...] = ()
    rules: str | tuple[RulesFile, ...] | None = None
    avro: _Avro | None = None
    effective: _Effective
    dated_by: _DatedBy | None = None
    signature: Literal["none"] = "none"
    fields: dict[_FieldName, str] = {}
    items: _Items | None = None
    source: str = ""

    @property
    def rules_files(self) -> tuple[RulesFile, ...]:
        """All rule files, in the order written."""
        if isinstance(self.rules, str):
            return (RulesFile(file=self.rules),) if self.rules else ()
        return self.rules or ()


@dataclass(frozen=True, slots=True)
class Places:
    """
    Where the entries of a ``type.yaml`` stand.

    Attributes:
        lines: line of each entry by its path, as ``fields.reference_number`` or ``rules.0.file``.
    """

    path: Path
    lines: Mapping[str, int]

    def line(self, entry: str) -> int | None:
        """Give the line of an entry, or of what it would stand in."""
        while entry:
            if entry in self.lines:
                return self.lines[entry]
            entry = entry.rpartition(".")[0]
        return None

    def problem(self, entry: str, sentence: str) -> str:
        """Write a problem of an entry: file, line, entry, sentence."""
        line = self.line(entry)
        return f"{self.path}{f':{line}' if line else ''}: {entry}: {sentence}"


#: libyaml's parser in C, where PyYAML was built with it: these files are most of what is read at a start.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 50


def _read_yaml(text: str) -> tuple[yaml.Node | None, object]:
    """
    Give the nodes of a text, and its value.

    Raises:
        yaml.YAMLError: it is not YAML.
        RecursionError: nested too deeply; looked at first, as libyaml would crash where Python raises.
    """
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise RecursionError
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        return node, loader.construct_document(node) if node is not None else None
    finally:
        loader.dispose()


def read_type_file(path: Path) -> tuple[TypeFile, Places]:
    """
    Read a ``type.yaml``.

    Raises:
        ConfigError: it can't be read, or every entry that is missing, unknown, given twice or not as it should be.
    """
    try:
        text = path.read_text("utf-8")
        node, raw = _read_yaml(text)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not YAML: nested too deeply") from error
    except yaml.YAMLError as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{place}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}:1: 'key: value' lines are expected here")
    places = Places(path, dict(lines_of(node)))
    problems = [
        f"{path}:{line}: {entry}: is given twice"
        for entry, line in lines_of(node)
        if places.lines[entry] != line
    ]
    try:
        spec = TypeFile.model_validate(raw)
    except ValidationError as error:
        faults = (places.problem(".".join(map(str, each["loc"])), each["msg"]) for each in error.errors())
        raise ConfigError(*problems, *faults) from error
    if problems:
        raise ConfigError(*problems)
    return spec, places


def lines_of(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Give the path of each entry below a YAML node, with its line; what an alias stands for is told once."""
    return _lines_below(node, "", set())


def _lines_below(node: yaml.Node | None, prefix: str, seen: set[int]) -> Iterator[tuple[str, int]]:
    # An alias gives the same node again: a few lines of them would be told a milliard times, or without an end.
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            entry = f"{prefix}{key.value}"
            yield entry, key.start_mark.line + 1
            yield from _lines_below(value, f"{entry}.", seen)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            entry = f"{prefix}{place}"
            yield entry, value.start_mark.line + 1
            yield from _lines_below(value, f"{entry}.", seen)
