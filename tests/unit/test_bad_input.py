"""Bad input of every kind gets file, line and a sentence, and never a traceback; see also the tests of each part."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from typer.testing import CliRunner

from nsw import topics
from nsw.casestore import CaseBook
from nsw.casework import Casework, Destinations
from nsw.cli.app import app
from nsw.codelists import load_code_lists
from nsw.errors import Code, ConfigError, Verdict
from nsw.lodging import LodgingSettings, lodge
from nsw.model import Record
from nsw.processing import judge
from nsw.reference import Reference
from nsw.routing import load_agencies, load_permits, load_routes
from nsw.telemetry import Telemetry
from nsw.textfile import KeptFile, TextFile
from nsw.typefolders import load_catalogue
from tests.memory import MemoryChangelog
from tests.smalltype import IMPORT_PLACE, RULES, TYPE, VALID, change, write_small_type

ROOT = Path(__file__).resolve().parents[2]
LODGED_ON = date(2026, 11, 18)
#: Deeper than Python can go.
NESTED = "[" * 600
ALIASES = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{each}: &a{each} [{', '.join([f'*a{each - 1}'] * 10)}]\n" for each in range(1, 10)
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a small message type with nothing wrong, which a test may break."""
    return write_small_type(tmp_path)


@pytest.fixture
def reference_folder(tmp_path: Path) -> Path:
    """Give a copy of the window's tables that a test may break."""
    return Path(shutil.copytree(ROOT / "deploy" / "reference", tmp_path / "reference"))


# Folders of message types.


