"""Checks, rules and patterns, compiled from what was read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lxml.etree import XPathSyntaxError

from nsw.errors import Layer
from nsw.model import Finding
from nsw.rules.code import NodeKind, Types
from nsw.rules.compiler import Gather, compile_gather
from nsw.rules.context import RuleEntry
from nsw.rules.expressions import Expression, Let, Result, Text, collapse
from nsw.rules.patterns import Select, compile_select
from nsw.rules.program import Plan
from nsw.rules.syntax import UnsupportedError, parse
from nsw.rules.xpath import Source

__all__ = [
    "Check",
    "CheckSource",
    "Parts",
    "Pattern",
    "Rule",
    "RuleLets",
    "compile_pattern",
    "compile_rule",
    "show",
]


@dataclass(frozen=True, slots=True)
class Check:
    """
    An assert or report for one kind of context node.

    Attributes:
        fixed_texts: its sentences, if no value is filled into them.
    """

    entry: RuleEntry
    fires: Expression
    text_en: Text
    text_th: Text
    source: Text
    fixed_texts: tuple[str, str, str] | None

    def finding(self, path: str, line: int | None, text_en: str, text_th: str, source: str) -> Finding:
        """Say that it fires."""
        return Finding(self.entry.id, self.entry.severity, Layer.RULE, path, line, text_en, text_th, source)

    def expressions(self) -> Iterator[Expression]:
        """Give the test and all values of its sentences."""
        yield self.fires
        for text in (self.text_en, self.text_th, self.source):
            yield from text.expressions


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """
    A rule for one kind of context node.

    Attributes:
        selects: the alternatives of the context that are of this kind.
        passes: true when no check fires: one evaluation for the many nodes that are in order.
        routes: names above its elements, and their own, where contexts are just chains of names from the root.
        gather: gives the elements of all alternatives at once; None where they are selected one by one.
        plan: for the program that judges by all rules at once; None for one that can't be in it.
        lets_used: names of its own lets that the checks use.
    """

    kind: NodeKind
    selects: tuple[Select, ...]
    lets: Mapping[str, Let]
    checks: tuple[Check, ...]
    passes: Expression | None
    routes: tuple[tuple[tuple[str, ...], str], ...]
    gather: Gather | None
    plan: Plan | None
    lets_used: frozenset[str]

    def expressions(self) -> Iterator[Expression]:
        """Give its contexts, its lets and those of its checks."""
        yield from (select.expression for select in self.selects if select.parents is None)
        yield from (let.expression for let in self.lets.values())
        for check in self.checks:
            yield from check.expressions()


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    Rules of which the first that matches a node judges it.

    Attributes:
        is_disjoint: no two of them can match the same node.
    """

    lets: Mapping[str, Let]
    rules: tuple[Rule, ...]
    is_disjoint: bool

    def expressions(self) -> Iterator[Expression]:
        """Give its lets and those of its rules."""
        yield from (let.expression for let in self.lets.values())
        for rule in self.rules:
            yield from rule.expressions()


Parts = tuple["str | Source", ...]


class RuleLets(NamedTuple):
    """
    The lets of a rule for one kind of context node.

    Attributes:
        types: of all lets in scope, as far as they are known.
    """

    sources: Mapping[str, Source]
    compiled: Mapping[str, Let]
    types: Types

    def used_by(self, sources: Iterable[Source]) -> dict[str, Source]:
        """Give the lets of this rule that expressions use, and those that these use, in the order of the file."""
        names = {name for source in sources for name in source.variables}
        for name in reversed(tuple(self.sources)):
            if name in names:
                names.update(self.sources[name].variables)
        return {name: source for name, source in self.sources.items() if name in names}


class CheckSource(NamedTuple):
    """An assert or report, read but not compiled."""

    entry: RuleEntry
    fires: Source
    text_en: Parts
    text_th: Parts
    source: Parts


