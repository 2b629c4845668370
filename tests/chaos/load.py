"""
The load: mixed declarations of several parties, drawn from a seed, with a ledger of what was sent.

A *story* is what one party does about one declaration; many are told at the same time, so that what belongs
together lies apart, before and behind whatever fault strikes between.
"""

import hashlib
import heapq
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError, Message, Producer

from nsw.documents import encode_document, identify
from nsw.model import Format
from nsw.reference import Reference
from tests.chaos.ledger import NUMBER

PARTIES: Final = tuple(f"CHAOS-{letter}" for letter in "ABCDE")
LEDGER_FILE: Final = "sent.jsonl"
_TYPES = Path(__file__).resolve().parents[2] / "schemas" / "th"
_DECLARATIONS = _TYPES / "export-declaration" / "1.0" / "samples"
#: Which sample each content is, and the numbers in it: its own, and that of the declaration which it is about.
_FILES: Final = {
    "small": (_DECLARATIONS / "valid/small.xml", "NSWD000000001", ""),
    "typical": (_DECLARATIONS / "valid/typical.xml", "NSWD000000002", ""),
    "dangerous": (_DECLARATIONS / "valid/dangerous.xml", "NSWD000000003", ""),
    "air": (_DECLARATIONS / "valid/air.xml", "NSWD000000004", ""),
    "road": (_DECLARATIONS / "valid/road.xml", "NSWD000000005", ""),
    "fifty": (_DECLARATIONS / "valid/fifty.xml", "NSWD000000006", ""),
    "largest": (_DECLARATIONS / "valid/largest.xml", "NSWD000000007", ""),
    "wrong-exporter": (_DECLARATIONS / "invalid/020-exporter-id.xml", "NSWE000000001", ""),
    "wrong-totals": (_DECLARATIONS / "invalid/several-totals.xml", "NSWE000000001", ""),
    "wrong-values": (_DECLARATIONS / "invalid/schema-several-values.xml", "NSWE000000001", ""),
    "amendment": (_TYPES / "amendment/1.0/samples/valid/small.xml", "NSWA000000001", "NSWI000000001"),
    "cancellation": (_TYPES / "cancellation/1.0/samples/valid/small.xml", "NSWX000000001", "NSWI000000001"),
}
_PLAIN: Final = {
    "not-well-formed": b"<ExportDeclaration><a>%s",
    "empty": b"",
    "no-document": b"hello %s",
    "entity-bomb": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "%s">]><l>&a;</l>',
    "unknown-root": b'<Unknown xmlns="urn:x">%s</Unknown>',
    "unknown-schema": b"\0\0\x0f\x42\x3f%s",
    "key-too-long": b"<a>%s</a>",
}
_VALID: Final = ("small", "typical", "dangerous", "air", "road")
_WRONG: Final = ("wrong-exporter", "wrong-totals", "wrong-values")
_DEAD: Final = ("empty", "no-document", "entity-bomb", "unknown-root", "unknown-schema", "key-too-long")
_AVRO_SHARE = 0.3
_LONG_KEY = 1_100
#: A broker that is away is waited for, and nothing is sent twice meanwhile.
_PATIENCE_MS = 600_000
#: The ledger is on disk up to so many documents ago, also when this process dies.
_SAVE_EVERY: Final = 20
#: How far apart the documents of a story lie: in the same batch, or with faults between.
_SOON, _LATER = 8, 600


@dataclass(frozen=True, slots=True)
class Document:
    """What is published: its content by name, its key and bytes."""

    content: str
    key: str
    value: bytes


