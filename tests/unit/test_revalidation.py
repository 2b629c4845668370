"""Judging again: what differs between two judgements, and the officer's dry run on documents, without a broker."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.errors import Layer, Severity, Verdict
from nsw.identifiers import AgencyCode
from nsw.model import Decision, Finding
from nsw.processing import Judgement
from nsw.revalidation import DifferenceKind, Place, Summary, compare

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "schemas" / "th" / "export-declaration"
VALID = OWN / "1.0" / "samples" / "valid"
DAY = "2026-11-18"


def finding(
    code: str, path: str | None = "/A[1]", severity: Severity = Severity.ERROR, text: str = ""
) -> Finding:
    return Finding(code, severity, Layer.RULE, path, 1, text, text)


def judgement(*findings: Finding, agencies: str = "") -> Judgement:
    verdict = Verdict.ACCEPTED if agencies else Verdict.REJECTED
    return Judgement(verdict, findings, decision=Decision(tuple(map(AgencyCode, agencies.split()))))


@pytest.mark.parametrize(
    ("before", "after", "kinds", "found", "gone"),
    [
        (judgement(finding("A")), judgement(finding("A", text="other words")), "", "", ""),
        (judgement(finding("A")), judgement(finding("A"), finding("A")), "findings", "A", ""),
        (judgement(finding("A")), judgement(finding("A", "/A[2]")), "findings", "A", "A"),
        (judgement(finding("A")), judgement(finding("A", severity=Severity.WARNING)), "findings", "A", "A"),
        (judgement(finding("A", None)), judgement(agencies="X Y"), "verdict findings agencies", "", "A"),
        (judgement(agencies="X Y"), judgement(agencies="Y Z"), "agencies", "", ""),
    ],
    ids=["words", "once more", "place", "weight", "verdict", "agencies"],
)
def test_compares_what_decides(
    before: Judgement, after: Judgement, kinds: str, found: str, gone: str
) -> None:
    """Code, weight and place of findings, verdict and agencies; not sentences."""
    difference = compare(before, after)
    back = compare(after, before)

    assert " ".join(difference.kinds) == kinds
    assert " ".join(each.code for each in difference.found) == found
    assert " ".join(each.code for each in difference.gone) == gone
    assert (back.found, back.gone) == (difference.gone, difference.found)
    assert (back.gained, back.lost) == (difference.lost, difference.gained)


def test_counts_by_kind_type_code_and_agency() -> None:
    """Declarations that are judged alike are counted, and nothing else of them."""
    summary = Summary()
    summary.add(compare(judgement(agencies="X"), judgement(finding("A"), finding("B"))), "t.one")
    summary.add(compare(judgement(agencies="X"), judgement(agencies="X Z")), "t.two")
    summary.add(compare(judgement(finding("A")), judgement(finding("A"))), "t.one")

    assert (summary.judged, summary.changed, summary.unchanged) == (3, 2, 1)
    kinds = (DifferenceKind.VERDICT, DifferenceKind.FINDINGS, DifferenceKind.AGENCIES)
    assert [summary.by_kind[each] for each in kinds] == [1, 1, 2]
    assert summary.by_type == Counter({"t.one": 1, "t.two": 1})
    assert summary.by_verdicts == Counter({(Verdict.ACCEPTED, Verdict.REJECTED): 1})
    assert (summary.found, summary.gone) == (Counter("AB"), Counter())
    assert (summary.gained, summary.lost) == (Counter("Z"), Counter("X"))
    assert Place("A", Severity.ERROR, "") < Place("B", Severity.ERROR, "")


def revalidate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["revalidate", *map(str, arguments)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Give the window's own export declaration with one rule more, and without another."""
    folder = tmp_path / "rules" / "export-declaration"
    shutil.copytree(OWN, folder, ignore=shutil.ignore_patterns("samples"))
    path = folder / "1.0" / "rules.sch"
    text = path.read_text("utf-8").replace("TH-EXP-192", "TH-EXP-992")
    more = (
        '<sch:pattern><sch:rule context="/d:ExportDeclaration/d:Control/d:DestinationCountryCode">'
        '<sch:assert id="NEW-1" test=". != \'SG\'">Not to Singapore.</sch:assert></sch:rule></sch:pattern>'
    )
    path.write_text(text.replace("<sch:diagnostics>", more + "<sch:diagnostics>", 1), "utf-8")
    return folder


