"""
Content models of XSD: the fewest changes that would make a row of children fit.

A model becomes an automaton. The cheapest way through it, where a child may be left out or another put in at a cost,
tells which children are unexpected and which are missing: an error-correcting parse.

Source: A. V. Aho, T. G. Peterson, A minimum distance error-correcting parser for context-free languages, 1972.
"""

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xmlschema.validators import XsdAnyElement, XsdElement, XsdGroup

#: Larger bounds on occurrence are not unrolled: one element's is counted apart, a group's is taken for unbounded.
_UNROLLED = 12
_ANY = ("an element",)
_MOST_STATES = 4_000
_NEVER = 1 << 30
#: Of two readings, the one that lets more of what was sent stand is the likelier: so a missing one counts less.
_MISSING, _UNEXPECTED = 10, 11


@dataclass(frozen=True, slots=True)
class Change:
    """
    One child that is unexpected, or missing.

    Attributes:
        index: which child is unexpected; None for a missing one.
        names: local names of what is missing, of which one would do; the name of what is unexpected.
        reason: why it is unexpected: '', ``out of order``, or ``more than 3 times``.
    """

    index: int | None
    names: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A particle that takes one child; *most* where its bound is counted apart."""

    particle: XsdElement | XsdAnyElement
    names: frozenset[str]
    shown: tuple[str, ...]
    most: int | None = None

    def takes(self, tag: str) -> bool:
        if isinstance(self.particle, XsdAnyElement):
            return bool(self.particle.is_matching(tag))
        return tag in self.names


@dataclass(slots=True)
class _Automaton:
    """States from 0; *free* are moves without a child, *edges* those by one."""

    free: list[list[int]] = field(default_factory=lambda: [[]])
    edges: list[list[tuple[_Symbol, int]]] = field(default_factory=lambda: [[]])
    last: int = 0

    def new_state(self) -> int:
        if len(self.free) > _MOST_STATES:
            raise OverflowError
        self.free.append([])
        self.edges.append([])
        return len(self.free) - 1

    def symbols(self) -> list[_Symbol]:
        return [symbol for edges in self.edges for symbol, _ in edges]


def find_changes(group: XsdGroup, tags: Sequence[str], budget: int) -> tuple[list[Change] | None, int]:
    """
    Find the fewest changes that make children fit a model.

    Args:
        tags: expanded names of the children.
        budget: how many pairs of state and child may be looked at.

    Returns:
        The changes in the order of children, None where the model or the budget does not allow it; and what was spent.
    """
    if group.model == "all":
        return _compare_with_all(group, tags), len(tags)
    automaton = _Automaton()
    try:
        automaton.last = _add(automaton, group, 0)
    except OverflowError:
        return None, 0
    symbols = automaton.symbols()
    known = [index for index, tag in enumerate(tags) if any(each.takes(tag) for each in symbols)]
    spent = len(automaton.free) * (len(known) + 1)
    if spent > budget:
        return None, 0
    strangers = [Change(index, (_local(tag),)) for index, tag in enumerate(tags) if index not in set(known)]
    found = _merge_moves(list(_walk(automaton, [tags[index] for index in known])), known, tags, symbols)
    if strangers:
        # A stranger stands where a wildcard wanted some other name: that is one fault, not two.
        found = (each for each in found if each.names != _ANY)
    return sorted([*strangers, *found], key=lambda each: _NEVER if each.index is None else each.index), spent


# From particles to states.


def _add(automaton: _Automaton, particle: object, start: int) -> int:
    """Add a particle with its bounds behind a state; give the state after it."""
    if not isinstance(particle, (XsdElement, XsdAnyElement, XsdGroup)):
        raise OverflowError
    least, most = particle.min_occurs, particle.max_occurs
    state = start
    for _ in range(min(least, _UNROLLED)):
        state = _add_once(automaton, particle, state)
    if most is None or most > _UNROLLED:
        # A loop of its own: what follows must not lead back into what came before.
        entry = automaton.new_state()
        automaton.free[state].append(entry)
        automaton.free[_add_once(automaton, particle, entry)].append(entry)
        after = automaton.new_state()
        automaton.free[entry].append(after)
        return after
    ends = [state]
    for _ in range(most - min(least, most)):
        state = _add_once(automaton, particle, state)
        ends.append(state)
    after = automaton.new_state()
    for each in ends:
        automaton.free[each].append(after)
    return after


def _add_once(automaton: _Automaton, particle: XsdElement | XsdAnyElement | XsdGroup, start: int) -> int:
    if not isinstance(particle, XsdGroup):
        after = automaton.new_state()
        automaton.edges[start].append((_symbol(particle), after))
        return after
    if particle.model == "sequence":
        state = start
        for each in particle:
            state = _add(automaton, each, state)
        return state
    if particle.model != "choice":
        raise OverflowError
    after = automaton.new_state()
    for each in particle:
        # Each branch begins apart, so that none can go on where another one loops.
        entry = automaton.new_state()
        automaton.free[start].append(entry)
        automaton.free[_add(automaton, each, entry)].append(after)
    return after


def _symbol(particle: XsdElement | XsdAnyElement) -> _Symbol:
    if isinstance(particle, XsdAnyElement):
        return _Symbol(particle, frozenset(), _ANY)
    stand_ins = [] if particle.ref is None else list(particle.ref.iter_substitutes())
    members = [*([] if particle.abstract else [particle]), *(each for each in stand_ins if not each.abstract)]
    most = particle.max_occurs
    return _Symbol(
        particle,
        frozenset(str(each.name) for each in members),
        tuple(str(each.local_name) for each in members),
        most if most is not None and most > _UNROLLED else None,
    )


# The cheapest way.


def _walk(automaton: _Automaton, tags: Sequence[str]) -> Iterator[tuple[int | None, frozenset[str], Change]]:
    """Give the changes on a cheapest way: each child's index or None, the names that would do, and the change."""
    costs = _costs(automaton, tags)
    taken: Counter[_Symbol] = Counter()
    index, state = 0, 0
    while True:
        cost = costs[index][state]
        near = [each for each in _reachable(automaton, state) if costs[index][each] == cost]
        if index == len(tags) and cost == 0:
            return
        match = next(
            (
                (symbol, after)
                for each in near
                for symbol, after in automaton.edges[each]
                if index < len(tags) and symbol.takes(tags[index]) and costs[index + 1][after] == cost
            ),
            None,
        )
        if match is not None:
            symbol, state = match
            taken[symbol] += 1
            if symbol.most is not None and taken[symbol] > symbol.most:
                yield (
                    index,
                    frozenset(),
                    Change(index, (_local(tags[index]),), f"more than {_times(symbol.most)}"),
                )
            index += 1
        elif index < len(tags) and costs[index + 1][state] + _UNEXPECTED == cost:
            yield index, frozenset(), Change(index, (_local(tags[index]),))
            index += 1
        else:
            choices = [
                (symbol, after)
                for each in near
                for symbol, after in automaton.edges[each]
                if costs[index][after] + _MISSING == cost
            ]
            shown = tuple(dict.fromkeys(name for symbol, _ in choices for name in symbol.shown))
            yield None, frozenset(name for symbol, _ in choices for name in symbol.names), Change(None, shown)
            state = choices[0][1]


