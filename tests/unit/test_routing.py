"""Routing: the tables as read, what they refuse, and the decisions they lead to."""

import csv
import dataclasses
import os
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode, PartyId
from nsw.model import CanonicalFields, Format, Item, Reason
from nsw.routing import (
    AnswerFormat,
    Party,
    PermitTable,
    Route,
    RoutingTables,
    RoutingTest,
    check_tables,
    decide_agencies,
    find_party,
    lead_of,
    load_agencies,
    load_parties,
    load_permits,
    load_routes,
    load_routing_tables,
    load_routing_tests,
    run_routing_test,
)
from tools import make_permits

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "deploy" / "reference"
ROUTING_TESTS = load_routing_tests(REFERENCE / "routing_tests")
HEADER = "tariff,statistical_code,direction,agency,effective_from"
ON = date(2026, 11, 22)

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def tables() -> RoutingTables:
    """Give the tables of the reference folder."""
    return load_routing_tables(REFERENCE)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes a file of these lines."""

    def write(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write


def problems_of(load: Callable[[Path], object], path: Path) -> list[str]:
    """Give the problems that stop a load, with the folder left out."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    return [problem.replace(f"{path.parent}{os.sep}", "") for problem in caught.value.problems]


def fields(items: list[dict[str, str]] | None = None, **header: str) -> CanonicalFields:
    """Give canonical fields."""
    return CanonicalFields(header, tuple(Item(number, each) for number, each in enumerate(items or [], 1)))


def route_lines(*when: str, **changes: str) -> list[str]:
    """Give a file of one route, line by line; the conditions begin at line 8."""
    entries = {
        "id": "a",
        "agencies": "[PAT]",
        "from": "2016-01-01",
        "reason": "{en: Because., th: เพราะ}",
        "source": "our choice",
        **changes,
    }
    first, *others = [f"{key}: {value}" for key, value in entries.items()]
    return [
        "routes:",
        f"  - {first}",
        *(f"    {line}" for line in others),
        "    when:",
        *(f"      {line}" for line in when),
    ]


def routes_found(path: Path, data: CanonicalFields, *, direction: str = "export", on: date = ON) -> list[str]:
    """Give the ids of the routes that a declaration takes."""
    return [reason.route for reason in load_routes(path).reasons_for("th.x", direction, data, on)]


# The routing tests beside the tables.


@pytest.mark.parametrize("test", ROUTING_TESTS, ids=lambda test: str(test.file))
def test_the_tables_pass_the_routing_tests_beside_them(test: RoutingTest, tables: RoutingTables) -> None:
    """Every example that officers keep beside the tables holds."""
    assert run_routing_test(test, tables) == []


def test_a_routing_test_tells_agencies_and_routes_that_differ(tables: RoutingTables) -> None:
    """A failing routing test says what was expected and what the tables give."""
    test = next(test for test in ROUTING_TESTS if test.file == "explosives-by-sea.yaml")
    wrong = dataclasses.replace(
        test,
        agencies=(AgencyCode("CUSTOMS"),),
        because={AgencyCode("DID"): frozenset({"permits"}), AgencyCode("FDA"): frozenset({"permits"})},
    )
    assert run_routing_test(wrong, tables) == [
        "explosives-by-sea.yaml: expected CUSTOMS; the tables give CUSTOMS, DID, PAT",
        "explosives-by-sea.yaml: DID expected because of permits; the tables give explosives, permits",
        "explosives-by-sea.yaml: FDA expected because of permits; the tables give no reason",
    ]


def test_broken_routing_tests_are_told_all_at_once(write: Write) -> None:
    """Problems of several routing tests come in one error."""
    write("a.yaml", "name: a")
    path = write("b.yaml", "name: b", "message_type: t", "direction: out", "on:", "expect: {agencies: FDA}")
    problems = problems_of(lambda path: load_routing_tests(path.parent), path)
    assert problems == [
        "a.yaml line 1: test: 'message_type' is missing",
        "a.yaml line 1: test: 'direction' is missing",
        "a.yaml line 1: test: 'on' is missing",
        "a.yaml line 1: test: 'expect' is missing",
        "b.yaml line 3: direction: 'out' is not known; known are import, export, transit, none",
        "b.yaml line 4: on: the value is empty",
    ]


# The permit table against a naive reading of the facts.


@pytest.fixture(scope="module")
def sample() -> Path:
    """Give the sample of the permit table; in CI its absence is a failure, not a skip."""
    folder = Path(os.environ.get("NSW_CONFORMANCE_DATA", str(ROOT.parent / "shared" / "data")))
    path = folder / "thai-facts" / "permits-sample.csv"
    if not path.is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("permits-sample.csv is missing: set NSW_CONFORMANCE_DATA")
        pytest.skip("permits-sample.csv is not beside the project")
    return path


