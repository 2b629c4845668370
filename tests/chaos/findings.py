"""What the checker found; nothing of ``nsw`` is used here."""

from collections import Counter
from dataclasses import dataclass, field

LOST, DUPLICATED, OUT_OF_ORDER, WRONG = "lost", "duplicated", "out_of_order", "wrong"
KINDS = (LOST, DUPLICATED, OUT_OF_ORDER, WRONG)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that must not be: its kind, where it was seen, and a sentence."""

    kind: str
    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.place}: {self.sentence}"


@dataclass(slots=True)
class Report:
    """
    All anomalies, and what was counted on the way.

    Attributes:
        notes: what is no anomaly by itself and may explain one.
        silence_by_agency: the longest time in seconds that each waited for something and saw nothing.
    """

    anomalies: list[Anomaly] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    silence_by_agency: dict[str, float] = field(default_factory=dict)

    def add(self, kind: str, place: str, sentence: str) -> None:
        """Note an anomaly."""
        self.anomalies.append(Anomaly(kind, place, sentence))

    def count(self, kind: str) -> int:
        """Count the anomalies of a kind."""
        return sum(1 for each in self.anomalies if each.kind == kind)
