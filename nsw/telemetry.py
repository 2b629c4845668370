"""
The catalogue of metrics, and the only user of prometheus-client.

Names are ``nsw_<noun>_<verb>_<unit or total>``; labels come from closed sets (codes, agencies, roles), never from
documents: an unknown rule id or topic can't make a new series by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    start_http_server,
)

_Kind = Literal["counter", "gauge", "histogram"]
_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SIZE_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True, slots=True)
class Metric:
    """
    One entry of the catalogue.

    Attributes:
        name: with its unit; counters end in ``_total``.
        labels: names of labels, each from a closed set that *meaning* tells.
    """

    name: str
    kind: _Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = _LATENCY_BUCKETS


RECEIVED = Metric(
    "nsw_submissions_received_total",
    "counter",
    "Records judged by casework, by the sender's role.",
    ("role",),
)
ACCEPTED = Metric(
    "nsw_declarations_accepted_total", "counter", "Declarations accepted, by message type.", ("message_type",)
)
REPEATED = Metric(
    "nsw_declarations_repeated_total",
    "counter",
    "Declarations that came before in the same bytes, and were answered with the same answer.",
)
REJECTED = Metric(
    "nsw_declarations_rejected_total",
    "counter",
    "Declarations rejected, by each code found in them.",
    ("code",),
)
DEAD_LETTERS = Metric(
    "nsw_dead_letters_kept_total", "counter", "Records kept as dead letters, by code.", ("code",)
)
JUDGED_APART = Metric(
    "nsw_records_judged_apart_total",
    "counter",
    "Records judged in a process of their own, since one like them may have ended a worker.",
)
ROUTED = Metric("nsw_deliveries_routed_total", "counter", "Declarations delivered, by agency.", ("agency",))
HELD = Metric("nsw_deliveries_held_total", "counter", "Publications held back, by code.", ("code",))
ANSWERS = Metric("nsw_answers_sent_total", "counter", "Answers to traders, by kind.", ("kind",))
NOT_JUDGED = Metric(
    "nsw_rules_not_judged_total",
    "counter",
    "Rules that failed on a document, or that its budget did not reach.",
)
LODGED = Metric("nsw_records_lodged_total", "counter", "Records that intake brought to their case.")
BATCH_SECONDS = Metric(
    "nsw_batch_duration_seconds", "histogram", "Time from a batch's begin to its commit, by role.", ("role",)
)
BATCH_RECORDS = Metric(
    "nsw_batch_size_records",
    "histogram",
    "Records in one committed batch, by role.",
    ("role",),
    _SIZE_BUCKETS,
)
END_TO_END_SECONDS = Metric(
    "nsw_declaration_decided_seconds", "histogram", "Time from lodging to the commit of the decision."
)
TRANSACTIONS = Metric(
    "nsw_transactions_ended_total", "counter", "Transactions, by role and outcome.", ("role", "outcome")
)
LAG = Metric(
    "nsw_consumer_lag_records",
    "gauge",
    "Records not read yet, by role; control markers count, so it need not reach 0.",
    ("role",),
)
PAUSED = Metric(
    "nsw_inboxes_paused", "gauge", "Inboxes paused now by an operator or after a flood of dead letters."
)
REFERENCE_INFO = Metric("nsw_reference_data_info", "gauge", "1 for the snapshot in use.", ("version",))
REFERENCE_REFUSED = Metric(
    "nsw_reference_refused",
    "gauge",
    "1 while the tables that count can't be loaded here, so that older ones judge; else 0.",
)

CATALOGUE: tuple[Metric, ...] = (
    LODGED,
    RECEIVED,
    ACCEPTED,
    REPEATED,
    REJECTED,
    DEAD_LETTERS,
    JUDGED_APART,
    ROUTED,
    HELD,
    ANSWERS,
    NOT_JUDGED,
    BATCH_SECONDS,
    BATCH_RECORDS,
    END_TO_END_SECONDS,
    TRANSACTIONS,
    LAG,
    PAUSED,
    REFERENCE_INFO,
    REFERENCE_REFUSED,
)
#: What a label becomes when its value is outside its closed set.
OTHER = "other"


class Telemetry:
    """The metrics of one process; every process has one, hands it to its parts, and serves it."""

    def __init__(self, closed_sets: Mapping[str, Iterable[str]] | None = None) -> None:
        # A second series for each one, which no alert of ours reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._allowed = {label: frozenset(values) for label, values in (closed_sets or {}).items()}
        self._collectors: dict[str, Counter | Gauge | Histogram] = {
            each.name: self._make(each) for each in CATALOGUE
        }

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        if metric.kind == "counter":
            return Counter(metric.name, metric.meaning, metric.labels, registry=self.registry)
        if metric.kind == "gauge":
            return Gauge(metric.name, metric.meaning, metric.labels, registry=self.registry)
        return Histogram(
            metric.name, metric.meaning, metric.labels, registry=self.registry, buckets=metric.buckets
        )

    def _child(self, metric: Metric, labels: tuple[str, ...]) -> Counter | Gauge | Histogram:
        collector = self._collectors[metric.name]
        if not labels:
            return collector
        closed = (
            value if value in self._allowed.get(name, (value,)) else OTHER
            for name, value in zip(metric.labels, labels, strict=True)
        )
        return collector.labels(*closed)

    def allow(self, closed_sets: Mapping[str, Iterable[str]]) -> None:
        """Widen the closed sets of labels; what was allowed stays so."""
        # A new mapping, since another thread may be counting.
        self._allowed = {
            **self._allowed,
            **{
                label: self._allowed.get(label, frozenset()) | set(values)
                for label, values in closed_sets.items()
            },
        }

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        """Add to a counter."""
        child = self._child(metric, labels)
        assert isinstance(child, Counter)  # noqa: S101 - the catalogue says so
        child.inc(by)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        child = self._child(metric, labels)
        assert isinstance(child, Gauge)  # noqa: S101 - the catalogue says so
        child.set(value)

    def set_only(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge, and take back its other series."""
        collector = self._collectors[metric.name]
        collector.clear()
        self.set(metric, value, *labels)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Add one observation to a histogram; seconds or records, as its name says."""
        child = self._child(metric, labels)
        assert isinstance(child, Histogram)  # noqa: S101 - the catalogue says so
        child.observe(value)

    def serve(self, host: str, port: int) -> int:
        """
        Serve ``/metrics``.

        Args:
            port: 0 takes a free one.

        Returns:
            The port taken.

        Raises:
            OSError: the port is taken.
        """
        server, _thread = start_http_server(port, addr=host, registry=self.registry)
        return int(server.server_port)
