"""One partition's cases in one SQLite file, which one process has at a time."""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from nsw.errors import TransientError

_FILE = "cases.sqlite"
_LOCK = "lock"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (case_id TEXT NOT NULL PRIMARY KEY, touched INTEGER NOT NULL, content BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS cases_by_touched ON cases (touched);
CREATE TABLE IF NOT EXISTS state (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_GET = "SELECT content FROM cases WHERE case_id = ?"
_GET_MANY = "SELECT case_id, content FROM cases WHERE case_id IN (SELECT value FROM json_each(?))"
_PUT = (
    "INSERT INTO cases (case_id, touched, content) VALUES (?, ?, ?) "
    "ON CONFLICT (case_id) DO UPDATE SET touched = excluded.touched, content = excluded.content"
)
_DELETE = "DELETE FROM cases WHERE case_id = ?"
_OLD = "SELECT case_id FROM cases WHERE touched < ? ORDER BY touched LIMIT ?"
_MARK = (
    "INSERT INTO state (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


class Change(NamedTuple):
    """
    One case's new content.

    Attributes:
        content: None removes the case.
    """

    case_id: str
    touched_on: date
    content: bytes | None


class Checkpoint(NamedTuple):
    """
    Up to where a store holds the changelog.

    Attributes:
        source: names the changelog itself (cluster, topic, topic's id): a store of another one is worthless.
        offset: everything before it is in the store; later records may be in it too, which reading them again
            does not harm, as each holds a whole case.
        written_on: the day of the latest write, by this machine's clock.
    """

    source: str
    offset: int
    written_on: date


class PartitionStore:
    """
    The cases of one partition, held by this process until ``close``.

    Another process of the same slot may still be there (stopped, and thought dead): it keeps its own files, and
    this one takes others; so what a zombie writes late is read by nobody before the changelog has overtaken it.

    Args:
        folder: of this slot and partition; made when missing.

    Raises:
        TransientError: the files can't be opened or written: a full disk, a lack of rights.
    """

    def __init__(self, folder: Path) -> None:
        with _explained(folder):
            self._folder, self._lock = _take_folder(folder)
            try:
                self._database = _open(self._folder / _FILE)
            except BaseException:
                os.close(self._lock)
                raise

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Up to where the store holds the changelog; None for an empty one."""
        found: dict[str, str] = dict(self._rows("SELECT name, value FROM state"))
        if not found:
            return None
        return Checkpoint(found["source"], int(found["offset"]), date.fromisoformat(found["written_on"]))

    def get(self, case_id: str) -> bytes | None:
        """Give a case's content."""
        with self._explained():
            row: tuple[bytes] | None = self._database.execute(_GET, (case_id,)).fetchone()
        return None if row is None else row[0]

    def get_many(self, case_ids: Iterable[str]) -> dict[str, bytes]:
        """Give the contents of those cases that there are; a fifth of the time of one by one."""
        return dict(self._rows(_GET_MANY, json.dumps(list(case_ids))))

    def untouched_since(self, day: date, limit: int) -> Sequence[str]:
        """Name cases whose latest submission was before a day, the oldest first."""
        return [row[0] for row in self._rows(_OLD, day.toordinal(), limit)]

    def write(self, changes: Iterable[Change], checkpoint: Checkpoint) -> None:
        """
        Write changes and the checkpoint that they lead to, all or nothing.

        Raises:
            TransientError: the disk is full, or can't be written.
        """
        puts, deletes = [], []
        # Only the last change of each case counts: a removal and a new begin may stand in one batch.
        for each in {change.case_id: change for change in changes}.values():
            if each.content is None:
                deletes.append((each.case_id,))
            else:
                puts.append((each.case_id, each.touched_on.toordinal(), each.content))
        marks = [
            ("source", checkpoint.source),
            ("offset", str(checkpoint.offset)),
            ("written_on", checkpoint.written_on.isoformat()),
        ]
        with self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._database.executemany(_PUT, puts)
                self._database.executemany(_DELETE, deletes)
                self._database.executemany(_MARK, marks)
                self._database.execute("COMMIT")
            except sqlite3.Error:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    def clear(self) -> None:
        """Forget everything: the changelog will be read from its start."""
        with _explained(self._folder):
            self._database.close()
            _remove_files(self._folder)
            self._database = _open(self._folder / _FILE)

    def condemn(self) -> None:
        """Let the next holder begin anew: what is found in here can't be right."""
        _remove_files(self._folder)

    def close(self) -> None:
        """Give the files back; the next holder goes on from their checkpoint."""
        self._database.close()
        os.close(self._lock)

    def _rows(self, statement: str, *values: object) -> list[Any]:
        with self._explained():
            return self._database.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        with _explained(self._folder):
            try:
                yield
            except sqlite3.DatabaseError as error:
                if _is_damage(error):
                    self.condemn()
                raise


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise TransientError(f"case store {folder}: {error}") from error


def _take_folder(folder: Path) -> tuple[Path, int]:
    """Take the first of a slot's folders that no living process holds; remove the others that none holds."""
    folder.mkdir(parents=True, exist_ok=True)
    taken: tuple[Path, int] | None = None
    for each in [*sorted(folder.iterdir()), folder / _free_name(folder)]:
        if taken is not None and not each.exists():
            break
        each.mkdir(exist_ok=True)
        lock = os.open(each / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        if taken is None:
            taken = each, lock
        else:
            shutil.rmtree(each, ignore_errors=True)
            os.close(lock)
    if taken is None:
        raise FileExistsError(f"{folder}: no free place")
    return taken


def _free_name(folder: Path) -> str:
    numbers = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()]
    return f"{max(numbers, default=0) + 1:04}"


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        # The changelog is the truth: a damaged file is no loss.
        _remove_files(path.parent)
        return _connect(path)


def _is_damage(error: sqlite3.Error) -> bool:
    # The low byte; above it may stand what exactly is damaged.
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, cached_statements=16)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        # Consistent even after a power failure; the last writes may then be missing, with their checkpoint.
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA cache_size = -8000")
        database.execute("PRAGMA wal_autocheckpoint = 8000")
        database.executescript(_SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def _remove_files(folder: Path) -> None:
    for each in folder.glob(f"{_FILE}*"):
        each.unlink()
