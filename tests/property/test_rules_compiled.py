"""Rules compiled to Python judge as lxml does: every expression, on any tree."""

import math
from copy import deepcopy
from datetime import date
from itertools import count
from pathlib import Path
from random import Random
from typing import NoReturn
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from nsw.codelists import CodeLists, load_code_lists
from nsw.errors import ConfigError
from nsw.rules import RuleContext, RuleSet, load_rule_set
from nsw.rules.code import NodeKind
from nsw.rules.compiler import compile_expression
from nsw.rules.context import Run
from nsw.rules.index import Index, to_number
from nsw.rules.syntax import UnsupportedError, parse
from nsw.rules.values import number_text, round_half_up, substring

ROOT = Path(__file__).resolve().parents[2]
NAMESPACES = {"set": "http://exslt.org/sets", "re": "http://exslt.org/regular-expressions", "n": "urn:n"}

NAMES = st.sampled_from(["a", "b", "c", "n:d"])
TEXTS = st.sampled_from(["", "1", "2", " 1 ", "-0.5", "1e2", "x", "N", "a b", ".", "ก"])


def element(name: str, key: str, text: str, children: list[str]) -> str:
    """Give an element with this content."""
    return f"<{name} xmlns:n='urn:n'{key}>{text}{''.join(children)}</{name}>"


