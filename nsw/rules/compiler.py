"""
XPath 1.0 compiled to Python: one function for an expression, and one for all checks of a rule over many nodes.

What is not compiled is refused with ``UnsupportedError``, and evaluated by lxml.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from itertools import count
from typing import Any, NamedTuple

from lxml.etree import _Element

from nsw.rules.context import NSW_FUNCTIONS, RE, SETS
from nsw.rules.functions import FUNCTIONS
from nsw.rules.index import Index
from nsw.rules.syntax import (
    Binary,
    Filter,
    FunctionCall,
    Literal,
    Negative,
    Number,
    Path,
    Step,
    Tree,
    UnsupportedError,
    Variable,
)
from nsw.rules.values import HELPERS, translation

__all__ = [
    "Compiled",
    "NodeKind",
    "Sieve",
    "Type",
    "Types",
    "compile_expression",
    "compile_gather",
    "compile_sieve",
]


class Type(StrEnum):
    """What an expression gives: elements, the texts of attributes, or one of XPath's other types."""

    NODES = "nodes"
    ATTRIBUTES = "attributes"
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"


class NodeKind(StrEnum):
    """What the context node of a rule is; lxml itself can only start from an element."""

    ELEMENT = "element"
    ATTRIBUTE = "attribute"
    DOCUMENT = "document"


Types = Mapping[str, Type]
"""Types of the lets that compiled expressions may use."""

Compiled = Callable[[Any, Mapping[str, Any], Index], Any]
"""Node, values of lets, document: value."""

Gather = Callable[[Index], Sequence[_Element]]
"""Document: elements."""

Sieve = Callable[[Sequence[_Element], Mapping[str, Any], Index], list[_Element]]
"""Elements, values of lets, document: those elements for which something is true."""

_MEMOS = {"K": "children", "T": "texts", "N": "numbers", "R": "ranks"}
"""Short names for what is read most of the index ``D``."""


def _with_memos(body: str) -> str:
    used = (f"    {name} = D.{memo}\n" for name, memo in _MEMOS.items() if re.search(rf"\b{name}\b", body))
    return "".join(used) + body


class _Code(NamedTuple):
    """
    Python source.

    Attributes:
        is_one: it gives one element, not a list.
        is_flat: no element it gives lies in another one.
    """

    text: str
    type: Type
    is_one: bool = False
    is_flat: bool = True


def compile_expression(
    tree: Tree, kind: NodeKind, types: Types, wanted: Type | None
) -> tuple[Compiled, Type]:
    """
    Compile an expression.

    Args:
        wanted: string or boolean to convert to; None for the value as it is.

    Raises:
        UnsupportedError: only lxml evaluates it.
    """
    emitter = _Emitter(kind, types)
    code = emitter.emit(tree)
    if wanted is Type.BOOLEAN:
        code = _Code(emitter.boolean(code), Type.BOOLEAN)
    elif wanted is Type.STRING:
        code = _Code(emitter.string(code), Type.STRING)
    elif code.type is Type.ATTRIBUTES:
        raise UnsupportedError("attributes as a value")
    value = code.text if code.type is not Type.NODES else f"list({emitter.many(code)})"
    body = f"{emitter.prologue('    ')}    return {value}\n"
    return emitter.build(f"def compiled(n, V, D):\n{_with_memos(body)}"), code.type


def compile_gather(trees: Sequence[Tree]) -> Gather:
    """
    Compile the alternatives of a context, which use no let, to a function that gives the elements they select.

    Raises:
        UnsupportedError: as above.
    """
    emitter = _Emitter(NodeKind.DOCUMENT, {})
    found = [emitter.many(emitter.emit(tree)) for tree in trees]
    result = found[0] if len(found) == 1 else f"unique([{', '.join('*' + each for each in found)}])"
    gather: Gather = emitter.build("def compiled(D):\n" + _with_memos(f"    return {result}\n"))
    return gather


