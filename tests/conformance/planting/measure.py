"""Judges documents with planted faults, and counts what was found where it lies."""

import random
import xml.parsers.expat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from lxml import etree

from nsw.errors import Severity
from nsw.model import Finding
from nsw.processing import judge
from tests.conformance import sets
from tests.conformance.planting.planter import KINDS, Plant, Planter
from tests.conformance.planting.samples import Sample


@dataclass(slots=True)
class Score:
    """
    What became of planted faults.

    Attributes:
        planted: by kind.
        found: those with the right code, path, line and name.
        lost: a sentence for each of the others.
        surplus: a sentence for each finding that no planted fault explains.
    """

    documents: int = 0
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    surplus: list[str] = field(default_factory=list)

    def add(self, other: "Score") -> None:
        """Add another score to this."""
        self.documents += other.documents
        self.planted += other.planted
        self.found += other.found
        self.lost += other.lost
        self.surplus += other.surplus


def plant_and_judge(sample: Sample, seed: int) -> Score:
    """Plant 1 to 10 faults into a document by a seed, judge it as the window does, and compare."""
    chance = random.Random(f"{sample.name} {seed}")
    root = etree.fromstring(sample.document, etree.XMLParser(remove_comments=True, remove_pis=True))
    planter = Planter(root, sample.message_type.full_schema, chance)
    planter.plant(chance.randint(1, 10), KINDS)
    spoilt = etree.tostring(root)
    findings = judge(spoilt, sets.LODGED_ON, sample.reference).findings
    return compare(f"{sample.name}, seed {seed}", planter.plants, root, places_of(spoilt), findings)


def measure(samples: Iterable[Sample], seeds: Iterable[int]) -> Score:
    """Plant into each sample by each seed."""
    total = Score()
    for sample, seed in product(samples, list(seeds)):
        total.add(plant_and_judge(sample, seed))
    return total


def compare(
    name: str,
    plants: Sequence[Plant],
    root: etree._Element,
    places: Sequence[tuple[str, int]],
    findings: Sequence[Finding],
) -> Score:
    """Give each planted fault one finding, as many as can be."""
    place_of = dict(zip(root.iter("*"), places, strict=True))
    errors = [each for each in findings if each.severity is Severity.ERROR]
    takers: dict[int, int] = {}
    fits = [[at for at, each in enumerate(errors) if _explains(plant, each, place_of)] for plant in plants]

    def settle(plant: int, seen: set[int]) -> bool:
        for at in fits[plant]:
            if at not in seen:
                seen.add(at)
                if at not in takers or settle(takers[at], seen):
                    takers[at] = plant
                    return True
        return False

    score = Score(documents=1)
    for number, plant in enumerate(plants):
        score.planted[plant.kind] += 1
        if settle(number, set()):
            score.found[plant.kind] += 1
        else:
            path, line = place_of[plant.places[0]]
            score.lost.append(f"{name}: {plant.kind} {plant.attribute or plant.word}, {path}, line {line}")
    score.surplus += [
        f"{name}: {each.code} {each.path} line {each.line}: {each.text_en}"
        for at, each in enumerate(errors)
        if at not in takers
    ]
    return score


def _explains(plant: Plant, finding: Finding, place_of: dict[etree._Element, tuple[str, int]]) -> bool:
    for element in plant.places:
        path, line = place_of[element]
        if plant.attribute is not None:
            path += f"/@{plant.attribute}"
        if (finding.path, finding.line) == (path, line):
            return finding.code in plant.codes and plant.word in finding.text_en
    return any(_explains(each, finding, place_of) for each in plant.also)


def places_of(document: bytes) -> list[tuple[str, int]]:
    """Read the path and the line of each element in document order, by a parser that is not the window's."""
    found: list[tuple[str, int]] = []
    open_elements: list[tuple[str, Counter[str]]] = [("", Counter())]
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.namespace_prefixes = True

    def start(name: str, _: object) -> None:
        # Namespace, local name and prefix, where there are such.
        uri, local, prefix = name.split(" ") if name.count(" ") == 2 else (*name.rpartition(" ")[::2], "")
        path, counts = open_elements[-1]
        counts[f"{uri} {local}"] += 1
        shown = f"{prefix}:{local}" if prefix else local
        path = f"{path}/{shown}[{counts[f'{uri} {local}']}]"
        found.append((path, parser.CurrentLineNumber))
        open_elements.append((path, Counter()))

    def end(_: str) -> None:
        open_elements.pop()

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.Parse(document, True)  # noqa: FBT003 - expat's own interface
    return found
