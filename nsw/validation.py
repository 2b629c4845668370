"""
Schema, then rules: gathers all findings of a document.

libxml2 gives the schema's verdict, fast, and names every wrong value; but inside a broken sequence it stops at the
first surprise. So on a broken content model, and only then, the `xmlschema` package looks at that element again.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, cast

from lxml import etree
from xmlschema import XMLSchemaChildrenValidationError, XMLSchemaValidationError
from xmlschema.validators import XsdAnyElement, XsdElement, XsdGroup

from nsw.errors import Code
from nsw.formats.xml import build_path
from nsw.messagetypes import MessageType
from nsw.model import Finding, finding_of

#: Elements and attributes that the slow pass may look at (30 to 170 us each): a batch has one second for all.
SLOW_PASS_ELEMENTS = 10_000
#: Faults that are looked at: nobody reads more, and a hostile document may have as many as it has bytes.
MAX_FAULTS = 500
#: An element with more attributes or namespaces than this is left to libxml2: the slow pass costs their square.
_MAX_ATTRIBUTES = 50
_MAX_DETAIL = 300
_CONTENT = "SCHEMAV_ELEMENT_CONTENT"
_DATATYPE = "SCHEMAV_CVC_DATATYPE_VALID_1_2_1"
_CODE_BY_TYPE = {
    "SCHEMAV_CVC_ELT_1": Code.SCHEMA_UNEXPECTED_ELEMENT,
    "SCHEMAV_CVC_WILDCARD": Code.SCHEMA_UNEXPECTED_ELEMENT,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_1": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_4": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_IDC": Code.SCHEMA_KEY,
}
# One wrong value gives several libxml2 errors: the facet's and the type's.
_VALUE_PREFIXES = (
    "SCHEMAV_CVC_DATATYPE",
    "SCHEMAV_CVC_PATTERN",
    "SCHEMAV_CVC_ENUMERATION",
    "SCHEMAV_CVC_FACET",
    "SCHEMAV_CVC_LENGTH",
    "SCHEMAV_CVC_MIN",
    "SCHEMAV_CVC_MAX",
    "SCHEMAV_CVC_TOTALDIGITS",
    "SCHEMAV_CVC_FRACTIONDIGITS",
    "SCHEMAV_CVC_TYPE_3_1",
    "SCHEMAV_CVC_ELT_5_2_2",
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """One schema fault at its element, before it becomes a finding."""

    code: Code
    element: etree._Element
    detail: str
    attribute: str | None = None


def check_schema(message_type: MessageType, root: etree._Element) -> list[Finding]:
    """
    Check a document against its type's XSD.

    Args:
        root: the parsed copy; white space around dates and times is removed from it where libxml2 refuses it,
            against the standard.

    Returns:
        Every finding in document order; empty when the document is valid.

    Source:
        W3C XML Schema 1.0; for white space part 2, section 4.3.6 (date and time types collapse).
    """
    schema = message_type.schema
    if schema.validate(root):
        return []
    places = _Places(root)
    log = list(schema.error_log)
    if _strip_times(message_type, places, log[:MAX_FAULTS]):
        if schema.validate(root):
            return []
        log = list(schema.error_log)
    faults, ended_early = _all_faults(message_type, places, log[:MAX_FAULTS])
    findings = _findings(places, faults[:MAX_FAULTS])
    if ended_early:
        findings.append(
            finding_of(Code.SCHEMA_BUDGET_ENDED, f"more than {SLOW_PASS_ELEMENTS} elements to look at")
        )
    elif len(log) > MAX_FAULTS or len(faults) > MAX_FAULTS:
        findings.append(finding_of(Code.SCHEMA_BUDGET_ENDED, f"there are more than {MAX_FAULTS}"))
    return findings


class _Places:
    """
    Finds elements by libxml2's paths, and tells the path of an element; counts each parent's children only once.

    libxml2's paths have the document's own prefixes, which may change their meaning on the way down, and ``*`` for an
    element of a default namespace; so each step is looked up among the children as libxml2 counts them.
    """

    def __init__(self, root: etree._Element) -> None:
        self.root = root
        self._alike: dict[etree._Element, dict[str, list[etree._Element]]] = {}
        self._steps: dict[etree._Element, dict[etree._Element, str]] = {}

    def find(self, error: "etree._LogEntry") -> etree._Element:
        """Find the element that an error is about, or the nearest one around it."""
        element = self.root
        for step in (error.path or "").split("/")[2:]:
            name, _, place = step.rstrip("]").partition("[")
            alike = self._children(element).get(name, [])
            index = int(place) - 1 if place else 0
            if index >= len(alike):
                break
            element = alike[index]
        return element

    def path(self, element: etree._Element) -> str:
        """Give the same path as ``build_path``."""
        parent = element.getparent()
        if parent is None:
            return build_path(element)
        if parent not in self._steps:
            self._steps[parent] = self._number(parent)
        return f"{self.path(parent)}/{self._steps[parent][element]}"

    def _children(self, parent: etree._Element) -> dict[str, list[etree._Element]]:
        if parent not in self._alike:
            found: dict[str, list[etree._Element]] = {"*": []}
            for child in parent:
                if isinstance(child.tag, str):
                    found["*"].append(child)
                    found.setdefault(_shown_name(child), []).append(child)
            self._alike[parent] = found
        return self._alike[parent]

    @staticmethod
    def _number(parent: etree._Element) -> dict[etree._Element, str]:
        counts: dict[str, int] = {}
        steps: dict[etree._Element, str] = {}
        for child in parent:
            if isinstance(child.tag, str):
                counts[child.tag] = counts.get(child.tag, 0) + 1
                steps[child] = f"{_shown_name(child)}[{counts[child.tag]}]"
        return steps


def _shown_name(element: etree._Element) -> str:
    return f"{element.prefix}:{local_name(element)}" if element.prefix else local_name(element)


def _strip_times(message_type: MessageType, places: _Places, log: "list[etree._LogEntry]") -> bool:
    stripped = False
    for error in log:
        if error.type_name != _DATATYPE:
            continue
        element = places.find(error)
        text = element.text or ""
        if text == text.strip():
            continue
        declared = _xsd_element(message_type, element)
        simple = declared.type.simple_type if declared is not None else None
        if simple is not None and simple.is_datetime():
            element.text = text.strip()
            stripped = True
    return stripped


def _xsd_element(message_type: MessageType, element: etree._Element) -> XsdElement | None:
    """Find the declaration of an element of a document by walking down from the root's."""
    schema = message_type.full_schema
    steps = [element, *element.iterancestors()][::-1]
    declared: XsdElement | None = schema.maps.elements.get(str(steps[0].tag))
    for step in steps[1:]:
        content = _content_of(declared)
        if content is None:
            return None
        declared = _child_declaration(content, str(step.tag))
    return declared


