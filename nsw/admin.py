"""
Administration of the window's topics: what is there, what is wrong, reading, lag, and publishing by an operator.

Knows how Kafka is administered; knows nothing of documents.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any, Self

from kafka import IsolationLevel, OffsetSpec, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource, ConfigResourceType

from nsw import topics
from nsw.connection import (
    BrokerRefusedError,
    BrokerUnavailableError,
    Connection,
    Publisher,
    Receipt,
    RecordReader,
    TopicMissingError,
    check_exist,
    close_producer,
    explained,
    failure_of,
    open_admin,
    open_producer,
    send,
)
from nsw.errors import NswError
from nsw.model import Publication, Purpose
from nsw.topics import TopicSpec

__all__ = [
    "AtomicPublisher",
    "BrokerRefusedError",
    "BrokerUnavailableError",
    "Connection",
    "TopicMissingError",
    "TopicState",
    "check_topics",
    "cluster_id",
    "consumer_lag",
    "create_topics",
    "end_offsets",
    "find_problems",
    "list_topics",
    "publish_atomically",
    "publish_control",
    "read_topic",
]

#: The settings of topics that the window depends on or that an operator asks for first.
SETTINGS = (
    "message.timestamp.type",
    "max.message.bytes",
    "cleanup.policy",
    "compression.type",
    "min.insync.replicas",
    "retention.ms",
    "delete.retention.ms",
)
#: One request must not grow with the number of parties.
_DESCRIBED_PER_REQUEST = 200
_CREATED_PER_REQUEST = 50
#: An abandoned transaction hides later records of its topics for so long.
_TRANSACTION_TIMEOUT_MS = 10_000
_RETRY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class TopicState:
    """
    How a topic is set up.

    Attributes:
        settings: values in force for the names in ``SETTINGS``, whoever set them; empty when this login may not see.
    """

    partitions: int
    replication_factor: int
    settings: Mapping[str, str]


def cluster_id(connection: Connection) -> str:
    """Give the cluster's id, a part of every submission id."""
    with closing(open_admin(connection)) as admin, explained(connection, "ask for the cluster's id"):
        return str(admin.describe_cluster()["cluster_id"])


def list_topics(connection: Connection) -> dict[str, TopicState]:
    """List every topic that this login sees, by name, in order; Kafka's own (``__…``) are left out."""
    with closing(open_admin(connection)) as admin, explained(connection, "list topics"):
        return _states(admin)


def _states(admin: Any) -> dict[str, TopicState]:  # noqa: ANN401 - untyped library
    described = {
        each["name"]: each["partitions"]
        for each in admin.describe_topics()
        if not each["is_internal"] and not each["name"].startswith("__") and not each["error_code"]
    }
    settings = _settings(admin, sorted(described))
    return {
        name: TopicState(
            partitions=len(described[name]),
            replication_factor=min((len(each["replica_nodes"]) for each in described[name]), default=0),
            settings=settings.get(name, {}),
        )
        for name in sorted(described)
    }


