"""Draws faults from a seed and lets them strike, one after the other; what lasts is ended when its time is over."""

import heapq
import itertools
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from nsw.embedded import EmbeddedBroker, EmbeddedBrokerError
from tests.chaos.fleet import Fleet, Slot
from tests.chaos.kafka import Kafka

#: Seconds between two faults, least and most: less than a worker needs to start, and time to get much done.
_GAP_SECONDS: Final = (0.2, 5.0)
#: Mostly the next fault waits until something came through again, so that it interrupts something; at most so long.
_CALM_SHARE: Final = 0.6
_CALM_SECONDS: Final = 60.0
#: How many workers there are, in turn, and for how long.
_SIZES: Final = (1, 2, 4)
_SIZE_SECONDS: Final = (15.0, 40.0)
#: Longer than the session (6 s), and sometimes longer than the transaction (10 s).
_PAUSE_SECONDS: Final = (7.0, 16.0)
_GROWN_SECONDS: Final = 6.0
_GROWN_SHARE: Final = 0.8
_BROKER_STARTS: Final = 3
_ZOMBIE_END_SECONDS: Final = 90.0


class Storm:
    """
    Faults for workers and brokers.

    Args:
        progress: counts the answers that were seen.
        tell: learns of each fault as a sentence.

    Attributes:
        kills: how many processes were ended by kill -9; *rebalances*, how often partitions had to move otherwise.
        troubles: what must not happen.
    """

    def __init__(
        self,
        fleet: Fleet,
        kafka: Kafka,
        seed: int,
        *,
        progress: Callable[[], int],
        tell: Callable[[str], None],
    ) -> None:
        self.kills = 0
        self.rebalances = 0
        self.counts: Counter[str] = Counter()
        self.troubles: list[str] = []
        self._fleet = fleet
        self._kafka = kafka
        self._random = random.Random(seed)
        self._progress = progress
        self._tell = tell
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._sizes = itertools.cycle(_SIZES)
        self._zombies: list[subprocess.Popen[bytes]] = []
        self._broker_busy = False
        self._network_busy = False
        self._faults: tuple[tuple[float, Callable[[Slot], None]], ...] = (
            (60, self._kill),
            (8, self._kill_all),
            (6, self._terminate),
            (5, self._sleep),
            (3, self._sleep_beside_successor),
            (8, self._kill_broker),
            (6, self._trouble_network),
            (4, self._fill_disk),
            (4, self._shift_clock),
        )

    def blow(self, until: float) -> None:
        """Let faults strike until a time of the monotonic clock, and then end what lasts."""
        self._later(0, self._resize)
        while time.monotonic() < until:
            seen = self._progress()
            self._wait(min(time.monotonic() + self._random.uniform(*_GAP_SECONDS), until))
            if self._random.random() < _CALM_SHARE:
                calm_until = min(time.monotonic() + _CALM_SECONDS, until)
                while self._progress() == seen and time.monotonic() < calm_until:
                    self._wait(time.monotonic() + 0.1)
            slots = self._fleet.slots
            if slots:
                (fault,) = self._random.choices(
                    [each for _, each in self._faults], [w for w, _ in self._faults]
                )
                # Mostly one that has had time to start, so that there is something to interrupt.
                grown = [each for each in slots if time.monotonic() - each.started_at > _GROWN_SECONDS]
                often = grown and self._random.random() < _GROWN_SHARE
                fault(self._random.choice(grown if often else slots))
        self._end()

    def _wait(self, until: float) -> None:
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            if now >= until:
                return
            time.sleep(min(0.1, until - now))

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), action))

    def _end(self) -> None:
        while self._due:
            _, _, action = heapq.heappop(self._due)
            if action != self._resize:
                action()
        for proxy in self._kafka.proxies:
            proxy.resume()
        for node in self._kafka.nodes:
            if not node.is_running:
                self._start(node)
        for zombie in self._zombies:
            try:
                zombie.wait(_ZOMBIE_END_SECONDS)
            except subprocess.TimeoutExpired:
                self.troubles.append("a worker lives on beside its successor: it was not fenced")
                zombie.kill()
                zombie.wait()

    def _strike(self, name: str, sentence: str) -> None:
        self.counts[name] += 1
        self._tell(sentence)

    def _resize(self) -> None:
        count = next(self._sizes)
        if count != len(self._fleet.slots):
            self.rebalances += 1
            self._strike("resize", f"{count} workers")
            self._fleet.resize(count)
        self._later(self._random.uniform(*_SIZE_SECONDS), self._resize)

    def _kill(self, slot: Slot) -> None:
        self.kills += 1
        self._strike("kill worker", f"kill -9 of worker {slot.name}")
        self._fleet.kill(slot)

    def _kill_all(self, _slot: Slot) -> None:
        """As when the machine that they run on goes."""
        slots = self._fleet.slots
        self.kills += len(slots)
        self._strike("kill all workers", f"kill -9 of all {len(slots)} workers")
        for each in slots:
            self._fleet.kill(each)

    def _terminate(self, slot: Slot) -> None:
        self._strike("terminate worker", f"SIGTERM to worker {slot.name}")
        self._fleet.terminate(slot)

    def _sleep(self, slot: Slot) -> None:
        if slot.stopped:
            return
        seconds = self._random.uniform(*_PAUSE_SECONDS)
        self.rebalances += 1
        self._strike("stop worker", f"SIGSTOP of worker {slot.name} for {seconds:.1f} s")
        self._fleet.sleep(slot)
        self._later(seconds, lambda: self._fleet.wake(slot))

    def _sleep_beside_successor(self, slot: Slot) -> None:
        if slot.stopped:
            return
        seconds = self._random.uniform(*_PAUSE_SECONDS)
        self._strike(
            "zombie", f"SIGSTOP of worker {slot.name} for {seconds:.1f} s, beside a new one in its place"
        )
        self._fleet.sleep(slot)
        zombie = self._fleet.replace(slot)
        self._zombies.append(zombie)
        # It must find out by itself that its place is taken.
        self._later(seconds, lambda: zombie.send_signal(signal.SIGCONT))

    def _kill_broker(self, _slot: Slot) -> None:
        if self._broker_busy or not self._kafka.is_whole:
            return
        node = self._random.choice(self._kafka.nodes)
        seconds = self._random.uniform(0.2, 4.0)
        self.kills += 1
        self._broker_busy = True
        self._strike("kill broker", f"kill -9 of broker {node.node_id}, down for {seconds:.1f} s")
        node.kill()

        def restart() -> None:
            began = time.monotonic()
            self._start(node)
            self._broker_busy = False
            self._tell(f"broker {node.node_id} is back, {time.monotonic() - began:.1f} s after its start")

        self._later(seconds, restart)

    def _start(self, node: EmbeddedBroker) -> None:
        """Start a broker as a supervisor would: again, when it ends at its start."""
        for tries_left in reversed(range(_BROKER_STARTS)):
            try:
                node.start()
            except EmbeddedBrokerError as error:
                if not tries_left:
                    raise
                self._strike("broker that ended at its start", f"broker {node.node_id}: {error}")
            else:
                return

    def _trouble_network(self, _slot: Slot) -> None:
        if self._network_busy:
            return
        proxy = self._random.choice(self._kafka.proxies)
        seconds = self._random.uniform(1.0, 8.0)
        delay = self._random.uniform(0.05, 1.0)
        name = self._random.choice(("delays", "cuts", "refuses", "black-holes"))
        self._strike(f"network {name}", f"the proxy {name} connections for {seconds:.1f} s")
        self._network_busy = True
        if name == "delays":
            proxy.delay(delay)
        else:
            {"cuts": proxy.cut, "refuses": proxy.refuse, "black-holes": proxy.hold}[name]()

        def resume() -> None:
            proxy.resume()
            self._network_busy = False

        self._later(seconds, resume)

    def _fill_disk(self, slot: Slot) -> None:
        seconds = self._random.uniform(2.0, 8.0)
        self._strike("full disk", f"the disk of worker {slot.name} is full for {seconds:.1f} s")
        self._fleet.fill_disk(slot, full=True)
        self._later(seconds, lambda: self._fleet.fill_disk(slot, full=False))

    def _shift_clock(self, slot: Slot) -> None:
        shift = self._random.choice((-86_400, -3600, -60, 60, 3600, 10 * 86_400))
        seconds = self._random.uniform(3.0, 10.0)
        self._strike("clock", f"the clock of worker {slot.name} jumps by {shift} s for {seconds:.1f} s")
        self._fleet.shift_clock(slot, shift)
        self._later(seconds, lambda: self._fleet.shift_clock(slot, 0))
