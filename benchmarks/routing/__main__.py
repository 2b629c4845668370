"""
The routing path: ours, the other engines and the floor in turn, several rounds; ratios are medians of each round's.

``python -m benchmarks.routing [--quick | --full]``. Writes ``results/routing-<items>-items.json`` and prints a table.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.routing.engines import Running
from benchmarks.routing.field import build_field
from benchmarks.routing.floor import measure_floor
from benchmarks.routing.report import describe_run, summarise, write
from benchmarks.routing.runs import Bench, Turn, tell
from benchmarks.routing.stage import Stage
from benchmarks.routing.workload import Workload

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"
_FLOOR_SECONDS = 1.5


def main() -> None:
    """Run, print a table, and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="shorter turns")
    arguments.add_argument("--full", action="store_true", help="more rounds, longer turns")
    arguments.add_argument("--rounds", type=int, help="instead of 5, or 9 with --full")
    arguments.add_argument("--seconds", type=float, help="of one turn; instead of 4, or 8 with --full")
    arguments.add_argument("--items", type=int, default=3, help="goods items of a declaration")
    arguments.add_argument("--engines", default="", help="only these, by commas")
    given = arguments.parse_args()
    # So that the engines are ended with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rounds = given.rounds or (9 if given.full else 5)
    seconds = given.seconds or (8.0 if given.full else 4.0)
    path = RESULTS / f"routing-{given.items}-items.json"
    only = [each for each in given.engines.split(",") if each]
    for result in compare(given.items, rounds, seconds, only):
        # After every round, so that a run that is broken off leaves what it found.
        if not only:
            write(path, result)
        tell(_table(result))


def compare(items: int, rounds: int, seconds: float, only: list[str]) -> Iterator[dict[str, object]]:
    """Let every engine have its turn in every round; give the result so far after each."""
    described = describe_run()
    var = ROOT / "var" / "bench"
    var.mkdir(parents=True, exist_ok=True)
    workload = Workload(items)
    documents = {
        "items": items,
        "bytes": workload.mean_bytes,
        "copies": round(workload.mean_copies, 2),
    }
    with tempfile.TemporaryDirectory(dir=var) as name, Stage(Path(name)) as stage:
        field = build_field(stage, Path(name))
        bench = Bench(stage, workload, seconds)
        running = [Running(field[each], var / f"{each}.log") for each in only or field]
        taken: list[dict[str, Turn]] = []
        floors: list[float] = []
        try:
            for number in range(rounds):
                taken.append({})
                # Nobody always comes after the same neighbour.
                for each in running[number % len(running) :] + running[: number % len(running)]:
                    turn = bench.turn(each)
                    taken[-1][each.engine.name] = turn
                    tell([f"round {number + 1}: {_line(each.engine.name, turn)}"])
                floors.append(measure_floor(items, _FLOOR_SECONDS))
                tell([f"round {number + 1}: floor {floors[-1]:.0f} us"])
                yield {
                    **described,
                    "rounds": len(taken),
                    "documents": documents,
                    **summarise(taken, floors, field),
                }
        finally:
            for each in running:
                each.stop()


def _line(name: str, turn: Turn) -> str:
    spent = ", ".join(f"{process} {each:.0f} us" for process, each in turn.cpu_microseconds.items())
    return f"{name:16} {turn.documents:6} documents, {turn.rate:6.0f}/s, CPU a document: {spent}"


def _table(result: dict[str, object]) -> list[str]:
    engines, ratios = result["engines"], result["ratios"]
    assert isinstance(engines, dict)  # noqa: S101 - made above
    assert isinstance(ratios, dict)  # noqa: S101 - made above
    lines = [
        f"{name:16} {each['documents_per_second']:6}/s  {each['cpu_microseconds']}"
        for name, each in engines.items()
    ]
    return [*lines, *(f"{name:28} {each}" for name, each in ratios.items())]


if __name__ == "__main__":
    main()
