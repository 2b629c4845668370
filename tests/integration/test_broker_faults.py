"""
The broker dies, or does not answer for a while, when a worker stands at each of its steps: each record counts once.

One worker stands at every step, each in its own topics and group, when the broker is struck; one stroke does for all.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from os import kill
from pathlib import Path
from signal import SIGCONT, SIGSTOP

import pytest

from nsw.embedded import BrokerSettings, EmbeddedBroker
from tests.integration.loop_scene import OTHER_STEPS, START_STEPS, TRANSACTION_STEPS, Flow, Slot

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SESSION_MS, TRANSACTION_MS = 2_000, 3_000
STEPS = (*START_STEPS, *TRANSACTION_STEPS, *OTHER_STEPS)
#: So long the broker is away: transactions and sessions end, and so do the client's calls.
FROZEN_SECONDS = 5.0


class Standing:
    """One worker for each step, with the stream through it."""

    def __init__(self, bootstrap_servers: str, folder: Path, exits: ExitStack) -> None:
        self._flows: dict[str, Flow] = {}
        self._workers: dict[str, Slot] = {}
        for step in STEPS:
            flow = Flow(
                *(bootstrap_servers, folder / step.replace(":", "-"), exits),
                session_timeout_ms=SESSION_MS,
                transaction_timeout_ms=TRANSACTION_MS,
            )
            self._flows[step] = flow
            self._workers[step] = flow.slot("0")
            flow.alive.append(self._workers[step])

    def play(
        self, name: str, strike: Callable[[], None], mend: Callable[[], None], *, wake_first: bool
    ) -> None:
        """Let each worker stop at its step, strike the broker, wake them before or after, and check all."""

        def stand(step: str) -> None:
            flow, worker = self._flows[step], self._workers[step]
            flow.alive.remove(worker)
            if step in START_STEPS:
                if not worker.has_started:
                    worker.start()
                    flow.alive.append(worker)
                    flow.settle()
                    flow.alive.remove(worker)
                worker.task = replace(worker.task, folder=str(flow.folder / name))
            if worker.has_started:
                worker.process.kill()
            changes = {"step": step, "fault": "stop", "nth": 1 if step in START_STEPS else 3}
            worker.start(**changes)
            flow.feed_until(lambda: worker.has_struck(**changes))
            flow.alive.append(worker)

        def check(step: str) -> None:
            self._flows[step].settle()
            self._workers[step].check_ends()
            self._flows[step].check()

        with ThreadPoolExecutor(len(STEPS)) as pool:
            list(pool.map(stand, STEPS))
            if wake_first:
                self._wake()
            strike()
            if not wake_first:
                self._wake()
            mend()
            list(pool.map(check, STEPS))

    def _wake(self) -> None:
        for worker in self._workers.values():
            worker.process.send_signal(SIGCONT)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    """Give a broker that may be killed."""
    properties = {
        "group.min.session.timeout.ms": "500",
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
    }
    with EmbeddedBroker(
        tmp_path_factory.mktemp("kafka"), BrokerSettings(extra_properties=properties)
    ) as broker:
        yield broker
        broker.kill()


@pytest.fixture(scope="module")
def standing(broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    """Give the workers, which go on from one stroke to the next."""
    with ExitStack() as exits:
        yield Standing(broker.bootstrap_servers, tmp_path_factory.mktemp("standing"), exits)


def test_a_broker_that_does_not_answer_for_a_while_spoils_nothing(
    broker: EmbeddedBroker, standing: Standing
) -> None:
    """Calls, sessions and transactions time out; workers go on, or say why not and are started again."""

    def freeze() -> None:
        kill(broker.pid or 0, SIGSTOP)

    def thaw() -> None:
        time.sleep(FROZEN_SECONDS)
        kill(broker.pid or 0, SIGCONT)

    standing.play("frozen", freeze, thaw, wake_first=False)


@pytest.mark.parametrize("at_work", [False, True], ids=["standing", "at-work"])
def test_a_broker_that_is_killed_spoils_nothing(
    broker: EmbeddedBroker, standing: Standing, *, at_work: bool
) -> None:
    """Workers find it gone at their step, or lose it while they work on from there; then it comes back."""
    standing.play(f"killed-{at_work}", broker.kill, broker.start, wake_first=at_work)
