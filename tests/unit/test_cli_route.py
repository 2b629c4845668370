"""``nsw route explain``."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
SAMPLES = SCHEMAS / "th/export-declaration/1.0/samples"
DANGEROUS = SAMPLES / "valid/dangerous.xml"
RESPONSE = SCHEMAS / "th/response/1.0/samples/valid/accepted.xml"


def explain(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["route", "explain", "--on", "2026-11-18", *map(str, arguments)])


@pytest.fixture
def rejected(tmp_path: Path) -> Path:
    """Give the dangerous goods' declaration with a wrong value."""
    path = tmp_path / "rejected.xml"
    text = DANGEROUS.read_text("utf-8")
    start, end = text.index("<TypeCode>"), text.index("</TypeCode>")
    path.write_text(f"{text[:start]}<TypeCode>wrong{text[end:]}", "utf-8")
    return path


def test_gives_every_reason_as_json() -> None:
    """A reason names agency, route, goods items, and a sentence."""
    result = explain("--format", "json", DANGEROUS)

    answer = json.loads(result.stdout)
    (by_sea,) = [each for each in answer["reasons"] if each["agency"] == "PAT"]
    assert by_sea["route"] == "dangerous-goods-by-sea"
    assert by_sea["items"] == [1, 2]
    assert "Port Authority" in by_sea["text"]
    assert (
        answer["agencies"] == answer["would_go_to"] == sorted({each["agency"] for each in answer["reasons"]})
    )
    assert result.exit_code == 0


def test_explains_to_people() -> None:
    """The text shows agency, route, items and sentence."""
    result = explain(DANGEROUS)

    assert "→ PAT      dangerous-goods-by-sea  items 1-2: Dangerous goods" in result.stdout


def test_tells_where_a_rejected_document_would_go(rejected: Path) -> None:
    """The findings come first, then what the tables would say; exit code 1."""
    result = explain(rejected)

    findings, _, routes = result.stdout.partition("Were it accepted")
    assert "NSW-2003" in findings
    assert "→" not in findings
    assert "PAT" in routes
    assert result.exit_code == 1


def test_a_rejected_document_goes_nowhere_in_json(rejected: Path) -> None:
    """``agencies`` is what happens, ``would_go_to`` what the tables say."""
    answer = json.loads(explain("--format", "json", rejected).stdout)

    assert answer["agencies"] == []
    assert "PAT" in answer["would_go_to"]


def test_says_that_responses_are_not_routed() -> None:
    """Only declarations go to agencies."""
    result = explain(RESPONSE)

    assert "Only declarations go to agencies" in result.stdout
    assert result.exit_code == 0


def test_says_so_when_a_document_can_not_be_read(tmp_path: Path) -> None:
    """Without a message type there is nothing to ask the tables."""
    path = tmp_path / "broken.xml"
    path.write_text("<broken")

    result = explain(path)

    assert "no table can say" in result.stdout
    assert result.exit_code == 1


def test_takes_one_document() -> None:
    """A folder with several documents is a mistake in the call."""
    assert explain(SAMPLES).exit_code == 2
