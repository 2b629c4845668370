"""
Derives the Avro schema of a document from its XSD.

The result says what Avro can say, and in attributes named ``xml`` (see ``_plan``) what is needed to get back to XML.
Nothing is guessed: a construct whose documents could not be carried over without loss is reported, with its place.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xmlschema
from xmlschema.validators import (
    XsdAnyElement,
    XsdAttribute,
    XsdComplexType,
    XsdElement,
    XsdGroup,
    XsdList,
    XsdSimpleType,
    XsdUnion,
)

from nsw.errors import ConfigError
from nsw.formats._plan import MAX_PRECISION, Kind, Node, WhiteSpace, load_plan

__all__ = ["build_avsc_text", "derive_avro"]

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_AVRO_WORDS = frozenset(
    {
        "array",
        "boolean",
        "bytes",
        "double",
        "enum",
        "fixed",
        "float",
        "int",
        "long",
        "map",
        "null",
        "record",
        "string",
    },
)


def derive_avro(xsd_path: Path, root: str) -> dict[str, Any]:
    """
    Derive the Avro schema of the documents with one root element.

    Args:
        xsd_path: the XSD; what it includes and imports is looked for beside it, never on the network.
        root: ``{namespace}local`` or ``local`` of the root element.

    Returns:
        The schema's JSON. One record per complex type, named after it; an anonymous type after its place. Optional
        elements and attributes are unions with null, repeated ones arrays.

    Raises:
        ConfigError: every construct that can't be derived, as path of elements and reason.
    """
    try:
        # 1.1 reads both: a processor of 1.0 skips what a schema marks with vc:minVersion="1.1", down to nothing.
        schema = xmlschema.XMLSchema11(xsd_path, allow="local", defuse="always")
    except (xmlschema.XMLSchemaException, OSError, SyntaxError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"{xsd_path}: {reason}") from error
    element = schema.maps.elements.get(root)
    if not isinstance(element, XsdElement):
        raise ConfigError(f"{xsd_path}: it declares no element {root}")
    derivation = _Derivation(schema)
    result = derivation.document(element)
    if derivation.problems:
        raise ConfigError(*(f"{xsd_path}: {problem}" for problem in derivation.problems))
    load_plan(result, str(xsd_path))
    return result


def build_avsc_text(schema: dict[str, Any]) -> str:
    """Write a schema as the text of an ``.avsc`` file: the same schema gives the same text."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class _Child:
    """An element of a content model, with what the groups around it allow."""

    element: XsdElement
    optional: bool
    many: bool


