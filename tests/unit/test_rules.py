"""Rule files: what every construct does, what is refused, and what a rule that fails leads to."""

import re
import time
from collections import Counter
from datetime import date
from pathlib import Path
from threading import Thread

import pytest
from lxml import etree
from lxml.isoschematron import Schematron
from stdnum.th import tin

from nsw.codelists import CodeList, CodeLists, CodeRow
from nsw.errors import Code, ConfigError, Layer, Severity
from nsw.model import Finding
from nsw.rules import RuleContext, RuleReport, RuleSet, load_rule_set
from nsw.rules.own import OWN_FUNCTIONS_TABLE

ROOT = Path(__file__).resolve().parents[2]
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
LODGED_ON = date(2026, 11, 22)


def code_list(name: str, *codes: str) -> CodeList:
    """Give a list of codes, in force from 2020, with a column that holds the code in small letters."""
    columns = ("code", "name_en", "name_th", "valid_from", "valid_to", "small")
    rows = {
        code: (CodeRow(date(2020, 1, 1), date.max, (code, "", "", "2020-01-01", "", code.lower())),)
        for code in codes
    }
    return CodeList(name, "", "", "", "", {column: at for at, column in enumerate(columns)}, rows)


def dated_list(name: str, columns: str, *rows: str) -> CodeList:
    """Give a list; a row is code, first day, last day, and the cells of the further columns."""
    names = ("code", "valid_from", "valid_to", *columns.split())
    found: dict[str, tuple[CodeRow, ...]] = {}
    for cells in (tuple(row.split()) for row in rows):
        row = CodeRow(date.fromisoformat(cells[1]), date.fromisoformat(cells[2]), cells)
        found[cells[0]] = (*found.get(cells[0], ()), row)
    return CodeList(name, "", "", "", "", {column: at for at, column in enumerate(names)}, found)


LISTS = (
    code_list("units", "KGM", "TNE", "5"),
    dated_list(
        "exchange_rates",
        "rate unit",
        "JPY 2026-11-01 2026-11-30 21.5100 100",
        "JPY 2026-12-01 2026-12-31 22.5 100",
        "USD 2026-11-01 2026-11-30 33.0812 1",
        "XXX 2026-11-01 2026-11-30 much 1",
        "YYY 2026-11-01 2026-11-30 1 0",
    ),
    dated_list(
        "registered_parties",
        "tax_id role",
        "0994000163011:broker 2026-01-01 2026-11-22 0994000163011 broker",
    ),
    dated_list(
        "issued_permits",
        "authority number holder",
        "DOA:7 2026-01-01 2026-12-31 DOA 7 0994000163011",
    ),
)
CONTEXT = RuleContext(LODGED_ON, CodeLists({each.name: each for each in LISTS}))


def write(tmp_path: Path, body: str, attributes: str = 'queryBinding="xslt"') -> Path:
    """Write a rule file; prefixes d, nsw, re, set, date, math are bound."""
    path = tmp_path / "rules.sch"
    path.write_text(
        f"""<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron" {attributes}>
<sch:ns prefix="d" uri="urn:d"/><sch:ns prefix="nsw" uri="urn:nsw:functions:1"/>
<sch:ns prefix="re" uri="http://exslt.org/regular-expressions"/><sch:ns prefix="set" uri="http://exslt.org/sets"/>
<sch:ns prefix="date" uri="http://exslt.org/dates-and-times"/><sch:ns prefix="math" uri="http://exslt.org/math"/>
{body}
</sch:schema>""",
        "utf-8",
    )
    return path


def load(tmp_path: Path, body: str) -> RuleSet:
    """Load a rule file."""
    return load_rule_set(write(tmp_path, body))


def rule(context: str, *checks: str, lets: str = "") -> str:
    """Give a pattern with one rule."""
    return f'<sch:pattern><sch:rule context="{context}">{lets}{"".join(checks)}</sch:rule></sch:pattern>'


def assertion(test: str, name: str = "A", text: str = "wrong", more: str = "") -> str:
    """Give an assert."""
    return f'<sch:assert id="{name}" test="{test}" {more}>{text}</sch:assert>'


def let(name: str, value: str) -> str:
    """Give a let."""
    return f'<sch:let name="{name}" value="{value}"/>'


def check(rules: RuleSet, xml: str, context: RuleContext = CONTEXT) -> RuleReport:
    """Judge a document."""
    return rules.check(etree.fromstring(xml), context)


def fired(rules: RuleSet, xml: str) -> list[tuple[str, str | None]]:
    """Give code and path of each finding."""
    return [(finding.code, finding.path) for finding in check(rules, xml).findings]


def holds(tmp_path: Path, test: str, xml: str = "<r/>", lets: str = "") -> bool:
    """Tell whether a test holds on the root element; a test that can't be judged fails."""
    report = check(load(tmp_path, rule("/*", assertion(test), lets=lets)), xml)
    assert [finding.text_en for finding in report.findings if finding.code != "A"] == []
    return not report.findings


def value_of(tmp_path: Path, expression: str, xml: str = "<r/>", lets: str = "") -> str:
    """Give the string that an expression has on the root element."""
    text = f'<sch:value-of select="{expression}"/>'
    report = check(load(tmp_path, rule("/*", assertion("false()", text=text), lets=lets)), xml)
    return report.findings[0].text_en


def problems_of(tmp_path: Path, body: str, attributes: str = 'queryBinding="xslt"') -> list[str]:
    """Give what is wrong with a rule file, without its name; its body begins in line 5."""
    path = write(tmp_path, body, attributes)
    with pytest.raises(ConfigError) as caught:
        load_rule_set(path)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


# --- constructs


def test_an_assert_fires_when_its_test_is_false_and_a_report_when_true(tmp_path: Path) -> None:
    """The two constructs are opposites."""
    report = '<sch:report id="R" test="d:b">there</sch:report>'
    rules = load(tmp_path, rule("d:a", assertion("d:b"), report))

    assert fired(rules, '<a xmlns="urn:d"/>') == [("A", "/a[1]")]
    assert fired(rules, '<a xmlns="urn:d"><b/></a>') == [("R", "/a[1]")]


def test_a_finding_tells_all_that_the_rule_file_says(tmp_path: Path) -> None:
    """Severity, both languages with values, source, place and line."""
    rules = load(
        tmp_path,
        rule("d:b", assertion(". = 1", text="got\n <sch:emph>only</sch:emph> <sch:value-of select='.'/>!", more=(
            'role="warning" diagnostics="th src"'
        )))
        + '<sch:diagnostics><sch:diagnostic id="th" xml:lang="th">ได้ <sch:value-of select="."/></sch:diagnostic>'
        '<sch:diagnostic id="src" role="source">a manual</sch:diagnostic></sch:diagnostics>',
    )  # fmt: skip

    report = check(rules, '<x:a xmlns:x="urn:d">\n<x:b>1</x:b><x:b> 2\n3 </x:b></x:a>')

    assert report == RuleReport(
        (
            Finding(
                code="A",
                severity=Severity.WARNING,
                layer=Layer.RULE,
                path="/x:a[1]/x:b[2]",
                line=2,
                text_en="got only 2 3 !",
                text_th="ได้ 2 3",
                source="a manual",
            ),
        ),
        omitted=0,
        evaluations=2,
    )


