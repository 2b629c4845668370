"""The Kafka of a chaos run: one node or three, with a proxy before each; nodes are killed and come back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from nsw.embedded import EmbeddedBroker
from tests.faultproxy import PROXIED, FaultProxy, proxied_broker, proxied_cluster
from tests.kafkacluster import lagging


@dataclass(frozen=True, slots=True)
class Kafka:
    """
    The nodes, and how they are reached.

    Attributes:
        bootstrap_servers: past the proxies: for traders, agencies and the checker.
        proxied_servers: through the proxies: for the workers.
    """

    nodes: Sequence[EmbeddedBroker]
    proxies: Sequence[FaultProxy]
    bootstrap_servers: str
    proxied_servers: str

    @property
    def is_whole(self) -> bool:
        """Whether every node runs, and has all records that it should have."""
        if not all(node.is_running for node in self.nodes):
            return False
        if len(self.nodes) == 1:
            return True
        try:
            return not lagging(AdminClient({"bootstrap.servers": self.bootstrap_servers, "log_level": 2}))
        except KafkaException:
            return False


@contextmanager
def running_kafka(folder: Path, node_count: int) -> Iterator[Kafka]:
    """Run one node or three inside the block."""
    if node_count == 1:
        with proxied_broker(folder) as (broker, proxy):
            yield Kafka([broker], [proxy], broker.bootstrap_servers, broker.address_of(PROXIED))
    else:
        with proxied_cluster(folder) as (cluster, proxies):
            yield Kafka(
                cluster.nodes,
                list(proxies.values()),
                cluster.bootstrap_servers,
                cluster.addresses_of(PROXIED),
            )
