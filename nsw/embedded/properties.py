"""The texts of a broker's configuration, as pure functions of values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MAX_MESSAGE_BYTES = 12 * 1024 * 1024
_MAX_REPLICAS = 3


@dataclass(frozen=True, slots=True)
class Listener:
    """
    One address at which clients reach the broker.

    Attributes:
        name: upper-case letters, digits and underscores; one of a kind in a broker.
        port: 1 to 65535; for :class:`~nsw.embedded.BrokerSettings` also 0, to take a free one.
        host: address to listen on.
        protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; what the last three need goes to *extra*.
        advertised: what clients are told, as host:port, where they must come another way; empty for *address*.
    """

    name: str
    port: int
    host: str = "127.0.0.1"
    protocol: str = "PLAINTEXT"
    advertised: str = ""

    @property
    def address(self) -> str:
        """The listener as host:port."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Voter:
    """
    One member of the quorum that keeps the cluster's metadata.

    Attributes:
        node_id: 0 or more, one of a kind in the cluster.
        port: port of its controller.
        host: address of its controller.
    """

    node_id: int
    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """
    One node that is broker and controller at once.

    Attributes:
        node_id: this node, one of the voters.
        voters: all nodes of the quorum; one for a single broker, three for a cluster that outlives one.
        listeners: at least one; the first also carries what brokers say to one another.
        log_folder: where the records are kept.
        extra: further properties, which win over ours.
    """

    node_id: int
    voters: Sequence[Voter]
    listeners: Sequence[Listener]
    log_folder: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def controller(self) -> Voter:
        """The place of this node in the quorum."""
        return next(voter for voter in self.voters if voter.node_id == self.node_id)


# What is the same for every node. Sizes in bytes, times in milliseconds.
_COMMON: dict[str, str] = {
    # A misspelt topic must fail, not appear.
    "auto.create.topics.enable": "false",
    # Few partitions of the inner topics: the first consumer and the first transaction wait for them.
    "offsets.topic.num.partitions": "10",
    "transaction.state.log.num.partitions": "10",
    "share.coordinator.state.topic.num.partitions": "3",
    # No waiting for further members: one process starts its consumers one after another.
    "group.initial.rebalance.delay.ms": "0",
    # The zombie of a killed worker holds read-committed readers back until its transaction times out;
    # Kafka looks for such every 10 s unless told otherwise.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "transaction.max.timeout.ms": "300000",
    "broker.heartbeat.interval.ms": "1000",
    "message.max.bytes": str(MAX_MESSAGE_BYTES),
    "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
    "replica.fetch.response.max.bytes": str(4 * MAX_MESSAGE_BYTES),
    # A week, as Kafka's default; topics that keep records for longer say so themselves.
    "log.retention.hours": "168",
    "log.segment.bytes": str(256 * 1024 * 1024),
    # Threads and buffers for one machine: the cleaner alone would take 128 MiB of the heap.
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
}


def server_properties(config: ServerConfig) -> str:
    """
    Write the text of ``server.properties``.

    Args:
        config: the node; its first listener is the one between brokers.

    Returns:
        One property a line, in the order of their names.

    Source:
        Apache Kafka 4.3 documentation, broker configurations. The quorum is static
        (``controller.quorum.voters``): it is read at every start, so a node may come back with other ports.
    """
    properties = _COMMON | _replication(len(config.voters)) | _addresses(config) | dict(config.extra)
    return _lines(properties)


def controller_properties(config: ServerConfig, session_ms: int) -> str:
    """
    Write the text of the properties by which the node is controller only.

    Args:
        session_ms: how long a broker that is not heard of still counts as there.
    """
    whole = _addresses(config)
    names = (
        "node.id",
        "controller.quorum.voters",
        "controller.listener.names",
        "listener.security.protocol.map",
        "log.dirs",
    )
    return _lines(
        {name: whole[name] for name in names}
        | {
            "process.roles": "controller",
            "listeners": f"CONTROLLER://{config.controller.host}:{config.controller.port}",
            "broker.session.timeout.ms": str(session_ms),
        }
    )


def logging_properties(log_file: Path) -> str:
    """
    Write the text of ``log4j2.properties``: everything from INFO into *log_file*, which is rolled at 10 MB.

    Args:
        log_file: the current log; up to three older ones stand beside it.
    """
    return f"""\
status = error
# Log4j would stop at SIGTERM, before the broker has told how it shut down.
shutdownHook = disable
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = {_escape(str(log_file))}
appender.file.filePattern = {_escape(str(log_file))}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{ISO8601}} %p %m (%c)%n
appender.file.policies.type = SizeBasedTriggeringPolicy
appender.file.policies.size = 10MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


def _replication(node_count: int) -> dict[str, str]:
    replicas = min(node_count, _MAX_REPLICAS)
    # With three replicas one node may be down; with one there is nothing to spare.
    in_sync = max(1, replicas - 1)
    return {
        # So long nobody leads what a killed node led, and so long it must wait before it may come back; Kafka's own
        # is 9000. A node that is alone is replaced by nobody: to lose it for its slowness would only do harm (see
        # ``fencing``, which also takes its former self away at a start).
        "broker.session.timeout.ms": "3000" if node_count > 1 else "60000",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(in_sync),
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
    }


def _addresses(config: ServerConfig) -> dict[str, str]:
    clients = [f"{listener.name}://{listener.address}" for listener in config.listeners]
    told = [f"{listener.name}://{listener.advertised or listener.address}" for listener in config.listeners]
    protocols = [f"{listener.name}:{listener.protocol}" for listener in config.listeners]
    return {
        "process.roles": "broker,controller",
        "node.id": str(config.node_id),
        "controller.quorum.voters": ",".join(
            f"{voter.node_id}@{voter.host}:{voter.port}" for voter in config.voters
        ),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": config.listeners[0].name,
        "listeners": ",".join([*clients, f"CONTROLLER://{config.controller.host}:{config.controller.port}"]),
        "advertised.listeners": ",".join(told),
        "listener.security.protocol.map": ",".join([*protocols, "CONTROLLER:PLAINTEXT"]),
        "log.dirs": str(config.log_folder),
    }


def _lines(properties: Mapping[str, str]) -> str:
    return "".join(f"{name}={_escape(value)}\n" for name, value in sorted(properties.items()))


def _escape(value: str) -> str:
    # Source: java.util.Properties.load: a backslash escapes, a value may go on over lines.
    return value.replace("\\", "\\\\").replace("\n", "\\n")
