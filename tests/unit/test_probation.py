"""Marks beside offsets, and what a process does that finds one."""

import pytest

from nsw.loop.backlog import Backlog
from nsw.loop.probation import Probation, read_mark, write_mark
from nsw.model import Record

ONE, TWO = ("in", 1), ("in", 2)


def record(offset: int, partition: int = 1) -> Record:
    return Record("in", partition, offset, 0, b"k", b"v")


@pytest.mark.parametrize(
    ("note", "begun"),
    [
        (None, 0),
        ("", 0),
        ("begun=2", 2),
        ("begun=2 ", 0),
        ("begun=-1", 0),
        ("begun=9999999", 0),
        ("somebody else's", 0),
    ],
)
def test_reads_its_own_marks_only(note: str | None, begun: int) -> None:
    """What other tools note beside an offset is no mark."""
    assert read_mark(note) == begun


@pytest.mark.parametrize("begun", [1, 7, 999_999])
def test_reads_what_it_wrote(begun: int) -> None:
    """And never more than six digits."""
    assert read_mark(write_mark(begun)) == begun
    assert read_mark(write_mark(10**9)) == 999_999


def test_marks_the_committed_offset_once_there_is_a_record() -> None:
    """A partition without records keeps its note; without a committed offset, the first record's is taken."""
    probation = Probation(10)
    probation.take(ONE, 5, "begun=1", 0.0)
    probation.take(TWO, -1001, None, 0.0)
    assert probation.marks([]) == {}
    assert probation.marks([record(7)]) == {ONE: (5, "begun=2")}
    assert probation.marks([record(7), record(3, 2)]) == {ONE: (5, "begun=2"), TWO: (3, "begun=1")}


def test_marks_nothing_twice_and_nothing_after_progress() -> None:
    """Progress took the mark away; a partition that went is its next owner's to mark."""
    probation = Probation(10)
    for partition in (ONE, TWO, ("in", 3)):
        probation.take(partition, 0, None, 0.0)
    probation.forget([ONE])
    probation.committed([record(0, 2)], waiting=False, now=0.0)
    assert set(probation.fresh) == {("in", 3)}


def test_one_death_is_no_suspicion_two_are() -> None:
    """A single kill at the begin of a batch costs nothing."""
    probation = Probation(10)
    probation.take(ONE, 5, "begun=1", 0.0)
    assert not probation.active
    probation.take(TWO, 5, "begun=2", 0.0)
    assert probation.active


def test_probation_ends_after_a_while_and_a_batch() -> None:
    """Neither alone is enough while records wait."""
    probation = Probation(10)
    probation.take(ONE, 5, "begun=2", 100.0)
    probation.committed([record(5)] * 9, waiting=True, now=200.0)
    assert probation.active
    probation.committed([record(14)], waiting=True, now=200.0)
    assert not probation.active


def test_probation_ends_when_nothing_waits() -> None:
    """A quiet partition does not keep it for days; it lasts longer than a supervisor's patience though."""
    probation = Probation(10)
    probation.take(ONE, 5, "begun=2", 100.0)
    probation.committed([record(5)], waiting=False, now=130.0)
    assert probation.active
    probation.committed([record(6)], waiting=False, now=136.0)
    assert not probation.active


def test_a_find_begins_it_anew() -> None:
    """Whoever sent one such record may have sent more."""
    probation = Probation(10)
    probation.found(100.0)
    assert not probation.active
    probation.take(ONE, 5, "begun=2", 100.0)
    probation.found(130.0)
    probation.committed([record(5)], waiting=False, now=140.0)
    assert probation.active


def test_finds_the_first_waiting_record_of_each_partition() -> None:
    """Of those asked for, where there is one."""
    backlog = Backlog()
    for partition in (ONE, TWO, ("in", 3)):
        backlog.own(partition, 0)
    for each in (record(4), record(5), record(1, 2), record(0, 3)):
        backlog.add(each)
    assert backlog.firsts({ONE, TWO, ("in", 9)}) == [record(4), record(1, 2)]
