"""
The one function that decides: from a record of ``nsw.cases`` to everything that is to be published.

    read the stamp → (answered before?) → identify → parse → schema → rules → case → route → answer

Pure and deterministic: no Kafka, clock, network or chance. The lodging time comes from the record, ids from the
log. So replay, a retry after an abort, ``nsw validate`` and the tests give the same bytes.
"""

import hashlib
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from nsw import __version__, topics
from nsw.cases import Answer, Case, accept, find_objection
from nsw.cases import refuse as remember_refusal
from nsw.deadletter import build_dead_letter, origin_of
from nsw.deliveries import build_deliveries
from nsw.documents import Document, Parsed, parse_document
from nsw.envelope import parse_stamp, single_header
from nsw.errors import CATALOGUE, Code, MessageError, Severity, Verdict
from nsw.events import CloudEvents, EventType, build_event
from nsw.identifiers import CaseId, ConversationId, PartyId, SubmissionId, split_case_id
from nsw.lawdate import LawDate, find_law_date, in_force
from nsw.messagetypes import MessageType
from nsw.model import (
    CanonicalFields,
    Decision,
    Finding,
    Format,
    Kind,
    Publication,
    Record,
    SenderRole,
    Submission,
    finding_of,
    utc_from_ms,
)
from nsw.reference import Reference
from nsw.responses import (
    Grounds,
    acknowledge,
    answer_format,
    forward_response,
    publish_answer,
    reject,
    repeat_answer,
)
from nsw.routing import add_agencies, decide_agencies
from nsw.rules import RuleContext
from nsw.validation import check_schema

_DIRECTION = "direction"
_EMPTY = CanonicalFields({})
_NO_DECISION = Decision()


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    What the window thinks of a document, whoever sent it.

    Attributes:
        findings: all of them, or the first ``max_findings`` and a note; *omitted* counts the rest.
        document: None when it could not be understood.
        law: the day whose law it was judged by; None when it was judged by none.
    """

    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    omitted: int = 0
    document: Document | None = None
    data: CanonicalFields = _EMPTY
    decision: Decision = _NO_DECISION
    law: LawDate | None = None

    @property
    def message_type(self) -> MessageType | None:
        """The document's message type, when known."""
        return self.document.message_type if self.document else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    Everything that follows from one record.

    Attributes:
        publications: in the order in which they are to be published.
        repeats: whether the same bytes were answered before, and are answered so again.
        case: the case after this record; None when it is not known and the record begins none.
        accepted_type: name of the message type of an accepted declaration; else ''.
    """

    verdict: Verdict
    publications: tuple[Publication, ...]
    case: Case | None
    judgement: Judgement
    submission: Submission | None
    repeats: bool = False
    accepted_type: str = ""


def process(record: Record, reference: Reference, case: Case | None, parsed: Parsed | None = None) -> Outcome:
    """
    Decide about one record of ``nsw.cases``.

    Args:
        record: as intake wrote it.
        reference: the snapshot of message types, rules and tables to judge by.
        case: what was decided before about the same declaration; None for a new case.
        parsed: what was read of the record's document before; None to read it now.

    Returns:
        Always an outcome: whatever the bytes, an answer or a dead letter.
    """
    try:
        submission = parse_stamp(record)
    except MessageError as error:
        return _unstamped(record, error.code, error.detail)
    try:
        if submission.role is SenderRole.AGENCY:
            return _answer_of_agency(submission, reference, case, parsed)
        return _document_of_trader(submission, reference, case, parsed)
    except Exception as error:  # noqa: BLE001 - one of the two places where any failure becomes a dead letter
        return _failed(submission, reference, error)


def _failed(submission: Submission, reference: Reference, error: Exception) -> Outcome:
    """Keep a submission on which our own code fails; its detail says where, and nothing of the document."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    detail = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
    try:
        return refuse(submission, reference, Code.INTERNAL, detail)
    except Exception:  # noqa: BLE001 - the answer fails too: without one the record must not stop the stream either
        return _dead(submission, reference, Judgement(Verdict.DEAD_LETTER), Code.INTERNAL, detail)


