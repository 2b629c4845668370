"""The case as a value: what is remembered of it, and how it is written down."""

from datetime import date

import pytest

from nsw.cases import (
    MAX_REFUSALS,
    Answer,
    Case,
    CaseState,
    accept,
    decode_case,
    encode_case,
    find_objection,
    read_touched_on,
    refuse,
)
from nsw.errors import Code, InvariantError
from nsw.identifiers import AgencyCode, CaseId, SubmissionId
from nsw.model import Format, Kind, Verdict

CASE_ID = CaseId("ACME/NSWD000000001")
DAY = date(2026, 11, 22)
CUSTOMS, DFT = AgencyCode("CUSTOMS"), AgencyCode("DFT")


def answer(digest: str, verdict: Verdict = Verdict.ACCEPTED) -> Answer:
    """Give an answer with content of its own."""
    content = f"<Answer>{digest}</Answer>".encode()
    return Answer(digest, SubmissionId(f"s-{digest}"), verdict, Format.XML, "nsw.x", "1.0", content)


def accepted_case(*agencies: AgencyCode) -> Case:
    """Give a case whose declaration was accepted."""
    return accept(None, CASE_ID, Kind.DECLARATION, answer("a"), agencies, DAY)


def test_reads_what_it_wrote() -> None:
    """With every answer, byte for byte."""
    case = refuse(accepted_case(DFT, CUSTOMS), CASE_ID, answer("b", Verdict.REJECTED), date(2026, 12, 1))

    assert decode_case(encode_case(case)) == case
    assert case.agencies == (CUSTOMS, DFT)
    assert read_touched_on(encode_case(case)) == date(2026, 12, 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\x00", b'{"version":2,"touched_on":"2026-11-22"}', encode_case(accepted_case())[:-9]],
)
def test_refuses_what_the_window_did_not_write(content: bytes) -> None:
    """Only a bug, or somebody else's record, can lead there: the process must end."""
    with pytest.raises(InvariantError):
        decode_case(content)


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"version":2,"touched_on":"2026-11-22"}', b'{"version":1,"touched_on":"2026-99-22"}'],
)
def test_refuses_a_day_that_the_window_did_not_write(content: bytes) -> None:
    """When only the day is read, while restoring."""
    with pytest.raises(InvariantError):
        read_touched_on(content)


def test_the_latest_submission_counts_however_late_an_earlier_one_comes() -> None:
    """A dead letter is replayed with its lodging date: it must not make its case look older."""
    case, before, after = accepted_case(CUSTOMS), date(2026, 1, 1), date(2026, 12, 1)

    assert accept(case, CASE_ID, Kind.AMENDMENT, answer("b"), [], before).touched_on == DAY
    assert refuse(case, CASE_ID, answer("b", Verdict.REJECTED), before).touched_on == DAY
    assert case.touched(before) is case
    assert case.touched(DAY) is case
    for later in (
        accept(case, CASE_ID, Kind.AMENDMENT, answer("b"), [], after),
        refuse(case, CASE_ID, answer("b", Verdict.REJECTED), after),
        case.touched(after),
    ):
        assert later.touched_on == after


def test_a_refused_reference_number_may_come_again() -> None:
    """Until it is accepted; from then on it is in use, even after a cancellation."""
    refused = refuse(None, CASE_ID, answer("a", Verdict.REJECTED), DAY)
    taken = accept(refused, CASE_ID, Kind.DECLARATION, answer("b"), [CUSTOMS], DAY)
    cancelled = accept(taken, CASE_ID, Kind.CANCELLATION, answer("c"), [CUSTOMS], DAY)

    assert find_objection(None, Kind.DECLARATION) is None
    assert find_objection(refused, Kind.DECLARATION) is None
    assert find_objection(taken, Kind.DECLARATION) is Code.REFERENCE_IN_USE
    assert find_objection(cancelled, Kind.DECLARATION) is Code.REFERENCE_IN_USE


@pytest.mark.parametrize("kind", [Kind.AMENDMENT, Kind.CANCELLATION])
def test_changes_need_a_declaration_that_stands(kind: Kind) -> None:
    """Not an unknown one, a refused one, or a cancelled one."""
    taken = accepted_case(CUSTOMS)
    cancelled = accept(taken, CASE_ID, Kind.CANCELLATION, answer("c"), [], DAY)

    assert find_objection(None, kind) is Code.CASE_UNKNOWN
    assert (
        find_objection(refuse(None, CASE_ID, answer("a", Verdict.REJECTED), DAY), kind) is Code.CASE_UNKNOWN
    )
    assert find_objection(taken, kind) is None
    assert find_objection(cancelled, kind) is Code.CASE_CANCELLED


def test_an_amendment_keeps_the_agencies_that_had_the_declaration() -> None:
    """And adds those that it is for."""
    amended = accept(accepted_case(CUSTOMS), CASE_ID, Kind.AMENDMENT, answer("b"), [DFT], DAY)

    assert amended.agencies == (CUSTOMS, DFT)
    assert amended.state is CaseState.OPEN
    assert [each.digest for each in amended.answers] == ["a", "b"]


def test_a_refusal_leaves_an_accepted_case_as_it_stands() -> None:
    """What is refused in it is remembered only."""
    before = accepted_case(CUSTOMS)
    after = refuse(before, CASE_ID, answer("b", Verdict.REJECTED), DAY)

    assert (after.state, after.agencies, after.answer_to("a")) == (CaseState.OPEN, (CUSTOMS,), answer("a"))
    assert after.answer_to("b") == answer("b", Verdict.REJECTED)


def test_forgets_the_oldest_refusals_only() -> None:
    """So that a sender who tries for ever does not fill the store; what was accepted is never forgotten."""
    case = accepted_case()
    for number in range(MAX_REFUSALS + 3):
        case = refuse(case, CASE_ID, answer(f"r{number}", Verdict.REJECTED), DAY)

    assert case.answer_to("a") == answer("a")
    assert [each.digest for each in case.answers[1:]] == [
        f"r{number}" for number in range(3, MAX_REFUSALS + 3)
    ]
