"""The tree of an XPath 1.0 expression, from its tokens."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from nsw.rules.xpath import Token, tokenize

__all__ = [
    "Binary",
    "Filter",
    "FunctionCall",
    "Literal",
    "Negative",
    "Number",
    "Path",
    "Step",
    "Tree",
    "UnsupportedError",
    "Variable",
    "parse",
]


class UnsupportedError(Exception):
    """What only libxml2 evaluates: an expression that is not compiled, or a node that a compiled one can't judge."""


class Literal(NamedTuple):
    """A string."""

    text: str


class Number(NamedTuple):
    """A number, as written."""

    text: str


class Variable(NamedTuple):
    """A let."""

    name: str


class FunctionCall(NamedTuple):
    """A call; the function by the namespace of its prefix."""

    uri: str
    name: str
    arguments: "tuple[Tree, ...]"


class Negative(NamedTuple):
    """Unary minus."""

    operand: "Tree"


class Binary(NamedTuple):
    """Two operands."""

    operator: str
    left: "Tree"
    right: "Tree"


class Step(NamedTuple):
    """
    One step of a path.

    Attributes:
        test: name as lxml writes it, '*' or 'node()'.
    """

    axis: str
    test: str
    predicates: "tuple[Tree, ...]" = ()


class Filter(NamedTuple):
    """An expression with predicates."""

    operand: "Tree"
    predicates: "tuple[Tree, ...]"


class Path(NamedTuple):
    """
    A location path.

    Attributes:
        start: where it begins; None for the context node. *is_absolute* tells that it begins at the document.
    """

    steps: tuple[Step, ...]
    start: "Tree | None" = None
    is_absolute: bool = False


Tree = Literal | Number | Variable | FunctionCall | Negative | Binary | Filter | Path

_LEVELS = (
    frozenset(("or",)),
    frozenset(("and",)),
    frozenset(("=", "!=")),
    frozenset(("<", "<=", ">", ">=")),
    frozenset(("+", "-")),
    frozenset(("*", "div", "mod")),
)
_EVERYWHERE = Step("descendant-or-self", "node()")
_END = Token("end", "", 0, 0, 0)


def parse(text: str, namespaces: Mapping[str, str]) -> Tree:
    """
    Read an expression that libxml2 compiles.

    Raises:
        UnsupportedError: it uses what is not read here.

    Source:
        XPath 1.0, section 3.
    """
    parser = _Parser(tuple(tokenize(text)), namespaces)
    tree = parser.binary(0)
    if parser.token is not _END:
        raise UnsupportedError(f"{parser.token.text!r} is not read")
    return tree


class _Parser:
    def __init__(self, tokens: Sequence[Token], namespaces: Mapping[str, str]) -> None:
        self._tokens = (*tokens, _END)
        self._place = 0
        self._namespaces = namespaces

    @property
    def token(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._tokens[self._place]
        self._place += token is not _END
        return token

    def _skip(self, *words: str) -> bool:
        """Pass over a symbol or operator, if it is there."""
        found = self.token.kind in ("symbol", "operator") and self.token.text in words
        self._place += found
        return found

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise UnsupportedError(f"{word!r} is expected")

    def binary(self, level: int) -> Tree:
        """Read operands joined by operators of this level or tighter ones."""
        if level == len(_LEVELS):
            return self._unary()
        left = self.binary(level + 1)
        while self.token.kind == "operator" and self.token.text in _LEVELS[level]:
            operator = self._take().text
            left = Binary(operator, left, self.binary(level + 1))
        return left

    def _unary(self) -> Tree:
        if self._skip("-"):
            return Negative(self._unary())
        left = self._path()
        while self._skip("|"):
            left = Binary("|", left, self._path())
        return left

    def _path(self) -> Tree:
        if self._skip("/"):
            return Path(tuple(self._steps()) if self._is_step() else (), is_absolute=True)
        if self._skip("//"):
            return Path((_EVERYWHERE, *self._steps()), is_absolute=True)
        if self._is_step():
            return Path(tuple(self._steps()))
        operand = self._primary()
        predicates = self._predicates()
        if predicates:
            operand = Filter(operand, predicates)
        if self._skip("/"):
            return Path(tuple(self._steps()), operand)
        if self._skip("//"):
            return Path((_EVERYWHERE, *self._steps()), operand)
        return operand

    def _is_step(self) -> bool:
        token = self.token
        return token.kind in ("axis", "test", "nodetype") or (
            token.kind == "symbol" and token.text in (".", "..", "@")
        )

    def _steps(self) -> list[Step]:
        steps = [self._step()]
        while self.token.text in ("/", "//") and self.token.kind == "operator":
            if self._take().text == "//":
                steps.append(_EVERYWHERE)
            steps.append(self._step())
        return steps

    def _step(self) -> Step:
        if self._skip("."):
            return Step("self", "node()")
        if self._skip(".."):
            return Step("parent", "node()")
        axis = "child"
        if self._skip("@"):
            axis = "attribute"
        elif self.token.kind == "axis":
            axis = self._take().text
            self._expect("::")
        return Step(axis, self._test(), self._predicates())

    def _test(self) -> str:
        token = self._take()
        if token.kind == "nodetype" and token.text == "node":
            self._expect("(")
            self._expect(")")
            return "node()"
        if token.kind != "test":
            raise UnsupportedError(f"{token.text}() is not compiled")
        prefix, _, local = token.text.rpartition(":")
        return f"{{{self._namespaces[prefix]}}}{local}" if prefix else local

    def _predicates(self) -> tuple[Tree, ...]:
        predicates = []
        while self._skip("["):
            predicates.append(self.binary(0))
            self._expect("]")
        return tuple(predicates)

    def _primary(self) -> Tree:
        token = self._take()
        if token.kind == "literal":
            return Literal(token.text[1:-1])
        if token.kind == "number":
            return Number(token.text)
        if token.kind == "variable":
            return Variable(token.text[1:])
        if token.kind == "function":
            prefix, _, name = token.text.rpartition(":")
            return FunctionCall(self._namespaces[prefix] if prefix else "", name, self._arguments())
        if token.kind == "symbol" and token.text == "(":
            inner = self.binary(0)
            self._expect(")")
            return inner
        raise UnsupportedError(f"{token.text!r} is not read")

    def _arguments(self) -> tuple[Tree, ...]:
        self._expect("(")
        arguments: list[Tree] = []
        while not self._skip(")"):
            if arguments:
                self._expect(",")
            arguments.append(self.binary(0))
        return tuple(arguments)
