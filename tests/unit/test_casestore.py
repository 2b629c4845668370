"""Case state on disk: what survives, what is read again, and who may hold it."""

import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from nsw.cases import Answer, Case, CaseState
from nsw.casestore import CaseBook, PartitionStore
from nsw.casestore.partition import Change, Checkpoint
from nsw.errors import InvariantError, TransientError
from nsw.identifiers import CaseId, SubmissionId
from nsw.model import Format, Publication, Verdict
from tests.memory import MemoryChangelog

DAY = date(2026, 11, 22)
KEEP_DAYS = 30


def case(number: int, note: str = "", on: date = DAY) -> Case:
    """Give a case that a note tells from others of its number."""
    answer = Answer(f"d{note}", SubmissionId("s"), Verdict.ACCEPTED, Format.XML, "t", "1", note.encode())
    return Case(CaseId(f"ACME/{number}"), CaseState.OPEN, Format.XML, on, (), (answer,))


@pytest.fixture
def changelog() -> MemoryChangelog:
    """Give an empty changelog."""
    return MemoryChangelog()


def open_book(folder: Path, changelog: MemoryChangelog, today: date = DAY) -> CaseBook:
    """Give the book of a worker that owns partition 0."""
    book = CaseBook(folder, changelog, keep_days=KEEP_DAYS, today=lambda: today)
    book.assign([0])
    return book


def commit(book: CaseBook, changelog: MemoryChangelog, *cases: Case) -> list[Publication]:
    """Put cases as one batch and commit it, as the loop does: the changelog first."""
    publications = [each for one in cases for each in book.put(0, one)]
    changelog.commit(publications)
    book.commit()
    return publications