@pytest.mark.parametrize(
    ("attributes", "severity"),
    [
        ("", Severity.ERROR),
        ('role="error"', Severity.ERROR),
        ('role="information"', Severity.INFORMATION),
        ('flag="warning"', Severity.WARNING),
        ('flag="warning" role="warning"', Severity.WARNING),
    ],
)
def test_role_or_flag_is_the_severity(tmp_path: Path, attributes: str, severity: Severity) -> None:
    """An assert without either is an error."""
    rules = load(tmp_path, rule("r", assertion("false()", more=attributes)))

    assert check(rules, "<r/>").findings[0].severity is severity


def test_without_thai_text_the_english_one_stands_in(tmp_path: Path) -> None:
    """A finding always has both sentences."""
    finding = check(load(tmp_path, rule("r", assertion("false()", text="no"))), "<r/>").findings[0]

    assert (finding.text_en, finding.text_th, finding.source) == ("no", "no", "")


def test_a_plain_diagnostic_is_added_to_the_english_text(tmp_path: Path) -> None:
    """Diagnostics of files that others wrote are not lost."""
    body = rule("r", assertion("false()", text="no", more='diagnostics="d"'))
    rules = load(
        tmp_path, f'{body}<sch:diagnostics><sch:diagnostic id="d">hint</sch:diagnostic></sch:diagnostics>'
    )

    assert check(rules, "<r/>").findings[0].text_en == "no hint"


def test_name_gives_the_name_of_the_context_or_of_a_path(tmp_path: Path) -> None:
    """As the document writes it, prefix and all."""
    rules = load(tmp_path, rule("d:b", assertion("false()", text='<sch:name/> in <sch:name path=".."/>')))

    assert check(rules, '<x:a xmlns:x="urn:d"><x:b/></x:a>').findings[0].text_en == "x:b in x:a"


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    """A document can't blow up its own answer."""
    assert value_of(tmp_path, ".", f"<r>{'x' * 201}</r>") == "x" * 200 + "…"


def test_numbers_are_told_as_xpath_writes_them(tmp_path: Path) -> None:
    """No exponents, no trailing zero."""
    assert value_of(tmp_path, "1 div 4") == "0.25"
    assert value_of(tmp_path, "2.0") == "2"
    assert value_of(tmp_path, "number('x')") == "NaN"


# --- contexts

TREE = """<r xmlns="urn:d">
<a k="1"><b k="2"/><b/></a>
<c><a><b k="3"/></a></c>
<c><attribute xmlns=""/><or xmlns=""><and/></or></c>
</r>"""


@pytest.mark.parametrize(
    ("context", "paths"),
    [
        ("d:b", ["/r[1]/a[1]/b[1]", "/r[1]/a[1]/b[2]", "/r[1]/c[1]/a[1]/b[1]"]),
        ("//d:b", ["/r[1]/a[1]/b[1]", "/r[1]/a[1]/b[2]", "/r[1]/c[1]/a[1]/b[1]"]),
        ("d:c/d:a/d:b", ["/r[1]/c[1]/a[1]/b[1]"]),
        ("child::d:c/child::d:a", ["/r[1]/c[1]/a[1]"]),
        ("d:c//d:b", ["/r[1]/c[1]/a[1]/b[1]"]),
        ("/d:r/d:a", ["/r[1]/a[1]"]),
        ("/d:a", []),
        ("/d:r", ["/r[1]"]),
        ("d:r", ["/r[1]"]),
        ("/*", ["/r[1]"]),
        ("/", ["/r[1]"]),
        ("d:b[@k]", ["/r[1]/a[1]/b[1]", "/r[1]/c[1]/a[1]/b[1]"]),
        ("d:b[1]", ["/r[1]/a[1]/b[1]", "/r[1]/c[1]/a[1]/b[1]"]),
        ("d:b[last()]", ["/r[1]/a[1]/b[2]", "/r[1]/c[1]/a[1]/b[1]"]),
        ("d:a[@k]/d:b[2]", ["/r[1]/a[1]/b[2]"]),
        ("d:c | d:a", ["/r[1]/a[1]", "/r[1]/c[1]", "/r[1]/c[1]/a[1]", "/r[1]/c[2]"]),
        ("d:a | d:a[@k]", ["/r[1]/a[1]", "/r[1]/c[1]/a[1]"]),
        ("d:c/*[not(self::or)]", ["/r[1]/c[1]/a[1]", "/r[1]/c[2]/attribute[1]"]),
        ("d:c/d:*", ["/r[1]/c[1]/a[1]"]),
        ("*[@k = 3]", ["/r[1]/c[1]/a[1]/b[1]"]),
        ("@k", ["/r[1]/a[1]/@k", "/r[1]/a[1]/b[1]/@k", "/r[1]/c[1]/a[1]/b[1]/@k"]),
        ("attribute::k", ["/r[1]/a[1]/@k", "/r[1]/a[1]/b[1]/@k", "/r[1]/c[1]/a[1]/b[1]/@k"]),
        ("d:b/@k", ["/r[1]/a[1]/b[1]/@k", "/r[1]/c[1]/a[1]/b[1]/@k"]),
        ("d:c//@k", ["/r[1]/c[1]/a[1]/b[1]/@k"]),
        ("d:a/@*", ["/r[1]/a[1]/@k"]),
        ("d:b/@k[. = 3]", ["/r[1]/c[1]/a[1]/b[1]/@k"]),
        ("d:a/@k | d:c", ["/r[1]/a[1]/@k", "/r[1]/c[1]", "/r[1]/c[2]"]),
        ("b", []),
        ("attribute", ["/r[1]/c[2]/attribute[1]"]),
        ("or/and", ["/r[1]/c[2]/or[1]/and[1]"]),
        ("d:absent/d:b", []),
        ("d:absent[d:b]", []),
        ("d:absent/@k", []),
    ],
)
def test_a_context_matches_as_a_pattern_does(tmp_path: Path, context: str, paths: list[str]) -> None:
    """A relative context matches anywhere, an absolute one from the root; findings stand in document order."""
    rules = load(tmp_path, rule(context, assertion("false()")))

    assert fired(rules, TREE) == [("A", path) for path in paths]


def test_attributes_keep_their_own_order_and_prefix(tmp_path: Path) -> None:
    """An attribute of a namespace is told with its prefix, as it stands in the document."""
    rules = load(tmp_path, rule("@*", assertion("false()")))

    assert fired(rules, '<r z="" x:b="" a="" xmlns:x="urn:x" xml:lang="th"/>') == [
        ("A", "/r[1]/@z"),
        ("A", "/r[1]/@x:b"),
        ("A", "/r[1]/@a"),
        ("A", "/r[1]/@xml:lang"),
    ]


