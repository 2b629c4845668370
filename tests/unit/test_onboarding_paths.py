"""XPaths of canonical fields against an XSD: what can never be there is told, with the nearest name."""

import pytest
import xmlschema

from nsw.onboarding.xsdpaths import DeclarationTree, find_dead_paths

NAMESPACES = {"t": "urn:test"}
XSD = """
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:test" targetNamespace="urn:test"
    elementFormDefault="qualified">
  <xs:element name="Root">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="Head" type="t:Head"/>
        <xs:element name="Line" type="t:Line" maxOccurs="9"/>
        <xs:element name="Gone" type="xs:string" minOccurs="0" maxOccurs="0"/>
        <xs:element ref="t:Means" minOccurs="0"/>
        <xs:element name="Free" minOccurs="0">
          <xs:complexType><xs:sequence><xs:any processContents="lax"/></xs:sequence></xs:complexType>
        </xs:element>
        <xs:element name="Strict" minOccurs="0">
          <xs:complexType><xs:sequence><xs:any/></xs:sequence></xs:complexType>
        </xs:element>
      </xs:sequence>
      <xs:attribute name="version" type="xs:string"/>
    </xs:complexType>
  </xs:element>
  <xs:complexType name="Head">
    <xs:sequence>
      <xs:element name="Reference" type="xs:string"/>
      <xs:element name="Local" type="xs:string" form="unqualified"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="LongHead">
    <xs:complexContent>
      <xs:extension base="t:Head"><xs:sequence><xs:element name="Extra" type="xs:int"/></xs:sequence></xs:extension>
    </xs:complexContent>
  </xs:complexType>
  <xs:complexType name="Line">
    <xs:sequence>
      <xs:element name="Code" type="xs:string"/>
      <xs:element name="Line" type="t:Line" minOccurs="0"/>
    </xs:sequence>
  </xs:complexType>
  <xs:element name="Means" type="xs:string"/>
  <xs:element name="Ship" type="xs:string" substitutionGroup="t:Means"/>
</xs:schema>
"""


@pytest.fixture(scope="module")
def tree() -> DeclarationTree:
    schema = xmlschema.XMLSchema(XSD)
    return DeclarationTree(schema, schema.elements["Root"])


def dead_paths(tree: DeclarationTree, expression: str) -> list[str]:
    return find_dead_paths(expression, tree, None, NAMESPACES)[1]


@pytest.mark.parametrize(
    "expression",
    [
        "t:Head/t:Reference",
        "/t:Root/t:Head",
        "//t:Code",
        "t:Line//t:Code/text()",
        "t:Head/Local",
        "(t:Head | t:Line)/t:Code",
        "t:Line[t:Code = 'A']/t:Line[last()]/t:Code",
        "concat(substring('x', 1 div starts-with(t:Head/t:Reference, 'EX')), '')",
        "@version",
        "@*",
        "t:*/t:Code",
        "*/*",
        ".",
        "t:Head/..//t:Line",
        "t:Line/ancestor::t:Root",
        "descendant-or-self::node()/t:Code",
        "t:Head/following-sibling::t:Line",
        "t:Head/t:Extra",
        "t:Ship",
        "t:Free/anything/at/all/@there",
        "t:Strict/t:Means",
        "count(t:Line) > 1",
    ],
)
def test_says_nothing_of_a_path_that_can_select(tree: DeclarationTree, expression: str) -> None:
    """Axes, predicates, wildcards, derived types and substitution groups all count as possible."""
    assert dead_paths(tree, expression) == []


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("t:Head/t:Referense", "t:Referense can't be in t:Head; the nearest name is t:Reference"),
        ("Head", "Head can't be in t:Root; the nearest name is t:Head"),
        ("t:head", "t:head can't be in t:Root; the nearest name is t:Head"),
        ("t:Head/t:Local", "t:Local can't be in t:Head; the nearest name is Local"),
        ("t:Code", "t:Code can't be in t:Root; the nearest name is /t:Root/t:Line/t:Code"),
        ("t:version", "t:version can't be in t:Root; the nearest name is @version"),
        ("@Version", "@Version can't be in t:Root; the nearest name is @version"),
        ("/t:Head", "t:Head can't be in the document; the nearest name is /t:Root/t:Head"),
        ("t:Gone", "t:Gone can't be in t:Root"),
        ("t:Line[t:Kode = 'A']", "t:Kode can't be in t:Line; the nearest name is t:Code"),
        ("t:Strict/t:Unknown", "t:Unknown can't be in t:Strict"),
        ("t:Head/text()", "text() can't be in t:Head"),
        ("concat(t:Head/t:Reference, t:Lin)", "t:Lin can't be in t:Root; the nearest name is t:Line"),
    ],
)
def test_names_a_dead_step_and_the_nearest_name(
    tree: DeclarationTree, expression: str, sentence: str
) -> None:
    """A step that leads nowhere is named, once, with where it was looked for and what may be meant."""
    (found,) = dead_paths(tree, expression)

    assert found.startswith(sentence)


def test_finds_a_name_that_stands_elsewhere(tree: DeclarationTree) -> None:
    """A name that is right but in another place is told with its path from the root element."""
    (found,) = dead_paths(tree, "t:Reference")

    assert found == "t:Reference can't be in t:Root; the nearest name is /t:Root/t:Head/t:Reference"


def test_looks_at_fields_of_items_from_the_items(tree: DeclarationTree) -> None:
    """What the path of the items selects is the context of their fields."""
    items, dead = find_dead_paths("t:Line", tree, None, NAMESPACES)

    assert dead == []
    assert find_dead_paths("t:Code", tree, items, NAMESPACES)[1] == []
    assert len(find_dead_paths("t:Reference", tree, items, NAMESPACES)[1]) == 1


def test_says_when_an_expression_can_not_be_looked_at(tree: DeclarationTree) -> None:
    """A function that nobody knows is no path, and is told as an error of its own."""
    with pytest.raises(ValueError, match="unknown"):
        find_dead_paths("unknown(t:Head)", tree, None, NAMESPACES)
