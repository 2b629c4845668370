"""What every Thai message type made by our tools keeps: its fields, schema, rules and samples agree."""

import csv
import json
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from lxml import etree

from nsw.codelists import CodeLists, load_code_lists
from nsw.errors import Severity
from nsw.rules import RuleContext, RuleSet, load_rule_set
from tools import make_logistics_samples, make_samples
from tools.samples.files import LODGED_ON
from tools.samples.layout import SCHEMAS

NS = {"xs": "http://www.w3.org/2001/XMLSchema", "sch": "http://purl.oclc.org/dsdl/schematron"}
#: Warnings whose field is of the manuals, while the list that they look into is ours.
LIST_IS_OURS = {"TH-EXP-048", "TH-IMP-048"}
#: Blanks, unknown numbers and lost letters in a sentence.
SPOILT = re.compile(r"NaN|Infinity|\?|  | [.,:]|\{")

FIELD_TABLES = sorted((SCHEMAS / "th").rglob("fields.tsv"))

FOLDERS = sorted(path.parent for path in (SCHEMAS / "th").rglob("rules.sch"))
#: What a rule may rest on: our choice, the manuals, a message of our own, or a standard.
SOURCES = re.compile("our choice|manual|own definition|ISO|UN/|UN Model|IMO|IATA|Harmonized System")

types = pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: each.parent.name)


@pytest.fixture(scope="module")
def code_lists() -> CodeLists:
    return load_code_lists(SCHEMAS / "th" / "codes")


@pytest.fixture(scope="module")
def rule_sets() -> dict[Path, RuleSet]:
    return {folder: load_rule_set(folder / "rules.sch") for folder in FOLDERS}


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def elements(parent: etree._Element, path: str) -> list[etree._Element]:
    found = parent.xpath(path, namespaces=NS)
    return [each for each in found if isinstance(each, etree._Element)] if isinstance(found, list) else []


def parse(path: Path) -> etree._Element:
    return etree.parse(path).getroot()


def values_in(sentence: etree._Element) -> set[str]:
    """Collect the expressions that a sentence quotes; Thai and English columns of a list count as one."""
    selects = (each.get("select", "") for each in elements(sentence, "sch:value-of"))
    return {select.replace("_th'", "'") for select in selects}


def fits(format_: str, type_name: str) -> bool:
    """Whether a type of the schema is that of an official format."""
    match = re.fullmatch(r"(an|a|n)(\.\.)?(\d+)(?:,(\d))?", format_)
    assert match, format_
    kind, up_to, length, decimals = match.groups()
    if decimals:
        return type_name == f"N{length}D{decimals}"
    if kind == "n" and (type_name == f"Count{length}" or (format_ == "n8" and type_name == "Date8")):
        return True
    return type_name == f"{kind.upper()}{length}{'' if up_to else 'Fixed'}"


class TestFields:
    @pytest.mark.parametrize("table", FIELD_TABLES, ids=lambda each: each.parents[1].name)
    def test_stand_in_the_schema_in_order_with_presence_format_and_name(self, table: Path) -> None:
        """An integrator finds each row of the table in the schema, and nothing else but the sections themselves."""
        xsd = parse(table.parent / "message.xsd")
        rows = rows_of(table)
        sections = {row["path"].rpartition("/")[0] for row in rows}
        names = {section.rpartition("/")[2] for section in sections}
        for section in sections:
            own = [row for row in rows if row["path"].rpartition("/")[0] == section]
            path = f"xs:complexType[@name='{section.rpartition('/')[2]}']/xs:sequence/xs:element"
            found = [each for each in elements(xsd, path) if each.get("name") not in names]

            assert [row["seq"] for row in own] == [str(number) for number in range(1, len(own) + 1)]
            assert [row["avro"] for row in own] == [each.get("name") for each in found]
            for row, element in zip(own, found, strict=True):
                text = element.findtext("xs:annotation/xs:documentation", namespaces=NS) or ""
                assert element.get("minOccurs") == (None if row["presence"] == "M" else "0"), row
                assert fits(row["format"], str(element.get("type"))), row
                assert text.startswith(f"{row['field']} ({row['section']} {row['seq']}, {row['format']}). ")