class _Derivation:
    def __init__(self, schema: xmlschema.XMLSchema11) -> None:
        self.schema = schema
        self.problems: list[str] = []
        self.name_by_type: dict[XsdComplexType, str] = {}
        self.record_names: set[str] = set(_AVRO_WORDS)
        self.namespaces: dict[str, None] = {}  # in the order met
        self.attribute_namespaces: set[str] = set()
        self.unqualified = False

    def report(self, path: str, reason: str) -> None:
        self.problems.append(f"{path}: {reason}")

    def document(self, element: XsdElement) -> dict[str, Any]:
        path = f"/{element.local_name}"
        self.note_element(element)
        self.check_element(element, path)
        record: dict[str, Any]
        if isinstance(element.type, XsdComplexType):
            record = self.new_record(element.type, element.local_name or "", path)
        else:
            text = self.text_field(element.type, set(), path)
            record = {
                "type": "record",
                "name": self.unused_name(element.local_name or "root"),
                "fields": [text],
            }
        about_xml = {"name": element.name, "prefixes": self.prefixes()}
        return {"type": record["type"], "name": record["name"], "xml": about_xml, **record}

    def prefixes(self) -> dict[str, str]:
        """Choose a prefix for each namespace: none for the root's, if all elements are in some namespace."""
        prefixes: dict[str, str] = {}
        own = {
            uri: prefix for prefix, uri in reversed(tuple(self.schema.namespaces.items())) if prefix and uri
        }
        for number, namespace in enumerate(self.namespaces):
            if number == 0 and not self.unqualified and namespace not in self.attribute_namespaces:
                prefixes[""] = namespace
            else:
                prefixes[_unused(own.get(namespace, f"n{number + 1}"), set(prefixes))] = namespace
        return prefixes

    def note_name(self, name: str, *, attribute: bool) -> None:
        namespace = name[1:].partition("}")[0] if name.startswith("{") else ""
        if not namespace:
            self.unqualified |= not attribute
        elif namespace != _XML_NAMESPACE:
            self.namespaces[namespace] = None
            if attribute:
                self.attribute_namespaces.add(namespace)

    def note_element(self, element: XsdElement) -> None:
        self.note_name(element.name, attribute=False)

    def record(self, xsd_type: XsdComplexType, place_name: str, path: str) -> dict[str, Any] | str:
        """Give the record of a complex type: in full where it stands first, by name after that."""
        return self.name_by_type.get(xsd_type) or self.new_record(xsd_type, place_name, path)

    def new_record(self, xsd_type: XsdComplexType, place_name: str, path: str) -> dict[str, Any]:
        name = self.unused_name(xsd_type.local_name or place_name)
        self.name_by_type[xsd_type] = name
        fields: list[dict[str, Any]] = []
        used: set[str] = set()
        if xsd_type.abstract:
            self.report(path, f"type {name} is abstract")
        if xsd_type.open_content is not None:
            self.report(path, "xs:openContent: its elements aren't known")
        if xsd_type.mixed:
            self.report(path, "mixed content: text between elements has no place in Avro")
        for attribute_name, attribute in xsd_type.attributes.items():
            if attribute_name is None or not isinstance(attribute, XsdAttribute):
                self.report(path, "xs:anyAttribute: its attributes aren't known")
            elif attribute.use != "prohibited":
                fields.append(self.attribute_field(attribute, used, f"{path}/@{attribute.local_name}"))
        content = xsd_type.content
        if isinstance(content, XsdSimpleType):
            fields.append(self.text_field(content, used, path))
        else:
            members = self.members(content, path, optional=False)
            fields.extend(self.content_fields(members, used, name, path))
        return _entry({"type": "record", "name": name}, doc=_documentation(xsd_type), fields=fields)

    def content_fields(
        self, members: Iterable[_Child | XsdGroup], used: set[str], record_name: str, path: str
    ) -> list[dict[str, Any]]:
        return [
            self.element_field(member, used, record_name, path)
            if isinstance(member, _Child)
            else self.group_field(member, used, record_name, path)
            for member in members
        ]

    def members(self, particle: Any, path: str, *, optional: bool) -> Iterator[_Child | XsdGroup]:  # noqa: ANN401 -- xmlschema's particles have no common type
        """
        Flatten a content model into the order of its elements; a group that repeats stays whole.

        The elements of a choice become optional: which one stands there is for the XSD to judge.
        """
        if particle.max_occurs == 0:
            return
        many = particle.max_occurs is None or particle.max_occurs > 1
        optional = optional or particle.min_occurs == 0
        if isinstance(particle, XsdElement):
            yield _Child(particle, optional, many)
        elif isinstance(particle, XsdAnyElement):
            self.report(path, "xs:any: its elements aren't known")
        elif particle.model == "all" and len(particle) > 1:
            self.report(path, "xs:all: Avro's fields have an order, these elements have none")
        elif many:
            yield particle
        else:
            for inner in particle:
                yield from self.members(inner, path, optional=optional or particle.model == "choice")

    def group_field(self, group: XsdGroup, used: set[str], record_name: str, path: str) -> dict[str, Any]:
        name = _unused("group", used)
        group_name = self.unused_name(f"{record_name}_{name}")
        members = (
            member
            for particle in group
            for member in self.members(particle, path, optional=group.model == "choice")
        )
        fields = self.content_fields(members, set(), group_name, path)
        record = {"type": "record", "name": group_name, "fields": fields}
        return _many(name, record, None, {"node": Node.GROUP})

    def element_field(self, child: _Child, used: set[str], record_name: str, path: str) -> dict[str, Any]:
        element = child.element
        path = f"{path}/{element.local_name}"
        name = _unused(_avro_name(element.local_name or ""), used)
        xml: dict[str, str] = {"name": element.name or "", "node": Node.ELEMENT}
        self.note_element(element)
        self.check_element(element, path)
        inner: object = Kind.STRING
        if element.type.name == f"{_XSD}anyType":
            self.report(path, "xs:anyType: its content isn't known")
        elif isinstance(element.type, XsdComplexType):
            inner = self.record(element.type, f"{record_name}_{element.local_name}", path)
        else:
            has_default = element.default is not None or element.fixed is not None
            inner, white_space = self.scalar(element.type, path, has_default=has_default)
            xml.update(white_space)
        doc = _documentation(element)
        if child.many:
            return _many(name, inner, doc, xml)
        return _one_or_optional(name, inner, doc, xml, optional=child.optional)

    def attribute_field(self, attribute: XsdAttribute, used: set[str], path: str) -> dict[str, Any]:
        self.note_name(attribute.name, attribute=True)
        inner, white_space = self.scalar(attribute.type, path, has_default=False)
        return _one_or_optional(
            _unused(_avro_name(attribute.local_name or ""), used),
            inner,
            _documentation(attribute),
            {"name": attribute.name, "node": Node.ATTRIBUTE, **white_space},
            optional=attribute.use != "required",
        )

    def text_field(self, xsd_type: XsdSimpleType, used: set[str], path: str) -> dict[str, Any]:
        inner, white_space = self.scalar(xsd_type, path, has_default=False)
        xml = {"node": Node.TEXT, **white_space}
        return _one_or_optional(_unused("value", used), inner, None, xml, optional=False)

    def check_element(self, element: XsdElement, path: str) -> None:
        if element.abstract:
            self.report(path, "the element is abstract")
        if element.alternatives:
            self.report(path, "xs:alternative: its type depends on the document")
        if element.nillable:
            self.report(path, "nillable: Avro's null stands for an absent element")
        if self.schema.maps.substitution_groups.get(element.name) and (
            element.ref is not None or element.is_global()
        ):
            self.report(path, "other elements may stand in its place (substitution group)")

    def scalar(self, xsd_type: Any, path: str, *, has_default: bool) -> tuple[object, dict[str, str]]:  # noqa: ANN401 -- xmlschema's simple types have no common type
        """
        Choose the Avro type of a simple type.

        Dates and times stay text: Avro's have no offset, and XML Schema keeps the one that was written, or that none
        was. So do numbers and booleans with a pattern or a default: there the way a value is written means something.
        """
        if _holds_qname(xsd_type):
            self.report(path, "xs:QName and xs:NOTATION: their values depend on the document's prefixes")
        if xsd_type.is_atomic() and not has_default and not _has_pattern(xsd_type):
            if xsd_type.is_derived(self.schema.maps.types[f"{_XSD}boolean"]):
                return Kind.BOOLEAN, {}
            integer = (
                _integer_kind(xsd_type)
                if xsd_type.is_derived(self.schema.maps.types[f"{_XSD}integer"])
                else None
            )
            if integer:
                return integer, {}
            if xsd_type.is_derived(self.schema.maps.types[f"{_XSD}decimal"]):
                decimal = _decimal(xsd_type)
                if decimal:
                    return decimal, {}
        # A union's white space is each member's own.
        white_space = None if xsd_type.is_union() else xsd_type.white_space
        if white_space in (None, WhiteSpace.PRESERVE):
            return Kind.STRING, {}
        return Kind.STRING, {"whiteSpace": white_space}

    def unused_name(self, wanted: str) -> str:
        return _unused(_avro_name(wanted), self.record_names)


