"""
Decides whether a window kept its promises about all that was sent to it; shares no code with the window.

    python -m tests.chaos.checker --bootstrap-servers HOST:PORT FOLDER

FOLDER holds what ``tests.chaos`` left of a run: ``*.jsonl`` of the ledger, and ``run.json``. Prints each anomaly with
its place, the longest silence of each agency, and one JSON line; exits with 1 on an anomaly, or when nothing was sent.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.chaos.findings import KINDS, Report
from tests.chaos.judging import judge
from tests.chaos.ledger import Ledger, read_ledger
from tests.chaos.reading import Log, read_log

_MOST_SHOWN = 200


def check(log: Log, ledger: Ledger) -> Report:
    """Judge a log by its ledger."""
    return judge(log, ledger)


def check_cluster(bootstrap_servers: str, folder: Path, isolation_level: str = "read_committed") -> Report:
    """Read everything from a cluster, and judge it."""
    ledger = read_ledger(_lines(folder))
    return check(read_log(bootstrap_servers, isolation_level), ledger)


def describe(report: Report) -> Iterator[str]:
    """Say what was found, for people."""
    for anomaly in report.anomalies[:_MOST_SHOWN]:
        yield str(anomaly)
    if len(report.anomalies) > _MOST_SHOWN:
        yield f"... and {len(report.anomalies) - _MOST_SHOWN} more"
    for note in report.notes:
        yield f"note: {note}"
    yield "counted: " + ", ".join(f"{name} {count}" for name, count in sorted(report.counts.items()))
    if report.silence_by_agency:
        agency, seconds = max(report.silence_by_agency.items(), key=lambda each: each[1])
        yield f"longest silence: {seconds:.1f} s, of {agency}"
        yield "silences: " + ", ".join(
            f"{name} {each:.1f}" for name, each in report.silence_by_agency.items()
        )


def result_line(report: Report, run: dict[str, int]) -> str:
    """Give the one line for programs."""
    line = {name: run.get(name, 0) for name in ("seed", "kills", "rebalances")}
    line["published"] = report.counts["published"]
    return json.dumps(line | {kind: report.count(kind) for kind in KINDS})


def _lines(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            yield from lines


def main() -> int:
    """Check what the command line names; give the exit code."""
    parser = argparse.ArgumentParser(prog="tests.chaos.checker", description="Check a finished run.")
    parser.add_argument("--bootstrap-servers", required=True, metavar="HOST:PORT")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    report = check_cluster(given.bootstrap_servers, given.folder)
    run_file = given.folder / "run.json"
    run = json.loads(run_file.read_text(encoding="utf-8")) if run_file.is_file() else {}
    for line in describe(report):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{result_line(report, run)}\n")
    return int(bool(report.anomalies) or not report.counts["published"])


if __name__ == "__main__":
    sys.exit(main())