@pytest.fixture(scope="module")
def facts(sample: Path) -> list[dict[str, str]]:
    """Give the rows of the sample as they stand there."""
    with sample.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_agrees_with_a_naive_reading_of_the_permit_table(sample: Path, facts: list[dict[str, str]]) -> None:
    """For every pair of codes, both directions and all dates that matter, the index gives the table's agencies."""
    permits = load_permits(sample)
    starts = {date.fromisoformat(row["effective_from"]) for row in facts}
    days = sorted({*starts, *(day - timedelta(days=1) for day in starts), date(1990, 1, 1), ON})
    for tariff, statistical_code in sorted({(row["tariff"], row["statistical_code"]) for row in facts}):
        pair = [
            row for row in facts if (row["tariff"], row["statistical_code"]) == (tariff, statistical_code)
        ]
        for direction in ("import", "export"):
            found = [row for row in pair if row["direction"] in (direction, "both")]
            for day in days:
                expected = sorted(
                    {row["agency"] for row in found if row["effective_from"] <= day.isoformat()}
                )
                assert permits.agencies_for(tariff, statistical_code, direction, day) == tuple(expected)


def test_the_tool_makes_the_same_rows_as_the_facts(sample: Path, facts: list[dict[str, str]]) -> None:
    """The table made by the tool holds the rows of the facts, no more and no fewer, in order."""
    _, *rows = csv.reader(make_permits.make_table(sample).decode().splitlines())
    assert sorted(rows) == sorted(list(row.values()) for row in facts)
    assert all(first[:2] <= second[:2] for first, second in pairwise(rows))


