"""From bytes to a document: which message type it is of, in which format, and its tree."""

from dataclasses import dataclass
from datetime import date

from lxml import etree

from nsw.errors import Code, MessageError
from nsw.formats.avro import join_wire, split_wire
from nsw.formats.xml import XmlLimits, encode_xml, parse_xml, root_name
from nsw.messagetypes import Catalogue, MessageType
from nsw.model import CanonicalFields, Format

_AVRO_MAGIC = b"\x00"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Document:
    """
    A document whose message type is known.

    Attributes:
        root: the parsed copy; forwarded bytes are made from it only when the format must change.
    """

    message_type: MessageType
    format: Format
    root: etree._Element

    def read_fields(self) -> CanonicalFields:
        """Take out the canonical fields."""
        return self.message_type.paths.read(self.root)


def detect_format(value: bytes | None) -> Format:
    """
    Tell XML from Avro by the first byte.

    A UTF-16 document may begin with 0 only without a byte order mark, and such are not accepted.

    Raises:
        MessageError: NSW-1001 nothing there, NSW-1002 neither.
    """
    if not value:
        raise MessageError(Code.EMPTY_RECORD)
    if value[:1] == _AVRO_MAGIC:
        return Format.AVRO
    start = value[:256].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:1]
    if start == b"<" or value[:2] in _UTF16_MARKS:
        return Format.XML
    raise MessageError(Code.UNKNOWN_FORMAT, f"it begins with the bytes {value[:4].hex(' ')}")


def identify(value: bytes | None, on: date, catalogue: Catalogue, limits: XmlLimits) -> Document:
    """
    Parse a record's value and find its message type.

    Args:
        on: the day whose versions of message types apply.

    Raises:
        MessageError: with the code of what makes it unreadable or unknown.
    """
    form = detect_format(value)
    content = value or b""
    if len(content) > limits.max_document_bytes:
        raise MessageError(
            Code.DOCUMENT_TOO_LARGE, f"{len(content)} bytes, {limits.max_document_bytes} allowed"
        )
    if form is Format.XML:
        root = parse_xml(content, limits)
        return Document(catalogue.of_root(root_name(root), on), form, root)
    schema_id, body = split_wire(content)
    message_type = catalogue.of_schema_id(schema_id, on)
    if message_type.avro is None:
        raise MessageError(Code.UNKNOWN_SCHEMA_ID, str(schema_id))
    return Document(message_type, form, message_type.avro.parse_avro(body, limits))


def encode_document(message_type: MessageType, root: etree._Element, form: Format) -> bytes:
    """
    Write a schema-valid document in a format.

    Raises:
        MessageError: NSW-4002, the type has no such format, or this document can't be written in it.
    """
    if form is Format.XML:
        return encode_xml(root)
    if message_type.avro is None or message_type.avro_id is None:
        raise MessageError(Code.FORMAT_NOT_ACCEPTED, f"{message_type.name} has no Avro schema")
    return join_wire(message_type.avro_id, message_type.avro.encode_avro(root))
