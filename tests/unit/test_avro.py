"""Avro: the wire format, schemas derived from XSDs, and documents that go through Avro and back."""

import copy
import io
import json
import time
from pathlib import Path
from typing import Any

import fastavro
import pytest
from lxml import etree

from nsw.errors import Code, ConfigError, MessageError
from nsw.formats._plan import MAX_RECURSION
from nsw.formats._reader import XmlText
from nsw.formats.avro import AvroMapping, join_wire, load_mapping, split_wire
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.formats.xml import XmlLimits, encode_xml, parse_xml

NAMESPACE = "urn:test:shipment"
COMMON_XSD = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:c="urn:test:common" targetNamespace="urn:test:common"
    elementFormDefault="qualified">
  <xs:attribute name="source" type="xs:token"/>
  <xs:element name="Party" type="c:Party"/>
  <xs:complexType name="Party">
    <xs:sequence><xs:element name="Name" type="xs:string"/></xs:sequence>
  </xs:complexType>
</xs:schema>
"""
HEAD = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:s="urn:test:shipment" xmlns:c="urn:test:common"'
    ' targetNamespace="urn:test:shipment" elementFormDefault="qualified">'
    '<xs:import namespace="urn:test:common" schemaLocation="common.xsd"/>'
)


def write_xsd(folder: Path, body: str, head: str = HEAD) -> Path:
    """Write an XSD, and the one that it imports."""
    (folder / "common.xsd").write_text(COMMON_XSD, "utf-8")
    path = folder / "message.xsd"
    path.write_text(f"{head}{body}</xs:schema>", "utf-8")
    return path


def root_of(content: str) -> str:
    """Give the XSD of a root element with this content."""
    return f'<xs:element name="Root"><xs:complexType>{content}</xs:complexType></xs:element>'


def sequence_of(*members: str) -> str:
    """Give the XSD of a root element with a sequence of these members."""
    return root_of(f"<xs:sequence>{''.join(members)}</xs:sequence>")


def element_of(facets: str, base: str = "xs:decimal", attributes: str = "") -> str:
    """Give the XSD of an element V that restricts a simple type."""
    return (
        f'<xs:element name="V" {attributes}><xs:simpleType><xs:restriction base="{base}">{facets}'
        "</xs:restriction></xs:simpleType></xs:element>"
    )


def derive(folder: Path, body: str, head: str = HEAD, name: str = f"{{{NAMESPACE}}}Root") -> dict[str, Any]:
    """Derive the Avro schema of a root element."""
    return derive_avro(write_xsd(folder, body, head), name)


def mapping_of(folder: Path, body: str) -> AvroMapping:
    """Derive, write and load a schema: the whole way of an .avsc file."""
    path = folder / "message.avsc"
    path.write_text(build_avsc_text(derive(folder, body)), "utf-8")
    return load_mapping(path, 7)


def tree_of(content: str, attributes: str = "") -> etree._Element:
    """Parse a document with the test's namespaces."""
    return parse_xml(
        f'<Root xmlns="{NAMESPACE}" xmlns:c="urn:test:common" {attributes}>{content}</Root>'.encode()
    )


def through_avro(folder: Path, body: str, content: str, attributes: str = "") -> str:
    """Send a document through Avro and back, check that both are valid, and give what is inside its root."""
    mapping = mapping_of(folder, body)
    schema = etree.XMLSchema(etree.parse(folder / "message.xsd"))
    sent = tree_of(content, attributes)
    schema.assertValid(sent)
    encoded = mapping.encode_avro(sent)
    got = mapping.parse_avro(encoded)
    schema.assertValid(got)
    assert mapping.encode_avro(got) == encoded
    start, _, rest = etree.tostring(got, encoding="unicode").partition(">")
    del start
    return rest.removesuffix("</Root>")


STRINGS = sequence_of('<xs:element name="V" type="xs:string" maxOccurs="unbounded"/>')
NUMBERS = sequence_of('<xs:element name="V" type="xs:long"/>')
OPTIONAL = sequence_of('<xs:element name="V" type="xs:string" minOccurs="0"/>')
ITEMS = sequence_of(
    '<xs:element name="Item" maxOccurs="unbounded"><xs:complexType><xs:sequence>'
    '<xs:element name="Code" type="xs:string" minOccurs="0"/>'
    "</xs:sequence></xs:complexType></xs:element>"
)
BOX = (
    '<xs:complexType name="Box"><xs:sequence>'
    '<xs:element name="Mark" type="xs:string" minOccurs="0"/>'
    '<xs:element name="Box" type="s:Box" minOccurs="0" maxOccurs="unbounded"/>'
    "</xs:sequence></xs:complexType>"
)
BOXES = sequence_of('<xs:element name="Box" type="s:Box"/>') + BOX


def test_parts_and_joins_the_wire_format() -> None:
    """Magic byte 0, the id in four bytes with the high byte first, then the body."""
    assert split_wire(b"\0\x00\x00\x03\xe9body") == (1001, b"body")
    assert join_wire(1001, b"body") == b"\0\x00\x00\x03\xe9body"
    assert split_wire(b"\0\xff\xff\xff\xff") == (2**32 - 1, b"")


