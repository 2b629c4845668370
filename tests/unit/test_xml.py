"""Reading and writing XML: what is accepted, what is refused and with which code, and how places are named."""

import contextlib
import re
import threading
import time

import pytest
from lxml import etree

from nsw.errors import Code, MessageError
from nsw.formats import xml
from nsw.formats.xml import MAX_DEPTH, XmlLimits, build_path, encode_xml, parse_xml, root_name

ROOMY = XmlLimits(max_document_bytes=64_000_000)
LAUGHS = (
    b"<!DOCTYPE a [<!ENTITY a '"
    + b"ha" * 50
    + b"'>"
    + b"".join(b"<!ENTITY %c '%s'>" % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9))
    + b"]>"
)


def refusal(value: bytes, limits: XmlLimits = ROOMY) -> MessageError:
    """Give the error that a value is refused with."""
    with pytest.raises(MessageError) as caught:
        parse_xml(value, limits)
    return caught.value


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("<a>ใบขน</a>".encode(), id="bare"),
        pytest.param('<?xml version="1.0"?><a>ใบขน</a>'.encode(), id="no-encoding"),
        pytest.param('<?xml version="1.0" encoding="UTF-8"?>\n<a>ใบขน</a>'.encode(), id="declared"),
        pytest.param(
            "<?xml version='1.0' encoding='utf-8' standalone='yes' ?><a>ใบขน</a>".encode(), id="quotes"
        ),
        pytest.param('<?xml version="1.0"  encoding = "Utf-8" ?><a>ใบขน</a>'.encode(), id="odd-spaces"),
        pytest.param('<?xml version="1.0" encoding="UTF8"?><a>ใบขน</a>'.encode(), id="alias"),
        pytest.param('<?xml version="1.1" encoding="UTF-8"?><a>ใบขน</a>'.encode(), id="version-1.1"),
        pytest.param("\ufeff<a>ใบขน</a>".encode(), id="mark"),
        pytest.param(
            '\ufeff<?xml version="1.0" encoding="UTF-8"?><!-- x --><a>ใบขน</a>'.encode(), id="mark-declared"
        ),
        pytest.param("\n  <a>ใบขน</a>\n".encode(), id="space-around"),
        pytest.param("<a>ใบขน</a>".encode("utf-16"), id="utf-16"),
        pytest.param(
            '<?xml version="1.0" encoding="UTF-16"?><a>ใบขน</a>'.encode("utf-16"), id="utf-16-declared"
        ),
        pytest.param("\ufeff<a>ใบขน</a>".encode("utf-16-be"), id="utf-16-big-endian"),
    ],
)
def test_reads_utf8_and_marked_utf16(value: bytes) -> None:
    """UTF-8 with or without byte order mark, and UTF-16 with one, give the same text."""
    assert parse_xml(value).text == "ใบขน"


@pytest.mark.parametrize(
    "value",
    [
        b"<!-- <!DOCTYPE a> --><a/>",
        b"<?note <!DOCTYPE a> ?>\n<!-- - --><a/>",
        b"<a><!-- <!DOCTYPE a> --></a>",
        b"<a><![CDATA[<!DOCTYPE a>]]></a>",
        b'<?xml version="1.0"?><!-- x --><a b="&lt;!DOCTYPE"/>',
        "<!-- <!DOCTYPE a> --><a/>".encode("utf-16"),
    ],
)
def test_reads_the_word_doctype_where_it_is_none(value: bytes) -> None:
    """Only a DOCTYPE before the root element is one."""
    assert root_name(parse_xml(value)) == "a"


def test_reads_one_text_where_comments_split_it() -> None:
    """Comments, instructions and CDATA sections don't part a value, so all readers see the same."""
    root = parse_xml(b"<a>AB<!-- x -->CD<?y z?>EF<![CDATA[<&>]]></a>")
    assert (root.text, len(root)) == ("ABCDEF<&>", 0)


def test_reads_a_document_at_the_limit() -> None:
    """A document of exactly the allowed size is read, one byte more is not."""
    document = b"<a>" + b"x" * 93 + b"</a>"
    assert parse_xml(document, XmlLimits(max_document_bytes=100)).tag == "a"
    error = refusal(document + b"\n", XmlLimits(max_document_bytes=100))
    assert (error.code, error.detail) == (Code.DOCUMENT_TOO_LARGE, "101 bytes, 100 are allowed")


