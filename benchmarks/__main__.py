"""
``make bench``: the deciding function beside its floor, what must stay flat, the routing path beside other engines.

``--quick`` takes a quarter of an hour at most on a machine that does nothing else; ``--full`` repeats more, and adds
larger declarations.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run one program after the other, each in a process of its own."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="shorter turns")
    arguments.add_argument(
        "--full", action="store_true", help="more rounds, longer turns, larger declarations"
    )
    given = arguments.parse_args()
    routing = ["benchmarks.routing", *(["--full"] if given.full else [])]
    programs = [
        ["benchmarks.core", *(["--quick"] if given.quick else [])],
        ["benchmarks.growth", *(["--full"] if given.full else [])],
        [*routing, "--items", "3"],
        *([[*routing, "--items", items] for items in ("10", "50")] if given.full else []),
        ["benchmarks.routing.plot"],
    ]
    for program in programs:
        subprocess.run([sys.executable, "-m", *program], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
