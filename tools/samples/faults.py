"""Invalid samples: a valid document, the edits that plant its faults, and the findings that must come of them."""

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

from lxml import etree

from tools.samples.layout import Layout, write_document

MISSING, UNEXPECTED, WRONG_VALUE = "NSW-2001", "NSW-2002", "NSW-2003"


class Base(Protocol):
    """A valid document that faults are planted in."""

    def build(self) -> bytes:
        """Build the document."""

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who gets the document, sorted."""


@dataclass(frozen=True)
class Draft:
    """A document, or one element of it, while it is edited."""

    layout: Layout
    element: etree._Element

    def find(self, path: str) -> etree._Element:
        """
        Find the element that an edit names.

        Raises:
            ValueError: there is none.
        """
        qualified = "/".join(self.layout.qualified(step) for step in path.split("/"))
        found = self.element.find(qualified) if path else self.element
        if found is None:
            raise ValueError(f"the base document has no {path}")
        return found


Edit = Callable[[Draft], None]


@dataclass(frozen=True)
class Case:
    """
    One invalid sample.

    Attributes:
        findings: each a code and, but for the root, a path below it: "TH-EXP-136 GoodsItem[2]/UNDGID".
        base: None for the usual one of the message type.
    """

    name: str
    findings: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    base: Base | None = None


def put(path: str, text: str) -> Edit:
    """Give a field a value; a missing field is added where the schema wants it."""

    def edit(draft: Draft) -> None:
        parent_path, _, name = path.rpartition("/")
        parent = draft.find(parent_path)
        element = parent.find(draft.layout.qualified(name))
        if element is None:
            element = etree.Element(draft.layout.qualified(name))
            parent.insert(draft.layout.place_of(parent, name), element)
        element.text = text

    return edit


def drop(*paths: str) -> Edit:
    """Take elements out."""

    def edit(draft: Draft) -> None:
        for element in [draft.find(path) for path in paths]:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)

    return edit


def repeat(path: str, **fields: str) -> Edit:
    """Put a copy of an element after it, with some fields changed."""

    def edit(draft: Draft) -> None:
        element = draft.find(path)
        copied = deepcopy(element)
        element.addnext(copied)
        for name, text in fields.items():
            put(name, text)(Draft(draft.layout, copied))

    return edit


def insert_before(path: str, name: str, text: str) -> Edit:
    """Put a new element before another, wherever the schema wants it."""

    def edit(draft: Draft) -> None:
        element = etree.Element(draft.layout.qualified(name))
        element.text = text
        draft.find(path).addprevious(element)

    return edit


def move_before(path: str, other: str) -> Edit:
    """Move an element before another one."""

    def edit(draft: Draft) -> None:
        draft.find(other).addprevious(draft.find(path))

    return edit


def wrong(code: str, path: str, text: str, *, base: Base | None = None) -> Case:
    """Make a case of one field with a wrong value, which is where the finding stands."""
    return Case(f"{code[-3:]}-{kebab(path)}", (f"{code} {path}",), (put(path, text),), base)


def without(code: str, path: str, place: str, *, base: Base | None = None) -> Case:
    """Make a case of one missing field; the finding stands at *place*."""
    return Case(f"{code[-3:]}-no-{kebab(path)}", (f"{code} {place}",), (drop(path),), base)


def kebab(path: str) -> str:
    """Turn the last name of a path into a part of a file name: FunctionalReferenceID, functional-reference-id."""
    name = path.rpartition("/")[2].partition("[")[0]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


@dataclass(frozen=True)
class Edited:
    """A document with some edits that change nobody who gets it."""

    layout: Layout
    base: Base
    edits: tuple[Edit, ...]

    def build(self) -> bytes:
        """Build the document."""
        parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False)
        root = etree.fromstring(self.base.build(), parser)
        for edit in self.edits:
            edit(Draft(self.layout, root))
        return write_document(root)

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who gets it, sorted."""
        return self.base.agencies


def build_expected(
    case: Case, base: Base, layout: Layout, severities: Mapping[str, str]
) -> dict[str, object]:
    """Build the answer to the document of a case; only an error rejects."""
    found = sorted((_full_path(layout.root, finding), finding.split()[0]) for finding in case.findings)
    rejected = any(severities.get(code, "error") == "error" for _, code in found)
    return {
        "verdict": "rejected" if rejected else "accepted",
        "findings": [{"code": code, "path": path} for path, code in found],
        "agencies": [] if rejected else list((case.base or base).agencies),
    }


def _full_path(root: str, finding: str) -> str:
    """Turn the place of a finding into the path in an answer: every step with its index, from the root."""
    steps = [root, *filter(None, finding.partition(" ")[2].split("/"))]
    return "".join(f"/{step}" if step.endswith("]") else f"/{step}[1]" for step in steps)
