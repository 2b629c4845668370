"""``nsw validate``: its JSON, its exit codes, and where its documents and message types come from."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.cli.output import read_settings
from nsw.cli.validate import load_snapshot, runs
from nsw.documents import encode_document, identify
from nsw.formats.xml import XmlLimits
from nsw.model import Format
from nsw.reference import Limits, Reference, load_reference

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
DECLARATION = SCHEMAS / "th/export-declaration/1.0/samples/valid/typical.xml"
RESPONSE = SCHEMAS / "th/response/1.0/samples/valid/accepted.xml"
DAY = "2026-11-18"

NOTE_TYPE = """\
message_type: {name}
version: "{version}"
kind: declaration
title: {{en: Note, th: บันทึก}}
direction: import
root: "{root}"
schema: note.xsd
effective: {{from: 2020-01-01}}
"""
NOTE_XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{namespace}">
  <xs:element name="{local}"><xs:complexType><xs:sequence/></xs:complexType></xs:element>
</xs:schema>
"""


@cache
def load_once(
    folders: tuple[Path, ...],
    reference_folder: Path,
    variables: tuple[tuple[str, str], ...],
    limits: Limits,
    schema_ids: Path | None,
) -> Reference:
    return load_reference(folders, reference_folder, dict(variables), limits, schema_ids)


@pytest.fixture(autouse=True)
def window_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the window's own files once for all tests: a snapshot never changes."""

    def load(
        folders: tuple[Path, ...], folder: Path, variables: dict[str, str], limits: Limits, ids: Path | None
    ) -> Reference:
        return load_once(folders, folder, tuple(variables.items()), limits, ids)

    monkeypatch.setattr("nsw.reference.load_reference", load)


def validate(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["validate", "--on", DAY, *map(str, arguments)], input=stdin)


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def write_type(
    folder: Path, root: str, *, name: str = "xx.note", version: str = "1.0", extra: str = ""
) -> Path:
    """Write a message type whose documents are one empty element."""
    folder.mkdir(parents=True)
    namespace, _, local = root[1:].partition("}")
    content = NOTE_TYPE.format(name=name, version=version, root=root) + extra
    (folder / "type.yaml").write_text(content, "utf-8")
    (folder / "note.xsd").write_text(NOTE_XSD.format(namespace=namespace, local=local), "utf-8")
    return folder


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Give a declaration without its first two fields."""
    path = tmp_path / "broken.xml"
    lines = DECLARATION.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "TypeCode" not in line), "utf-8")
    return path


def test_tells_an_accepted_document_as_one_json_object() -> None:
    """The object has exactly the agreed keys."""
    result = validate("--format", "json", DECLARATION)

    expected = {
        "file": str(DECLARATION),
        "message_type": "th.export-declaration",
        "version": "1.0",
        "law_date": DAY,
        "law_date_field": None,
        "verdict": "accepted",
        "findings": [],
        "agencies": ["CUSTOMS", "DFT", "DOF"],
    }
    assert [expected] == answers(result)
    assert result.exit_code == 0


def test_tells_each_finding_with_its_place(broken: Path) -> None:
    """A finding has exactly the agreed keys; one document that is not accepted gives exit code 1."""
    result = validate("--format", "json", DECLARATION, broken)

    finding = answers(result)[1]["findings"][0]
    assert list(finding) == ["code", "severity", "layer", "path", "line", "text"]
    assert (finding["code"], finding["severity"], finding["layer"]) == ("NSW-2001", "error", "schema")
    assert finding["path"] == "/ExportDeclaration[1]/Control[1]"
    assert result.exit_code == 1


def test_keeps_the_order_of_the_files(broken: Path) -> None:
    """Objects come in the order in which the files were given."""
    result = validate("--format", "json", RESPONSE, broken, DECLARATION)

    assert [str(RESPONSE), str(broken), str(DECLARATION)] == [each["file"] for each in answers(result)]


def test_checks_messages_that_are_no_declarations() -> None:
    """A response is checked too, and goes to no agency."""
    (answer,) = answers(validate("--format", "json", RESPONSE))

    assert (answer["message_type"], answer["verdict"], answer["agencies"]) == ("th.response", "accepted", [])


def test_says_null_for_an_unknown_message_type(tmp_path: Path) -> None:
    """What can't be understood is a dead letter without a message type."""
    path = tmp_path / "unknown.xml"
    path.write_text("<Unknown/>")

    result = validate("--format", "json", path)

    (answer,) = answers(result)
    assert (answer["message_type"], answer["version"], answer["verdict"]) == (None, None, "dead-letter")
    assert result.exit_code == 1


def test_judges_avro_as_xml(tmp_path: Path) -> None:
    """The same declaration in Avro goes to the same agencies."""
    reference = load_snapshot(read_settings())
    document = identify(
        DECLARATION.read_bytes(),
        reference.catalogue.types[0].effective_from,
        reference.catalogue,
        XmlLimits(),
    )
    path = tmp_path / "typical.avro"
    path.write_bytes(encode_document(document.message_type, document.root, Format.AVRO))

    in_xml, in_avro = answers(validate("--format", "json", DECLARATION, path))

    assert {**in_xml, "file": ""} == {**in_avro, "file": ""}


def test_reads_the_standard_input() -> None:
    """'-' stands for the standard input."""
    result = validate("--format", "json", "-", stdin=DECLARATION.read_bytes())

    assert [(each["file"], each["verdict"]) for each in answers(result)] == [("-", "accepted")]


