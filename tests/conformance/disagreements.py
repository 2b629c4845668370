"""
Where libxml2, by which the window accepts or rejects, and the xmlschema package are known to differ, and who is right.

Each kind has a probe: a type and a value on which the two differ. A test fails when one no longer does, so that no kind
stays here longer than it is true.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_XS = "http://www.w3.org/2001/XMLSchema"
_OTHER_SPACE = re.compile(r"[^\S \t\r\n]")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d|[0-9]_[0-9]")
_SPACE_IN_NUMBER = re.compile(r"\s*[-+0-9.]+\s+[0-9.][-+0-9.\s]*")
_LONG_NUMBER = re.compile(r"\s*[-+]?[0-9.]{29,}\s*")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """
    One kind.

    Attributes:
        reason: what XSD says, and who departs from it.
        type_name: a simple type of XSD, or a content model of the probe's schema.
        value: the text of the probe.
        accepts: whether libxml2 accepts it; the other does not.
        explains: whether a value, rejected by one of them with such a sentence, is of this kind.
    """

    name: str
    reason: str
    type_name: str
    value: str
    accepts: bool
    explains: Callable[[str, str], bool]


KNOWN = (
    Disagreement(
        "other white space in a value",
        "White space in XSD is tab, line feed, carriage return and space only (part 2, 4.3.6); the package collapses "
        "all of Unicode's. libxml2 is right.",
        "NMTOKEN",
        "\u2003x",
        accepts=False,
        explains=lambda value, _: bool(_OTHER_SPACE.search(value)),
    ),
    Disagreement(
        "other white space between elements",
        "The same between elements: a no-break space is text there, which only mixed content allows. libxml2 is right.",
        "children",
        "\u00a0",
        accepts=False,
        explains=lambda value, _: bool(_OTHER_SPACE.search(value)),
    ),
    Disagreement(
        "digits of other scripts, underscores between digits",
        "The digits of an integer are 0 to 9 (part 2, 3.3.13); the package reads it as Python does. libxml2 is right.",
        "int",
        "١٢",
        accepts=False,
        explains=lambda value, _: bool(_OTHER_DIGIT.search(value)),
    ),
    Disagreement(
        "space within a decimal",
        "No lexical form of a decimal has a space inside (part 2, 3.2.3); the package leaves it out. libxml2 is right.",
        "decimal",
        "3 8",
        accepts=False,
        explains=lambda value, _: bool(_SPACE_IN_NUMBER.fullmatch(value)),
    ),
    Disagreement(
        "decimals of more than 28 digits",
        "A processor must take at least 18 digits (part 2, 3.2.3); libxml2 takes more. Both are right.",
        "decimal",
        "9" * 400,
        accepts=True,
        explains=lambda value, _: bool(_LONG_NUMBER.fullmatch(value)),
    ),
    Disagreement(
        "characters that are not of base64",
        "XSD takes letters, digits, +, / and = only (part 2, 3.2.16); libxml2 skips all others. The package is right.",
        "base64Binary",
        "é",
        accepts=True,
        explains=lambda _, sentence: "base64" in sentence.lower(),
    ),
    Disagreement(
        "addresses",
        "XSD leaves open what an anyURI must fulfil (part 2, 3.2.17); libxml2 wants RFC 2396. Both are right.",
        "anyURI",
        "08:00:00",
        accepts=False,
        explains=lambda _, sentence: "anyURI" in sentence,
    ),
)


def probe_schema() -> str:
    """Give an XSD with an element for each type of a probe; ``children`` has an element and no text."""
    names = {each.type_name for each in KNOWN} - {"children"}
    simple = "".join(f'<xs:element name="{name}" type="xs:{name}"/>' for name in sorted(names))
    children = '<xs:complexType><xs:sequence><xs:element name="a"/></xs:sequence></xs:complexType>'
    return (
        f'<xs:schema xmlns:xs="{_XS}">{simple}<xs:element name="children">{children}</xs:element></xs:schema>'
    )


def probe(each: Disagreement) -> str:
    """Give the document of a probe."""
    inside = f"<a/>{each.value}" if each.type_name == "children" else each.value
    return f"<{each.type_name}>{inside}</{each.type_name}>"
