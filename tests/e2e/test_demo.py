"""`nsw demo` as a newcomer runs it: a real Kafka and a real worker, and everything as expected at the end."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(400)]

DECLARATIONS = 40


def run_demo(folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    """Run it with its own data folder, and give its summary and what it told meanwhile."""
    command = [sys.executable, "-m", "nsw", "demo", "--once", "--declarations", str(DECLARATIONS)]
    environment = {name: value for name, value in os.environ.items() if name != "NSW_BOOTSTRAP_SERVERS"}
    done = subprocess.run(
        [*command, "--format", "json", *options],
        env=environment | {"NSW_DATA_FOLDER": str(folder)},
        capture_output=True,
        timeout=350,
        check=False,
    )
    told = done.stderr.decode()
    assert done.returncode == 0, f"{done.stdout.decode()}\n{told}"
    return orjson.loads(done.stdout), told


def check_summary(summary: dict[str, Any]) -> None:
    """See that the numbers agree with one another."""
    assert summary["as_expected"] is True
    assert summary["differences"] == []
    assert summary["traders"] == 8
    assert summary["published"] == DECLARATIONS
    assert summary["accepted"] + summary["rejected"] + summary["dead_lettered"] == DECLARATIONS
    assert min(summary["accepted"], summary["rejected"], summary["dead_lettered"]) > 0
    assert summary["deliveries_by_agency"]["CUSTOMS"] == summary["accepted"]
    assert sum(summary["deliveries_by_agency"].values()) == summary["deliveries"] == summary["responses"]
    assert sum(summary["dead_lettered_by_code"].values()) == summary["dead_lettered"]


def test_the_demo_ends_by_itself_with_everything_as_expected(tmp_path: Path) -> None:
    """Exit 0, a summary for machines, and nothing left behind."""
    summary, _told = run_demo(tmp_path)

    check_summary(summary)
    assert summary["worker_restarts"] == 0
    assert list(tmp_path.iterdir()) == []


def test_the_counts_match_although_the_worker_is_killed_in_mid_stream(tmp_path: Path) -> None:
    """What an open transaction held is done again, and nothing is done twice."""
    summary, told = run_demo(tmp_path, "--crash", "--seed", "2")

    assert "killing the worker in mid-stream" in told
    assert summary["worker_restarts"] == 1
    check_summary(summary)
