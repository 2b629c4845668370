"""
Makes ``deploy/reference/permits.csv`` from the permit table among the facts of the Thai single window.

It sorts the rows and refuses what ``nsw.routing`` would refuse; the same input gives the same bytes.

    python tools/make_permits.py           write the table
    python tools/make_permits.py --check   write nothing; exit with 1 when the table differs
"""

import argparse
import csv
import io
import os
import sys
from operator import attrgetter
from pathlib import Path

from nsw.errors import ConfigError
from nsw.routing import load_permits

ROOT = Path(__file__).resolve().parent.parent
PERMITS = ROOT / "deploy" / "reference" / "permits.csv"
COLUMNS = ("tariff", "statistical_code", "direction", "agency", "effective_from")


def facts_folder() -> Path:
    """Find the folder of the Thai facts: beside the project unless NSW_CONFORMANCE_DATA says otherwise."""
    return Path(os.environ.get("NSW_CONFORMANCE_DATA", str(ROOT.parent / "shared" / "data"))) / "thai-facts"


def make_table(sample: Path) -> bytes:
    """
    Give the whole table: header, then rows by tariff, statistical code, agency, direction and date.

    Raises:
        ConfigError: the facts can't be read or hold a row that a permit table can't.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    in_order = attrgetter("tariff", "statistical_code", "agency", "direction", "effective_from")
    writer.writerows(
        (row.tariff, row.statistical_code, row.direction, row.agency, row.effective_from.isoformat())
        for row in sorted(load_permits(sample).rows, key=in_order)
    )
    return stream.getvalue().encode()


def main(arguments: list[str] | None = None) -> int:
    """Write the table, or check it; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Make deploy/reference/permits.csv.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the table differs")
    check_only = parser.parse_args(arguments).check
    facts = facts_folder()
    if not facts.is_dir():
        sys.stderr.write(
            f"make_permits: there is no folder {facts} with the facts of the Thai single window;\n"
            "put the data beside the project (../shared/data), or name its folder in NSW_CONFORMANCE_DATA\n"
        )
        return 1
    try:
        content = make_table(facts / "permits-sample.csv")
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if not check_only:
        PERMITS.write_bytes(content)
    elif not PERMITS.is_file() or PERMITS.read_bytes() != content:
        sys.stderr.write("permits.csv: differs from what the facts give; run python tools/make_permits.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
