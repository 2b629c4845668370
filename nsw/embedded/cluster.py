"""Starts and stops several Kafka nodes on this machine as one cluster that outlives the death of one of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from nsw.embedded.broker import BrokerSettings, EmbeddedBroker
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.fencing import fence_former_selves
from nsw.embedded.jars import OnProgress
from nsw.embedded.layout import DataFolder, new_cluster_id
from nsw.embedded.ports import pick_free_port
from nsw.embedded.properties import Listener, Voter
from nsw.errors import InvariantError

_TRIES = 3


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """
    How an embedded cluster runs; every node is broker and controller.

    Attributes:
        node_count: nodes, numbered from 1. Three keep three copies of everything, and two of them must have a record.
        port: where clients reach the first node, the others at the ports behind it; 0 for free ones.
        extra_listeners: further addresses for clients, by node.
        node: what is the same for every node; its ids, ports and listeners are not looked at.
    """

    node_count: int = 3
    port: int = 0
    extra_listeners: Mapping[int, tuple[Listener, ...]] = field(default_factory=dict)
    node: BrokerSettings = field(default_factory=lambda: BrokerSettings(heap_mib=320))


class EmbeddedCluster:
    """
    Several nodes, each in a folder of its own; as a context manager they run inside the block.

    A node may be killed and started by itself (:meth:`node`): it comes back to its own folder and ports. All end with
    this process, however that ends. Not for use by several threads at once.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: ClusterSettings | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> None:
        """
        Describe it; nothing is started or written yet.

        Args:
            data_dir: kept between runs, with a folder ``node-<id>`` for each node; made when missing.
            settings: None for the defaults.
            on_progress: called after each jar that had to be fetched.
        """
        self._data_dir = data_dir.absolute()
        self._settings = settings or ClusterSettings()
        self._on_progress = on_progress
        self._nodes: dict[int, EmbeddedBroker] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def nodes(self) -> tuple[EmbeddedBroker, ...]:
        """The nodes by their ids; known once the cluster was started."""
        if not self._nodes:
            raise InvariantError("the embedded cluster was not started yet")
        return tuple(self._nodes.values())

    def node(self, node_id: int) -> EmbeddedBroker:
        """Give the node of that id, to be killed, stopped or started by itself."""
        return next(each for each in self.nodes if each.node_id == node_id)

    @property
    def bootstrap_servers(self) -> str:
        """The clients' addresses as host:port, by ','; known once the cluster was started."""
        return ",".join(each.bootstrap_servers for each in self.nodes)

    def addresses_of(self, listener: str) -> str:
        """Tell the addresses of the listener of that name, as *bootstrap_servers*."""
        return ",".join(each.address_of(listener) for each in self.nodes)

    def start(self) -> None:
        """
        Start the nodes that do not run, and wait until all take work.

        Raises:
            EmbeddedBrokerError: any of :class:`BrokerTrouble`; when it is the first start, nothing is left running.
        """
        if self._nodes:
            self._start_nodes()
            return
        for tries_left in reversed(range(_TRIES)):
            self._nodes = self._describe_nodes()
            try:
                self._start_nodes()
            except BaseException as error:
                again = isinstance(error, EmbeddedBrokerError) and self._can_mend(error)
                self.kill()
                self._nodes = {}
                if not again or not tries_left:
                    raise
            else:
                return

    def stop(self) -> bool:
        """
        Ask all nodes to end, wait, and kill what takes too long.

        Returns:
            False when one had to be killed.
        """
        # All at once: the last ones of a quorum can't end in order once the others are gone.
        for node in self._nodes.values():
            node.ask_to_end()
        ended = [node.stop() for node in self._nodes.values()]
        return all(ended)

    def kill(self) -> None:
        """Kill all nodes at once."""
        for node in self._nodes.values():
            node.kill()

    def check_running(self) -> None:
        """
        Refuse to go on without all nodes that were started.

        Raises:
            EmbeddedBrokerError: one has ended by itself, and why.
        """
        for node in self._nodes.values():
            node.check_running()

    def revive(self) -> list[int]:
        """
        Start those nodes again that have ended by themselves.

        Returns:
            Their ids.

        Raises:
            EmbeddedBrokerError: one can't be started.
        """
        dead = [node for node in self._nodes.values() if node.pid is not None and not node.is_running]
        if len(dead) == len(self._nodes):
            self.start()
        for node in dead:
            node.start()
        return [node.node_id for node in dead]

    def _start_nodes(self) -> None:
        if not any(node.is_running for node in self.nodes) and any(node.was_killed for node in self.nodes):
            self.kill()
            fence_former_selves([node.as_controller() for node in self.nodes])
        # A node takes work only once most of them are there.
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait_until_ready()

    def _can_mend(self, error: EmbeddedBrokerError) -> bool:
        return error.code is BrokerTrouble.PORT_TAKEN or any(node.can_mend(error) for node in self.nodes)

    def _describe_nodes(self) -> dict[int, EmbeddedBroker]:
        settings = self._settings
        host = settings.node.host
        ids = range(1, settings.node_count + 1)
        folders = {node_id: self._data_dir / f"node-{node_id}" for node_id in ids}
        known = filter(None, (DataFolder(folder).read_cluster_id() for folder in folders.values()))
        cluster_id = next(known, None) or new_cluster_id()
        voters = tuple(Voter(node_id, pick_free_port(host), host) for node_id in ids)
        nodes = {}
        for node_id, folder in folders.items():
            node = replace(
                settings.node,
                node_id=node_id,
                voters=voters,
                cluster_id=cluster_id,
                port=settings.port and settings.port + node_id - 1,
                extra_listeners=tuple(settings.extra_listeners.get(node_id, ())),
            )
            nodes[node_id] = EmbeddedBroker(folder, node, on_progress=self._on_progress)
        return nodes
