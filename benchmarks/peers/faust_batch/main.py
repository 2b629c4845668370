"""The fastest Faust agent that we can write: batches, and Faust's own producer client without its wrappers."""

import asyncio

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
        producer_linger=0.005,
        producer_max_batch_size=1024 * 1024,
        web_enabled=False,
    )
    inbox = app.topic(
        job.inbox, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )

    @app.agent(inbox)
    async def route(stream: faust.StreamT[bytes]) -> None:
        producer = app.producer._producer  # type: ignore[attr-defined]  # noqa: SLF001 - below Faust's wrappers
        async for events in stream.take_events(job.batch_records, within=0.05):  # type: ignore[attr-defined]
            pending = [
                await producer.send(name, event.value, key=event.key)
                for event in events
                for name in router.route(event.value)
            ]
            await asyncio.gather(*pending)

    worker = faust.Worker(app, loglevel="WARNING", quiet=True)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
