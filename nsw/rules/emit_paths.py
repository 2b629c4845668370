"""Paths and predicates, to Python."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from nsw.rules.code import EMPTY, FALSE, TRUE, Code, NodeKind, Type, quote
from nsw.rules.emitter import BaseEmitter
from nsw.rules.syntax import (
    Binary,
    Filter,
    FunctionCall,
    Negative,
    Number,
    Path,
    Step,
    Tree,
    UnsupportedError,
)

__all__ = ["EVERYWHERE", "PathEmitter"]

EVERYWHERE = Step("descendant-or-self", "node()")
_ANY = ("*", "node()")


class PathEmitter(BaseEmitter):
    """Adds paths, filters and predicates."""

    def _emit_filter(self, tree: Filter) -> Code:
        code = self.emit(tree.operand)
        self.many(code)
        return self._filtered(code, tree.predicates)

    def _emit_path(self, tree: Path) -> Code:
        steps = list(tree.steps)
        if tree.start is not None:
            code = self._seen_from_here(self.emit(tree.start))
            self.many(code)
        elif tree.is_absolute or (self.kind is NodeKind.DOCUMENT and self.node == "n0"):
            code, steps = self._from_document(steps)
        elif self.kind is NodeKind.ATTRIBUTE and self.node == "n0":
            code, steps = self._from_attribute(steps)
        else:
            code = self.here
        while steps:
            step = steps.pop(0)
            if step == EVERYWHERE and steps:
                step = self.descendant(steps.pop(0))
            code = self._share(self._emit_step(code, step))
        return code

    @property
    def here(self) -> Code:
        """The context node."""
        return Code(self.node, Type.NODES, is_one=True, base=self.node if self.node[0] in "nx" else "")

    def _from_document(self, steps: list[Step]) -> tuple[Code, list[Step]]:
        if steps[:1] == [EVERYWHERE] and len(steps) > 1:
            return self.everywhere(self.descendant(steps[1])), steps[2:]
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
                return self._filtered(self._below(names), step.predicates), steps
        if len(names) == 1:
            return self._of_document(f"D.top({quote(names[0])})"), steps
        if names:
            return self._below(names), steps
        if steps and steps[0].axis == "child" and steps[0].test == "*":
            step = steps.pop(0)
            return self._filtered(self._of_document("(D.root,)"), step.predicates), steps
        raise UnsupportedError("the document as a node")

    def everywhere(self, step: Step) -> Code:
        """Give all elements of the document that a step on the axis descendant finds."""
        if step.test == "node()" or step.axis != "descendant":
            raise UnsupportedError("the document as a node")
        found = self._of_document(f"D.named[{quote(step.test)}]")
        return self._filtered(replace(found, is_flat=False), step.predicates)

    def _below(self, names: Sequence[str]) -> Code:
        above = f"({''.join(f'{quote(name)}, ' for name in names[:-1])})"
        return self._of_document(f"D.below[{above}].get({quote(names[-1])}, ())")

    def _of_document(self, text: str) -> Code:
        return self._seen_from_here(Code(self.pieces.share(text), Type.NODES, base="d"))

    def _from_attribute(self, steps: list[Step]) -> tuple[Code, list[Step]]:
        first, *rest = steps
        if first == Step("self", "node()") and not rest:
            return Code("(n0.element.get(n0.attribute),)", Type.ATTRIBUTES), rest
        if first == Step("parent", "node()"):
            return Code("n0.element", Type.NODES, is_one=True), rest
        raise UnsupportedError("an attribute as a node")

    def descendant(self, step: Step) -> Step:
        """Give the step that ``//`` and *step* are together."""
        if step.axis != "child" or step.test == "node()" or any(map(self._is_positional, step.predicates)):
            raise UnsupportedError(f"// before {step.axis}::{step.test}")
        return Step("descendant", step.test, step.predicates)

    def _emit_step(self, code: Code, step: Step) -> Code:
        method = getattr(self, f"_step_{step.axis.replace('-', '_')}", None)
        if method is None or code.type is not Type.NODES:
            raise UnsupportedError(f"{step.axis}::{step.test}")
        if code.text == EMPTY.text:
            return EMPTY if step.axis != "attribute" else Code("()", Type.ATTRIBUTES)
        found: Code = method(code, step)
        return found

    def _step_self(self, code: Code, step: Step) -> Code:
        if step.test not in _ANY:
            code = self._named(code, step.test)
        if step.predicates and any(map(self._is_positional, step.predicates)):
            raise UnsupportedError("a position on the axis self")
        return self._filtered(code, step.predicates)

    def _named(self, code: Code, test: str) -> Code:
        """Keep the elements of a name."""
        if "*" in test:
            raise UnsupportedError(test)
        if code.is_one and code.text in self.tags:
            return code if self.tags[code.text] == test else EMPTY
        (name,) = self.pieces.new(1)
        text = f"[{name} for {name} in {self.walked(code)} if {name}.tag == {quote(test)}]"
        return Code(text, Type.NODES, is_flat=code.is_flat, base=code.base)

    def _step_child(self, code: Code, step: Step) -> Code:
        if code.is_one:
            found = Code(self.children(code.text, step.test), Type.NODES, base=code.base)
            return self._filtered(found, step.predicates, code.text)
        is_named = "*" not in step.test and step.test != "node()"
        if code.is_flat and is_named and not any(map(self._is_positional, step.predicates)):
            text = self.pieces.share(self._grandchildren(code, quote(step.test)))
            return self._filtered(replace(code, text=text, is_let=False), step.predicates)
        return self._each(code, lambda name: self.children(name, step.test), step, is_flat=code.is_flat)

    def _grandchildren(self, code: Code, name: str) -> str:
        """Give the source of the children of a name below each of several elements; mostly there is one at most."""
        nodes, call = code.text, f"below_each(K, {self.walked(code)}, {name})"
        if not self.pieces.is_shared(nodes):
            return call
        only = self.pieces.share(f"(K[{nodes}[0]] if len({nodes}) == 1 else None if {nodes} else EMPTY)")
        return f"({only}.get({name}, ()) if {only} is not None else {call})"

    def children(self, parent: str, test: str) -> str:
        """Give the source of the children of a name."""
        if test == "node()":
            raise UnsupportedError(f"child::{test}")
        if "*" in test:
            return self.pieces.share(f"list({parent}.iterchildren({quote(test)}))")
        names = self.pieces.share(f"K[{parent}]")
        return self.pieces.share(f"{names}.get({quote(test)}, ())")

    def _each(self, code: Code, inner: Callable[[str], str], step: Step, *, is_flat: bool) -> Code:
        """Apply a step to each of several elements."""
        outer, name = self.pieces.new(2)
        self.pieces.bind(outer)
        found = Code(inner(outer), Type.NODES, base=outer if step.axis == "child" else "")
        found = self._filtered(found, step.predicates, outer if step.axis == "child" else None)
        self.pieces.release(outer)
        text = f"[{name} for {outer} in {self.walked(code)} for {name} in {self.walked(found)}]"
        text = text if is_flat else f"ordered(D, {text})"
        return Code(text, Type.NODES, is_flat=is_flat, base=code.base if step.axis == "child" else "")

    def _step_parent(self, code: Code, step: Step) -> Code:
        if step.test not in _ANY or step.predicates:
            code = self._step_parent(code, Step("parent", "*" if step.test != "node()" else "node()"))
            return code if code.text == EMPTY.text else self._step_self(code, step)
        if code.is_one and code.text in self.parents:
            above = self.parents[code.text]
            if above is not None:
                return Code(above, Type.NODES, is_one=True)
            if step.test == "*":
                return EMPTY
            raise UnsupportedError("the document as a node")
        if code.is_one:
            return Code(self.pieces.share(f"up({code.text})"), Type.NODES, is_one=True)
        (name,) = self.pieces.new(1)
        parents = f"[up({name}) for {name} in {self.walked(code)}]"
        text = f"unique({parents})" if code.is_flat else f"ordered(D, {parents})"
        return Code(text, Type.NODES, is_flat=code.is_flat)

    def _step_attribute(self, code: Code, step: Step) -> Code:
        if step.predicates or "*" in step.test or step.test == "node()":
            raise UnsupportedError("several attributes")
        name, value = self.pieces.new(2)
        text = (
            f"[{value} for {name} in {self.walked(code)} for {value} in ({name}.get({quote(step.test)}),)"
            f" if {value} is not None]"
        )
        return Code(text, Type.ATTRIBUTES)

    def _step_descendant(self, code: Code, step: Step) -> Code:
        if step.test == "node()":
            raise UnsupportedError(f"descendant::{step.test}")
        if code.is_one:
            found = self.pieces.share(f"below({code.text}, {quote(step.test)})")
            return self._filtered(Code(found, Type.NODES, is_flat=False), step.predicates)
        return self._each(code, lambda name: f"below({name}, {quote(step.test)})", step, is_flat=False)

    def _step_preceding_sibling(self, code: Code, step: Step) -> Code:
        return self._siblings(code, step, "preceding")

    def _step_following_sibling(self, code: Code, step: Step) -> Code:
        return self._siblings(code, step, "following")

    def _siblings(self, code: Code, step: Step, function: str) -> Code:
        if step.test == "node()":
            raise UnsupportedError(f"siblings {step.test}")
        if not code.is_one:
            return self._each(
                code, lambda name: f"{function}({name}, {quote(step.test)})", step, is_flat=False
            )
        if function == "preceding" and step.predicates == (Number("1"),):
            return Code(f"D.nearest({code.text}, {quote(step.test)})", Type.NODES)
        siblings = Code(self.pieces.share(f"{function}({code.text}, {quote(step.test)})"), Type.NODES)
        found = self._filtered(siblings, step.predicates)
        return replace(found, text=f"{found.text}[::-1]") if function == "preceding" else found

    # --- predicates

    def _filtered(self, code: Code, predicates: Sequence[Tree], parent: str | None = None) -> Code:
        """Keep the elements for which all predicates hold; *parent* is the variable of their parent."""
        for predicate in predicates:
            code = self._share(self._filter(code, predicate, parent))
        return code

    def _filter(self, code: Code, predicate: Tree, parent: str | None) -> Code:
        if isinstance(predicate, Number):
            wanted = float(predicate.text)
            if wanted < 1 or not wanted.is_integer():
                return EMPTY
            text = f"{self.many(code)}[{int(wanted) - 1}:{int(wanted)}]"
            return replace(code, text=text, is_one=False, is_let=False)
        if predicate == FunctionCall("", "last", ()):
            return replace(code, text=f"{self.many(code)}[-1:]", is_one=False, is_let=False)
        if code.is_one and not self._is_positional(predicate):
            return self._if_holds(code, predicate)
        name, place, size = self.pieces.new(3)
        if parent is not None:
            self.parents[name] = parent
        inside = self._emit_inside(predicate, name, (place, size))
        self.parents.pop(name, None)
        is_number = inside.type is Type.NUMBER
        test = f"{inside.text} == {place}" if is_number else self._test_inside(inside, name, place, size)
        if not is_number and not _asks_position(predicate):
            if test in (TRUE, FALSE):
                return code if test == TRUE else EMPTY
            text = f"[{name} for {name} in {self.walked(code)} if {test}]"
            if self.pieces.is_shared(code.text):
                text = f"({text} if {code.text} else ())"
        else:
            elements = self.walked(code)
            text = (
                f"[{name} for {size} in ({elements},) for {place}, {name} in enumerate({size}, 1) if {test}]"
            )
        return replace(code, text=text, is_one=False, is_let=False)

    def _test_inside(self, code: Code, *variables: str) -> str:
        self.pieces.bind(*variables)
        try:
            return self.truth(code)
        finally:
            self.pieces.release(*variables)

    def _if_holds(self, code: Code, predicate: Tree) -> Code:
        """Keep one element if a predicate holds for it."""
        outer, self.node = self.node, code.text
        try:
            test = self.truth(self.emit(predicate))
        finally:
            self.node = outer
        if test in (TRUE, FALSE):
            return code if test == TRUE else EMPTY
        return replace(code, text=f"(({code.text},) if {test} else ())", is_one=False)

    def _emit_inside(self, predicate: Tree, node: str, place: Sequence[str]) -> Code:
        outer = self.node, self._place
        self.node, self._place = node, place
        self.pieces.bind(node, *place)
        try:
            return self.emit(predicate)
        finally:
            self.pieces.release(node, *place)
            self.node, self._place = outer

    def _is_positional(self, predicate: Tree) -> bool:
        """Tell whether a predicate depends on the place of a node among others."""
        node, *place = self.pieces.new(3)
        code = self._emit_inside(predicate, node, place)
        return code.type is Type.NUMBER or _asks_position(predicate)


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
