"""Asking a broker over a plain socket whether it takes work."""

import socket
import struct
import threading
from collections.abc import Sequence

import pytest

from nsw.embedded.probe import ClusterDescription, describe_cluster, encode_request, parse_response

CLUSTER = b"5L6g3nShT-eMCtK--X86sw"


def _response(*, correlation: int = 1, error: int = 0, brokers: Sequence[int] = (1,)) -> bytes:
    message = b"\x00"
    head = struct.pack(">ibih", correlation, 0, 0, error)
    listed = [struct.pack(">ib4siBb", each, 5, b"host", 9092, 0, 0) for each in brokers]
    count = struct.pack(">ib", 1, len(listed) + 1)
    return head + message + bytes([len(CLUSTER) + 1]) + CLUSTER + count + b"".join(listed)


def test_the_request_says_its_own_length() -> None:
    """The first four bytes are the length of the rest; then come the request's number and version."""
    request = encode_request()
    assert struct.unpack_from(">ihh", request) == (len(request) - 4, 60, 0)


@pytest.mark.parametrize("brokers", [(), (1,), (3, 1, 2)])
def test_reads_the_cluster_and_its_brokers(brokers: tuple[int, ...]) -> None:
    """A broker that the controller has not let in yet is not listed."""
    expected = ClusterDescription(CLUSTER.decode(), frozenset(brokers))
    assert parse_response(_response(brokers=brokers)) == expected


@pytest.mark.parametrize(
    "body",
    [
        _response(error=35),
        _response(correlation=2),
        _response()[:12],
        _response()[:-9],
        b"",
        b"HTTP/1.1 400 Bad Request",
    ],
    ids=["error", "other-answer", "cut", "cut-in-a-broker", "empty", "other-program"],
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    """An error, another answer or another program's words: the broker is not ready."""
    assert parse_response(body) is None


def test_nobody_there_is_no_answer() -> None:
    """A closed port is not ready."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    assert describe_cluster("127.0.0.1", port) is None


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x00", b""])
def test_another_program_on_the_port_is_no_answer(answer: bytes) -> None:
    """Whatever it sends, the probe neither fails nor reads without end."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _address = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert describe_cluster("127.0.0.1", server.getsockname()[1]) is None
        thread.join()
