"""Documents with 1 to 10 planted faults of every kind: all are found, each with its code, path, line and name."""

from dataclasses import replace
from pathlib import Path

import pytest

from nsw.errors import Code, Verdict
from nsw.processing import judge
from nsw.reference import Reference
from nsw.validation import MAX_FAULTS
from tests.conformance import sets
from tests.conformance.planting.measure import Score, measure
from tests.conformance.planting.planter import KINDS
from tests.conformance.planting.samples import hard_samples, own_samples, samples_of


def expect_all(score: Score) -> None:
    """Expect that each planted fault was found, and nothing else."""
    assert score.planted.total() > score.documents
    assert not score.lost
    assert not score.surplus
    assert score.found == score.planted


def test_every_kind_of_fault_is_found_where_the_schema_has_all_constructs() -> None:
    """Keys and references, choices in sequences, repeated groups, all, substitution, mixed content, lists, unions."""
    score = measure(hard_samples(), range(60))

    expect_all(score)
    assert score.planted.keys() == KINDS.keys()


def test_all_faults_are_found_in_our_own_types(reference: Reference) -> None:
    """Each message type of the project, by one of its samples."""
    samples = own_samples(reference, 1)

    assert {each.message_type.name for each in samples} == {each.name for each in reference.catalogue.types}
    expect_all(measure(samples, range(6)))


@pytest.mark.parametrize("name", ["cds", "ncts", "ubl"])
def test_all_faults_are_found_in_documents_of_others(name: str, conformance_data: Path) -> None:
    """Two namespaces, wildcards, derived types, and elements that may stand in many places."""
    reference = sets.load_types([sets.HERE / name], conformance_data)
    # Two types of each: reading the XSDs again for the search costs seconds.
    pattern = "ubl-2.3/valid/*-[IM]*.xml" if name == "ubl" else sets.VALID[name]
    samples = samples_of(reference, conformance_data, pattern, 1)[:2]

    expect_all(measure(samples, range(8)))


def test_all_faults_are_found_in_entry_summary_declarations(conformance_data: Path, tmp_path: Path) -> None:
    """Elements without a namespace below a root that has one."""
    reference = sets.load_types([sets.write_ics(conformance_data, tmp_path / "ics")], conformance_data)
    samples = samples_of(reference, conformance_data, sets.ICS_CASES, 2)

    expect_all(measure(samples, range(8)))


def test_the_search_says_so_when_it_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """What libxml2 found is still told, and the last finding says that there may be more."""
    (sample,) = hard_samples()
    monkeypatch.setattr("nsw.validation.SLOW_PASS_ELEMENTS", 20)
    document = sample.document.replace(b"<h:Mode>sea</h:Mode>", b"<h:Wrong/>").replace(b"SE1", b"?")

    findings = judge(document, sets.LODGED_ON, sample.reference).findings

    assert [each.code for each in findings] == [Code.SCHEMA_UNEXPECTED_ELEMENT, Code.SCHEMA_BUDGET_ENDED]
    assert findings[0].path == "/h:Voyage[1]/h:Wrong[1]"


@pytest.mark.parametrize("most", [100, 500])
def test_a_document_with_very_many_faults_says_so(most: int) -> None:
    """500 are looked for; the answer lists as many as it may, counts the others, and tells that there are more."""
    (sample,) = hard_samples()
    document = sample.document.replace(b"<h:Leg>", b"<h:Leg>" + b"<h:Leg/>" * 700, 1)
    reference = replace(sample.reference, limits=replace(sample.reference.limits, max_findings=most))

    judgement = judge(document, sets.LODGED_ON, reference)

    assert judgement.verdict is Verdict.REJECTED
    assert [each.code for each in judgement.findings[most:]] == [
        Code.SCHEMA_BUDGET_ENDED,
        *([Code.FINDINGS_CAPPED] if most < MAX_FAULTS else []),
    ]
    assert judgement.omitted == MAX_FAULTS - most
