"""Intake: the role that brings records from inboxes and agencies' outboxes to their cases, and parses nothing."""

from collections.abc import Callable, Iterable, Sequence

from nsw import telemetry, topics
from nsw.control import apply_control
from nsw.errors import Code
from nsw.identifiers import PartyId
from nsw.lodging import LodgingSettings, lodge, refuse
from nsw.model import Publication, Purpose, Record
from nsw.telemetry import Telemetry

ROLE = "intake"
SUBSCRIPTION = (topics.INBOX_PATTERN, topics.AGENCY_OUTBOX_PATTERN)


class Intake:
    """
    What intake does with the loop's records.

    Args:
        follow_control: gives the records of ``nsw.control`` that came since the last call; never blocks.
    """

    def __init__(
        self,
        settings: LodgingSettings,
        metrics: Telemetry,
        follow_control: Callable[[], Iterable[Record]] = tuple,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._follow_control = follow_control
        self._paused: frozenset[PartyId] = frozenset()

    def process(self, record: Record) -> Sequence[Publication]:
        """Give the record its case."""
        return (lodge(record, self._settings),)

    def announce(self, records: Sequence[Record]) -> None:
        """Intake looks into no document."""

    def is_suspect(self, record: Record) -> bool:  # noqa: ARG002 - no record is
        """Intake parses nothing, so no record's content can end it."""
        return False

    def process_apart(self, record: Record) -> Sequence[Publication]:
        """As any other."""
        return self.process(record)

    def refuse(self, record: Record, code: Code, detail: str) -> Sequence[Publication]:
        """Keep a record as a dead letter that can't be brought to its case."""
        return (refuse(record, code, detail, self._settings),)

    def unavailable(self, topic: str, reason: str) -> None:
        """Intake writes topics that every window has: without them it can't go on, and the loop says so."""

    def assigned(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Intake remembers nothing of a partition."""

    def revoked(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Intake remembers nothing of a partition."""

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        """Count what was committed."""
        self._metrics.observe(telemetry.BATCH_SECONDS, seconds, ROLE)
        self._metrics.observe(telemetry.BATCH_RECORDS, len(records), ROLE)
        self._metrics.count(telemetry.TRANSACTIONS, ROLE, "committed")
        self._metrics.count(
            telemetry.LODGED, by=sum(1 for each in publications if each.purpose is Purpose.CASE)
        )
        for each in publications:
            if each.purpose is Purpose.DEAD_LETTER:
                self._metrics.count(telemetry.DEAD_LETTERS, each.counted_as)

    def aborted(self, reason: str) -> None:  # noqa: ARG002 - the loop logs it
        """Count an aborted transaction."""
        self._metrics.count(telemetry.TRANSACTIONS, ROLE, "aborted")

    def paused_topics(self) -> frozenset[str]:
        """Name the inboxes that are paused now."""
        return frozenset(topics.inbox(party) for party in self._paused)

    def idle(self) -> None:
        """Learn which inboxes were paused or resumed."""
        paused = set(self._paused)
        for record in self._follow_control():
            apply_control(record, paused)
        self._paused = frozenset(paused)
        self._metrics.set(telemetry.PAUSED, len(self._paused))
