"""The translator against a naive evaluator, on rules of our own for another root in another namespace."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from nsw.codelists import CodeLists
from nsw.rules import RuleContext, load_rule_set
from tests.conformance import sets
from tests.conformance.ics.__main__ import main
from tests.conformance.ics_naive import Document, fired

NAMESPACE = "urn:another:arrival"
XSD = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:v="{NAMESPACE}"
 targetNamespace="{NAMESPACE}" elementFormDefault="FORM">
<xs:complexType name="Leaf"><xs:simpleContent><xs:extension base="xs:string"/></xs:simpleContent></xs:complexType>
<xs:element name="Arrival"><xs:complexType><xs:sequence>
  <xs:element name="Head" minOccurs="0"><xs:complexType><xs:sequence>
    <xs:element name="Total" type="v:Leaf" minOccurs="0"/><xs:element name="Mode" type="v:Leaf" minOccurs="0"/>
    <xs:element name="Port" type="v:Leaf" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="Line" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
    <xs:element name="No" type="v:Leaf" minOccurs="0"/><xs:element name="Port" type="v:Leaf" minOccurs="0"/>
    <xs:element name="Box" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
      <xs:element name="Mark" type="v:Leaf" minOccurs="0"/>
      <xs:element name="Count" type="v:Leaf" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence></xs:complexType></xs:element>
  </xs:sequence></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
VALUES = (
    *(
        "",
        "0",
        "1",
        "2",
        "3",
        "+1",
        "+02",
        "-1",
        "10",
        "1.5",
        "2.50",
        "007",
        "+",
        "x",
        "2147483648",
        "12.345",
    ),
    *(" 1 ", "A", "B", "AB", "ABC", " A", "A ", "A  B", "A B", "AéB", "a", "\t2\n", "N1", "GBLHR"),
)
#: From where a rule stands: paths to leaves, to several of them, and to elements with children.
PATHS = {
    "/": (
        ("Head/Total", "Head/Mode", "Line/No"),
        ("Line/No", "Line/Box/Count", "Line/Port"),
        ("Line", "Line/Box"),
    ),
    "/Head": (
        ("Total", "Mode", "Port", "."),
        ("../Line/No", "/Arrival/Line/Box/Count", "../Line/Port"),
        ("../Line",),
    ),
    "/Line": (
        ("No", "Port", "../Head/Port", "Box/Mark"),
        ("Box/Count", "Box/Mark", "../Line/No"),
        ("Box", "../Line"),
    ),
    "/Line/Box": (
        ("Mark", "../No", "../../Head/Total"),
        ("Count", "../Box/Mark", "../../Line/Port"),
        ("../Box",),
    ),
    "/Line/Box/Count": (
        (".", "../Mark", "../../../Head/Total"),
        ("../Count", "../../Box/Count"),
        ("../../Box",),
    ),
}
LITERALS = ("A", "B", "AB", "1", "A B", "GBLHR", "")
PATTERNS = (
    "[0-9]*",
    "[A-Z]{1,3}",
    "\\\\s*A.*",
    "[+-]?\\\\d+(\\\\.\\\\d{1,2})?",
    "(A|AB)",
    "\\\\w+\\\\s\\\\w+",
)


class Maker:
    """Makes tests of a context by chance."""

    def __init__(self, context: str, chance: random.Random) -> None:
        self._leaves, self._many, self._parents = PATHS[context]
        self._chance = chance

    def _one(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def truth(self, depth: int) -> str:
        """Make a truth value."""
        if depth and self._chance.random() < 0.6:
            left, right = self.truth(depth - 1), self.truth(depth - 1)
            return self._one(
                f"({left} || {right})", f"({left} && {right})", f"!({left})", f"{left} || !{right}"
            )
        leaf, many = self._one(*self._leaves), self._one(*self._many)
        order, equal = self._one("<", "<=", ">", ">=", "==", "!="), self._one("==", "!=")
        text, other, literal = self.text(), self.text(), self._one(*LITERALS)
        return self._one(
            f"exists('{leaf}')",
            f"not('{many}')",
            f"exists('{many}')",
            f"applyRegex('{leaf}', '{self._one(*PATTERNS)}')",
            f"({self.number(2)} {order} {self.number(1)})",
            f"({self.number(1)} {order} sum('{many}'))",
            f"(sum('{many}') {order} {self.number(0)})",
            f"(number('{leaf}') {order} sum('{many}') + count('{leaf}'))",
            f"areIndices('{many}')",
            f"(countDistinct('{many}', {self._one('true', 'false')}) {self._one('> 1', '== 1', '<= 1', '== 0')})",
            f"(countDistinctChildCount('{self._one(*self._parents)}') {self._one('> 1', '== 1', '<= 1')})",
            f"existsForAll('{self._one(*self._parents)}', '{self._one('No', 'Mark', 'Count', 'Port')}', '{literal}')",
            f"({text} {equal} {other})",
            f"({text} {equal} '{literal}')",
            f"{text}.contains('{self._one('A', 'B', ' ', '1')}')",
            f"{text}.startsWith('{self._one('A', '+', ' ', 'GB')}')",
            f"{text}.endsWith('{self._one('B', '1', ' ')}')",
            f"{text}.isEmpty()",
            self.closure(),
        )

    def closure(self) -> str:
        """Make a search among other nodes, which looks back at the rule's own."""
        inner = (
            self._one("No", "Port", "Box/Mark")
            if "Line" in self._parents[0]
            else self._one("Mark", "Count", "No")
        )
        here = self._one(*self._leaves)
        test = self._one(
            f"l.trim('{inner}') == c.trim('{here}')",
            f"l.intOrElse('{inner}', 1) > c.intOrElse('{here}', 0)",
            f"l.exists('{inner}') && !c.exists('{here}')",
            f"l.number('{inner}') != 1 || c.count('{here}') == 1",
            f"l.getValue('{inner}').startsWith(c.getValue('{here}'))",
        )
        return f"exists('{self._one(*self._parents)}', {{ContextHelper c, ContextHelper l -> {test}}})"

    def text(self) -> str:
        """Make a string."""
        leaf = self._one(*self._leaves, *self._many)
        return self._one(
            f"trim('{leaf}')",
            f"getValue('{leaf}')",
            f"getValue('{leaf}').trim()",
            f"trim('{leaf}').take({self._one('1', '2', '4')})",
            f"substringAfter(trim('{leaf}'), '{self._one('.', 'A', '+')}')",
        )

    def number(self, depth: int) -> str:
        """Make a number."""
        if depth and self._chance.random() < 0.3:
            return f"{self.number(depth - 1)} {self._one('+', '-', '*')} {self.number(0)}"
        leaf, many = self._one(*self._leaves), self._one(*self._many)
        return self._one(
            f"number('{leaf}')",
            f"number('{many}')",
            f"intOrElse('{leaf}', {self._one('0', '7', '-1')})",
            f"count('{many}')",
            f"countEquals('{many}', '{self._one(*LITERALS)}')",
            f"{self.text()}.length()",
            self._one("0", "1", "2", "2.5", "0.000000000000001"),
        )


