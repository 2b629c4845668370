"""
The library of those who connect: traders lodge declarations and read answers, agencies read deliveries and respond.

Every record is confirmed by all in-sync replicas before a receipt is given, and only committed records are read. A
trader's whole program::

    from pathlib import Path
    from nsw.client import Connection, TraderClient

    with TraderClient(Connection("localhost:9092"), "SIAM-EXPORT") as trader:
        receipt = trader.publish(Path("declaration.xml").read_bytes(), "EXP-2025-000123")
        print("lodged at", receipt.timestamp_ms)
        for answer in trader.answers(follow=True):
            print(answer.offset, answer.reference_number, answer.verdict)

An agency's::

    with AgencyClient(Connection("localhost:9092"), "FDA") as agency:
        for delivery in agency.deliveries(follow=True):
            response = decide_on(delivery.value)
            agency.respond(delivery, response, Format.XML)

Whoever restarts begins at ``answers(offset=last.offset + 1)``. When a publication ends in ``BrokerUnavailableError``,
the document may stand in the inbox all the same: read the answers before publishing it again, since the window does
not recognise a second copy yet.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from nsw import topics
from nsw.connection import (
    BrokerRefusedError,
    BrokerUnavailableError,
    Connection,
    Publisher,
    Receipt,
    RecordReader,
    TopicMissingError,
)
from nsw.envelope import encode_headers, last_header
from nsw.errors import Code, MessageError, Verdict
from nsw.identifiers import parse_agency_code, parse_party_id
from nsw.model import Format, Headers, Publication, Purpose, Record

__all__ = [
    "AgencyClient",
    "Answer",
    "BrokerRefusedError",
    "BrokerUnavailableError",
    "Connection",
    "Delivery",
    "Format",
    "Receipt",
    "TopicMissingError",
    "TraderClient",
    "parse_answer",
    "parse_delivery",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One record of a party's outbox.

    Attributes:
        verdict: of the window; None where an agency answers.
        agency: the agency's code; "" where the window itself answers.
        reference_number: of the declaration; "" where its record had none.
        format: None where the window gave none.
        offset: place in the outbox; read on from the next one.
    """

    verdict: Verdict | None
    agency: str
    submission_id: str
    conversation_id: str
    reference_number: str
    message_type: str
    format: Format | None
    value: bytes
    headers: Headers
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One record of an agency's inbox; a text that the window did not give is "".

    Attributes:
        conversation_id: names the case; a response must carry it.
        lodged_at: aware UTC; None where the window gave none.
        format: of *value*; None where the window gave none.
        original_digest: lower-case hex SHA-256 of the document as lodged.
        value: the document; the original bytes in the identity view.
        offset: place in the inbox; read on from the next one.
    """

    conversation_id: str
    submission_id: str
    party: str
    reference_number: str
    message_type: str
    message_version: str
    lodged_at: datetime | None
    format: Format | None
    original_digest: str
    value: bytes
    headers: Headers
    offset: int
    timestamp_ms: int


def parse_answer(record: Record) -> Answer:
    """Read a record of a party's outbox; never fails, whatever the headers are."""
    verdict = _text(record, topics.H_VERDICT)
    return Answer(
        verdict=Verdict(verdict) if verdict in set(Verdict) else None,
        agency=_text(record, topics.H_AGENCY),
        submission_id=_text(record, topics.H_SUBMISSION),
        conversation_id=_text(record, topics.H_CONVERSATION),
        reference_number=_text(record, topics.H_REFERENCE),
        message_type=_text(record, topics.H_MESSAGE_TYPE),
        format=_format(record),
        value=record.value or b"",
        headers=record.headers,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
    )


def parse_delivery(record: Record) -> Delivery:
    """Read a record of an agency's inbox; never fails, whatever the headers are."""
    return Delivery(
        conversation_id=_text(record, topics.H_CONVERSATION),
        submission_id=_text(record, topics.H_SUBMISSION),
        party=_text(record, topics.H_PARTY),
        reference_number=_text(record, topics.H_REFERENCE),
        message_type=_text(record, topics.H_MESSAGE_TYPE),
        message_version=_text(record, topics.H_MESSAGE_VERSION),
        lodged_at=_time(_text(record, topics.H_LODGED_AT)),
        format=_format(record),
        original_digest=_text(record, topics.H_ORIGINAL_DIGEST),
        value=record.value or b"",
        headers=record.headers,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
    )


def _text(record: Record, name: str) -> str:
    return last_header(record.headers, name) or ""


def _format(record: Record) -> Format | None:
    text = _text(record, topics.H_FORMAT)
    return Format(text) if text in set(Format) else None


