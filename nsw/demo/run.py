"""One run of the demonstration: lodge, watch, answer, wait until all is there, compare."""

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime

from nsw import admin
from nsw.config import Config
from nsw.demo.agencies import Agencies
from nsw.demo.comparison import compare
from nsw.demo.facts import Accepts, Draft, Happenings, Sent
from nsw.demo.observer import Notebook, Observer
from nsw.demo.screen import Screen
from nsw.demo.stream import LARGEST_AT, Stream, load_stream
from nsw.demo.summary import Report, Summary, summarise
from nsw.demo.traders import Traders
from nsw.errors import Verdict
from nsw.local import LocalWindow
from nsw.reference import Reference

_DECLARATION = "th.export-declaration"
#: Kafka lets go of what a killed worker left open after 10 seconds; a restart takes another few.
_NOTHING_NEW_SECONDS = 60.0
_MOST_SECONDS = 120.0
_MOST_SECONDS_EACH = 0.2
_AFTER_INTERRUPT_SECONDS = 20.0
#: Something that comes twice comes right behind the first.
_QUIET_SECONDS = 2.0
_TICK_SECONDS = 0.1
_SLOW_SECONDS = 1.0
_CRASH_AFTER_SECONDS = 0.3
_ROUND = 40
_EVENTS_BY_VERDICT = {Verdict.ACCEPTED: 4, Verdict.REJECTED: 2, Verdict.DEAD_LETTER: 2}


@dataclass(frozen=True, slots=True)
class Options:
    """
    How a run goes.

    Attributes:
        declarations: how many records are lodged at once.
        once: end when all is there; else go on slowly until interrupted.
        crash: kill the worker once in mid-stream.
        first_number: of the reference numbers.
        strangers: whether others use the same cluster.
    """

    declarations: int = 60
    once: bool = False
    crash: bool = False
    seed: int = 1
    first_number: int = 1
    strangers: bool = False


class Run:
    """
    One run on a window that is up.

    Args:
        ended: set when the person wants it to end.
    """

    def __init__(
        self,
        window: LocalWindow,
        config: Config,
        reference: Reference,
        options: Options,
        screen: Screen,
        ended: threading.Event,
    ) -> None:
        self._window = window
        self._config = config
        self._reference = reference
        self._options = options
        self._screen = screen
        self._ended = ended
        self._sent: list[Sent] = []
        self._expected_count = 0
        self._worker_pid = 0
        self._worker_restarts = 0
        self._parties = sorted(reference.parties)
        self._accepts: Accepts = {
            str(code): agency.formats_for(_DECLARATION) for code, agency in reference.tables.agencies.items()
        }
        self._notebook = Notebook(reference, self._today())
        self._observer = Observer(window.connection, self._notebook)
        self._agencies = Agencies(window.connection, reference)

    def run(self) -> Report:
        """
        Do all of it.

        Raises:
            NswError: something of the window or of the demonstration itself died.
        """
        options = self._options
        stream = load_stream(
            self._reference, self._config, seed=options.seed, first_number=options.first_number
        )
        drafts = stream.round(options.declarations, self._today(), heavy=True)
        cluster = admin.cluster_id(self._window.connection)
        with ExitStack() as stack:
            self._observer.start()
            stack.callback(self._observer.stop)
            stack.callback(self._agencies.stop)
            self._agencies.begin({agency for each in drafts for agency in each.expected.agencies})
            traders = stack.enter_context(Traders(self._window.connection, self._parties, cluster))
            stack.enter_context(self._screen)
            began = time.monotonic()
            self._lodge(drafts, traders)
            if not options.once:
                self._go_on(stream, traders)
            finished = self._wait_until_all_is_there()
            return Report(
                summary=self._summary(),
                differences=compare(self._happenings()),
                seconds=finished - began,
                worker_restarts=self._worker_restarts,
                interrupted=options.once and self._ended.is_set(),
            )

    def _today(self) -> date:
        return datetime.now(self._reference.window.time_zone).date()

    def _lodge(self, drafts: list[Draft], traders: Traders) -> None:
        half, crash_at = len(drafts) // 2, int(len(drafts) * LARGEST_AT)
        for place, draft in enumerate(drafts):
            if self._options.crash and place == half:
                self._wait_for_answers()
            if self._options.crash and place == crash_at:
                self._crash()
            if self._ended.is_set():
                return
            self._lodge_one(draft, traders)

    def _lodge_one(self, draft: Draft, traders: Traders) -> None:
        expected = draft.expected
        self._agencies.begin(expected.agencies)
        self._sent.append(traders.lodge(draft))
        # An answer and its events; for each agency: a delivery, a response, and two events of that.
        self._expected_count += (1 + _EVENTS_BY_VERDICT[expected.verdict]) * expected.answered
        self._expected_count += 4 * len(expected.agencies)
        self._expected_count += expected.verdict is Verdict.DEAD_LETTER
        self._tick()

    def _go_on(self, stream: Stream, traders: Traders) -> None:
        """Lodge a record every second until interrupted."""
        while not self._ended.is_set():
            for draft in stream.round(_ROUND, self._today(), heavy=False):
                next_at = time.monotonic() + _SLOW_SECONDS
                while time.monotonic() < next_at and not self._ended.wait(_TICK_SECONDS):
                    self._tick()
                if self._ended.is_set():
                    return
                self._lodge_one(draft, traders)

    def _wait_for_answers(self) -> None:
        until = time.monotonic() + _NOTHING_NEW_SECONDS
        while not self._notebook.seen().answers and time.monotonic() < until:
            if self._ended.wait(_TICK_SECONDS):
                return
            self._tick()

    def _crash(self) -> None:
        self._ended.wait(_CRASH_AFTER_SECONDS)
        answered = sum(1 for each in self._notebook.seen().answers if not each.agency)
        self._screen.tell(
            f"killing the worker in mid-stream (kill -9): {len(self._sent)} lodged, {answered} answered"
        )
        self._window.worker.kill()

    def _wait_until_all_is_there(self) -> float:
        """
        Wait for everything, and then a little for what comes too often; give up when nothing more comes.

        Returns:
            When the last record was seen, by the monotonic clock.
        """
        most = _MOST_SECONDS + _MOST_SECONDS_EACH * len(self._sent)
        deadline = time.monotonic() + (_AFTER_INTERRUPT_SECONDS if self._ended.is_set() else most)
        count, changed_at = -1, time.monotonic()
        while (now := time.monotonic()) < deadline:
            seen = self._notebook.seen().count
            if seen != count:
                count, changed_at = seen, now
            patience = _QUIET_SECONDS if count >= self._expected_count else _NOTHING_NEW_SECONDS
            if now - changed_at > patience or (self._options.once and self._ended.is_set()):
                break
            time.sleep(_TICK_SECONDS)
            self._tick()
        return changed_at

    def _tick(self) -> None:
        """See that everybody is alive, and show where things stand."""
        self._window.worker.check()
        pid = self._window.worker.pid
        self._worker_restarts += self._worker_pid not in (0, pid)
        self._worker_pid = pid
        self._observer.check()
        self._agencies.check()
        self._screen.show(self._summary, self._happenings)

    def _happenings(self) -> Happenings:
        return Happenings(
            sent=tuple(self._sent),
            responded=self._agencies.responded,
            seen=self._notebook.seen(),
            accepts=self._accepts,
            strangers=self._options.strangers,
        )

    def _summary(self) -> Summary:
        return summarise(self._happenings(), self._parties)
