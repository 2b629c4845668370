"""
A naive evaluator of the asserts' language, as an oracle for the translator: it shares no code with it.

It walks an ElementTree and computes in Python what the notes on the data say of each function; no XPath, no Schematron.
"""

import math
import operator
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

_TOKEN = re.compile(
    r"""\s*(?:('(?:[^'\\]|\\.)*'|"[^"]*")|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\|\||&&|->|[=!<>]=|.))"""
)
_TIGHTNESS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6}
_COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_JAVA_SPACE = "".join(map(chr, range(33)))
_SPACE = " \t\n\x0b\f\r"


class Sum(NamedTuple):
    """A boxed number: compared as ``Double.compare`` does, where NaN equals itself and is the greatest."""

    value: float


class Document:
    """A document whose elements know their parents."""

    def __init__(self, text: str) -> None:
        self.root = ET.fromstring(text)  # noqa: S314 - our own document
        self._parents = {child: parent for parent in self.root.iter() for child in parent}

    def find(self, node: ET.Element, path: str) -> list[ET.Element]:
        """Give the elements of a path of local names, ``..`` and ``.``, in document order and each once."""
        words = path.split("/")
        nodes = [node]
        if path.startswith("/"):
            nodes, words = [self.root], words[2:]
        for word in words:
            found: list[ET.Element] = []
            for each in nodes:
                near = {"..": [self._parents[each]] if each in self._parents else [], ".": [each]}
                found += near.get(word) or (
                    [] if word in near else [child for child in each if _local(child) == word]
                )
            nodes = list(dict.fromkeys(found))
        return nodes

    def location(self, node: ET.Element) -> str:
        """Give each step with its index, without prefixes."""
        parent = self._parents.get(node)
        if parent is None:
            return f"/{_local(node)}[1]"
        alike = [child for child in parent if child.tag == node.tag]
        return f"{self.location(parent)}/{_local(node)}[{alike.index(node) + 1}]"


def evaluate(test: str, document: Document, node: ET.Element) -> bool:
    """Give the truth of a test at a node."""
    return bool(_Reader(test, document).read()({}, node))


def _always(value: object) -> "_Value":
    return lambda _, __: value


_Value = Callable[[dict[str, ET.Element], ET.Element], Any]


class _Reader:
    """Reads a test into a function of the closures' parameters and the node."""

    def __init__(self, test: str, document: Document) -> None:
        self._tokens = [match.groups() for match in _TOKEN.finditer(test.strip())]
        self._at = 0
        self._document = document

    def read(self, least: int = 1) -> _Value:
        left = self._one()
        while (symbol := self._peek()) in _TIGHTNESS and _TIGHTNESS[symbol] >= least:
            self._at += 1
            left = _join(symbol, left, self.read(_TIGHTNESS[symbol] + 1))
        return left

    def _peek(self) -> str:
        return str(self._tokens[self._at][3] or "") if self._at < len(self._tokens) else ""

    def _expect(self, symbol: str) -> None:
        assert self._peek() == symbol, (symbol, self._tokens[self._at :])
        self._at += 1

    def _one(self) -> _Value:
        text, number, name, symbol = self._tokens[self._at]
        self._at += 1
        value: _Value
        if symbol in ("!", "-"):
            inner = self._one()
            return (lambda v, n: not inner(v, n)) if symbol == "!" else (lambda v, n: -inner(v, n))
        if symbol == "(":
            value = self.read()
            self._expect(")")
        elif symbol == "{":
            return self._closure()
        elif text is not None:
            literal = re.sub(r"\\(.)", r"\1", text[1:-1])
            value = _always(literal)
        elif number is not None:
            constant = float(number)
            value = _always(constant)
        elif name in ("true", "false"):
            value = _always(name == "true")
        elif self._peek() == "(":
            arguments = self._arguments()
            value = lambda v, n: self._call(str(name), arguments, v, n)  # noqa: E731 - see above
        else:
            self._expect(".")
            called = str(self._tokens[self._at][2])
            self._at += 1
            arguments = self._arguments()
            value = lambda v, _: self._call(called, arguments, v, v[str(name)])  # noqa: E731 - see above
        while self._peek() == ".":
            self._at += 1
            method = str(self._tokens[self._at][2])
            self._at += 1
            value = _method(method, value, self._arguments())
        return value

    def _arguments(self) -> list[_Value]:
        self._expect("(")
        found: list[_Value] = []
        while self._peek() != ")":
            if found:
                self._expect(",")
            found.append(self.read())
        self._expect(")")
        return found

    def _closure(self) -> _Value:
        names: list[str] = []
        while self._peek() != "->":
            if self._tokens[self._at][2]:
                names.append(str(self._tokens[self._at][2]))
            self._at += 1
        self._expect("->")
        # The type before a name is optional.
        outer, inner = names[1::2] if len(names) == 4 else names
        body = self.read()
        self._expect("}")
        return lambda v, n: lambda local: body({**v, outer: n, inner: local}, n)

    def _call(self, name: str, arguments: Sequence[_Value], v: dict[str, ET.Element], n: ET.Element) -> Any:  # noqa: ANN401 - one line for each function
        def given(place: int) -> Any:  # noqa: ANN401 - a string, a truth value or a closure
            return arguments[place](v, n)

        if name == "substringAfter":
            return given(0).partition(given(1)[0])[2]
        nodes = self._document.find(n, given(0))
        texts = [_text(each) for each in nodes]
        first = texts[0] if texts else ""
        if name in ("exists", "not"):
            tried = [each for each in nodes if len(arguments) == 1 or given(1)(each)]
            return bool(tried) is (name == "exists")
        if name == "existsForAll":
            return all(
                any(_trim(_text(child)) == given(2) for child in self._document.find(each, given(1)))
                for each in nodes
            )
        if name == "applyRegex":
            return bool(nodes) and re.fullmatch(given(1), first, re.ASCII) is not None
        if name == "intOrElse":
            return _int(first, given(1))
        simple: dict[str, Callable[[], Any]] = {
            "getValue": lambda: first,
            "trim": lambda: _trim(first),
            "number": lambda: _number(first),
            "sum": lambda: Sum(sum(map(_number, texts))),
            "count": lambda: float(len(nodes)),
            "countEquals": lambda: float(sum(_trim(each) == given(1) for each in texts)),
            "areIndices": lambda: all(_int(each, -1) == place for place, each in enumerate(texts, 1)),
            "countDistinct": lambda: float(len({_trim(each) if given(1) else each for each in texts})),
            "countDistinctChildCount": lambda: float(len({len(each) for each in nodes})),
        }
        return simple[name]()


