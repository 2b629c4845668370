"""
Business rules as ISO Schematron with XPath 1.0: a rule file is loaded once, and documents are judged by it.

Tree in, findings out. Knows no message type and no clock: the lodging date and the code lists come with each call.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Context, Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from lxml.etree import (
    Element,
    QName,
    SubElement,
    XMLParser,
    XMLSyntaxError,
    XPath,
    XPathError,
    XPathSyntaxError,
    _Element,
    fromstring,
)
from stdnum.th import moa

from nsw.codelists import CodeLists
from nsw.errors import Code, ConfigError, InvariantError, Layer, Severity
from nsw.formats.xml import build_path
from nsw.model import Finding, finding_of

__all__ = ["NSW_FUNCTIONS", "RuleContext", "RuleEntry", "RuleReport", "RuleSet", "load_rule_set"]

NSW_FUNCTIONS = "urn:nsw:functions:1"
"""Namespace of the extension functions."""

_SCH = "{http://purl.oclc.org/dsdl/schematron}"
_XML = "http://www.w3.org/XML/1998/namespace"
_LANG = f"{{{_XML}}}lang"
_RE = "http://exslt.org/regular-expressions"
_SETS = "http://exslt.org/sets"
_DATES = "http://exslt.org/dates-and-times"
_MATH = "http://exslt.org/math"

# Our own names inside compiled expressions; rule files may not use them.
_OWN = "_nsw"
_OWN_FUNCTIONS = "urn:nsw:internal"

# A value quoted in a finding's text: a document must not blow up its own answer.
_MAX_VALUE_CHARS = 200

# lxml compares each node of a let with all others whenever the let is passed into an expression: 0.6 ns a pair, and
# about 3 us for a usual evaluation.
_PAIRS_PER_EVALUATION = 10_000

# What an expression that compiles may still throw on some document.
_FAULTS = (XPathError, ArithmeticError, LookupError, TypeError, ValueError, re.error)


@dataclass(frozen=True, slots=True)
class RuleContext:
    """
    What one document cannot know.

    Attributes:
        lodged_on: the legal lodging date: lists in force on it apply.
        max_findings: findings beyond this many are counted, not built.
        max_evaluations: asserts times context nodes, and lets, after which the rest is not judged; passing a let
            of many nodes counts as several.
    """

    lodged_on: date
    code_lists: CodeLists
    max_findings: int = 500
    max_evaluations: int = 2_000_000


@dataclass(frozen=True, slots=True)
class RuleReport:
    """
    What the rules say of one document.

    Attributes:
        findings: by pattern, then node in document order, then assert; rules that could not be judged stand last.
        omitted: how many further findings the cap left out.
        evaluations: asserts and lets evaluated, the measure of the budget.
    """

    findings: tuple[Finding, ...]
    omitted: int = 0
    evaluations: int = 0


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """
    One assert or report, for the catalogue of rules.

    Attributes:
        id: code of its findings.
        text_en: sentence; ``{expression}`` stands where a value is filled in.
        text_th: the same in Thai; the English one where the file has none.
        test: XPath; *is_report* tells that it fires when true, not when false.
        line: line in the rule file.
    """

    id: str
    severity: Severity
    text_en: str
    text_th: str
    source: str
    context: str
    test: str
    is_report: bool
    line: int


# --- extension functions ------------------------------------------------------


def _text(value: object) -> str:
    """Give the XPath string value of an argument, without white space around it."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, _Element):
        value = "".join(value.itertext()) if len(value) else value.text or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        value = str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
    return str(value).strip(" \t\r\n")


_DECIMAL = re.compile(r"[+-]?([0-9]{1,60}(\.[0-9]{0,60})?|\.[0-9]{1,60})")


# Room for exact sums and products of what ``_DECIMAL`` lets through.
_EXACT = Context(prec=400)


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    text = _text(value)
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _day(value: object) -> date | None:
    text = _text(value)
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _context() -> RuleContext:
    return _JUDGE.get().context


def _in_list(_: object, list_name: object, code: object) -> bool:
    """in-list(list, value): the list holds the value on the lodging date."""
    context = _context()
    return context.code_lists.contains(_text(list_name), _text(code), context.lodged_on)


def _list_value(_: object, list_name: object, code: object, column: object) -> str:
    """list-value(list, code, column): what the column says of the code on the lodging date; '' without one."""
    context = _context()
    return context.code_lists.value(_text(list_name), _text(code), _text(column), context.lodged_on) or ""


# As stdnum.th.tin (0 for companies, 1 to 8 for persons), without its tolerance for spaces and hyphens.
_TAX_ID = re.compile(r"[0-8][0-9]{12}")


def _tax_id_valid(_: object, value: object) -> bool:
    """tax-id-valid(value): 13 digits, the last of them the right check digit."""
    text = _text(value)
    return bool(_TAX_ID.fullmatch(text)) and moa.calc_check_digit(text) == text[-1]


def _date_valid(_: object, value: object) -> bool:
    """date-valid(value): a day of the calendar as CCYYMMDD."""
    return _day(value) is not None


def _days_after_lodging(_: object, value: object) -> float:
    """days-after-lodging(value): days from the lodging date to CCYYMMDD, negative before it; NaN for no date."""
    day = _day(value)
    return math.nan if day is None else float((day - _context().lodged_on).days)


def _lodging_date(_: object) -> str:
    """lodging-date(): the lodging date as CCYYMMDD."""
    return _context().lodged_on.isoformat().replace("-", "")


def _sum_equals(_: object, nodes: object, total: object, tolerance: object) -> bool:
    """sum-equals(nodes, total, tolerance): exact sum, at most so far from the total; false unless all are numbers."""
    parts = [_decimal(node) for node in nodes] if isinstance(nodes, list) else [_decimal(nodes)]
    result = Decimal(0)
    for part in parts:
        if part is None:
            return False
        result = _EXACT.add(result, part)
    return _is_near(result, total, tolerance)


def _product_equals(_: object, first: object, second: object, total: object, tolerance: object) -> bool:
    """product-equals(a, b, total, tolerance): exact product, at most so far from the total; false unless numbers."""
    a, b = _decimal(first), _decimal(second)
    return a is not None and b is not None and _is_near(_EXACT.multiply(a, b), total, tolerance)


def _is_near(value: Decimal, total: object, tolerance: object) -> bool:
    wanted, distance = _decimal(total), _decimal(tolerance)
    if wanted is None or distance is None:
        return False
    return _EXACT.subtract(value, wanted).copy_abs() <= distance


