"""``nsw reference`` without a window: importing, listing, showing, comparing, exporting the folders' tables."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PERMITS = "tariff,statistical_code,direction,agency,effective_from,effective_until\n"
RICE = "10063040,001,export,DFT,2016-04-01,"
PORTS = "code,name_en,name_th,valid_from,valid_to,mode\n"
AGENCIES = """agencies:
  - {code: CUSTOMS, name: {en: Customs, th: ศุลกากร}, lead: true, accepts: [{message_types: ["*"], formats: [xml]}]}
  - {code: DFT, name: {en: Trade, th: ค้า}, accepts: [{message_types: ["*"], formats: [xml]}]}
"""
INDEX = """lists:
  - name: th.ports
    file: ports.csv
    title: {en: Ports, th: ท่า}
    made: hand
    owner: customs
    source: a table
    licence: facts
    key: [code]
    columns: {mode: sea or air}
"""
ROUTING_TEST = """name: rice
message_type: nsw.x
direction: export
on: 2026-01-01
items: [{tariff_code: "10063040", statistical_code: "001"}]
expect: {agencies: [CUSTOMS, DFT]}
"""


def dated(days: str) -> str:
    """Give the agencies with days of one of them."""
    return AGENCIES.replace("code: DFT", f"code: DFT, {days}")


@dataclass(frozen=True)
class Folders:
    """A small window's folders, and a place for new files."""

    root: Path

    def run(self, *arguments: str) -> Result:
        environment = {
            "NSW_SCHEMA_FOLDERS": str(self.root / "schemas"),
            "NSW_REFERENCE_FOLDER": str(self.root / "tables"),
        }
        return CliRunner().invoke(app, ["reference", *arguments], env=environment)

    def write(self, name: str, content: str | bytes) -> str:
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def refuse(self, *arguments: str) -> list[str]:
        """Run an import that is refused and changes nothing; give its problems, without folders."""
        before = self.snapshot()
        done = self.run("import", *arguments)
        assert done.exit_code == 2, done.output
        assert self.snapshot() == before
        told = (each for each in done.stderr.splitlines() if each.startswith("  "))
        return [each.strip().replace(f"{self.root}/", "") for each in told]

    def snapshot(self) -> dict[str, bytes]:
        return {str(each): each.read_bytes() for each in sorted(self.root.rglob("*")) if each.is_file()}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Give the folders of a window with two agencies, one permit and one list."""
    folders = Folders(tmp_path)
    shutil.copytree(ROOT / "schemas" / "nsw", tmp_path / "schemas" / "nsw")
    folders.write("schemas/codes/lists.yaml", INDEX)
    folders.write("schemas/codes/ports.csv", PORTS + "LCH,Laem Chabang,,,,sea\n")
    for name in ("window.yaml", "parties.yaml"):
        folders.write(f"tables/{name}", (ROOT / "deploy" / "reference" / name).read_bytes())
    folders.write("tables/agencies.yaml", AGENCIES)
    folders.write("tables/routes.yaml", "routes: []\n")
    folders.write("tables/permits.csv", PERMITS + "10063040,001,export,DFT,2016-04-01,\n")
    folders.write("tables/routing_tests/rice.yaml", ROUTING_TEST)
    return folders


def test_files_take_their_tables_place_and_the_difference_is_shown(folders: Folders) -> None:
    """Row by row, with the line; nothing is written in a dry run."""
    permits = PERMITS + "10063040,001,export,DFT,2016-04-01,2027-01-01\n10063040,002,export,DFT,2026-04-01,\n"
    ports = PORTS + "LCH,Laem Chabang,แหลมฉบัง,,,sea\nBKK,Bangkok,,,,sea\n"
    files = folders.write("new/permits.csv", permits), folders.write("new/ports.csv", ports)
    before = folders.snapshot()
    dry = folders.run("import", "--dry-run", *files)
    after_dry_run = folders.snapshot()
    done = folders.run("import", *files)

    assert dry.exit_code == done.exit_code == 0, done.output
    assert after_dry_run == before
    assert "permits: 1 added, 0 removed, 0 changed, 1 ended" in done.stdout
    assert (
        "| ended 10063040 001 export DFT 2016-04-01 (line 2)\n      effective_until '' → '2027-01-01'"
        in done.stdout
    )
    assert "codes/th.ports: 1 added, 0 removed, 1 changed, 0 ended" in done.stdout
    assert (folders.root / "tables" / "permits.csv").read_text("utf-8") == permits
    assert (folders.root / "schemas" / "codes" / "ports.csv").read_text("utf-8") == ports
    assert "nothing to write" in folders.run("import", *files).stdout


def test_a_difference_is_given_as_json(folders: Folders) -> None:
    """One object for each row."""
    file = folders.write("any.csv", PORTS + "LCH,Laem Chabang,,2026-01-01,,air\n")
    done = folders.run("import", file, "--table", "th.ports", "--dry-run", "--format", "json")

    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"table": "codes/th.ports", "change": "added", "row": "LCH 2026-01-01", "line": 2, "cells": {}},
        {"table": "codes/th.ports", "change": "removed", "row": "LCH", "line": 2, "cells": {}},
    ]


def test_all_problems_of_all_files_are_told_with_their_lines_and_nothing_is_written(folders: Folders) -> None:
    """Even where one of the files is good."""
    bad = PERMITS + "1,001,export,DFT,2016-04-01,\n10063040,001,up,XX,2016-13-01,2015-01-01\n"
    good = folders.write(
        "new/parties.yaml", (ROOT / "deploy" / "reference" / "parties.yaml").read_bytes() + b"# x\n"
    )
    ports = folders.write(
        "new/ports.csv", PORTS + "A,a,,2026-01-01,,air\nA,b,,2026-06-01,,air\nB,b,,x,,air\n"
    )

    assert folders.refuse(folders.write("new/permits.csv", bad), good, ports) == [
        "new/ports.csv:3: the code 'A' has another row for some of these days",
        "new/ports.csv:4: 'x' is no date of the form 2026-01-31",
        "new/permits.csv line 2: tariff '1' is not 8 digits (a spreadsheet may have dropped leading zeros)",
        "new/permits.csv line 3: direction 'up' is not one of import, export, both",
        "new/permits.csv line 3: effective_from '2016-13-01' is not a date like 2026-01-31",
    ]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("permits.csv", PERMITS + f"{RICE}\n" * 2, "permits.csv line 3: the same row as line 2"),
        ("permits.csv", PERMITS.encode() + b"\n\xa1\xa2", "permits.csv line 3: not UTF-8"),
        ("permits.csv", PERMITS + RICE.replace("DFT", "FDA"), "agency FDA is not in the table of agencies"),
        ("agencies.yaml", dated("valid_to: 2027-01-31"), "agency DFT is in the table until 2027-01-31 only"),
        ("agencies.yaml", dated("valid_from: 2020-01-01"), "line 2: it holds from 2016-04-01, but agency"),
        (
            "agencies.yaml",
            AGENCIES.replace("lead:", "valid_to: 2020-01-01, lead:"),
            "the lead agency has no days",
        ),
        ("window.yaml", "name: x\n", "window.yaml line 1: the file: 'source' is missing"),
        ("other.csv", "x", "other.csv: which table is it?"),
    ],
)
def test_what_a_window_could_not_start_with_is_refused(
    folders: Folders, name: str, content: str | bytes, sentence: str
) -> None:
    """Encodings, contradictions between tables, unknown files."""
    assert sentence in "\n".join(folders.refuse(folders.write(f"new/{name}", content)))


def test_permits_that_hold_twice_are_noted_and_taken(folders: Folders) -> None:
    """The facts hold such rows: they do no harm, but may not be meant."""
    rows = "10063040,001,both,DFT,2016-04-01,\n10063040,001,export,DFT,2017-01-01,2018-01-01\n"
    done = folders.run("import", folders.write("new/permits.csv", PERMITS + rows))

    assert done.exit_code == 0
    assert "permits.csv line 3: 10063040/001 export DFT holds on days of line 2 too" in done.stderr


def test_routing_tests_that_expect_otherwise_are_noted(folders: Folders) -> None:
    """They lie beside the tables, and are changed with them."""
    done = folders.run("import", folders.write("new/permits.csv", PERMITS))

    assert done.exit_code == 0
    assert "rice.yaml: expected CUSTOMS, DFT; the tables give CUSTOMS" in done.stderr


def test_an_agency_may_end_once_its_rows_have(folders: Folders) -> None:
    """First the permit, then the agency: at no time do goods go to nobody."""
    permits = folders.write("new/permits.csv", PERMITS + "10063040,001,export,DFT,2016-04-01,2026-06-30\n")
    ended = dated("valid_from: 2016-04-01, valid_to: 2026-06-30")
    agencies = folders.write("new/agencies.yaml", ended)

    assert "but agency DFT" in "\n".join(folders.refuse(agencies))
    assert folders.run("import", permits).exit_code == 0
    assert folders.run("import", agencies).exit_code == 0


def test_tables_are_listed_and_shown_with_what_is_said_of_them(folders: Folders) -> None:
    """Without a window."""
    listed = [
        json.loads(line) for line in folders.run("list", "--folder", "--format", "json").stdout.splitlines()
    ]
    shown = folders.run("show", "th.ports", "--version", "folder", "--format", "json").stdout.splitlines()
    none = folders.run("show", "permits", "--version", "folder", "--on", "2016-03-31")

    assert [each["table"] for each in listed] == [
        "agencies",
        "codes/th.ports",
        "parties",
        "permits",
        "routes",
        "window",
    ]
    assert listed[1]["owner"] == "customs"
    assert listed[3]["valid"] == "2016-04-01 to open"
    assert json.loads(shown[0])["title_th"] == "ท่า"
    assert json.loads(shown[1]) == {"line": 2, "code": "LCH", "name_en": "Laem Chabang", "mode": "sea"}
    assert "on 2016-03-31: 0 rows" in none.stdout
    assert "Laem Chabang" in folders.run("show", "th.ports", "--version", "folder").stdout
    assert "th.ports" in folders.run("list", "--folder").stdout


def test_an_exported_folder_is_the_same_set(folders: Folders) -> None:
    """It can be compared, and imported from."""
    out = folders.root / "out"
    exported = folders.run("export", str(out), "--version", "folder")
    folders.write("out/permits.csv", PERMITS + "10063040,003,export,DFT,2016-04-01,\n")
    changed = folders.run("diff", "folder", str(out))

    assert exported.exit_code == 0, exported.output
    assert "permits: 1 added, 1 removed" in changed.stdout
    assert "no difference" in folders.run("diff", "folder", "folder").stdout