def make_document(chance: random.Random, prefix: str) -> str:
    """Make a document by chance; *prefix* stands before the elements below the root."""

    def leaf(name: str, most: int = 1) -> str:
        count = chance.randint(0, most)
        values = (chance.choice(VALUES) for _ in range(count))
        return "".join(f"<{prefix}{name}>{value}</{prefix}{name}>" for value in values)

    def box() -> str:
        return f"<{prefix}Box>{leaf('Mark')}{leaf('Count', 3)}</{prefix}Box>"

    def line() -> str:
        boxes = "".join(box() for _ in range(chance.randint(0, 3)))
        return f"<{prefix}Line>{leaf('No')}{leaf('Port')}{boxes}</{prefix}Line>"

    head = (
        f"<{prefix}Head>{leaf('Total')}{leaf('Mode')}{leaf('Port')}</{prefix}Head>"
        if chance.random() < 0.9
        else ""
    )
    lines = "".join(line() for _ in range(chance.randint(0, 4)))
    return f'<v:Arrival xmlns:v="{NAMESPACE}">{head}{lines}</v:Arrival>'


def make_rules(chance: random.Random, count: int) -> Iterator[tuple[str, str, str]]:
    """Make asserts: element, code and test."""
    for number in range(count):
        context = chance.choice(sorted(PATHS))
        yield context, f"C{number}", Maker(context, chance).truth(chance.randint(0, 2))


@pytest.mark.parametrize("form", ["qualified", "unqualified"])
@pytest.mark.parametrize("seed", range(2))
def test_the_translation_means_what_the_rules_mean(seed: int, form: str, tmp_path: Path) -> None:
    """Every function, in combinations that HMRC's rules don't have, gives the same codes at the same places."""
    chance = random.Random(f"{form} {seed}")
    rules = list(make_rules(chance, 80))
    (tmp_path / "rules").mkdir()
    for number, (element, code, test) in enumerate(rules):
        content = {"element": element, "asserts": [{"test": test, "errorCode": code, "errorMessage": test}]}
        (tmp_path / "rules" / f"r{number}.json").write_text(json.dumps(content), "utf-8")
    xsd = tmp_path / "arrival.xsd"
    xsd.write_text(XSD.replace("FORM", form), "utf-8")
    out = tmp_path / "out"

    assert main([str(tmp_path / "rules"), str(xsd), str(out), "--root", f"{{{NAMESPACE}}}Arrival"]) == 0

    translated = load_rule_set(out / "rules.sch")
    context = RuleContext(date(2026, 1, 1), CodeLists({}), max_findings=1_000_000)
    wrong: list[str] = []
    seen = 0
    for _ in range(8):
        document = make_document(chance, "v:" if form == "qualified" else "")
        report = translated.check(etree.fromstring(document), context)
        found = Counter((str(each.code), sets.without_prefixes(each.path or "")) for each in report.findings)
        expected = Counter(fired(rules, Document(document)))
        seen += expected.total()
        for code, place in (found - expected) + (expected - found):
            test = next(test for _, each, test in rules if each == code)
            wrong.append(f"{code} at {place}: {test} on {document}")
    assert not wrong
    assert seen > 100