@pytest.mark.parametrize(
    ("value", "code"),
    [(b"", Code.EMPTY_RECORD), (b"<a/>", Code.UNKNOWN_FORMAT), (b"\0\0\0\1", Code.AVRO_UNREADABLE)],
)
def test_refuses_what_is_no_wire_format(value: bytes, code: Code) -> None:
    """A value must begin with 0 and hold a whole schema id."""
    with pytest.raises(MessageError) as caught:
        split_wire(value)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("element", "avro_type"),
    [
        ('<xs:element name="V" type="xs:string"/>', "string"),
        ('<xs:element name="V" type="xs:int"/>', "int"),
        ('<xs:element name="V" type="xs:unsignedShort"/>', "int"),
        ('<xs:element name="V" type="xs:long"/>', "long"),
        ('<xs:element name="V" type="xs:unsignedInt"/>', "long"),
        ('<xs:element name="V" type="xs:unsignedLong"/>', "string"),
        ('<xs:element name="V" type="xs:integer"/>', "string"),
        ('<xs:element name="V" type="xs:boolean"/>', "boolean"),
        ('<xs:element name="V" type="xs:decimal"/>', "string"),
        ('<xs:element name="V" type="xs:double"/>', "string"),
        ('<xs:element name="V" type="xs:date"/>', "string"),
        ('<xs:element name="V" type="xs:dateTime"/>', "string"),
        ('<xs:element name="V" type="xs:NMTOKENS"/>', "string"),
        ('<xs:element name="V" type="xs:int" default="1"/>', "string"),
        ('<xs:element name="V" type="xs:int" fixed="1"/>', "string"),
        (element_of('<xs:totalDigits value="9"/>', "xs:nonNegativeInteger"), "int"),
        (element_of('<xs:totalDigits value="10"/>', "xs:integer"), "long"),
        (element_of('<xs:totalDigits value="18"/>', "xs:integer"), "long"),
        (element_of('<xs:totalDigits value="19"/>', "xs:integer"), "string"),
        (element_of('<xs:maxInclusive value="10"/>', "xs:unsignedLong"), "int"),
        (element_of('<xs:pattern value="[0-9]{3}"/>', "xs:int"), "string"),
        (element_of('<xs:pattern value="true|false"/>', "xs:boolean"), "string"),
        (element_of('<xs:totalDigits value="5"/>'), "string"),
        (element_of('<xs:fractionDigits value="2"/>'), "string"),
        (element_of('<xs:totalDigits value="999"/><xs:fractionDigits value="2"/>'), "string"),
        (element_of('<xs:enumeration value="A"/>', "xs:string"), "string"),
    ],
)
def test_chooses_the_avro_type_that_holds_every_value(tmp_path: Path, element: str, avro_type: str) -> None:
    """A number becomes one of Avro only where each value and its way of writing are proven to survive."""
    assert derive(tmp_path, sequence_of(element))["fields"][0]["type"] == avro_type


@pytest.mark.parametrize(
    ("facets", "precision", "scale"),
    [
        ('<xs:totalDigits value="16"/><xs:fractionDigits value="2"/>', 18, 2),
        ('<xs:totalDigits value="9"/><xs:fractionDigits value="0"/>', 9, 0),
        (
            (
                '<xs:totalDigits value="5"/><xs:fractionDigits value="2"/>'
                '<xs:minInclusive value="0"/><xs:maxInclusive value="999.99"/>'
            ),
            5,
            2,
        ),
    ],
)
def test_gives_decimals_room_for_every_valid_value(
    tmp_path: Path, facets: str, precision: int, scale: int
) -> None:
    """An XSD of 16 digits, 2 of them a fraction, allows 16 digits before the point, which Avro counts as 18."""
    assert derive(tmp_path, sequence_of(element_of(facets)))["fields"][0]["type"] == {
        "type": "bytes",
        "logicalType": "decimal",
        "precision": precision,
        "scale": scale,
    }


def test_names_records_after_types_and_anonymous_ones_after_their_place(tmp_path: Path) -> None:
    """Names are the same at each derivation, unique, and allowed in Avro."""
    text = build_avsc_text(
        derive(
            tmp_path,
            sequence_of(
                '<xs:element name="A-b"><xs:complexType><xs:sequence><xs:element name="x.y" type="xs:string"/>'
                '<xs:element name="x-y" type="xs:string"/></xs:sequence></xs:complexType></xs:element>',
                '<xs:element name="Box" type="s:Box"/>',
                '<xs:element name="Last" type="s:string"/>',
                '<xs:element name="ที่" type="xs:string"/>',
            )
            + BOX
            + '<xs:complexType name="string"><xs:sequence/></xs:complexType>',
        )
    )
    schema = json.loads(text)
    inner, box, last, thai = schema["fields"]
    assert (schema["name"], inner["name"], inner["type"]["name"]) == ("Root", "A_b", "Root_A_b")
    assert [field["name"] for field in inner["type"]["fields"]] == ["x_y", "x_y_2"]
    assert (box["type"]["name"], box["type"]["fields"][1]["type"]["items"]) == ("Box", "Box")
    assert (last["type"]["name"], thai["name"]) == ("string_2", "___")
    assert fastavro.parse_schema(schema)


def test_keeps_the_documentation_of_types_and_elements(tmp_path: Path) -> None:
    """What an XSD says to people stands in the Avro schema too."""
    about = "<xs:annotation><xs:documentation>The\n  mark.</xs:documentation></xs:annotation>"
    body = sequence_of(
        f'<xs:element name="V" type="xs:string">{about}</xs:element>', '<xs:element name="W" type="s:W"/>'
    )
    schema = derive(
        tmp_path,
        body + f'<xs:complexType name="W">{about}<xs:attribute name="a" type="xs:string"/></xs:complexType>',
    )
    assert schema["fields"][0]["doc"] == "The mark."
    assert schema["fields"][1]["type"]["doc"] == "The mark."