def _costs(automaton: _Automaton, tags: Sequence[str]) -> list[list[int]]:
    """Give for each child and state how many changes the rest needs."""
    count = len(automaton.free)
    before: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for state in range(count):
        for after in automaton.free[state]:
            before[after].append((state, 0))
        for _, after in automaton.edges[state]:
            before[after].append((state, _MISSING))
    takers: dict[str, list[tuple[int, int]]] = {}
    column = [_NEVER] * count
    column[automaton.last] = 0
    columns = [_relax(column, before)]
    for tag in reversed(tags):
        if tag not in takers:
            takers[tag] = [
                (state, after)
                for state in range(count)
                for symbol, after in automaton.edges[state]
                if symbol.takes(tag)
            ]
        following = columns[-1]
        column = [each + _UNEXPECTED for each in following]
        for state, after in takers[tag]:
            column[state] = min(column[state], following[after])
        columns.append(_relax(column, before))
    return columns[::-1]


def _relax(column: list[int], before: list[list[tuple[int, int]]]) -> list[int]:
    heap = [(cost, state) for state, cost in enumerate(column) if cost < _NEVER]
    heapq.heapify(heap)
    while heap:
        cost, state = heapq.heappop(heap)
        if cost > column[state]:
            continue
        for previous, step in before[state]:
            if cost + step < column[previous]:
                column[previous] = cost + step
                heapq.heappush(heap, (cost + step, previous))
    return column


