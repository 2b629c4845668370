"""``nsw schemas``, ``nsw codes`` and ``nsw metrics``."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.errors import CATALOGUE

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
RESPONSE = SCHEMAS / "th/response/1.0"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a copy of a message type that a test may change."""
    return Path(shutil.copytree(RESPONSE, tmp_path / "response", ignore=shutil.ignore_patterns("samples")))


def test_lists_message_types_with_their_force_on_a_day() -> None:
    """Each type tells root, kind, direction, Avro id and whether it is in force."""
    result = run("schemas", "list", "--on", "2019-12-31", "--format", "json")

    (response,) = [each for each in json.loads(result.stdout) if each["message_type"] == "th.response"]
    expected = {"kind": "response", "direction": "none", "avro_id": 1002, "in_force": False}
    assert expected == {key: response[key] for key in expected}
    assert response["root"] == "{urn:nsw:th:response:1}Response"


def test_lists_message_types_for_people() -> None:
    """The table names each type."""
    result = run("schemas", "list")

    assert result.exit_code == 0
    assert "th.export-declaration" in result.stdout


def test_writes_the_avro_schema_where_type_yaml_says(folder: Path) -> None:
    """A missing Avro schema is derived anew, the same as the one of the repository."""
    (folder / "message.avsc").unlink()

    result = run("schemas", "avro", str(folder))

    assert result.exit_code == 0
    assert (RESPONSE / "message.avsc").read_bytes() == (folder / "message.avsc").read_bytes()


@pytest.mark.parametrize("path", sorted(SCHEMAS.rglob("type.yaml")), ids=lambda path: path.parent.parent.name)
def test_every_avro_schema_is_that_of_its_xsd(path: Path) -> None:
    """No Avro schema of this repository was changed by hand, or left behind by its XSD."""
    assert run("schemas", "avro", str(path.parent), "--check").exit_code == 0


def test_a_check_fails_without_writing(folder: Path) -> None:
    """With --check a difference gives exit code 1, and the file stays."""
    (folder / "message.avsc").write_text("{}")

    result = run("schemas", "avro", str(folder), "--check", "--format", "json")

    assert (result.exit_code, json.loads(result.stdout)["result"]) == (1, "differs")
    assert (folder / "message.avsc").read_text() == "{}"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "a: [", "root: x\nschema: message.xsd", "root: x\nschema: ${NONE}\navro: {schema: a.avsc}"],
    ids=["empty", "list", "no YAML", "no avro", "unknown variable"],
)
def test_refuses_a_folder_that_is_no_message_type(folder: Path, content: str) -> None:
    """A type.yaml that does not say what is needed is named, with exit code 2."""
    (folder / "type.yaml").write_text(content)

    result = run("schemas", "avro", str(folder))

    assert result.exit_code == 2
    assert "type.yaml" in result.stderr


def test_lists_every_code() -> None:
    """The codes are those of the catalogue, with both sentences."""
    rows = json.loads(run("codes", "--format", "json").stdout)

    assert [str(code) for code in CATALOGUE] == [row["code"] for row in rows]
    assert {"code", "name", "verdict", "layer", "text_en", "text_th", "source"} == set(rows[0])


@pytest.mark.parametrize("command", ["codes", "metrics"])
def test_writes_a_page(command: str) -> None:
    """As Markdown a catalogue is a page: a title, and one table with as many cells in each row."""
    lines = run(command, "--format", "markdown").stdout.splitlines()

    table = [line.replace("\\|", "") for line in lines if line.startswith("|")]
    assert lines[0].startswith("# ")
    assert len({line.count("|") for line in table}) == 1
    assert len(table) > 10


def test_prints_catalogues_for_people() -> None:
    """Texts show a sentence without the place holder for what was seen."""
    result = run("codes")

    assert "NSW-1001" in result.stdout
    assert "{detail}" not in result.stdout


def test_lists_every_metric() -> None:
    """A metric has name, kind, labels and meaning."""
    rows = json.loads(run("metrics", "--format", "json").stdout)

    assert {"name", "kind", "labels", "meaning"} == set(rows[0])
    assert run("metrics").stdout.count("nsw_") == len(rows)
