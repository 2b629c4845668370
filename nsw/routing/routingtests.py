"""Routing tests: examples beside the tables that the tables must get right, readable by an officer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Item
from nsw.routing.conditions import DIRECTIONS
from nsw.routing.decision import decide_agencies
from nsw.routing.tables import RoutingTables
from nsw.routing.yamlfile import YamlFile


@dataclass(frozen=True, slots=True)
class RoutingTest:
    """
    An example that the tables must get right, readable by an officer.

    Attributes:
        file: name of its file.
        agencies: exactly these, sorted.
        because: for some of the agencies: exactly these routes.
    """

    file: str
    name: str
    message_type: str
    direction: str
    on: date
    data: CanonicalFields
    agencies: tuple[AgencyCode, ...]
    because: Mapping[AgencyCode, frozenset[str]]


def load_routing_tests(folder: Path) -> tuple[RoutingTest, ...]:
    """
    Read the routing tests of a folder, one from each ``*.yaml``, in the order of their file names.

    Raises:
        ConfigError: with every problem of every file.
    """
    tests: list[RoutingTest] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        file = YamlFile(path)
        try:
            tests.append(_read_routing_test(file))
            file.finish()
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return tuple(tests)


def _read_routing_test(file: YamlFile) -> RoutingTest:
    entries = file.entries(
        file.root(),
        "test",
        ("name", "message_type", "direction", "on", "expect"),
        optional=("fields", "items"),
    )
    expect = file.entries(entries.get("expect"), "expect", ("agencies",), optional=("because",))
    because = file.any_entries(expect.get("because"), "because")
    on = file.day(entries.get("on"), "on")
    items = file.nodes(entries.get("items"), "items")
    return RoutingTest(
        file=file.file.name,
        name=file.text(entries.get("name"), "name"),
        message_type=file.text(entries.get("message_type"), "message_type"),
        direction=file.one_of(entries.get("direction"), "direction", DIRECTIONS, "none"),
        on=on or date.min,  # absent: a problem is noted, the test is not run
        data=CanonicalFields(
            fields=_read_fields(file, entries.get("fields"), "fields"),
            items=tuple(
                Item(number, _read_fields(file, node, f"item {number}"))
                for number, node in enumerate(items, 1)
            ),
        ),
        agencies=file.agencies(expect.get("agencies"), "agencies"),
        because={AgencyCode(code): frozenset(file.texts(routes, code)) for code, routes in because.items()},
    )


def _read_fields(file: YamlFile, node: yaml.Node | None, what: str) -> dict[str, str]:
    entries = file.any_entries(node, what)
    return {name: file.text(value, f"{what}: {name}") for name, value in entries.items()}


def run_routing_tests(folder: Path, tables: RoutingTables) -> int:
    """
    Run all routing tests of a folder; give how many there are.

    Raises:
        ConfigError: with each difference, or every problem of the tests themselves.
    """
    tests = load_routing_tests(folder)
    problems = [problem for test in tests for problem in run_routing_test(test, tables)]
    if problems:
        raise ConfigError(*(f"{folder}: {problem}" for problem in problems))
    return len(tests)


def run_routing_test(test: RoutingTest, tables: RoutingTables) -> list[str]:
    """Run a routing test; give one sentence for each difference, none when it passes."""
    decision = decide_agencies(test.message_type, test.direction, test.data, test.on, tables)
    problems: list[str] = []
    if decision.agencies != test.agencies:
        problems.append(
            f"{test.file}: expected {', '.join(test.agencies)};"
            f" the tables give {', '.join(decision.agencies)}"
        )
    for agency, routes in sorted(test.because.items()):
        given = frozenset(reason.route for reason in decision.reasons if reason.agency == agency)
        if given != routes:
            problems.append(
                f"{test.file}: {agency} expected because of {', '.join(sorted(routes))};"
                f" the tables give {', '.join(sorted(given)) or 'no reason'}"
            )
    return problems