@pytest.mark.parametrize(
    ("head", "body", "prefixes"),
    [
        (HEAD, STRINGS, {"": NAMESPACE}),
        (HEAD, sequence_of('<xs:element ref="c:Party"/>'), {"": NAMESPACE, "c": "urn:test:common"}),
        (
            HEAD.replace('elementFormDefault="qualified"', ""),
            STRINGS,
            {"s": NAMESPACE},
        ),
        (
            HEAD.replace('elementFormDefault="qualified"', "").replace("xmlns:s=", "xmlns="),
            STRINGS,
            {"n1": NAMESPACE},
        ),
        (
            HEAD.replace("xmlns:c=", "xmlns:d="),
            sequence_of('<xs:element ref="d:Party"/>'),
            {"": NAMESPACE, "d": "urn:test:common"},
        ),
    ],
)
def test_chooses_prefixes_as_the_xsd_does(
    tmp_path: Path, head: str, body: str, prefixes: dict[str, str]
) -> None:
    """The root's namespace is the default one, unless elements in no namespace stand below it."""
    schema = derive(tmp_path, body, head)
    assert schema["xml"] == {"name": f"{{{NAMESPACE}}}Root", "prefixes": prefixes}
    assert AvroMapping(schema, 1).root_name == f"{{{NAMESPACE}}}Root"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (root_of("<xs:sequence><xs:any/></xs:sequence>"), "/Root: xs:any: its elements aren't known"),
        (root_of("<xs:anyAttribute/>"), "/Root: xs:anyAttribute: its attributes aren't known"),
        (
            root_of('<xs:all><xs:element name="A"/><xs:element name="B"/></xs:all>').replace(
                "/>", ' type="xs:int"/>'
            ),
            "/Root: xs:all: Avro's fields have an order, these elements have none",
        ),
        (
            sequence_of('<xs:element name="V" type="xs:string"/>').replace(
                "<xs:complexType>", '<xs:complexType mixed="true">'
            ),
            "/Root: mixed content: text between elements has no place in Avro",
        ),
        (
            sequence_of('<xs:element name="V" type="xs:string" nillable="true"/>'),
            "/Root/V: nillable: Avro's null stands for an absent element",
        ),
        (sequence_of('<xs:element name="V"/>'), "/Root/V: xs:anyType: its content isn't known"),
        (
            sequence_of('<xs:element name="V" type="xs:QName"/>'),
            "/Root/V: xs:QName and xs:NOTATION: their values depend on the document's prefixes",
        ),
        (
            sequence_of(
                '<xs:element name="V"><xs:simpleType><xs:list itemType="xs:QName"/></xs:simpleType></xs:element>'
            ),
            "/Root/V: xs:QName and xs:NOTATION: their values depend on the document's prefixes",
        ),
        (
            sequence_of(
                '<xs:element name="V"><xs:simpleType><xs:union memberTypes="xs:int xs:QName"/>'
                "</xs:simpleType></xs:element>"
            ),
            "/Root/V: xs:QName and xs:NOTATION: their values depend on the document's prefixes",
        ),
        (
            sequence_of('<xs:element ref="s:H"/>')
            + '<xs:element name="H" type="xs:string"/><xs:element name="I" substitutionGroup="s:H" type="xs:string"/>',
            "/Root/H: other elements may stand in its place (substitution group)",
        ),
        (
            sequence_of('<xs:element ref="s:H"/>')
            + '<xs:element name="H" type="xs:string" abstract="true"/>',
            "/Root/H: the element is abstract",
        ),
        (
            sequence_of('<xs:element name="V" type="s:T"/>')
            + '<xs:complexType name="T" abstract="true"><xs:attribute name="a" type="xs:int"/></xs:complexType>',
            "/Root/V: type T is abstract",
        ),
        (
            sequence_of(
                '<xs:element name="V" type="xs:string"><xs:alternative test="@a" type="xs:string"/></xs:element>'
            ),
            "/Root/V: xs:alternative: its type depends on the document",
        ),
        (
            root_of("<xs:openContent><xs:any/></xs:openContent><xs:sequence/>"),
            "/Root: xs:openContent: its elements aren't known",
        ),
        (
            sequence_of('<xs:element name="V" maxOccurs="9"><xs:complexType/></xs:element>'),
            "Root.V: an array's items may not be empty records",
        ),
    ],
)
def test_reports_what_cannot_be_derived_with_its_place(tmp_path: Path, body: str, problem: str) -> None:
    """Nothing is guessed: a construct that Avro can't carry without loss stops the derivation."""
    with pytest.raises(ConfigError) as caught:
        derive(tmp_path, body)
    assert [each.removeprefix(f"{tmp_path / 'message.xsd'}: ") for each in caught.value.problems] == [problem]


def test_reports_all_problems_of_an_xsd_at_once(tmp_path: Path) -> None:
    """An author sees every construct to change in one run."""
    with pytest.raises(ConfigError) as caught:
        derive(
            tmp_path,
            sequence_of(
                '<xs:element name="V"/>', '<xs:element name="W" type="xs:int" nillable="true"/>', "<xs:any/>"
            ),
        )
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("body", ["<xs:element", '<xs:element name="Root" type="s:Missing"/>', ""])
def test_reports_an_xsd_that_is_none(tmp_path: Path, body: str) -> None:
    """An XSD that can't be read, or has no such root, is a problem of configuration."""
    with pytest.raises(ConfigError, match=r"message\.xsd"):
        derive(tmp_path, body)


def test_reports_a_missing_xsd(tmp_path: Path) -> None:
    """So is a file that isn't there."""
    with pytest.raises(ConfigError, match=r"nothing\.xsd"):
        derive_avro(tmp_path / "nothing.xsd", "Root")


def test_derives_the_same_text_each_time(tmp_path: Path) -> None:
    """A schema file changes only when its XSD does."""
    assert build_avsc_text(derive(tmp_path, BOXES)) == build_avsc_text(derive(tmp_path, BOXES))


