"""Logistics documents (OASIS UBL 2.3): message types by configuration only."""

import re
from pathlib import Path

import pytest
from lxml import etree

from nsw.errors import Code, Verdict
from nsw.processing import judge
from nsw.reference import Reference
from tests.conformance import sets

CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


@pytest.fixture(scope="module")
def ubl(conformance_data: Path) -> Reference:
    """Load the message types."""
    return sets.load_types([sets.HERE / "ubl"], conformance_data)


@pytest.fixture(scope="module")
def valid(conformance_data: Path) -> list[Path]:
    """List the valid documents."""
    return sorted((conformance_data / "ubl-2.3" / "valid").glob("*.xml"))


@pytest.mark.parametrize("each", sets.FOLDER_SETS["ubl"], ids=lambda each: each.name)
def test_all_documents_agree(each: sets.FolderSet, conformance_data: Path, ubl: Reference) -> None:
    """Valid ones are accepted."""
    agreement = sets.compare_folder(each, conformance_data, ubl)

    assert agreement.documents > 0
    assert not agreement.disagreements


def test_faults_are_found_at_their_places(valid: list[Path], ubl: Reference) -> None:
    """An element too many and a wrong date are named with path and line."""
    root = etree.parse(str(valid[0])).getroot()
    etree.SubElement(root, f"{CBC}Unknown")
    next(root.iter(f"{CBC}IssueDate")).text = "yesterday"

    judgement = judge(etree.tostring(root), sets.LODGED_ON, ubl)

    assert sets.expect_rejected(judgement) is None
    assert {(each.code, re.split("[:/]", each.path or "")[-1]) for each in judgement.findings} == {
        (Code.SCHEMA_UNEXPECTED_ELEMENT, "Unknown[1]"),
        (Code.SCHEMA_WRONG_VALUE, "IssueDate[1]"),
    }


def test_white_space_around_a_date_is_no_fault(valid: list[Path], ubl: Reference) -> None:
    """XSD collapses it, though libxml2 does not; a space inside a date stays a fault."""
    root = etree.parse(str(valid[0])).getroot()
    date = next(root.iter(f"{CBC}IssueDate"))

    date.text = f"\n  {date.text}\t"
    assert judge(etree.tostring(root), sets.LODGED_ON, ubl).verdict is Verdict.ACCEPTED

    date.text = date.text.replace("-", " -")
    assert sets.expect_rejected(judge(etree.tostring(root), sets.LODGED_ON, ubl)) is None


def test_a_document_that_breaks_off_is_rejected_with_its_line(valid: list[Path], ubl: Reference) -> None:
    """Half a document is not well-formed, and the line says where."""
    for path in valid:
        content = path.read_bytes()
        assert sets.expect_malformed(judge(content[: len(content) // 2], sets.LODGED_ON, ubl)) is None


def test_a_document_without_namespaces_is_a_dead_letter(valid: list[Path], ubl: Reference) -> None:
    """A root is never known by its local name alone."""
    for path in valid:
        root = etree.parse(str(path)).getroot()
        for element in root.iter("*"):
            element.tag = etree.QName(element).localname
        etree.cleanup_namespaces(root)
        judgement = judge(etree.tostring(root), sets.LODGED_ON, ubl)
        assert judgement.verdict is Verdict.DEAD_LETTER
        assert [each.code for each in judgement.findings] == [Code.WRONG_NAMESPACE]
