"""Functions that rules may call: those of XPath 1.0, of EXSLT, and our own, which one document can't answer."""

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from nsw.rules.context import DATES, MATH, NSW_FUNCTIONS, RE, SETS
from nsw.rules.own import OWN_FUNCTIONS_TABLE

__all__ = ["FUNCTIONS", "Function", "compile_pattern", "without_groups"]

_REFERENCE = re.compile(r"\\[0-9]|\(\?P[<=]|\(\?\(")
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(\((?!\?))|.", re.DOTALL)


def compile_pattern(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """
    Compile a regular expression of a rule, when it is loaded as when it is used.

    Raises:
        re.error, ValueError, OverflowError, RecursionError: it is none.
    """
    return re.compile(pattern, re.UNICODE | (re.IGNORECASE if ignore_case else 0))


def without_groups(pattern: str) -> str:
    """Let no group of a pattern be remembered, where nothing refers to one: that is faster."""
    if _REFERENCE.search(pattern):
        return pattern
    return _PIECE.sub(lambda piece: "(?:" if piece[1] else piece[0], pattern)


class Function(NamedTuple):
    """What a call may look like; *call* is None where libxml2 or lxml has the function."""

    least: int
    most: float
    call: Callable[..., object] | None = None


def _arities(**names: int) -> dict[str, Function]:
    return {name.replace("_", "-"): Function(count, count) for name, count in names.items()}


_CORE = {
    **_arities(last=0, position=0, count=1, starts_with=2, contains=2, substring_before=2, substring_after=2),
    **_arities(translate=3, boolean=1, true=0, false=0, lang=1, sum=1, floor=1, ceiling=1, round=1),
    **dict.fromkeys(("local-name", "namespace-uri", "name", "string", "string-length"), Function(0, 1)),
    **dict.fromkeys(("normalize-space", "number"), Function(0, 1)),
    "not": Function(1, 1),
    "concat": Function(2, math.inf),
    "substring": Function(2, 3),
}

# Functions of EXSLT dates read the clock when they get no argument: each needs one.
_DATE_PARTS = [
    "date",
    "date-time",
    "time",
    "year",
    "month-in-year",
    "month-name",
    "month-abbreviation",
    "week-in-year",
    "day-in-year",
    "day-in-month",
    "day-of-week-in-month",
    "day-in-week",
    "day-name",
    "day-abbreviation",
    "hour-in-day",
    "minute-in-hour",
    "second-in-minute",
    "leap-year",
    "seconds",
    "duration",
]

FUNCTIONS: dict[str, dict[str, Function]] = {
    "": _CORE,
    NSW_FUNCTIONS: {
        name: Function(each.least, len(each.arguments), each.call)
        for name, each in OWN_FUNCTIONS_TABLE.items()
    },
    RE: {"test": Function(2, 3), "match": Function(2, 3), "replace": Function(4, 4)},
    SETS: _arities(difference=2, intersection=2, distinct=1, has_same_node=2, leading=2, trailing=2),
    DATES: {
        **dict.fromkeys(_DATE_PARTS, Function(1, 1)),
        **_arities(add=2, add_duration=2, difference=2),
    },
    MATH: _arities(min=1, max=1, highest=1, lowest=1, abs=1, sqrt=1, power=2),
}