@pytest.mark.parametrize(
    ("body", "content", "expected"),
    [
        pytest.param(
            STRINGS,
            "<V></V><V> a\tb\n</V><V>&lt;&amp;&gt;]]&gt;&#13;</V><V>ใบขน</V>",
            "<V/><V> a\tb\n</V><V>&lt;&amp;&gt;]]&gt;&#13;</V><V>ใบขน</V>",
            id="strings",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:token"/>'), "<V> a\n\tb </V>", "<V>a b</V>", id="token"
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:token"/>'),
            "<V> a\u00a0\u3000 </V>",
            "<V>a\u00a0\u3000</V>",
            id="foreign-space",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:normalizedString"/>'),
            "<V> a\n\tb </V>",
            "<V> a  b </V>",
            id="normalized",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:dateTime"/>'),
            "<V>2026-01-02T03:04:05.60+07:00</V>",
            "<V>2026-01-02T03:04:05.60+07:00</V>",
            id="offset-of-a-time",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:int"/>'), "<V> +007 </V>", "<V>7</V>", id="int"
        ),
        pytest.param(NUMBERS, "<V>-9223372036854775808</V>", "<V>-9223372036854775808</V>", id="long"),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:boolean" maxOccurs="4"/>'),
            "<V>1</V><V>0</V><V>true</V><V> false </V>",
            "<V>true</V><V>false</V><V>true</V><V>false</V>",
            id="boolean",
        ),
        pytest.param(
            sequence_of(
                element_of(
                    '<xs:totalDigits value="5"/><xs:fractionDigits value="2"/>', attributes='maxOccurs="9"'
                )
            ),
            "<V>1.5</V><V>+01.50</V><V>-.05</V><V>12345</V><V>-0</V><V>7.</V><V>-99999</V><V>0.010</V>",
            "<V>1.50</V><V>1.50</V><V>-0.05</V><V>12345.00</V><V>0.00</V><V>7.00</V><V>-99999.00</V><V>0.01</V>",
            id="decimal",
        ),
        pytest.param(
            sequence_of(element_of('<xs:totalDigits value="5"/><xs:fractionDigits value="0"/>')),
            "<V>-128</V>",
            "<V>-128</V>",
            id="whole-decimal",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="xs:int" default="7"/>'), "<V/>", "<V/>", id="default"
        ),
        pytest.param(
            sequence_of(
                '<xs:choice><xs:element name="Sea" type="xs:string"/><xs:sequence>'
                '<xs:element name="Road" type="xs:string"/><xs:element name="Plate" type="xs:string" minOccurs="0"/>'
                "</xs:sequence></xs:choice>"
            ),
            "<Road>1</Road><Plate>2</Plate>",
            "<Road>1</Road><Plate>2</Plate>",
            id="choice",
        ),
        pytest.param(
            root_of(
                '<xs:choice maxOccurs="unbounded"><xs:element name="A" type="xs:int"/>'
                '<xs:element name="B" type="xs:int"/></xs:choice>'
            ),
            "<B>1</B><A>2</A><A>3</A><B>4</B>",
            "<B>1</B><A>2</A><A>3</A><B>4</B>",
            id="repeated-choice",
        ),
        pytest.param(
            root_of(
                '<xs:sequence><xs:sequence minOccurs="0" maxOccurs="unbounded"><xs:group ref="s:G" maxOccurs="2"/>'
                '<xs:element name="B" type="xs:int"/></xs:sequence><xs:element name="C" type="xs:int"/>'
                '<xs:element name="A" type="xs:int" minOccurs="0" maxOccurs="0"/></xs:sequence>'
            )
            + '<xs:group name="G"><xs:sequence><xs:element name="A" type="xs:int"/></xs:sequence></xs:group>',
            "<A>1</A><A>2</A><B>3</B><A>4</A><B>5</B><C>6</C>",
            "<A>1</A><A>2</A><B>3</B><A>4</A><B>5</B><C>6</C>",
            id="nested-groups",
        ),
        pytest.param(
            sequence_of(
                '<xs:element name="A" type="xs:int"/>',
                '<xs:element name="B" type="xs:int"/>',
                '<xs:element name="A" type="xs:int" minOccurs="0"/>',
            ),
            "<A>1</A><B>2</B><A>3</A>",
            "<A>1</A><B>2</B><A>3</A>",
            id="same-name-twice",
        ),
        pytest.param(
            BOXES,
            "<Box><Mark>1</Mark><Box><Mark>2</Mark></Box><Box/></Box>",
            "<Box><Mark>1</Mark><Box><Mark>2</Mark></Box><Box/></Box>",
            id="recursion",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" minOccurs="0"><xs:complexType/></xs:element>'),
            "<V/>",
            "<V/>",
            id="empty",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="s:M"/>')
            + '<xs:complexType name="M"><xs:simpleContent><xs:extension base="xs:int">'
            '<xs:attribute name="unit" use="required" type="xs:token"/><xs:attribute name="note" type="xs:string"/>'
            '<xs:attribute name="flag" type="xs:boolean"/></xs:extension></xs:simpleContent></xs:complexType>',
            '<V unit=" K  G " note="&quot;&#9;&#10;&lt;\'">07</V>',
            '<V unit="K G" note="&quot;&#9;&#10;&lt;\'">7</V>',
            id="text-with-attributes",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="s:N"/>')
            + '<xs:complexType name="M"><xs:simpleContent><xs:extension base="xs:token">'
            '<xs:attribute name="unit" type="xs:token"/><xs:attribute name="x" type="xs:token"/></xs:extension>'
            '</xs:simpleContent></xs:complexType><xs:complexType name="N"><xs:simpleContent>'
            '<xs:restriction base="s:M"><xs:maxLength value="3"/><xs:attribute name="x" use="prohibited"/>'
            "</xs:restriction></xs:simpleContent></xs:complexType>",
            '<V unit="KG"> 07 </V>',
            '<V unit="KG">07</V>',
            id="restricted-text",
        ),
        pytest.param(
            sequence_of('<xs:element name="V" type="s:E"/>')
            + '<xs:complexType name="B"><xs:sequence><xs:element name="A" type="xs:int"/></xs:sequence>'
            "</xs:complexType>"
            '<xs:complexType name="E"><xs:complexContent><xs:extension base="s:B"><xs:sequence>'
            '<xs:element name="C" type="xs:int"/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>',
            "<V><A>1</A><C>2</C></V>",
            "<V><A>1</A><C>2</C></V>",
            id="extension",
        ),
        pytest.param(
            sequence_of(
                '<xs:element name="V"><xs:simpleType><xs:union memberTypes="xs:int xs:string"/>'
                "</xs:simpleType></xs:element>"
            ),
            "<V>a  b</V>",
            "<V>a  b</V>",
            id="union",
        ),
        pytest.param(
            root_of('<xs:all><xs:element name="V" type="xs:int"/></xs:all>'),
            "<V>1</V>",
            "<V>1</V>",
            id="all-of-one",
        ),
    ],
)
def test_keeps_values_and_order(tmp_path: Path, body: str, content: str, expected: str) -> None:
    """What comes back has the same elements in the same order, and values that are equal by their types."""
    assert through_avro(tmp_path, body, content) == expected


