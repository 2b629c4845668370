"""``type.yaml`` as it is written, for checks that go on where the loader gives up, and with its lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import yaml

from nsw.typefile import Places, lines_of
from nsw.typefolders import allowed_folders

__all__ = ["WrittenType", "read_written_type"]


@dataclass(frozen=True, slots=True)
class WrittenType:
    """
    What a ``type.yaml`` says, as far as it can be read.

    Attributes:
        schema: path of the XSD; None when it isn't said, or with an unknown variable.
        sets: folders that variables in *schema* name, and the shared sets.
        avro_schema: path of the Avro schema; None without one.
        fields: canonical fields of the document; *item_fields* of its goods items.
        lines: line of each entry by its path, as ``fields.reference_number``.
    """

    path: Path
    root: str = ""
    namespaces: Mapping[str, str] = field(default_factory=dict)
    schema: Path | None = None
    sets: tuple[Path, ...] = ()
    avro_schema: Path | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    item_path: str | None = None
    item_fields: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def line(self, entry: str) -> int | None:
        """Give the line of an entry, or of what it would stand in."""
        return Places(self.path, self.lines).line(entry)


def read_written_type(path: Path, variables: Mapping[str, str]) -> WrittenType:
    """Read what can be read; problems are for the loader to tell."""
    try:
        text = path.read_text("utf-8")
        node, raw = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return WrittenType(path)
    lines = dict(lines_of(node))
    top = _mapping(raw)
    items, avro = _mapping(top.get("items")), _mapping(top.get("avro"))
    schema = _schema(path, top.get("schema"), variables)
    shared = top.get("shared")
    names = [str(each) for each in shared] if isinstance(shared, list) else []
    sets = tuple(allowed_folders(str(top.get("schema", "")), names, path.parent, variables))
    return WrittenType(
        path,
        str(top.get("root", "")),
        _texts(top.get("namespaces")),
        schema,
        sets,
        path.parent / str(avro["schema"]) if "schema" in avro else None,
        _texts(top.get("fields")),
        str(items["path"]) if "path" in items else None,
        _texts(items.get("fields")),
        lines,
    )


def _schema(path: Path, written: object, variables: Mapping[str, str]) -> Path | None:
    try:
        return path.parent / Template(written).substitute(variables) if isinstance(written, str) else None
    except (KeyError, ValueError):
        return None


def _mapping(value: object) -> dict[str, object]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _texts(value: object) -> dict[str, str]:
    return {key: each for key, each in _mapping(value).items() if isinstance(each, str)}
