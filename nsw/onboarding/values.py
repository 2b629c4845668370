"""Whether two documents of one XSD are equal in its value space: 1.50 is 1.5, and white space is as the types say."""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree
from xmlschema.validators import XsdAnyElement, XsdComplexType, XsdElement, XsdGroup

from nsw.formats.xml import build_path

__all__ = ["find_differences"]

_XSD = "{http://www.w3.org/2001/XMLSchema}"
#: Hints for a processor; they are no part of the document.
_HINTS = frozenset(
    f"{{http://www.w3.org/2001/XMLSchema-instance}}{name}"
    for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
_TRUTHS = {"1": "true", "0": "false"}
_MOST_SHOWN = 60


def find_differences(declared: XsdElement, one: etree._Element, two: etree._Element) -> Iterator[str]:
    """
    Compare two documents of one root declaration.

    Dates and times count as equal only when written alike: their offset is to be kept.

    Returns:
        A sentence for each difference, with its place in the first document.
    """
    return _Comparison().elements(declared, one, two)


class _Comparison:
    def __init__(self) -> None:
        self.child_by_tag: dict[tuple[XsdElement, str], XsdElement | None] = {}

    def elements(self, declared: XsdElement, one: etree._Element, two: etree._Element) -> Iterator[str]:
        """Compare two elements of one declaration with all that is in them."""
        if one.tag != two.tag:
            yield f"{build_path(one)}: {one.tag!r} became {two.tag!r}"
            return
        yield from _attributes(declared, one, two)
        if isinstance(declared.type, XsdComplexType) and not declared.type.has_simple_content():
            if declared.type.mixed and _texts(one) != _texts(two):
                yield f"{build_path(one)}: the text between its elements changed"
            yield from self.children(declared, one, two)
        else:
            for each in _values(declared.type, one.text or "", two.text or ""):
                yield f"{build_path(one)}: {each}"

    def children(self, declared: XsdElement, one: etree._Element, two: etree._Element) -> Iterator[str]:
        """Compare the child elements of two elements of one declaration."""
        before, after = list(one.iterchildren("*")), list(two.iterchildren("*"))
        if [each.tag for each in before] != [each.tag for each in after]:
            lost = len(before) - len(after)
            shown = f" ({lost} are lost)" if lost > 0 else ""
            yield f"{build_path(one)}: its elements are not the same or in another order{shown}"
            return
        for first, second in zip(before, after, strict=True):
            inner = self.child_declaration(declared, str(first.tag))
            if inner is not None:
                yield from self.elements(inner, first, second)
            elif etree.tostring(first, method="c14n") != etree.tostring(second, method="c14n"):
                yield f"{build_path(first)}: its content changed"

    def child_declaration(self, declared: XsdElement, tag: str) -> XsdElement | None:
        """Find the declaration of a child element; None for what a wildcard lets in undeclared."""
        key = declared, tag
        if key not in self.child_by_tag:
            content = getattr(declared.type, "content", None)
            particles = content.iter_elements() if isinstance(content, XsdGroup) else ()
            meant = (_meant(each, tag) for each in particles)
            # A declaration without children counts as false.
            self.child_by_tag[key] = next((each for each in meant if each is not None), None)
        return self.child_by_tag[key]


def _meant(particle: XsdElement | XsdAnyElement, tag: str) -> XsdElement | None:
    found: XsdElement | None = None
    if isinstance(particle, XsdElement):
        found = particle if particle.name == tag else None
    elif particle.is_matching(tag):
        found = particle.maps.elements.get(tag)
    return found


def _attributes(declared: XsdElement, one: etree._Element, two: etree._Element) -> Iterator[str]:
    names = {str(name) for name in (*one.attrib, *two.attrib)} - _HINTS
    for name in sorted(names):
        before, after = one.get(name), two.get(name)
        if before is None or after is None:
            what = "came from nowhere" if before is None else "is lost"
            yield f"{build_path(one)}: attribute {name} {what}"
            continue
        xsd_type = getattr(declared.attributes.get(name), "type", None)
        for each in _values(xsd_type, before, after):
            yield f"{build_path(one)}/@{name}: {each}"


def _texts(element: etree._Element) -> list[str]:
    return [element.text or "", *(child.tail or "" for child in element)]


def _values(xsd_type: Any, before: str, after: str) -> Iterator[str]:  # noqa: ANN401 -- xmlschema's simple types have no common type
    if before != after and _value(xsd_type, before) != _value(xsd_type, after):
        yield f"{before[:_MOST_SHOWN]!r} became {after[:_MOST_SHOWN]!r}"


def _value(xsd_type: Any, text: str) -> object:  # noqa: ANN401 -- as above
    """Give what is equal for equal values: a number, or the text with white space as its type says."""
    if isinstance(xsd_type, XsdComplexType):
        xsd_type = xsd_type.content
    if xsd_type is None or not xsd_type.is_atomic():
        return " ".join(text.split()) if xsd_type is not None and xsd_type.is_list() else text
    normal = str(xsd_type.normalize(text))
    name = xsd_type.primitive_type.name if xsd_type.primitive_type is not None else ""
    if name == f"{_XSD}boolean":
        return _TRUTHS.get(normal, normal)
    if name in {f"{_XSD}decimal", f"{_XSD}float", f"{_XSD}double"}:
        try:
            return Decimal(normal) if name == f"{_XSD}decimal" else float(normal.replace("INF", "inf"))
        except (InvalidOperation, ValueError):
            return normal
    return normal