def compile_rule(
    kind: NodeKind, alternatives: Sequence[Source], lets: RuleLets, checks: Sequence[CheckSource]
) -> Rule:
    """Compile a rule for the alternatives of its context that are of one kind."""
    fires = [check.fires for check in checks]
    used = lets.used_by(fires)
    is_element = kind is NodeKind.ELEMENT
    selects = tuple(compile_select(each, lets.types) for each in alternatives)
    paths = [select.path for select in selects]
    return Rule(
        kind=kind,
        selects=selects,
        lets=lets.compiled,
        checks=tuple(_compile_check(check, kind, lets.types) for check in checks),
        passes=_compile_passes(fires, kind, lets.types),
        routes=tuple(dict.fromkeys((path[:-1], path[-1]) for path in paths if path))
        if is_element and all(paths)
        else (),
        gather=_compile_gather(alternatives) if is_element else None,
        plan=_plan(alternatives, fires, used, lets.types) if is_element else None,
        lets_used=frozenset(used),
    )


def compile_pattern(lets: Mapping[str, Let], rules: Sequence[Rule]) -> Pattern:
    """Join the rules of a pattern."""
    is_element = all(rule.kind is NodeKind.ELEMENT for rule in rules)
    selects = [select for rule in rules for select in rule.selects]
    is_disjoint = is_element and _are_disjoint(selects)
    return Pattern(lets, tuple(rules), is_disjoint)


def _are_disjoint(selects: Iterable[Select]) -> bool:
    """Tell whether no element can be selected by two of them."""
    by_tag: dict[str, list[Select]] = {}
    for select in selects:
        by_tag.setdefault(select.tag, []).append(select)
    if "" in by_tag:
        return len(by_tag) == len(by_tag[""]) == 1
    return all(
        len(alike) == 1
        or (all(each.chain for each in alike) and len({each.chain for each in alike}) == len(alike))
        for alike in by_tag.values()
    )


def show(parts: Parts) -> str:
    """Give a sentence for the catalogue, with ``{expression}`` where a value is filled in."""
    return collapse("".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in parts))


def _compile_check(check: CheckSource, kind: NodeKind, types: Types) -> Check:
    text_en, text_th, source = (
        _compile_text(each, kind, types) for each in (check.text_en, check.text_th, check.source)
    )
    fixed = None
    if text_en.fixed is not None and text_th.fixed is not None and source.fixed is not None:
        fixed = (text_en.fixed, text_th.fixed, source.fixed)
    return Check(
        entry=check.entry,
        fires=Expression(check.fires, kind, Result.BOOLEAN, types),
        text_en=text_en,
        text_th=text_th,
        source=source,
        fixed_texts=fixed,
    )


def _compile_text(parts: Parts, kind: NodeKind, types: Types) -> Text:
    return Text(
        part if isinstance(part, str) else Expression(part, kind, Result.STRING, types) for part in parts
    )


def _compile_passes(fires: Sequence[Source], kind: NodeKind, types: Types) -> Expression | None:
    """Join all checks of a rule; None when there is only one, or too much for one expression."""
    if len(fires) <= 1:
        return None
    text = " and ".join(f"not({source.text})" for source in fires)
    tokens = tuple(token for source in fires for token in source.tokens)
    try:
        return Expression(Source(text, tokens, fires[0].namespaces), kind, Result.BOOLEAN, types)
    except XPathSyntaxError:
        return None


def _compile_gather(alternatives: Sequence[Source]) -> Gather | None:
    if any(source.variables for source in alternatives):
        return None
    try:
        return compile_gather([parse(source.text, source.namespaces) for source in alternatives])
    except (UnsupportedError, RecursionError):
        return None


def _plan(
    alternatives: Sequence[Source], fires: Sequence[Source], lets: Mapping[str, Source], types: Types
) -> Plan | None:
    uses = {name for source in (*fires, *lets.values()) for name in source.variables} - lets.keys()
    try:
        return Plan(
            contexts=tuple((parse(each.text, each.namespaces), each.variables) for each in alternatives),
            lets={name: parse(source.text, source.namespaces) for name, source in lets.items()},
            uses=tuple(sorted(uses)),
            types=types,
            fires=tuple(parse(source.text, source.namespaces) for source in fires),
        )
    except (UnsupportedError, RecursionError):
        return None
