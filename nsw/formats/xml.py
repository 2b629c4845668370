"""
XML documents: bytes to tree and back, and the place of an element in its document.

The only text this module hands to libxml2 is UTF-8 that carries no DOCTYPE: encodings and prologs are judged here,
so no declaration inside a document can change how it is read.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NoReturn

from lxml import etree

from nsw.errors import Code, MessageError

__all__ = ["MAX_DEPTH", "XmlLimits", "build_path", "encode_xml", "parse_xml", "root_name"]

#: libxml2's own limit on nested elements; beside it, 10,000,000 bytes for one text and 50,000 for one name.
MAX_DEPTH = 256


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """
    How large a document may be.

    Attributes:
        max_document_bytes: of the value as sent. What libxml2 builds from it is at most some 35 times as large
            (a document of empty elements only).
    """

    max_document_bytes: int = 4 * 1024 * 1024


_DEFAULT_LIMITS = XmlLimits()

# Nearly every document begins so. It proves in one step that the bytes claim to be UTF-8 and that the root element
# comes before any DOCTYPE could.
_USUAL_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?"
    rb"(?:<\?xml version=[\"']1\.0[\"'](?: encoding=[\"'](?i:utf-8)[\"'])?"
    rb"(?: standalone=[\"'](?:yes|no)[\"'])?[ ]?\?>)?"
    rb"[ \t\r\n]*<[^!?\0]",
)
# A DOCTYPE stands before the root element, after white space, comments and instructions only; the same characters in a
# comment or after the root's start are none. Atomic groups: no document makes this search step back.
_DOCTYPE = re.compile(rb"(?:[ \t\r\n]++|<!--(?>.*?-->)|<\?(?>.*?\?>))*+<!DOCTYPE", re.DOTALL)
_XML_DECLARATION = re.compile(rb"<\?xml[ \t\r\n](.*?)\?>", re.DOTALL)
_DECLARED_ENCODING = re.compile(rb"""[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')""")
_NAMES_OF_UTF8: tuple[str, ...] = ("UTF-8", "UTF8")
_NAMES_OF_UTF16: tuple[str, ...] = ("UTF-16",)
_UTF32_MARKS = (b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"<\0\0\0", b"\0\0\0<")
_UTF16_WITHOUT_MARK = (b"<\0", b"\0<")
_SPACE = b" \t\r\n"

_LIMIT_ERRORS = frozenset(
    {
        etree.ErrorTypes.ERR_RESOURCE_LIMIT,
        etree.ErrorTypes.ERR_NAME_TOO_LONG,
        etree.ErrorTypes.ERR_NO_MEMORY,
    },
)
_ENCODING_ERRORS = frozenset(
    {
        etree.ErrorTypes.ERR_INVALID_ENCODING,
        etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
        etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
    },
)
_PLACE = re.compile(r",? line \d+, column \d+$")
_ADVICE = re.compile(r", (?:use|try|see) [\w ]*(?:XML_PARSE_HUGE|xmlCtxtSetMaxAmplification).*")
# The only message that quotes a document's text without marks around it (a comment's).
_QUOTED_COMMENT = re.compile(r"(Double hyphen within comment).*", re.DOTALL)
_LONG_QUOTE = re.compile(r"'[^']{41,}'|\"[^\"]{41,}\"")
_LONG_WORD = re.compile(r"[^\s'\"]{41,}")


def _new_parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",  # whatever the XML declaration says: it was judged before
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        # Comments would split a text in two (`AB<!-- -->CD`), and readers would disagree about its value.
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,  # a table that nobody asks for
    )


# Each thread starts with an empty context, so each gets its own parser: lxml lets threads share one, but in turn.
_parser_of_thread: ContextVar[etree.XMLParser] = ContextVar("xml_parser")
#: A parser keeps the tables that its largest document needed and clears them for each document: after one with 150,000
#: namespace declarations each small document took four times as long. Large documents get a parser of their own.
_LARGE_BYTES = 64 * 1024


def parse_xml(value: bytes, limits: XmlLimits = _DEFAULT_LIMITS) -> etree._Element:
    """
    Read a document.

    Args:
        value: UTF-8 with or without byte order mark, or UTF-16 with one.

    Returns:
        The root element. Comments and processing instructions are gone, CDATA sections are text.

    Raises:
        MessageError: NSW-1001 no bytes; NSW-1004 more bytes than *limits* allow; NSW-1002 not XML; NSW-1005 it has a
            DOCTYPE; NSW-1006 nested too deeply, or a text or name too long; NSW-1007 another encoding, or bytes that
            are not of the encoding; NSW-1003 not well-formed, with line and column.

    Source:
        W3C XML 1.0 (fifth edition), sections 2.8 (prolog) and 4.3.3 (encodings); Namespaces in XML 1.0.
    """
    if len(value) > limits.max_document_bytes:
        raise MessageError(
            Code.DOCUMENT_TOO_LARGE,
            f"{len(value)} bytes, {limits.max_document_bytes} are allowed",
        )
    if _USUAL_PROLOG.match(value):
        return _parse_utf8(value)
    document = _check_encoding(value)
    if _DOCTYPE.match(document):
        raise MessageError(Code.DOCTYPE_REFUSED)
    root = _parse_utf8(document)
    # Second check, by the parser itself, in case it ever reads a prolog otherwise than we do.
    if root.getroottree().docinfo.internalDTD is not None:
        raise MessageError(Code.DOCTYPE_REFUSED)
    return root


