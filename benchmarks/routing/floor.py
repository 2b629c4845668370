"""
The floor: parse and XSD of the same documents with lxml alone, in a tight loop; prints the CPU time of a document.

A process of its own for each turn, as the engines are: ``python -m benchmarks.routing.floor ITEMS SECONDS``.
"""

import subprocess
import sys
import time
from pathlib import Path

from lxml import etree

from benchmarks.routing.workload import Workload

ROOT = Path(__file__).resolve().parent.parent.parent
XSD = ROOT / "schemas" / "th" / "export-declaration" / "1.0" / "message.xsd"
_DOCUMENTS = 500


def measure_floor(items: int, seconds: float) -> float:
    """Give the CPU microseconds of one document, measured in a new process."""
    command = [sys.executable, "-m", "benchmarks.routing.floor", str(items), str(seconds)]
    return float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def _run(items: int, seconds: float) -> float:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, collect_ids=False)
    schema = etree.XMLSchema(etree.parse(XSD))
    workload = Workload(items)
    documents = [workload.document(number) for number in range(_DOCUMENTS)]
    done, began, until = 0, time.process_time(), time.monotonic() + seconds
    while time.monotonic() < until:
        for each in documents:
            if not schema.validate(etree.fromstring(each, parser)):
                raise SystemExit("a document of the workload breaks its schema")
        done += len(documents)
    return (time.process_time() - began) / done * 1e6


if __name__ == "__main__":
    print(_run(int(sys.argv[1]), float(sys.argv[2])))
