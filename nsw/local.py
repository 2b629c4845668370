"""The whole window on one machine: an embedded broker or a given cluster, its topics, and a supervised worker."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from nsw import admin, stewards
from nsw.config import Config
from nsw.connection import Connection
from nsw.embedded import FetchProgress
from nsw.errors import ConfigError, InvariantError
from nsw.localkafka import LocalKafka
from nsw.provision import window_topics
from nsw.reference import Reference

ADDRESS_FILE = "bootstrap-servers"
_STOP_SECONDS = 40.0
_RESTART_SECONDS = 1.0
_MAX_RESTARTS = 5
_HEALTHY_SECONDS = 30.0
_EXIT_CONFIG = 2

Tell = Callable[[str], None]


def _silent(_sentence: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """
    How the local window runs.

    Attributes:
        port: of the embedded Kafka; 0 takes a free one.
        nodes: of the embedded Kafka, 1 or 3; with three, everything is kept three times.
        worker_log: where the worker's log goes; None leaves it on this process's error output.
        extra_environment: for the worker, on top of this process's.
    """

    port: int = 0
    nodes: int = 1
    worker_log: Path | None = None
    extra_environment: tuple[tuple[str, str], ...] = ()


class LocalWindow:
    """
    Broker, topics and one worker; as a context manager they run inside the block, and end in reverse order.

    Args:
        tell: learns each step as a sentence.
        on_progress: learns of each jar that is fetched at the first start.
    """

    def __init__(
        self,
        config: Config,
        reference: Reference,
        settings: LocalSettings | None = None,
        *,
        tell: Tell = _silent,
        on_progress: Callable[[FetchProgress], None] | None = None,
    ) -> None:
        self._settings = settings or LocalSettings()
        copies = max(config.replication_factor, self._settings.nodes)
        self._config = config.model_copy(update={"replication_factor": copies})
        self._reference = reference
        self._tell = tell
        self._on_progress = on_progress
        self._kafka: LocalKafka | None = None
        self._worker: Supervised | None = None
        self._bootstrap_servers = config.bootstrap_servers

    @property
    def bootstrap_servers(self) -> str:
        """Where clients connect; known inside the block."""
        return self._bootstrap_servers

    @property
    def reference(self) -> Reference:
        """The snapshot that the window judges by when it starts; before the block, that of the folders."""
        return self._reference

    @property
    def connection(self) -> Connection:
        """A connection for clients on this machine."""
        return Connection(self._bootstrap_servers)

    @property
    def metrics_address(self) -> str:
        """Where the worker serves its metrics."""
        return f"http://{self._config.metrics_host}:{self._metrics_port}/metrics"

    @property
    def worker(self) -> "Supervised":
        """The worker's supervisor; known inside the block."""
        if self._worker is None:
            raise InvariantError("the worker was not started yet")
        return self._worker

    def check(self) -> None:
        """
        Look after everything that runs; to be called every second or so.

        Raises:
            ConfigError: Kafka has ended, or the worker can't be kept running.
        """
        if self._kafka is not None:
            for sentence in self._kafka.check():
                self._tell(sentence)
        restarts = self.worker.restarts
        self.worker.check()
        if self.worker.restarts > restarts:
            self._tell(f"the worker had died and was started again ({self.worker.restarts} times)")

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        if not self._bootstrap_servers:
            self._start_kafka()
        specs = window_topics(self._config, self._reference)
        created = admin.create_topics(
            self.connection, specs, self._config.replication_factor, self._config.in_sync_replicas
        )
        self._tell(f"{len(specs)} topics, {len(created)} of them new")
        self._take_tables()
        self._metrics_port = self._config.metrics_port or _free_port(self._config.metrics_host)
        self._worker = Supervised(
            self._worker_command(), self._worker_environment(), self._settings.worker_log
        )
        self._worker.start()
        self._tell(f"worker started (intake and casework), metrics at {self.metrics_address}")

    def _take_tables(self) -> None:
        """Publish the folders' tables where none are, and take those that count."""
        seeded = stewards.seed(self.connection, self._reference.table_set)
        if seeded:
            self._tell(f"{len(seeded)} tables of the folders count from now on")
        folder = self._reference
        ledger = stewards.read_ledger(self.connection)
        if ledger.current != folder.table_set.version:
            self._reference, _ = stewards.load_newest(ledger, folder.types, folder.limits)
            differing = ", ".join(folder.table_set.differing(self._reference.table_set))
            self._tell(f"the tables in the topic count, not those of the folders: {differing} differ")

    def _start_kafka(self) -> None:
        self._tell("starting Kafka")
        began = time.monotonic()
        kafka = LocalKafka(
            self._config.data_folder, self._settings.nodes, self._settings.port, self._on_progress
        )
        kafka.start()
        self._kafka = kafka
        self._bootstrap_servers = kafka.bootstrap_servers
        (self._config.data_folder / ADDRESS_FILE).write_text(self._bootstrap_servers + "\n")
        self._tell(f"Kafka is ready at {self._bootstrap_servers} after {time.monotonic() - began:.1f} s")

    def _stop(self) -> None:
        if self._worker is not None:
            self._tell("stopping the worker: it finishes its batch")
            self._worker.stop()
            self._worker = None
        if self._kafka is not None:
            self._tell("stopping Kafka")
            with suppress(FileNotFoundError):
                (self._config.data_folder / ADDRESS_FILE).unlink()
            self._kafka.stop()
            self._kafka = None

    @staticmethod
    def _worker_command() -> list[str]:
        return [
            sys.executable,
            "-m",
            "nsw",
            "worker",
            "--role",
            "intake",
            "--role",
            "casework",
            "--end-with-parent",
        ]

    def _worker_environment(self) -> dict[str, str]:
        given = {
            "NSW_BOOTSTRAP_SERVERS": self._bootstrap_servers,
            "NSW_DATA_FOLDER": str(self._config.data_folder.absolute()),
            "NSW_METRICS_PORT": str(self._metrics_port),
            "NSW_SCHEMA_FOLDERS": ":".join(map(str, self._config.schema_folders)),
            "NSW_REFERENCE_FOLDER": str(self._config.reference_folder),
            "NSW_SCHEMA_IDS": str(self._config.schema_ids_file or ""),
            "NSW_CASE_DAYS": str(self._config.case_days),
            "NSW_REPLICATION_FACTOR": str(self._config.replication_factor),
            "NSW_MIN_INSYNC_REPLICAS": str(self._config.min_insync_replicas),
            "NSW_CASE_PARTITIONS": str(self._config.case_partitions),
            "NSW_MAX_DOCUMENT_BYTES": str(self._config.max_document_bytes),
            "NSW_DEAD_LETTERS_IN_A_ROW": str(self._config.dead_letters_in_a_row),
            "NSW_JUDGE_SECONDS": str(self._config.judge_seconds),
            "NSW_JUDGE_MEMORY_BYTES": str(self._config.judge_memory_bytes),
            "NSW_CONFORMANCE_DATA": str(self._config.conformance_data),
        }
        return {**os.environ, **given, **dict(self._settings.extra_environment)}


