"""
Intake's decisions, pure: from a record in an inbox or an agency's outbox to its place in ``nsw.cases``.

Nothing of the value is parsed. The topic proves the sender; the broker's time of arrival is the lodging time.
"""

from dataclasses import dataclass

from nsw import topics
from nsw.deadletter import build_dead_letter, origin_of
from nsw.envelope import build_stamp, single_header
from nsw.errors import Code, InvariantError, MessageError
from nsw.identifiers import (
    CaseId,
    ConversationId,
    PartyId,
    build_case_id,
    build_conversation_id,
    build_submission_id,
    parse_conversation_id,
    split_case_id,
)
from nsw.model import Publication, Purpose, Record, SenderRole, Submission, utc_from_ms

MAX_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True)
class LodgingSettings:
    """
    What intake must know.

    Attributes:
        cluster: id of the Kafka cluster, part of every submission's id.
        conversation_key: secret of the conversation ids, at least 16 bytes.
        case_partitions: how many partitions ``nsw.cases`` has; never changes silently.
        version: of this software, for dead letters.
    """

    cluster: str
    conversation_key: bytes
    case_partitions: int
    version: str


def lodge(record: Record, settings: LodgingSettings) -> Publication:
    """
    Give a record its submission, case and lodging time.

    Returns:
        The record for ``nsw.cases``, or a dead letter where the case can't be known.

    Raises:
        InvariantError: the record stands in a topic that intake does not serve.
    """
    try:
        return _for_cases(_submission_of(record, settings), settings)
    except MessageError as error:
        return refuse(record, error.code, error.detail, settings)


def refuse(record: Record, code: Code, detail: str, settings: LodgingSettings) -> Publication:
    """Keep a record as a dead letter that intake cannot bring to a case."""
    submission = _sent(record, settings, CaseId(""))
    return build_dead_letter(submission, code, detail, version=settings.version, stamped=False)


def sender_of(topic: str) -> tuple[SenderRole, str]:
    """
    Tell who writes a topic.

    Raises:
        InvariantError: it is neither an inbox nor an agency's outbox.
    """
    party = topics.party_of_inbox(topic)
    if party is not None:
        return SenderRole.TRADER, party
    agency = topics.agency_of_outbox(topic)
    if agency is not None:
        return SenderRole.AGENCY, agency
    raise InvariantError(f"intake does not serve the topic {topic}")


def _submission_of(record: Record, settings: LodgingSettings) -> Submission:
    if not record.log_append_time:
        raise MessageError(Code.NOT_LOG_APPEND_TIME)
    if record.key is not None and len(record.key) > MAX_KEY_BYTES:
        raise MessageError(Code.KEY_TOO_LONG, f"{len(record.key)} bytes, {MAX_KEY_BYTES} allowed")
    role, sender = sender_of(record.topic)
    if role is SenderRole.TRADER:
        return _sent(record, settings, build_case_id(sender, record.key))
    conversation = single_header(record.headers, topics.H_CONVERSATION)
    if conversation is None:
        raise MessageError(Code.CONVERSATION_MISSING)
    return _sent(record, settings, parse_conversation_id(conversation, settings.conversation_key))


def _sent(record: Record, settings: LodgingSettings, case_id: CaseId) -> Submission:
    role, sender = sender_of(record.topic)
    party = split_case_id(case_id)[0] if case_id else PartyId("")
    return Submission(
        role=role,
        sender=sender,
        party=party,
        submission_id=build_submission_id(settings.cluster, record.topic, record.partition, record.offset),
        case_id=case_id,
        conversation_id=build_conversation_id(case_id, settings.conversation_key)
        if case_id
        else ConversationId(""),
        lodged_at=utc_from_ms(record.timestamp_ms),
        origin=origin_of(record),
        value=record.value,
        headers=record.headers,
    )


def _for_cases(submission: Submission, settings: LodgingSettings) -> Publication:
    key = submission.case_id.encode()
    return Publication(
        Purpose.CASE,
        topics.CASES,
        key,
        submission.value,
        (*submission.headers, build_stamp(submission)),
        partition=topics.case_partition(key, settings.case_partitions),
    )