def test_the_tool_says_where_the_missing_facts_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the data the tool ends with a sentence, not a traceback."""
    monkeypatch.setenv("NSW_CONFORMANCE_DATA", str(tmp_path))
    assert make_permits.main(["--check"]) == 1
    assert "name its folder in NSW_CONFORMANCE_DATA" in capsys.readouterr().err


# The permit table.


def test_both_dates_of_a_permit_row_are_inclusive(write: Write) -> None:
    """A row holds on its first and its last day, and not beside them."""
    path = write("p.csv", f"{HEADER},effective_until", "01023900,000,import,DLD,2020-02-01,2020-02-29")
    permits = load_permits(path)
    days = [date(2020, 1, 31), date(2020, 2, 1), date(2020, 2, 29), date(2020, 3, 1)]
    found = [permits.agencies_for("01023900", "000", "import", day) for day in days]
    assert found == [(), ("DLD",), ("DLD",), ()]


def test_explains_with_the_lines_of_the_file(write: Write) -> None:
    """rows_for gives every row about the goods, in force or not, with its line and dates."""
    path = write(
        "p.csv",
        HEADER,
        "01023900,000,both,DNP,2015-04-01",
        "",
        "01023900,001,both,FDA,2015-04-01",
        "01023900,000,both,DLD,2014-07-01",
        "01023900,000,import,DLD,2030-01-01",
    )
    rows = load_permits(path).rows_for("01023900", "000", "import")
    assert [(row.line, row.agency, row.effective_from.year) for row in rows] == [
        (5, "DLD", 2014),
        (6, "DLD", 2030),
        (2, "DNP", 2015),
    ]


@pytest.mark.parametrize("direction", ["none", "transit", "both", ""])
def test_no_permit_hangs_on_other_directions(direction: str, tables: RoutingTables) -> None:
    """Only imports and exports need permits."""
    row = tables.permits.rows[0]
    assert tables.permits.agencies_for(row.tariff, row.statistical_code, direction, ON) == ()


@pytest.mark.parametrize(
    ("tariff", "statistical_code", "expected"),
    [
        ("97030000", "90", ("FAD",)),
        ("970300009999", "090", ("FAD",)),
        ("9703000", "0090", ()),
        ("9703000", "090", ()),
        ("97030000", "0090", ()),
        ("", "", ()),
        ("๙๗๐๓๐๐๐๐", "090", ()),
    ],
)
def test_reads_declared_codes_of_other_lengths(
    tariff: str, statistical_code: str, expected: tuple[str, ...], tables: RoutingTables
) -> None:
    """Short statistical codes are filled with zeros, long tariff codes cut; nothing else is guessed."""
    assert tables.permits.agencies_for(tariff, statistical_code, "export", ON) == expected


def test_accepts_a_byte_order_mark(tmp_path: Path) -> None:
    """A table saved by a spreadsheet begins with a byte order mark and has other line ends."""
    path = tmp_path / "p.csv"
    path.write_bytes(f"{HEADER}\r\n01023900,000,both,DLD,2014-07-01\r\n".encode("utf-8-sig"))
    assert load_permits(path).rows[0].line == 2


def test_tells_every_problem_of_a_permit_table(write: Write) -> None:
    """Each wrong cell gives one sentence with its line, all in one error."""
    path = write(
        "p.csv",
        f"{HEADER},effective_until",
        "1023900,0,out,d,20140701,2014-7-1",
        "01023900,000,both,DLD,2014-02-30,",
        "01023900,000,both,DLD,2014-07-01,2014-06-30",
        "01023900,000,both,DLD,2015-07-01,",
        "01023900,000,both,DLD,2015-07-01,",
        "01023900,000,both",
        "๐1023900,00๐,both,DLD,2015-07-01,",
    )
    assert problems_of(load_permits, path) == [
        "p.csv line 2: tariff '1023900' is not 8 digits (a spreadsheet may have dropped leading zeros)",
        "p.csv line 2: statistical_code '0' is not 3 digits (000 where there is none)",
        "p.csv line 2: direction 'out' is not one of import, export, both",
        "p.csv line 2: agency code 'd': 2 to 32 characters of A-Z, 0-9, '-', '_', a letter first",
        "p.csv line 2: effective_from '20140701' is not a date like 2026-01-31",
        "p.csv line 2: effective_until '2014-7-1' is not a date like 2026-01-31",
        "p.csv line 3: effective_from '2014-02-30' is not a date like 2026-01-31",
        "p.csv line 4: effective_until 2014-06-30 is before effective_from 2014-07-01",
        "p.csv line 6: the same row as line 5",
        "p.csv line 7: 3 cells, but the header has 6",
        "p.csv line 8: tariff '๐1023900' is not 8 digits (a spreadsheet may have dropped leading zeros)",
        "p.csv line 8: statistical_code '00๐' is not 3 digits (000 where there is none)",
    ]


@pytest.mark.parametrize("header", ["", "tariff;statistical_code", f"{HEADER},remark"])
def test_refuses_another_header(header: str, write: Write) -> None:
    """A table with other columns is not guessed at."""
    (problem,) = problems_of(load_permits, write("p.csv", header, "01023900,000,both,DLD,2014-07-01"))
    assert problem.startswith(f"p.csv line 1: the header must be {HEADER}[,effective_until], not ")


def test_refuses_an_empty_table(tmp_path: Path) -> None:
    """A file without even a header is no table."""
    (tmp_path / "p.csv").touch()
    (problem,) = problems_of(load_permits, tmp_path / "p.csv")
    assert problem.startswith("p.csv line 1: the header must be")


def test_refuses_another_encoding(tmp_path: Path) -> None:
    """The line of the first byte that is not UTF-8 is told."""
    path = tmp_path / "p.csv"
    path.write_bytes(f"{HEADER}\n01023900,000,both,กรม,2014-07-01\n".encode("cp874"))
    assert problems_of(load_permits, path) == ["p.csv line 2: not UTF-8 text; save the file as UTF-8"]


def test_refuses_broken_quotes(write: Write) -> None:
    """Text that is not CSV gives a sentence, not a traceback."""
    (problem,) = problems_of(load_permits, write("p.csv", HEADER, '"01023900"0,000'))
    assert problem.startswith("p.csv line 2: not CSV: ")


def test_tells_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is a problem of the configuration."""
    (problem,) = problems_of(load_permits, tmp_path / "p.csv")
    assert problem == "p.csv: can't be read: No such file or directory"


# Routes.


@pytest.mark.parametrize(
    ("condition", "holding", "failing"),
    [
        ("TH", ["TH"], ["LA", "", None]),
        ("[TH, LA]", ["TH", "LA"], ["T", "", None]),
        ("present", ["TH", "present"], ["", None]),
        ("absent", ["", None], ["TH"]),
        ("[present]", ["present"], ["TH", None]),
        ("{at_least: 500000.00}", ["500000", "500000.01", "+600000"], ["499999.99", "1e9", "NaN", None]),
        ("{below: 10}", ["9.99", "-1", ".5", "5."], ["10", "10.00", "N/A", "๙", "", None]),
        ("{at_least: 1, below: 10}", ["1", "9"], ["0", "10"]),
        ("{starts_with: ['28', '29']}", ["2801", "29"], ["2", "30", None]),
        ("{starts_with: '28'}", ["2801"], ["30", None]),
        ("{not: [TH, LA]}", ["VN", "", None], ["TH", "LA"]),
        ("NO", ["NO"], ["False", "false", None]),
        ("0100", ["0100"], ["100", "64", None]),
    ],
)
def test_conditions_hold_as_they_read(
    condition: str, holding: list[str | None], failing: list[str | None], write: Write
) -> None:
    """Each kind of condition, on the declaration and on an item, takes values as they are written."""
    header = write("r.yaml", *route_lines(f"field: {condition}"))
    item = write("i.yaml", *route_lines("item:", f"  field: {condition}"))
    for values, expected in ((holding, ["a"]), (failing, [])):
        for value in values:
            found = {} if value is None else {"field": value}
            assert routes_found(header, CanonicalFields(found)) == expected
            assert routes_found(item, fields([found])) == expected


