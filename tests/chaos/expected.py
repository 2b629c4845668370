"""
What is to become of each submission: a table of contents, and a model of a case; nothing of ``nsw`` is used here.

Written from docs/ and from reading the sample documents, so that a fault in the window's own code can't hide in it.
"""

from dataclasses import dataclass, field

ACCEPTED, REJECTED, DEAD = "accepted", "rejected", "dead-letter"
DECLARATION, AMENDMENT, CANCELLATION, UNREADABLE = "declaration", "amendment", "cancellation", "unreadable"
#: Agencies that take one format only; all others take both.
ONLY_FORMAT = {"NBTC": "avro", "DOEB": "avro", "RAOT": "xml", "DOPA": "xml", "OCSB": "xml"}
_IN_USE, _UNKNOWN_CASE, _CANCELLED = "NSW-5001", "NSW-5002", "NSW-5003"
#: Of one case, answers to so many refused documents are remembered.
_MOST_REFUSALS = 8


@dataclass(frozen=True, slots=True)
class Content:
    """
    A document as it is judged by itself.

    Attributes:
        agencies: whom it is for; of an accepted one.
        codes: of its findings; of a refused one.
        stamped: False when intake can't bring it to a case, so that nobody can be answered.
    """

    kind: str
    verdict: str
    agencies: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    stamped: bool = True


def _accepted(*agencies: str, kind: str = DECLARATION) -> Content:
    return Content(kind, ACCEPTED, agencies=frozenset(agencies))


def _rejected(*codes: str, kind: str = DECLARATION) -> Content:
    return Content(kind, REJECTED, codes=frozenset(codes))


def _dead(code: str, *, stamped: bool = True) -> Content:
    return Content(UNREADABLE, DEAD, codes=frozenset({code}), stamped=stamped)


CONTENTS = {
    "small": _accepted("CUSTOMS", "DFT"),
    "typical": _accepted("CUSTOMS", "DFT", "DOF"),
    "air": _accepted("CUSTOMS", "NBTC"),
    "dangerous": _accepted("CUSTOMS", "DFT", "DOF", "PAT"),
    "road": _accepted("CUSTOMS", "DIW"),
    "fifty": _accepted("CUSTOMS", "DFT", "DIW", "DLD", "DOA", "DOF", "FDA", "NBTC"),
    "largest": _accepted("CUSTOMS", "DFT", "DIW", "DOA", "DOF", "FDA", "NBTC"),
    "wrong-exporter": _rejected("TH-EXP-020"),
    "wrong-totals": _rejected("TH-EXP-190", "TH-EXP-192", "TH-EXP-220", "TH-EXP-221", "TH-EXP-231"),
    "wrong-values": _rejected("NSW-2003"),
    "not-well-formed": _rejected("NSW-1003", kind=UNREADABLE),
    "amendment": _accepted("CUSTOMS", kind=AMENDMENT),
    "cancellation": _accepted("CUSTOMS", kind=CANCELLATION),
    "empty": _dead("NSW-1001"),
    "no-document": _dead("NSW-1002"),
    "entity-bomb": _dead("NSW-1005"),
    "unknown-root": _dead("NSW-1010"),
    "unknown-schema": _dead("NSW-1012"),
    "key-too-long": _dead("NSW-1022", stamped=False),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """
    What must follow from one submission.

    Attributes:
        repeats: offset of the submission of the same party whose answer is to be given again; None for none.
    """

    verdict: str
    agencies: frozenset[str]
    codes: frozenset[str]
    stamped: bool
    repeats: int | None = None

    @property
    def events(self) -> tuple[str, ...]:
        """Types of the events that tell of it, in order, without those of held deliveries."""
        if not self.stamped:
            return ()
        received = "nsw.declaration.received"
        if self.repeats is not None:
            return received, "nsw.declaration.repeated"
        if self.verdict == ACCEPTED:
            steps = ("accepted", "routed", "acknowledged")
            return received, *(f"nsw.declaration.{step}" for step in steps)
        return received, "nsw.declaration.rejected" if self.verdict == REJECTED else "nsw.deadletter.kept"


@dataclass(frozen=True, slots=True)
class _Answered:
    digest: str
    offset: int
    verdict: str
    codes: frozenset[str]


@dataclass(slots=True)
class CaseModel:
    """One case of one party, told each of its submissions in the order of the inbox."""

    _stands: bool = False
    _cancelled: bool = False
    _agencies: frozenset[str] = frozenset()
    _answered: list[_Answered] = field(default_factory=list)

    def submit(self, offset: int, digest: str, content: Content) -> Expected:
        """Say what must follow from the next submission; *digest* is of its bytes."""
        for each in self._answered:
            if each.digest == digest:
                return Expected(each.verdict, frozenset(), each.codes, stamped=True, repeats=each.offset)
        codes = content.codes | self._objections(content.kind)
        if content.verdict == DEAD:
            return Expected(DEAD, frozenset(), codes, content.stamped)
        if codes:
            if _UNKNOWN_CASE not in codes:
                self._remember(_Answered(digest, offset, REJECTED, codes))
            return Expected(REJECTED, frozenset(), codes, stamped=True)
        self._remember(_Answered(digest, offset, ACCEPTED, codes))
        self._stands = True
        self._cancelled = content.kind == CANCELLATION
        self._agencies |= content.agencies
        return Expected(ACCEPTED, self._agencies, codes, stamped=True)

    def _objections(self, kind: str) -> frozenset[str]:
        code = ""
        if kind == DECLARATION:
            code = _IN_USE if self._stands else ""
        elif kind in (AMENDMENT, CANCELLATION):
            code = _CANCELLED if self._cancelled else "" if self._stands else _UNKNOWN_CASE
        return frozenset({code} if code else ())

    def _remember(self, answered: _Answered) -> None:
        self._answered.append(answered)
        refused = [each for each in self._answered if each.verdict == REJECTED]
        if len(refused) > _MOST_REFUSALS:
            self._answered.remove(refused[0])
