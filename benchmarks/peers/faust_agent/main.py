"""A Faust agent as its documentation shows it: one event after the other, at least once."""

import faust

from benchmarks.peers.work import Router, read_job


def main() -> None:
    """Run until SIGTERM."""
    job = read_job()
    router = Router(job)
    app = faust.App(
        job.group,
        broker=f"kafka://{job.bootstrap}",
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=job.batch_seconds,
        producer_compression_type="lz4",
        producer_linger=0.05,
        producer_max_batch_size=1024 * 1024,
        web_enabled=False,
    )
    inbox = app.topic(
        job.inbox, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    outputs = {
        name: app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        for name in router.topics
    }

    @app.agent(inbox)
    async def route(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            for name in router.route(event.value):
                await event.forward(outputs[name])

    worker = faust.Worker(app, loglevel="WARNING", quiet=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
