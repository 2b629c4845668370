"""Checks, rules and patterns, compiled from what was read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lxml.etree import XPathSyntaxError

from nsw.rules.context import RuleEntry
from nsw.rules.expressions import Expression, Let, NodeKind, Result, Text, collapse
from nsw.rules.patterns import Select, compile_select
from nsw.rules.xpath import Source

__all__ = ["Check", "CheckSource", "Parts", "Pattern", "Rule", "compile_rule", "show"]


@dataclass(frozen=True, slots=True)
class Check:
    """An assert or report for one kind of context node."""

    entry: RuleEntry
    fires: Expression
    text_en: Text
    text_th: Text
    source: Text


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """
    A rule for one kind of context node.

    Attributes:
        selects: the alternatives of the context that are of this kind.
        tags: names of elements without which nothing is selected; empty when there is no such condition.
        passes: true when no check fires: one evaluation for the many nodes that are in order.
    """

    kind: NodeKind
    selects: tuple[Select, ...]
    tags: frozenset[str]
    lets: Mapping[str, Let]
    checks: tuple[Check, ...]
    passes: Expression | None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rules of which the first that matches a node judges it."""

    lets: Mapping[str, Let]
    rules: tuple[Rule, ...]


Parts = tuple["str | Source", ...]


class CheckSource(NamedTuple):
    """An assert or report, read but not compiled."""

    entry: RuleEntry
    fires: Source
    text_en: Parts
    text_th: Parts
    source: Parts


def compile_rule(
    kind: NodeKind, alternatives: Iterable[Source], lets: Mapping[str, Let], checks: Sequence[CheckSource]
) -> Rule:
    """Compile a rule for the alternatives of its context that are of one kind."""
    selects = tuple(compile_select(each) for each in alternatives)
    tags = frozenset(select.tag for select in selects)
    return Rule(
        kind=kind,
        selects=selects,
        tags=frozenset() if "" in tags else tags,
        lets=lets,
        checks=tuple(_compile_check(check, kind) for check in checks),
        passes=_compile_passes([check.fires for check in checks], kind),
    )


def show(parts: Parts) -> str:
    """Give a sentence for the catalogue, with ``{expression}`` where a value is filled in."""
    return collapse("".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in parts))


def _compile_check(check: CheckSource, kind: NodeKind) -> Check:
    return Check(
        entry=check.entry,
        fires=Expression(check.fires, kind, Result.BOOLEAN),
        text_en=_compile_text(check.text_en, kind),
        text_th=_compile_text(check.text_th, kind),
        source=_compile_text(check.source, kind),
    )


def _compile_text(parts: Parts, kind: NodeKind) -> Text:
    return Text(part if isinstance(part, str) else Expression(part, kind, Result.STRING) for part in parts)


def _compile_passes(fires: Sequence[Source], kind: NodeKind) -> Expression | None:
    """Join all checks of a rule; None when there is only one, or too much for one expression."""
    if len(fires) <= 1:
        return None
    text = " and ".join(f"not({source.text})" for source in fires)
    tokens = tuple(token for source in fires for token in source.tokens)
    try:
        return Expression(Source(text, tokens, fires[0].namespaces), kind, Result.BOOLEAN)
    except XPathSyntaxError:
        return None
