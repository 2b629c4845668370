"""
The sets of documents that others wrote, and whether the window's verdicts agree with what is known of each document.

The tests and ``python -m tests.conformance`` share it.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from lxml import etree

from nsw.config import load_config
from nsw.errors import Code, Layer, Verdict
from nsw.processing import Judgement, judge
from nsw.reference import Reference
from nsw.typefolders import load_catalogue
from nsw.worker import load_snapshot
from tests.conformance.ics.folder import find_rule_files, write_message_type

HERE = Path(__file__).resolve().parent
#: Where the documents of others lie beside the project, unless NSW_CONFORMANCE_DATA names another folder.
DATA = HERE.parents[2] / "shared" / "data"
LODGED_ON = date(2026, 6, 1)
ICS_ROOT = "{http://ics.dgtaxud.ec/CC315A}CC315A"

ICS_CASES = "hmrc-ics-ens/cases/ruleTestCases315/*.xml"
#: Documents that their XSDs accept, below the data.
VALID = {
    "cds": "hmrc-cds-dms/valid/*/*.xml",
    "ncts": "hmrc-ctc-ncts5/valid/*.xml",
    "ubl": "ubl-2.3/valid/*.xml",
}

_ERROR = "{http://www.govtalk.gov.uk/CM/errorresponse}"
_PREFIX = re.compile(r"(?<=/)[^/:\[]+:")


@dataclass(frozen=True, slots=True)
class Agreement:
    """How one set came out; *disagreements* hold a sentence for each document."""

    name: str
    documents: int
    disagreements: tuple[str, ...]
    seconds: float


Judge = Callable[[Path], str | None]
"""Judges a document; gives a sentence when the verdict is not as it must be."""


def load_types(folders: Iterable[Path], data: Path) -> Reference:
    """Give the window's own snapshot with the message types of some folders in place of its own."""
    return _load_types(tuple(folders), data)


# A snapshot never changes, and reading the larger XSDs takes seconds.
@cache
def _load_types(folders: tuple[Path, ...], data: Path) -> Reference:
    catalogue = load_catalogue(list(folders), {"NSW_CONFORMANCE_DATA": str(data)})
    return replace(load_snapshot(load_config({})), catalogue=catalogue)


def compare(name: str, documents: Iterable[Path], disagreement: Judge) -> Agreement:
    """Judge all documents of a set."""
    start = time.perf_counter()
    paths = sorted(documents)
    found = tuple(
        f"{path.name}: {sentence}" for path in paths if (sentence := disagreement(path)) is not None
    )
    return Agreement(name, len(paths), found, time.perf_counter() - start)


# Entry summary declarations: each document has its answer beside it.


def write_ics(data: Path, out: Path) -> Path:
    """Make the message type from HMRC's rules; give its folder."""
    folder = data / "hmrc-ics-ens"
    files = find_rule_files(folder / "rules", exclude=["p3_p72_New.json"])
    write_message_type(
        files,
        "${NSW_CONFORMANCE_DATA}/hmrc-ics-ens/xsd/CC315A-v11-2.xsd",
        out,
        ICS_ROOT,
        {"NSW_CONFORMANCE_DATA": str(data)},
    )
    return out


def compare_ics_schema(data: Path, reference: Reference) -> Agreement:
    """Compare accept or reject by the schema alone; what rules say does not count here."""

    def disagreement(path: Path) -> str | None:
        expected = len(_answer_beside(path)) > 0
        findings = judge(path.read_bytes(), LODGED_ON, reference).findings
        rejected = [each for each in findings if each.layer is not Layer.RULE]
        if expected is bool(rejected):
            return None
        return f"rejected is {bool(rejected)}, expected is {expected}: {rejected}"

    cases = data / "hmrc-ics-ens" / "cases" / "schemaTestCases315"
    return compare("ICS 315, schema cases", cases.glob("*.xml"), disagreement)


def compare_ics_rules(data: Path, reference: Reference) -> Agreement:
    """Compare the multisets of code and location, without prefixes."""

    def disagreement(path: Path) -> str | None:
        expected = Counter(_expected_findings(_answer_beside(path)))
        judgement = judge(path.read_bytes(), LODGED_ON, reference)
        found = Counter((str(each.code), without_prefixes(each.path or "")) for each in judgement.findings)
        if found == expected:
            return None
        return f"missing {dict(expected - found)}, surplus {dict(found - expected)}"

    cases = data / "hmrc-ics-ens" / "cases" / "ruleTestCases315"
    return compare("ICS 315, rule cases", cases.glob("*.xml"), disagreement)


