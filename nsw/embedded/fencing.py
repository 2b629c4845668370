"""
Takes brokers that were killed out of their cluster before any of them is started again.

Seen with Kafka 4.3.1: a node that was killed right behind a commit comes back with its old metadata, holds itself for
the leader and coordinator that it was, and is about to end the transaction. Then the controller finds that its former
self does not answer, and takes its partitions' leaders away; the coordinator reads that as "these topics were deleted",
and notes the transaction as ended without having written its end anywhere. What was committed stays hidden, with all
behind it. Once the controller has taken the former self away *first*, the node comes back as nobody, is made leader
anew, and ends the transaction properly. So the controllers run alone for a moment. With other nodes alive there is
always a leader, and no need for this.
"""

import re
import time
from collections.abc import Sequence

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.layout import DataFolder, last_lines
from nsw.embedded.ports import check_port
from nsw.embedded.process import JavaProcess
from nsw.embedded.properties import ServerConfig
from nsw.embedded.runtime import KafkaRuntime
from nsw.embedded.server import JavaServer

_SESSION_MS = 200
_POLL_SECONDS = 0.1
#: By then a controller that decides has taken away whom it does not hear; one that was killed before it was let in
#: is not there to be taken away.
_DECIDED_SECONDS = 5.0
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
# What the controller is about to do, and what it then hands to its log.
_DECIDED = re.compile(r"Fencing broker (\d+) at epoch (\d+)")
_WRITTEN = re.compile(r"BrokerRegistrationChangeRecord\(brokerId=(\d+), brokerEpoch=(\d+), fenced=1,")
#: It gathers what it writes for 25 ms; one that is told to end before that forgets it (seen on a busy machine).
_LINGER_SECONDS = 0.5


class LoneController(JavaServer):
    """
    A node of an embedded cluster as controller only.

    Args:
        folder: the node's.
        config: the node's, with the ports that it will have as a whole.
    """

    def __init__(self, folder: DataFolder, config: ServerConfig, runtime: KafkaRuntime) -> None:
        super().__init__(
            folder.root, start_seconds=_START_SECONDS, stop_seconds=_STOP_SECONDS, folder_wait_seconds=5.0
        )
        self._folder = folder
        self._config = config
        self._runtime = runtime

    def fenced(self) -> frozenset[int]:
        """Tell which nodes it has taken out of the cluster since it was begun."""
        told = self._log()
        decided, written = set(_DECIDED.findall(told)), set(_WRITTEN.findall(told))
        return frozenset(int(number) for number, _epoch in decided & written)

    @property
    def decides(self) -> bool:
        """Whether it was made the one controller that decides."""
        return "Becoming the active controller" in self._log()

    def _log(self) -> str:
        try:
            return self._folder.controller_log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def node_id(self) -> int:
        """The node's id."""
        return self._config.node_id

    def _launch(self, lock: int) -> JavaProcess:
        check_port(self._config.controller.host, self._config.controller.port)
        properties = self._folder.write_controller_configuration(self._config, _SESSION_MS)
        options = ["-Xmx256m", *self._folder.java_options()]
        command = self._runtime.command("kafka.Kafka", str(properties), options=options)
        return JavaProcess(command, self._folder.console_file, lock)

    def _answers(self) -> bool:
        return self.decides

    def _explain_end(self, status: int) -> EmbeddedBrokerError:
        return EmbeddedBrokerError(BrokerTrouble.DIED, self._lines(), status=status, folder=self._folder.logs)

    def silence(self) -> EmbeddedBrokerError:
        """Build the error for a quorum that did not come about in time."""
        return EmbeddedBrokerError(
            BrokerTrouble.NOT_READY, self._lines(), seconds=_START_SECONDS, folder=self._folder.logs
        )

    def _explain_silence(self) -> EmbeddedBrokerError:
        return self.silence()

    def _lines(self) -> list[str]:
        return [*last_lines(self._folder.console_file), *last_lines(self._folder.controller_log)]


def fence_former_selves(controllers: Sequence[LoneController]) -> None:
    """
    Run the controllers alone until they have taken all of their nodes' former selves out of the cluster.

    Args:
        controllers: all nodes of the cluster, none of which runs.

    Raises:
        EmbeddedBrokerError: a port is taken, a folder is in use, or a controller ended by itself.
    """
    try:
        for each in controllers:
            each.begin()
        _wait_until_fenced(controllers)
    finally:
        for each in controllers:
            each.ask_to_end()
        for each in controllers:
            each.stop()


def _wait_until_fenced(controllers: Sequence[LoneController]) -> None:
    ids = {each.node_id for each in controllers}
    deadline = time.monotonic() + _START_SECONDS
    decided = False
    while time.monotonic() < deadline:
        for each in controllers:
            each.check_running()
        if ids <= frozenset().union(*(each.fenced() for each in controllers)):
            time.sleep(_LINGER_SECONDS)
            return
        if not decided and any(each.decides for each in controllers):
            decided, deadline = True, time.monotonic() + _DECIDED_SECONDS
        time.sleep(_POLL_SECONDS)
    if not decided:
        raise controllers[0].silence()
