"""Deliveries: a declaration to each agency's inbox, original bytes first, with what the agency must know in headers."""

from dataclasses import replace

from nsw import topics
from nsw.documents import Document, encode_document
from nsw.envelope import encode_headers
from nsw.errors import Code, MessageError
from nsw.events import cloud_event_headers, format_time
from nsw.held import build_held
from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Decision, Format, Headers, Publication, Purpose, Submission
from nsw.reference import Reference
from nsw.routing import IDENTITY_VIEW

_DELIVERED = "nsw.declaration.delivered"


def build_deliveries(
    submission: Submission,
    reference: Reference,
    document: Document,
    data: CanonicalFields,
    decision: Decision,
    digest: str,
) -> tuple[Publication, ...]:
    """
    Write one delivery for each agency of a decision.

    Args:
        digest: lower-case hex SHA-256 of the original bytes.

    Returns:
        In the decision's order. The bytes are the original's where the agency accepts its format; a delivery in no
        format that the agency accepts is held.
    """
    content = _Content(submission.value or b"", document)
    common = _common_headers(submission, reference, document, data, digest)
    return tuple(
        _delivery(submission, reference, content, common, code, decision) for code in decision.agencies
    )


class _Content:
    """A document's bytes by format, each made at most once."""

    def __init__(self, original: bytes, document: Document) -> None:
        self.original = original
        self.document = document
        self._bytes_by_format: dict[Format, bytes] = {document.format: original}

    def choose(self, accepted: tuple[Format, ...]) -> Format | None:
        """Choose the original's format if it is accepted, else the most preferred; None when none is."""
        return self.document.format if self.document.format in accepted else next(iter(accepted), None)

    def in_format(self, form: Format) -> bytes:
        """
        Give the document in a format.

        Raises:
            MessageError: NSW-4002, it can't be written so.
        """
        if form not in self._bytes_by_format:
            self._bytes_by_format[form] = encode_document(
                self.document.message_type, self.document.root, form
            )
        return self._bytes_by_format[form]


def _delivery(
    submission: Submission,
    reference: Reference,
    content: _Content,
    common: Headers,
    code: AgencyCode,
    decision: Decision,
) -> Publication:
    message_type = content.document.message_type.name
    form = content.choose(reference.tables.agencies[code].formats_for(message_type))
    delivery = Publication(
        Purpose.DELIVERY,
        topics.agency_inbox(code),
        submission.conversation_id.encode(),
        content.original,
        _own_headers(submission, reference, code, form or content.document.format)
        + common
        + _routes(decision, code),
        counted_as=code,
    )
    if form is None:
        return build_held(delivery, Code.FORMAT_NOT_ACCEPTED, f"{code} takes no {message_type}")
    try:
        return replace(delivery, value=content.in_format(form))
    except MessageError as error:
        return build_held(delivery, error.code, error.detail)


def _own_headers(submission: Submission, reference: Reference, code: AgencyCode, form: Format) -> Headers:
    return cloud_event_headers(
        submission,
        reference.window.source,
        identifier=f"{submission.submission_id}.{submission.attempt}.{code}",
        type_=_DELIVERED,
        content_type=topics.CONTENT_TYPE_BY_FORMAT[form],
    ) + encode_headers(((topics.H_AGENCY, code), (topics.H_FORMAT, form)))


def _routes(decision: Decision, code: AgencyCode) -> Headers:
    routes = dict.fromkeys(each.route for each in decision.reasons if each.agency == code)
    return encode_headers(((topics.H_ROUTES, ",".join(routes)),))


def _common_headers(
    submission: Submission, reference: Reference, document: Document, data: CanonicalFields, digest: str
) -> Headers:
    return encode_headers(
        (
            (topics.H_CONVERSATION, submission.conversation_id),
            (topics.H_SUBMISSION, submission.submission_id),
            (topics.H_PARTY, submission.party),
            (topics.H_REFERENCE, data.reference_number),
            (topics.H_MESSAGE_TYPE, document.message_type.name),
            (topics.H_MESSAGE_VERSION, document.message_type.version),
            (topics.H_LODGED_AT, format_time(submission.lodged_at)),
            (topics.H_VIEW, IDENTITY_VIEW),
            (topics.H_ORIGINAL_FORMAT, document.format),
            (topics.H_ORIGINAL_DIGEST, digest),
            (topics.H_REFERENCE_VERSION, reference.version),
        )
    )
