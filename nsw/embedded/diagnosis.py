"""Tells from the last lines of a broker's log why it ended."""

import re
from collections.abc import Sequence
from pathlib import Path

from nsw.embedded.cache import free_bytes
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError

_PORT_TAKEN = re.compile(r"failed to bind to (?P<host>[^\s:]+):(?P<port>\d+): Address already in use")
_MIB = 1024 * 1024


def explain_end(
    status: int, log_lines: Sequence[str], folder: Path, needed_bytes: int
) -> EmbeddedBrokerError:
    """
    Build the error for a broker that ended by itself.

    Args:
        status: its exit status, negative for a signal.
        log_lines: the last lines of what it printed and logged.
        folder: its data folder.
        needed_bytes: free space that a broker needs.
    """
    text = "\n".join(log_lines)
    if taken := _PORT_TAKEN.search(text):
        return EmbeddedBrokerError(BrokerTrouble.PORT_TAKEN, log_lines, **taken.groupdict())
    if "No space left on device" in text:
        return EmbeddedBrokerError(
            BrokerTrouble.DISK_FULL,
            log_lines,
            folder=folder,
            free_mib=free_bytes(folder) // _MIB,
            needed_mib=needed_bytes // _MIB,
        )
    if "Failed to acquire lock on file .lock" in text:
        return EmbeddedBrokerError(BrokerTrouble.FOLDER_IN_USE, folder=folder, owner="that nsw did not start")
    if status < 0:
        return EmbeddedBrokerError(BrokerTrouble.CRASHED, log_lines, signal=-status, folder=folder / "logs")
    return EmbeddedBrokerError(BrokerTrouble.DIED, log_lines, status=status, folder=folder / "logs")