def test_keeps_names_of_several_namespaces(tmp_path: Path) -> None:
    """Elements and attributes of imported schemas keep their expanded names."""
    mapping = mapping_of(
        tmp_path,
        root_of('<xs:sequence><xs:element ref="c:Party"/></xs:sequence><xs:attribute ref="c:source"/>'),
    )
    sent = tree_of("<c:Party><c:Name>A</c:Name></c:Party>", 'c:source="x"')
    assert (
        encode_xml(mapping.parse_avro(mapping.encode_avro(sent)))
        == b"<?xml version='1.0' encoding='UTF-8'?>\n"
        b'<Root xmlns="urn:test:shipment" xmlns:c="urn:test:common" c:source="x">'
        b"<c:Party><c:Name>A</c:Name></c:Party></Root>"
    )


def test_keeps_a_root_that_is_text_only(tmp_path: Path) -> None:
    """A root element of a simple type becomes a record with its text."""
    mapping = mapping_of(tmp_path, '<xs:element name="Root" type="xs:token"/>')
    assert mapping.parse_avro(mapping.encode_avro(tree_of(" a  b "))).text == "a b"


def test_keeps_names_without_namespace(tmp_path: Path) -> None:
    """A document without any namespace stays without."""
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
    mapping = AvroMapping(derive(tmp_path, STRINGS, head, "Root"), 1)
    assert etree.tostring(mapping.parse_avro(mapping.encode_avro(parse_xml(b"<Root><V>a</V></Root>")))) == (
        b"<Root><V>a</V></Root>"
    )


def test_keeps_the_attributes_of_xml_itself(tmp_path: Path) -> None:
    """xml:lang needs no declaration of its prefix."""
    namespace = "http://www.w3.org/XML/1998/namespace"
    mapping = AvroMapping(
        derive(
            tmp_path,
            root_of('<xs:attribute ref="xml:lang"/>'),
            HEAD + f'<xs:import namespace="{namespace}"/>',
        ),
        1,
    )
    again = mapping.parse_avro(mapping.encode_avro(tree_of("", 'xml:lang="th"')))
    assert (again.get(f"{{{namespace}}}lang"), dict(again.nsmap)) == ("th", {None: NAMESPACE})


def test_reads_texts_around_comments_of_other_parsers(tmp_path: Path) -> None:
    """A tree with comments in it, from another parser than ours, loses no text."""
    mapping = mapping_of(tmp_path, STRINGS)
    tree = etree.fromstring(f'<Root xmlns="{NAMESPACE}"><!-- x --><V>a<!-- y -->b<?z?>c</V></Root>')
    assert mapping.parse_avro(mapping.encode_avro(tree))[0].text == "abc"


def test_foreign_readers_and_writers_agree(tmp_path: Path) -> None:
    """What is written here fastavro reads, and what fastavro writes is read here."""
    schema = derive(
        tmp_path,
        sequence_of(
            element_of('<xs:totalDigits value="5"/><xs:fractionDigits value="2"/>'),
            '<xs:element name="W" type="xs:string" minOccurs="0"/>',
        ),
    )
    mapping = AvroMapping(schema, 1)
    body = mapping.encode_avro(tree_of("<V>1.5</V><W>ใบ</W>"))
    datum = fastavro.schemaless_reader(io.BytesIO(body), fastavro.parse_schema(schema), None)
    assert isinstance(datum, dict)
    assert (str(datum["V"]), datum["W"]) == ("1.50", "ใบ")
    again = io.BytesIO()
    fastavro.schemaless_writer(again, fastavro.parse_schema(schema), datum)
    assert again.getvalue() == body


def test_reads_arrays_in_blocks_that_tell_their_size(tmp_path: Path) -> None:
    """Writers may send an array in several blocks, with a negative count and the block's size in bytes."""
    mapping = mapping_of(tmp_path, STRINGS)
    #                              -2, 4 bytes, "a", "b";        1, "c";     end
    root = mapping.parse_avro(b"\x03\x08\x02a\x02b" + b"\x02\x02c" + b"\x00")
    assert [child.text for child in root] == ["a", "b", "c"]


def test_reads_decimals_with_leading_sign_bytes(tmp_path: Path) -> None:
    """Some writers fill decimals up to a fixed size."""
    facets = '<xs:totalDigits value="5"/><xs:fractionDigits value="2"/>'
    mapping = mapping_of(tmp_path, sequence_of(element_of(facets)))
    assert mapping.parse_avro(b"\x08\xff\xff\xff\xfe")[0].text == "-0.02"


def varint(number: int) -> bytes:
    """Encode a number as Avro does."""
    number = (number << 1) ^ (number >> 63)
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


