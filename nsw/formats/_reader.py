"""
Avro bytes to XML text, compiled once per schema into nested functions, and safe on any bytes.

Why not fastavro's reader here, as for writing: it can't be bounded. Measured with fastavro 1.13.1: 4 MB of one-byte
array items became 771 MB in 4 seconds, 50 bytes can declare thousand millions of empty items, a negative union
branch is accepted, and deep nesting ends the interpreter. This one checks every count and length against the bytes
that are left, and writes XML at once instead of building values in between; on honest documents it is also faster.

Source: Apache Avro 1.12 specification, "Binary Encoding".
"""

import re
from collections.abc import Callable
from typing import assert_never

from nsw.errors import Code, MessageError
from nsw.formats._plan import MAX_RECURSION, Attribute, Element, Group, Kind, Occurs, Plan, Record, Scalar

# From Python's point of view the hot loop of Avro documents: plain functions, one per field, no objects in between.
_Read = Callable[[bytes, int, "XmlText"], int]
_ReadText = Callable[[bytes, int], tuple[str, int]]

_VARINT_BITS = 64
_GOES_ON = 0x80  # the bit of a byte whose number goes on in the next one
_NOT_SHORT = _GOES_ON | 1  # none of these bits: a number from 0 to 63
_TOO_LONG = "a length exceeds the bytes that are left"
_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1
_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1
_UNION_NULL, _UNION_VALUE = 0, 2  # branch 0 and branch 1, zigzag

_text_needs_escape = re.compile("[&<>\r]").search
_attribute_needs_escape = re.compile('[&<>"\t\n\r]').search
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class XmlText(list[str]):
    """
    The pieces of the XML text so far, and how much more may come.

    Attributes:
        room: how many pieces are allowed. The shortest element, ``<a/>``, has four bytes: more pieces than a quarter
            of the allowed bytes can't be an allowed document.
        depth: how many recursive records are open.
    """

    __slots__ = ("depth", "room")

    def __init__(self, max_document_bytes: int) -> None:
        super().__init__()
        self.room = max_document_bytes // 4 + 16
        self.depth = 0

    def check_room(self) -> None:
        """Stop a small body that would become a huge document."""
        if len(self) > self.room:
            raise MessageError(Code.DOCUMENT_TOO_LARGE, "as XML it would be larger than allowed")


def find_forbidden_character(text: str) -> str | None:
    """Name the first character that XML 1.0 has no place for (section 2.2), as ``U+000B``."""
    match = _FORBIDDEN.search(text)
    return f"U+{ord(match[0]):04X}" if match else None


def compile_reader(plan: Plan) -> _Read:
    """Compile the function that reads one whole document from a position and gives the position after it."""
    declarations = "".join(
        f' xmlns{":" if prefix else ""}{prefix}="{_escape_attribute(uri)}"'
        for uri, prefix in plan.prefixes.items()
    )
    return _Compiler(plan).element(plan.prefixed(plan.root_name), plan.root, declarations)


def _unreadable(place: str, reason: str) -> MessageError:
    return MessageError(Code.AVRO_UNREADABLE, f"{place}: {reason}")


def _escape_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _escape_attribute(text: str) -> str:
    if _attribute_needs_escape(text):
        text = _escape_text(text).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")
    return text


def _read_long(body: bytes, position: int, place: str) -> tuple[int, int]:
    byte = body[position]
    position += 1
    value = byte & 0x7F
    shift = 7
    while byte & _GOES_ON:
        if shift >= _VARINT_BITS:
            raise _unreadable(place, "a number is longer than ten bytes")
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
    if value >> _VARINT_BITS:
        raise _unreadable(place, "a number exceeds 64 bits")
    return (value >> 1) ^ -(value & 1), position


def _read_chunk(body: bytes, position: int, place: str) -> tuple[bytes, int]:
    size, position = _read_long(body, position, place)
    end = position + size
    if not position <= end <= len(body):
        raise _unreadable(place, _TOO_LONG)
    return body[position:end], end


def _compile_scalar(scalar: Scalar, place: str) -> _ReadText:
    """Compile the function that reads a single value as unescaped text."""
    match scalar.kind:
        case Kind.STRING:
            return lambda body, position: _read_string(body, position, place)
        case Kind.INT:
            return _compile_integer(_INT_MIN, _INT_MAX, place)
        case Kind.LONG:
            return _compile_integer(_LONG_MIN, _LONG_MAX, place)
        case Kind.BOOLEAN:
            return lambda body, position: _read_boolean(body, position, place)
        case Kind.DECIMAL:
            return _compile_decimal(scalar.precision, scalar.scale, place)
        case _:
            assert_never(scalar.kind)


def _read_string(body: bytes, position: int, place: str) -> tuple[str, int]:
    chunk, position = _read_chunk(body, position, place)
    return chunk.decode(), position


def _read_boolean(body: bytes, position: int, place: str) -> tuple[str, int]:
    byte = body[position]
    if byte > 1:
        raise _unreadable(place, "a boolean is neither 0 nor 1")
    return ("true" if byte else "false"), position + 1


def _compile_integer(low: int, high: int, place: str) -> _ReadText:
    def read(body: bytes, position: int) -> tuple[str, int]:
        value, position = _read_long(body, position, place)
        if not low <= value <= high:
            raise _unreadable(place, "a number exceeds 32 bits")
        return str(value), position

    return read


