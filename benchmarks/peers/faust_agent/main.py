"""A Faust agent as its documentation shows it: one event after the other, at least once."""

import faust

from benchmarks.peers.faust_setup import make_app, raw_topic, work
from benchmarks.peers.work import Router, read_job


def main() -> None:
    """Run until SIGTERM."""
    job = read_job()
    router = Router(job)
    app = make_app(job, linger_seconds=0.05)
    inbox = raw_topic(app, job.inbox)
    outputs = {name: raw_topic(app, name) for name in router.topics}

    @app.agent(inbox)
    async def route(stream: faust.StreamT[bytes]) -> None:
        async for event in stream.events():
            for name in router.route(event.value):
                await event.forward(outputs[name])

    work(app)


if __name__ == "__main__":
    main()
