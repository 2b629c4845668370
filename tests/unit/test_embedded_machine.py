"""What the embedded broker asks of this machine: ports, folders and space."""

import os
import socket
import time
from pathlib import Path

import pytest

from nsw.embedded import BrokerTrouble, EmbeddedBroker, EmbeddedBrokerError, default_cache_folder
from nsw.embedded.cache import check_free_space, make_folder, sweep_stale
from nsw.embedded.folderlock import FolderLock
from nsw.embedded.ports import check_port, pick_free_port
from nsw.errors import InvariantError

MIB = 1024 * 1024


def _age(path: Path) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(path, (two_hours_ago, two_hours_ago))


def test_names_the_port_that_is_taken() -> None:
    """The error tells port and address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        with pytest.raises(EmbeddedBrokerError, match=f"port {port} on 127.0.0.1") as caught:
            check_port("127.0.0.1", port)
    assert caught.value.code is BrokerTrouble.PORT_TAKEN


def test_a_port_that_was_just_closed_is_free() -> None:
    """Connections of a broker that has just ended do not keep its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass
    check_port("127.0.0.1", port)


def test_free_ports_are_not_those_of_outgoing_connections() -> None:
    """A client that retries on a port of that range could be connected to itself."""
    assert all(20_000 <= pick_free_port("127.0.0.1") < 32_768 for _ in range(20))


def test_refuses_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    """The error tells what is free and what is needed."""
    with pytest.raises(EmbeddedBrokerError, match="511 MiB are free, at least 512 MiB") as caught:
        check_free_space(tmp_path, 512 * MIB, lambda _folder: 512 * MIB - 1)
    assert caught.value.code is BrokerTrouble.DISK_FULL


def test_accepts_a_disk_with_just_enough_space(tmp_path: Path) -> None:
    """The bound itself is enough."""
    check_free_space(tmp_path, 512 * MIB, lambda _folder: 512 * MIB)


def test_refuses_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """The error tells the folder and the system's reason."""
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedBrokerError, match="Not a directory") as caught:
        make_folder(tmp_path / "file" / "data")
    assert caught.value.code is BrokerTrouble.FOLDER_NOT_WRITABLE


def test_a_folder_serves_one_broker_at_a_time(tmp_path: Path) -> None:
    """The second is refused with the first one's process; after the first it may."""
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    first.acquire(wait_seconds=0)
    with pytest.raises(EmbeddedBrokerError, match=f"process {os.getpid()}") as caught:
        second.acquire(wait_seconds=0)
    assert caught.value.code is BrokerTrouble.FOLDER_IN_USE
    first.release()
    second.acquire(wait_seconds=0)
    second.release()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"NSW_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}, Path("/a")),
        ({"NSW_CACHE_DIR": "", "XDG_CACHE_HOME": "/b"}, Path("/b/nsw")),
        ({}, Path.home() / ".cache" / "nsw"),
    ],
)
def test_the_cache_follows_the_environment(environ: dict[str, str], folder: Path) -> None:
    """Our own variable wins over the desktop's; an empty one counts as not set."""
    assert default_cache_folder(environ) == folder


def test_sweeps_old_files_and_folders_only(tmp_path: Path) -> None:
    """What is younger than an hour, or has another name, stays."""
    for name in ("old.draft", "young.draft", "old.jsa"):
        (tmp_path / name).touch()
    _age(tmp_path / "old.draft")
    _age(tmp_path / "old.jsa")
    sweep_stale(tmp_path, "*.draft")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old.jsa", "young.draft"]


def test_a_broker_that_was_not_started_has_no_address(tmp_path: Path) -> None:
    """Asking is a bug of ours; stopping or killing it is none."""
    broker = EmbeddedBroker(tmp_path / "data")
    broker.kill()
    assert broker.stop()
    assert not broker.is_running
    broker.check_running()
    with pytest.raises(InvariantError):
        _ = broker.bootstrap_servers
