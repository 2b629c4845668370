"""
Dead letters: records that could not be understood or processed, kept unchanged with origin and reason.

A dead letter has the original key, value and headers (first, unchanged); ours follow. Read ours from the end.
"""

from dataclasses import dataclass

import orjson

from nsw import topics
from nsw.envelope import build_stamp, encode_headers, last_header, with_apart
from nsw.errors import CATALOGUE, Code
from nsw.model import Headers, Origin, Publication, Purpose, Record, Submission

CODE = "nsw-dead-letter-code"
DETAIL = "nsw-dead-letter-detail"
IDENTIFIER = "nsw-dead-letter-id"
SENDER = "nsw-dead-letter-sender"
TOPIC = "nsw-dead-letter-topic"
PARTITION = "nsw-dead-letter-partition"
OFFSET = "nsw-dead-letter-offset"
TIMESTAMP = "nsw-dead-letter-timestamp"
ATTEMPTS = "nsw-dead-letter-attempts"
VERSION = "nsw-dead-letter-version"
HEADER_COUNT = "nsw-dead-letter-original-headers"
_MAX_DETAIL = 2000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    A dead letter read back.

    Attributes:
        identifier: the submission's id.
        sender: party id or agency code.
        original: the record as it stood in its origin.
        attempts: how often the window tried, replays included.
        version: of the software that gave up.
        stamp: the value of its stamp in ``nsw.cases``; None when intake gave up before there was one.
    """

    identifier: str
    code: str
    detail: str
    sender: str
    original: Record
    attempts: int
    version: str
    stamp: bytes | None


def build_dead_letter(
    submission: Submission, code: Code, detail: str, *, version: str, stamped: bool = True
) -> Publication:
    """
    Write the dead letter of a submission.

    Args:
        stamped: False when intake gave up before the submission had a case.
    """
    origin = submission.origin
    stamp = (build_stamp(submission),) if stamped else ()
    ours = encode_headers(
        (
            (IDENTIFIER, submission.submission_id),
            (CODE, code),
            (DETAIL, (detail or CATALOGUE[code].text_en)[:_MAX_DETAIL]),
            (SENDER, submission.sender),
            (TOPIC, origin.topic),
            (PARTITION, str(origin.partition)),
            (OFFSET, str(origin.offset)),
            (TIMESTAMP, str(origin.timestamp_ms)),
            (ATTEMPTS, str(submission.attempt)),
            (VERSION, version),
            (HEADER_COUNT, str(len(submission.headers))),
        )
    )
    return Publication(
        Purpose.DEAD_LETTER,
        topics.DEAD_LETTERS,
        origin.key,
        submission.value,
        submission.headers + stamp + ours,
        counted_as=code,
    )


def parse_dead_letter(record: Record) -> DeadLetter:
    """
    Read a dead letter back.

    Raises:
        ValueError: the record of ``nsw.deadletters`` was not written by the window.
    """
    try:
        count = int(_required(record.headers, HEADER_COUNT))
        original = Record(
            topic=_required(record.headers, TOPIC),
            partition=int(_required(record.headers, PARTITION)),
            offset=int(_required(record.headers, OFFSET)),
            timestamp_ms=int(_required(record.headers, TIMESTAMP)),
            key=record.key,
            value=record.value,
            headers=record.headers[:count],
        )
        after = record.headers[count:]
        return DeadLetter(
            identifier=_required(after, IDENTIFIER),
            code=_required(after, CODE),
            detail=_required(after, DETAIL),
            sender=_required(after, SENDER),
            original=original,
            attempts=int(_required(after, ATTEMPTS)),
            version=_required(after, VERSION),
            stamp=next((value for name, value in after if name == topics.H_STAMP), None),
        )
    except KeyError as error:
        raise ValueError(f"header {error} is missing") from error


def _required(headers: Headers, name: str) -> str:
    text = last_header(headers, name)
    if text is None:
        raise KeyError(name)
    return text


def plan_replay(letter: DeadLetter, case_partitions: int) -> Publication:
    """
    Say how a dead letter goes through the window again.

    With a stamp it goes back into ``nsw.cases`` with the same lodging time and ids, so that the answer is for
    the submission that the sender knows; without one it goes back to the topic where it came from. What ended processes
    is judged in one of its own at once.

    Args:
        case_partitions: how many partitions ``nsw.cases`` has.
    """
    original = letter.original
    if letter.stamp is None:
        return Publication(Purpose.CASE, original.topic, original.key, original.value, original.headers)
    stamp = orjson.loads(letter.stamp)
    key = str(stamp["case_id"]).encode()
    again = orjson.dumps({**stamp, "attempt": letter.attempts + 1})
    if letter.code == Code.ENDS_PROCESS:
        again = with_apart(again)
    return Publication(
        Purpose.CASE,
        topics.CASES,
        key,
        original.value,
        (*original.headers, (topics.H_STAMP, again)),
        partition=topics.case_partition(key, case_partitions),
    )


def origin_of(record: Record) -> Origin:
    """Give the origin of a record that stands where its sender put it."""
    return Origin(record.topic, record.partition, record.offset, record.timestamp_ms, record.key)
