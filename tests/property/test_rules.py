"""Rules on generated trees: as the reference implementation, and as plain Python, would judge them."""

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml.isoschematron import Schematron

from nsw.codelists import CodeLists
from nsw.errors import Code
from nsw.formats.xml import build_path
from nsw.rules import RuleContext, RuleSet, load_rule_set

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
CONTEXT = RuleContext(date(2026, 11, 22), CodeLists())

NAMES = st.sampled_from("abc")
CONTEXTS = st.sampled_from(
    [
        "a",
        "b",
        "*",
        "a/b",
        "//c",
        "a//b",
        "/a",
        "/",
        "/*/b",
        "a | b",
        "@k",
        "a/@k",
        "@*",
        "b[@k]",
        "c[1]",
        "*[a]/b",
    ]
)
TESTS = st.sampled_from(
    [
        "@k", "a or b", ". = 1", "../a", "count(*) &lt; 2", "a[2]", "not(.//c)", "$all = .", "$here = 1",
        "b[. = $here]", "parent::*[@k]", "preceding-sibling::*", "string-length(.) mod 2 = 0", "$count &gt; 3",
    ]
)  # fmt: skip


def element(name: str, key: str, text: str, children: list[str]) -> str:
    """Give an element with this content."""
    return f"<{name}{key}>{text}{''.join(children)}</{name}>"


def elements(children: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    """Give elements around these children."""
    return st.builds(
        element, NAMES, st.sampled_from(["", " k='1'", " k='2'"]), st.sampled_from(["", "1", "11"]), children
    )


DOCUMENTS = st.recursive(
    elements(st.just([])), lambda inner: elements(st.lists(inner, max_size=4)), max_leaves=20
)
RULES = st.lists(
    st.lists(
        st.tuples(CONTEXTS, st.lists(st.tuples(st.booleans(), TESTS), max_size=3)), min_size=1, max_size=4
    ),
    min_size=1,
    max_size=3,
)


def schema_of(patterns: list[list[tuple[str, list[tuple[bool, str]]]]]) -> str:
    """Give a rule file, each check with its own id."""
    ids = iter(range(1000))
    body = "".join(
        "<sch:pattern>"
        + "".join(
            f'<sch:rule context="{context}"><sch:let name="here" value="@k"/>'
            + "".join(
                f'<sch:{"report" if is_report else "assert"} id="R{next(ids)}" test="{test}"/>'
                for is_report, test in checks
            )
            + "</sch:rule>"
            for context, checks in rules
        )
        + "</sch:pattern>"
        for rules in patterns
    )
    return (
        '<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron">'
        f'<sch:let name="all" value="//a"/><sch:let name="count" value="count(//*)"/>{body}</sch:schema>'
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns=RULES, xml=DOCUMENTS)
def test_rules_fire_as_often_as_in_the_reference_implementation(
    tmp_path: Path, patterns: list[list[tuple[str, list[tuple[bool, str]]]]], xml: str
) -> None:
    """Any rules on any tree: the same ids, the same number of times, as in the Schematron that lxml ships."""
    path = tmp_path / "rules.sch"
    path.write_text(schema_of(patterns), "utf-8")
    root = etree.fromstring(xml)

    ours = Counter(finding.code for finding in load_rule_set(path).check(root, CONTEXT).findings)

    schematron = Schematron(file=str(path), validate_schema=False, store_report=True)
    schematron.validate(root)
    report = schematron.validation_report
    assert report is not None
    fired = report.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report")
    assert ours == Counter(each.get("id", "") for each in fired)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """Give rules that fire on every element and attribute, and compare texts as numbers."""
    path = tmp_path_factory.mktemp("rules") / "rules.sch"
    path.write_text(
        """<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron">
        <sch:ns prefix="nsw" uri="urn:nsw:functions:1"/>
        <sch:pattern><sch:rule context="a"><sch:assert id="A" test="false()"/></sch:rule>
        <sch:rule context="* | @*"><sch:assert id="REST" test="false()"/></sch:rule></sch:pattern>
        <sch:pattern><sch:rule context="sum">
        <sch:assert id="SUM" test="nsw:sum-equals(n, @total, @tolerance)"/></sch:rule></sch:pattern>
        </sch:schema>""",
        "utf-8",
    )
    return load_rule_set(path)


def places_of(root: etree._Element) -> list[str]:
    """Give the path of every element, each followed by its attributes, in document order."""
    return [
        path
        for each in root.iter("*")
        for path in (build_path(each), *(build_path(each, str(name)) for name in each.attrib))
    ]


@settings(deadline=None)
@given(xml=DOCUMENTS, cap=st.integers(0, 30))
def test_findings_are_the_first_in_document_order(rules: RuleSet, xml: str, cap: int) -> None:
    """However rules share the nodes, the kept findings are the first ones, and all are counted."""
    tree = etree.fromstring(xml)
    places = places_of(tree)

    report = rules.check(tree, RuleContext(date(2026, 11, 22), CodeLists(), max_findings=cap))

    assert [finding.path for finding in report.findings] == places[:cap]
    assert report.omitted == max(len(places) - cap, 0)


@settings(deadline=None)
@given(xml=DOCUMENTS, budget=st.integers(0, 30))
def test_the_budget_is_kept(rules: RuleSet, xml: str, budget: int) -> None:
    """A budget ends the judging exactly when there is more to judge, and is never exceeded."""
    tree = etree.fromstring(xml)
    places = places_of(tree)

    report = rules.check(tree, RuleContext(date(2026, 11, 22), CodeLists(), max_evaluations=budget))

    assert report.evaluations == min(budget, len(places))
    assert [finding.code == Code.RULE_NOT_JUDGED for finding in report.findings] == [False] * min(
        budget, len(places)
    ) + [True] * (budget < len(places))


@settings(deadline=None)
@given(
    parts=st.lists(st.decimals(-(10**20), 10**20, places=5), max_size=8),
    off=st.decimals(-1, 1, places=5),
    tolerance=st.decimals(0, 1, places=5),
)
def test_sums_are_exact(rules: RuleSet, parts: list[Decimal], off: Decimal, tolerance: Decimal) -> None:
    """As Python's own decimals of enough digits judge them."""
    total = sum(parts, off)
    root = etree.Element("sum", total=f"{total:f}", tolerance=f"{tolerance:f}")
    for part in parts:
        etree.SubElement(root, "n").text = f"{part:f}"

    codes = {finding.code for finding in rules.check(root, CONTEXT).findings}

    assert ("SUM" in codes) is (abs(off) > tolerance)


@settings(deadline=None)
@given(text=st.text(max_size=20))
def test_any_text_is_judged(rules: RuleSet, text: str) -> None:
    """No text of a document makes a function fail."""
    root = etree.Element("sum")
    try:
        root.set("total", text)
    except ValueError:
        return

    assert [f.code for f in rules.check(root, CONTEXT).findings if f.code == Code.RULE_NOT_JUDGED] == []
