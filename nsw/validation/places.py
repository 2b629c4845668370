"""Faults at their elements, the path of an element, and its declaration in the XSD."""

from dataclasses import dataclass

import xmlschema
from lxml import etree
from xmlschema.validators import XsdAnyElement, XsdElement, XsdGroup

from nsw.errors import Code
from nsw.formats.xml import build_path

_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One schema fault at its element, before it becomes a finding.

    Attributes:
        attribute: expanded name of the attribute that is surplus or wrong, where it is one.
    """

    code: Code
    element: etree._Element
    detail: str
    attribute: str | None = None


class Places:
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

    def path(self, element: etree._Element, attribute: str | None = None) -> str:
        """Give the same path as ``build_path``."""
        if attribute is not None:
            return f"{self.path(element)}/{build_path(element, attribute).rpartition('/')[2]}"
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


class Declarations:
    """Finds the declarations of a document's elements, by walking down from the root's; each only once."""

    def __init__(self, schema: xmlschema.XMLSchema10 | xmlschema.XMLSchema11, root: etree._Element) -> None:
        self.schema = schema
        self.root = root
        self._found: dict[etree._Element, XsdElement | None] = {root: schema.maps.elements.get(str(root.tag))}

    def of(self, element: etree._Element) -> XsdElement | None:
        """Give an element's declaration; None where the XSD does not know it there."""
        steps = [element]
        while steps[-1] not in self._found:
            parent = steps[-1].getparent()
            if parent is None:
                return None
            steps.append(parent)
        for step in reversed(steps[:-1]):
            parent = step.getparent()
            content = self._content_of(parent) if parent is not None else None
            self._found[step] = _child_declaration(content, str(step.tag)) if content is not None else None
        return self._found[element]

    def _content_of(self, element: etree._Element) -> XsdGroup | None:
        """Give an element's content model; None where it has no child elements."""
        declared = self._found[element]
        if declared is None:
            return None
        given = declared.type
        if _XSI_TYPE in element.attrib:
            try:
                given = self.schema.maps.get_instance_type(
                    str(element.attrib[_XSI_TYPE]).strip(), given, _namespaces(element)
                )
            except (KeyError, TypeError):
                return None
        content = getattr(given, "content", None)
        return content if isinstance(content, XsdGroup) else None


def _namespaces(element: etree._Element) -> dict[str, str]:
    return {prefix or "": uri for prefix, uri in element.nsmap.items()}


def _child_declaration(group: XsdGroup, tag: str) -> XsdElement | None:
    for particle in group.iter_elements():
        if isinstance(particle, XsdAnyElement):
            if particle.is_matching(tag):
                found: XsdElement | None = particle.maps.elements.get(tag)
                return found
        elif particle.name == tag:
            return particle
        elif particle.ref is not None and particle.name in particle.maps.substitution_groups:
            found = next((each for each in particle.ref.iter_substitutes() if each.name == tag), None)
            if found is not None:
                return found
    return None


def _shown_name(element: etree._Element) -> str:
    return f"{element.prefix}:{local_name(element)}" if element.prefix else local_name(element)


def local_name(element: etree._Element) -> str:
    """Give an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
