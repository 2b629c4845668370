"""``type.yaml`` as it is written, for checks that go on where the loader gives up, and with its lines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

import yaml

__all__ = ["WrittenType", "read_written_type"]


@dataclass(frozen=True, slots=True)
class WrittenType:
    """
    What a ``type.yaml`` says, as far as it can be read.

    Attributes:
        schema: path of the XSD; None when it isn't said, or with an unknown variable.
        sets: folders that variables in *schema* name.
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
        while entry:
            if entry in self.lines:
                return self.lines[entry]
            entry = entry.rpartition(".")[0]
        return None


def read_written_type(path: Path, variables: Mapping[str, str]) -> WrittenType:
    """Read what can be read; problems are for the loader to tell."""
    try:
        text = path.read_text("utf-8")
        node, raw = yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return WrittenType(path)
    lines: dict[str, int] = {}
    _note_lines(node, "", lines)
    top = _mapping(raw)
    items, avro = _mapping(top.get("items")), _mapping(top.get("avro"))
    schema, sets = _schema(path, top.get("schema"), variables)
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


def _schema(
    path: Path, written: object, variables: Mapping[str, str]
) -> tuple[Path | None, tuple[Path, ...]]:
    if not isinstance(written, str):
        return None, ()
    template = Template(written)
    try:
        found = path.parent / template.substitute(variables)
        return found, tuple(Path(variables[name]) for name in template.get_identifiers())
    except (KeyError, ValueError):
        return None, ()


def _note_lines(node: yaml.Node | None, prefix: str, lines: dict[str, int]) -> None:
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        entry = f"{prefix}{key.value}"
        lines[entry] = key.start_mark.line + 1
        _note_lines(value, f"{entry}.", lines)


def _mapping(value: object) -> dict[str, object]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _texts(value: object) -> dict[str, str]:
    return {key: each for key, each in _mapping(value).items() if isinstance(each, str)}
