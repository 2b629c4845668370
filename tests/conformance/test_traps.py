"""
The traps that the data's README names, where no other test has their name.

White space around dates is in test_ubl, the strict wildcard in test_cds, documents without namespaces in all of them,
rows of code lists with dates in tests/unit/test_codelists.
"""

import hashlib
import time
from collections import defaultdict
from pathlib import Path

import pytest

from nsw.errors import Code, Verdict
from nsw.processing import judge
from nsw.reference import Reference
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
    """Many times the median's time for many times its bytes, but no more than ten times so per byte."""
    types = sets.write_ics(conformance_data, tmp_path / "ics")
    reference = sets.load_types([types], conformance_data)
    documents = [path.read_bytes() for path in conformance_data.glob(sets.ICS_CASES)]
    documents.sort(key=len)
    median, largest = documents[len(documents) // 2], documents[-1]

    def cost(document: bytes) -> float:
        times = []
        for _ in range(3):
            start = time.process_time()
            judge(document, sets.LODGED_ON, reference)
            times.append(time.process_time() - start)
        return min(times) / len(document)

    assert len(largest) > 300 * len(median)
    assert cost(largest) < 10 * cost(median)
