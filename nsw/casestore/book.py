"""The book of cases: what a casework process knows of its partitions, with what the open batch adds."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

from nsw import topics
from nsw.cases import Case, decode_case, encode_case, read_touched_on
from nsw.casestore.partition import Change, Checkpoint, PartitionStore
from nsw.errors import InvariantError
from nsw.identifiers import CaseId
from nsw.model import Publication, Purpose

log = logging.getLogger(__name__)

_FORGOTTEN_PER_BATCH = 100
#: The broker keeps a removal for a week (``topics``); a store that rested longer may have missed some.
_MAX_REST = timedelta(days=6)


#: Keys and values in order, and the offset behind the last of them.
Apply = Callable[[Sequence[tuple[bytes | None, bytes | None]], int], None]


class Restore(Protocol):
    """Reads the changelog of a partition."""

    @property
    def source(self) -> str:
        """Name the changelog: cluster, topic and the topic's id."""

    def end(self, partition: int) -> int:
        """Give the offset that the next record of the changelog will have."""

    def __call__(self, partition: int, start: int | None, apply: Apply) -> int:
        """
        Hand over every committed record from an offset to the end, in order.

        Args:
            start: None means the beginning.

        Returns:
            The end: the offset that the next record will have at least.

        Raises:
            TransientError: the end could not be reached.
        """


