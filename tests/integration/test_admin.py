"""Administration against a real Kafka: topics, reading, transactions and lag."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from nsw import topics
from nsw.admin import (
    AtomicPublisher,
    BrokerRefusedError,
    BrokerUnavailableError,
    Connection,
    TopicMissingError,
    check_topics,
    cluster_id,
    consumer_lag,
    create_topics,
    end_offsets,
    list_topics,
    publish_atomically,
    publish_control,
    read_topic,
)
from nsw.connection import Publisher, open_producer
from nsw.errors import Code, ConfigError, MessageError
from nsw.identifiers import PartyId
from nsw.model import Headers, Publication, Purpose
from nsw.topics import TopicSpec

pytestmark = pytest.mark.kafka

APPENDED = {
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": "100000",
    "cleanup.policy": "delete",
}


@pytest.fixture(scope="module")
def connection(bootstrap_servers: str) -> Connection:
    return Connection(bootstrap_servers)


@pytest.fixture
def spec(connection: Connection) -> TopicSpec:
    """Give a new topic with two partitions."""
    made = new_spec(partitions=2)
    create_topics(connection, [made], 1)
    return made


def new_spec(partitions: int = 1, **settings: str) -> TopicSpec:
    return TopicSpec(
        f"test.{uuid4().hex}", partitions, APPENDED | {k.replace("_", "."): v for k, v in settings.items()}
    )


def publication(
    topic: str, value: bytes | None, partition: int = 0, *, key: bytes | None = None, headers: Headers = ()
) -> Publication:
    return Publication(Purpose.CASE, topic, key, value, headers, partition)


def publish(connection: Connection, topic: str, *values: bytes, partition: int = 0) -> None:
    with Publisher(connection) as publisher:
        publisher.publish_all(publication(topic, value, partition) for value in values)


@contextmanager
def transaction(connection: Connection, topic: str, *values: bytes) -> Iterator[Any]:
    """Leave a transaction open that has written *values*."""
    with closing(
        open_producer(connection, transactional_id=uuid4().hex, transaction_timeout_ms=30_000)
    ) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        for value in values:
            producer.send(topic, value=value, partition=0).get(timeout=10)
        yield producer


def values_of(
    connection: Connection, names: Sequence[str], offsets: Mapping[tuple[str, int], int] | None = None
) -> list[bytes | None]:
    return [record.value for record in read_topic(connection, names, offsets=offsets)]


def test_every_caller_gets_the_same_cluster_id(connection: Connection) -> None:
    """The id is of the cluster, not of the connection."""
    assert cluster_id(connection) == cluster_id(connection) != ""


def test_creates_what_is_missing_and_names_it(connection: Connection) -> None:
    """The second call creates only what the first did not."""
    first, second = new_spec(), new_spec(partitions=3)
    assert create_topics(connection, [first], 1) == [first.name]
    assert create_topics(connection, [first, second], 1) == [second.name]
    assert create_topics(connection, [first, second], 1) == []


def test_leaves_an_existing_topic_as_it_is(connection: Connection, spec: TopicSpec) -> None:
    """A topic that differs is neither grown nor set anew: that is for a person to decide."""
    create_topics(connection, [TopicSpec(spec.name, 5, {"cleanup.policy": "compact"})], 1)
    state = list_topics(connection)[spec.name]
    assert (state.partitions, state.settings["cleanup.policy"]) == (2, "delete")


def test_names_every_topic_that_kafka_refuses_and_creates_the_others(connection: Connection) -> None:
    """One wrong topic does not keep the others from being created."""
    good, bad, worse = new_spec(), new_spec(cleanup_policy="never"), new_spec(max_message_bytes="-5")
    with pytest.raises(BrokerRefusedError) as caught:
        create_topics(connection, [bad, good, worse], 1)
    assert [name for name in (bad.name, worse.name) if name in str(caught.value)] == [bad.name, worse.name]
    assert good.name in list_topics(connection)


def test_lists_topics_with_the_settings_in_force(connection: Connection, spec: TopicSpec) -> None:
    """Settings that nobody gave are listed with the value that the broker uses."""
    state = list_topics(connection)[spec.name]
    assert (state.partitions, state.replication_factor) == (2, 1)
    assert state.settings["message.timestamp.type"] == "LogAppendTime"
    assert state.settings["compression.type"] == "producer"
    assert not any(name.startswith("__") for name in list_topics(connection))


def test_a_windows_topics_have_no_problem_once_created(connection: Connection) -> None:
    """What the window specifies is what Kafka sets up."""
    party = PartyId(uuid4().hex)
    specs = (
        *topics.system_topics(case_partitions=6, max_document_bytes=1 << 20),
        *topics.party_topics(party, max_document_bytes=1 << 20),
    )
    create_topics(connection, specs, 1)
    assert check_topics(connection, specs) == []


def test_finds_another_partition_count(connection: Connection, spec: TopicSpec) -> None:
    """A configuration that asks for another number of partitions is found before it does harm."""
    (problem,) = check_topics(connection, [replace(spec, partitions=3)])
    assert f"{spec.name} has 2 partition(s), not 3" in problem


def test_finds_every_setting_that_differs(connection: Connection) -> None:
    """All problems of a topic are found at once, and a missing topic among them."""
    made, missing = new_spec(), new_spec()
    wrong = {"max.message.bytes": "2000", "cleanup.policy": "compact", "compression.type": "gzip"}
    create_topics(connection, [TopicSpec(made.name, 1, wrong)], 1)
    problems = check_topics(connection, [made, missing])
    wanted = (
        "compression.type",
        "message.timestamp.type",
        "max.message.bytes",
        "cleanup.policy",
        missing.name,
    )
    assert [name for name, problem in zip(wanted, problems, strict=True) if name in problem] == list(wanted)


def test_reads_records_as_they_were_published(connection: Connection, spec: TopicSpec) -> None:
    """Key, value, repeated headers in their order, and the broker's clock."""
    headers = (("b", b"1"), ("a", b"\x00\xff"), ("b", b""))
    with Publisher(connection) as publisher:
        receipt = publisher.publish(publication(spec.name, b"value", 1, key=b"key", headers=headers))
        publisher.publish(publication(spec.name, None, 1, key=b"gone"))
    record, gone = read_topic(connection, [spec.name])
    assert (record.key, record.value, record.headers) == (b"key", b"value", headers)
    assert (record.partition, record.offset, record.timestamp_ms) == (1, receipt.offset, receipt.timestamp_ms)
    assert (record.log_append_time, gone.value) == (True, None)


