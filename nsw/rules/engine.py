"""Judging a document: each node by the first rule of every pattern whose context matches it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from lxml.etree import XPathError, _Element

from nsw.errors import Code
from nsw.formats.xml import build_path
from nsw.model import Finding, finding_of
from nsw.rules.code import NodeKind
from nsw.rules.compiled import Pattern, Rule
from nsw.rules.context import FAULTS, RUN, BudgetEndedError, RuleContext, RuleEntry, RuleReport, Run
from nsw.rules.expressions import Let, Place, Variables, _LetError
from nsw.rules.findings import Firing, Firings, Unjudged
from nsw.rules.index import Index
from nsw.rules.patterns import Select
from nsw.rules.program import PatternPlan, Program, Spot, compile_program
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
    """

    __slots__ = ("_lets", "_patterns", "_program", "catalogue", "lists_used", "title")

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
        self._program = compile_program(list(_plans(self._patterns)))

    @property
    def fallbacks(self) -> Mapping[str, str]:
        """The expressions that are not compiled to Python, with the reason: lxml evaluates them, more slowly."""
        expressions = [let.expression for let in self._lets.values()]
        expressions += [each for pattern in self._patterns for each in pattern.expressions()]
        return {each.text: each.refused for each in expressions if each.refused}

    def check(self, root: _Element, context: RuleContext) -> RuleReport:
        """
        Judge a document.

        A rule that fails on it gives NSW-3001 once and the others go on; so does the end of the budget.

        Args:
            root: the root of its tree; the tree must not change meanwhile.
        """
        run = Run(context)
        token = RUN.set(run)
        try:
            return _Judge(root, run, self._lets, self._patterns).judge(self._program)
        except (BudgetEndedError, UnsupportedError, *FAULTS):
            run.evaluations = run.walked = 0
            return _Judge(root, run, self._lets, self._patterns).judge_each()
        finally:
            RUN.reset(token)


Node = _Element | Place


def _plans(patterns: Iterable[Pattern]) -> Iterator[PatternPlan]:
    """Give the patterns all of whose rules have plans."""
    for number, pattern in enumerate(patterns):
        plans = [rule.plan for rule in pattern.rules if rule.plan is not None]
        if len(plans) == len(pattern.rules):
            yield PatternPlan(number, plans, pattern.is_disjoint)


# So many elements are put in order without looking at the whole document.
_FEW = 50


class _Judge:
    """One run over one document."""

    def __init__(
        self, root: _Element, run: Run, lets: Mapping[str, Let], patterns: Sequence[Pattern]
    ) -> None:
        self._run = run
        self._root = root
        self._lets = lets
        self._index = Index(root, run)
        self._patterns = patterns
        self._places_by_text: dict[str, list[Place]] = {}
        self._failing: set[Rule] = set()
        self._unjudged: dict[str, Unjudged] = {}
        self._findings: list[Finding] = []
        self._omitted = 0

    @cached_property
    def _document(self) -> Place:
        return Place(self._root, "/")

    @cached_property
    def _scopes(self) -> Sequence[Variables]:
        """Lets as each pattern sees them."""
        scope = Variables(self._run, self._index, self._lets, self._document)
        return [
            Variables(self._run, self._index, pattern.lets, self._document, scope) if pattern.lets else scope
            for pattern in self._patterns
        ]

    def judge(self, program: Program) -> RuleReport:
        """
        Judge by the program, and by the patterns that are not in it.

        Raises:
            BudgetEndedError: the budget ended.
            UnsupportedError, one of FAULTS: something in the program failed.
        """
        run = self._run
        fired: list[tuple[int, _Element]] = []
        lets = [scope.known for scope in self._scopes] if program.uses_lets else ()
        # Lets count for themselves meanwhile.
        evaluations = program.run(self._index, lets, fired.append)
        run.evaluations += evaluations
        by_pattern: dict[int, list[tuple[Spot, _Element]]] = {}
        for number, element in fired:
            spot = program.spots[number]
            by_pattern.setdefault(spot.pattern, []).append((spot, element))
        left = len(self._patterns) != len(program.patterns)
        for number in range(len(self._patterns)) if left else sorted(by_pattern):
            if number not in program.patterns:
                self._judge_pattern(self._patterns[number], self._scopes[number])
            elif number in by_pattern:
                self._take(number, by_pattern[number])
        if run.evaluations > run.context.max_evaluations:
            raise BudgetEndedError
        return self._report()

    def judge_each(self) -> RuleReport:
        """Judge by one rule after the other; at the end of the budget give what was found until then."""
        try:
            for pattern, scope in zip(self._patterns, self._scopes, strict=True):
                self._judge_pattern(pattern, scope)
        except BudgetEndedError:
            limit = self._run.context.max_evaluations
            self._note(f"the rules ended after {limit} evaluations; the rest was not judged", self._document)
        return self._report()

    def _report(self) -> RuleReport:
        unjudged = (
            finding_of(
                Code.RULE_NOT_JUDGED,
                what if each.count == 1 else f"{what}, at {each.count} places",
                path=build_path(each.place.element),
                line=each.place.element.sourceline,
            )
            for what, each in self._unjudged.items()
        )
        return RuleReport((*self._findings, *unjudged), self._omitted, self._run.evaluations)

    def _take(self, number: int, fired: list[tuple[Spot, _Element]]) -> None:
        """Make findings of what the program found by a pattern."""
        index = self._index
        first = fired[0][1]
        if any(element is not first for _, element in fired):
            order = index.order if len(fired) < _FEW else index.ranks.__getitem__
            fired.sort(key=lambda each: (order(each[1]), each[0].rank))
        room = self._run.context.max_findings - len(self._findings)
        pattern = self._patterns[number]
        for spot, element in fired[:room]:
            rule = pattern.rules[spot.rule]
            check = rule.checks[spot.rank]
            texts = check.fixed_texts
            if texts is not None:
                finding = check.finding(index.path_of(element), element.sourceline, *texts)
            else:
                inner = self._scope_at(rule, Place(element), self._scopes[number], rule.lets_used)
                finding = Firing(spot.rank, check, Place(element), inner).build()
            self._findings.append(finding)
        self._omitted += max(len(fired) - room, 0)

    def _note(self, what: str, place: Place) -> None:
        self._unjudged.setdefault(what, Unjudged(place)).count += 1

    def _judge_pattern(self, pattern: Pattern, scope: Variables) -> None:
        firings = Firings(self._run.context.max_findings - len(self._findings), self._order)
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
        for node in nodes:
            self._judge_place(rule, node if isinstance(node, Place) else Place(node), scope, firings)

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
        if self._run.evaluations >= self._run.context.max_evaluations:
            raise BudgetEndedError
        self._run.evaluations += len(rule.checks)
        scope = self._scope_at(rule, place, outer)
        if not self._passes(rule, place, scope):
            self._judge_checks(rule, place, scope, firings)

    def _scope_at(
        self, rule: Rule, place: Place, outer: Variables, counted: Collection[str] = ()
    ) -> Variables:
        return Variables(self._run, self._index, rule.lets, place, outer, counted) if rule.lets else outer

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
        attributes = place.element.keys().index(place.attribute) + 1 if place.attribute else 0
        return (self._index.ranks[place.element], attributes)


def _reason(fault: Exception) -> str:
    """Tell a fault without any text of the document: of code lists and libxml2 only fixed words are told."""
    is_told = isinstance(fault, (XPathError, KeyError, _LetError))
    return f"{type(fault).__name__}: {fault}" if is_told else type(fault).__name__
