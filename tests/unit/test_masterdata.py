"""Tables and sets of them: their names by content, folders, differences, and what the topic says."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from nsw import topics
from nsw.errors import ConfigError
from nsw.masterdata import (
    Approval,
    Change,
    Ledger,
    Proposal,
    Status,
    Table,
    TableSet,
    compare_sets,
    compare_tables,
    read_rows,
    read_tables,
    table_of_file,
    write_tables,
)
from nsw.masterdata.ledger import CURRENT, publish_contents, publish_proposal, publish_set
from nsw.model import Publication, Record
from nsw.reference import Reference, build_reference, load_reference, tables_version_of
from nsw.stewards import load_newest, load_reference_of

ROOT = Path(__file__).resolve().parents[2]
HEADER = "tariff,statistical_code,direction,agency,effective_from,effective_until"
ROW = "01023900,000,both,DLD,2014-07-01,"


@pytest.fixture(scope="module")
def tables() -> TableSet:
    """Give the project's own tables."""
    return read_tables([ROOT / "schemas"], ROOT / "deploy" / "reference")


def permits(*rows: str) -> Table:
    return Table("permits", "\n".join([HEADER, *rows, ""]).encode(), {})


def code_list(*rows: str) -> Table:
    about = {
        "name": "th.ports",
        "file": "ports.csv",
        "title": {"en": "Ports", "th": "ท่า"},
        "made": "hand",
        "source": "a table",
        "licence": "facts",
        "key": ["code"],
        "columns": {"mode": "sea or air", "depth": "in metres"},
    }
    header = "code,name_en,name_th,valid_from,valid_to,mode,depth"
    return Table("codes/th.ports", "\n".join([header, *rows, ""]).encode(), about)


def yaml_table(name: str, text: str) -> Table:
    return Table(name, text.encode(), {})


def changes(old: Table | None, new: Table | None) -> list[tuple[Change, str, int | None]]:
    return [(each.change, each.row, each.line) for each in compare_tables(old, new)]


def records(publications: Sequence[Publication], first: int = 0) -> list[Record]:
    """Give the records that publications become."""
    return [
        Record(each.topic, 0, first + place, 1000 + place, each.key, each.value, each.headers)
        for place, each in enumerate(publications)
    ]


def approval(number: int, tables: TableSet, previous: str = "") -> Approval:
    return Approval(
        number=number,
        set=tables.version,
        previous=previous,
        tables=tuple(tables.tables),
        proposed_by="Somchai",
        approved_by="Malee",
        reason="a test",
    )


# Sets.


def test_a_set_is_named_by_contents_and_descriptions_wherever_it_was_kept(
    tables: TableSet, tmp_path: Path
) -> None:
    """Written into another folder and read again, it is the same set; one changed byte or column makes another."""
    write_tables(tables, tmp_path)
    again = read_tables([tmp_path], tmp_path)
    changed = tables.with_content("permits", tables.tables["permits"].content + b"\n", "")
    countries = tables.find("iso.countries")
    columns = {**countries.about, "columns": {"numeric": "x", "alpha_3": "y"}}

    assert again.version == tables.version
    assert again.differing(tables) == []
    assert changed.version != tables.version
    assert changed.differing(tables) == ["permits"]
    assert tables.with_table(replace(countries, about=columns)).differing(tables) == ["codes/iso.countries"]


def test_a_snapshot_of_a_set_is_that_of_its_folders(reference: Reference, tables: TableSet) -> None:
    """The same tables and types give the same version, which tells that of the set."""
    built = build_reference(reference.types, tables, reference.limits)

    assert built.version == reference.version
    assert built.tables == reference.tables
    assert tables_version_of(built.version) == tables.version == tables_version_of(tables.version)
    assert built.code_lists.lists == reference.code_lists.lists


def test_every_table_is_described(tables: TableSet) -> None:
    """Title in both languages, owner, source and licence, for whoever asks where a figure comes from."""
    for table in tables.tables.values():
        about = table.description
        assert all((about.title.en, about.title.th, about.owner, about.source, about.licence)), table.name


