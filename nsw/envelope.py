"""
The stamp of intake: who sent a record, when it was lodged, and which case it belongs to.

In ``nsw.cases`` the sender's key is replaced by the case id, the sender's headers stand first and unchanged, and
one header of ours, the stamp, stands last. Only the last header counts, so that a sender cannot forge a stamp.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable

import orjson

from nsw import topics
from nsw.errors import Code, MessageError
from nsw.identifiers import CaseId, ConversationId, PartyId, SubmissionId
from nsw.model import Headers, Origin, Record, SenderRole, Submission, utc_from_ms

_APART = b'"apart":true'


def build_stamp(submission: Submission) -> tuple[str, bytes]:
    """Write a submission's stamp as the header that goes last."""
    origin = submission.origin
    stamp = {
        "role": submission.role,
        "sender": submission.sender,
        "party": submission.party,
        "attempt": submission.attempt,
        "submission_id": submission.submission_id,
        "case_id": submission.case_id,
        "conversation_id": submission.conversation_id,
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "timestamp_ms": origin.timestamp_ms,
        "key": None if origin.key is None else b64encode(origin.key).decode(),
    }
    return topics.H_STAMP, orjson.dumps(stamp)


def is_apart(record: Record) -> bool:
    """Tell whether a record's stamp says that it is to be judged in a process of its own; cheap."""
    # No text of the sender's can look like this: quotes inside a JSON string are escaped.
    return bool(record.headers) and _APART in record.headers[-1][1]


def with_apart(stamp: bytes) -> bytes:
    """Give a stamp that says so."""
    return orjson.dumps({**orjson.loads(stamp), "apart": True})


def parse_stamp(record: Record) -> Submission:
    """
    Read what intake settled about a record of ``nsw.cases``.

    Raises:
        MessageError: NSW-1041, the last header is no stamp of ours, or is that of another case than the key's.
    """
    if not record.headers or record.headers[-1][0] != topics.H_STAMP:
        raise MessageError(Code.STAMP_UNREADABLE, "the last header is not nsw-stamp")
    try:
        stamp = orjson.loads(record.headers[-1][1])
        key = stamp["key"]
        # The case is looked up by the record's key and kept under the stamp's: one must not overwrite another.
        if record.key != str(stamp["case_id"]).encode():
            raise MessageError(Code.STAMP_UNREADABLE, "the key is not its case")
        origin = Origin(
            stamp["topic"],
            stamp["partition"],
            stamp["offset"],
            stamp["timestamp_ms"],
            None if key is None else b64decode(key, validate=True),
        )
        return Submission(
            role=SenderRole(stamp["role"]),
            sender=stamp["sender"],
            party=PartyId(stamp["party"]),
            submission_id=SubmissionId(stamp["submission_id"]),
            case_id=CaseId(stamp["case_id"]),
            conversation_id=ConversationId(stamp["conversation_id"]),
            lodged_at=utc_from_ms(origin.timestamp_ms),
            origin=origin,
            value=record.value,
            headers=record.headers[:-1],
            attempt=stamp["attempt"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, Base64Error) as error:
        raise MessageError(Code.STAMP_UNREADABLE, type(error).__name__) from error


def single_header(headers: Headers, name: str) -> str | None:
    """
    Give the text of a header that may stand once.

    Returns:
        None when it is absent; repeated headers with the same value count as one.

    Raises:
        MessageError: NSW-1023 several values, NSW-1024 not UTF-8.
    """
    values = {value for each, value in headers if each == name}
    if not values:
        return None
    if len(values) > 1:
        raise MessageError(Code.HEADER_TWICE, name)
    try:
        return values.pop().decode()
    except UnicodeDecodeError as error:
        raise MessageError(Code.HEADER_NOT_UTF8, name) from error


def last_header(headers: Headers, name: str) -> str | None:
    """Give the last header of a name as text; ours stand last, so a sender's cannot hide them."""
    for each, value in reversed(headers):
        if each == name:
            return value.decode("utf-8", "replace")
    return None


def encode_headers(pairs: Iterable[tuple[str, str | None]]) -> Headers:
    """Write headers of ours, leaving out those without a value."""
    return tuple((name, value.encode()) for name, value in pairs if value is not None)