def elements(children: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    """Give elements around these children, with comments and instructions among them."""
    inner = children.map(lambda each: each) | children.map(lambda each: ["<!--x-->", *each, "<?p i?>t"])
    return st.builds(element, NAMES, st.sampled_from(["", " k='1'", " k='x' l='2'"]), TEXTS, inner)


DOCUMENTS = st.recursive(
    elements(st.just([])), lambda inner: elements(st.lists(inner, max_size=4)), max_leaves=20
)

STEPS = st.sampled_from(
    ["a", "b", "c", "n:d", "*", ".", "..", "a[1]", "b[last()]", "*[2]", "a[b]", "*[. = 1]", "*[@k]", "self::a",
     "preceding-sibling::*[1]", "following-sibling::a", "preceding-sibling::b", "parent::a", "a[position() > 1]",
     "*[a][1]", "b[count(*) + 1]", "text()", "ancestor::*", "n:*", "*[not(../a)]", "b[string-length(.) = 1]"]
)  # fmt: skip
PATHS = st.builds(
    lambda start, steps, end: start + "/".join(steps) + end,
    st.sampled_from(["", "", "/", "//", ".//", "/*/", "/a/"]),
    st.lists(STEPS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/@k", "//c", "//*"]),
)
LEAVES = PATHS | st.sampled_from(
    [
        "1",
        "0",
        "-1.5",
        "'1'",
        "''",
        "'x'",
        "true()",
        "false()",
        ".",
        "@k",
        "0 div 0",
        "1 div 0",
        "last()",
        "/",
    ]
)


PATTERNS = [
    r"'^(x|1)+$'",
    r"'(.)\1'",
    r"'([(x])|(1)'",
    r"'[](]|\((?:1)'",
    r"'(?P<one>x)(?P=one)?$'",
    "'W(x)'",
]
"""Groups, and what only looks like one."""


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Give calls and operators around these expressions."""
    operators = st.sampled_from(
        ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", " div ", " mod ", " and ", " or ", "|"]
    )
    unary = st.sampled_from(
        ["not", "boolean", "string", "number", "count", "sum", "string-length", "normalize-space", "floor",
         "ceiling", "round", "name", "local-name", "namespace-uri", "-", "set:distinct"]
    )  # fmt: skip
    binary = st.sampled_from(
        ["contains", "starts-with", "substring-before", "substring-after", "concat", "substring",
         "set:intersection", "set:difference", "set:has-same-node"]
    )  # fmt: skip
    return (
        st.builds("({}){}({})".format, inner, operators, inner)
        | st.builds("{}({})".format, unary, inner)
        | st.builds("{}({}, {})".format, binary, inner, inner)
        | st.builds("translate({}, '1x ', 'ab')".format, inner)
        | st.builds("(translate({}, '1x ', '') {} '')".format, inner, st.sampled_from(["=", "!="]))
        | st.builds("({0} = 'x' or {0} = '1' or {1} = '' or {1} = 'x')".format, inner, inner)
        | st.builds("substring({}, 1 + ({} = 'x'))".format, inner, inner)
        | st.builds("substring({}, {}, {})".format, inner, inner, inner)
        | st.builds("re:test({}, '^[a-x]$', 'i')".format, inner)
        | st.builds("re:test({}, {})".format, inner, st.sampled_from(PATTERNS))
        | st.builds("({})[{}]".format, PATHS, inner)
        | st.builds("*[{}]".format, inner)
    )


EXPRESSIONS = st.recursive(LEAVES, compound, max_leaves=6)


def same(left: object, right: object) -> bool:
    """Tell whether two values are the same, down to NaN and the sign of zero."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(a is b for a, b in zip(left, right, strict=True))
    if isinstance(left, float) and isinstance(right, float):
        return (math.isnan(left) and math.isnan(right)) or repr(left) == repr(right)
    return type(left) is type(right) and left == right


def compiled_value(text: str, node: etree._Element) -> object:
    """Evaluate as compiled; UnsupportedError where only lxml can."""
    function, _ = compile_expression(parse(text, NAMESPACES), NodeKind.ELEMENT, {}, None)
    run = Run(RuleContext(date(2026, 11, 22), CodeLists()))
    return function(node, {}, Index(node.getroottree().getroot(), run))


@settings(max_examples=600, deadline=None)
@given(text=EXPRESSIONS, xml=DOCUMENTS)
@example(text="(//a/b)[2]", xml="<a><a><b/></a><b/></a>")
@example(text="//a/b", xml="<a><b/><a><b/></a><b/></a>")
@example(text="count(b | a | .//b)", xml="<a><b/><a><b/></a><b/></a>")
@example(text="(1 = 1) + (a = 'x')", xml="<a><a>x</a></a>")
def test_a_compiled_expression_has_the_value_that_lxml_gives(text: str, xml: str) -> None:
    """From every element of the tree: nodes in order, texts, numbers to the last bit, truth."""
    try:
        xpath = etree.XPath(text, namespaces=NAMESPACES, smart_strings=False)
    except etree.XPathSyntaxError:
        return
    root = etree.fromstring(xml)
    for node in root.iter("*"):
        try:
            value = compiled_value(text, node)
        except UnsupportedError:
            continue
        expected = xpath(node)
        assert same(value, expected), (text, value, expected)


@given(text=st.text("0123456789.eE+- \t\n", max_size=30) | st.floats().map(repr) | st.decimals().map(str))
def test_numbers_are_read_as_libxml2_reads_them(text: str) -> None:
    """To the last bit, whatever the text."""
    expected = etree.XPath("number($text)")(etree.Element("a"), text=text)

    assert same(to_number(text), expected)


@given(
    number=st.floats() | st.integers(-(10**12), 10**12).map(float) | st.integers(-99, 99).map(lambda n: n / 2)
)
def test_numbers_are_written_and_rounded_as_libxml2_does(number: float) -> None:
    """Integers, fractions, exponents, infinity and what is no number."""
    node = etree.Element("a")

    assert number_text(number) == etree.XPath("string($number)")(node, number=number)
    assert same(round_half_up(number), etree.XPath("round($number)")(node, number=number))


PLACES = st.sampled_from([math.nan, math.inf, -math.inf, -0.5, 0.5, 1.5, 2.5, 1e300]) | st.integers(
    -5, 9
).map(float)


@given(text=st.text("abก", max_size=6), start=PLACES, length=PLACES)
def test_substrings_are_those_of_libxml2(text: str, start: float, length: float) -> None:
    """With places that lie outside, between characters, or nowhere."""
    node = etree.Element("a")
    two, three = etree.XPath("substring($text, $start)"), etree.XPath("substring($text, $start, $length)")

    assert substring(text, start) == two(node, text=text, start=start)
    assert substring(text, start, length) == three(node, text=text, start=start, length=length)


# --- whole rule files


def load_both(path: Path) -> tuple[RuleSet, RuleSet]:
    """Load a rule file as it is compiled, and once more with every expression left to lxml."""

    def refuse(*_: object) -> NoReturn:
        raise UnsupportedError("refused by the test")

    rules = load_rule_set(path)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("expressions", "compiled"):
            patch.setattr(f"nsw.rules.{module}.parse", refuse)
        by_lxml = load_rule_set(path)
        # An expression is compiled when it is first needed: here, while it is refused.
        _ = by_lxml.fallbacks
        return rules, by_lxml


CONTEXTS = st.sampled_from(
    ["a", "b", "*", "a/b", "/a", "/a/b", "/a/b | /a/c", "/*/b", "//c", "/", "@k", "/a/@k", "a[b]", "/a/b[1]",
     "/a/b[last()]", "/a/b/c[1]", "/a/b[. = $all]", "/a/b[@k = $key]/c", "*[$flag]", "a[2] | b[2]", "n:d"]
)  # fmt: skip
TESTS = EXPRESSIONS | st.sampled_from(
    ["$flag", "$key = 1", ". = $all", "$all/b", "$here", "$here = $all", "set:has-same-node(., $all)", "$there/a",
     "$there[1] = .", "count($here | $there) = 2", "$here + 1 > $key"]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    rules=st.lists(
        st.lists(st.tuples(CONTEXTS, st.lists(TESTS, max_size=3), EXPRESSIONS), min_size=1, max_size=3),
        min_size=1,
        max_size=2,
    ),
    xml=DOCUMENTS,
    cap=st.sampled_from([3, 500]),
    budget=st.sampled_from([5, 20, 2_000_000]),
)
def test_compiled_rules_find_what_lxml_finds(
    tmp_path_factory: pytest.TempPathFactory,
    rules: list[list[tuple[str, list[str], str]]],
    xml: str,
    cap: int,
    budget: int,
) -> None:
    """Code, path, line, texts, order, what is left out, what can't be judged, and the count of the budget."""
    path = tmp_path_factory.mktemp("rules") / "rules.sch"
    path.write_text(schema_of(rules), "utf-8")
    try:
        compiled, by_lxml = load_both(path)
    except ConfigError:
        return  # such as last() outside a predicate
    root = etree.fromstring(xml)
    context = RuleContext(date(2026, 11, 22), CodeLists(), cap, budget)

    assert compiled.check(root, context) == by_lxml.check(root, context)


def schema_of(patterns: list[list[tuple[str, list[str], str]]]) -> str:
    """Give a rule file, each assert with its own id."""
    ids = count()
    lets = {"all": "//b", "key": "string(/*/@k)", "flag": "count(//*) > 3"}
    inner = {"here": "string(.)", "there": "../b"}
    body = "".join(
        "<sch:pattern>"
        + "".join(
            f"<sch:rule context={quoteattr(context)}>{lets_of(inner)}"
            + "".join(
                f'<sch:assert id="R{next(ids)}" test={quoteattr(test)}>'
                f"<sch:value-of select={quoteattr(shown)}/></sch:assert>"
                for test in tests
            )
            + "</sch:rule>"
            for context, tests, shown in rules
        )
        + "</sch:pattern>"
        for rules in patterns
    )
    spaces = "".join(f'<sch:ns prefix="{prefix}" uri="{uri}"/>' for prefix, uri in NAMESPACES.items())
    return f'<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron">{spaces}{lets_of(lets)}{body}</sch:schema>'


def lets_of(lets: dict[str, str]) -> str:
    """Give let elements."""
    return "".join(
        f"<sch:let name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in lets.items()
    )


# --- the rules of the repository

EXPORT = ROOT / "schemas" / "th" / "export-declaration" / "1.0"
VALUES = ["", "N", "Y", "0", "-1", "1e3", "x", "20261120", "20261340", " 7 ", "THB", "TH", "9" * 20]


@pytest.fixture(scope="module")
def export_rules() -> tuple[RuleSet, RuleSet]:
    """Give the rules of the export declaration, compiled and by lxml."""
    return load_both(EXPORT / "rules.sch")


@pytest.fixture(scope="module")
def code_lists() -> CodeLists:
    """Give the code lists of the repository."""
    return load_code_lists(ROOT / "schemas" / "th" / "codes")


def test_nearly_all_of_the_export_rules_are_compiled(export_rules: tuple[RuleSet, RuleSet]) -> None:
    """What falls back to lxml is known."""
    compiled, by_lxml = export_rules

    assert list(compiled.fallbacks) == []
    assert len(by_lxml.fallbacks) > 200


@pytest.mark.parametrize("seed", range(60))
def test_export_rules_find_what_lxml_finds(
    export_rules: tuple[RuleSet, RuleSet], code_lists: CodeLists, seed: int
) -> None:
    """On every sample, as it is or with some elements dropped, doubled or given another text."""
    chance = Random(seed)
    samples = sorted(each for each in EXPORT.glob("samples/*/*.xml") if each.stat().st_size < 200_000)
    root = etree.fromstring(chance.choice(samples).read_bytes())
    for _ in range(seed % 12):
        each = chance.choice([each for each in root.iter("*") if each is not root])
        parent = each.getparent()
        fault = chance.choice(["drop", "double", "change"])
        if fault == "drop" and parent is not None:
            parent.remove(each)
        elif fault == "double":
            each.addnext(deepcopy(each))
        elif not len(each):
            each.text = chance.choice(VALUES)
    # What lxml may visit is guessed from the expressions, and counts for more than what compiled ones visit.
    context = RuleContext(date(2026, 11, 20), code_lists, max_evaluations=10**9)
    compiled, by_lxml = export_rules

    report = compiled.check(root, context)

    assert report == by_lxml.check(root, context)
    assert report.evaluations > 0