def test_a_tables_hash_is_what_sha256sum_says(tables: TableSet) -> None:
    """So an officer can check a file without us."""
    command = ["sha256sum", str(ROOT / "deploy" / "reference" / "permits.csv")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said.split()[0] == tables.tables["permits"].sha256


def test_a_file_tells_its_table_by_its_name(tables: TableSet) -> None:
    """One of an unknown name must be told."""
    assert table_of_file(tables, "permits.csv") == "permits"
    assert table_of_file(tables, "countries.csv") == "codes/iso.countries"
    with pytest.raises(ConfigError, match="which table is it"):
        table_of_file(tables, "new.csv")
    with pytest.raises(ConfigError, match="there is no table nothing"):
        tables.find("nothing")


def test_problems_of_folders_are_told_at_once(tmp_path: Path) -> None:
    """What can't be read, and descriptions that are none."""
    (tmp_path / "tables.yaml").write_text("tables: {permits: {colour: red}}\n")
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "lists.yaml").write_text("lists: []\n")
    (tmp_path / "codes" / "stray.csv").write_text("")
    with pytest.raises(ConfigError) as caught:
        read_tables([tmp_path], tmp_path)
    text = "\n".join(caught.value.problems)

    for part in ("tables.permits.colour: ", "stray.csv", "permits.csv: can't be read", "window.yaml: can't"):
        assert part in text, part


def test_a_set_that_lacks_a_table_is_refused(reference: Reference, tables: TableSet) -> None:
    """As is one whose tables contradict each other, or whose list lacks what the rules ask for."""
    few = TableSet.of(
        each for each in tables.tables.values() if each.name not in {"permits", "codes/th.units"}
    )
    with pytest.raises(ConfigError) as caught:
        build_reference(reference.types, few)

    assert caught.value.problems[0] == "the set of tables has no table 'permits'"


def test_every_problem_of_a_window_is_told_with_its_line(tmp_path: Path) -> None:
    """The window's own table is read as strictly as the others."""
    for name in ("permits.csv", "routes.yaml", "agencies.yaml", "parties.yaml"):
        (tmp_path / name).write_bytes((ROOT / "deploy" / "reference" / name).read_bytes())
    (tmp_path / "window.yaml").write_text("name: {en: A}\nsource: urn:x\ntime_zone: Mars/Olympus\nx: 1\n")
    with pytest.raises(ConfigError) as caught:
        load_reference([ROOT / "schemas"], tmp_path, {})

    assert [each.removeprefix(f"{tmp_path}/") for each in caught.value.problems] == [
        "window.yaml line 1: the file: 'country' is missing",
        "window.yaml line 1: name: 'th' is missing",
        "window.yaml line 3: time_zone: 'Mars/Olympus' is not known; one like Asia/Bangkok is expected",
        "window.yaml line 4: the file: unknown key 'x'; known are name, source, time_zone, country",
    ]


# Differences.


def test_rows_are_told_apart_by_what_names_them() -> None:
    """Added, removed, ended, changed; the order of rows, and how a file ends its lines, are no difference."""
    old = permits(ROW, "02064900,090,import,DFT,2014-01-01,", "02064900,090,both,DLD,2013-01-01,2020-12-31")
    new = permits(
        "02064900,090,both,DLD,2013-01-01,2021-12-31",
        "01023900,000,both,DLD,2014-07-01,2026-12-31",
        "99999999,000,both,DLD,2026-01-01,",
    )
    shuffled = replace(old, content=b"\r\n".join([old.content.splitlines()[each] for each in (0, 3, 1, 2)]))

    assert changes(old, new) == [
        (Change.CHANGED, "02064900 090 both DLD 2013-01-01", 2),
        (Change.ENDED, "01023900 000 both DLD 2014-07-01", 3),
        (Change.ADDED, "99999999 000 both DLD 2026-01-01", 4),
        (Change.REMOVED, "02064900 090 import DFT 2014-01-01", 3),
    ]
    assert compare_tables(old, new)[1].cells == {"effective_until": ("", "2026-12-31")}
    assert changes(old, shuffled) == []


def test_an_earlier_end_is_an_end_and_a_later_one_a_change() -> None:
    """Whatever brings a row's last day nearer is told as its end."""
    row = "BKK,Bangkok,กรุงเทพ,2026-01-01,{},air,"
    one, two = (code_list(row.format(day)) for day in ("2026-06-30", "2026-12-31"))

    assert [each.change for each in compare_tables(two, one)] == [Change.ENDED]
    assert [each.change for each in compare_tables(one, two)] == [Change.CHANGED]