def _settings(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:  # noqa: ANN401 - untyped library
    settings: dict[str, dict[str, str]] = {}
    for chunk in _chunks(names, _DESCRIBED_PER_REQUEST):
        resources = [ConfigResource(ConfigResourceType.TOPIC, name, list(SETTINGS)) for name in chunk]
        found = admin.describe_configs(resources, config_filter="all").get("topic", {})
        for name, values in found.items():
            settings[name] = {key: str(entry["value"]) for key, entry in values.items()}
    return settings


def _chunks(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (names[start : start + size] for start in range(0, len(names), size))


def create_topics(
    connection: Connection, specs: Sequence[TopicSpec], replication_factor: int, in_sync: int = 1
) -> list[str]:
    """
    Create the topics that are missing; existing ones stay as they are, even where they differ (see ``check_topics``).

    Args:
        replication_factor: copies of each topic.
        in_sync: copies that must hold a record before it counts.

    Returns:
        Names created, in the order of *specs*; each has a leader for every partition.

    Raises:
        BrokerRefusedError: every topic that Kafka did not create, with its reason; the others are created.
    """
    by_name = {spec.name: spec for spec in specs}
    created: list[str] = []
    problems: list[str] = []
    with closing(open_admin(connection)) as admin, explained(connection, "create topics"):
        existing = set(admin.list_topics())
        missing = [name for name in by_name if name not in existing]
        for chunk in _chunks(missing, _CREATED_PER_REQUEST):
            wanted = {name: _creation(by_name[name], replication_factor, in_sync) for name in chunk}
            answers = {
                each["name"]: each for each in admin.create_topics(wanted, raise_errors=False)["topics"]
            }
            made = [name for name in chunk if answers[name]["error_code"] == kafka_errors.NoError.errno]
            # Before the next ones: a broker that is given thousands at once falls behind with all of them.
            admin.wait_for_topics(made, timeout_ms=round(connection.timeout_seconds * 1000))
            created += made
            problems += _creation_problems(answers)
    if problems:
        raise BrokerRefusedError(*problems)
    return created


def _creation_problems(answers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    # Somebody else may have created a topic in the meantime.
    good = (kafka_errors.NoError.errno, kafka_errors.TopicAlreadyExistsError.errno)
    for name, answer in answers.items():
        if answer["error_code"] not in good:
            reason = answer.get("error_message") or kafka_errors.for_code(answer["error_code"]).__name__
            yield f"topic {name} was not created: {reason}"


def _creation(spec: TopicSpec, replication_factor: int, in_sync: int) -> dict[str, object]:
    return {
        "num_partitions": spec.partitions,
        "replication_factor": replication_factor,
        "configs": spec.settings | {"min.insync.replicas": str(in_sync)},
    }


def check_topics(
    connection: Connection, specs: Sequence[TopicSpec], replication_factor: int = 1, in_sync: int = 1
) -> list[str]:
    """
    Compare the topics with what the window relies on.

    Args:
        replication_factor: copies that each must have at least.
        in_sync: copies that must hold a record of it before it counts, at least.

    Returns:
        Every problem as a sentence, in the order of *specs*; empty when all is well.
    """
    return find_problems(list_topics(connection), specs, replication_factor, in_sync)


def find_problems(
    states: Mapping[str, TopicState],
    specs: Sequence[TopicSpec],
    replication_factor: int = 1,
    in_sync: int = 1,
) -> list[str]:
    """Compare topics as they are with what the window relies on, without asking Kafka."""
    problems: list[str] = []
    for spec in specs:
        state = states.get(spec.name)
        problems += _problems(state, spec)
        if state is not None:
            problems += _copies_problems(state, spec.name, replication_factor, in_sync)
    return problems


def _copies_problems(state: TopicState, topic: str, replication_factor: int, in_sync: int) -> Iterator[str]:
    if state.replication_factor < replication_factor:
        yield (
            f"topic {topic} has {state.replication_factor} copies, not {replication_factor}: "
            "a lost disk could take its records away"
        )
    found = state.settings.get("min.insync.replicas", "")
    if found.isdigit() and int(found) < in_sync:
        yield f"topic {topic}: min.insync.replicas is {found}, less than {in_sync}: a record would count too early"


def _problems(state: TopicState | None, spec: TopicSpec) -> Iterator[str]:
    if state is None:
        yield f"topic {spec.name} is missing"
        return
    if state.partitions != spec.partitions:
        yield f"topic {spec.name} has {state.partitions} partition(s), not {spec.partitions}: {_why(spec.name)}"
    if not state.settings:
        yield f"topic {spec.name}: its settings cannot be read (is DescribeConfigs permitted?)"
        return
    for name, wanted in {"compression.type": "producer", **spec.settings}.items():
        # How long records are kept is the operator's to change: a topic is only made with what the window suggests.
        if name == "retention.ms":
            continue
        yield from _setting_problems(spec.name, name, wanted, state.settings.get(name, ""))


def _why(topic: str) -> str:
    if topic == topics.CASES:
        return "a case would be looked for in another partition than the one that has its past"
    return "the order of its records depends on it"


def _setting_problems(topic: str, name: str, wanted: str, found: str) -> Iterator[str]:
    if name == "max.message.bytes":
        yield from _size_problems(topic, int(wanted), int(found or 0))
    elif set(found.split(",")) != set(wanted.split(",")):
        reason = _REASONS.get(name, "the window relies on it")
        yield f"topic {topic}: {name} is {found or 'unknown'}, not {wanted}: {reason}"


def _size_problems(topic: str, wanted: int, found: int) -> Iterator[str]:
    if found < wanted:
        yield f"topic {topic}: max.message.bytes is {found}, less than {wanted}: large documents would be refused"
    elif found > wanted and (topics.party_of_inbox(topic) or topics.agency_of_outbox(topic)):
        # What others write must still fit the window's own topics once headers are added.
        yield f"topic {topic}: max.message.bytes is {found}, more than {wanted}: what it takes may not fit further on"


_REASONS = {
    "message.timestamp.type": "the lodging time must be the broker's, not the sender's clock",
    "cleanup.policy": "records would be removed that the window needs, or never be",
    "compression.type": "the broker would compress every batch anew",
}


def end_offsets(connection: Connection, names: Sequence[str]) -> dict[tuple[str, int], int]:
    """
    Give the stable ends of topics: the offset after the last record that no open transaction can still take away.

    Returns:
        Offset by topic and partition.

    Raises:
        TopicMissingError: a topic does not exist.
    """
    with closing(open_admin(connection)) as admin, explained(connection, "ask for the ends of topics"):
        described = {each["name"]: each for each in admin.describe_topics(list(names))}
        for name in names:
            if name not in described or described[name]["error_code"]:
                raise TopicMissingError(f"Kafka at {connection.bootstrap_servers}: there is no topic {name}")
        parts = [(name, each["partition_index"]) for name in names for each in described[name]["partitions"]]
        return _ends(admin, parts)


def offsets_since(
    connection: Connection, names: Sequence[str], timestamp_ms: int
) -> dict[tuple[str, int], int]:
    """
    Give where the records of topics begin that the broker took at a moment or later.

    Args:
        timestamp_ms: milliseconds since 1970-01-01 UTC.

    Returns:
        Offset by topic and partition; the stable end where there is no such record.

    Raises:
        TopicMissingError: a topic does not exist.
    """
    ends = end_offsets(connection, names)
    with closing(open_admin(connection)) as admin, explained(connection, "ask for offsets by time"):
        wanted = {TopicPartition(*part): timestamp_ms for part in ends}
        found = admin.list_partition_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED)
    starts = {(part.topic, part.partition): place.offset for part, place in found.items()}
    return {part: min(starts[part], end) if starts[part] >= 0 else end for part, end in ends.items()}


def _ends(admin: Any, parts: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:  # noqa: ANN401 - untyped library
    wanted = {TopicPartition(*part): OffsetSpec.LATEST for part in parts}
    if not wanted:
        return {}
    found = admin.list_partition_offsets(wanted, isolation_level=IsolationLevel.READ_COMMITTED)
    return {(part.topic, part.partition): offset.offset for part, offset in found.items()}


def consumer_lag(connection: Connection, group_ids: Sequence[str]) -> dict[tuple[str, str, int], int]:
    """
    Tell how many offsets consumer groups are behind the stable ends.

    Markers of transactions take offsets too: a group that has read everything in a transactional topic may show 1.

    Returns:
        Lag by group, topic and partition, for partitions in which the group committed an offset.
    """
    if not group_ids:
        return {}
    with closing(open_admin(connection)) as admin, explained(connection, "ask for offsets of groups"):
        committed = {
            (group, part.topic, part.partition): place.offset
            for group, places in _group_offsets(admin, connection, group_ids).items()
            for part, place in places.items()
            if place.offset >= 0
        }
        existing = set(admin.list_topics())
        ends = _ends(admin, sorted({(topic, part) for _, topic, part in committed if topic in existing}))
    return {
        (group, topic, part): max(ends[topic, part] - offset, 0)
        for (group, topic, part), offset in committed.items()
        if (topic, part) in ends
    }


def _group_offsets(admin: Any, connection: Connection, group_ids: Sequence[str]) -> dict[str, dict[Any, Any]]:  # noqa: ANN401
    deadline = time.monotonic() + connection.timeout_seconds
    while True:
        try:
            found: dict[str, dict[Any, Any]] = admin.list_group_offsets(list(group_ids))
        except kafka_errors.RetriableError:
            # A fresh cluster has no coordinator until the first group asks for one.
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return found


def read_topic(
    connection: Connection,
    names: Sequence[str],
    *,
    follow: bool = False,
    from_end: bool = False,
    offsets: Mapping[tuple[str, int], int] | None = None,
    stop: Callable[[], bool] | None = None,
) -> RecordReader:
    """
    Read committed records without a consumer group.

    Opened at once, read as the caller iterates; without *follow* it ends at the stable ends found at once.

    Args:
        follow: go on for new records until *stop*.
        from_end: begin at the ends instead of the beginnings.
        offsets: where to begin in some partitions, by topic and partition.
        stop: asked before each record and several times a second; True ends the reading.

    Returns:
        An iterator of records, in order within a partition; also a context manager that closes it early.
    """
    return RecordReader(connection, names, follow=follow, from_end=from_end, offsets=offsets, stop=stop)


class AtomicPublisher:
    """
    Publishes groups of records: readers of committed records see all of a group or none of it.

    Opened when first used, and anew after a failure; for one thread.

    Args:
        transactional_id: names the writer; a second writer of the same name ends this one's open transaction.
        compression: of what it sends, as kafka-python names it; None for none.
    """

    def __init__(
        self, connection: Connection, transactional_id: str, *, compression: str | None = None
    ) -> None:
        self._connection = connection
        self._transactional_id = transactional_id
        self._compression = compression
        self._producer: Any = None
        self._known: set[str] = set()

    def take_over(self) -> None:
        """
        End any other writer of the name now, so that what is read after this can't be changed by it any more.

        Raises:
            BrokerUnavailableError: nothing answers.
            BrokerRefusedError: this login may not write in transactions of that name.
        """
        with explained(self._connection, "begin to write"):
            self._open()

    def _open(self) -> None:
        if self._producer is None:
            self._producer = open_producer(
                self._connection,
                transactional_id=self._transactional_id,
                transaction_timeout_ms=_TRANSACTION_TIMEOUT_MS,
                compression_type=self._compression,
            )
            self._producer.init_transactions()

    def publish(self, publications: Sequence[Publication]) -> None:
        """
        Publish one group, in one transaction.

        Raises:
            MessageError: NSW-1004, a topic does not take a record of that size; nothing is published.
            TopicMissingError: nothing is published.
            BrokerRefusedError: another writer took over the name; nothing is published.
            BrokerUnavailableError: not confirmed in time; its sentence tells whether they may stand all the same.
        """
        if not publications:
            return
        unknown = {each.topic for each in publications} - self._known
        if unknown:
            check_exist(self._connection, unknown)
            self._known |= unknown
        try:
            self._begin()
            self._send(publications)
            self._in_time("commit_transaction", "commit (the records may be published all the same)")
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        with explained(self._connection, "begin a transaction"):
            self._open()
            self._producer.begin_transaction()

    def _send(self, publications: Sequence[Publication]) -> None:
        waiting: list[tuple[Any, Publication]] = []
        try:
            for publication in publications:
                with _blamed(self._connection, publication):
                    waiting.append((send(self._producer, publication), publication))
            for future, publication in waiting:
                with _blamed(self._connection, publication):
                    future.get(timeout=self._connection.timeout_seconds)
        except BaseException:
            # Where this fails too, the broker aborts by itself when the transaction's time is over.
            with suppress(NswError):
                self._in_time("abort_transaction", "abort a transaction")
            raise

    def _in_time(self, method: str, action: str) -> None:
        # kafka-python 3.0.12 waits for ever at the end of a transaction when the broker is gone.
        call = getattr(self._producer, method)
        errors: list[BaseException] = []

        def run() -> None:
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                errors.append(error)

        thread = Thread(target=run, daemon=True)
        thread.start()
        thread.join(self._connection.timeout_seconds)
        with explained(self._connection, action):
            if thread.is_alive():
                raise kafka_errors.KafkaTimeoutError
            if errors:
                raise errors[0]

    def close(self) -> None:
        """Let go of the connection."""
        producer, self._producer = self._producer, None
        if producer is not None:
            close_producer(producer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def publish_atomically(
    connection: Connection, publications: Sequence[Publication], transactional_id: str
) -> None:
    """Publish one group of records, all or none, as ``AtomicPublisher`` does; for many groups keep one of those."""
    with AtomicPublisher(connection, transactional_id) as publisher:
        publisher.publish(publications)


@contextmanager
def _blamed(connection: Connection, publication: Publication) -> Iterator[None]:
    try:
        yield
    except kafka_errors.KafkaError as error:
        raise failure_of(error, connection, publication) from error


def publish_control(connection: Connection, key: str, value: bytes | None) -> Receipt:
    """
    Give the workers a command that stays in force until another one of the same key replaces it.

    Args:
        value: None takes the command back.
    """
    with Publisher(connection) as publisher:
        return publisher.publish(Publication(Purpose.CONTROL, topics.CONTROL, key.encode(), value))
