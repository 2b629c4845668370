"""The texts of the broker's configuration."""

from dataclasses import replace
from pathlib import Path

from nsw.embedded import Listener
from nsw.embedded.properties import (
    ServerConfig,
    Voter,
    controller_properties,
    logging_properties,
    server_properties,
)

ALONE = ServerConfig(1, (Voter(1, 9093),), (Listener("PLAINTEXT", 9092),), Path("/data/kafka"))
TRIO = ServerConfig(
    2,
    (Voter(1, 9193, "10.0.0.1"), Voter(2, 9293, "10.0.0.2"), Voter(3, 9393, "10.0.0.3")),
    (Listener("PLAINTEXT", 9092, "10.0.0.2"), Listener("SECURE", 9094, "10.0.0.2", "SASL_PLAINTEXT")),
    Path("/data/kafka"),
    {"num.io.threads": "8", "sasl.enabled.mechanisms": "SCRAM-SHA-512"},
)


def _read(config: ServerConfig) -> dict[str, str]:
    lines = server_properties(config).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_one_node_is_broker_and_controller() -> None:
    """Both roles, their addresses and the folder of the records."""
    properties = _read(ALONE)
    assert properties["process.roles"] == "broker,controller"
    assert properties["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert properties["controller.quorum.voters"] == "1@127.0.0.1:9093"
    assert properties["log.dirs"] == "/data/kafka"


def test_one_node_asks_for_no_replicas() -> None:
    """With Kafka's defaults of three, no transaction would ever begin on a single node."""
    properties = _read(ALONE)
    assert properties["offsets.topic.replication.factor"] == "1"
    assert properties["transaction.state.log.replication.factor"] == "1"
    assert properties["transaction.state.log.min.isr"] == "1"


def test_no_topic_appears_by_itself_and_large_messages_fit() -> None:
    """A misspelt topic fails; 12 MiB fit into a record and into a replica's fetch."""
    properties = _read(ALONE)
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["message.max.bytes"] == properties["replica.fetch.max.bytes"] == str(12 * 2**20)


def test_one_of_three_nodes_names_all_voters() -> None:
    """Each node listens on its own addresses, knows all controllers, and keeps two of three replicas in sync."""
    properties = _read(TRIO)
    assert properties["controller.quorum.voters"] == "1@10.0.0.1:9193,2@10.0.0.2:9293,3@10.0.0.3:9393"
    assert properties["listeners"].endswith("CONTROLLER://10.0.0.2:9293")
    assert properties["transaction.state.log.replication.factor"] == "3"
    assert properties["transaction.state.log.min.isr"] == "2"


def test_each_listener_has_its_protocol() -> None:
    """Clients may come by several listeners; brokers talk over the first."""
    properties = _read(TRIO)
    expected = "PLAINTEXT:PLAINTEXT,SECURE:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"
    assert properties["listener.security.protocol.map"] == expected
    assert properties["inter.broker.listener.name"] == "PLAINTEXT"


def test_a_node_may_be_controller_only() -> None:
    """With the same id, quorum and folder, at the controller's address, and no listener for clients."""
    lines = controller_properties(TRIO, 200).splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert properties["process.roles"] == "controller"
    assert properties["listeners"] == "CONTROLLER://10.0.0.2:9293"
    assert properties["broker.session.timeout.ms"] == "200"
    whole = _read(TRIO)
    for name in ("node.id", "controller.quorum.voters", "log.dirs"):
        assert properties[name] == whole[name]


def test_clients_may_be_told_another_address() -> None:
    """Such as a proxy's: the broker listens on its own, and brokers go on talking over the first listener."""
    told = Listener("PROXIED", 9094, advertised="127.0.0.1:7777")
    properties = _read(replace(ALONE, listeners=(*ALONE.listeners, told)))
    assert properties["listeners"].split(",")[1] == "PROXIED://127.0.0.1:9094"
    assert properties["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092,PROXIED://127.0.0.1:7777"


def test_extra_properties_win() -> None:
    """What the caller adds replaces ours, once."""
    assert _read(TRIO)["num.io.threads"] == "8"
    assert server_properties(TRIO).count("num.io.threads=") == 1


def test_a_value_cannot_begin_another_property() -> None:
    """Line ends and backslashes are written as Java reads them back."""
    config = ServerConfig(
        1, ALONE.voters, ALONE.listeners, Path("/data"), {"x": "a\\b\nauto.create.topics.enable=true"}
    )
    assert "x=a\\\\b\\nauto.create.topics.enable=true\n" in server_properties(config)


def test_the_log_goes_to_a_file_that_is_rolled() -> None:
    """A broker that runs for weeks does not fill the disk with its log."""
    text = logging_properties(Path("/data/logs/broker.log"))
    assert "appender.file.fileName = /data/logs/broker.log\n" in text
    assert "appender.file.policies.size = 10MB\n" in text