def _decimal_compare(_: object, first: object, second: object) -> float:
    """decimal-compare(a, b): -1, 0 or 1 as the exact numbers compare; NaN unless both are numbers."""
    a, b = _decimal(first), _decimal(second)
    return math.nan if a is None or b is None else float((a > b) - (a < b))


class _Function(NamedTuple):
    """What a call may look like; *call* is None where libxml2 or lxml has the function."""

    least: int
    most: float
    call: Callable[..., object] | None = None


def _arities(**names: int) -> dict[str, _Function]:
    return {name.replace("_", "-"): _Function(count, count) for name, count in names.items()}


_CORE = {
    **_arities(last=0, position=0, count=1, starts_with=2, contains=2, substring_before=2, substring_after=2),
    **_arities(translate=3, boolean=1, true=0, false=0, lang=1, sum=1, floor=1, ceiling=1, round=1),
    **dict.fromkeys(("local-name", "namespace-uri", "name", "string", "string-length"), _Function(0, 1)),
    **dict.fromkeys(("normalize-space", "number"), _Function(0, 1)),
    "not": _Function(1, 1),
    "concat": _Function(2, math.inf),
    "substring": _Function(2, 3),
}

# Functions of EXSLT dates read the clock when they get no argument: each needs one.
_DATE_PARTS = [
    "date",
    "date-time",
    "time",
    "year",
    "month-in-year",
    "month-name",
    "month-abbreviation",
    "week-in-year",
    "day-in-year",
    "day-in-month",
    "day-of-week-in-month",
    "day-in-week",
    "day-name",
    "day-abbreviation",
    "hour-in-day",
    "minute-in-hour",
    "second-in-minute",
    "leap-year",
    "seconds",
    "duration",
]

_FUNCTIONS: dict[str, dict[str, _Function]] = {
    "": _CORE,
    NSW_FUNCTIONS: {
        "in-list": _Function(2, 2, _in_list),
        "list-value": _Function(3, 3, _list_value),
        "tax-id-valid": _Function(1, 1, _tax_id_valid),
        "date-valid": _Function(1, 1, _date_valid),
        "days-after-lodging": _Function(1, 1, _days_after_lodging),
        "lodging-date": _Function(0, 0, _lodging_date),
        "sum-equals": _Function(3, 3, _sum_equals),
        "product-equals": _Function(4, 4, _product_equals),
        "decimal-compare": _Function(2, 2, _decimal_compare),
    },
    _RE: {"test": _Function(2, 3), "match": _Function(2, 3), "replace": _Function(4, 4)},
    _SETS: _arities(difference=2, intersection=2, distinct=1, has_same_node=2, leading=2, trailing=2),
    _DATES: {
        **dict.fromkeys(_DATE_PARTS, _Function(1, 1)),
        **_arities(add=2, add_duration=2, difference=2),
    },
    _MATH: _arities(min=1, max=1, highest=1, lowest=1, abs=1, sqrt=1, power=2),
}

_NAMED_FAULTS = {
    "current": "current() belongs to XSLT: keep the node in a let",
    "document": "document() would read another document",
    "key": "key() belongs to XSLT",
    "id": "id() needs a document type declaration",
}


# --- reading XPath ------------------------------------------------------------