@pytest.mark.parametrize(
    ("body", "value", "code", "detail"),
    [
        (NUMBERS, b"", Code.AVRO_UNREADABLE, "it ends early"),
        (NUMBERS, b"\x80", Code.AVRO_UNREADABLE, "it ends early"),
        (NUMBERS, b"\x02\x02", Code.AVRO_TRAILING_BYTES, "1 of 2"),
        (NUMBERS, b"\xff" * 9 + b"\x03", Code.AVRO_UNREADABLE, "Root.V: a number exceeds 64 bits"),
        (NUMBERS, b"\xff" * 20, Code.AVRO_UNREADABLE, "Root.V: a number is longer than ten bytes"),
        (OPTIONAL, b"\x04\x02a", Code.AVRO_UNREADABLE, "Root.V: a union's branch is neither 0 nor 1"),
        (OPTIONAL, b"\x01\x02a", Code.AVRO_UNREADABLE, "Root.V: a union's branch is neither 0 nor 1"),
        (OPTIONAL, b"\x02\x06ab", Code.AVRO_UNREADABLE, "Root.V: a length exceeds the bytes that are left"),
        (OPTIONAL, b"\x02\x01ab", Code.AVRO_UNREADABLE, "Root.V: a length exceeds the bytes that are left"),
        (
            OPTIONAL,
            b"\x02" + varint(2**62) + b"a",
            Code.AVRO_UNREADABLE,
            "Root.V: a length exceeds the bytes that are left",
        ),
        (
            OPTIONAL,
            b"\x02" + varint(99) + b"a" * 98,
            Code.AVRO_UNREADABLE,
            "Root.V: a length exceeds the bytes that are left",
        ),
        (OPTIONAL, b"\x02\x04\xc3\x28", Code.AVRO_UNREADABLE, "a string isn't UTF-8"),
        (OPTIONAL, b"\x02\x06\xed\xa0\x80", Code.AVRO_UNREADABLE, "a string isn't UTF-8"),
        (OPTIONAL, b"\x02\x02\x0b", Code.AVRO_UNREADABLE, "character U+000B isn't allowed in XML 1.0"),
        (OPTIONAL, b"\x02\x02\x00", Code.AVRO_UNREADABLE, "character U+0000 isn't allowed in XML 1.0"),
        (
            OPTIONAL,
            b"\x02\x06\xef\xbf\xbf",
            Code.AVRO_UNREADABLE,
            "character U+FFFF isn't allowed in XML 1.0",
        ),
        (
            STRINGS,
            varint(2**40),
            Code.AVRO_UNREADABLE,
            "Root.V: an array's count exceeds the bytes that are left",
        ),
        (
            STRINGS,
            varint(-(2**62)) + b"\x02",
            Code.AVRO_UNREADABLE,
            "Root.V: an array's count exceeds the bytes that are left",
        ),
        (
            STRINGS,
            b"\x01\x06\x02a\x00",
            Code.AVRO_UNREADABLE,
            "Root.V: an array's block isn't as long as it says",
        ),
        (
            sequence_of('<xs:element name="V" type="xs:boolean"/>'),
            b"\x02",
            Code.AVRO_UNREADABLE,
            "Root.V: a boolean is neither 0 nor 1",
        ),
        (
            sequence_of('<xs:element name="V" type="xs:int"/>'),
            varint(2**31),
            Code.AVRO_UNREADABLE,
            "Root.V: a number exceeds 32 bits",
        ),
        (
            sequence_of(element_of('<xs:totalDigits value="3"/><xs:fractionDigits value="0"/>')),
            b"\x04\x03\xe8",
            Code.AVRO_UNREADABLE,
            "Root.V: a decimal has more than 3 digits",
        ),
        (
            sequence_of(element_of('<xs:totalDigits value="3"/><xs:fractionDigits value="0"/>')),
            b"\x00",
            Code.AVRO_UNREADABLE,
            "Root.V: a decimal has 0 bytes",
        ),
        (
            sequence_of(element_of('<xs:totalDigits value="3"/><xs:fractionDigits value="0"/>')),
            varint(50) + b"\x01" * 50,
            Code.AVRO_UNREADABLE,
            "Root.V: a decimal has 50 bytes",
        ),
    ],
)
def test_refuses_bodies_that_are_not_of_the_schema(
    tmp_path: Path, body: str, value: bytes, code: Code, detail: str
) -> None:
    """Truncated, left-over and lying bodies are refused with what is wrong and where."""
    with pytest.raises(MessageError) as caught:
        mapping_of(tmp_path, body).parse_avro(value)
    assert (caught.value.code, caught.value.detail) == (code, detail)


@pytest.mark.parametrize(
    ("body", "value", "code"),
    [
        pytest.param(ITEMS, varint(400_000) + b"\0" * 400_001, Code.DOCUMENT_TOO_LARGE, id="one-byte-items"),
        pytest.param(STRINGS, b"\x02\0" * 200_000 + b"\0", Code.DOCUMENT_TOO_LARGE, id="one-item-blocks"),
        pytest.param(STRINGS, varint(400_000) + b"\0" * 400_001, Code.DOCUMENT_TOO_LARGE, id="empty-strings"),
        pytest.param(
            BOXES,
            b"\0" + varint(200_000) + b"\0\0" * 200_000 + b"\0",
            Code.DOCUMENT_TOO_LARGE,
            id="wide-recursion",
        ),
        pytest.param(BOXES, b"\0\x02" * 200_000, Code.PARSER_LIMIT, id="deep-recursion"),
        pytest.param(
            STRINGS, b"\x02" + varint(400_000) + b"&" * 400_000 + b"\0", Code.DOCUMENT_TOO_LARGE, id="escapes"
        ),
    ],
)
def test_no_body_of_the_allowed_size_takes_long(tmp_path: Path, body: str, value: bytes, code: Code) -> None:
    """A small body can't become a huge document: it is left as soon as it must exceed the limit as XML."""
    mapping = mapping_of(tmp_path, body)
    began = time.process_time()
    with pytest.raises(MessageError) as caught:
        mapping.parse_avro(value, XmlLimits(max_document_bytes=420_000))
    assert caught.value.code is code
    assert time.process_time() - began < 5  # measured: under 0.1 s each


def test_leaves_a_body_before_all_of_it_is_read(tmp_path: Path) -> None:
    """How many pieces of text are held is bounded by the limit, whatever the body declares."""
    mapping, pieces = mapping_of(tmp_path, STRINGS), XmlText(4_000)
    with pytest.raises(MessageError):
        mapping._read(varint(3_000_000) + b"\0" * 3_000_001, 0, pieces)
    assert len(pieces) < 1_100


def test_refuses_a_body_over_the_limit_before_reading_it(tmp_path: Path) -> None:
    """The limit holds for the body as it does for an XML document."""
    mapping, limits = mapping_of(tmp_path, STRINGS), XmlLimits(max_document_bytes=80)
    assert mapping.parse_avro(b"\x02\x02a\0", limits) is not None
    with pytest.raises(MessageError) as caught:
        mapping.parse_avro(b"\0" * 81, limits)
    assert (caught.value.code, caught.value.detail) == (Code.DOCUMENT_TOO_LARGE, "81 bytes, 80 are allowed")


def test_refuses_a_text_that_the_parser_has_no_room_for(tmp_path: Path) -> None:
    """With a raised limit the parser's own limit on one text still holds."""
    with pytest.raises(MessageError) as caught:
        mapping_of(tmp_path, STRINGS).parse_avro(
            b"\x02" + varint(11_000_000) + b"x" * 11_000_000 + b"\0", XmlLimits(max_document_bytes=64_000_000)
        )
    assert (caught.value.code, caught.value.detail) == (
        Code.PARSER_LIMIT,
        "as XML: Resource limit exceeded: Text node too long",
    )


