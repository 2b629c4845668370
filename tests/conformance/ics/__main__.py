"""
Translates HMRC's JSON rules into a message type.

The XSD is referred to, not copied. OUT_DIR then serves ``nsw validate --schemas OUT_DIR FILE…``.
"""

import argparse
import os
import sys
from pathlib import Path

from tests.conformance.ics.folder import RulesError, find_rule_files, write_message_type


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give its exit code: 1 when a rule can't be translated."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.ics", description=__doc__)
    parser.add_argument("rules", type=Path, metavar="RULES_DIR", help="folder of the JSON files")
    parser.add_argument("xsd", metavar="XSD", help="its path; may begin with ${NSW_CONFORMANCE_DATA}")
    parser.add_argument(
        "out", type=Path, metavar="OUT_DIR", help="folder of the message type, outside the project"
    )
    parser.add_argument("--root", required=True, metavar="{NS}NAME", help="the documents' root element")
    parser.add_argument("--include", action="append", default=[], metavar="GLOB", help="names of rule files")
    parser.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="names to leave out")
    given = parser.parse_args(arguments)
    if not given.rules.is_dir():
        parser.error(f"{given.rules} is no folder")
    files = find_rule_files(given.rules, given.include, given.exclude)
    try:
        summary = write_message_type(files, given.xsd, given.out, given.root, dict(os.environ))
    except RulesError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return 1
    for path in summary.unknown:
        sys.stderr.write(f"note: the XSD has no {path}\n")
    counts = f"{summary.files} files, {summary.asserts} asserts, {summary.codes} codes"
    sys.stdout.write(f"{given.out}: {counts}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
