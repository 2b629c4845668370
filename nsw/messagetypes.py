"""
The catalogue of message types, loaded from folders once and then read-only.

A message type is a folder ``<type>/<version>/`` with ``type.yaml``, an XSD, and optionally rules and an Avro
schema. What a document of the type must fulfil is in the folder.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import xmlschema
from lxml import etree

from nsw.errors import Code, ConfigError, MessageError
from nsw.formats.avro import AvroMapping
from nsw.model import CanonicalFields, Item, Kind
from nsw.rules import RuleEntry, RuleSet

T = TypeVar("T")
_ONE_DAY = timedelta(days=1)


#: Gives the text of the first node that a path finds below an element, without surrounding white space.
TextReader = Callable[[etree._Element], str]


def read_text_by(path: etree.XPath) -> TextReader:
    """Read by a compiled ``string(...)``."""
    return lambda node: str(path(node)).strip()


def read_text_of_child(*names: str) -> TextReader:
    """Read by the names of a child, or of a child and of its child: a third of the time that an XPath takes."""
    *parents, name = names

    def read(node: etree._Element) -> str:
        for parent in node.iterchildren(*parents) if parents else (node,):
            for child in parent.iterchildren(name):
                # An element's text is that of the elements in it too.
                text = child.text if not len(child) else "".join(map(str, child.itertext()))
                return text.strip() if text else ""
        return ""

    return read


class Texts(Mapping[str, str]):
    """
    Texts of an element by name, each read when it is first asked for: most of a goods item's never are.

    Absent and empty ones are left out.
    """

    __slots__ = ("_node", "_readers", "_texts")

    def __init__(self, readers: Mapping[str, TextReader], node: etree._Element) -> None:
        self._readers = readers
        self._node = node
        self._texts: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        text = self.get(name)
        if text is None:
            raise KeyError(name)
        return text

    def get(self, name: str, default: T = None) -> str | T:  # type: ignore[assignment]
        """Give a text; asked for so often that the one of ``Mapping`` is too slow."""
        text = self._texts.get(name)
        if text is None:
            read = self._readers.get(name)
            text = self._texts[name] = "" if read is None else read(self._node)
        return text or default

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._readers if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Texts({dict(self)!r})"


@dataclass(frozen=True)
class FieldPaths:
    """How a type's canonical fields are read: those below the root, and those below each goods item."""

    fields: Mapping[str, TextReader]
    item_path: etree.XPath | None
    item_fields: Mapping[str, TextReader]

    def read(self, root: etree._Element) -> CanonicalFields:
        """Give the canonical fields of a document, which must not be changed any more."""
        items: tuple[Item, ...] = ()
        if self.item_path is not None:
            found = self.item_path(root)
            nodes = found if isinstance(found, list) else []
            items = tuple(
                Item(number, Texts(self.item_fields, node))
                for number, node in enumerate(nodes, start=1)
                if isinstance(node, etree._Element)
            )
        return CanonicalFields(Texts(self.fields, root), items)


@dataclass(frozen=True)
class DatedRules:
    """
    The rules of a type for some days.

    Attributes:
        effective_from: first day on which they apply; *effective_until* the last, or None.
    """

    effective_from: date
    effective_until: date | None
    rules: RuleSet = field(repr=False)

    def is_in_force(self, on: date) -> bool:
        """Tell whether these rules apply on a day."""
        return _within(on, self.effective_from, self.effective_until)


@dataclass(frozen=True)
class DatedBy:
    """
    The field of a document whose day decides which law applies to it, and how far it may lie from the lodging date.

    Attributes:
        name: the canonical field.
        path: evaluates to the nodes or the text of the field.
        earliest_days: so many days before the lodging date it may lie; *latest_days* so many after it.
    """

    name: str
    path: etree.XPath = field(repr=False)
    earliest_days: int
    latest_days: int


