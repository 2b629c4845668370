"""
Makes the pages of ``docs/`` that repeat what the code says: codes, metrics, settings, and the rules of message types.

Nothing is written down here that the code knows; the same code gives the same bytes.

    python tools/make_docs.py           write the pages
    python tools/make_docs.py --check   write nothing; exit with 1 and name every page that differs
"""

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from nsw import telemetry
from nsw.config import OTHER_VARIABLES, Config, load_config
from nsw.errors import CATALOGUE, ConfigError, Verdict
from nsw.messagetypes import MessageType
from nsw.onboarding.rulebook import PageKind, blanked, function_table, render, rule_page
from nsw.worker import load_snapshot

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_SCH = "{http://purl.oclc.org/dsdl/schematron}"

_CODES_TEXT = """\
What the window reports has a stable code: route on it, never on the sentence. A code is never used again for another
meaning. Codes of business rules (such as `TH-EXP-001`) stand in the rule file of their message type; those of the Thai
export declaration are in [rules/th.export-declaration.md](rules/th.export-declaration.md).
"""
_METRICS_TEXT = f"""\
Each worker serves these at `/metrics`, for Prometheus. Labels come from closed sets (roles, agencies, message types,
codes); a value outside its set counts as `{telemetry.OTHER}`. What to do about a number stands in
[operate.md](operate.md#metrics-and-what-to-do).
"""
_CONFIGURATION_TEXT = """\
How a process runs is set by environment variables; some commands have an option for the same. `nsw config check` lists
every problem at once, `nsw config show` prints what is in use. An unknown variable that begins with `NSW_` is a
problem, too. Folders in this table are relative to the repository's root, except `NSW_DATA_FOLDER`, which is relative
to where the command is run.

What the window *is* (message types, permits, routes, agencies, parties) lies in reviewed files: see
[message-types.md](message-types.md) and [SOURCES.md](../deploy/reference/SOURCES.md) of the tables.
"""
_FUNCTIONS_TEXT = """\
What rules may call beside the functions of XPath 1.0 and EXSLT, in the namespace `urn:nsw:functions:1`; how rules are
written stands in [message-types.md](message-types.md#rules). All are pure: the same document, days and lists give the
same value. A date is CCYYMMDD or CCYY-MM-DD; without it, the law date is meant. Names of lists and columns are
literals. A window that lacks a list or column that a rule asks for does not start.
"""

_CODE_GROUPS = {
    "1": "1xxx: envelope and syntax",
    "2": "2xxx: schema",
    "3": "3xxx: the running of business rules",
    "4": "4xxx: routing and delivery",
    "5": "5xxx: what was lodged before",
    "9": "9xxx: the window itself",
}
_VERDICTS = {
    Verdict.ACCEPTED: "The code never rejects; it goes with a warning, or with a held delivery.",
    Verdict.REJECTED: "The document is answered with a rejection that lists every finding.",
    Verdict.DEAD_LETTER: "The record is kept unchanged in `nsw.deadletters`; a trader gets a rejection with this code.",
}
#: Variables that are no fields of ``Config``.
_OTHER_VARIABLES = {
    "NSW_CACHE_DIR": "Folder in which the jars of the embedded Kafka are kept; `~/.cache/nsw` without it.",
    "NSW_DEBUG": "With any value but 0, an error of the command line shows where in the code it arose.",
    "NSW_TEST_BOOTSTRAP_SERVERS": "Address of a Kafka that the tests use in place of the embedded one.",
}
_BOUNDS = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("pattern", "`{}`"),
)


def make_pages() -> dict[str, str]:
    """Give the text of every generated page by its path below ``docs/``."""
    pages = {
        "codes.md": _codes_page(),
        "metrics.md": _metrics_page(),
        "configuration.md": _configuration_page(),
        "rule-functions.md": _page(
            "Functions that rules may call",
            "nsw/rules/own.py",
            _FUNCTIONS_TEXT,
            render((function_table(),), PageKind.MD),
        ),
    }
    types = load_snapshot(load_config({})).catalogue.types
    for name in sorted({each.name for each in types if each.rule_catalogue}):
        versions = [each for each in types if each.name == name and each.rule_catalogue]
        pages[f"rules/{name}.md"] = _rules_page(sorted(versions, key=lambda each: each.version))
    return pages