def _content_of(declared: XsdElement | None) -> XsdGroup | None:
    """Give an element's content model; None where it has no child elements."""
    content = getattr(declared.type, "content", None) if declared is not None else None
    return content if isinstance(content, XsdGroup) else None


def _child_declaration(group: XsdGroup, tag: str) -> XsdElement | None:
    for particle in group.iter_elements():
        if isinstance(particle, XsdAnyElement):
            if particle.is_matching(tag):
                found: XsdElement | None = particle.maps.elements.get(tag)
                return found
        elif particle.name == tag:
            return particle
    return None


def _all_faults(
    message_type: MessageType, places: _Places, log: "list[etree._LogEntry]"
) -> tuple[list[_Fault], bool]:
    """Take libxml2's faults, and for elements with a broken content model those of the slow pass instead."""
    scopes = _broken_scopes(places, log)
    budget = SLOW_PASS_ELEMENTS
    slow: list[_Fault] = []
    searched: set[etree._Element] = set()
    for scope in scopes:
        declared = _xsd_element(message_type, scope)
        budget -= _cost_of(scope)
        if declared is None or budget < 0:
            continue
        slow.extend(islice(_slow_faults(message_type, declared, scope), MAX_FAULTS + 1))
        searched.add(scope)
    fast = [
        fault
        for fault in _fast_faults(places, log)
        if searched.isdisjoint(chain((fault.element,), fault.element.iterancestors()))
        or (fault.element in searched and fault.code is Code.SCHEMA_KEY)
    ]
    return fast + slow, budget < 0


