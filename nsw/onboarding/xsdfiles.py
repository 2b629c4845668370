"""
What both processors make of an XSD's files: they must read them alike.

libxml2 judges every document, the `xmlschema` package looks again at broken ones: a schema must compile in both.
"""

from collections.abc import Iterator
from pathlib import Path

import xmlschema
from lxml import etree
from xmlschema.validators import XMLSchemaBase

from nsw.errors import ConfigError
from nsw.problems import Problem, problems_of
from nsw.schemafiles import SchemaFiles, compile_xsd

__all__ = ["check_features", "compile_in_both", "is_versioned"]

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_VERSIONING = "{http://www.w3.org/2007/XMLSchema-versioning}"
#: What XML Schema 1.1 added; libxml2 reads 1.0.
_ONLY_IN_11 = frozenset(
    f"{_XSD}{name}"
    for name in (
        "alternative",
        "assert",
        "assertion",
        "defaultOpenContent",
        "explicitTimezone",
        "openContent",
        "override",
    )
)
_TYPES_ONLY_IN_11 = frozenset(
    ("anyAtomicType", "dateTimeStamp", "dayTimeDuration", "error", "yearMonthDuration")
)
_TYPE_ATTRIBUTES = ("type", "base", "itemType", "memberTypes")


def is_versioned(files: SchemaFiles) -> bool:
    """Tell whether parts of an XSD are for other versions of XML Schema (``vc:minVersion`` and the like)."""
    return any(
        str(attribute).startswith(_VERSIONING)
        for root in files.trees.values()
        for element in root.iter(f"{_XSD}*")
        for attribute in element.attrib
    )


def check_features(files: SchemaFiles) -> Iterator[Problem]:
    """Name everything that only XML Schema 1.1 has, and warn of what the processors read differently."""
    for full, root in files.trees.items():
        for element in root.iter(f"{_XSD}*"):
            yield from _features(files.shown[full], element)


def _features(path: Path, element: etree._Element) -> Iterator[Problem]:
    name = etree.QName(element).localname
    if element.tag in _ONLY_IN_11:
        yield Problem(path, _line(element), f"xs:{name} is of XML Schema 1.1; libxml2 reads 1.0")
    for attribute in element.attrib:
        if str(attribute).startswith(_VERSIONING):
            shown = etree.QName(str(attribute)).localname
            sentence = f"libxml2 reads this part in spite of vc:{shown}; others may leave it out"
            yield Problem(path, _line(element), sentence, is_warning=True)
    for attribute in _TYPE_ATTRIBUTES:
        for word in element.get(attribute, "").split():
            prefix, _, local = word.rpartition(":")
            if local in _TYPES_ONLY_IN_11 and f"{{{element.nsmap.get(prefix or None)}}}" == _XSD:
                yield Problem(path, _line(element), f"xs:{local} is of XML Schema 1.1; libxml2 reads 1.0")


def compile_in_both(path: Path, *, is_versioned: bool) -> tuple[XMLSchemaBase | None, list[Problem]]:
    """
    Compile an XSD in libxml2 and in the `xmlschema` package.

    Args:
        is_versioned: parts of it are marked with ``vc:``, which the package's reader of 1.0 would leave out.

    Returns:
        The package's schema if it compiles there, and what either says against it.
    """
    problems: list[Problem] = []
    try:
        compile_xsd(path)
    except ConfigError as error:
        problems += problems_of(error, path)
    reader = xmlschema.XMLSchema11 if is_versioned else xmlschema.XMLSchema10
    try:
        return reader(str(path), allow="local"), problems
    except xmlschema.XMLSchemaException as error:
        reason = getattr(error, "message", None) or str(error)
        problems.append(Problem(path, None, f"the xmlschema package: {' '.join(reason.split())}"))
    except (OSError, SyntaxError) as error:
        problems.append(Problem(path, None, f"the xmlschema package: {' '.join(str(error).split())}"))
    return None, problems


def _line(element: etree._Element) -> int | None:
    return element.sourceline or None
