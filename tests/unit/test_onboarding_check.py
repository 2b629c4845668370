"""``nsw schemas check``: whatever is wrong with a message type's folder is told, with file and line, all at once."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.errors import ConfigError
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.typefolders import load_catalogue
from tests.smalltype import TYPE, XSD, change, expect, write_small_type

REPOSITORY = Path(__file__).resolve().parents[2]


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["schemas", "check", *map(str, arguments)])


def problems_in(folder: Path) -> list[tuple[str, int | None, str]]:
    result = check(folder, "--format", "json")
    found = json.loads(result.stdout)["problems"]
    errors = [each for each in found if each["severity"] == "error"]
    assert result.exit_code == bool(errors)
    return [(Path(each["file"]).name, each["line"], each["text"]) for each in errors]


def refused(folder: Path) -> tuple[str, ...]:
    """Give what the loader of a worker says against a folder."""
    with pytest.raises(ConfigError) as caught:
        load_catalogue([folder], {})
    return caught.value.problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a small message type with nothing wrong, which a test may break."""
    return write_small_type(tmp_path)


def test_finds_nothing_wrong_with_the_windows_own_types() -> None:
    """Without folders the window's own are proven, with all of their samples."""
    result = check()

    assert result.exit_code == 0
    assert re.fullmatch("[0-9]+ message types: 0 problems, 0 warnings", result.stdout.splitlines()[-1])


def test_finds_nothing_wrong_with_a_good_folder(folder: Path) -> None:
    """A folder that keeps its promises gives exit code 0."""
    result = check(folder)

    assert (result.exit_code, result.stdout) == (0, "1 message types: 0 problems, 0 warnings\n")


def test_a_folder_without_message_types_is_a_problem(tmp_path: Path) -> None:
    """A folder that holds no type.yaml isn't proven; one that is not there is a usage error."""
    assert [text for _, _, text in problems_in(tmp_path)] == ["no message type (type.yaml) found"]
    assert check(tmp_path / "nowhere").exit_code == 2


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://example.org/other.xsd", "is remote"),
        ("//example.org/other.xsd", "is remote"),
        ("../../outside.xsd", "is outside"),
        ("none.xsd", "no such file"),
    ],
)
def test_refuses_what_an_xsd_must_not_refer_to(folder: Path, location: str, sentence: str) -> None:
    """An import is never fetched, and lies in the folder or a shared set; the problem has file and line."""
    change(
        folder / "message.xsd",
        '  <xs:element name="Root">',
        f'<xs:import namespace="urn:o" schemaLocation="{location}"/>\n  <xs:element name="Root">',
    )

    ((name, line, text),) = problems_in(folder)

    assert (name, line) == ("message.xsd", 3)
    assert sentence in text


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("../outside.xsd", "leads by a link outside"),
        ("gone.xsd", "is a broken link"),
        ("more.xsd", "is a broken link"),
    ],
    ids=["out of the folder", "to nothing", "to itself"],
)
def test_refuses_links_that_lead_away(folder: Path, target: str, sentence: str) -> None:
    """A link is as good as the file it leads to; the worker's loader says the same as the check."""
    (folder.parent / "outside.xsd").write_text(XSD.replace("urn:test", "urn:o"), "utf-8")
    (folder / "more.xsd").symlink_to(target)
    change(
        folder / "message.xsd",
        '  <xs:element name="Root">',
        '<xs:import namespace="urn:o" schemaLocation="more.xsd"/>\n  <xs:element name="Root">',
    )

    ((name, line, text),) = problems_in(folder)

    assert (name, line) == ("message.xsd", 3)
    assert sentence in text
    assert f"{folder / 'message.xsd'}:3: {text}" in refused(folder)


def test_refuses_entities_in_an_xsd(folder: Path) -> None:
    """Whether it stands for a text or for a file that lies anywhere."""
    path = folder / "message.xsd"
    entities = '<!DOCTYPE xs:schema [<!ENTITY seven "7">\n<!ENTITY outside SYSTEM "../outside.txt">]>\n'
    path.write_text(entities + path.read_text("utf-8"), "utf-8")

    found = problems_in(folder)

    assert [(name, line) for name, line, _ in found] == [("message.xsd", 1), ("message.xsd", 2)]
    assert "the entity 'outside' is refused" in found[1][2]
    assert refused(folder) == tuple(f"{path}:{line}: {text}" for _, line, text in found)


def test_tells_dates_with_their_lines(folder: Path) -> None:
    """A day without rules, and a date field that isn't there."""
    change(folder / "type.yaml", "rules: rules.sch", "rules: [{file: rules.sch, from: 2020-01-02}]")
    change(
        folder / "type.yaml", "items:", "dated_by: {field: sent, earliest_days: 1, latest_days: 1}\nitems:"
    )

    assert [(name, line) for name, line, _ in problems_in(folder)] == [("type.yaml", 8), ("type.yaml", 13)]


