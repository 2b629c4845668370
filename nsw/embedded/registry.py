"""
Starts and stops a schema registry on this machine: Apicurio Registry, by its Confluent-compatible API.

Its schemas lie in an H2 database file of the data folder, each registration flushed before it is answered. It
could keep them in Kafka instead, but then a start takes three times as long (see docs/adr/0009).
"""

import http.client
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from nsw.embedded.cache import default_cache_folder, make_folder
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.folderlock import FolderLock
from nsw.embedded.jars import OnProgress
from nsw.embedded.java import candidate_paths, find_java
from nsw.embedded.layout import last_lines
from nsw.embedded.ports import check_port, pick_free_port
from nsw.embedded.process import JavaProcess
from nsw.embedded.registryfiles import ensure_registry
from nsw.errors import InvariantError

#: Path of the API that Confluent's clients speak.
API_PATH = "/apis/ccompat/v7"
#: What Apicurio Registry 3.3 was compiled for (class file version 65).
_MINIMUM_JAVA = 21
_POLL_SECONDS = 0.1
_HTTP_OK = 200


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """
    How an embedded registry runs.

    Attributes:
        port: where clients connect; 0 for a free one, which the registry object then keeps.
        host: its address.
        heap_mib: Java's heap.
        java: the only Java to try; None to look for one.
        cache_folder: where its program is kept; None for this user's cache folder.
        start_seconds: how long it may take until it answers.
        stop_seconds: how long a clean end may take before it is killed.
        folder_wait_seconds: how long to wait for another one that is just leaving the data folder.
    """

    port: int = 0
    host: str = "127.0.0.1"
    heap_mib: int = 256
    java: Path | None = None
    cache_folder: Path | None = None
    start_seconds: float = 120.0
    stop_seconds: float = 20.0
    folder_wait_seconds: float = 5.0


class EmbeddedRegistry:
    """
    One schema registry in a data folder; as a context manager it runs inside the block.

    It may be started again after :meth:`stop` or :meth:`kill`, with the same schemas under the same ids. It ends
    with this process, however that ends. Not for use by several threads at once.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: RegistrySettings | None = None,
        *,
        on_progress: OnProgress | None = None,
    ) -> None:
        """
        Describe it; nothing is started or written yet.

        Args:
            data_dir: kept between runs; made when missing.
            settings: None for the defaults.
            on_progress: called when its program had to be fetched.
        """
        self._folder = data_dir.absolute()
        self._settings = settings or RegistrySettings()
        self._on_progress = on_progress
        self._lock = FolderLock(self._folder)
        self._port = self._settings.port
        self._process: JavaProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where clients that speak Confluent's REST API connect; known once it was started."""
        if not self._port:
            raise InvariantError("the embedded registry was not started yet")
        return f"http://{self._settings.host}:{self._port}{API_PATH}"

    @property
    def log_file(self) -> Path:
        """What it printed in the present or last run."""
        return self._folder / "registry.log"

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
        Start it and wait until it answers; does nothing when it runs.

        Raises:
            EmbeddedBrokerError: no Java, program, port or folder; REGISTRY_DIED or REGISTRY_NOT_READY. Nothing is
                left running then.
        """
        if self.is_running:
            return
        self.stop()
        make_folder(self._folder)
        self._lock.acquire(self._settings.folder_wait_seconds)
        try:
            self._launch()
        except BaseException:
            self.kill()
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
        self._forget_process()
        return ended

    def kill(self) -> None:
        """Kill it at once, as a power cut would; does nothing when it was not started."""
        if self._process is not None:
            self._process.kill()
            self._forget_process()

    def check_running(self) -> None:
        """
        Refuse to go on without a registry that was started.

        Raises:
            EmbeddedBrokerError: REGISTRY_DIED.
        """
        status = self._process.poll() if self._process else None
        if status is not None:
            raise EmbeddedBrokerError(
                BrokerTrouble.REGISTRY_DIED, last_lines(self.log_file), status=status, file=self.log_file
            )

    def _launch(self) -> None:
        settings = self._settings
        java = find_java([settings.java] if settings.java else candidate_paths(), minimum=_MINIMUM_JAVA)
        program = ensure_registry(settings.cache_folder or default_cache_folder(), self._on_progress)
        self._port = self._port or pick_free_port(settings.host)
        check_port(settings.host, self._port)
        command = [str(java.path), *self._options(), "-jar", str(program)]
        self._process = JavaProcess(command, self.log_file, self._lock.descriptor)
        self._wait_until_ready()

    def _options(self) -> list[str]:
        settings = self._settings
        properties = {
            "quarkus.http.host": settings.host,
            "quarkus.http.port": self._port,
            # Health and metrics: on this machine only, as the rest.
            "quarkus.management.host": settings.host,
            "quarkus.management.port": 0,
            "quarkus.http.access-log.enabled": "false",
            "quarkus.banner.enabled": "false",
            "apicurio.storage.kind": "sql",
            "apicurio.storage.sql.kind": "h2",
            # Without WRITE_DELAY=0, H2 flushes half a second after it has answered: a kill would lose an id.
            "apicurio.datasource.url": f"jdbc:h2:file:{self._folder / 'registry'};WRITE_DELAY=0",
            # Confluent's default; Apicurio's own is to check nothing.
            "apicurio.rules.global.compatibility": "BACKWARD",
        }
        return [
            f"-Xmx{settings.heap_mib}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-XX:+ExitOnOutOfMemoryError",
            *(f"-D{name}={value}" for name, value in properties.items()),
        ]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._settings.start_seconds
        while time.monotonic() < deadline:
            self.check_running()
            if self._answers():
                return
            time.sleep(_POLL_SECONDS)
        raise EmbeddedBrokerError(
            BrokerTrouble.REGISTRY_NOT_READY,
            last_lines(self.log_file),
            seconds=self._settings.start_seconds,
            file=self.log_file,
        )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(self._settings.host, self._port, timeout=5)
        try:
            connection.request("GET", f"{API_PATH}/subjects")
            return connection.getresponse().status == _HTTP_OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _forget_process(self) -> None:
        self._process = None
        self._lock.release()