def test_all_conditions_of_one_item_must_meet_in_it(write: Write) -> None:
    """Two items that each meet half of an item's conditions are not one that meets all."""
    path = write("r.yaml", *route_lines("mode: '1'", "item:", "  un_number: present", "  origin: TH"))
    halves = [{"un_number": "1263"}, {"origin": "TH"}]
    assert routes_found(path, fields(halves, mode="1")) == []
    assert routes_found(path, fields([*halves, {"un_number": "1", "origin": "TH"}], mode="2")) == []
    routes = load_routes(path)
    data = fields([{"un_number": "1", "origin": "TH"}, *halves, {"un_number": "2", "origin": "TH"}], mode="1")
    assert [reason.items for reason in routes.reasons_for("th.x", "export", data, ON)] == [(1, 4)]


def test_a_route_is_tried_from_its_first_to_its_last_day(write: Write) -> None:
    """Both dates of a route are inclusive."""
    path = write("r.yaml", *route_lines("a: present", **{"from": "2020-02-01", "until": "2020-02-29"}))
    days = [date(2020, 1, 31), date(2020, 2, 1), date(2020, 2, 29), date(2020, 3, 1)]
    assert [routes_found(path, fields(a="1"), on=day) for day in days] == [[], ["a"], ["a"], []]


def test_routes_may_ask_for_message_type_and_direction(write: Write) -> None:
    """Message type and direction are named like fields; a route that names types is not tried for others."""
    path = write("r.yaml", *route_lines("message_type: [th.x, th.y]", "direction: [import]"))
    routes = load_routes(path)
    assert (set(routes.by_message_type), list(routes.general)) == ({"th.x", "th.y"}, [])
    assert routes_found(path, fields(), direction="import") == ["a"]
    assert routes_found(path, fields(message_type="th.x", direction="import"), direction="export") == []
    assert routes.reasons_for("th.z", "import", fields(), ON) == []


def test_routes_for_any_type_stay_in_order_beside_named_ones(write: Write) -> None:
    """A message type that some routes name still gets those that name none, or others by pattern."""
    first = route_lines("message_type: {starts_with: th.}", id="general")
    second = route_lines("message_type: th.x", id="named")[1:]
    path = write("r.yaml", *first, *second)
    assert routes_found(path, fields()) == ["general", "named"]
    assert [row.id for row in load_routes(path).general] == ["general"]


def test_names_the_canonical_fields_that_routes_use(write: Write) -> None:
    """A loader can check that every field of every condition exists in some message type."""
    path = write(
        "r.yaml", *route_lines("message_type: t", "direction: export", "mode: '1'", "item: {un: present}")
    )
    assert load_routes(path).fields_named() == {"mode", "un"}


def test_tells_every_problem_of_the_routes(write: Write) -> None:
    """Wrong entries of several routes come in one error, each with file and line."""
    path = write(
        "r.yaml",
        "routes:",
        "  - id: Sea Route",
        "    agencies: [pat, PAT, PAT]",
        "    from: 2016-13-01",
        "    reason: {en: Because.}",
        "    source:",
        "    whom: {}",
        "    when: {direction: [exprot, import], 9a: x, a: {like: x}, b: {}, c: {at_least: many}, d: []}",
        "  - id: permits",
        "    agencies: []",
        "    from: 2016-01-02",
        "    until: 2016-01-01",
        "    reason: because",
        "    source: [x]",
        "    when: {item: {direction: import, e: {below: }}}",
        "  - id: permits",
        "    id: x",
        "  - just a line",
    )
    assert problems_of(load_routes, path) == [
        "r.yaml line 2: id 'Sea Route': 1 to 64 characters of a-z, 0-9 and '-' are allowed",
        "r.yaml line 3: agencies: 'PAT' is given twice",
        "r.yaml line 3: agencies: agency code 'pat': 2 to 32 characters of A-Z, 0-9, '-', '_', a letter first",
        "r.yaml line 4: from: '2016-13-01' is not a date like 2026-01-31",
        "r.yaml line 5: reason: 'th' is missing",
        "r.yaml line 6: source: the value is empty",
        "r.yaml line 7: route: unknown key 'whom'; known are id, agencies, from, reason, source, when, until",
        "r.yaml line 8: '9a' is not a field name: a-z, 0-9 and '_', a letter first",
        "r.yaml line 8: a: unknown key 'like'; known are not, starts_with, at_least, below",
        "r.yaml line 8: b: name at least one test",
        "r.yaml line 8: c: at_least: 'many' is not a number like 500000.00",
        "r.yaml line 8: d: the list is empty",
        "r.yaml line 8: direction 'exprot' is not one of import, export, transit, none",
        "r.yaml line 9: id 'permits' is reserved",
        "r.yaml line 10: agencies: the list is empty",
        "r.yaml line 12: until 2016-01-01 is before from 2016-01-02",
        "r.yaml line 13: reason: 'key: value' lines are expected here",
        "r.yaml line 14: source: one value is expected here",
        "r.yaml line 15: 'direction' is not a field of a goods item",
        "r.yaml line 15: e: below: the value is empty",
        "r.yaml line 16: route: 'agencies' is missing",
        "r.yaml line 16: route: 'from' is missing",
        "r.yaml line 16: route: 'reason' is missing",
        "r.yaml line 16: route: 'source' is missing",
        "r.yaml line 16: route: 'when' is missing",
        "r.yaml line 17: route: 'id' is given twice",
        "r.yaml line 18: route: 'key: value' lines are expected here",
    ]


