"""Reading XPath 1.0: tokens, calls, and what an expression mentions."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

__all__ = ["NAME", "Call", "Source", "Token", "find_calls", "literal_of", "prefixes_of", "tokenize"]

NAME = r"[^\W\d][\w.\-\u00b7]*"
_TOKEN = re.compile(
    rf"""\s*(?:
        (?P<literal>"[^"]*"|'[^']*')
      | (?P<number>\d+(?:\.\d*)?|\.\d+)
      | (?P<variable>\$\s*{NAME}(?::{NAME})?)
      | (?P<name>{NAME}(?::\*|:{NAME})?)
      | (?P<symbol>::|//|\.\.|!=|<=|>=|[()\[\].@,/|+\-=<>*])
    )""",
    re.VERBOSE,
)
_OPERATORS = frozenset(
    ["and", "or", "mod", "div", "*", "/", "//", "|", "+", "-", "=", "!=", "<", "<=", ">", ">="]
)
_NODE_TYPES = frozenset(("comment", "text", "processing-instruction", "node"))


class Token(NamedTuple):
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
class Call:
    """A function call; *depth* as in a token."""

    name: str
    depth: int
    arguments: list[list[Token]] = field(default_factory=list)


def tokenize(text: str) -> Iterator[Token]:
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
        yield Token(
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


def find_calls(tokens: Iterable[Token]) -> list[Call]:
    """Give every function call with its arguments; an inner call stands in the outer's argument by its name only."""
    calls: list[Call] = []
    opened: list[Call | None] = []
    called: Call | None = None
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
            called = Call(word, token.depth)
            calls.append(called)
    return calls


@dataclass(frozen=True, slots=True)
class Source:
    """One expression of a rule file, read but not compiled."""

    text: str
    tokens: tuple[Token, ...] = field(repr=False)
    namespaces: Mapping[str, str] = field(repr=False)

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the lets it uses."""
        return tuple(sorted({token.text[1:] for token in self.tokens if token.kind == "variable"}))

    @property
    def prefixes(self) -> frozenset[str]:
        """Prefixes of its names."""
        return _prefixes_in(self.tokens)

    @property
    def functions(self) -> frozenset[str]:
        """Names of the functions it calls."""
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
    def loops(self) -> int:
        """How deep loops over large parts of the document may be nested in it."""
        return len(
            {token.depth for place, token in enumerate(self.tokens) if _reaches_far(self.tokens, place)}
        )

    @property
    def literal(self) -> str | None:
        """The text of an expression that is only a literal."""
        return literal_of(self.tokens)

    def wrapped(self, frame: str) -> "Source":
        """Give the expression as the argument of a call: *frame* with ``{}`` in its place."""
        return replace(self, text=frame.replace("{}", self.text))


def prefixes_of(expression: str) -> frozenset[str]:
    """Give the prefixes of the names in an expression that libxml2 compiles."""
    return _prefixes_in(tokenize(expression))


def _prefixes_in(tokens: Iterable[Token]) -> frozenset[str]:
    names = (token.text.lstrip("$") for token in tokens if token.kind in ("function", "test", "variable"))
    return frozenset(prefix for prefix, colon, _ in (name.partition(":") for name in names) if colon)


def _reaches_far(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether a step leads out of what lies below its node: to all of the document, to parents or siblings."""
    token = tokens[place]
    if token.kind == "axis":
        return token.text not in ("child", "attribute", "self", "namespace")
    if token.text == "/":
        before = tokens[place - 1] if place else None
        return before is None or before.kind in ("operator", "axis") or before.text in ("(", "[", ",")
    return token.text in ("//", "..")


def _goes_on(tokens: Sequence[Token], place: int) -> bool:
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


def literal_of(tokens: Sequence[Token]) -> str | None:
    """Give the text of tokens that are only a literal."""
    return tokens[0].text[1:-1] if [token.kind for token in tokens] == ["literal"] else None