class Supervised:
    """
    A process that is started again when it dies, unless it says that its settings are wrong.

    A worker ends itself on any error after which going on could lose or double something; starting anew is its cure.
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path | None) -> None:
        self._command = list(command)
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self.restarts = 0

    def start(self) -> None:
        """Start it, in a session of its own so that Ctrl-C reaches this process first."""
        target = self._log.open("ab") if self._log is not None else None
        try:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=target, stderr=target, start_new_session=True
            )
        finally:
            if target is not None:
                target.close()
        self._started_at = time.monotonic()

    @property
    def pid(self) -> int:
        """Process id of the present run."""
        return self._running().pid

    def check(self) -> None:
        """
        Start it again if it has died; to be called every second or so.

        Raises:
            ConfigError: it refuses its settings, or dies again and again.
        """
        code = self._running().poll()
        if code is None:
            return
        where = f"see {self._log}" if self._log else "see its messages above"
        if code == _EXIT_CONFIG:
            raise ConfigError(f"the worker refuses to start: {where}")
        if time.monotonic() - self._started_at > _HEALTHY_SECONDS:
            self.restarts = 0
        self.restarts += 1
        if self.restarts > _MAX_RESTARTS:
            raise ConfigError(f"the worker died {self.restarts} times in a row (exit code {code}): {where}")
        time.sleep(_RESTART_SECONDS)
        self.start()

    def kill(self) -> None:
        """End it without warning, as a crash would."""
        self._running().send_signal(signal.SIGKILL)
        self._running().wait()

    def stop(self) -> None:
        """Let it finish its batch and end; kill it if that takes too long."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise InvariantError("the process was not started yet")
        return self._process


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