def test_xml_lang_needs_no_ns(tmp_path: Path) -> None:
    """The prefix xml is bound by its own."""
    rules = load(tmp_path, rule("*/@xml:lang", assertion(". = 'en'")))

    assert fired(rules, '<r xml:lang="th"/>') == [("A", "/r[1]/@xml:lang")]


def test_only_the_first_rule_of_a_pattern_that_matches_judges_a_node(tmp_path: Path) -> None:
    """Later rules of the same pattern pass it by, even when the first has no assert; other patterns do not."""
    rules = load(
        tmp_path,
        f"""<sch:pattern><sch:rule context="d:b[@k = 2]"/>
        <sch:rule context="d:b[@k]">{assertion("false()", "ONE")}</sch:rule>
        <sch:rule context="d:b">{assertion("false()", "TWO")}</sch:rule></sch:pattern>
        {rule("d:b[@k = 2]", assertion("false()", "THREE"))}""",
    )

    assert fired(rules, TREE) == [
        ("TWO", "/r[1]/a[1]/b[2]"),
        ("ONE", "/r[1]/c[1]/a[1]/b[1]"),
        ("THREE", "/r[1]/a[1]/b[1]"),
    ]


def test_the_document_its_root_and_an_attribute_are_different_nodes(tmp_path: Path) -> None:
    """One rule's match of the document leaves the root element and its attributes to the next ones."""
    rules = load(
        tmp_path,
        f"""<sch:pattern><sch:rule context="/">{assertion("false()", "DOC")}</sch:rule>
        <sch:rule context="/*">{assertion("false()", "ROOT")}</sch:rule>
        <sch:rule context="@k">{assertion("false()", "ATTRIBUTE")}</sch:rule></sch:pattern>""",
    )

    assert fired(rules, '<r k="1"/>') == [("DOC", "/r[1]"), ("ROOT", "/r[1]"), ("ATTRIBUTE", "/r[1]/@k")]


def test_findings_stand_by_pattern_then_node_then_assert(tmp_path: Path) -> None:
    """The order is that of the file and the document, whatever rule found them."""
    rules = load(
        tmp_path,
        f"""<sch:pattern><sch:rule context="c">{assertion("false()", "C1")}{assertion("false()", "C2")}</sch:rule>
        <sch:rule context="b">{assertion("false()", "B1")}</sch:rule></sch:pattern>
        {rule("r", assertion("false()", "R"))}""",
    )

    codes = [code for code, _ in fired(rules, "<r><b/><c/><b/></r>")]

    assert codes == ["B1", "C1", "C2", "B1", "R"]


@pytest.mark.parametrize(
    ("context", "test", "expected"),
    [
        ("/", "r", True),
        ("/", "self::r", False),
        ("/", "count(node()) = 1 and not(..)", True),
        ("r/@k", ". = 1 and name() = 'k' and not(*)", True),
        ("r/@k", "../@k = current", False),
        ("r/@k", "parent::r", True),
        ("r/@k", "../b/@k = 2", True),
    ],
)
def test_tests_start_from_documents_and_attributes(
    tmp_path: Path, context: str, test: str, *, expected: bool
) -> None:
    """Paths go on from any kind of context node."""
    rules = load(tmp_path, rule(context, assertion(test)))

    assert (fired(rules, '<r k="1"><b k="2"/></r>') == []) is expected


def test_values_and_lets_start_from_documents_and_attributes(tmp_path: Path) -> None:
    """Texts and lets see the same context node as the test."""
    text = '<sch:value-of select="concat(., $twice)"/> <sch:name/> <sch:value-of select="../b"/>'
    rules = load(
        tmp_path,
        rule("r/@k", assertion("$twice = 2", text=text), lets=let("twice", ". * 2"))
        + rule(
            "/", assertion("$c = 1", "B", text='<sch:value-of select="$c"/>'), lets=let("c", "count(r/b)")
        ),
    )

    texts = [finding.text_en for finding in check(rules, '<r k="3"><b>x</b><b/></r>').findings]

    assert texts == ["36 k x", "2"]


# --- lets


@pytest.mark.parametrize(
    ("value", "test"),
    [
        ("'x'", "$v = 'x'"),
        ("1 + 1", "$v = 2 and string($v) = '2'"),
        ("2 &gt; 1", "$v = true()"),
        ("b", "count($v) = 2 and $v[2]/@k = 'n' and $v/c = 'y'"),
        ("b[@k = 'none']", "not($v) and count($v) = 0"),
        ("b/@k", "count($v) = 2 and $v = 'm' and $v[2] = 'n' and not($v = 'z')"),
        ("b/@k", "c[. = $v] and b[@k = $v]"),
        ("b/@k", "local-name($v) = 'k' and string($v) = 'm' and concat($v, 1) = 'm1'"),
        ("b/c/text()", "$v = 'y' and count($v) = 1"),
        ("@none", "not($v) and string($v) = ''"),
        (".", "$v/b[1]/@k = 'm'"),
        ("//b", "count($v) = 2"),
        ("set:distinct(b/@k)", "count($v) = 2"),
        ("count(b)", "$v = 2"),
    ],
)
def test_a_let_keeps_strings_numbers_booleans_and_nodes(tmp_path: Path, value: str, test: str) -> None:
    """A let may hold whatever XPath 1.0 gives."""
    xml = '<r><b k="m"><c>y</c></b><b k="n"/><c>m</c></r>'

    assert holds(tmp_path, test, xml, lets=let("v", value))


def test_lets_of_all_levels_are_seen_and_may_use_earlier_ones(tmp_path: Path) -> None:
    """Lets of schema and pattern start from the document, those of a rule from its node."""
    rules = load(
        tmp_path,
        f"""{let("one", "r/n")}{let("two", "$one * 2")}
        <sch:pattern>{let("three", "$two + count(r/b)")}
        <sch:rule context="b">{let("own", ".")}{let("sum", "$own + $three")}{assertion("$sum = 13 + $two")}</sch:rule>
        </sch:pattern>""",
    )

    assert fired(rules, "<r><n>4</n><b>11</b><b>12</b></r>") == [("A", "/r[1]/b[2]")]


def test_two_rules_may_use_the_same_name_for_different_lets(tmp_path: Path) -> None:
    """The lets of a rule are its own."""
    rules = load(
        tmp_path,
        rule("b", assertion("$v = 1", "B"), lets=let("v", "1"))
        + rule("b", assertion("$v = 2", "C"), lets=let("v", "2")),
    )

    assert fired(rules, "<b/>") == []


def test_a_context_may_use_the_lets_around_it(tmp_path: Path) -> None:
    """Lets of schema and pattern are known where a context is looked for."""
    rules = load(tmp_path, let("wanted", "'2'") + rule("b[@k = $wanted]", assertion("false()")))

    assert fired(rules, '<r><b k="1"/><b k="2"/></r>') == [("A", "/r[1]/b[2]")]


