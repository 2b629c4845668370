"""Marks beside committed offsets, on a real Kafka: suspicion spreads to the next worker, and does no harm."""

import signal
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.integration.loop_stage import InThread, Stage, numbered, wait_for, worker

pytestmark = pytest.mark.kafka

SUSPICION = "never got further"


@pytest.fixture
def stage(bootstrap_servers: str) -> Stage:
    """Give fresh topics, the source with four partitions."""
    stage = Stage(bootstrap_servers)
    stage.create(stage.source, 4)
    stage.create(stage.target, 1)
    return stage


def committed(stage: Stage) -> dict[int, tuple[int, str | None]]:
    """Read offset and note of each partition, as any client can."""
    reader = Consumer({"bootstrap.servers": stage.bootstrap_servers, "group.id": stage.name})
    try:
        found = reader.committed([TopicPartition(stage.source, number) for number in range(4)], 10)
    finally:
        reader.close()
    return {each.partition: (each.offset, each.metadata) for each in found}


@pytest.mark.parametrize("step", ["mark", "produce"])
def test_kills_of_healthy_workers_refuse_nothing(stage: Stage, tmp_path: Path, step: str) -> None:
    """Three in a row without progress: the next one processes all apart, and everything comes once."""
    values = numbered(40)
    stage.send(stage.source, values, keyed=True)
    for number in range(3):
        task = stage.keep_cases(tmp_path, step=step, judge_seconds=20.0)
        with worker(task, tmp_path / f"{number}.log") as one:
            assert one.end()[0] == -signal.SIGKILL
    notes = {note for offset, note in committed(stage).values() if offset >= 0}
    with worker(stage.keep_cases(tmp_path, judge_seconds=20.0), tmp_path / "last.log") as last:
        stage.check_copied_once(values)
        assert last.ended is None
        assert SUSPICION in last.told()

    # A worker may have been killed before it had records of all partitions.
    assert "begun=3" in notes
    assert notes <= {"begun=1", "begun=2", "begun=3"}
    assert SUSPICION not in (tmp_path / "1.log").read_text()
    assert {note for _, note in committed(stage).values()} == {None}


def test_an_end_in_order_is_no_suspicion(stage: Stage, tmp_path: Path) -> None:
    """However often workers come and go."""
    for number in range(3):
        stage.send(stage.source, numbered(8))
        with worker(stage.task(judge_seconds=20.0), tmp_path / f"{number}.log") as one:
            stage.read_until(stage.target, 8 * (number + 1))
            one.send_signal(signal.SIGTERM)
            assert one.end()[0] == 0
            assert SUSPICION not in one.told()


@pytest.mark.slow
def test_a_sleeper_that_wakes_sets_nothing_back(stage: Stage, tmp_path: Path) -> None:
    """Stopped before its mark, it wakes when others have gone on and left: the group is empty then."""
    values = numbered(60)
    stage.send(stage.source, values, keyed=True)
    task = stage.keep_cases(tmp_path, step="batch", fault="stop", judge_seconds=60.0)
    with worker(task, tmp_path / "sleeper.log") as sleeper:
        wait_for(lambda: sleeper.is_stopped)
        other = stage.keep_cases(tmp_path, slot="1")
        with InThread(other.settings(group_instance_id=""), other.work()):
            stage.check_copied_once(values)
        before = committed(stage)
        sleeper.send_signal(signal.SIGCONT)
        stage.send(stage.source, values[:5], keyed=True)
        stage.check_copied_once(values + values[:5])
        time.sleep(1)
        stage.check_copied_once(values + values[:5])

    assert all(committed(stage)[partition][0] >= offset for partition, (offset, _) in before.items())


@pytest.mark.slow
def test_what_ends_one_worker_and_another_is_found_by_the_third(stage: Stage, tmp_path: Path) -> None:
    """Each of another slot; all before and behind the deadly records is copied once, in order."""
    values = [b"abort:" if number in (13, 14, 61) else value for number, value in enumerate(numbered(90))]
    stage.send(stage.source, values[:60])
    for number in range(2):
        with worker(stage.task(slot=str(number), judge_seconds=20.0), tmp_path / f"{number}.log") as one:
            assert one.end()[0] == -signal.SIGABRT
    with worker(stage.task(slot="2", judge_seconds=20.0), tmp_path / "2.log") as third:
        stage.read_until(stage.target, 60)
        stage.send(stage.source, values[60:])
        stage.check_copied_once([b"dead" if value == b"abort:" else value for value in values])
        assert third.ended is None
