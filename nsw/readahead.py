"""
Parses and validates the documents of a batch in threads, some ahead of the one that is decided about.

libxml2 needs no interpreter lock, so on two cores this takes half the time. What a thread finds out is only ever "this
document is well-formed, and this version's XSD accepts it"; whatever is otherwise is found out anew, and told, by
whoever decides. So nothing depends on the threads but time.
"""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from lxml import etree

from nsw.documents import Parsed, parse_document
from nsw.errors import MessageError
from nsw.formats.xml import XmlLimits
from nsw.messagetypes import Catalogue
from nsw.model import Record
from nsw.schemafiles import compile_xsd
from nsw.validation import is_accepted

#: A thread takes so many documents at once, or so many bytes: handing over costs some 50 us.
_CHUNK_RECORDS = 16
_CHUNK_BYTES = 256 * 1024
#: So many chunks are read ahead for each thread: trees take ten times their documents' memory.
_CHUNKS_AHEAD = 2


class ReadAhead:
    """
    The threads, and what they have read of the records that were announced.

    Args:
        catalogue: every thread compiles the XSDs of its types for itself now: one must not serve two at once.
    """

    def __init__(self, catalogue: Catalogue, limits: XmlLimits, threads: int) -> None:
        self._catalogue = catalogue
        self._limits = limits
        self._own = threading.local()
        self._compiling = threading.Lock()
        self._most = threads * _CHUNKS_AHEAD
        self._pool = ThreadPoolExecutor(threads, "read-ahead", initializer=self._compile)
        self._waiting: deque[Record] = deque()
        self._begun: deque[tuple[Sequence[Record], Future[list[Parsed | None]]]] = deque()
        self._read: deque[tuple[Record, Parsed | None]] = deque()
        # Each waits until all are there, so that every thread begins now.
        together = threading.Barrier(threads)
        for each in [self._pool.submit(together.wait) for _ in range(threads)]:
            each.result()

    def announce(self, records: Iterable[Record]) -> None:
        """Begin to read these records, which are asked for next and in this order; forget those before."""
        self._waiting = deque(records)
        self._begun.clear()
        self._read.clear()
        self._go_on()

    def take(self, record: Record) -> Parsed | None:
        """Give what was read of a record; None when nothing is known of it."""
        while True:
            if not self._read:
                if not self._begun:
                    return None
                records, reading = self._begun.popleft()
                self._go_on()
                self._read.extend(zip(records, reading.result(), strict=True))
            announced, parsed = self._read.popleft()
            if announced is record:
                return parsed

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _go_on(self) -> None:
        while self._waiting and len(self._begun) < self._most:
            chunk: list[Record] = []
            size = 0
            while self._waiting and len(chunk) < _CHUNK_RECORDS and size < _CHUNK_BYTES:
                chunk.append(self._waiting.popleft())
                size += len(chunk[-1].value or b"")
            self._begun.append((chunk, self._pool.submit(self._read_all, chunk)))

    def _read_all(self, records: Sequence[Record]) -> list[Parsed | None]:
        return [self._read_one(record.value) for record in records]

    def _read_one(self, value: bytes | None) -> Parsed | None:
        try:
            parsed = parse_document(value, self._catalogue, self._limits)
        except MessageError:
            return None
        schemas: dict[Path, etree.XMLSchema] = self._own.schemas
        only, *others = parsed.versions
        if others or not is_accepted(only, parsed.root, schemas[only.schema_path]):
            return parsed
        return replace(parsed, accepted_by=only)

    def _compile(self) -> None:
        # Compiling in two threads at once was seen to fail (libxml2).
        with self._compiling:
            paths = {each.schema_path for each in self._catalogue.types}
            self._own.schemas = {path: compile_xsd(path) for path in sorted(paths)}
