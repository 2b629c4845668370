"""
What compiled expressions read of one document, each piece once and only when asked for.

lxml makes an object, a name and a text anew for whoever asks; here they are kept while the document is judged.
"""

import re
from collections.abc import Mapping
from functools import cached_property, lru_cache

from lxml.etree import XPath, _Element

from nsw.rules.context import Run
from nsw.rules.own import in_list, list_value
from nsw.rules.syntax import UnsupportedError

__all__ = ["Index", "to_number"]

Children = dict[str, list[_Element]]

_STRING = XPath("string()", smart_strings=False)
_NUMBER = re.compile(
    r"[ \t\r\n]*(-?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:[eE]([+-]?)([0-9]*))?[ \t\r\n]*", re.ASCII
)
_EXACT_DIGITS = 15
_MAX_FRACTION_DIGITS = 20
_LARGEST_POWER = 308
_LONGEST_KEPT = 40
_NAN = float("nan")


class _ChildrenByName(dict[_Element, Children]):
    """Children of an element by name, in document order."""

    __slots__ = ()

    def __missing__(self, parent: _Element) -> Children:
        # A comment has a function as its name: nobody asks for its children by that.
        children: Children = {child.tag: [child] for child in parent}  # type: ignore[misc]
        if len(children) != len(parent):
            children = {}
            for child in parent:
                children.setdefault(child.tag, []).append(child)  # type: ignore[arg-type]
        self[parent] = children
        return children


class _Texts(dict[_Element, str]):
    """String value of an element."""

    __slots__ = ()

    def __missing__(self, element: _Element) -> str:
        text = self[element] = str(_STRING(element)) if len(element) else element.text or ""
        return text


class _Numbers(dict[str, float]):
    """Number that a text stands for."""

    __slots__ = ()

    def __missing__(self, text: str) -> float:
        if text.isdigit() and text.isascii() and len(text) <= _EXACT_DIGITS:
            number = float(text)
        else:
            number = _read_number(text) if len(text) <= _LONGEST_KEPT else to_number(text)
        self[text] = number
        return number


class _Below(dict[tuple[str, ...], Children]):
    """Children, by name, of all elements that a chain of names leads to from the document."""

    def __init__(self, root: _Element, children: _ChildrenByName) -> None:
        super().__init__({(): {str(root.tag): [root]}})
        self._children = children

    def __missing__(self, names: tuple[str, ...]) -> Children:
        parents = self[names[:-1]].get(names[-1], [])
        merged = self[names] = self._children[parents[0]] if len(parents) == 1 else self._merge(parents)
        return merged

    def _merge(self, parents: list[_Element]) -> Children:
        merged: Children = {}
        for parent in parents:
            for name, found in self._children[parent].items():
                if name in merged:
                    merged[name] += found
                else:
                    merged[name] = found.copy()
        return merged


class _Named(dict[str, list[_Element]]):
    """All elements of a name, or all that there are for '*', in document order."""

    def __init__(self, root: _Element) -> None:
        super().__init__()
        self._root = root

    def __missing__(self, name: str) -> list[_Element]:
        if not self:
            self["*"] = list(self._root.iter("*"))
            for element in self["*"]:
                self.setdefault(str(element.tag), []).append(element)
            return self[name]
        found = self[name] = []
        return found


class _Present(dict[str, bool]):
    """Whether there is any element of a name."""

    def __init__(self, root: _Element) -> None:
        super().__init__()
        self._root = root

    def __missing__(self, name: str) -> bool:
        found = self[name] = next(self._root.iter(name), None) is not None
        return found


class _Ranks(dict[_Element, int]):
    """Place of an element in document order."""

    def __init__(self, root: _Element) -> None:
        super().__init__()
        self._root = root

    def __missing__(self, element: _Element) -> int:
        if not self:
            self.update((each, rank) for rank, each in enumerate(self._root.iter("*")))
            if element in self:
                return self[element]
        # The element of a let of attributes or texts: it stands in no document.
        raise UnsupportedError


class _Held(dict[tuple[str, str], bool]):
    """Whether a code list holds a code."""

    def __missing__(self, asked: tuple[str, str]) -> bool:
        held = self[asked] = in_list(None, *asked)
        return held


class _Cells(dict[tuple[str, str, str], str]):
    """What a column of a code list says of a code."""

    def __missing__(self, asked: tuple[str, str, str]) -> str:
        cell = self[asked] = list_value(None, *asked)
        return cell


