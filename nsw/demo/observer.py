"""Reads what the window publishes, as anybody with the right to read could: outboxes, inboxes, dead letters, events."""

import threading
from collections.abc import Mapping
from datetime import date

import orjson

from nsw import admin, topics
from nsw.client import Connection, parse_answer, parse_delivery
from nsw.deadletter import parse_dead_letter
from nsw.demo.contents import content_digest, listed_codes, read_document
from nsw.demo.facts import Observations, SeenAnswer, SeenDelivery, SeenEvent, SeenLetter, digest_of
from nsw.envelope import last_header
from nsw.identifiers import AgencyCode, PartyId
from nsw.model import Kind, Record
from nsw.reference import Reference

_READY_SECONDS = 30.0


class Notebook:
    """
    What was seen so far, read out of records one by one.

    Args:
        on: a day on which the window's own message types are in force.
    """

    def __init__(self, reference: Reference, on: date) -> None:
        self._reference = reference
        self._on = on
        self._answers: list[SeenAnswer] = []
        self._deliveries: list[SeenDelivery] = []
        self._letters: list[SeenLetter] = []
        self._events: list[SeenEvent] = []
        self._party_by_outbox = {topics.outbox(each): each for each in reference.parties}
        self._agency_by_inbox = {topics.agency_inbox(each): each for each in reference.tables.agencies}

    @property
    def topics(self) -> list[str]:
        """All topics that are to be read."""
        return [topics.DEAD_LETTERS, topics.EVENTS, *self._party_by_outbox, *self._agency_by_inbox]

    def seen(self) -> Observations:
        """Give all that was noted until now."""
        return Observations(
            tuple(self._answers), tuple(self._deliveries), tuple(self._letters), tuple(self._events)
        )

    def note(self, record: Record) -> None:
        """Note one record of any of the topics."""
        if record.topic == topics.EVENTS:
            self._events.append(_event(record))
        elif record.topic == topics.DEAD_LETTERS:
            self._letters.append(_letter(record))
        elif record.topic in self._party_by_outbox:
            self._answers.append(self._answer(record, self._party_by_outbox[record.topic]))
        elif record.topic in self._agency_by_inbox:
            self._deliveries.append(self._delivery(record, self._agency_by_inbox[record.topic]))

    def _answer(self, record: Record, party: PartyId) -> SeenAnswer:
        answer = parse_answer(record)
        document = read_document(answer.value, self._reference, self._on)
        kind = document.message_type.kind if document else None
        return SeenAnswer(
            party=party,
            submission_id=answer.submission_id,
            reference_number=answer.reference_number,
            verdict=answer.verdict,
            agency=answer.agency,
            form=document.format if document else None,
            codes=listed_codes(document, "Finding") if document and kind is Kind.REJECTION else (),
            agencies=listed_codes(document, "Agency") if document and kind is Kind.ACKNOWLEDGEMENT else (),
            content=content_digest(document) if document else "",
        )

    def _delivery(self, record: Record, agency: AgencyCode) -> SeenDelivery:
        delivery = parse_delivery(record)
        converted = last_header(record.headers, topics.H_ORIGINAL_FORMAT) != delivery.format
        # Only where the bytes can't be the original's: reading 999 items takes its time.
        document = read_document(delivery.value, self._reference, self._on) if converted else None
        return SeenDelivery(
            agency=agency,
            submission_id=delivery.submission_id,
            party=delivery.party,
            reference_number=delivery.reference_number,
            form=document.format if document else delivery.format,
            digest=digest_of(delivery.value),
            original_digest=delivery.original_digest,
            content=content_digest(document) if document else "",
        )


def _letter(record: Record) -> SeenLetter:
    letter = parse_dead_letter(record)
    original = letter.original
    return SeenLetter(
        submission_id=letter.identifier,
        code=letter.code,
        sender=letter.sender,
        topic=original.topic,
        partition=original.partition,
        offset=original.offset,
        key=original.key,
        digest=digest_of(original.value),
        headers=original.headers,
    )


def _event(record: Record) -> SeenEvent:
    data = orjson.loads(record.value or b"{}")
    return SeenEvent(
        submission_id=str(data.get("submission_id", "")),
        type=last_header(record.headers, topics.CE_TYPE) or "",
        codes=_texts(data, "codes") or _texts(data, "warnings"),
        agencies=_texts(data, "agencies"),
    )


def _texts(data: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = data.get(name)
    return tuple(map(str, values)) if isinstance(values, list) else ()


class Observer:
    """Follows all topics in a thread of its own, from where they end when it starts."""

    def __init__(self, connection: Connection, notebook: Notebook) -> None:
        self._connection = connection
        self._notebook = notebook
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="demo-observer", daemon=True)

    def start(self) -> None:
        """Begin; what is published after it returned is seen."""
        self._thread.start()
        self._ready.wait(_READY_SECONDS)
        self.check()

    def check(self) -> None:
        """
        Tell whether it still reads.

        Raises:
            NswError: what ended it.
        """
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the reading."""
        self._ended.set()
        self._thread.join(_READY_SECONDS)

    def _run(self) -> None:
        try:
            with admin.read_topic(
                self._connection, self._notebook.topics, follow=True, from_end=True, stop=self._ended.is_set
            ) as records:
                self._ready.set()
                for record in records:
                    self._notebook.note(record)
        except Exception as error:  # noqa: BLE001 - raised again in the main thread
            self._failure = error
            self._ready.set()
