"""Deliveries: a declaration to each agency's inbox, original bytes first, with what the agency must know in headers."""

from nsw import topics
from nsw.documents import Document, encode_document
from nsw.envelope import encode_headers
from nsw.errors import Code, MessageError
from nsw.events import CloudEvents
from nsw.held import build_held
from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Decision, Format, Publication, Purpose, Submission
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
    writer = _Writer(submission, reference, content, data, digest)
    routes_by_agency: dict[AgencyCode, dict[str, None]] = {}
    for reason in decision.reasons:
        routes_by_agency.setdefault(reason.agency, {})[reason.route] = None
    return tuple(writer.write(code, ",".join(routes_by_agency.get(code, ()))) for code in decision.agencies)


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


class _Writer:
    """Writes the deliveries of one declaration: most of what stands in their headers is the same for all agencies."""

    def __init__(
        self,
        submission: Submission,
        reference: Reference,
        content: _Content,
        data: CanonicalFields,
        digest: str,
    ) -> None:
        self._agencies = reference.tables.agencies
        self._content = content
        self._message_type = content.document.message_type.name
        self._key = submission.conversation_id.encode()
        self._cloud = CloudEvents(submission, reference.window.source)
        self._common = encode_headers(
            (
                (topics.H_CONVERSATION, submission.conversation_id),
                (topics.H_SUBMISSION, submission.submission_id),
                (topics.H_PARTY, submission.party),
                (topics.H_REFERENCE, data.reference_number),
                (topics.H_MESSAGE_TYPE, self._message_type),
                (topics.H_MESSAGE_VERSION, content.document.message_type.version),
                (topics.H_LODGED_AT, self._cloud.time),
                (topics.H_VIEW, IDENTITY_VIEW),
                (topics.H_ORIGINAL_FORMAT, content.document.format),
                (topics.H_ORIGINAL_DIGEST, digest),
                (topics.H_REFERENCE_VERSION, reference.version),
            )
        )

    def write(self, code: AgencyCode, routes: str) -> Publication:
        """Write the delivery to one agency; *routes* that led to it stand in a header."""
        form = self._content.choose(self._agencies[code].formats_for(self._message_type))
        try:
            value = self._content.original if form is None else self._content.in_format(form)
        except MessageError as error:
            return build_held(
                self._publication(code, routes, form, self._content.original), error.code, error.detail
            )
        delivery = self._publication(code, routes, form, value)
        if form is None:
            return build_held(delivery, Code.FORMAT_NOT_ACCEPTED, f"{code} takes no {self._message_type}")
        return delivery

    def _publication(self, code: AgencyCode, routes: str, form: Format | None, value: bytes) -> Publication:
        shown = form or self._content.document.format
        return Publication(
            Purpose.DELIVERY,
            topics.agency_inbox(code),
            self._key,
            value,
            (
                *self._cloud.headers(code, _DELIVERED, topics.CONTENT_TYPE_BY_FORMAT[shown]),
                (topics.H_AGENCY, code.encode()),
                (topics.H_FORMAT, shown.encode()),
                *self._common,
                (topics.H_ROUTES, routes.encode()),
            ),
            counted_as=code,
        )
