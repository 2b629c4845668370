"""A small message type with nothing wrong, for tests that break it."""

import json
from pathlib import Path

from nsw.formats.derive import build_avsc_text, derive_avro

ROOT = "{urn:test}Root"
TYPE = """\
message_type: test.note
version: "1"
kind: declaration
title: {en: Note, th: บันทึก}
root: "{urn:test}Root"
namespaces: {t: "urn:test"}
schema: message.xsd
rules: rules.sch
avro: {schema: message.avsc, id: 77}
effective: {from: 2020-01-01}
fields:
  reference_number: t:Reference
items:
  path: t:Line
  fields:
    weight: t:Weight
"""
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:test" targetNamespace="urn:test"
    elementFormDefault="qualified">
  <xs:element name="Root">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="Reference" type="xs:token"/>
        <xs:element name="SentAt" type="xs:dateTime" minOccurs="0"/>
        <xs:element name="Line" maxOccurs="9">
          <xs:complexType><xs:sequence><xs:element name="Weight" type="t:Weight"/></xs:sequence></xs:complexType>
        </xs:element>
      </xs:sequence>
      <xs:attribute name="draft" type="xs:boolean"/>
    </xs:complexType>
  </xs:element>
  <xs:simpleType name="Weight">
    <xs:restriction base="xs:decimal"><xs:totalDigits value="7"/><xs:fractionDigits value="2"/></xs:restriction>
  </xs:simpleType>
</xs:schema>
"""
#: Before this an import may stand in the XSD, on line 3.
IMPORT_PLACE = '  <xs:element name="Root">'
RULES = """\
<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt">
  <sch:ns prefix="t" uri="urn:test"/>
  <sch:pattern>
    <sch:rule context="/t:Root/t:Reference">
      <sch:assert id="TEST-001" test="string-length(.) &gt; 2">The reference number is too short.</sch:assert>
    </sch:rule>
  </sch:pattern>
</sch:schema>
"""
VALID = """\
<Root xmlns="urn:test" draft="1"><Reference> A  1 </Reference><SentAt>2026-01-31T10:00:00+07:00</SentAt>
<Line><Weight>1.50</Weight></Line></Root>
"""
SHORT = '<Root xmlns="urn:test"><Reference>A</Reference><Line><Weight>1</Weight></Line></Root>'


def write_small_type(parent: Path) -> Path:
    """Write the folder of the type, with its samples; give it."""
    folder = parent / "note"
    (folder / "samples").mkdir(parents=True)
    for name, text in (("type.yaml", TYPE), ("message.xsd", XSD), ("rules.sch", RULES)):
        (folder / name).write_text(text, "utf-8")
    (folder / "message.avsc").write_text(build_avsc_text(derive_avro(folder / "message.xsd", ROOT)), "utf-8")
    (folder / "samples/valid.xml").write_text(VALID, "utf-8")
    expect(folder / "samples/valid.expected.json", "accepted")
    (folder / "samples/short.xml").write_text(SHORT, "utf-8")
    expect(folder / "samples/short.expected.json", "rejected", ("TEST-001", "/Root[1]/Reference[1]"))
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def expect(path: Path, verdict: str, *findings: tuple[str, str], on: str | None = None) -> None:
    """Write the expected answer of a sample."""
    rows = [{"code": code, "path": place} for code, place in findings]
    answer = {"verdict": verdict, "findings": rows, "agencies": ["CUSTOMS"] if verdict == "accepted" else []}
    path.write_text(json.dumps(answer | ({"on": on} if on else {}), indent=1), "utf-8")
