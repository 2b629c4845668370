"""What the tests of the loop share: topics, worker processes, loops in threads, and readers that are not ours."""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewTopic

from nsw.loop import LoopSettings, TransactionalLoop, read_topic
from nsw.loop.settings import connecting
from tests.integration.loop_worker import CopyWork, Task, run

ROOT = Path(__file__).resolve().parents[2]


class Copied(NamedTuple):
    """
    One record of a target.

    Attributes:
        seen: how often its key had been seen before, by what the worker knew; '' if it keeps no cases.
        origin: where it was read: topic/partition/offset.
    """

    seen: str
    origin: str
    value: bytes


class Stage:
    """The topics of one test, and what is in them."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.source = f"{self.name}.in"
        self.target = f"{self.name}.out"
        self._admin, self._producer = _clients(bootstrap_servers)
        self.changelog = ""

    def task(self, **changes: object) -> Task:
        task = Task(self.bootstrap_servers, self.name, self.source, self.target)
        return replace(task, **changes)  # type: ignore[arg-type]

    def create(self, topic: str, partitions: int = 1, **settings: str) -> None:
        config = {name.replace("_", "."): value for name, value in settings.items()}
        # As many copies as the broker makes by default: one on a single node, three on three.
        (future,) = self._admin.create_topics([NewTopic(topic, partitions, config=config)]).values()
        future.result(30)

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        (future,) = self._admin.delete_topics([topic]).values()
        future.result(30)

    def allow(self, topic: str, operation: AclOperation) -> None:
        """Allow "clerk" this operation on the topic, and so no other."""
        rule = AclBinding(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            "User:clerk",
            "*",
            operation,
            AclPermissionType.ALLOW,
        )
        (future,) = self._admin.create_acls([rule]).values()
        future.result(30)

    def send(self, topic: str, values: list[bytes], *, keyed: bool = False) -> None:
        """Publish values, under twenty keys in turn, or each under itself."""
        for number, value in enumerate(values):
            self._producer.produce(topic, value, value if keyed else f"key-{number % 20}".encode())
        assert self._producer.flush(60) == 0

    def commit(self, topic: str, values: list[bytes]) -> None:
        """Publish values in one transaction."""
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "transactional.id": self.name})
        producer.init_transactions(30)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value)
        producer.commit_transaction(30)

    def read(self, topic: str) -> list[Copied]:
        """Read all committed records, by a client that shares no code with ours."""
        command = ["kcat", "-C", "-b", self.bootstrap_servers, "-t", topic, "-e", "-q", "-f", "%h\t%s\n"]
        command += ["-X", "isolation.level=read_committed"]
        output = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
        found = []
        for line in output.splitlines():
            headers, _, value = line.partition(b"\t")
            pairs = dict(each.partition("=")[::2] for each in headers.decode(errors="replace").split(","))
            found.append(Copied(pairs.get("seen", ""), pairs.get("origin", ""), value))
        return found

    def keep_cases(self, folder: Path, partitions: int = 4, **changes: object) -> Task:
        """Give a task that remembers which keys it saw."""
        if not self.changelog:
            self.changelog = f"{self.name}.changelog"
            self.create(self.changelog, partitions, cleanup_policy="compact")
        return self.task(changelog=self.changelog, folder=str(folder), **changes)

    def origins(self) -> list[str]:
        """Say where the records of the source stand."""
        found = read_topic(self.bootstrap_servers, self.source, partitions=4)
        return [f"{each.topic}/{each.partition}/{each.offset}" for each in found]

    def read_until(self, topic: str, count: int, timeout: float = 60.0) -> list[Copied]:
        """Read until there are so many, or the time is over."""
        until = time.monotonic() + timeout
        found = self.read(topic)
        while len(found) < count and time.monotonic() < until:
            time.sleep(0.2)
            found = self.read(topic)
        return found

    def check_copied_once(self, values: Sequence[bytes], timeout: float = 60.0) -> None:
        """Fail unless the target holds exactly what was sent, each partition in order, each case counted on."""
        found = self.read_until(self.target, len(values), timeout)
        assert Counter(each.value for each in found) == Counter(values)
        offsets_by_partition: dict[str, list[int]] = {}
        times_by_value: dict[bytes, list[str]] = {}
        for each in found:
            partition, _, offset = each.origin.rpartition("/")
            offsets_by_partition.setdefault(partition, []).append(int(offset))
            times_by_value.setdefault(each.value, []).append(each.seen)
        for offsets in offsets_by_partition.values():
            assert offsets == sorted(set(offsets))
        if self.changelog:
            for value, times in times_by_value.items():
                assert times == [str(number) for number in range(len(times))], value


@lru_cache
def _clients(bootstrap_servers: str) -> tuple[AdminClient, Producer]:
    """Give the clients that all stages of a broker share; they are quiet when it is away."""
    config: dict[str, str | int | float | bool] = {**connecting(bootstrap_servers), "log_level": 2}
    return AdminClient(config), Producer({**config, "linger.ms": 5})


class Tally:
    """Counts the committed records of a topic's only partition as they come."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                **connecting(bootstrap_servers),
                "group.id": topic,
                "isolation.level": "read_committed",
                "log_level": 2,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0)])
        self._count = 0

    def count(self, timeout: float = 0.0) -> int:
        """Give the number of records so far, after waiting for more."""
        messages = self._consumer.consume(1_000, timeout)
        self._count += sum(1 for each in messages if each.error() is None)
        return self._count

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def numbered(count: int) -> list[bytes]:
    return [f"value-{number:05}".encode() for number in range(count)]


def wait_for(condition: Callable[[], object], timeout: float = 30.0) -> None:
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.02)


class InThread:
    """A loop in a thread of the test, stopped at the end of the block."""

    def __init__(self, settings: LoopSettings, work: CopyWork) -> None:
        self.work = work
        self.error: BaseException | None = None
        self.loop = TransactionalLoop(settings, work)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self.loop.run()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.loop.stop()
        self._thread.join(30)
        if self.error is not None:
            raise self.error
        assert kind is not None or not self._thread.is_alive()


class WorkerProcess:
    """
    A worker in a process of its own.

    It is forked from a server that has everything imported already, so that it begins at once.
    """

    # Starting one process asks after all others: threads would take one another's answers.
    _guard = threading.Lock()

    def __init__(self, task: Task, log: Path) -> None:
        self.log = log
        log.touch()
        self._process = _context().Process(target=run, args=(replace(task, log=str(log)),), daemon=True)
        with self._guard:
            self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def ended(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        with self._guard:
            return self._process.exitcode

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped by a signal and not woken."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return False
        return "State:\tT" in status

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it lives."""
        if self.ended is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        self.send_signal(signal.SIGKILL)
        wait_for(lambda: self.ended is not None)

    def end(self, timeout: float = 60.0) -> tuple[int, str]:
        """Wait until it ends by itself; give its exit code and what it wrote."""
        wait_for(lambda: self.ended is not None, timeout)
        return self.ended or 0, self.told()

    def told(self) -> str:
        """Give what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", run.__module__])
    # The server is a program of its own, which must find our modules.
    os.environ["PYTHONPATH"] = str(ROOT)
    return context


@contextmanager
def worker(task: Task, log: Path) -> Iterator[WorkerProcess]:
    """Run a worker process within the block, and kill it at its end."""
    process = WorkerProcess(task, log)
    try:
        yield process
    finally:
        process.kill()
