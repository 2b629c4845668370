"""Several rule faults in one declaration: all are found, each at its place, and nothing else."""

import random
import re
from collections.abc import Iterator, Mapping
from itertools import combinations

import pytest
from lxml import etree

from nsw.processing import judge
from nsw.reference import Reference
from tools.samples import export_faults, import_faults
from tools.samples.faults import Case, Edited, build_expected
from tools.samples.files import LODGED_ON, SampleSet

SCH = "{http://purl.oclc.org/dsdl/schematron}"
TYPES = {"export": export_faults.SAMPLES, "import": import_faults.SAMPLES}
DOCUMENTS = 60
MOST = 10


def leaves_of(document: bytes) -> dict[str, str]:
    """Give each element's own text by its path, without namespaces."""
    root = etree.fromstring(document)
    tree = root.getroottree()
    return {
        re.sub(r"\{[^}]*\}", "", tree.getelementpath(each)): (each.text or "").strip()
        for each in root.iter("{*}*")
    }


def _texts_of_asserts(rules: etree._Element) -> Iterator[str]:
    for check in rules.iter(f"{SCH}assert", f"{SCH}report"):
        rule = check.getparent()
        assert rule is not None
        text = f"{rule.get('context')} {check.get('test')}"
        lets: Mapping[str, str] = {
            let.get("name", ""): let.get("value", "")
            for scope in (*reversed(list(rule.iterancestors())), rule)
            for let in scope.findall(f"{SCH}let")
        }
        waiting, known = re.findall(r"\$([\w-]+)", text), set()
        while waiting:
            name = waiting.pop()
            if name not in known:
                known.add(name)
                text += f" {lets[name]}"
                waiting += re.findall(r"\$([\w-]+)", lets[name])
        yield text


class Combiner:
    """Puts independent cases of a message type together."""

    def __init__(self, samples: SampleSet) -> None:
        self.cases = [each for each in samples.cases if each.base is None and is_of_rules(each)]
        before = leaves_of(samples.base.build()).items()
        # The names of the elements that the edits of each case add, take out or change.
        self._touched = {
            each.name: frozenset(
                path.rpartition("/")[2].partition("[")[0]
                for path, _ in before ^ leaves_of(samples.build(each)).items()
            )
            for each in self.cases
        }
        # For each assert, the names of the elements that its context, its test and the lets in scope speak of.
        fields = {name for children in samples.layout.child_names.values() for name in children}
        rules = etree.parse(samples.layout.path / "rules.sch").getroot()
        self._read = [
            fields.intersection(re.findall(r"[A-Za-z0-9]+", text)) for text in _texts_of_asserts(rules)
        ]

    def are_independent(self, one: Case, other: Case) -> bool:
        """Tell whether no rule reads what both change; then each must be found as it is alone."""
        first, second = self._touched[one.name], self._touched[other.name]
        return not first & second and not any(read & first and read & second for read in self._read)

    def combine(self, seed: int) -> list[Case]:
        """Choose 2 to 10 cases, any two of them independent."""
        cases = list(self.cases)
        random.Random(seed).shuffle(cases)
        chosen: list[Case] = []
        for each in cases:
            if len(chosen) < 2 + seed % (MOST - 1) and all(self.are_independent(each, one) for one in chosen):
                chosen.append(each)
        return chosen


def is_of_rules(case: Case) -> bool:
    """Tell whether rules alone find the faults: they don't judge what breaks the schema."""
    return not any(each.startswith("NSW-") for each in case.findings)


@pytest.mark.parametrize("name", TYPES)
def test_all_are_found(name: str, reference: Reference) -> None:
    """The edits of samples with one fault each, put together."""
    samples = TYPES[name]
    combiner = Combiner(samples)
    sizes = set()
    for seed in range(DOCUMENTS):
        chosen = combiner.combine(seed)
        sizes.add(len(chosen))
        both = Case(
            " + ".join(each.name for each in chosen),
            tuple(finding for each in chosen for finding in each.findings),
            tuple(edit for each in chosen for edit in each.edits),
        )
        expected = build_expected(both, samples.base, samples.layout, {})["findings"]
        document = Edited(samples.layout, samples.base, both.edits).build()

        findings = judge(document, LODGED_ON, reference).findings

        found = sorted((each.path, str(each.code)) for each in findings)
        assert [{"code": code, "path": path} for path, code in found] == expected, (seed, both.name)
    assert sizes == set(range(2, MOST + 1))


def test_a_rule_that_reads_what_both_change_makes_them_dependent() -> None:
    """The choice is no empty one: many pairs are left out, and many are taken."""
    combiner = Combiner(export_faults.SAMPLES)
    pairs = list(combinations(combiner.cases, 2))
    independent = sum(combiner.are_independent(one, other) for one, other in pairs)

    assert len(pairs) / 4 < independent < len(pairs)
