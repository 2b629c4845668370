"""Kafka beside a local window: the embedded one, of one node or of three that outlive the death of one."""

from collections.abc import Callable
from pathlib import Path

from nsw.embedded import BrokerSettings, ClusterSettings, EmbeddedBroker, EmbeddedCluster, FetchProgress
from nsw.errors import ConfigError

_FOLDER_BY_NODES = {1: "kafka", 3: "kafka-3"}


class LocalKafka:
    """
    The embedded Kafka of a data folder.

    Args:
        data_folder: kept between runs; it stays with as many nodes as it began with.
        nodes: 1 or 3.
        port: where clients reach the first node, the others at the ports behind it; 0 for free ones.
        on_progress: learns of each jar that is fetched at the first start.

    Raises:
        ConfigError: the folder holds a Kafka of another number of nodes, or there is no such Kafka.
    """

    def __init__(
        self,
        data_folder: Path,
        nodes: int,
        port: int,
        on_progress: Callable[[FetchProgress], None] | None = None,
    ) -> None:
        if nodes not in _FOLDER_BY_NODES:
            raise ConfigError(f"Kafka runs here on one node or on three, not on {nodes}")
        for count, name in _FOLDER_BY_NODES.items():
            if count != nodes and (data_folder / name).exists():
                raise ConfigError(
                    f"{data_folder} holds the records of a Kafka of {count} node(s), not of {nodes}: "
                    "give another --data-folder, or as many --nodes"
                )
        folder = data_folder / _FOLDER_BY_NODES[nodes]
        self._kafka: EmbeddedBroker | EmbeddedCluster = (
            EmbeddedBroker(folder, BrokerSettings(port=port), on_progress=on_progress)
            if nodes == 1
            else EmbeddedCluster(folder, ClusterSettings(port=port), on_progress=on_progress)
        )

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect; known once it was started."""
        return self._kafka.bootstrap_servers

    def start(self) -> None:
        """
        Start it and wait until it takes work.

        Raises:
            EmbeddedBrokerError: what kept it from starting; nothing is left running then.
        """
        self._kafka.start()

    def stop(self) -> None:
        """Let it end; does nothing when it does not run."""
        self._kafka.stop()

    def check(self) -> list[str]:
        """
        Look after it; to be called every second or so.

        Returns:
            A sentence for each node of three that had died and was started again.

        Raises:
            EmbeddedBrokerError: its only node has ended by itself, or one of three can't be started again.
        """
        if isinstance(self._kafka, EmbeddedCluster):
            return [f"node {each} of Kafka had died and was started again" for each in self._kafka.revive()]
        self._kafka.check_running()
        return []
