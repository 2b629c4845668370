"""The engines: how each is started, which topic it reads, and what it promises."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "benchmarks" / "peers"
_STOP_SECONDS = 40.0
#: Name of the process of an engine that has one only.
ENGINE = "engine"
#: Of one transaction, for every engine that has them.
BATCH_RECORDS = 500
BATCH_SECONDS = 1.0


@dataclass(frozen=True)
class Engine:
    """
    One engine.

    Attributes:
        name: as the results call it.
        commands: start its process, or several by name.
        environment: on top of this process's.
        inboxes: topics and partitions that it reads, in turn.
        outputs: where its work ends: topics that are counted; empty means the agencies' inboxes.
        guess: documents a second, for the size of its first turn; later ones go by the turn before.
        warm_documents: so many before the first measured ones.
        early: reads what is not committed yet, so it is stopped while its documents are published.
        lasting: stays up between its turns, idle: a Java must be warm.
        guarantee: what it promises of a document's copies.
    """

    name: str
    commands: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]
    inboxes: Sequence[tuple[str, int]]
    guarantee: str
    guess: float
    outputs: Sequence[str] = ()
    warm_documents: int = 400
    lasting: bool = True
    early: bool = False


@dataclass
class Running:
    """An engine's processes, with their log."""

    engine: Engine
    log: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by name."""
        if not self.runs:
            raise RuntimeError(f"{self.engine.name} does not run; see {self.log}")
        return {name: process.pid for name, process in self.processes.items()}

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return bool(self.processes) and all(each.poll() is None for each in self.processes.values())

    def start(self) -> None:
        """Start it; it need not be ready when this returns."""
        with self.log.open("ab") as log:
            for name, command in self.engine.commands.items():
                self.processes[name] = subprocess.Popen(
                    list(command),
                    cwd=ROOT,
                    env={**os.environ, **self.engine.environment},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def pause(self, *, paused: bool) -> None:
        """Hold its processes, or let them go on."""
        for pid in self.pids.values():
            os.kill(pid, signal.SIGSTOP if paused else signal.SIGCONT)

    def stop(self) -> None:
        """End it, and wait for that."""
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()


def peers_python(folder: Path) -> Path:
    """Give the Python of the peers' own environment; made once from their lock file, with hashes."""
    environment = folder / "peers-venv"
    python = environment / "bin" / "python"
    lock = PEERS / "requirements.lock"
    mark = environment / "requirements.lock"
    if not mark.is_file() or mark.read_bytes() != lock.read_bytes():
        print("making the environment of the peers in Python", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
        subprocess.run(install, check=True)
        shutil.copy(lock, mark)
    return python