def without_prefixes(path: str) -> str:
    """Take the namespace prefixes out of a location."""
    return _PREFIX.sub("", path)


def _answer_beside(path: Path) -> etree._Element:
    return etree.parse(str(path.with_suffix(".ctl"))).getroot()


def _expected_findings(answer: etree._Element) -> Iterator[tuple[str, str]]:
    for error in answer.iter(f"{_ERROR}Error"):
        number = error.findtext(f"{_ERROR}Number")
        if number is not None:
            yield number, without_prefixes(error.findtext(f"{_ERROR}Location") or "")


# Sets whose folders say what must become of the documents.


def disagreement_of(reference: Reference, expect: Callable[[Judgement], str | None]) -> Judge:
    """Expect something of documents; those with a root that no message type has must be dead letters."""
    roots = {each.root for each in reference.catalogue.types}

    def disagreement(path: Path) -> str | None:
        judgement = judge(path.read_bytes(), LODGED_ON, reference)
        root = _root_of(path)
        return expect_dead_letter(judgement) if root and root not in roots else expect(judgement)

    return disagreement


def _root_of(path: Path) -> str:
    """Give the root's name; '' where there is no document."""
    try:
        return str(etree.parse(str(path)).getroot().tag)
    except etree.XMLSyntaxError:
        return ""


def expect_accepted(judgement: Judgement) -> str | None:
    """Expect no finding."""
    return None if judgement.verdict is Verdict.ACCEPTED else _seen(judgement)


def expect_rejected(judgement: Judgement) -> str | None:
    """Expect findings of the schema, each with path and line."""
    placed = all(each.path and each.line for each in judgement.findings)
    by_schema = {each.layer for each in judgement.findings} == {Layer.SCHEMA}
    return None if judgement.verdict is Verdict.REJECTED and placed and by_schema else _seen(judgement)


def expect_malformed(judgement: Judgement) -> str | None:
    """Expect a rejection with the line at which the XML breaks off."""
    codes = [each.code for each in judgement.findings]
    placed = all(each.line for each in judgement.findings)
    is_right = judgement.verdict is Verdict.REJECTED and codes == [Code.NOT_WELL_FORMED] and placed
    return None if is_right else _seen(judgement)


def expect_dead_letter(judgement: Judgement) -> str | None:
    """Expect that no message type is found, by the root's name and namespace."""
    codes = {each.code for each in judgement.findings}
    is_right = judgement.verdict is Verdict.DEAD_LETTER and codes <= {Code.UNKNOWN_ROOT, Code.WRONG_NAMESPACE}
    return None if is_right else _seen(judgement)


def _seen(judgement: Judgement) -> str:
    findings = "; ".join(f"{each.code} {each.path} {each.text_en}" for each in judgement.findings[:3])
    return f"{judgement.verdict}: {findings}"


@dataclass(frozen=True, slots=True)
class FolderSet:
    """
    A set of documents that is judged by a folder of message types.

    Attributes:
        types: folder beside this module.
        documents: folder below the data.
    """

    name: str
    types: str
    documents: str
    expect: Callable[[Judgement], str | None]


FOLDER_SETS: Mapping[str, tuple[FolderSet, ...]] = {
    "cds": (
        FolderSet("CDS declarations", "cds", "hmrc-cds-dms/valid/declaration", expect_accepted),
        FolderSet(
            "CDS file uploads, movements", "cds", "hmrc-cds-dms/valid/movement_or_upload", expect_accepted
        ),
        FolderSet(
            "CDS notifications", "cds-notification", "hmrc-cds-dms/valid/notification", expect_accepted
        ),
        FolderSet("CDS, invalid", "cds", "hmrc-cds-dms/invalid/schema", expect_rejected),
        FolderSet("CDS, malformed", "cds", "hmrc-cds-dms/invalid/malformed", expect_malformed),
        FolderSet("CDS, without namespace", "cds", "hmrc-cds-dms/no_namespace", expect_dead_letter),
    ),
    "ncts": (
        FolderSet("NCTS CC007C and CC015C", "ncts", "hmrc-ctc-ncts5/valid", expect_accepted),
        FolderSet("NCTS, invalid", "ncts", "hmrc-ctc-ncts5/invalid", expect_rejected),
    ),
    "ubl": (FolderSet("UBL", "ubl", "ubl-2.3/valid", expect_accepted),),
}


def compare_folder(each: FolderSet, data: Path, reference: Reference) -> Agreement:
    """Judge the documents of a folder."""
    documents = (data / each.documents).glob("*.xml")
    return compare(each.name, documents, disagreement_of(reference, each.expect))