@dataclass(frozen=True)
class MessageType:
    """
    One version of one message type.

    Attributes:
        root: name of the document's root element, ``{namespace}name`` or, in no namespace, ``name``.
        effective_from: first day on which this version is in force.
        effective_until: last such day, or None.
        dated_by: what decides the day whose law applies; None for the lodging date.
        files: real paths of the XSD with all that it includes, of rules, and of the Avro schema.
        dated_rules: by their days, without gap or overlap; empty without rules.
        avro_id: schema id in the Confluent wire format: the registry's where there is one; None without Avro.
        avro_subject: name under which a registry keeps the versions of the Avro schema; None without Avro.
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
    dated_by: DatedBy | None
    schema: etree.XMLSchema = field(repr=False)
    schema_path: Path = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)
    dated_rules: tuple[DatedRules, ...] = field(repr=False)
    avro: AvroMapping | None = field(repr=False)
    avro_id: int | None
    paths: FieldPaths = field(repr=False)
    folder: Path
    source: str = ""
    avro_subject: str | None = None

    def is_in_force(self, on: date) -> bool:
        """Tell whether this version applies on a day."""
        return _within(on, self.effective_from, self.effective_until)

    def overlaps(self, other: "MessageType") -> bool:
        """Tell whether there is a day on which both versions are in force."""
        return self.effective_from <= (other.effective_until or date.max) and other.effective_from <= (
            self.effective_until or date.max
        )

    def shares_avro(self, other: "MessageType") -> bool:
        """Tell whether two versions may have one Avro schema id: same type, same root, same schema."""
        return (
            self.avro is not None
            and other.avro is not None
            and (self.name, self.root, self.avro.schema) == (other.name, other.root, other.avro.schema)
        )

    def rules_on(self, on: date) -> RuleSet | None:
        """Give the rules that apply on a day; None when there are none."""
        return next((each.rules for each in self.dated_rules if each.is_in_force(on)), None)

    @property
    def rule_catalogue(self) -> tuple[RuleEntry, ...]:
        """Every rule that applies on some day, each id once: as it stands in the newest file that has it."""
        newest: dict[str, RuleEntry] = {}
        for dated in reversed(self.dated_rules):
            for entry in dated.rules.catalogue:
                newest.setdefault(entry.id, entry)
        return tuple(newest.values())

    @property
    def lists_used(self) -> frozenset[tuple[str, str | None]]:
        """Code lists that any of the rules ask for, with the column or None."""
        return frozenset().union(*(each.rules.lists_used for each in self.dated_rules))

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
    """
    All message types, found by root element or by Avro schema id.

    Attributes:
        other_ids: further ids that are understood: those in ``type.yaml`` of types that have another one by a schema
            registry, and those of older schemas there, with the types as they are read by these.
        ids_source: where ids come from besides ``type.yaml``, for messages.
    """

    types: tuple[MessageType, ...]
    other_ids: Mapping[int, tuple[MessageType, ...]] = field(default_factory=dict)
    ids_source: str = ""

    @cached_property
    def _by_root(self) -> dict[str, tuple[MessageType, ...]]:
        by_root: dict[str, tuple[MessageType, ...]] = {}
        for message_type in self.types:
            by_root[message_type.root] = (*by_root.get(message_type.root, ()), message_type)
        return by_root

    @cached_property
    def _by_schema_id(self) -> dict[int, tuple[MessageType, ...]]:
        by_id: dict[int, tuple[MessageType, ...]] = dict(self.other_ids)
        for each in self.types:
            if each.avro_id is not None:
                by_id[each.avro_id] = (*by_id.get(each.avro_id, ()), each)
        return by_id

    def versions_of_root(self, root: str) -> tuple[MessageType, ...]:
        """
        Give every version with a root element, whenever in force; at least one.

        Raises:
            MessageError: NSW-1010 unknown root, NSW-1011 known in another namespace.
        """
        versions = self._by_root.get(root, ())
        if versions:
            return versions
        namespaces = self._namespaces_of(root.rpartition("}")[2])
        if namespaces:
            raise MessageError(Code.WRONG_NAMESPACE, f"{root[:200]} is known as {', '.join(namespaces)}")
        raise MessageError(Code.UNKNOWN_ROOT, root[:200])

    def versions_of_schema_id(self, schema_id: int) -> tuple[MessageType, ...]:
        """
        Give every version with an Avro schema id, at least one; their Avro schemas are equal.

        Raises:
            MessageError: NSW-1012 unknown id.
        """
        versions = self._by_schema_id.get(schema_id, ())
        if not versions:
            raise MessageError(Code.UNKNOWN_SCHEMA_ID, f"{schema_id}{self.ids_source}")
        return versions

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


def _within(on: date, first: date, last: date | None) -> bool:
    return first <= on and (last is None or on <= last)
