"""What a role must offer to be driven by the loop."""

from collections.abc import Callable, Sequence
from typing import Protocol

from nsw.errors import Code
from nsw.model import Publication, Record

#: A topic and a partition's number.
Partition = tuple[str, int]
#: Where one record stands: topic, partition, offset.
Place = tuple[str, int, int]
#: Is told each step's name when the step is done; tests place faults there.
Steps = Callable[[str], None]


class Work(Protocol):
    """
    What a role does with the loop's records; every method is called in the loop's thread.

    A ``TransientError`` out of ``process``, ``process_apart``, ``refuse`` or ``idle`` means "try again"; any other
    exception ends the process. Nothing may be kept of the first three before ``committed`` tells that it is so:
    after ``aborted`` the same records come again.
    """

    def process(self, record: Record) -> Sequence[Publication]:
        """Give what is to be published for a record."""

    def announce(self, records: Sequence[Record]) -> None:
        """Learn which records may be processed next, in this order; some, or all of them, may not be."""

    def is_suspect(self, record: Record) -> bool:
        """Tell whether a record must be processed apart, whatever the loop thinks of it; asked for each, quickly."""

    def process_apart(self, record: Record) -> Sequence[Publication]:
        """
        As ``process``, for a record that may end the process in which it is judged: it must not be this one.

        Raises:
            MessageError: it ends any process; it is refused with the error's code.
        """

    def refuse(self, record: Record, code: Code, detail: str) -> Sequence[Publication]:
        """Give what is published instead for a record whose own outputs can't be produced: a dead letter."""

    def unavailable(self, topic: str, reason: str) -> None:
        """Learn that a topic is missing or forbidden; publish what was for it elsewhere from now on."""

    def assigned(self, partitions: Sequence[Partition]) -> None:
        """Restore what is known of newly assigned partitions; no record of them comes before this returns."""

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """Forget partitions that this process does not own any more; also called when the loop ends."""

    def committed(
        self, records: Sequence[Record], publications: Sequence[Publication], seconds: float
    ) -> None:
        """Keep and count what was committed; *seconds* is the time from the batch's begin."""

    def aborted(self, reason: str) -> None:
        """Drop what was prepared since the last commit."""

    def paused_topics(self) -> frozenset[str]:
        """Name the topics that must not be read now; asked before every batch."""

    def idle(self) -> None:
        """Do what is due beside the stream, quickly; outside transactions, at least about every second."""


def place_of(record: Record) -> Place:
    """Tell where a record stands."""
    return record.topic, record.partition, record.offset
