"""
Documents drawn from an XSD: valid by construction, with what its types allow and not only what people write.

Elements and attributes follow the content models, values the facets; each value is proven by the ``xmlschema``
package before it is used. Not drawn: wildcards, abstract and substituted elements, and identity constraints, none of
which a message type with an Avro schema has.
"""

import io
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import xmlschema
from elementpath.regex import translate_pattern
from hypothesis import strategies as st
from lxml import etree
from xmlschema.validators import XsdAttribute, XsdComplexType, XsdElement, XsdGroup, XsdSimpleType

from nsw.formats.avro import AvroMapping
from nsw.formats.derive import derive_avro
from nsw.formats.xml import encode_xml

__all__ = ["DerivedType", "characters", "documents_of"]

_XSD = "{http://www.w3.org/2001/XMLSchema}"
#: Elements deeper than this are drawn only where the XSD demands them.
_DEEP = 5
_MOST_REPEATS = 2
#: After so many values likewise: what is drawn has a bound, and each character of it costs time.
_MANY = 60
_TRIES = 40
_MOST_CHARACTERS = 12
# What XML 1.0 allows, with the characters that need care more often than chance would have them.
_ALLOWED = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
characters = st.sampled_from("&<>\"' \t\n\r]-\u00a0\u0085\u2028") | _ALLOWED
_OFFSETS = ("", "Z", "+07:00", "-03:30", "+14:00")
_DAYS = ("2026-01-02", "2024-02-29", "1999-12-31")
_TIMES = ("03:04:05", "00:00:00", "23:59:59.123456", "03:04:05.60")
_NUMBERS = ("1.5", "-1E4", "INF", "NaN", "0", "-0")
_LEXICAL: dict[str, tuple[str, ...]] = {
    "boolean": ("true", "false", "1", "0"),
    "date": tuple(day + offset for day in _DAYS for offset in _OFFSETS),
    "time": tuple(time + offset for time in _TIMES for offset in _OFFSETS),
    "dateTime": tuple(f"{day}T{time}{offset}" for day in _DAYS for time in _TIMES for offset in _OFFSETS),
    "gYear": tuple(f"{year}{offset}" for year in (2026, 1999) for offset in _OFFSETS),
    "gYearMonth": tuple(f"2026-{month}{offset}" for month in ("01", "12") for offset in _OFFSETS),
    "anyURI": ("urn:a:b", "https://example.org/a?b=c&d"),
    "base64Binary": ("AQID", "AQ ID", "//8="),
    "hexBinary": ("0aFF", "00"),
    "duration": ("P1D", "PT1.5S", "-P1Y2M"),
    "double": _NUMBERS,
    "float": _NUMBERS,
}


class DerivedType:
    """A root element of an XSD: validated by one library, its values read by another, and its Avro mapping."""

    def __init__(self, xsd_path: Path, root: str) -> None:
        self.validator = etree.XMLSchema(etree.parse(xsd_path))
        # 1.1 reads both: a processor of 1.0 skips what a schema marks with vc:minVersion="1.1".
        self.values = xmlschema.XMLSchema11(xsd_path, allow="local")
        self.root = self.values.maps.elements[root]
        self.schema = derive_avro(xsd_path, root)
        self.mapping = AvroMapping(self.schema, 1)

    def typed(self, root: etree._Element) -> list[tuple[str, dict[str, Any], Any]]:
        """Give every place of a document with its typed value, as a second library reads them."""
        decoded = self.values.to_objects(io.BytesIO(encode_xml(root)))
        assert isinstance(decoded, xmlschema.DataElement)
        return [(each.tag, dict(each.attrib), None if len(each) else each.value) for each in decoded.iter()]


@st.composite
def documents_of(draw: st.DrawFn, element: XsdElement) -> etree._Element:
    """Draw a document with *element* as its root."""
    return _Drawing(draw).fill(element, 0)


