"""
Starts and stops one real Kafka node on this machine: broker and controller in one Java process.

Linux and macOS. The records, the configuration and the logs are in one data folder (see ``layout``); the jars
and the class archive in this user's cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nsw.embedded.cache import check_free_space
from nsw.embedded.diagnosis import explain_end
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.fencing import LoneController, fence_former_selves
from nsw.embedded.jars import OnProgress
from nsw.embedded.layout import DataFolder
from nsw.embedded.ports import check_port, pick_free_port
from nsw.embedded.probe import describe_cluster
from nsw.embedded.process import JavaProcess
from nsw.embedded.properties import Listener, ServerConfig, Voter
from nsw.embedded.runtime import KafkaRuntime, prepare_runtime
from nsw.embedded.server import JavaServer
from nsw.errors import InvariantError

_TRIES = 3
# What Java exits with after SIGTERM, when its shutdown hooks have run.
_ENDED_BY_TERM = 143


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """
    How an embedded broker runs; the defaults suit one laptop.

    Attributes:
        port: where clients connect; 0 for a free one, which the broker object then keeps.
        controller_port: where the controller listens; 0 likewise; with *voters*, it is named there.
        host: address of both.
        node_id: the node's id.
        voters: all nodes of its cluster, this one among them; empty for a node that is alone.
        cluster_id: what a new folder is given; empty for one that is drawn.
        extra_listeners: further addresses for clients, such as one with SASL; port 0 likewise.
        extra_properties: further broker properties, which win over ours.
        heap_mib: Java's heap. 512 served 12 MiB messages; less than 256 was not tried.
        java_options: further options of Java, which win over ours.
        java: the only Java to try; None to look for one.
        cache_folder: where jars are kept; None for this user's cache folder.
        start_seconds: how long the broker may take until it answers.
        stop_seconds: how long a clean end may take before it is killed.
        folder_wait_seconds: how long to wait for another broker that is just leaving the data folder.
        free_bytes_needed: space on the data folder's disk below which no start is tried.
    """

    port: int = 0
    controller_port: int = 0
    host: str = "127.0.0.1"
    node_id: int = 1
    voters: tuple[Voter, ...] = ()
    cluster_id: str = ""
    extra_listeners: tuple[Listener, ...] = ()
    extra_properties: Mapping[str, str] = field(default_factory=dict)
    heap_mib: int = 512
    java_options: tuple[str, ...] = ()
    java: Path | None = None
    cache_folder: Path | None = None
    start_seconds: float = 90.0
    stop_seconds: float = 30.0
    folder_wait_seconds: float = 5.0
    free_bytes_needed: int = 512 * 1024 * 1024


class EmbeddedBroker(JavaServer):
    """
    One Kafka node in a data folder; as a context manager it runs inside the block.

    It may be started again after :meth:`stop` or :meth:`kill`, with the same ports and records.
    """

    def __init__(
        self, data_dir: Path, settings: BrokerSettings | None = None, *, on_progress: OnProgress | None = None
    ) -> None:
        """
        Describe it; nothing is started or written yet.

        Args:
            data_dir: kept between runs; made when missing.
            settings: None for the defaults.
            on_progress: called after each jar that had to be fetched.
        """
        self._folder = DataFolder(data_dir.absolute())
        self._settings = settings or BrokerSettings()
        super().__init__(
            self._folder.root,
            start_seconds=self._settings.start_seconds,
            stop_seconds=self._settings.stop_seconds,
            folder_wait_seconds=self._settings.folder_wait_seconds,
        )
        self._on_progress = on_progress
        self._config: ServerConfig | None = None
        self._runtime: KafkaRuntime | None = None
        self._cluster_id = ""
        self._has_answered = False

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute."""
        return self._folder.root

    @property
    def log_file(self) -> Path:
        """The log of the present or last run."""
        return self._folder.log_file

    @property
    def port(self) -> int:
        """The clients' port; known once the broker was started."""
        return self._started_config().listeners[0].port

    @property
    def bootstrap_servers(self) -> str:
        """The clients' address as host:port; known once the broker was started."""
        return self._started_config().listeners[0].address

    def address_of(self, listener: str) -> str:
        """Tell the address, as host:port, of the listener of that name; known once the broker was started."""
        return next(one.address for one in self._started_config().listeners if one.name == listener)

    @property
    def runtime(self) -> KafkaRuntime:
        """Kafka's other programs, such as the console consumer; known once the broker was started."""
        if self._runtime is None:
            raise InvariantError("the embedded broker was not started yet")
        return self._runtime

    @property
    def node_id(self) -> int:
        """The node's id."""
        return self._settings.node_id

    def start(self) -> None:
        """
        Start it and wait until it takes work; does nothing when it runs.

        Raises:
            EmbeddedBrokerError: any of :class:`BrokerTrouble`; nothing is left running then.
        """
        for tries_left in reversed(range(_TRIES)):
            try:
                self._fence_if_killed()
                super().start()
            except EmbeddedBrokerError as error:
                if not tries_left or not self.can_mend(error):
                    raise
            else:
                return

    def _fence_if_killed(self) -> None:
        if self.was_killed and not self._settings.voters:
            self.kill()
            fence_former_selves([self.as_controller()])

    @property
    def was_killed(self) -> bool:
        """Whether it worked in its folder before, does not run, and did not end cleanly."""
        return not self.is_running and self._folder.was_killed

    def as_controller(self) -> LoneController:
        """
        Give this node as controller only, to be run while it does not run as a whole.

        Raises:
            EmbeddedBrokerError: as :meth:`start`.
        """
        runtime, config = self._prepare()
        return LoneController(self._folder, config, runtime)

    def stop(self) -> bool:
        """
        Ask it to end, wait, and kill it if it takes too long; does nothing when it was not started.

        Returns:
            False when it had to be killed.
        """
        process = self._process
        ended = super().stop()
        if process is not None and process.poll() == _ENDED_BY_TERM:
            self.runtime.archive.keep_draft()
        return ended

    def can_mend(self, error: EmbeddedBrokerError) -> bool:
        """Tell whether another start may succeed where one failed with *error*; what stood in its way is removed."""
        if error.code is BrokerTrouble.CRASHED and self._runtime and self._runtime.archive.top.exists():
            # Java looks at an archive's head only: with a damaged body it crashes, so try once without.
            self._runtime.archive.discard()
            return True
        if error.code is BrokerTrouble.PORT_TAKEN and not self._has_answered:
            # A free port may be taken between our look at it and Java's bind, seconds later.
            self._config = None
            return True
        return False

    def _launch(self, lock: int) -> JavaProcess:
        check_free_space(self._folder.root, self._settings.free_bytes_needed)
        runtime, config = self._prepare()
        for listener in config.listeners:
            check_port(listener.host, listener.port)
        check_port(config.controller.host, config.controller.port)
        self._folder.write_configuration(config)
        self._cluster_id = self._folder.ensure_formatted(runtime, self._settings.cluster_id)
        command = runtime.command(
            "kafka.Kafka", str(self._folder.server_properties), options=self._java_options(), learn=True
        )
        return JavaProcess(command, self._folder.console_file, lock)

    def _prepare(self) -> tuple[KafkaRuntime, ServerConfig]:
        self._runtime = prepare_runtime(
            cache_folder=self._settings.cache_folder, java=self._settings.java, on_progress=self._on_progress
        )
        self._config = self._config or self._choose_ports()
        return self._runtime, self._config

    def _java_options(self) -> list[str]:
        return [
            f"-Xmx{self._settings.heap_mib}m",
            # A broker without memory limps and loses its clients: better it ends and says why.
            "-XX:+ExitOnOutOfMemoryError",
            *self._folder.java_options(),
            *self._settings.java_options,
        ]

    def _choose_ports(self) -> ServerConfig:
        settings = self._settings
        wanted = (Listener("PLAINTEXT", settings.port, settings.host), *settings.extra_listeners)
        listeners = [replace(one, port=one.port or pick_free_port(one.host)) for one in wanted]
        alone = Voter(
            settings.node_id, settings.controller_port or pick_free_port(settings.host), settings.host
        )
        return ServerConfig(
            node_id=settings.node_id,
            voters=settings.voters or (alone,),
            listeners=listeners,
            log_folder=self._folder.records,
            extra=settings.extra_properties,
        )

    def _answers(self) -> bool:
        listener = self._started_config().listeners[0]
        cluster = describe_cluster(listener.host, listener.port)
        ready = bool(
            cluster and cluster.cluster_id == self._cluster_id and self.node_id in cluster.broker_ids
        )
        self._has_answered |= ready
        return ready

    def _explain_end(self, status: int) -> EmbeddedBrokerError:
        return explain_end(status, self._folder.tail(), self._folder.root, self._settings.free_bytes_needed)

    def _explain_silence(self) -> EmbeddedBrokerError:
        return EmbeddedBrokerError(
            BrokerTrouble.NOT_READY,
            self._folder.tail(),
            seconds=self._settings.start_seconds,
            folder=self._folder.logs,
        )

    def _started_config(self) -> ServerConfig:
        if self._config is None:
            raise InvariantError("the embedded broker was not started yet")
        return self._config
