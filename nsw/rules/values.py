"""
The values of XPath 1.0 as compiled expressions compute them: conversions, comparisons, and the core functions.

A node-set is a list of elements in document order, or of texts where only those count.

Source:
    XPath 1.0, sections 3.4 (booleans), 3.5 (numbers) and 4 (core functions).
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from lxml.etree import Element, QName, XPath, _Element

from nsw.rules.syntax import UnsupportedError

__all__ = ["HELPERS", "Value", "passing_cost", "translation"]

Value = str | float | bool | Sequence[str]
"""A node-set is the texts of its nodes."""


class Ranked(Protocol):
    """Knows the place of each element in document order."""

    @property
    def ranks(self) -> Mapping[_Element, int]:
        """Place by element."""


Texts = Mapping[_Element, str]
Numbers = Mapping[str, float]

_FORMAT = XPath("string($number)", smart_strings=False)
_NOWHERE = Element("nowhere")
# lxml compares each node of a let with all others whenever the let is passed into an expression: 0.6 ns a pair, and
# about 3 us for a usual evaluation.
_PAIRS_PER_EVALUATION = 10_000

_INT_LIMIT = 2**31 - 1
_SPACE = " \t\r\n"
_SPACES = re.compile(r"[ \t\r\n]+")
_ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def up(element: _Element) -> _Element:
    """Give the parent; above the root is the document, which only lxml knows."""
    parent = element.getparent()
    if parent is None:
        raise UnsupportedError
    return parent


def has_text(texts: Texts, elements: Iterable[_Element], text: str) -> bool:
    """Do node-set = string."""
    for element in elements:  # noqa: SIM110 - any() costs three times as much
        if texts[element] == text:
            return True
    return False


def has_other_text(texts: Texts, elements: Iterable[_Element], text: str) -> bool:
    """Do node-set != string."""
    for element in elements:  # noqa: SIM110 - as above
        if texts[element] != text:
            return True
    return False


def number_text(number: float) -> str:
    """Do string(number)."""
    if number == 0:
        return "0"
    if -_INT_LIMIT < number < _INT_LIMIT and number == int(number):
        return str(int(number))
    return str(_FORMAT(_NOWHERE, number=number))


def number_truth(number: float) -> bool:
    """Do boolean(number)."""
    return number == number and number != 0  # noqa: PLR0124 - not a number


def divide(left: float, right: float) -> float:
    """Do left div right."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def modulo(left: float, right: float) -> float:
    """Do left mod right."""
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def total(numbers: Iterable[float]) -> float:
    """Add: one after the other, as libxml2 adds."""
    result = 0.0
    for number in numbers:
        result += number
    return result


def round_half_up(number: float) -> float:
    """Round half up."""
    if not math.isfinite(number) or number == 0:
        return number
    if -0.5 <= number < 0.5:  # noqa: PLR2004 - the definition
        return math.copysign(0.0, number)
    whole = math.floor(number)
    return float(whole + (number - whole >= 0.5))  # noqa: PLR2004 - the definition


def floor(number: float) -> float:
    """Give the largest whole number that is not larger."""
    return math.copysign(float(math.floor(number)), number) if math.isfinite(number) else number


def ceiling(number: float) -> float:
    """Give the smallest whole number that is not smaller."""
    return math.copysign(float(math.ceil(number)), number) if math.isfinite(number) else number


def substring(text: str, start: float, length: float | None = None) -> str:
    """Give characters from a place on, counted from 1."""
    first = 1.0 if start < 1 else round_half_up(start)
    end = math.inf if length is None else round_half_up(start) + round_half_up(length)
    if not first < end or first > len(text):
        return ""
    return text[int(first) - 1 : None if end > len(text) else int(end) - 1]


def cut(text: str, start: int, length: int | None = None) -> str:
    """Do substring() of whole numbers."""
    end = None if length is None else max(start - 1 + length, 0)
    return text[max(start - 1, 0) : end]


def substring_before(text: str, mark: str) -> str:
    """Give what stands before a mark."""
    before, found, _ = text.partition(mark) if mark else ("", "", "")
    return before if found else ""


def substring_after(text: str, mark: str) -> str:
    """Do substring-after(text, mark)."""
    return text.partition(mark)[2] if mark else text


def normalize(text: str) -> str:
    """Do normalize-space(text)."""
    if text.isalnum():
        return text
    return _SPACES.sub(" ", text.strip(_SPACE))


def translation(old: str, new: str) -> dict[int, str | None]:
    """Give the table by which translate() replaces characters."""
    table: dict[int, str | None] = {}
    for place, character in enumerate(old):
        table.setdefault(ord(character), new[place] if place < len(new) else None)
    return table


def translate(text: str, old: str, new: str) -> str:
    """Replace characters one by one."""
    return text.translate(translation(old, new))


def passing_cost(value: object) -> int:
    """Tell how many evaluations it counts for to pass a let into an expression."""
    return len(value) ** 2 // _PAIRS_PER_EVALUATION if isinstance(value, list) else 0