def test_reads_a_document_as_deep_as_allowed() -> None:
    """The deepest nesting that is read is MAX_DEPTH, and one level more is too deep."""
    assert parse_xml(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).tag == "a"
    assert refusal(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1)).code is Code.PARSER_LIMIT


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param(b"", Code.EMPTY_RECORD, id="empty"),
        pytest.param(b" \r\n", Code.UNKNOWN_FORMAT, id="white-space"),
        pytest.param(b'{"declaration": 1}', Code.UNKNOWN_FORMAT, id="json"),
        pytest.param(b"UNB+UNOA:1'", Code.UNKNOWN_FORMAT, id="edifact"),
        pytest.param(b"\0\0\0\x03\xe9\x02a", Code.UNKNOWN_FORMAT, id="avro"),
        pytest.param(b"\x1f\x8b\x08\0", Code.UNKNOWN_FORMAT, id="gzip"),
        pytest.param("{}".encode("utf-16"), Code.UNKNOWN_FORMAT, id="utf-16-json"),
        pytest.param(b"<", Code.NOT_WELL_FORMED, id="lone-bracket"),
        pytest.param(b"<a><b>", Code.NOT_WELL_FORMED, id="truncated"),
        pytest.param(b"<a><b></a>", Code.NOT_WELL_FORMED, id="mismatch"),
        pytest.param(b"<a>&agency;</a>", Code.NOT_WELL_FORMED, id="unknown-entity"),
        pytest.param(b"<a/><b/>", Code.NOT_WELL_FORMED, id="two-roots"),
        pytest.param(b'<?xml version="1.0"?>', Code.NOT_WELL_FORMED, id="no-root"),
        pytest.param(b"<!-- never ends <!DOCTYPE a>", Code.NOT_WELL_FORMED, id="open-comment"),
        pytest.param(b"<a><!-- a -- b --></a>", Code.NOT_WELL_FORMED, id="two-hyphens"),
        pytest.param(b"<a>\x0b</a>", Code.NOT_WELL_FORMED, id="control-character"),
        pytest.param(b"<a>&#0;</a>", Code.NOT_WELL_FORMED, id="nul-by-reference"),
        pytest.param(b"<x:a/>", Code.NOT_WELL_FORMED, id="no-namespace"),
        pytest.param(b' <?xml version="1.0"?><a/>', Code.NOT_WELL_FORMED, id="space-before-declaration"),
        pytest.param(b"<a/><!DOCTYPE a>", Code.NOT_WELL_FORMED, id="late-doctype"),
        pytest.param(b"<a><!DOCTYPE a></a>", Code.NOT_WELL_FORMED, id="inner-doctype"),
        pytest.param(b"<!DOCTYPE a><a/>", Code.DOCTYPE_REFUSED, id="doctype"),
        pytest.param(b"<!DOCTYPE", Code.DOCTYPE_REFUSED, id="doctype-only"),
        pytest.param(
            b"<?xml version='1.0'?> <!-- x --> <?y z?>\n<!DOCTYPE a><a/>",
            Code.DOCTYPE_REFUSED,
            id="doctype-after-comments",
        ),
        pytest.param("<!DOCTYPE a><a/>".encode("utf-16"), Code.DOCTYPE_REFUSED, id="doctype-utf-16"),
        pytest.param(
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            Code.DOCTYPE_REFUSED,
            id="external-entity",
        ),
        pytest.param(
            b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
            Code.DOCTYPE_REFUSED,
            id="external-dtd",
        ),
        pytest.param(LAUGHS + b"<a>&j;</a>", Code.DOCTYPE_REFUSED, id="billion-laughs"),
        pytest.param(LAUGHS + b"<a b='&j;'/>", Code.DOCTYPE_REFUSED, id="billion-laughs-attribute"),
        pytest.param(b"<a>" * 100_000, Code.PARSER_LIMIT, id="deep"),
        pytest.param(b"<a>" + b"x" * 30_000_000 + b"</a>", Code.PARSER_LIMIT, id="long-text"),
        pytest.param(b'<a b="' + b"x" * 30_000_000 + b'"/>', Code.PARSER_LIMIT, id="long-attribute"),
        pytest.param(b"<a><!--" + b"x" * 11_000_000 + b"--></a>", Code.PARSER_LIMIT, id="long-comment"),
        pytest.param(b"<a><![CDATA[" + b"x" * 11_000_000 + b"]]></a>", Code.PARSER_LIMIT, id="long-cdata"),
        pytest.param(b"<" + b"x" * 60_000 + b"/>", Code.PARSER_LIMIT, id="long-name"),
        pytest.param(
            '<?xml version="1.0" encoding="TIS-620"?><a>ใบ</a>'.encode("tis-620"),
            Code.WRONG_ENCODING,
            id="tis-620",
        ),
        pytest.param(
            b'<?xml version="1.0" encoding="windows-874"?><a/>', Code.WRONG_ENCODING, id="windows-874"
        ),
        pytest.param(b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", Code.WRONG_ENCODING, id="latin-1"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-7"?><a/>', Code.WRONG_ENCODING, id="utf-7"),
        pytest.param(b'<?xml version="1.0" encoding=""?><a/>', Code.WRONG_ENCODING, id="no-name"),
        pytest.param(
            b'<?xml version="1.0" encoding="UTF-16"?><a/>', Code.WRONG_ENCODING, id="utf-8-as-utf-16"
        ),
        pytest.param(
            '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16"),
            Code.WRONG_ENCODING,
            id="utf-16-as-utf-8",
        ),
        pytest.param("<a/>".encode("utf-16-le"), Code.WRONG_ENCODING, id="utf-16-le-unmarked"),
        pytest.param("<a/>".encode("utf-16-be"), Code.WRONG_ENCODING, id="utf-16-be-unmarked"),
        pytest.param("<a/>".encode("utf-32"), Code.WRONG_ENCODING, id="utf-32"),
        pytest.param("<a/>".encode("utf-32-be"), Code.WRONG_ENCODING, id="utf-32-unmarked"),
        pytest.param("<a>ใบ</a>".encode("tis-620"), Code.WRONG_ENCODING, id="undeclared-tis-620"),
        pytest.param(b"<a>\xed\xa0\x80</a>", Code.WRONG_ENCODING, id="surrogate"),
        pytest.param(b"\xff\xfe<\0a\0>\0\0\xd8", Code.WRONG_ENCODING, id="half-a-pair"),
        pytest.param(b"\xff\xfe<\0a\0/\0>\0\0", Code.WRONG_ENCODING, id="half-a-unit"),
    ],
)
def test_refuses_with_the_code_of_what_is_wrong(value: bytes, code: Code) -> None:
    """Each kind of bad input has its own code."""
    assert refusal(value).code is code