def _parse_utf8(document: bytes) -> etree._Element:
    try:
        return etree.fromstring(document, _parser_for(document))
    except etree.XMLSyntaxError as error:
        _refuse(error)


def _parser_for(document: bytes) -> etree.XMLParser:
    if len(document) > _LARGE_BYTES:
        return _new_parser()
    parser = _parser_of_thread.get(None)
    if parser is None:
        parser = _new_parser()
        _parser_of_thread.set(parser)
    return parser


def _refuse(error: etree.XMLSyntaxError) -> NoReturn:
    line, column = error.position
    reason = _reason_of(error)
    if error.code in _LIMIT_ERRORS or "too big" in reason:
        raise MessageError(Code.PARSER_LIMIT, reason, line=line, column=column) from error
    code = Code.WRONG_ENCODING if error.code in _ENCODING_ERRORS else Code.NOT_WELL_FORMED
    raise MessageError(code, f"{reason} (line {line}, column {column})", line=line, column=column) from error


def _reason_of(error: etree.XMLSyntaxError) -> str:
    """Give libxml2's reason without place, advice to programmers, or long or unprintable pieces of the document."""
    reason = _PLACE.sub("", error.msg or "no reason given")
    reason = _QUOTED_COMMENT.sub(r"\1", reason)
    reason = _ADVICE.sub("", reason)
    reason = _LONG_WORD.sub("…", _LONG_QUOTE.sub("'…'", reason))
    reason = " ".join(reason.split()).rstrip(".")
    return reason if reason.isprintable() else "".join(each if each.isprintable() else "?" for each in reason)


def _check_encoding(value: bytes) -> bytes:
    """Give the document in UTF-8 without byte order mark, once its bytes and its declaration agree on an encoding."""
    if not value:
        raise MessageError(Code.EMPTY_RECORD)
    if value.startswith(_UTF32_MARKS):
        raise MessageError(Code.WRONG_ENCODING, "it is in UTF-32")
    if value.startswith((b"\xff\xfe", b"\xfe\xff")):
        document, names = _decode_utf16(value), _NAMES_OF_UTF16
    elif value.startswith(_UTF16_WITHOUT_MARK):
        raise MessageError(Code.WRONG_ENCODING, "it is in UTF-16 without a byte order mark")
    else:
        document, names = value.removeprefix(b"\xef\xbb\xbf"), _NAMES_OF_UTF8
    start = len(document) - len(document.lstrip(_SPACE))
    if not document.startswith(b"<", start):
        what = (
            f"it begins with byte 0x{document[start]:02X}"
            if start < len(document)
            else "it is white space only"
        )
        raise MessageError(Code.UNKNOWN_FORMAT, what)
    declaration = _XML_DECLARATION.match(document)
    declared = _DECLARED_ENCODING.search(b" " + declaration[1]) if declaration else None
    if declared:
        name = (declared[1] or declared[2] or b"").decode("ascii", "replace")
        if name.upper() not in names:
            shown = name if re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]{0,39}", name) else "another name"
            raise MessageError(
                Code.WRONG_ENCODING,
                f"it declares {shown} where its bytes are read as {names[0]}",
                line=1,
            )
    return document


def _decode_utf16(value: bytes) -> bytes:
    try:
        return value.decode("utf-16").encode()
    except UnicodeDecodeError as error:
        line = value[: error.start].decode("utf-16", "ignore").count("\n") + 1
        raise MessageError(
            Code.WRONG_ENCODING,
            f"bytes that are not UTF-16 (line {line})",
            line=line,
        ) from error


def encode_xml(root: etree._Element) -> bytes:
    """Write a document in UTF-8, with an XML declaration."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, with_tail=False)


def root_name(element: etree._Element) -> str:
    """Give the expanded name ``{namespace}local``, or ``local`` for a name in no namespace."""
    return str(element.tag)


def build_path(element: etree._Element, attribute: str | None = None) -> str:
    """
    Name the place of an element, or of one of its attributes, in its document.

    Args:
        attribute: name of the attribute, ``local`` or ``{namespace}local``.

    Returns:
        ``/Root[1]/Item[2]/Code[1]``: from the root, each step with its 1-based index among the siblings of the same
        expanded name, and with the prefix that the document itself uses, if any; ``…/@name`` for an attribute.
    """
    steps = [] if attribute is None else ["@" + _attribute_name(element, attribute)]
    step: etree._Element | None = element
    while step is not None:
        name = etree.QName(step)
        index = 1 + sum(
            1 for _ in step.itersiblings(f"{{{name.namespace or ''}}}{name.localname}", preceding=True)
        )
        prefix = f"{step.prefix}:" if step.prefix else ""
        steps.append(f"{prefix}{name.localname}[{index}]")
        step = step.getparent()
    return "/" + "/".join(reversed(steps))


def _attribute_name(element: etree._Element, attribute: str) -> str:
    name = etree.QName(attribute)
    prefixes = {uri: prefix for prefix, uri in element.nsmap.items() if prefix}
    prefixes["http://www.w3.org/XML/1998/namespace"] = "xml"
    prefix = prefixes.get(name.namespace or "")
    return f"{prefix}:{name.localname}" if prefix else name.localname
