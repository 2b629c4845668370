"""``nsw rules``, and the pages of the rule catalogue."""

import json
from pathlib import Path

import pytest
from lxml import etree
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.config import load_config
from nsw.onboarding.rulebook import Heading, Items, PageKind, Table, render, rule_page, rules_of
from nsw.worker import load_snapshot

TYPES = load_snapshot(load_config({})).catalogue.types


def rules(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(app, ["rules", *arguments])


def test_the_list_has_every_rule_of_every_type() -> None:
    """Each with code, severity and both sentences."""
    result = rules("list", "--format", "json")

    rows = json.loads(result.stdout)
    assert len(rows) == sum(len(each.rule_catalogue) for each in TYPES) > 400
    assert all(row["code"] and row["severity"] and row["text_en"] and row["text_th"] for row in rows)
    assert "TH-EXP-001" in rules("list").stdout


def test_a_rule_is_explained() -> None:
    """Both sentences, place, test, source, days, and the sample that breaks it."""
    result = rules("explain", "TH-EXP-020")

    assert result.exit_code == 0
    for part in (
        "## th.export-declaration 1.0",
        "Error. Exporter's tax number … is not",
        "เลขประจำตัวผู้เสียภาษี",
        "- Where: `/d:ExportDeclaration/d:Control/d:ExporterID`",
        "- Test: `nsw:tax-id-valid(.)`",
        "- Source: Thai Customs e-Export manual",
        "- Applies from 2020-01-01",
        "- Samples: `samples/invalid/020-exporter-id.xml`",
    ):
        assert part in result.stdout


def test_an_unknown_rule_is_told() -> None:
    """With the command that lists those that there are."""
    result = rules("explain", "NOPE")

    assert result.exit_code == 2
    assert "no message type has the rule 'NOPE'" in result.stderr


@pytest.mark.parametrize("kind", ["md", "html"])
def test_the_catalogue_is_written_as_pages(tmp_path: Path, kind: str) -> None:
    """A page for each type, the functions, and an index that names them."""
    result = rules("doc", "--out", str(tmp_path / "book"), "--format", kind)

    names = {each.name for each in TYPES if each.rule_catalogue}
    pages = {path.name: path.read_text("utf-8") for path in (tmp_path / "book").iterdir()}
    assert result.exit_code == 0
    assert set(pages) == {f"{name}.{kind}" for name in {*names, "index", "functions"}}
    assert all(f"{name}.{kind}" in pages[f"index.{kind}"] for name in names)
    assert "nsw:permit-valid" in pages[f"functions.{kind}"]
    assert str(sum(len(each.rule_catalogue) for each in TYPES)) in result.stdout


def test_without_a_folder_the_pages_are_printed() -> None:
    """So that they can be piped."""
    result = rules("doc")

    assert result.stdout.startswith("# Rules of all message types")
    assert "#### TH-EXP-001" in result.stdout


def test_another_format_is_refused() -> None:
    """It is named with those that there are."""
    result = rules("doc", "--format", "pdf")

    assert result.exit_code == 2
    assert "use md or html" in result.stderr


def test_a_page_in_html_holds_what_it_holds_in_markdown() -> None:
    """Markup of texts is escaped, code is marked, and headings can be linked to."""
    page = (Heading(1, "A < B"), "Is `a < b` & c", Items(("`x|y`", "z")), Table(("h",), (("`p|q`",),)))

    written = render(page, PageKind.HTML)

    root = etree.HTML(written)
    assert root.findtext(".//h1") == "A < B"
    assert root.xpath("string(//p)") == "Is a < b & c"
    assert root.xpath("//code/text()") == ["a < b", "x|y", "p|q"]
    assert root.xpath("string(//h1/@id)") == "a-b"
    assert render(page, PageKind.MD) == (
        "# A < B\n\nIs `a < b` & c\n\n- `x|y`\n- z\n\n| h |\n| --- |\n| `p&#124;q` |\n"
    )


def test_every_rule_of_the_window_tells_where_it_comes_from() -> None:
    """Days, and a sample that breaks it, for each rule of the export declaration."""
    (export,) = (each for each in TYPES if each.name == "th.export-declaration")

    found = rules_of(export)

    assert [rule.entry.id for rule in found if not rule.samples or not rule.days] == []
    assert rule_page([export])[0] == Heading(1, "Rules of th.export-declaration")