class CaseBook:
    """
    Cases by partition of ``nsw.cases``: committed ones on disk, those of the open batch in memory.

    Args:
        folder: of this worker's slot.
        keep_days: a case whose latest submission is older, counted from the newest one seen, is forgotten.
        today: by this machine's clock; only tells whether a store has rested for too long.
    """

    def __init__(self, folder: Path, restore: Restore, *, keep_days: int, today: Callable[[], date]) -> None:
        self._folder = folder
        self._restore = restore
        self._keep = timedelta(days=keep_days)
        self._today = today
        self._stores: dict[int, PartitionStore] = {}
        self._ends: dict[int, int] = {}
        # The open batch: new contents by partition and case, and how many records it adds to each changelog.
        self._open: dict[int, dict[str, Change]] = {}
        self._added: Counter[int] = Counter()
        self._newest: dict[int, date] = {}
        self._swept: set[int] = set()
        self._read: Case | None = None
        # Of the last ``put``: what stood before in the open batch.
        self._undo: dict[tuple[int, str], Change | None] = {}
        # By partition, what was looked up for the open batch: all ids, and the contents of those that there are.
        self._found: dict[int, tuple[frozenset[str], dict[str, bytes]]] = {}

    def assign(self, partitions: Iterable[int]) -> None:
        """
        Take over partitions: read what the changelog has beyond their stores.

        Raises:
            TransientError: a store or the changelog can't be read.
        """
        for partition in partitions:
            store = PartitionStore(self._folder / str(partition))
            try:
                self._ends[partition] = self._catch_up(partition, store)
            except BaseException:
                store.close()
                raise
            self._stores[partition] = store

    def revoke(self, partitions: Iterable[int]) -> None:
        """Give partitions up; their stores stay for the next time."""
        for partition in partitions:
            store = self._stores.pop(partition, None)
            if store is not None:
                store.close()
            self._open.pop(partition, None)
            self._newest.pop(partition, None)
            self._found.pop(partition, None)

    def look_up(self, keys: Iterable[tuple[int, CaseId]]) -> None:
        """
        Read cases together that ``get`` is going to be asked for in the open batch.

        Raises:
            TransientError: a store can't be read.
        """
        ids_by_partition: dict[int, list[CaseId]] = {}
        for partition, case_id in keys:
            ids_by_partition.setdefault(partition, []).append(case_id)
        self._found = {
            partition: (frozenset(ids), self._stores[partition].get_many(ids))
            for partition, ids in ids_by_partition.items()
            if partition in self._stores
        }

    def get(self, partition: int, case_id: CaseId) -> Case | None:
        """
        Give a case as of the records processed so far, the open batch's included.

        Raises:
            KeyError: the partition is not ours.
            TransientError: the store can't be read.
            InvariantError: the case can't be read; the next process reads the changelog instead of this store.
        """
        change = self._open.get(partition, {}).get(case_id)
        content = self._stored(partition, case_id) if change is None else change.content
        try:
            self._read = None if content is None else decode_case(content)
        except InvariantError:
            self._stores[partition].condemn()
            raise
        return self._read

    def _stored(self, partition: int, case_id: CaseId) -> bytes | None:
        asked, found = self._found.get(partition, (frozenset(), {}))
        return found.get(case_id) if case_id in asked else self._stores[partition].get(case_id)

    def put(self, partition: int, case: Case | None) -> list[Publication]:
        """
        Take a new state into the open batch.

        Args:
            case: None changes nothing; so does a case as ``get`` gave it last.

        Returns:
            What must be published in the same transaction.
        """
        self._undo = {}
        if case is None or case is self._read:
            return []
        newest = self._newest.get(partition)
        if newest is None or case.touched_on > newest:
            self._newest[partition] = case.touched_on
        published = [self._change(partition, Change(case.case_id, case.touched_on, encode_case(case)))]
        if partition not in self._swept:
            self._swept.add(partition)
            published += self._forget_old(partition)
        return published

    def undo(self) -> None:
        """Take the last ``put`` back: its record leads to something else."""
        for (partition, case_id), before in self._undo.items():
            self._added[partition] -= 1
            if before is None:
                del self._open[partition][case_id]
            else:
                self._open[partition][case_id] = before
        self._undo = {}

    def commit(self) -> None:
        """
        Write down the batch, which is committed.

        Raises:
            TransientError: a store can't be written: go on without this process, as its store now lags behind.
        """
        for partition, added in self._added.items():
            if not added:
                continue
            # One record of the transaction's own (its commit marker) stands behind ours. Aborted ones may stand
            # before: then the true end is later, which reading them again does not harm.
            self._ends[partition] += added + 1
            changes = self._open.get(partition, {})
            self._stores[partition].write(changes.values(), self._checkpoint(self._ends[partition]))
        self._drop()

    def abort(self) -> None:
        """Forget the batch: its records come again."""
        self._drop()

    def _drop(self) -> None:
        self._open.clear()
        self._added.clear()
        self._swept.clear()
        self._found.clear()
        self._undo = {}

    def _change(self, partition: int, change: Change) -> Publication:
        opened = self._open.setdefault(partition, {})
        self._undo[partition, change.case_id] = opened.get(change.case_id)
        opened[change.case_id] = change
        self._added[partition] += 1
        return Publication(
            Purpose.CASE_STATE,
            topics.CASES_CHANGELOG,
            change.case_id.encode(),
            change.content,
            partition=partition,
        )

    def _forget_old(self, partition: int) -> list[Publication]:
        newest = self._newest[partition]
        old = self._stores[partition].untouched_since(newest - self._keep, _FORGOTTEN_PER_BATCH)
        opened = self._open[partition]
        return [
            self._change(partition, Change(case_id, newest, None)) for case_id in old if case_id not in opened
        ]

    def _checkpoint(self, offset: int) -> Checkpoint:
        return Checkpoint(self._restore.source, offset, self._today())

    def _catch_up(self, partition: int, store: PartitionStore) -> int:
        start = self._usable_start(partition, store)

        def apply(pairs: Sequence[tuple[bytes | None, bytes | None]], end: int) -> None:
            changes = [_change_of(key, value) for key, value in pairs if key is not None]
            store.write(changes, self._checkpoint(end))

        end = self._restore(partition, start, apply)
        store.write((), self._checkpoint(end))
        return end

    def _usable_start(self, partition: int, store: PartitionStore) -> int | None:
        """Tell from where the changelog is to be read; clear a store that can't be trusted."""
        checkpoint = store.checkpoint
        if checkpoint is None:
            return None
        if (
            checkpoint.source == self._restore.source
            and abs(self._today() - checkpoint.written_on) <= _MAX_REST
            and checkpoint.offset <= self._restore.end(partition)
        ):
            return checkpoint.offset
        log.info(
            "cases of partition %d: the local store is of another time or cluster; begun anew", partition
        )
        store.clear()
        return None


def _change_of(key: bytes, value: bytes | None) -> Change:
    touched_on = date.min if value is None else read_touched_on(value)
    return Change(key.decode(), touched_on, value)
