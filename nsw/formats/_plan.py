"""
What an Avro schema says of an XML document: the plan that reading and writing are both compiled from.

The schema is ordinary Avro. What Avro can't say of XML stands in attributes named ``xml`` of the schema and of its
fields, which Avro's other readers ignore; this module is the one place that spells them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nsw.errors import ConfigError

#: How many times a record type may hold itself, directly or through others. Far above what documents do, and low
#: enough for Python's own stack.
MAX_RECURSION = 64
#: Greatest precision of a decimal; beyond it values stay text.
MAX_PRECISION = 1000

_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_CLARK_NAME = re.compile(r"(?:\{([^{}]+)\})?([^{}:\s]+)")


class Node(StrEnum):
    """What a field is in XML."""

    ATTRIBUTE = "attribute"
    TEXT = "text"
    ELEMENT = "element"
    #: A part of the content that repeats as a whole: its record's fields stand in the parent element.
    GROUP = "group"


class Occurs(StrEnum):
    """How often a field's value may stand in a document."""

    ONE = "one"
    OPTIONAL = "optional"
    MANY = "many"


class Kind(StrEnum):
    """The Avro type of a single value."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"


class WhiteSpace(StrEnum):
    """What XML Schema does to white space before a value is judged (facet whiteSpace)."""

    PRESERVE = "preserve"
    REPLACE = "replace"
    COLLAPSE = "collapse"


@dataclass(frozen=True, slots=True)
class Scalar:
    """
    A single value.

    Attributes:
        precision: greatest number of digits, of a decimal only.
        scale: digits after the decimal point, of a decimal only.
    """

    kind: Kind
    white_space: WhiteSpace = WhiteSpace.PRESERVE
    precision: int = 0
    scale: int = 0


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the element itself; its names are those in Avro and ``{namespace}local``."""

    name: str
    xml_name: str
    optional: bool
    value: Scalar


@dataclass(frozen=True, slots=True)
class Text:
    """The text between an element's tags, where no elements are."""

    name: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Element:
    """A child element; its names are those in Avro and ``{namespace}local``."""

    name: str
    xml_name: str
    occurs: Occurs
    value: "Scalar | Record"


@dataclass(frozen=True, slots=True)
class Group:
    """A part of the content that repeats as a whole."""

    name: str
    value: "Record"


@dataclass(slots=True, eq=False)
class Record:
    """
    A complex type: its attributes, then its text or its elements, in the order of the document.

    Attributes:
        recursive: whether it can hold itself.
    """

    name: str
    attributes: tuple[Attribute, ...] = ()
    text: Text | None = None
    members: tuple[Element | Group, ...] = ()
    recursive: bool = False

    @property
    def held(self) -> "Iterator[Record]":
        """The records that stand directly in this one."""
        return (each.value for each in self.members if isinstance(each.value, Record))


@dataclass(frozen=True, slots=True)
class Plan:
    """
    A whole document.

    Attributes:
        root_name: expanded name of the root element.
        prefixes: prefix by namespace, '' for the default namespace.
    """

    root_name: str
    root: Record
    prefixes: Mapping[str, str] = field(default_factory=dict)

    def prefixed(self, xml_name: str) -> str:
        """Spell an expanded name with this plan's prefix for its namespace."""
        match = _CLARK_NAME.fullmatch(xml_name)
        namespace, local = (match[1], match[2]) if match else (None, xml_name)
        if not namespace:
            return local
        prefix = "xml" if namespace == _XML_NAMESPACE else self.prefixes[namespace]
        return f"{prefix}:{local}" if prefix else local


def load_plan(schema: object, source: str) -> Plan:
    """
    Read the plan out of an Avro schema.

    Args:
        schema: the schema's JSON.
        source: where it came from, for the problems.

    Raises:
        ConfigError: every part that is missing or can't be mapped.
    """
    reader = _PlanReader(source)
    plan = reader.read(schema)
    if reader.problems:
        raise ConfigError(*reader.problems)
    return plan