def test_a_route_id_is_given_once(write: Write) -> None:
    """The second route of a name is refused, with the line of the first."""
    path = write("r.yaml", *route_lines("a: b"), *route_lines("a: c")[1:])
    assert problems_of(load_routes, path) == ["r.yaml line 9: id 'a' is already the route of line 2"]


@pytest.mark.parametrize(
    ("when", "line", "sentence"),
    [
        ("{}", 7, "when: name at least one condition; customs gets every declaration anyway"),
        ("{item: {}}", 7, "item: name at least one condition"),
        ("{item: , a: b}", 7, "item: 'key: value' lines are expected here"),
        ("[a, b]", 7, "when: 'key: value' lines are expected here"),
    ],
)
def test_a_route_asks_for_something(when: str, line: int, sentence: str, write: Write) -> None:
    """A route without conditions would send everything to an agency: it is refused."""
    path = write("r.yaml", *route_lines()[:-1], f"    when: {when}")
    assert f"r.yaml line {line}: {sentence}" in problems_of(load_routes, path)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "r.yaml line 1: the file is empty"),
        ("routes: 1", "r.yaml line 1: routes: a list is expected here"),
        ("- 1", "r.yaml line 1: the file: 'key: value' lines are expected here"),
        ("routes: [", "r.yaml line 2: not YAML: expected the node content, but found '<stream end>'"),
        ("routes: \x07", "r.yaml line 1: not YAML: "),
        ("routes: []\nagencies: []", "r.yaml line 2: the file: unknown key 'agencies'; known are routes"),
    ],
)
def test_refuses_files_of_another_shape(content: str, problem: str, write: Write) -> None:
    """What is no list of routes gives a sentence, with the line where there is one."""
    (found,) = problems_of(load_routes, write("r.yaml", content))
    assert found.startswith(problem)


# Agencies and parties.


def test_all_agencies_are_there_and_customs_leads(tables: RoutingTables) -> None:
    """The reference folder connects all 32 agencies of the facts."""
    assert (len(tables.agencies), tables.lead, lead_of(tables.agencies)) == (32, "CUSTOMS", "CUSTOMS")


def test_the_agencies_of_the_folder_take_every_mix_of_formats(tables: RoutingTables) -> None:
    """XML, Avro and both, in either order of preference, so that every conversion happens."""
    found = {agency.formats_for("th.export-declaration") for agency in tables.agencies.values()}
    xml, avro = Format.XML, Format.AVRO
    assert found == {(xml, avro), (avro, xml), (xml,), (avro,)}


def test_the_first_entry_that_covers_a_message_type_decides(write: Write) -> None:
    """An agency may take message types in different formats, and others not at all."""
    path = write(
        "a.yaml",
        "agencies:",
        "  - code: FDA",
        "    name: {en: Food, th: อาหาร}",
        "    lead: true",
        "    accepts:",
        "      - {message_types: [th.export-declaration, uk.*], formats: avro}",
        '      - {message_types: "th.*", formats: [xml, avro], view: identity}',
    )
    agency = load_agencies(path)[AgencyCode("FDA")]
    assert agency.formats_for("th.export-declaration") == (Format.AVRO,)
    assert agency.formats_for("th.manifest") == (Format.XML, Format.AVRO)
    assert agency.formats_for("eu.manifest") == ()
    assert agency.acceptance_for("eu.manifest") is None