def test_reads_and_writes_recursion_to_the_same_depth(tmp_path: Path) -> None:
    """What can be written can be read, up to the allowed depth and no deeper."""
    mapping = mapping_of(tmp_path, BOXES)
    deep = tree_of("<Box>" * MAX_RECURSION + "</Box>" * MAX_RECURSION)
    assert mapping.encode_avro(mapping.parse_avro(mapping.encode_avro(deep))) == mapping.encode_avro(deep)
    with pytest.raises(MessageError) as caught:
        mapping.encode_avro(tree_of("<Box>" * (MAX_RECURSION + 1) + "</Box>" * (MAX_RECURSION + 1)))
    assert caught.value.code is Code.FORMAT_NOT_ACCEPTED


XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
DECIMAL = sequence_of(element_of('<xs:totalDigits value="3"/><xs:fractionDigits value="1"/>'))
UNIT = root_of('<xs:attribute name="unit" type="xs:int" use="required"/>')


@pytest.mark.parametrize(
    ("body", "content", "attributes", "detail"),
    [
        (OPTIONAL, "<W/>", "", "/Root[1]/W[1]: the schema has no place for this element here"),
        (OPTIONAL, "<V>a<W/></V>", "", "/Root[1]/V[1]/W[1]: an element stands where text is expected"),
        (OPTIONAL, "<V/>", f'{XSI} xsi:type="x"', "/Root[1]: xsi:type and xsi:nil can't be kept"),
        (OPTIONAL, f'<V {XSI} xsi:nil="true"/>', "", "/Root[1]: xsi:type and xsi:nil can't be kept"),
        (NUMBERS, "", "", f"Root: {{{NAMESPACE}}}V is missing at the end"),
        (NUMBERS, "<W/>", "", f"Root: {{{NAMESPACE}}}V is missing before /Root[1]/W[1]"),
        (
            NUMBERS,
            "<V>9223372036854775808</V>",
            "",
            "/Root[1]/V[1]: the integer is out of the range of Avro's long",
        ),
        (
            NUMBERS,
            f"<V>{'9' * 5000}</V>",
            "",
            "/Root[1]/V[1]: the integer is out of the range of Avro's long",
        ),
        (NUMBERS, "<V>1_000</V>", "", "/Root[1]/V[1]: the text isn't an integer"),
        (NUMBERS, "<V>๑</V>", "", "/Root[1]/V[1]: the text isn't an integer"),
        (DECIMAL, "<V>1e3</V>", "", "/Root[1]/V[1]: the text isn't a decimal"),
        (DECIMAL, "<V>.</V>", "", "/Root[1]/V[1]: the text isn't a decimal"),
        (
            DECIMAL,
            "<V>1.23</V>",
            "",
            "/Root[1]/V[1]: the decimal doesn't fit into 4 digits, 1 of them a fraction",
        ),
        (
            DECIMAL,
            "<V>1234</V>",
            "",
            "/Root[1]/V[1]: the decimal doesn't fit into 4 digits, 1 of them a fraction",
        ),
        (
            sequence_of('<xs:element name="V" type="xs:boolean"/>'),
            "<V>yes</V>",
            "",
            "/Root[1]/V[1]: the text isn't a boolean",
        ),
        (UNIT, "", "", "/Root[1]: attribute unit is missing"),
        (UNIT, "", 'unit="x"', "/Root[1]/@unit: the text isn't an integer"),
    ],
)
def test_refuses_documents_that_it_cannot_carry_over(
    tmp_path: Path, body: str, content: str, attributes: str, detail: str
) -> None:
    """A document that isn't valid, or says more than Avro can, is not written; the reason quotes no value."""
    with pytest.raises(MessageError) as caught:
        mapping_of(tmp_path, body).encode_avro(tree_of(content, attributes))
    assert (caught.value.code, caught.value.detail) == (Code.FORMAT_NOT_ACCEPTED, detail)


def test_refuses_another_root(tmp_path: Path) -> None:
    """A document of another type is not written."""
    with pytest.raises(MessageError) as caught:
        mapping_of(tmp_path, OPTIONAL).encode_avro(parse_xml(b"<Root/>"))
    assert caught.value.detail == f"/Root[1]: the root element isn't {{{NAMESPACE}}}Root"


def test_writes_without_hints_at_schema_files(tmp_path: Path) -> None:
    """xsi:schemaLocation says nothing of a document, and is left out."""
    mapping = mapping_of(tmp_path, OPTIONAL)
    assert mapping.encode_avro(tree_of("<V>a</V>", f'{XSI} xsi:schemaLocation="a b"')) == b"\x02\x02a"


def record_schema(*fields: dict[str, Any], **changes: object) -> dict[str, Any]:
    """Give an Avro schema of a root without namespace."""
    return {
        "type": "record",
        "name": "Root",
        "xml": {"name": "Root", "prefixes": {"c": "urn:test:common"}},
        "fields": list(fields),
        **changes,
    }


def field_of(avro_type: object, node: str = "element", name: str | None = "V", **xml: str) -> dict[str, Any]:
    """Give a field of an Avro schema."""
    return {"name": "V", "type": avro_type, "xml": {"node": node, **({"name": name} if name else {}), **xml}}