@pytest.mark.parametrize(
    "test",
    ["$v/..", "$v/self::node()", "$v[1]/..", "($v)/..", "($v[. = 'm'] | b)[1]//c", "count($v/..) = 1"],
)
def test_a_path_from_a_let_of_attributes_is_not_judged(tmp_path: Path, test: str) -> None:
    """Attributes lose their place in a let, so nothing is concluded from where they stand."""
    rules = load(tmp_path, rule("r", assertion(test), lets=let("v", "b/@k")))

    assert [code for code, _ in fired(rules, '<r><b k="m"/></r>')] == [Code.RULE_NOT_JUDGED]


def test_a_let_that_mixes_kinds_of_nodes_is_not_judged(tmp_path: Path) -> None:
    """Elements together with attributes can't be kept without losing one or the other."""
    rules = load(tmp_path, rule("r", assertion("$v = 1"), lets=let("v", "b | @k")))

    finding = check(rules, '<r k="1"><b/></r>').findings[0]

    assert "A (_LetError: a let holds a mixture of nodes, or namespaces)" in finding.text_en


# --- extension functions


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("nsw:in-list('units', 'KGM')", True),
        ("nsw:in-list('units', 'kgm')", False),
        ("nsw:in-list('units', b)", True),
        ("nsw:in-list('units', b[2])", False),
        ("nsw:in-list('units', none)", False),
        ("nsw:in-list('units', 5)", True),
        ("nsw:in-list('units', 5.5)", False),
        ("nsw:in-list('units', true())", False),
        ("nsw:list-value('units', b, 'small') = 'kgm'", True),
        ("nsw:list-value('units', 'XXX', 'small') = ''", True),
        ("nsw:in-list('units', b, '20191231')", False),
        ("nsw:in-list('units', b, '2020-01-01')", True),
        ("nsw:in-list('units', b, 'never')", False),
        ("nsw:list-value('units', b, 'small', '20191231') = ''", True),
        ("nsw:list-value('units', b, 'small', 'never') = ''", True),
        ("nsw:today() = '20261122'", True),
        ("nsw:exchange-rate('JPY') = 0.2151", True),
        ("nsw:exchange-rate('JPY', '2026-12-31') = 0.225", True),
        ("nsw:product-equals(nsw:exchange-rate('USD'), 3, '99.2436', 0)", True),
        ("string(nsw:exchange-rate('JPY', '20270101')) = 'NaN'", True),
        ("string(nsw:exchange-rate('JPY', 'x')) = 'NaN'", True),
        ("string(nsw:exchange-rate('EUR')) = 'NaN'", True),
        ("string(nsw:exchange-rate('XXX')) = 'NaN'", True),
        ("string(nsw:exchange-rate('YYY')) = 'NaN'", True),
        ("nsw:party-role('0994000163011', 'broker')", True),
        ("nsw:party-role('0994000163011', 'broker', '20261123')", False),
        ("nsw:party-role('0994000163011', 'trader')", False),
        ("nsw:party-role('', '')", False),
        ("nsw:permit-valid(7, 'DOA', '0994000163011', '20261231')", True),
        ("nsw:permit-valid(7, 'DOA', '0994000163011', '20270101')", False),
        ("nsw:permit-valid(7, 'DOA', '0994000163011', '')", False),
        ("nsw:permit-valid(7, 'DOA', '0994000163012', '20261231')", False),
        ("nsw:permit-valid(7, 'DOF', '0994000163011', '20261231')", False),
        ("nsw:permit-valid(8, 'DOA', '', '20261231')", False),
        ("nsw:lodging-date() = '20261122'", True),
        ("nsw:date-valid('20240229')", True),
        ("nsw:date-valid(' 20240229 ')", True),
        ("nsw:date-valid('20230229')", False),
        ("nsw:date-valid('2024-2-29')", False),
        ("nsw:date-valid('00000101')", False),
        ("nsw:date-valid('๒๐๒๔๐๑๐๑')", False),
        ("nsw:date-valid('')", False),
        ("nsw:days-after-lodging('20261123') = 1", True),
        ("nsw:days-after-lodging('20261022') = -31", True),
        ("nsw:days-after-lodging('x') = 0 or nsw:days-after-lodging('x') != 0", True),
        ("string(nsw:days-after-lodging('x')) = 'NaN'", True),
        ("nsw:sum-equals(n, 0.6, 0)", True),
        ("nsw:sum-equals(n, '0.61', 0.01)", True),
        ("nsw:sum-equals(n, '0.61', 0.009)", False),
        ("nsw:sum-equals(n, '0.59', 0.01)", True),
        ("nsw:sum-equals(none, 0, 0)", True),
        ("nsw:sum-equals(n | b, 0.6, 10)", False),
        ("nsw:sum-equals('2', 2, 0)", True),
        ("nsw:sum-equals(n, none, 1)", False),
        ("nsw:sum-equals(m, 12, 0)", True),
        ("nsw:sum-equals(m, 12.5, 0)", False),
        ("nsw:sum-equals(m, 0 div 0, 0)", False),
        ("nsw:sum-equals('9007199254740993', 9007199254740992, 0)", False),
        ("nsw:sum-equals('๒', 2, 0)", False),
        ("nsw:product-equals('0.1', 3, '0.3', 0)", True),
        ("nsw:product-equals(n[1], n[2], '0.02', 0)", True),
        ("nsw:product-equals(1.005, 1000, 1005, 0)", True),
        ("nsw:product-equals('x', 1, 1, 1)", False),
        ("nsw:product-equals(1, 1, 3, 1)", False),
        ("nsw:decimal-compare('0.30', 0.3) = 0", True),
        ("nsw:decimal-compare('123456789012345678.1', '123456789012345678.2') = -1", True),
        ("nsw:decimal-compare('+2', '-.5') = 1", True),
        ("nsw:decimal-compare(2, 1 div 0) &gt; -2", False),
        ("nsw:decimal-compare('1e3', 1) &gt; -2", False),
        ("nsw:decimal-compare(none, 1) &gt; -2", False),
        ("nsw:decimal-compare('๑', 1) &gt; -2", False),
        ("nsw:tax-id-valid('0994000163011')", True),
        ("nsw:tax-id-valid('0994000163012')", False),
        ("nsw:tax-id-valid('0-9940-00163-01-1')", False),
        ("nsw:tax-id-valid('๐994000163011')", False),
        ("re:test(b, '^[A-Z]{3}$')", True),
        ("re:test(b, $pattern)", True),
        ("re:replace(b, 'K', '', 'k') = 'kGM'", True),
        ("count(re:match('a1b2', '[0-9]', 'g')) = 2", True),
        ("count(set:distinct(n | n)) = 3 and set:has-same-node(n, n[1])", True),
        ("count(set:difference(n, n[1])) = 2", True),
        ("date:year('2024-02-29') = 2024", True),
        ("date:difference('2026-01-01', '2026-01-03') = 'P2D'", True),
        ("math:max(n) = 0.3", True),
    ],
)
def test_functions_answer(tmp_path: Path, test: str, *, expected: bool) -> None:
    """Strings, numbers and node-sets are taken alike; sums and products are exact."""
    xml = "<r><b>KGM</b><b>x</b><m>10</m><m>2</m><n>0.1</n><n>0.2</n><n> 0.30 </n></r>"

    assert holds(tmp_path, test, xml, lets=let("pattern", "'^KG'")) is expected