class _PlanReader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[str] = []
        self.records: dict[str, Record] = {}
        self.prefixes: dict[str, str] = {}

    def report(self, place: str, problem: str) -> None:
        self.problems.append(f"{self.source}: {place}: {problem}")

    def read(self, schema: object) -> Plan:
        nothing = Plan("", Record(""))
        if not isinstance(schema, dict) or schema.get("type") != "record":
            self.report("schema", "a record is expected")
            return nothing
        xml = schema.get("xml")
        if not isinstance(xml, dict) or not isinstance(xml.get("prefixes"), dict):
            self.report("xml", "the schema's own 'xml' attribute with 'name' and 'prefixes' is missing")
            return nothing
        self.prefixes = {str(uri): str(prefix) for prefix, uri in xml["prefixes"].items()}
        root_name = self.xml_name(xml.get("name"), "xml", attribute=False)
        root = self.record(schema)
        _mark_recursive(self.records.values())
        for record in self.records.values():
            for each in record.members:
                repeats = isinstance(each, Group) or each.occurs is Occurs.MANY
                if repeats and _least_bytes(each.value, frozenset()) == 0:
                    # A count of thousand millions of them would fit into ten bytes.
                    self.report(f"{record.name}.{each.name}", "an array's items may not be empty records")
        return Plan(root_name, root, self.prefixes)

    def xml_name(self, name: object, place: str, *, attribute: bool) -> str:
        match = _CLARK_NAME.fullmatch(name) if isinstance(name, str) else None
        if match is None:
            self.report(place, "'xml.name' must be {namespace}local or local")
            return ""
        namespace = match[1]
        if namespace and namespace != _XML_NAMESPACE:
            if namespace not in self.prefixes:
                self.report(place, f"namespace {namespace} has no prefix in 'xml.prefixes'")
            elif attribute and not self.prefixes[namespace]:
                self.report(place, f"namespace {namespace} needs a prefix, for its attributes")
        elif not namespace and not attribute and "" in self.prefixes.values():
            self.report(place, "an element in no namespace can't stand beside a default namespace")
        return match[0]

    def record(self, schema: Mapping[str, Any]) -> Record:
        record = self.records[str(schema.get("name"))] = Record(str(schema.get("name")))
        attributes: list[Attribute] = []
        members: list[Element | Group] = []
        for entry in schema.get("fields", ()):
            found = self.field(entry, f"{record.name}.{entry.get('name')}")
            if isinstance(found, Attribute):
                attributes.append(found)
                if members or record.text:
                    self.report(record.name, "attributes must come before content")
            elif isinstance(found, Text):
                record.text = found
            elif found:
                members.append(found)
        if record.text and members:
            self.report(record.name, "text can't stand beside elements")
        record.attributes, record.members = tuple(attributes), tuple(members)
        return record

    def field(self, entry: Mapping[str, Any], place: str) -> Attribute | Text | Element | Group | None:
        name, xml = str(entry.get("name")), entry.get("xml")
        if not isinstance(xml, dict) or xml.get("node") not in tuple(Node):
            self.report(place, "its 'xml' attribute with 'node' is missing")
            return None
        node = Node(xml["node"])
        xml_name = ""
        if node in (Node.ATTRIBUTE, Node.ELEMENT):
            xml_name = self.xml_name(xml.get("name"), place, attribute=node is Node.ATTRIBUTE)
        occurs, inner = _unwrap(entry.get("type"))
        value = self.value(inner, str(xml.get("whiteSpace", WhiteSpace.PRESERVE)), place)
        match node, occurs, value:
            case Node.ATTRIBUTE, (Occurs.ONE | Occurs.OPTIONAL), Scalar():
                return Attribute(name, xml_name, occurs is Occurs.OPTIONAL, value)
            case Node.TEXT, Occurs.ONE, Scalar():
                return Text(name, value)
            case Node.ELEMENT, _, (Scalar() | Record()):
                return Element(name, xml_name, occurs, value)
            case Node.GROUP, Occurs.MANY, Record():
                return Group(name, value)
            case _:
                if value is not None:  # else reported before
                    self.report(place, f"this Avro type can't be a node of kind {node}")
                return None

    def value(self, schema: Any, white_space: str, place: str) -> Scalar | Record | None:  # noqa: ANN401 -- JSON
        match schema:
            case {"type": "record"}:
                return self.record(schema)
            case {"type": "bytes", "logicalType": "decimal", "precision": int(precision)} if (
                0 <= schema.get("scale", 0) <= precision <= MAX_PRECISION
            ):
                return Scalar(Kind.DECIMAL, WhiteSpace.COLLAPSE, precision, schema.get("scale", 0))
            case str(name) if name in self.records:
                return self.records[name]
            case "string" if white_space in tuple(WhiteSpace):
                return Scalar(Kind.STRING, WhiteSpace(white_space))
            case "int" | "long" | "boolean":
                return Scalar(Kind(schema), WhiteSpace.COLLAPSE)
            case _:
                self.report(place, "this Avro type isn't mapped to XML")
                return None


def _unwrap(schema: Any) -> tuple[Occurs, Any]:  # noqa: ANN401 -- JSON
    match schema:
        case ["null", inner]:
            return Occurs.OPTIONAL, inner
        case {"type": "array", "items": inner}:
            return Occurs.MANY, inner
        case _:
            return Occurs.ONE, schema


def _mark_recursive(records: Iterable[Record]) -> None:
    for record in records:
        reached: set[Record] = set()
        waiting = list(record.held)
        while waiting:
            other = waiting.pop()
            if other not in reached:
                reached.add(other)
                waiting.extend(other.held)
        record.recursive = record in reached


def _least_bytes(value: Scalar | Record, inside: frozenset[Record]) -> int:
    """How many bytes a value takes at least: every scalar, union and array takes one."""
    if isinstance(value, Scalar) or value in inside:
        return 1
    return (
        len(value.attributes)
        + (1 if value.text else 0)
        + sum(
            _least_bytes(each.value, inside | {value})
            if isinstance(each, Element) and each.occurs is Occurs.ONE
            else 1
            for each in value.members
        )
    )
