"""Schema findings: all of them, each at its place."""

from collections.abc import Iterator

import pytest
from xmlschema.validators import XsdElement

from nsw.formats.xml import parse_xml
from nsw.messagetypes import MessageType
from nsw.typefolders import load_message_type
from nsw.validation import MAX_FAULTS, check_schema
from nsw.validation.search import Search

TYPE = """\
message_type: t.order
version: "1"
kind: declaration
title: {en: Order, th: ใบสั่ง}
root: "{urn:t}Order"
schema: message.xsd
effective: {from: 2020-01-01}
"""
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:t" targetNamespace="urn:t"
    elementFormDefault="qualified">
  <xs:simpleType name="Two"><xs:restriction base="xs:string">
    <xs:pattern value="[A-Z]{2}"/></xs:restriction></xs:simpleType>
  <xs:element name="Order"><xs:complexType><xs:sequence>
    <xs:element name="Country" type="Two"/>
    <xs:element name="Currency" type="Two"/>
    <xs:element name="Remark" type="xs:string" minOccurs="0" maxOccurs="2"/>
    <xs:element name="Day" type="xs:date"/>
    <xs:element name="Line" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Code" type="Two"/>
      <xs:element name="Unit" type="Two"/>
      <xs:choice><xs:element name="Kilograms" type="xs:decimal"/><xs:element name="Pieces" type="xs:int"/></xs:choice>
    </xs:sequence><xs:attribute name="number" type="xs:int" use="required"/></xs:complexType></xs:element>
  </xs:sequence></xs:complexType>
  <xs:unique name="numbers"><xs:selector xpath="*"/><xs:field xpath="@number"/></xs:unique></xs:element>
</xs:schema>
"""
LINE = '<Line number="1"><Code>AB</Code><Unit>KG</Unit><Pieces>3</Pieces></Line>'
HEAD = "<Country>TH</Country><Currency>BT</Currency>"
DAY = "<Day>2026-11-22</Day>"


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> MessageType:
    """Give a small message type."""
    folder = tmp_path_factory.mktemp("order")
    (folder / "type.yaml").write_text(TYPE, "utf-8")
    (folder / "message.xsd").write_text(XSD)
    return load_message_type(folder / "type.yaml", {})


def faults(order: MessageType, content: str, prefix: str = "") -> list[tuple[str, str | None]]:
    """Give code and place of every finding of a document with this content."""
    namespace = f"xmlns:{prefix}" if prefix else "xmlns"
    if prefix:
        content = content.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
        name = f"{prefix}:Order"
    else:
        name = "Order"
    document = f'<{name} {namespace}="urn:t">{content}</{name}>'
    return [(str(each.code), each.path) for each in check_schema(order, parse_xml(document.encode()))]


MISSING, UNEXPECTED, VALUE, ATTRIBUTE, KEY = (f"NSW-200{number}" for number in range(1, 6))
CASES = {
    "valid": (HEAD + DAY + LINE, []),
    "missing first": ("<Currency>BT</Currency>" + DAY + LINE, [(MISSING, "/Order[1]")]),
    "two missing": (DAY + LINE, [(MISSING, "/Order[1]"), (MISSING, "/Order[1]")]),
    "missing last": (HEAD + DAY, [(MISSING, "/Order[1]")]),
    "unknown element": (HEAD + "<Bogus/>" + DAY + LINE, [(UNEXPECTED, "/Order[1]/Bogus[1]")]),
    "out of order": (
        "<Currency>BT</Currency><Country>TH</Country>" + DAY + LINE,
        [(UNEXPECTED, "/Order[1]/Currency[1]")],
    ),
    "surplus": (HEAD + "<Remark/><Remark/><Remark/>" + DAY + LINE, [(UNEXPECTED, "/Order[1]/Remark[3]")]),
    "wrong values": (
        "<Country>Thai</Country><Currency>1</Currency><Day>soon</Day>" + LINE,
        [(VALUE, "/Order[1]/Country[1]"), (VALUE, "/Order[1]/Currency[1]"), (VALUE, "/Order[1]/Day[1]")],
    ),
    "a missing element does not hide wrong values": (
        "<Currency>1</Currency><Day>soon</Day>" + LINE.replace("AB", "abc"),
        [
            (MISSING, "/Order[1]"),
            (VALUE, "/Order[1]/Currency[1]"),
            (VALUE, "/Order[1]/Day[1]"),
            (VALUE, "/Order[1]/Line[1]/Code[1]"),
        ],
    ),
    "faults in the second line": (
        HEAD + DAY + LINE + '<Line number="2"><Unit>1</Unit><Pieces>x</Pieces><Bogus/></Line>',
        [
            (MISSING, "/Order[1]/Line[2]"),
            (VALUE, "/Order[1]/Line[2]/Unit[1]"),
            (VALUE, "/Order[1]/Line[2]/Pieces[1]"),
            (UNEXPECTED, "/Order[1]/Line[2]/Bogus[1]"),
        ],
    ),
    "attribute missing": (HEAD + DAY + LINE.replace(' number="1"', ""), [(ATTRIBUTE, "/Order[1]/Line[1]")]),
    "attribute unknown": (
        HEAD + DAY + LINE.replace(" number", ' x="1" number'),
        [(ATTRIBUTE, "/Order[1]/Line[1]/@x")],
    ),
    "attribute's value": (HEAD + DAY + LINE.replace('"1"', '"one"'), [(VALUE, "/Order[1]/Line[1]/@number")]),
    "a wrong attribute beside a missing element": (
        HEAD + DAY + LINE.replace("<Unit>KG</Unit>", "").replace('"1"', '"one" x="1"'),
        [
            (VALUE, "/Order[1]/Line[1]/@number"),
            (ATTRIBUTE, "/Order[1]/Line[1]/@x"),
            (MISSING, "/Order[1]/Line[1]"),
        ],
    ),
    "key given twice": (HEAD + DAY + LINE + LINE, [(KEY, "/Order[1]/Line[2]")]),
}


@pytest.mark.parametrize("name", CASES)
def test_finds_every_fault_at_its_place(name: str, order: MessageType) -> None:
    """Missing, surplus, misplaced and wrong: the first does not hide the others."""
    content, expected = CASES[name]

    assert sorted(faults(order, content), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("name", CASES)
def test_finds_the_same_in_a_document_with_prefixes(name: str, order: MessageType) -> None:
    """The places have the document's own prefixes."""
    content, expected = CASES[name]
    places = [(code, (path or "").replace("o:", "")) for code, path in faults(order, content, "o")]

    assert sorted(places) == sorted((code, path or "") for code, path in expected)


