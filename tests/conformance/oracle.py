"""
An independent oracle: the xmlschema package accepts and rejects the same documents as the window, or it is told.

The window's verdict is taken through its public path. ``python -m tests.conformance.oracle`` compares many more
documents than the tests do.
"""

import argparse
import math
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from lxml import etree
from xmlschema import XMLSchemaException

from nsw.config import load_config
from nsw.errors import Layer
from nsw.processing import judge
from nsw.reference import Reference
from nsw.worker import load_snapshot
from tests.conformance import sets
from tests.conformance.disagreements import KNOWN
from tests.conformance.mutations import MUTATIONS, mutate
from tests.conformance.planting.samples import Sample, hard_samples, own_samples, samples_of

#: Documents of others that are compared as they are.
DOCUMENTS = {
    "ics": "hmrc-ics-ens/cases/schemaTestCases315/*.xml",
    "cds": "hmrc-cds-dms/*/*/*.xml",
    "ncts": "hmrc-ctc-ncts5/*valid/*.xml",
    # Two of its types: each costs seconds to be read by the other validator.
    "ubl": "ubl-2.3/valid/*-[IM]*.xml",
}
_MOST_SHOWN = 20
#: What a mutation may make of a document, drawn as often as the name stands here.
_HOW_MANY = (1, 1, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Rejection:
    """What one of the two rejects: the values that stand there, and its sentence."""

    values: tuple[str, ...]
    sentence: str


@dataclass(slots=True)
class Comparison:
    """How many documents both accept, both reject, are of a known disagreement; and a sentence for each other one."""

    accepted: int = 0
    rejected: int = 0
    known: Counter[str] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)


def compare(sample: Sample, document: bytes, comparison: Comparison, name: str) -> None:
    """Compare the verdicts on a document."""
    ours = _rejected_by_window(sample, document)
    theirs = _rejected_by_package(sample, document)
    if not ours and not theirs:
        comparison.accepted += 1
        return
    if ours and theirs:
        comparison.rejected += 1
        return
    kinds = {_kind_of(each, accepts=not ours) for each in ours or theirs}
    if None in kinds:
        who = "the window rejects" if ours else "the package rejects"
        comparison.unknown.append(f"{name}: {who}: {(ours or theirs)[0]}")
    else:
        comparison.known.update(kind for kind in kinds if kind is not None)


def _kind_of(rejection: Rejection, *, accepts: bool) -> str | None:
    for each in KNOWN:
        # Where white space decides about a length, either of the two may be the stricter one.
        if (each.accepts is accepts or "white space" in each.name) and any(
            each.explains(value, rejection.sentence) for value in rejection.values
        ):
            return each.name
    return None


def _rejected_by_window(sample: Sample, document: bytes) -> list[Rejection]:
    judgement = judge(document, sets.LODGED_ON, sample.reference)
    root = etree.fromstring(document)
    prefixes = {prefix: uri for each in root.iter("*") for prefix, uri in each.nsmap.items() if prefix}
    found = []
    for each in judgement.findings:
        if each.layer is Layer.RULE:
            continue
        path = "/".join(_step(step) for step in (each.path or "/").split("/@")[0].split("/"))
        nodes = root.xpath(path or "/*", namespaces=prefixes or None) if each.path else [root]
        found.append(Rejection(_values(nodes[0]) if nodes else (), each.text_en))
    return found


def _step(step: str) -> str:
    """Let a step without prefix find an element of a default namespace too."""
    name, _, index = step.partition("[")
    return step if not name or ":" in name else f"*[local-name() = '{name}'][{index}"


def _rejected_by_package(sample: Sample, document: bytes) -> list[Rejection]:
    root = etree.fromstring(document)
    found = []
    try:
        for error in sample.message_type.full_schema.iter_errors(cast("Any", root)):
            element: object = error.elem
            at = element if isinstance(element, etree._Element) else root
            found.append(Rejection(_values(at), str(error.reason)))
    except (XMLSchemaException, ArithmeticError) as error:
        # It raises for an xsi:type that names nothing, and for years beyond Python's.
        found.append(Rejection((), str(error)))
    return found


