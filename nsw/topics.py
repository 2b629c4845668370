"""Names, partitions, settings, keys and headers of every topic: the one place that spells them."""

import re
from dataclasses import dataclass
from zlib import crc32

from nsw.identifiers import AgencyCode, PartyId

INBOX_PATTERN = r"^nsw\.inbox\..+"
AGENCY_OUTBOX_PATTERN = r"^nsw\.agency\..+\.outbox$"
CASES = "nsw.cases"
EVENTS = "nsw.events"
DEAD_LETTERS = "nsw.deadletters"
HELD = "nsw.held"
CONTROL = "nsw.control"
REFERENCE = "nsw.reference"
CASES_CHANGELOG = "nsw.cases.changelog"

_INBOX = re.compile(r"nsw\.inbox\.([A-Za-z0-9_-]{1,64})")
_AGENCY_OUTBOX = re.compile(r"nsw\.agency\.([A-Z][A-Z0-9_-]{1,31})\.outbox")

# Our headers. CloudEvents' and the trace parent's names are theirs; everything else begins with nsw-.
CE_SPECVERSION = "ce_specversion"
CE_ID = "ce_id"
CE_TYPE = "ce_type"
CE_SOURCE = "ce_source"
CE_SUBJECT = "ce_subject"
CE_TIME = "ce_time"
CONTENT_TYPE = "content-type"
TRACEPARENT = "traceparent"
H_STAMP = "nsw-stamp"
H_CONVERSATION = "nsw-conversation-id"
H_SUBMISSION = "nsw-submission-id"
H_PARTY = "nsw-party"
H_AGENCY = "nsw-agency"
H_REFERENCE = "nsw-reference-number"
H_MESSAGE_TYPE = "nsw-message-type"
H_MESSAGE_VERSION = "nsw-message-version"
H_LODGED_AT = "nsw-lodged-at"
H_VIEW = "nsw-view"
H_FORMAT = "nsw-format"
H_ORIGINAL_FORMAT = "nsw-original-format"
H_ORIGINAL_DIGEST = "nsw-original-digest"
H_REFERENCE_VERSION = "nsw-reference-data-version"
H_ROUTES = "nsw-routes"
H_VERDICT = "nsw-verdict"
H_REPEATS = "nsw-repeats-submission-id"

CONTENT_TYPE_BY_FORMAT = {"xml": "application/xml", "avro": "application/avro"}
#: What senders may write for a format, without parameters, lower case.
ACCEPTED_CONTENT_TYPES = {
    "xml": frozenset({"application/xml", "text/xml"}),
    "avro": frozenset({"application/avro", "avro/binary", "application/vnd.apache.avro+binary"}),
}

#: Room that outputs have beyond an inbox for what the window adds in headers.
OUTPUT_HEADROOM_BYTES = 64 * 1024
#: What the window itself has decided and kept is there until an operator says otherwise: it is the evidence.
FOR_EVER = "-1"
#: Connected systems have 90 days to read what is for them, and the window what is from them.
FOR_CONNECTIONS = str(90 * 24 * 60 * 60 * 1000)
#: A worker that was away for a week still learns which cases were forgotten meanwhile.
KEPT_REMOVALS = str(7 * 24 * 60 * 60 * 1000)
#: Room that an inbox has beyond the largest document for keys, headers and the batch's own bytes.
INBOX_HEADROOM_BYTES = 64 * 1024
#: The largest table: 10 times a code list of 100,000 rows, compressed by its writer.
LARGEST_TABLE_BYTES = 16 * 1024 * 1024


def inbox(party: PartyId) -> str:
    """Where a party's systems publish declarations."""
    return f"nsw.inbox.{party}"


def outbox(party: PartyId) -> str:
    """Where a party's systems read acknowledgements, rejections and agencies' answers."""
    return f"nsw.outbox.{party}"


