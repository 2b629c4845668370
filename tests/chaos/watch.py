"""Reads what the window publishes while it runs, as an agency or a trader does: committed records only."""

import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, TopicPartition

SEEN_FILE = "seen.jsonl"


class Watch:
    """
    Follows topics of one partition each from their present ends, and notes when it saw what in the ledger.

    Attributes:
        counts: records seen by topic.
        answered: outboxes and keys (reference numbers) of the answers that were seen.
    """

    def __init__(self, bootstrap_servers: str, topics: Sequence[str], folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self.answered: set[tuple[str, str]] = set()
        self._stopping = threading.Event()
        self._lines = (folder / SEEN_FILE).open("a", encoding="utf-8")
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "chaos-watch",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 100,
                "reconnect.backoff.max.ms": 500,
                "log_level": 2,
            }
        )
        self._consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(30)
        self._consumer.close()
        self._lines.close()

    def answers(self) -> int:
        """Count the answers that traders have."""
        return sum(count for topic, count in self.counts.items() if topic.startswith("nsw.outbox."))

    def _run(self) -> None:
        while not self._stopping.is_set():
            messages = [each for each in self._consumer.consume(1_000, 0.2) if each.error() is None]
            now = time.monotonic()
            for each in messages:
                topic = each.topic() or ""
                self.counts[topic] += 1
                if topic.startswith("nsw.outbox."):
                    self.answered.add((topic, (each.key() or b"").decode("utf-8", "replace")))
                elif topic.startswith("nsw.agency."):
                    line = {"topic": topic, "offset": each.offset(), "at": now}
                    self._lines.write(json.dumps(line) + "\n")
            if messages:
                self._lines.flush()