class Documents:
    """Makes documents: the samples with numbers of their own, in XML and in Avro."""

    def __init__(self, reference: Reference, today: Callable[[], object]) -> None:
        self._templates: dict[tuple[str, Format], bytes] = {}
        for name, (path, _number, _original) in _FILES.items():
            value = path.read_bytes()
            self._templates[name, Format.XML] = value
            if name in _VALID:
                read = identify(value, today(), reference.catalogue, reference.limits.xml)  # type: ignore[arg-type]
                # The numbers are as long as those in the sample, so they can be replaced in Avro too.
                self._templates[name, Format.AVRO] = encode_document(
                    read.message_type, read.root, Format.AVRO
                )

    def make(self, content: str, case: str, *, number: str = "", form: Format = Format.XML) -> Document:
        """
        Make a document of a case.

        Args:
            case: reference number of the declaration, and the record's key; 13 characters.
            number: the document's own, when it is an amendment or a cancellation.
        """
        if content in _PLAIN:
            template = _PLAIN[content]
            value = template % case.encode() if b"%s" in template else template
            return Document(content, case + "K" * _LONG_KEY if content == "key-too-long" else case, value)
        _path, own, original = _FILES[content]
        value = self._templates[content, form].replace(own.encode(), (number or case).encode())
        if original:
            value = value.replace(original.encode(), case.encode())
        return Document(content, case, value)


class Stories:
    """
    Draws what is published next: an endless mixture, the same for the same seed.

    Args:
        later: up to so many other documents lie between two of a story.
        big: whether large documents are among them.
    """

    def __init__(
        self,
        documents: Documents,
        seed: int,
        *,
        parties: Sequence[str] = PARTIES,
        later: int = _LATER,
        big: bool = True,
    ) -> None:
        self._documents = documents
        self._random = random.Random(seed)
        self._count = 0
        self._parties = parties
        self._later = later
        self._big = big

    def __iter__(self) -> Iterator[tuple[str, Document]]:
        """Give parties and documents for ever, the stories interleaved."""
        waiting: list[tuple[int, int, str, Document]] = []
        turn = order = 0
        while True:
            while not waiting or waiting[0][0] > turn:
                party, at = self._random.choice(self._parties), turn
                for document in self._story():
                    heapq.heappush(waiting, (at, order, party, document))
                    order += 1
                    at += self._random.choice(
                        (1, self._random.randrange(1, _SOON), self._random.randrange(1, self._later))
                    )
                turn += 0 if waiting[0][0] <= turn else 1
            _, _, party, document = heapq.heappop(waiting)
            turn += 1
            yield party, document

    def _number(self, letters: str) -> str:
        self._count += 1
        return f"{letters}{self._count:09}"

    def _story(self) -> list[Document]:
        draw = self._random
        case = self._number("CHAO")
        form = Format.AVRO if draw.random() < _AVRO_SHARE else Format.XML
        valid = self._documents.make(draw.choice(_VALID), case, form=form)
        told: tuple[tuple[float, Callable[[], list[Document]]], ...] = (
            (40, lambda: [valid]),
            (14, lambda: [valid] * draw.randrange(2, 5)),
            (8, lambda: self._conflict(case, valid)),
            (8, lambda: [*self._wrong(case), valid, *self._amendments(case, 1)]),
            (12, lambda: [valid, *self._amendments(case, 2), valid, *self._end(case)]),
            (4, lambda: self._early(case, valid)),
            (4, lambda: self._wrong(case) * 2),
            (2, lambda: [self._documents.make("not-well-formed", case)] * 2),
            (8, lambda: [self._documents.make(draw.choice(_DEAD), case)] * draw.choice((1, 1, 2))),
            (3 if self._big else 0, lambda: [self._documents.make("fifty", case)] * draw.choice((1, 2))),
            (0.2 if self._big else 0, lambda: [self._documents.make("largest", case)]),
        )
        (tell,) = draw.choices([each for _, each in told], [weight for weight, _ in told])
        return tell()

    def _conflict(self, case: str, valid: Document) -> list[Document]:
        other = self._documents.make("typical" if valid.content != "typical" else "small", case)
        return [valid, other, valid, other]

    def _wrong(self, case: str) -> list[Document]:
        return [
            self._documents.make(each, case)
            for each in self._random.sample(_WRONG, self._random.choice((1, 2)))
        ]

    def _amendments(self, case: str, most: int) -> list[Document]:
        return [
            self._documents.make("amendment", case, number=self._number("CHAA"))
            for _ in range(self._random.randrange(1, most + 1))
        ]

    def _end(self, case: str) -> list[Document]:
        cancellation = self._documents.make("cancellation", case, number=self._number("CHAC"))
        return [cancellation, *self._amendments(case, 1), cancellation]

    def _early(self, case: str, valid: Document) -> list[Document]:
        (amendment,) = self._amendments(case, 1)
        return [amendment, valid, amendment]


