"""
Which records may have ended a process: told by marks beside the committed offsets, which every worker reads anyway.

Before the first batch after an assignment, the offset that is committed already is committed once more, with a mark:
how often work has begun there. The commit of any progress takes the mark away by itself, so a mark that a worker
finds says that so many before it began here and none came further. That costs one small request per assignment and
nothing per batch.

Suspicion is never a verdict: what is judged apart has the same outcome, only later. So it may fall on honest
records, as after two kills of healthy workers.
"""

import logging
import re
from collections.abc import Collection, Sequence

from nsw.loop.work import Partition
from nsw.model import Record

log = logging.getLogger(__name__)

#: So many workers must have begun at an offset and come no further.
_PATIENCE = 2
#: No shorter: a supervisor takes a process that lives this long for healthy, and forgets the deaths before.
_PROBATION_SECONDS = 35.0
_MARK = re.compile(r"begun=([0-9]{1,6})")


class Probation:
    """
    The marks of one process, and whether it is on probation: then it judges every record apart.

    All partitions are concerned, not only the one with the mark: whoever sent one such record may have sent more.
    Probation ends when it has lasted for a while since its begin, or since the latest such record was found, and
    as many records as a batch may have were committed meanwhile, or none is left.

    Args:
        batch_records: most records of one batch: so many may have been at work when a process died.
    """

    def __init__(self, batch_records: int) -> None:
        self._batch_records = batch_records
        # Partitions taken over and not worked on yet: the committed offset (negative: none), and how often begun.
        self._fresh: dict[Partition, tuple[int, int]] = {}
        self._since: float | None = None
        self._done = 0

    @property
    def active(self) -> bool:
        """Whether records are to be judged apart now."""
        return self._since is not None

    @property
    def fresh(self) -> Collection[Partition]:
        """The partitions whose mark is still to be written, once there is a record to work on."""
        return self._fresh.keys()

    def take(self, partition: Partition, offset: int, note: str | None, now: float) -> None:
        """
        Take a partition over.

        Args:
            offset: the committed one; negative when there is none.
            note: what was committed with it.
            now: in seconds of any steady clock.
        """
        begun = read_mark(note)
        self._fresh[partition] = offset, begun
        if begun >= _PATIENCE:
            log.warning(
                "%s[%d]: work at offset %d began %d times and never got further; a record there may end the process:"
                " for a while every record is judged apart",
                *partition,
                offset,
                begun,
            )
            self._begin(now)

    def forget(self, partitions: Collection[Partition]) -> None:
        """Write no mark any more for these: it is written, or they are another worker's now."""
        for partition in partitions:
            self._fresh.pop(partition, None)

    def marks(self, firsts: Sequence[Record]) -> dict[Partition, tuple[int, str]]:
        """
        Give the offset and the mark to commit for each partition that work is about to begin on.

        Args:
            firsts: the first waiting record of each fresh partition that has any.
        """
        marks = {}
        for record in firsts:
            offset, begun = self._fresh[record.topic, record.partition]
            # Without a committed offset, nothing was before the first record that came.
            at = record.offset if offset < 0 else offset
            marks[record.topic, record.partition] = at, write_mark(begun + 1)
        return marks

    def committed(self, records: Sequence[Record], *, waiting: bool, now: float) -> None:
        """
        Note progress: it took the marks of its partitions away.

        Args:
            waiting: whether more records have come already.
        """
        if self._fresh:
            self.forget({(record.topic, record.partition) for record in records})
        if self._since is None:
            return
        self._done += len(records)
        if now - self._since >= _PROBATION_SECONDS and (self._done >= self._batch_records or not waiting):
            log.warning("no more record ended the process that judged it: none is judged apart from here on")
            self._since = None

    def found(self, now: float) -> None:
        """Note that a record was found which ends processes: on probation there may be more."""
        if self._since is not None:
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._since, self._done = now, 0


def read_mark(note: str | None) -> int:
    """Tell how often work has begun at an offset without progress; what others noted there counts as never."""
    found = _MARK.fullmatch(note or "")
    return int(found[1]) if found else 0


def write_mark(begun: int) -> str:
    """Write the note for an offset at which work begins for the *begun*-th time."""
    return f"begun={min(begun, 999_999)}"