def local_name(element: _Element) -> str:
    """Do local-name(node)."""
    return str(element.tag).rpartition("}")[2]


def full_name(element: _Element) -> str:
    """Do name(node)."""
    local = local_name(element)
    return f"{element.prefix}:{local}" if element.prefix else local


def namespace(element: _Element) -> str:
    """Do namespace-uri(node)."""
    return QName(element).namespace or ""


def unique(elements: Iterable[_Element]) -> list[_Element]:
    """Give a node-set whose nodes stand in document order, each once."""
    return list(dict.fromkeys(elements))


def ordered(index: Ranked, elements: Iterable[_Element]) -> list[_Element]:
    """Give nodes in document order, each once."""
    found = list(dict.fromkeys(elements))
    return sorted(found, key=index.ranks.__getitem__) if len(found) > 1 else found


def distinct(texts: Texts, elements: Iterable[_Element]) -> list[_Element]:
    """Do set:distinct(node-set)."""
    found: dict[str, _Element] = {}
    for element in elements:
        found.setdefault(texts[element], element)
    return list(found.values())


def intersection(left: Iterable[_Element], right: Iterable[_Element]) -> list[_Element]:
    """Do set:intersection(node-set, node-set)."""
    kept = set(right)
    return [element for element in left if element in kept]


def difference(left: Iterable[_Element], right: Iterable[_Element]) -> list[_Element]:
    """Do set:difference(node-set, node-set)."""
    dropped = set(right)
    return [element for element in left if element not in dropped]


def has_same_node(left: Iterable[_Element], right: Iterable[_Element]) -> bool:
    """Do set:has-same-node(node-set, node-set)."""
    return not set(left).isdisjoint(right)


def preceding(element: _Element, name: str) -> list[_Element]:
    """Give the siblings before an element, the nearest first."""
    return list(element.itersiblings(name, preceding=True))


def following(element: _Element, name: str) -> list[_Element]:
    """Give the siblings after an element."""
    return list(element.itersiblings(name))


def below(element: _Element, name: str) -> list[_Element]:
    """Give the descendants of an element."""
    return list(element.iterdescendants(name))


def below_each(
    children: Mapping[_Element, Mapping[str, list[_Element]]], parents: Sequence[_Element], name: str
) -> list[_Element]:
    """Give the children of a name of several elements, none of which lies in another."""
    return [each for parent in parents for each in children[parent].get(name, ())]


def compare(sign: str, numbers: Numbers, left: Value, right: Value) -> bool:
    """Compare any two values."""
    if isinstance(left, bool) and _is_set(right):
        right = bool(right)
    elif isinstance(right, bool) and _is_set(left):
        left = bool(left)
    lefts, rights = _listed(left), _listed(right)
    if sign in _ORDERED:
        return _is_ordered(_ORDERED[sign], _all_numbers(lefts, numbers), _all_numbers(rights, numbers))
    return _is_equal(sign, lefts, rights, numbers)


def _is_set(value: Value) -> bool:
    return isinstance(value, list | tuple)


def _listed(value: Value) -> list[str | float]:
    return [value] if isinstance(value, str | float | bool) else list(value)


def _all_numbers(values: Iterable[str | float], numbers: Numbers) -> list[float]:
    return [numbers[value] if isinstance(value, str) else float(value) for value in values]


def _is_ordered(test: Callable[[float, float], bool], left: list[float], right: list[float]) -> bool:
    """Tell whether any pair stands so: if one does, the outermost do."""
    left, right = ([each for each in side if not math.isnan(each)] for side in (left, right))
    if not left or not right:
        return False
    return test(min(left), max(right)) or test(max(left), min(right))


def _is_equal(sign: str, left: list[str | float], right: list[str | float], numbers: Numbers) -> bool:
    if not left or not right:
        return False
    wanted = sign == "="
    if isinstance(left[0], bool) or isinstance(right[0], bool):
        return (_truth(left[0]) == _truth(right[0])) is wanted
    if isinstance(left[0], float) or isinstance(right[0], float):
        a, b = _all_numbers(left, numbers), _all_numbers(right, numbers)
        return any((x == y) is wanted for x in a for y in b)
    return not set(left).isdisjoint(right) if wanted else len({*left, *right}) > 1


def _truth(value: str | float) -> bool:
    return (
        value if isinstance(value, bool) else bool(value) if isinstance(value, str) else number_truth(value)
    )


HELPERS: Mapping[str, object] = {
    each.__name__: each
    for each in (
        up, has_text, has_other_text, number_text, number_truth, divide, modulo, total, round_half_up,
        floor, ceiling, substring, cut, substring_before, substring_after, normalize, translate, local_name, full_name,
        namespace, unique, ordered, distinct, intersection, difference, has_same_node, preceding, following, below,
        below_each, compare,
    )
}  # fmt: skip
"""By the names that compiled expressions use."""
