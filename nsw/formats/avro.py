"""
Avro documents: the Confluent wire format, and the mapping between an Avro body and the tree of the same document.

A document has one tree, whatever it came in: rules, routing and schema see no difference. What goes through Avro and
back is equal in XML Schema's value space (1.50 is 1.5; white space is collapsed where the type says so).
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType
from lxml import etree

from nsw.errors import Code, ConfigError, MessageError
from nsw.formats._plan import load_plan
from nsw.formats._reader import XmlText, compile_reader, find_forbidden_character
from nsw.formats._writer import compile_writer
from nsw.formats.xml import XmlLimits, parse_xml

__all__ = ["AvroMapping", "join_wire", "load_mapping", "split_wire"]

_MAGIC = b"\0"
_PREFIX_BYTES = 5
_DEFAULT_LIMITS = XmlLimits()


def split_wire(value: bytes) -> tuple[int, bytes]:
    """
    Part a value into schema id and Avro body.

    Raises:
        MessageError: NSW-1001 no bytes; NSW-1002 the magic byte isn't 0; NSW-1013 it ends within the schema id.

    Source:
        Confluent wire format: magic byte 0, schema id in 4 bytes (big-endian), body. Ids above 2**31 - 1 are read as
        they stand: no message type has one.
    """
    if not value:
        raise MessageError(Code.EMPTY_RECORD)
    if not value.startswith(_MAGIC):
        raise MessageError(Code.UNKNOWN_FORMAT, f"it begins with byte 0x{value[0]:02X}")
    if len(value) < _PREFIX_BYTES:
        raise MessageError(Code.AVRO_UNREADABLE, "it ends before its schema id does")
    return int.from_bytes(value[1:_PREFIX_BYTES]), value[_PREFIX_BYTES:]


def join_wire(schema_id: int, body: bytes) -> bytes:
    """
    Put magic byte and schema id before an Avro body.

    Args:
        schema_id: 0 to 2**32 - 1.
    """
    return _MAGIC + schema_id.to_bytes(4) + body


class AvroMapping:
    """
    One Avro schema and the XML document it stands for; compiled once, without state of its own between documents.

    Attributes:
        schema_id: in the Confluent wire format.
        schema: the schema's JSON, as loaded.
        root_name: expanded name of the document's root element.
        full_name: of the outermost Avro record, with its namespace if it has one.
    """

    def __init__(self, schema: dict[str, Any], schema_id: int, source: str = "Avro schema") -> None:
        plan = load_plan(schema, source)
        try:
            self._writer_schema = fastavro.parse_schema(schema)
        except (SchemaParseException, UnknownType, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{source}: {type(error).__name__}: {error}") from error
        self.schema_id = schema_id
        self.schema = schema
        self.root_name = plan.root_name
        self.full_name = ".".join(str(schema[part]) for part in ("namespace", "name") if schema.get(part))
        self._read = compile_reader(plan)
        self._write = compile_writer(plan)

    def parse_avro(self, body: bytes, limits: XmlLimits = _DEFAULT_LIMITS) -> etree._Element:
        """
        Read an Avro body into the tree that its XML document would have.

        Args:
            body: without magic byte and schema id.
            limits: they hold for the body, and for the document that it would be as XML.

        Raises:
            MessageError: NSW-1004 larger than *limits* allow; NSW-1013 the body isn't of this schema, or holds a
                character that XML 1.0 forbids; NSW-1014 bytes follow it; NSW-1006 nested too deeply, or a text too
                long.
        """
        if len(body) > limits.max_document_bytes:
            raise MessageError(
                Code.DOCUMENT_TOO_LARGE, f"{len(body)} bytes, {limits.max_document_bytes} are allowed"
            )
        pieces = XmlText(limits.max_document_bytes)
        try:
            end = self._read(body, 0, pieces)
        except IndexError as error:
            raise MessageError(Code.AVRO_UNREADABLE, "it ends early") from error
        except UnicodeDecodeError as error:
            raise MessageError(Code.AVRO_UNREADABLE, "a string isn't UTF-8") from error
        if end != len(body):
            raise MessageError(Code.AVRO_TRAILING_BYTES, f"{len(body) - end} of {len(body)}")
        text = "".join(pieces)
        try:
            return parse_xml(text.encode(), limits)
        except MessageError as error:
            if error.code in (Code.DOCUMENT_TOO_LARGE, Code.PARSER_LIMIT):
                raise MessageError(error.code, f"as XML: {error.detail}") from error
            character = find_forbidden_character(text)
            reason = f"character {character} isn't allowed in XML 1.0" if character else error.detail
            raise MessageError(Code.AVRO_UNREADABLE, reason) from error

    def encode_avro(self, root: etree._Element) -> bytes:
        """
        Write a document as Avro body, without magic byte and schema id.

        Args:
            root: of a document that is valid by the XSD behind the schema.

        Raises:
            MessageError: NSW-4002, the document can't be carried over: another root, or not valid, or with
                ``xsi:type`` or ``xsi:nil``, or recursive to an uncommon depth.
        """
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, self._writer_schema, self._write(root))
        return buffer.getvalue()


def load_mapping(path: Path, schema_id: int) -> AvroMapping:
    """
    Load a message type's Avro schema.

    Raises:
        ConfigError: the file can't be read, isn't Avro, or doesn't say what its fields are in XML.
    """
    try:
        schema = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    return AvroMapping(schema, schema_id, str(path))
