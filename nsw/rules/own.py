"""Our own functions, which a rule may call for what one document can't know: one table says all about them."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from lxml.etree import _Element
from stdnum.th import moa

from nsw.rules.code import Type
from nsw.rules.context import RUN, RuleContext

__all__ = ["OWN_FUNCTIONS_TABLE", "OwnFunction", "in_list", "list_value"]

_RATES, _PARTIES, _PERMITS = "exchange_rates", "registered_parties", "issued_permits"


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

# Floats stand for each whole number below that.
_COARSE = 2**53
_LONGEST_WHOLE = 15

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


def _asked_day(given: Sequence[object]) -> date | None:
    """Give the day of an optional last argument, CCYYMMDD or CCYY-MM-DD; the law date without one."""
    return _day(_text(given[0]).replace("-", "")) if given else _context().in_force_on


def in_list(_: object, list_name: object, code: object, *on: object) -> bool:
    """Tell whether a list holds a code on a day."""
    day = _asked_day(on)
    return day is not None and _context().code_lists.contains(_text(list_name), _text(code), day)


def list_value(_: object, list_name: object, code: object, column: object, *on: object) -> str:
    """Give what a column of a list says of a code on a day; '' without it."""
    day = _asked_day(on)
    if day is None:
        return ""
    return _context().code_lists.value(_text(list_name), _text(code), _text(column), day) or ""


def _today(_: object) -> str:
    return _context().in_force_on.isoformat().replace("-", "")


def _exchange_rate(_: object, currency: object, *on: object) -> float:
    rate = _read_decimal(list_value(_, _RATES, currency, "rate", *on))
    unit = _read_decimal(list_value(_, _RATES, currency, "unit", *on))
    return math.nan if rate is None or not unit else float(_EXACT.divide(rate, unit))


def _party_role(_: object, tax_id: object, role: object, *on: object) -> bool:
    return in_list(_, _PARTIES, f"{_text(tax_id)}:{_text(role)}", *on)


def _permit_valid(_: object, number: object, authority: object, holder: object, on: object) -> bool:
    found = list_value(_, _PERMITS, f"{_text(authority)}:{_text(number)}", "holder", on)
    return found != "" and found == _text(holder)


# As stdnum.th.tin (0 for companies, 1 to 8 for persons), without its tolerance for spaces and hyphens.
_TAX_ID = re.compile(r"[0-8][0-9]{12}")


def _tax_id_valid(_: object, value: object) -> bool:
    text = _text(value)
    return bool(_TAX_ID.fullmatch(text)) and moa.calc_check_digit(text) == text[-1]


def _date_valid(_: object, value: object) -> bool:
    return _day(value) is not None


def _days_after_lodging(_: object, value: object) -> float:
    day = _day(value)
    return math.nan if day is None else float((day - _context().lodged_on).days)


def _lodging_date(_: object) -> str:
    return _context().lodged_on.isoformat().replace("-", "")


def _sum_equals(_: object, nodes: object, total: object, tolerance: object) -> bool:
    values = nodes if isinstance(nodes, list) else [nodes]
    if tolerance == 0 and isinstance(total, float):
        whole = _whole_sum(values)
        if whole is not None:
            return whole == total
    result, add = Decimal(0), _EXACT.add
    for value in values:
        part = _decimal(value)
        if part is None:
            return False
        result = add(result, part)
    return _is_near(result, total, tolerance)


def _whole_sum(values: Iterable[object]) -> int | None:
    """Add plain whole numbers, as most counts are; None where there is another, or where floats would be too coarse."""
    result = 0
    for value in values:
        if not (
            isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_WHOLE
        ):
            return None
        result += int(value)
    return result if result < _COARSE else None


def _product_equals(_: object, first: object, second: object, total: object, tolerance: object) -> bool:
    a, b = _decimal(first), _decimal(second)
    return a is not None and b is not None and _is_near(_EXACT.multiply(a, b), total, tolerance)


def _is_near(value: Decimal, total: object, tolerance: object) -> bool:
    wanted, distance = _decimal(total), _decimal(tolerance)
    if wanted is None or distance is None:
        return False
    return _EXACT.subtract(value, wanted).copy_abs() <= distance


def _decimal_compare(_: object, first: object, second: object) -> float:
    a, b = _decimal(first), _decimal(second)
    return math.nan if a is None or b is None else float((a > b) - (a < b))


class OwnFunction(NamedTuple):
    """
    One of our own functions.

    Attributes:
        arguments: their names, in order; the last *optional* of them may be left out.
        result: type of its value.
        gives: what the value says.
        without: what it is when a list lacks what is asked for, or an argument is none; '' where neither can be.
        lists: code lists and columns that it asks for; for arguments that name them, the places of list and column.
    """

    call: Callable[..., object]
    arguments: tuple[str, ...]
    result: Type
    gives: str
    without: str = ""
    lists: tuple[tuple[str, str], ...] = ()
    named: tuple[int, ...] = ()
    optional: int = 0

    @property
    def least(self) -> int:
        """Number of arguments that must be given."""
        return len(self.arguments) - self.optional


_DATE = "date"

OWN_FUNCTIONS_TABLE: Mapping[str, OwnFunction] = {
    "in-list": OwnFunction(
        in_list,
        ("list", "value", _DATE),
        Type.BOOLEAN,
        "whether the code list holds the value on the date",
        "false",
        named=(0,),
        optional=1,
    ),
    "list-value": OwnFunction(
        list_value,
        ("list", "code", "column", _DATE),
        Type.STRING,
        "what the column says of the code on the date",
        "the empty string",
        named=(0, 2),
        optional=1,
    ),
    "today": OwnFunction(
        _today,
        (),
        Type.STRING,
        "the law date as CCYYMMDD: the day whose lists apply; there is no clock",
    ),
    "lodging-date": OwnFunction(
        _lodging_date, (), Type.STRING, "the lodging date as CCYYMMDD, in Asia/Bangkok"
    ),
    "days-after-lodging": OwnFunction(
        _days_after_lodging,
        ("day",),
        Type.NUMBER,
        "days from the lodging date to CCYYMMDD, negative before it",
        "NaN",
    ),
    "date-valid": OwnFunction(
        _date_valid, ("value",), Type.BOOLEAN, "whether it is a day of the calendar, as CCYYMMDD"
    ),
    "exchange-rate": OwnFunction(
        _exchange_rate,
        ("currency", _DATE),
        Type.NUMBER,
        "baht for one unit of the currency on the date",
        "NaN",
        lists=((_RATES, "rate"), (_RATES, "unit")),
        optional=1,
    ),
    "party-role": OwnFunction(
        _party_role,
        ("tax-id", "role", _DATE),
        Type.BOOLEAN,
        "whether the party is registered in that role on the date",
        "false",
        lists=((_PARTIES, "tax_id"), (_PARTIES, "role")),
        optional=1,
    ),
    "permit-valid": OwnFunction(
        _permit_valid,
        ("number", "authority", "holder", _DATE),
        Type.BOOLEAN,
        "whether the authority issued that permit to the holder, a tax number, and it is valid on the date",
        "false",
        lists=((_PERMITS, "authority"), (_PERMITS, "number"), (_PERMITS, "holder")),
    ),
    "tax-id-valid": OwnFunction(
        _tax_id_valid, ("value",), Type.BOOLEAN, "whether it is 13 digits with the right check digit"
    ),
    "sum-equals": OwnFunction(
        _sum_equals,
        ("nodes", "total", "tolerance"),
        Type.BOOLEAN,
        "whether the exact sum is that near to the total",
        "false unless all are numbers",
    ),
    "product-equals": OwnFunction(
        _product_equals,
        ("a", "b", "total", "tolerance"),
        Type.BOOLEAN,
        "whether the exact product is that near to the total",
        "false unless all are numbers",
    ),
    "decimal-compare": OwnFunction(
        _decimal_compare,
        ("a", "b"),
        Type.NUMBER,
        "-1, 0 or 1 as the exact numbers compare",
        "NaN unless both are numbers",
    ),
}
"""By name. A date is CCYYMMDD or CCYY-MM-DD; without it, the law date."""
