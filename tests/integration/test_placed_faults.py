"""
A fault at every step of the loop, for one worker and for two, on a real Kafka: each record counts once.

Scenes play at the same time on one broker, each with its own topics, group and processes: they wait more than they
work. Sessions and transactions are short, so that what happens after a time-out happens soon.
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from signal import SIGCONT
from typing import cast

import pytest

from nsw.embedded import BrokerSettings, EmbeddedBroker
from tests.integration.loop_scene import OTHER_STEPS, START_STEPS, TRANSACTION_STEPS, Flow
from tests.integration.loop_stage import WorkerProcess

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

SESSION_MS = 2_000
SHORT_TRANSACTION_MS, LONG_TRANSACTION_MS = 3_000, 30_000
SCENES_AT_ONCE = 12
PROPERTIES = {
    "group.min.session.timeout.ms": "500",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "200",
}


class Fault(StrEnum):
    """
    What happens to a worker at a step.

    Attributes:
        KILL: kill -9; its supervisor starts it again at once.
        NAP: a stop beyond the session's time-out, but not beyond the transaction's.
        COMA: a stop beyond both.
        TWIN: a stop during which its slot is started anew beside it.
        LOSS: kill -9; it is started again only when the others, if any, have taken over.
    """

    KILL = "kill"
    NAP = "nap"
    COMA = "coma"
    TWIN = "twin"
    LOSS = "loss"

    @property
    def signal(self) -> str:
        """The fault of the worker's process."""
        return "kill" if self in {Fault.KILL, Fault.LOSS} else "stop"


@dataclass(frozen=True)
class Scene:
    """Every fault at one step, one after another, of a worker that is alone or one of two."""

    step: str
    workers: int

    def __str__(self) -> str:
        return f"{self.step.replace(':', '-')}-{self.workers}"

    @property
    def is_start(self) -> bool:
        """Whether it strikes a worker that begins."""
        return self.step in START_STEPS

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that mean something here."""
        faults = [Fault.KILL, Fault.TWIN, Fault.COMA]
        if self.step in TRANSACTION_STEPS:
            # Elsewhere there is no transaction to outlast.
            faults.append(Fault.NAP)
        if self.workers == 2:
            faults.append(Fault.LOSS)
        return tuple(faults)


SCENES = [
    *(
        Scene(step, workers)
        for step in (*START_STEPS, *TRANSACTION_STEPS, *OTHER_STEPS)
        for workers in (1, 2)
    ),
    # A worker that is alone gives nothing back.
    Scene("revoke", 2),
]


class Play:
    """One scene, from a worker's start to the check of all that was copied."""

    def __init__(self, scene: Scene, bootstrap_servers: str, folder: Path, exits: ExitStack) -> None:
        self._scene = scene
        self._flow = Flow(
            *(bootstrap_servers, folder, exits),
            session_timeout_ms=SESSION_MS,
            transaction_timeout_ms=LONG_TRANSACTION_MS,
        )
        self._victim = self._flow.slot("victim")
        self._other = self._flow.slot("other")

    def run(self) -> None:
        """Play it."""
        flow = self._flow
        if self._scene.workers == 2 and self._scene.step != "revoke":
            self._other.start()
            flow.alive.append(self._other)
            flow.settle()
        elif self._scene.is_start:
            # Something must be there to restore.
            self._victim.start()
            flow.settle()
        for fault in self._scene.faults:
            self._play(fault)
        if self._scene.workers == 2:
            # What the struck one can still do shows when it is alone.
            flow.alive.remove(self._other)
            self._other.process.kill()
            flow.settle()
        self._victim.check_ends()
        self._other.check_ends()
        flow.check()

    def _play(self, fault: Fault) -> None:
        """Strike the victim, do what follows from the fault, and wait until all is copied."""
        flow = self._flow
        struck = self._strike(fault)
        if fault is Fault.LOSS:
            flow.settle()
        if fault.signal == "kill" or fault is Fault.TWIN:
            self._victim.start()
        else:
            self._sleep(fault)
            struck.send_signal(SIGCONT)
        flow.alive.append(self._victim)
        flow.settle()
        if fault is Fault.TWIN:
            struck.send_signal(SIGCONT)
            flow.feed_until(lambda: struck.ended is not None)
            flow.settle()
        flow.alive.remove(self._victim)

    def _strike(self, fault: Fault) -> WorkerProcess:
        scene = self._scene
        if self._victim.has_started:
            self._victim.process.kill()
        if scene.is_start:
            folder = self._flow.folder / f"disk-{fault}"
            self._victim.task = replace(self._victim.task, folder=str(folder))
        changes = {
            "step": scene.step,
            "fault": fault.signal,
            "nth": 1 if scene.is_start or scene.step == "revoke" else 3,
            "transaction_timeout_ms": LONG_TRANSACTION_MS if fault is Fault.NAP else SHORT_TRANSACTION_MS,
        }
        self._victim.start(**changes)
        if scene.step == "revoke":
            self._share()
        self._flow.feed_until(lambda: self._victim.has_struck(**changes))
        return self._victim.process

    def _share(self) -> None:
        """Let the other worker come anew, so that the victim has to give something back."""
        flow = self._flow
        if self._other.has_started:
            flow.alive.remove(self._other)
            self._other.process.kill()
        flow.settle()
        self._other.start()
        flow.alive.append(self._other)

    def _sleep(self, fault: Fault) -> None:
        """Let the time-out pass; if it is the transaction's, the others must be able to take over."""
        beyond = SESSION_MS + (SHORT_TRANSACTION_MS if fault is Fault.COMA else 0)
        until = time.monotonic() + beyond / 1000 + 0.5
        if fault is Fault.COMA and self._scene.workers == 2:
            self._flow.settle()
        else:
            self._flow.feed()
        self._flow.wait_until(lambda: time.monotonic() > until)


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Scene, Future[None]]]:
    """Play all scenes that are asked for, some at a time; each test waits for its own."""
    scenes = [
        cast("Scene", each.callspec.params["scene"])
        for each in request.session.items
        if isinstance(each, pytest.Function) and each.module is request.module
    ]
    folder = tmp_path_factory.mktemp("placed")

    def play(scene: Scene, bootstrap_servers: str) -> None:
        with ExitStack() as exits:
            Play(scene, bootstrap_servers, folder / str(scene), exits).run()

    broker = EmbeddedBroker(folder / "kafka", BrokerSettings(extra_properties=PROPERTIES))
    with broker, ThreadPoolExecutor(SCENES_AT_ONCE) as pool:
        yield {scene: pool.submit(play, scene, broker.bootstrap_servers) for scene in scenes}
        # All is read; there is nothing to end cleanly.
        broker.kill()


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_each_record_counts_once(scene: Scene, played: dict[Scene, Future[None]]) -> None:
    """Whatever strikes a worker at any step, all is copied once, in order, and each case is counted on."""
    played[scene].result()