def test_two_rows_of_one_name_are_both_seen() -> None:
    """Rows that differ in their last day only."""
    one = permits(ROW + "2020-12-31", ROW + "2021-12-31")

    assert changes(permits(ROW + "2020-12-31"), one) == [
        (Change.ADDED, "01023900 000 both DLD 2014-07-01 (2)", 3)
    ]


def test_entries_of_yaml_and_descriptions_are_compared_too() -> None:
    """By their ids; values with parts as JSON, every scalar as it is written."""
    old = yaml_table(
        "routes", "routes:\n  - {id: a, from: 2026-01-01, when: {to: NO}}\n  - {id: b, from: 2026-01-01}\n"
    )
    new = yaml_table(
        "routes",
        "# moved\nroutes:\n  - id: a\n    from: 2026-01-01\n    until: 2026-06-30\n    when: {to: [NO, 010]}\n",
    )
    window = yaml_table("window", "source: urn:x\nname: {en: A, th: B}\n")
    differences = compare_tables(old, new)

    assert [(each.change, each.row, each.line) for each in differences] == [
        (Change.CHANGED, "a", 3),
        (Change.REMOVED, "b", 3),
    ]
    assert differences[0].cells["when"] == ('{"to":"NO"}', '{"to":["NO","010"]}')
    turned = b"source: urn:y\nname: {th: B, en: A}\n"
    assert [row for _, row, _ in changes(window, replace(window, content=turned))] == ["source"]
    described = replace(old, about={"owner": "me"})
    assert [(each.row, each.cells) for each in compare_tables(old, described)] == [
        ("description", {"owner": ("", "me")})
    ]


def test_a_table_that_comes_or_goes_is_told_row_by_row() -> None:
    """Of two sets, only the tables that are not the same."""
    one, two = TableSet.of([permits(ROW)]), TableSet.of([permits(ROW), code_list("BKK,x,,,,air,")])

    assert {name: [each.change for each in found] for name, found in compare_sets(one, two).items()} == {
        "codes/th.ports": [Change.ADDED]
    }
    assert compare_sets(two, one)["codes/th.ports"][0].change is Change.REMOVED


def test_rows_know_the_days_on_which_they_hold() -> None:
    """Both days are inclusive, an empty one is open."""
    rows = read_rows(code_list("BKK,x,,2026-01-01,2026-06-30,air,", "LCH,y,,,,sea,12"))
    held = [[rows.in_force(each, day) for each in rows.rows] for day in (date(2026, 6, 30), date(2026, 7, 1))]

    assert held == [[True, True], [False, True]]
    assert not read_rows(yaml_table("parties", "parties:\n  - {id: A}\n")).is_dated


# What the topic says.


def test_the_ledger_gives_every_set_that_ever_counted() -> None:
    """With its contents, so that old declarations can be judged again."""
    one = TableSet.of([permits(ROW), code_list("BKK,x,,,,air,")])
    two = one.with_content("permits", permits(ROW, ROW.replace("DLD", "DOF")).content, "")
    log = records(
        [
            *publish_contents(one.tables.values()),
            *publish_set(one, approval(1, one)),
            *publish_contents([two.tables["permits"]]),
            *publish_set(two, approval(2, two, one.version)),
        ]
    )
    ledger = Ledger.of(log)

    assert ledger.current == two.version
    assert [each.set for each in ledger.history()] == [two.version, one.version]
    assert ledger.tables_of(one.version[:6]).differing(one) == []
    assert ledger.tables_of(two.version).tables["permits"].content == two.tables["permits"].content
    assert ledger.tables_of(one.version).tables["codes/th.ports"].code_list().columns["depth"] == 6
    assert ledger.problems == ()
    # Compaction keeps the latest of each key: nothing of the above is lost by it.
    latest = {each.key: each for each in log}
    assert Ledger.of(latest.values()).tables_of(one.version).version == one.version
    with pytest.raises(ConfigError, match="there is no set 'zzz'"):
        ledger.tables_of("zzz")