def agency_inbox(agency: AgencyCode) -> str:
    """Where an agency's systems read the declarations that are for them."""
    return f"nsw.agency.{agency}.inbox"


def agency_outbox(agency: AgencyCode) -> str:
    """Where an agency's systems publish their answers."""
    return f"nsw.agency.{agency}.outbox"


def party_of_inbox(topic: str) -> PartyId | None:
    """Give the party whose inbox this is; None for any other topic."""
    match = _INBOX.fullmatch(topic)
    return PartyId(match[1]) if match else None


def agency_of_outbox(topic: str) -> AgencyCode | None:
    """Give the agency whose outbox this is; None for any other topic."""
    match = _AGENCY_OUTBOX.fullmatch(topic)
    return AgencyCode(match[1]) if match else None


def case_partition(key: bytes, partition_count: int) -> int:
    """
    Choose the partition of ``nsw.cases`` for a case.

    Clients' default partitioners disagree with each other, so the window hashes by itself: CRC-32 (ISO 3309).
    """
    return crc32(key) % partition_count


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """
    How a topic must be set up.

    Attributes:
        settings: the topic-level settings of Apache Kafka that the window relies on.
    """

    name: str
    partitions: int
    settings: dict[str, str]


def _settings(max_bytes: int, retention_ms: str) -> dict[str, str]:
    return {
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(max_bytes),
        "cleanup.policy": "delete",
        "retention.ms": retention_ms,
    }


def _compacted(max_bytes: int) -> dict[str, str]:
    return {
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(max_bytes),
        "cleanup.policy": "compact",
    }


def inbox_max_bytes(max_document_bytes: int) -> int:
    """How large a batch an inbox takes: the largest document, its key and headers."""
    return max_document_bytes + INBOX_HEADROOM_BYTES


def output_max_bytes(max_document_bytes: int) -> int:
    """How large a batch the window's own topics take: what an inbox takes, and what the window adds."""
    return inbox_max_bytes(max_document_bytes) + OUTPUT_HEADROOM_BYTES


def system_topics(*, case_partitions: int, max_document_bytes: int) -> tuple[TopicSpec, ...]:
    """List the topics that every window has."""
    large = output_max_bytes(max_document_bytes)
    return (
        TopicSpec(CASES, case_partitions, _settings(large, FOR_EVER)),
        TopicSpec(EVENTS, case_partitions, _settings(large, FOR_EVER)),
        TopicSpec(DEAD_LETTERS, 1, _settings(large + OUTPUT_HEADROOM_BYTES, FOR_EVER)),
        TopicSpec(HELD, 1, _settings(large + OUTPUT_HEADROOM_BYTES, FOR_EVER)),
        TopicSpec(CONTROL, 1, _compacted(OUTPUT_HEADROOM_BYTES)),
        TopicSpec(REFERENCE, 1, _compacted(LARGEST_TABLE_BYTES)),
        TopicSpec(
            CASES_CHANGELOG, case_partitions, _compacted(large) | {"delete.retention.ms": KEPT_REMOVALS}
        ),
    )


def party_topics(party: PartyId, *, max_document_bytes: int) -> tuple[TopicSpec, ...]:
    """List a party's two topics; one partition each keeps its order and trusts no partitioner."""
    return (
        TopicSpec(inbox(party), 1, _settings(inbox_max_bytes(max_document_bytes), FOR_CONNECTIONS)),
        TopicSpec(outbox(party), 1, _settings(output_max_bytes(max_document_bytes), FOR_CONNECTIONS)),
    )


def agency_topics(agency: AgencyCode, *, max_document_bytes: int) -> tuple[TopicSpec, ...]:
    """List an agency's two topics."""
    return (
        TopicSpec(agency_inbox(agency), 1, _settings(output_max_bytes(max_document_bytes), FOR_CONNECTIONS)),
        TopicSpec(agency_outbox(agency), 1, _settings(inbox_max_bytes(max_document_bytes), FOR_CONNECTIONS)),
    )