def test_refuses_a_long_text_by_size_before_it_is_parsed() -> None:
    """With the usual limits a document of 30 MB is refused for its size."""
    assert refusal(b"<a>" + b"x" * 30_000_000 + b"</a>", XmlLimits()).code is Code.DOCUMENT_TOO_LARGE


def test_refuses_a_doctype_that_the_first_check_did_not_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser's own word on a DOCTYPE is asked too."""
    monkeypatch.setattr(xml, "_DOCTYPE", re.compile(b"never"))
    assert refusal(b"<!DOCTYPE a><a/>").code is Code.DOCTYPE_REFUSED


def test_refuses_entities_that_grow_even_without_the_first_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser's limit on the growth of entities stands behind the refusal of their DOCTYPE."""
    monkeypatch.setattr(xml, "_DOCTYPE", re.compile(b"never"))
    error = refusal(LAUGHS + b"<a>&j;</a>")
    assert (error.code, error.detail) == (Code.PARSER_LIMIT, "Maximum entity amplification factor exceeded")


@pytest.mark.parametrize(
    ("value", "line", "column"),
    [
        (b"<a>\n<b>\n  </c>\n</a>", 3, 7),
        (b"<a>\n\xa1\xba</a>", 2, 1),
        (b'<?xml version="1.0" encoding="TIS-620"?>\n<a/>', 1, None),
        ("<a>\n\n".encode("utf-16") + b"\0\xd8", 3, None),
    ],
)
def test_tells_the_place_of_what_is_wrong(value: bytes, line: int, column: int | None) -> None:
    """Line and column are 1-based and stand in the error."""
    error = refusal(value)
    assert (error.line, error.column) == (line, column)


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (b"<a>\n<b></a>", "Opening and ending tag mismatch: b line 2 and a (line 2, column 8)"),
        (b"<a>" * 300, "Excessive depth in document: 256"),
        (b"<a>" + b"x" * 11_000_000, "Resource limit exceeded: Text node too long"),
        (b"<a><!-- Somchai -- x --></a>", "Double hyphen within comment (line 1, column 17)"),
        (b"<" + b"x" * 99 + b"></a>", "Opening and ending tag mismatch: … line 1 and a (line 1, column 106)"),
        (b"<a>&" + b"x" * 99 + b";</a>", "Entity '…' not defined (line 1, column 105)"),
        (
            b'<?xml version="1.0" encoding="%s"?><a/>' % (b"x" * 99),
            "it declares another name where its bytes are read as UTF-8",
        ),
        (b"<a>&\xd8\xa0\xe2\x80\x8d;</a>", "Entity '\u0620?' not defined (line 1, column 8)"),
        (b"GET / HTTP/1.1", "it begins with byte 0x47"),
    ],
)
def test_gives_a_short_reason_without_pieces_of_the_document(value: bytes, detail: str) -> None:
    """The parser's advice and long or free text of the document are left out of the reason."""
    assert refusal(value).detail == detail


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"<?a?>" * 700_000 + b"<!DOCTYPE a>", id="instructions"),
        pytest.param(b"<!-- -->\n" * 400_000 + b"<a/>", id="comments"),
        pytest.param(b"<!--" * 800_000, id="open-comments"),
        pytest.param(b" " * 4_000_000, id="spaces"),
        pytest.param(b"<?xml " * 600_000, id="open-declarations"),
        pytest.param(b"<?xml version='1.0' " + b"encoding " * 400_000 + b"?><a/>", id="encodings"),
        pytest.param(b"<r>" + b"<x:a/>" * 600_000 + b"</r>", id="errors"),
        pytest.param(
            b"<a " + b" ".join(b'a%d=""' % number for number in range(380_000)) + b"/>", id="attributes"
        ),
        pytest.param(b"<r>" + b"<a/>" * 1_000_000 + b"</r>", id="elements"),
    ],
)
def test_no_document_of_the_allowed_size_takes_long(value: bytes) -> None:
    """Time grows with size only, whatever the document is made of."""
    began = time.process_time()
    with contextlib.suppress(MessageError):
        parse_xml(value)
    assert time.process_time() - began < 5  # measured: under 0.3 s each


