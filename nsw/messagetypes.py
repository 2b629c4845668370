"""
The catalogue of message types, loaded from folders once and then read-only.

A message type is a folder ``<type>/<version>/`` with ``type.yaml``, an XSD, and optionally rules and an Avro
schema. This module knows how such a folder is written; what a document of the type must fulfil is in the folder.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from string import Template
from typing import Annotated, Literal, TypeVar

import xmlschema
import yaml
from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nsw.errors import Code, ConfigError, MessageError
from nsw.formats.avro import AvroMapping, load_mapping
from nsw.model import CanonicalFields, Item, Kind
from nsw.rules import RuleSet, load_rule_set

T = TypeVar("T")
TYPE_FILE = "type.yaml"
_XPATH_NAME = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Title(_Strict):
    en: str
    th: str


class _Avro(_Strict):
    schema_file: str = Field(alias="schema")
    id: int = Field(ge=0, lt=2**31)


class _Effective(_Strict):
    from_: date = Field(alias="from")
    until: date | None = None


class _Items(_Strict):
    path: str
    fields: dict[_XPATH_NAME, str]


class _TypeFile(_Strict):
    """The shape of ``type.yaml``."""

    message_type: str = Field(pattern=r"^[a-z][a-z0-9.-]*$")
    version: str
    kind: Kind
    title: _Title
    direction: Literal["import", "export", "transit", "none"] = "none"
    root: str = Field(pattern=r"^\{[^}]*\}[^{}]+$")
    namespaces: dict[str, str] = {}
    schema_file: str = Field(alias="schema")
    rules: str | None = None
    avro: _Avro | None = None
    effective: _Effective
    signature: Literal["none"] = "none"
    fields: dict[_XPATH_NAME, str] = {}
    items: _Items | None = None
    source: str = ""


@dataclass(frozen=True)
class FieldPaths:
    """Compiled XPaths of a type's canonical fields; evaluates to text, '' where a field is absent."""

    fields: Mapping[str, etree.XPath]
    item_path: etree.XPath | None
    item_fields: Mapping[str, etree.XPath]

    def read(self, root: etree._Element) -> CanonicalFields:
        """Take the canonical fields out of a document."""
        items: tuple[Item, ...] = ()
        if self.item_path is not None:
            found = self.item_path(root)
            nodes = found if isinstance(found, list) else []
            items = tuple(
                Item(number, _texts(self.item_fields, node))
                for number, node in enumerate(nodes, start=1)
                if isinstance(node, etree._Element)
            )
        return CanonicalFields(_texts(self.fields, root), items)


def _texts(paths: Mapping[str, etree.XPath], node: etree._Element) -> dict[str, str]:
    texts = ((name, str(path(node)).strip()) for name, path in paths.items())
    return {name: text for name, text in texts if text}


@dataclass(frozen=True)
class MessageType:
    """
    One version of one message type.

    Attributes:
        root: ``{namespace}name`` of the document's root element.
        effective_from: first lodging date on which this version is in force.
        effective_until: last such date, or None.
        avro_id: schema id in the Confluent wire format, or None.
    """

    name: str
    version: str
    kind: Kind
    title_en: str
    title_th: str
    direction: str
    root: str
    effective_from: date
    effective_until: date | None
    schema: etree.XMLSchema = field(repr=False)
    schema_path: Path = field(repr=False)
    rules: RuleSet | None = field(repr=False)
    avro: AvroMapping | None = field(repr=False)
    avro_id: int | None
    paths: FieldPaths = field(repr=False)
    folder: Path
    source: str = ""

    def is_in_force(self, on: date) -> bool:
        """Tell whether this version applies to what is lodged on a date."""
        return self.effective_from <= on and (self.effective_until is None or on <= self.effective_until)

    @property
    def canonical_names(self) -> frozenset[str]:
        """Names of all canonical fields of the document and of its items."""
        return frozenset(self.paths.fields) | frozenset(self.paths.item_fields)

    @cached_property
    def full_schema(self) -> xmlschema.XMLSchema10 | xmlschema.XMLSchema11:
        """The same XSD for the pass that finds every fault; built at first use, or by ``Catalogue.warm``."""
        schema = xmlschema.XMLSchema(str(self.schema_path), allow="local")
        if self.root in schema.maps.elements:
            return schema
        # An XSD that says vc:minVersion="1.1" is empty for version 1.0; libxml2 does not heed that.
        return xmlschema.XMLSchema11(str(self.schema_path), allow="local")


