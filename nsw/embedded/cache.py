"""Where files that can be made again are kept for this user; computed when asked, never at import."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError

_MIB = 1024 * 1024
_STALE_SECONDS = 3600.0


def default_cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """
    Tell this user's cache folder: NSW_CACHE_DIR, else nsw below XDG_CACHE_HOME, else ~/.cache/nsw.

    Args:
        environ: the environment variables; an empty value counts as not set.
    """
    if own := environ.get("NSW_CACHE_DIR"):
        return Path(own).expanduser().absolute()
    if shared := environ.get("XDG_CACHE_HOME"):
        return Path(shared).absolute() / "nsw"
    return Path.home() / ".cache" / "nsw"


def make_folder(folder: Path) -> None:
    """
    Make *folder* and its parents, and see that a file can be made in it.

    Raises:
        EmbeddedBrokerError: FOLDER_NOT_WRITABLE.
    """
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EmbeddedBrokerError(
            BrokerTrouble.FOLDER_NOT_WRITABLE, folder=folder, reason=error.strerror or str(error)
        ) from error


def free_bytes(folder: Path) -> int:
    """Tell how many bytes this user may still write on the disk of *folder*."""
    return shutil.disk_usage(folder).free


def check_free_space(folder: Path, needed_bytes: int, measure: Callable[[Path], int] = free_bytes) -> None:
    """
    Refuse a disk that is nearly full, before Kafka meets it halfway through a write.

    Raises:
        EmbeddedBrokerError: DISK_FULL, *measure* tells less than *needed_bytes*.
    """
    free = measure(folder)
    if free < needed_bytes:
        raise EmbeddedBrokerError(
            BrokerTrouble.DISK_FULL,
            folder=folder,
            free_mib=free // _MIB,
            needed_mib=-(-needed_bytes // _MIB),
        )


def sweep_stale(folder: Path, pattern: str) -> None:
    """
    Remove what processes left behind that were killed while they wrote to the cache.

    Args:
        folder: an existing folder.
        pattern: a glob of files and folders; only those untouched for an hour go: younger ones may be in use.
    """
    oldest = time.time() - _STALE_SECONDS
    for path in folder.glob(pattern):
        try:
            if path.stat().st_mtime > oldest:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        except FileNotFoundError:
            continue  # another process swept it at the same time
