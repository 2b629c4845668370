"""The fastest Faust agent that we can write: batches, and Faust's own producer client without its wrappers."""

import asyncio

import faust

from benchmarks.peers.faust_setup import make_app, raw_topic, work
from benchmarks.peers.work import Router, read_job


def main() -> None:
    """Run until SIGTERM."""
    job = read_job()
    router = Router(job)
    app = make_app(job, linger_seconds=0.005)
    inbox = raw_topic(app, job.inbox)

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

    work(app)


if __name__ == "__main__":
    main()
