"""A call that does not come back ends its process; one that does leaves no trace."""

import subprocess
import sys

_PROGRAM = """
import logging, time
from nsw.loop.patience import within
logging.basicConfig()
with within(1, "send-offsets"):
    time.sleep({seconds})
time.sleep(1.5)
print("went on")
"""


def _run(seconds: float) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", _PROGRAM.format(seconds=seconds)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_call_that_does_not_come_back_ends_the_process() -> None:
    """With the exit code of a dead loop, and the name of the call."""
    done = _run(30)
    assert (done.returncode, done.stdout) == (1, "")
    assert "send-offsets: the client did not come back within 1 s" in done.stderr


def test_a_call_that_comes_back_in_time_is_left_alone() -> None:
    """Also when its time would have been over later."""
    assert _run(0.1).stdout == "went on\n"
