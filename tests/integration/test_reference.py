"""Tables in a running window: seeded, proposed, approved, followed, refused; on a real Kafka."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import orjson
import pytest

from nsw import admin, stewards, topics
from nsw.client import AgencyClient, TraderClient
from nsw.config import Config, load_config
from nsw.connection import Connection
from nsw.errors import ConfigError
from nsw.identifiers import PartyId
from nsw.local import LocalSettings, LocalWindow
from nsw.masterdata import Approval, Status, Table, TableSet
from nsw.masterdata.ledger import publish_contents, publish_set
from nsw.reference import Reference
from nsw.worker import load_snapshot

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 90.0
PARTY = "TABLES"


@dataclass(frozen=True)
class Window:
    """A running window, with what tests ask of it."""

    local: LocalWindow
    config: Config
    folder: Reference
    small: bytes

    @property
    def connection(self) -> Connection:
        return self.local.connection

    @property
    def checks(self) -> stewards.Checks:
        return stewards.Checks(
            self.folder.types, self.folder.limits, self.config.reference_folder / "routing_tests"
        )

    def table(self, name: str) -> Table:
        ledger = stewards.read_ledger(self.connection)
        return ledger.tables_of(ledger.current).tables[name]

    def with_permit(self, agency: str, since: str = "2026-11-20") -> Table:
        """Give the permit table with a row for the goods of the sample."""
        permits = self.table("permits")
        row = f"10063040,001,export,{agency},{since}\n".encode()
        return replace(permits, content=permits.content + row, place="new.csv")

    def lodge(self, *numbers: str) -> None:
        with TraderClient(self.connection, PARTY) as trader:
            for number in numbers:
                trader.publish(self.small.replace(b"NSWD000000001", number.encode()), number)

    def versions(self) -> dict[str, str]:
        """Give which snapshot judged each declaration, by its number, from the events."""
        found = {}
        for record in admin.read_topic(self.connection, [topics.EVENTS]):
            data = orjson.loads(record.value or b"{}")
            found[data["reference_number"]] = data["reference_data_version"]
        return found

    def delivered_to(self, code: str) -> set[str]:
        """Give the declarations that an agency got, by their numbers."""
        with AgencyClient(self.connection, code) as agency:
            return {each.reference_number for each in agency.deliveries()}

    def metrics(self) -> str:
        """Give the worker's metrics; nothing while it starts."""
        try:
            with urlopen(self.local.metrics_address, timeout=5) as answer:  # noqa: S310 - our own address
                return str(answer.read().decode())
        except OSError:
            return ""

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while not holds():
            assert time.monotonic() < until, what
            time.sleep(0.2)

    def wait_for_version(self, version: str) -> None:
        self.wait_until(lambda: f'-{version}"}} 1.0' in self.metrics(), f"set {version} judges")

    def judge(self, *numbers: str) -> None:
        """Lodge declarations, and wait until all are answered."""
        self.lodge(*numbers)
        self.wait_for_answers(*numbers)

    def wait_for_answers(self, *numbers: str) -> None:
        def answered() -> bool:
            with TraderClient(self.connection, PARTY) as trader:
                return {each.reference_number for each in trader.answers()} >= set(numbers)

        self.wait_until(answered, f"answers to {numbers}")


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[Window]:
    folder = tmp_path_factory.mktemp("window")
    tables = folder / "reference"
    shutil.copytree(ROOT / "deploy" / "reference", tables)
    # The tables change here in what these say of the sample's goods.
    for path in (tables / "routing_tests").glob("*.yaml"):
        if "10063040" in path.read_text("utf-8"):
            path.unlink()
    config = load_config({}, data_folder=folder, reference_folder=tables)
    reference = load_snapshot(config)
    with LocalWindow(config, reference, LocalSettings(worker_log=folder / "worker.log")) as local:
        specs = topics.party_topics(PartyId(PARTY), max_document_bytes=config.max_document_bytes)
        admin.create_topics(local.connection, specs, 1)
        yield Window(local, config, reference, (samples / "valid" / "small.xml").read_bytes())


def test_an_approved_table_judges_the_next_declarations(window: Window) -> None:
    """Without a restart, and with none lost; the tables before stay readable, and judge as they did."""
    connection, checks = window.connection, window.checks
    before = stewards.read_ledger(connection).current
    window.wait_for_version(before)
    window.judge("TBLS000000001")
    table = window.with_permit("NBTC")
    number = stewards.propose(connection, table, "Somchai", "new notification", checks).proposal.number
    worker = window.local.worker.pid
    many = [f"TBLS0000001{each:02d}" for each in range(20)]
    window.lodge(*many)
    approval, outcome = stewards.approve(connection, number, "Malee", checks)
    window.wait_for_version(approval.set)
    window.judge("TBLS000000002")
    window.wait_for_answers(*many)
    versions = window.versions()

    assert window.local.worker.pid == worker
    assert [each.row for each in outcome.differences] == ["10063040 001 export NBTC 2026-11-20"]
    assert versions["TBLS000000001"] == f"{window.folder.types.version}-{before}"
    assert versions["TBLS000000002"] == f"{window.folder.types.version}-{approval.set}"
    new = {number for number, version in versions.items() if version.endswith(approval.set)}
    assert window.delivered_to("CUSTOMS") >= {"TBLS000000001", "TBLS000000002", *many}
    assert window.delivered_to("NBTC") & {"TBLS000000001", "TBLS000000002", *many} == new
    ledger = stewards.read_ledger(connection)
    old = stewards.load_reference_of(versions["TBLS000000001"], ledger, window.folder.types)
    assert old.version == versions["TBLS000000001"]
    assert (
        len(old.tables.permits.rows)
        == len(ledger.tables_of(approval.set).tables["permits"].content.split()) - 2
    )


