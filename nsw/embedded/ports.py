"""Finds and checks ports of this machine."""

import errno
import secrets
import socket

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError

# Below the ports that systems give to outgoing connections (32768 and up on Linux, 49152 elsewhere). From
# that range a client that tries again and again while the broker restarts may be given the broker's port as
# its own, be connected to itself, and keep the broker from coming back.
_FIRST_FREE, _LAST_FREE = 20_000, 32_000
_TRIES = 100


def check_port(host: str, port: int) -> None:
    """
    See that a server can listen on *port*.

    Raises:
        EmbeddedBrokerError: PORT_TAKEN.
    """
    if not _is_free(host, port):
        raise EmbeddedBrokerError(BrokerTrouble.PORT_TAKEN, host=host, port=port)


def pick_free_port(host: str) -> int:
    """
    Draw a port on which nobody listens.

    Raises:
        EmbeddedBrokerError: PORT_TAKEN, none of a hundred was free.
    """
    port = _FIRST_FREE
    for _ in range(_TRIES):
        port = _FIRST_FREE + secrets.randbelow(_LAST_FREE - _FIRST_FREE)
        if _is_free(host, port):
            return port
    raise EmbeddedBrokerError(BrokerTrouble.PORT_TAKEN, host=host, port=port)


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
        # As Java does: the ended connections of a broker that was just stopped must not count.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True
