"""
What an Avro schema says of an XML document: the plan that reading and writing are both compiled from.

The schema is ordinary Avro. What Avro can't say of XML stands in attributes named ``xml`` of the schema and of its
fields, which Avro's other readers ignore; this module is the one place that spells them.
"""

import re
from collections.abc import Iterable, Mapping
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


@dataclass(slots=True, eq=False)
class Record:
    """
    A complex type: its attributes, then its text or its elements, in the order of the document.

    Attributes:
        recursive: whether it can hold itself.
    """

    name: str
    fields: "tuple[Field, ...]" = ()
    recursive: bool = False

    @property
    def attributes(self) -> "tuple[Field, ...]":
        """The fields that are attributes of the element itself."""
        return tuple(each for each in self.fields if each.node is Node.ATTRIBUTE)

    @property
    def content(self) -> "tuple[Field, ...]":
        """The fields that stand between the element's tags."""
        return tuple(each for each in self.fields if each.node is not Node.ATTRIBUTE)


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field of a record.

    Attributes:
        name: in Avro.
        xml_name: ``{namespace}local``; '' for texts and groups.
    """

    name: str
    node: Node
    xml_name: str
    occurs: Occurs
    value: Scalar | Record


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
            for each in record.fields:
                if each.occurs is Occurs.MANY and _least_bytes(each.value, frozenset()) == 0:
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
        record = Record(str(schema.get("name", "")))
        self.records[record.name] = record
        fields = []
        for entry in schema.get("fields", ()):
            place = f"{record.name}.{entry.get('name')}"
            found = self.field(entry, place)
            if found:
                fields.append(found)
        kinds = [each.node for each in fields]
        if kinds != sorted(kinds, key=lambda node: node is not Node.ATTRIBUTE):
            self.report(record.name, "attributes must come before content")
        if Node.TEXT in kinds and not set(kinds) <= {Node.TEXT, Node.ATTRIBUTE}:
            self.report(record.name, "text can't stand beside elements")
        record.fields = tuple(fields)
        return record

    def field(self, entry: Mapping[str, Any], place: str) -> Field | None:
        xml = entry.get("xml")
        if not isinstance(xml, dict) or xml.get("node") not in tuple(Node):
            self.report(place, "its 'xml' attribute with 'node' is missing")
            return None
        node = Node(xml["node"])
        named = node in (Node.ATTRIBUTE, Node.ELEMENT)
        xml_name = self.xml_name(xml.get("name"), place, attribute=node is Node.ATTRIBUTE) if named else ""
        occurs, inner = _unwrap(entry.get("type"))
        value = self.value(inner, str(xml.get("whiteSpace", WhiteSpace.PRESERVE)), place)
        if value is None:
            return None
        if (
            (node is Node.GROUP and not (isinstance(value, Record) and occurs is Occurs.MANY))
            or (node in (Node.ATTRIBUTE, Node.TEXT) and (isinstance(value, Record) or occurs is Occurs.MANY))
            or (node is Node.TEXT and occurs is not Occurs.ONE)
        ):
            self.report(place, f"this Avro type can't be a {node}")
            return None
        return Field(str(entry.get("name", "")), node, xml_name, occurs, value)

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
    held = {
        record: [each.value for each in record.fields if isinstance(each.value, Record)] for record in records
    }
    for record, direct in held.items():
        reached: set[Record] = set()
        waiting = list(direct)
        while waiting:
            other = waiting.pop()
            if other not in reached:
                reached.add(other)
                waiting.extend(held[other])
        record.recursive = record in reached


def _least_bytes(value: Scalar | Record, inside: frozenset[Record]) -> int:
    """How many bytes a value takes at least: every scalar, union and array takes one."""
    if isinstance(value, Scalar):
        return 1
    if value in inside:
        return 1
    return sum(
        _least_bytes(each.value, inside | {value}) if each.occurs is Occurs.ONE else 1
        for each in value.fields
    )
