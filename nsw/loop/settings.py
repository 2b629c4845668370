"""How a loop runs, and what that means in librdkafka's settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Settings of librdkafka by their own names.
ClientConfig = Mapping[str, str | int | float | bool]


def connecting(bootstrap_servers: str) -> dict[str, Any]:
    """Spell how every client of the loop finds the brokers again that it lost."""
    return {
        "bootstrap.servers": bootstrap_servers,
        # With librdkafka's default, a producer that lost all connections in mid-transaction forgets its coordinator and
        # hangs in the next call for ever (2.16.0; tests/integration/test_network_faults.py).
        "metadata.recovery.strategy": "none",
        # Its default of 10 s would be added to every outage.
        "reconnect.backoff.max.ms": 1_000,
    }


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """
    How one loop runs.

    Attributes:
        transactional_id: unique per worker slot and stable over its restarts, so that a restart ends its
            predecessor's open transaction at once.
        group_instance_id: unique per worker slot (static membership); '' joins as a dynamic member.
        subscription: topic names, and patterns that begin with ``^``.
        batch_records: records per transaction at most.
        judge_seconds: a batch that takes this much longer than *batch_seconds* ends the process: it hangs on a record.
            None for work that looks into no record: then none is ever suspected, and no marks are kept.
        batch_bytes: bytes of record values per transaction at most (the record that crosses it is the last).
        batch_seconds: when a batch has worked this long, it is committed and the rest of its records wait.
        poll_seconds: how long one poll waits for more records: the latency of a quiet stream.
        transaction_timeout_ms: an abandoned transaction hides everybody's later records this long.
        session_timeout_ms: a dead worker's partitions move after this long.
        metadata_refresh_ms: how soon a new topic that matches a pattern is found.
        max_message_bytes: the largest record that is written: what the largest output topic takes.
        max_consecutive_aborts: the process ends after so many in a row that taught nothing.
        broker_wait_seconds: how long the broker may be away within a transaction, or at start.
        client_config: further settings of both clients, such as security; they win over the loop's own.
    """

    bootstrap_servers: str
    group_id: str
    transactional_id: str
    subscription: tuple[str, ...]
    group_instance_id: str = ""
    batch_records: int = 500
    batch_bytes: int = 8 * 1024 * 1024
    batch_seconds: float = 1.0
    judge_seconds: float | None = None
    poll_seconds: float = 0.05
    transaction_timeout_ms: int = 10_000
    session_timeout_ms: int = 6_000
    metadata_refresh_ms: int = 1_000
    max_message_bytes: int = 4 * 1024 * 1024
    max_consecutive_aborts: int = 20
    broker_wait_seconds: float = 60.0
    client_config: ClientConfig = field(default_factory=dict)

    def admin_config(self) -> dict[str, Any]:
        """Spell the settings of a client that only asks."""
        return {**connecting(self.bootstrap_servers), **self.client_config}

    def consumer_config(self) -> dict[str, Any]:
        """Spell the consumer's settings."""
        static = {"group.instance.id": self.group_instance_id} if self.group_instance_id else {}
        return {
            **connecting(self.bootstrap_servers),
            "group.id": self.group_id,
            **static,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # With the default, the first records of a new topic are lost.
            "auto.offset.reset": "earliest",
            "partition.assignment.strategy": "cooperative-sticky",
            "enable.partition.eof": False,
            "session.timeout.ms": self.session_timeout_ms,
            "heartbeat.interval.ms": self.session_timeout_ms // 4,
            # Restoring millions of cases happens between two polls; a dead process is known by its heartbeats.
            "max.poll.interval.ms": int(max(600.0, 2 * self.broker_wait_seconds) * 1000),
            "topic.metadata.refresh.interval.ms": self.metadata_refresh_ms,
            # A few batches are fetched ahead; more would only take memory.
            "queued.min.messages": 2 * self.batch_records,
            "queued.max.messages.kbytes": max(2 * self.batch_bytes // 1024, 1024),
            "fetch.queue.backoff.ms": 20,
            "fetch.wait.max.ms": 100,
            **self.client_config,
        }

    def producer_config(self) -> dict[str, Any]:
        """Spell the producer's settings."""
        return {
            **connecting(self.bootstrap_servers),
            "transactional.id": self.transactional_id,
            "transaction.timeout.ms": self.transaction_timeout_ms,
            "message.timeout.ms": self.transaction_timeout_ms,
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            # The flush at a batch's end waits for no linger, so this costs no latency.
            "linger.ms": 50,
            "message.max.bytes": self.max_message_bytes,
            # The default partitioner of Java's clients, so that foreign tools agree where a key is.
            "partitioner": "murmur2_random",
            # A missing topic is told after this long instead of the message's timeout.
            "topic.metadata.propagation.max.ms": 2_000,
            "delivery.report.only.error": True,
            **self.client_config,
        }
