"""
Records that no honest trader sends, or sends by mistake, each with the one code that it must get.

The table is this module's own word; nothing here asks the window what it would do.
"""

from collections.abc import Callable
from dataclasses import dataclass

from nsw import topics
from nsw.errors import Code, Verdict
from nsw.model import Format, Headers

_LEVELS = 100_000
_MAX_KEY_BYTES = 1024
_NAMESPACE = b"urn:nsw:th:export-declaration:1"
_UNKNOWN_SCHEMA_ID = 9_999_999
_AVRO_PREFIX_BYTES = 5
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Material:
    """
    One good declaration to spoil.

    Attributes:
        response: an agency's response with the same reference number.
        limit_bytes: the largest document that the window takes.
    """

    reference_number: str
    xml: bytes
    avro: bytes
    response: bytes
    limit_bytes: int

    @property
    def key(self) -> bytes:
        """The key that belongs to it."""
        return self.reference_number.encode()


@dataclass(frozen=True, slots=True)
class Oddity:
    """
    One odd record.

    Attributes:
        code: of its only finding; None where it is accepted all the same.
        key: the record's key; the reference number in most.
        answered: False where the window can't know whom to answer about what.
        heavy: whether it is of megabytes.
    """

    title: str
    verdict: Verdict
    code: Code | None
    value: Callable[[Material], bytes | None]
    form: Format = Format.XML
    key: Callable[[Material], bytes | None] = lambda material: material.key
    headers: Headers = ()
    answered: bool = True
    heavy: bool = False


def _body(xml: bytes) -> bytes:
    """Leave the XML declaration away."""
    return xml.partition(b"?>")[2].lstrip()


def _with_doctype(doctype: bytes, xml: bytes, text: bytes) -> bytes:
    head = b'<?xml version="1.0" encoding="UTF-8"?>\n' + doctype + b"\n"
    return head + _body(xml).replace(b"MADE IN THAILAND", text)


def _external_entity(material: Material) -> bytes:
    doctype = b'<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return _with_doctype(doctype, material.xml, b"&e;")


def _billion_laughs(material: Material) -> bytes:
    entities = [b'<!ENTITY l0 "lol">']
    entities += [b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 10)]
    return _with_doctype(b"<!DOCTYPE d [" + b"".join(entities) + b"]>", material.xml, b"&l9;")


def _deep(_material: Material) -> bytes:
    return b"<a>" * _LEVELS + b"</a>" * _LEVELS


def _filled_to(material: Material, size_bytes: int) -> bytes:
    opening, closing = b"<!--", b"-->"
    room = size_bytes - len(material.xml) - len(opening) - len(closing)
    return material.xml + opening + b" " * room + closing


def _in_utf16(material: Material) -> bytes:
    return _body(material.xml).decode().encode("utf-16")


def _in_tis620(material: Material) -> bytes:
    return b'<?xml version="1.0" encoding="TIS-620"?>\n' + _body(material.xml).decode().encode("tis-620")


def _with_unknown_schema_id(material: Material) -> bytes:
    return b"\x00" + _UNKNOWN_SCHEMA_ID.to_bytes(4) + material.avro[_AVRO_PREFIX_BYTES:]


_D, _R, _A = Verdict.DEAD_LETTER, Verdict.REJECTED, Verdict.ACCEPTED
_AVRO = Format.AVRO


def _xml(material: Material) -> bytes:
    return material.xml


ODDITIES = (
    Oddity("truncated XML", _R, Code.NOT_WELL_FORMED, lambda each: each.xml[: len(each.xml) // 2]),
    Oddity("XML with an external entity (XXE)", _D, Code.DOCTYPE_REFUSED, _external_entity),
    Oddity("XML with a billion laughs", _D, Code.DOCTYPE_REFUSED, _billion_laughs),
    Oddity(f"XML of {_LEVELS:,} levels", _D, Code.PARSER_LIMIT, _deep),
    Oddity("neither XML nor Avro", _D, Code.UNKNOWN_FORMAT, lambda each: b"%PDF-1.7\n" + each.xml),
    Oddity("empty record", _D, Code.EMPTY_RECORD, lambda _each: b""),
    Oddity("record without a value", _D, Code.EMPTY_RECORD, lambda _each: None),
    Oddity("unknown root element", _D, Code.UNKNOWN_ROOT, lambda each: b'<Invoice n="%s"/>' % each.key),
    Oddity(
        "known root in a wrong namespace",
        _D,
        Code.WRONG_NAMESPACE,
        lambda each: each.xml.replace(_NAMESPACE, _NAMESPACE[:-1] + b"9"),
    ),
    Oddity("unknown Avro schema id", _D, Code.UNKNOWN_SCHEMA_ID, _with_unknown_schema_id, _AVRO),
    Oddity("truncated Avro", _R, Code.AVRO_UNREADABLE, lambda each: each.avro[:-20], _AVRO),
    Oddity(
        "bytes after the Avro body", _R, Code.AVRO_TRAILING_BYTES, lambda each: each.avro + b"\x00", _AVRO
    ),
    Oddity("Thai in TIS-620", _R, Code.WRONG_ENCODING, _in_tis620),
    Oddity("an agency's response, sent by a trader", _R, Code.UNWELCOME_KIND, lambda each: each.response),
    Oddity(
        "key that is not the reference number",
        _R,
        Code.KEY_NOT_REFERENCE,
        _xml,
        key=lambda each: each.key + b"-X",
    ),
    Oddity("no key", _R, Code.KEY_MISSING, _xml, key=lambda _each: None),
    Oddity(
        "key of more than a kilobyte",
        _D,
        Code.KEY_TOO_LONG,
        _xml,
        key=lambda each: each.key + b"0" * _MAX_KEY_BYTES,
        answered=False,
    ),
    Oddity(
        "content type given twice",
        _R,
        Code.HEADER_TWICE,
        _xml,
        headers=((topics.CONTENT_TYPE, b"application/xml"), (topics.CONTENT_TYPE, b"text/xml")),
    ),
    Oddity(
        "content type that is no text",
        _R,
        Code.HEADER_NOT_UTF8,
        _xml,
        headers=((topics.CONTENT_TYPE, b"\xff\xfe"),),
    ),
    Oddity(
        "content type of another format",
        _R,
        Code.CONTENT_TYPE_WRONG,
        _xml,
        headers=((topics.CONTENT_TYPE, b"application/json"),),
    ),
    Oddity("UTF-8 with byte order mark", _A, None, lambda each: _BOM + each.xml),
    Oddity("UTF-16 with byte order mark", _A, None, _in_utf16),
    Oddity(
        "exactly at the size limit", _A, None, lambda each: _filled_to(each, each.limit_bytes), heavy=True
    ),
    Oddity(
        "one byte over the size limit",
        _D,
        Code.DOCUMENT_TOO_LARGE,
        lambda each: _filled_to(each, each.limit_bytes + 1),
        heavy=True,
    ),
)
