"""From bytes to a document: which message type it is of, in which format, and its tree."""

from dataclasses import dataclass
from datetime import UTC, date, tzinfo

from lxml import etree

from nsw.errors import Code, MessageError
from nsw.formats.avro import join_wire, split_wire
from nsw.formats.xml import XmlLimits, encode_xml, parse_xml, root_name
from nsw.lawdate import find_law_date, in_force
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


@dataclass(frozen=True, slots=True)
class Parsed:
    """
    A document whose version is not chosen yet.

    Attributes:
        versions: of the message type, whenever in force; at least one.
        accepted_by: the version whose XSD is known to accept it; None where that is not known.
    """

    format: Format
    versions: tuple[MessageType, ...]
    root: etree._Element
    accepted_by: MessageType | None = None


def parse_document(value: bytes | None, catalogue: Catalogue, limits: XmlLimits) -> Parsed:
    """
    Parse a record's value and find the versions of its message type.

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
        return Parsed(form, catalogue.versions_of_root(root_name(root)), root)
    schema_id, body = split_wire(content)
    versions = catalogue.versions_of_schema_id(schema_id)
    mapping = versions[0].avro
    if mapping is None:
        raise MessageError(Code.UNKNOWN_SCHEMA_ID, f"{schema_id}{catalogue.ids_source}")
    return Parsed(form, versions, mapping.parse_avro(body, limits))


def identify(
    value: bytes | None, lodged_on: date, catalogue: Catalogue, limits: XmlLimits, zone: tzinfo = UTC
) -> Document:
    """
    Parse a record's value and find its message type, whatever its law date is worth.

    Args:
        zone: of the window's legal time; matters only where a time in the document decides the law date.

    Raises:
        MessageError: with the code of what makes it unreadable, unknown, or not in force.
    """
    parsed = parse_document(value, catalogue, limits)
    law, _ = find_law_date(parsed.versions, parsed.root, lodged_on, zone)
    return Document(in_force(parsed.versions, law), parsed.format, parsed.root)


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
