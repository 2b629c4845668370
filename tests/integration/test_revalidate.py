"""``nsw revalidate`` on a real Kafka: past declarations under other rules and tables; nothing is published."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw import admin, stewards, topics
from nsw.cli.app import app
from nsw.config import load_config
from nsw.connection import Connection
from nsw.embedded import EmbeddedBroker
from nsw.identifiers import AgencyCode, PartyId, build_case_id, build_conversation_id
from nsw.lodging import LodgingSettings, lodge
from nsw.masterdata import Approval, TableSet
from nsw.masterdata.ledger import publish_contents, publish_set
from nsw.model import Publication, Purpose, Record
from nsw.processing import process
from nsw.reference import Reference
from nsw.worker import load_snapshot

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "schemas" / "th" / "export-declaration"
PARTY = "0105599000019"
SETTINGS = LodgingSettings(cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=6, version="1")
#: In Bangkok a day later than in UTC.
FIRST = datetime(2026, 11, 17, 17, 0, 0, tzinfo=UTC)
DAY = "2026-11-18"


@dataclass
class Log:
    """The topics of a window whose casework is played by the test, through the function that decides."""

    connection: Connection
    reference: Reference
    lodged: int = 0

    def judge(
        self, value: bytes | None, number: str, at: datetime = FIRST, agency: str = "", *, judged: bool = True
    ) -> None:
        """Let a record arrive at a moment, and publish what the window would; *judged*: also its events."""
        self.lodged += 1
        key = number.encode()
        case_id = build_case_id(PartyId(PARTY), key)
        conversation = build_conversation_id(case_id, SETTINGS.conversation_key)
        arrived = Record(
            topics.agency_outbox(AgencyCode(agency)) if agency else topics.inbox(PartyId(PARTY)),
            0,
            self.lodged,
            round(at.timestamp() * 1000),
            key,
            value,
            ((topics.H_CONVERSATION, conversation.encode()),) if agency else (),
        )
        case = lodge(arrived, SETTINGS)
        record = Record(topics.CASES, 0, 0, 0, case.key, case.value, case.headers)
        published = process(record, self.reference, None).publications if judged else ()
        admin.publish_atomically(
            self.connection,
            [case, *(each for each in published if each.purpose is Purpose.EVENT)],
            "casework",
        )

    def take(self, tables: TableSet) -> None:
        """Let a set of tables count from here on."""
        ledger = stewards.read_ledger(self.connection)
        approval = Approval(
            number=len(ledger.approvals) + 1,
            set=tables.version,
            previous=ledger.current,
            tables=("permits",),
            proposed_by="a",
            approved_by="b",
            reason="test",
        )
        publications: list[Publication] = [
            *publish_contents(tables.tables.values()),
            *publish_set(tables, approval),
        ]
        admin.publish_atomically(self.connection, publications, "by-hand")
        self.reference = stewards.load_reference_of(
            tables.version, stewards.read_ledger(self.connection), self.reference.types
        )

    def ends(self) -> dict[tuple[str, int], int]:
        """Give the ends of every topic there is, Kafka's own too."""
        return admin.end_offsets(self.connection, sorted(admin.list_topics(self.connection)))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """Give a log with its own Kafka: whatever others publish would show in the ends."""
    with EmbeddedBroker(tmp_path_factory.mktemp("kafka")) as broker:
        connection = Connection(broker.bootstrap_servers)
        reference = load_snapshot(load_config({}))
        admin.create_topics(
            connection, topics.system_topics(case_partitions=6, max_document_bytes=1 << 20), 1
        )
        stewards.seed(connection, reference.table_set)
        log = Log(connection, reference)
        small = (OWN / "1.0/samples/valid/small.xml").read_bytes()
        broken = (OWN / "1.0/samples/invalid/192-total-gross-mass-measure.xml").read_bytes()

        def numbered(number: str) -> bytes:
            return small.replace(b"NSWD000000001", number.encode())

        log.judge(numbered("RVLD000000001"), "RVLD000000001")
        log.judge(broken, "NSWD000000001")
        log.judge(b"junk", "RVLD000000003")
        log.judge(b"<x/>", "RVLD000000001", agency="CUSTOMS")
        log.judge(numbered("RVLD000000004"), "RVLD000000004", datetime(2026, 11, 17, 16, 59, 59, tzinfo=UTC))
        log.judge(numbered("RVLD000000005"), "RVLD000000005", datetime(2026, 11, 18, 17, 0, 0, tzinfo=UTC))
        permits = reference.table_set.tables["permits"]
        row = b"10063040,001,export,NBTC,2026-01-01\n"
        log.take(reference.table_set.with_table(replace(permits, content=permits.content + row)))
        log.judge(numbered("RVLD000000006"), "RVLD000000006")
        log.judge(numbered("RVLD000000007"), "RVLD000000007", judged=False)
        yield log


def run(log: Log, *arguments: object) -> Result:
    """Run the command; afterwards every topic ends where it ended before."""
    ends = log.ends()
    servers = log.connection.bootstrap_servers
    result = CliRunner().invoke(app, ["revalidate", "--bootstrap-servers", servers, *map(str, arguments)])
    assert log.ends() == ends
    return result