def test_tells_every_problem_of_the_agencies(write: Write) -> None:
    """Wrong codes, check digits, formats, views and repeated agencies come in one error."""
    path = write(
        "a.yaml",
        "agencies:",
        "  - code: FDA",
        "    name: {en: Food, th: อาหาร}",
        '    tax_id: "0994000165677"',
        "    lead: yes",
        "    accepts:",
        "      - message_types: []",
        "        formats: [xml, json, xml]",
        "        view: summary",
        "  - code: FDA",
        "    name: {en: Food, th: อาหาร}",
        "    accepts: []",
        "  - code: ../fda",
        "    name: {en: Food, th: อาหาร}",
        '    tax_id: "0-9940-00165-67-6"',
        "    accepts: [xml]",
    )
    assert problems_of(load_agencies, path) == [
        "a.yaml line 4: tax_id: '0994000165677' is not 13 digits with a right check digit",
        "a.yaml line 5: lead: 'yes' is not known; known are true, false",
        "a.yaml line 7: message_types: the list is empty",
        "a.yaml line 8: formats: 'xml' is given twice",
        "a.yaml line 8: formats: 'json' is not known; known are xml, avro",
        "a.yaml line 9: view: 'summary' is not known; known are identity",
        "a.yaml line 10: agency 'FDA' is given twice",
        "a.yaml line 13: agency code '../fda': 2 to 32 characters of A-Z, 0-9, '-', '_', a letter first",
        "a.yaml line 15: tax_id: '0-9940-00165-67-6' is not 13 digits with a right check digit",
        "a.yaml line 16: accepts: 'key: value' lines are expected here",
    ]


@pytest.mark.parametrize(("leads", "told"), [((), "none"), (("FDA", "DOF"), "FDA, DOF")])
def test_exactly_one_agency_leads(leads: tuple[str, ...], told: str, write: Write) -> None:
    """Without one lead agency nobody would get the other declarations."""
    lines = ["agencies:"]
    for code in ("FDA", "DOF"):
        lines += [f"  - code: {code}", "    name: {en: A, th: ก}", "    accepts: []"]
        lines += ["    lead: true"] if code in leads else []
    problems = problems_of(load_agencies, write("a.yaml", *lines))
    assert problems == [f"a.yaml: exactly one agency must have 'lead: true', not {told}"]


def test_lead_of_refuses_tables_without_a_lead(tables: RoutingTables) -> None:
    """Agencies put together by hand are checked as well."""
    with pytest.raises(ConfigError, match="exactly one agency must have 'lead: true', not none"):
        lead_of({code: tables.agencies[code] for code in tables.agencies if code != tables.lead})


def test_registered_parties_have_names_and_choose_the_format_of_their_answers() -> None:
    """The demonstration's traders, carriers and terminal are registered, two of them for answers in Avro."""
    parties = load_parties(REFERENCE / "parties.yaml")
    assert len(parties) == 8
    assert all(party.name_en and party.name_th and party.tax_id for party in parties.values())
    assert [party.answers for party in parties.values()].count(AnswerFormat.AVRO) == 2
    assert find_party(parties, PartyId("0205599000026")).answers is AnswerFormat.AVRO


def test_a_party_that_is_not_registered_has_the_defaults() -> None:
    """Nobody must be registered to lodge; answers come in the format that was sent."""
    party = find_party({}, PartyId("SOMEBODY"))
    assert party == Party(PartyId("SOMEBODY"), answers=AnswerFormat.AS_SENT)


def test_tells_every_problem_of_the_parties(write: Write) -> None:
    """Ids that can't be part of a topic's name, other roles and formats, and repeated parties are refused."""
    path = write(
        "p.yaml",
        "parties:",
        "  - {id: a.b, name: {en: A, th: ก}, role: agency, answers: json}",
        "  - {id: SAME, name: {en: A, th: ก}}",
        "  - {id: SAME, name: {en: A, th: ก}}",
        "  - {id: , name: {en: A, th: ก}}",
    )
    assert problems_of(load_parties, path) == [
        "p.yaml line 2: answers: 'json' is not known; known are as-sent, xml, avro",
        "p.yaml line 2: role: 'agency' is not known; known are trader",
        "p.yaml line 2: party id 'a.b': 1 to 64 characters of A-Z, a-z, 0-9, '-' and '_' are allowed",
        "p.yaml line 4: party 'SAME' is given twice",
        "p.yaml line 5: id: the value is empty",
    ]


# All tables together, and the decision.


def test_tables_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """Unknown agencies in permits and routes, and message types that nobody takes, are told with their lines."""
    folder = shutil.copytree(REFERENCE, tmp_path / "reference")
    with (folder / "permits.csv").open("a", encoding="utf-8") as stream:
        stream.write("97050010,002,both,NOBODY,2017-01-01\n")
    lines = route_lines("message_type: [uk.manifest, th.manifest]", agencies="[PAT, NOBODY]")
    (folder / "routes.yaml").write_text("\n".join(lines), encoding="utf-8")
    assert problems_of(lambda path: load_routing_tables(path.parent), folder / "permits.csv") == [
        "permits.csv line 502: agency NOBODY is not in the table of agencies",
        "routes.yaml line 2: route a: agency NOBODY is not in the table of agencies",
        "routes.yaml line 2: route a: agency PAT does not accept uk.manifest",
    ]


