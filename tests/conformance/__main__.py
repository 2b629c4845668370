"""Prints, set by set, how many documents agree with what is known of them; exits with 1 if one does not."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.conformance import sets

_MOST_SHOWN = 20


def main() -> int:
    """Run all sets; give the exit code."""
    data = Path(os.environ.get("NSW_CONFORMANCE_DATA") or sets.DATA)
    if not data.is_dir():
        sys.stdout.write(f"left out: no conformance data at {data} (set NSW_CONFORMANCE_DATA)\n")
        return 1 if os.environ.get("CI") else 0
    sys.stdout.write(f"{'set':<30} {'documents':>9} {'agreed':>7} {'disagreed':>9} {'seconds':>8}\n")
    found = []
    for each in _run(data):
        found.append(each)
        wrong = len(each.disagreements)
        agreed = each.documents - wrong
        sys.stdout.write(f"{each.name:<30} {each.documents:>9} {agreed:>7} {wrong:>9} {each.seconds:>8.1f}\n")
        sys.stdout.flush()
    for each in found:
        for sentence in each.disagreements[:_MOST_SHOWN]:
            sys.stdout.write(f"{each.name}: {sentence}\n")
        if not each.documents:
            sys.stdout.write(f"{each.name}: there are no documents\n")
    return int(any(each.disagreements or not each.documents for each in found))


def _run(data: Path) -> Iterator[sets.Agreement]:
    with tempfile.TemporaryDirectory() as work:
        reference = sets.load_types([sets.write_ics(data, Path(work) / "ics")], data)
        yield sets.compare_ics_schema(data, reference)
        yield sets.compare_ics_rules(data, reference)
    for members in sets.FOLDER_SETS.values():
        references = {each.types: sets.load_types([sets.HERE / each.types], data) for each in members}
        for each in members:
            yield sets.compare_folder(each, data, references[each.types])


if __name__ == "__main__":
    sys.exit(main())
