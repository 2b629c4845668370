"""
XPath 1.0 compiled to Python: one function for an expression.

What is not compiled is refused with ``UnsupportedError``, and evaluated by lxml.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lxml.etree import _Element

from nsw.rules.code import Block, Code, NodeKind, Type, Types, build
from nsw.rules.emit_functions import Emitter
from nsw.rules.index import Index
from nsw.rules.syntax import Tree, UnsupportedError

__all__ = ["Compiled", "Gather", "compile_expression", "compile_gather"]

Compiled = Callable[[Any, Mapping[str, Any], Index], Any]
"""Node, values of lets, document: value."""

Gather = Callable[[Index], Sequence[_Element]]
"""Document: elements."""


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
    emitter = Emitter(kind, types)
    code = emitter.emit(tree)
    if wanted is Type.BOOLEAN or (wanted is None and code.type is Type.BOOLEAN):
        code = Code(emitter.boolean(code), Type.BOOLEAN)
    elif wanted is Type.STRING:
        code = Code(emitter.string(code), Type.STRING)
    elif code.type is Type.ATTRIBUTES:
        raise UnsupportedError("attributes as a value")
    value = code.text if code.type is not Type.NODES else f"list({emitter.many(code)})"
    return _build(emitter, f"return {value}", "n0, V, D"), code.type


def compile_gather(trees: Sequence[Tree]) -> Gather:
    """
    Compile the alternatives of a context, which use no let, to a function that gives the elements they select.

    Raises:
        UnsupportedError: as above.
    """
    emitter = Emitter(NodeKind.DOCUMENT)
    found = [emitter.many(emitter.emit(tree)) for tree in trees]
    result = found[0] if len(found) == 1 else f"unique([{', '.join('*' + each for each in found)}])"
    gather: Gather = _build(emitter, f"return {result}", "D")
    return gather


def _build(emitter: Emitter, statement: str, arguments: str) -> Any:  # noqa: ANN401 - the function that was written
    top = Block("" if emitter.kind is NodeKind.DOCUMENT else emitter.node)
    top.parts.append(statement)
    return build(f"def compiled({arguments}):\n{emitter.pieces.write(top, ' ')}", emitter.globals)