INNER = {"type": "record", "name": "Inner", "fields": [field_of("string")]}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ([], "schema: a record is expected"),
        ({"type": "enum", "name": "Root", "symbols": []}, "schema: a record is expected"),
        (
            record_schema(xml=None),
            "xml: the schema's own 'xml' attribute with 'name' and 'prefixes' is missing",
        ),
        (
            record_schema(xml={"name": "Root"}),
            "xml: the schema's own 'xml' attribute with 'name' and 'prefixes' is missing",
        ),
        (
            record_schema(xml={"name": "a:b", "prefixes": {}}),
            "xml: 'xml.name' must be {namespace}local or local",
        ),
        (
            record_schema({"name": "V", "type": "string"}),
            "Root.V: its 'xml' attribute with 'node' is missing",
        ),
        (record_schema(field_of("string", "comment")), "Root.V: its 'xml' attribute with 'node' is missing"),
        (
            record_schema(field_of("string", name=None)),
            "Root.V: 'xml.name' must be {namespace}local or local",
        ),
        (
            record_schema(field_of("string", name="{urn:x}V")),
            "Root.V: namespace urn:x has no prefix in 'xml.prefixes'",
        ),
        (
            record_schema(
                field_of("string", "attribute", "{urn:x}V"),
                xml={"name": "{urn:x}Root", "prefixes": {"": "urn:x"}},
            ),
            "Root.V: namespace urn:x needs a prefix, for its attributes",
        ),
        (
            record_schema(field_of("string"), xml={"name": "{urn:x}Root", "prefixes": {"": "urn:x"}}),
            "Root.V: an element in no namespace can't stand beside a default namespace",
        ),
        (
            record_schema(field_of("string"), field_of("string", "attribute")),
            "Root: attributes must come before content",
        ),
        (
            record_schema(field_of("string", "text", None), field_of("string")),
            "Root: text can't stand beside elements",
        ),
        (record_schema(field_of("double")), "Root.V: this Avro type isn't mapped to XML"),
        (record_schema(field_of(["string", "null"])), "Root.V: this Avro type isn't mapped to XML"),
        (record_schema(field_of(["null", "string", "int"])), "Root.V: this Avro type isn't mapped to XML"),
        (record_schema(field_of("Unknown")), "Root.V: this Avro type isn't mapped to XML"),
        (record_schema(field_of("string", whiteSpace="trim")), "Root.V: this Avro type isn't mapped to XML"),
        (
            record_schema(field_of({"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 3})),
            "Root.V: this Avro type isn't mapped to XML",
        ),
        (
            record_schema(field_of(INNER, "attribute")),
            "Root.V: this Avro type can't be a node of kind attribute",
        ),
        (record_schema(field_of(INNER, "text", None)), "Root.V: this Avro type can't be a node of kind text"),
        (
            record_schema(field_of(["null", "string"], "text", None)),
            "Root.V: this Avro type can't be a node of kind text",
        ),
        (
            record_schema(field_of(INNER, "group", None)),
            "Root.V: this Avro type can't be a node of kind group",
        ),
        (
            record_schema(field_of({"type": "array", "items": "string"}, "attribute")),
            "Root.V: this Avro type can't be a node of kind attribute",
        ),
        (
            record_schema(
                field_of(
                    {
                        "type": "array",
                        "items": {**INNER, "fields": [field_of({**INNER, "name": "E", "fields": []})]},
                    }
                )
            ),
            "Root.V: an array's items may not be empty records",
        ),
        (
            record_schema(field_of({**INNER, "name": "Root"})),
            "SchemaParseException: redefined named type: Root",
        ),
    ],
)
def test_reports_schema_files_that_are_not_mapped(tmp_path: Path, schema: object, problem: str) -> None:
    """A schema file that doesn't say what its fields are in XML is refused when it is loaded."""
    path = tmp_path / "message.avsc"
    path.write_text(json.dumps(schema), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_mapping(path, 1)
    assert caught.value.problems == (f"{path}: {problem}",)


@pytest.mark.parametrize("content", [None, b"{", b"\xff"])
def test_reports_schema_files_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing or isn't JSON is a problem of configuration."""
    path = tmp_path / "message.avsc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"message\.avsc"):
        load_mapping(path, 1)


def test_keeps_the_schema_as_it_was_loaded(tmp_path: Path) -> None:
    """A mapping can show its schema, for a registry, with the id that it goes by."""
    schema = derive(tmp_path, STRINGS)
    mapping = AvroMapping(copy.deepcopy(schema), 7)
    assert (mapping.schema, mapping.schema_id) == (schema, 7)


def test_a_record_that_must_hold_itself_ends_at_the_depth_limit() -> None:
    """A schema whose records never end can't take the reader with it."""
    schema = record_schema(field_of("Root"))
    with pytest.raises(MessageError) as caught:
        AvroMapping(schema, 1).parse_avro(b"")
    assert caught.value.code is Code.PARSER_LIMIT


@pytest.mark.parametrize(
    ("xsd", "root", "documents"),
    [
        pytest.param(
            "hmrc-ics-ens/xsd/CC315A-v11-2.xsd",
            "{http://ics.dgtaxud.ec/CC315A}CC315A",
            "hmrc-ics-ens/cases/**/*.xml",
            id="entry-summary",
        ),
        pytest.param(
            "hmrc-cds-dms/xsd/wco/declaration/WCO_DEC_2_DMS.xsd",
            "{urn:wco:datamodel:WCO:DEC-DMS:2}Declaration",
            "hmrc-cds-dms/valid/**/*.xml",
            id="wco",
        ),
        pytest.param(
            "hmrc-ctc-ncts5/xsd/cc015c.xsd",
            "{http://ncts.dgtaxud.ec}CC015C",
            "hmrc-ctc-ncts5/valid/**/*.xml",
            id="ncts",
        ),
    ],
)
def test_real_documents_stay_valid_and_equal(
    conformance_data: Path, xsd: str, root: str, documents: str
) -> None:
    """Real declarations come back from Avro with the same elements, values and validity."""
    mapping = AvroMapping(derive_avro(conformance_data / xsd, root), 1)
    schema = etree.XMLSchema(etree.parse(conformance_data / xsd))
    checked = 0
    for path in sorted(conformance_data.glob(documents))[:150]:
        for found in parse_xml(path.read_bytes()).iter(root):
            document = parse_xml(encode_xml(found))
            if schema.validate(document):
                again = mapping.parse_avro(mapping.encode_avro(document))
                assert schema.validate(again)
                assert mapping.encode_avro(again) == mapping.encode_avro(document)
                assert [each.tag for each in again.iter()] == [each.tag for each in document.iter("*")]
                checked += 1
    assert checked
