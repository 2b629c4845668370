"""The proxy that the tests put between workers and brokers does what it says, and no more."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faultproxy import FaultProxy

SHORT = 0.3


def _answer_all(server: socket.socket) -> None:
    """Send back what comes, over every connection."""

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while found := connection.recv(65536):
                connection.sendall(found)

    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """A proxy before a server that sends everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server, FaultProxy() as proxy:
        threading.Thread(target=_answer_all, args=(server,), daemon=True).start()
        proxy.forward_to(f"127.0.0.1:{server.getsockname()[1]}")
        yield proxy


def _connect(proxy: FaultProxy) -> socket.socket:
    host, port = proxy.address.split(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _ask(connection: socket.socket, value: bytes) -> float:
    """Send a value, and tell the seconds until it is back."""
    began = time.monotonic()
    connection.sendall(value)
    found = b""
    while len(found) < len(value):
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionResetError
        found += chunk
    assert found == value
    return time.monotonic() - began


def test_everything_passes_unchanged(proxy: FaultProxy) -> None:
    """Small and large, over several connections."""
    with _connect(proxy) as one, _connect(proxy) as other:
        _ask(one, b"hello")
        _ask(other, bytes(range(256)) * 4096)
        assert proxy.connections == 2


def test_delays_in_each_direction(proxy: FaultProxy) -> None:
    """There and back take twice the delay; afterwards nothing is late."""
    with _connect(proxy) as connection:
        proxy.delay(SHORT)
        assert _ask(connection, b"slow") >= 2 * SHORT
        proxy.resume()
        assert _ask(connection, b"fast") < SHORT


def test_a_cut_connection_ends_and_a_new_one_passes(proxy: FaultProxy) -> None:
    """Both sides notice at once."""
    with _connect(proxy) as connection:
        _ask(connection, b"before")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            _ask(connection, b"after")
    with _connect(proxy) as connection:
        _ask(connection, b"again")


def test_refuses_until_resumed(proxy: FaultProxy) -> None:
    """New connections are cut at once as well."""
    proxy.refuse()
    with _connect(proxy) as connection, pytest.raises(ConnectionError):
        _ask(connection, b"nothing")
    proxy.resume()
    with _connect(proxy) as connection:
        _ask(connection, b"again")


def test_a_black_hole_keeps_what_it_is_given(proxy: FaultProxy) -> None:
    """Nothing passes and nothing breaks, on old connections and new ones; then it all comes."""
    with _connect(proxy) as connection:
        _ask(connection, b"before")
        proxy.hold()
        connection.sendall(b"held")
        connection.settimeout(SHORT)
        with pytest.raises(TimeoutError):
            connection.recv(10)
        with _connect(proxy) as new:
            new.sendall(b"new")
            proxy.resume()
            assert (connection.recv(10), new.recv(10)) == (b"held", b"new")