class Load:
    """
    Publishes stories, and writes the ledger.

    Attributes:
        sent: how many were handed to the client, *confirmed* how many are known to stand in their inboxes.
    """

    def __init__(self, bootstrap_servers: str, stories: Stories, folder: Path) -> None:
        self._stories = iter(stories)
        self._path = folder / LEDGER_FILE
        self._unwritten: list[str] = []
        self._guard = threading.Lock()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap_servers,
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": 5,
                # A topic's limit is for a whole batch.
                "batch.size": 64 * 1024,
                "message.timeout.ms": _PATIENCE_MS,
                "message.max.bytes": 8 * 1024 * 1024,
                "socket.timeout.ms": 10_000,
                "log_level": 2,
            }
        )
        self.sent = 0
        self.confirmed = 0
        self.unstamped = 0
        self.failures: list[str] = []

    def send(self, count: int) -> None:
        """Publish so many, as fast as it goes, and wait until all are confirmed."""
        for _ in range(count):
            self._send_one(*next(self._stories))
        self.flush()

    def send_last(
        self, documents: Documents, parties: Sequence[str], count: int
    ) -> frozenset[tuple[str, str]]:
        """
        Publish so many cases more of each party, enough to meet every partition.

        Returns:
            The outboxes and keys of their answers: when these are there, everything before them is done.
        """
        last = [documents.make("small", f"LAST{number:09}") for number in range(count)]
        for party in parties:
            for each in last:
                self._send_one(party, each)
        self.flush()
        return frozenset((f"nsw.outbox.{party}", each.key) for party in parties for each in last)

    def run(self, rate: Callable[[], float], stopping: threading.Event) -> None:
        """Publish at a rate (documents a second), until told to stop."""
        due = time.monotonic()
        while not stopping.is_set():
            self._send_one(*next(self._stories))
            if not self.sent % _SAVE_EVERY:
                self._save()
            due = max(due + 1 / rate(), time.monotonic() - 1)
            while (left := due - time.monotonic()) > 0 and not stopping.is_set():
                self._producer.poll(min(left, 0.2))

    def flush(self) -> None:
        """
        Wait until everything is confirmed.

        Raises:
            TimeoutError: Kafka did not take all in time.
        """
        left = self._producer.flush(_PATIENCE_MS / 1000)
        self._save()
        if left or self.failures:
            raise TimeoutError(
                f"{left} submissions were not confirmed, {len(self.failures)} failed: {self.failures[:3]}"
            )

    def _send_one(self, party: str, document: Document) -> None:
        self.sent += 1
        number = self.sent
        self.unstamped += document.content == "key-too-long"
        self._write(
            number=number,
            party=party,
            content=document.content,
            key=document.key,
            digest=hashlib.sha256(document.value).hexdigest(),
        )

        def confirm(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self.failures.append(error.name())
                return
            self.confirmed += 1
            self._write(number=number, offset=message.offset(), at=time.monotonic())

        self._producer.produce(
            f"nsw.inbox.{party}",
            document.value,
            document.key.encode(),
            0,
            on_delivery=confirm,
            headers=[(NUMBER, str(number).encode())],
        )

    def _write(self, **line: object) -> None:
        with self._guard:
            self._unwritten.append(json.dumps(line) + "\n")

    def _save(self) -> None:
        with self._guard, self._path.open("a", encoding="utf-8") as file:
            file.writelines(self._unwritten)
            self._unwritten.clear()
