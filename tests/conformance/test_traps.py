"""
The traps that the data's README names, where no other test has their name.

White space around dates is in test_ubl, the strict wildcard in test_cds, documents without namespaces in all of them,
rows of code lists with dates in tests/unit/test_codelists.
"""

import hashlib
from collections import defaultdict
from pathlib import Path

import pytest

from nsw.errors import Code, Verdict
from nsw.formats.xml import parse_xml
from nsw.processing import judge
from nsw.reference import Reference
from nsw.rules import RuleContext
from tests.conformance import sets


@pytest.fixture(scope="module")
def cds(conformance_data: Path) -> Reference:
    """Load the message types."""
    return sets.load_types([sets.HERE / "cds"], conformance_data)


def test_only_the_schema_says_what_is_valid(conformance_data: Path, cds: Reference) -> None:
    """A document judged under another name, or another folder's, gets the same verdict: names don't count."""
    folder = conformance_data / "hmrc-cds-dms"
    verdicts: dict[bytes, set[Verdict]] = defaultdict(set)
    for path in folder.rglob("*.xml"):
        document = path.read_bytes()
        verdicts[hashlib.sha256(document).digest()].add(judge(document, sets.LODGED_ON, cds).verdict)

    assert all(len(each) == 1 for each in verdicts.values())


def test_two_hyphens_inside_a_comment_have_line_and_column(conformance_data: Path, cds: Reference) -> None:
    """It is a rejection, not a dead letter, and says where."""
    (path,) = (conformance_data / "hmrc-cds-dms" / "invalid" / "malformed").glob("*.xml")

    judgement = judge(path.read_bytes(), sets.LODGED_ON, cds)

    (finding,) = judgement.findings
    assert (judgement.verdict, finding.code) == (Verdict.REJECTED, Code.NOT_WELL_FORMED)
    assert finding.line
    assert finding.column


def test_the_largest_document_costs_what_its_size_does(conformance_data: Path, tmp_path: Path) -> None:
    """As many times the median's evaluations as it has elements: nothing grows with the square."""
    types = sets.write_ics(conformance_data, tmp_path / "ics")
    reference = sets.load_types([types], conformance_data)
    documents = [path.read_bytes() for path in conformance_data.glob(sets.ICS_CASES)]
    documents.sort(key=len)
    median, largest = documents[len(documents) // 2], documents[-1]

    (message_type,) = reference.catalogue.types
    rules = message_type.rules_on(sets.LODGED_ON)
    assert rules is not None

    def evaluations_for_each_element(document: bytes) -> float:
        root = parse_xml(document)
        report = rules.check(root, RuleContext(sets.LODGED_ON, reference.code_lists))
        return report.evaluations / sum(1 for _ in root.iter("*"))

    assert len(largest) > 300 * len(median)
    assert evaluations_for_each_element(largest) < 2 * evaluations_for_each_element(median)