class _Drawing:
    """One document in the making."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.values = 0

    def fill(self, element: XsdElement, depth: int) -> etree._Element:
        made = etree.Element(element.name)
        xsd_type = element.type
        if isinstance(xsd_type, XsdSimpleType):
            made.text = self.value(xsd_type)
            return made
        assert isinstance(xsd_type, XsdComplexType)
        for name, attribute in xsd_type.attributes.items():
            if not isinstance(attribute, XsdAttribute) or name is None or attribute.use == "prohibited":
                continue
            if attribute.use == "required" or self.draw(st.booleans()):
                made.set(name, attribute.fixed or self.value(attribute.type))
        if isinstance(xsd_type.content, XsdSimpleType):
            made.text = self.value(xsd_type.content)
        else:
            made.extend(self.particle(xsd_type.content, depth + 1))
        return made

    def particle(self, particle: Any, depth: int) -> list[etree._Element]:  # noqa: ANN401 -- xmlschema's particles have no common type
        """Draw what stands for a particle, as often as it may."""
        times = least = particle.min_occurs
        if depth <= _DEEP and self.values < _MANY:
            most = least + _MOST_REPEATS
            times = self.draw(
                st.integers(least, most if particle.max_occurs is None else min(most, particle.max_occurs))
            )
        return [each for _ in range(times) for each in self.once(particle, depth)]

    def once(self, particle: Any, depth: int) -> list[etree._Element]:  # noqa: ANN401 -- as above
        if isinstance(particle, XsdElement):
            return [self.fill(particle.ref or particle, depth)]
        assert isinstance(particle, XsdGroup), f"nothing is drawn for {particle}"
        if particle.model == "choice":
            return self.particle(self.draw(st.sampled_from(list(particle))), depth) if len(particle) else []
        return [made for each in particle for made in self.particle(each, depth)]

    def value(self, xsd_type: Any) -> str:  # noqa: ANN401 -- xmlschema's simple types have no common type
        """Draw a value, proven; a filter would give the whole document up after three tries."""
        self.values += 1
        text, strategy = "", _candidates(xsd_type)
        for _ in range(_TRIES):
            text = self.draw(strategy)
            if xsd_type.is_valid(text):
                return text
        raise AssertionError(f"none of {_TRIES} drawn values is of {xsd_type}: the last was {text!r}")


@cache
def _candidates(xsd_type: Any) -> st.SearchStrategy[str]:  # noqa: ANN401 -- as above
    """Draw what may be a value of a simple type, and mostly is."""
    if xsd_type.enumeration is not None:
        return st.sampled_from([str(each) for each in xsd_type.enumeration])
    if xsd_type.is_union():
        return st.one_of([_candidates(each) for each in xsd_type.member_types])
    if xsd_type.is_list():
        least = _facet(xsd_type, "minLength") or 0
        return st.lists(_candidates(xsd_type.item_type), min_size=least, max_size=least + 3).map(" ".join)
    return _atoms(xsd_type, xsd_type.primitive_type.local_name)


def _atoms(xsd_type: Any, kind: str) -> st.SearchStrategy[str]:  # noqa: ANN401 -- as above
    if kind in _LEXICAL:
        return st.sampled_from([each for each in _LEXICAL[kind] if xsd_type.is_valid(each)])
    patterns = [
        each
        for step in _steps(xsd_type)
        for each in getattr(step.facets.get(f"{_XSD}pattern"), "regexps", ())
    ]
    if not patterns:
        return _numbers(xsd_type) if kind == "decimal" else _texts(xsd_type)
    # Only the nearest pattern: the filter sees to those of the types it is derived from.
    pattern = translate_pattern(patterns[0], back_references=False, lazy_quantifiers=False, anchors=False)
    matching = st.from_regex(pattern, fullmatch=True, alphabet=_ALLOWED)
    return matching if f"{_XSD}pattern" in xsd_type.facets else _texts(xsd_type) | matching


def _texts(xsd_type: Any) -> st.SearchStrategy[str]:  # noqa: ANN401 -- as above
    length = _facet(xsd_type, "length")
    least = length or _facet(xsd_type, "minLength") or 0
    most = length or _facet(xsd_type, "maxLength") or _MOST_CHARACTERS
    return st.text(characters, min_size=least, max_size=min(most, least + _MOST_CHARACTERS))


def _numbers(xsd_type: Any) -> st.SearchStrategy[str]:  # noqa: ANN401 -- as above
    places = _facet(xsd_type, "fractionDigits")
    digits = _facet(xsd_type, "totalDigits") or 18
    is_integer = xsd_type.is_derived(xsd_type.maps.types[f"{_XSD}integer"])
    scale = 0 if is_integer else 2 if places is None else places
    greatest = Decimal(10) ** (digits - scale) - Decimal(10) ** -scale
    low = -greatest if xsd_type.min_value is None else max(-greatest, Decimal(str(xsd_type.min_value)))
    high = greatest if xsd_type.max_value is None else min(greatest, Decimal(str(xsd_type.max_value)))
    plain = st.decimals(low, high, places=scale, allow_nan=False).map("{:f}".format)
    # The same value in other words: a sign, zeros before it, zeros after it left out.
    return (
        plain
        | plain.map(lambda text: text if text.startswith("-") else f" +0{text}\n")
        | plain.map(_shortened)
    )


def _shortened(text: str) -> str:
    return text.rstrip("0").rstrip(".") or "0" if "." in text else text


def _facet(xsd_type: Any, name: str) -> int | None:  # noqa: ANN401 -- as above
    facets = (step.facets.get(f"{_XSD}{name}") for step in _steps(xsd_type))
    return next((int(facet.value) for facet in facets if facet is not None), None)


def _steps(xsd_type: Any) -> list[Any]:  # noqa: ANN401 -- as above
    """Give a simple type and those that it is derived from."""
    steps = []
    while xsd_type is not None:
        steps.append(xsd_type)
        xsd_type = xsd_type.base_type
    return [each for each in steps if hasattr(each, "facets")]