def _cost_of(scope: etree._Element) -> int:
    """Count a scope's elements and attributes; what the slow pass would choke on costs the whole budget."""
    count = 0
    for element in scope.iter("*"):
        count += 1 + len(element.attrib)
        if (
            len(element.attrib) > _MAX_ATTRIBUTES
            or len(element.nsmap) > _MAX_ATTRIBUTES
            or count > SLOW_PASS_ELEMENTS
        ):
            return SLOW_PASS_ELEMENTS + 1
    return count


def _broken_scopes(places: _Places, log: "list[etree._LogEntry]") -> list[etree._Element]:
    """List the outermost elements whose children are not as the schema wants them."""
    broken: dict[etree._Element, None] = {}
    for error in log:
        if error.type_name == _CONTENT:
            element = places.find(error)
            parent = element if "Missing child" in error.message else element.getparent()
            broken[places.root if parent is None else parent] = None
    return [each for each in broken if broken.keys().isdisjoint(each.iterancestors())]


def _fast_faults(places: _Places, log: "list[etree._LogEntry]") -> Iterator[_Fault]:
    seen: set[tuple[etree._Element, Code]] = set()
    for error in log:
        element = places.find(error)
        code = _code_of(error)
        if code is Code.SCHEMA_WRONG_VALUE:
            if (element, code) in seen:
                continue
            seen.add((element, code))
        yield _Fault(code, element, _strip_namespaces(error.message))


def _code_of(error: "etree._LogEntry") -> Code:
    if error.type_name == _CONTENT:
        return (
            Code.SCHEMA_MISSING_ELEMENT
            if "Missing child" in error.message
            else Code.SCHEMA_UNEXPECTED_ELEMENT
        )
    if error.type_name in _CODE_BY_TYPE:
        return _CODE_BY_TYPE[error.type_name]
    if error.type_name.startswith(_VALUE_PREFIXES):
        return Code.SCHEMA_WRONG_VALUE
    return Code.SCHEMA_OTHER


def _slow_faults(message_type: MessageType, declared: XsdElement, scope: etree._Element) -> Iterator[_Fault]:
    misshapen: set[etree._Element] = set()
    # The package takes lxml's elements, but declares the standard library's only.
    for error in declared.iter_errors(cast("Any", scope)):
        found: object = error.elem
        element = found if isinstance(found, etree._Element) else scope
        if isinstance(error, XMLSchemaChildrenValidationError):
            if element not in misshapen:
                misshapen.add(element)
                yield from _children_faults(message_type, element, error)
        else:
            yield _value_fault(element, error)


def _value_fault(element: etree._Element, error: XMLSchemaValidationError) -> _Fault:
    reason = error.reason or ""
    name = local_name(element)
    if "attribute" in reason and not (element.text or "").strip():
        return _Fault(Code.SCHEMA_ATTRIBUTE, element, f"{name}: {reason}")
    if "attribute" in reason and ("missing required" in reason or "not allowed" in reason):
        return _Fault(Code.SCHEMA_ATTRIBUTE, element, f"{name}: {reason}")
    if "unavailable namespace" in reason or "not found" in reason:
        return _Fault(Code.SCHEMA_UNEXPECTED_ELEMENT, element, f"{name}: {reason}")
    return _Fault(Code.SCHEMA_WRONG_VALUE, element, f"{name}: {reason}")


def _children_faults(
    message_type: MessageType, parent: etree._Element, error: XMLSchemaChildrenValidationError
) -> Iterator[_Fault]:
    declared = _xsd_element(message_type, parent)
    slots = _plain_sequence(declared)
    if slots is not None:
        yield from _compare_with_sequence(parent, slots)
        return
    child: object = error.invalid_child
    if isinstance(child, etree._Element):
        yield _Fault(Code.SCHEMA_UNEXPECTED_ELEMENT, child, f"{local_name(child)} in {local_name(parent)}")
    else:
        expected = ", ".join(str(each.local_name) for each in error.expected or () if each.local_name)
        yield _Fault(
            Code.SCHEMA_MISSING_ELEMENT, parent, f"{expected or 'an element'} in {local_name(parent)}"
        )


@dataclass(frozen=True, slots=True)
class _Slot:
    """One place in a sequence: an element, or a choice between elements."""

    names: frozenset[str]
    shown: str
    least: int
    most: int | None


