"""The slow pass: every fault of an element whose content model is broken, within a budget."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

from lxml import etree
from xmlschema import XMLSchemaChildrenValidationError, XMLSchemaException, XMLSchemaValidationError
from xmlschema.validators import XsdAttributeGroup, XsdGroup

from nsw.errors import Code
from nsw.validation.contentmodel import Change, find_changes
from nsw.validation.places import Declarations, Fault, local_name

#: What the package raises on some broken documents, such as for an xsi:type that names nothing, in place of an error.
_FAILURES = (XMLSchemaException, LookupError, ValueError, TypeError, ArithmeticError, RecursionError)
#: An element with more attributes or namespaces than this is left to libxml2: the slow pass costs their square.
_MAX_ATTRIBUTES = 50
#: Pairs of a child and a place in its content model that are compared in one document (about 1 us each).
_MOST_COMPARED = 200_000
# Keys are judged apart: an element that is searched alone does not see the others of its kind.
_OF_KEYS = re.compile(r"duplicated value |missing key field |value .* not found for Xsd|.* field selects ")
_ATTRIBUTE = re.compile(r"attribute ([^\s=']+)=")


class Search:
    """
    Searches elements of one document.

    Attributes:
        searched: elements whose faults are all known.
        ended_early: why not everything was looked at; '' when it was.
    """

    def __init__(self, declarations: Declarations, budget: int, most: int) -> None:
        """Take the budget in elements and attributes, and how many faults of one element are enough."""
        self.searched: set[etree._Element] = set()
        self.ended_early = ""
        self._declarations = declarations
        self._budget = budget
        self._limit = budget
        self._most = most
        self._compared = 0

    def can_afford(self, scope: etree._Element) -> bool:
        """Tell whether the budget allows to look at an element and all below; takes their cost from it."""
        self._budget -= self._cost_of(scope)
        if self._budget < 0:
            self.ended_early = f"more than {self._limit} elements to look at"
        return self._budget >= 0

    def faults(self, scope: etree._Element) -> list[Fault]:
        """Give the faults of an element and all below; none where the budget ends, which leaves libxml2's."""
        declared = self._declarations.of(scope)
        if not self.can_afford(scope) or declared is None:
            return []
        try:
            # The package takes lxml's elements, but declares the standard library's only.
            errors = declared.iter_errors(cast("Any", scope), namespaces=_namespaces(scope))
            found = list(islice(self._faults(scope, errors), self._most + 1))
        except _FAILURES as error:
            self.ended_early = f"{type(error).__name__} below {local_name(scope)}"
            return []
        self.searched.add(scope)
        return found

    def accepts_all(self) -> bool:
        """Tell whether the whole document is valid; not so where the budget does not allow to look."""
        root = self._declarations.root
        if not self.can_afford(root):
            return False
        try:
            return self._declarations.schema.is_valid(cast("Any", root))
        except _FAILURES:
            return False

    def _cost_of(self, scope: etree._Element) -> int:
        """Count a scope's elements and attributes; what the slow pass would choke on costs the whole budget."""
        count = 0
        for element in scope.iter("*"):
            count += 1 + len(element.attrib)
            if (
                len(element.attrib) > _MAX_ATTRIBUTES
                or len(element.nsmap) > _MAX_ATTRIBUTES
                or count > self._limit
            ):
                return self._limit + 1
        return count

    def _faults(self, scope: etree._Element, errors: Iterator[XMLSchemaValidationError]) -> Iterator[Fault]:
        misshapen: set[etree._Element] = set()
        wrong: set[tuple[etree._Element, str | None]] = set()
        for error in errors:
            found: object = error.elem
            element = found if isinstance(found, etree._Element) else scope
            if isinstance(error, XMLSchemaChildrenValidationError):
                if element not in misshapen:
                    misshapen.add(element)
                    yield from self._children_faults(element, error)
                continue
            if _OF_KEYS.match(error.reason or ""):
                continue
            fault = _fault_of(element, error)
            # One wrong value may break several facets.
            if fault.code is Code.SCHEMA_WRONG_VALUE:
                if (element, fault.attribute) in wrong:
                    continue
                wrong.add((element, fault.attribute))
            yield fault

    def _children_faults(
        self, parent: etree._Element, error: XMLSchemaChildrenValidationError
    ) -> Iterator[Fault]:
        children = [each for each in parent if isinstance(each.tag, str)]
        changes: list[Change] | None = None
        if isinstance(error.validator, XsdGroup):
            tags = [str(each.tag) for each in children]
            changes, spent = find_changes(error.validator, tags, _MOST_COMPARED - self._compared)
            self._compared += spent
        if not changes:
            yield _only_fault(parent, error)
            return
        within = f"in {local_name(parent)}"
        for change in changes:
            if change.index is None:
                detail = f"{' or '.join(change.names)} {within}"
                yield Fault(Code.SCHEMA_MISSING_ELEMENT, parent, detail)
            else:
                reason = f" {change.reason}" if change.reason else ""
                detail = f"{change.names[0]}{' is' if reason.startswith(' out') else ''}{reason} {within}"
                yield Fault(Code.SCHEMA_UNEXPECTED_ELEMENT, children[change.index], detail)


def _namespaces(element: etree._Element) -> dict[str, str]:
    return {prefix or "": uri for prefix, uri in element.nsmap.items()}


def _only_fault(parent: etree._Element, error: XMLSchemaChildrenValidationError) -> Fault:
    """Give the first fault of a content model, where no more is known."""
    child: object = error.invalid_child
    if isinstance(child, etree._Element):
        return Fault(Code.SCHEMA_UNEXPECTED_ELEMENT, child, f"{local_name(child)} in {local_name(parent)}")
    expected = " or ".join(str(each.local_name) for each in error.expected or () if each.local_name)
    return Fault(Code.SCHEMA_MISSING_ELEMENT, parent, f"{expected or 'an element'} in {local_name(parent)}")


def _fault_of(element: etree._Element, error: XMLSchemaValidationError) -> Fault:
    reason = (error.reason or "").removesuffix(".")
    detail = f"{local_name(element)}: {reason}"
    if isinstance(error.validator, XsdAttributeGroup):
        # It names the attribute in quotes; one that is missing has no place of its own.
        named = next((str(name) for name in element.attrib if repr(str(name)) in reason), None)
        return Fault(Code.SCHEMA_ATTRIBUTE, element, detail, named)
    value = _ATTRIBUTE.match(reason)
    if value:
        return Fault(Code.SCHEMA_WRONG_VALUE, element, detail, _expanded(element, value[1]))
    if "unavailable namespace" in reason or "not found" in reason:
        return Fault(Code.SCHEMA_UNEXPECTED_ELEMENT, element, detail)
    if isinstance(error.validator, XsdGroup):
        return Fault(Code.SCHEMA_OTHER, element, detail)
    return Fault(Code.SCHEMA_WRONG_VALUE, element, detail)


def _expanded(element: etree._Element, shown: str) -> str:
    """Give the expanded name of the attribute that a reason shows with a prefix."""
    local = shown.rpartition(":")[2]
    names = [str(name) for name in element.attrib]
    return next((name for name in names if name.rpartition("}")[2] == local), shown)
