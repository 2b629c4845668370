"""
Chaos: a whole window under load and faults, and a separate program that says whether it kept its promises.

Ends by itself, and with one JSON line; its exit code is 0 only if nothing was lost, doubled, disordered or wrong.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Final

from nsw import admin, stewards, topics
from nsw.config import Config, load_config
from nsw.connection import Connection
from nsw.identifiers import AgencyCode, PartyId
from nsw.reference import Reference
from nsw.topics import TopicSpec
from nsw.worker import load_snapshot
from tests.chaos.fleet import ROOT, Fleet
from tests.chaos.kafka import Kafka, running_kafka
from tests.chaos.load import PARTIES, Documents, Load, Stories
from tests.chaos.storm import Storm
from tests.chaos.watch import Watch

#: For whom the load's documents are; PAT has no topic, so what is for it must be held.
_AGENCIES: Final = ("CUSTOMS", "DFT", "DIW", "DLD", "DOA", "DOF", "FDA", "NBTC")
_LAST_CASES: Final = 40
_STILL_SECONDS: Final = 90.0
_DRAIN_SECONDS: Final = 1_800.0
#: So many documents under way are load enough: more would only have to be drained.
_MOST_UNDER_WAY: Final = 2_000
_SLOW_RATE: Final = 1.0
_CHECK_SECONDS: Final = 900.0
_MOST_MINUTES: Final = 240.0


class Run:
    """
    One run.

    Args:
        folder: emptied first; ledger, logs and Kafka's records are left there.
    """

    def __init__(self, seed: int, minutes: float, nodes: int, rate: float, folder: Path) -> None:
        self._seed = seed
        self._minutes = minutes
        self._nodes = nodes
        self._rate = rate
        self._folder = folder
        self._began = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)

    def __call__(self) -> int:
        """Run; give the exit code."""
        config = load_config({}, data_folder=self._folder, replication_factor=1 if self._nodes == 1 else 3)
        reference = load_snapshot(config)
        with ExitStack() as stack:
            kafka = stack.enter_context(running_kafka(self._folder / "kafka", self._nodes))
            self._tell(f"{self._nodes} Kafka nodes at {kafka.bootstrap_servers}")
            prepare(config, Connection(kafka.bootstrap_servers), reference)
            troubles = self._blow(kafka, config, reference)
            code = self._check(kafka)
        for each in troubles:
            self._tell(f"trouble: {each}")
        return 1 if troubles else code

    def _blow(self, kafka: Kafka, config: Config, reference: Reference) -> list[str]:
        documents = Documents(reference, date.today)
        load = Load(kafka.bootstrap_servers, Stories(documents, self._seed), self._folder)
        outputs = [topics.outbox(PartyId(each)) for each in PARTIES]
        outputs += [topics.agency_inbox(AgencyCode(each)) for each in _AGENCIES]
        stopping = threading.Event()
        sender = threading.Thread(
            target=load.run, args=(lambda: self._rate, stopping), name="load", daemon=True
        )
        with (
            Watch(kafka.bootstrap_servers, outputs, self._folder) as watch,
            Fleet(_environment(kafka, config), self._folder) as fleet,
        ):
            storm = Storm(fleet, kafka, self._seed, progress=watch.answers, tell=self._tell)

            def rate() -> float:
                return self._rate if load.sent - watch.answers() < _MOST_UNDER_WAY else _SLOW_RATE

            sender = threading.Thread(target=load.run, args=(rate, stopping), name="load", daemon=True)
            sender.start()
            storm.blow(time.monotonic() + self._minutes * 60)
            stopping.set()
            sender.join(60)
            self._tell(
                f"the storm is over: {_listed(storm.counts)}; {load.sent} sent, {watch.answers()} answered"
            )
            wanted = load.send_last(documents, PARTIES, _LAST_CASES)
            if not self._drain(watch, wanted):
                self._tell(
                    f"{len(wanted - watch.answered)} of the last answers did not come; going on to the check"
                )
            run = {"seed": self._seed, "kills": storm.kills, "rebalances": storm.rebalances}
            (self._folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
            fleet.resize(0)
            fleet.wait_for_ends()
        self._tell(f"workers that ended by themselves, by exit code: {dict(fleet.ends)}")
        return [*fleet.troubles, *storm.troubles]

    def _drain(self, watch: Watch, wanted: frozenset[tuple[str, str]]) -> bool:
        """Wait until the last answers are there; False when nothing comes any more."""
        began = moved_at = time.monotonic()
        seen = watch.answers()
        while not wanted <= watch.answered:
            if watch.answers() != seen:
                seen, moved_at = watch.answers(), time.monotonic()
            if time.monotonic() - moved_at > _STILL_SECONDS or time.monotonic() - began > _DRAIN_SECONDS:
                return False
            time.sleep(0.2)
        self._tell(f"drained in {time.monotonic() - began:.1f} s")
        return True

    def _check(self, kafka: Kafka) -> int:
        """Let the checker, a program of its own, have the last word."""
        sys.stdout.flush()
        command = [
            sys.executable,
            "-m",
            "tests.chaos.checker",
            "--bootstrap-servers",
            kafka.bootstrap_servers,
        ]
        return subprocess.run(
            [*command, str(self._folder)], check=False, cwd=ROOT, timeout=_CHECK_SECONDS
        ).returncode

    def _tell(self, sentence: str) -> None:
        line = f"{time.monotonic() - self._began:7.1f} {sentence}\n"
        with (self._folder / "storm.log").open("a", encoding="utf-8") as log:
            log.write(line)
        sys.stderr.write(line)


def prepare(config: Config, connection: Connection, reference: Reference) -> None:
    """Make the topics that the load needs, and publish the tables."""
    most = config.max_document_bytes
    specs: list[TopicSpec] = list(
        topics.system_topics(case_partitions=config.case_partitions, max_document_bytes=most)
    )
    for agency in _AGENCIES:
        specs += topics.agency_topics(AgencyCode(agency), max_document_bytes=most)
    for party in PARTIES:
        specs += topics.party_topics(PartyId(party), max_document_bytes=most)
    admin.create_topics(connection, specs, config.replication_factor, config.in_sync_replicas)
    stewards.seed(connection, reference.table_set)


def _environment(kafka: Kafka, config: Config) -> dict[str, str]:
    return {
        "NSW_BOOTSTRAP_SERVERS": kafka.proxied_servers,
        "NSW_DATA_FOLDER": str(config.data_folder.absolute()),
        "NSW_REPLICATION_FACTOR": str(config.replication_factor),
    }


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def main() -> int:
    """Run what the command line asks for; give the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos ARGS=...", description="Crash a window, and count.")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1_000_000), help="of the load and the faults"
    )
    parser.add_argument("--minutes", type=float, default=20.0, help="how long faults strike")
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1, help="of Kafka")
    parser.add_argument("--rate", type=float, default=30.0, help="documents a second")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "chaos", help="emptied, and left behind"
    )
    given = parser.parse_args()
    if not 0 < given.minutes <= _MOST_MINUTES or given.rate <= 0:
        parser.error(f"--minutes must be more than 0 and at most {_MOST_MINUTES:.0f}, --rate more than 0")
    sys.stderr.write(f"seed {given.seed}\n")
    return Run(given.seed, given.minutes, given.nodes, given.rate, given.folder)()


if __name__ == "__main__":
    sys.exit(main())
