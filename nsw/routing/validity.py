"""The days on which a row of a table holds: both its dates are inclusive, the last may be open."""

import re
from datetime import date

# re.ASCII: Thai digits are digits to Python.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def in_force(on: date, effective_from: date, effective_until: date | None) -> bool:
    """Tell whether a day lies in a validity; without a last day it has no end."""
    return effective_from <= on and (effective_until is None or on <= effective_until)


def parse_date(text: str) -> date | None:
    """Read a date as officers write it, ``2026-01-31``; None for any other text."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
