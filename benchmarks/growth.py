"""
What must stay flat: routing a declaration as the permit table grows, and a case's reading and writing as cases do.

``python -m benchmarks.growth [--full]`` prints the ratios, and writes ``results/growth.json``. Sizes are measured in
turn, several rounds; of each size the fastest time counts, which other work disturbs least.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.machine import commit
from benchmarks.routing.workload import Workload
from nsw.casestore.partition import Change, Checkpoint, PartitionStore
from nsw.config import load_config
from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Item
from nsw.processing import judge
from nsw.routing import decide_agencies
from nsw.routing.permits import PermitRow, PermitTable
from nsw.routing.tables import RoutingTables
from nsw.worker import load_snapshot

RESULT = Path(__file__).resolve().parent / "results" / "growth.json"
ON = date(2026, 11, 20)
_ROUNDS, _TIMES = 9, 400
_CHECKPOINT = Checkpoint("bench", 1, ON)
_CONTENT = b"x" * 700
_BATCH = 500

Work = Callable[[], object]


def fastest(subjects: dict[int, Work], times: int) -> dict[int, float]:
    """Give the fastest microseconds of one call by size; in each round every size has its turn."""
    taken: dict[int, float] = {}
    for _ in range(_ROUNDS):
        for size, work in subjects.items():
            for _ in range(times):
                began = time.perf_counter_ns()
                work()
                spent = (time.perf_counter_ns() - began) / 1000
                taken[size] = min(spent, taken.get(size, spent))
    return taken


def permits(sizes: Sequence[int]) -> dict[int, Work]:
    """Route one declaration by permit tables of so many rows."""
    reference = load_snapshot(load_config({}))
    judged = judge(Workload(10).document(1), ON, reference)
    items = tuple(Item(each.number, dict(each.fields)) for each in judged.data.items)
    data = CanonicalFields(dict(judged.data.fields), items)
    tables = {size: _with_rows(reference.tables, size) for size in sizes}
    return {
        size: lambda table=table: decide_agencies("th.export-declaration", "export", data, ON, table)  # type: ignore[misc]
        for size, table in tables.items()
    }


def _with_rows(tables: RoutingTables, size: int) -> RoutingTables:
    """Keep the rows that apply, and add others until there are so many."""
    known = [row for row in tables.permits.rows if row.goods.startswith("1006304")][:size]
    others = (
        PermitRow(f"{90_000_000 + number}", "000", "both", AgencyCode("DFT"), date(2020, 1, 1), None, number)
        for number in range(size - len(known))
    )
    rows = PermitTable.of("permits.csv", (*known, *others))
    return RoutingTables(rows, tables.routes, tables.agencies, tables.lead)


def cases(sizes: Sequence[int], folder: Path) -> tuple[dict[int, Work], dict[int, Work]]:
    """Read one case, and write a batch of new ones, in stores of so many cases."""
    reads: dict[int, Work] = {}
    writes: dict[int, Work] = {}
    for size in sizes:
        store = PartitionStore(folder / str(size))
        for start in range(0, size, 10_000):
            store.write((_change(number) for number in range(start, min(size, start + 10_000))), _CHECKPOINT)
        keys = [f"PARTY/{number:09d}" for number in range(0, size, max(1, size // 997))]
        reads[size] = _Turns([lambda store=store, key=key: store.get(key) for key in keys])  # type: ignore[misc]
        batches = range(2_000_000_000, 3_000_000_000, _BATCH)
        writes[size] = _Turns(
            [
                lambda store=store, first=first: store.write(  # type: ignore[misc]
                    (_change(number) for number in range(first, first + _BATCH)), _CHECKPOINT
                )
                for first in batches[:200]
            ]
        )
    return reads, writes


class _Turns:
    """Does one thing after the other, and begins anew at the end."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = works
        self._next = 0

    def __call__(self) -> object:
        self._next = (self._next + 1) % len(self._works)
        return self._works[self._next]()


def _change(number: int) -> Change:
    return Change(f"PARTY/{number:09d}", ON - timedelta(days=number % 900), _CONTENT)


def main() -> None:
    """Run, print the ratios, and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--full", action="store_true", help="up to 10,000,000 cases instead of 100,000")
    full = arguments.parse_args().full
    row_counts = (10, 100, 1_000, 10_000, 100_000)
    case_counts = (1_000, 10_000, 100_000, *((1_000_000, 10_000_000) if full else ()))
    with tempfile.TemporaryDirectory() as folder:
        reads, writes = cases(case_counts, Path(folder))
        taken = {
            "routing of 10 items by permit rows": fastest(permits(row_counts), _TIMES),
            "reading a case by cases": fastest(reads, _TIMES),
            f"writing {_BATCH} cases by cases": fastest(writes, 5),
        }
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "microseconds": {
            name: {str(size): round(each, 1) for size, each in found.items()} for name, found in taken.items()
        },
        "ratios": {
            f"{name}, most to fewest": round(found[max(found)] / found[min(found)], 2)
            for name, found in taken.items()
        },
    }
    for name, found in taken.items():
        print(name, {size: round(each, 1) for size, each in found.items()})
    print(result["ratios"])
    RESULT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
