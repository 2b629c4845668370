"""Why a broker ended, read from the last lines of its log."""

from pathlib import Path

import pytest

from nsw.embedded import BrokerTrouble
from nsw.embedded.diagnosis import explain_end

BOUND = "KafkaException: Socket server failed to bind to 127.0.0.1:9092: Address already in use."
FULL = "ERROR Error while writing to checkpoint file: java.io.IOException: No space left on device"
LOCKED = "ERROR org.apache.kafka.common.KafkaException: Failed to acquire lock on file .lock in /data/kafka."


@pytest.mark.parametrize(
    ("line", "code", "text"),
    [
        (BOUND, BrokerTrouble.PORT_TAKEN, "port 9092 on 127.0.0.1"),
        (FULL, BrokerTrouble.DISK_FULL, "at least 512 MiB"),
        (LOCKED, BrokerTrouble.FOLDER_IN_USE, "another broker"),
        ("Unrecognized VM option 'X'", BrokerTrouble.DIED, "exit status 1"),
    ],
)
def test_tells_the_cause_from_the_log(tmp_path: Path, line: str, code: BrokerTrouble, text: str) -> None:
    """A known line gives its own code; any other is told as it stands."""
    error = explain_end(1, ["an earlier line", line], tmp_path, 512 * 1024 * 1024)
    assert error.code is code
    assert text in str(error)


def test_names_the_signal_that_ended_the_broker(tmp_path: Path) -> None:
    """A broker that the system killed has no exit status of its own, and memory is the usual reason."""
    error = explain_end(-9, [], tmp_path, 0)
    assert error.code is BrokerTrouble.CRASHED
    assert "signal 9" in str(error)
