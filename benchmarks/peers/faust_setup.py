"""What both Faust agents are set up by: they differ in how they take and send records, not in this."""

import faust

from benchmarks.peers.work import Job


def make_app(job: Job, linger_seconds: float) -> faust.App:
    """Describe the application; nothing is started yet."""
    return faust.App(
        job.group,
        broker=f"kafka://{job.bootstrap}",
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=job.batch_seconds,
        producer_compression_type="lz4",
        producer_linger=linger_seconds,
        producer_max_batch_size=1024 * 1024,
        web_enabled=False,
    )


def raw_topic(app: faust.App, name: str) -> faust.TopicT:
    """Describe a topic whose keys and values are bytes."""
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


def work(app: faust.App) -> None:
    """Run until SIGTERM."""
    faust.Worker(app, loglevel="WARNING", quiet=True).execute_from_commandline()