class TestRules:
    @types
    def test_have_codes_of_their_own_and_tell_both_languages_and_a_source(
        self, folder: Path, rule_sets: dict[Path, RuleSet]
    ) -> None:
        """A trader reads each finding in either language, and where the rule comes from; no two look the same."""
        entries = rule_sets[folder].catalogue
        assert len({entry.id[:7] for entry in entries}) == 1
        for entry in entries:
            assert re.fullmatch(r"TH-[A-Z]{3}-[0-9]{3}", entry.id), entry.id
            assert entry.text_en.endswith("."), entry.id
            assert not re.search("[ก-๛]", entry.text_en), entry.id
            assert re.search("[ก-๛]", entry.text_th), entry.id
            assert SOURCES.search(entry.source), entry.id
        for each in zip(*((entry.id, entry.text_en, entry.text_th) for entry in entries), strict=True):
            assert [text for text, count in Counter(each).items() if count > 1] == []

    @types
    def test_quote_the_same_values_in_both_languages(self, folder: Path) -> None:
        """The Thai sentence tells no less than the English one, and each rule has two diagnostics of its own."""
        rules = parse(folder / "rules.sch")
        diagnostics = {str(each.get("id")): each for each in elements(rules, "//sch:diagnostic")}
        asserts = {str(each.get("id")): each for each in elements(rules, "//sch:assert")}
        for code, each in asserts.items():
            assert each.get("diagnostics") == f"{code}.th {code}.source"
            assert values_in(each) == values_in(diagnostics[f"{code}.th"]), code

        assert diagnostics.keys() == {f"{code}.{kind}" for code in asserts for kind in ("th", "source")}

    @types
    def test_warn_where_the_source_is_our_choice_and_reject_elsewhere(
        self, folder: Path, rule_sets: dict[Path, RuleSet]
    ) -> None:
        """What merely an officer expects, or we, does not reject a document."""
        for entry in rule_sets[folder].catalogue:
            is_ours = entry.source.startswith("our choice") or entry.id in LIST_IS_OURS
            assert is_ours == (entry.severity is Severity.WARNING), entry.id

    @types
    def test_ask_for_lists_that_exist_and_start_every_context_at_the_root(
        self, folder: Path, rule_sets: dict[Path, RuleSet], code_lists: CodeLists
    ) -> None:
        """A misspelt list would fail on every document; a context without its path would search all of it."""
        rule_set = rule_sets[folder]
        root = etree.QName(yaml.safe_load((folder / "type.yaml").read_text("utf-8"))["root"]).localname
        for name, column in rule_set.lists_used:
            assert name in code_lists.names
            assert column is None or column in code_lists.lists[name].columns
        for entry in rule_set.catalogue:
            assert all(each.startswith(f"/d:{root}") for each in entry.context.split(" | "))


class TestSamples:
    @pytest.mark.parametrize("tool", [make_samples, make_logistics_samples], ids=lambda each: each.__name__)
    def test_are_what_the_tool_makes(self, tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        """Nobody edits a made sample by hand, and no old one is left over."""
        assert (tool.main(["--check"]), capsys.readouterr().err) == (0, "")

    @types
    def test_break_every_rule(self, folder: Path, rule_sets: dict[Path, RuleSet]) -> None:
        """Each rule fires in a sample that is named by its number."""
        prefix = rule_sets[folder].catalogue[0].id[:7]
        broken = set()
        for path in (folder / "samples" / "invalid").glob("[0-9]*.expected.json"):
            codes = {each["code"] for each in json.loads(path.read_text("utf-8"))["findings"]}
            broken |= codes & {f"{prefix}{path.name[:3]}"}

        assert {entry.id for entry in rule_sets[folder].catalogue} == broken

    @types
    def test_quote_every_value_they_promise(
        self, folder: Path, rule_sets: dict[Path, RuleSet], code_lists: CodeLists
    ) -> None:
        """No sentence holds a value that could not be computed, or a blank where a value belongs."""
        context = RuleContext(LODGED_ON, code_lists)
        for path in (folder / "samples" / "invalid").glob("[0-9]*.xml"):
            for finding in rule_sets[folder].check(parse(path), context).findings:
                assert not SPOILT.search(finding.text_en), finding.text_en
                assert not SPOILT.search(finding.text_th), finding.text_th