def _page(title: str, source: str, *parts: str) -> str:
    return "\n\n".join((_head(source), f"# {title}", *(part.strip("\n") for part in parts))) + "\n"


def _head(source: str) -> str:
    return f"<!-- Generated from {source} by tools/make_docs.py; edit that, then run the tool. -->"


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(columns)
    lines = [_row(head), "|" + "---|" * len(head), *(_row(row) for row in rows)]
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _codes_page() -> str:
    verdicts = _table(("verdict", "means"), ((f"`{verdict}`", text) for verdict, text in _VERDICTS.items()))
    parts = [_CODES_TEXT, verdicts, "In the sentences, … stands for what was seen."]
    for digit, title in _CODE_GROUPS.items():
        rows = (
            (
                f"`{code}`",
                code.name.lower().replace("_", "-"),
                f"`{entry.verdict}`",
                f"`{entry.layer}`",
                blanked(entry.text_en),
                blanked(entry.text_th),
                entry.source,
            )
            for code, entry in CATALOGUE.items()
            if code.removeprefix("NSW-").startswith(digit)
        )
        parts += [
            f"## {title}",
            _table(("code", "name", "verdict", "layer", "sentence", "in Thai", "source"), rows),
        ]
    return _page("Codes", "`CATALOGUE` in nsw/errors.py", *parts)


def _metrics_page() -> str:
    rows = (
        (f"`{each.name}`", each.kind, ", ".join(f"`{label}`" for label in each.labels), each.meaning)
        for each in telemetry.CATALOGUE
    )
    return _page(
        "Metrics",
        "`CATALOGUE` in nsw/telemetry.py",
        _METRICS_TEXT,
        _table(("metric", "kind", "labels", "meaning"), rows),
        "## Buckets",
        _table(
            ("metric", "upper bounds"),
            (
                (f"`{each.name}`", ", ".join(f"{bound:g}" for bound in each.buckets))
                for each in telemetry.CATALOGUE
                if each.kind == "histogram"
            ),
        ),
    )


def _configuration_page() -> str:
    """
    Describe every setting.

    Raises:
        ConfigError: a variable of our prefix is described nowhere.
    """
    if _OTHER_VARIABLES.keys() != OTHER_VARIABLES:
        raise ConfigError(
            "tools/make_docs.py must describe exactly the variables of nsw.config.OTHER_VARIABLES"
        )
    described: Mapping[str, Any] = Config.model_json_schema()["properties"]
    rows = (
        (f"`NSW_{name.upper()}`", _default(field.default), _allowed(described[name]), field.description or "")
        for name, field in Config.model_fields.items()
    )
    return _page(
        "Configuration",
        "the fields of `Config` in nsw/config.py",
        _CONFIGURATION_TEXT,
        _table(("variable", "default", "allowed", "meaning"), rows),
        "## Other variables",
        _table(
            ("variable", "meaning"), ((f"`{name}`", text) for name, text in sorted(_OTHER_VARIABLES.items()))
        ),
    )


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        return "a published one, for development" if value.get_secret_value() else "empty"
    if isinstance(value, tuple):
        return ":".join(map(_default, value))
    if isinstance(value, Path):
        # Never a path of this machine.
        return f"`{os.path.relpath(value, ROOT) if value.is_absolute() else value}`"
    return "empty" if value in ("", None) else f"`{value}`"


def _allowed(described: Mapping[str, object]) -> str:
    return ", ".join(sentence.format(described[key]) for key, sentence in _BOUNDS if key in described)


def _rules_page(versions: Iterable[MessageType]) -> str:
    found = list(versions)
    files = ", ".join(_relative(path) for each in found for path in _rule_files(each))
    return f"{_head(files)}\n\n{render(rule_page(found), PageKind.MD)}"


def _rule_files(message_type: MessageType) -> list[Path]:
    return sorted(message_type.folder.glob("*.sch"))


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or check them; the result is the exit status."""
    parser = argparse.ArgumentParser(description="Make the generated pages of docs/.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page differs")
    check_only = parser.parse_args(arguments).check
    status = 0
    for name, text in make_pages().items():
        path = DOCS / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        if check_only:
            sys.stderr.write(f"make_docs: docs/{name} is not what the code says; run tools/make_docs.py\n")
            status = 1
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(f"docs/{name}: written")
    return status


if __name__ == "__main__":
    sys.exit(main())
