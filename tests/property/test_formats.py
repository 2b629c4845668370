"""Laws of the wire formats: any bytes give a tree or a MessageError, and XML and Avro give the same document."""

import io
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from nsw.errors import MessageError
from nsw.formats.derive import build_avsc_text
from nsw.formats.xml import encode_xml, parse_xml
from tests.property.xsd_documents import DerivedType, characters

EXPORT_DECLARATION = Path(__file__).resolve().parents[2] / "schemas" / "th" / "export-declaration" / "1.0"
EXPORT_ROOT = "{urn:nsw:th:export-declaration:1}ExportDeclaration"
ROOT = "{urn:test}Shipment"
XSD = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:test" targetNamespace="urn:test"
    elementFormDefault="qualified">
  <xs:element name="Shipment">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="Reference" type="xs:string"/>
        <xs:element name="Label" type="xs:token" minOccurs="0"/>
        <xs:element name="Line" type="xs:normalizedString" minOccurs="0"/>
        <xs:element name="Amount" type="t:Amount" maxOccurs="unbounded"/>
        <xs:element name="Count" type="xs:int"/>
        <xs:element name="Large" type="xs:long" minOccurs="0"/>
        <xs:element name="Huge" type="xs:integer" minOccurs="0"/>
        <xs:element name="Urgent" type="xs:boolean" minOccurs="0"/>
        <xs:element name="SentAt" type="xs:dateTime" minOccurs="0"/>
        <xs:choice>
          <xs:element name="Sea" type="xs:string"/>
          <xs:sequence>
            <xs:element name="Road" type="xs:string"/>
            <xs:element name="Plate" type="xs:string" minOccurs="0"/>
          </xs:sequence>
        </xs:choice>
        <xs:choice minOccurs="0" maxOccurs="unbounded">
          <xs:element name="Key" type="xs:string"/>
          <xs:element name="Value" type="xs:int"/>
        </xs:choice>
        <xs:element name="Weight" type="t:Weight" minOccurs="0"/>
        <xs:element name="Box" type="t:Box" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="version" type="xs:string" use="required"/>
      <xs:attribute name="draft" type="xs:boolean"/>
    </xs:complexType>
  </xs:element>
  <xs:simpleType name="Amount">
    <xs:restriction base="xs:decimal"><xs:totalDigits value="7"/><xs:fractionDigits value="2"/></xs:restriction>
  </xs:simpleType>
  <xs:complexType name="Weight">
    <xs:simpleContent>
      <xs:extension base="t:Amount"><xs:attribute name="unit" type="xs:token" use="required"/></xs:extension>
    </xs:simpleContent>
  </xs:complexType>
  <xs:complexType name="Box">
    <xs:sequence>
      <xs:element name="Mark" type="xs:string" minOccurs="0"/>
      <xs:element name="Box" type="t:Box" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
  </xs:complexType>
</xs:schema>
"""


@cache
def shipments() -> DerivedType:
    """Derive the test's message type, once."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "message.xsd"
        path.write_text(XSD, "utf-8")
        return DerivedType(path, ROOT)


@cache
def export_declarations() -> DerivedType:
    """Derive the Thai export declaration, once."""
    return DerivedType(EXPORT_DECLARATION / "message.xsd", EXPORT_ROOT)


texts = st.text(characters, max_size=80)
decimals = st.decimals(min_value=-99999, max_value=99999, places=2).map(str) | st.sampled_from(
    (" 1.5 ", "+01.50", ".5", "5.", "-0", "1234567", "-00000000001.10", "0.000")
)
integers = st.integers(min_value=-(2**31), max_value=2**31 - 1).map(str) | st.sampled_from((" +007\n", "-0"))
booleans = st.sampled_from(("true", "false", "1", "0"))
times = st.sampled_from(("2026-01-02T03:04:05.60+07:00", "2026-01-02T03:04:05", "2026-01-02T03:04:05Z"))


