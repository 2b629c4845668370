"""
Starts and stops one real Kafka node on this machine: broker and controller in one Java process.

Linux and macOS. The records, the configuration and the logs are in one data folder (see ``layout``); the jars
and the class archive in this user's cache.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from nsw.embedded.cache import check_free_space, make_folder
from nsw.embedded.diagnosis import explain_end
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.folderlock import FolderLock
from nsw.embedded.jars import OnProgress
from nsw.embedded.layout import DataFolder
from nsw.embedded.ports import check_port, pick_free_port
from nsw.embedded.probe import describe_cluster
from nsw.embedded.process import JavaProcess
from nsw.embedded.properties import Listener, ServerConfig, Voter
from nsw.embedded.runtime import KafkaRuntime, prepare_runtime
from nsw.errors import InvariantError

_POLL_SECONDS = 0.03
_PORT_TRIES = 3
# What Java exits with after SIGTERM, when its shutdown hooks have run.
_ENDED_BY_TERM = 143


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """
    How an embedded broker runs; the defaults suit one laptop.

    Attributes:
        port: where clients connect; 0 for a free one, which the broker object then keeps.
        controller_port: where the controller listens; 0 likewise.
        host: address of both.
        node_id: the node's id.
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


class EmbeddedBroker:
    """
    One Kafka node in a data folder; as a context manager it runs inside the block.

    It may be started again after :meth:`stop` or :meth:`kill`, with the same ports and records. It ends with
    this process, however that ends. Not for use by several threads at once.
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
        self._on_progress = on_progress
        self._lock = FolderLock(self._folder.root)
        self._config: ServerConfig | None = None
        self._runtime: KafkaRuntime | None = None
        self._process: JavaProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

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
    def pid(self) -> int | None:
        """The process id of its Java; None when it was stopped or not started."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """
        Start it and wait until it takes work; does nothing when it runs.

        Raises:
            EmbeddedBrokerError: any of :class:`BrokerTrouble`; nothing is left running then.
        """
        if self.is_running:
            return
        self.stop()
        make_folder(self._folder.root)
        self._lock.acquire(self._settings.folder_wait_seconds)
        try:
            self._start_in_own_folder()
        except BaseException:
            self._lock.release()
            raise

    def stop(self) -> bool:
        """
        Ask it to end, wait, and kill it if it takes too long; does nothing when it was not started.

        Returns:
            False when it had to be killed.
        """
        if self._process is None:
            return True
        ended = self._process.end(self._settings.stop_seconds)
        if self._process.poll() == _ENDED_BY_TERM:
            self.runtime.archive.keep_draft()
        self._forget_process()
        return ended

    def kill(self) -> None:
        """Kill it at once, as a power cut would; does nothing when it was not started."""
        if self._process is not None:
            self._process.kill()
            self._forget_process()

    def check_running(self) -> None:
        """
        Refuse to go on without a broker.

        Raises:
            EmbeddedBrokerError: DIED, CRASHED, or what else its log tells: it has ended by itself.
        """
        status = self._process.poll() if self._process else None
        if status is not None:
            raise self._explain_end(status)

    def _start_in_own_folder(self) -> None:
        needed = self._settings.free_bytes_needed
        check_free_space(self._folder.root, needed)
        self._runtime = prepare_runtime(
            cache_folder=self._settings.cache_folder, java=self._settings.java, on_progress=self._on_progress
        )
        if self._config is not None:
            self._launch(self._runtime, self._config)
            return
        for tries_left in reversed(range(_PORT_TRIES)):
            config = self._choose_ports()
            try:
                self._launch(self._runtime, config)
            except EmbeddedBrokerError as error:
                # A free port may be taken between our look at it and Java's bind, seconds later.
                if error.code is not BrokerTrouble.PORT_TAKEN or not tries_left:
                    raise
            else:
                self._config = config
                return

    def _choose_ports(self) -> ServerConfig:
        settings = self._settings
        wanted = (Listener("PLAINTEXT", settings.port, settings.host), *settings.extra_listeners)
        listeners = [
            Listener(one.name, one.port or pick_free_port(one.host), one.host, one.protocol) for one in wanted
        ]
        controller_port = settings.controller_port or pick_free_port(settings.host)
        return ServerConfig(
            node_id=settings.node_id,
            voters=(Voter(settings.node_id, controller_port, settings.host),),
            listeners=listeners,
            log_folder=self._folder.records,
            extra=settings.extra_properties,
        )

    def _launch(self, runtime: KafkaRuntime, config: ServerConfig) -> None:
        for listener in config.listeners:
            check_port(listener.host, listener.port)
        check_port(config.controller.host, config.controller.port)
        self._folder.write_configuration(config)
        cluster_id = self._folder.ensure_formatted(runtime)
        try:
            self._run(runtime, config, cluster_id)
        except EmbeddedBrokerError as error:
            if error.code is not BrokerTrouble.CRASHED or not runtime.archive.top.exists():
                raise
            # Java looks at an archive's head only: with a damaged body it crashes, so try once without.
            runtime.archive.discard()
            self._run(runtime, config, cluster_id)

    def _run(self, runtime: KafkaRuntime, config: ServerConfig, cluster_id: str) -> None:
        options = [
            f"-Xmx{self._settings.heap_mib}m",
            # A broker without memory limps and loses its clients: better it ends and says why.
            "-XX:+ExitOnOutOfMemoryError",
            *self._folder.java_options(),
            *self._settings.java_options,
        ]
        properties = str(self._folder.server_properties)
        command = runtime.command("kafka.Kafka", properties, options=options, learn=True)
        self._process = JavaProcess(command, self._folder.console_file, self._lock.descriptor)
        try:
            self._wait_until_ready(self._process, config.listeners[0], cluster_id)
        except BaseException:
            self._process.kill()
            self._process = None
            raise

    def _wait_until_ready(self, process: JavaProcess, listener: Listener, cluster_id: str) -> None:
        deadline = time.monotonic() + self._settings.start_seconds
        while time.monotonic() < deadline:
            if (status := process.poll()) is not None:
                raise self._explain_end(status)
            cluster = describe_cluster(listener.host, listener.port)
            if cluster and cluster.cluster_id == cluster_id and cluster.broker_count:
                return
            time.sleep(_POLL_SECONDS)
        raise EmbeddedBrokerError(
            BrokerTrouble.NOT_READY,
            self._folder.tail(),
            seconds=self._settings.start_seconds,
            folder=self._folder.logs,
        )

    def _explain_end(self, status: int) -> EmbeddedBrokerError:
        return explain_end(status, self._folder.tail(), self._folder.root, self._settings.free_bytes_needed)

    def _forget_process(self) -> None:
        self._process = None
        self._lock.release()

    def _started_config(self) -> ServerConfig:
        if self._config is None:
            raise InvariantError("the embedded broker was not started yet")
        return self._config
