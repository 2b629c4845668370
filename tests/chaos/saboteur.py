"""
Worker processes of the window that are killed at a placed call of the client, and may be sabotaged.

Started once for several lives: it reads the snapshot, and then one plan a line from its input. For each it forks a
worker (forking spares reading the snapshot again), and tells the worker's pid when it begins and its exit code when
it has ended. All but what a plan says is the worker's own.
"""
# ruff: noqa: ANN401 - the client's own arguments are passed on

import dataclasses
import json
import logging
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final, Self

import confluent_kafka

from nsw import worker
from nsw.casestore import CaseBook
from nsw.config import load_config
from nsw.loop import ChangelogReader
from nsw.reference import Reference
from nsw.refresh import TableFollower

COMMIT_FIRST: Final = "commit-before-produce"
NOT_TRANSACTIONAL: Final = "non-transactional-producer"
READ_UNCOMMITTED: Final = "read-uncommitted"
NO_STATE: Final = "dropped-duplicate-state"


@dataclasses.dataclass(frozen=True)
class Plan:
    """
    What goes wrong.

    Attributes:
        sabotage: '' for a sound worker.
        role: whose producer is killed.
        call: by its name, behind which the process is killed; '' for never.
        nth: at which such call.
    """

    sabotage: str = ""
    role: str = "casework"
    call: str = ""
    nth: int = 3

    def line(self) -> str:
        """Write it for the process."""
        return json.dumps(dataclasses.asdict(self)) + "\n"


_plan = Plan()


class Killed(confluent_kafka.Producer):
    """A sound producer; the process dies behind the placed call."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._is_placed = str(config.get("transactional.id", "")).startswith(f"nsw-{_plan.role}-")
        self._calls: Counter[str] = Counter()
        self._has_outputs = False
        super().__init__(self.changed(config))

    def changed(self, config: dict[str, Any]) -> dict[str, Any]:
        """Give the settings that are really used."""
        return config

    def passed(self, call: str) -> None:
        """Note that a call was made; those of transactions without outputs do not count."""
        self._calls[call] += self._has_outputs
        if self._is_placed and call == _plan.call and self._calls[call] == _plan.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def begin_transaction(self) -> None:
        """Begin."""
        self._has_outputs = False
        super().begin_transaction()

    def produce(self, *arguments: Any, **named: Any) -> None:
        """Produce."""
        self._has_outputs = True
        super().produce(*arguments, **named)

    def flush(self, *arguments: Any) -> int:
        """Flush; the loop calls it until nothing is left."""
        left = super().flush(*arguments)
        if not left:
            self.passed("flush")
        return left

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        """Send the offsets."""
        super().send_offsets_to_transaction(*arguments)
        self.passed("send-offsets")

    def commit_transaction(self, *arguments: Any) -> None:
        """Commit."""
        super().commit_transaction(*arguments)
        self.passed("commit")


class CommitFirst(Killed):
    """Commits the offsets, and then what they stand for."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._kept: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def produce(self, *arguments: Any, **named: Any) -> None:
        """Keep for later."""
        self._has_outputs = True
        self._kept.append((arguments, named))

    def commit_transaction(self, *arguments: Any) -> None:
        """Commit twice: offsets, then outputs."""
        super().commit_transaction(*arguments)
        kept, self._kept = self._kept, []
        self.begin_transaction()
        for positional, named in kept:
            super().produce(*positional, **named)
        confluent_kafka.cimpl.Producer.commit_transaction(self, *arguments)


class Remembered(confluent_kafka.Consumer):
    """The loop's consumer, found again by the producer that commits by it."""

    by_group: dict[str, confluent_kafka.Consumer] = {}  # noqa: RUF012 - one for the process

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        if config["group.id"] in {"nsw-intake", "nsw-casework"}:
            self.by_group[config["group.id"]] = self


class NotTransactional(Killed):
    """Produces at once, for everybody to see, and commits the offsets afterwards."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._group = str(config["transactional.id"]).rpartition("-")[0]
        self._offsets: list[confluent_kafka.TopicPartition] = []
        super().__init__(config)

    def changed(self, config: dict[str, Any]) -> dict[str, Any]:
        """Take the transactions out."""
        return {name: value for name, value in config.items() if not name.startswith("transaction")}

    def init_transactions(self, *_arguments: Any) -> None:
        """Do nothing."""

    def begin_transaction(self) -> None:
        """Only note that another batch begins."""
        self._has_outputs = False

    def abort_transaction(self, *_arguments: Any) -> None:
        """Do nothing."""

    def send_offsets_to_transaction(self, *arguments: Any) -> None:
        """Keep them for the commit."""
        self._offsets = arguments[0]

    def commit_transaction(self, *_arguments: Any) -> None:
        """Commit by the consumer."""
        Remembered.by_group[self._group].commit(offsets=self._offsets, asynchronous=False)
        self.passed("commit")


class Uncommitted(confluent_kafka.Consumer):
    """Reads what may be aborted yet."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config | {"isolation.level": "read_uncommitted"})


def _sabotage(plan: Plan) -> None:
    """Put other classes where the window's modules have their clients, in this process only."""
    global _plan  # noqa: PLW0603 - the clients are made by the window, which can't hand it to them
    _plan = plan
    producers = {COMMIT_FIRST: CommitFirst, NOT_TRANSACTIONAL: NotTransactional}
    consumers = {NOT_TRANSACTIONAL: Remembered, READ_UNCOMMITTED: Uncommitted}
    wanted: dict[object, object] = {confluent_kafka.Producer: producers.get(plan.sabotage, Killed)}
    if plan.sabotage in consumers:
        wanted[confluent_kafka.Consumer] = consumers[plan.sabotage]
    if plan.sabotage == NO_STATE:
        wanted |= {CaseBook: Forgetful, ChangelogReader: Blind}
    for name, module in sys.modules.items():
        if name.startswith("nsw."):
            given = {key: value for key, value in vars(module).items() if isinstance(value, type)}
            vars(module).update({key: wanted[value] for key, value in given.items() if value in wanted})


class Forgetful(CaseBook):
    """Begins with an empty book in each process."""

    def __init__(self, folder: Path, restore: ChangelogReader, **named: Any) -> None:
        super().__init__(folder / str(os.getpid()), restore, **named)


class Blind(ChangelogReader):
    """Reads nothing of the changelog."""

    def __call__(self, partition: int, *_others: object) -> int:
        """Give its end."""
        return self.end(partition)


class FixedTables(TableFollower):
    """Judges by the tables of the folders: reading them from their topic is not what is tested."""

    def load(self) -> Reference:
        """Give the snapshot."""
        return self.newest

    def __enter__(self) -> Self:
        return self


def main() -> int:
    """Live as often as the input says."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = load_config(os.environ)
    snapshot = worker.load_snapshot(config)
    snapshot.catalogue.warm()
    vars(worker).update(load_snapshot=lambda _config: snapshot, TableFollower=FixedTables)
    for line in sys.stdin:
        plan = Plan(**json.loads(line))
        pid = os.fork()
        if not pid:
            code = 70

            try:
                _sabotage(plan)
                code = worker.run(config, list(worker.Role))
            finally:
                os._exit(code)
        print(pid, flush=True)  # noqa: T201 - its output is a protocol
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
