"""How problems of topics and of connections are put into sentences, without a broker."""

import socket
import time
from dataclasses import replace

import pytest

from nsw import topics
from nsw.admin import (
    BrokerUnavailableError,
    Connection,
    TopicState,
    cluster_id,
    find_problems,
    publish_atomically,
    read_topic,
)
from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode, PartyId
from nsw.topics import TopicSpec

CASES = next(
    spec
    for spec in topics.system_topics(case_partitions=6, max_document_bytes=4096)
    if spec.name == topics.CASES
)
INBOX, OUTBOX = topics.party_topics(PartyId("SIAM"), max_document_bytes=4096)
AGENCY_OUTBOX = topics.agency_topics(AgencyCode("FDA"), max_document_bytes=4096)[1]


def state_of(spec: TopicSpec, **changed: str) -> TopicState:
    settings = {"compression.type": "producer", **spec.settings}
    return TopicState(
        spec.partitions, 1, settings | {name.replace("_", "."): value for name, value in changed.items()}
    )


def problems_of(spec: TopicSpec, state: TopicState) -> list[str]:
    return find_problems({spec.name: state}, [spec])


def test_a_topic_as_specified_has_no_problem() -> None:
    """Nothing is reported of a topic that is as the window needs it."""
    assert problems_of(CASES, state_of(CASES)) == []


def test_a_missing_topic_is_one_problem() -> None:
    """A topic that does not exist is reported once, by name."""
    assert find_problems({}, [CASES]) == ["topic nsw.cases is missing"]


@pytest.mark.parametrize("partitions", [3, 12])
def test_another_partition_count_of_the_cases_is_a_problem(partitions: int) -> None:
    """Fewer or more partitions of nsw.cases are reported with the reason."""
    (problem,) = problems_of(CASES, replace(state_of(CASES), partitions=partitions))
    assert problem.startswith(f"topic nsw.cases has {partitions} partition(s), not 6: ")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("message_timestamp_type", "CreateTime"),
        ("cleanup_policy", "compact"),
        ("cleanup_policy", "compact,delete"),
        ("compression_type", "gzip"),
        ("max_message_bytes", "4096"),
    ],
)
def test_a_setting_that_the_window_relies_on_is_a_problem_when_it_differs(setting: str, value: str) -> None:
    """The sentence names the topic, the setting and its value."""
    (problem,) = problems_of(CASES, state_of(CASES, **{setting: value}))
    assert problem.startswith(f"topic nsw.cases: {setting.replace('_', '.')} is {value}, ")


@pytest.mark.parametrize("spec", [INBOX, AGENCY_OUTBOX], ids=["party", "agency"])
def test_an_inbox_that_takes_more_than_its_outputs_is_a_problem(spec: TopicSpec) -> None:
    """What a sender may write must fit the window's own topics, or its batch could never be committed."""
    (problem,) = problems_of(spec, state_of(spec, max_message_bytes="99999999"))
    assert "more than" in problem


def test_an_output_topic_may_take_more_than_it_must() -> None:
    """More room than needed is no problem where only the window writes."""
    assert problems_of(OUTBOX, state_of(OUTBOX, max_message_bytes="99999999")) == []


def test_fewer_copies_than_wanted_are_two_problems() -> None:
    """Copies, and how many must hold a record before it counts; more of either is no problem."""
    weak = state_of(CASES, min_insync_replicas="1")
    problems = find_problems({CASES.name: weak}, [CASES], 3, 2)
    assert problems[0].startswith("topic nsw.cases has 1 copies, not 3: ")
    assert problems[1].startswith("topic nsw.cases: min.insync.replicas is 1, less than 2: ")
    strong = replace(state_of(CASES, min_insync_replicas="3"), replication_factor=5)
    assert find_problems({CASES.name: strong}, [CASES], 3, 2) == []


def test_every_problem_of_every_topic_is_reported() -> None:
    """The list does not end at the first problem."""
    bad = replace(state_of(CASES, message_timestamp_type="CreateTime", compression_type="gzip"), partitions=1)
    assert len(find_problems({CASES.name: bad}, [CASES, INBOX])) == 4


def test_settings_that_may_not_be_seen_are_a_problem() -> None:
    """A login without the permission to see settings learns so, instead of a list of wrong values."""
    (problem,) = problems_of(CASES, TopicState(6, 1, {}))
    assert "cannot be read" in problem


def test_a_connection_does_not_show_its_secrets() -> None:
    """Settings with passwords stay out of logs and tracebacks."""
    assert "secret" not in repr(Connection("kafka:9092", {"sasl_plain_password": "secret"}))


@pytest.mark.parametrize("address", ["kafka", "kafka:", "kafka:port", ""])
def test_an_address_of_another_shape_is_refused(address: str) -> None:
    """An address without a port is a mistake of the settings, found before anything is sent."""
    with pytest.raises(ConfigError, match="host:port"):
        cluster_id(Connection(address))


def test_a_closed_port_is_told_at_once_with_its_address() -> None:
    """Where nothing listens, nobody waits."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(BrokerUnavailableError, match=f"{address}.*Check the address"):
            cluster_id(Connection(address))
    assert time.monotonic() - began < 2


def test_something_that_listens_and_is_no_kafka_is_given_up_in_time() -> None:
    """A silent server is given up after the connection's timeout."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection = Connection(f"127.0.0.1:{silent.getsockname()[1]}", timeout_seconds=0.5)
        with pytest.raises(BrokerUnavailableError, match="does not answer"):
            read_topic(connection, ["nsw.cases"])


def test_publishing_nothing_needs_no_broker() -> None:
    """An empty group is no transaction."""
    publish_atomically(Connection("127.0.0.1:1"), [], "nobody")
