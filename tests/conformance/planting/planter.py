"""
Plants faults into a valid document, each so that what must be found is known beforehand.

Faults do not touch one another: no fault lies in what another one took away, copied or moved, and children of one
name are meant by one fault only. So each must be found as if it were alone.
"""

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast
from xml.etree.ElementTree import Element

from lxml import etree
from xmlschema import XMLSchema10, XMLSchema11
from xmlschema.validators import XsdElement, XsdSimpleType

from nsw.errors import Code
from tests.conformance.planting.content import Content
from tests.conformance.planting.keys import Key, find_keys

XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
UNKNOWN = "Planted"
_MISSING = frozenset({Code.SCHEMA_MISSING_ELEMENT})
_UNEXPECTED = frozenset({Code.SCHEMA_UNEXPECTED_ELEMENT})
_VALUE = frozenset({Code.SCHEMA_WRONG_VALUE})
_ATTRIBUTE = frozenset({Code.SCHEMA_ATTRIBUTE})
_KEY = frozenset({Code.SCHEMA_KEY})
_TEXT = frozenset({Code.SCHEMA_OTHER, Code.SCHEMA_WRONG_VALUE})
# What a wrong value may look like; those are taken that the type refuses.
_WRONG_VALUES = (
    "",
    " ",
    "?",
    "0",
    "-1",
    "99999999999999999999",
    "1.23456789",
    "X" * 400,
    "ก" * 400,
    "zz",
    "2026-13-01",
    "TRUE",
)
_WRONG_TYPES = ("many", "soon", "1,5", "1.5.2", "<&>")


@dataclass(frozen=True, slots=True)
class Plant:
    """
    One planted fault, and the finding that it must lead to.

    Attributes:
        codes: any of them is right.
        places: elements at any of which it may be reported: of two neighbours the document can't tell which one
            stands wrong.
        attribute: name of the attribute that is wrong, where one is.
        word: what the sentence must name.
        also: other readings of the same document that are as good.
    """

    kind: str
    codes: frozenset[Code]
    places: tuple[etree._Element, ...]
    attribute: str | None = None
    word: str = ""
    also: "tuple[Plant, ...]" = ()