def _holds_qname(xsd_type: Any) -> bool:  # noqa: ANN401 -- as above
    # A restriction of a list or union is neither itself; xmlschema gives the one below it as its primitive type.
    inner = xsd_type if isinstance(xsd_type, XsdList | XsdUnion) else xsd_type.primitive_type
    if isinstance(inner, XsdList):
        return _holds_qname(inner.item_type)
    if isinstance(inner, XsdUnion):
        return any(_holds_qname(member) for member in inner.member_types)
    return bool(xsd_type.is_qname() or xsd_type.is_notation())


def _steps(xsd_type: Any) -> Iterator[Any]:  # noqa: ANN401 -- as above
    """Give a simple type and those it is derived from, up to the first of XML Schema's own."""
    step = xsd_type
    while step is not None:
        if isinstance(step, XsdComplexType):  # a restriction of simple content
            step = step.content
        yield step
        if (step.name or "").startswith(_XSD):
            return
        step = step.base_type


def _facet(xsd_type: Any, name: str) -> int | None:  # noqa: ANN401 -- as above
    facets = (step.facets.get(f"{_XSD}{name}") for step in _steps(xsd_type))
    return next((int(facet.value) for facet in facets if facet is not None), None)


def _has_pattern(xsd_type: Any) -> bool:  # noqa: ANN401 -- as above
    return any(f"{_XSD}pattern" in step.facets for step in _steps(xsd_type))