_NAME = r"[^\W\d][\w.\-\u00b7]*"
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<literal>"[^"]*"|'[^']*')
      | (?P<number>\d+(?:\.\d*)?|\.\d+)
      | (?P<variable>\$\s*{_NAME}(?::{_NAME})?)
      | (?P<name>{_NAME}(?::\*|:{_NAME})?)
      | (?P<symbol>::|//|\.\.|!=|<=|>=|[()\[\].@,/|+\-=<>*])
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset(
    ["and", "or", "mod", "div", "*", "/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">="]
)
_NODE_TYPES = frozenset(("comment", "text", "processing-instruction", "node"))


class _Token(NamedTuple):
    """
    One token.

    Attributes:
        kind: literal, number, variable, operator, function, axis, nodetype, test (of a name) or symbol.
        depth: how many predicates are open around it.
    """

    kind: str
    text: str
    start: int
    end: int
    depth: int


@dataclass(slots=True)
class _Call:
    name: str
    depth: int
    arguments: list[list[_Token]] = field(default_factory=list)


def _tokens(text: str) -> Iterator[_Token]:
    """
    Give the tokens of an expression that libxml2 has compiled.

    Source:
        XPath 1.0, section 3.7 (when ``*`` and a name are operators).
    """
    matches = list(_TOKEN.finditer(text))
    depth, operand_before = 0, False
    for place, match in enumerate(matches):
        kind = str(match.lastgroup)
        word = match[kind]
        if kind in ("name", "symbol"):
            following = matches[place + 1] if place + 1 < len(matches) else None
            kind = _kind_of(
                word, kind, following["symbol"] if following else "", operand_before=operand_before
            )
        depth -= word == "]"
        yield _Token(
            kind,
            word.replace(" ", "") if kind == "variable" else word,
            *match.span(str(match.lastgroup)),
            depth,
        )
        depth += word == "["
        operand_before = kind not in ("operator", "axis") and word not in ("@", "::", "(", "[", ",")


def _kind_of(word: str, kind: str, following: str | None, *, operand_before: bool) -> str:
    if word in _OPERATORS and (operand_before or (kind == "symbol" and word != "*")):
        return "operator"
    if kind == "symbol":
        return "test" if word == "*" else "symbol"
    if following == "::":
        return "axis"
    if following == "(":
        return "nodetype" if word in _NODE_TYPES else "function"
    return "test"


def _calls(tokens: Iterable[_Token]) -> list[_Call]:
    """Give every function call with its arguments; an inner call stands in the outer's argument by its name only."""
    calls: list[_Call] = []
    opened: list[_Call | None] = []
    called: _Call | None = None
    for token in tokens:
        word = token.text if token.kind in ("symbol", "function") else ""
        innermost = opened[-1] if opened else None
        if word in (")", "]"):
            opened.pop()
            continue
        if innermost is not None and word == ",":
            innermost.arguments.append([])
            continue
        if innermost is not None:
            innermost.arguments = innermost.arguments or [[]]
            innermost.arguments[-1].append(token)
        if word in ("(", "["):
            opened.append(called)
            called = None
        elif token.kind == "function":
            called = _Call(word, token.depth)
            calls.append(called)
    return calls


@dataclass(frozen=True, slots=True)
class _Source:
    """
    One expression of a rule file, read but not compiled.

    Attributes:
        variables: names of the lets it uses.
    """

    text: str
    tokens: tuple[_Token, ...] = field(repr=False)
    namespaces: Mapping[str, str] = field(repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(sorted({token.text[1:] for token in self.tokens if token.kind == "variable"}))

    @property
    def prefixes(self) -> frozenset[str]:
        names = (
            token.text.lstrip("$") for token in self.tokens if token.kind in ("function", "test", "variable")
        )
        return frozenset(prefix for prefix, colon, _ in (name.partition(":") for name in names) if colon)

    @property
    def functions(self) -> frozenset[str]:
        return frozenset(token.text for token in self.tokens if token.kind == "function")

    @property
    def navigated(self) -> frozenset[str]:
        """Names of the lets from which a path goes on."""
        return frozenset(
            token.text[1:]
            for place, token in enumerate(self.tokens)
            if token.kind == "variable" and _goes_on(self.tokens, place + 1)
        )

    @property
    def literal(self) -> str | None:
        """The text of an expression that is only a literal."""
        return _literal(self.tokens)

    def wrapped(self, frame: str) -> "_Source":
        """Give the expression as the argument of a call: *frame* with ``{}`` in its place."""
        return replace(self, text=frame.replace("{}", self.text))


def _goes_on(tokens: Sequence[_Token], place: int) -> bool:
    """Tell whether a path goes on from the operand that ends before *place*, or from brackets around it."""
    opened = 0
    operand = True
    for token in tokens[place:]:
        if token.kind == "symbol" and token.text in ("(", "["):
            operand = operand and token.text == "["
            opened += 1
        elif token.kind == "symbol" and token.text in (")", "]"):
            if not opened and token.text == "]":
                return False
            operand = operand or not opened
            opened = max(opened - 1, 0)
        elif not opened:
            if operand and token.text in ("/", "//"):
                return True
            operand = False
    return False


class _NodeKind(Enum):
    """What the context node of a rule is; lxml itself can only start from an element."""

    ELEMENT = "element"
    ATTRIBUTE = "attribute"
    DOCUMENT = "document"


class _Result(Enum):
    """What an expression is evaluated to."""

    BOOLEAN = "boolean"
    STRING = "string"
    VALUE = "value"


class _Place(NamedTuple):
    """
    A context node.

    Attributes:
        attribute: name with namespace of the attribute of *element* that is meant; '/' for the document.
    """

    element: _Element
    attribute: str = ""


_ANCHORS = {
    _NodeKind.ATTRIBUTE: f"@*[local-name() = ${_OWN}_name and namespace-uri() = ${_OWN}_namespace]",
    _NodeKind.DOCUMENT: "/self::node()",
}


class _Expression:
    """
    One compiled expression.

    From an element it is evaluated as it stands. From an attribute or the document it is evaluated inside a predicate
    of that node, where ``_keep`` hands its value out.
    """

    __slots__ = ("_compiled", "_kind", "_result", "_settings", "variables")

    def __init__(self, source: _Source, kind: _NodeKind, result: _Result) -> None:
        self.variables = source.variables
        self._kind = kind
        self._result = result
        namespaces = {prefix: uri for prefix, uri in source.namespaces.items() if prefix in source.prefixes}
        text = source.text if result is _Result.VALUE else f"{result.value}({source.text})"
        if kind is not _NodeKind.ELEMENT:
            kept = f"boolean({text})" if result is _Result.BOOLEAN else f"{_OWN}:keep({text})"
            text = f"boolean({_ANCHORS[kind]}[{kept}])"
            namespaces[_OWN] = _OWN_FUNCTIONS
        self._settings = (text, namespaces, _extensions(source.functions, namespaces))
        self._compiled = self._compile()

    def evaluate(self, place: _Place, scope: "_Variables") -> Any:  # noqa: ANN401 - what XPath gives: four types
        values = {name: scope.value(name) for name in self.variables} if self.variables else {}
        if self._kind is _NodeKind.ATTRIBUTE:
            name = QName(place.attribute)
            values |= {f"{_OWN}_name": name.localname, f"{_OWN}_namespace": name.namespace or ""}
        try:
            result = self._compiled(place.element, **values)
        except _FAULTS:
            # lxml keeps every fault in the log of the compiled expression, for ever.
            self._compiled = self._compile()
            raise
        if self._kind is _NodeKind.ELEMENT or self._result is _Result.BOOLEAN:
            return result
        return _JUDGE.get().kept

    def _compile(self) -> XPath:
        text, namespaces, extensions = self._settings
        return XPath(
            text,
            namespaces=namespaces or None,
            extensions=extensions or None,
            regexp=_RE in namespaces.values(),
            smart_strings=self._result is _Result.VALUE,
        )


def _extensions(
    functions: frozenset[str], namespaces: Mapping[str, str]
) -> dict[tuple[str, str], Callable[..., object]]:
    """Give only the functions an expression calls: lxml registers each of them anew for every evaluation."""
    found: dict[tuple[str, str], Callable[..., object]] = {}
    for prefix, uri in namespaces.items():
        for name, function in _FUNCTIONS.get(uri, {}).items():
            if function.call and f"{prefix}:{name}" in functions:
                found[uri, name] = function.call
    if _OWN in namespaces:
        found[_OWN_FUNCTIONS, "keep"] = _keep
    return found


def _keep(_: object, value: object) -> bool:
    _JUDGE.get().kept = value
    return True


class _LetError(ValueError):
    """A let holds nodes that no variable can keep."""


class _Let(NamedTuple):
    """A variable; *navigated* tells that paths go on from it."""

    expression: _Expression
    navigated: bool


class _Variables:
    """The lets of one scope for one node, each evaluated when first asked for."""

    __slots__ = ("_judge", "_lets", "_outer", "_place", "_values")

    def __init__(
        self, judge: "_Judge", lets: Mapping[str, _Let], place: _Place, outer: "_Variables | None" = None
    ) -> None:
        self._judge = judge
        self._lets = lets
        self._place = place
        self._outer = outer
        self._values: dict[str, Any] = {}

    def value(self, name: str) -> Any:  # noqa: ANN401 - as evaluate
        """Give the value of a let, to be passed into an expression."""
        if name not in self._values:
            let = self._lets.get(name)
            if let is None:
                if self._outer is None:
                    raise InvariantError(f"no let {name!r} is in scope")
                return self._outer.value(name)
            self._judge.evaluations += 1
            value = let.expression.evaluate(self._place, self)
            self._values[name] = (
                _elements_for(value, navigated=let.navigated) if isinstance(value, list) else value
            )
        value = self._values[name]
        if isinstance(value, list):
            self._judge.evaluations += len(value) ** 2 // _PAIRS_PER_EVALUATION
        return value


def _elements_for(nodes: list[Any], *, navigated: bool) -> list[_Element]:
    """
    Give the nodes of a let as elements, which is all that lxml lets pass into an expression.

    Attributes and text become elements with the same string value. They have no place in the document, so a path that
    goes on from them is a fault, never a wrong answer.
    """
    if all(isinstance(node, _Element) for node in nodes):
        return nodes
    if navigated:
        raise _LetError("a path goes on from a let that holds attributes or text")
    if not all(isinstance(node, str) for node in nodes):
        raise _LetError("a let holds a mixture of nodes, or namespaces")
    shadows = Element("shadows")
    for node in nodes:
        SubElement(shadows, getattr(node, "attrname", None) or "text").text = str(node)
    return list(shadows)


class _Text:
    """A sentence with values to fill in."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Iterable["str | _Expression"]) -> None:
        self._parts = tuple(parts)

    def fill(self, place: _Place, scope: _Variables) -> str:
        return _collapse(
            "".join(part if isinstance(part, str) else _quote(part, place, scope) for part in self._parts)
        )


def _quote(expression: _Expression, place: _Place, scope: _Variables) -> str:
    try:
        value = str(expression.evaluate(place, scope))
    except _FAULTS:
        return "?"
    return value if len(value) <= _MAX_VALUE_CHARS else value[:_MAX_VALUE_CHARS] + "…"


def _collapse(text: str) -> str:
    return " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")


@dataclass(frozen=True, slots=True)
class _Select:
    """
    One alternative of a rule's context.

    Attributes:
        text: XPath that selects its nodes from the document; *expression* is the same, compiled.
        tag: of the elements it selects, or whose attributes it selects; '' when any element's.
        parents: tags of parent, grandparent and so on; None when the alternative says more than that.
        is_absolute: whether the last of them is the root.
        attribute: name of the attribute it selects; '' for elements.
    """

    text: str
    expression: _Expression
    tag: str = ""
    parents: tuple[str, ...] | None = None
    is_absolute: bool = False
    attribute: str = ""

    def matches(self, element: _Element) -> bool:
        """Tell whether an element of the right tag stands where the alternative says."""
        above = element.getparent()
        for tag in self.parents or ():
            if above is None or above.tag != tag:
                return False
            above = above.getparent()
        return above is None or not self.is_absolute


@dataclass(frozen=True, slots=True)
class _Check:
    """An assert or report for one kind of context node."""

    entry: RuleEntry
    fires: _Expression
    text_en: _Text
    text_th: _Text
    source: _Text


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """
    A rule for one kind of context node.

    Attributes:
        selects: the alternatives of the context that are of this kind.
        tags: names of elements without which nothing is selected; empty when there is no such condition.
        passes: true when no check fires: one evaluation for the many nodes that are in order.
    """

    kind: _NodeKind
    selects: tuple[_Select, ...]
    tags: frozenset[str]
    lets: Mapping[str, _Let]
    checks: tuple[_Check, ...]
    passes: _Expression | None


@dataclass(frozen=True, slots=True)
class _Pattern:
    lets: Mapping[str, _Let]
    rules: tuple[_Rule, ...]


class RuleSet:
    """
    The rules of one rule file, compiled.

    It may be used by several threads at once; lxml then lets one at a time into each expression.

    Attributes:
        title: what the file calls itself; '' without a title.
        catalogue: every assert and report in file order.
        lists_used: code list and column (None for the list alone) that the rules ask for.
    """

    __slots__ = ("_lets", "_patterns", "catalogue", "lists_used", "title")

    def __init__(
        self,
        title: str,
        catalogue: Iterable[RuleEntry],
        lists_used: Iterable[tuple[str, str | None]],
        lets: Mapping[str, _Let],
        patterns: Iterable[_Pattern],
    ) -> None:
        self.title = title
        self.catalogue = tuple(catalogue)
        self.lists_used = frozenset(lists_used)
        self._lets = lets
        self._patterns = tuple(patterns)

    def check(self, root: _Element, context: RuleContext) -> RuleReport:
        """
        Judge a document.

        A rule that fails on it gives NSW-3001 once and the others go on; so does the end of the budget.

        Args:
            root: the root of its tree; the tree must not change meanwhile.
        """
        judge = _Judge(root, context)
        token = _JUDGE.set(judge)
        try:
            return judge.run(self._lets, self._patterns)
        finally:
            _JUDGE.reset(token)


class _Firing(NamedTuple):
    """A check that fires; *rank* is its place in its rule."""

    rank: int
    check: _Check
    place: _Place
    scope: _Variables

    def build(self) -> Finding:
        """Fill in the texts and find the place: only for findings that are kept."""
        entry, place, scope = self.check.entry, self.place, self.scope
        attribute = place.attribute if place.attribute != "/" else ""
        return Finding(
            code=entry.id,
            severity=entry.severity,
            layer=Layer.RULE,
            path=build_path(place.element, attribute or None),
            line=place.element.sourceline,
            text_en=self.check.text_en.fill(place, scope),
            text_th=self.check.text_th.fill(place, scope),
            source=self.check.source.fill(place, scope),
        )


class _Firings:
    """The firings of one pattern: all are counted, the first in document order are kept."""

    def __init__(self, room: int, order: Callable[[_Place], tuple[int, int]]) -> None:
        self.count = 0
        self._room = room
        self._order = order
        self._kept: list[_Firing] = []

    def add(self, firing: _Firing) -> None:
        self.count += 1
        self._kept.append(firing)
        if len(self._kept) > 2 * self._room:
            self._kept = self.first()

    def first(self) -> list[_Firing]:
        """Give as many as there is room for, by node, then check."""
        return sorted(self._kept, key=lambda firing: (self._order(firing.place), firing.rank))[: self._room]


class _BudgetEndedError(Exception):
    """Too much was evaluated: what is left is not judged."""


@dataclass(slots=True)
class _Unjudged:
    """Rules that failed, at how many places, and the first of these."""

    place: _Place
    count: int = 0


class _Judge:
    """One run over one document."""

    def __init__(self, root: _Element, context: RuleContext) -> None:
        self.context = context
        self.evaluations = 0
        self.kept: object = None
        self._root = root
        self._document = _Place(root, "/")
        self._places_by_text: dict[str, list[_Place]] = {}
        self._elements_by_tag: dict[str, list[_Element]] = {}
        for element in root.iter("*"):
            self._elements_by_tag.setdefault(str(element.tag), []).append(element)
        self._failing: set[_Rule] = set()
        self._unjudged: dict[str, _Unjudged] = {}
        self._findings: list[Finding] = []
        self._omitted = 0
        self._rank_by_element: dict[_Element, int] = {}

    def run(self, lets: Mapping[str, _Let], patterns: Iterable[_Pattern]) -> RuleReport:
        """Judge by every pattern; at the end of the budget give what was found until then."""
        scope = _Variables(self, lets, self._document)
        try:
            for pattern in patterns:
                inner = _Variables(self, pattern.lets, self._document, scope) if pattern.lets else scope
                self._judge_pattern(pattern, inner)
        except _BudgetEndedError:
            limit = self.context.max_evaluations
            self._note(f"the rules ended after {limit} evaluations; the rest was not judged", self._document)
        unjudged = (
            finding_of(
                Code.RULE_NOT_JUDGED,
                what if each.count == 1 else f"{what}, at {each.count} places",
                path=build_path(each.place.element),
                line=each.place.element.sourceline,
            )
            for what, each in self._unjudged.items()
        )
        return RuleReport((*self._findings, *unjudged), self._omitted, self.evaluations)

    def _note(self, what: str, place: _Place) -> None:
        self._unjudged.setdefault(what, _Unjudged(place)).count += 1

    def _judge_pattern(self, pattern: _Pattern, scope: _Variables) -> None:
        firings = _Firings(self.context.max_findings - len(self._findings), self._order)
        try:
            self._collect(pattern, scope, firings)
        finally:
            if firings.count:
                first = firings.first()
                self._findings.extend(firing.build() for firing in first)
                self._omitted += firings.count - len(first)

    def _collect(self, pattern: _Pattern, scope: _Variables, firings: _Firings) -> None:
        """Judge each node by the first rule whose context matches it, and by that one only."""
        claimed: set[_Place] = set()
        for number, rule in enumerate(pattern.rules):
            if rule.tags and rule.tags.isdisjoint(self._elements_by_tag):
                continue
            try:
                places = self._places_of(rule, scope)
            except _FAULTS as fault:
                # Nodes of this rule must not fall to the later ones.
                ids = [check.entry.id for each in pattern.rules[number:] for check in each.checks]
                self._note(f"{', '.join(ids)} ({_reason(fault)})", self._document)
                return
            for place in places:
                if rule.checks and place not in claimed:
                    self._judge_place(rule, place, scope, firings)
            if rule is not pattern.rules[-1]:
                claimed.update(places)

    def _places_of(self, rule: _Rule, scope: _Variables) -> list[_Place]:
        """Give the nodes that a rule's context matches, in document order within each of its alternatives."""
        if rule.kind is _NodeKind.DOCUMENT:
            return [self._document]
        if len(rule.selects) == 1:
            return self._select(rule.selects[0], scope)
        return list(dict.fromkeys(place for each in rule.selects for place in self._select(each, scope)))

    def _select(self, select: _Select, scope: _Variables) -> list[_Place]:
        if select.tag and select.tag not in self._elements_by_tag:
            return []
        places = self._places_by_text.get(select.text)
        if places is None:
            places = self._look_up(select) if select.parents is not None else self._evaluate(select, scope)
            if not select.expression.variables:
                self._places_by_text[select.text] = places
        return places

    def _look_up(self, select: _Select) -> list[_Place]:
        found = filter(select.matches, self._elements_by_tag[select.tag])
        name = select.attribute
        return [_Place(element, name) for element in found if not name or name in element.attrib]

    def _evaluate(self, select: _Select, scope: _Variables) -> list[_Place]:
        nodes = select.expression.evaluate(_Place(self._root), scope)
        return [
            _Place(node) if isinstance(node, _Element) else _Place(node.getparent(), node.attrname)
            for node in nodes
        ]

    def _judge_place(self, rule: _Rule, place: _Place, outer: _Variables, firings: _Firings) -> None:
        if self.evaluations >= self.context.max_evaluations:
            raise _BudgetEndedError
        self.evaluations += len(rule.checks)
        scope = _Variables(self, rule.lets, place, outer) if rule.lets else outer
        if self._passes(rule, place, scope):
            return
        for rank, check in enumerate(rule.checks):
            try:
                fires = check.fires.evaluate(place, scope)
            except _FAULTS as fault:
                self._note(f"{check.entry.id} ({_reason(fault)})", place)
                continue
            if fires:
                firings.add(_Firing(rank, check, place, scope))

    def _passes(self, rule: _Rule, place: _Place, scope: _Variables) -> bool:
        if rule.passes is None or rule in self._failing:
            return False
        try:
            return bool(rule.passes.evaluate(place, scope))
        except _FAULTS:
            self._failing.add(rule)
            return False

    def _order(self, place: _Place) -> tuple[int, int]:
        """Give a node's place in the document: the document, then elements, each followed by its attributes."""
        if place.attribute == "/":
            return (-1, 0)
        if not self._rank_by_element:
            self._rank_by_element = {element: rank for rank, element in enumerate(self._root.iter())}
        attributes = place.element.keys().index(place.attribute) + 1 if place.attribute else 0
        return (self._rank_by_element[place.element], attributes)


_JUDGE: ContextVar[_Judge] = ContextVar("nsw_rules_judge")


def _reason(fault: Exception) -> str:
    """Tell a fault without any text of the document: of code lists and libxml2 only fixed words are told."""
    is_told = isinstance(fault, (XPathError, KeyError, _LetError))
    return f"{type(fault).__name__}: {fault}" if is_told else type(fault).__name__


# --- loading ------------------------------------------------------------------

_COMMON = frozenset((_LANG, "id"))
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "schema": _COMMON | {"queryBinding", "schemaVersion"},
    "title": _COMMON,
    "ns": frozenset(("prefix", "uri")),
    "let": frozenset(("name", "value")),
    "pattern": _COMMON,
    "rule": _COMMON | {"context"},
    "assert": _COMMON | {"test", "role", "flag", "diagnostics"},
    "report": _COMMON | {"test", "role", "flag", "diagnostics"},
    "diagnostics": frozenset(),
    "diagnostic": _COMMON | {"role"},
    "value-of": frozenset(("select",)),
    "name": frozenset(("path",)),
    "emph": _COMMON,
    "dir": _COMMON | {"value"},
    "span": _COMMON | {"class"},
}
_CHILDREN: dict[str, frozenset[str]] = {
    "schema": frozenset(("title", "ns", "p", "let", "pattern", "diagnostics")),
    "pattern": frozenset(("title", "p", "let", "rule")),
    "rule": frozenset(("p", "let", "assert", "report")),
    "diagnostics": frozenset(("diagnostic",)),
    "title": frozenset(("emph", "dir", "span")),
    **dict.fromkeys(
        ("assert", "report", "diagnostic"), frozenset(("value-of", "name", "emph", "dir", "span"))
    ),
    **dict.fromkeys(("emph", "dir", "span"), frozenset(("value-of", "name", "emph", "dir", "span"))),
}
_REQUIRED: dict[str, tuple[str, ...]] = {
    "ns": ("prefix", "uri"),
    "let": ("name", "value"),
    "rule": ("context",),
    "assert": ("id", "test"),
    "report": ("id", "test"),
    "diagnostic": ("id",),
    "value-of": ("select",),
}

_Names = Mapping[str, str | None]
"""Lets in scope, with the text of those that are only a literal."""

_Parts = tuple["str | _Source", ...]


class _CheckSource(NamedTuple):
    """An assert or report, read but not compiled."""

    entry: RuleEntry
    fires: _Source
    text_en: _Parts
    text_th: _Parts
    source: _Parts


def load_rule_set(path: Path) -> RuleSet:
    """
    Read and compile a rule file.

    Args:
        path: ISO Schematron with the query binding ``xslt``: schema, ns, let, pattern, rule, assert, report, value-of,
            name, diagnostics. A diagnostic with ``xml:lang="th"`` is the Thai sentence of the asserts that refer to
            it, one with ``role="source"`` their source; others are added to the English sentence.

    Raises:
        ConfigError: every problem with file and line: what is not supported, does not compile or refers to nothing.

    Source:
        ISO/IEC 19757-3 (Schematron), XPath 1.0, EXSLT.
    """
    return _Loader(path).load()


class _Loader:
    """Reads one rule file, and keeps what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: dict[str, None] = {}
        self._namespaces: dict[str, str] = {"xml": _XML}
        self._diagnostics: dict[str, _Element] = {}
        self._entries: dict[str, RuleEntry] = {}
        self._lists_used: set[tuple[str, str | None]] = set()
        self._sources: list[_Source] = []

    def load(self) -> RuleSet:
        root = self._parse()
        rules = None
        if root is not None:
            self._check_structure(root)
            rules = self._read_schema(root)
        if rules is None or self._problems:
            raise ConfigError(*self._problems)
        return rules

    def _parse(self) -> _Element | None:
        try:
            root = fromstring(self._path.read_bytes(), XMLParser(resolve_entities=False, no_network=True))
        except OSError as error:
            self._problems[f"{self._path}: the file can't be read: {error.strerror}"] = None
        except XMLSyntaxError as error:
            self._problems[f"{self._path}:{error.lineno}: no well-formed XML: {error.msg}"] = None
        else:
            if root.tag == f"{_SCH}schema" and not root.getroottree().docinfo.doctype:
                return root
            self._problem(root, f"the root must be {_SCH}schema, without a document type declaration")
        return None

    def _problem(self, element: _Element, sentence: str) -> None:
        self._problems[f"{self._path}:{element.sourceline}: {sentence}"] = None

    def _check_structure(self, element: _Element) -> None:
        name = QName(element).localname
        for attribute in element.attrib:
            if attribute not in _ATTRIBUTES[name]:
                self._problem(element, f"the attribute {attribute} of {name} is not supported")
        for attribute in _REQUIRED.get(name, ()):
            if not element.get(attribute, "").strip():
                self._problem(element, f"{name} needs the attribute {attribute}")
        for child in element.iterchildren("*"):
            known = str(child.tag).removeprefix(_SCH)
            if known not in _CHILDREN.get(name, ()):
                self._problem(child, f"{known} in {name} is not supported")
            elif known != "p":
                self._check_structure(child)

    def _read_schema(self, root: _Element) -> RuleSet:
        if root.get("queryBinding", "xslt").lower() != "xslt":
            self._problem(root, "the query binding must be xslt")
        for ns in root.iterchildren(f"{_SCH}ns"):
            self._read_namespace(ns)
        for diagnostic in root.iterfind(f"{_SCH}diagnostics/{_SCH}diagnostic"):
            name = diagnostic.get("id", "")
            if self._diagnostics.setdefault(name, diagnostic) is not diagnostic:
                self._problem(diagnostic, f"the diagnostic {name!r} is defined twice")
        names: dict[str, str | None] = {}
        lets = self._read_lets(root, names)
        patterns = [self._read_pattern(pattern, names) for pattern in root.iterchildren(f"{_SCH}pattern")]
        title = root.find(f"{_SCH}title")
        return RuleSet(
            title="" if title is None else _collapse("".join(title.itertext())),
            catalogue=self._entries.values(),
            lists_used=self._lists_used,
            lets=self._compile_lets(lets, _NodeKind.DOCUMENT, self._sources),
            patterns=patterns,
        )

    def _read_namespace(self, ns: _Element) -> None:
        prefix, uri = ns.get("prefix", ""), ns.get("uri", "")
        if prefix.startswith(_OWN):
            self._problem(ns, f"the prefix {prefix!r} is reserved")
        elif prefix in self._namespaces:
            self._problem(ns, f"the prefix {prefix!r} is bound twice")
        elif prefix and uri:
            self._namespaces[prefix] = uri

    def _read_lets(self, parent: _Element, names: dict[str, str | None]) -> dict[str, _Source]:
        """Read the lets of one scope, each of which may use those before it; adds them to *names*."""
        lets = {}
        for let in parent.iterchildren(f"{_SCH}let"):
            name = let.get("name", "")
            source = self._read_expression(let, "value", names)
            if not re.fullmatch(_NAME, name) or name.startswith(_OWN):
                self._problem(let, f"{name!r} can't be the name of a let")
            elif name in names:
                self._problem(let, f"another let {name!r} is in scope")
            elif source is not None:
                lets[name] = source
            names[name] = source.literal if source else None
        return lets

    def _compile_lets(
        self, lets: Mapping[str, _Source], kind: _NodeKind, used_in: Iterable[_Source]
    ) -> dict[str, _Let]:
        if self._problems:
            return {}
        navigated = {name for source in used_in for name in source.navigated}
        return {
            name: _Let(_Expression(source, kind, _Result.VALUE), name in navigated)
            for name, source in lets.items()
        }

    def _read_pattern(self, pattern: _Element, outer: _Names) -> _Pattern:
        before = len(self._sources)
        names = dict(outer)
        lets = self._read_lets(pattern, names)
        rules = [
            each for rule in pattern.iterchildren(f"{_SCH}rule") for each in self._read_rule(rule, names)
        ]
        return _Pattern(self._compile_lets(lets, _NodeKind.DOCUMENT, self._sources[before:]), tuple(rules))

    def _read_rule(self, rule: _Element, outer: _Names) -> list[_Rule]:
        """Read a rule; it is compiled once for each kind of node that its context matches."""
        context = self._read_expression(rule, "context", outer)
        selects = self._split_context(rule, context) if context else {}
        before = len(self._sources)
        names = dict(outer)
        lets = self._read_lets(rule, names)
        elements = rule.iterchildren(f"{_SCH}assert", f"{_SCH}report")
        shown = _collapse(rule.get("context", ""))
        checks = [check for each in elements if (check := self._read_check(each, shown, names)) is not None]
        if self._problems:
            return []
        used_in = self._sources[before:]
        return [
            _compile_rule(kind, alternatives, self._compile_lets(lets, kind, used_in), checks)
            for kind, alternatives in selects.items()
        ]

    def _split_context(self, rule: _Element, context: _Source) -> dict[_NodeKind, list[_Source]]:
        """
        Give expressions that select from the document what the alternatives of a pattern match.

        Source:
            XSLT 1.0, section 5.2: a node matches a pattern if the pattern selects it from the node or an ancestor.
        """
        selects: dict[_NodeKind, list[_Source]] = {}
        for token in context.tokens:
            if not token.depth and not _is_in_pattern(token):
                self._problem(
                    rule, f"a context names elements, attributes or /: {token.text!r} can't stand there"
                )
                return {}
        for tokens in _alternatives(context.tokens):
            text = context.text[tokens[0].start : tokens[-1].end]
            kind = _kind_selected(tokens)
            if tokens[0].text not in ("/", "//"):
                text = f"//{text}"
            selects.setdefault(kind, []).append(_Source(text, tuple(_tokens(text)), context.namespaces))
        return selects

    def _read_check(self, element: _Element, context: str, names: _Names) -> _CheckSource | None:
        test = self._read_expression(element, "test", names)
        text_en, text_th, source = self._read_texts(element, names)
        severity = self._read_severity(element)
        name = element.get("id", "")
        if test is None:
            return None
        is_report = QName(element).localname == "report"
        entry = RuleEntry(
            id=name,
            severity=severity,
            text_en=_show(text_en),
            text_th=_show(text_th),
            source=_show(source),
            context=context,
            test=_collapse(test.text),
            is_report=is_report,
            line=element.sourceline or 0,
        )
        if name in self._entries:
            self._problem(element, f"the id {name!r} is used twice")
        elif name in set(Code):
            self._problem(element, f"the id {name!r} is a code of the window's own catalogue")
        self._entries[name] = entry
        fires = test if is_report else test.wrapped("not({})")
        return _CheckSource(entry, fires, text_en, text_th, source)

    def _read_severity(self, element: _Element) -> Severity:
        word = element.get("role") or element.get("flag") or Severity.ERROR
        if element.get("flag", word) != word:
            self._problem(element, "role and flag differ")
        if word not in set(Severity):
            self._problem(element, f"the role {word!r} is unknown: use {', '.join(Severity)}")
            return Severity.ERROR
        return Severity(word)

    def _read_texts(self, element: _Element, names: _Names) -> tuple[_Parts, _Parts, _Parts]:
        """Read the sentence of an assert, and what its diagnostics add."""
        text_en, text_th, source = list(self._read_parts(element, names)), [], []
        for name in element.get("diagnostics", "").split():
            diagnostic = self._diagnostics.get(name)
            if diagnostic is None:
                self._problem(element, f"there is no diagnostic {name!r}")
                continue
            parts = self._read_parts(diagnostic, names)
            language = diagnostic.get(_LANG, "en")
            if diagnostic.get("role") == "source":
                source += [" ", *parts]
            elif language == "th":
                text_th += [" ", *parts]
            elif language == "en" and diagnostic.get("role") is None:
                text_en += [" ", *parts]
            else:
                self._problem(diagnostic, "a diagnostic is English, Thai (xml:lang) or a source (role)")
        return tuple(text_en), tuple(text_th or text_en), tuple(source)

    def _read_parts(self, element: _Element, names: _Names) -> Iterator[str | _Source]:
        yield element.text or ""
        for child in element:
            tag = str(child.tag).removeprefix(_SCH)
            if tag == "value-of":
                source = self._read_expression(child, "select", names)
                yield source or ""
            elif tag == "name":
                source = self._read_expression(child, "path", names)
                yield source.wrapped("name({})") if source else _Source("name()", (), {})
            elif isinstance(child.tag, str):
                yield from self._read_parts(child, names)
            yield child.tail or ""

    def _read_expression(self, element: _Element, attribute: str, names: _Names) -> _Source | None:
        """Read an expression and report what is wrong with it; None when it is absent or can't be compiled."""
        text = element.get(attribute, "")
        if not text.strip():
            return None
        try:
            XPath(text)
        except XPathSyntaxError as error:
            self._problem(element, f"{attribute}: no XPath 1.0: {error}: {text}")
            return None
        source = _Source(text, tuple(_tokens(text)), self._namespaces)
        for fault in self._faults(source, names):
            self._problem(element, f"{attribute}: {fault}")
        self._sources.append(source)
        return source

    def _faults(self, source: _Source, names: _Names) -> Iterator[str]:
        for prefix in sorted(source.prefixes - self._namespaces.keys()):
            yield f"the prefix {prefix!r} is bound by no ns"
        for name in source.variables:
            if name not in names:
                yield f"no let {name!r} is in scope"
        for call in _calls(source.tokens):
            yield from self._call_faults(call, names)

    def _call_faults(self, call: _Call, names: _Names) -> Iterator[str]:
        prefix, _, name = call.name.rpartition(":")
        uri = self._namespaces.get(prefix, "")
        function = _FUNCTIONS.get(uri, {}).get(name)
        given = len(call.arguments)
        if prefix and not uri:
            return
        if function is None:
            yield _NAMED_FAULTS.get(call.name, f"there is no function {call.name}()")
        elif uri == _DATES and not given:
            yield f"{call.name}() without an argument would read the clock"
        elif not function.least <= given <= function.most:
            yield f"{call.name}() can't take {given} arguments"
        elif name in ("position", "last") and not uri and not call.depth:
            yield f"{call.name}() has a meaning inside a predicate only"
        elif uri == _RE:
            yield from _regex_faults(call, names)
        elif uri == NSW_FUNCTIONS and "list" in name.split("-"):
            yield from self._note_list(call)

    def _note_list(self, call: _Call) -> Iterator[str]:
        """Remember which code list is asked for, so that a missing one is noticed when loading."""
        list_name, *column = (_literal(argument) for argument in (call.arguments[0], *call.arguments[2:]))
        if list_name is None or None in column:
            yield f"{call.name}() needs literals as the names of list and column"
        else:
            self._lists_used.add((list_name, column[0] if column else None))


def _literal(tokens: Sequence[_Token]) -> str | None:
    return tokens[0].text[1:-1] if [token.kind for token in tokens] == ["literal"] else None


def _regex_faults(call: _Call, names: _Names) -> Iterator[str]:
    """Check a pattern when loading: one taken from a document could be made to run for ever."""
    tokens = call.arguments[1]
    pattern = _literal(tokens)
    if [token.kind for token in tokens] == ["variable"]:
        pattern = names.get(tokens[0].text[1:])
    if pattern is None:
        yield f"{call.name}() needs a literal as its pattern, or a let that is one"
        return
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{call.name}(): no regular expression: {error}: {pattern}"


def _is_in_pattern(token: _Token) -> bool:
    if token.kind == "axis":
        return token.text in ("child", "attribute")
    return token.kind == "test" or token.text in ("/", "//", "|", "@", "::", "[", "]")


def _alternatives(tokens: Sequence[_Token]) -> Iterator[Sequence[_Token]]:
    """Split a pattern at its bars."""
    start = 0
    for place, token in enumerate(tokens):
        if token.text == "|" and not token.depth:
            yield tokens[start:place]
            start = place + 1
    yield tokens[start:]


def _kind_selected(tokens: Sequence[_Token]) -> _NodeKind:
    """Tell what one alternative of a pattern matches, by its last step."""
    words = list(_top_words(tokens))
    if words == ["/"]:
        return _NodeKind.DOCUMENT
    return _NodeKind.ATTRIBUTE if words[-2:-1] == ["@"] else _NodeKind.ELEMENT


def _compile_rule(
    kind: _NodeKind, alternatives: Iterable[_Source], lets: Mapping[str, _Let], checks: Sequence[_CheckSource]
) -> _Rule:
    selects = tuple(_compile_select(each) for each in alternatives)
    tags = frozenset(select.tag for select in selects)
    return _Rule(
        kind=kind,
        selects=selects,
        tags=frozenset() if "" in tags else tags,
        lets=lets,
        checks=tuple(_compile_check(check, kind) for check in checks),
        passes=_compile_passes([check.fires for check in checks], kind),
    )


def _compile_select(source: _Source) -> _Select:
    """Compile one alternative, and see whether it is a chain of names that the index of elements can answer."""
    expression = _Expression(source, _NodeKind.ELEMENT, _Result.VALUE)
    words = list(_top_words(source.tokens))
    is_plain = all(token.text != "[" for token in source.tokens)
    attribute = ""
    if words[-2:-1] == ["@"]:
        attribute = _expand(words[-1], source.namespaces)
        is_plain = is_plain and attribute != ""
        words = words[:-3] if words[-3] == "/" else []
    separators, names = words[0::2], [_expand(word, source.namespaces) for word in words[1::2]]
    if not names:
        return _Select(source.text, expression)
    is_plain = is_plain and all(names) and "//" not in separators[1:]
    return _Select(
        source.text,
        expression,
        tag=names[-1],
        parents=tuple(reversed(names[:-1])) if is_plain else None,
        is_absolute=separators[0] == "/",
        attribute=attribute,
    )


def _top_words(tokens: Iterable[_Token]) -> Iterator[str]:
    """Give the steps and separators of an alternative without its predicates, attributes abbreviated to @."""
    for token in tokens:
        if token.text == "attribute" and token.kind == "axis":
            yield "@"
        elif not token.depth and token.kind != "axis" and token.text not in ("[", "]", "::"):
            yield token.text


def _expand(name: str, namespaces: Mapping[str, str]) -> str:
    """Give a name as lxml writes it; '' for a wildcard."""
    prefix, _, local = name.rpartition(":")
    if local == "*":
        return ""
    return f"{{{namespaces[prefix]}}}{local}" if prefix else local


def _show(parts: _Parts) -> str:
    """Give a sentence for the catalogue, with ``{expression}`` where a value is filled in."""
    return _collapse("".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in parts))


def _compile_check(check: _CheckSource, kind: _NodeKind) -> _Check:
    return _Check(
        entry=check.entry,
        fires=_Expression(check.fires, kind, _Result.BOOLEAN),
        text_en=_compile_text(check.text_en, kind),
        text_th=_compile_text(check.text_th, kind),
        source=_compile_text(check.source, kind),
    )


def _compile_text(parts: _Parts, kind: _NodeKind) -> _Text:
    return _Text(part if isinstance(part, str) else _Expression(part, kind, _Result.STRING) for part in parts)


def _compile_passes(fires: Sequence[_Source], kind: _NodeKind) -> _Expression | None:
    """Join all checks of a rule; None when there is only one, or too much for one expression."""
    if len(fires) <= 1:
        return None
    text = " and ".join(f"not({source.text})" for source in fires)
    tokens = tuple(token for source in fires for token in source.tokens)
    try:
        return _Expression(_Source(text, tokens, fires[0].namespaces), kind, _Result.BOOLEAN)
    except XPathSyntaxError:
        return None