@dataclass(frozen=True)
class Catalogue:
    """All message types, found by root element or by Avro schema id."""

    types: tuple[MessageType, ...]

    @cached_property
    def _by_root(self) -> dict[str, tuple[MessageType, ...]]:
        by_root: dict[str, tuple[MessageType, ...]] = {}
        for message_type in self.types:
            by_root[message_type.root] = (*by_root.get(message_type.root, ()), message_type)
        return by_root

    @cached_property
    def _by_schema_id(self) -> dict[int, MessageType]:
        return {each.avro_id: each for each in self.types if each.avro_id is not None}

    def of_root(self, root: str, on: date) -> MessageType:
        """
        Find the type of a root element that is in force on a date.

        Raises:
            MessageError: NSW-1010 unknown root, NSW-1011 known in another namespace, NSW-1015 not in force.
        """
        versions = self._by_root.get(root, ())
        for message_type in versions:
            if message_type.is_in_force(on):
                return message_type
        if versions:
            raise MessageError(Code.VERSION_NOT_IN_FORCE, f"{versions[0].name} on {on}")
        namespaces = self._namespaces_of(root.rpartition("}")[2])
        if namespaces:
            raise MessageError(Code.WRONG_NAMESPACE, f"{root[:200]} is known as {', '.join(namespaces)}")
        raise MessageError(Code.UNKNOWN_ROOT, root[:200])

    def of_schema_id(self, schema_id: int, on: date) -> MessageType:
        """
        Find the type of an Avro schema id.

        Raises:
            MessageError: NSW-1012 unknown id, NSW-1015 not in force.
        """
        message_type = self._by_schema_id.get(schema_id)
        if message_type is None:
            raise MessageError(Code.UNKNOWN_SCHEMA_ID, str(schema_id))
        if not message_type.is_in_force(on):
            raise MessageError(
                Code.VERSION_NOT_IN_FORCE, f"{message_type.name} {message_type.version} on {on}"
            )
        return message_type

    def of_kind(self, kind: Kind) -> MessageType:
        """
        Give the newest type of one of our own kinds (acknowledgement, rejection).

        Raises:
            ConfigError: there is none.
        """
        found = [each for each in self.types if each.kind is kind]
        if not found:
            raise ConfigError(f"no message type of kind {kind} is loaded")
        return max(found, key=lambda each: each.effective_from)

    def warm(self) -> None:
        """Build what is otherwise built at first use, so that no declaration waits for it."""
        for message_type in self.types:
            _ = message_type.full_schema

    def _namespaces_of(self, local_name: str) -> list[str]:
        return sorted(root for root in self._by_root if root.rpartition("}")[2] == local_name)


def load_catalogue(folders: list[Path], variables: Mapping[str, str]) -> Catalogue:
    """
    Load every message type below some folders.

    Args:
        folders: each is searched for ``type.yaml`` at any depth.
        variables: values for ``${NAME}`` in the ``schema`` entry of a ``type.yaml``.

    Raises:
        ConfigError: every problem of every folder.
    """
    types: list[MessageType] = []
    problems: list[str] = []
    for path in _type_files(folders, problems):
        try:
            types.append(load_message_type(path, variables))
        except ConfigError as error:
            problems.extend(error.problems)
    problems.extend(_clashes(types))
    if problems:
        raise ConfigError(*problems)
    return Catalogue(tuple(types))


def _type_files(folders: list[Path], problems: list[str]) -> Iterator[Path]:
    for folder in folders:
        found = sorted(folder.rglob(TYPE_FILE)) if folder.is_dir() else []
        if not found:
            problems.append(f"{folder}: no message type ({TYPE_FILE}) found")
        yield from found


