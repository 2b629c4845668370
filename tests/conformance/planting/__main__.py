"""Plants faults into valid documents and prints, set by set, how many were found where they lie."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nsw.config import load_config
from nsw.worker import load_snapshot
from tests.conformance import sets
from tests.conformance.planting.measure import Score, measure
from tests.conformance.planting.samples import Sample, hard_samples, own_samples, samples_of

_MOST_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Run all sets; give the exit code: 1 when a fault was not found or a finding not planted."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.planting", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="documents made of each sample")
    parser.add_argument("--samples", type=int, default=3, help="samples of each message type")
    given = parser.parse_args(arguments)
    data = Path(os.environ.get("NSW_CONFORMANCE_DATA") or sets.DATA)
    titles = ("set", "samples", "documents", "planted", "found", "surplus", "seconds")
    sys.stdout.write("{:<10}{:>9}{:>11}{:>9}{:>8}{:>9}{:>9}\n".format(*titles))
    total = Score()
    for name, samples in _sets(data, given.samples):
        start = time.perf_counter()
        score = measure(samples, range(given.seeds))
        _print(name, len(samples), score, time.perf_counter() - start)
        total.add(score)
    _print("all", 0, total, 0.0)
    for kind in sorted(total.planted):
        sys.stdout.write(f"{kind:<24}{total.planted[kind]:>8} planted{total.found[kind]:>8} found\n")
    for sentence in total.lost[:_MOST_SHOWN]:
        sys.stdout.write(f"not found: {sentence}\n")
    for sentence in total.surplus[:_MOST_SHOWN]:
        sys.stdout.write(f"not planted: {sentence}\n")
    return int(bool(total.lost or total.surplus))


def _print(name: str, samples: int, score: Score, seconds: float) -> None:
    numbers = (samples, score.documents, score.planted.total(), score.found.total(), len(score.surplus))
    sys.stdout.write("{:<10}{:>9}{:>11}{:>9}{:>8}{:>9}{:>9.1f}\n".format(name, *numbers, seconds))
    sys.stdout.flush()


def _sets(data: Path, most: int) -> Iterator[tuple[str, list[Sample]]]:
    yield "hard", hard_samples()
    yield "own", own_samples(load_snapshot(load_config({})), most)
    if not data.is_dir():
        sys.stdout.write(f"left out: no conformance data at {data} (set NSW_CONFORMANCE_DATA)\n")
        return
    with tempfile.TemporaryDirectory() as work:
        ics = sets.load_types([sets.write_ics(data, Path(work) / "ics")], data)
        yield "ics", samples_of(ics, data, sets.ICS_CASES, most)
    for name in ("cds", "ncts", "ubl"):
        reference = sets.load_types([sets.HERE / name], data)
        yield name, samples_of(reference, data, sets.VALID[name], most)


if __name__ == "__main__":
    sys.exit(main())