def compile_sieve(trees: Sequence[Tree], types: Types, lets: Mapping[str, Tree]) -> Sieve:
    """
    Compile expressions to a function that gives the elements for which any of them is true.

    Args:
        lets: those of the same element that the expressions use, each after those that it uses itself.

    Raises:
        UnsupportedError: as above.
    """
    emitter = _Emitter(NodeKind.ELEMENT, types)
    values = []
    for name, tree in lets.items():
        code = emitter.emit(tree)
        value = f"few(list({emitter.many(code)}))" if code.type is Type.NODES else code.text
        values.append(f"        {emitter.name_local(name)} = {value}\n")
    tests = [emitter.truth(emitter.emit(tree)) for tree in trees]
    body = (
        f"    found = []\n    for n in nodes:\n{emitter.prologue('        ')}{''.join(values)}"
        f"        if {' or '.join(tests)}:\n            found.append(n)\n    return found\n"
    )
    sieve: Sieve = emitter.build(f"def compiled(nodes, V, D):\n{_with_memos(body)}")
    return sieve


class _Emitter:
    """
    Writes the Python of expressions that start from one node.

    Elements that are read more than once are kept in variables by ``_keep``: only what can't fail may be.
    """

    def __init__(self, kind: NodeKind, types: Types) -> None:
        self._kind = kind
        self._types = types
        self._names = count()
        self._globals: dict[str, object] = dict(HELPERS)
        self._kept: dict[str, str] = {}
        self._locals: dict[str, str] = {}
        self._node = "n"
        self._place: tuple[str, str] | None = None

    def prologue(self, indent: str) -> str:
        return "".join(f"{indent}{name} = {text}\n" for text, name in self._kept.items())

    def build(self, source: str) -> Any:  # noqa: ANN401 - the function that was written
        scope = dict(self._globals)
        try:
            exec(compile(source, "<rules>", "exec"), scope)  # noqa: S102 - written above: no name or text is unquoted
        except (SyntaxError, RecursionError, MemoryError) as error:
            raise UnsupportedError("too long an expression") from error
        return scope["compiled"]

    def name_local(self, let: str) -> str:
        """Take a variable of the function as the value of a let from now on."""
        return self._locals.setdefault(let, f"v{len(self._locals)}")

    def emit(self, tree: Tree) -> _Code:
        method = getattr(self, f"_emit_{type(tree).__name__.lower()}")
        code: _Code = method(tree)
        return code

    # --- conversions

    def many(self, code: _Code) -> str:
        """Give the source of a sequence of elements."""
        if code.type is not Type.NODES:
            raise UnsupportedError(f"a {code.type} is no node-set")
        return f"({code.text},)" if code.is_one else code.text

    def truth(self, code: _Code) -> str:
        """Give source that Python takes as true when XPath does."""
        if code.is_one:
            return f"({code.text} is not None)"
        if code.type is Type.NUMBER:
            return f"number_truth({code.text})"
        return code.text

    def boolean(self, code: _Code) -> str:
        if code.type is Type.BOOLEAN:
            return code.text
        truth = self.truth(code)
        return truth if code.is_one or code.type is Type.NUMBER else f"(not not {truth})"

    def string(self, code: _Code) -> str:
        if code.is_one:
            return self._text_of(code.text)
        match code.type:
            case Type.NODES:
                return f"first_text(T, {code.text})"
            case Type.ATTRIBUTES:
                return f"next(iter({code.text}), '')"
            case Type.NUMBER:
                return f"number_text({code.text})"
            case Type.BOOLEAN:
                return f"('true' if {code.text} else 'false')"
            case Type.STRING:
                return code.text

    def number(self, code: _Code) -> str:
        if code.type is Type.NUMBER:
            return code.text
        if code.type is Type.BOOLEAN:
            return f"float({code.text})"
        return f"N[{self.string(code)}]"

    def _value(self, code: _Code) -> str:
        """Give source of a value for a comparison: texts for a node-set."""
        if code.type is Type.NODES:
            if code.is_one:
                return f"({self._text_of(code.text)},)"
            name = self._new()
            return f"[T[{name}] for {name} in {code.text}]"
        return code.text

    def _text_of(self, node: str) -> str:
        return self._keep("T[n]") if node == "n" else f"T[{node}]"

    # --- names

    def _new(self) -> str:
        return f"x{next(self._names)}"

    def _constant(self, value: object) -> str:
        name = f"c{next(self._names)}"
        self._globals[name] = value
        return name

    def _keep(self, text: str) -> str:
        """Evaluate *text*, about the context node of the whole expression, once."""
        return self._kept.setdefault(text, f"k{len(self._kept)}")

    # --- leaves and operators

    def _emit_literal(self, tree: Literal) -> _Code:
        return _Code(repr(tree.text), Type.STRING)

    def _emit_number(self, tree: Number) -> _Code:
        value = float(tree.text)
        if not math.isfinite(value) or len(tree.text) > 15:  # noqa: PLR2004 - digits that a float keeps
            raise UnsupportedError("a long number")
        return _Code(repr(value), Type.NUMBER)

    def _emit_variable(self, tree: Variable) -> _Code:
        kind = self._types.get(tree.name)
        if kind is None:
            raise UnsupportedError(f"the type of ${tree.name} is not known")
        local = self._locals.get(tree.name)
        return _Code(local or f"V[{tree.name!r}]", kind, is_flat=False)

    def _emit_negative(self, tree: Negative) -> _Code:
        return _Code(f"(-{self.number(self.emit(tree.operand))})", Type.NUMBER)

    def _emit_binary(self, tree: Binary) -> _Code:
        left, right = self.emit(tree.left), self.emit(tree.right)
        sign = tree.operator
        if sign in ("and", "or"):
            return _Code(f"({self.boolean(left)} {sign} {self.boolean(right)})", Type.BOOLEAN)
        if sign == "|":
            return _Code(f"ordered(R, (*{self.many(left)}, *{self.many(right)}))", Type.NODES, is_flat=False)
        if sign in ("+", "-", "*"):
            return _Code(f"({self.number(left)} {sign} {self.number(right)})", Type.NUMBER)
        if sign in ("div", "mod"):
            function = "divide" if sign == "div" else "modulo"
            return _Code(f"{function}({self.number(left)}, {self.number(right)})", Type.NUMBER)
        return _Code(self._comparison(sign, left, right), Type.BOOLEAN)

    def _comparison(self, sign: str, left: _Code, right: _Code) -> str:  # noqa: PLR0911 - a table of types
        if right.type in (Type.NODES, Type.ATTRIBUTES) and left.type not in (Type.NODES, Type.ATTRIBUTES):
            mirrored = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
            return self._comparison(mirrored.get(sign, sign), right, left)
        python = "==" if sign == "=" else sign
        is_equality = sign in ("=", "!=")
        kinds = {left.type, right.type}
        one = left.is_one or left.type is Type.STRING
        if Type.BOOLEAN in kinds and (is_equality or kinds == {Type.BOOLEAN}):
            return f"({self.boolean(left)} {python} {self.boolean(right)})"
        if is_equality and right.type is Type.STRING:
            if one:
                return f"({self.string(left)} {python} {right.text})"
            if left.type is Type.NODES:
                return f"{'has_text' if sign == '=' else 'has_other_text'}(T, {left.text}, {right.text})"
        if right.type in (Type.NUMBER, Type.STRING) and (one or left.type is Type.NUMBER):
            return f"({self.number(left)} {python} {self.number(right)})"
        if sign == "=" and kinds == {Type.NODES}:
            return self._shared_text(left, right)
        return f"compare({sign!r}, N, {self._value(left)}, {self._value(right)})"

    def _shared_text(self, left: _Code, right: _Code) -> str:
        if left.is_one and right.is_one:
            return f"({self.string(left)} == {self.string(right)})"
        if right.is_one or left.text.startswith("V["):
            left, right = right, left
        if left.is_one and right.text.startswith("V["):
            return f"({self.string(left)} in D.texts_of({right.text}))"
        if left.is_one:
            return f"has_text(T, {right.text}, {self.string(left)})"
        return f"(not {{*{self._value(left)}}}.isdisjoint({self._value(right)}))"

    # --- paths

    def _emit_filter(self, tree: Filter) -> _Code:
        code = self.emit(tree.operand)
        return _Code(self._filtered(self.many(code), tree.predicates), Type.NODES, is_flat=code.is_flat)

    def _emit_path(self, tree: Path) -> _Code:
        steps = list(tree.steps)
        if tree.start is not None:
            code = self.emit(tree.start)
            self.many(code)
        elif tree.is_absolute or (self._kind is NodeKind.DOCUMENT and self._node == "n"):
            code, steps = self._from_document(steps)
        elif self._kind is NodeKind.ATTRIBUTE and self._node == "n":
            code, steps = self._from_attribute(steps)
        else:
            code = _Code(self._node, Type.NODES, is_one=True)
        while steps:
            step = steps.pop(0)
            if step == Step("descendant-or-self", "node()") and steps:
                step = self._descendant(steps.pop(0))
            code = self._emit_step(code, step)
        return code

    def _from_document(self, steps: list[Step]) -> tuple[_Code, list[Step]]:
        if steps[:1] == [Step("descendant-or-self", "node()")] and len(steps) > 1:
            step = self._descendant(steps[1])
            if step.test == "node()" or step.axis != "descendant":
                raise UnsupportedError("the document as a node")
            found = self._filtered(f"D.named[{step.test!r}]", step.predicates)
            return _Code(found, Type.NODES, is_flat=False), steps[2:]
        names = []
        while steps and steps[0].axis == "child" and "*" not in steps[0].test and steps[0].test != "node()":
            step = steps.pop(0)
            names.append(step.test)
            if step.predicates:
                # Each parent has its own first child: only tests that know no position may be applied to all.
                if len(names) > 2 and any(map(self._is_positional, step.predicates)):  # noqa: PLR2004 - the root, and below
                    names.pop()
                    steps.insert(0, step)
                    break
                text = self._filtered(_below(names), step.predicates)
                return _Code(text, Type.NODES), steps
        if not names:
            if steps and steps[0].axis == "child" and steps[0].test == "*":
                step = steps.pop(0)
                return _Code(self._filtered("(D.root,)", step.predicates), Type.NODES), steps
            raise UnsupportedError("the document as a node")
        return _Code(_below(names), Type.NODES), steps

    def _from_attribute(self, steps: list[Step]) -> tuple[_Code, list[Step]]:
        first, *rest = steps
        if first == Step("self", "node()") and not rest:
            return _Code("(n.element.get(n.attribute),)", Type.ATTRIBUTES), rest
        if first == Step("parent", "node()"):
            return _Code("n.element", Type.NODES, is_one=True), rest
        raise UnsupportedError("an attribute as a node")

    def _descendant(self, step: Step) -> Step:
        """Give the step that ``//`` and *step* are together."""
        if step.axis != "child" or step.test == "node()" or any(map(self._is_positional, step.predicates)):
            raise UnsupportedError(f"// before {step.axis}::{step.test}")
        return Step("descendant", step.test, step.predicates)

    def _emit_step(self, code: _Code, step: Step) -> _Code:
        method = getattr(self, f"_step_{step.axis.replace('-', '_')}", None)
        if method is None or code.type is not Type.NODES:
            raise UnsupportedError(f"{step.axis}::{step.test}")
        found: _Code = method(code, step)
        return found

    def _step_self(self, code: _Code, step: Step) -> _Code:
        if step.test in ("*", "node()") and not step.predicates:
            return code
        if step.test.endswith("}*"):
            raise UnsupportedError(step.test)
        name = self._new()
        elements = self.many(code)
        if step.test not in ("*", "node()"):
            elements = f"[{name} for {name} in {elements} if {name}.tag == {step.test!r}]"
        if any(map(self._is_positional, step.predicates)):
            raise UnsupportedError("a position on the axis self")
        return _Code(self._filtered(elements, step.predicates), Type.NODES, is_flat=code.is_flat)

    def _step_child(self, code: _Code, step: Step) -> _Code:
        if code.is_one:
            return _Code(self._filtered(self._children(code.text, step.test), step.predicates), Type.NODES)
        if not code.is_flat:
            return self._each(code, lambda name: self._children(name, step.test), step, is_flat=False)
        return self._each(code, lambda name: self._children(name, step.test), step, is_flat=True)

    def _children(self, parent: str, test: str) -> str:
        if test == "node()":
            raise UnsupportedError(f"child::{test}")
        if "*" in test:
            return f"list({parent}.iterchildren({test!r}))"
        return f"{self._names_below(parent)}.get({test!r}, ())"

    def _names_below(self, parent: str) -> str:
        return self._keep("K[n]") if parent == "n" else f"K[{parent}]"

    def _each(self, code: _Code, inner: Callable[[str], str], step: Step, *, is_flat: bool) -> _Code:
        """Apply a step to each of several elements."""
        outer, name = self._new(), self._new()
        found = f"[{name} for {outer} in {code.text} for {name} in {self._filtered(inner(outer), step.predicates)}]"
        return _Code(found if is_flat else f"ordered(R, {found})", Type.NODES, is_flat=is_flat)

    def _step_parent(self, code: _Code, step: Step) -> _Code:
        if step.test not in ("node()", "*") or step.predicates:
            code = self._step_parent(code, Step("parent", "node()"))
            return self._step_self(code, step)
        if code.is_one:
            return _Code(f"up({code.text})", Type.NODES, is_one=True)
        name = self._new()
        parents = f"[up({name}) for {name} in {code.text}]"
        return _Code(
            f"unique({parents})" if code.is_flat else f"ordered(R, {parents})",
            Type.NODES,
            is_flat=code.is_flat,
        )

    def _step_attribute(self, code: _Code, step: Step) -> _Code:
        if step.predicates or "*" in step.test or step.test == "node()":
            raise UnsupportedError("several attributes")
        name, value = self._new(), self._new()
        text = (
            f"[{value} for {name} in {self.many(code)} for {value} in ({name}.get({step.test!r}),)"
            f" if {value} is not None]"
        )
        return _Code(text, Type.ATTRIBUTES)

    def _step_descendant(self, code: _Code, step: Step) -> _Code:
        if step.test == "node()":
            raise UnsupportedError(f"descendant::{step.test}")
        if code.is_one:
            text = f"below({code.text}, {step.test!r})"
            return _Code(self._filtered(text, step.predicates), Type.NODES, is_flat=False)
        return self._each(code, lambda name: f"below({name}, {step.test!r})", step, is_flat=False)

    def _step_preceding_sibling(self, code: _Code, step: Step) -> _Code:
        return self._siblings(code, step, "preceding")

    def _step_following_sibling(self, code: _Code, step: Step) -> _Code:
        return self._siblings(code, step, "following")

    def _siblings(self, code: _Code, step: Step, function: str) -> _Code:
        if step.test == "node()":
            raise UnsupportedError(f"siblings {step.test}")
        if not code.is_one:
            return self._each(code, lambda name: f"{function}({name}, {step.test!r})", step, is_flat=False)
        if function == "preceding" and step.predicates == (Number("1"),):
            return _Code(f"D.nearest({code.text}, {step.test!r})", Type.NODES)
        found = self._filtered(f"{function}({code.text}, {step.test!r})", step.predicates)
        return _Code(f"{found}[::-1]" if function == "preceding" else found, Type.NODES)

    # --- predicates

    def _filtered(self, elements: str, predicates: Sequence[Tree]) -> str:
        for predicate in predicates:
            elements = self._filter(elements, predicate)
        return elements

    def _filter(self, elements: str, predicate: Tree) -> str:
        if isinstance(predicate, Number):
            wanted = float(predicate.text)
            if wanted < 1 or not wanted.is_integer():
                return "()"
            return f"{elements}[{int(wanted) - 1}:{int(wanted)}]"
        if predicate == FunctionCall("", "last", ()):
            return f"{elements}[-1:]"
        name, place, size = self._new(), self._new(), self._new()
        code = self._emit_inside(predicate, name, (place, size))
        is_number = code.type is Type.NUMBER
        test = f"{code.text} == {place}" if is_number else self.truth(code)
        if not is_number and not _asks_position(predicate):
            return f"[{name} for {name} in {elements} if {test}]"
        return f"[{name} for {size} in ({elements},) for {place}, {name} in enumerate({size}, 1) if {test}]"

    def _emit_inside(self, predicate: Tree, node: str, place: tuple[str, str]) -> _Code:
        outer = self._node, self._place
        self._node, self._place = node, place
        try:
            return self.emit(predicate)
        finally:
            self._node, self._place = outer

    def _is_positional(self, predicate: Tree) -> bool:
        """Tell whether a predicate depends on the place of a node among others."""
        code = self._emit_inside(predicate, self._new(), (self._new(), self._new()))
        return code.type is Type.NUMBER or _asks_position(predicate)

    # --- functions

    def _emit_functioncall(self, tree: FunctionCall) -> _Code:
        if tree.uri == NSW_FUNCTIONS:
            return self._own_function(tree)
        prefix = {"": "_core_", SETS: "_set_", RE: "_re_"}.get(tree.uri)
        method = getattr(self, f"{prefix}{tree.name.replace('-', '_')}", None) if prefix else None
        if method is None:
            raise UnsupportedError(f"{tree.name}() is not compiled")
        code: _Code = method(*tree.arguments)
        return code

    def _own_function(self, tree: FunctionCall) -> _Code:
        codes = [self.emit(argument) for argument in tree.arguments]
        if tree.name in ("in-list", "list-value") and codes[1].type not in (Type.NUMBER, Type.BOOLEAN):
            words = [self.string(code) for code in codes]
            words[1] = f"{words[1]}.strip(' \\t\\r\\n')"
            memo, kind = ("held", Type.BOOLEAN) if tree.name == "in-list" else ("cells", Type.STRING)
            return _Code(f"D.{memo}[{', '.join(words)}]", kind)
        kind = {"days-after-lodging": Type.NUMBER, "decimal-compare": Type.NUMBER}.get(
            tree.name, Type.BOOLEAN
        )
        if tree.name in ("lodging-date", "list-value"):
            kind = Type.STRING
        function = self._constant(FUNCTIONS[NSW_FUNCTIONS][tree.name].call)
        is_sum = tree.name == "sum-equals"
        values = [self._own_argument(code, is_sum=is_sum and not place) for place, code in enumerate(codes)]
        return _Code(f"{function}({', '.join(['None', *values])})", kind)

    def _own_argument(self, code: _Code, *, is_sum: bool) -> str:
        """Give texts for nodes: the functions read nothing else of them, and only a sum reads all."""
        if is_sum and code.type is Type.ATTRIBUTES:
            return f"list({code.text})"
        if is_sum and code.type is Type.NODES:
            name = self._new()
            return f"[T[{name}] for {name} in {self.many(code)}]"
        return self.string(code) if code.type in (Type.NODES, Type.ATTRIBUTES) else code.text

    def _call(self, name: str, kind: Type, *arguments: str) -> _Code:
        return _Code(f"{name}({', '.join(arguments)})", kind)

    def _text_argument(self, arguments: Sequence[Tree]) -> str:
        """Give the string of the only argument, or of the context node."""
        return self.string(self.emit(arguments[0] if arguments else Path((Step("self", "node()"),))))

    def _core_true(self) -> _Code:
        return _Code("True", Type.BOOLEAN)

    def _core_false(self) -> _Code:
        return _Code("False", Type.BOOLEAN)

    def _core_not(self, argument: Tree) -> _Code:
        return _Code(f"(not {self.truth(self.emit(argument))})", Type.BOOLEAN)

    def _core_boolean(self, argument: Tree) -> _Code:
        return _Code(self.boolean(self.emit(argument)), Type.BOOLEAN)

    def _core_string(self, *arguments: Tree) -> _Code:
        return _Code(self._text_argument(arguments), Type.STRING)

    def _core_number(self, *arguments: Tree) -> _Code:
        if arguments:
            return _Code(self.number(self.emit(arguments[0])), Type.NUMBER)
        return _Code(f"N[{self._text_argument(())}]", Type.NUMBER)

    def _core_string_length(self, *arguments: Tree) -> _Code:
        return _Code(f"float(len({self._text_argument(arguments)}))", Type.NUMBER)

    def _core_normalize_space(self, *arguments: Tree) -> _Code:
        return self._call("normalize", Type.STRING, self._text_argument(arguments))

    def _core_concat(self, *arguments: Tree) -> _Code:
        return _Code(f"({' + '.join(self.string(self.emit(each)) for each in arguments)})", Type.STRING)

    def _core_contains(self, text: Tree, part: Tree) -> _Code:
        whole, inner = self.string(self.emit(text)), self.string(self.emit(part))
        return _Code(f"({inner} in {whole})", Type.BOOLEAN)

    def _core_starts_with(self, text: Tree, part: Tree) -> _Code:
        return _Code(
            f"{self.string(self.emit(text))}.startswith({self.string(self.emit(part))})", Type.BOOLEAN
        )

    def _core_substring_before(self, *arguments: Tree) -> _Code:
        return self._call(
            "substring_before", Type.STRING, *(self.string(self.emit(each)) for each in arguments)
        )

    def _core_substring_after(self, *arguments: Tree) -> _Code:
        return self._call(
            "substring_after", Type.STRING, *(self.string(self.emit(each)) for each in arguments)
        )

    def _core_translate(self, *arguments: Tree) -> _Code:
        text, old, new = arguments
        if isinstance(old, Literal) and isinstance(new, Literal):
            table = self._constant(translation(old.text, new.text))
            return _Code(f"{self.string(self.emit(text))}.translate({table})", Type.STRING)
        return self._call("translate", Type.STRING, *(self.string(self.emit(each)) for each in arguments))

    def _core_substring(self, text: Tree, *numbers: Tree) -> _Code:
        return self._call(
            "substring",
            Type.STRING,
            self.string(self.emit(text)),
            *(self.number(self.emit(each)) for each in numbers),
        )

    def _core_floor(self, argument: Tree) -> _Code:
        return self._call("floor", Type.NUMBER, self.number(self.emit(argument)))

    def _core_ceiling(self, argument: Tree) -> _Code:
        return self._call("ceiling", Type.NUMBER, self.number(self.emit(argument)))

    def _core_round(self, argument: Tree) -> _Code:
        return self._call("round_half_up", Type.NUMBER, self.number(self.emit(argument)))

    def _core_count(self, argument: Tree) -> _Code:
        code = self.emit(argument)
        elements = code.text if code.type is Type.ATTRIBUTES else self.many(code)
        return _Code(f"float(len({elements}))", Type.NUMBER)

    def _core_sum(self, argument: Tree) -> _Code:
        code = self.emit(argument)
        if code.type is Type.ATTRIBUTES:
            raise UnsupportedError("a sum of attributes")
        name = self._new()
        return _Code(f"total([N[T[{name}]] for {name} in {self.many(code)}])", Type.NUMBER)

    def _core_position(self) -> _Code:
        if self._place is None:
            raise UnsupportedError("position()")
        return _Code(f"float({self._place[0]})", Type.NUMBER)

    def _core_last(self) -> _Code:
        if self._place is None:
            raise UnsupportedError("last()")
        return _Code(f"float(len({self._place[1]}))", Type.NUMBER)

    def _core_name(self, *arguments: Tree) -> _Code:
        return self._name("full_name", arguments)

    def _core_local_name(self, *arguments: Tree) -> _Code:
        return self._name("local_name", arguments)

    def _core_namespace_uri(self, *arguments: Tree) -> _Code:
        return self._name("namespace", arguments)

    def _name(self, function: str, arguments: Sequence[Tree]) -> _Code:
        code = self.emit(arguments[0] if arguments else Path((Step("self", "node()"),)))
        if code.is_one:
            return self._call(function, Type.STRING, code.text)
        name = self._new()
        return _Code(f"next(({function}({name}) for {name} in {self.many(code)}), '')", Type.STRING)

    def _set_distinct(self, argument: Tree) -> _Code:
        code = self.emit(argument)
        return _Code(f"distinct(T, {self.many(code)})", Type.NODES, is_flat=code.is_flat)

    def _set_intersection(self, left: Tree, right: Tree) -> _Code:
        return self._set("intersection", left, right)

    def _set_difference(self, left: Tree, right: Tree) -> _Code:
        return self._set("difference", left, right)

    def _set(self, function: str, left: Tree, right: Tree) -> _Code:
        code, other = self.emit(left), self.emit(right)
        text = f"{function}({self.many(code)}, {self.many(other)})"
        return _Code(text, Type.NODES, is_flat=code.is_flat)

    def _set_has_same_node(self, left: Tree, right: Tree) -> _Code:
        one, other = self.emit(left), self.emit(right)
        if one.is_one and not other.is_one:
            return _Code(f"({one.text} in {self._members(other)})", Type.BOOLEAN)
        return self._call("has_same_node", Type.BOOLEAN, self.many(one), self.many(other))

    def _members(self, code: _Code) -> str:
        return f"D.members_of({code.text})" if code.text.startswith("V[") else self.many(code)

    def _re_test(self, text: Tree, pattern: Tree, *flags: Tree) -> _Code:
        if not isinstance(pattern, Literal) or not all(isinstance(each, Literal) for each in flags):
            raise UnsupportedError("a pattern or flag that is no literal")
        code = self.emit(text)
        if code.type in (Type.NUMBER, Type.BOOLEAN):
            raise UnsupportedError("a pattern on a number")
        ignore_case = re.IGNORECASE if any("i" in getattr(each, "text", "") for each in flags) else 0
        search = self._constant(re.compile(pattern.text, re.UNICODE | ignore_case).search)
        return _Code(f"({search}({self.string(code)}) is not None)", Type.BOOLEAN)


def _below(names: Sequence[str]) -> str:
    return f"D.below[{tuple(names[:-1])!r}].get({names[-1]!r}, ())"


def _asks_position(tree: Tree) -> bool:
    match tree:
        case FunctionCall(uri, name, arguments):
            return (uri == "" and name in ("position", "last")) or any(map(_asks_position, arguments))
        case Binary(_, left, right):
            return _asks_position(left) or _asks_position(right)
        case Negative(operand) | Filter(operand, _):
            return _asks_position(operand)
        case Path(_, start, _):
            return start is not None and _asks_position(start)
        case _:
            return False