def test_an_agency_that_gets_declarations_accepts_some(tables: RoutingTables) -> None:
    """An agency that is named in permits but accepts nothing is a contradiction."""
    mute = dataclasses.replace(tables.agencies[AgencyCode("DOF")], accepts=())
    changed = dataclasses.replace(tables, agencies={**tables.agencies, mute.code: mute})
    assert check_tables(changed) == ["agency DOF gets declarations but accepts no message type"]


def test_the_reference_tables_do_not_contradict_each_other(tables: RoutingTables) -> None:
    """The tables of the reference folder fit together."""
    assert check_tables(tables) == []


def test_problems_of_all_tables_come_in_one_error(tmp_path: Path) -> None:
    """An operator sees the problems of all files at once."""
    names = ["permits.csv", "routes.yaml", "agencies.yaml"]
    problems = problems_of(lambda path: load_routing_tables(path.parent), tmp_path / "permits.csv")
    assert problems == [f"{name}: can't be read: No such file or directory" for name in names]


def test_a_decision_says_why_in_both_languages(tables: RoutingTables) -> None:
    """Each reason names agency, route, goods items, and the row that it comes from."""
    fish = {"tariff_code": "03035600", "statistical_code": "0"}
    data = fields([fish, {"tariff_code": "1"}, fish], mode_of_transport="1")
    (line,) = (row.line for row in tables.permits.rows_for("03035600", "000", "export"))
    decision = decide_agencies("th.export-declaration", "export", data, ON, tables)
    assert decision.agencies == ("CUSTOMS", "DOF")
    assert decision.reasons == (
        Reason(
            agency=AgencyCode("CUSTOMS"),
            route="lead-agency",
            text_en="Thai Customs Department is the lead agency: it gets every declaration.",
            text_th="กรมศุลกากรเป็นหน่วยงานหลัก ได้รับใบขนสินค้าทุกฉบับ",
        ),
        Reason(
            agency=AgencyCode("DOF"),
            route="permits",
            text_en="Tariff 03035600/000 exported on 2026-11-22 needs a permit of DOF"
            f" (permits.csv line {line}).",
            text_th="สินค้าพิกัด 03035600/000 ส่งออกวันที่ 2026-11-22 ต้องมีใบอนุญาตของ DOF"
            f" (permits.csv บรรทัดที่ {line})",
            items=(1, 3),
        ),
    )


def permit_reasons(lines: list[str], items: list[dict[str, str]], write: Write) -> list[Reason]:
    """Give the reasons of a permit table for an export of these items."""
    permits = load_permits(write("p.csv", HEADER, *lines))
    return permits.reasons_for(fields(items).items, "export", ON)


def tariff_codes(count: int) -> list[str]:
    """Give different tariff codes."""
    return [f"{number:08}" for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [19, 20])
def test_up_to_twenty_permits_of_an_agency_are_told_one_by_one(count: int, write: Write) -> None:
    """Each row has its own reason as long as an agency has no more than twenty."""
    codes = tariff_codes(count)
    lines = [f"{code},000,both,{agency},2015-01-01" for code in codes for agency in ("DFT", "DOF")]
    reasons = permit_reasons(lines, [{"tariff_code": code} for code in codes], write)
    assert len(reasons) == 2 * count
    assert all(reason.text_en.startswith("Tariff ") for reason in reasons)
    assert [reason.items for reason in reasons if reason.agency == "DOF"] == [
        (number,) for number in range(1, count + 1)
    ]


def test_further_permits_of_an_agency_are_told_in_its_last_reason(write: Write) -> None:
    """999 goods items give one agency twenty reasons; the last counts the other codes and names all their items."""
    codes = tariff_codes(333)
    lines = [f"{code},000,both,DFT,2015-01-01" for code in codes] + ["00000333,000,export,DOF,2015-01-01"]
    *told, last, other_agency = permit_reasons(lines, [{"tariff_code": code} for code in codes * 3], write)
    assert [reason.items for reason in told] == [
        (number, number + 333, number + 666) for number in range(1, 20)
    ]
    assert last == Reason(
        agency=AgencyCode("DFT"),
        route="permits",
        text_en="And 314 more tariff codes exported on 2026-11-22 need a permit of DFT (p.csv).",
        text_th="และสินค้าอีก 314 พิกัด ส่งออกวันที่ 2026-11-22 ต้องมีใบอนุญาตของ DFT (p.csv)",
        items=(*range(20, 334), *range(353, 667), *range(686, 1000)),
    )
    assert (other_agency.agency, other_agency.items) == ("DOF", (333, 666, 999))
    assert other_agency.text_en.startswith("Tariff 00000333/000 exported")


