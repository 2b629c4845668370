"""What libxml2's errors mean: the fault, its element, and whether a content model is broken there."""

import re
from collections.abc import Iterator

from lxml import etree

from nsw.errors import Code
from nsw.validation.places import Fault, Places

_CONTENT = "SCHEMAV_ELEMENT_CONTENT"
_DATATYPE = "SCHEMAV_CVC_DATATYPE_VALID_1_2_1"
_CODE_BY_TYPE = {
    "SCHEMAV_CVC_ELT_1": Code.SCHEMA_UNEXPECTED_ELEMENT,
    "SCHEMAV_CVC_WILDCARD": Code.SCHEMA_UNEXPECTED_ELEMENT,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_1": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_COMPLEX_TYPE_4": Code.SCHEMA_ATTRIBUTE,
    # An attribute where the type is simple.
    "SCHEMAV_CVC_TYPE_3_1_1": Code.SCHEMA_ATTRIBUTE,
    "SCHEMAV_CVC_IDC": Code.SCHEMA_KEY,
}
# One wrong value gives several libxml2 errors: the facet's and the type's.
_VALUE_PREFIXES = (
    "SCHEMAV_CVC_DATATYPE",
    "SCHEMAV_CVC_PATTERN",
    "SCHEMAV_CVC_ENUMERATION",
    "SCHEMAV_CVC_FACET",
    "SCHEMAV_CVC_LENGTH",
    "SCHEMAV_CVC_MIN",
    "SCHEMAV_CVC_MAX",
    "SCHEMAV_CVC_TOTALDIGITS",
    "SCHEMAV_CVC_FRACTIONDIGITS",
    # Elements where a value should stand, of a simple type or with simple content.
    "SCHEMAV_CVC_TYPE_3_1",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_2",
    "SCHEMAV_CVC_ELT_5_2_2",
)
_ATTRIBUTE = re.compile(r", attribute '([^']+)'")


def names_date(error: "etree._LogEntry") -> bool:
    """Tell whether an error may be that of white space around a date."""
    return error.type_name == _DATATYPE


def broken_scopes(places: Places, log: "list[etree._LogEntry]") -> list[etree._Element]:
    """
    List the outermost elements in which libxml2 stopped looking.

    These are elements whose children are not as the schema wants them, and leaves with a wrong attribute.
    """
    broken: dict[etree._Element, None] = {}
    for error in log:
        if _code_of(error) is Code.SCHEMA_ATTRIBUTE or _ATTRIBUTE.search(error.message):
            element = places.find(error)
            if not len(element):
                broken[element] = None
        if error.type_name == _CONTENT:
            element = places.find(error)
            parent = element if _is_missing(error) else element.getparent()
            broken[places.root if parent is None else parent] = None
    return [each for each in broken if broken.keys().isdisjoint(each.iterancestors())]


def fast_faults(places: Places, log: "list[etree._LogEntry]") -> Iterator[Fault]:
    """Give each error's fault; one wrong value is one."""
    seen: set[tuple[etree._Element, str | None]] = set()
    for error in log:
        element = places.find(error)
        code = _code_of(error)
        named = _ATTRIBUTE.search(error.message)
        attribute = named[1] if named else None
        if code is Code.SCHEMA_WRONG_VALUE:
            if (element, attribute) in seen:
                continue
            seen.add((element, attribute))
        yield Fault(code, element, _strip_namespaces(error.message), attribute)


def _is_missing(error: "etree._LogEntry") -> bool:
    return "Missing child" in error.message


def _code_of(error: "etree._LogEntry") -> Code:
    if error.type_name == _CONTENT:
        return Code.SCHEMA_MISSING_ELEMENT if _is_missing(error) else Code.SCHEMA_UNEXPECTED_ELEMENT
    if error.type_name in _CODE_BY_TYPE:
        return _CODE_BY_TYPE[error.type_name]
    if error.type_name.startswith(_VALUE_PREFIXES):
        return Code.SCHEMA_WRONG_VALUE
    return Code.SCHEMA_OTHER


def _strip_namespaces(message: str) -> str:
    """Make libxml2's ``{urn:long:namespace}Name`` readable; the full stop is the catalogue's."""
    parts = message.removesuffix(".").split("{")
    return parts[0] + "".join(part.partition("}")[2] if "}" in part else "{" + part for part in parts[1:])
