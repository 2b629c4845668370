"""
A document's tree to the value that fastavro writes, compiled once per schema into nested functions.

The document is expected to be valid by its XSD; what can't be carried over without loss is refused all the same.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from nsw.errors import Code, MessageError
from nsw.formats._plan import (
    MAX_RECURSION,
    Attribute,
    Element,
    Group,
    Kind,
    Occurs,
    Plan,
    Record,
    Scalar,
    WhiteSpace,
)
from nsw.formats.xml import build_path

Datum = dict[str, Any]
_Convert = Callable[[str], object]
# An element, and how many recursive records are open around it, to the value of its field.
_Write = Callable[[etree._Element, int], Any]
# The element's children, the place in them, the datum to fill, the depth; gives the place after what it took.
_Take = Callable[[list[etree._Element], int, Datum, int], int]

_INTEGER = re.compile(r"([+-]?)([0-9]+)")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
_TO_SPACES = str.maketrans("\t\n\r", "   ")
_SPACE = " \t\n\r"
_RANGES = {Kind.INT: 2**31, Kind.LONG: 2**63}
# They change what an element's content means, and Avro has no place for them.
_has_type_or_nil = etree.XPath(
    "boolean(//@xsi:type | //@xsi:nil)",
    namespaces={"xsi": "http://www.w3.org/2001/XMLSchema-instance"},
)


class _NotConvertibleError(ValueError):
    """A text isn't of its field's type; its message never quotes the text."""


def compile_writer(plan: Plan) -> Callable[[etree._Element], Datum]:
    """Compile the function that turns a whole document into fastavro's value."""
    write_root = _Compiler().element(plan.root)

    def write(root: etree._Element) -> Datum:
        if root.tag != plan.root_name:
            raise _refused(root, f"the root element isn't {plan.root_name}")
        if _has_type_or_nil(root):
            raise _refused(root, "xsi:type and xsi:nil can't be kept")
        datum: Datum = write_root(root, 0)
        return datum

    return write


def _refused(element: etree._Element, reason: str) -> MessageError:
    return MessageError(Code.FORMAT_NOT_ACCEPTED, f"{build_path(element)}: {reason}")


def _text_of(element: etree._Element) -> str:
    text = element.text or ""
    if len(element):  # comments or instructions, from another parser than ours
        for child in element:
            if isinstance(child.tag, str):
                raise _refused(child, "an element stands where text is expected")
            text += child.tail or ""
    return text


def _collapse(text: str) -> str:
    """Collapse white space as XML Schema does: its four characters only, not Unicode's others."""
    return " ".join(part for part in text.translate(_TO_SPACES).split(" ") if part)


def _compile_scalar(scalar: Scalar) -> _Convert:
    match scalar.kind, scalar.white_space:
        case Kind.BOOLEAN, _:
            return _to_boolean
        case ((Kind.INT | Kind.LONG), _):
            return _compile_integer(scalar.kind)
        case Kind.DECIMAL, _:
            return _compile_decimal(scalar.precision, scalar.scale)
        case _, WhiteSpace.COLLAPSE:
            return _collapse
        case _, WhiteSpace.REPLACE:
            return lambda text: text.translate(_TO_SPACES)
        case _:
            return str


def _to_boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.strip(_SPACE))
    if value is None:
        raise _NotConvertibleError("the text isn't a boolean")
    return value


def _compile_integer(kind: Kind) -> _Convert:
    bound = _RANGES[kind]
    max_digits = len(str(bound))

    def convert(text: str) -> int:
        match = _INTEGER.fullmatch(text.strip(_SPACE))
        if match is None:
            raise _NotConvertibleError("the text isn't an integer")
        digits = match[2].lstrip("0") or "0"
        value = int(match[1] + digits) if len(digits) <= max_digits else bound
        if not -bound <= value < bound:
            raise _NotConvertibleError(f"the integer is out of the range of Avro's {kind}")
        return value

    return convert