def test_records_that_are_not_ours_count_for_nothing() -> None:
    """And are told with their place; a content must be the one that its key names."""
    one = TableSet.of([permits(ROW)])
    good = records([*publish_contents(one.tables.values()), *publish_set(one, approval(1, one))])
    bad = [
        Record(topics.REFERENCE, 0, 90, 0, b"content/permits/" + b"0" * 64, b"x"),
        Record(topics.REFERENCE, 0, 91, 0, b"set/0123456789abcdef", b"{}"),
        Record(topics.REFERENCE, 0, 92, 0, b"proposal/1", b"[1"),
        Record(topics.REFERENCE, 0, 93, 0, b"approval/9", b'{"number": 9}'),
        Record(topics.REFERENCE, 0, 94, 0, None, None),
        Record(topics.REFERENCE, 0, 95, 0, b"\xff", b""),
    ]
    ledger = Ledger.of([*good, *bad])

    assert ledger.tables_of(ledger.current).version == one.version
    assert len(ledger.problems) == len(bad)
    assert ledger.problems[0].startswith("nsw.reference offset 90, key 'content/permits/000")
    missing = Ledger.of(good[1:])
    with pytest.raises(ConfigError, match=r"the content .* of permits is not in nsw.reference"):
        missing.tables_of(missing.current)


def test_a_proposal_keeps_what_became_of_it() -> None:
    """The latest record of it counts, with the broker's time."""
    proposal = Proposal(number=1, table="permits", sha256="0" * 64, by="Somchai", reason="x")
    rejected = proposal.model_copy(update={"status": Status.REJECTED, "decided_by": "Malee"})
    ledger = Ledger.of(records([publish_proposal(proposal), publish_proposal(rejected)]))

    assert ledger.proposals == {1: rejected.model_copy(update={"at_ms": 1001})}


def test_the_newest_set_that_loads_judges(reference: Reference, tables: TableSet) -> None:
    """Why the one that counts does not is told, all of it."""
    bad = tables.with_content("permits", f"{HEADER}\n1,2,3,4,5,6\n".encode(), "")
    log = records(
        [
            *publish_contents([*tables.tables.values(), bad.tables["permits"]]),
            *publish_set(tables, approval(1, tables)),
            *publish_set(bad, approval(2, bad, tables.version)),
        ]
    )
    ledger = Ledger.of(log)
    newest, refused = load_newest(ledger, reference.types, reference.limits)

    assert newest.version == reference.version
    assert len(refused) == 6
    assert refused[0].startswith(f"set {bad.version}: permits.csv line 2: tariff '1' is not 8 digits")
    assert load_reference_of(reference.version, ledger, reference.types).tables == reference.tables
    with pytest.raises(ConfigError, match="is not 8 digits"):
        load_reference_of(f"{reference.types.version}-{bad.version}", ledger, reference.types)
    with pytest.raises(ConfigError, match="holds no tables yet"):
        load_newest(Ledger(), reference.types)
    only_bad = Ledger.of([each for each in log if each.key != f"set/{tables.version}".encode()])
    with pytest.raises(ConfigError, match="is not 8 digits"):
        load_newest(only_bad, reference.types)


def test_what_counts_is_the_last_word_about_it() -> None:
    """One key, so that compaction keeps it."""
    one = TableSet.of([permits(ROW)])
    keys = [each.key for each in publish_set(one, approval(1, one))]

    assert keys == [f"set/{one.version}".encode(), b"approval/1", CURRENT]


def test_a_word_about_nothing_leaves_the_last_set_that_can_be_read() -> None:
    """So that officers can go on from there."""
    one = TableSet.of([permits(ROW)])
    log = records([*publish_contents(one.tables.values()), *publish_set(one, approval(1, one))])
    ledger = Ledger.of([*log, Record(topics.REFERENCE, 0, 9, 0, CURRENT, b"nonsense")])

    assert ledger.newest().version == one.version
    with pytest.raises(ConfigError, match="there is no set 'nonsense'"):
        Ledger.of([log[0], Record(topics.REFERENCE, 0, 9, 0, CURRENT, b"nonsense")]).newest()
    with pytest.raises(ConfigError, match="holds no tables yet"):
        Ledger().newest()
