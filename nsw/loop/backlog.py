"""Which records wait, in which order, of which partitions: the loop's bookkeeping, without Kafka."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from nsw.errors import InvariantError
from nsw.loop.work import Partition
from nsw.model import Record


class Backlog:
    """
    Records that were consumed and are not committed yet, in order; those of paused topics stand aside.

    It also guards that a partition's offsets only grow, and takes no record of a partition that is not owned.
    """

    def __init__(self) -> None:
        self._ready: deque[Record] = deque()
        self._held: dict[str, list[Record]] = {}
        self._next: dict[Partition, int] = {}

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def partitions(self) -> frozenset[Partition]:
        """The partitions that are owned."""
        return frozenset(self._next)

    def own(self, partition: Partition, offset: int) -> None:
        """Take over a partition from an offset; negative when none was ever committed."""
        self._next[partition] = max(offset, 0)

    def disown(self, partitions: Iterable[Partition]) -> None:
        """Drop partitions and what is left of them."""
        gone = frozenset(partitions)
        for partition in gone:
            self._next.pop(partition, None)
        self._ready = deque(record for record in self._ready if (record.topic, record.partition) not in gone)
        for topic, records in self._held.items():
            self._held[topic] = [record for record in records if (record.topic, record.partition) not in gone]

    def add(self, record: Record) -> None:
        """
        Append a record; one of a partition that is not owned is dropped, its owner reads it.

        Raises:
            InvariantError: the record stands before one that came already.
        """
        partition = (record.topic, record.partition)
        expected = self._next.get(partition)
        if expected is None:
            return
        if record.offset < expected:
            raise InvariantError(
                f"{record.topic}[{record.partition}]: offset {record.offset} came after {expected - 1}"
            )
        self._next[partition] = record.offset + 1
        held = self._held.get(record.topic)
        (self._ready if held is None else held).append(record)

    def hold(self, topics: frozenset[str]) -> None:
        """Set aside the records of exactly these topics; those of other topics come back, to the front."""
        for topic in self._held.keys() - topics:
            self._ready.extendleft(reversed(self._held.pop(topic)))
        fresh = topics - self._held.keys()
        if fresh:
            self._held.update((topic, []) for topic in fresh)
            ready, self._ready = self._ready, deque()
            for record in ready:
                held = self._held.get(record.topic)
                (self._ready if held is None else held).append(record)

    def first(self) -> Record:
        """Look at the record whose turn it is."""
        return self._ready[0]

    def upcoming(self, records: int) -> list[Record]:
        """Give those whose turn comes next, so many at most."""
        return list(islice(self._ready, records))

    def firsts(self, partitions: Collection[Partition]) -> list[Record]:
        """Give the first record that waits of each of these partitions, where one does."""
        found: dict[Partition, Record] = {}
        for record in self._ready:
            partition = (record.topic, record.partition)
            if partition in partitions and partition not in found:
                found[partition] = record
                if len(found) == len(partitions):
                    break
        return list(found.values())

    def take(self) -> Record:
        """Remove the record whose turn it is."""
        return self._ready.popleft()

    def put_back(self, records: Sequence[Record]) -> None:
        """Do records again that were taken and not committed."""
        self._ready.extendleft(reversed(records))