class Planter:
    """Plants faults into one copy of a document; *plants* are those so far."""

    def __init__(
        self,
        root: etree._Element,
        schema: XMLSchema10 | XMLSchema11,
        chance: random.Random,
    ) -> None:
        """Take a valid document, which is changed, and its XSD as the xmlschema package reads it."""
        self.root = root
        self.plants: list[Plant] = []
        self._chance = chance
        self._declared: dict[etree._Element, XsdElement] = {}
        self._contents: dict[etree._Element, Content] = {}
        #: Children as they were: a fault must break what was whole, whatever others do beside it.
        self._rows: dict[etree._Element, list[etree._Element]] = {}
        #: Elements that a fault has changed, and those whose place or value a key depends on.
        self._touched: set[etree._Element] = set()
        self._pinned: set[etree._Element] = set()
        self._names: dict[etree._Element, set[str]] = {}
        self._moved: set[etree._Element] = set()
        errors = list(schema.iter_errors(cast("Any", root), validation_hook=self._note))
        assert not errors, f"the sample itself is not valid: {errors[0]}"
        self._elements = [each for each in root.iter("*") if each in self._declared]
        self._rows = {each: _children(each) for each in self._elements}
        self._keys = list(find_keys(self._elements, self._declared))
        self._keyed = {each for key in self._keys for each in key.involved()}

    def _note(self, element: Element, declared: XsdElement) -> bool:
        # Where xsi:type or a substitute stands, the package asks with the declaration that it meant.
        self._declared.setdefault(cast("etree._Element", element), declared)
        return False

    def plant(self, count: int, kinds: Mapping[str, Callable[["Planter"], bool]]) -> None:
        """Plant so many faults of kinds drawn by chance; fewer where the document has no room for them."""
        for _ in range(count * 12):
            if len(self.plants) >= count:
                return
            kinds[self._chance.choice(sorted(kinds))](self)

    # What can be changed.

    def _content(self, element: etree._Element) -> Content:
        if element not in self._contents:
            self._contents[element] = Content(self._declared[element])
        return self._contents[element]

    def _draw(self, wanted: Callable[[etree._Element], bool]) -> etree._Element | None:
        found = [each for each in self._elements if wanted(each)]
        return self._chance.choice(found) if found else None

    def _is_clean(self, element: etree._Element) -> bool:
        """Tell whether nothing in an element has been changed, or matters to a key."""
        fixed = self._touched | self._keyed | self._pinned
        return fixed.isdisjoint(element.iter("*"))

    def _is_free(self, element: etree._Element) -> bool:
        """Tell whether an element's place among its siblings is nobody's fault yet."""
        parent = element.getparent()
        return (
            parent is not None
            and parent in self._declared
            and str(element.tag) in self._content(parent).names()
            and str(element.tag) not in self._names.get(parent, set())
            and self._is_clean(element)
        )

    def _use(self, parent: etree._Element, *tags: str) -> None:
        self._names.setdefault(parent, set()).update(tags)
        self._pinned.add(parent)

    def _forget(self, element: etree._Element) -> None:
        gone = set(element.iter("*"))
        self._elements = [each for each in self._elements if each not in gone]

    def _breaks(self, parent: etree._Element, children: list[etree._Element]) -> bool:
        return not self._content(parent).allows([str(each.tag) for each in children])

    # Children.

    def missing(self) -> bool:
        """Take a child away."""

        def wanted(element: etree._Element) -> bool:
            parent = element.getparent()
            return (
                self._is_free(element)
                and parent is not None
                and self._breaks(parent, [each for each in self._rows[parent] if each is not element])
            )

        element = self._draw(wanted)
        parent = element.getparent() if element is not None else None
        if element is None or parent is None:
            return False
        self._use(parent, str(element.tag))
        self._forget(element)
        _remove(element)
        self.plants.append(Plant("missing", _MISSING, (parent,), word=_local(element)))
        return True

    def surplus(self) -> bool:
        """Repeat a child more often than it may stand."""

        def wanted(element: etree._Element) -> bool:
            parent = element.getparent()
            if not self._is_free(element) or parent is None:
                return False
            children = self._rows[parent]
            at = children.index(element)
            return self._breaks(parent, [*children[: at + 1], element, *children[at + 1 :]])

        element = self._draw(wanted)
        parent = element.getparent() if element is not None else None
        if element is None or parent is None:
            return False
        alike = _run_of(element)
        surplus = copy.deepcopy(alike[-1])
        surplus.tail = alike[-1].tail
        alike[-1].addnext(surplus)
        self._use(parent, str(element.tag))
        also = tuple(self._partners(parent, element))
        self.plants.append(Plant("surplus", _UNEXPECTED, (surplus,), word=_local(element), also=also))
        return True

    def _partners(self, parent: etree._Element, element: etree._Element) -> Iterator[Plant]:
        """Give what may be taken for missing where one is too many: the other members of a group that is repeated."""
        row = [str(each.tag) for each in self._rows[parent]]
        at = self._rows[parent].index(element)
        row.insert(at, str(element.tag))
        for name in sorted(self._content(parent).names()):
            if any(self._content(parent).allows([*row[:to], name, *row[to:]]) for to in range(at, at + 3)):
                yield Plant("missing", _MISSING, (parent,), word=_local_name(name))

    def unknown(self) -> bool:
        """Put in an element that the XSD does not know there."""

        def wanted(element: etree._Element) -> bool:
            content = self._content(element)
            return content.group is not None and not content.has_wildcard() and element not in self._touched

        parent = self._draw(wanted)
        if parent is None or UNKNOWN in self._names.get(parent, set()):
            return False
        children = _children(parent)
        namespace = etree.QName(children[0] if children else parent).namespace
        stranger = etree.Element(f"{{{namespace}}}{UNKNOWN}" if namespace else UNKNOWN)
        stranger.tail = "\n"
        at = self._chance.randrange(len(children) + 1)
        parent.insert(at, stranger)
        self._use(parent, UNKNOWN)
        self.plants.append(Plant("unknown", _UNEXPECTED, (stranger,), word=UNKNOWN))
        return True

    def misplaced(self) -> bool:
        """Move a child to another place among its siblings."""
        parent = self._draw(lambda each: len(each) > 1 and each not in self._moved)
        if parent is None or self._content(parent).group is None:
            return False
        children = self._rows[parent]
        element = self._chance.choice(children)
        at = children.index(element)
        to = self._chance.randrange(len(children))
        crossed = children[at + 1 : to + 1] if to > at else children[to:at]
        others = [each for each in children if each is not element]
        if (
            not crossed
            or not all(each.getparent() is parent and self._is_free(each) for each in (element, *crossed))
            or any(each.tag == element.tag for each in crossed)
            or not self._breaks(parent, [*others[:to], element, *others[to:]])
        ):
            return False
        _move(element, crossed[0] if to < at else crossed[-1], before=to < at)
        self._moved.add(parent)
        self._use(parent, str(element.tag), *(str(each.tag) for each in crossed))
        places = (element, crossed[0]) if len(crossed) == 1 else (element,)
        word = _local(element) if len(places) == 1 else ""
        self.plants.append(Plant("misplaced", _UNEXPECTED, places, word=word))
        return True

    # Values.

    def wrong_value(self) -> bool:
        """Give a leaf a value that its type refuses."""
        return self._spoil("wrong value", _WRONG_VALUES)

    def wrong_type(self) -> bool:
        """Give a number or a date a text of another kind."""
        return self._spoil("wrong type", _WRONG_TYPES)

    def _spoil(self, kind: str, values: tuple[str, ...]) -> bool:
        element = self._draw(
            lambda each: not len(each) and self._simple(each) is not None and self._is_clean(each)
        )
        if element is None:
            return False
        simple = self._simple(element)
        assert simple is not None
        refused = [each for each in values if not simple.is_valid(each)]
        if not refused:
            return False
        element.text = self._chance.choice(refused)
        self._touched.add(element)
        self.plants.append(Plant(kind, _VALUE, (element,), word=_local(element)))
        return True

    def _simple(self, element: etree._Element) -> XsdSimpleType | None:
        return self._declared[element].type.simple_type

    def child_in_value(self) -> bool:
        """Put an element into a leaf."""
        element = self._draw(
            lambda each: not len(each) and self._simple(each) is not None and self._is_clean(each)
        )
        if element is None:
            return False
        inner = etree.SubElement(element, UNKNOWN)
        inner.tail, element.text = element.text, None
        self._touched.add(element)
        self.plants.append(Plant("child in a value", _VALUE | _UNEXPECTED, (element, inner)))
        return True

    def text_in_children(self) -> bool:
        """Put text between children."""
        element = self._draw(
            lambda each: (
                len(each) > 0
                and self._content(each).group is not None
                # The package that searches broken elements takes a lone wildcard for no content model at all.
                and not self._content(each).has_wildcard()
                and not getattr(self._declared[each].type, "mixed", False)
                and each not in self._touched
            )
        )
        if element is None:
            return False
        element.text = f"{element.text or ''}text"
        self._touched.add(element)
        self.plants.append(Plant("text between children", _TEXT, (element,), word=_local(element)))
        return True

    # Attributes.

    def attribute_missing(self) -> bool:
        """Take a required attribute away."""
        element = self._draw(lambda each: self._has_required(each) and self._is_clean(each))
        if element is None:
            return False
        name = self._chance.choice(sorted(self._required(element)))
        del element.attrib[name]
        self._touched.add(element)
        self.plants.append(Plant("attribute missing", _ATTRIBUTE, (element,), word=name))
        return True

    def _has_required(self, element: etree._Element) -> bool:
        return bool(self._required(element))

    def _required(self, element: etree._Element) -> set[str]:
        attributes = self._declared[element].attributes
        return {
            str(name)
            for name in element.attrib
            if name in attributes and attributes[str(name)].use == "required"
        }

    def attribute_unknown(self) -> bool:
        """Add an attribute that is not declared."""
        element = self._draw(
            lambda each: None not in self._declared[each].attributes and UNKNOWN not in each.attrib
        )
        if (
            element is None
            or self._declared[element].type.name == "{http://www.w3.org/2001/XMLSchema}anyType"
        ):
            return False
        element.set(UNKNOWN, "1")
        self._pinned.add(element)
        self.plants.append(Plant("attribute unknown", _ATTRIBUTE, (element,), UNKNOWN, UNKNOWN))
        return True

    def attribute_wrong(self) -> bool:
        """Give an attribute a value that its type refuses."""
        element = self._draw(lambda each: bool(each.attrib) and self._is_clean(each))
        if element is None:
            return False
        attributes = self._declared[element].attributes
        name = str(self._chance.choice(sorted(map(str, element.attrib))))
        if name not in attributes:
            return False
        simple = attributes[name].type
        refused = [each for each in _WRONG_VALUES if simple is not None and not simple.is_valid(each)]
        if not refused:
            return False
        element.set(name, self._chance.choice(refused))
        self._touched.add(element)
        self.plants.append(
            Plant("attribute's value", _VALUE | _ATTRIBUTE, (element,), name, _local_name(name))
        )
        return True

    # Keys.

    def key_twice(self) -> bool:
        """Give two nodes of a key or unique the same value."""
        keys = [each for each in self._keys if each.refer is None and len(each.nodes) > 1]
        if not keys:
            return False
        key = self._chance.choice(keys)
        free = [
            each for each in key.nodes if each not in self._touched and not key.is_referred(each, self._keys)
        ]
        sources = [each for each in key.nodes if each not in self._touched]
        if not free:
            return False
        target = self._chance.choice(free)
        source = self._chance.choice(sources)
        if source is target or not key.copy(source, target):
            return False
        self._touched.update((source, target))
        self._touch_fields(key, source, target)
        self.plants.append(Plant("key given twice", _KEY, (target, source)))
        return True

    def reference_broken(self) -> bool:
        """Let a reference name nothing."""
        keys = [each for each in self._keys if each.refer is not None and each.nodes]
        if not keys:
            return False
        key = self._chance.choice(keys)
        node = self._chance.choice(key.nodes)
        if node in self._touched or not key.spoil(node):
            return False
        self._touched.add(node)
        self._touch_fields(key, node)
        self.plants.append(Plant("reference to nothing", _KEY, (node,)))
        return True

    def _touch_fields(self, key: Key, *nodes: etree._Element) -> None:
        for node in nodes:
            self._touched.update(key.owners(node))


