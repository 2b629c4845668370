"""An in-memory changelog for unit tests of what is built on case state."""

from collections.abc import Iterable

from nsw.casestore.book import Apply
from nsw.model import Publication, Purpose

BATCH = 3


class MemoryChangelog:
    """Holds partitions' records; a transaction takes one more offset, as on a broker."""

    def __init__(self, source: str = "memory") -> None:
        self.source = source
        self.records: dict[int, list[tuple[int, bytes, bytes | None]]] = {}
        self.ends: dict[int, int] = {}
        self.reads: list[tuple[int, int | None]] = []

    def commit(self, publications: Iterable[Publication]) -> None:
        """Append what one transaction publishes to the changelog."""
        touched = set()
        for each in publications:
            if each.purpose is Purpose.CASE_STATE:
                assert each.partition is not None
                assert each.key is not None
                end = self.ends.get(each.partition, 0)
                self.records.setdefault(each.partition, []).append((end, each.key, each.value))
                self.ends[each.partition] = end + 1
                touched.add(each.partition)
        for partition in touched:
            self.ends[partition] += 1

    def abort(self, partition: int, count: int) -> None:
        """Let an aborted transaction take its offsets."""
        self.ends[partition] = self.ends.get(partition, 0) + count + 1

    def end(self, partition: int) -> int:
        """Give the high watermark."""
        return self.ends.get(partition, 0)

    def __call__(self, partition: int, start: int | None, apply: Apply) -> int:
        """Hand over what stands from *start* on, a few at a time."""
        self.reads.append((partition, start))
        found = [each for each in self.records.get(partition, []) if each[0] >= (start or 0)]
        for place in range(0, len(found), BATCH):
            part = found[place : place + BATCH]
            apply([(key, value) for _, key, value in part], part[-1][0] + 1)
        return self.end(partition)