def judge(
    value: bytes | None, lodged_on: date, reference: Reference, parsed: Parsed | None = None
) -> Judgement:
    """
    Check one document and decide which agencies it is for, whoever sent it and however it came.

    Args:
        lodged_on: the lodging date; rules and tables are those of it, or of the dated field that the type names.
        parsed: the document, where it was read before.
    """
    law: LawDate | None = None
    findings: tuple[Finding, ...] = ()
    try:
        if parsed is None:
            parsed = parse_document(value, reference.catalogue, reference.limits.xml)
        law, findings = find_law_date(parsed.versions, parsed.root, lodged_on, reference.window.time_zone)
        document = Document(in_force(parsed.versions, law), parsed.format, parsed.root)
    except MessageError as error:
        return Judgement(CATALOGUE[error.code].verdict, (finding_of(error), *findings), law=law)
    accepted = parsed.accepted_by is document.message_type
    findings, omitted = _check(document, lodged_on, law.on, findings, reference, accepted=accepted)
    if document.format is Format.AVRO:
        # The tree was made from Avro: its lines are nobody's.
        findings = tuple(replace(each, line=None) for each in findings)
    data = document.read_fields()
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Judgement(Verdict.REJECTED, findings, omitted, document, data, law=law)
    decision = decide(document, data, law, reference)
    return Judgement(Verdict.ACCEPTED, findings, omitted, document, data, decision, law)


def refuse(submission: Submission, reference: Reference, code: Code, detail: str) -> Outcome:
    """Keep a submission as a dead letter for a reason outside its document."""
    judgement = Judgement(Verdict.DEAD_LETTER, (finding_of(code, detail),))
    if submission.role is SenderRole.AGENCY:
        return _dead(submission, reference, judgement, code, detail)
    return _refused(submission, reference, judgement, _digest(submission.value))


def _check(
    document: Document,
    lodged_on: date,
    law_date: date,
    so_far: tuple[Finding, ...],
    reference: Reference,
    *,
    accepted: bool,
) -> tuple[tuple[Finding, ...], int]:
    found = check_schema(document.message_type, document.root, accepted=accepted)
    findings = [each for each in found if each.code is not Code.SCHEMA_BUDGET_ENDED]
    notes = found[len(findings) :]
    omitted = 0
    most = reference.limits.max_findings
    rules = document.message_type.rules_on(law_date) if not findings else None
    if rules is not None:
        context = RuleContext(lodged_on, reference.code_lists, most, law_date=law_date)
        report = rules.check(document.root, context)
        findings, omitted = list(report.findings), report.omitted
    findings[:0] = so_far
    omitted += max(0, len(findings) - most)
    findings = findings[:most]
    if omitted:
        notes.append(finding_of(Code.FINDINGS_CAPPED, f"{omitted} beyond the first {most}"))
    return (*findings, *notes), omitted


def decide(document: Document, data: CanonicalFields, law: LawDate, reference: Reference) -> Decision:
    """Ask permits and routes which agencies a document is for, by the law of its day; only declarations go to any."""
    message_type = document.message_type
    if not message_type.kind.is_lodged:
        return Decision()
    direction = data.fields.get(_DIRECTION, message_type.direction)
    return decide_agencies(message_type.name, direction, data, law.on, reference.tables)


# A trader's document.