def _integer_kind(xsd_type: Any) -> Kind | None:  # noqa: ANN401 -- as above
    """Give int or long when every value is proven to fit; None otherwise."""
    low, high = xsd_type.min_value, xsd_type.max_value
    digits = _facet(xsd_type, "totalDigits")
    if digits is not None:
        greatest = 10**digits - 1
        low = -greatest if low is None else max(low, -greatest)
        high = greatest if high is None else min(high, greatest)
    if low is None or high is None:
        return None
    for kind, bound in ((Kind.INT, 2**31), (Kind.LONG, 2**63)):
        if -bound <= low and high < bound:
            return kind
    return None


def _decimal(xsd_type: Any) -> dict[str, Any] | None:  # noqa: ANN401 -- as above
    """
    Give the Avro decimal that holds every value of a type; None when none does.

    XML Schema's totalDigits counts the digits of each value, Avro's precision those at a fixed scale: with
    totalDigits 5 and fractionDigits 2 both 123.45 and 12345 are valid, and 12345.00 has seven digits. Bounds on the
    values may prove that fewer do.
    """
    total, scale = _facet(xsd_type, "totalDigits"), _facet(xsd_type, "fractionDigits")
    if total is None or scale is None:
        return None
    whole = total
    if xsd_type.min_value is not None and xsd_type.max_value is not None:
        greatest = max(abs(int(xsd_type.min_value)), abs(int(xsd_type.max_value)))
        whole = min(total, len(str(greatest)))
    precision = max(total, whole + scale)
    if precision > MAX_PRECISION:
        return None
    return {"type": "bytes", "logicalType": Kind.DECIMAL, "precision": precision, "scale": scale}


def _avro_name(name: str) -> str:
    """Give an Avro name (letters, digits, underscore; no digit first): other characters become underscores."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{name}" if not name or name[0].isdigit() else name


def _unused(name: str, used: set[str]) -> str:
    candidate, number = name, 1
    while candidate in used:
        number += 1
        candidate = f"{name}_{number}"
    used.add(candidate)
    return candidate


def _documentation(component: Any) -> str | None:  # noqa: ANN401 -- any component of xmlschema has it
    if component.annotation is None:
        return None
    texts: Iterable[str] = ("".join(each.itertext()) for each in component.annotation.documentation)
    return next((" ".join(text.split()) for text in texts if text.strip()), None)


def _entry(start: dict[str, Any], *, doc: str | None, **rest: object) -> dict[str, Any]:
    return {**start, **({"doc": doc} if doc else {}), **rest}


def _one_or_optional(
    name: str, inner: object, doc: str | None, xml: dict[str, str], *, optional: bool
) -> dict[str, Any]:
    if optional:
        return _entry({"name": name}, doc=doc, type=["null", inner], default=None, xml=xml)
    return _entry({"name": name}, doc=doc, type=inner, xml=xml)


def _many(name: str, inner: object, doc: str | None, xml: dict[str, str]) -> dict[str, Any]:
    return _entry({"name": name}, doc=doc, type={"type": "array", "items": inner}, default=[], xml=xml)
