"""A worker's newest snapshot that can be loaded: tables are followed beside the stream, in a thread of its own."""

import logging
import threading
from types import TracebackType
from typing import Self

from nsw import admin, stewards, telemetry, topics
from nsw.connection import Connection
from nsw.errors import ConfigError, NswError
from nsw.masterdata import Ledger
from nsw.masterdata.ledger import CURRENT
from nsw.reference import Reference
from nsw.telemetry import Telemetry

log = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0


class TableFollower:
    """
    Keeps the newest snapshot that can be loaded; as a context manager it follows inside the block.

    A set that can't be loaded changes nothing: every problem is logged, and ``nsw_reference_refused`` is 1 until one
    counts that can.

    Args:
        folder: the snapshot of this process's folders; its message types and limits go into every snapshot.
    """

    def __init__(self, connection: Connection, folder: Reference, metrics: Telemetry) -> None:
        self._connection = connection
        self._folder = folder
        self._metrics = metrics
        self._ended = threading.Event()
        self._seen = ""
        self._newest = folder
        self._thread = threading.Thread(target=self._follow, name="tables", daemon=True)

    @property
    def newest(self) -> Reference:
        """The newest snapshot that could be loaded; may be asked by any thread."""
        return self._newest

    def load(self) -> Reference:
        """
        Read the topic to its end and load what counts, before the first record is judged.

        Raises:
            ConfigError: the topic holds no set that can be loaded.
        """
        ledger = stewards.read_ledger(self._connection)
        self._newest, refused = stewards.load_newest(ledger, self._folder.types, self._folder.limits)
        self._seen = ledger.current
        self._tell_refused(refused)
        differing = self._folder.table_set.differing(self._newest.table_set)
        if differing:
            log.warning(
                "the folders differ from the tables that count (set %s) in %s: `nsw reference diff` shows how,"
                " `nsw reference propose` proposes a table",
                self._newest.table_set.version,
                ", ".join(differing),
            )
        return self._newest

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def _follow(self) -> None:
        while not self._ended.is_set():
            try:
                # Opened before the topic is read: what comes in between is seen.
                with admin.read_topic(
                    self._connection, [topics.REFERENCE], follow=True, from_end=True, stop=self._ended.is_set
                ) as records:
                    self._refresh()
                    for record in records:
                        if record.key == CURRENT:
                            self._refresh()
            except NswError as error:
                log.warning("%s is not followed now, trying again: %s", topics.REFERENCE, error)
            except Exception:
                # A thread that ends in silence would leave this worker behind for good.
                log.exception("%s is not followed now, trying again", topics.REFERENCE)
            self._ended.wait(_RETRY_SECONDS)

    def _refresh(self) -> None:
        ledger = stewards.read_ledger(self._connection)
        if ledger.current == self._seen:
            return
        self._seen = ledger.current
        try:
            newest = self._load(ledger)
        except ConfigError as error:
            self._tell_refused([f"set {ledger.current}: {problem}" for problem in error.problems])
            return
        self._tell_refused([])
        self._newest = newest
        log.info("set %s of tables is ready", ledger.current)

    def _load(self, ledger: Ledger) -> Reference:
        try:
            return stewards.load_reference_of(ledger.current, ledger, self._folder.types, self._folder.limits)
        except NswError:
            raise
        except Exception as error:
            # Whatever somebody published: the stream goes on by the last good tables.
            log.exception("a set of tables could not be loaded")
            raise ConfigError(f"{type(error).__name__}, a bug of ours") from error

    def _tell_refused(self, problems: list[str]) -> None:
        self._metrics.set(telemetry.REFERENCE_REFUSED, 1 if problems else 0)
        for problem in problems:
            log.error("tables refused, the last good ones stay: %s", problem)