def test_tells_the_senders_clock_from_the_brokers(connection: Connection) -> None:
    """A topic that takes the sender's clock shows in its records."""
    made = new_spec(message_timestamp_type="CreateTime")
    create_topics(connection, [made], 1)
    publish(connection, made.name, b"a")
    (record,) = read_topic(connection, [made.name])
    assert record.log_append_time is False


def test_ends_at_the_end_behind_an_aborted_transaction_and_leaves_it_out(
    connection: Connection, spec: TopicSpec
) -> None:
    """The last offsets are aborted records and markers: no record is there to tell the end."""
    publish(connection, spec.name, b"first")
    with transaction(connection, spec.name, b"aborted", b"aborted too") as producer:
        producer.abort_transaction()
    assert values_of(connection, [spec.name]) == [b"first"]


def test_ends_at_the_end_of_a_topic_with_nothing_but_an_aborted_transaction(
    connection: Connection, spec: TopicSpec
) -> None:
    """Offsets were used, and there is nothing to read."""
    with transaction(connection, spec.name, b"aborted") as producer:
        producer.abort_transaction()
    assert values_of(connection, [spec.name]) == []


def test_ends_before_a_transaction_that_is_still_open(connection: Connection, spec: TopicSpec) -> None:
    """Neither its records nor those behind it are stable yet."""
    publish(connection, spec.name, b"first")
    with transaction(connection, spec.name, b"open") as producer:
        publish(connection, spec.name, b"behind")
        assert values_of(connection, [spec.name]) == [b"first"]
        producer.commit_transaction()
    assert values_of(connection, [spec.name]) == [b"first", b"open", b"behind"]


def test_ends_at_the_ends_that_were_there_when_it_was_opened(connection: Connection, spec: TopicSpec) -> None:
    """A topic that grows while it is read has an end nevertheless."""
    publish(connection, spec.name, b"a", b"b")
    reader = read_topic(connection, [spec.name])
    publish(connection, spec.name, b"later")
    assert [record.value for record in reader] == [b"a", b"b"]


def test_reads_several_topics_and_every_partition(connection: Connection, spec: TopicSpec) -> None:
    """Order holds within a partition; nothing is left out."""
    other = new_spec()
    create_topics(connection, [other], 1)
    numbers = [str(number).encode() for number in range(700)]
    for topic, partition in ((spec.name, 0), (spec.name, 1), (other.name, 0)):
        publish(connection, topic, *numbers, partition=partition)
    read: dict[tuple[str, int], list[bytes | None]] = {}
    for record in read_topic(connection, [spec.name, other.name]):
        read.setdefault((record.topic, record.partition), []).append(record.value)
    assert list(read.values()) == [numbers] * 3