def test_an_element_with_children_has_the_text_of_all_of_them(tmp_path: Path) -> None:
    """Arguments have the string value of XPath: comments are no part of it."""
    assert holds(tmp_path, "nsw:in-list('units', b)", "<r><b>K<!-- no --><c>G</c>M</b></r>")


def test_functions_see_attributes_and_documents(tmp_path: Path) -> None:
    """The context node of an argument may be of any kind."""
    rules = load(
        tmp_path,
        rule("@u", assertion("nsw:in-list('units', .)", "U"))
        + rule("/", assertion("nsw:in-list('units', string(.))", "D")),
    )

    assert fired(rules, '<r u="KGM">TNE</r>') == []
    assert fired(rules, '<r u="x"/>') == [("U", "/r[1]/@u"), ("D", "/r[1]")]


def test_tax_ids_agree_with_stdnum(tmp_path: Path) -> None:
    """Another implementation of the check digit gives the same verdict on 13 plain digits."""
    numbers = [f"{head}9940001630{tail:02}" for head in range(10) for tail in range(0, 100, 3)]
    rules = load(tmp_path, rule("n", assertion("nsw:tax-id-valid(.)")))
    root = etree.fromstring("<r/>")
    for number in numbers:
        etree.SubElement(root, "n").text = number

    wrong = {finding.path for finding in rules.check(root, CONTEXT).findings}

    assert {f"/r[1]/n[{at}]" for at, number in enumerate(numbers, 1) if not tin.is_valid(number)} == wrong


def test_lists_are_those_of_the_lodging_date(tmp_path: Path) -> None:
    """A code that came later does not count for an earlier document."""
    rules = load(tmp_path, rule("r", assertion("nsw:in-list('units', 'KGM')")))

    assert check(rules, "<r/>", RuleContext(date(2019, 12, 31), CONTEXT.code_lists)).findings
    assert not check(rules, "<r/>", RuleContext(date(2020, 1, 1), CONTEXT.code_lists)).findings


def test_the_lists_that_rules_ask_for_are_known(tmp_path: Path) -> None:
    """So that a list that no folder has is noticed when loading."""
    rules = load(tmp_path, rule("r", assertion("nsw:in-list('a', .) = nsw:list-value('b', ., 'c')")))

    assert rules.lists_used == {("a", None), ("b", "c")}


@pytest.mark.parametrize(
    ("call", "lists"),
    [
        ("nsw:exchange-rate(.) = 1", {("exchange_rates", "rate"), ("exchange_rates", "unit")}),
        ("nsw:party-role(., 'broker')", {("registered_parties", "tax_id"), ("registered_parties", "role")}),
        (
            "nsw:permit-valid(., 'a', 'b', '20260101')",
            {("issued_permits", "authority"), ("issued_permits", "number"), ("issued_permits", "holder")},
        ),
        ("nsw:in-list('a', ., '20260101')", {("a", None)}),
    ],
)
def test_functions_ask_for_the_lists_that_they_read(
    tmp_path: Path, call: str, lists: set[tuple[str, str | None]]
) -> None:
    """So that a window without such a list or column does not start with rules that ask for it."""
    assert load(tmp_path, rule("r", assertion(call))).lists_used == lists


def test_the_law_date_is_asked_where_there_is_one(tmp_path: Path) -> None:
    """Lists, rates and today are those of the law date; the lodging date stays what it is."""
    context = RuleContext(LODGED_ON, CONTEXT.code_lists, law_date=date(2026, 12, 2))
    test = (
        "nsw:today() = '20261202' and nsw:lodging-date() = '20261122' and nsw:exchange-rate('JPY') = 0.225"
        " and not(nsw:party-role('0994000163011', 'broker'))"
    )

    assert not check(load(tmp_path, rule("r", assertion(test))), "<r/>", context).findings


def test_each_function_is_documented() -> None:
    """With its arguments, what it gives, and what it gives when the list lacks it."""
    for name, function in OWN_FUNCTIONS_TABLE.items():
        assert function.gives, name
        assert function.without or not (function.lists or function.named), name
        assert 0 <= function.least <= len(function.arguments), name


# --- rules that fail


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("nsw:in-list('no.list', .)", "KeyError: 'no.list'"),
        ("nsw:list-value('units', 'KGM', 'big') = ''", "KeyError: 'big'"),
        ("count(string(.)) = 1", "XPathEvalError: Invalid type"),
        ("set:distinct(1)", "XPathEvalError: Invalid type"),
        ("b/c[sum('x') = 1]", "XPathEvalError: Invalid type"),
    ],
)
def test_a_rule_that_fails_is_told_once_and_the_others_go_on(tmp_path: Path, test: str, reason: str) -> None:
    """NSW-3001 names the rule, the first place and how many there are; no text of the document is told."""
    checks = [assertion("@k = 1", "ONE"), assertion(test, "TWO"), assertion("@k = 2", "THREE")]
    rules = load(tmp_path, rule("a", *checks))

    first, second, third = check(rules, "<r><a k='2'><b><c/></b></a>\n<a k='1'><b><c/></b></a></r>").findings

    assert (first.code, first.path) == ("ONE", "/r[1]/a[1]")
    assert (second.code, second.path) == ("THREE", "/r[1]/a[2]")
    assert (third.code, third.path, third.line) == (Code.RULE_NOT_JUDGED, "/r[1]/a[1]", 1)
    assert third.text_en == f"A rule could not be judged: TWO ({reason}), at 2 places."


def test_a_rule_that_failed_judges_the_next_document(tmp_path: Path) -> None:
    """A failure leaves nothing behind."""
    rules = load(tmp_path, rule("r", assertion("b[sum('x') = 1]"), assertion("@k", "K")))

    first, second = check(rules, "<r><b/></r>"), check(rules, "<r/>")

    assert [finding.code for finding in first.findings] == ["K", Code.RULE_NOT_JUDGED]
    assert [finding.code for finding in second.findings] == ["A", "K"]
    assert check(rules, "<r><b/></r>") == first


def test_a_let_that_fails_fails_only_the_rules_that_use_it(tmp_path: Path) -> None:
    """Lets are evaluated when they are needed."""
    rules = load(
        tmp_path,
        rule("r", assertion("$bad = 1", "ONE"), assertion("false()", "TWO"), lets=let("bad", "sum('x')")),
    )

    findings = check(rules, "<r/>").findings

    assert [finding.code for finding in findings] == ["TWO", Code.RULE_NOT_JUDGED]
    assert "ONE (XPathEvalError: Invalid type)" in findings[1].text_en


