"""The watch over blocks of work, in a process of its own: it ends the process that it watches."""

import subprocess
import sys

import pytest

_HANG = "re.match('^(a+)+$', 'a' * 60 + '!')"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that may use a watch of 0.3 s."""
    head = "import re, time\nfrom nsw.loop.watchdog import Watchdog\nwatch = Watchdog(0.3)\n"
    return subprocess.run(
        [sys.executable, "-c", head + code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("work", [_HANG, "time.sleep(60)"], ids=["holding-the-lock", "waiting"])
def test_ends_a_process_that_hangs(work: str) -> None:
    """Also one whose C code never lets another thread run; it tells where, not on what."""
    done = run(f"with watch.guarding():\n    {work}\n")

    assert done.returncode == 1
    assert done.stderr.startswith("Timeout (0:00:00.3")
    assert "aaaa" not in done.stderr


def test_watches_guarded_blocks_only() -> None:
    """Neither what comes behind one, nor what has limits of its own inside; then the time begins anew."""
    code = """
with watch.guarding():
    with watch.resting():
        time.sleep(0.5)
time.sleep(0.5)
with Watchdog(None).guarding():
    time.sleep(0.5)
print("alive")
"""
    assert run(code).stdout == "alive\n"
