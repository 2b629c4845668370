"""From turns to ratios: medians over the rounds, each ratio made within a round, and the result's file and table."""

import json
import os
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.machine import commit
from benchmarks.routing.engines import Engine
from benchmarks.routing.runs import Turn

#: What one round measured: a turn of each engine.
Round = Mapping[str, Turn]
_PEERS = {
    "nsw_vs_quix_eos": "quix",
    "nsw_vs_kafka_streams_eos": "kafka_streams",
    "nsw_vs_camel": "camel",
    "nsw_vs_faust_agent": "faust_agent",
    "nsw_vs_faust_batch": "faust_batch",
    "nsw_vs_aiokafka": "aiokafka_loop",
}
_PACKAGES = ("confluent-kafka", "lxml", "aiokafka", "faust-streaming")


def summarise(
    rounds: Sequence[Round], floors: Sequence[float], engines: Mapping[str, Engine]
) -> dict[str, Any]:
    """Give medians by engine, and the ratios with their spread."""
    names = list(rounds[0])
    return {
        "engines": {name: _engine(engines[name], [each[name] for each in rounds]) for name in names},
        "lxml_floor_cpu_microseconds": round(statistics.median(floors), 1),
        **_ratios(rounds, floors),
    }


def _engine(engine: Engine, turns: Sequence[Turn]) -> dict[str, Any]:
    rates = [each.rate for each in turns]
    return {
        "guarantee": engine.guarantee,
        "documents_per_second": round(statistics.median(rates)),
        "lowest_and_highest": [round(min(rates)), round(max(rates))],
        "cpu_microseconds": {
            process: round(statistics.median(each.cpu_microseconds[process] for each in turns), 1)
            for process in turns[0].cpu_microseconds
        },
        "documents": sum(each.documents for each in turns),
    }


def _ratios(rounds: Sequence[Round], floors: Sequence[float]) -> dict[str, Any]:
    cores = os.cpu_count() or 1
    asked: dict[str, tuple[tuple[str, ...], Callable[[Round, float], float]]] = {
        name: (("nsw_like", peer), lambda each, _, peer=peer: each["nsw_like"].rate / each[peer].rate)  # type: ignore[misc]
        for name, peer in _PEERS.items()
    }
    asked |= {
        "casework_cpu_vs_lxml_floor": (
            ("nsw_like_apart",),
            lambda each, floor: each["nsw_like_apart"].cpu_microseconds["casework"] / floor,
        ),
        "intake_cpu_vs_lxml_floor": (
            ("nsw_like_apart",),
            lambda each, floor: each["nsw_like_apart"].cpu_microseconds["intake"] / floor,
        ),
        "full_vs_like_for_like_cpu": (
            ("nsw_like", "nsw_full"),
            lambda each, _: each["nsw_full"].own_cpu_microseconds / each["nsw_like"].own_cpu_microseconds,
        ),
        "throughput_vs_core_limit": (
            ("nsw_like",),
            lambda each, _: each["nsw_like"].rate * each["nsw_like"].total_cpu_microseconds / 1e6 / cores,
        ),
    }
    found = {
        name: [make(each, floor) for each, floor in zip(rounds, floors, strict=True)]
        for name, (needed, make) in asked.items()
        if set(needed) <= rounds[0].keys()
    }
    return {
        "ratios": {name: round(statistics.median(values), 2) for name, values in found.items()},
        "ratios_lowest_and_highest": {
            name: [round(min(values), 2), round(max(values), 2)] for name, values in found.items()
        },
    }


def describe_run() -> dict[str, Any]:
    """Say when, where and with what was measured."""
    cpus = Path("/proc/cpuinfo")
    models = cpus.read_text().splitlines() if cpus.is_file() else []
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {
            "cores": os.cpu_count(),
            "cpu": next((each.partition(":")[2].strip() for each in models if "model name" in each), ""),
            "system": platform.platform(),
            "load_at_begin": [round(each, 1) for each in os.getloadavg()],
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }


def write(path: Path, result: Mapping[str, object]) -> None:
    """Write a result."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
