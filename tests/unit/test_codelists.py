"""Code lists: what they answer, and what their loader refuses."""

from datetime import date
from pathlib import Path

import pytest

from nsw.codelists import CodeLists, load_code_lists, merge
from nsw.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
HEADER = "code,name_en,name_th,valid_from,valid_to"
DAY = date(2026, 6, 1)


def entry(name: str = "th.ports", file: str = "ports.csv", **changes: str) -> str:
    """Give one entry of lists.yaml."""
    fields = {
        "title": "{en: Ports, th: ท่า}",
        "made": "hand",
        "source": "a table",
        "licence": "facts",
        "key": "[code]",
        "columns": "{mode: sea or air}",
        **changes,
    }
    return "\n".join(
        [f"  - name: {name}", f"    file: {file}", *(f"    {k}: {v}" for k, v in fields.items() if v)]
    )


def folder_of(tmp_path: Path, *rows: str, index: str | None = None, header: str = f"{HEADER},mode") -> Path:
    """Write a folder with one list of these rows."""
    (tmp_path / "lists.yaml").write_text("lists:\n" + (index or entry()), "utf-8")
    (tmp_path / "ports.csv").write_text("\n".join([header, *rows, ""]), "utf-8")
    return tmp_path


def lists_of(tmp_path: Path, *rows: str) -> CodeLists:
    """Load one list of these rows."""
    return load_code_lists(folder_of(tmp_path, *rows))


def problems_of(folder: Path) -> list[str]:
    """Give the problems of a folder, without the folder's own name."""
    with pytest.raises(ConfigError) as caught:
        load_code_lists(folder)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_code_is_in_its_list_on_both_its_first_and_its_last_day(tmp_path: Path) -> None:
    """Both dates of a row are inclusive."""
    lists = lists_of(tmp_path, "BKK,Bangkok,กรุงเทพ,2026-01-01,2026-12-31,air")

    days = [date(2025, 12, 31), date(2026, 1, 1), date(2026, 12, 31), date(2027, 1, 1)]

    assert [lists.contains("th.ports", "BKK", day) for day in days] == [False, True, True, False]


def test_an_empty_date_is_open(tmp_path: Path) -> None:
    """A row without dates holds on every day there is."""
    lists = lists_of(tmp_path, "BKK,Bangkok,กรุงเทพ,,,air")

    assert lists.contains("th.ports", "BKK", date.min)
    assert lists.contains("th.ports", "BKK", date.max)


def test_a_code_is_taken_as_it_stands(tmp_path: Path) -> None:
    """Neither case nor zeros nor spaces are evened out."""
    lists = lists_of(tmp_path, "0Ab,x,,,,air")

    assert [lists.contains("th.ports", code, DAY) for code in ("0Ab", "0ab", "Ab", "0Ab ", "")] == [
        True,
        False,
        False,
        False,
        False,
    ]


def test_the_row_of_the_day_gives_the_value(tmp_path: Path) -> None:
    """A code may have several rows, one for each time."""
    lists = lists_of(tmp_path, "BKK,New,,2026-01-01,,air", "BKK,Old,,,2025-12-31,sea")

    assert lists.value("th.ports", "BKK", "mode", date(2025, 12, 31)) == "sea"
    assert lists.value("th.ports", "BKK", "name_en", date(2026, 1, 1)) == "New"


def test_an_empty_cell_is_not_a_missing_code(tmp_path: Path) -> None:
    """An empty cell gives '', a code that is not in the list gives None."""
    lists = lists_of(tmp_path, "BKK,Bangkok,,,,")

    assert lists.value("th.ports", "BKK", "mode", DAY) == ""
    assert lists.value("th.ports", "DMK", "mode", DAY) is None


@pytest.mark.parametrize("column", ["mode", "nothing"])
def test_an_unknown_list_or_column_is_an_error(tmp_path: Path, column: str) -> None:
    """Asking for what no folder defines is never answered with "not in the list"."""
    lists = lists_of(tmp_path, "BKK,Bangkok,,,,air")

    with pytest.raises(KeyError):
        lists.value("th.ports" if column == "nothing" else "no.list", "BKK", column, DAY)


