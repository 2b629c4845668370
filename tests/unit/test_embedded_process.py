"""A child process that ends when we do; small programs stand in for Java."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsw.embedded.folderlock import FolderLock
from nsw.embedded.process import JavaProcess

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]
# A starter that is killed while its child runs; the child has inherited the folder's lock.
STARTER = """
import os, signal, sys
from pathlib import Path
from nsw.embedded.folderlock import FolderLock
from nsw.embedded.process import JavaProcess
folder = Path(sys.argv[1])
lock = FolderLock(folder)
lock.acquire(wait_seconds=0)
JavaProcess([sys.executable, "-c", "import time; time.sleep(60)"], folder / "output", lock.descriptor)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[FolderLock]:
    """The lock of the test's folder, held."""
    held = FolderLock(tmp_path)
    held.acquire(wait_seconds=0)
    yield held
    held.release()


def _wait_for_output(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.read_bytes() and time.monotonic() < deadline:
        time.sleep(0.01)


def test_ends_on_request(tmp_path: Path, lock: FolderLock) -> None:
    """It runs, is asked to end, and has ended; its status tells by which signal."""
    process = JavaProcess(SLEEP, tmp_path / "output", lock.descriptor)
    assert process.poll() is None
    assert process.end(wait_seconds=10)
    assert process.poll() == -signal.SIGTERM


def test_is_killed_when_it_does_not_end(tmp_path: Path, lock: FolderLock) -> None:
    """One that is deaf to the request is gone all the same, and that is told."""
    process = JavaProcess(STUBBORN, tmp_path / "output", lock.descriptor)
    _wait_for_output(tmp_path / "output")
    assert not process.end(wait_seconds=0.1)
    assert process.poll() == -signal.SIGKILL


def test_tells_that_it_ended_by_itself(tmp_path: Path, lock: FolderLock) -> None:
    """Its exit status is kept, and ending it again does no harm."""
    process = JavaProcess([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "output", lock.descriptor)
    assert process.end(wait_seconds=10)
    assert process.poll() in {3, -signal.SIGTERM}


def test_ctrl_c_of_the_terminal_does_not_reach_it(tmp_path: Path, lock: FolderLock) -> None:
    """It is in a session of its own; only we end it, after its clients."""
    process = JavaProcess(SLEEP, tmp_path / "output", lock.descriptor)
    assert os.getsid(process.pid) != os.getsid(0)
    process.kill()


def test_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    """After kill -9 of the starter the child ends, and with it the lock that it inherited."""
    done = subprocess.run([sys.executable, "-c", STARTER, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    lock = FolderLock(tmp_path)
    lock.acquire(wait_seconds=20)
    lock.release()


def test_the_lock_outlives_a_starter_whose_child_lives(tmp_path: Path, lock: FolderLock) -> None:
    """While the child runs, nobody else gets the folder, even after the starter has let go."""
    process = JavaProcess(SLEEP, tmp_path / "output", lock.descriptor)
    lock.release()
    with pytest.raises(Exception, match="used by another broker"):
        FolderLock(tmp_path).acquire(wait_seconds=0)
    process.kill()