def revalidate(
    log: Log, *arguments: object
) -> tuple[Result, dict[str, dict[str, object]], dict[str, object]]:
    """Run the command for the one day; give what differs by reference number, and the counts."""
    result = run(log, "--from", DAY, "--format", "json", *arguments)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    *changes, last = rows or [{"summary": {}}]
    return result, {each["reference_number"]: each for each in changes}, last["summary"]


def test_judges_each_by_the_tables_of_its_time(log: Log) -> None:
    """Under the first set only what the second one judged changes, though the second one counts now."""
    first = stewards.read_ledger(log.connection).approvals[1].set
    result, changes, summary = revalidate(log, "--with", first)

    assert result.exit_code == 1, result.output
    assert {name: each["agencies_lost"] for name, each in changes.items()} == {
        "RVLD000000006": ["NBTC"],
        "RVLD000000007": ["NBTC"],
    }
    assert str(changes["RVLD000000006"]["judged_by"]).endswith(log.reference.table_set.version)
    assert changes["RVLD000000007"]["judged_by"] is None
    assert (summary["judged"], summary["changed"], summary["unchanged"]) == (5, 2, 3)
    assert (summary["not_decided_yet"], summary["tables_not_kept"], summary["decided_otherwise"]) == (1, 0, 0)


def test_nothing_changes_under_what_counts_now(log: Log) -> None:
    """But for those that an older set judged: they get the new permit's agency."""
    _, changes, summary = revalidate(log, "--with", log.reference.table_set.version)

    assert {name: each["agencies_gained"] for name, each in changes.items()} == {"RVLD000000001": ["NBTC"]}
    assert summary["agencies_gained"] == {"NBTC": 1}


def test_shows_a_changed_rule_code_list_and_permit_at_once(log: Log, tmp_path: Path) -> None:
    """Each in a folder of its own; neither payload nor party is shown."""
    shutil.copytree(OWN, tmp_path / "rules" / "export", ignore=shutil.ignore_patterns("samples"))
    rules = tmp_path / "rules" / "export" / "1.0" / "rules.sch"
    text = rules.read_text("utf-8")
    rules.write_text(text.replace("TH-EXP-192", "TH-EXP-992"), "utf-8")
    shutil.copytree(ROOT / "schemas/th/codes", tmp_path / "lists" / "codes")
    countries = tmp_path / "lists" / "codes" / "countries.csv"
    countries.write_text(
        countries.read_text("utf-8").replace("SG,Singapore,,,,", "SG,Singapore,,,2026-11-17,"), "utf-8"
    )
    (tmp_path / "tables").mkdir()
    permits = (ROOT / "deploy/reference/permits.csv").read_text("utf-8")
    (tmp_path / "tables" / "permits.csv").write_text(
        permits.replace("10063040,001,export,DFT", "10063040,002,export,DFT"), "utf-8"
    )

    folders = [part for each in ("rules", "lists", "tables") for part in ("--with", tmp_path / each)]
    result, changes, summary = revalidate(log, *folders)
    _, of_tables, _ = revalidate(log, "--with", tmp_path / "tables", "--until", "2026-11-19")

    assert result.exit_code == 1, result.output
    assert [each["code"] for each in changes["NSWD000000001"]["gone"]] == ["TH-EXP-192"]  # type: ignore[attr-defined]
    assert changes["RVLD000000001"]["verdict_after"] == "rejected"
    assert summary["by_change"] == {"findings": 4, "verdict": 3, "agencies": 3}
    # Each of the four valid in schema names the country in three places.
    assert summary["found"] == {"TH-EXP-042": 12, "TH-EXP-992": 1}
    assert {name: each["agencies_lost"] for name, each in of_tables.items()} == {
        "RVLD000000001": ["DFT"],
        "RVLD000000005": ["DFT"],
        "RVLD000000006": ["DFT", "NBTC"],
        "RVLD000000007": ["DFT", "NBTC"],
    }
    assert PARTY not in result.stdout
    assert "Singapore" not in result.stdout


def test_says_when_the_window_decided_otherwise(log: Log) -> None:
    """Tables that are not kept, and events that tell of another decision, are counted."""
    other = replace(log.reference, version=f"{'0' * 16}-{'1' * 16}")
    mine = Log(log.connection, other, log.lodged)
    value = (OWN / "1.0/samples/valid/small.xml").read_bytes()
    mine.judge(
        value.replace(b"NSWD000000001", b"RVLD000000008"), "RVLD000000008", datetime(2026, 11, 20, tzinfo=UTC)
    )
    # As if the software had decided otherwise: by the first set, under the second one's name.
    ledger = stewards.read_ledger(log.connection)
    first = stewards.load_reference_of(ledger.approvals[1].set, ledger, log.reference.types)
    mine.reference = replace(first, version=log.reference.version)
    mine.judge(
        value.replace(b"NSWD000000001", b"RVLD000000009"), "RVLD000000009", datetime(2026, 11, 20, tzinfo=UTC)
    )

    result = run(log, "--from", "2026-11-20", "--with", ROOT / "deploy/reference")

    assert "2 declarations judged again: 2 differ, 0 do not" in result.stdout, result.output
    assert "1 judged then by tables that are not kept" in result.stdout
    assert "1 decided otherwise then" in result.stdout
    assert "RVLD000000008  th.export-declaration  2026-11-20T00:00:00.000Z  accepted" in result.stdout
    assert "    - agency NBTC" in result.stdout
