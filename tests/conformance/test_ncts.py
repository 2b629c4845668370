"""Transit messages (NCTS phase 5): message types by configuration only."""

import json
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner

from nsw.cli.app import app
from nsw.errors import Code, Verdict
from nsw.processing import judge
from nsw.reference import Reference
from tests.conformance import sets


@pytest.fixture(scope="module")
def ncts(conformance_data: Path) -> Reference:
    """Load the message types."""
    return sets.load_types([sets.HERE / "ncts"], conformance_data)


@pytest.fixture(scope="module")
def valid(conformance_data: Path) -> list[Path]:
    """List the valid documents."""
    return sorted((conformance_data / "hmrc-ctc-ncts5" / "valid").glob("*.xml"))


@pytest.mark.parametrize("each", sets.FOLDER_SETS["ncts"], ids=lambda each: each.name)
def test_all_documents_agree(each: sets.FolderSet, conformance_data: Path, ncts: Reference) -> None:
    """Valid ones are accepted, invalid ones rejected with path and line."""
    agreement = sets.compare_folder(each, conformance_data, ncts)

    assert agreement.documents > 0
    assert not agreement.disagreements


def test_all_faults_of_a_sequence_are_found(valid: list[Path], ncts: Reference) -> None:
    """A surplus element, a missing one and a surplus one further down are three findings."""
    root = etree.parse(str(valid[-1])).getroot()
    root.insert(3, etree.Element("surplus"))
    office, consignment = root.find("CustomsOfficeOfDeparture"), root.find("Consignment")
    assert office is not None
    assert consignment is not None
    root.remove(office)
    etree.SubElement(consignment, "unknown")

    judgement = judge(etree.tostring(root), sets.LODGED_ON, ncts)

    assert sets.expect_rejected(judgement) is None
    assert Counter(each.code for each in judgement.findings) == {
        Code.SCHEMA_UNEXPECTED_ELEMENT: 2,
        Code.SCHEMA_MISSING_ELEMENT: 1,
    }


def test_a_document_that_breaks_off_is_rejected_with_its_line(valid: list[Path], ncts: Reference) -> None:
    """Half a document is not well-formed, and the line says where."""
    for path in valid:
        content = path.read_bytes()
        assert sets.expect_malformed(judge(content[: len(content) // 2], sets.LODGED_ON, ncts)) is None


def test_a_document_without_namespace_is_a_dead_letter(valid: list[Path], ncts: Reference) -> None:
    """A root is never known by its local name alone."""
    for path in valid:
        root = etree.parse(str(path)).getroot()
        root.tag = etree.QName(root).localname
        judgement = judge(etree.tostring(root), sets.LODGED_ON, ncts)
        assert judgement.verdict is Verdict.DEAD_LETTER
        assert [each.code for each in judgement.findings] == [Code.WRONG_NAMESPACE]


def test_canonical_fields_are_read(valid: list[Path], ncts: Reference) -> None:
    """Each message gives its own reference, whatever the element is called."""
    for path in valid:
        root = etree.parse(str(path)).getroot()
        reference = root.findtext("TransitOperation/LRN") or root.findtext("TransitOperation/MRN")
        assert judge(path.read_bytes(), sets.LODGED_ON, ncts).data.fields["reference_number"] == reference


def test_the_command_line_takes_the_folder(
    conformance_data: Path, valid: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``nsw validate --schemas tests/conformance/ncts FILE…`` judges by these types."""
    monkeypatch.setenv("NSW_CONFORMANCE_DATA", str(conformance_data))
    folder = str(sets.HERE / "ncts")

    result = CliRunner().invoke(app, ["validate", "--schemas", folder, "--format", "json", *map(str, valid)])

    assert result.exit_code == 0
    types = {json.loads(line)["message_type"] for line in result.stdout.splitlines()}
    assert types == {"ncts.cc007c", "ncts.cc015c"}