def test_shows_what_a_changed_rule_would_do(rules: Path) -> None:
    """Verdicts, findings and agencies, for people and for programs; nothing of the documents' contents."""
    sample = OWN / "1.0" / "samples" / "invalid" / "192-total-gross-mass-measure.xml"
    arguments = (
        "--documents",
        VALID / "small.xml",
        "--documents",
        sample,
        "--on",
        DAY,
        "--with",
        rules.parent,
    )

    shown, told = revalidate(*arguments), revalidate(*arguments, "--format", "json")

    small, broken, last = map(json.loads, told.stdout.splitlines())
    assert (shown.exit_code, told.exit_code) == (1, 1)
    assert (small["verdict_before"], small["verdict_after"]) == ("accepted", "rejected")
    place = "/ExportDeclaration[1]/Control[1]/DestinationCountryCode[1]"
    assert small["found"] == [{"code": "NEW-1", "severity": "error", "path": place}]
    assert (small["agencies_gained"], small["agencies_lost"]) == ([], ["CUSTOMS", "DFT"])
    assert small["changes"] == ["verdict", "findings", "agencies"]
    assert [each["code"] for each in broken["gone"]] == ["TH-EXP-192"]
    assert last["summary"]["by_verdict"] == {"accepted → rejected": 1}
    assert last["summary"]["found"]["NEW-1"] == 1 + ("NEW-1" in str(broken))
    assert f"+ error NEW-1  {place}" in shown.stdout
    assert "2 declarations judged again: 2 differ, 0 do not" in shown.stdout
    assert "no longer found TH-EXP-192" in shown.stdout
    assert "NSWD000000001" not in shown.stdout + told.stdout


def test_shows_what_changed_tables_would_do(tmp_path: Path) -> None:
    """A folder may hold only the tables that change: a permit row and a code list here."""
    permits = (ROOT / "deploy/reference/permits.csv").read_text("utf-8")
    (tmp_path / "permits.csv").write_text(permits + "10063040,001,export,NBTC,2026-01-01\n", "utf-8")
    shutil.copytree(ROOT / "schemas/th/codes", tmp_path / "th" / "codes")
    units = tmp_path / "th" / "codes" / "countries.csv"
    units.write_text(
        units.read_text("utf-8").replace("SG,Singapore,,,,", "SG,Singapore,,,2026-01-01,"), "utf-8"
    )

    only_permits = tmp_path / "permits"
    only_permits.mkdir()
    shutil.copy(tmp_path / "permits.csv", only_permits)
    one = revalidate(
        "--documents", VALID / "small.xml", "--on", DAY, "--with", only_permits, "--format", "json"
    )
    both = revalidate("--documents", VALID / "small.xml", "--on", DAY, "--with", tmp_path, "--format", "json")

    assert json.loads(one.stdout.splitlines()[0])["agencies_gained"] == ["NBTC"]
    assert {each["code"] for each in json.loads(both.stdout.splitlines()[0])["found"]} == {"TH-EXP-042"}


def test_nothing_would_change() -> None:
    """Under the window's own tables; the counts say how many were tried."""
    result = revalidate("--documents", VALID, "--on", DAY, "--with", ROOT / "deploy/reference")

    assert result.exit_code == 0, result.output
    assert "declarations judged again: 0 differ" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "a first lodging date is needed"),
        (["--documents", str(VALID)], "a folder or a version to judge by is needed"),
        (["--documents", str(VALID), "--with", "nowhere"], "neither a folder nor a version"),
        (["--documents", str(VALID), "--with", "0123456789abcdef"], "versions are kept in Kafka"),
        (["--documents", str(VALID), "--with", str(ROOT / "docs")], "holds neither message types nor tables"),
        (["--documents", str(VALID), "--from", DAY, "--with", str(OWN)], "dates choose from the log"),
        (["--from", DAY, "--on", DAY, "--with", str(OWN)], "was lodged when it was"),
        (["--from", DAY, "--until", "2026-11-17", "--with", str(OWN)], "2026-11-17 is before 2026-11-18"),
    ],
)
def test_refuses_what_it_can_not_do(arguments: list[str], sentence: str) -> None:
    """With a sentence, and exit code 2."""
    result = CliRunner().invoke(app, ["revalidate", *arguments], terminal_width=200)

    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())


def test_tells_every_problem_of_the_new_tables(tmp_path: Path) -> None:
    """Nothing is judged by tables that the window would refuse."""
    head = "tariff,statistical_code,direction,agency,effective_from"
    (tmp_path / "permits.csv").write_text(f"{head}\n1,2,3,4,5\n", "utf-8")

    result = revalidate("--documents", VALID, "--with", tmp_path)

    assert result.exit_code == 2
    assert "permits.csv line 2" in result.output