def test_begins_at_given_offsets(connection: Connection, spec: TopicSpec) -> None:
    """A partition without a given offset is read from its beginning."""
    publish(connection, spec.name, b"a", b"b", b"c")
    publish(connection, spec.name, b"d", partition=1)
    assert set(values_of(connection, [spec.name], offsets={(spec.name, 0): 2})) == {b"c", b"d"}


def test_an_offset_beyond_the_end_is_refused(connection: Connection, spec: TopicSpec) -> None:
    """A reader that remembers more than the topic has is looking at another topic."""
    with pytest.raises(ConfigError, match="beyond the end"):
        read_topic(connection, [spec.name], offsets={(spec.name, 0): 1})


def test_a_missing_topic_is_named(connection: Connection) -> None:
    """Reading and asking for ends say which topic does not exist, at once."""
    with pytest.raises(TopicMissingError, match=r"test\.nowhere"):
        read_topic(connection, ["test.nowhere"])
    with pytest.raises(TopicMissingError, match=r"test\.nowhere"):
        end_offsets(connection, ["test.nowhere"])


class Follower:
    """A reader in a thread of its own that ends after so many records, or when told to."""

    def __init__(self, connection: Connection, topic: str, enough: int) -> None:
        self.found: list[bytes] = []
        self.stop = Event()
        ended = lambda: self.stop.is_set() or len(self.found) == enough  # noqa: E731
        reader = read_topic(connection, [topic], follow=True, stop=ended)
        self.thread = Thread(target=lambda: self.found.extend(record.value or b"" for record in reader))
        self.thread.start()

    def ends_within(self, seconds: float) -> bool:
        self.thread.join(seconds)
        self.stop.set()
        return not self.thread.is_alive()


def test_a_follower_goes_on_until_it_is_stopped(connection: Connection, spec: TopicSpec) -> None:
    """It reads what stands there and what comes, and ends soon after it is told to."""
    publish(connection, spec.name, b"before")
    follower = Follower(connection, spec.name, 3)
    publish(connection, spec.name, b"after", b"last")
    assert follower.ends_within(20)
    assert follower.found == [b"before", b"after", b"last"]


def test_an_idle_follower_stops_soon(connection: Connection, spec: TopicSpec) -> None:
    """Nothing arrives, and it ends all the same."""
    follower = Follower(connection, spec.name, 1)
    follower.stop.set()
    assert follower.ends_within(5)
    assert follower.found == []


def test_a_follower_from_the_end_misses_nothing_after_it_was_opened(
    connection: Connection, spec: TopicSpec
) -> None:
    """What is published between opening and the first look is read."""
    publish(connection, spec.name, b"old")
    with read_topic(connection, [spec.name], follow=True, from_end=True) as reader:
        publish(connection, spec.name, b"new")
        assert [record.value for record in islice(reader, 1)] == [b"new"]


class NotUtf8(str):
    """The name of a header as a careless or hostile client writes it."""

    __slots__ = ()

    def encode(self, *_: object, **__: object) -> bytes:
        return b"\xff\xfe"


def test_a_header_whose_name_is_not_text_ends_the_reading_with_its_code(
    connection: Connection, spec: TopicSpec
) -> None:
    """What stands before it is read; then the reader says why it ends, instead of going round for ever."""
    publish(connection, spec.name, b"good")
    with Publisher(connection) as publisher:
        publisher.publish(publication(spec.name, b"bad", headers=((NotUtf8("x"), b""),)))
    reader = read_topic(connection, [spec.name])
    assert next(reader).value == b"good"
    with pytest.raises(MessageError, match=rf"{Code.HEADER_NOT_UTF8}.*{spec.name}/0 at offset 1"):
        next(reader)
    assert list(reader) == []


def test_a_closed_reader_gives_nothing_more(connection: Connection, spec: TopicSpec) -> None:
    """Closing in the middle is an end like any other."""
    publish(connection, spec.name, b"a", b"b")
    reader = read_topic(connection, [spec.name])
    next(reader)
    reader.close()
    assert list(reader) == []


def test_publishes_a_group_whole(connection: Connection, spec: TopicSpec) -> None:
    """All records of a transaction stand in their partitions."""
    other = new_spec()
    create_topics(connection, [other], 1)
    group = [publication(spec.name, b"a"), publication(spec.name, b"b", 1), publication(other.name, b"c")]
    publish_atomically(connection, group, uuid4().hex)
    assert set(values_of(connection, [spec.name, other.name])) == {b"a", b"b", b"c"}


