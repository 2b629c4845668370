"""Judging a document: each node by the first rule of every pattern whose context matches it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml.etree import XPathError, _Element

from nsw.errors import Code
from nsw.formats.xml import build_path
from nsw.model import Finding, finding_of
from nsw.rules.compiled import Pattern, Rule
from nsw.rules.compiler import NodeKind
from nsw.rules.context import FAULTS, RUN, RuleContext, RuleEntry, RuleReport, Run
from nsw.rules.expressions import Let, Place, Variables, _LetError, passing_cost
from nsw.rules.findings import Firing, Firings, Unjudged
from nsw.rules.index import Index
from nsw.rules.patterns import Select
from nsw.rules.syntax import UnsupportedError

__all__ = ["RuleSet"]


class RuleSet:
    """
    The rules of one rule file, compiled.

    It may be used by several threads at once; lxml then lets one at a time into each expression.

    Attributes:
        title: what the file calls itself; '' without a title.
        catalogue: every assert and report in file order.
        lists_used: code list and column (None for the list alone) that the rules ask for.
        fallbacks: expressions that are not compiled to Python, with the reason: lxml evaluates them, more slowly.
    """

    __slots__ = ("_lets", "_patterns", "catalogue", "fallbacks", "lists_used", "title")

    def __init__(
        self,
        title: str,
        catalogue: Iterable[RuleEntry],
        lists_used: Iterable[tuple[str, str | None]],
        lets: Mapping[str, Let],
        patterns: Iterable[Pattern],
    ) -> None:
        self.title = title
        self.catalogue = tuple(catalogue)
        self.lists_used = frozenset(lists_used)
        self._lets = lets
        self._patterns = tuple(patterns)
        expressions = [let.expression for let in lets.values()]
        expressions += [each for pattern in self._patterns for each in pattern.expressions()]
        self.fallbacks: Mapping[str, str] = {each.text: each.refused for each in expressions if each.refused}

    def check(self, root: _Element, context: RuleContext) -> RuleReport:
        """
        Judge a document.

        A rule that fails on it gives NSW-3001 once and the others go on; so does the end of the budget.

        Args:
            root: the root of its tree; the tree must not change meanwhile.
        """
        judge = _Judge(root, context)
        token = RUN.set(judge.run)
        try:
            return judge.judge(self._lets, self._patterns)
        finally:
            RUN.reset(token)


Node = _Element | Place

_NO_VALUES: Mapping[str, object] = {}


class _BudgetEndedError(Exception):
    """Too much was evaluated: what is left is not judged."""


class _Judge:
    """One run over one document."""

    def __init__(self, root: _Element, context: RuleContext) -> None:
        self.run = Run(context)
        self._root = root
        self._document = Place(root, "/")
        self._places_by_text: dict[str, list[Place]] = {}
        self._index = Index(root)
        self._failing: set[Rule] = set()
        self._unjudged: dict[str, Unjudged] = {}
        self._findings: list[Finding] = []
        self._omitted = 0
        self._rank_by_element: dict[_Element, int] = {}

    def judge(self, lets: Mapping[str, Let], patterns: Iterable[Pattern]) -> RuleReport:
        """Judge by every pattern; at the end of the budget give what was found until then."""
        scope = Variables(self.run, self._index, lets, self._document)
        try:
            for pattern in patterns:
                inner = (
                    Variables(self.run, self._index, pattern.lets, self._document, scope)
                    if pattern.lets
                    else scope
                )
                self._judge_pattern(pattern, inner)
        except _BudgetEndedError:
            limit = self.run.context.max_evaluations
            self._note(f"the rules ended after {limit} evaluations; the rest was not judged", self._document)
        unjudged = (
            finding_of(
                Code.RULE_NOT_JUDGED,
                what if each.count == 1 else f"{what}, at {each.count} places",
                path=build_path(each.place.element),
                line=each.place.element.sourceline,
            )
            for what, each in self._unjudged.items()
        )
        return RuleReport((*self._findings, *unjudged), self._omitted, self.run.evaluations)

    def _note(self, what: str, place: Place) -> None:
        self._unjudged.setdefault(what, Unjudged(place)).count += 1

    def _judge_pattern(self, pattern: Pattern, scope: Variables) -> None:
        firings = Firings(self.run.context.max_findings - len(self._findings), self._order)
        try:
            self._collect(pattern, scope, firings)
        finally:
            if firings.count:
                first = firings.first()
                self._findings.extend(firing.build() for firing in first)
                self._omitted += firings.count - len(first)

    def _collect(self, pattern: Pattern, scope: Variables, firings: Firings) -> None:
        """Judge each node by the first rule whose context matches it, and by that one only."""
        claimed: set[Node] = set()
        for number, rule in enumerate(pattern.rules):
            try:
                nodes = self._nodes_of(rule, scope)
            except FAULTS as fault:
                # Nodes of this rule must not fall to the later ones.
                ids = [check.entry.id for each in pattern.rules[number:] for check in each.checks]
                self._note(f"{', '.join(ids)} ({_reason(fault)})", self._document)
                return
            if not nodes:
                continue
            if rule.checks:
                left = [node for node in nodes if node not in claimed] if claimed else nodes
                if left:
                    self._judge_nodes(rule, left, scope, firings)
            if not pattern.is_disjoint and rule is not pattern.rules[-1]:
                claimed.update(nodes)

    def _nodes_of(self, rule: Rule, scope: Variables) -> Sequence[Node]:
        """Give the nodes that a rule's context matches: elements as they are, others as places."""
        if rule.routes:
            below = self._index.below
            if len(rule.routes) == 1:
                above, name = rule.routes[0]
                return below[above].get(name, ())
            return [node for above, name in rule.routes for node in below[above].get(name, ())]
        if rule.gather is not None:
            try:
                return rule.gather(self._index)
            except (UnsupportedError, *FAULTS):
                pass
        places = self._places_of(rule, scope)
        return [place.element for place in places] if rule.kind is NodeKind.ELEMENT else places

    def _judge_nodes(self, rule: Rule, nodes: Sequence[Node], scope: Variables, firings: Firings) -> None:
        found = self._sift(rule, nodes, scope)
        if found is not None:
            for element in found:
                place = Place(element)
                self._judge_checks(rule, place, self._scope_at(rule, place, scope), firings)
            return
        for node in nodes:
            self._judge_place(rule, node if isinstance(node, Place) else Place(node), scope, firings)

    def _sift(self, rule: Rule, nodes: Sequence[Any], scope: Variables) -> list[_Element] | None:
        """Give the elements on which a check fires; None where they must be judged one by one."""
        if rule.sieve is None:
            return None
        run = self.run
        cost = (len(rule.checks) + rule.let_count) * len(nodes) + len(rule.uses)
        if run.evaluations + cost > run.context.max_evaluations:
            return None
        values, passing = _NO_VALUES, 0
        try:
            if rule.uses:
                values = {name: scope.known(name) for name in rule.uses}
                passing = sum(map(passing_cost, values.values()))
                if run.evaluations + cost + passing * len(nodes) > run.context.max_evaluations:
                    return None
            found = rule.sieve(nodes, values, self._index)
        except (UnsupportedError, *FAULTS):
            return None
        passed = len(nodes) - len(found)
        run.evaluations += len(rule.checks) * len(nodes) + rule.let_count * passed
        # Several checks are judged together first, and each by itself where that fails.
        run.evaluations += passing * (passed if rule.passes is None else len(nodes))
        return found

    def _places_of(self, rule: Rule, scope: Variables) -> list[Place]:
        """Give the nodes that a rule's context matches, in document order within each of its alternatives."""
        if rule.kind is NodeKind.DOCUMENT:
            return [self._document]
        if len(rule.selects) == 1:
            return self._select(rule.selects[0], scope)
        return list(dict.fromkeys(place for each in rule.selects for place in self._select(each, scope)))

    def _select(self, select: Select, scope: Variables) -> list[Place]:
        places = self._places_by_text.get(select.text)
        if places is None:
            if select.parents is not None:
                places = self._look_up(select)
            else:
                is_possible = not select.tag or self._index.present[select.tag]
                places = self._evaluate(select, scope) if is_possible else []
            if not select.expression.variables:
                self._places_by_text[select.text] = places
        return places

    def _look_up(self, select: Select) -> list[Place]:
        path = select.path
        found: Iterable[_Element] = (
            self._index.below[path[:-1]].get(path[-1], ())
            if path
            else filter(select.matches, self._index.named[select.tag])
        )
        name = select.attribute
        return [Place(element, name) for element in found if not name or name in element.attrib]

    def _evaluate(self, select: Select, scope: Variables) -> list[Place]:
        nodes = select.expression.evaluate(Place(self._root), scope)
        return [
            Place(node) if isinstance(node, _Element) else Place(node.getparent(), node.attrname)
            for node in nodes
        ]

    def _judge_place(self, rule: Rule, place: Place, outer: Variables, firings: Firings) -> None:
        if self.run.evaluations >= self.run.context.max_evaluations:
            raise _BudgetEndedError
        self.run.evaluations += len(rule.checks)
        scope = self._scope_at(rule, place, outer)
        if not self._passes(rule, place, scope):
            self._judge_checks(rule, place, scope, firings)

    def _scope_at(self, rule: Rule, place: Place, outer: Variables) -> Variables:
        return Variables(self.run, self._index, rule.lets, place, outer) if rule.lets else outer

    def _judge_checks(self, rule: Rule, place: Place, scope: Variables, firings: Firings) -> None:
        for rank, check in enumerate(rule.checks):
            try:
                fires = check.fires.evaluate(place, scope)
            except FAULTS as fault:
                self._note(f"{check.entry.id} ({_reason(fault)})", place)
                continue
            if fires:
                firings.add(Firing(rank, check, place, scope))

    def _passes(self, rule: Rule, place: Place, scope: Variables) -> bool:
        if rule.passes is None or rule in self._failing:
            return False
        try:
            return bool(rule.passes.evaluate(place, scope))
        except FAULTS:
            self._failing.add(rule)
            return False

    def _order(self, place: Place) -> tuple[int, int]:
        """Give a node's place in the document: the document, then elements, each followed by its attributes."""
        if place.attribute == "/":
            return (-1, 0)
        if not self._rank_by_element:
            self._rank_by_element = {element: rank for rank, element in enumerate(self._root.iter())}
        attributes = place.element.keys().index(place.attribute) + 1 if place.attribute else 0
        return (self._rank_by_element[place.element], attributes)


def _reason(fault: Exception) -> str:
    """Tell a fault without any text of the document: of code lists and libxml2 only fixed words are told."""
    is_told = isinstance(fault, (XPathError, KeyError, _LetError))
    return f"{type(fault).__name__}: {fault}" if is_told else type(fault).__name__
