"""Brings the schema registry's program to this user's cache: one locked archive, unpacked once."""

import shutil
import tarfile
import tempfile
from pathlib import Path

from nsw.embedded.cache import check_free_space, make_folder, sweep_stale
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.jars import OnProgress, ensure_files
from nsw.embedded.lock import REGISTRY_LOCK, load_lock

_PROGRAM = "quarkus-run.jar"
#: Unpacked, the archive takes a little more than packed.
_UNPACKED_FACTOR = 1.2


def ensure_registry(cache_folder: Path, on_progress: OnProgress | None = None) -> Path:
    """
    See that the registry's program is in the cache; fetch and unpack it when it is not.

    Invariant: a folder under its final name was unpacked whole from an archive with the SHA-256 of the lock.

    Returns:
        The jar to run; what it needs lies beside it.

    Raises:
        EmbeddedBrokerError: as :func:`nsw.embedded.jars.ensure_jars`; JAR_MISMATCH too when it can't be unpacked.
    """
    (archive,) = load_lock(REGISTRY_LOCK)
    folder = cache_folder / "registry"
    final = folder / f"{archive.artifact}-{archive.version}-{archive.sha256[:12]}"
    if (final / _PROGRAM).is_file():
        return final / _PROGRAM
    make_folder(folder)
    sweep_stale(folder, ".unpack-*")
    (packed,) = ensure_files(folder, [archive], on_progress=on_progress)
    check_free_space(folder, int(archive.size_bytes * _UNPACKED_FACTOR))
    staging = Path(tempfile.mkdtemp(prefix=".unpack-", dir=folder))
    try:
        with tarfile.open(packed) as tar:
            tar.extractall(staging, filter="data")
        _take_into_use(staging, final)
    except (tarfile.TarError, EOFError) as error:
        raise EmbeddedBrokerError(
            BrokerTrouble.JAR_MISMATCH,
            jar=archive.coordinates,
            expected="an archive that can be unpacked",
            found=type(error).__name__,
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    packed.unlink(missing_ok=True)  # 160 MB that nothing reads again
    return final / _PROGRAM


def _take_into_use(staging: Path, final: Path) -> None:
    try:
        staging.rename(final)
    except OSError:
        # Another process was first: its folder is as good as ours.
        if not (final / _PROGRAM).is_file():
            raise