def _compile_decimal(precision: int, scale: int) -> _Convert:
    def convert(text: str) -> bytes:
        match = _DECIMAL.fullmatch(text.strip(_SPACE))
        sign, whole, fraction = match.groups("") if match else ("", "", "")
        if not (whole or fraction):
            raise _NotConvertibleError("the text isn't a decimal")
        whole, fraction = whole.lstrip("0"), fraction.rstrip("0")
        if len(fraction) > scale or len(whole) > precision - scale:
            raise _NotConvertibleError(
                f"the decimal doesn't fit into {precision} digits, {scale} of them a fraction"
            )
        value = int(f"{sign}0{whole}{fraction.ljust(scale, '0')}")
        return value.to_bytes((value.bit_length() + 8) // 8, signed=True)

    return convert


class _Compiler:
    def __init__(self) -> None:
        # By record: the functions that take its content, found late because records may hold themselves.
        self.contents: dict[Record, list[_Take]] = {}

    def element(self, record: Record) -> _Write:
        """Compile an element that has attributes or elements of its own."""
        attributes = tuple(self.attribute(each) for each in record.attributes)
        text = (record.text.name, _compile_scalar(record.text.value)) if record.text else None
        takes = self.content(record)
        inner = 1 if record.recursive else 0

        def write(element: etree._Element, depth: int) -> Datum:
            depth += inner
            if depth > MAX_RECURSION:
                raise _refused(element, f"nested more than {MAX_RECURSION} times in itself")
            datum: Datum = {}
            for read_attribute in attributes:
                read_attribute(element, datum)
            if text:
                name, convert = text
                datum[name] = _converted(convert, element)
                return datum
            children = list(element.iterchildren("*"))
            position = 0
            for take in takes:
                position = take(children, position, datum, depth)
            if position < len(children):
                raise _refused(children[position], "the schema has no place for this element here")
            return datum

        return write

    @staticmethod
    def attribute(attribute: Attribute) -> Callable[[etree._Element, Datum], None]:
        convert = _compile_scalar(attribute.value)
        name, xml_name = attribute.name, attribute.xml_name

        def read(element: etree._Element, datum: Datum) -> None:
            text = element.get(xml_name)
            if text is not None:
                try:
                    datum[name] = convert(text)
                except _NotConvertibleError as error:
                    raise MessageError(
                        Code.FORMAT_NOT_ACCEPTED, f"{build_path(element, xml_name)}: {error}"
                    ) from error
            elif not attribute.optional:
                raise _refused(element, f"attribute {xml_name} is missing")

        return read

    def content(self, record: Record) -> list[_Take]:
        """Compile what takes the elements of a record, once for each record."""
        takes = self.contents.get(record)
        if takes is None:
            takes = self.contents[record] = []
            takes.extend(
                self.group(each) if isinstance(each, Group) else self.child(each, record.name)
                for each in record.members
            )
        return takes

    def child(self, child: Element, record_name: str) -> _Take:
        write = self.value(child.value)
        name, tag = child.name, child.xml_name
        # A union of a record is written as (name, value): otherwise fastavro compares the value with each branch.
        branch = child.value.name if isinstance(child.value, Record) else None

        def take_one(children: list[etree._Element], position: int, datum: Datum, depth: int) -> int:
            if position < len(children) and children[position].tag == tag:
                datum[name] = write(children[position], depth)
                return position + 1
            where = f"before {build_path(children[position])}" if position < len(children) else "at the end"
            raise MessageError(Code.FORMAT_NOT_ACCEPTED, f"{record_name}: {tag} is missing {where}")

        def take_optional(children: list[etree._Element], position: int, datum: Datum, depth: int) -> int:
            if position < len(children) and children[position].tag == tag:
                value = write(children[position], depth)
                datum[name] = (branch, value) if branch else value
                return position + 1
            return position

        def take_many(children: list[etree._Element], position: int, datum: Datum, depth: int) -> int:
            values = []
            while position < len(children) and children[position].tag == tag:
                values.append(write(children[position], depth))
                position += 1
            datum[name] = values
            return position

        return {Occurs.ONE: take_one, Occurs.OPTIONAL: take_optional, Occurs.MANY: take_many}[child.occurs]

    def value(self, value: Scalar | Record) -> _Write:
        if isinstance(value, Record):
            return self.element(value)
        if value.kind is Kind.STRING and value.white_space is WhiteSpace.PRESERVE:
            return lambda element, _depth: _text_of(element)
        convert = _compile_scalar(value)
        return lambda element, _depth: _converted(convert, element)

    def group(self, group: Group) -> _Take:
        name, record = group.name, group.value
        takes, first_tags = self.content(record), frozenset(_first_tags(record))
        inner = 1 if record.recursive else 0

        def take(children: list[etree._Element], position: int, datum: Datum, depth: int) -> int:
            # XML Schema's rule of unique particle attribution: the next element alone decides, so taking whatever
            # fits, as long as it fits, is right.
            items = []
            while position < len(children) and children[position].tag in first_tags:
                item: Datum = {}
                for take_field in takes:
                    position = take_field(children, position, item, depth + inner)
                items.append(item)
            datum[name] = items
            return position

        return take


def _first_tags(record: Record) -> Iterator[str]:
    """Name the elements that the content of a record can begin with."""
    for each in record.members:
        if isinstance(each, Group):
            yield from _first_tags(each.value)
        else:
            yield each.xml_name
            if each.occurs is Occurs.ONE:
                return


def _converted(convert: _Convert, element: etree._Element) -> object:
    try:
        return convert(_text_of(element))
    except _NotConvertibleError as error:
        raise _refused(element, str(error)) from error