def test_a_context_that_fails_leaves_its_nodes_unjudged(tmp_path: Path) -> None:
    """Nodes of a rule whose context can't be found must not fall to the next rules of the pattern."""
    rules = load(
        tmp_path,
        f"""<sch:pattern><sch:rule context="a">{assertion("false()", "ONE")}</sch:rule>
        <sch:rule context="b[sum('x')]">{assertion("false()", "TWO")}</sch:rule>
        <sch:rule context="b">{assertion("false()", "THREE")}</sch:rule></sch:pattern>
        {rule("b", assertion("false()", "FOUR"))}""",
    )

    findings = check(rules, "<r><a/><b/></r>").findings

    assert [finding.code for finding in findings] == ["ONE", "FOUR", Code.RULE_NOT_JUDGED]
    assert "TWO, THREE (XPathEvalError: Invalid type)" in findings[2].text_en


def test_a_value_that_fails_leaves_the_finding(tmp_path: Path) -> None:
    """What is wrong with the sentence does not hide what is wrong with the document."""
    assert value_of(tmp_path, "sum('x')") == "?"


def test_the_budget_ends_the_judging_and_says_so(tmp_path: Path) -> None:
    """What was found until then is kept."""
    rules = load(
        tmp_path, rule("b", assertion("@k"), assertion("true()", "B")) + rule("r", assertion("false()", "R"))
    )
    context = RuleContext(LODGED_ON, CodeLists(), max_evaluations=4)

    report = check(rules, "<r><b/><b k='1'/><b/></r>", context)

    assert [finding.code for finding in report.findings] == ["A", Code.RULE_NOT_JUDGED]
    assert report.evaluations == 4
    assert "the rules ended after 4 evaluations; the rest was not judged." in report.findings[1].text_en


@pytest.mark.parametrize(
    "test",
    [
        "//b[//b[. = ../@k]]",
        "../b[../b[. = 1] = .]",
        "//b[text() = //b/text()]",
        "count(//b[preceding-sibling::b = .]) = 0",
        "/r/b[/r/b = .]",
        "$all[$all = .]",
        "ancestor::r[not(//b/text()[. = //b/@k])]",
    ],
)
def test_a_rule_that_needs_long_ends_by_the_nodes_that_it_visits(tmp_path: Path, test: str) -> None:
    """At the same place on every machine, soon, and it is told; by compiled rules and by lxml alike."""
    rules = load(tmp_path, let("all", "//b") + rule("b", assertion(test)) + rule("r", assertion("1", "R")))
    xml = f"<r>{''.join(f'<b>{number}</b>' for number in range(1000))}</r>"
    context = RuleContext(LODGED_ON, CodeLists(), max_evaluations=20_000)
    began = time.process_time()

    first, second = check(rules, xml, context), check(rules, xml, context)

    assert [finding.code for finding in first.findings][-1] == Code.RULE_NOT_JUDGED
    assert "the rest was not judged" in first.findings[-1].text_en
    assert first == second
    assert time.process_time() - began < 20


def test_large_documents_are_judged_within_the_budget(tmp_path: Path) -> None:
    """What is below a node, or asked once of the document, is not counted for each node again."""
    rules = load(
        tmp_path,
        let("sum", "sum(//n)")
        + rule("item", assertion("n[. &lt; 2]"), assertion("count(/r/item) &lt; 99999", "B")),
    )

    report = check(rules, f"<r>{'<item><n>1</n></item>' * 5000}</r>")

    assert report.findings == ()


def test_findings_beyond_the_cap_are_counted(tmp_path: Path) -> None:
    """The first ones are kept, over all patterns and in document order; rules not judged are told in any case."""
    rules = load(
        tmp_path,
        f"""{rule("a", assertion("false()", "ONE"))}
        <sch:pattern><sch:rule context="c">{assertion("false()", "C")}</sch:rule>
        <sch:rule context="b">{assertion("false()", "B")}</sch:rule></sch:pattern>
        {rule("r", assertion("false()", "R"), assertion("sum('x')", "X"))}""",
    )
    context = RuleContext(LODGED_ON, CodeLists(), max_findings=3)

    report = check(rules, f"<r><a/>{'<b/><c/>' * 10}</r>", context)

    assert [finding.code for finding in report.findings] == ["ONE", "B", "C", Code.RULE_NOT_JUDGED]
    assert report.omitted == 19


def test_a_tree_without_lines_gives_findings_without_lines(tmp_path: Path) -> None:
    """Documents that came as Avro have no lines."""
    root = etree.Element("r")
    etree.SubElement(root, "b")

    finding = load(tmp_path, rule("b", assertion("false()"))).check(root, CONTEXT).findings[0]

    assert (finding.path, finding.line) == ("/r[1]/b[1]", None)