def _compile_decimal(precision: int, scale: int, place: str) -> _ReadText:
    limit = 10**precision
    max_bytes = limit.bit_length() // 8 + 1 + 8  # some writers pad with sign bytes

    def read(body: bytes, position: int) -> tuple[str, int]:
        chunk, position = _read_chunk(body, position, place)
        if not 0 < len(chunk) <= max_bytes:
            raise _unreadable(place, f"a decimal has {len(chunk)} bytes")
        value = int.from_bytes(chunk, signed=True)
        if not -limit < value < limit:
            raise _unreadable(place, f"a decimal has more than {precision} digits")
        if not scale:
            return str(value), position
        digits = str(abs(value)).zfill(scale + 1)
        return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}", position

    return read


class _Compiler:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        # By record: the function that reads its content, found late because records may hold themselves.
        self.contents: dict[Record, list[_Read]] = {}

    def element(self, name: str, record: Record, declarations: str = "") -> _Read:
        """Compile an element that has attributes or elements of its own."""
        content = self.content(record)
        attributes = tuple(self.attribute(each, f"{record.name}.{each.name}") for each in record.attributes)
        start, end = f"<{name}{declarations}", f"</{name}>"
        whole_start = start + ">"

        def read_plain(body: bytes, position: int, out: XmlText) -> int:
            out.append(whole_start)
            for read in content:
                position = read(body, position, out)
            out.append(end)
            return position

        def read_with_attributes(body: bytes, position: int, out: XmlText) -> int:
            out.append(start)
            for read in attributes:
                position = read(body, position, out)
            out.append(">")
            for read in content:
                position = read(body, position, out)
            out.append(end)
            return position

        return self.guarded(read_with_attributes if attributes else read_plain, record)

    def guarded(self, read_record: _Read, record: Record) -> _Read:
        """Bound how deep a record that can hold itself does so."""
        if not record.recursive:
            return read_record

        def read_recursive(body: bytes, position: int, out: XmlText) -> int:
            if out.depth >= MAX_RECURSION:
                raise MessageError(
                    Code.PARSER_LIMIT, f"{record.name} is nested more than {MAX_RECURSION} times"
                )
            out.check_room()
            out.depth += 1
            position = read_record(body, position, out)
            out.depth -= 1
            return position

        return read_recursive

    def content(self, record: Record) -> list[_Read]:
        """Compile what stands between an element's tags, once for each record."""
        reads = self.contents.get(record)
        if reads is None:
            reads = self.contents[record] = []
            if record.text:
                reads.append(self.text("", "", record.text.value, f"{record.name}.{record.text.name}"))
            reads.extend(self.member(each, f"{record.name}.{each.name}") for each in record.members)
        return reads

    def member(self, member: Element | Group, place: str) -> _Read:
        if isinstance(member, Group):
            return self.many(self.group(member.value), place)
        name = self.plan.prefixed(member.xml_name)
        if isinstance(member.value, Record):
            read = self.element(name, member.value)
        else:
            read = self.text(f"<{name}>", f"</{name}>", member.value, place)
        match member.occurs:
            case Occurs.ONE:
                return read
            case Occurs.OPTIONAL:
                return self.optional(read, place)
            case Occurs.MANY:
                return self.many(read, place)
            case _:
                assert_never(member.occurs)

    def text(self, start: str, end: str, scalar: Scalar, place: str) -> _Read:
        read_text = _compile_scalar(scalar, place)

        def read(body: bytes, position: int, out: XmlText) -> int:
            text, position = read_text(body, position)
            out.append(f"{start}{text}{end}")
            return position

        def read_string(body: bytes, position: int, out: XmlText) -> int:
            # Nine of ten fields come here: the usual length, 0 to 63 in one byte, is read without another call.
            size = body[position]
            if size & _NOT_SHORT:
                chunk, position = _read_chunk(body, position, place)
            else:
                size >>= 1
                position += 1 + size
                chunk = body[position - size : position]
                if len(chunk) != size:
                    raise _unreadable(place, _TOO_LONG)
            text = chunk.decode()
            if _text_needs_escape(text):
                text = _escape_text(text)
            out.append(f"{start}{text}{end}")
            return position

        return read_string if scalar.kind is Kind.STRING else read

    def attribute(self, attribute: Attribute, place: str) -> _Read:
        name = self.plan.prefixed(attribute.xml_name)
        read_text = _compile_scalar(attribute.value, place)

        def read(body: bytes, position: int, out: XmlText) -> int:
            text, position = read_text(body, position)
            out.append(f' {name}="{_escape_attribute(text)}"')
            return position

        return self.optional(read, place) if attribute.optional else read

    def group(self, record: Record) -> _Read:
        content = self.content(record)

        def read(body: bytes, position: int, out: XmlText) -> int:
            for read_field in content:
                position = read_field(body, position, out)
            return position

        return self.guarded(read, record)

    @staticmethod
    def optional(read: _Read, place: str) -> _Read:
        def read_optional(body: bytes, position: int, out: XmlText) -> int:
            branch = body[position]
            if branch == _UNION_NULL:
                return position + 1
            if branch != _UNION_VALUE:
                raise _unreadable(place, "a union's branch is neither 0 nor 1")
            return read(body, position + 1, out)

        return read_optional

    @staticmethod
    def many(read: _Read, place: str) -> _Read:
        def read_many(body: bytes, position: int, out: XmlText) -> int:
            while True:
                count, position = _read_long(body, position, place)
                if count == 0:
                    return position
                end = None
                if count < 0:  # then the block's size in bytes follows
                    count = -count
                    size, position = _read_long(body, position, place)
                    end = position + size
                # Each item takes a byte at least: load_plan lets no empty ones through.
                if count > len(body) - position:
                    raise _unreadable(place, "an array's count exceeds the bytes that are left")
                for _ in range(count):
                    out.check_room()
                    position = read(body, position, out)
                if end is not None and position != end:
                    raise _unreadable(place, "an array's block isn't as long as it says")

        return read_many
