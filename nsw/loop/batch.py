"""One transaction's records, what is published for them, and what failed."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, Message, TopicPartition

from nsw.loop.remedies import COLLATERAL_CODES, AbortError, describe
from nsw.loop.work import Place, place_of
from nsw.model import Publication, Record

_RECORD_OVERHEAD_BYTES = 128
_HEADER_OVERHEAD_BYTES = 16
_MAX_UTF8_BYTES = 4
#: Room for key, headers and the protocol's own bytes; only what comes near the limit is counted exactly.
_SIZE_SLACK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """A publication that was not delivered."""

    place: Place
    topic: str
    error: KafkaError


@dataclass(slots=True)
class Batch:
    """One transaction's records, and what became of them so far."""

    records: list[Record] = field(default_factory=list)
    publications: list[Publication] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def delivered(self, record: Record, topic: str, error: KafkaError | None, _message: Message) -> None:
        """
        Note a delivery that failed; the client calls this back for such ones only.

        The topic is bound when producing: a message of a fenced producer can't even tell its own.
        """
        if error is not None:
            self.failed(record, topic, error)

    def failed(self, record: Record, topic: str, error: KafkaError) -> None:
        """Note that a publication for *record* did not reach *topic*."""
        self.failures.append(Failure(place_of(record), topic, error))

    def check(self) -> None:
        """
        Go on only while everything was delivered.

        Raises:
            AbortError: some publication was not.
        """
        if self.failures:
            first = self.failures[0]
            raise AbortError(f"delivery to {first.topic}: {describe(first.error)}")

    @property
    def failed_elsewhere(self) -> bool:
        """Whether deliveries failed only because their transaction had failed already."""
        codes = {failure.error.code() for failure in self.failures}
        return bool(codes) and codes <= COLLATERAL_CODES

    @property
    def topics(self) -> frozenset[str]:
        """The topics that the batch publishes to."""
        return frozenset(publication.topic for publication in self.publications)

    def offsets(self) -> list[TopicPartition]:
        """Give the next offset of each partition."""
        done = {(record.topic, record.partition): record.next_offset for record in self.records}
        return [TopicPartition(topic, number, offset) for (topic, number), offset in done.items()]


def find_oversized(publications: Iterable[Publication], max_bytes: int) -> str | None:
    """Say which publication is larger than *max_bytes*; None when none is."""
    for publication in publications:
        if len(publication.value or b"") > max_bytes - _SIZE_SLACK_BYTES:
            size = _size_of(publication)
            if size > max_bytes:
                return f"{size} bytes for {publication.topic}, at most {max_bytes} are possible"
    return None


def _size_of(publication: Publication) -> int:
    headers = sum(
        len(name) * _MAX_UTF8_BYTES + len(value) + _HEADER_OVERHEAD_BYTES
        for name, value in publication.headers
    )
    return len(publication.key or b"") + len(publication.value or b"") + headers + _RECORD_OVERHEAD_BYTES