def _document_of_trader(
    submission: Submission, reference: Reference, case: Case | None, parsed: Parsed | None
) -> Outcome:
    digest = _digest(submission.value)
    answered = case.answer_to(digest) if case is not None else None
    if case is not None and answered is not None:
        return _repeated(submission, reference, case, answered)
    judgement, fits = _judge_with_record(submission, reference, parsed)
    # A record that came under the wrong key is in the wrong case: it neither asks nor changes anything there.
    if fits:
        judgement = _with_findings(judgement, tuple(_case_findings(case, judgement)))
    if judgement.verdict is Verdict.ACCEPTED and judgement.document is not None:
        return _accepted(submission, reference, judgement, judgement.document, case, digest)
    # What came before its declaration may come again behind it.
    early = any(each.code == Code.CASE_UNKNOWN for each in judgement.findings)
    return _refused(submission, reference, judgement, digest, case, remember=fits and not early)


def judge_declaration(submission: Submission, reference: Reference) -> Judgement:
    """Judge what a trader sent: the document, and the record around it; not what was lodged before."""
    return _judge_with_record(submission, reference, None)[0]


def _judge_with_record(
    submission: Submission, reference: Reference, parsed: Parsed | None
) -> tuple[Judgement, bool]:
    judgement = judge(submission.value, submission.lodged_on(reference.window.time_zone), reference, parsed)
    around = tuple(_envelope_findings(submission, judgement))
    return _with_findings(judgement, around), not around


def _repeated(submission: Submission, reference: Reference, case: Case, answered: Answer) -> Outcome:
    """Answer what was answered before with the same bytes; no agency hears of it a second time."""
    answer = repeat_answer(submission, reference, answered)
    judgement = Judgement(answered.verdict)
    events = _Events(submission, reference, judgement)
    publications = (
        answer,
        events.next(
            EventType.DECLARATION_RECEIVED, {"digest": answered.digest, "bytes": len(submission.value or b"")}
        ),
        events.next(
            EventType.DECLARATION_REPEATED,
            {"repeats": answered.submission_id, "verdict": answered.verdict, "topic": answer.topic},
        ),
    )
    # What is sent again and again must not be forgotten, and taken for new, on some day.
    after = case.touched(submission.lodged_on(reference.window.time_zone))
    return Outcome(answered.verdict, publications, after, judgement, submission, repeats=True)


def _case_findings(case: Case | None, judgement: Judgement) -> Iterator[Finding]:
    if judgement.message_type is not None:
        code = find_objection(case, judgement.message_type.kind)
        if code is not None:
            yield finding_of(code)


def _with_findings(judgement: Judgement, findings: tuple[Finding, ...]) -> Judgement:
    """Add what is wrong around a document: with its record, or with its case."""
    if not findings:
        return judgement
    verdict = Verdict.REJECTED if judgement.verdict is Verdict.ACCEPTED else judgement.verdict
    return replace(judgement, verdict=verdict, findings=findings + judgement.findings, decision=Decision())


def _envelope_findings(submission: Submission, judgement: Judgement) -> Iterator[Finding]:
    for name in (topics.CONTENT_TYPE, topics.TRACEPARENT):
        try:
            text = single_header(submission.headers, name)
        except MessageError as error:
            yield finding_of(error)
            continue
        if name == topics.CONTENT_TYPE and text is not None and judgement.document is not None:
            yield from _content_type_findings(text, judgement.document.format)
    if judgement.message_type is not None and not judgement.message_type.kind.is_lodged:
        yield finding_of(Code.UNWELCOME_KIND, f"a trader, {judgement.message_type.name}")
    yield from _key_findings(submission, judgement)


def _content_type_findings(text: str, form: Format) -> Iterator[Finding]:
    if text.partition(";")[0].strip().lower() not in topics.ACCEPTED_CONTENT_TYPES[form]:
        yield finding_of(Code.CONTENT_TYPE_WRONG, f"{text[:100]!r} for a document in {form}")


def _key_findings(submission: Submission, judgement: Judgement) -> Iterator[Finding]:
    key = submission.origin.key
    if not key:
        yield finding_of(Code.KEY_MISSING)
        return
    declared = judgement.data.case_reference
    if judgement.verdict is not Verdict.DEAD_LETTER and declared is not None and key != declared.encode():
        shown = key[:64].decode("ascii", "replace")
        yield finding_of(Code.KEY_NOT_REFERENCE, f"key {shown!r}, reference number {declared[:64]!r}")