KINDS: Mapping[str, Callable[[Planter], bool]] = {
    "missing": Planter.missing,
    "surplus": Planter.surplus,
    "unknown": Planter.unknown,
    "misplaced": Planter.misplaced,
    "wrong value": Planter.wrong_value,
    "wrong type": Planter.wrong_type,
    "child in a value": Planter.child_in_value,
    "text between children": Planter.text_in_children,
    "attribute missing": Planter.attribute_missing,
    "attribute unknown": Planter.attribute_unknown,
    "attribute's value": Planter.attribute_wrong,
    "key given twice": Planter.key_twice,
    "reference to nothing": Planter.reference_broken,
}


def _children(parent: etree._Element) -> list[etree._Element]:
    return [each for each in parent if isinstance(each.tag, str)]


def _run_of(element: etree._Element) -> list[etree._Element]:
    """Give the siblings of one name that stand together with an element."""
    run = [element]
    while (before := run[0].getprevious()) is not None and before.tag == element.tag:
        run.insert(0, before)
    while (after := run[-1].getnext()) is not None and after.tag == element.tag:
        run.append(after)
    return run


def _remove(element: etree._Element) -> None:
    """Take an element out of its parent, and leave the white space behind it."""
    parent = element.getparent()
    assert parent is not None
    before = element.getprevious()
    tail = element.tail or ""
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    element.tail = None
    parent.remove(element)


def _move(element: etree._Element, to: etree._Element, *, before: bool) -> None:
    tail = element.tail
    element.tail = None
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    if before:
        to.addprevious(element)
    else:
        after, to.tail = to.tail, None
        to.addnext(element)
        to.tail = after
    element.tail = tail


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]