class Index:
    """One document, and the code lists at its date, for one run."""

    def __init__(self, root: _Element, run: Run) -> None:
        self.root = root
        self.walk = run.walk
        self.children = _ChildrenByName()
        self.texts = _Texts()
        self.numbers = _Numbers()
        self._paths: dict[_Element, str] = {}

    @cached_property
    def below(self) -> Mapping[tuple[str, ...], Children]:
        """Children, by name, of all elements that a chain of names leads to from the document."""
        return _Below(self.root, self.children)

    @cached_property
    def named(self) -> Mapping[str, list[_Element]]:
        """All elements of a name, or all that there are for '*', in document order."""
        return _Named(self.root)

    @cached_property
    def present(self) -> Mapping[str, bool]:
        """Whether there is any element of a name."""
        return _Present(self.root)

    @cached_property
    def ranks(self) -> Mapping[_Element, int]:
        """Place of an element in document order."""
        return _Ranks(self.root)

    # By identity; the list is kept, so that no other takes its place.
    @cached_property
    def _text_sets(self) -> dict[int, tuple[list[_Element], frozenset[str]]]:
        return {}

    @cached_property
    def _members(self) -> dict[int, tuple[list[_Element], frozenset[_Element]]]:
        return {}

    @cached_property
    def held(self) -> Mapping[tuple[str, str], bool]:
        """Whether a code list holds a code."""
        return _Held()

    @cached_property
    def cells(self) -> Mapping[tuple[str, str, str], str]:
        """What a column of a code list says of a code."""
        return _Cells()

    def top(self, name: str) -> tuple[_Element, ...]:
        """Give the root, if that is its name."""
        return (self.root,) if self.root.tag == name else ()

    def path_of(self, element: _Element) -> str:
        """Name the place of an element as ``nsw.formats.xml.build_path`` does."""
        path = self._paths.get(element)
        if path is None:
            tag: str = element.tag  # type: ignore[assignment] # always text
            name = tag
            if tag[0] == "{":
                prefix, name = element.prefix, tag.rpartition("}")[2]
                name = f"{prefix}:{name}" if prefix else name
            parent = element.getparent()
            if parent is None:
                path = f"/{name}[1]"
            else:
                place = self.children[parent][tag].index(element) + 1
                path = f"{self.path_of(parent)}/{name}[{place}]"
            self._paths[element] = path
        return path

    def order(self, element: _Element) -> list[int]:
        """Give what sorts a few elements in document order; for many of them there are the ranks."""
        places = []
        parent = element.getparent()
        while parent is not None:
            places.append(parent.index(element))
            element, parent = parent, parent.getparent()
        places.reverse()
        return places

    def texts_of(self, elements: list[_Element]) -> frozenset[str]:
        """Give the texts of the elements of a let."""
        found = self._text_sets.get(id(elements))
        if found is None:
            texts = frozenset(self.texts[element] for element in elements)
            found = self._text_sets[id(elements)] = (elements, texts)
        return found[1]

    def members_of(self, elements: list[_Element]) -> frozenset[_Element]:
        """Give the elements of a let as a set."""
        found = self._members.get(id(elements))
        if found is None:
            found = self._members[id(elements)] = (elements, frozenset(elements))
        return found[1]

    def nearest(self, element: _Element, name: str) -> list[_Element]:
        """Give the nearest sibling of a name before an element."""
        found = next(element.itersiblings(name, preceding=True), None)
        return [] if found is None else [found]


@lru_cache(maxsize=4096)
def _read_number(text: str) -> float:
    return to_number(text)


def to_number(text: str) -> float:
    """
    Give the number of a text as libxml2 reads it: with an exponent, and with its very rounding.

    Source:
        XPath 1.0, section 4.4 (number); libxml2, xmlXPathStringEvalNumber.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return _NAN
    sign, whole, fraction, bare, exponent_sign, exponent = match.groups()
    value = _digits(whole or "")
    decimals = fraction or bare or ""
    if decimals:
        zeros = len(decimals) - len(decimals.lstrip("0"))
        decimals = decimals[: zeros + _MAX_FRACTION_DIGITS]
        value += _digits(decimals) / 10.0 ** len(decimals) if len(decimals) <= _LARGEST_POWER else 0.0
    if sign:
        value = -value
    if exponent:
        power = min(int(exponent[:7]), 400)
        value *= (
            10.0**-power
            if exponent_sign == "-"
            else (10.0**power if power <= _LARGEST_POWER else float("inf"))
        )
    return value


def _digits(digits: str) -> float:
    if len(digits) <= _EXACT_DIGITS:
        return float(digits or 0)
    value = 0.0
    for digit in digits:
        value = value * 10.0 + float(digit)
    return value
