"""
Judging again: how findings, verdicts and agencies of past declarations differ under other rules or tables.

Pure: two judgements of one declaration go in, their difference and counts come out.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from nsw.errors import Code, Severity, Verdict
from nsw.identifiers import AgencyCode
from nsw.model import Finding, Submission, finding_of
from nsw.processing import Judgement, judge_declaration
from nsw.reference import Reference

__all__ = ["Difference", "DifferenceKind", "Place", "Summary", "compare", "judge_again"]


class DifferenceKind(StrEnum):
    """What differs between two judgements; several may at once."""

    VERDICT = "verdict"
    FINDINGS = "findings"
    AGENCIES = "agencies"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A finding without its sentence: its code, how much it weighs, and where it stands ('' for no place)."""

    code: str
    severity: Severity
    path: str


@dataclass(frozen=True, slots=True)
class Difference:
    """
    How two judgements of one declaration differ.

    Attributes:
        verdicts: before and after.
        found: findings only after, sorted; *gone* only before. A finding that is there twice counts twice.
        gained: agencies only after, sorted; *lost* only before.
    """

    verdicts: tuple[Verdict, Verdict]
    found: tuple[Place, ...]
    gone: tuple[Place, ...]
    gained: tuple[AgencyCode, ...]
    lost: tuple[AgencyCode, ...]

    @property
    def kinds(self) -> tuple[DifferenceKind, ...]:
        """What differs; nothing for judgements that are alike."""
        before, after = self.verdicts
        differing = {
            DifferenceKind.VERDICT: before is not after,
            DifferenceKind.FINDINGS: bool(self.found or self.gone),
            DifferenceKind.AGENCIES: bool(self.gained or self.lost),
        }
        return tuple(kind for kind, differs in differing.items() if differs)


def judge_again(submission: Submission, reference: Reference) -> Judgement:
    """Judge a trader's submission as casework does; where our own code fails it is a dead letter there too."""
    try:
        return judge_declaration(submission, reference)
    except Exception as error:  # noqa: BLE001 - as in processing.process: whatever the bytes
        return Judgement(Verdict.DEAD_LETTER, (finding_of(Code.INTERNAL, type(error).__name__),))


def compare(before: Judgement, after: Judgement) -> Difference:
    """Compare two judgements of one declaration; sentences and lines do not count."""
    old, new = _places(before.findings), _places(after.findings)
    had, has = set(before.decision.agencies), set(after.decision.agencies)
    return Difference(
        (before.verdict, after.verdict),
        tuple(sorted((new - old).elements())),
        tuple(sorted((old - new).elements())),
        tuple(sorted(has - had)),
        tuple(sorted(had - has)),
    )


def _places(findings: Iterable[Finding]) -> Counter[Place]:
    return Counter(Place(each.code, each.severity, each.path or "") for each in findings)


@dataclass(slots=True)
class Summary:
    """
    Counts of many comparisons; its size does not grow with their number.

    Attributes:
        changed: declarations that differ in anything.
        by_type: of these, how many of each message type; '' where it is unknown.
        by_verdicts: how many went from one verdict to another.
        found: findings only after, by code; *gone* only before.
        gained: declarations only after, by agency; *lost* only before.
    """

    judged: int = 0
    changed: int = 0
    by_kind: Counter[DifferenceKind] = field(default_factory=Counter)
    by_type: Counter[str] = field(default_factory=Counter)
    by_verdicts: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    gained: Counter[AgencyCode] = field(default_factory=Counter)
    lost: Counter[AgencyCode] = field(default_factory=Counter)

    @property
    def unchanged(self) -> int:
        """Declarations that are judged alike."""
        return self.judged - self.changed

    def add(self, difference: Difference, message_type: str) -> None:
        """Count one declaration."""
        self.judged += 1
        kinds = difference.kinds
        if not kinds:
            return
        self.changed += 1
        self.by_kind.update(kinds)
        self.by_type[message_type] += 1
        if DifferenceKind.VERDICT in kinds:
            self.by_verdicts[difference.verdicts] += 1
        self.found.update(each.code for each in difference.found)
        self.gone.update(each.code for each in difference.gone)
        self.gained.update(difference.gained)
        self.lost.update(difference.lost)