def _reachable(automaton: _Automaton, state: int) -> list[int]:
    found = {state: None}
    waiting = [state]
    while waiting:
        for each in automaton.free[waiting.pop(0)]:
            if each not in found:
                found[each] = None
                waiting.append(each)
    return list(found)


def _merge_moves(
    changes: list[tuple[int | None, frozenset[str], Change]],
    known: Sequence[int],
    tags: Sequence[str],
    symbols: Sequence[_Symbol],
) -> Iterator[Change]:
    """Take a child that is unexpected here and missing there for one that is out of order."""
    missing = [(names, change) for index, names, change in changes if index is None]
    unexpected = {index for index, _, _ in changes if index is not None}
    kept = Counter(tags[each] for at, each in enumerate(known) if at not in unexpected)
    for index, _, change in changes:
        if index is None:
            continue
        tag = tags[known[index]]
        index = _last_of_run(index, unexpected, known, tags)  # noqa: PLW2901 - the same fault, named at its last one
        moved = next((each for each in missing if tag in each[0]), None)
        if moved is not None:
            missing.remove(moved)
        reason = change.reason or _reason(tag, kept[tag], symbols, is_moved=moved is not None)
        yield Change(known[index], change.names, reason)
    yield from (change for _, change in missing)


def _last_of_run(index: int, unexpected: set[int], known: Sequence[int], tags: Sequence[str]) -> int:
    """Of equal children side by side, take the last for the one too many."""
    last = index
    while (
        last + 1 < len(known) and tags[known[last + 1]] == tags[known[index]] and last + 1 not in unexpected
    ):
        last += 1
    unexpected.discard(index)
    unexpected.add(last)
    return last


def _reason(tag: str, kept: int, symbols: Sequence[_Symbol], *, is_moved: bool) -> str:
    if is_moved or not kept:
        return "out of order"
    particles = {id(each.particle): each.particle for each in symbols if each.takes(tag)}
    most = sum(each.max_occurs if each.max_occurs is not None else _NEVER for each in particles.values())
    return f"more than {_times(most)}" if kept >= most else ""


def _times(most: int) -> str:
    return "once" if most == 1 else f"{most} times"


def _compare_with_all(group: XsdGroup, tags: Sequence[str]) -> list[Change] | None:
    """Compare with a model in which each element may stand anywhere."""
    symbols = [_symbol(each) for each in group if isinstance(each, (XsdElement, XsdAnyElement))]
    if len(symbols) < len(group):
        return None
    found: list[Change] = []
    counts: Counter[_Symbol] = Counter()
    for index, tag in enumerate(tags):
        symbol = next((each for each in symbols if each.takes(tag)), None)
        if symbol is None:
            found.append(Change(index, (_local(tag),)))
            continue
        counts[symbol] += 1
        most = symbol.particle.max_occurs
        if most is not None and counts[symbol] > most:
            found.append(Change(index, (_local(tag),), f"more than {_times(most)}"))
    missing = (each for each in symbols if counts[each] < each.particle.min_occurs)
    least = 0 if group.min_occurs == 0 and not tags else 1
    return found + [Change(None, each.shown) for each in missing if least]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