def test_a_set_that_cannot_be_loaded_is_refused_and_the_last_good_one_stays(window: Window) -> None:
    """Published past all checks by hand; a worker that starts meanwhile goes on by the last good one, too."""
    ledger = stewards.read_ledger(window.connection)
    good = ledger.tables_of(ledger.current)
    window.wait_for_version(good.version)
    bad = good.with_content("permits", b"tariff,nonsense\n1,2\n", "")
    publish_by_hand(window.connection, bad, len(ledger.approvals) + 1, good.version)
    window.wait_until(lambda: "nsw_reference_refused 1.0" in window.metrics(), "refused")
    window.judge("TBLS000000003")
    log = (window.config.data_folder / "worker.log").read_text("utf-8")

    assert window.versions()["TBLS000000003"].endswith(f"-{good.version}")
    assert f"set {bad.version}: permits.csv line 1: the header must be" in log

    window.local.worker.kill()
    window.local.check()
    window.wait_for_version(good.version)
    assert "nsw_reference_refused 1.0" in window.metrics()

    publish_by_hand(window.connection, good, len(ledger.approvals) + 2, bad.version)
    window.wait_until(lambda: "nsw_reference_refused 0.0" in window.metrics(), "no longer refused")


def publish_by_hand(connection: Connection, tables: TableSet, number: int, previous: str) -> None:
    """Publish a set without any check, as a person with a Kafka client can."""
    approval = Approval(
        number=number,
        set=tables.version,
        previous=previous,
        tables=("permits",),
        proposed_by="a",
        approved_by="b",
        reason="by hand",
    )
    publications = [*publish_contents(tables.tables.values()), *publish_set(tables, approval)]
    admin.publish_atomically(connection, publications, "by-hand")


def test_a_proposal_is_approved_by_somebody_else_on_the_table_that_it_was_made_on(window: Window) -> None:
    """What can't be approved any more can be closed, once."""
    connection, checks = window.connection, window.checks
    table = window.with_permit("FDA")
    first = stewards.propose(connection, table, "Somchai", "one", checks).proposal.number
    other = window.with_permit("FDA", "2026-11-21")
    second = stewards.propose(connection, other, "Nid", "two", checks).proposal.number
    for refused in (
        lambda: stewards.approve(connection, first, " somchai ", checks),
        lambda: stewards.approve(connection, first, " ", checks),
        lambda: stewards.propose(connection, table, "Malee", "the same", checks),
        lambda: stewards.propose(connection, window.table("permits"), "Malee", "nothing", checks),
        lambda: stewards.approve(connection, 999, "Malee", checks),
    ):
        with pytest.raises(
            ConfigError,
            match=r"somebody else|--by: it is empty|is the same, and open|nothing changes|no proposal",
        ):
            refused()
    stewards.approve(connection, first, "Malee", checks)
    with pytest.raises(ConfigError, match="has changed since"):
        stewards.approve(connection, second, "Malee", checks)
    closed = stewards.reject(connection, second, "Nid", "too late")

    assert closed.status is Status.REJECTED
    with pytest.raises(ConfigError, match="was rejected by Nid already"):
        stewards.approve(connection, second, "Malee", checks)


def test_of_two_writers_at_once_the_earlier_is_refused(window: Window) -> None:
    """So what a writer read can't have changed when it publishes."""
    table = window.with_permit("FDA", "2026-11-22")
    with stewards._writing(window.connection) as (publisher, ledger):
        number = stewards.propose(window.connection, table, "A", "r", window.checks).proposal.number
        with pytest.raises(ConfigError, match="refuses"):
            publisher.publish(publish_contents(ledger.tables_of(ledger.current).tables.values()))
    stewards.reject(window.connection, number, "A", "only a test")


def test_a_proposal_with_problems_changes_nothing(window: Window) -> None:
    """All are told: the table's own, routing tests that break, agencies without topics."""
    permits, agencies = window.table("permits"), window.table("agencies")
    before = stewards.read_ledger(window.connection)
    bad = replace(permits, content=permits.content + b"1,2,both,XX,2020\n\xff", place="bad.csv")
    empty = replace(permits, content=permits.content.splitlines(keepends=True)[0], place="empty.csv")
    stranger = b"  - {code: NEWONE, name: {en: New, th: New}, accepts: []}\n"
    unknown = replace(agencies, content=agencies.content + stranger, place="a.yaml")
    sentences: list[str] = []
    for table in (bad, empty, unknown):
        with pytest.raises(ConfigError) as caught:
            stewards.propose(window.connection, table, "A", "r", window.checks)
        sentences += caught.value.problems

    assert any(
        each.startswith(f"bad.csv line {permits.content.count(bytes([10])) + 2}: not UTF-8")
        for each in sentences
    )
    assert any("frozen-fish-export.yaml: expected" in each for each in sentences)
    assert "a.yaml: agency NEWONE: there is no topic nsw.agency.NEWONE.inbox" in "\n".join(sentences)
    assert stewards.read_ledger(window.connection) == before
