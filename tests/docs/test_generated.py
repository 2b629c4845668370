"""The pages that repeat what the code says are up to date, and say nothing of this machine."""

import re
from pathlib import Path

import pytest

from nsw import deadletter, held, topics
from nsw.config import Config
from nsw.errors import CATALOGUE
from nsw.events import EventType
from nsw.rules import NSW_FUNCTIONS
from nsw.typefolders import load_catalogue
from tools.make_docs import DOCS, ROOT, main, make_pages

PAGES = make_pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    """Otherwise: python tools/make_docs.py."""
    assert PAGES[name] == (DOCS / name).read_text("utf-8"), f"docs/{name} is old: run tools/make_docs.py"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_tells_where_it_comes_from(name: str) -> None:
    """So that nobody edits it by hand."""
    assert PAGES[name].startswith("<!-- Generated from ")


def test_generated_pages_hold_no_path_of_this_machine() -> None:
    """The same code gives the same bytes everywhere."""
    for text in PAGES.values():
        assert str(ROOT) not in text
        assert str(Path.home()) not in text


def test_the_check_passes_without_writing(capsys: pytest.CaptureFixture[str]) -> None:
    """As CI calls it."""
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_the_check_names_a_page_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And writing mends it."""
    monkeypatch.setattr("tools.make_docs.DOCS", tmp_path)

    before = main(["--check"])
    written = main([])
    after = main(["--check"])

    assert (before, written, after) == (1, 0, 0)
    assert "docs/codes.md is not what the code says" in capsys.readouterr().err
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.md")} == set(PAGES)


def test_no_page_of_a_rule_set_is_left_behind() -> None:
    """A message type that is gone takes its page with it."""
    assert {f"rules/{path.name}" for path in (DOCS / "rules").glob("*.md")} == {
        name for name in PAGES if name.startswith("rules/")
    }


def test_everything_of_the_catalogues_is_there() -> None:
    """Every code, every setting, every rule."""
    for code in CATALOGUE:
        assert f"`{code}`" in PAGES["codes.md"]
    for name in Config.model_fields:
        assert f"`NSW_{name.upper()}`" in PAGES["configuration.md"]
    for message_type in load_catalogue([ROOT / "schemas"], {}).types:
        for entry in message_type.rule_catalogue:
            assert f"#### {entry.id}\n" in PAGES[f"rules/{message_type.name}.md"]


def test_every_header_and_event_is_described() -> None:
    """docs/topics.md is written by hand; what is missing in it is a gap in the public interface."""
    text = (DOCS / "topics.md").read_text("utf-8")
    # H_HELD is written nowhere.
    names = {value for name, value in vars(topics).items() if name.startswith(("H_", "CE_"))} - {"nsw-held"}
    names |= {value for name, value in vars(deadletter).items() if str(value).startswith("nsw-dead-letter-")}
    names |= {held.TOPIC, held.CODE, held.DETAIL, topics.CONTENT_TYPE, topics.TRACEPARENT}
    names |= {topics.CASES, topics.EVENTS, topics.DEAD_LETTERS, topics.HELD, topics.CONTROL, *EventType}

    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_every_function_of_rules_is_described() -> None:
    """docs/rule-functions.md tells officers what they may call."""
    text = PAGES["rule-functions.md"]
    called = {
        name
        for path in (ROOT / "schemas").rglob("*.sch")
        for name in re.findall(r"nsw:([a-z-]+)\(", path.read_text("utf-8"))
    }

    assert NSW_FUNCTIONS in text
    assert sorted(name for name in called if f"`nsw:{name}(" not in text) == []
