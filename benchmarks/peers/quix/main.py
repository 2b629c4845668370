"""Quix Streams, exactly-once: a dataframe that expands each declaration into its copies."""

from typing import Any

from quixstreams import Application
from quixstreams.models import Topic
from quixstreams.models.serializers import BytesDeserializer, SerializationContext, Serializer

from benchmarks.peers.work import Router, read_job

Copy = tuple[str, bytes]


class CopySerializer(Serializer):  # type: ignore[misc]
    """Writes a copy's document."""

    def __call__(self, value: Copy, ctx: SerializationContext) -> bytes:  # noqa: ARG002
        """Give the bytes as they came."""
        return value[1]


def main() -> None:
    """Run until SIGTERM."""
    job = read_job()
    router = Router(job)
    app = Application(
        broker_address=job.bootstrap,
        consumer_group=job.group,
        processing_guarantee="exactly-once",
        auto_offset_reset="earliest",
        commit_every=job.batch_records,
        commit_interval=job.batch_seconds,
        auto_create_topics=False,
        use_changelog_topics=False,
        consumer_poll_timeout=0.05,
        consumer_extra_config={"fetch.wait.max.ms": 100, "fetch.queue.backoff.ms": 20},
        producer_extra_config={"compression.type": "lz4", "linger.ms": 50},
        loglevel="WARNING",
    )
    topics: dict[str, Topic] = {
        name: app.topic(name, key_serializer="bytes", value_serializer=CopySerializer())
        for name in sorted(router.topics)
    }

    def copies(value: bytes) -> list[Copy]:
        return [(name, value) for name in router.route(value)]

    def choose(value: Copy, _key: Any, _timestamp: int, _headers: Any) -> Topic:  # noqa: ANN401
        return topics[value[0]]

    source = app.topic(job.inbox, key_deserializer="bytes", value_deserializer=BytesDeserializer())
    app.dataframe(source).apply(copies, expand=True).to_topic(choose)
    app.run()


if __name__ == "__main__":
    main()