@pytest.mark.parametrize(
    ("value", "partition", "topic", "error"),
    [
        (b"x" * 200_000, 0, None, MessageError),
        (b"x", 9, None, ConfigError),
        (b"x", 0, "test.nowhere", TopicMissingError),
    ],
    ids=["too large", "no such partition", "no such topic"],
)
def test_publishes_nothing_of_a_group_that_is_not_whole(
    connection: Connection,
    spec: TopicSpec,
    value: bytes,
    partition: int,
    topic: str | None,
    error: type[Exception],
) -> None:
    """One record at fault keeps all others of its group from being seen, and no later reader waits for it."""
    group = [publication(spec.name, b"good"), publication(topic or spec.name, value, partition)]
    with pytest.raises(error):
        publish_atomically(connection, group, uuid4().hex)
    publish(connection, spec.name, b"next")
    assert values_of(connection, [spec.name]) == [b"next"]


def test_a_group_that_fails_does_not_stop_the_next(connection: Connection, spec: TopicSpec) -> None:
    """An atomic publisher begins anew after a failure."""
    with AtomicPublisher(connection, uuid4().hex) as publisher:
        publisher.publish([publication(spec.name, b"a")])
        with pytest.raises(MessageError, match=Code.DOCUMENT_TOO_LARGE):
            publisher.publish([publication(spec.name, b"b"), publication(spec.name, b"x" * 200_000)])
        publisher.publish([publication(spec.name, b"c")])
    assert values_of(connection, [spec.name]) == [b"a", b"c"]


def test_a_second_writer_of_the_same_name_takes_over(connection: Connection, spec: TopicSpec) -> None:
    """Two operators that replay at once do not both publish: the first one is told, and nothing of it stands."""
    name = uuid4().hex
    with AtomicPublisher(connection, name) as first, AtomicPublisher(connection, name) as second:
        first.publish([publication(spec.name, b"first")])
        second.publish([publication(spec.name, b"second")])
        with pytest.raises(BrokerRefusedError):
            first.publish([publication(spec.name, b"too late")])
    assert values_of(connection, [spec.name]) == [b"first", b"second"]


def test_ends_are_stable_ends(connection: Connection, spec: TopicSpec) -> None:
    """An open transaction's records are not counted; every partition is."""
    publish(connection, spec.name, b"a")
    with transaction(connection, spec.name, b"open") as producer:
        assert end_offsets(connection, [spec.name]) == {(spec.name, 0): 1, (spec.name, 1): 0}
        producer.abort_transaction()


def test_tells_how_far_a_group_is_behind(connection: Connection, spec: TopicSpec) -> None:
    """Partitions without a committed offset are left out, and so are groups that nobody knows."""
    publish(connection, spec.name, b"a", b"b", b"c")
    group = uuid4().hex
    with closing(KafkaConsumer(bootstrap_servers=connection.bootstrap_servers, group_id=group)) as consumer:
        consumer.assign([TopicPartition(spec.name, 0)])
        consumer.commit({TopicPartition(spec.name, 0): OffsetAndMetadata(1, "", -1)})
    assert consumer_lag(connection, [group, uuid4().hex]) == {(group, spec.name, 0): 2}
    assert consumer_lag(connection, []) == {}


def test_a_command_stands_in_the_control_topic(connection: Connection) -> None:
    """A command has its key, its value and a place; taking it back is a record without a value."""
    create_topics(connection, topics.system_topics(case_partitions=6, max_document_bytes=1 << 20), 1)
    key = f"inbox:{uuid4().hex}"
    receipt = publish_control(connection, key, b"pause")
    publish_control(connection, key, None)
    records = [record for record in read_topic(connection, [topics.CONTROL]) if record.key == key.encode()]
    assert [record.value for record in records] == [b"pause", None]
    assert records[0].offset == receipt.offset


def test_a_setting_that_the_client_does_not_know_is_refused(connection: Connection) -> None:
    """A mistyped setting is a mistake of the configuration, not a broken broker."""
    wrong = replace(connection, settings={"sasl_mechanisn": "PLAIN"})
    with pytest.raises(ConfigError, match="sasl_mechanisn"):
        cluster_id(wrong)
    with pytest.raises(ConfigError, match="sasl_mechanisn"), Publisher(wrong) as publisher:
        publisher.publish(publication("test.nowhere", b""))


def test_one_broker_that_answers_is_enough(connection: Connection) -> None:
    """An address where nothing listens beside a good one does no harm."""
    both = replace(connection, bootstrap_servers=f"127.0.0.1:1,{connection.bootstrap_servers}")
    assert cluster_id(both) == cluster_id(connection)


def test_a_broker_that_is_gone_is_told_in_time(connection: Connection) -> None:
    """No call waits longer than a person would."""
    with pytest.raises(BrokerUnavailableError, match=r"127\.0\.0\.1:1"):
        list_topics(replace(connection, bootstrap_servers="127.0.0.1:1"))