def _plain_sequence(declared: XsdElement | None) -> list[_Slot] | None:
    """Read a content model that is one sequence of elements and choices of elements; None for any other."""
    content = _content_of(declared)
    if content is None or content.model != "sequence" or content.max_occurs != 1:
        return None
    slots = [_slot(each) for each in _flattened(content)]
    plain = [each for each in slots if each is not None]
    names = [name for each in plain for name in each.names]
    return plain if len(plain) == len(slots) and len(set(names)) == len(names) else None


def _flattened(group: XsdGroup) -> Iterator[object]:
    """Give a sequence's particles; a sequence within it that stands just once, as extension makes, is opened."""
    for particle in group:
        if isinstance(particle, XsdGroup) and particle.model == "sequence" and particle.occurs == (1, 1):
            yield from _flattened(particle)
        else:
            yield particle


def _slot(particle: object) -> _Slot | None:
    if isinstance(particle, XsdElement):
        return _Slot(
            frozenset({str(particle.name)}),
            str(particle.local_name),
            particle.min_occurs,
            particle.max_occurs,
        )
    if not isinstance(particle, XsdGroup) or particle.model != "choice":
        return None
    members = [each for each in particle if isinstance(each, XsdElement) and each.max_occurs == 1]
    if len(members) != len(particle):
        return None
    shown = " or ".join(str(each.local_name) for each in members)
    least = particle.min_occurs if all(each.min_occurs for each in members) else 0
    return _Slot(frozenset(str(each.name) for each in members), shown, least, particle.max_occurs)


def _compare_with_sequence(parent: etree._Element, slots: list[_Slot]) -> Iterator[_Fault]:
    """
    Name every child that is missing, unknown, out of place or surplus.

    The longest run of children in the model's order counts as in place, so one moved element is one fault.
    """
    place_by_name = {name: place for place, slot in enumerate(slots) for name in slot.names}
    children = [each for each in parent if isinstance(each.tag, str)]
    known = [each for each in children if each.tag in place_by_name]
    kept = {known[index] for index in _longest_ordered([place_by_name[str(each.tag)] for each in known])}
    counts = [0] * len(slots)
    within = f"in {local_name(parent)}"
    for child in children:
        place = place_by_name.get(str(child.tag))
        if place is None:
            yield _Fault(Code.SCHEMA_UNEXPECTED_ELEMENT, child, f"{local_name(child)} {within}")
            continue
        counts[place] += 1
        most = slots[place].most
        if child not in kept:
            yield _Fault(
                Code.SCHEMA_UNEXPECTED_ELEMENT, child, f"{local_name(child)} is out of order {within}"
            )
        elif most is not None and counts[place] > most:
            yield _Fault(
                Code.SCHEMA_UNEXPECTED_ELEMENT, child, f"{slots[place].shown} more than {most} times {within}"
            )
    for slot, count in zip(slots, counts, strict=True):
        if count < slot.least:
            yield _Fault(Code.SCHEMA_MISSING_ELEMENT, parent, f"{slot.shown} {within}")


def _longest_ordered(places: list[int]) -> list[int]:
    """Give the indexes of a longest run of *places* that does not fall (patience sorting)."""
    tails: list[int] = []
    tail_indexes: list[int] = []
    before: list[int] = []
    for index, place in enumerate(places):
        at = bisect_right(tails, place)
        before.append(tail_indexes[at - 1] if at else -1)
        tails[at : at + 1] = [place]
        tail_indexes[at : at + 1] = [index]
    run: list[int] = []
    index = tail_indexes[-1] if tail_indexes else -1
    while index >= 0:
        run.append(index)
        index = before[index]
    return run[::-1]


def _findings(places: _Places, faults: list[_Fault]) -> list[Finding]:
    order = {element: place for place, element in enumerate(places.root.iter())}
    faults.sort(key=lambda fault: (order.get(fault.element, 0), fault.code, fault.detail))
    return [
        finding_of(
            fault.code, fault.detail[:_MAX_DETAIL], path=places.path(fault.element), line=_line(fault.element)
        )
        for fault in faults
    ]


def _line(element: etree._Element) -> int | None:
    # Trees built from Avro have no lines.
    return element.sourceline or None


def local_name(element: etree._Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _strip_namespaces(message: str) -> str:
    """Make libxml2's ``{urn:long:namespace}Name`` readable."""
    parts = message.split("{")
    return parts[0] + "".join(part.partition("}")[2] if "}" in part else "{" + part for part in parts[1:])