class TestBook:
    """What casework sees."""

    def test_knows_the_open_batch_and_forgets_it_when_aborted(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """The records of an aborted batch come again, and must not meet themselves."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1, "committed"))
        book.put(0, case(1, "open"))
        book.put(0, case(2, "open"))
        during = book.get(0, CaseId("ACME/1")), book.get(0, CaseId("ACME/2"))
        book.abort()

        assert during == (case(1, "open"), case(2, "open"))
        assert book.get(0, CaseId("ACME/1")) == case(1, "committed")
        assert book.get(0, CaseId("ACME/2")) is None

    def test_writes_nothing_before_the_commit(self, tmp_path: Path, changelog: MemoryChangelog) -> None:
        """A process that dies between the two finds its batch neither in the store nor in the changelog."""
        book = open_book(tmp_path, changelog)
        book.put(0, case(1))
        book.revoke([0])

        assert open_book(tmp_path, changelog).get(0, CaseId("ACME/1")) is None

    def test_finds_a_batch_that_was_committed_but_not_written(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """Killed between commit and store: the changelog has it."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1))
        changelog.commit(book.put(0, case(2)))
        book.revoke([0])
        again = open_book(tmp_path, changelog)

        assert again.get(0, CaseId("ACME/1")) == case(1)
        assert again.get(0, CaseId("ACME/2")) == case(2)

    def test_reads_only_what_is_new(self, tmp_path: Path, changelog: MemoryChangelog) -> None:
        """Aborted transactions leave gaps: the checkpoint may lag behind them, and never runs ahead."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, *map(case, range(10)))
        changelog.abort(0, 5)
        commit(book, changelog, case(10))
        book.revoke([0])
        open_book(tmp_path, changelog)
        (_, first), (_, second) = changelog.reads

        assert first is None
        assert second is not None
        assert 11 <= second <= changelog.end(0)
        assert changelog.end(0) - second == 6

    def test_takes_over_what_another_worker_wrote_meanwhile(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """Partitions go and come back; the store at home is behind then."""
        home, away = (
            open_book(tmp_path / "home", changelog),
            CaseBook(tmp_path / "away", changelog, keep_days=KEEP_DAYS, today=lambda: DAY),
        )
        commit(home, changelog, case(1, "old"), case(2))
        home.revoke([0])
        away.assign([0])
        commit(away, changelog, case(1, "new"), case(3))
        away.revoke([0])
        home.assign([0])

        assert home.get(0, CaseId("ACME/1")) == case(1, "new")
        assert home.get(0, CaseId("ACME/2")) == case(2)
        assert home.get(0, CaseId("ACME/3")) == case(3)

    def test_takes_back_what_was_put_for_a_record_that_is_then_refused(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """What stood before stands again, and nothing of it is counted."""
        book = open_book(tmp_path, changelog)
        kept = book.put(0, case(1, "first"))
        book.put(0, case(1, "second"))
        book.undo()
        book.put(0, case(2))
        book.undo()
        changelog.commit(kept)
        book.commit()
        book.revoke([0])
        again = open_book(tmp_path, changelog)

        assert again.get(0, CaseId("ACME/1")) == case(1, "first")
        assert again.get(0, CaseId("ACME/2")) is None
        assert changelog.reads[-1] == (0, changelog.end(0))

    def test_a_case_as_it_was_read_is_not_written_again(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """A repeated declaration changes nothing."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1))
        known = book.get(0, CaseId("ACME/1"))

        assert book.put(0, known) == []
        assert book.put(0, None) == []

    def test_forgets_what_was_not_touched_for_long(self, tmp_path: Path, changelog: MemoryChangelog) -> None:
        """By the newest submission, not by a clock; the changelog is told, so that every worker forgets it."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1), case(2), case(3))
        later = DAY + timedelta(days=KEEP_DAYS + 1)
        publications = commit(book, changelog, case(3, "again", later), case(4, on=later))
        book.revoke([0])
        elsewhere = CaseBook(tmp_path / "elsewhere", changelog, keep_days=KEEP_DAYS, today=lambda: DAY)
        elsewhere.assign([0])

        assert [(each.key, each.value) for each in publications if each.value is None] == [
            (b"ACME/1", None),
            (b"ACME/2", None),
        ]
        assert elsewhere.get(0, CaseId("ACME/1")) is None
        assert elsewhere.get(0, CaseId("ACME/3")) == case(3, "again", later)

    def test_does_not_trust_a_store_of_another_changelog(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """A cluster made anew, or a topic: nothing of the old one is known any more."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1))
        book.revoke([0])

        assert open_book(tmp_path, MemoryChangelog("another")).get(0, CaseId("ACME/1")) is None

    def test_does_not_trust_a_store_that_is_ahead(self, tmp_path: Path, changelog: MemoryChangelog) -> None:
        """A changelog that lost its end knows less than the store: it is the one that counts."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1))
        book.revoke([0])
        changelog.records.clear()
        changelog.ends.clear()

        assert open_book(tmp_path, changelog).get(0, CaseId("ACME/1")) is None

    def test_does_not_trust_a_store_that_rested_for_long(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """The broker has dropped the removals of that time."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1), case(2))
        book.revoke([0])
        changelog.records[0] = [each for each in changelog.records[0] if each[1] != b"ACME/1"]
        soon = open_book(tmp_path, changelog, DAY + timedelta(days=5))
        kept = soon.get(0, CaseId("ACME/1"))
        soon.revoke([0])
        late = open_book(tmp_path, changelog, DAY + timedelta(days=30))

        assert kept is not None
        assert late.get(0, CaseId("ACME/1")) is None
        assert late.get(0, CaseId("ACME/2")) == case(2)

    def test_does_not_trust_a_store_whose_content_was_changed(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """The process ends, and the next one reads the changelog: it must not meet the same bytes for ever."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1))
        book.revoke([0])
        (file,) = tmp_path.glob("0/*/cases.sqlite")
        with sqlite3.connect(file) as other:
            other.execute("UPDATE cases SET content = x'00'")
        other.close()
        book = open_book(tmp_path, changelog)
        with pytest.raises(InvariantError):
            book.get(0, CaseId("ACME/1"))
        book.revoke([0])

        assert open_book(tmp_path, changelog).get(0, CaseId("ACME/1")) == case(1)

    def test_a_case_that_is_forgotten_and_begun_again_in_one_batch_stays(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """The removal stands before the new begin, in the store and in the changelog."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1, "old"))
        later = DAY + timedelta(days=KEEP_DAYS + 1)
        publications = book.put(0, case(2, on=later))
        seen = book.get(0, CaseId("ACME/1"))
        publications += book.put(0, case(1, "new", later))
        changelog.commit(publications)
        book.commit()
        here = book.get(0, CaseId("ACME/1"))
        elsewhere = open_book(tmp_path / "elsewhere", changelog)

        assert seen is None
        assert here == elsewhere.get(0, CaseId("ACME/1")) == case(1, "new", later)

    def test_taking_back_also_takes_back_what_was_forgotten(
        self, tmp_path: Path, changelog: MemoryChangelog
    ) -> None:
        """Removals that went with a refused record are not published, so they must not be believed."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1))
        book.put(0, case(2, on=DAY + timedelta(days=KEEP_DAYS + 1)))
        book.undo()
        changelog.commit(book.put(0, case(3)))
        book.commit()
        book.revoke([0])
        again = open_book(tmp_path, changelog)

        assert again.get(0, CaseId("ACME/1")) == case(1)
        assert again.get(0, CaseId("ACME/2")) is None
        assert changelog.reads[-1] == (0, changelog.end(0))

    def test_a_batch_may_touch_several_partitions(self, tmp_path: Path, changelog: MemoryChangelog) -> None:
        """Each has its own checkpoint, and what is given up is not written any more."""
        book = open_book(tmp_path, changelog)
        book.assign([1, 2])
        changelog.commit([*book.put(0, case(1)), *book.put(1, case(2)), *book.put(1, case(3))])
        book.commit()
        book.revoke([1])
        commit(book, changelog, case(4))
        book.revoke([0, 2])
        again = open_book(tmp_path, changelog)
        again.assign([1, 2])

        assert [again.get(0, CaseId(f"ACME/{each}")) is None for each in (1, 2, 3, 4)] == [
            False,
            True,
            True,
            False,
        ]
        assert [again.get(1, CaseId(f"ACME/{each}")) is None for each in (1, 2, 3, 4)] == [
            True,
            False,
            False,
            True,
        ]
        assert changelog.reads[-3:] == [(each, changelog.end(each) or None) for each in (0, 1)] + [(2, 0)]


class TestFiles:
    """One partition's file."""

    CHECKPOINT = Checkpoint("memory", 7, DAY)

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[PartitionStore]:
        """Give an empty store."""
        store = PartitionStore(tmp_path / "0")
        yield store
        store.close()

    def test_a_zombie_keeps_its_own_files(self, store: PartitionStore, tmp_path: Path) -> None:
        """What a process that was thought dead writes late is not read by its successor."""
        successor = PartitionStore(tmp_path / "0")
        store.write([Change("a", DAY, b"late")], self.CHECKPOINT)

        assert successor.get("a") is None
        assert successor.checkpoint is None
        successor.close()

    def test_leftover_files_are_removed_when_nobody_holds_them(self, tmp_path: Path) -> None:
        """A zombie's folder goes with the next start."""
        first, second = PartitionStore(tmp_path / "0"), PartitionStore(tmp_path / "0")
        assert len(list((tmp_path / "0").iterdir())) == 2
        first.close()
        second.close()
        PartitionStore(tmp_path / "0").close()

        assert len(list((tmp_path / "0").iterdir())) == 1

    def test_another_process_that_dies_leaves_the_files(self, tmp_path: Path) -> None:
        """With what it had written."""
        code = (
            "import os, sys; from datetime import date; from pathlib import Path\n"
            "from nsw.casestore.partition import *\n"
            "store = PartitionStore(Path(sys.argv[1]))\n"
            "store.write([Change('a', date(2026, 11, 22), b'kept')], Checkpoint('memory', 7, date(2026, 11, 22)))\n"
            "os.kill(os.getpid(), 9)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "0")], check=False)
        store = PartitionStore(tmp_path / "0")

        assert done.returncode == -9
        assert store.get("a") == b"kept"
        assert store.checkpoint == self.CHECKPOINT
        store.close()

    @pytest.mark.parametrize("damage", [b"rubbish" * 1000, b""])
    def test_a_damaged_file_is_begun_anew(self, tmp_path: Path, damage: bytes) -> None:
        """The changelog is the truth."""
        store = PartitionStore(tmp_path / "0")
        store.write([Change("a", DAY, b"1")], self.CHECKPOINT)
        store.close()
        (file,) = (tmp_path / "0").glob("*/cases.sqlite")
        file.write_bytes(damage)
        again = PartitionStore(tmp_path / "0")

        assert again.checkpoint is None
        again.close()

    def test_a_file_that_proves_damaged_later_is_begun_anew(self, tmp_path: Path) -> None:
        """Damage behind the first pages is met only when they are read: the next start must not meet it again."""
        store = PartitionStore(tmp_path / "0")
        store.write([Change(f"{each:05}", DAY, b"x" * 700) for each in range(1000)], self.CHECKPOINT)
        store.close()
        (file,) = (tmp_path / "0").glob("*/cases.sqlite")
        content = bytearray(file.read_bytes())
        for page in range(8, len(content) // 4096):
            content[page * 4096 : page * 4096 + 100] = b"\xff" * 100
        file.write_bytes(content)
        store = PartitionStore(tmp_path / "0")
        assert store.checkpoint == self.CHECKPOINT
        with pytest.raises(TransientError, match="malformed"):
            [store.get(f"{each:05}") for each in range(1000)]
        store.close()
        again = PartitionStore(tmp_path / "0")

        assert again.checkpoint is None
        again.close()

    def test_the_last_change_of_a_case_counts(self, store: PartitionStore) -> None:
        """Also a removal after a change, and a change after a removal."""
        store.write([Change("a", DAY, b"1"), Change("b", DAY, b"1")], self.CHECKPOINT)
        store.write(
            [Change("a", DAY, b"2"), Change("a", DAY, None), Change("b", DAY, None), Change("b", DAY, b"3")],
            self.CHECKPOINT,
        )

        assert (store.get("a"), store.get("b")) == (None, b"3")

    def test_says_that_it_cannot_write(self, store: PartitionStore) -> None:
        """A full disk, here by a limit on the size of files: all or nothing, and the process goes on to tell it."""
        store.write([Change("a", DAY, b"1")], self.CHECKPOINT)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            with pytest.raises(TransientError, match=r"case store .*(full|I/O|disk)"):
                store.write([Change("a", DAY, b"2"), Change("b", DAY, b"x" * 1_000_000)], self.CHECKPOINT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

        assert (store.get("a"), store.get("b")) == (b"1", None)

    def test_the_file_is_one_that_others_can_read(self, store: PartitionStore, tmp_path: Path) -> None:
        """An operator with the sqlite3 tool sees the cases."""
        store.write([Change("ACME/1", DAY, b"{}")], self.CHECKPOINT)
        (file,) = (tmp_path / "0").glob("*/cases.sqlite")
        with sqlite3.connect(file) as other:
            assert other.execute("SELECT case_id, content FROM cases").fetchall() == [("ACME/1", b"{}")]
        other.close()


class TestLookingUp:
    def test_what_was_looked_up_is_never_old(self, tmp_path: Path, changelog: MemoryChangelog) -> None:
        """Cases looked up together are what ``get`` gives, until the batch changes them, and after it."""
        book = open_book(tmp_path, changelog)
        commit(book, changelog, case(1), case(2))
        ids = [CaseId(f"ACME/{number}") for number in (1, 2, 3)]
        book.look_up([(0, each) for each in ids] + [(7, CaseId("ACME/1"))])
        assert [book.get(0, each) for each in ids] == [case(1), case(2), None]
        book.put(0, case(3))
        book.put(0, case(1, "new"))
        assert [book.get(0, each) for each in ids] == [case(1, "new"), case(2), case(3)]
        book.abort()
        assert [book.get(0, each) for each in ids] == [case(1), case(2), None]
        book.look_up([(0, each) for each in ids])
        commit(book, changelog, case(1, "new"), case(3))
        assert [book.get(0, each) for each in ids] == [case(1, "new"), case(2), case(3)]
