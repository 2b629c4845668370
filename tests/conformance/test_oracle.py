"""The xmlschema package accepts and rejects what the window does, but for the differences that are listed."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import xmlschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from nsw.reference import Reference
from tests.conformance import sets
from tests.conformance.disagreements import KNOWN, Disagreement, probe, probe_schema
from tests.conformance.mutations import MUTATIONS, mutate
from tests.conformance.oracle import DOCUMENTS, Comparison, compare, documents_of
from tests.conformance.planting.samples import hard_samples, own_samples, samples_of

# Always the same documents; `make oracle` compares others, and more.
few = settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(MUTATIONS)), st.integers(0, 10**6), st.integers(0, 10**6)),
    min_size=1,
    max_size=3,
)
#: Of each set, spread over the whole; `make oracle` takes all.
MOST_DOCUMENTS = 50
Load = Callable[[str], Reference]


@pytest.fixture(scope="module")
def load(conformance_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Load the message types of a set of others, each once."""

    @cache
    def load(name: str) -> Reference:
        if name != "ics":
            return sets.load_types([sets.HERE / name], conformance_data)
        folder = sets.write_ics(conformance_data, tmp_path_factory.mktemp("ics") / "ics")
        return sets.load_types([folder], conformance_data)

    return load


def expect_agreement(comparison: Comparison) -> None:
    """Expect that every difference is a known one."""
    assert not comparison.unknown


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_verdicts_agree_on_documents_of_others(name: str, load: Load, conformance_data: Path) -> None:
    """Valid and invalid ones of every set."""
    comparison = Comparison()
    for each in documents_of(name, load(name), conformance_data, MOST_DOCUMENTS):
        compare(each, each.document, comparison, each.name)

    expect_agreement(comparison)
    assert comparison.accepted


def test_the_verdicts_agree_on_our_own_samples(reference: Reference) -> None:
    """Valid ones of every type, and those that only rules reject."""
    comparison = Comparison()
    for each in own_samples(reference, 4):
        compare(each, each.document, comparison, each.name)

    expect_agreement(comparison)
    assert comparison.accepted


@few
@given(steps=STEPS)
def test_the_verdicts_agree_on_changed_documents_of_the_hard_schema(
    steps: list[tuple[str, int, int]],
) -> None:
    """Delete, duplicate, swap, move, rename, corrupt: keys and references break too."""
    comparison = Comparison()
    for each in hard_samples():
        compare(each, mutate(each.document, steps), comparison, str(steps))

    expect_agreement(comparison)


@few
@given(steps=STEPS, number=st.integers(0, 10**6))
def test_the_verdicts_agree_on_changed_samples_of_ours(
    steps: list[tuple[str, int, int]], number: int, reference: Reference
) -> None:
    """The same, of every type of the project."""
    samples = own_samples(reference, 1)
    sample = samples[number % len(samples)]
    comparison = Comparison()
    compare(sample, mutate(sample.document, steps), comparison, f"{sample.name} {steps}")

    expect_agreement(comparison)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_verdicts_agree_on_changed_documents_of_others(
    name: str, load: Load, conformance_data: Path
) -> None:
    """The same, of every set."""
    pattern = {"ics": sets.ICS_CASES, "ubl": DOCUMENTS["ubl"]}.get(name) or sets.VALID[name]
    samples = samples_of(load(name), conformance_data, pattern, 1)[:2]

    @few
    @given(steps=STEPS, number=st.integers(0, 10**6))
    def agree(steps: list[tuple[str, int, int]], number: int) -> None:
        sample = samples[number % len(samples)]
        comparison = Comparison()
        compare(sample, mutate(sample.document, steps), comparison, f"{sample.name} {steps}")
        expect_agreement(comparison)

    agree()


@pytest.mark.parametrize("each", KNOWN, ids=lambda each: each.name)
def test_a_known_disagreement_is_still_one(each: Disagreement) -> None:
    """A kind on which the two have come to agree is taken off the list."""
    schema, document = probe_schema(), probe(each)

    assert etree.XMLSchema(etree.fromstring(schema)).validate(etree.fromstring(document)) is each.accepts
    assert xmlschema.XMLSchema(schema).is_valid(document) is not each.accepts
