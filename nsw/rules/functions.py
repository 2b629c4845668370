"""Functions that rules may call: those of XPath 1.0, of EXSLT, and our own, which one document can't answer."""

import math
import re
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from lxml.etree import _Element
from stdnum.th import moa

from nsw.rules.context import DATES, MATH, NSW_FUNCTIONS, RE, RUN, SETS, RuleContext

__all__ = ["FUNCTIONS", "Function", "compile_pattern", "in_list", "list_value"]


def compile_pattern(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """
    Compile a regular expression of a rule, when it is loaded as when it is used.

    Raises:
        re.error: it is none.
    """
    return re.compile(pattern, re.UNICODE | (re.IGNORECASE if ignore_case else 0))


def _text(value: object) -> str:
    """Give the XPath string value of an argument, without white space around it."""
    if isinstance(value, str):
        return value.strip(" \t\r\n")
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, _Element):
        value = "".join(value.itertext()) if len(value) else value.text or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return str(value).strip(" \t\r\n")


_DECIMAL = re.compile(r"[+-]?([0-9]{1,60}(\.[0-9]{0,60})?|\.[0-9]{1,60})")


# As long as ``_DECIMAL`` lets through.
_LONGEST_KEPT = 122

# Room for exact sums and products of what ``_DECIMAL`` lets through.
_EXACT = Context(prec=400)


def _decimal(value: object) -> Decimal | None:
    if not isinstance(value, float):
        value = _text(value)
        if len(value) > _LONGEST_KEPT:
            return None
    return _read_decimal(value)


@lru_cache(maxsize=4096)
def _read_decimal(value: str | float) -> Decimal | None:
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    return Decimal(value) if _DECIMAL.fullmatch(value) else None


def _day(value: object) -> date | None:
    text = _text(value)
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _context() -> RuleContext:
    return RUN.get().context


def in_list(_: object, list_name: object, code: object) -> bool:
    """in-list(list, value): the list holds the value on the day whose law applies."""
    context = _context()
    return context.code_lists.contains(_text(list_name), _text(code), context.in_force_on)


def list_value(_: object, list_name: object, code: object, column: object) -> str:
    """list-value(list, code, column): what the column says of the code on the day whose law applies; '' without one."""
    context = _context()
    return context.code_lists.value(_text(list_name), _text(code), _text(column), context.in_force_on) or ""


# As stdnum.th.tin (0 for companies, 1 to 8 for persons), without its tolerance for spaces and hyphens.
_TAX_ID = re.compile(r"[0-8][0-9]{12}")


def _tax_id_valid(_: object, value: object) -> bool:
    """tax-id-valid(value): 13 digits, the last of them the right check digit."""
    text = _text(value)
    return bool(_TAX_ID.fullmatch(text)) and moa.calc_check_digit(text) == text[-1]


def _date_valid(_: object, value: object) -> bool:
    """date-valid(value): a day of the calendar as CCYYMMDD."""
    return _day(value) is not None


def _days_after_lodging(_: object, value: object) -> float:
    """days-after-lodging(value): days from the lodging date to CCYYMMDD, negative before it; NaN for no date."""
    day = _day(value)
    return math.nan if day is None else float((day - _context().lodged_on).days)


def _lodging_date(_: object) -> str:
    """lodging-date(): the lodging date as CCYYMMDD."""
    return _context().lodged_on.isoformat().replace("-", "")


def _sum_equals(_: object, nodes: object, total: object, tolerance: object) -> bool:
    """sum-equals(nodes, total, tolerance): exact sum, at most so far from the total; false unless all are numbers."""
    parts = [_decimal(node) for node in nodes] if isinstance(nodes, list) else [_decimal(nodes)]
    result, add = Decimal(0), _EXACT.add
    for part in parts:
        if part is None:
            return False
        result = add(result, part)
    return _is_near(result, total, tolerance)


def _product_equals(_: object, first: object, second: object, total: object, tolerance: object) -> bool:
    """product-equals(a, b, total, tolerance): exact product, at most so far from the total; false unless numbers."""
    a, b = _decimal(first), _decimal(second)
    return a is not None and b is not None and _is_near(_EXACT.multiply(a, b), total, tolerance)


def _is_near(value: Decimal, total: object, tolerance: object) -> bool:
    wanted, distance = _decimal(total), _decimal(tolerance)
    if wanted is None or distance is None:
        return False
    return _EXACT.subtract(value, wanted).copy_abs() <= distance


def _decimal_compare(_: object, first: object, second: object) -> float:
    """decimal-compare(a, b): -1, 0 or 1 as the exact numbers compare; NaN unless both are numbers."""
    a, b = _decimal(first), _decimal(second)
    return math.nan if a is None or b is None else float((a > b) - (a < b))


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
        "in-list": Function(2, 2, in_list),
        "list-value": Function(3, 3, list_value),
        "tax-id-valid": Function(1, 1, _tax_id_valid),
        "date-valid": Function(1, 1, _date_valid),
        "days-after-lodging": Function(1, 1, _days_after_lodging),
        "lodging-date": Function(0, 0, _lodging_date),
        "sum-equals": Function(3, 3, _sum_equals),
        "product-equals": Function(4, 4, _product_equals),
        "decimal-compare": Function(2, 2, _decimal_compare),
    },
    RE: {"test": Function(2, 3), "match": Function(2, 3), "replace": Function(4, 4)},
    SETS: _arities(difference=2, intersection=2, distinct=1, has_same_node=2, leading=2, trailing=2),
    DATES: {
        **dict.fromkeys(_DATE_PARTS, Function(1, 1)),
        **_arities(add=2, add_duration=2, difference=2),
    },
    MATH: _arities(min=1, max=1, highest=1, lowest=1, abs=1, sqrt=1, power=2),
}
