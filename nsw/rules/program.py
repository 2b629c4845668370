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
    """

    run: Callable[[Index, Sequence[Known], Fire], int]
    patterns: frozenset[int]
    spots: tuple[Spot, ...]


def compile_program(patterns: Iterable[Sequence[Plan | None] | None]) -> Program:
    """Compile those of the patterns that can be; None stands for a pattern or rule that can't."""
    plans = [
        (number, [plan for plan in pattern if plan is not None])
        for number, pattern in enumerate(patterns)
        if pattern is not None and None not in pattern
    ]
    try:
        return _compile(plans)
    except UnsupportedError:
        # One of them is too long for Python.
        return _compile([each for each in plans if _is_possible(each)])


def _is_possible(plan: tuple[int, list[Plan]]) -> bool:
    try:
        _compile([plan])
    except UnsupportedError:
        return False
    return True


def _compile(plans: Iterable[tuple[int, list[Plan]]]) -> Program:
    writer = _Writer()
    done = frozenset(number for number, pattern in plans if writer.add(number, pattern))
    return Program(writer.build(), done, tuple(writer.spots))


class _Writer:
    """Writes patterns into loops, which they share where their contexts begin alike."""

    def __init__(self) -> None:
        self.spots: list[Spot] = []
        self._emitter = Emitter()
        self._emitter.globals |= {"ask": _ask, "passing_cost": passing_cost}
        self._top = Block()
        self._blocks: dict[tuple[Block, str, str], Block] = {}

    def build(self) -> Callable[[Index, Sequence[Known], Fire], int]:
        body = self._emitter.pieces.write(self._top, " ")
        function: Callable[[Index, Sequence[Known], Fire], int] = build(
            f"def compiled(D, L, fire):\n e = 0\n{body} return e\n", self._emitter.globals
        )
        return function

    def add(self, number: int, pattern: Sequence[Plan]) -> bool:
        """Write a pattern; tell whether it could be."""
        before = len(self.spots)
        self._emitter.outer_let = f"L[{number}]"
        try:
            written = [part for place, plan in enumerate(pattern) for part in self._rule(plan, number, place)]
        except (UnsupportedError, RecursionError):
            del self.spots[before:]
            return False
        for block, cost, statements in written:
            block.cost += cost
            block.parts.extend(statements)
        return True

    def _rule(self, plan: Plan, number: int, place: int) -> Iterator[tuple[Block, int, list[str]]]:
        """Write a rule for each alternative of its context."""
        first = len(self.spots)
        self.spots.extend(Spot(number, place, rank) for rank in range(len(plan.fires)))
        self._emitter.types = plan.types
        for tree, uses in plan.contexts:
            if not isinstance(tree, Path):
                raise UnsupportedError("a context that is no path")
            if uses:
                names = ", ".join(map(repr, (tree.steps[-1].test, *uses)))
                yield self._top, 0, [f"e += ask(D, L[{number}], {names})"]
            if not plan.fires:
                continue
            self._emitter.lets = {}
            block = self._block_of(tree.steps, f"D.present[{tree.steps[-1].test!r}]" if uses else "")
            yield block, len(plan.fires) + len(plan.lets), self._statements(plan, block.node, first)

    def _statements(self, plan: Plan, node: str, first: int) -> list[str]:
        """Write what is done for a node."""
        emitter = self._emitter
        emitter.node, emitter.lets = node, {}
        statements: list[str] = []
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
        if "*" in name or name == "node()":
            raise UnsupportedError("a context without a name")
        if "L[" not in self._emitter.pieces.expand(code.text):
            when = ""
        found = self._blocks.get((outer, code.text, when))
        if found is None:
            found = Block(f"n{len(self._blocks) + 1}", code.text, outer, when)
            self._blocks[outer, code.text, when] = found
            outer.parts.append(found)
            self._emitter.tags[found.node] = name
        return found


def _ask(index: Index, known: Known, tag: str, *names: str) -> int:
    """Evaluate the lets of a context, if there is any element of its name; give what that costs."""
    return sum(passing_cost(known(name)) for name in names) if index.present[tag] else 0
