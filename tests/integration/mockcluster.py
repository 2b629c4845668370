"""
librdkafka's own mock cluster, with errors injected into the answers of its brokers.

Brokers that speak the real protocol on real sockets, but keep no promises: nothing is hidden of an aborted transaction.
So it shows what the client makes of an answer, and what the loop makes of that; not what a reader sees.
The client library of confluent-kafka has all of it; its Python side has no way to it, hence ``ctypes``.

Source:
    librdkafka 2.16, ``rdkafka_mock.h``.
"""

import ctypes
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import confluent_kafka

_PRODUCER = 0


class Api(IntEnum):
    """Requests of Kafka's protocol."""

    PRODUCE = 0
    FETCH = 1
    OFFSET_FETCH = 9
    JOIN_GROUP = 11
    HEARTBEAT = 12
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


class MockCluster:
    """One mock broker, while the block runs."""

    def __init__(self) -> None:
        self._library = _load()

    @property
    def bootstrap_servers(self) -> str:
        """Its address."""
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic."""
        assert self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1) == 0

    def answer(self, api: Api, *errors: int, seconds: float = 0.0) -> None:
        """Let the next requests of a kind be answered with these errors (0 for none), each so late."""
        for error in errors:
            code = self._library.rd_kafka_mock_broker_push_request_error_rtts(
                *(self._cluster, 1, api, 1),
                *(ctypes.c_int(error), ctypes.c_int(int(seconds * 1000))),
            )
            assert code == 0

    def _quiet(self) -> Any:  # noqa: ANN401 - a pointer
        settings = self._library.rd_kafka_conf_new()
        assert self._library.rd_kafka_conf_set(settings, b"log_level", b"2", None, 0) == 0
        return settings

    def __enter__(self) -> Self:
        message = ctypes.create_string_buffer(512)
        self._handle = self._library.rd_kafka_new(
            _PRODUCER, self._quiet(), message, ctypes.c_size_t(len(message))
        )
        assert self._handle, message.value
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        # Else a group's first member waits three seconds for others.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._handle)


def _load() -> Any:  # noqa: ANN401 - a library has no type
    """Load the client library that confluent-kafka brings, which this process has loaded already."""
    package = Path(confluent_kafka.__file__).parent
    (path,) = (package.parent / "confluent_kafka.libs").glob("librdkafka-*.so*")
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("rd_kafka_conf_new", pointer, []),
        ("rd_kafka_conf_set", ctypes.c_int, [pointer, *[ctypes.c_char_p] * 3, ctypes.c_size_t]),
        ("rd_kafka_new", pointer, [ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_size_t]),
        ("rd_kafka_destroy", None, [pointer]),
        ("rd_kafka_mock_cluster_new", pointer, [pointer, ctypes.c_int]),
        ("rd_kafka_mock_cluster_destroy", None, [pointer]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [pointer, ctypes.c_int32]),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [pointer]),
        ("rd_kafka_mock_topic_create", ctypes.c_int, [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    # Errors and times follow as variable arguments, which have no types here.
    push = library.rd_kafka_mock_broker_push_request_error_rtts
    push.restype, push.argtypes = ctypes.c_int, [pointer, ctypes.c_int32, ctypes.c_int16, ctypes.c_size_t]
    return library
