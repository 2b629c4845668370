"""The comparison of documents in XML Schema's value space."""

import pytest
import xmlschema
from lxml import etree

from nsw.onboarding.values import find_differences

XSD = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:element name="R">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="D" type="xs:decimal" minOccurs="0" maxOccurs="9"/>
        <xs:element name="F" type="xs:double" minOccurs="0"/>
        <xs:element name="B" type="xs:boolean" minOccurs="0"/>
        <xs:element name="T" type="xs:token" minOccurs="0"/>
        <xs:element name="S" type="xs:string" minOccurs="0"/>
        <xs:element name="L" minOccurs="0"><xs:simpleType><xs:list itemType="xs:token"/></xs:simpleType></xs:element>
        <xs:element name="At" type="xs:dateTime" minOccurs="0"/>
        <xs:element name="W" minOccurs="0">
          <xs:complexType><xs:simpleContent><xs:extension base="xs:decimal">
            <xs:attribute name="unit" type="xs:token"/>
          </xs:extension></xs:simpleContent></xs:complexType>
        </xs:element>
      </xs:sequence>
      <xs:attribute name="draft" type="xs:boolean"/>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""


def differences(one: str, two: str) -> list[str]:
    declared = xmlschema.XMLSchema(XSD).elements["R"]
    return list(find_differences(declared, etree.fromstring(one), etree.fromstring(two)))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("<R><D>1.50</D></R>", "<R>\n<D>+01.5</D></R>"),
        ("<R><D>-0.0</D></R>", "<R><D> 0 </D></R>"),
        ("<R><F>1e2</F></R>", "<R><F>100</F></R>"),
        ("<R><F>INF</F></R>", "<R><F> INF</F></R>"),
        ("<R draft='1'><B>false</B></R>", "<R draft='true'><B>0</B></R>"),
        ("<R><T> a  b</T></R>", "<R><T>a b</T></R>"),
        ("<R><L> a\n b</L></R>", "<R><L>a b</L></R>"),
        ("<R><W unit=' KG '>1.0</W></R>", "<R><W unit='KG'>1</W></R>"),
        ("<R xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:noNamespaceSchemaLocation='x'/>", "<R/>"),
    ],
)
def test_equal_values_are_no_difference(one: str, two: str) -> None:
    """How a value is written makes no difference where its type says so."""
    assert differences(one, two) == []


@pytest.mark.parametrize(
    ("one", "two", "sentence"),
    [
        ("<R><D>1.5</D></R>", "<R><D>1.51</D></R>", "/R[1]/D[1]: '1.5' became '1.51'"),
        ("<R><D>1</D><D>2</D></R>", "<R><D>1</D></R>", "/R[1]: its elements are not the same"),
        ("<R><S>a  b</S></R>", "<R><S>a b</S></R>", "/R[1]/S[1]: 'a  b' became 'a b'"),
        ("<R draft='1'/>", "<R/>", "/R[1]: attribute draft is lost"),
        ("<R/>", "<R draft='1'/>", "/R[1]: attribute draft came from nowhere"),
        ("<R draft='1'/>", "<R draft='0'/>", "/R[1]/@draft: '1' became '0'"),
        ("<R><W unit='KG'>1</W></R>", "<R><W unit='TNE'>1</W></R>", "/R[1]/W[1]/@unit: 'KG' became 'TNE'"),
        (
            "<R><At>2026-01-31T10:00:00+07:00</At></R>",
            "<R><At>2026-01-31T03:00:00Z</At></R>",
            "/R[1]/At[1]: '2026-01-31T10:00:00+07:00' became '2026-01-31T03:00:00Z'",
        ),
        ("<R/>", "<Q/>", "/R[1]: 'R' became 'Q'"),
    ],
)
def test_tells_what_changed_and_where(one: str, two: str, sentence: str) -> None:
    """A lost or changed element, attribute or value is told with its place; so is a time's lost offset."""
    (found,) = differences(one, two)

    assert found.startswith(sentence)