def test_one_rule_set_serves_several_threads(tmp_path: Path) -> None:
    """Each thread judges by its own lodging date."""
    rules = load(
        tmp_path, rule("@k | b", assertion(". = nsw:lodging-date()"), lets=let("v", "nsw:lodging-date()"))
    )
    wrong: list[Finding] = []

    def judge(day: int) -> None:
        context = RuleContext(date(2026, 1, day), CodeLists())
        xml = f'<r k="202601{day:02}"><b>202601{day:02}</b></r>'
        wrong.extend(finding for _ in range(50) for finding in check(rules, xml, context).findings)

    threads = [Thread(target=judge, args=(day,)) for day in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_cost_grows_with_the_document_not_with_its_square(tmp_path: Path) -> None:
    """Ten times as many items are ten times as many evaluations."""
    rules = load(
        tmp_path,
        let("total", "sum(//n)")
        + rule("item", assertion("n"), assertion("n &lt;= $total", "B"))
        + rule("item/n", assertion("$own", "C"), lets=let("own", ".")),
    )

    counts = [
        check(rules, f"<r>{'<item><n>1</n></item>' * size}</r>").evaluations for size in (1, 10, 100, 1000)
    ]

    assert counts == [4 * size + 1 for size in (1, 10, 100, 1000)]


def test_passing_many_nodes_counts_against_the_budget(tmp_path: Path) -> None:
    """A let of all items, used for each of them, is work that grows faster than the document."""
    rules = load(tmp_path, let("all", "//b") + rule("b", assertion("count($all) = 0")))

    evaluations = check(rules, f"<r>{'<b/>' * 200}</r>").evaluations

    assert evaluations == 1 + 200 * (1 + 4)


def test_absent_contexts_cost_nothing(tmp_path: Path) -> None:
    """No assert is evaluated without a node to judge."""
    rules = load(tmp_path, "".join(rule(f"x{n}/y", assertion("sum(z) = 1", f"A{n}")) for n in range(50)))

    assert check(rules, "<r><y/></r>") == RuleReport((), 0, 0)


# --- the catalogue


def test_the_catalogue_lists_every_check(tmp_path: Path) -> None:
    """With places for values, as documentation needs it."""
    rules = load(
        tmp_path,
        """<sch:title>Rules of <sch:emph>d</sch:emph></sch:title>
<sch:pattern><sch:title>P</sch:title><sch:p>ignored <sch:any/></sch:p><sch:rule context="d:a
  | d:b">
<sch:report id="R" role="information" test="d:c  &lt; 2" diagnostics="t s"
>Is <sch:value-of select="d:c"/> in <sch:name/>.</sch:report></sch:rule></sch:pattern>
<sch:diagnostics><sch:diagnostic id="t" xml:lang="th">คือ <sch:value-of select="."/></sch:diagnostic>
<sch:diagnostic id="s" role="source">manual</sch:diagnostic></sch:diagnostics>""",
    )

    (entry,) = rules.catalogue

    assert rules.title == "Rules of d"
    assert (entry.id, entry.severity, entry.is_report, entry.line) == ("R", Severity.INFORMATION, True, 9)
    assert (entry.context, entry.test, entry.source) == ("d:a | d:b", "d:c < 2", "manual")
    assert (entry.text_en, entry.text_th) == ("Is {d:c} in {name()}.", "คือ {.}")


# --- refusals


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<sch:phase id="p"/>', "5: phase in schema is not supported"),
        ('<sch:include href="x"/>', "5: include in schema is not supported"),
        ('<sch:pattern abstract="true"/>', "5: the attribute abstract of pattern is not supported"),
        ('<sch:pattern is-a="x"/>', "5: the attribute is-a of pattern is not supported"),
        (
            '<sch:pattern><sch:param name="a" value="b"/></sch:pattern>',
            "5: param in pattern is not supported",
        ),
        (
            '<sch:pattern><sch:rule context="a"><sch:extends rule="b"/></sch:rule></sch:pattern>',
            "5: extends in rule",
        ),
        ('<sch:key name="a" match="b" use="c"/>', "5: key in schema is not supported"),
        (
            '<x:key xmlns:x="http://www.w3.org/1999/XSL/Transform"/>',
            "5: {http://www.w3.org/1999/XSL/Transform}key in",
        ),
        (
            "<sch:pattern>\n<sch:assert id='A' test='1'/></sch:pattern>",
            "6: assert in pattern is not supported",
        ),
        ('<sch:pattern><sch:rule test="a"/></sch:pattern>', "5: the attribute test of rule is not supported"),
        ("<sch:pattern><sch:rule/></sch:pattern>", "5: rule needs the attribute context"),
        (rule("a", "<sch:assert test='1'/>"), "5: assert needs the attribute id"),
        (rule("a", "<sch:assert id='A'/>"), "5: assert needs the attribute test"),
        (rule("a", assertion(" ")), "5: assert needs the attribute test"),
        (rule("a", assertion("1", text="<sch:value-of/>")), "5: value-of needs the attribute select"),
        (rule("a", assertion("1", text="<b/>")), "5: b in assert is not supported"),
        (rule("a", assertion("1", more='see="x"')), "5: the attribute see of assert is not supported"),
        ('<sch:let name="a">1</sch:let>', "5: let needs the attribute value"),
        (let("1", "1"), "5: '1' can't be the name of a let"),
        (let("_nsw_name", "1"), "5: '_nsw_name' can't be the name of a let"),
        (let("a", "1") + let("a", "2"), "5: another let 'a' is in scope"),
        (let("a", "1") + rule("a", lets=let("a", "2")), "5: another let 'a' is in scope"),
        (let("a", "$b") + let("b", "1"), "5: value: no let 'b' is in scope"),
        (rule("a[$b]", lets=let("b", "1")), "5: context: no let 'b' is in scope"),
        (rule("a", assertion("$b")), "5: test: no let 'b' is in scope"),
        (rule("a", assertion("b[")), "5: test: no XPath 1.0: Invalid expression: b["),
        (rule("a", assertion("if (a) then b else c")), "5: test: no XPath 1.0: Invalid expression"),
        (rule("a", assertion("1) or (1")), "5: test: no XPath 1.0"),
        (rule("a["), "5: context: no XPath 1.0"),
        (rule("a", assertion("1", text='<sch:value-of select="("/>')), "5: select: no XPath 1.0"),
        (rule("a", assertion("x:b")), "5: test: the prefix 'x' is bound by no ns"),
        (rule("a", assertion("x:*")), "5: test: the prefix 'x' is bound by no ns"),
        (rule("a", assertion("x:f()")), "5: test: the prefix 'x' is bound by no ns"),
        (rule("x:a"), "5: context: the prefix 'x' is bound by no ns"),
        ('<sch:ns prefix="d" uri="urn:e"/>', "5: the prefix 'd' is bound twice"),
        ('<sch:ns prefix="_nsw" uri="urn:e"/>', "5: the prefix '_nsw' is reserved"),
        ('<sch:ns prefix="e"/>', "5: ns needs the attribute uri"),
        (rule("a", assertion("exists(b)")), "5: test: there is no function exists()"),
        (rule("a", assertion("nsw:nothing(b)")), "5: test: there is no function nsw:nothing()"),
        (rule("a", assertion("d:f(b)")), "5: test: there is no function d:f()"),
        (rule("a", assertion("current() = 1")), "5: test: current() belongs to XSLT: keep the node in a let"),
        (rule("a", assertion("document('x')")), "5: test: document() would read another document"),
        (rule("a", assertion("key('x', 1)")), "5: test: key() belongs to XSLT"),
        (rule("a", assertion("id('x')")), "5: test: id() needs a document type declaration"),
        (rule("a", assertion("generate-id() = 1")), "5: test: there is no function generate-id()"),
        (
            rule("a", assertion("date:date-time() = 1")),
            "5: test: date:date-time() without an argument would read the",
        ),
        (
            rule("a", assertion("b[date:year() = 1]")),
            "5: test: date:year() without an argument would read the clock",
        ),
        (rule("a", assertion("math:random() = 1")), "5: test: there is no function math:random()"),
        (rule("a", assertion("contains(a)")), "5: test: contains() can't take 1 arguments"),
        (
            rule("a", assertion("contains(a, (b), concat(c, d))")),
            "5: test: contains() can't take 3 arguments",
        ),
        (rule("a", assertion("nsw:date-valid()")), "5: test: nsw:date-valid() can't take 0 arguments"),
        (rule("a", assertion("position() = 1")), "5: test: position() has a meaning inside a predicate only"),
        (
            rule("a", assertion("nsw:in-list(b, c)")),
            "5: test: nsw:in-list() needs literals as the names of list and",
        ),
        (
            rule("a", assertion("nsw:list-value('b', c, d) = 1")),
            "5: test: nsw:list-value() needs literals as the",
        ),
        (
            rule("a", assertion("re:test(., b)")),
            "5: test: re:test() needs a literal as its pattern, or a let that",
        ),
        (
            rule("a", assertion("re:test(., $b)"), lets=let("b", "c")),
            "5: test: re:test() needs a literal as its",
        ),
        (
            rule("a", assertion("re:test(., '(')")),
            "5: test: re:test(): no regular expression: missing ), unterm",
        ),
        (
            rule("a", assertion("re:test(., '(?a)x')")),
            "5: test: re:test(): no regular expression: ASCII and UNICODE flags are incompatible",
        ),
        (rule("a", assertion("re:test(., '(?L)x', 'i')")), "5: test: re:test(): no regular expression: "),
        (rule("a", assertion("re:test(., 'a{99999999999}')")), "5: test: re:test(): no regular expression: "),
        (
            '<xsl:function xmlns:xsl="http://www.w3.org/1999/XSL/Transform" name="f"/>',
            "5: {http://www.w3.org/1999/XSL/Transform}function in",
        ),
        (rule("a/.."), "5: a context names elements, attributes or /: '..' can't stand there"),
        (rule("a/text()"), "5: a context names elements, attributes or /: 'text' can't stand there"),
        (rule("ancestor::a"), "5: a context names elements, attributes or /: 'ancestor' can't stand there"),
        (rule("(a | b)/c"), "5: a context names elements, attributes or /: '(' can't stand there"),
        (rule("a = 1"), "5: a context names elements, attributes or /: '=' can't stand there"),
        (
            rule("a", assertion("1", more='role="fatal"')),
            "5: the role 'fatal' is unknown: use error, warning, inform",
        ),
        (rule("a", assertion("1", more='role="error" flag="warning"')), "5: role and flag differ"),
        (rule("a", assertion("1"), assertion("1")), "5: the id 'A' is used twice"),
        (
            rule("a", assertion("1", "NSW-3001")),
            "5: the id 'NSW-3001' is a code of the window's own catalogue",
        ),
        (rule("a", assertion("1", more='diagnostics="d"')), "5: there is no diagnostic 'd'"),
        ("<sch:diagnostics><sch:diagnostic/></sch:diagnostics>", "5: diagnostic needs the attribute id"),
        (
            '<sch:diagnostics><sch:diagnostic id="d"/>\n<sch:diagnostic id="d"/></sch:diagnostics>',
            "6: the diagnostic 'd' is defined twice",
        ),
        (
            rule("a", assertion("1", more='diagnostics="d"'))
            + '<sch:diagnostics><sch:diagnostic id="d" xml:lang="fr">non</sch:diagnostic></sch:diagnostics>',
            "5: a diagnostic is English, Thai (xml:lang) or a source (role)",
        ),
    ],
)
def test_what_is_not_supported_is_refused_with_its_line(tmp_path: Path, body: str, problem: str) -> None:
    """Nothing is passed over in silence."""
    problems = problems_of(tmp_path, body)

    assert problems[0].startswith(problem)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    """Whoever repairs a rule file sees all there is to repair."""
    body = rule("a", assertion("b["), "\n", assertion("x:b or f()", "B"))

    assert problems_of(tmp_path, body) == [
        "5: test: no XPath 1.0: Invalid expression: b[",
        "6: test: the prefix 'x' is bound by no ns",
        "6: test: there is no function f()",
    ]


