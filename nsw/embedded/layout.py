"""The places inside a broker's data folder, and what is written there before a start."""

import base64
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.properties import (
    ServerConfig,
    controller_properties,
    logging_properties,
    server_properties,
)
from nsw.embedded.runtime import KafkaRuntime

_TAIL_LINES = 20
_TAIL_BYTES = 32 * 1024
_FORMAT_SECONDS = 60
_CLUSTER_ID = re.compile(r"^cluster\.id=(\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """
    The places inside one data folder.

    Attributes:
        root: the folder itself, absolute.
    """

    root: Path

    @property
    def records(self) -> Path:
        """Kafka's own folder: records, offsets and metadata."""
        return self.root / "kafka"

    @property
    def logs(self) -> Path:
        """What the broker tells people."""
        return self.root / "logs"

    @property
    def log_file(self) -> Path:
        """The log of the present run."""
        return self.logs / "broker.log"

    @property
    def console_file(self) -> Path:
        """What Java itself printed in the present run."""
        return self.logs / "console.log"

    @property
    def temporary(self) -> Path:
        """Where Java unpacks native libraries, which a killed one leaves behind."""
        return self.root / "tmp"

    @property
    def server_properties(self) -> Path:
        """The broker's configuration."""
        return self.root / "server.properties"

    @property
    def logging_properties(self) -> Path:
        """The configuration of its log."""
        return self.root / "log4j2.properties"

    @property
    def controller_log(self) -> Path:
        """The log of the last start as controller only."""
        return self.logs / "controller.log"

    @property
    def was_killed(self) -> bool:
        """Whether Kafka worked here before and did not end cleanly."""
        return self.records.exists() and not (self.records / ".kafka_cleanshutdown").exists()

    def write_configuration(self, config: ServerConfig) -> None:
        """Write what a start needs, and set the last run's log aside so that a tail shows this run only."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        self.temporary.mkdir()
        self.logs.mkdir(exist_ok=True)
        if self.log_file.exists():
            self.log_file.replace(self.logs / "previous.log")
        self.server_properties.write_text(server_properties(config), encoding="utf-8")
        self.logging_properties.write_text(logging_properties(self.log_file), encoding="utf-8")

    def write_controller_configuration(self, config: ServerConfig, session_ms: int) -> Path:
        """Write what a start as controller only needs, and give its properties; the broker's log stays."""
        self.temporary.mkdir(exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        self.controller_log.unlink(missing_ok=True)
        self.logging_properties.write_text(logging_properties(self.controller_log), encoding="utf-8")
        path = self.root / "controller.properties"
        path.write_text(controller_properties(config, session_ms), encoding="utf-8")
        return path

    def java_options(self) -> list[str]:
        """Options by which Java keeps what it writes inside this folder."""
        return [
            f"-Djava.io.tmpdir={self.temporary}",
            f"-Dlog4j2.configurationFile={self.logging_properties}",
            f"-XX:ErrorFile={self.logs}/java-error-%p.log",
        ]

    def ensure_formatted(self, runtime: KafkaRuntime, wanted_id: str = "") -> str:
        """
        Prepare the folder for Kafka unless that was done before; records and cluster id of a used one stay.

        Args:
            wanted_id: the cluster's id in a new folder; empty to draw one.

        Returns:
            The cluster's id.

        Raises:
            EmbeddedBrokerError: FORMAT_FAILED.
        """
        if known := self.read_cluster_id():
            return known
        cluster_id = wanted_id or new_cluster_id()
        arguments = ["format", "--cluster-id", cluster_id, "--config", str(self.server_properties)]
        command = runtime.command(
            "kafka.tools.StorageTool", *arguments, options=[f"-Djava.io.tmpdir={self.temporary}"]
        )
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_FORMAT_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            lines = done.stdout.splitlines()[-_TAIL_LINES:]
            raise EmbeddedBrokerError(BrokerTrouble.FORMAT_FAILED, log_lines=lines, folder=self.root)
        return cluster_id

    def tail(self) -> list[str]:
        """Read the last lines of what this run printed and logged."""
        return [*last_lines(self.console_file), *last_lines(self.log_file)]

    def read_cluster_id(self) -> str | None:
        """Tell the id of the cluster that the folder belongs to; None when it is new."""
        try:
            text = (self.records / "meta.properties").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        match = _CLUSTER_ID.search(text)
        return match[1] if match else None


def new_cluster_id() -> str:
    """Draw the id of a new cluster."""
    # As Kafka's Uuid: 16 bytes in URL-safe base 64 without padding; a leading "-" reads as an option.
    while True:
        text = base64.urlsafe_b64encode(uuid4().bytes).decode("ascii").rstrip("=")
        if not text.startswith("-"):
            return text


def last_lines(path: Path) -> list[str]:
    """Give the last lines of a log, without the frames of stack traces; none when it is missing."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    # The frames of a stack trace would push out the lines that people can read.
    lines = [line for line in text.splitlines() if not line.startswith("\tat ")]
    return lines[-_TAIL_LINES:]
