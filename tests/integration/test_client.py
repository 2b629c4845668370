"""Traders and agencies against a real Kafka: receipts, limits, answers and deliveries."""

import time
from itertools import islice
from uuid import uuid4

import pytest

from nsw import topics
from nsw.admin import create_topics, publish_atomically, read_topic
from nsw.client import AgencyClient, Connection, Delivery, TopicMissingError, TraderClient
from nsw.connection import open_producer
from nsw.envelope import encode_headers
from nsw.errors import Code, MessageError, Verdict
from nsw.identifiers import AgencyCode, PartyId
from nsw.model import Format, Publication, Purpose, Record

pytestmark = pytest.mark.kafka

#: The smallest that the settings allow, so that limits are met with little data.
LARGEST = 1024


@pytest.fixture(scope="module")
def connection(bootstrap_servers: str) -> Connection:
    return Connection(bootstrap_servers)


@pytest.fixture
def party(connection: Connection) -> PartyId:
    """Give a new party with its two topics."""
    name = PartyId(uuid4().hex)
    create_topics(connection, topics.party_topics(name, max_document_bytes=LARGEST), 1)
    return name


@pytest.fixture
def agency(connection: Connection) -> AgencyCode:
    """Give a new agency with its two topics."""
    code = AgencyCode(f"A{uuid4().hex[:20].upper()}")
    create_topics(connection, topics.agency_topics(code, max_document_bytes=LARGEST), 1)
    return code


def inbox_of(connection: Connection, party: PartyId) -> list[Record]:
    return list(read_topic(connection, [topics.inbox(party)]))


def answer(connection: Connection, party: PartyId, *values: bytes) -> None:
    headers = encode_headers(((topics.H_VERDICT, "accepted"), (topics.H_REFERENCE, "EXP-1")))
    group = [Publication(Purpose.ANSWER, topics.outbox(party), b"case", value, headers) for value in values]
    publish_atomically(connection, group, uuid4().hex)


def test_a_receipt_tells_where_and_when_a_document_was_lodged(connection: Connection, party: PartyId) -> None:
    """Topic, partition, offset and the broker's time are those of the record."""
    with TraderClient(connection, party) as trader:
        receipt = trader.publish(b"<a/>", "EXP-1")
    (record,) = inbox_of(connection, party)
    assert (record.topic, record.partition, record.offset) == (
        receipt.topic,
        receipt.partition,
        receipt.offset,
    )
    assert record.timestamp_ms == receipt.timestamp_ms
    assert abs(receipt.timestamp_ms / 1000 - time.time()) < 60


def test_a_document_is_lodged_as_these_very_bytes(connection: Connection, party: PartyId) -> None:
    """Bytes, key and the two headers; no header where nothing was said."""
    document = bytes(range(256))
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with TraderClient(connection, party) as trader:
        trader.publish(document, "EXP-1", content_type="application/xml", traceparent=trace)
        trader.publish(document, "EXP-2")
    full, bare = inbox_of(connection, party)
    assert (full.key, full.value) == (b"EXP-1", document)
    assert full.headers == (("content-type", b"application/xml"), ("traceparent", trace.encode()))
    assert (bare.key, bare.headers) == (b"EXP-2", ())


def test_many_documents_are_confirmed_each_in_their_order(connection: Connection, party: PartyId) -> None:
    """One receipt for each document, in order, and progress to the last."""
    seen: list[int] = []
    documents = [(b"<a>%d</a>" % number, f"EXP-{number}") for number in range(3000)]
    with TraderClient(connection, party) as trader:
        receipts = trader.publish_many(documents, content_type="application/xml", progress=seen.append)
    records = inbox_of(connection, party)
    assert [(record.value, (record.key or b"").decode()) for record in records] == documents
    assert [receipt.offset for receipt in receipts] == [record.offset for record in records]
    assert seen == list(range(1, 3001))


def test_batches_larger_than_the_inbox_takes_are_split(connection: Connection, party: PartyId) -> None:
    """A small inbox refuses the client's large batches: the documents arrive all the same, each once, in order."""
    documents = [(b"x" * 1000 + b"%d" % number, f"EXP-{number}") for number in range(1500)]
    with TraderClient(connection, party) as trader:
        receipts = trader.publish_many(documents)
    assert [record.value for record in inbox_of(connection, party)] == [value for value, _ in documents]
    assert [receipt.offset for receipt in receipts] == list(range(1500))


def test_the_largest_document_fits_the_inbox_with_its_key_and_headers(
    connection: Connection, party: PartyId
) -> None:
    """The limit that is promised for documents leaves room for everything that goes with one."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with TraderClient(connection, party) as trader:
        receipt = trader.publish(b"x" * LARGEST, "E" * 64, content_type="application/xml", traceparent=trace)
    assert receipt.offset == 0


def test_a_record_at_the_inboxes_limit_is_taken_and_one_byte_more_is_refused(
    connection: Connection, party: PartyId
) -> None:
    """The broker's limit is the limit: the client has no smaller one, and goes on after a refusal."""
    limit = topics.inbox_max_bytes(LARGEST)
    taken, refused = limit - 200, limit
    with TraderClient(connection, party) as trader:
        while refused - taken > 1:
            size = (taken + refused) // 2
            try:
                trader.publish(b"x" * size, "EXP-1")
                taken = size
            except MessageError:
                refused = size
        trader.publish(b"x" * taken, "EXP-1")
        with pytest.raises(MessageError, match=rf"NSW-1004.*{taken + 1 + 5} bytes.*{topics.inbox(party)}"):
            trader.publish(b"x" * (taken + 1), "EXP-1")
        trader.publish(b"<a/>", "EXP-2")
    assert limit - taken < 100
    assert [len(record.value or b"") for record in inbox_of(connection, party)][-2:] == [taken, 4]


