"""
Brings Kafka's jars to this user's cache, and refuses any file that is not the one in the lock.

Invariant: a file under its final name was whole and right when it got that name. Downloads go to a
staging folder beside it, are checked and flushed there, and are renamed in one step.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

from nsw.embedded.cache import check_free_space, make_folder, sweep_stale
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.fetching import choose_fetcher
from nsw.embedded.lock import Jar, load_lock

# The repository's mirrors slow down rather than speed up with many connections from one address.
_PARALLEL_FETCHES = 4
_SPARE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """
    How far the fetching of jars is, after each jar.

    Attributes:
        jar: coordinates of the jar that has just come.
        done_count: jars fetched so far.
        total_count: jars to fetch in this run; those that were in the cache are not counted.
        done_bytes: bytes fetched so far.
        total_bytes: bytes to fetch in this run.
    """

    jar: str
    done_count: int
    total_count: int
    done_bytes: int
    total_bytes: int


Fetch = Callable[[Jar, Path], Path]
OnProgress = Callable[[FetchProgress], None]


def ensure_jars(
    cache_folder: Path,
    *,
    jars: Sequence[Jar] | None = None,
    fetch: Fetch | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[Path, ...]:
    """
    See that the cache holds every jar, whole and right; fetch what is missing or damaged.

    Args:
        cache_folder: this user's cache; it need not exist.
        jars: the lock; None for the one that this package carries.
        fetch: brings one jar into a folder and tells its path; None for jgo's Maven client, or mvn.
        on_progress: called in this thread after each fetched jar; not called when all are there.

    Returns:
        The jars' paths, in the order of the lock: the class path.

    Raises:
        EmbeddedBrokerError: JAR_MISMATCH, a file that has just been fetched is not the one in the lock;
            FETCHER_MISSING; FETCH_FAILED; DISK_FULL; FOLDER_NOT_WRITABLE.
    """
    folder = cache_folder / "kafka-jars"
    return ensure_files(folder, load_lock() if jars is None else jars, fetch, on_progress)


def ensure_files(
    folder: Path, wanted: Sequence[Jar], fetch: Fetch | None = None, on_progress: OnProgress | None = None
) -> tuple[Path, ...]:
    """
    See that one folder of the cache holds every file of a list, as :func:`ensure_jars` does; same errors.

    Args:
        folder: need not exist.
    """
    make_folder(folder)
    missing = _find_missing(wanted, folder)
    if missing:
        check_free_space(folder, sum(jar.size_bytes for jar in missing) + _SPARE_BYTES)
        _fetch_all(missing, folder, fetch or choose_fetcher(missing), on_progress or _ignore)
    return tuple(folder / jar.file_name for jar in wanted)


def is_right(jar: Jar, path: Path) -> bool:
    """Tell whether the file at *path* is exactly *jar*; a missing file is not."""
    try:
        return path.stat().st_size == jar.size_bytes and _sha256(path) == jar.sha256
    except FileNotFoundError:
        return False


def _find_missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    # Threads help: hashlib lets go of the interpreter's lock for large blocks.
    with ThreadPoolExecutor(_PARALLEL_FETCHES) as pool:
        right = list(pool.map(lambda jar: is_right(jar, folder / jar.file_name), jars))
    return [jar for jar, is_whole in zip(jars, right, strict=True) if not is_whole]


def _fetch_all(jars: Sequence[Jar], folder: Path, fetch: Fetch, on_progress: OnProgress) -> None:
    done_bytes, total_bytes = 0, sum(jar.size_bytes for jar in jars)
    with _staging_folder(folder) as staging, ThreadPoolExecutor(_PARALLEL_FETCHES) as pool:
        futures = {pool.submit(_fetch_one, jar, staging, folder, fetch): jar for jar in jars}
        try:
            for done_count, future in enumerate(as_completed(futures), start=1):
                future.result()
                jar = futures[future]
                done_bytes += jar.size_bytes
                on_progress(FetchProgress(jar.coordinates, done_count, len(jars), done_bytes, total_bytes))
        finally:
            # After a failure or Ctrl-C the jars that have not begun are not begun.
            pool.shutdown(wait=True, cancel_futures=True)


def _fetch_one(jar: Jar, staging: Path, folder: Path, fetch: Fetch) -> None:
    path = fetch(jar, staging)
    if not is_right(jar, path):
        found = f"{path.stat().st_size} bytes, SHA-256 {_sha256(path)}"
        path.unlink()
        raise EmbeddedBrokerError(
            BrokerTrouble.JAR_MISMATCH,
            jar=jar.coordinates,
            expected=f"{jar.size_bytes} bytes, SHA-256 {jar.sha256}",
            found=found,
        )
    # Flush before the rename: after a power cut the final name must not stand for an empty file.
    with path.open("rb") as file:
        os.fsync(file.fileno())
    path.replace(folder / jar.file_name)


@contextmanager
def _staging_folder(folder: Path) -> Iterator[Path]:
    """Give a folder of our own on the cache's disk, so that a rename out of it is one step."""
    sweep_stale(folder, ".fetch-*")
    staging = Path(tempfile.mkdtemp(prefix=".fetch-", dir=folder))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _ignore(_progress: FetchProgress) -> None:
    pass
