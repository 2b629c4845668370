"""
The case: what the window remembers of one declaration of one party, and how that is written down.

``process`` takes the case so far and gives the new one. Keeping it durable is the edge's job (``casestore``).
"""

import zlib
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

import orjson

from nsw.errors import Code, InvariantError
from nsw.identifiers import AgencyCode, CaseId, SubmissionId
from nsw.model import Format, Kind, Verdict

#: Of one case so many answers to refused documents are kept; the first one that was accepted always is.
MAX_REFUSALS = 8
_VERSION: Final = 1
_BEGIN: Final = b'{"version":1,"touched_on":"'


class CaseState(StrEnum):
    """Where a case stands."""

    REFUSED = "refused"
    OPEN = "open"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What a document was answered, so that the same document gets the same bytes again.

    Attributes:
        digest: lower-case hex SHA-256 of the document's bytes.
        submission_id: of the first submission of these bytes.
        message_type: of the answer, with *message_version*.
        content: the answer's bytes in *format*.
    """

    digest: str
    submission_id: SubmissionId
    verdict: Verdict
    format: Format
    message_type: str
    message_version: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Case:
    """
    A case after its latest submission.

    Attributes:
        format: wire format in which the trader gets answers.
        agencies: who had the declaration, sorted.
        touched_on: legal date of the latest submission; what was not touched for long is forgotten.
        answers: oldest first.
    """

    case_id: CaseId
    state: CaseState
    format: Format
    touched_on: date
    agencies: tuple[AgencyCode, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def is_accepted(self) -> bool:
        """Whether a declaration was accepted under this reference number, even if it was cancelled since."""
        return self.state is not CaseState.REFUSED

    def answer_to(self, digest: str) -> Answer | None:
        """Give the answer that a document with these bytes had; None when there was none, or it is forgotten."""
        return next((each for each in self.answers if each.digest == digest), None)

    def touched(self, on: date) -> "Case":
        """Give the case after a submission of a day that changes nothing else; itself when the day is not later."""
        return self if on <= self.touched_on else replace(self, touched_on=on)

    def with_answer(self, answer: Answer) -> "Case":
        """Remember one more answer, and forget the oldest refusal beyond ``MAX_REFUSALS``."""
        answers = (*self.answers, answer)
        refusals = [each for each in answers if each.verdict is not Verdict.ACCEPTED]
        if len(refusals) > MAX_REFUSALS:
            answers = tuple(each for each in answers if each is not refusals[0])
        return replace(self, answers=answers)


def find_objection(case: Case | None, kind: Kind) -> Code | None:
    """
    Say why a document of a kind is unwelcome as the case stands.

    A declaration whose reference number was refused only may come again, corrected; once it was accepted, what
    changes it is an amendment. Amendments and cancellations need a declaration that was accepted and still stands.
    """
    if kind is Kind.DECLARATION:
        return Code.REFERENCE_IN_USE if case is not None and case.is_accepted else None
    if case is None or not case.is_accepted:
        return Code.CASE_UNKNOWN
    return Code.CASE_CANCELLED if case.state is CaseState.CANCELLED else None


def accept(
    case: Case | None, case_id: CaseId, kind: Kind, answer: Answer, agencies: Iterable[AgencyCode], on: date
) -> Case:
    """Give the case after an accepted document, which went to some agencies."""
    state = CaseState.CANCELLED if kind is Kind.CANCELLATION else CaseState.OPEN
    known = case.agencies if case is not None else ()
    answers = case.answers if case is not None else ()
    everyone = tuple(sorted({*known, *agencies}))
    # A dead letter may be replayed long after the day on which it was lodged.
    latest = on if case is None else max(on, case.touched_on)
    return Case(case_id, state, answer.format, latest, everyone, answers).with_answer(answer)


def refuse(case: Case | None, case_id: CaseId, answer: Answer, on: date) -> Case:
    """Give the case after a refused document: it is remembered, and changes nothing else."""
    before = case or Case(case_id, CaseState.REFUSED, answer.format, on)
    return before.touched(on).with_answer(answer)


def encode_case(case: Case) -> bytes:
    """Write a case as JSON (RFC 8259); answers are deflated (RFC 1950) and in Base64."""
    return orjson.dumps(
        {
            "version": _VERSION,
            "touched_on": case.touched_on,
            "case_id": case.case_id,
            "state": case.state,
            "format": case.format,
            "agencies": case.agencies,
            "answers": [
                {
                    "digest": each.digest,
                    "submission_id": each.submission_id,
                    "verdict": each.verdict,
                    "format": each.format,
                    "message_type": each.message_type,
                    "message_version": each.message_version,
                    "content": b64encode(zlib.compress(each.content, 1)).decode(),
                }
                for each in case.answers
            ],
        }
    )


def decode_case(content: bytes) -> Case:
    """
    Read a case.

    Raises:
        InvariantError: *content* is not what ``encode_case`` wrote: only the window writes cases.
    """
    try:
        return _read_case(orjson.loads(content))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, Base64Error, zlib.error) as error:
        raise InvariantError(f"a stored case can't be read: {type(error).__name__}") from error


def read_touched_on(content: bytes) -> date:
    """
    Read only the day of a stored case's latest submission: restoring millions of cases needs no more.

    Raises:
        InvariantError: *content* is not what ``encode_case`` wrote.
    """
    # The members stand in the order in which they were written.
    if not content.startswith(_BEGIN):
        raise InvariantError("a stored case can't be read: it begins otherwise")
    try:
        return date.fromisoformat(content[len(_BEGIN) : len(_BEGIN) + len("2026-01-31")].decode())
    except ValueError as error:
        raise InvariantError("a stored case can't be read: its day is none") from error


def _read_case(read: dict[str, Any]) -> Case:
    if read["version"] != _VERSION:
        raise ValueError(f"version {read['version']}")
    return Case(
        CaseId(read["case_id"]),
        CaseState(read["state"]),
        Format(read["format"]),
        date.fromisoformat(read["touched_on"]),
        tuple(AgencyCode(each) for each in read["agencies"]),
        tuple(_read_answer(each) for each in read["answers"]),
    )


def _read_answer(read: dict[str, Any]) -> Answer:
    return Answer(
        read["digest"],
        SubmissionId(read["submission_id"]),
        Verdict(read["verdict"]),
        Format(read["format"]),
        read["message_type"],
        read["message_version"],
        zlib.decompress(b64decode(read["content"], validate=True)),
    )
