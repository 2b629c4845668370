"""
Compares what came out of the window with what had to come: pure, and every difference is named.

One answer for each record, one delivery for each agency, one forwarded response for each delivery, one dead letter
for each record that can't be understood, the events of each step; nothing twice, and nothing else.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from nsw.demo.facts import (
    Accepts,
    Happenings,
    Responded,
    SeenAnswer,
    SeenDelivery,
    SeenEvent,
    SeenLetter,
    Sent,
)
from nsw.errors import Verdict
from nsw.events import EventType
from nsw.model import Format

_K = TypeVar("_K", bound=Hashable)
_V = TypeVar("_V")

_EVENTS_BY_VERDICT = {
    Verdict.ACCEPTED: (
        EventType.DECLARATION_RECEIVED,
        EventType.DECLARATION_ACCEPTED,
        EventType.DECLARATION_ROUTED,
        EventType.DECLARATION_ACKNOWLEDGED,
    ),
    Verdict.REJECTED: (EventType.DECLARATION_RECEIVED, EventType.DECLARATION_REJECTED),
    Verdict.DEAD_LETTER: (EventType.DECLARATION_RECEIVED, EventType.DEAD_LETTER_KEPT),
}
_SHOWN_CHARACTERS = 160
_DIGEST = re.compile("[0-9a-f]{64}")
_EVENTS_OF_RESPONSE = (EventType.RESPONSE_RECEIVED, EventType.RESPONSE_DELIVERED)


class Kind(StrEnum):
    """What differs."""

    ANSWER_MISSING = "answer missing"
    ANSWER_TOO_MANY = "answer too many"
    ANSWER_WRONG = "answer wrong"
    DELIVERY_MISSING = "delivery missing"
    DELIVERY_TOO_MANY = "delivery too many"
    DELIVERY_WRONG = "delivery wrong"
    RESPONSE_MISSING = "response missing"
    RESPONSE_TOO_MANY = "response too many"
    RESPONSE_WRONG = "response wrong"
    DEAD_LETTER_MISSING = "dead letter missing"
    DEAD_LETTER_TOO_MANY = "dead letter too many"
    DEAD_LETTER_WRONG = "dead letter wrong"
    EVENTS_WRONG = "events wrong"
    STRANGE = "nobody sent this"


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One thing that is not as it had to be.

    Attributes:
        submission_id: for ``nsw trace``.
        title: what the record is.
        text: what was expected, and what was seen.
    """

    kind: Kind
    submission_id: str
    reference_number: str
    title: str
    text: str


def compare(happenings: Happenings) -> list[Difference]:
    """List every difference, in the order of what was sent; what nobody sent stands last."""
    seen = happenings.seen
    index = _Index(
        answers=_grouped(seen.answers, lambda each: each.submission_id),
        deliveries=_grouped(seen.deliveries, lambda each: each.submission_id),
        letters=_grouped(seen.letters, lambda each: each.submission_id),
        events=_grouped(seen.events, lambda each: each.submission_id),
        responded=_grouped(happenings.responded, lambda each: each.submission_id),
    )
    found = [each for sent in happenings.sent for each in _differences(sent, index, happenings.accepts)]
    if not happenings.strangers:
        found.extend(_strange(happenings, index))
    return found


@dataclass(frozen=True, slots=True)
class _Index:
    """All that was seen, by submission id."""

    answers: dict[str, list[SeenAnswer]]
    deliveries: dict[str, list[SeenDelivery]]
    letters: dict[str, list[SeenLetter]]
    events: dict[str, list[SeenEvent]]
    responded: dict[str, list[Responded]]


def _grouped(values: Iterable[_V], key: Callable[[_V], _K]) -> dict[_K, list[_V]]:
    groups: dict[_K, list[_V]] = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return groups


_Found = Iterator[tuple[Kind, str]]


def _differences(sent: Sent, index: _Index, accepts: Accepts) -> Iterator[Difference]:
    name = sent.submission_id
    responded = index.responded.get(name, [])
    for kind, text in (
        *_answer_differences(sent, index.answers.get(name, [])),
        *_delivery_differences(sent, index.deliveries.get(name, []), accepts),
        *_letter_differences(sent, index.letters.get(name, [])),
        *_event_differences(sent, index.events.get(name, [])),
        *_response_differences(sent, responded, index),
    ):
        yield Difference(kind, name, sent.reference_number, sent.title, text)


def _answer_differences(sent: Sent, answers: Sequence[SeenAnswer]) -> _Found:
    expected = sent.expected
    wanted = 1 if expected.answered else 0
    if len(answers) != wanted:
        kind = Kind.ANSWER_MISSING if len(answers) < wanted else Kind.ANSWER_TOO_MANY
        yield kind, f"{wanted} expected in the outbox of {sent.party}, {len(answers)} seen"
    rejected = expected.verdict is not Verdict.ACCEPTED
    for answer in answers:
        yield from _each_wrong(
            Kind.ANSWER_WRONG,
            ("party", sent.party, answer.party),
            ("agency", "", answer.agency),
            ("verdict", expected.verdict, answer.verdict),
            ("format", sent.answer_form, answer.form),
            ("finding codes", expected.codes if rejected else (), answer.codes),
            ("agencies", expected.agencies, answer.agencies),
        )