def _join(symbol: str, left: _Value, right: _Value) -> _Value:
    if symbol == "||":
        return lambda v, n: left(v, n) or right(v, n)
    if symbol == "&&":
        return lambda v, n: left(v, n) and right(v, n)
    if symbol in _COMPARE:
        return lambda v, n: _compare(symbol, left(v, n), right(v, n))
    return lambda v, n: _add(symbol, left(v, n), right(v, n))


def _compare(symbol: str, a: Any, b: Any) -> bool:  # noqa: ANN401 - strings or numbers
    if isinstance(a, Sum) or isinstance(b, Sum):
        return bool(_COMPARE[symbol](_order(a), _order(b)))
    return bool(_COMPARE[symbol](a, b))


def _order(number: Any) -> tuple[bool, float]:  # noqa: ANN401 - a number or a sum
    value = number.value if isinstance(number, Sum) else number
    return (True, 0.0) if math.isnan(value) else (False, value)


def _add(symbol: str, a: Any, b: Any) -> Any:  # noqa: ANN401 - strings or numbers
    if isinstance(a, Sum) or isinstance(b, Sum):
        plain = [each.value if isinstance(each, Sum) else each for each in (a, b)]
        return Sum(_add(symbol, *plain))
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[symbol](a, b)


def _method(name: str, target: _Value, arguments: Sequence[_Value]) -> _Value:
    methods: dict[str, Callable[..., Any]] = {
        "length": lambda text: float(len(text)),
        "size": lambda text: float(len(text)),
        "trim": _trim,
        "isEmpty": lambda text: not text,
        "contains": lambda text, part: part in text,
        "startsWith": str.startswith,
        "endsWith": str.endswith,
        "equals": operator.eq,
        "take": lambda text, count: text[: int(count)],
    }
    return lambda v, n: methods[name](target(v, n), *(each(v, n) for each in arguments))


def _text(node: ET.Element) -> str:
    return "".join(node.itertext())


def _local(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _trim(text: str) -> str:
    return text.strip(_JAVA_SPACE)


def _number(text: str) -> float:
    """Read a number as the evaluator does: a plain decimal with a sign or none."""
    word = _trim(text)
    return float(word) if re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", word) else math.nan


def _int(text: str, default: float) -> float:
    word = _trim(text)
    found = re.fullmatch(r"[+-]?[0-9]+", word)
    return float(word) if found and -(2**31) <= int(word) < 2**31 else default


def fired(rules: Sequence[tuple[str, str, str]], document: Document) -> Iterator[tuple[str, str]]:
    """Give code and location of each assert (element, code, test) that does not hold."""
    for element, code, test in rules:
        for node in document.find(document.root, element.strip("/") or "."):
            if not evaluate(test, document, node):
                yield code, document.location(node)