def _accepted(
    submission: Submission,
    reference: Reference,
    judgement: Judgement,
    document: Document,
    case: Case | None,
    digest: str,
) -> Outcome:
    decision = judgement.decision
    if case is not None:
        decision = add_agencies(decision, case.agencies, reference.tables)
        judgement = replace(judgement, decision=decision)
    deliveries = build_deliveries(submission, reference, document, judgement.data, decision, digest)
    form = answer_format(submission, reference)
    answer = acknowledge(submission, reference, document.message_type, decision, digest, form)
    published = publish_answer(submission, reference, answer)
    reasons = [
        {"agency": each.agency, "route": each.route, "items": list(each.items), "text": each.text_en}
        for each in decision.reasons
    ]
    events = _Events(submission, reference, judgement)
    publications = (
        *deliveries,
        published,
        events.next(
            EventType.DECLARATION_RECEIVED, {"digest": digest, "bytes": len(submission.value or b"")}
        ),
        events.next(EventType.DECLARATION_ACCEPTED, {"warnings": _codes(judgement)}),
        events.next(EventType.DECLARATION_ROUTED, {"agencies": list(decision.agencies), "reasons": reasons}),
        events.next(EventType.DECLARATION_ACKNOWLEDGED, {"topic": published.topic, "format": form}),
    )
    on = submission.lodged_on(reference.window.time_zone)
    after = accept(case, submission.case_id, document.message_type.kind, answer, decision.agencies, on)
    name = document.message_type.name
    return Outcome(Verdict.ACCEPTED, publications, after, judgement, submission, accepted_type=name)


def _refused(
    submission: Submission,
    reference: Reference,
    judgement: Judgement,
    digest: str,
    case: Case | None = None,
    *,
    remember: bool = False,
) -> Outcome:
    """
    Answer with every finding; what could not be understood is kept as a dead letter too.

    Args:
        remember: the same bytes are to have the same answer again. Not so for what is wrong around a document
            or came too early, which may come again as it is, nor for dead letters, which operators replay.
    """
    form = answer_format(submission, reference)
    grounds = Grounds(judgement.verdict, judgement.findings, judgement.omitted)
    answer = reject(submission, reference, judgement.message_type, grounds, digest, form)
    published = publish_answer(submission, reference, answer)
    events = _Events(submission, reference, judgement)
    received = events.next(
        EventType.DECLARATION_RECEIVED, {"digest": digest, "bytes": len(submission.value or b"")}
    )
    publications: tuple[Publication, ...]
    after = case
    if judgement.verdict is Verdict.DEAD_LETTER:
        killer = next(each for each in judgement.findings if _kills(each))
        code = Code(killer.code)
        letter = build_dead_letter(submission, code, killer.text_en, version=__version__)
        publications = (letter, published, received, events.next(EventType.DEAD_LETTER_KEPT, {"code": code}))
    else:
        rejected = {"codes": _codes(judgement), "findings": len(judgement.findings) + judgement.omitted}
        publications = (published, received, events.next(EventType.DECLARATION_REJECTED, rejected))
        if remember:
            on = submission.lodged_on(reference.window.time_zone)
            after = remember_refusal(case, submission.case_id, answer, on)
    return Outcome(judgement.verdict, publications, after, judgement, submission)


def _kills(finding: Finding) -> bool:
    code = finding.code
    return code in CATALOGUE and CATALOGUE[Code(code)].verdict is Verdict.DEAD_LETTER


# An agency's answer.