def written(name: str, content: str | bytes) -> Callable[[Path], None]:
    """Break a folder by another content of a file."""

    def write(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def changed(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Break a folder by another text in a file."""
    return lambda folder: change(folder / name, old, new)


def field_of(path: str) -> Callable[[Path], None]:
    """Break a folder by another path of its field."""
    return changed("type.yaml", "reference_number: t:Reference", f"reference_number: {path}")


def imported(location: str) -> Callable[[Path], None]:
    """Break a folder by what its XSD imports."""
    reference = f'<xs:import namespace="urn:o" schemaLocation="{location}"/>\n'
    return changed("message.xsd", IMPORT_PLACE, reference + IMPORT_PLACE)


def ruled(test: str) -> Callable[[Path], None]:
    """Break a folder by the test of its rule."""
    return changed("rules.sch", "string-length(.) &gt; 2", test)


FOLDERS = {
    "empty": (written("type.yaml", ""), "type.yaml:1: 'key: value' lines are expected here"),
    "a list": (written("type.yaml", "- a\n"), "type.yaml:1: 'key: value' lines are expected here"),
    "encoding": (
        written("type.yaml", TYPE.encode().replace(b"Note", b"N\xf6te")),
        "type.yaml:4: not UTF-8 text; save the file as UTF-8",
    ),
    "nested": (written("type.yaml", f"a: {NESTED}"), "type.yaml: not YAML: nested too deeply"),
    "aliases": (written("type.yaml", ALIASES), "type.yaml:1: a0: Extra inputs are not permitted"),
    "alias of itself": (
        written("type.yaml", f"{TYPE}x: &x [*x]\n"),
        "type.yaml:17: x: Extra inputs are not permitted",
    ),
    "prefix of a field": (
        field_of("u:Reference"),
        "type.yaml:12: fields.reference_number: XPath 'string(u:Reference)': Undefined namespace prefix",
    ),
    "prefix in a predicate": (
        field_of("t:Reference[u:No]"),
        "type.yaml:12: fields.reference_number: XPath 'string(t:Reference[u:No])': 'namespaces' lacks u",
    ),
    "function of a field": (
        field_of("upper-case(t:Reference)"),
        "type.yaml:12: fields.reference_number: XPath 'string(upper-case(t:Reference))': Unregistered function",
    ),
    "encoding of an XSD": (
        written("message.xsd", b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- \xa1\xa2 --><a/>'),
        "message.xsd:2: is no well-formed XML: Invalid bytes in character encoding, line 2, column 6",
    ),
    "long name": (
        imported("o" * 300),
        f"message.xsd:3: import of '{'o' * 300}': can't be read: File name too long",
    ),
    "import of a folder": (imported("samples"), "message.xsd:3: import of 'samples': no such file"),
    "import of nothing": (imported(""), "message.xsd:3: import of '': no such file"),
    "rules that are empty": (
        written("rules.sch", ""),
        "rules.sch:1: no well-formed XML: Document is empty, line 1, column 1",
    ),
    "rules in another encoding": (
        written("rules.sch", RULES.encode().replace(b"too short", b"\xa1\xa2")),
        "rules.sch:5: no well-formed XML: Invalid bytes in character encoding, line 5, column 88",
    ),
    "rules with an entity": (
        written("rules.sch", '<!DOCTYPE a [<!ENTITY e SYSTEM "e.txt">]>\n' + RULES.replace("short", "&e;")),
        "rules.sch:2: the root must be {http://purl.oclc.org/dsdl/schematron}schema, without a document type",
    ),
    "parentheses": (ruled("(" * 3000 + "1" + ")" * 3000), "rules.sch:5: test: no XPath 1.0: Recursion limit"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_broken_folder_is_told(name: str, folder: Path) -> None:
    """The worker's loader and the check say the same."""
    broken, sentence = FOLDERS[name]
    broken(folder)

    result = CliRunner().invoke(app, ["schemas", "check", str(folder)])
    with pytest.raises(ConfigError) as caught:
        load_catalogue([folder], {})

    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
    assert f"{folder}/{sentence}" in result.stdout
    assert any(each.startswith(f"{folder}/{sentence}") for each in caught.value.problems)


# Rules that fail, or cost too much, on some document.


def with_type(reference: Reference, folder: Path) -> Reference:
    """Give a snapshot whose only message type is this one."""
    return replace(reference, catalogue=load_catalogue([folder], {}))


def test_a_rule_that_needs_seconds_ends_by_its_budget(folder: Path, reference: Reference) -> None:
    """The document goes on, and says what was not judged."""
    ruled("count(//*[count(//*[count(//*[count(//*) &gt; 1]) &gt; 1]) &gt; 1]) &gt; 0")(folder)
    change(folder / "message.xsd", 'maxOccurs="9"', 'maxOccurs="unbounded"')
    line = "<Line><Weight>1.50</Weight></Line>"
    document = VALID.replace(line, line * 1000).encode()

    judgement = judge(document, LODGED_ON, with_type(reference, folder))

    assert judgement.verdict is Verdict.ACCEPTED
    assert [each.code for each in judgement.findings] == [Code.RULE_NOT_JUDGED]
    assert "the rules ended after" in judgement.findings[0].text_en


def test_rules_that_fail_are_counted(folder: Path, reference: Reference, tmp_path: Path) -> None:
    """An operator sees by a metric that rules could not be judged."""
    ruled("string-length(.) &gt; 2 and count(string(.)) = 1")(folder)
    settings = LodgingSettings(
        cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=1, version="1"
    )
    lodged = lodge(Record("nsw.inbox.ACME", 0, 0, 1_795_370_400_000, b"A  1", VALID.encode()), settings)
    record = Record(topics.CASES, 0, 0, 0, lodged.key, lodged.value, lodged.headers)
    metrics = Telemetry({"agency": (), "message_type": ()})
    snapshot = with_type(reference, folder)
    known = frozenset({"nsw.agency.CUSTOMS.inbox", "nsw.outbox.ACME"})
    book = CaseBook(tmp_path / "book", MemoryChangelog(), keep_days=100, today=lambda: LODGED_ON)
    book.assign([0])
    work = Casework(lambda: snapshot, metrics, Destinations(lambda: known), book, 3)

    publications = list(work.process(record))
    work.committed([record], publications, 0.01)
    book.revoke([0])

    assert "nsw_rules_not_judged_total 1.0" in generate_latest(metrics.registry).decode()


# Tables.

HEADER = "code,name_en,name_th,valid_from,valid_to\n"
INDEX = """lists:
  - {name: a.list, file: list.csv, title: {en: List, th: รายการ}, made: hand, source: us, licence: ours, key: [code],
     columns: {}}
"""
LISTS: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("list.csv", "", "list.csv:1: the header must be code,name_en,name_th,valid_from,valid_to"),
    "UTF-16": ("list.csv", HEADER.encode("utf-16"), "list.csv:1: no UTF-8: invalid start byte"),
    "huge line": ("list.csv", f"{HEADER}{'1' * 200_000},,,,\n", "list.csv:2: no CSV: field larger than"),
    "NUL": (
        "list.csv",
        f"{HEADER}A\0,,,,\n",
        "list.csv:2: the code 'A\\x00' has characters that can't be seen",
    ),
    "nested": ("lists.yaml", f"lists: {NESTED}", "lists.yaml:1: no YAML: nested too deeply"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_broken_code_list_is_told(name: str, tmp_path: Path) -> None:
    """Besides what tests/unit/test_codelists.py has."""
    file, content, sentence = LISTS[name]
    (tmp_path / "lists.yaml").write_text(INDEX, "utf-8")
    (tmp_path / "list.csv").write_text(HEADER, "utf-8")
    (tmp_path / file).write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(ConfigError) as caught:
        load_code_lists(tmp_path)

    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path}/{sentence}")


PERMITS = "tariff,statistical_code,direction,agency,effective_from\n"
TABLES: dict[str, tuple[Callable[[TextFile], object], bytes, str]] = {
    "UTF-16": (load_permits, PERMITS.encode("utf-16"), "line 1: not UTF-8 text; save the file as UTF-8"),
    "huge line": (
        load_permits,
        f"{PERMITS}{'1' * 200_000},,,,\n".encode(),
        "line 2: not CSV: field larger than",
    ),
    "NUL": (
        load_permits,
        f"{PERMITS}\x0006304,001,export,DFT,2016-04-01\n".encode(),
        "line 2: tariff '\\x0006304' is not 8 digits",
    ),
    "nested agencies": (load_agencies, f"agencies: {NESTED}".encode(), "line 1: not YAML: nested too deeply"),
    "nested routes": (load_routes, f"routes: {NESTED}".encode(), "line 1: not YAML: nested too deeply"),
    "routes of themselves": (
        load_routes,
        b"routes: &a [*a]",
        "line 1: route: 'key: value' lines are expected",
    ),
    "many routes": (load_routes, ALIASES.encode(), "line 1: the file: unknown key 'a0'"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_broken_table_is_told(name: str) -> None:
    """Besides what tests/unit/test_routing.py has."""
    load, content, sentence = TABLES[name]

    with pytest.raises(ConfigError) as caught:
        load(KeptFile("new/table", content))

    assert caught.value.problems[0].startswith(f"new/table {sentence}")


def test_a_field_that_no_type_has_is_told_with_its_route(reference_folder: Path) -> None:
    """A route that asks for it would never hold."""
    path = reference_folder / "routes.yaml"
    route = """  - {id: odd, agencies: FDA, from: 2020-01-01, reason: {en: Odd, th: แปลก}, source: our choice,
     when: {colour_of_ship: red}}
"""
    path.write_text(path.read_text("utf-8").rstrip("\n") + f"\n{route}", "utf-8")
    line = path.read_text("utf-8").splitlines().index(route.splitlines()[0]) + 1

    result = CliRunner().invoke(
        app, ["config", "check", "--format", "json"], env={"NSW_REFERENCE_FOLDER": str(reference_folder)}
    )

    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"] == [
        f"{path.name} line {line}: no message type has the field colour_of_ship"
    ]