def _delivery_differences(sent: Sent, deliveries: Sequence[SeenDelivery], accepts: Accepts) -> _Found:
    by_agency = _grouped(deliveries, lambda each: each.agency)
    for agency in sorted({*sent.expected.agencies, *by_agency}):
        wanted = 1 if agency in sent.expected.agencies else 0
        found = len(by_agency.get(agency, ()))
        if found != wanted:
            kind = Kind.DELIVERY_MISSING if found < wanted else Kind.DELIVERY_TOO_MANY
            yield kind, f"{wanted} expected for {agency}, {found} seen"
    for delivery in deliveries:
        yield from _each_wrong(
            Kind.DELIVERY_WRONG,
            ("party", sent.party, delivery.party),
            ("reference number", sent.reference_number, delivery.reference_number),
            ("original's SHA-256", sent.digest, delivery.original_digest),
            ("format", _delivered_form(sent, accepts.get(delivery.agency, ())), delivery.form),
            _bytes_or_content(sent, delivery),
            where=f"to {delivery.agency}: ",
        )


def _delivered_form(sent: Sent, accepted: Sequence[Format]) -> Format | None:
    """Give the original's format if the agency takes it, else the one that it likes best."""
    return sent.form if sent.form in accepted else next(iter(accepted), None)


def _bytes_or_content(sent: Sent, delivery: SeenDelivery) -> tuple[str, object, object]:
    """In the original's format the bytes must be the original's; in the other one the content must."""
    if delivery.form is sent.form:
        return ("SHA-256", sent.digest, delivery.digest)
    return ("content", sent.content, delivery.content)


def _letter_differences(sent: Sent, letters: Sequence[SeenLetter]) -> _Found:
    wanted = 1 if sent.expected.verdict is Verdict.DEAD_LETTER else 0
    if len(letters) != wanted:
        kind = Kind.DEAD_LETTER_MISSING if len(letters) < wanted else Kind.DEAD_LETTER_TOO_MANY
        codes = " ".join(each.code for each in letters)
        yield kind, f"{wanted} expected, {len(letters)} seen {codes}".rstrip()
    for letter in letters:
        yield from _each_wrong(
            Kind.DEAD_LETTER_WRONG,
            ("code", sent.expected.codes, (letter.code,)),
            ("sender", sent.party, letter.sender),
            (
                "origin",
                (sent.topic, sent.partition, sent.offset),
                (letter.topic, letter.partition, letter.offset),
            ),
            ("key", sent.key, letter.key),
            ("SHA-256", sent.digest, letter.digest),
            ("headers", sent.headers, letter.headers),
        )


def _event_differences(sent: Sent, events: Sequence[SeenEvent]) -> _Found:
    expected = sent.expected
    wanted = _EVENTS_BY_VERDICT[expected.verdict] if expected.answered else ()
    yield from _each_wrong(Kind.EVENTS_WRONG, ("events", tuple(wanted), tuple(each.type for each in events)))
    codes = tuple(sorted(set(expected.codes)))
    for event in events:
        if event.type in (EventType.DECLARATION_ACCEPTED, EventType.DECLARATION_REJECTED):
            yield from _each_wrong(Kind.EVENTS_WRONG, (f"codes in {event.type}", codes, event.codes))
        if event.type == EventType.DECLARATION_ROUTED:
            yield from _each_wrong(
                Kind.EVENTS_WRONG, (f"agencies in {event.type}", expected.agencies, event.agencies)
            )


def _response_differences(sent: Sent, responded: Sequence[Responded], index: _Index) -> _Found:
    by_agency = Counter(each.agency for each in responded)
    for agency in sent.expected.agencies:
        if by_agency[agency] != 1:
            kind = Kind.RESPONSE_MISSING if not by_agency[agency] else Kind.RESPONSE_TOO_MANY
            yield kind, f"{agency} responded {by_agency[agency]} times"
    for response in responded:
        yield from _forwarding_differences(sent, response, index)


def _forwarding_differences(sent: Sent, response: Responded, index: _Index) -> _Found:
    forwarded = index.answers.get(response.response_id, [])
    where = f"from {response.agency}: "
    if len(forwarded) != 1:
        kind = Kind.RESPONSE_MISSING if not forwarded else Kind.RESPONSE_TOO_MANY
        yield kind, f"{where}{len(forwarded)} in the outbox of {sent.party}, 1 expected"
    for letter in index.letters.get(response.response_id, ()):
        yield Kind.DEAD_LETTER_TOO_MANY, f"{where}the response became a dead letter with {letter.code}"
    for answer in forwarded:
        yield from _each_wrong(
            Kind.RESPONSE_WRONG,
            ("party", sent.party, answer.party),
            ("agency", response.agency, answer.agency),
            ("reference number", sent.reference_number, answer.reference_number),
            ("content", response.content, answer.content),
            where=where,
        )
    events = tuple(each.type for each in index.events.get(response.response_id, ()))
    yield from _each_wrong(Kind.EVENTS_WRONG, ("events", _EVENTS_OF_RESPONSE, events), where=where)


def _each_wrong(kind: Kind, *pairs: tuple[str, object, object], where: str = "") -> _Found:
    for what, wanted, found in pairs:
        if wanted != found:
            yield kind, f"{where}{what}: {_shown(wanted)} expected, {_shown(found)} seen"


def _shown(value: object) -> str:
    """Write a value for people, cut short."""
    if isinstance(value, tuple):
        text = " ".join(map(_shown, value)) or "none"
    elif isinstance(value, bytes):
        text = value.decode("ascii", "backslashreplace")
    else:
        text = "none" if value in (None, "") else str(value)
    if _DIGEST.fullmatch(text):
        return text[:12] + "…"
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"


def _strange(happenings: Happenings, index: _Index) -> Iterator[Difference]:
    """Find what belongs to nothing that was sent."""
    known = {each.submission_id for each in happenings.sent}
    known |= {each.response_id for each in happenings.responded}
    for what, by_submission in (
        ("in an outbox", index.answers),
        ("in an agency's inbox", index.deliveries),
        ("as dead letter", index.letters),
        ("as event", index.events),
    ):
        for name in sorted(set(by_submission) - known):
            yield Difference(Kind.STRANGE, name, "", "", f"{len(by_submission[name])} {what}")