def element(name: str, content: st.SearchStrategy[Any]) -> st.SearchStrategy[etree._Element]:
    """Draw an element with a text, or with what fills it."""

    def build(drawn: str | list[etree._Element]) -> etree._Element:
        made = etree.Element(f"{{urn:test}}{name}", nsmap={"t": "urn:test"})
        if isinstance(drawn, str):
            made.text = drawn
        else:
            made.extend(drawn)
        return made

    return content.map(build)


def some(drawn: st.SearchStrategy[etree._Element], most: int = 1) -> st.SearchStrategy[list[etree._Element]]:
    """Draw none to *most* of them."""
    return st.lists(drawn, max_size=most)


def joined(*parts: st.SearchStrategy[list[etree._Element]]) -> st.SearchStrategy[list[etree._Element]]:
    """Draw lists of elements, one after the other."""
    return st.tuples(*parts).map(lambda lists: [each for one in lists for each in one])


def once(drawn: st.SearchStrategy[etree._Element]) -> st.SearchStrategy[list[etree._Element]]:
    """Draw exactly one."""
    return st.lists(drawn, min_size=1, max_size=1)


boxes = st.recursive(
    element("Box", some(element("Mark", texts))),
    lambda inner: element("Box", joined(some(element("Mark", texts)), some(inner, 3))),
    max_leaves=5,
)


@st.composite
def documents(draw: st.DrawFn) -> etree._Element:
    """Draw a document that is valid by the test's XSD."""
    content = joined(
        once(element("Reference", texts)),
        some(element("Label", texts)),
        some(element("Line", texts)),
        st.lists(element("Amount", decimals), min_size=1, max_size=3),
        once(element("Count", integers)),
        some(element("Large", st.integers(min_value=-(2**63), max_value=2**63 - 1).map(str))),
        some(element("Huge", st.integers().map(str))),
        some(element("Urgent", booleans)),
        some(element("SentAt", times)),
        once(element("Sea", texts)) | joined(once(element("Road", texts)), some(element("Plate", texts))),
        some(element("Key", texts) | element("Value", integers), 5),
        some(element("Weight", decimals)),
        some(boxes, 3),
    )
    root = draw(element("Shipment", content))
    root.set("version", draw(texts))
    if draw(st.booleans()):
        root.set("draft", draw(booleans))
    for weight in root.iter("{urn:test}Weight"):
        weight.set("unit", draw(texts))
    return root


# No deadlines: a busy machine is no finding. Documents are slow to draw and to compare, bytes are not.
few = settings(max_examples=50, deadline=None)
many = settings(max_examples=200, deadline=None)


@given(documents())
@few
def test_documents_come_back_from_avro_with_equal_values(document: etree._Element) -> None:
    """XML, Avro, XML: the same elements in the same order, with values that are equal by their types."""
    types = shipments()
    sent = parse_xml(encode_xml(document))
    types.validator.assertValid(sent)
    got = types.mapping.parse_avro(types.mapping.encode_avro(sent))
    types.validator.assertValid(got)
    assert types.typed(got) == types.typed(sent)


@given(documents())
@few
def test_avro_of_a_document_is_canonical(document: etree._Element) -> None:
    """Avro, XML, Avro: the same bytes; and a foreign reader and writer give them too."""
    types = shipments()
    body = types.mapping.encode_avro(document)
    assert types.mapping.encode_avro(types.mapping.parse_avro(body)) == body
    schema = fastavro.parse_schema(types.schema)
    again = io.BytesIO()
    fastavro.schemaless_writer(again, schema, fastavro.schemaless_reader(io.BytesIO(body), schema, None))
    assert again.getvalue() == body


@given(documents())
@few
def test_documents_are_written_and_read_as_they_are(document: etree._Element) -> None:
    """XML that is written here is read back to the same tree."""
    again = parse_xml(encode_xml(document))
    assert etree.tostring(again, method="c14n2") == etree.tostring(document, method="c14n2")


