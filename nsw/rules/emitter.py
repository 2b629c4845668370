"""From the tree of an expression to Python: leaves, operators, and the conversions between XPath's types."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from nsw.rules.code import EMPTY, FALSE, TRUE, Code, NodeKind, Pieces, Type, Types, quote
from nsw.rules.syntax import Binary, FunctionCall, Literal, Negative, Number, Tree, UnsupportedError, Variable
from nsw.rules.values import HELPERS

__all__ = ["BaseEmitter"]

_LONGEST_NUMBER = 15
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
_SETS = (Type.NODES, Type.ATTRIBUTES)


class BaseEmitter:
    """
    Writes the Python of expressions.

    Attributes:
        node: variable of the context node.
        kind: what the context node of the whole expression is.
        types: of the lets around.
        lets: source of the lets of the context node itself.
        globals: what the source refers to by name.
        parents: variable of the parent of a node, None for the root; *tags* names of nodes. Both where they are known
            before any document is.
    """

    def __init__(self, kind: NodeKind = NodeKind.ELEMENT, types: Types | None = None) -> None:
        self.kind = kind
        self.types: Types = types or {}
        self.node = "n0"
        self.lets: dict[str, Code] = {}
        self.outer_let = "V"
        self.pieces = Pieces()
        self.globals: dict[str, object] = dict(HELPERS)
        self.parents: dict[str, str | None] = {}
        self.tags: dict[str, str] = {}
        self._constants: dict[object, str] = {}
        self._place: Sequence[str] | None = None

    def emit(self, tree: Tree) -> Code:
        """Give the source of a tree."""
        method = getattr(self, f"_emit_{type(tree).__name__.lower()}")
        code: Code = method(tree)
        return code if isinstance(tree, Literal | Number) else self._share(code)

    # --- conversions

    def many(self, code: Code) -> str:
        """Give the source of a sequence of elements."""
        if code.type is not Type.NODES:
            raise UnsupportedError(f"a {code.type} is no node-set")
        return f"({code.text},)" if code.is_one else code.text

    def truth(self, code: Code) -> str:
        """Give source that Python takes as true when XPath does."""
        if code.is_one:
            return TRUE
        if code.text == EMPTY.text:
            return FALSE
        if code.type is Type.NUMBER:
            return self.pieces.share(f"number_truth({code.text})")
        return code.text

    def boolean(self, code: Code) -> str:
        """Give source of True or False."""
        truth = self.truth(code)
        if (
            truth in (TRUE, FALSE)
            or code.type is Type.NUMBER
            or (code.type is Type.BOOLEAN and code.is_strict)
        ):
            return truth
        return f"(not not {truth})"

    def string(self, code: Code) -> str:
        """Give source of a string."""
        if code.type is Type.STRING or code.text == EMPTY.text:
            return code.text if code.type is Type.STRING else "''"
        frames = {
            Type.NODES: "T[{0}]" if code.is_one else "(T[{0}[0]] if {0} else '')",
            Type.ATTRIBUTES: "next(iter({0}), '')",
            Type.NUMBER: "number_text({0})",
            Type.BOOLEAN: "('true' if {0} else 'false')",
        }
        return self.pieces.share(frames[code.type].format(code.text))

    def number(self, code: Code) -> str:
        """Give source of a float."""
        if code.type is Type.NUMBER:
            return code.text
        if code.type is Type.BOOLEAN:
            return f"float({self.boolean(code)})"
        return self.pieces.share(f"N[{self.string(code)}]")

    def whole(self, code: Code) -> str:
        """Give source of the same number as an int; '' where there is none."""
        return self.boolean(code) if code.type is Type.BOOLEAN else code.whole

    def walked(self, code: Code) -> str:
        """Give the source of elements that are gone through one by one, and counted where they may be too many."""
        if code.is_one or code.text == EMPTY.text or code.base.startswith("x"):
            return self.many(code)
        return f"W_{code.base}({code.text})" if code.base else f"W({code.text})"

    def _seen_from_here(self, code: Code) -> Code:
        """Give nodes that are not below the context node: inside a predicate they are gone through many times."""
        return replace(code, base="") if self.node.startswith("x") else code

    def _value(self, code: Code) -> str:
        """Give source of a value for a comparison: texts for a node-set."""
        if code.type is Type.NODES:
            if code.is_one:
                return f"({self.string(code)},)"
            (name,) = self.pieces.new(1)
            return f"[T[{name}] for {name} in {self.walked(code)}]"
        return self.boolean(code) if code.type is Type.BOOLEAN else code.text

    # --- names

    def _share(self, code: Code) -> Code:
        return replace(code, text=self.pieces.share(code.text))

    def _constant(self, key: object, make: Callable[[], object]) -> str:
        """Give the name of a value: the same for the same key, so that equal calls are equal source."""
        name = self._constants.setdefault(key, f"c{len(self._constants)}")
        if name not in self.globals:
            self.globals[name] = make()
        return name

    # --- leaves and operators

    def _emit_literal(self, tree: Literal) -> Code:
        return Code(quote(tree.text), Type.STRING)

    def _emit_number(self, tree: Number) -> Code:
        value = float(tree.text)
        if not math.isfinite(value) or len(tree.text) > _LONGEST_NUMBER:
            raise UnsupportedError("a long number")
        return Code(repr(value), Type.NUMBER, whole=str(int(value)) if value.is_integer() else "")

    def _emit_variable(self, tree: Variable) -> Code:
        own = self.lets.get(tree.name)
        if own is not None:
            return self._seen_from_here(own)
        kind = self.types.get(tree.name)
        if kind is None:
            raise UnsupportedError(f"the type of ${tree.name} is not known")
        frame = "{}[{}]" if self.outer_let == "V" else "{}({})"
        return Code(frame.format(self.outer_let, quote(tree.name)), kind, is_flat=False, is_let=True)

    def _emit_negative(self, tree: Negative) -> Code:
        return Code(f"(-{self.number(self.emit(tree.operand))})", Type.NUMBER)

    def _emit_binary(self, tree: Binary) -> Code:
        sign = tree.operator
        if sign in ("and", "or"):
            return self._joined(tree)
        searched = _searched(tree)
        if searched:
            # Whether other characters are there: nothing needs to be built for that.
            text_tree, characters = searched
            rest = f"{self.string(self.emit(text_tree))}.strip({quote(characters)})"
            return Code(f"({'not' if sign == '=' else 'not not'} {rest})", Type.BOOLEAN)
        left, right = self.emit(tree.left), self.emit(tree.right)
        if sign == "|":
            text = f"ordered(D, (*{self.many(left)}, *{self.many(right)}))"
            return Code(text, Type.NODES, is_flat=False, base=left.base if left.base == right.base else "")
        if sign in ("+", "-", "*"):
            wholes = [self.whole(left), self.whole(right)]
            whole = f"({f' {sign} '.join(wholes)})" if sign != "*" and all(wholes) else ""
            return Code(f"({self.number(left)} {sign} {self.number(right)})", Type.NUMBER, whole=whole)
        if sign in ("div", "mod"):
            function = "divide" if sign == "div" else "modulo"
            return Code(f"{function}({self.number(left)}, {self.number(right)})", Type.NUMBER)
        return Code(self._comparison(sign, left, right), Type.BOOLEAN)

    def _joined(self, tree: Binary) -> Code:
        """Join operands by and, or, without those that are known beforehand."""
        operands: list[Tree] = []
        left: Tree = tree
        while isinstance(left, Binary) and left.operator == tree.operator:
            operands.append(left.right)
            left = left.left
        ends, neutral = (FALSE, TRUE) if tree.operator == "and" else (TRUE, FALSE)
        texts, is_strict = [], True
        for code in self._operands((left, *reversed(operands)), tree.operator):
            text = self.truth(code)
            if text != neutral:
                texts.append(text)
                is_strict = is_strict and code.type in (Type.BOOLEAN, Type.NUMBER) and code.is_strict
            if text == ends:
                break
        if texts[:1] == [ends] or not texts:
            return Code(ends if texts else neutral, Type.BOOLEAN)
        if len(texts) == 1:
            return Code(texts[0], Type.BOOLEAN, is_strict=is_strict)
        return Code(f"({f' {tree.operator} '.join(texts)})", Type.BOOLEAN, is_strict=is_strict)

    def _operands(self, trees: Iterable[Tree], operator: str) -> Iterator[Code]:
        """Give operands; one for several that compare the same text with literals, as in ``. = 'a' or . = 'b'``."""
        for compared, group in groupby(trees, _compared_text if operator == "or" else lambda _: None):
            alternatives = list(group)
            code = self.emit(compared) if compared and len(alternatives) > 1 else None
            if code is not None and (code.is_one or code.type is Type.STRING):
                literals = ", ".join(
                    quote(each.right.text)
                    for each in alternatives
                    if isinstance(each, Binary) and isinstance(each.right, Literal)
                )
                yield self._share(Code(f"({self.string(code)} in {{{literals}}})", Type.BOOLEAN))
            else:
                yield from map(self.emit, alternatives)

    def _comparison(self, sign: str, left: Code, right: Code) -> str:  # noqa: PLR0911 - a table of types
        if right.type in _SETS and left.type not in _SETS:
            return self._comparison(_MIRRORED.get(sign, sign), right, left)
        python = "==" if sign == "=" else sign
        is_equality = sign in ("=", "!=")
        kinds = {left.type, right.type}
        if Type.BOOLEAN in kinds and (is_equality or kinds == {Type.BOOLEAN}):
            return f"({self.boolean(left)} {python} {self.boolean(right)})"
        if is_equality and right.type is Type.STRING and left.type is not Type.NUMBER:
            return self._compared_with_text(sign, left, right)
        one = left.is_one or left.type is Type.STRING
        if right.type in (Type.NUMBER, Type.STRING) and (one or left.type is Type.NUMBER):
            if left.whole and right.whole:
                return f"({left.whole} {python} {right.whole})"
            return f"({self.number(left)} {python} {self.number(right)})"
        if sign == "=" and kinds == {Type.NODES}:
            return self._shared_text(left, right)
        return f"compare({sign!r}, N, {self._value(left)}, {self._value(right)})"

    def _compared_with_text(self, sign: str, left: Code, right: Code) -> str:
        if left.is_one or left.type is Type.STRING:
            return f"({self.string(left)} {'==' if sign == '=' else sign} {right.text})"
        if left.type is Type.NODES:
            return f"{'has_text' if sign == '=' else 'has_other_text'}(T, {self.walked(left)}, {right.text})"
        return f"compare({sign!r}, N, {self._value(left)}, {self._value(right)})"

    def _shared_text(self, left: Code, right: Code) -> str:
        if left.is_one and right.is_one:
            return f"({self.string(left)} == {self.string(right)})"
        if right.is_one or left.is_let:
            left, right = right, left
        if left.is_one and right.is_let:
            return f"({self.string(left)} in D.texts_of({right.text}))"
        if left.is_one:
            return f"has_text(T, {self.walked(right)}, {self.string(left)})"
        return f"(not {{*{self._value(left)}}}.isdisjoint({self._value(right)}))"


def _compared_text(tree: Tree) -> Tree | None:
    """Give what is compared for equality with a literal."""
    return (
        tree.left
        if isinstance(tree, Binary) and tree.operator == "=" and isinstance(tree.right, Literal)
        else None
    )


def _searched(tree: Binary) -> tuple[Tree, str] | None:
    """Give the text and the characters of ``translate(text, 'characters', '') = ''``."""
    match tree:
        case Binary(
            "=" | "!=", FunctionCall("", "translate", (text, Literal(old), Literal(""))), Literal("")
        ):
            return text, old
        case _:
            return None
