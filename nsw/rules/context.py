"""What a run of the rules is given, what it gives, and what all modules here share."""

import re
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date

from lxml.etree import XPathError, _Element

from nsw.codelists import CodeLists
from nsw.errors import Severity
from nsw.model import Finding

__all__ = [
    "DATES",
    "FAULTS",
    "FEW_NODES",
    "MATH",
    "NODES_PER_EVALUATION",
    "NSW_FUNCTIONS",
    "OWN",
    "OWN_FUNCTIONS",
    "RE",
    "RUN",
    "SETS",
    "BudgetEndedError",
    "RuleContext",
    "RuleEntry",
    "RuleReport",
    "Run",
]

NSW_FUNCTIONS = "urn:nsw:functions:1"
"""Namespace of the extension functions."""

RE = "http://exslt.org/regular-expressions"
SETS = "http://exslt.org/sets"
DATES = "http://exslt.org/dates-and-times"
MATH = "http://exslt.org/math"

# Our own names inside compiled expressions; rule files may not use them.
OWN = "_nsw"
OWN_FUNCTIONS = "urn:nsw:internal"

# What an expression that compiles may still throw on some document.
FAULTS = (XPathError, ArithmeticError, LookupError, TypeError, ValueError, re.error)


NODES_PER_EVALUATION = 10
"""So many nodes, gone through one by one, cost about as much as a usual evaluation."""

FEW_NODES = 50
"""Sets of fewer nodes are not counted."""


class BudgetEndedError(Exception):
    """Too much was evaluated: what is left is not judged."""


@dataclass(frozen=True, slots=True)
class RuleContext:
    """
    What one document cannot know.

    Attributes:
        lodged_on: the legal lodging date.
        law_date: the day whose law applies: lists in force on it are asked. None for the lodging date.
        max_findings: findings beyond this many are counted, not built.
        max_evaluations: asserts times context nodes, and lets, after which the rest is not judged; passing a let
            of many nodes counts as several. The rest is not judged either after going through 10 times as many nodes
            of large sets that do not lie below the context node.
    """

    lodged_on: date
    code_lists: CodeLists
    max_findings: int = 500
    max_evaluations: int = 2_000_000
    law_date: date | None = None

    @property
    def in_force_on(self) -> date:
        """The day whose code lists and tables rules are answered from."""
        return self.law_date or self.lodged_on


@dataclass(frozen=True, slots=True)
class RuleReport:
    """
    What the rules say of one document.

    Attributes:
        findings: by pattern, then node in document order, then assert; rules that could not be judged stand last.
        omitted: how many further findings the cap left out.
        evaluations: asserts and lets evaluated, the measure of the budget.
    """

    findings: tuple[Finding, ...]
    omitted: int = 0
    evaluations: int = 0


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """
    One assert or report, for the catalogue of rules.

    Attributes:
        id: code of its findings.
        text_en: sentence; ``{expression}`` stands where a value is filled in.
        text_th: the same in Thai; the English one where the file has none.
        test: XPath; *is_report* tells that it fires when true, not when false.
        line: line in the rule file.
        pattern: title of its pattern; '' without one.
    """

    id: str
    severity: Severity
    text_en: str
    text_th: str
    source: str
    context: str
    test: str
    is_report: bool
    line: int
    pattern: str = ""


@dataclass(slots=True)
class Run:
    """
    One run over one document, as functions called by lxml see it.

    Attributes:
        evaluations: asserts and lets evaluated until now.
        walked: nodes of large sets gone through until now.
        kept: value handed out of a predicate.
    """

    context: RuleContext
    evaluations: int = 0
    walked: int = 0
    kept: object = None

    def walk(self, nodes: Sequence[_Element]) -> Sequence[_Element]:
        """
        Count the nodes of a set that is gone through, where there are many of them.

        Raises:
            BudgetEndedError: they are too many.
        """
        if len(nodes) >= FEW_NODES:
            self.count_nodes(len(nodes))
        return nodes

    def count_nodes(self, number: int) -> None:
        """
        Count nodes that are gone through.

        Raises:
            BudgetEndedError: they are too many.
        """
        self.walked += number
        if self.walked > self.context.max_evaluations * NODES_PER_EVALUATION:
            raise BudgetEndedError


RUN: ContextVar[Run] = ContextVar("nsw_rules_run")