def _time(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


class _Client:
    """What both kinds of client share: one publisher, and the readings still open."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._publisher = Publisher(connection)
        self._readers: list[RecordReader] = []

    def _read(
        self, topic: str, *, follow: bool, offset: int, from_end: bool, stop: Callable[[], bool] | None
    ) -> RecordReader:
        reader = RecordReader(
            self._connection,
            (topic,),
            follow=follow,
            from_end=from_end,
            offsets=None if from_end else {(topic, 0): offset},
            stop=stop,
        )
        self._readers.append(reader)
        return reader

    def close(self) -> None:
        """End open readings and let go of the connection."""
        for reader in self._readers:
            reader.close()
        self._readers.clear()
        self._publisher.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class TraderClient(_Client):
    """
    A party's connection to the window.

    Publishing may be shared by threads; a reading belongs to one thread.

    Args:
        party: the party's id in the window.

    Raises:
        ConfigError: *party* is no party id.
    """

    def __init__(self, connection: Connection, party: str) -> None:
        super().__init__(connection)
        self.party = parse_party_id(party)

    def publish(
        self,
        document: bytes,
        reference_number: str,
        *,
        content_type: str | None = None,
        traceparent: str | None = None,
    ) -> Receipt:
        """
        Lodge one document and wait for the confirmation.

        Args:
            document: XML, or Avro in Confluent wire format; it is delivered as these very bytes.
            reference_number: of the declaration; of an amendment or cancellation: the original declaration's.
            content_type: such as ``application/xml``; the window looks at the bytes when it is left out.
            traceparent: W3C trace parent that events and answers continue.

        Returns:
            The receipt; its time is the lodging time.

        Raises:
            MessageError: NSW-1001 no document, NSW-1004 too large, NSW-1020 no reference number.
            BrokerUnavailableError: not confirmed; look for an answer before publishing it again.
            TopicMissingError: the party is not registered with the window.
        """
        return self._publisher.publish(self._lodging(document, reference_number, content_type, traceparent))

    def publish_many(
        self,
        documents: Iterable[tuple[bytes, str]],
        *,
        content_type: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[Receipt]:
        """
        Lodge many documents without waiting for each; all are confirmed when it returns.

        Args:
            documents: each document with its reference number; read as they are sent.
            progress: told how many are confirmed, after each.

        Returns:
            Receipts in the order of the documents.

        Raises:
            MessageError: as ``publish``, for the first document at fault; those before it are confirmed.
            BrokerUnavailableError: the last number given to *progress* tells how many are confirmed.
            TopicMissingError: the party is not registered with the window.
        """
        lodgings = (self._lodging(document, number, content_type, None) for document, number in documents)
        return self._publisher.publish_all(lodgings, progress)

    def _lodging(
        self, document: bytes, reference_number: str, content_type: str | None, traceparent: str | None
    ) -> Publication:
        if not document:
            raise MessageError(Code.EMPTY_RECORD)
        if not reference_number:
            raise MessageError(Code.KEY_MISSING)
        headers = encode_headers(((topics.CONTENT_TYPE, content_type), (topics.TRACEPARENT, traceparent)))
        return Publication(
            Purpose.CASE, topics.inbox(self.party), reference_number.encode(), document, headers
        )

    def answers(
        self,
        *,
        follow: bool = False,
        offset: int = 0,
        from_end: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Answer]:
        """
        Read the party's outbox: acknowledgements, rejections and agencies' answers.

        Args:
            follow: wait for further answers at the end.
            offset: where to begin: the last answer's offset plus 1; 0 is the oldest that is kept.
            from_end: begin behind all answers that stand there now.
            stop: asked before each answer and several times a second; True ends the reading.

        Raises:
            ConfigError: *offset* lies beyond the end of the outbox.
            TopicMissingError: the party is not registered with the window.
            BrokerUnavailableError: nothing answers.
        """
        topic = topics.outbox(self.party)
        return map(
            parse_answer, self._read(topic, follow=follow, offset=offset, from_end=from_end, stop=stop)
        )


class AgencyClient(_Client):
    """
    An agency's connection to the window.

    Publishing may be shared by threads; a reading belongs to one thread.

    Args:
        agency: the agency's code in the window.

    Raises:
        ConfigError: *agency* is no agency code.
    """

    def __init__(self, connection: Connection, agency: str) -> None:
        super().__init__(connection)
        self.agency = parse_agency_code(agency)

    def deliveries(
        self,
        *,
        follow: bool = False,
        offset: int = 0,
        from_end: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Delivery]:
        """
        Read the agency's inbox.

        Args:
            follow: wait for further deliveries at the end.
            offset: where to begin: the last delivery's offset plus 1; 0 is the oldest that is kept.
            from_end: begin behind all deliveries that stand there now.
            stop: asked before each delivery and several times a second; True ends the reading.

        Raises:
            ConfigError: *offset* lies beyond the end of the inbox.
            TopicMissingError: the agency is not registered with the window.
            BrokerUnavailableError: nothing answers.
        """
        topic = topics.agency_inbox(self.agency)
        return map(
            parse_delivery, self._read(topic, follow=follow, offset=offset, from_end=from_end, stop=stop)
        )

    def respond(self, delivery: Delivery, response: bytes, format: Format) -> Receipt:  # noqa: A002 - the word for it
        """
        Answer a delivery and wait for the confirmation.

        Args:
            response: a document of the window's response type.
            format: the wire format of *response*.

        Raises:
            MessageError: NSW-1001 no response, NSW-1004 too large, NSW-1030 the delivery names no conversation.
            BrokerUnavailableError: not confirmed; respond the same again.
            TopicMissingError: the agency is not registered with the window.
        """
        if not response:
            raise MessageError(Code.EMPTY_RECORD)
        if not delivery.conversation_id:
            raise MessageError(Code.CONVERSATION_MISSING)
        traceparent = last_header(delivery.headers, topics.TRACEPARENT)
        headers = encode_headers(
            (
                (topics.CONTENT_TYPE, topics.CONTENT_TYPE_BY_FORMAT[format]),
                (topics.H_CONVERSATION, delivery.conversation_id),
                (topics.TRACEPARENT, traceparent),
            )
        )
        topic = topics.agency_outbox(self.agency)
        key = delivery.conversation_id.encode()
        return self._publisher.publish(Publication(Purpose.ANSWER, topic, key, response, headers))