@pytest.mark.parametrize("entry", ["schema: message.xsd", "rules: rules.sch", "schema: message.avsc"])
def test_refuses_a_file_of_type_yaml_outside_of_the_folder(folder: Path, entry: str) -> None:
    """Schema, rules and Avro schema lie in the folder or in a shared set, also through links."""
    name = entry.rpartition(" ")[2]
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(f"../{name}")

    found = problems_in(folder)

    assert len(found) == 1
    assert found[0][:2] == ("type.yaml", 1 + TYPE[: TYPE.index(entry)].count("\n"))
    assert "leads by a link outside" in found[0][2]
    assert len(refused(folder)) == 1


def test_a_shared_set_is_declared(folder: Path) -> None:
    """A folder outside of a type's own may hold XSDs for several types when type.yaml names it."""
    shared = folder.parent / "common"
    shared.mkdir()
    (shared / "other.xsd").write_text(XSD.replace("urn:test", "urn:o"), "utf-8")
    change(
        folder / "message.xsd",
        '  <xs:element name="Root">',
        '<xs:import namespace="urn:o" schemaLocation="../common/other.xsd"/>\n  <xs:element name="Root">',
    )

    ((name, line, text),) = problems_in(folder)
    change(folder / "type.yaml", "rules: rules.sch", "rules: rules.sch\nshared: [../common]")

    assert (name, line) == ("message.xsd", 3)
    assert "is outside of the type's folder and its shared sets" in text
    assert problems_in(folder) == []


@pytest.mark.parametrize(
    ("written", "sentence"), [("/usr", "must be relative"), ("../none", "no such folder")]
)
def test_refuses_a_shared_set_that_is_none(folder: Path, written: str, sentence: str) -> None:
    """A shared set is a folder, named from the type's own."""
    change(folder / "type.yaml", "rules: rules.sch", f"rules: rules.sch\nshared: [{written}]")

    ((name, line, text),) = problems_in(folder)

    assert (name, line) == ("type.yaml", 9)
    assert sentence in text


def test_warns_of_includes_that_include_one_another(folder: Path) -> None:
    """Files in a circle are read once, and the XSD still compiles; the reference that closes it is told."""
    (folder / "more.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:test">\n'
        '<xs:include schemaLocation="message.xsd"/></xs:schema>'
    )
    change(
        folder / "message.xsd",
        '  <xs:element name="Root">',
        '<xs:include schemaLocation="more.xsd"/>\n  <xs:element name="Root">',
    )

    assert problems_in(folder) == []
    assert (
        "more.xsd:2: warning: include of 'message.xsd' closes a circle: message.xsd → more.xsd → message.xsd"
        in check(folder).stdout
    )


def test_a_root_in_no_namespace_is_a_type_too(folder: Path) -> None:
    """Its documents are known by their name alone, as XML and as Avro."""
    removed = r' (targetNamespace|xmlns:t|xmlns)="urn:test"|<sch:ns .*/>|\bt:|namespaces: {.*}\n'
    for path in folder.rglob("*.*"):
        if path.suffix in {".xsd", ".sch", ".xml", ".yaml"}:
            text = path.read_text("utf-8").replace("{urn:test}Root", "{}Root")
            path.write_text(re.sub(removed, "", text), "utf-8")
    (folder / "message.avsc").write_text(
        build_avsc_text(derive_avro(folder / "message.xsd", "Root")), "utf-8"
    )

    assert problems_in(folder) == []


def test_refuses_a_second_file_of_a_namespace(folder: Path) -> None:
    """Of two files imported for one namespace libxml2 reads the first only, without a word."""
    for name in ("one.xsd", "two.xsd"):
        (folder / name).write_text(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>'
        )
    imports = "".join(
        f'<xs:import namespace="urn:o" schemaLocation="{name}.xsd"/>\n' for name in ("one", "two")
    )
    change(folder / "message.xsd", '  <xs:element name="Root">', imports + '  <xs:element name="Root">')

    ((name, line, text),) = problems_in(folder)

    assert (name, line) == ("message.xsd", 4)
    assert "imported from one.xsd already" in text


def test_refuses_what_only_xml_schema_11_has(folder: Path) -> None:
    """A construct of XML Schema 1.1 is named with its line, beside what the compilers say."""
    change(
        folder / "message.xsd", "      </xs:sequence>\n", '      </xs:sequence>\n<xs:assert test="true()"/>\n'
    )

    assert ("message.xsd", 12, "xs:assert is of XML Schema 1.1; libxml2 reads 1.0") in problems_in(folder)


def test_tells_what_either_compiler_says(folder: Path) -> None:
    """An XSD that doesn't compile is told by libxml2 with its line, and by the xmlschema package."""
    change(folder / "message.xsd", 'type="xs:token"', 'type="xs:tokn"')

    found = problems_in(folder)

    assert any(line == 6 and text.startswith("libxml2: ") for _, line, text in found)
    assert any(text.startswith("the xmlschema package: ") for _, _, text in found)


def test_names_the_roots_when_the_root_is_none(folder: Path) -> None:
    """A root that the XSD does not declare is told with the line, and the ones that it does."""
    change(folder / "type.yaml", "{urn:test}Root", "{urn:test}Rot")

    assert ("type.yaml", 5, "root: message.xsd declares no element {urn:test}Rot; it has Root") in [
        (name, line, text.replace("{urn:test}Root", "Root")) for name, line, text in problems_in(folder)
    ]


