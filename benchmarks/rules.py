"""
What the rules of a type cost beside their floor, parse and XSD with lxml alone; and how that grows.

``python -m benchmarks.rules [--quick]`` prints the ratios, and writes ``results/rules.json``. The entry summary
declarations of HMRC, with its 188 asserts translated, are measured where the conformance data lie beside the project or
where ``NSW_CONFORMANCE_DATA`` says.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from lxml import etree

from benchmarks.machine import commit
from nsw.codelists import CodeLists, load_code_lists
from nsw.rules import RuleContext, RuleReport, RuleSet, load_rule_set

ROOT = Path(__file__).resolve().parent.parent
TYPE = ROOT / "schemas" / "th" / "export-declaration" / "1.0"
RESULT = ROOT / "benchmarks" / "results" / "rules.json"
LODGED_ON = date(2026, 11, 20)
ICS_LODGED_ON = date(2026, 6, 1)
SMALL_BYTES = 100_000
DATA = Path(os.environ.get("NSW_CONFORMANCE_DATA", ROOT.parent / "shared" / "data"))
ITEM = "{urn:nsw:th:export-declaration:1}GoodsItem"
PARSER = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, collect_ids=False)
NAMES = [f"f{number}" for number in range(40)]

Work = Callable[[], object]


def cpu_microseconds(work: Work, times: int) -> float:
    """Time one run by this process's CPU clock, as the mean of *times* runs."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e6


def medians(subjects: Mapping[str, Work], rounds: int, seconds: float) -> dict[str, float]:
    """Measure subjects in turn, *rounds* times, about *seconds* for each; give the medians."""
    times = {name: max(1, int(seconds * 1e6 / cpu_microseconds(work, 1))) for name, work in subjects.items()}
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, work in subjects.items():
            taken[name].append(cpu_microseconds(work, times[name]))
    return {name: statistics.median(each) for name, each in taken.items()}


def measure(
    value: bytes, schema: etree.XMLSchema, rules: RuleSet, context: RuleContext, plan: "Plan"
) -> dict[str, float]:
    """
    Give the ratio of the rules to parse and XSD of the same document.

    Each judging has a tree of its own, as it has in a window: lxml would else find the objects that it made before.
    """
    taken = medians(
        {
            "parse": lambda: etree.fromstring(value, PARSER),
            "parse and XSD": lambda: schema.validate(etree.fromstring(value, PARSER)),
            "parse and rules": lambda: rules.check(etree.fromstring(value, PARSER), context),
        },
        *plan,
    )
    judged = taken["parse and rules"] - taken["parse"]
    return {
        "bytes": len(value),
        "parse and XSD, us": round(taken["parse and XSD"], 1),
        "rules, us": round(judged, 1),
        "ratio": round(judged / taken["parse and XSD"], 2),
    }


Plan = tuple[int, float]
"""Rounds, and seconds for each subject in a round."""


def entry_summaries(data: Path, rounds: int) -> dict[str, dict[str, float]]:
    """
    Judge all entry summary declarations that the XSD accepts.

    Each is parsed, validated and judged as in a window, one after the other; the sums over all documents are compared.
    """
    from tests.conformance.sets import write_ics  # noqa: PLC0415 - only where there are data

    cases = data / "hmrc-ics-ens" / "cases"
    schema = etree.XMLSchema(etree.parse(data / "hmrc-ics-ens" / "xsd" / "CC315A-v11-2.xsd"))
    with tempfile.TemporaryDirectory() as folder:
        rules = load_rule_set(write_ics(data, Path(folder) / "ics") / "rules.sch")
    documents = [
        value for path in sorted(cases.glob("*/*.xml")) if _is_valid(value := path.read_bytes(), schema)
    ]
    small = [value for value in documents if len(value) < SMALL_BYTES]
    groups = {
        "below 100 kB": small,
        **{f"{len(each) // 1000} kB": [each] * 20 for each in _some_larger(documents)},
    }
    return {name: _summed(group, schema, rules, rounds) for name, group in groups.items()}


def _is_valid(value: bytes, schema: etree.XMLSchema) -> bool:
    try:
        return schema.validate(etree.fromstring(value, PARSER))
    except etree.XMLSyntaxError:
        return False


