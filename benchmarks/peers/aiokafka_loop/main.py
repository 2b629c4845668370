"""A loop on aiokafka: one transaction a batch, with the offsets in it, but without the group's generation."""

import asyncio
import signal

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.peers.work import Job, Router, read_job


async def run(job: Job) -> None:
    """Run until SIGTERM."""
    router = Router(job)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    consumer = AIOKafkaConsumer(
        job.inbox,
        bootstrap_servers=job.bootstrap,
        group_id=job.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=job.bootstrap,
        transactional_id=f"{job.group}-0",
        compression_type="lz4",
        linger_ms=5,
        max_batch_size=1024 * 1024,
        max_request_size=8 * 1024 * 1024,
    )
    await consumer.start()
    await producer.start()
    while not ended.is_set():
        found = await consumer.getmany(timeout_ms=50, max_records=job.batch_records)
        if not found:
            continue
        async with producer.transaction():
            pending = [
                await producer.send(name, record.value, key=record.key)
                for records in found.values()
                for record in records
                for name in router.route(record.value)
            ]
            await asyncio.gather(*pending)
            offsets = {partition: records[-1].offset + 1 for partition, records in found.items()}
            await producer.send_offsets_to_transaction(offsets, job.group)
    await consumer.stop()
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(run(read_job()))