def test_a_tariff_code_with_two_rows_is_told_whole_or_among_the_further_ones(write: Write) -> None:
    """What the last reason counts are other codes than those told before, each item named once."""
    codes = tariff_codes(19)
    days = ("2015-01-01", "2016-01-01", "2017-01-01")
    lines = [f"{code},000,both,DFT,2015-01-01" for code in codes[:-1]]
    lines += [f"{codes[-1]},000,both,DFT,{day}" for day in days]
    *told, last = permit_reasons(lines, [{"tariff_code": code} for code in codes], write)
    assert [reason.items for reason in told] == [(number,) for number in range(1, 19)]
    assert last.items == (19,)
    assert last.text_en == "And 1 more tariff code exported on 2026-11-22 needs a permit of DFT (p.csv)."


def test_a_decision_over_the_whole_table_stays_readable(tables: RoutingTables) -> None:
    """With every row's goods in one declaration, each agency has at most twenty reasons, and no item is lost."""
    rows = tables.permits.rows
    data = fields([{"tariff_code": row.tariff, "statistical_code": row.statistical_code} for row in rows])
    decision = decide_agencies("th.export-declaration", "export", data, ON, tables)
    permits = [reason for reason in decision.reasons if reason.route == "permits"]
    for agency in decision.agencies:
        found = [reason for reason in permits if reason.agency == agency]
        assert len(found) <= 20
        assert {number for reason in found for number in reason.items} == {
            item.number
            for item in data.items
            if agency in tables.permits.agencies_for(item.tariff_code, item.statistical_code, "export", ON)
        }
    needed = Counter(row.agency for row in rows if row.direction != "import" and row.in_force(ON))
    summarised = {reason.agency for reason in permits if reason.text_en.startswith("And ")}
    assert summarised == {agency for agency, count in needed.items() if count > 20} != set()


def test_reasons_are_sorted_by_agency_then_route(tables: RoutingTables) -> None:
    """The order of reasons depends on neither items nor tables."""
    items = [
        {"tariff_code": "97050010", "statistical_code": "001", "un_number": "81"},
        {"tariff_code": "36020000", "statistical_code": "120"},
    ]
    data = fields(items, mode_of_transport="1")
    decision = decide_agencies("th.export-declaration", "export", data, ON, tables)
    assert [(reason.agency, reason.route) for reason in decision.reasons] == [
        ("CUSTOMS", "lead-agency"),
        ("DID", "explosives"),
        ("DID", "permits"),
        ("DMR", "permits"),
        ("DOF", "permits"),
        ("PAT", "dangerous-goods-by-sea"),
    ]


def test_the_lead_agency_gets_a_declaration_without_any_fields(tables: RoutingTables) -> None:
    """Customs gets everything, whatever the message type, direction and day."""
    decision = decide_agencies("", "", CanonicalFields({}), date.min, tables)
    assert decision.agencies == ("CUSTOMS",)


def test_each_goods_item_is_looked_up_once(tables: RoutingTables) -> None:
    """The number of look-ups is the number of items, whatever the number of rows."""
    looked_up: list[str] = []

    class Counting(dict[str, tuple[object, ...]]):
        def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
            looked_up.append(key)
            return super().get(key, default)

    many = PermitTable.of("p.csv", tables.permits.rows * 50)
    counting = dataclasses.replace(many, index={"export": Counting(many.index["export"])})  # type: ignore[dict-item]
    counted = dataclasses.replace(tables, permits=counting)
    items = [{"tariff_code": "03035600", "statistical_code": "000"}, {}, {"tariff_code": "01"}]
    decide_agencies("th.export-declaration", "export", fields(items), ON, counted)
    assert looked_up == ["03035600/000", "/000", "01/000"]


def test_routes_ask_about_each_different_value_of_the_items_once(
    tables: RoutingTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items alike in the fields that routes name are asked about together."""
    asked: list[tuple[int, ...]] = []
    original = Route.items_concerned

    def counting(route: Route, groups: list[object]) -> tuple[int, ...]:
        asked.append((len(groups),))
        return original(route, groups)  # type: ignore[arg-type]

    monkeypatch.setattr(Route, "items_concerned", counting)
    items = [{"un_number": number} for number in ("1263", "0", "1263", "0")] * 20
    tables.routes.reasons_for("th.export-declaration", "export", fields(items, mode_of_transport="1"), ON)
    assert set(asked) == {(2,)}
