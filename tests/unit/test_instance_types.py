"""``xsi:type``: what says nothing new is dropped, what Avro can't carry over is a finding with its place."""

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import etree

from nsw.errors import Code
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.messagetypes import MessageType
from nsw.typefolders import load_catalogue
from nsw.validation import check_schema

XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:i" targetNamespace="urn:i"
    elementFormDefault="qualified">
  <xs:element name="Note"><xs:complexType><xs:sequence>
    <xs:element name="Code" type="Code" maxOccurs="9"/><xs:element name="Day" type="xs:date" minOccurs="0"/>
    <xs:element name="Party" type="Party" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:simpleType name="Code"><xs:restriction base="xs:token"><xs:maxLength value="5"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Short"><xs:restriction base="Code"><xs:maxLength value="2"/></xs:restriction></xs:simpleType>
  <xs:complexType name="Party"><xs:sequence><xs:element name="Name" type="Code"/></xs:sequence></xs:complexType>
  <xs:complexType name="Firm"><xs:complexContent><xs:extension base="Party"><xs:sequence>
    <xs:element name="Branch" type="Code"/>
  </xs:sequence></xs:extension></xs:complexContent></xs:complexType>
</xs:schema>
"""
TYPE = """\
message_type: test.instance
version: "1"
kind: declaration
title: {en: Note, th: บันทึก}
root: "{urn:i}Note"
schema: message.xsd
avro: {schema: message.avsc, id: 78}
effective: {from: 2020-01-01}
"""


@pytest.fixture
def note(tmp_path: Path) -> MessageType:
    (tmp_path / "type.yaml").write_text(TYPE, "utf-8")
    (tmp_path / "message.xsd").write_text(XSD, "utf-8")
    (tmp_path / "message.avsc").write_text(
        build_avsc_text(derive_avro(tmp_path / "message.xsd", "{urn:i}Note")), "utf-8"
    )
    return load_catalogue([tmp_path], {}).types[0]


def tree(content: str) -> etree._Element:
    return etree.fromstring(
        '<Note xmlns="urn:i" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:xs="http://www.w3.org/2001/XMLSchema">{content}</Note>'
    )


def test_drops_the_declared_type(note: MessageType) -> None:
    """With any prefix, on simple and complex types; the document then goes through Avro and back."""
    root = tree(
        '<Code xsi:type="Code">A</Code><Code xmlns:i="urn:i" xsi:type=" i:Code ">B</Code>'
        '<Day xsi:type="xs:date">2026-01-31</Day><Party xsi:type="Party"><Name xsi:type="Code">N</Name></Party>'
    )

    assert check_schema(note, root) == []
    assert note.avro is not None
    back = note.avro.parse_avro(note.avro.encode_avro(root))
    assert ["".join(back.itertext()), len(back)] == ["AB2026-01-31N", 4]


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ('<Code>A</Code><Code xsi:type="Short">B</Code>', "/Note[1]/Code[2]/@xsi:type"),
        (
            '<Code>A</Code><Party xsi:type="Firm"><Name>N</Name><Branch>1</Branch></Party>',
            "/Note[1]/Party[1]/@xsi:type",
        ),
    ],
    ids=["restricted", "extended"],
)
def test_refuses_a_derived_type(note: MessageType, content: str, path: str) -> None:
    """The XSD takes it, but the same document in Avro could not say it; a type without Avro takes it."""
    (finding,) = check_schema(note, tree(content))

    assert (finding.code, finding.path, finding.line) == (Code.SCHEMA_ATTRIBUTE, path, 1)
    assert "can't be carried over to Avro" in finding.text_en
    assert check_schema(replace(note, avro=None), tree(content)) == []


def test_a_type_that_does_not_fit_is_the_schemas_finding(note: MessageType) -> None:
    """One that is unknown or not derived is no matter of Avro."""
    findings = check_schema(note, tree('<Code xsi:type="Party">A</Code>'))

    assert findings
    assert not any("Avro" in each.text_en for each in findings)