def test_a_document_too_large_among_many_stops_there(connection: Connection, party: PartyId) -> None:
    """Those before it are confirmed; the error is that of the document at fault."""
    seen: list[int] = []
    documents = [(b"a", "EXP-1"), (b"b", "EXP-2"), (b"x" * 300_000, "EXP-3"), (b"c", "EXP-4")]
    with TraderClient(connection, party) as trader:
        with pytest.raises(MessageError, match="300005 bytes") as caught:
            trader.publish_many(documents, progress=seen.append)
        trader.publish(b"d", "EXP-5")
    assert (caught.value.code, seen) == (Code.DOCUMENT_TOO_LARGE, [1, 2])
    values = [record.value for record in inbox_of(connection, party)]
    assert (values[:2], values[-1]) == ([b"a", b"b"], b"d")


def test_a_document_beyond_any_request_is_refused_by_the_client(
    connection: Connection, party: PartyId
) -> None:
    """The broker would drop the connection without a word."""
    with (
        TraderClient(connection, party) as trader,
        pytest.raises(MessageError, match=Code.DOCUMENT_TOO_LARGE),
    ):
        trader.publish(bytes(101 * 1024 * 1024), "EXP-1")


def test_a_party_that_is_not_registered_learns_so(connection: Connection) -> None:
    """Its topics are missing, which is no matter of waiting."""
    with TraderClient(connection, "nobody") as trader:
        with pytest.raises(TopicMissingError, match=r"nsw\.inbox\.nobody"):
            trader.publish(b"<a/>", "EXP-1")
        with pytest.raises(TopicMissingError, match=r"nsw\.outbox\.nobody"):
            trader.answers()


def test_answers_are_read_from_the_outbox_and_end(connection: Connection, party: PartyId) -> None:
    """All committed answers, then the end."""
    answer(connection, party, b"one", b"two")
    with TraderClient(connection, party) as trader:
        answers = list(trader.answers())
    assert [each.value for each in answers] == [b"one", b"two"]
    assert {(each.verdict, each.reference_number) for each in answers} == {(Verdict.ACCEPTED, "EXP-1")}


def test_reading_goes_on_behind_the_last_answer_seen(connection: Connection, party: PartyId) -> None:
    """The offset behind the last answer may be a marker's: reading from there is right all the same."""
    answer(connection, party, b"one")
    with TraderClient(connection, party) as trader:
        (first,) = trader.answers()
        answer(connection, party, b"two", b"three")
        assert [each.value for each in trader.answers(offset=first.offset + 1)] == [b"two", b"three"]


def test_answers_of_an_aborted_transaction_are_never_seen(connection: Connection, party: PartyId) -> None:
    """What the window took back, no trader has read."""
    producer = open_producer(connection, transactional_id=uuid4().hex)
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topics.outbox(party), value=b"aborted").get(timeout=10)
    producer.abort_transaction()
    producer.close()
    answer(connection, party, b"committed")
    with TraderClient(connection, party) as trader:
        assert [each.value for each in trader.answers()] == [b"committed"]


def test_a_trader_may_wait_for_answers(connection: Connection, party: PartyId) -> None:
    """A follower gets what comes, and ends when it is told to."""
    answer(connection, party, b"old")
    found: list[bytes] = []
    with TraderClient(connection, party) as trader:
        following = trader.answers(follow=True, from_end=True, stop=lambda: len(found) == 2)
        answer(connection, party, b"new", b"newer")
        found.extend(each.value for each in islice(following, 2))
        assert list(following) == []
    assert found == [b"new", b"newer"]


def test_closing_the_client_ends_its_readings(connection: Connection, party: PartyId) -> None:
    """Nothing is left open, and reading on gives nothing."""
    answer(connection, party, b"one", b"two")
    with TraderClient(connection, party) as trader:
        answers = trader.answers()
        assert next(answers).value == b"one"
    assert list(answers) == []


def deliver(connection: Connection, agency: AgencyCode, conversation: str) -> None:
    headers = encode_headers(
        (
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            (topics.H_CONVERSATION, conversation),
            (topics.H_FORMAT, "xml"),
        )
    )
    topic = topics.agency_inbox(agency)
    publish_atomically(
        connection, [Publication(Purpose.DELIVERY, topic, b"case", b"<d/>", headers)], uuid4().hex
    )


def test_an_agency_reads_its_deliveries(connection: Connection, agency: AgencyCode) -> None:
    """Document, format and conversation; then the end."""
    deliver(connection, agency, "conv-1")
    deliver(connection, agency, "conv-2")
    with AgencyClient(connection, agency) as client:
        deliveries: list[Delivery] = list(client.deliveries())
        again = list(client.deliveries(offset=deliveries[0].offset + 1))
    assert [(each.value, each.format, each.conversation_id) for each in deliveries] == [
        (b"<d/>", Format.XML, "conv-1"),
        (b"<d/>", Format.XML, "conv-2"),
    ]
    assert again == deliveries[1:]


def test_a_response_carries_the_conversation_of_its_delivery(
    connection: Connection, agency: AgencyCode
) -> None:
    """The window knows the case by the conversation id, the format by the content type, the trace by its parent."""
    deliver(connection, agency, "conv-1")
    with AgencyClient(connection, agency) as client:
        receipt = client.respond(next(client.deliveries()), b"\x00avro", Format.AVRO)
    (record,) = read_topic(connection, [topics.agency_outbox(agency)])
    assert (record.value, record.key, record.offset) == (b"\x00avro", b"conv-1", receipt.offset)
    assert dict(record.headers) == {
        "content-type": b"application/avro",
        "nsw-conversation-id": b"conv-1",
        "traceparent": b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
