"""The layout of a message type's documents, as its ``fields.tsv`` gives it: which fields stand in which order."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lxml import etree

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"


@dataclass(frozen=True)
class Layout:
    """
    Builds the documents of one message type.

    Args:
        folder: of the message type, below ``schemas``.
        namespace: of the documents; *root* is the local name of their root.
    """

    folder: str
    namespace: str
    root: str

    @property
    def path(self) -> Path:
        """The folder of the message type."""
        return SCHEMAS / self.folder

    @cached_property
    def child_names(self) -> Mapping[str, tuple[str, ...]]:
        """The order of every section's children: its fields, then the sections inside it."""
        names: dict[str, list[str]] = {}
        with (self.path / "fields.tsv").open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table, delimiter="\t"):
                section, _, name = row["path"].rpartition("/")
                *outer, inner = section.split("/")
                names.setdefault(inner, []).append(name)
                for each in outer:
                    if inner not in names[each]:
                        names[each].append(inner)
        return {section: tuple(children) for section, children in names.items()}

    def qualified(self, name: str) -> str:
        """Give a local name, with its index if any, in the namespace of the message type."""
        return f"{{{self.namespace}}}{name}"

    def start(self) -> etree._Element:
        """Make an empty document."""
        return etree.Element(self.qualified(self.root), nsmap={None: self.namespace})

    def append(self, parent: etree._Element, section: str, fields: Mapping[str, str]) -> etree._Element:
        """
        Append one section; a field without text is left out.

        Raises:
            ValueError: the section has no such field.
        """
        names = self.child_names[section]
        unknown = fields.keys() - set(names)
        if unknown:
            raise ValueError(f"section {section} has no {', '.join(sorted(unknown))}")
        element = etree.SubElement(parent, self.qualified(section))
        for each in names:
            if fields.get(each):
                etree.SubElement(element, self.qualified(each)).text = fields[each]
        return element

    def place_of(self, parent: etree._Element, name: str) -> int:
        """Tell at which index a new child belongs."""
        order = self.child_names[etree.QName(parent).localname]
        later = {self.qualified(each) for each in order[order.index(name) + 1 :]}
        return next((index for index, child in enumerate(parent) if child.tag in later), len(parent))


def write_document(root: etree._Element, *, pretty: bool = True) -> bytes:
    """Give the UTF-8 bytes of a document."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=pretty)
