"""``python -m benchmarks.core``: what the deciding function costs beside its floor, parse and XSD with lxml alone."""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lxml import etree

from benchmarks.machine import commit
from nsw.config import load_config
from nsw.documents import encode_document
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Format, Record
from nsw.processing import judge, process
from nsw.reference import Reference
from nsw.worker import load_snapshot

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "schemas" / "th" / "export-declaration" / "1.0" / "samples" / "valid"
RESULTS = ROOT / "benchmarks" / "results"
LODGED_ON = date(2026, 11, 20)
LODGED_MS = int(datetime(2026, 11, 20, 3, tzinfo=UTC).timestamp() * 1000)
SETTINGS = LodgingSettings(
    cluster="bench", conversation_key=b"0123456789abcdef", case_partitions=6, version="bench"
)


@dataclass(frozen=True)
class Subject:
    """One thing to time: *run* does it once."""

    name: str
    run: Callable[[], object]


def case_record(value: bytes, key: bytes) -> Record:
    """Give the record of nsw.cases that intake makes of a declaration."""
    lodged = lodge(Record("nsw.inbox.BENCH", 0, 0, LODGED_MS, key, value), SETTINGS)
    return Record("nsw.cases", 0, 0, LODGED_MS, lodged.key, lodged.value, lodged.headers)


def subjects(path: Path, reference: Reference) -> list[Subject]:
    """Give the floor first, then what is compared with it; each must accept the document."""
    value = path.read_bytes()
    judged = judge(value, LODGED_ON, reference)
    document = judged.document
    if document is None or judged.verdict != "accepted":
        raise SystemExit(f"{path}: {judged.verdict}")
    schema = document.message_type.schema
    key = (judged.data.reference_number or "").encode()
    xml = case_record(value, key)
    avro = case_record(encode_document(document.message_type, document.root, Format.AVRO), key)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)

    def floor() -> bool:
        return schema.validate(etree.fromstring(value, parser))

    return [
        Subject("lxml floor", floor),
        Subject("process xml", lambda: process(xml, reference, None)),
        Subject("process avro", lambda: process(avro, reference, None)),
    ]


def cpu_microseconds(subject: Subject, times: int) -> float:
    """Time *times* runs by this process's CPU clock."""
    began = time.process_time()
    for _ in range(times):
        subject.run()
    return (time.process_time() - began) / times * 1e6


def measure(path: Path, reference: Reference, rounds: int, times: int) -> dict[str, object]:
    """Measure a document's subjects interleaved; figures are medians over the rounds."""
    found = subjects(path, reference)
    taken: dict[str, list[float]] = {each.name: [] for each in found}
    for _ in range(rounds):
        for each in found:
            taken[each.name].append(cpu_microseconds(each, times))
    median = {name: statistics.median(each) for name, each in taken.items()}
    floor = median["lxml floor"]
    return {
        "document": path.stem,
        "bytes": path.stat().st_size,
        "cpu_microseconds": {name: round(each, 1) for name, each in median.items()},
        "spread": {name: [round(min(each), 1), round(max(each), 1)] for name, each in taken.items()},
        "ratios": {
            f"{name} / floor": round(each / floor, 2) for name, each in median.items() if each is not floor
        },
    }


def main() -> None:
    """Run, print a table, and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, for a look")
    quick = arguments.parse_args().quick
    reference = load_snapshot(load_config({}))
    plan = {"small": 100, "typical": 60, "fifty": 10, "largest": 1}
    rows = [
        measure(SAMPLES / f"{name}.xml", reference, 5 if quick else 9, max(1, times // (5 if quick else 1)))
        for name, times in plan.items()
    ]
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "lxml": etree.__version__,
        },
        "rules": sum(len(each.rule_catalogue) for each in reference.catalogue.types),
        "documents": rows,
    }
    for row in rows:
        print(f"{row['document']:>10} {row['bytes']:>9} bytes  {row['cpu_microseconds']}  {row['ratios']}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "core.json").write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