def _some_larger(documents: list[bytes]) -> list[bytes]:
    """Give one document of each size, in steps of 100 kB."""
    by_size = {len(value) // SMALL_BYTES: value for value in documents if len(value) >= SMALL_BYTES}
    return [by_size[size] for size in sorted(by_size)]


def _summed(documents: list[bytes], schema: etree.XMLSchema, rules: RuleSet, rounds: int) -> dict[str, float]:
    context = RuleContext(ICS_LODGED_ON, CodeLists())
    taken = []
    for _ in range(rounds + 1):
        floor = judged = 0
        for value in documents:
            began = time.thread_time_ns()
            tree = etree.fromstring(value, PARSER)
            schema.validate(tree)
            middle = time.thread_time_ns()
            rules.check(tree, context)
            floor += middle - began
            judged += time.thread_time_ns() - middle
        taken.append((floor, judged))
    floors, judgings = ([each[side] for each in taken[1:]] for side in (0, 1))
    return {
        "documents": len(documents),
        "asserts": len(rules.catalogue),
        "bytes, median": statistics.median(map(len, documents)),
        "parse and XSD, us": round(statistics.median(floors) / len(documents) / 1e3, 1),
        "rules, us": round(statistics.median(judgings) / len(documents) / 1e3, 1),
        "ratio": round(statistics.median(judged / floor for floor, judged in taken[1:]), 2),
    }


def with_items(count: int) -> bytes:
    """Give the typical declaration with so many copies of its first item."""
    root = etree.parse(TYPE / "samples" / "valid" / "typical.xml", PARSER).getroot()
    first, *others = root.findall(ITEM)
    for each in others:
        root.remove(each)
    for number in range(count, 1, -1):
        copy = deepcopy(first)
        copy[0].text = str(number)
        first.addnext(copy)
    return etree.tostring(root)


def generated_rules(count: int) -> str:
    """Give so many rules of one assert: some on elements that are there, some on absent ones, as in a large type."""
    tests = [
        "string-length(.) &lt; 9",
        "../f1 = 'x' or not(. = 'y')",
        "number(.) >= 0 or . = 'v'",
        "../f2 or ../f3",
    ]
    rules = "".join(
        f'<sch:pattern><sch:rule context="/doc/item/{"fg"[number % 2]}{number % len(NAMES)}">'
        f'<sch:assert id="R{number}" test="{tests[number % len(tests)]}"/></sch:rule></sch:pattern>'
        for number in range(count)
    )
    return f'<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron">{rules}</sch:schema>'


def growth_with_rules(plan: Plan) -> dict[str, dict[str, float]]:
    """Judge a generated document of 5 items by 10 to 1,000 generated rules."""
    item = "".join(f"<{name}>v</{name}>" for name in NAMES)
    root = etree.fromstring(f"<doc>{f'<item>{item}</item>' * 5}</doc>")
    context = RuleContext(LODGED_ON, CodeLists())
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.sch"
        for count in (10, 30, 100, 300, 1000):
            path.write_text(generated_rules(count), "utf-8")
            began = time.process_time()
            rules = load_rule_set(path)
            loaded = time.process_time() - began
            subjects: dict[str, Work] = {
                "rules": partial(_judge_copy, root, rules, context),
                "copy": partial(deepcopy, root),
            }
            taken = medians(subjects, *plan)
            judged = taken["rules"] - taken["copy"]
            found[str(count)] = {
                "us": round(judged, 1),
                "us per rule": round(judged / count, 2),
                "loading, ms": round(loaded * 1e3, 1),
            }
    return found


def _judge_copy(root: etree._Element, rules: RuleSet, context: RuleContext) -> RuleReport:
    return rules.check(deepcopy(root), context)


def main() -> None:
    """Run, print a table, and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer rounds, for a look")
    plan: Plan = (3, 0.05) if arguments.parse_args().quick else (9, 0.25)
    rules = load_rule_set(TYPE / "rules.sch")
    schema = etree.XMLSchema(etree.parse(TYPE / "message.xsd"))
    context = RuleContext(LODGED_ON, load_code_lists(ROOT / "schemas" / "th" / "codes"))
    samples = {
        name: measure((TYPE / "samples" / "valid" / f"{name}.xml").read_bytes(), schema, rules, context, plan)
        for name in ("small", "typical", "fifty", "largest")
    }
    items = {
        str(count): measure(with_items(count), schema, rules, context, plan)
        for count in (1, 10, 100, 300, 999)
    }
    result = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": {"python": platform.python_version(), "lxml": etree.__version__},
        "asserts": len(rules.catalogue),
        "fallbacks": dict(rules.fallbacks),
        "entry summaries": entry_summaries(DATA, plan[0]) if DATA.is_dir() else {},
        "samples": samples,
        "items": items,
        "rules": growth_with_rules(plan),
    }
    for title in ("entry summaries", "samples", "items", "rules"):
        print(title)
        for name, row in result[title].items():  # type: ignore[attr-defined]
            print(f"{name:>10}  " + "  ".join(f"{key} {figure:>10}" for key, figure in row.items()))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