def _answer_of_agency(
    submission: Submission, reference: Reference, case: Case | None, parsed: Parsed | None
) -> Outcome:
    on = submission.lodged_on(reference.window.time_zone)
    judgement = judge(submission.value, on, reference, parsed)
    fault = _fault_of_answer(submission, judgement)
    if fault is not None or judgement.document is None:
        return _dead(
            submission, reference, judgement, Code.ANSWER_NOT_VALID, fault or "it could not be understood"
        )
    document = judgement.document
    delivered, form = forward_response(submission, reference, document, case.format if case else None)
    data = {
        "agency": submission.sender,
        "status": judgement.data.fields.get("status", ""),
        "declaration_number": judgement.data.fields.get("declaration_number", ""),
    }
    events = _Events(submission, reference, judgement)
    publications = (
        delivered,
        events.next(EventType.RESPONSE_RECEIVED, data),
        events.next(
            EventType.RESPONSE_DELIVERED,
            {"agency": submission.sender, "topic": delivered.topic, "format": form},
        ),
    )
    return Outcome(Verdict.ACCEPTED, publications, case, judgement, submission)


def _fault_of_answer(submission: Submission, judgement: Judgement) -> str | None:
    if judgement.verdict is not Verdict.ACCEPTED or judgement.message_type is None:
        return "; ".join(f"{each.code} {each.path or ''}".strip() for each in judgement.findings[:5])
    if judgement.message_type.kind is not Kind.RESPONSE:
        return f"an agency may not send {judgement.message_type.name}"
    if judgement.data.fields.get("agency_code", submission.sender) != submission.sender:
        return "the agency code in the answer is not the sender's"
    if judgement.data.case_reference != split_case_id(submission.case_id)[1]:
        return "the reference number in the answer is not that of its conversation id"
    return None


# Shared by both.


def _dead(
    submission: Submission, reference: Reference, judgement: Judgement, code: Code, detail: str
) -> Outcome:
    letter = build_dead_letter(submission, code, detail, version=__version__)
    events = _Events(submission, reference, judgement)
    kept = events.next(EventType.DEAD_LETTER_KEPT, {"code": code, "agency": submission.sender})
    return Outcome(Verdict.DEAD_LETTER, (letter, kept), None, judgement, submission)


def _unstamped(record: Record, code: Code, detail: str) -> Outcome:
    """Keep a record that somebody other than intake wrote into ``nsw.cases``."""
    place = Submission(
        role=SenderRole.TRADER,
        sender="",
        party=PartyId(""),
        submission_id=SubmissionId(f"{record.topic}-{record.partition}-{record.offset}"),
        case_id=CaseId(""),
        conversation_id=ConversationId(""),
        lodged_at=utc_from_ms(record.timestamp_ms),
        origin=origin_of(record),
        value=record.value,
        headers=record.headers,
    )
    letter = build_dead_letter(place, code, detail, version=__version__, stamped=False)
    judgement = Judgement(Verdict.DEAD_LETTER, (finding_of(code, detail),))
    return Outcome(Verdict.DEAD_LETTER, (letter,), None, judgement, None)


def _codes(judgement: Judgement) -> list[str]:
    return sorted({finding.code for finding in judgement.findings})


def _digest(value: bytes | None) -> str:
    return hashlib.sha256(value or b"").hexdigest()


class _Events:
    """Numbers the events of one submission."""

    def __init__(self, submission: Submission, reference: Reference, judgement: Judgement) -> None:
        self._submission = submission
        self._cloud = CloudEvents(submission, reference.window.source)
        self._sequence = 0
        message_type = judgement.message_type
        self._common: Mapping[str, object] = {
            "reference_number": split_case_id(submission.case_id)[1],
            "message_type": message_type.name if message_type else None,
            "message_version": message_type.version if message_type else None,
            "law_date": judgement.law.on.isoformat() if judgement.law else None,
            "law_date_field": judgement.law.field if judgement.law else None,
            "reference_data_version": reference.version,
        }

    def next(self, type_: EventType, data: Mapping[str, object]) -> Publication:
        """Write the next event."""
        self._sequence += 1
        return build_event(self._submission, self._cloud, type_, self._sequence, {**self._common, **data})
