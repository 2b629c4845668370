"""Counts what happened in a run; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from nsw.demo.comparison import Difference
from nsw.demo.facts import Happenings
from nsw.errors import Verdict


@dataclass(frozen=True, slots=True)
class TraderCounts:
    """What one trader lodged and got back; *responses* are those of agencies."""

    party: str
    published: int
    accepted: int
    rejected: int
    dead_lettered: int
    responses: int


@dataclass(frozen=True, slots=True)
class AgencyCounts:
    """What one agency got, and how often it answered."""

    agency: str
    deliveries: int
    responses: int


@dataclass(frozen=True, slots=True)
class Summary:
    """
    All counts of what was seen.

    Attributes:
        agencies: those that got something.
        rejected_by_code: rejections in which a finding code stands.
    """

    traders: tuple[TraderCounts, ...]
    agencies: tuple[AgencyCounts, ...]
    rejected_by_code: Mapping[str, int]
    dead_lettered_by_code: Mapping[str, int]
    events: int

    @property
    def published(self) -> int:
        """Records that stand in inboxes."""
        return sum(each.published for each in self.traders)

    @property
    def accepted(self) -> int:
        """Acknowledgements."""
        return sum(each.accepted for each in self.traders)

    @property
    def rejected(self) -> int:
        """Rejections of what could be understood."""
        return sum(each.rejected for each in self.traders)

    @property
    def dead_lettered(self) -> int:
        """Dead letters."""
        return sum(each.dead_lettered for each in self.traders)

    @property
    def deliveries(self) -> int:
        """Records in agencies' inboxes."""
        return sum(each.deliveries for each in self.agencies)

    @property
    def responses(self) -> int:
        """Agencies' answers in traders' outboxes."""
        return sum(each.responses for each in self.traders)


@dataclass(frozen=True, slots=True)
class Report:
    """
    The result of a run.

    Attributes:
        seconds: from the first record lodged to the last one seen.
        worker_restarts: how often the supervisor started the worker again.
        interrupted: whether it was ended before all could be there.
    """

    summary: Summary
    differences: Sequence[Difference]
    seconds: float
    worker_restarts: int = 0
    interrupted: bool = False

    @property
    def is_as_expected(self) -> bool:
        """Whether all is there and nothing differs."""
        return not self.differences and not self.interrupted

    def to_json(self) -> dict[str, object]:
        """Give it for machines."""
        summary = self.summary
        return {
            "traders": len(summary.traders),
            "agencies": len(summary.agencies),
            "published": summary.published,
            "accepted": summary.accepted,
            "rejected": summary.rejected,
            "rejected_by_code": dict(summary.rejected_by_code),
            "dead_lettered": summary.dead_lettered,
            "dead_lettered_by_code": dict(summary.dead_lettered_by_code),
            "deliveries": summary.deliveries,
            "deliveries_by_agency": {each.agency: each.deliveries for each in summary.agencies},
            "responses": summary.responses,
            "events": summary.events,
            "by_trader": [asdict(each) for each in summary.traders],
            "worker_restarts": self.worker_restarts,
            "seconds": round(self.seconds, 1),
            "declarations_per_second": round(summary.published / self.seconds, 1) if self.seconds else None,
            "interrupted": self.interrupted,
            "as_expected": self.is_as_expected,
            "differences": [asdict(each) for each in self.differences],
        }


def summarise(happenings: Happenings, parties: Sequence[str]) -> Summary:
    """Count what was seen of what was sent; strangers' records do not count where there may be any."""
    known = {each.submission_id for each in happenings.sent}
    known |= {each.response_id for each in happenings.responded}

    def counts(name: str) -> bool:
        return not happenings.strangers or name in known

    seen = happenings.seen
    answers = [each for each in seen.answers if counts(each.submission_id)]
    deliveries = [each for each in seen.deliveries if counts(each.submission_id)]
    letters = [each for each in seen.letters if counts(each.submission_id)]
    published = Counter(each.party for each in happenings.sent)
    verdicts = Counter((each.party, each.verdict) for each in answers if not each.agency)
    responses = Counter(each.party for each in answers if each.agency)
    dead = Counter(each.sender for each in letters)
    delivered = Counter(each.agency for each in deliveries)
    responded = Counter(each.agency for each in happenings.responded)
    rejected = (set(each.codes) for each in answers if each.verdict is Verdict.REJECTED)
    return Summary(
        traders=tuple(
            TraderCounts(
                party,
                published[party],
                verdicts[party, Verdict.ACCEPTED],
                verdicts[party, Verdict.REJECTED],
                dead[party],
                responses[party],
            )
            for party in parties
        ),
        agencies=tuple(AgencyCounts(each, delivered[each], responded[each]) for each in sorted(delivered)),
        rejected_by_code=_sorted(Counter(code for codes in rejected for code in codes)),
        dead_lettered_by_code=_sorted(Counter(each.code for each in letters)),
        events=sum(1 for each in seen.events if counts(each.submission_id)),
    )


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items()))
