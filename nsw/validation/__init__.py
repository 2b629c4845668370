"""
Gathers all schema findings of a document.

libxml2 gives the schema's verdict, fast, and names every wrong value; but inside a broken sequence it stops at the
first surprise. So on a broken content model, and only then, that element is searched again, within a budget.
"""

from itertools import chain

from lxml import etree

from nsw.errors import Code
from nsw.messagetypes import MessageType
from nsw.model import Finding, finding_of
from nsw.validation.identity import constrained, find_broken_keys
from nsw.validation.instancetypes import drop_declared_types, has_instance_type
from nsw.validation.libxml2 import broken_scopes, fast_faults, names_date
from nsw.validation.places import Declarations, Fault, Places
from nsw.validation.search import Search

__all__ = ["MAX_FAULTS", "SLOW_PASS_ELEMENTS", "check_schema", "is_accepted"]

#: Elements and attributes that the slow pass may look at (30 to 170 us each): a batch has one second for all.
SLOW_PASS_ELEMENTS = 10_000
#: Faults that are looked at: nobody reads more, and a hostile document may have as many as it has bytes.
MAX_FAULTS = 500
_MAX_DETAIL = 300


def check_schema(message_type: MessageType, root: etree._Element, *, accepted: bool = False) -> list[Finding]:
    """
    Check a document against its type's XSD.

    Args:
        root: the parsed copy; white space around dates and times is removed from it where libxml2 refuses it,
            against the standard, and of a type with Avro each ``xsi:type`` that says nothing new.
        accepted: ``is_accepted`` was true of it.

    Returns:
        Every finding in document order; empty when the document is valid.

    Source:
        W3C XML Schema 1.0; for white space part 2, section 4.3.6 (date and time types collapse).
    """
    schema = message_type.schema
    if accepted:
        return []
    if schema.validate(root):
        return _check_instance_types(message_type, root)
    places = Places(root)
    declarations = Declarations(message_type.full_schema, root)
    log = list(schema.error_log)
    if _strip_times(declarations, places, log[:MAX_FAULTS]):
        if schema.validate(root):
            return _check_instance_types(message_type, root)
        log = list(schema.error_log)
    faults, ended_early = _all_faults(declarations, places, log[:MAX_FAULTS])
    if not faults:
        # libxml2 refuses some white space that the standard collapses. But that nothing was found is not enough to
        # overrule it: the other validator must accept the whole document.
        if not ended_early and Search(declarations, SLOW_PASS_ELEMENTS, MAX_FAULTS).accepts_all():
            return _check_instance_types(message_type, root)
        faults = list(fast_faults(places, log[:MAX_FAULTS]))
    findings = _findings(places, faults[:MAX_FAULTS])
    if ended_early:
        findings.append(finding_of(Code.SCHEMA_BUDGET_ENDED, ended_early))
    elif len(log) > MAX_FAULTS or len(faults) > MAX_FAULTS:
        findings.append(finding_of(Code.SCHEMA_BUDGET_ENDED, f"there are more than {MAX_FAULTS}"))
    return findings


def is_accepted(message_type: MessageType, root: etree._Element, schema: etree.XMLSchema) -> bool:
    """
    Tell whether ``check_schema`` would find nothing; false also where it must look closer.

    Args:
        schema: the type's, compiled anew where another thread uses that of the type.
    """
    return schema.validate(root) and (message_type.avro is None or not has_instance_type(root))


def _check_instance_types(message_type: MessageType, root: etree._Element) -> list[Finding]:
    if message_type.avro is None or not has_instance_type(root):
        return []
    faults = list(drop_declared_types(Declarations(message_type.full_schema, root)))
    return _findings(Places(root), faults[:MAX_FAULTS])


def _strip_times(declarations: Declarations, places: Places, log: "list[etree._LogEntry]") -> bool:
    stripped = False
    for error in log:
        if not names_date(error):
            continue
        element = places.find(error)
        text = element.text or ""
        if text == text.strip():
            continue
        declared = declarations.of(element)
        simple = declared.type.simple_type if declared is not None else None
        if simple is not None and simple.is_datetime():
            element.text = text.strip()
            stripped = True
    return stripped


def _all_faults(
    declarations: Declarations, places: Places, log: "list[etree._LogEntry]"
) -> tuple[list[Fault], str]:
    """Take libxml2's faults, and for elements with a broken content model those of the slow pass instead."""
    search = Search(declarations, SLOW_PASS_ELEMENTS, MAX_FAULTS)
    slow = [fault for scope in broken_scopes(places, log) for fault in search.faults(scope)]
    fast = [
        fault
        for fault in fast_faults(places, log)
        if search.searched.isdisjoint(chain((fault.element,), fault.element.iterancestors()))
    ]
    keys = _key_faults(declarations, search)
    if keys is None:
        return fast + slow, search.ended_early
    others = [fault for fault in fast if fault.code is not Code.SCHEMA_KEY] + slow
    # What libxml2 says of keys stands where nothing else is found.
    return others + keys or fast, search.ended_early


def _key_faults(declarations: Declarations, search: Search) -> list[Fault] | None:
    """Give the nodes that break a key; None where there are no keys, or no budget to look for them."""
    if not constrained(declarations.schema) or not search.can_afford(declarations.root):
        return None
    return [
        Fault(Code.SCHEMA_KEY, broken.element, broken.detail)
        for broken in find_broken_keys(declarations.schema, declarations.root, declarations.of)
    ]


def _findings(places: Places, faults: list[Fault]) -> list[Finding]:
    order = {element: place for place, element in enumerate(places.root.iter())}
    faults.sort(
        key=lambda fault: (order.get(fault.element, 0), fault.attribute or "", fault.code, fault.detail)
    )
    return [
        finding_of(
            fault.code,
            fault.detail[:_MAX_DETAIL],
            path=places.path(fault.element, fault.attribute),
            line=_line(fault.element),
        )
        for fault in faults
    ]


def _line(element: etree._Element) -> int | None:
    # Trees built from Avro have no lines.
    return element.sourceline or None