def read_or_refuse(read: Any, value: bytes) -> None:  # noqa: ANN401 -- any reader of bytes
    """Read a value; nothing but a tree or a MessageError may come of it."""
    refused = ""
    try:
        assert isinstance(read(value), etree._Element)
    except MessageError as error:
        refused = error.detail
    assert refused.isprintable()  # it goes into logs


beginnings = st.sampled_from(
    (
        b"",
        b"<a>",
        b"\xef\xbb\xbf",
        b"\xff\xfe<\0",
        b"\xfe\xff\0<",
        b"<?xml version='1.0' encoding='",
        b"<!-- ",
        b"<!DOCTYPE ",
        b'<a b="',
        b"<a><![CDATA[",
        b"<a xmlns:b='",
    )
)
pieces = st.lists(
    st.binary(max_size=8)
    | st.sampled_from((b"<a>", b"</a>", b"<b/>", b"&lt;", b"&#", b"-->", b"?>", b"]]>", b"'", b'"', b"\0")),
    max_size=12,
).map(b"".join)


@given(st.builds(bytes.__add__, beginnings, pieces) | st.binary())
@many
def test_any_bytes_are_read_as_xml_or_refused(value: bytes) -> None:
    """No bytes make the XML reader fail in another way."""
    read_or_refuse(parse_xml, value)


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """Draw a change of honest bytes: cut, inserted, replaced."""
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 4)) | st.just(len(body)))
    return body[:start] + draw(st.binary(max_size=10)) + body[end:]


@given(st.data())
@many
def test_damaged_documents_are_read_or_refused(data: st.DataObject) -> None:
    """So do documents that were honest before."""
    honest = (EXPORT_DECLARATION / "samples" / "valid" / "typical.xml").read_bytes()
    read_or_refuse(parse_xml, data.draw(damaged(honest)))


@given(st.binary())
@many
def test_any_bytes_are_read_as_avro_or_refused(body: bytes) -> None:
    """No bytes make the Avro reader fail in another way."""
    read_or_refuse(shipments().mapping.parse_avro, body)
    read_or_refuse(export_declarations().mapping.parse_avro, body)


@given(st.data())
@many
def test_damaged_avro_is_read_or_refused(data: st.DataObject) -> None:
    """So do bodies that were honest before."""
    mapping = shipments().mapping
    read_or_refuse(mapping.parse_avro, data.draw(damaged(mapping.encode_avro(data.draw(documents())))))


@given(st.data())
@few
def test_what_is_read_here_a_foreign_reader_reads_too(data: st.DataObject) -> None:
    """A body that is accepted is of the schema by fastavro's word as well."""
    types = shipments()
    body = data.draw(damaged(types.mapping.encode_avro(data.draw(documents()))))
    try:
        types.mapping.parse_avro(body)
    except MessageError:
        return
    stream = io.BytesIO(body)
    assert fastavro.schemaless_reader(stream, fastavro.parse_schema(types.schema), None)
    assert stream.tell() == len(body)


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (EXPORT_DECLARATION / "samples" / "valid").glob("*.xml"))
)
def test_samples_come_back_from_avro_with_equal_values(name: str) -> None:
    """The samples of the Thai export declaration survive Avro."""
    types = export_declarations()
    sent = parse_xml((EXPORT_DECLARATION / "samples" / "valid" / name).read_bytes())
    body = types.mapping.encode_avro(sent)
    got = types.mapping.parse_avro(body)
    types.validator.assertValid(got)
    assert types.mapping.encode_avro(got) == body
    if len(body) < 50_000:  # the second library takes its time
        assert types.typed(got) == types.typed(sent)


def test_the_export_declarations_schema_file_is_the_derived_one() -> None:
    """The Avro schema in the repository is what its XSD gives today."""
    text = (EXPORT_DECLARATION / "message.avsc").read_text("utf-8")
    assert build_avsc_text(export_declarations().schema) == text
