"""Errors of the client, and what to do about each."""
# ruff: noqa: SLF001 - the names of librdkafka's own error codes begin with an underscore

import logging
from enum import Enum, auto

from confluent_kafka import KafkaError

from nsw.errors import NswError

log = logging.getLogger(__name__)


class LoopFatalError(NswError):
    """The loop cannot go on in this process: end it with a non-zero code and start a new one."""


class ProducerLostError(LoopFatalError):
    """The producer is unusable, though no other has taken its place."""


class AbortError(Exception):
    """The open transaction can't be committed: abort it and do its records again."""


class Remedy(Enum):
    """What to do about an error of a client call inside a transaction."""

    RETRY = auto()
    ABORT = auto()
    DIE = auto()


_FENCED_CODES = frozenset(
    {
        KafkaError._FENCED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.PRODUCER_FENCED,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.TRANSACTION_COORDINATOR_FENCED,
    }
)
_FATAL_CODES = frozenset({KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID})
#: Codes of a delivery that fails because of its topic, not of its content.
UNAVAILABLE_CODES = frozenset(
    {
        KafkaError._UNKNOWN_TOPIC,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
    }
)
#: Codes of a delivery that fails because the whole transaction had failed already, for a reason told elsewhere.
COLLATERAL_CODES = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._STATE})
_QUIET_CODES = frozenset(
    {
        # A pattern that no topic matches yet says so, again and again.
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
#: Errors among the consumed records after which going on would skip records, or read none ever again.
_CONSUMER_FATAL_CODES = _FATAL_CODES | {
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.INCONSISTENT_GROUP_PROTOCOL,
    KafkaError._AUTHENTICATION,
    KafkaError._AUTO_OFFSET_RESET,
    KafkaError._BAD_COMPRESSION,
    KafkaError._BAD_MSG,
    KafkaError.INVALID_MSG,
}


def remedy_of(error: KafkaError) -> Remedy:
    """
    Tell what to do about an error of a client call inside a transaction.

    Order matters: a fatal error may also carry the other flags. An error without any flag (a transaction that
    failed in the background, a record too large) is aborted by ourselves; too many in a row end the process.
    """
    if error.fatal() or error.code() in _FATAL_CODES:
        return Remedy.DIE
    if error.txn_requires_abort():
        return Remedy.ABORT
    if error.retriable():
        return Remedy.RETRY
    return Remedy.ABORT


def describe(error: KafkaError) -> str:
    """Say an error for a log line."""
    return f"{error.str()} ({error.name()})"


def raise_unless_passing(step: str, error: KafkaError) -> None:
    """
    Return only for an error after which the same call may succeed.

    Raises:
        LoopFatalError: this producer is fenced; or, as ``ProducerLostError``, unusable otherwise.
        AbortError: the transaction can't be committed.
    """
    remedy = remedy_of(error)
    if remedy is Remedy.DIE:
        kind = LoopFatalError if error.code() in _FENCED_CODES else ProducerLostError
        raise kind(f"{step}: {describe(error)}")
    if remedy is Remedy.ABORT:
        raise AbortError(f"{step}: {describe(error)}")


def check_consumed(error: KafkaError) -> None:
    """
    Log an error that came instead of a record.

    Raises:
        LoopFatalError: reading on would skip records, or never give one again. (Of a fenced static member the
            code says so, but the flag for fatal errors is not set.)
    """
    if error.fatal() or error.code() in _CONSUMER_FATAL_CODES:
        raise LoopFatalError(f"consumer: {describe(error)}")
    level = logging.DEBUG if error.code() in _QUIET_CODES else logging.WARNING
    log.log(level, "consumer: %s", describe(error))
