"""From the client's messages to our records, whatever bytes they carry."""

from collections.abc import Iterator, Sequence
from typing import cast

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, Message

from nsw.model import Headers, Record

#: Stands for a header's name that is not UTF-8: the client can neither give such a name nor write it.
UNREADABLE_HEADER_NAME = "\N{REPLACEMENT CHARACTER}"

_Pairs = list[tuple[str, bytes | None]]


def read_messages(messages: Sequence[Message]) -> Iterator[Record | KafkaError]:
    """Give the records, and the errors among them, in order."""
    for message, headers in zip(messages, _read_headers(messages), strict=True):
        error = message.error()
        yield _to_record(message, headers) if error is None else error


def _to_record(message: Message, headers: Headers) -> Record:
    kind, timestamp_ms = message.timestamp()
    return Record(
        message.topic() or "",
        cast("int", message.partition()),
        cast("int", message.offset()),
        timestamp_ms,
        message.key(),
        message.value(),
        headers,
        kind == TIMESTAMP_LOG_APPEND_TIME,
    )


def _read_headers(messages: Sequence[Message]) -> Iterator[Headers]:
    """
    Give each message's headers; null values become empty, a name that is not UTF-8 the replacement character.

    Such a name must be met with care: ``headers()`` then returns a result *and* sets an exception. Called
    from C (``map``), the interpreter checks for that each time; called from warm Python code it does not, and
    the exception comes out of some later, unrelated line (confluent-kafka 2.16.1 on CPython 3.11).
    """
    reader = map(Message.headers, messages)
    for message in messages:
        try:
            pairs = cast("_Pairs | None", next(reader))
        except (SystemError, UnicodeDecodeError):
            pairs = _salvage_headers(message)
        yield tuple((name, value or b"") for name, value in pairs) if pairs else ()


def _salvage_headers(message: Message) -> _Pairs:
    # The second call gives the list as it was built: in some pairs the name is a null pointer, which must not
    # be touched; only `repr` shows it safely.
    pairs = cast("_Pairs", message.headers())
    return [
        (UNREADABLE_HEADER_NAME if repr(pair).startswith("(<NULL>") else pair[0], pair[1]) for pair in pairs
    ]
