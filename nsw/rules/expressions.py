"""Compiled expressions, lets and sentences, evaluated on a node of a document."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from lxml.etree import Element, QName, SubElement, XPath, _Element

from nsw.errors import InvariantError
from nsw.rules.code import NodeKind, Type, Types
from nsw.rules.compiler import Compiled, compile_expression
from nsw.rules.context import FAULTS, FEW_NODES, OWN, OWN_FUNCTIONS, RE, RUN, Run
from nsw.rules.functions import FUNCTIONS
from nsw.rules.index import Index
from nsw.rules.syntax import UnsupportedError, parse
from nsw.rules.values import passing_cost
from nsw.rules.xpath import Source

__all__ = [
    "Expression",
    "Let",
    "Place",
    "Result",
    "Text",
    "Variables",
    "_LetError",
    "collapse",
]


# A value quoted in a finding's text: a document must not blow up its own answer.
_MAX_VALUE_CHARS = 200


class Result(Enum):
    """What an expression is evaluated to."""

    BOOLEAN = "boolean"
    STRING = "string"
    VALUE = "value"


class Place(NamedTuple):
    """
    A context node.

    Attributes:
        attribute: name with namespace of the attribute of *element* that is meant; '/' for the document.
    """

    element: _Element
    attribute: str = ""


_WANTED = {Result.BOOLEAN: Type.BOOLEAN, Result.STRING: Type.STRING, Result.VALUE: None}
_ANCHORS = {
    NodeKind.ATTRIBUTE: f"@*[local-name() = ${OWN}_name and namespace-uri() = ${OWN}_namespace]",
    NodeKind.DOCUMENT: "/self::node()",
}


class _Python(NamedTuple):
    """An expression as Python, or why there is none."""

    compiled: Compiled | None
    type: Type | None
    refused: str = ""


class Expression:
    """
    One compiled expression.

    It is compiled by lxml, which knows its faults, and to Python when it is first needed: most are judged within the
    program of their rule file, and never by themselves. By lxml it is evaluated from an element as it stands, from an
    attribute or the document inside a predicate of that node, where ``_keep`` hands its value out.
    """

    __slots__ = (
        "_compiled",
        "_kind",
        "_loops",
        "_python",
        "_result",
        "_settings",
        "_source",
        "_types",
        "text",
        "variables",
    )

    def __init__(self, source: Source, kind: NodeKind, result: Result, types: Types) -> None:
        self.text = source.text
        self.variables = source.variables
        self._source = source
        self._types = types
        self._python: _Python | None = None
        self._kind = kind
        self._result = result
        self._loops = source.loops
        namespaces = {prefix: uri for prefix, uri in source.namespaces.items() if prefix in source.prefixes}
        text = source.text if result is Result.VALUE else f"{result.value}({source.text})"
        if kind is not NodeKind.ELEMENT:
            kept = f"boolean({text})" if result is Result.BOOLEAN else f"{OWN}:keep({text})"
            text = f"boolean({_ANCHORS[kind]}[{kept}])"
            namespaces[OWN] = OWN_FUNCTIONS
        self._settings = (text, namespaces, _extensions(source.functions, namespaces))
        self._compiled = self._compile()

    def evaluate(self, place: Place, scope: "Variables") -> Any:  # noqa: ANN401 - what XPath gives: four types
        """Give the value on a node; raises one of ``FAULTS``, or BudgetEndedError."""
        values = {name: scope.value(name) for name in self.variables} if self.variables else {}
        fast = self._in_python.compiled
        if fast is not None:
            try:
                return fast(place.element if self._kind is NodeKind.ELEMENT else place, values, scope.index)
            except (UnsupportedError, *FAULTS):
                pass
        if self._kind is NodeKind.ATTRIBUTE:
            name = QName(place.attribute)
            values |= {f"{OWN}_name": name.localname, f"{OWN}_namespace": name.namespace or ""}
        scope.count_loops(self._loops)
        try:
            result = self._compiled(place.element, **values)
        except FAULTS:
            # lxml keeps every fault in the log of the compiled expression, for ever.
            self._compiled = self._compile()
            raise
        if self._kind is NodeKind.ELEMENT or self._result is Result.BOOLEAN:
            return result
        return RUN.get().kept

    @property
    def type(self) -> Type | None:
        """Of its value; None where only lxml knows."""
        return self._in_python.type

    @property
    def refused(self) -> str:
        """Why it is not compiled to Python; '' when it is."""
        return self._in_python.refused

    @property
    def _in_python(self) -> "_Python":
        # Two threads may both compile it: to the same.
        if self._python is None:
            try:
                tree = parse(self._source.text, self._source.namespaces)
                self._python = _Python(
                    *compile_expression(tree, self._kind, self._types, _WANTED[self._result])
                )
            except (UnsupportedError, RecursionError) as error:
                self._python = _Python(None, None, str(error))
        return self._python

    def _compile(self) -> XPath:
        text, namespaces, extensions = self._settings
        return XPath(
            text,
            namespaces=namespaces or None,
            extensions=extensions or None,
            regexp=RE in namespaces.values(),
            smart_strings=self._result is Result.VALUE,
        )


def _extensions(
    functions: frozenset[str], namespaces: Mapping[str, str]
) -> dict[tuple[str, str], Callable[..., object]]:
    """Give only the functions an expression calls: lxml registers each of them anew for every evaluation."""
    found: dict[tuple[str, str], Callable[..., object]] = {}
    for prefix, uri in namespaces.items():
        for name, function in FUNCTIONS.get(uri, {}).items():
            if function.call and f"{prefix}:{name}" in functions:
                found[uri, name] = function.call
    if OWN in namespaces:
        found[OWN_FUNCTIONS, "keep"] = _keep
    return found


def _keep(_: object, value: object) -> bool:
    RUN.get().kept = value
    return True


class _LetError(ValueError):
    """A let holds nodes that no variable can keep."""


class Let(NamedTuple):
    """A variable; *navigated* tells that paths go on from it."""

    expression: Expression
    navigated: bool


class Variables:
    """
    The lets of one scope for one node, each evaluated when first asked for.

    Args:
        counted: those that the budget has been told of.
    """

    __slots__ = ("_counted", "_lets", "_outer", "_place", "_run", "_values", "index")

    def __init__(
        self,
        run: Run,
        index: Index,
        lets: Mapping[str, Let],
        place: Place,
        outer: "Variables | None" = None,
        counted: Collection[str] = (),
    ) -> None:
        self.index = index
        self._run = run
        self._lets = lets
        self._place = place
        self._outer = outer
        self._counted = counted
        self._values: dict[str, Any] = {}

    def count_loops(self, loops: int) -> None:
        """
        Count the most nodes that lxml may go through in loops over a large document, before it does.

        Raises:
            BudgetEndedError: they are too many.
        """
        size = len(self.index.named["*"]) if loops else 0
        if size >= FEW_NODES:
            self._run.count_nodes(size**loops)

    def value(self, name: str) -> Any:  # noqa: ANN401 - as evaluate
        """Give the value of a let, to be passed into an expression, and count what that costs."""
        value = self.known(name)
        self._run.evaluations += passing_cost(value)
        return value

    def known(self, name: str) -> Any:  # noqa: ANN401 - as evaluate
        """Give the value of a let."""
        if name not in self._values:
            let = self._lets.get(name)
            if let is None:
                if self._outer is None:
                    raise InvariantError(f"no let {name!r} is in scope")
                return self._outer.known(name)
            self._run.evaluations += name not in self._counted
            value = let.expression.evaluate(self._place, self)
            self._values[name] = (
                _elements_for(value, navigated=let.navigated) if isinstance(value, list) else value
            )
        return self._values[name]


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


class Text:
    """
    A sentence with values to fill in.

    Attributes:
        fixed: the sentence, if there are none.
    """

    __slots__ = ("_parts", "fixed")

    def __init__(self, parts: Iterable["str | Expression"]) -> None:
        self._parts = tuple(parts)
        words = [part for part in self._parts if isinstance(part, str)]
        self.fixed = collapse("".join(words)) if len(words) == len(self._parts) else None

    @property
    def expressions(self) -> tuple["Expression", ...]:
        """What is filled in."""
        return tuple(part for part in self._parts if not isinstance(part, str))

    def fill(self, place: Place, scope: Variables) -> str:
        """Give the sentence for a node; a value that fails is a question mark."""
        if self.fixed is not None:
            return self.fixed
        return collapse(
            "".join(part if isinstance(part, str) else _quote(part, place, scope) for part in self._parts)
        )


def _quote(expression: Expression, place: Place, scope: Variables) -> str:
    try:
        value = str(expression.evaluate(place, scope))
    except FAULTS:
        return "?"
    return value if len(value) <= _MAX_VALUE_CHARS else value[:_MAX_VALUE_CHARS] + "…"


def collapse(text: str) -> str:
    """Give a text with one space for each piece of white space, and none at its ends."""
    return " ".join(re.split(r"[ \t\r\n]+", text)).strip(" ")