def test_white_space_around_a_date_is_no_fault(order: MessageType) -> None:
    """libxml2 refuses it against the standard; real documents have it."""
    assert faults(order, HEAD + "<Day>\n  2026-11-22 </Day>" + LINE) == []


def test_white_space_around_a_date_does_not_hide_other_faults(order: MessageType) -> None:
    """The date is right, the country is not."""
    content = HEAD.replace("TH", "Thai") + "<Day> 2026-11-22 </Day>" + LINE

    assert faults(order, content) == [(VALUE, "/Order[1]/Country[1]")]


def test_white_space_around_a_code_is_a_fault(order: MessageType) -> None:
    """Only what the standard collapses may be collapsed."""
    assert faults(order, HEAD.replace("TH", " TH ") + DAY + LINE) == [(VALUE, "/Order[1]/Country[1]")]


def test_says_so_when_the_search_ends_early(order: MessageType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A huge broken document costs a bounded time, and its sender knows that there may be more."""
    monkeypatch.setattr("nsw.validation.SLOW_PASS_ELEMENTS", 3)
    codes = [code for code, _ in faults(order, DAY + LINE)]

    assert codes[-1] == "NSW-2007"
    assert UNEXPECTED in codes


def test_a_failure_of_the_search_hides_nothing(order: MessageType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package may raise where a document is very wrong; libxml2's findings stand, and the last one says so."""

    def fail(*_: object, **__: object) -> Iterator[None]:
        raise KeyError("global component 'none' not found")

    monkeypatch.setattr(XsdElement, "iter_errors", fail)

    found = faults(order, "<Country>Thai</Country>" + DAY + LINE)

    assert found == [(VALUE, "/Order[1]/Country[1]"), (UNEXPECTED, "/Order[1]/Day[1]"), ("NSW-2007", None)]


def test_reports_the_line(order: MessageType) -> None:
    """1-based, of the element concerned."""
    document = f'<Order xmlns="urn:t">\n{HEAD}\n<Day>soon</Day>\n{LINE}</Order>'
    (finding,) = check_schema(order, parse_xml(document.encode()))

    assert finding.line == 3
    assert "soon" in finding.text_en
    assert "soon" in finding.text_th


HOSTILE = {
    "attributes": "<Order xmlns='urn:t' " + " ".join(f"a{each}=''" for each in range(2000)) + "/>",
    "children": "<Order xmlns='urn:t'>" + "<x/>" * 40_000 + "</Order>",
    "children within the budget": "<Order xmlns='urn:t'>" + "<x/>" * 9_000 + "</Order>",
    "attributes of many": "<Order xmlns='urn:t'>" + "<Line a='' b='' c=''/>" * 20_000 + "</Order>",
    "namespaces": "<Order xmlns='urn:t' "
    + " ".join(f"xmlns:p{each}='urn:{each}'" for each in range(3000))
    + ">"
    + "".join(f"<p{each}:x/>" for each in range(3000))
    + "</Order>",
    "wrong values": f"<Order xmlns='urn:t'>{HEAD}{DAY}" + LINE.replace("AB", "abc") * 5_000 + "</Order>",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_document_that_is_all_faults_costs_a_bounded_time(name: str, order: MessageType) -> None:
    """Unbounded, each took minutes; the time-out of this test is far above what it takes."""
    findings = check_schema(order, parse_xml(HOSTILE[name].encode()))

    assert 1 <= len(findings) <= MAX_FAULTS + 1
    assert findings[-1].code == "NSW-2007"


def test_what_the_search_misses_is_refused_in_libxml2s_words(
    order: MessageType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that finds nothing overrules libxml2 only where the other validator accepts the whole document."""
    monkeypatch.setattr(Search, "faults", lambda search, scope: search.searched.add(scope) or [])

    assert faults(order, f"{HEAD}{DAY}{LINE}<Surplus/>") == [("NSW-2002", "/Order[1]/Surplus[1]")]
    assert faults(order, f"{HEAD}<Day> 2026-11-22 </Day>{LINE}") == []
