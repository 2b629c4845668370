"""Declarations and notifications of UK customs (WCO Data Model): message types by configuration only."""

import re
from pathlib import Path

import pytest
from lxml import etree

from nsw.errors import Code, Layer, Verdict
from nsw.processing import judge
from nsw.reference import Reference
from tests.conformance import sets

DEC = "{urn:wco:datamodel:WCO:DEC-DMS:2}"
MD = "{urn:wco:datamodel:WCO:DocumentMetaData-DMS:2}"


@pytest.fixture(scope="module")
def cds(conformance_data: Path) -> Reference:
    """Load the message types."""
    return sets.load_types([sets.HERE / "cds"], conformance_data)


@pytest.fixture(scope="module")
def declaration(conformance_data: Path) -> etree._Element:
    """Give a valid declaration, to be spoilt."""
    folder = conformance_data / "hmrc-cds-dms" / "valid" / "declaration"
    return etree.parse(str(min(folder.glob("*.xml")))).getroot()


@pytest.mark.parametrize("each", sets.FOLDER_SETS["cds"], ids=lambda each: each.name)
def test_all_documents_agree(each: sets.FolderSet, conformance_data: Path) -> None:
    """Valid ones are accepted, malformed ones rejected with a line, those of unknown roots are dead letters."""
    reference = sets.load_types([sets.HERE / each.types], conformance_data)

    agreement = sets.compare_folder(each, conformance_data, reference)

    assert agreement.documents > 0
    assert not agreement.disagreements


def test_faults_are_found_at_their_places(declaration: etree._Element, cds: Reference) -> None:
    """An element that is not declared and a wrong value are named with path and line."""
    root = etree.fromstring(etree.tostring(declaration))
    payload = root.find(f"{DEC}Declaration")
    assert payload is not None
    etree.SubElement(payload, f"{DEC}Unknown")
    quantity = payload.find(f"{DEC}GoodsItemQuantity")
    assert quantity is not None
    quantity.text = "many"

    judgement = judge(etree.tostring(root), sets.LODGED_ON, cds)

    assert judgement.verdict is Verdict.REJECTED
    found = {(each.code, re.split("[:/]", each.path or "")[-1]) for each in judgement.findings}
    assert found == {
        (Code.SCHEMA_UNEXPECTED_ELEMENT, "Unknown[1]"),
        (Code.SCHEMA_WRONG_VALUE, "GoodsItemQuantity[1]"),
    }
    assert all(each.line and each.layer is Layer.SCHEMA for each in judgement.findings)


def test_a_payload_that_is_unknown_is_refused_by_the_strict_wildcard(
    declaration: etree._Element, cds: Reference
) -> None:
    """What stands in place of the declaration must be declared too."""
    root = etree.fromstring(etree.tostring(declaration))
    payload = root.find(f"{DEC}Declaration")
    assert payload is not None
    payload.tag = "{urn:other}Declaration"

    judgement = judge(etree.tostring(root), sets.LODGED_ON, cds)

    assert [each.code for each in judgement.findings] == [Code.SCHEMA_UNEXPECTED_ELEMENT]


def test_a_declaration_without_namespaces_is_a_dead_letter(
    declaration: etree._Element, cds: Reference
) -> None:
    """A root is never known by its local name alone."""
    root = etree.fromstring(etree.tostring(declaration))
    for element in root.iter("*"):
        element.tag = etree.QName(element).localname
    etree.cleanup_namespaces(root)

    judgement = judge(etree.tostring(root), sets.LODGED_ON, cds)

    assert judgement.verdict is Verdict.DEAD_LETTER
    assert [each.code for each in judgement.findings] == [Code.WRONG_NAMESPACE]


def test_canonical_fields_are_read(declaration: etree._Element, cds: Reference) -> None:
    """The reference number and the items come from the payload, through both namespaces."""
    data = judge(etree.tostring(declaration), sets.LODGED_ON, cds).data

    assert declaration.tag == f"{MD}MetaData"
    assert data.fields["reference_number"] == declaration.findtext(
        f"{DEC}Declaration/{DEC}FunctionalReferenceID"
    )
    assert data.items