def test_tells_every_path_that_selects_nothing(folder: Path) -> None:
    """Fields of the document and of its items are both told, with the line of type.yaml and the nearest name."""
    change(folder / "type.yaml", "t:Reference", "t:Reference_")
    change(folder / "type.yaml", "t:Weight", "t:Weigth")

    found = problems_in(folder)

    assert [(name, line) for name, line, _ in found] == [("type.yaml", 12), ("type.yaml", 16)]
    assert found[0][2].endswith("the nearest name is t:Reference")
    assert found[1][2].endswith("the nearest name is t:Weight")


def test_tells_a_rule_and_a_field_that_do_not_compile_at_once(folder: Path) -> None:
    """What the loader refuses is told with its line, beside everything else."""
    change(folder / "rules.sch", "string-length(.)", "string-length(")
    change(folder / "type.yaml", "t:Weight", "t:Weight[")
    (folder / "message.avsc").write_text("{}\n")

    found = {(name, line) for name, line, _ in problems_in(folder)}

    assert found >= {("rules.sch", 5), ("type.yaml", 16), ("message.avsc", 1)}


def test_tells_a_code_list_that_is_not_there(folder: Path) -> None:
    """Rules that ask for an unknown list would fail only while judging."""
    change(folder / "rules.sch", "string-length(.) &gt; 2", "nsw:in-list('no-such-list', .)")
    change(
        folder / "rules.sch", "<sch:pattern>", '<sch:ns prefix="nsw" uri="urn:nsw:functions:1"/><sch:pattern>'
    )

    assert any("no-such-list" in text for _, _, text in problems_in(folder))


def test_tells_how_an_answer_differs_from_the_expected_one(folder: Path) -> None:
    """Verdict, surplus and missing findings and agencies are each told where they can be mended."""
    expect(folder / "samples/short.expected.json", "accepted", ("TEST-002", "/Root[1]"))

    assert problems_in(folder) == [
        ("short.expected.json", 5, "expected finding TEST-002 at /Root[1] is not given"),
        ("short.xml", None, "goes to no agency, expected is CUSTOMS"),
        ("short.xml", None, "is rejected, expected is accepted"),
        (
            "short.xml",
            1,
            "unexpected finding TEST-001 at /Root[1]/Reference[1]: The reference number is too short.",
        ),
    ]


def test_judges_a_sample_on_its_own_day(folder: Path) -> None:
    """A sample's lodging date decides which version applies; without one it is the documented day."""
    expect(folder / "samples/valid.expected.json", "rejected", ("NSW-1015", ""), on="2019-12-31")
    assert problems_in(folder) == []

    expect(folder / "samples/valid.expected.json", "rejected", ("NSW-1015", ""))
    assert problems_in(folder) != []


@pytest.mark.parametrize(
    "content", ["", "[]", '{"verdict": "fine"}', '{"verdict": "accepted", "finding": []}']
)
def test_refuses_an_expected_answer_of_another_shape(folder: Path, content: str) -> None:
    """A misspelt key would let a sample pass for the wrong reason."""
    (folder / "samples/valid.expected.json").write_text(content)

    assert [name for name, _, _ in problems_in(folder)] == ["valid.expected.json"]


def test_tells_a_sample_that_stands_alone(folder: Path) -> None:
    """Neither a document without an answer nor an answer without a document proves anything."""
    (folder / "samples/valid.xml").rename(folder / "samples/other.xml")

    assert [(name, line) for name, line, _ in problems_in(folder)] == [
        ("other.xml", None),
        ("valid.expected.json", None),
    ]


def test_warns_of_what_no_sample_shows(folder: Path) -> None:
    """A rule that no sample breaks, and a type without samples, are warnings: the folder works all the same."""
    (folder / "samples/short.xml").unlink()
    (folder / "samples/short.expected.json").unlink()
    first = check(folder)
    shutil.rmtree(folder / "samples")
    second = check(folder)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "no sample breaks 1 of the rules: TEST-001" in first.stdout
    assert "has no samples" in second.stdout


def test_tells_an_avro_schema_that_is_not_that_of_the_xsd(folder: Path) -> None:
    """A changed Avro schema is told with the first line that differs; what it loses of a sample too."""
    change(folder / "message.avsc", '"scale": 2', '"scale": 1')
    change(folder / "samples/valid.xml", "1.50", "1.25")

    found = problems_in(folder)

    assert any(name == "message.avsc" and line for name, line, _ in found)
    assert any(name == "valid.xml" for name, _, _ in found)


def test_tells_clashes_between_types(folder: Path) -> None:
    """Two types for one root at the same time are a problem of both folders together."""
    shutil.copytree(folder, folder.parent / "copy")

    assert any("is also in" in text for _, _, text in problems_in(folder.parent))


@pytest.mark.parametrize("name", ["cds", "ncts"])
def test_types_of_others_give_warnings_only(name: str, conformance_data: Path) -> None:
    """The folders over XSDs that others wrote hold what they promise."""
    assert conformance_data.is_dir()
    assert check(REPOSITORY / "tests/conformance" / name).exit_code == 0