def test_reads_small_documents_as_before_after_a_huge_one() -> None:
    """A large document leaves no parser with huge tables behind."""
    parse_xml(b"<a/>")
    parser = xml._parser_of_thread.get()
    parse_xml(b"<a>" + b" " * 100_000 + b"</a>")
    assert xml._parser_of_thread.get() is parser


def test_gives_each_thread_its_own_parser() -> None:
    """Threads don't wait for one another's parser."""
    parse_xml(b"<a/>")
    seen = []

    def read() -> None:
        parse_xml(b"<a/>")
        seen.append(xml._parser_of_thread.get())

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen
    assert seen[0] is not xml._parser_of_thread.get()


def test_writes_utf8_with_a_declaration_and_nothing_after_the_root() -> None:
    """Our own documents are UTF-8 and say so."""
    root = parse_xml("<o><a>ใบขน\r</a>x</o>".encode())[0]
    assert encode_xml(root) == "<?xml version='1.0' encoding='UTF-8'?>\n<a>ใบขน\n</a>".encode()


@pytest.mark.parametrize("text", ["a\rb", "<&>\"'", "]]>", " \t\n", "ใบขน", "\U0001f6a2"])
def test_reads_back_what_it_wrote(text: str) -> None:
    """Every character that XML allows survives writing and reading."""
    root = etree.Element("a", b=text)
    root.text = text
    again = parse_xml(encode_xml(root))
    assert (again.text, again.get("b")) == (text, text)


def test_names_the_root_with_its_namespace() -> None:
    """The expanded name is what routing goes by."""
    assert root_name(parse_xml(b'<x:a xmlns:x="urn:x"/>')) == "{urn:x}a"
    assert root_name(parse_xml(b"<a/>")) == "a"


@pytest.mark.parametrize(
    ("steps", "attribute", "path"),
    [
        ((), None, "/i:Root[1]"),
        ((0,), None, "/i:Root[1]/Item[1]"),
        ((1,), None, "/i:Root[1]/n:Item[1]"),
        ((2,), None, "/i:Root[1]/Item[2]"),
        ((2, 0), None, "/i:Root[1]/Item[2]/Code[1]"),
        ((3,), None, "/i:Root[1]/Item[1]"),
        ((2,), "unit", "/i:Root[1]/Item[2]/@unit"),
        ((2,), "{urn:n}kind", "/i:Root[1]/Item[2]/@n:kind"),
        ((2,), "{http://www.w3.org/XML/1998/namespace}lang", "/i:Root[1]/Item[2]/@xml:lang"),
    ],
)
def test_names_places_with_every_index_and_the_documents_prefixes(
    steps: tuple[int, ...], attribute: str | None, path: str
) -> None:
    """Siblings are counted by expanded name: the same local name in another namespace counts for itself."""
    element = parse_xml(
        b'<i:Root xmlns:i="urn:i" xmlns:n="urn:n"><Item/><n:Item/>'
        b'<Item unit="KGM" n:kind="1" xml:lang="th"><Code/></Item><Item xmlns="urn:d"/></i:Root>'
    )
    for step in steps:
        element = element[step]
    assert build_path(element, attribute) == path
