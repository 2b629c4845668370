"""Our answers to the trader: acknowledgements and rejections, as documents of message types of our own."""

from collections.abc import Iterable, Sequence

from lxml import etree

from nsw.events import format_time
from nsw.identifiers import split_case_id
from nsw.messagetypes import MessageType
from nsw.model import Decision, Finding, Submission, Verdict
from nsw.reference import Reference

_Child = tuple[str, str | None]


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


def build_rejection(  # noqa: PLR0913 - one for each part of the answer
    submission: Submission,
    message_type: MessageType | None,
    digest: str,
    verdict: Verdict,
    findings: Sequence[Finding],
    omitted: int,
    reference: Reference,
) -> etree._Element:
    """
    Write the rejection of a declaration, with every finding.

    Args:
        omitted: findings beyond the cap, counted only.
    """
    root = _begin(reference.rejection, submission, message_type, digest, reference)
    _append(
        root,
        [
            ("Verdict", verdict),
            ("FindingCount", str(len(findings) + omitted)),
            ("FindingsOmitted", str(omitted)),
        ],
    )
    for finding in findings:
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