def _clashes(types: list[MessageType]) -> Iterator[str]:
    seen_ids: dict[int, MessageType] = {}
    seen_versions: dict[tuple[str, str], MessageType] = {}
    for each in types:
        other = seen_versions.setdefault((each.name, each.version), each)
        if other is not each:
            yield f"{each.folder}: {each.name} {each.version} is also in {other.folder}"
        if each.avro_id is not None:
            other = seen_ids.setdefault(each.avro_id, each)
            if other is not each:
                yield f"{each.folder}: Avro schema id {each.avro_id} is also used in {other.folder}"
    for one, two in _pairs_of_one_root(types):
        if _overlap(one, two):
            yield f"{two.folder}: root {two.root} is in force at the same time as in {one.folder}"


def _pairs_of_one_root(types: list[MessageType]) -> Iterator[tuple[MessageType, MessageType]]:
    for place, one in enumerate(types):
        for two in types[place + 1 :]:
            if one.root == two.root:
                yield one, two


def _overlap(one: MessageType, two: MessageType) -> bool:
    return one.effective_from <= (two.effective_until or date.max) and two.effective_from <= (
        one.effective_until or date.max
    )


def load_message_type(path: Path, variables: Mapping[str, str]) -> MessageType:
    """
    Load one message type.

    Args:
        path: its ``type.yaml``.

    Raises:
        ConfigError: every problem of the folder, each with its file.
    """
    spec = _read_type_file(path)
    folder = path.parent
    problems: list[str] = []
    schema_path = _schema_path(spec, path, variables)
    schema = _collect(problems, lambda: _compile_schema(schema_path))
    rules_name, avro = spec.rules, spec.avro
    rules = _collect(problems, lambda: load_rule_set(folder / rules_name)) if rules_name else None
    mapping = _collect(problems, lambda: load_mapping(folder / avro.schema_file, avro.id)) if avro else None
    paths = _collect(problems, lambda: _compile_paths(spec, path))
    if schema is None or paths is None or problems:
        raise ConfigError(*problems)
    return MessageType(
        name=spec.message_type,
        version=spec.version,
        kind=spec.kind,
        title_en=spec.title.en,
        title_th=spec.title.th,
        direction=spec.direction,
        root=spec.root,
        effective_from=spec.effective.from_,
        effective_until=spec.effective.until,
        schema=schema,
        schema_path=schema_path,
        rules=rules,
        avro=mapping,
        avro_id=spec.avro.id if spec.avro else None,
        paths=paths,
        folder=folder,
        source=spec.source,
    )


def _collect(problems: list[str], load: Callable[[], T]) -> T | None:
    try:
        return load()
    except ConfigError as error:
        problems.extend(error.problems)
        return None


def _read_type_file(path: Path) -> _TypeFile:
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
        return _TypeFile.model_validate(raw)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from error
    except ValidationError as error:
        raise ConfigError(
            *(f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        ) from error


def _schema_path(spec: _TypeFile, path: Path, variables: Mapping[str, str]) -> Path:
    try:
        return path.parent / Template(spec.schema_file).substitute(variables)
    except KeyError as error:
        raise ConfigError(f"{path}: schema: the variable {error} is not set") from error


def _compile_schema(path: Path) -> etree.XMLSchema:
    try:
        return etree.XMLSchema(
            etree.parse(str(path), etree.XMLParser(no_network=True, resolve_entities=False))
        )
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError) as error:
        raise ConfigError(f"{path}: is no XSD that libxml2 understands: {error}") from error


def _compile_paths(spec: _TypeFile, path: Path) -> FieldPaths:
    problems: list[str] = []

    def compiled(name: str, expression: str) -> etree.XPath | None:
        try:
            return etree.XPath(expression, namespaces=spec.namespaces, smart_strings=False)
        except etree.XPathError as error:
            problems.append(f"{path}: {name}: XPath {expression!r}: {error}")
            return None

    def texts(prefix: str, fields: Mapping[str, str]) -> dict[str, etree.XPath]:
        found = {
            name: compiled(f"{prefix}.{name}", f"string({expression})") for name, expression in fields.items()
        }
        return {name: each for name, each in found.items() if each is not None}

    fields = texts("fields", spec.fields)
    item_path = compiled("items.path", spec.items.path) if spec.items else None
    item_fields = texts("items.fields", spec.items.fields) if spec.items else {}
    if problems:
        raise ConfigError(*problems)
    return FieldPaths(fields, item_path, item_fields)
