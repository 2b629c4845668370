"""Message types with ``samples/cases.yaml``: a sample breaks each rule alone; check digits; what manifests tell."""

import json
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from nsw.codelists import load_code_lists
from nsw.messagetypes import MessageType
from nsw.model import Finding
from nsw.rules import RuleContext, RuleSet
from nsw.typefolders import load_message_type
from nsw.validation import check_schema
from tools.make_logistics_samples import CASES, renumber
from tools.samples.files import LODGED_ON
from tools.samples.layout import SCHEMAS

FOLDERS = sorted(path.parent.parent for path in (SCHEMAS / "th").rglob(CASES))
MANIFESTS = [folder for folder in FOLDERS if folder.parent.name.endswith("-manifest")]
#: What customs compares an import declaration with (Thai Customs manuals, rule: declaration x manifest).
COMPARED = {
    *("vessel_name", "arrival_port", "arrival_date", "master_document", "house_document", "consignee_name"),
    *("packages", "package_unit", "gross_weight", "gross_weight_unit", "release_port"),
}
MAX_EVALUATIONS_PER_BILL = 120


def name_of(folder: Path) -> str:
    return folder.parent.name


each_type = pytest.mark.parametrize("folder", FOLDERS, ids=name_of)


@cache
def type_in(folder: Path) -> MessageType:
    return load_message_type(folder / "type.yaml", {})


def rules_in(folder: Path) -> RuleSet:
    rules = type_in(folder).rules_on(LODGED_ON)
    assert rules is not None
    return rules


@cache
def lists_context() -> RuleContext:
    return RuleContext(LODGED_ON, load_code_lists(SCHEMAS / "th" / "codes"))


def judge(folder: Path, root: etree._Element) -> tuple[Finding, ...]:
    assert check_schema(type_in(folder), root) == []
    return tuple(rules_in(folder).check(root, lists_context()).findings)


def sample(folder: Path, name: str) -> etree._Element:
    return etree.parse(folder / "samples" / f"{name}.xml").getroot()


def sample_with(folder: Path, number: str, *paths: str) -> etree._Element:
    """Give the small sample with another number at some paths."""
    root = sample(folder, "valid/small")
    namespace = etree.QName(root).namespace
    for path in paths:
        element = root.find("/".join(f"{{{namespace}}}{step}" for step in path.split("/")))
        assert element is not None
        element.text = number
    return root


@each_type
def test_every_rule_is_broken_alone_by_the_sample_of_its_number(folder: Path) -> None:
    """Each rule fires in a sample where no other does."""
    broken: set[str] = set()
    for path in sorted((folder / "samples" / "invalid").glob("[0-9]*.xml")):
        codes = {str(finding.code) for finding in judge(folder, etree.parse(path).getroot())}
        assert {code[-3:] for code in codes} == {path.name[:3]}, path.name
        broken |= codes

    assert broken == {entry.id for entry in rules_in(folder).catalogue}


@pytest.mark.parametrize("folder", MANIFESTS, ids=name_of)
def test_manifests_name_all_that_a_declaration_is_compared_with(folder: Path) -> None:
    """Matching reads canonical fields: each is there, and the typical sample has a value for it."""
    data = type_in(folder).paths.read(sample(folder, "valid/typical"))
    given = data.fields.keys() | {name for item in data.items for name in item.fields}

    assert COMPARED - given == set()


@pytest.mark.parametrize("folder", MANIFESTS, ids=name_of)
def test_a_manifest_of_many_bills_costs_no_more_for_each(folder: Path) -> None:
    """The work grows with the number of bills, not with its square."""
    report = rules_in(folder).check(sample(folder, "valid/fifty"), lists_context())

    assert report.findings == ()
    assert report.evaluations < MAX_EVALUATIONS_PER_BILL * 50


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        ("CSQU3054383", []),
        ("CSQU3054384", ["TH-SEA-091"]),
        ("TEXU3070079", []),
        ("CSQU305438", ["TH-SEA-090"]),
        ("CSQA3054383", ["TH-SEA-090"]),
        ("csqu3054383", ["TH-SEA-090"]),
        # The remainder 10 is written as 0.
        ("TEMU1000510", []),
    ],
)
def test_container_numbers_are_checked_by_their_check_digit(number: str, codes: list[str]) -> None:
    """Numbers of ISO 6346 pass, and one that differs in a digit does not."""
    folder = SCHEMAS / "th" / "sea-manifest" / "1.0"
    root = sample_with(
        folder, number, "TransportEquipment/TransportEquipmentID", "Consignment/TransportEquipmentID"
    )

    assert [finding.code for finding in judge(folder, root)] == codes


@pytest.mark.parametrize(("number", "codes"), [("9074729", []), ("9074728", ["TH-SEA-072"])])
def test_imo_numbers_are_checked_by_their_check_digit(number: str, codes: list[str]) -> None:
    """The last digit is that of the weighted sum of the others."""
    folder = SCHEMAS / "th" / "sea-manifest" / "1.0"
    root = sample_with(folder, number, "Control/BorderTransportMeansID")

    assert [finding.code for finding in judge(folder, root)] == codes


def test_the_tool_gives_numbers_that_check() -> None:
    """Containers and air waybills of a sample of many bills have right check digits."""
    assert renumber("CSQU3053383", 1) == "CSQU3054383"
    assert renumber("21712345675", 1) == "21712346670"
    assert renumber("AKE12345TG", 3) == "AKE12645TG"
    assert renumber("SGLCB26110001", 2) == "SGLCB26110001R2"


def test_expected_answers_list_agencies_only_where_nothing_rejects() -> None:
    """A rejected message goes to nobody."""
    for folder in FOLDERS:
        for path in (folder / "samples").rglob("*.expected.json"):
            expected = json.loads(path.read_bytes())
            assert bool(expected["agencies"]) == (expected["verdict"] == "accepted"), path
