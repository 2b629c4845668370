"""``nsw permits lookup``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app

TABLE = """\
tariff,statistical_code,direction,agency,effective_from,effective_until
01023900,000,both,DNP,2015-04-01,
01023900,000,both,DLD,2014-07-01,
02064900,090,import,DFT,2014-01-01,2020-12-31
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Give a small permit table."""
    path = tmp_path / "permits.csv"
    path.write_text(TABLE)
    return path


def lookup(table: Path, lines: str | bytes, *arguments: str, direction: str = "import") -> Result:
    command = ["permits", "lookup", "--table", str(table), "--direction", direction, "--on", "2020-12-31"]
    return CliRunner().invoke(app, [*command, *arguments], input=lines)


def test_adds_the_agencies_sorted(table: Path) -> None:
    """Each line comes back with its agencies, separated by spaces; none is an empty field."""
    result = lookup(table, "01023900,000\n02064900,090\n99999999,000\n01023900,000\n")

    expected = "01023900,000,DLD DNP\n02064900,090,DFT\n99999999,000,\n01023900,000,DLD DNP\n"
    assert (expected, 0) == (result.stdout, result.exit_code)


def test_asks_for_the_direction(table: Path) -> None:
    """A permit for imports says nothing of exports."""
    assert lookup(table, "02064900,090\n", direction="export").stdout == "02064900,090,\n"


@pytest.mark.parametrize(
    "lines",
    [
        "tariff,statistical_code\n01023900,000\n",
        "tariff,statistical_code\r\n01023900,000\r\n",
        "\ufeff01023900,000",
        '"01023900","000"\n\n',
        " 01023900 , 000 \n",
    ],
    ids=["header", "CRLF", "byte order mark", "quotes and blank line", "spaces"],
)
def test_reads_what_spreadsheets_write(table: Path, lines: str) -> None:
    """A header, line ends, a byte order mark, quotes, blank lines and spaces do not matter."""
    assert lookup(table, lines.encode()).stdout == "01023900,000,DLD DNP\n"


def test_a_short_statistical_code_is_filled_up(table: Path) -> None:
    """As in documents, 0 stands for 000; the line comes back as it was."""
    assert lookup(table, "01023900,0\n").stdout == "01023900,0,DLD DNP\n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1023900,000", "not 8 to 12 digits"),
        ("01023900", "1 columns"),
        ("01023900,000,DLD", "3 columns"),
        ("01023900,0000", "not up to 3 digits"),
        ("๐๑๐๒๓๙๐๐,000", "not 8 to 12 digits"),
        ("tariff,statistical_code", "not 8 to 12 digits"),
        ('"', "not CSV"),
    ],
)
def test_a_malformed_line_refuses_all(table: Path, line: str, complaint: str) -> None:
    """The line is named on the error output, nothing is printed, and the exit code is 2."""
    result = lookup(table, f"01023900,000\n{line}\n")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "line 2" in result.stderr
    assert complaint in result.stderr


def test_lines_that_are_no_text_are_named(table: Path) -> None:
    """Bytes that are not UTF-8 are told with their line."""
    result = lookup(table, b"01023900,000\n\xff\n")

    assert result.exit_code == 2
    assert "line 2" in result.stderr


def test_a_flood_of_malformed_lines_is_counted(table: Path) -> None:
    """The first ones are shown, the rest is counted."""
    assert "and 30 more" in lookup(table, "x\n" * 50).stderr


def test_gives_json(table: Path) -> None:
    """As JSON there is one object a line."""
    result = lookup(table, "01023900,000\n", "--format", "json")

    expected = {"tariff": "01023900", "statistical_code": "000", "agencies": ["DLD", "DNP"]}
    assert expected == json.loads(result.stdout)


def test_reads_a_file(table: Path, tmp_path: Path) -> None:
    """A file may be named in place of the standard input."""
    goods = tmp_path / "goods.csv"
    goods.write_text("01023900,000\n")

    assert lookup(table, "", str(goods)).stdout == "01023900,000,DLD DNP\n"
    assert lookup(table, "", str(tmp_path / "none.csv")).exit_code == 2


def test_the_windows_own_table_is_the_default() -> None:
    """Without --table the reference folder's table is asked."""
    command = ["permits", "lookup", "--direction", "import", "--on", "2026-01-31"]

    result = CliRunner().invoke(app, command, input="01023900,000\n")

    assert result.stdout == "01023900,000,DLD DNP\n"


def test_a_broken_table_is_told_with_its_lines(table: Path) -> None:
    """The problems of a table end the command with exit code 2."""
    table.write_text(TABLE + "1,2,3,4,5,6\n")

    result = lookup(table, "01023900,000\n")

    assert result.exit_code == 2
    assert "line 5" in result.stderr
