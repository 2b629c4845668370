"""The elements of an XSD by local names, which is all that the rules say of them."""

from collections.abc import Mapping
from pathlib import Path

import xmlschema
from lxml import etree
from xmlschema.validators import XsdElement, XsdGroup

from nsw.rules import NSW_FUNCTIONS

_FUNCTIONS = {"nsw": NSW_FUNCTIONS, "re": "http://exslt.org/regular-expressions"}

Steps = tuple[str, ...]
"""Local names from the root down to an element."""


class ElementNames:
    """Finds the name with prefix that XPath needs."""

    def __init__(self, schema_path: Path, root: str) -> None:
        """
        Read the XSD.

        Args:
            root: ``{namespace}name`` of a global element.

        Raises:
            LookupError: there is no such element.
        """
        # The XSD itself is judged when the message type is loaded; here only its names count.
        # A schema that asks for version 1.1 is empty for a reader of 1.0.
        for version in (xmlschema.XMLSchema10, xmlschema.XMLSchema11):
            self._schema = version(str(schema_path), validation="lax", allow="local")
            declared = self._schema.maps.elements.get(root.removeprefix("{}"))
            if declared is not None:
                break
        else:
            raise LookupError(f"{schema_path} has no global element {root}")
        name = etree.QName(root.removeprefix("{}"))
        self._elements: dict[Steps, XsdElement | None] = {(name.localname,): declared}
        self._names: dict[Steps, tuple[str, str]] = {
            (name.localname,): (name.namespace or "", name.localname)
        }
        self._prefixes: dict[str, str] = {}
        nsmap = etree.parse(str(schema_path)).getroot().nsmap
        self._wanted = {uri: prefix for prefix, uri in nsmap.items() if prefix}
        self.root = name.localname
        self.unknown: set[Steps] = set()

    @property
    def namespaces(self) -> Mapping[str, str]:
        """All prefixes that were given out, and those of functions."""
        return {**{prefix: uri for uri, prefix in self._prefixes.items()}, **_FUNCTIONS}

    def name_of(self, steps: Steps) -> str:
        """
        Give the name with prefix of the last step.

        A path that the XSD does not know can match nothing; it gets the name that it would have.
        """
        if steps not in self._names:
            self._find(steps)
        uri, local = self._names[steps]
        return f"{self._prefix_of(uri)}:{local}" if uri else local

    def _find(self, steps: Steps) -> None:
        self.name_of(steps[:-1])
        parent = self._elements[steps[:-1]]
        found = None if parent is None else _child_of(parent, steps[-1])
        self._elements[steps] = found
        if found is None:
            self.unknown.add(steps)
            uri = self._names[steps[:-1]][0] if self._schema.element_form_default == "qualified" else ""
        else:
            uri = etree.QName(str(found.name)).namespace or ""
        self._names[steps] = (uri, steps[-1])

    def _prefix_of(self, uri: str) -> str:
        if uri not in self._prefixes:
            taken = {*self._prefixes.values(), *_FUNCTIONS, "xml"}
            wanted = self._wanted.get(uri, "")
            numbered = (f"n{number}" for number in range(1, len(taken) + 2))
            self._prefixes[uri] = next(
                each for each in (wanted, *numbered) if each and each not in taken and each[0] != "_"
            )
        return self._prefixes[uri]


def _child_of(parent: XsdElement, local: str) -> XsdElement | None:
    content = getattr(parent.type, "content", None)
    if not isinstance(content, XsdGroup):
        return None
    for particle in content.iter_elements():
        if isinstance(particle, XsdElement) and particle.local_name == local:
            return particle
    return None
