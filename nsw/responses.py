"""Answers to the trader: our acknowledgements and rejections, and agencies' responses on their way through."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lxml import etree

from nsw import topics
from nsw.cases import Answer
from nsw.documents import Document, detect_format, encode_document
from nsw.envelope import encode_headers
from nsw.errors import MessageError
from nsw.events import CloudEvents, format_time
from nsw.identifiers import split_case_id
from nsw.messagetypes import MessageType
from nsw.model import Decision, Finding, Format, Headers, Kind, Publication, Purpose, Submission, Verdict
from nsw.reference import Reference
from nsw.routing import AnswerFormat, find_party

_Child = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Grounds:
    """
    Why something is refused.

    Attributes:
        omitted: findings beyond the cap, counted only.
    """

    verdict: Verdict
    findings: Sequence[Finding]
    omitted: int


def answer_format(submission: Submission, reference: Reference) -> Format:
    """Answer in the format that the party asked for in the register, else in the one it sent."""
    wanted = _wanted_format(submission, reference)
    if wanted is not None:
        return wanted
    try:
        return detect_format(submission.value)
    except MessageError:
        return Format.XML


def _wanted_format(submission: Submission, reference: Reference) -> Format | None:
    answers = find_party(reference.parties, submission.party).answers
    return None if answers is AnswerFormat.AS_SENT else Format(answers.value)


def acknowledge(
    submission: Submission,
    reference: Reference,
    message_type: MessageType,
    decision: Decision,
    digest: str,
    form: Format,
) -> Answer:
    """Give the acknowledgement of an accepted declaration: which agencies have it, and why."""
    root = build_acknowledgement(submission, message_type, digest, decision, reference)
    return _answer(submission, reference.acknowledgement, root, digest, form, Verdict.ACCEPTED)


def reject(
    submission: Submission,
    reference: Reference,
    message_type: MessageType | None,
    grounds: Grounds,
    digest: str,
    form: Format,
) -> Answer:
    """Give the rejection of a declaration with every finding; *message_type* is None where it is unknown."""
    root = build_rejection(submission, message_type, digest, grounds, reference)
    return _answer(submission, reference.rejection, root, digest, form, grounds.verdict)


def publish_answer(submission: Submission, reference: Reference, answer: Answer) -> Publication:
    """Publish an answer to a submission of the document that it is about."""
    kind = Kind.ACKNOWLEDGEMENT if answer.verdict is Verdict.ACCEPTED else Kind.REJECTION
    named = (answer.message_type, answer.message_version)
    return Publication(
        Purpose.ANSWER,
        topics.outbox(submission.party),
        submission.origin.key or submission.submission_id.encode(),
        answer.content,
        _answer_headers(submission, reference, kind, named, answer.format, answer.verdict),
        counted_as=kind,
    )


def repeat_answer(submission: Submission, reference: Reference, answer: Answer) -> Publication:
    """Publish the bytes of an earlier answer again, for a submission of the same document."""
    publication = publish_answer(submission, reference, answer)
    repeats = encode_headers(((topics.H_REPEATS, answer.submission_id),))
    return replace(publication, headers=publication.headers + repeats)


def forward_response(
    submission: Submission, reference: Reference, document: Document, case_format: Format | None
) -> tuple[Publication, Format]:
    """
    Pass an agency's response on to the trader.

    Args:
        case_format: the format that the trader used in this case, when it is known.

    Returns:
        What to publish and in which format: the party's, else the case's, else the agency's own bytes.
    """
    form = _wanted_format(submission, reference) or case_format or document.format
    content = submission.value or b""
    if form is not document.format:
        try:
            content = encode_document(document.message_type, document.root, form)
        except MessageError:
            form = document.format
    key = split_case_id(submission.case_id)[1] or submission.case_id
    message_type = document.message_type
    named = (message_type.name, message_type.version)
    headers = _answer_headers(submission, reference, message_type.kind, named, form, None)
    return Publication(
        Purpose.ANSWER,
        topics.outbox(submission.party),
        key.encode(),
        content,
        headers + encode_headers(((topics.H_AGENCY, submission.sender),)),
        counted_as=message_type.kind,
    ), form


def _answer(
    submission: Submission,
    message_type: MessageType,
    root: etree._Element,
    digest: str,
    form: Format,
    verdict: Verdict,
) -> Answer:
    return Answer(
        digest,
        submission.submission_id,
        verdict,
        form,
        message_type.name,
        message_type.version,
        encode_document(message_type, root, form),
    )


def _answer_headers(
    submission: Submission,
    reference: Reference,
    kind: Kind,
    named: tuple[str, str],
    form: Format,
    verdict: Verdict | None,
) -> Headers:
    name, version = named
    cloud = CloudEvents(submission, reference.window.source)
    return cloud.headers(kind, f"nsw.{kind}.sent", topics.CONTENT_TYPE_BY_FORMAT[form]) + encode_headers(
        (
            (topics.H_CONVERSATION, submission.conversation_id),
            (topics.H_SUBMISSION, submission.submission_id),
            (topics.H_REFERENCE, split_case_id(submission.case_id)[1]),
            (topics.H_MESSAGE_TYPE, name),
            (topics.H_MESSAGE_VERSION, version),
            (topics.H_FORMAT, form),
            (topics.H_VERDICT, verdict),
        )
    )


def build_acknowledgement(
    submission: Submission, message_type: MessageType, digest: str, decision: Decision, reference: Reference
) -> etree._Element:
    """Write the acknowledgement of an accepted declaration: which agencies have it, and why."""
    root = _begin(reference.acknowledgement, submission, message_type, digest, reference)
    for code in decision.agencies:
        agency = reference.tables.agencies[code]
        element = etree.SubElement(root, _name(root, "Agency"))
        reasons = [reason.text_en for reason in decision.reasons if reason.agency == code]
        _append(element, [("Code", code), ("NameEnglish", agency.name_en), ("NameThai", agency.name_th)])
        _append(element, [("Reason", text) for text in reasons])
    return root


def build_rejection(
    submission: Submission,
    message_type: MessageType | None,
    digest: str,
    grounds: Grounds,
    reference: Reference,
) -> etree._Element:
    """Write the rejection of a declaration, with every finding."""
    root = _begin(reference.rejection, submission, message_type, digest, reference)
    _append(
        root,
        [
            ("Verdict", grounds.verdict),
            ("FindingCount", str(len(grounds.findings) + grounds.omitted)),
            ("FindingsOmitted", str(grounds.omitted)),
        ],
    )
    for finding in grounds.findings:
        _append(etree.SubElement(root, _name(root, "Finding")), _finding_children(finding))
    return root


def _finding_children(finding: Finding) -> list[_Child]:
    return [
        ("Code", finding.code),
        ("Severity", finding.severity),
        ("Layer", finding.layer),
        ("Path", finding.path),
        ("Line", _number(finding.line)),
        ("Column", _number(finding.column)),
        ("TextEnglish", finding.text_en),
        ("TextThai", finding.text_th),
        ("Source", finding.source or None),
    ]


def _begin(
    answer: MessageType,
    submission: Submission,
    message_type: MessageType | None,
    digest: str,
    reference: Reference,
) -> etree._Element:
    namespace = answer.root[1:].partition("}")[0]
    root = etree.Element(answer.root, nsmap={None: namespace})
    _append(
        root,
        [
            ("SubmissionID", submission.submission_id),
            ("ConversationID", submission.conversation_id or None),
            ("PartyID", submission.party),
            ("ReferenceNumber", split_case_id(submission.case_id)[1]),
            ("MessageType", message_type.name if message_type else None),
            ("MessageVersion", message_type.version if message_type else None),
            ("LodgedAt", format_time(submission.lodged_at)),
            ("DocumentDigest", digest),
            ("ReferenceDataVersion", reference.version),
        ],
    )
    return root


def _append(parent: etree._Element, children: Iterable[_Child]) -> None:
    for name, text in children:
        if text is not None:
            etree.SubElement(parent, _name(parent, name)).text = text


def _name(parent: etree._Element, local: str) -> str:
    return f"{str(parent.tag).rpartition('}')[0]}}}{local}"


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)