def _values(element: etree._Element) -> tuple[str, ...]:
    """Give the texts in and between an element's children, and its attributes."""
    tails = [child.tail or "" for child in element]
    return (element.text or "", *tails, *map(str, element.attrib.values()))


def mutated(sample: Sample, seed: str) -> tuple[bytes, str]:
    """Change a sample one to three times by a seed; give the document and what was done."""
    chance = random.Random(seed)
    kinds = sorted(MUTATIONS)
    steps = [
        (chance.choice(kinds), chance.randrange(10**6), chance.randrange(10**6))
        for _ in range(chance.choice(_HOW_MANY))
    ]
    return mutate(sample.document, steps), f"{sample.name} {steps}"


def all_samples(data: Path, work: Path, most: int) -> Iterator[tuple[str, list[Sample]]]:
    """Give the samples of every set."""
    yield "hard", hard_samples()
    yield "own", own_samples(load_snapshot(load_config({})), most)
    if not data.is_dir():
        sys.stdout.write(f"left out: no conformance data at {data} (set NSW_CONFORMANCE_DATA)\n")
        return
    ics = sets.load_types([sets.write_ics(data, work / "ics")], data)
    yield "ics", samples_of(ics, data, sets.ICS_CASES, most)
    for name, pattern in sets.VALID.items():
        yield name, samples_of(sets.load_types([sets.HERE / name], data), data, pattern, most)


def documents_of(name: str, reference: Reference, data: Path, most: int | None = None) -> Iterator[Sample]:
    """Give the documents of a set as they are, valid and not, spread over the whole; all without *most*."""
    types = {each.root: each for each in reference.catalogue.types}
    paths = sorted(data.glob(DOCUMENTS[name]))
    for path in paths[:: math.ceil(len(paths) / (most or len(paths)))]:
        document = path.read_bytes()
        try:
            root = str(etree.fromstring(document).tag)
        except etree.XMLSyntaxError:
            continue
        if root in types:
            yield Sample(path.name, document, types[root], reference)


def main(arguments: list[str] | None = None) -> int:
    """Compare changed documents of all sets; give the exit code: 1 when there is an unknown disagreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.oracle", description=__doc__)
    parser.add_argument("--documents", type=int, default=500, help="changed documents of each set")
    parser.add_argument("--seed", default="0")
    given = parser.parse_args(arguments)
    data = Path(os.environ.get("NSW_CONFORMANCE_DATA") or sets.DATA)
    sys.stdout.write(f"{'set':<8}{'accepted':>10}{'rejected':>10}{'known':>8}{'unknown':>9}{'seconds':>9}\n")
    unknown: list[str] = []
    known: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as work:
        for name, samples in all_samples(data, Path(work), 3):
            start = time.perf_counter()
            found = Comparison()
            for each in documents_of(name, samples[0].reference, data) if name in DOCUMENTS else ():
                compare(each, each.document, found, each.name)
            for number in range(given.documents):
                sample = samples[number % len(samples)]
                document, what = mutated(sample, f"{given.seed} {name} {number}")
                compare(sample, document, found, what)
            numbers = (found.accepted, found.rejected, found.known.total(), len(found.unknown))
            seconds = time.perf_counter() - start
            sys.stdout.write("{:<8}{:>10}{:>10}{:>8}{:>9}{:>9.1f}\n".format(name, *numbers, seconds))
            sys.stdout.flush()
            unknown += found.unknown
            known += found.known
    for kind, count in known.most_common():
        sys.stdout.write(f"known: {kind}: {count}\n")
    for sentence in unknown[:_MOST_SHOWN]:
        sys.stdout.write(f"unknown: {sentence}\n")
    return int(bool(unknown))


if __name__ == "__main__":
    sys.exit(main())
