"""
The rules of a file as one Python function: nested loops over the elements that contexts name, each path read once.

It says which checks fire on which elements. What it can't say of a document, because something there fails or costs too
much, is left to the judging of rule after rule.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from lxml.etree import _Element

from nsw.rules.code import FALSE, TRUE, Block, Code, NodeKind, Type, Types, build
from nsw.rules.emit_functions import Emitter
from nsw.rules.emit_paths import EVERYWHERE
from nsw.rules.index import Index
from nsw.rules.syntax import Path, Step, Tree, UnsupportedError, Variable
from nsw.rules.values import passing_cost

# Calls of functions that need a parent, the order of nodes, a list, or are our own; and lets of outer scopes.
_MAY_FAIL = re.compile(r"\b(?:up|ordered|c[0-9]+)\(|\bD\.(?:held|cells)|\bL\[")

__all__ = ["Plan", "Program", "Spot", "compile_program"]


class Plan(NamedTuple):
    """
    A rule for elements, read into trees.

    Attributes:
        contexts: what selects its nodes from the document, with the lets that each uses.
        lets: those of the rule that its checks use, each after those that it uses itself.
        uses: lets of outer scopes that its checks use; *types* of these.
        fires: when each check fires.
    """

    contexts: tuple[tuple[Tree, tuple[str, ...]], ...]
    lets: Mapping[str, Tree]
    uses: tuple[str, ...]
    types: Types
    fires: tuple[Tree, ...]


class Spot(NamedTuple):
    """A check by its place: pattern, rule in it, check in that."""

    pattern: int
    rule: int
    rank: int


Known = Callable[[str], Any]
"""Gives the value of a let of the file or of a pattern."""

Fire = Callable[[tuple[int, _Element]], object]
"""Takes the number of a spot and the element on which its check fires."""


class Program(NamedTuple):
    """
    Patterns as one function.

    Attributes:
        run: document, lets as each pattern sees them, and what takes the firings: number of evaluations.
        patterns: numbers of the patterns that it judges.
        spots: the checks that may fire.
        uses_lets: lets are asked for.
    """

    run: Callable[[Index, Sequence[Known], Fire], int]
    patterns: frozenset[int]
    spots: tuple[Spot, ...]
    uses_lets: bool


class PatternPlan(NamedTuple):
    """
    A pattern to compile.

    Attributes:
        is_disjoint: no element is selected by two of its contexts.
    """

    number: int
    rules: Sequence[Plan]
    is_disjoint: bool


def compile_program(plans: Sequence[PatternPlan]) -> Program:
    """Compile those of the patterns that can be."""
    try:
        return _compile(plans)
    except UnsupportedError:
        # One of them is too long for Python.
        return _compile([each for each in plans if _is_possible(each)])


def _is_possible(plan: PatternPlan) -> bool:
    try:
        _compile([plan])
    except UnsupportedError:
        return False
    return True


def _compile(plans: Iterable[PatternPlan]) -> Program:
    writer = _Writer()
    done = frozenset(plan.number for plan in plans if writer.add(plan))
    run, uses_lets = writer.build()
    return Program(run, done, tuple(writer.spots), uses_lets)


class _Writer:
    """Writes patterns into loops, which they share where their contexts begin alike."""

    def __init__(self) -> None:
        self.spots: list[Spot] = []
        self._emitter = Emitter()
        self._emitter.globals |= {"ask": _ask, "passing_cost": passing_cost}
        self._top = Block()
        self._blocks: dict[tuple[Block, str, str, int], Block] = {}
        self._family = 0

    def build(self) -> tuple[Callable[[Index, Sequence[Known], Fire], int], bool]:
        """Give the function, and whether it asks for lets."""
        body = self._emitter.pieces.write(self._top, " ")
        function: Callable[[Index, Sequence[Known], Fire], int] = build(
            f"def compiled(D, L, fire):\n e = 0\n{body} return e\n", self._emitter.globals
        )
        return function, "L[" in body

    def add(self, pattern: PatternPlan) -> bool:
        """Write a pattern; tell whether it could be."""
        before, number = len(self.spots), pattern.number
        self._emitter.outer_let = f"L[{number}]"
        try:
            written = [
                part for place, plan in enumerate(pattern.rules) for part in self._rule(plan, pattern, place)
            ]
        except (UnsupportedError, RecursionError):
            del self.spots[before:]
            return False
        if not pattern.is_disjoint:
            self._top.parts.append(f"q{number} = set()")
        for block, statements in written:
            block.parts.extend(statements)
        return True

    def _rule(self, plan: Plan, pattern: PatternPlan, place: int) -> Iterator[tuple[Block, list[str]]]:
        """
        Write a rule for each alternative of its context.

        Where contexts overlap, each has loops of its own, one after the other, and the first takes the element.
        """
        first = len(self.spots)
        self.spots.extend(Spot(pattern.number, place, rank) for rank in range(len(plan.fires)))
        self._emitter.types = plan.types
        for tree, uses in plan.contexts:
            if not isinstance(tree, Path):
                raise UnsupportedError("a context that is no path")
            tag = "" if "*" in tree.steps[-1].test else tree.steps[-1].test
            if uses:
                names = ", ".join(map(repr, (tag, *uses)))
                yield self._top, [f"e += ask(D, L[{pattern.number}], {names})"]
            if not plan.fires and pattern.is_disjoint:
                continue
            self._emitter.lets = {}
            self._family = 0 if pattern.is_disjoint else len(self._blocks) + 1
            block = self._block_of(tree.steps, f"D.present[{tag!r}]" if uses and tag else "")
            statements = self._statements(plan, block.node, first)
            if not pattern.is_disjoint:
                taken = f"q{pattern.number}"
                statements[:0] = [f"if {block.node} in {taken}: continue", f"{taken}.add({block.node})"]
            yield block, statements

    def _statements(self, plan: Plan, node: str, first: int) -> list[str]:
        """Write what is done for a node."""
        emitter = self._emitter
        emitter.node, emitter.lets = node, {}
        cost = len(plan.fires) + len(plan.lets)
        statements = [f"e += {cost}"] if cost else []
        for name in plan.uses:
            statements.extend(self._counted(emitter.emit(Variable(name))))
        for name, tree in plan.lets.items():
            code = emitter.emit(tree)
            emitter.lets[name] = code
            statements.extend(self._counted(code))
        for number, tree in enumerate(plan.fires, first):
            truth = emitter.truth(emitter.emit(tree))
            if truth != FALSE:
                when = "" if truth == TRUE else f"if {truth}: "
                statements.append(f"{when}fire(({number}, {node}))")
        return statements

    def _counted(self, code: Code) -> Iterator[str]:
        """Evaluate a let before the checks that use it, if it may be costly, or fail: then none of them is judged."""
        if code.type is Type.NODES and not code.is_one:
            yield f"e += passing_cost({code.text})"
        elif _MAY_FAIL.search(self._emitter.pieces.expand(code.text)):
            yield code.text

    def _block_of(self, steps: Sequence[Step], when: str) -> Block:
        """
        Give the loop over the elements that the steps of a context lead to from the document.

        Args:
            when: condition for evaluating what in them uses a let.
        """
        emitter = self._emitter
        emitter.node, emitter.kind = "n0", NodeKind.DOCUMENT
        if steps[:1] == (EVERYWHERE,):
            block = self._loop(
                self._top, emitter.everywhere(emitter.descendant(steps[1])), steps[1].test, when
            )
            left = steps[2:]
        else:
            block = self._loop(
                self._top, emitter.emit(Path(tuple(steps[:1]), is_absolute=True)), steps[0].test, when
            )
            emitter.parents[block.node] = None
            left = steps[1:]
        emitter.kind = NodeKind.ELEMENT
        for step in left:
            if step.axis != "child":
                raise UnsupportedError(f"a context with {step.axis}::")
            emitter.node = block.node
            code = emitter.emit(Path((step,)))
            above, block = block, self._loop(block, code, step.test, when)
            emitter.parents[block.node] = above.node
        return block

    def _loop(self, outer: Block, code: Code, name: str, when: str) -> Block:
        if name == "node()":
            raise UnsupportedError("a context without a name")
        if "L[" not in self._emitter.pieces.expand(code.text):
            when = ""
        key = (outer, code.text, when, self._family)
        found = self._blocks.get(key)
        if found is None:
            found = self._blocks[key] = Block(f"n{len(self._blocks) + 1}", code.text, outer, when)
            outer.parts.append(found)
            if "*" not in name:
                self._emitter.tags[found.node] = name
        return found


def _ask(index: Index, known: Known, tag: str, *names: str) -> int:
    """Evaluate the lets of a context, if there is any element of its name; give what that costs."""
    return sum(passing_cost(known(name)) for name in names) if not tag or index.present[tag] else 0
