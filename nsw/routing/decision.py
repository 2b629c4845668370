"""The decision: which agencies get a declaration, and why."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Decision, Reason
from nsw.routing.agencies import LEAD_AGENCY, Agency
from nsw.routing.tables import RoutingTables

#: Stands for the route in the reasons of agencies that had an earlier document of the case.
SAME_CASE = "case"


def decide_agencies(
    message_type: str, direction: str, data: CanonicalFields, on: date, tables: RoutingTables
) -> Decision:
    """
    Decide which agencies get a declaration; total: any fields give a decision, with the lead agency in it.

    The cost grows with the goods items, and with the routes that may apply to the message type; it does not
    grow with the rows of the permit table.

    Args:
        message_type: id without version.
        direction: ``import``, ``export``, ``transit`` or ``none``.
        on: the day whose tables apply.

    Returns:
        Reasons are sorted by agency, then route; those of one agency's permits by the first item concerned,
        the last of them standing for all beyond `nsw.routing.permits.MOST_REASONS`.
    """
    reasons = [
        _lead_reason(tables.agencies[tables.lead]),
        *tables.permits.reasons_for(data.items, direction, on),
        *tables.routes.reasons_for(message_type, direction, data, on),
    ]
    reasons.sort(key=lambda reason: (reason.agency, reason.route))
    return Decision(tuple(sorted({reason.agency for reason in reasons})), tuple(reasons))


def add_agencies(decision: Decision, had: Iterable[AgencyCode], tables: RoutingTables) -> Decision:
    """
    Add the agencies that had the declaration to those that get what changes it.

    Args:
        had: one that is in the tables no more is left out: it has no inbox.
    """
    missing = [code for code in had if code not in decision.agencies and code in tables.agencies]
    reasons = (*decision.reasons, *(_case_reason(tables.agencies[code]) for code in missing))
    return Decision(
        tuple(sorted({*decision.agencies, *missing})),
        tuple(sorted(reasons, key=lambda reason: (reason.agency, reason.route))),
    )


def _case_reason(agency: Agency) -> Reason:
    return Reason(
        agency=agency.code,
        route=SAME_CASE,
        text_en=f"{agency.name_en} has the declaration that this is about.",
        text_th=f"{agency.name_th}ได้รับใบขนสินค้าที่เอกสารนี้อ้างถึงไว้แล้ว",
    )


@lru_cache(maxsize=16)
def _lead_reason(lead: Agency) -> Reason:
    return Reason(
        agency=lead.code,
        route=LEAD_AGENCY,
        text_en=f"{lead.name_en} is the lead agency: it gets every declaration.",
        text_th=f"{lead.name_th}เป็นหน่วยงานหลัก ได้รับใบขนสินค้าทุกฉบับ",
    )
