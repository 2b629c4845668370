"""What moves through the window: frozen values, without behaviour beyond reading themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from nsw.errors import CATALOGUE, Code, Layer, MessageError, Severity, Verdict
from nsw.identifiers import AgencyCode, CaseId, ConversationId, PartyId, SubmissionId

__all__ = [
    "CanonicalFields",
    "Decision",
    "Finding",
    "Format",
    "Headers",
    "Item",
    "Kind",
    "Origin",
    "Publication",
    "Purpose",
    "Reason",
    "Record",
    "SenderRole",
    "Submission",
    "Verdict",
    "finding_of",
    "utc_from_ms",
]

Headers = tuple[tuple[str, bytes], ...]


class Format(StrEnum):
    """A wire format of documents."""

    XML = "xml"
    AVRO = "avro"


class Kind(StrEnum):
    """What a message type is for; the sender's role decides which kinds are welcome."""

    DECLARATION = "declaration"
    AMENDMENT = "amendment"
    CANCELLATION = "cancellation"
    RESPONSE = "response"
    ACKNOWLEDGEMENT = "acknowledgement"
    REJECTION = "rejection"

    @property
    def is_lodged(self) -> bool:
        """Whether traders lodge such documents."""
        return self in (Kind.DECLARATION, Kind.AMENDMENT, Kind.CANCELLATION)


class SenderRole(StrEnum):
    """Who wrote a record, as proven by its topic."""

    TRADER = "trader"
    AGENCY = "agency"


class Purpose(StrEnum):
    """What a publication is, for counting and for holding back."""

    CASE = "case"
    CASE_STATE = "case-state"
    DELIVERY = "delivery"
    ANSWER = "answer"
    EVENT = "event"
    DEAD_LETTER = "dead-letter"
    HELD = "held"
    CONTROL = "control"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Record:
    """
    What a broker stores.

    Attributes:
        timestamp_ms: milliseconds since 1970-01-01 UTC, as the broker stamped it.
        headers: name and value in the order sent; names may repeat.
        log_append_time: whether the broker's clock gave the timestamp, not the sender's.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    log_append_time: bool = True

    @property
    def next_offset(self) -> int:
        """The offset that is committed once this record is done."""
        return self.offset + 1


@dataclass(frozen=True, slots=True)
class Publication:
    """
    One record to be published.

    Attributes:
        partition: None lets the client choose by key.
        counted_as: label for the metric of its purpose (an agency's or a dead letter's code).
    """

    purpose: Purpose
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int | None = None
    counted_as: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record stood when it came to the window, with the key it had there."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None


@dataclass(frozen=True, slots=True)
class Submission:
    """
    A record whose sender, case and lodging time are settled.

    Attributes:
        sender: party id or agency code, by role.
        party: the party whose case it is (of an agency's answer: the trader's).
        lodged_at: aware UTC; the broker's time of arrival in the inbox.
        headers: the sender's own, unchanged.
        attempt: which try this is, from 1; a replay of a dead letter counts one more.
    """

    role: SenderRole
    sender: str
    party: PartyId
    submission_id: SubmissionId
    case_id: CaseId
    conversation_id: ConversationId
    lodged_at: datetime
    origin: Origin
    value: bytes | None
    headers: Headers
    attempt: int = 1

    def lodged_on(self, time_zone: ZoneInfo) -> date:
        """Give the legal lodging date: rules and tables in force on it apply."""
        return self.lodged_at.astimezone(time_zone).date()


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What a check reports.

    Attributes:
        code: of the catalogue in ``errors``, or the id of a business rule.
        path: place as a chain of ``/name[index]`` steps from the root, 1-based, every step with its index; names
            have the document's own prefixes, if it has any.
        line: 1-based line in an XML document; None for Avro.
        source: the regulation, manual or standard behind it.
    """

    code: str
    severity: Severity
    layer: Layer
    path: str | None
    line: int | None
    text_en: str
    text_th: str
    source: str = ""
    column: int | None = None


def finding_of(
    error: MessageError | Code, detail: str = "", *, path: str | None = None, line: int | None = None
) -> Finding:
    """Turn a code of the catalogue, or the error that carries it, into a finding."""
    column = None
    if isinstance(error, MessageError):
        detail, line, column, code = error.detail, error.line, error.column, error.code
    else:
        code = error
    entry = CATALOGUE[code]
    # What was seen may hold characters that no XML answer can carry.
    detail = "".join(each if each.isprintable() else "\ufffd" for each in detail)
    severity = Severity.WARNING if entry.verdict is Verdict.ACCEPTED else Severity.ERROR
    return Finding(
        code=code,
        severity=severity,
        layer=entry.layer,
        path=path,
        line=line,
        text_en=entry.text_en.format(detail=detail),
        text_th=entry.text_th.format(detail=detail),
        source=entry.source,
        column=column,
    )


@dataclass(frozen=True, slots=True)
class Item:
    """One goods item by its canonical fields; *number* is its 1-based place in the document."""

    number: int
    fields: Mapping[str, str]

    @property
    def tariff_code(self) -> str:
        """Tariff code as declared; '' when the document has none."""
        return self.fields.get("tariff_code", "")

    @property
    def statistical_code(self) -> str:
        """Statistical code as declared; '' when the document has none."""
        return self.fields.get("statistical_code", "")


@dataclass(frozen=True, slots=True)
class CanonicalFields:
    """
    The fields of a document that routing, cases and answers need, under names common to all message types.

    Attributes:
        fields: canonical name to text with surrounding white space removed; absent fields are left out.
    """

    fields: Mapping[str, str]
    items: tuple[Item, ...] = ()

    @property
    def reference_number(self) -> str | None:
        """The sender's own number of this document."""
        return self.fields.get("reference_number")

    @property
    def case_reference(self) -> str | None:
        """The reference number of the declaration that this document is about: the case's."""
        return self.fields.get("original_reference") or self.reference_number


@dataclass(frozen=True, slots=True)
class Reason:
    """
    Why one agency gets one declaration.

    Attributes:
        route: ``permits`` or the id of a route in ``routes.yaml``.
        items: 1-based numbers of the goods items concerned; empty when the whole declaration is.
    """

    agency: AgencyCode
    route: str
    text_en: str
    text_th: str
    items: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Which agencies get a declaration (sorted), and every reason."""

    agencies: tuple[AgencyCode, ...] = ()
    reasons: tuple[Reason, ...] = field(default=())


def utc_from_ms(timestamp_ms: int) -> datetime:
    """Read a broker's timestamp as an aware UTC time."""
    return datetime.fromtimestamp(timestamp_ms // 1000, UTC).replace(microsecond=timestamp_ms % 1000 * 1000)