def test_contains_refuses_an_unknown_list(tmp_path: Path) -> None:
    """A list that nobody defined holds no answer."""
    with pytest.raises(KeyError):
        lists_of(tmp_path).contains("no.list", "BKK", DAY)


def test_cells_may_be_quoted_and_hold_line_breaks(tmp_path: Path) -> None:
    """CSV quoting is understood, and a line break inside a cell belongs to it."""
    lists = lists_of(tmp_path, '"BKK","Bangkok, city\nof angels",,,,"air"')

    assert lists.value("th.ports", "BKK", "name_en", DAY) == "Bangkok, city\nof angels"


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    """Spreadsheets write one; it is passed over."""
    folder = folder_of(tmp_path, "BKK,Bangkok,,,,air")
    (folder / "ports.csv").write_bytes(b"\xef\xbb\xbf" + (folder / "ports.csv").read_bytes())

    assert load_code_lists(folder).names == ("th.ports",)


def test_content_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    """What a digest is taken from is the same for the same rows, in any order."""
    rows = ["A,a,,,,air", "B,b,,2026-01-01,,sea", "B,b,,,2025-12-31,sea"]
    first = lists_of(tmp_path, *rows).content

    assert lists_of(tmp_path, *reversed(rows)).content == first


@pytest.mark.parametrize("row", ["A,a,,,,sea", "A,a,,2026-01-01,,air", "B,a,,,,air"])
def test_content_changes_with_every_cell(tmp_path: Path, row: str) -> None:
    """Another code, day or text is another content."""
    first = lists_of(tmp_path, "A,a,,,,air").content

    assert lists_of(tmp_path, row).content != first


def test_merge_joins_folders(tmp_path: Path) -> None:
    """The lists of several folders are one set."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    parts = [
        load_code_lists(folder_of(one, "A,a,,,,air")),
        load_code_lists(folder_of(two, "B,b,,,,air", index=entry("un.ports"))),
    ]

    assert merge(*parts).names == ("th.ports", "un.ports")
    assert merge() == CodeLists()


def test_merge_refuses_one_name_from_two_folders(tmp_path: Path) -> None:
    """Nobody could tell which of the two a rule means."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()

    with pytest.raises(ConfigError) as caught:
        merge(load_code_lists(folder_of(one)), load_code_lists(folder_of(two)))

    assert caught.value.problems == (f"{two}/ports.csv: the list 'th.ports' is also in {one}/ports.csv",)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["A,a,,,air"], "ports.csv:2: 5 cells stand where 6 are expected"),
        (["A,a,,,,air", ",b,,,,air"], "ports.csv:3: the code '' is empty or has white space around it"),
        ([" A,a,,,,air"], "ports.csv:2: the code ' A' is empty or has white space around it"),
        (["A,a,,2026-1-1,,air"], "ports.csv:2: '2026-1-1' is no date of the form 2026-01-31"),
        (["A,a,,20260101,,air"], "ports.csv:2: '20260101' is no date of the form 2026-01-31"),
        (["A,a,,,2026-02-30,air"], "ports.csv:2: '2026-02-30' is no date of the form 2026-01-31"),
        (["A,a,,2026-01-02,2026-01-01,air"], "ports.csv:2: the code 'A' ends before it begins"),
        (['"A,a,,,,air'], "ports.csv:2: no CSV: unexpected end of data"),
    ],
)
def test_a_broken_row_is_refused_with_its_line(tmp_path: Path, rows: list[str], problem: str) -> None:
    """Each row is checked, and its line is told."""
    assert problems_of(folder_of(tmp_path, *rows)) == [problem]


