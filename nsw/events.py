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


_SPECVERSION = (topics.CE_SPECVERSION, b"1.0")


class CloudEvents:
    """
    Writes the CloudEvents headers of all that the window publishes about one submission; most of them are the same.

    Args:
        source: URN of this window.
    """

    def __init__(self, submission: Submission, source: str) -> None:
        self.time = format_time(submission.lodged_at)
        self._about = encode_headers(
            (
                (topics.CE_SOURCE, source),
                (topics.CE_SUBJECT, submission.case_id),
                (topics.CE_TIME, self.time),
            )
        )
        self._trace = (topics.TRACEPARENT, traceparent_of(submission).encode())
        self._prefix = f"{submission.submission_id}.{submission.attempt}."

    def headers(self, suffix: str, type_: str, content_type: str) -> Headers:
        """
        Write the headers of one publication.

        Args:
            suffix: tells it from the others about the submission; the same again after a retry.
        """
        return (
            _SPECVERSION,
            (topics.CE_ID, (self._prefix + suffix).encode()),
            (topics.CE_TYPE, type_.encode()),
            *self._about,
            (topics.CONTENT_TYPE, content_type.encode()),
            self._trace,
        )


def build_event(
    submission: Submission, cloud: CloudEvents, type_: EventType, sequence: int, data: Mapping[str, object]
) -> Publication:
    """
    Write one event of a case.

    Args:
        cloud: of the submission.
        sequence: place among this submission's events, from 1.
        data: what happened; never payload and never personal data.
    """
    body = {
        "submission_id": submission.submission_id,
        "case_id": submission.case_id,
        "party": submission.party,
        "lodged_at": cloud.time,
        **data,
    }
    return Publication(
        Purpose.EVENT,
        topics.EVENTS,
        submission.case_id.encode(),
        orjson.dumps(body),
        cloud.headers(str(sequence), type_, "application/json"),
        counted_as=type_,
    )