def test_walks_folders_in_order(tmp_path: Path) -> None:
    """A folder stands for its documents at any depth, sorted; other files are passed over."""
    for name in ("b.xml", "a/z.XML", "a/c.avro", "readme.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(RESPONSE.read_bytes())

    result = validate("--format", "json", tmp_path)

    expected = [str(tmp_path / name) for name in ("a/c.avro", "a/z.XML", "b.xml")]
    assert expected == [each["file"] for each in answers(result)]


def test_names_every_missing_file_before_any_result() -> None:
    """Missing files are a mistake in the call: all are named, and nothing else is done."""
    result = validate("--format", "json", DECLARATION, "nowhere.xml", "neither.xml")

    assert result.exit_code == 2
    assert "nowhere.xml" in result.stderr
    assert "neither.xml" in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--on", "2026-1-1", str(DECLARATION)],
        ["--on", "20260101", str(DECLARATION)],
        ["--language", "fr", str(DECLARATION)],
        ["--schemas", "no-such-folder", str(DECLARATION)],
        ["--schemas", str(SCHEMAS / "th/codes"), str(DECLARATION)],
        ["-", "-"],
        [str(SCHEMAS / "th/codes")],
    ],
    ids=[
        "no file",
        "short date",
        "compact date",
        "language",
        "no folder",
        "no types",
        "stdin twice",
        "empty folder",
    ],
)
def test_refuses_a_wrong_call(arguments: list[str]) -> None:
    """A call that can't be meant gives exit code 2, and nothing on the standard output."""
    result = validate(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")


def test_applies_the_law_of_the_day_asked_for() -> None:
    """Before a message type is in force, its documents are rejected."""
    result = CliRunner().invoke(app, ["validate", "--on", "2019-12-31", "--format", "json", str(RESPONSE)])

    assert [each["code"] for each in answers(result)[0]["findings"]] == ["NSW-1015"]


def test_explains_to_people_in_english(broken: Path) -> None:
    """The text shows verdict, message type, finding, agencies with reasons, and a total."""
    result = validate(DECLARATION, broken)

    for part in ("accepted", "th.export-declaration 1.0", "lead-agency", "line 3", "An element is missing"):
        assert part in result.stdout
    assert f"1 accepted, 1 rejected on {DAY}" == result.stdout.splitlines()[-1]


def test_explains_to_people_in_thai(broken: Path) -> None:
    """Findings and reasons are in Thai when asked for."""
    result = validate("--language", "th", DECLARATION, broken)

    assert "กรมศุลกากร" in result.stdout
    assert "ขาดองค์ประกอบที่จำเป็น" in result.stdout


def test_a_document_can_not_steer_the_terminal(tmp_path: Path) -> None:
    """Control characters from a document are replaced in texts for people."""
    path = tmp_path / "steer\x1b[2J.xml"
    path.write_text("<A/>")

    assert "\x1b" not in validate(path).stdout


def test_what_breaks_the_judge_is_a_dead_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of ours costs one document, as in the window, and not the whole call."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nsw.processing.judge", fail)

    (answer,) = answers(validate("--format", "json", RESPONSE))

    assert (answer["verdict"], answer["findings"][0]["code"]) == ("dead-letter", "NSW-9001")


def test_adds_folders_of_message_types(tmp_path: Path) -> None:
    """The window's own types stay loaded beside those of --schemas."""
    one = write_type(tmp_path / "one", "{urn:one}One", name="xx.one")
    two = write_type(tmp_path / "two", "{urn:two}Two", name="xx.two")
    note = tmp_path / "note.xml"
    note.write_text('<Two xmlns="urn:two"/>')

    result = validate("--schemas", one, "--schemas", two, "--format", "json", note, RESPONSE)

    assert [each["message_type"] for each in answers(result)] == ["xx.two", "th.response"]


def test_a_given_type_takes_the_place_of_the_windows_own(tmp_path: Path) -> None:
    """With the same root in force at the same time the given type wins, and that is said."""
    folder = write_type(tmp_path / "mine", "{urn:nsw:th:response:1}Response", name="xx.mine")

    result = validate("--schemas", folder, "--format", "json", RESPONSE)

    assert (answers(result)[0]["message_type"], answers(result)[0]["verdict"]) == ("xx.mine", "rejected")
    assert "xx.mine 1.0" in result.stderr
    assert "in place of th.response 1.0" in result.stderr


def test_giving_the_windows_own_folder_changes_nothing() -> None:
    """Naming the default folders, or a part of them, or twice, is no clash."""
    result = validate("--schemas", SCHEMAS, "--schemas", SCHEMAS / "th", "--format", "json", RESPONSE)

    assert (result.exit_code, result.stderr) == (0, "")


def test_refuses_an_avro_id_that_is_taken(tmp_path: Path) -> None:
    """Two types of different documents can't share an Avro schema id."""
    folder = write_type(tmp_path / "mine", "{urn:one}One", extra="avro: {schema: note.avsc, id: 1002}\n")
    CliRunner().invoke(app, ["schemas", "avro", str(folder)])

    result = validate("--schemas", folder, RESPONSE)

    assert result.exit_code == 2
    assert "1002" in result.stderr


def test_runs_write_items_shortly() -> None:
    """Neighbours are joined, and a long list ends with a count."""
    assert runs([1, 2, 3, 7]) == "1-3, 7"
    assert runs(range(1, 31, 2)) == "1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23 and 3 more"


def test_a_name_that_is_no_files_is_a_problem_of_its_own(tmp_path: Path) -> None:
    """Too long a name, or a link that leads nowhere: it could not be tried, and the sentence names it."""
    (tmp_path / "gone.xml").symlink_to(tmp_path / "nowhere.xml")

    for name in ("a" * 300, str(tmp_path)):
        result = CliRunner().invoke(app, ["validate", name])
        assert result.exit_code == 2, result.output
        assert "too long" in result.stderr or "gone.xml" in result.stderr
