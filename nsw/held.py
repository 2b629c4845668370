"""Held publications: what could not go to its destination yet, kept whole until the destination is there."""

from dataclasses import dataclass

from nsw import topics
from nsw.envelope import encode_headers, last_header
from nsw.errors import Code
from nsw.model import Publication, Purpose, Record

TOPIC = "nsw-held-topic"
CODE = "nsw-held-code"
DETAIL = "nsw-held-detail"
_OURS = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A held publication read back: where it was meant to go, and why it could not."""

    code: str
    detail: str
    meant: Publication


def build_held(publication: Publication, code: Code, detail: str) -> Publication:
    """Keep a publication; ours are the last three headers."""
    ours = encode_headers(((TOPIC, publication.topic), (CODE, code), (DETAIL, detail)))
    return Publication(
        Purpose.HELD,
        topics.HELD,
        publication.key,
        publication.value,
        publication.headers + ours,
        counted_as=code,
    )


def parse_held(record: Record) -> Held:
    """
    Read a held publication back.

    Raises:
        ValueError: the record of ``nsw.held`` was not written by the window.
    """
    ours = record.headers[-_OURS:]
    topic, code, detail = (last_header(ours, name) for name in (TOPIC, CODE, DETAIL))
    if topic is None or code is None or detail is None:
        raise ValueError("the last three headers are not those of a held publication")
    meant = Publication(Purpose.DELIVERY, topic, record.key, record.value, record.headers[:-_OURS])
    return Held(code, detail, meant)
