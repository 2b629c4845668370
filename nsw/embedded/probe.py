"""
Asks a broker, over a plain socket, whether it takes work; needs no Kafka client.

An open port may be another program's, so the broker is asked for its cluster's id. Kafka takes connections
only after the controller has let the broker in; the list of brokers in the answer makes sure of it.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_DESCRIBE_CLUSTER = 60
_VERSION = 0
_CORRELATION = 1
_TIMEOUT_SECONDS = 2.0
_LENGTH = struct.Struct(">i")
# Far more than a description of a handful of brokers takes; another program's answer may read as any length.
_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ClusterDescription:
    """
    What a broker says of its cluster.

    Attributes:
        cluster_id: the id that the data folder was given when it was prepared.
        broker_ids: brokers that take work.
    """

    cluster_id: str
    broker_ids: frozenset[int]


def describe_cluster(host: str, port: int) -> ClusterDescription | None:
    """
    Ask the broker at *host*, *port* for its cluster.

    Returns:
        None when nothing answers there, or not as a Kafka broker would.
    """
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_SECONDS) as connection:
            connection.settimeout(_TIMEOUT_SECONDS)
            connection.sendall(encode_request())
            (length,) = _LENGTH.unpack(_receive(connection, _LENGTH.size))
            if not 0 < length <= _MAX_ANSWER_BYTES:
                return None
            return parse_response(_receive(connection, length))
    except OSError:
        return None


def encode_request() -> bytes:
    """
    Write a DescribeCluster request, version 0, with its length in front.

    Source:
        Apache Kafka protocol guide: request header v2, DescribeCluster v0.
    """
    client = b"nsw"
    header = struct.pack(">hhih", _DESCRIBE_CLUSTER, _VERSION, _CORRELATION, len(client)) + client + b"\x00"
    body = b"\x00\x00"  # without the list of allowed operations; no tagged fields
    return _LENGTH.pack(len(header) + len(body)) + header + body


def parse_response(body: bytes) -> ClusterDescription | None:
    """
    Read the answer to :func:`encode_request`.

    Args:
        body: the answer without its length.

    Returns:
        None when it is an error, or no such answer.

    Source:
        Apache Kafka protocol guide: response header v1, DescribeCluster v0. Lengths of compact strings and
        arrays are one too high, as 0 stands for null.
    """
    try:
        correlation, _tags, _throttle, error = struct.unpack_from(">ibih", body)
        _message, at = _compact_string(body, struct.calcsize(">ibih"))
        cluster_id, at = _compact_string(body, at)
        (_controller,) = struct.unpack_from(">i", body, at)
        broker_ids = frozenset(_broker_ids(body, at + 4))
    except (struct.error, IndexError, UnicodeDecodeError):
        return None
    if correlation != _CORRELATION or error:
        return None
    return ClusterDescription(cluster_id, broker_ids)


def _broker_ids(body: bytes, at: int) -> Iterator[int]:
    count = body[at] - 1
    at += 1
    for _ in range(count):
        (broker_id,) = struct.unpack_from(">i", body, at)
        yield broker_id
        _host, at = _compact_string(body, at + 4)
        _rack, at = _compact_string(body, at + 4)  # behind the port
        at += 1  # no tagged fields


def _compact_string(body: bytes, at: int) -> tuple[str, int]:
    # One byte holds the length: cluster ids have 22 characters, and an error ends the reading anyway.
    start = at + 1
    end = max(start, start + body[at] - 1)
    return body[start:end].decode("ascii"), end


def _receive(connection: socket.socket, size: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < size:
        chunk = connection.recv(size - len(chunks))
        if not chunk:
            raise ConnectionError("the connection was closed before the whole answer came")
        chunks += chunk
    return bytes(chunks)
