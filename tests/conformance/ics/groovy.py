"""
The small Groovy dialect of the asserts, from text to a tree.

Literals, calls, methods of strings, closures as arguments, arithmetic, comparisons and logic: what is not among
them is refused with its place.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class DialectError(ValueError):
    """
    A test that can't be read or translated.

    Attributes:
        column: 1-based place in the test.
    """

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(sentence)
        self.column = column


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal."""

    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal, as written."""

    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Truth:
    """``true`` or ``false``."""

    value: bool
    column: int


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter of a closure."""

    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """``name(…)``, or ``target.name(…)``."""

    target: "Node | None"
    name: str
    arguments: "tuple[Node, ...]"
    column: int


@dataclass(frozen=True, slots=True)
class Unary:
    """``!x`` or ``-x``."""

    operator: str
    operand: "Node"
    column: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what joins them."""

    operator: str
    left: "Node"
    right: "Node"
    column: int


@dataclass(frozen=True, slots=True)
class Closure:
    """``{Type a, Type b -> body}``; the parameters' names only."""

    parameters: tuple[str, ...]
    body: "Node"
    column: int


Node = Text | Number | Truth | Name | Call | Unary | Binary | Closure

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n$]|\\.)*")
    | (?P<number>[0-9]+(?:\.[0-9]+)?(?![\w.]))
    | (?P<name>[A-Za-z_]\w*)
    | (?P<symbol>\|\||&&|==|!=|<=|>=|->|[!<>+\-*(){},.])
    """,
    re.VERBOSE,
)
# From the loosest to the tightest.
_LEVELS = (
    ("||",),
    ("&&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*",),
)


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(test: str) -> Node:
    """
    Read a test.

    Raises:
        DialectError: it is none, or uses more of Groovy than the dialect has.
    """
    return _Parser(list(_tokens(test))).read()


def _tokens(test: str) -> Iterator[_Token]:
    place = 0
    while place < len(test):
        match = _TOKEN.match(test, place)
        if match is None:
            raise DialectError(f"{test[place]!r} is not of the dialect", place + 1)
        if match.lastgroup != "space":
            yield _Token(str(match.lastgroup), match[0], place + 1)
        place = match.end()
    yield _Token("end", "", place + 1)


class _Parser:
    """Recursive descent, one method for each form."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def read(self) -> Node:
        node = self._binary(0)
        if self._next.kind != "end":
            raise self._surprise()
        return node

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _surprise(self) -> DialectError:
        what = repr(self._next.text) if self._next.text else "the end"
        return DialectError(f"{what} can't stand here", self._next.column)

    def _take(self) -> _Token:
        self._place += 1
        return self._tokens[self._place - 1]

    def _takes(self, *symbols: str) -> _Token | None:
        """Take the next token if it is one of some symbols."""
        return self._take() if self._next.kind == "symbol" and self._next.text in symbols else None

    def _expect(self, symbol: str) -> None:
        if not self._takes(symbol):
            raise self._surprise()

    def _expect_name(self) -> str:
        if self._next.kind != "name":
            raise self._surprise()
        return self._take().text

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while token := self._takes(*_LEVELS[level]):
            node = Binary(token.text, node, self._binary(level + 1), token.column)
        return node

    def _unary(self) -> Node:
        if token := self._takes("!", "-"):
            return Unary(token.text, self._unary(), token.column)
        node = self._primary()
        while self._takes("."):
            column = self._next.column
            name = self._expect_name()
            node = Call(node, name, self._arguments(), column)
        return node

    def _primary(self) -> Node:
        read: dict[str, Callable[[], Node]] = {
            "text": self._text,
            "number": lambda: Number(self._next.text, self._take().column),
            "name": self._name,
        }
        if self._next.kind in read:
            return read[self._next.kind]()
        if self._next.text == "{":
            return self._closure()
        self._expect("(")
        node = self._binary(0)
        self._expect(")")
        return node

    def _text(self) -> Node:
        token = self._take()

        def unescape(match: re.Match[str]) -> str:
            found = match[1]
            if found in _ESCAPES:
                return _ESCAPES[found]
            if found in "\\'\"$":
                return found
            raise DialectError(f"the escape \\{found} is not of the dialect", token.column + match.start())

        return Text(re.sub(r"\\(.)", unescape, token.text[1:-1]), token.column)

    def _name(self) -> Node:
        token = self._take()
        if token.text in ("true", "false"):
            return Truth(token.text == "true", token.column)
        if self._next.text == "(":
            return Call(None, token.text, self._arguments(), token.column)
        return Name(token.text, token.column)

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        found: list[Node] = []
        while not self._takes(")"):
            if found:
                self._expect(",")
            found.append(self._binary(0))
        return tuple(found)

    def _closure(self) -> Node:
        column = self._take().column
        parameters: list[str] = []
        while not self._takes("->"):
            if parameters:
                self._expect(",")
            name = self._expect_name()
            # The type before the name is optional.
            parameters.append(self._expect_name() if self._next.kind == "name" else name)
        body = self._binary(0)
        self._expect("}")
        return Closure(tuple(parameters), body, column)
