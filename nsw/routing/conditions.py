"""Conditions of routes: what they ask of the fields of a declaration or of a goods item, and how they are written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

import yaml

from nsw.routing.yamlfile import YamlFile

DIRECTIONS = ("import", "export", "transit", "none")

# re.ASCII: Thai digits are digits to Python.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_FIELD = re.compile(r"[a-z][a-z0-9_]*")


class Comparison(StrEnum):
    """What a condition asks of a field; the values are the words of ``routes.yaml``."""

    ANY_OF = "any_of"
    NOT = "not"
    STARTS_WITH = "starts_with"
    AT_LEAST = "at_least"
    BELOW = "below"
    PRESENT = "present"
    ABSENT = "absent"


_NUMERIC_TESTS = frozenset({Comparison.AT_LEAST, Comparison.BELOW})
_TESTS_WITH_OPERAND = (Comparison.NOT, Comparison.STARTS_WITH, Comparison.AT_LEAST, Comparison.BELOW)


@dataclass(frozen=True, slots=True)
class Condition:
    """
    One test of one canonical field.

    Attributes:
        field: canonical name, or ``message_type`` or ``direction``.
        values: what the test compares with; empty for ``present`` and ``absent``.
        number: the bound of a numeric test.
    """

    field: str
    test: Comparison
    values: tuple[str, ...] = ()
    number: Decimal = Decimal(0)

    def holds(self, fields: Mapping[str, str]) -> bool:  # noqa: PLR0911 - one answer for each word
        """
        Tell whether the field is as asked; never fails.

        An empty field counts as absent. An absent field is *not* any value, and meets no other test but
        ``absent``; a text that is no number meets no numeric test.
        """
        text = fields.get(self.field, "")
        match self.test:
            case Comparison.ANY_OF:
                return text in self.values
            case Comparison.NOT:
                return text not in self.values
            case Comparison.STARTS_WITH:
                return text.startswith(self.values)
            case Comparison.AT_LEAST:
                return _NUMBER.fullmatch(text) is not None and Decimal(text) >= self.number
            case Comparison.BELOW:
                return _NUMBER.fullmatch(text) is not None and Decimal(text) < self.number
            case Comparison.PRESENT:
                return bool(text)
            case Comparison.ABSENT:
                return not text
            case _:
                assert_never(self.test)


def all_hold(conditions: tuple[Condition, ...], fields: Mapping[str, str]) -> bool:
    """Tell whether every condition holds; without conditions, it does."""
    for condition in conditions:  # noqa: SIM110 - a generator would take longer than most conditions
        if not condition.holds(fields):
            return False
    return True


def read_conditions(
    file: YamlFile, node: yaml.Node | None
) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
    """Read a route's ``when``: its conditions on the declaration, and those on a goods item."""
    entries = file.any_entries(node, "when")
    item_node = entries.pop("item", None)
    items = file.any_entries(item_node, "item")
    if item_node is not None and not items:
        file.report(item_node, "item: name at least one condition")
    elif node is not None and not entries and not items:
        file.report(node, "when: name at least one condition; customs gets every declaration anyway")
    for field in sorted(items.keys() & {"message_type", "direction", "item"}):
        file.report(items[field], f"{field!r} is not a field of a goods item")
    conditions = [each for field, test in entries.items() for each in _read_condition(file, field, test)]
    for each in (each for each in conditions if each.field == "direction" and each.test is Comparison.ANY_OF):
        for value in sorted(set(each.values).difference(DIRECTIONS)):
            file.report(entries["direction"], f"direction {value!r} is not one of {', '.join(DIRECTIONS)}")
    item_conditions = [each for field, test in items.items() for each in _read_condition(file, field, test)]
    return tuple(conditions), tuple(item_conditions)


def _read_condition(file: YamlFile, field: str, node: yaml.Node) -> list[Condition]:
    if not _FIELD.fullmatch(field):
        file.report(node, f"{field!r} is not a field name: a-z, 0-9 and '_', a letter first")
    if isinstance(node, yaml.ScalarNode) and node.value in {Comparison.PRESENT, Comparison.ABSENT}:
        return [Condition(field, Comparison(node.value))]
    if not isinstance(node, yaml.MappingNode):
        return [Condition(field, Comparison.ANY_OF, file.texts(node, field))]
    entries = file.entries(node, field, (), optional=_TESTS_WITH_OPERAND)
    if not node.value:
        file.report(node, f"{field}: name at least one test")
    return [
        _read_test(file, field, Comparison(word), operand)
        for word, operand in entries.items()
        if word in _TESTS_WITH_OPERAND
    ]


def _read_test(file: YamlFile, field: str, test: Comparison, node: yaml.Node) -> Condition:
    if test not in _NUMERIC_TESTS:
        return Condition(field, test, file.texts(node, f"{field}: {test}"))
    text = file.text(node, f"{field}: {test}")
    if _NUMBER.fullmatch(text):
        return Condition(field, test, (text,), Decimal(text))
    if text:
        file.report(node, f"{field}: {test}: {text!r} is not a number like 500000.00")
    return Condition(field, test)
