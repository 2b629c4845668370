"""
Runs one Java process that ends when we do, however we end.

Ctrl-C reaches every process of the terminal's group, so Java gets a session of its own and is ended by us
alone. Then nothing would end it when we are killed, so a small shell beside it waits on a pipe that only we
hold open: the kernel closes that when we die, and the shell ends Java. The other way, Linux's parent-death
signal, fires when the *thread* that started the child ends, and exists on Linux only.
"""

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

# `$$` is the process id of the shell that becomes Java by exec. It cannot mean another process by then: the
# pipe closes without a word only when we die, and until then a dead Java keeps its id as our unreaped child.
# Descriptor 3, because a shell gives the background part an empty standard input.
_SCRIPT = """\
exec 3<&0
(read -r word <&3 || kill -TERM $$) </dev/null >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"""


class JavaProcess:
    """A started Java; not for use by several threads at once."""

    def __init__(self, command: Sequence[str], output: Path, held_descriptor: int) -> None:
        """
        Start it.

        Args:
            command: the program and its arguments.
            output: file for what it prints; emptied first.
            held_descriptor: an open file that it keeps open as long as it lives.
        """
        watch, self._hold = os.pipe()
        try:
            with output.open("wb") as printed:
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", _SCRIPT, "sh", *command],
                    stdin=watch,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    pass_fds=[held_descriptor],
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._hold)
            raise
        finally:
            os.close(watch)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Tell its exit status, negative for a signal; None while it runs."""
        status = self._process.poll()
        if status is not None:
            self._dismiss_watcher()
        return status

    def ask_to_end(self) -> None:
        """Ask it to end, and don't wait."""
        if self.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def end(self, wait_seconds: float) -> bool:
        """
        Ask it to end, and kill it when it has not ended in time.

        Returns:
            Whether it ended by itself.
        """
        self.ask_to_end()
        try:
            self._process.wait(wait_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        self._dismiss_watcher()
        return True

    def kill(self) -> None:
        """Kill it at once."""
        self._process.kill()
        self._process.wait()
        self._dismiss_watcher()

    def _dismiss_watcher(self) -> None:
        if self._hold >= 0:
            with suppress(BrokenPipeError):  # somebody ended the watcher
                os.write(self._hold, b"dismissed\n")
            os.close(self._hold)
            self._hold = -1