@pytest.mark.parametrize(
    ("first", "second"),
    [(",", ","), ("2026-01-01,", ",2026-01-01"), ("2026-01-01,2026-12-31", "2026-06-01,2026-06-02")],
)
def test_overlapping_rows_of_a_code_are_refused(tmp_path: Path, first: str, second: str) -> None:
    """On no day may two rows of a code hold."""
    folder = folder_of(tmp_path, f"A,a,,{first},air", f"A,b,,{second},air")

    assert problems_of(folder) == ["ports.csv:3: the code 'A' has another row for some of these days"]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Whoever repairs a folder sees all there is to repair."""
    folder = folder_of(tmp_path, "A,a,,x,y,air", "B", index=entry() + "\n" + entry("th.gone", "gone.csv"))

    assert problems_of(folder) == [
        "ports.csv:2: 'x' is no date of the form 2026-01-31",
        "ports.csv:2: 'y' is no date of the form 2026-01-31",
        "ports.csv:3: 1 cells stand where 6 are expected",
        "gone.csv: the file can't be read: No such file or directory",
    ]


def test_the_header_must_be_the_declared_columns(tmp_path: Path) -> None:
    """Columns are fixed by the index, so that a moved one is noticed."""
    assert problems_of(folder_of(tmp_path, header=HEADER)) == [
        f"ports.csv:1: the header must be {HEADER},mode"
    ]


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    """Windows code pages are a common mistake in Thai tables."""
    folder = folder_of(tmp_path)
    (folder / "ports.csv").write_bytes(f"{HEADER},mode\nA,a,".encode() + "ก".encode("cp874") + b",,,air\n")

    assert problems_of(folder) == ["ports.csv:2: no UTF-8: invalid start byte"]


def test_a_composite_key_is_the_code(tmp_path: Path) -> None:
    """Where a key has several columns, the code is their texts joined by colons."""
    index = entry(key="[agency, exemption]", columns="{agency: who, exemption: what}")
    header = f"{HEADER},agency,exemption"

    good = load_code_lists(folder_of(tmp_path, "FDA:X1,,,,,FDA,X1", index=index, header=header))
    bad = folder_of(tmp_path, "FDA:X2,,,,,FDA,X1", index=index, header=header)

    assert good.contains("th.ports", "FDA:X1", DAY)
    assert problems_of(bad) == ["ports.csv:2: the code 'FDA:X2' is not its key: agency:exemption"]


@pytest.mark.parametrize(
    ("index", "problem"),
    [
        (entry(key="[town]"), "ports.csv:1: the key names columns that the list has not: town"),
        (entry(made="magic"), "lists.yaml:5: made: Input should be 'tool' or 'hand'"),
        (entry(keeper="me"), "lists.yaml:10: keeper: Extra inputs are not permitted"),
        (entry(source=""), "lists.yaml:2: source: Field required"),
        (entry(title="{en: Ports}"), "lists.yaml:4: title.th: Field required"),
        (entry(name="Ports!"), "lists.yaml:2: name: String should match pattern"),
        (entry(file="../ports.csv"), "lists.yaml:3: file: String should match pattern"),
        (entry() + "\n" + entry(), "lists.yaml:10: the list 'th.ports' is named twice"),
        (entry() + "\n" + entry("th.other"), "lists.yaml:10: the file ports.csv is named twice"),
        ("  [", "lists.yaml:2: no YAML: while parsing"),
        ("  {}", "lists.yaml:1: a mapping with the one key 'lists', a sequence, is expected"),
        (entry(title="!!set {en}"), "lists.yaml:4: title"),
    ],
)
def test_a_broken_index_is_refused_with_its_line(tmp_path: Path, index: str, problem: str) -> None:
    """The index is checked as strictly as the tables."""
    problems = problems_of(folder_of(tmp_path, index=index))

    assert problems[0].startswith(problem)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    """A folder that holds no lists.yaml is a mistake in the configuration."""
    (problem,) = problems_of(tmp_path)

    assert problem.startswith("lists.yaml: the file can't be read")


def test_a_table_that_the_index_does_not_name_is_refused(tmp_path: Path) -> None:
    """A forgotten entry must not look like a list without codes."""
    folder = folder_of(tmp_path)
    (folder / "stray.csv").touch()

    assert problems_of(folder) == ["stray.csv: lists.yaml does not name this file"]


def test_the_thai_lists_load() -> None:
    """The lists in the repository are sound."""
    lists = load_code_lists(ROOT / "schemas" / "th" / "codes")

    assert lists.contains("iso.countries", "TH", DAY)
    assert lists.value("th.weight_units", "TNE", "factor_kg", DAY) == "1000"
