"""
Events: facts in the past about a case, as CloudEvents with JSON data.

Source: CloudEvents 1.0.2, Kafka protocol binding, binary content mode.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import orjson

from nsw import topics
from nsw.envelope import encode_headers
from nsw.identifiers import build_traceparent, is_traceparent
from nsw.model import Headers, Publication, Purpose, Submission


class EventType(StrEnum):
    """The closed set of events; each is a noun and a past participle."""

    DECLARATION_RECEIVED = "nsw.declaration.received"
    DECLARATION_ACCEPTED = "nsw.declaration.accepted"
    DECLARATION_REJECTED = "nsw.declaration.rejected"
    DECLARATION_REPEATED = "nsw.declaration.repeated"
    DECLARATION_ROUTED = "nsw.declaration.routed"
    DECLARATION_ACKNOWLEDGED = "nsw.declaration.acknowledged"
    RESPONSE_RECEIVED = "nsw.response.received"
    RESPONSE_DELIVERED = "nsw.response.delivered"
    DELIVERY_HELD = "nsw.delivery.held"
    DEAD_LETTER_KEPT = "nsw.deadletter.kept"


def format_time(moment: datetime) -> str:
    """Write an aware UTC time by RFC 3339 with milliseconds."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def traceparent_of(submission: Submission) -> str:
    """Continue the sender's trace where it gave a usable one, else begin one from the submission's id."""
    for name, value in submission.headers:
        text = value.decode("ascii", "replace")
        if name == topics.TRACEPARENT and is_traceparent(text):
            return text
    return build_traceparent(submission.submission_id)


def cloud_event_headers(
    submission: Submission, source: str, *, identifier: str, type_: str, content_type: str
) -> Headers:
    """
    Write the CloudEvents headers of something that the window publishes about a submission.

    Args:
        source: URN of this window.
        identifier: unique within *source*; derived from the submission, so that a retry gives the same.
    """
    return encode_headers(
        (
            (topics.CE_SPECVERSION, "1.0"),
            (topics.CE_ID, identifier),
            (topics.CE_TYPE, type_),
            (topics.CE_SOURCE, source),
            (topics.CE_SUBJECT, submission.case_id),
            (topics.CE_TIME, format_time(submission.lodged_at)),
            (topics.CONTENT_TYPE, content_type),
            (topics.TRACEPARENT, traceparent_of(submission)),
        )
    )


def build_event(
    submission: Submission, source: str, type_: EventType, sequence: int, data: Mapping[str, object]
) -> Publication:
    """
    Write one event of a case.

    Args:
        sequence: place among this submission's events, from 1.
        data: what happened; never payload and never personal data.
    """
    body = {
        "submission_id": submission.submission_id,
        "case_id": submission.case_id,
        "party": submission.party,
        "lodged_at": format_time(submission.lodged_at),
        **data,
    }
    identifier = f"{submission.submission_id}.{submission.attempt}.{sequence}"
    headers = cloud_event_headers(
        submission, source, identifier=identifier, type_=type_, content_type="application/json"
    )
    return Publication(
        Purpose.EVENT,
        topics.EVENTS,
        submission.case_id.encode(),
        orjson.dumps(body),
        headers,
        counted_as=type_,
    )
