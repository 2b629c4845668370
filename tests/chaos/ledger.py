"""
The ledger: what the load sent, and where Kafka confirmed it; JSON lines, one for each and in any order.

{"number": 7, "party": "P", "content": "small", "key": "CH0000000007", "digest": "…"}   was handed to the client
{"number": 7, "offset": 3, "at": 81.5}                                                  is confirmed to stand there
{"topic": "nsw.agency.DFT.inbox", "offset": 9, "at": 82.0}                              was seen by a reader

``at`` is in seconds of this machine's monotonic clock. Nothing of ``nsw`` is used here.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

#: Header of a submission that says which line of the ledger it is.
NUMBER = "chaos-number"


@dataclass(frozen=True, slots=True)
class Sent:
    """One submission that was handed to the client."""

    number: int
    party: str
    content: str
    key: str
    digest: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Where a submission stands in its inbox, and when its sender knew."""

    offset: int
    at: float


@dataclass(slots=True)
class Ledger:
    """All lines, by what they are about."""

    sent: dict[int, Sent] = field(default_factory=dict)
    confirmed: dict[int, Confirmed] = field(default_factory=dict)
    seen: dict[tuple[str, int], float] = field(default_factory=dict)

    @property
    def parties(self) -> frozenset[str]:
        """Who sent something."""
        return frozenset(each.party for each in self.sent.values())


def read_ledger(lines: Iterable[str]) -> Ledger:
    """Read the lines of one or more files."""
    ledger = Ledger()
    for line in lines:
        read = json.loads(line)
        if "topic" in read:
            ledger.seen[read["topic"], read["offset"]] = read["at"]
        elif "offset" in read:
            ledger.confirmed[read["number"]] = Confirmed(read["offset"], read["at"])
        else:
            ledger.sent[read["number"]] = Sent(**read)
    return ledger
