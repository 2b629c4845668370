"""Judging a document: each node by the first rule of every pattern whose context matches it."""

from collections.abc import Iterable, Mapping

from lxml.etree import XPathError, _Element

from nsw.errors import Code
from nsw.formats.xml import build_path
from nsw.model import Finding, finding_of
from nsw.rules.compiled import Pattern, Rule
from nsw.rules.context import FAULTS, RUN, RuleContext, RuleEntry, RuleReport, Run
from nsw.rules.expressions import Let, NodeKind, Place, Variables, _LetError
from nsw.rules.findings import Firing, Firings, Unjudged
from nsw.rules.patterns import Select

__all__ = ["RuleSet"]


class RuleSet:
    """
    The rules of one rule file, compiled.

    It may be used by several threads at once; lxml then lets one at a time into each expression.

    Attributes:
        title: what the file calls itself; '' without a title.
        catalogue: every assert and report in file order.
        lists_used: code list and column (None for the list alone) that the rules ask for.
    """

    __slots__ = ("_lets", "_patterns", "catalogue", "lists_used", "title")

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


class _BudgetEndedError(Exception):
    """Too much was evaluated: what is left is not judged."""


class _Judge:
    """One run over one document."""

    def __init__(self, root: _Element, context: RuleContext) -> None:
        self.run = Run(context)
        self._root = root
        self._document = Place(root, "/")
        self._places_by_text: dict[str, list[Place]] = {}
        self._elements_by_tag: dict[str, list[_Element]] = {}
        for element in root.iter("*"):
            self._elements_by_tag.setdefault(str(element.tag), []).append(element)
        self._failing: set[Rule] = set()
        self._unjudged: dict[str, Unjudged] = {}
        self._findings: list[Finding] = []
        self._omitted = 0
        self._rank_by_element: dict[_Element, int] = {}

    def judge(self, lets: Mapping[str, Let], patterns: Iterable[Pattern]) -> RuleReport:
        """Judge by every pattern; at the end of the budget give what was found until then."""
        scope = Variables(self.run, lets, self._document)
        try:
            for pattern in patterns:
                inner = Variables(self.run, pattern.lets, self._document, scope) if pattern.lets else scope
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
        claimed: set[Place] = set()
        for number, rule in enumerate(pattern.rules):
            if rule.tags and rule.tags.isdisjoint(self._elements_by_tag):
                continue
            try:
                places = self._places_of(rule, scope)
            except FAULTS as fault:
                # Nodes of this rule must not fall to the later ones.
                ids = [check.entry.id for each in pattern.rules[number:] for check in each.checks]
                self._note(f"{', '.join(ids)} ({_reason(fault)})", self._document)
                return
            for place in places:
                if rule.checks and place not in claimed:
                    self._judge_place(rule, place, scope, firings)
            if rule is not pattern.rules[-1]:
                claimed.update(places)

    def _places_of(self, rule: Rule, scope: Variables) -> list[Place]:
        """Give the nodes that a rule's context matches, in document order within each of its alternatives."""
        if rule.kind is NodeKind.DOCUMENT:
            return [self._document]
        if len(rule.selects) == 1:
            return self._select(rule.selects[0], scope)
        return list(dict.fromkeys(place for each in rule.selects for place in self._select(each, scope)))

    def _select(self, select: Select, scope: Variables) -> list[Place]:
        if select.tag and select.tag not in self._elements_by_tag:
            return []
        places = self._places_by_text.get(select.text)
        if places is None:
            places = self._look_up(select) if select.parents is not None else self._evaluate(select, scope)
            if not select.expression.variables:
                self._places_by_text[select.text] = places
        return places

    def _look_up(self, select: Select) -> list[Place]:
        found = filter(select.matches, self._elements_by_tag[select.tag])
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
        scope = Variables(self.run, rule.lets, place, outer) if rule.lets else outer
        if self._passes(rule, place, scope):
            return
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