def test_a_default_phase_is_refused(tmp_path: Path) -> None:
    """There are no phases: all patterns are active."""
    assert problems_of(tmp_path, "", 'defaultPhase="x"') == [
        "1: the attribute defaultPhase of schema is not supported"
    ]


def test_another_query_binding_is_refused(tmp_path: Path) -> None:
    """XPath 2.0 would mean other things."""
    assert problems_of(tmp_path, "", 'queryBinding="xslt2"') == ["1: the query binding must be xslt"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<a/>", "1: the root must be {http://purl.oclc.org/dsdl/schematron}schema, without a document type"),
        (
            '<!DOCTYPE s [<!ENTITY e "x">]>\n<s xmlns="http://purl.oclc.org/dsdl/schematron">&e;</s>',
            "2: the root must be",
        ),
        ("<a>\n</b>", "2: no well-formed XML: "),
        ("", "1: no well-formed XML: "),
    ],
)
def test_a_file_that_is_no_schematron_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """Other XML, other text."""
    path = tmp_path / "rules.sch"
    path.write_text(text, "utf-8")

    with pytest.raises(ConfigError) as caught:
        load_rule_set(path)

    assert caught.value.problems[0].removeprefix(f"{path}:").startswith(problem)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(ConfigError, match=r"rules\.sch: the file can't be read: No such file or directory"):
        load_rule_set(tmp_path / "rules.sch")


# --- against another implementation

DIFFERENTIAL_DOCUMENTS = [
    TREE,
    '<r xmlns="urn:d"/>',
    '<a xmlns="urn:d" k="2"><b>3</b><c/><b k="9"><a><b/></a></b></a>',
    '<r xmlns="urn:d"><a>1</a><a>2</a><b k="1">2</b><c k="2"><b>3</b></c></r>',
]

DIFFERENTIAL_RULES = [
    rule("d:b", assertion("@k"), '<sch:report id="R" test="../d:c">x</sch:report>'),
    rule("/", assertion("d:r"), assertion("count(//d:b) &gt; 2", "B")),
    rule("/d:r | d:a/d:b", assertion("*"), assertion("@k &gt; 1", "B")),
    rule("d:a/@k | d:b/@*", assertion(". = 2"), assertion("../d:b", "B")),
    rule("d:b[1]", assertion("@k")) + rule("d:b[last()]", assertion("@k = 3", "B")),
    rule("*", assertion("d:a or d:b"), lets=let("n", "count(*)") + let("m", "$n + 1")),
    rule(
        "*",
        assertion("$n &lt; 2"),
        assertion("*[@k = $k]", "B"),
        lets=let("n", "count(*)") + let("k", "*/@k"),
    ),
    let("all", "//d:b") + rule("d:a", assertion("count($all) = count(d:b)")),
    f"""<sch:pattern><sch:rule context="d:b[@k]">{assertion("@k = 2")}</sch:rule>
    <sch:rule context="d:a | d:b">{assertion("@k", "B")}</sch:rule>
    <sch:rule context="*">{assertion("@k", "C")}</sch:rule></sch:pattern>""",
    f"""<sch:pattern><sch:rule context="//d:c//d:b"/>
    <sch:rule context="//d:b">{assertion("false()")}</sch:rule></sch:pattern>""",
]


def codes_of_isoschematron(path: Path, root: etree._Element) -> Counter[str]:
    """Count what fires according to the reference implementation in XSLT."""
    schematron = Schematron(file=str(path), validate_schema=False, store_report=True)
    schematron.validate(root)
    report = schematron.validation_report
    assert report is not None
    return Counter(
        element.get("id", "") for element in report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")
    )


@pytest.mark.parametrize("body", DIFFERENTIAL_RULES)
@pytest.mark.parametrize("xml", DIFFERENTIAL_DOCUMENTS)
def test_rules_fire_as_often_as_in_the_reference_implementation(tmp_path: Path, body: str, xml: str) -> None:
    """The same ids fire, the same number of times, as in the Schematron that lxml ships."""
    path = write(tmp_path, body)
    root = etree.fromstring(xml)

    ours = Counter(finding.code for finding in load_rule_set(path).check(root, CONTEXT).findings)

    assert ours == codes_of_isoschematron(path, root)


# --- the rules in the repository


@pytest.mark.parametrize(
    "path", sorted((ROOT / "schemas").rglob("*.sch")), ids=lambda path: path.parent.parent.name
)
def test_the_rules_of_the_repository_load(path: Path) -> None:
    """Every rule has a source and a sentence in Thai script."""
    for entry in load_rule_set(path).catalogue:
        assert entry.source
        assert re.search("[ก-๛]", entry.text_th), entry.id
