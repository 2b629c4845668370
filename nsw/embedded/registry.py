"""
Starts and stops a schema registry on this machine: Apicurio Registry, by its Confluent-compatible API.

Its schemas lie in an H2 database file of the data folder, each registration flushed before it is answered. It
could keep them in Kafka instead, but then a start takes three times as long (see docs/adr/0009).
"""

import http.client
from dataclasses import dataclass
from pathlib import Path

from nsw.embedded.cache import default_cache_folder
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.jars import OnProgress
from nsw.embedded.java import candidate_paths, find_java
from nsw.embedded.layout import last_lines
from nsw.embedded.ports import check_port, pick_free_port
from nsw.embedded.process import JavaProcess
from nsw.embedded.registryfiles import ensure_registry
from nsw.embedded.server import JavaServer
from nsw.errors import InvariantError

#: Path of the API that Confluent's clients speak.
API_PATH = "/apis/ccompat/v7"
#: What Apicurio Registry 3.3 was compiled for (class file version 65).
_MINIMUM_JAVA = 21
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


class EmbeddedRegistry(JavaServer):
    """
    One schema registry in a data folder; as a context manager it runs inside the block.

    It may be started again after :meth:`stop` or :meth:`kill`, with the same schemas under the same ids.
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
        super().__init__(
            self._folder,
            start_seconds=self._settings.start_seconds,
            stop_seconds=self._settings.stop_seconds,
            folder_wait_seconds=self._settings.folder_wait_seconds,
        )
        self._on_progress = on_progress
        self._port = self._settings.port

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

    def _launch(self, lock: int) -> JavaProcess:
        settings = self._settings
        java = find_java([settings.java] if settings.java else candidate_paths(), minimum=_MINIMUM_JAVA)
        program = ensure_registry(settings.cache_folder or default_cache_folder(), self._on_progress)
        self._port = self._port or pick_free_port(settings.host)
        check_port(settings.host, self._port)
        command = [str(java.path), *self._options(), "-jar", str(program)]
        return JavaProcess(command, self.log_file, lock)

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

    def _explain_end(self, status: int) -> EmbeddedBrokerError:
        return EmbeddedBrokerError(
            BrokerTrouble.REGISTRY_DIED, last_lines(self.log_file), status=status, file=self.log_file
        )

    def _explain_silence(self) -> EmbeddedBrokerError:
        return EmbeddedBrokerError(
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
