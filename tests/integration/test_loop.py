"""The loop against a real Kafka: exactly once across placed faults, and one party's trouble stays its own."""

import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin._acl import AclOperation

from nsw.cases import encode_case
from nsw.embedded import BrokerSettings, EmbeddedBroker, Listener
from nsw.identifiers import CaseId
from nsw.loop import ControlFollower, LoopFatalError, TransactionalLoop, read_topic
from tests.integration.loop_stage import InThread, Stage, Tally, WorkerProcess, numbered, wait_for, worker
from tests.integration.loop_worker import CopyWork, Task, seen_case

pytestmark = pytest.mark.kafka

CREDENTIALS = {
    "security.protocol": "SASL_PLAINTEXT",
    "sasl.mechanism": "PLAIN",
    "sasl.username": "clerk",
    "sasl.password": "secret",
}


@pytest.fixture
def stage(bootstrap_servers: str) -> Stage:
    """Give fresh topics: a source with four partitions and a target with one, which keeps the order of commits."""
    stage = Stage(bootstrap_servers)
    stage.create(stage.source, 4)
    stage.create(stage.target, 1)
    return stage


class TestExactlyOnce:
    """Nothing is lost, nothing is there twice, wherever a worker ends."""

    def test_offsets_under_way_are_waited_for_before_anything_is_restored(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        """
        A predecessor has sent offsets, and its case comes into the changelog only then.

        Our own loop flushes first; this keeps the order of assignment right by itself.
        """
        stage.send(stage.source, [b"once", b"once"], keyed=True)
        ((partition, *_), _second) = [origin.rsplit("/", 2)[1:] for origin in stage.origins()]
        task = stage.keep_cases(tmp_path)
        predecessor = Producer(
            {"bootstrap.servers": stage.bootstrap_servers, "transactional.id": stage.name, "linger.ms": 0}
        )
        member = Consumer({"bootstrap.servers": stage.bootstrap_servers, "group.id": task.group})
        predecessor.init_transactions(30)
        predecessor.begin_transaction()
        predecessor.send_offsets_to_transaction(
            [TopicPartition(stage.source, int(partition), 1)], member.consumer_group_metadata(), 30
        )
        with InThread(task.settings(), task.work()):
            # Long enough for a loop that does not wait to restore.
            time.sleep(3)
            case = seen_case(CaseId("once"), 1)
            predecessor.produce(stage.changelog, encode_case(case), b"once", int(partition))
            predecessor.produce(stage.target, b"once", b"once", headers=[("seen", b"0")])
            predecessor.commit_transaction(30)
            found = stage.read_until(stage.target, 2)
        assert [each.seen for each in found] == ["0", "1"]
        member.close()

    @pytest.mark.slow
    def test_cases_are_known_wherever_a_partition_goes(self, stage: Stage, tmp_path: Path) -> None:
        """From one worker to two and back, and to one that begins with an empty disk."""
        values = [value for value in numbered(300) for _ in range(2)]
        one, two = stage.keep_cases(tmp_path), stage.keep_cases(tmp_path, slot="1")
        first, second = one.work(), two.work()
        with InThread(one.settings(), first):
            stage.send(stage.source, values, keyed=True)
            wait_for(lambda: first.done)
            with InThread(two.settings(group_instance_id=""), second):
                wait_for(lambda: len(first.owned) == len(second.owned) == 2)
                stage.send(stage.source, values, keyed=True)
                wait_for(lambda: second.done)
            wait_for(lambda: len(first.owned) == 4)
            stage.send(stage.source, values, keyed=True)
            stage.check_copied_once(values * 3)
        elsewhere = stage.keep_cases(tmp_path / "elsewhere", slot="2")
        with InThread(elsewhere.settings(), elsewhere.work()):
            stage.send(stage.source, values[:100], keyed=True)
            stage.check_copied_once(values * 3 + values[:100])

    def test_two_workers_share_and_give_back(self, stage: Stage) -> None:
        """Partitions move to a second worker and back while records flow, and every record is copied once."""
        first, second = CopyWork(stage.target, 0.002), CopyWork(stage.target, 0.002)
        values = numbered(3_000)
        with InThread(stage.task(slot="0").settings(), first):
            stage.send(stage.source, values[:1_000])
            wait_for(lambda: first.done)
            dynamic = stage.task(slot="1").settings(group_instance_id="")
            with InThread(dynamic, second):
                stage.send(stage.source, values[1_000:2_000])
                wait_for(lambda: len(first.owned) == len(second.owned) == 2)
                wait_for(lambda: second.done)
            stage.send(stage.source, values[2_000:])
            wait_for(lambda: len(first.owned) == 4)
            stage.check_copied_once(values)

    def test_never_sees_what_others_aborted(self, stage: Stage) -> None:
        """Records of an aborted transaction in the source are not copied."""
        other = Producer(
            {"bootstrap.servers": stage.bootstrap_servers, "transactional.id": f"{stage.name}-x"}
        )
        other.init_transactions(30)
        other.begin_transaction()
        other.produce(stage.source, b"aborted", b"key-1")
        other.flush(30)
        other.abort_transaction(30)
        stage.send(stage.source, numbered(10))
        with InThread(stage.task().settings(), CopyWork(stage.target)):
            stage.check_copied_once(numbered(10))


class TestEnding:
    """How a worker process ends."""

    def test_finishes_the_batch_on_sigterm(self, stage: Stage, tmp_path: Path) -> None:
        """SIGTERM commits the batch at hand and exits with 0; nothing is done twice afterwards."""
        values = numbered(400)
        stage.send(stage.source, values)
        with worker(stage.task(record_seconds=0.05, batch_records=40), tmp_path / "first.log") as first:
            copied = len(stage.read_until(stage.target, 1))
            first.send_signal(signal.SIGTERM)
            code, errors = first.end()
            assert code == 0
            assert "aborting" not in errors
        assert copied <= len(stage.read(stage.target)) < len(values)
        with InThread(stage.task().settings(), CopyWork(stage.target)):
            stage.check_copied_once(values)

    @pytest.mark.parametrize("step", ["assign:restored", "produce", "committed"])
    def test_a_dead_loop_ends_its_process(self, stage: Stage, tmp_path: Path, step: str) -> None:
        """A bug in a loop, even within a rebalance, makes the process exit with 1 and say what it was."""
        stage.send(stage.source, numbered(10))
        with worker(stage.task(step=step, fault="raise"), tmp_path / "process.log") as process:
            code, errors = process.end()
        assert code == 1
        assert f"copy: a bug was placed at {step}" in errors

    def test_says_that_no_broker_answers(self) -> None:
        """Without a broker, the loop ends after the time that was allowed, and names the address."""
        settings = Task("127.0.0.1:1", "g", "in", "out").settings(
            broker_wait_seconds=1.0, transaction_timeout_ms=1_000
        )
        with pytest.raises(LoopFatalError, match=r"init: the broker stayed away: .*127\.0\.0\.1:1"):
            TransactionalLoop(settings, CopyWork("out")).run()


class TestTopics:
    """Topics come, are paused, and go."""

    def test_finds_a_new_topic_with_its_first_records(self, stage: Stage) -> None:
        """A topic that appears later and matches the pattern is read from its first record, soon."""
        work = CopyWork(stage.target)
        pattern = f"^{stage.name}\\.new\\..+"
        with InThread(stage.task().settings(subscription=(pattern,)), work) as running:
            wait_for(lambda: work.idled > 20)
            for count, topic in ((20, "a"), (40, "b")):
                stage.create(f"{stage.name}.new.{topic}")
                stage.send(f"{stage.name}.new.{topic}", numbered(20))
                wait_for(partial(work.has_done, count), 15.0)
            assert running.error is None
        assert len(stage.read(stage.target)) == 40

    def test_finds_a_topic_that_was_made_while_its_slot_was_away(self, stage: Stage) -> None:
        """A process that takes its predecessor's place gets the same partitions, and then the new topic's too."""
        settings = stage.task().settings(subscription=(f"^{stage.name}\\.new\\..+",))
        for topics in (["a"], ["a", "b"]):
            stage.create(f"{stage.name}.new.{topics[-1]}")
            work = CopyWork(stage.target)
            with InThread(settings, work):
                for each in topics:
                    stage.send(f"{stage.name}.new.{each}", numbered(10))
                wait_for(partial(work.has_done, 10 * len(topics)))
        assert len(stage.read(stage.target)) == 30

    def test_leaves_a_paused_topic_alone(self, stage: Stage) -> None:
        """A paused topic waits, also when it is assigned while paused; others go on; resumed, it is read on."""
        work = CopyWork(stage.target)
        pattern = f"^{stage.name}\\.[xyz]$"
        names = {each: f"{stage.name}.{each}" for each in "xyz"}
        stage.create(names["x"])
        stage.create(names["y"])
        work.paused = frozenset({names["x"], names["z"]})
        with InThread(stage.task().settings(subscription=(pattern,)), work):
            stage.send(names["x"], numbered(5))
            stage.send(names["y"], numbered(5))
            wait_for(lambda: len(work.done) == 5)
            stage.create(names["z"])
            stage.send(names["z"], numbered(5))
            wait_for(lambda: (names["z"], 0) in work.owned)
            time.sleep(0.5)
            assert {each.topic for each in work.done} == {names["y"]}
            work.paused = frozenset()
            wait_for(lambda: len(work.done) == 15)
            work.paused = frozenset({names["y"]})
            wait_for(lambda: work.idled > 0)
            time.sleep(0.3)
            stage.send(names["y"], numbered(5))
            stage.send(names["x"], numbered(5))
            wait_for(lambda: len(work.done) == 20)
            time.sleep(0.3)
            assert len(work.done) == 20

    def test_a_missing_destination_stops_nobody(self, stage: Stage) -> None:
        """The work learns that a topic is missing and diverts; records for others go on."""
        work = CopyWork(stage.target)
        values = [b"one", f"to:{stage.name}.nowhere".encode(), b"two"]
        with InThread(stage.task().settings(), work):
            stage.send(stage.source, values)
            found = stage.read_until(stage.target, 3)
        assert sorted(each.value for each in found) == [b"held", b"one", b"two"]
        assert list(work.missing) == [f"{stage.name}.nowhere"]

    def test_a_destination_that_is_deleted_under_load_stops_nobody(self, stage: Stage) -> None:
        """What was for it is held from then on; everything else goes on, once each."""
        doomed = f"{stage.name}.doomed"
        stage.create(doomed)
        work = CopyWork(stage.target, 0.002)
        values = numbered(300)
        with InThread(stage.task().settings(), work):
            for number in range(0, 300, 20):
                stage.send(stage.source, [f"to:{doomed}".encode(), *values[number : number + 20]])
                if number == 100:
                    wait_for(lambda: doomed in {each.topic for each in work.published})
                    stage.delete(doomed)
            wait_for(lambda: len(work.done) == 315)
        found = [each.value for each in stage.read(stage.target)]
        assert sorted(each for each in found if each != b"held") == values
        assert list(work.missing) == [doomed]
        # Those that were sent after it was deleted, at least.
        assert 9 <= found.count(b"held") < 15

    def test_a_burst_is_drained_without_growth(self, stage: Stage, tmp_path: Path) -> None:
        """Ten times as much as before at once takes time, not memory."""
        filler = b"x" * 2_000

        def copied(process: WorkerProcess, count: int) -> int:
            """Send so many records, wait until they are copied, and give the most memory used so far, in kB."""
            stage.send(stage.source, [b"%08d" % number + filler for number in range(count)])
            total.append(count)
            wait_for(lambda: tally.count(0.1) >= sum(total), 60)
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            return int(status.partition("VmHWM:")[2].split()[0])

        total: list[int] = []
        tally = Tally(stage.bootstrap_servers, stage.target)
        with worker(stage.task(batch_records=500), tmp_path / "worker.log") as process:
            copied(process, 2_000)
            usual = copied(process, 2_000)
            # The burst alone is 40 MB; the client fetches 16 MB ahead.
            assert copied(process, 20_000) < usual + 30_000
        tally.close()

    @pytest.mark.slow
    def test_a_forbidden_destination_stops_nobody(self, tmp_path: Path) -> None:
        """Topics that may not be written, seen or unseen, are found out; records for others go on."""
        with guarded_broker(tmp_path) as broker:
            stage = Stage(broker.bootstrap_servers)
            closed, unseen, later = (f"{stage.name}.{name}" for name in ("closed", "unseen", "later"))
            for topic in (stage.source, stage.target, closed, unseen, later):
                stage.create(topic)
            stage.allow(closed, AclOperation.DESCRIBE)
            stage.allow(unseen, AclOperation.DESCRIBE_CONFIGS)
            work = CopyWork(stage.target)
            values = [b"one", f"to:{closed}".encode(), b"two", f"to:{unseen}".encode(), b"three"]
            values.append(f"to:{later}".encode())
            stage.send(stage.source, values)
            guarded = {"bootstrap_servers": broker.address_of("GUARDED"), "client_config": CREDENTIALS}
            with InThread(stage.task().settings(**guarded), work):
                assert len(stage.read_until(stage.target, 5)) == 5
                assert len(stage.read_until(later, 1)) == 1
                # Forbidden under load, from here on.
                stage.allow(later, AclOperation.DESCRIBE)
                stage.send(stage.source, [b"four", f"to:{later}".encode(), b"five"])
                found = stage.read_until(stage.target, 8)
        copied = [each.value for each in found if each.value != b"held"]
        assert sorted(copied) == [b"five", b"four", b"one", b"three", b"two"]
        assert len(found) == 8
        assert set(work.missing) == {closed, unseen, later}

    def test_lists_the_topics_that_exist(self, stage: Stage) -> None:
        """The work can ask which topics are there before it publishes to them."""
        work = CopyWork(stage.target)
        with InThread(stage.task().settings(), work) as running:
            wait_for(lambda: work.owned)
            known = running.loop.known_topics()
        assert {stage.source, stage.target} <= known
        assert f"{stage.name}.nowhere" not in known


class TestHostileRecords:
    """No record stops the stream."""

    def test_refuses_an_output_that_the_client_does_not_take(self, stage: Stage) -> None:
        """What is larger than any output may be becomes a dead letter, and the next records go on."""
        work = CopyWork(stage.target)
        with InThread(stage.task().settings(max_message_bytes=100_000), work):
            stage.send(stage.source, [b"one", b"big:99980", b"big:150000", b"two"])
            found = stage.read_until(stage.target, 4)
        assert sorted(each.value for each in found) == [b"dead", b"dead", b"one", b"two"]
        assert len(work.refused) == 2

    def test_refuses_an_output_that_the_topic_does_not_take(self, stage: Stage) -> None:
        """A topic that takes less than the client is found out by the broker; exactly the large ones are refused."""
        small = f"{stage.name}.small"
        stage.create(small, 1, max_message_bytes="20000", compression_type="uncompressed")
        work = CopyWork(small)
        values = [b"one", b"big:50000", b"two", b"three", b"big:60000", b"four"]
        with InThread(stage.task().settings(client_config={"compression.type": "none"}), work):
            stage.send(stage.source, values)
            found = stage.read_until(small, len(values))
        assert sorted(each.value for each in found) == [b"dead", b"dead", b"four", b"one", b"three", b"two"]

    def test_reads_headers_that_are_not_text(self, stage: Stage) -> None:
        """A header whose name is not UTF-8, or whose value is null, harms neither its record nor the next."""
        names = [b"\xff\xfe", b"\xe0\xb8", b"\xed\xa0\x80"]
        for name in names * 20:
            send_with_kcat(stage, b"hostile", [name + b"=\xff", b"a=1", b"empty"])
        stage.send(stage.source, [b"harmless"])
        work = CopyWork(stage.target)
        with InThread(stage.task().settings(), work):
            wait_for(lambda: len(work.done) == 61)
        headers = {record.headers for record in work.done if record.value == b"hostile"}
        assert headers == {(("\N{REPLACEMENT CHARACTER}", b"\xff"), ("a", b"1"), ("empty", b""))}
        assert len(stage.read(stage.target)) == 61


class TestFollower:
    """Reading small topics beside the stream."""

    def test_follows_a_topic_from_its_start(self, stage: Stage) -> None:
        """All that was there comes first, then what is new; a poll never waits."""
        stage.send(stage.target, [b"1", b"2"])
        follower = ControlFollower(stage.bootstrap_servers, stage.target)
        found: list[bytes | None] = []

        def caught_up(count: int) -> bool:
            found.extend(each.value for each in follower.poll())
            return follower.caught_up and len(found) == count

        assert (follower.poll(), follower.caught_up) == ([], False)
        wait_for(lambda: caught_up(2))
        assert found == [b"1", b"2"]
        stage.send(stage.target, [b"3"])
        wait_for(lambda: caught_up(3))
        follower.close()

    def test_finds_a_topic_that_appears_later(self, stage: Stage) -> None:
        """A follower of a missing topic gives nothing, and its records once it is there."""
        topic = f"{stage.name}.later"
        follower = ControlFollower(stage.bootstrap_servers, topic)
        for _ in range(10):
            assert follower.poll(0.1) == []
        stage.create(topic)
        stage.send(topic, [b"1"])
        wait_for(lambda: [each.value for each in follower.poll()] == [b"1"])
        follower.close()

    def test_reads_a_topic_to_its_end(self, stage: Stage) -> None:
        """Every partition is read to where it ended, an empty one too."""
        stage.send(stage.source, numbered(10))
        records = read_topic(stage.bootstrap_servers, stage.source, partitions=4)
        assert sorted(each.value or b"" for each in records) == numbered(10)
        assert read_topic(stage.bootstrap_servers, stage.target) == []


def guarded_broker(folder: Path) -> EmbeddedBroker:
    """Describe a broker that asks "clerk" for a password and for permissions, at a listener of its own."""
    plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.guarded.plain.sasl.jaas.config": f'{plain} user_clerk="secret";',
    }
    listener = Listener("GUARDED", 0, protocol="SASL_PLAINTEXT")
    return EmbeddedBroker(folder, BrokerSettings(extra_listeners=(listener,), extra_properties=properties))


def send_with_kcat(stage: Stage, value: bytes, headers: list[bytes]) -> None:
    command: list[str | bytes] = ["kcat", "-P", "-b", stage.bootstrap_servers, "-t", stage.source, "-p", "0"]
    for header in headers:
        command += ["-H", header]
    subprocess.run(command, input=value, check=True, timeout=30)
