"""
The law date: the day whose message types, rules, code lists and tables a document is judged by.

It is the lodging date, unless the message type names a dated field of the document and how far that may lie from the
lodging date, so that senders do not choose their law.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from lxml import etree

from nsw.errors import Code, MessageError
from nsw.formats.xml import build_path
from nsw.messagetypes import DatedBy, MessageType
from nsw.model import Finding, finding_of

__all__ = ["LawDate", "find_law_date", "in_force"]

_ZONE = r"(?P<zone>Z|[+-]\d{2}:\d{2})?"
# re.ASCII: Thai digits are digits to Python.
_DAY = re.compile(rf"(?P<day>\d{{8}}|\d{{4}}-\d{{2}}-\d{{2}}{_ZONE})", re.ASCII)
_TIME = re.compile(rf"\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}:\d{{2}}:\d{{2}}(\.\d+)?{_ZONE}", re.ASCII)
_DAY_CHARACTERS = 10


@dataclass(frozen=True, slots=True)
class LawDate:
    """
    The day whose law applies to one document.

    Attributes:
        on: the day.
        field: canonical field that it was read from; None for the lodging date.
    """

    on: date
    field: str | None = None


def find_law_date(
    versions: Sequence[MessageType], root: etree._Element, lodged_on: date, zone: tzinfo
) -> tuple[LawDate, tuple[Finding, ...]]:
    """
    Find the day whose law applies to a document.

    Args:
        versions: all versions that the document may be of, at least one. The one in force on the lodging date says
            what the law is dated by; failing that the next one to come, else the last.
        zone: of the window's legal time; a time with an offset is taken as its day there.

    Returns:
        The day, and what is wrong with the date that the type names; then the lodging date is taken.
    """
    dated_by = _governing(versions, lodged_on).dated_by
    if dated_by is None:
        return LawDate(lodged_on), ()
    text, node = _read(dated_by, root)
    place = build_path(node if node is not None else root)
    line = (node if node is not None else root).sourceline
    day = _parse(text, zone)
    if day is None:
        detail = f"{dated_by.name} is {'no date' if text else 'missing'}"
        return LawDate(lodged_on), (finding_of(Code.LAW_DATE_UNREADABLE, detail, path=place, line=line),)
    first = lodged_on - timedelta(days=dated_by.earliest_days)
    last = lodged_on + timedelta(days=dated_by.latest_days)
    if not first <= day <= last:
        detail = f"{dated_by.name} {day}, allowed is {first} to {last}"
        return LawDate(lodged_on), (finding_of(Code.LAW_DATE_OUT_OF_BOUNDS, detail, path=place, line=line),)
    return LawDate(day, dated_by.name), ()


def in_force(versions: Sequence[MessageType], law: LawDate) -> MessageType:
    """
    Choose the version in force on the day whose law applies.

    Raises:
        MessageError: NSW-1015, there is none.
    """
    for each in versions:
        if each.is_in_force(law.on):
            return each
    by = f", its {law.field}" if law.field else ""
    raise MessageError(Code.VERSION_NOT_IN_FORCE, f"{versions[0].name} on {law.on}{by}")


def _governing(versions: Sequence[MessageType], lodged_on: date) -> MessageType:
    for each in versions:
        if each.is_in_force(lodged_on):
            return each
    coming = [each for each in versions if each.effective_from > lodged_on]
    if coming:
        return min(coming, key=lambda each: each.effective_from)
    return max(versions, key=lambda each: each.effective_from)


def _read(dated_by: DatedBy, root: etree._Element) -> tuple[str, etree._Element | None]:
    """Give the field's text, and the element that it stands in; an expression may compute it from several."""
    found = dated_by.path(root)
    if not isinstance(found, list):
        return str(found).strip(), None
    first: object = found[0] if found else ""
    if isinstance(first, etree._Element):
        return "".join(map(str, first.itertext())).strip(), first
    parent = first.getparent() if isinstance(first, etree._ElementUnicodeResult) else None
    return str(first).strip(), parent


def _parse(text: str, zone: tzinfo) -> date | None:
    """Read CCYYMMDD, or a date or a time of XML Schema; None for any other text."""
    is_day = _DAY.fullmatch(text)
    if not is_day and not _TIME.fullmatch(text):
        return None
    try:
        if is_day:
            return date.fromisoformat(text[:_DAY_CHARACTERS])
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(zone) if moment.tzinfo is not None else moment).date()
    except (ValueError, OverflowError):
        return None
