"""By which law a document is judged: versions, rule files and code lists by the law date, at midnight in Bangkok."""

import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from typer.testing import CliRunner

from nsw import topics
from nsw.cli.app import app
from nsw.codelists import load_code_lists, merge
from nsw.errors import Code, ConfigError, MessageError, Verdict
from nsw.formats.avro import join_wire
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.formats.xml import parse_xml
from nsw.lodging import LodgingSettings, lodge
from nsw.messagetypes import Catalogue
from nsw.model import Purpose, Record
from nsw.processing import Judgement, judge, process
from nsw.reference import Reference
from nsw.typefolders import load_catalogue

BANGKOK = ZoneInfo("Asia/Bangkok")
SETTINGS = LodgingSettings(cluster="c1", conversation_key=b"0123456789abcdef", case_partitions=6, version="1")
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:v" elementFormDefault="qualified">
  <xs:element name="Note"><xs:complexType><xs:sequence>
    <xs:element name="ID" type="xs:token"/><xs:element name="Unit" type="xs:token"/>
    <xs:element name="Departure" type="xs:string" minOccurs="0"/>
  </xs:sequence></xs:complexType></xs:element>
</xs:schema>
"""
RULES = """\
<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt">
  <sch:ns prefix="v" uri="urn:v"/><sch:ns prefix="nsw" uri="urn:nsw:functions:1"/>
  <sch:pattern><sch:rule context="/v:Note/v:Unit">
    <sch:assert id="{name}-RULE" role="warning" test="false()">Judged by {name}.</sch:assert>
    <sch:assert id="UNIT" role="warning" test="nsw:in-list('test.unit', .)">No unit.</sch:assert>
    <sch:assert id="LODGED" role="warning" test="nsw:lodging-date() = '20271231'">Lodged later.</sch:assert>
  </sch:rule></sch:pattern>
</sch:schema>
"""
TYPE = """\
message_type: test.versioned
version: "{version}"
kind: declaration
title: {{en: Note, th: บันทึก}}
root: "{{urn:v}}Note"
namespaces: {{v: "urn:v"}}
schema: {schema}
avro: {{schema: message.avsc, id: 77}}
effective: {{from: {first}, until: {last}}}
rules: {rules}
fields: {{reference_number: v:ID, departure: v:Departure}}
{more}
"""
LISTS = """\
lists:
  - name: test.unit
    file: unit.csv
    title: {en: Units, th: หน่วย}
    made: hand
    source: invented
    licence: none
    key: [code]
    columns: {}
"""
DATED_BY = "dated_by: {field: departure, earliest_days: 30, latest_days: 10}"


def add_version(
    top: Path,
    version: str,
    first: str,
    last: str,
    rules: str = "rules.sch",
    more: str = "",
    schema: str = "message.xsd",
) -> Path:
    folder = top / version
    folder.mkdir(parents=True)
    (folder / "type.yaml").write_text(
        TYPE.format(version=version, first=first, last=last, rules=rules, more=more, schema=schema), "utf-8"
    )
    xsd = folder / schema
    if not xsd.exists():
        xsd.write_text(XSD, "utf-8")
    (folder / "rules.sch").write_text(RULES.format(name=f"V{version}"), "utf-8")
    (folder / "message.avsc").write_text(build_avsc_text(derive_avro(xsd, "{urn:v}Note")), "utf-8")
    return folder


def with_types(reference: Reference, top: Path) -> Reference:
    """Put the message types and code lists of a folder into the snapshot."""
    codes = top / "codes"
    codes.mkdir(exist_ok=True)
    (codes / "lists.yaml").write_text(LISTS, "utf-8")
    (codes / "unit.csv").write_text(
        "code,name_en,name_th,valid_from,valid_to\nOLD,Old,เก่า,,2027-12-31\nNEW,New,ใหม่,2028-01-01,\n",
        "utf-8",
    )
    types = (*reference.catalogue.types, *load_catalogue([top], {}).types)
    lists = merge(reference.code_lists, load_code_lists(codes))
    return replace(reference, catalogue=Catalogue(types), code_lists=lists)


def note(unit: str = "OLD", departure: str | None = None) -> bytes:
    more = "" if departure is None else f"<Departure>{departure}</Departure>"
    return f'<Note xmlns="urn:v"><ID>A1</ID><Unit>{unit}</Unit>{more}</Note>'.encode()


def codes_of(judgement: Judgement) -> list[str]:
    return [each.code for each in judgement.findings]


def events_of(value: bytes, lodged: datetime, reference: Reference) -> list[dict[str, object]]:
    """Judge a record that arrived at a moment as casework does, and read its events."""
    stamped = lodge(Record("nsw.inbox.ACME", 0, 5, int(lodged.timestamp() * 1000), b"A1", value), SETTINGS)
    record = Record(topics.CASES, 0, 9, 0, stamped.key, stamped.value, stamped.headers)
    published = process(record, reference, None).publications
    return [orjson.loads(each.value or b"") for each in published if each.purpose is Purpose.EVENT]


def test_the_law_changes_at_midnight_in_bangkok(tmp_path: Path, reference: Reference) -> None:
    """Type version, rule file and code list: until 23:59:59 the old, from 00:00:00 +07:00 the new."""
    add_version(tmp_path, "1", "2020-01-01", "2027-12-31")
    add_version(tmp_path, "2", "2028-01-01", "null")
    own = with_types(reference, tmp_path)
    before = events_of(note(), datetime(2027, 12, 31, 23, 59, 59, tzinfo=BANGKOK), own)
    after = events_of(note(), datetime(2028, 1, 1, tzinfo=BANGKOK), own)

    assert {each["message_version"] for each in before} == {"1"}
    assert {each["message_version"] for each in after} == {"2"}
    assert [each["warnings"] for each in before if "warnings" in each] == [["V1-RULE"]]
    assert [each["warnings"] for each in after if "warnings" in each] == [["LODGED", "UNIT", "V2-RULE"]]
    assert {(each["law_date"], each["law_date_field"]) for each in before} == {("2027-12-31", None)}
    assert {each["law_date"] for each in after} == {"2028-01-01"}


def test_rules_change_while_the_type_stays(tmp_path: Path, reference: Reference) -> None:
    """One folder, several rule files with their days."""
    rules = "[{file: rules.sch, until: 2027-12-31}, {file: later.sch, from: 2028-01-01}]"
    folder = tmp_path / "1"
    with pytest.raises(ConfigError, match=r"type.yaml:10: rules.1.file: 'later.sch' no such file"):
        load_catalogue([add_version(tmp_path, "1", "2020-01-01", "null", rules)], {})
    (folder / "later.sch").write_text(RULES.format(name="LATER"), "utf-8")
    own = with_types(reference, tmp_path)

    assert codes_of(judge(note(), date(2027, 12, 31), own)) == ["V1-RULE"]
    assert codes_of(judge(note("NEW"), date(2028, 1, 1), own)) == ["LATER-RULE", "LODGED"]
    (each,) = (each for each in own.catalogue.types if each.name == "test.versioned")
    assert [entry.id for entry in each.rule_catalogue] == ["LATER-RULE", "UNIT", "LODGED", "V1-RULE"]


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            "[{file: rules.sch, until: 2027-12-31}, {file: rules.sch, from: 2027-12-31}]",
            "rules.1.from: on 2027-12-31 rules.sch is in force as well",
        ),
        (
            "[{file: rules.sch, until: 2027-12-31}, {file: rules.sch, from: 2028-01-03}]",
            "rules.1.from: no rules are in force from 2028-01-01 to 2028-01-02",
        ),
        (
            "[{file: rules.sch, from: 2021-01-01}]",
            "rules.0.from: 2021-01-01: the type is in force from 2020-01-01",
        ),
        (
            "[{file: rules.sch, until: 2021-01-01}]",
            "rules.0.until: 2021-01-01: the type is in force until further",
        ),
        (
            "[{file: rules.sch, until: 2019-01-01}, {file: rules.sch, from: 2019-01-02}]",
            "rules.0.until: 2019-01-01 is before 2020-01-01",
        ),
    ],
)
def test_rule_files_leave_no_day_out_and_none_twice(tmp_path: Path, rules: str, sentence: str) -> None:
    """Each problem with its line in type.yaml."""
    folder = add_version(tmp_path, "1", "2020-01-01", "null", rules)

    with pytest.raises(ConfigError) as caught:
        load_catalogue([folder], {})

    assert f"{folder}/type.yaml:10: {sentence}" in str(caught.value)


def test_refuses_versions_in_force_at_the_same_time(tmp_path: Path) -> None:
    """Of one root, whatever their names."""
    add_version(tmp_path, "1", "2020-01-01", "2028-01-01")
    add_version(tmp_path, "2", "2028-01-01", "null")

    with pytest.raises(ConfigError, match=r"root \{urn:v\}Note is in force at the same time as in"):
        load_catalogue([tmp_path], {})


def test_versions_may_share_xsd_and_avro_id(tmp_path: Path, reference: Reference) -> None:
    """The XSD by reference; an Avro id stands for all versions of equal schema, and the day chooses."""
    add_version(tmp_path, "1", "2020-01-01", "2027-12-31")
    add_version(tmp_path, "2", "2028-01-01", "null", more="shared: [../1]", schema="../1/message.xsd")
    own = with_types(reference, tmp_path)
    (mapping, _) = (each.avro for each in own.catalogue.types if each.name == "test.versioned")
    assert mapping is not None
    value = join_wire(77, mapping.encode_avro(parse_xml(note("NEW"))))

    one, two = judge(value, date(2027, 12, 31), own), judge(value, date(2028, 1, 1), own)

    assert [each.message_type and each.message_type.version for each in (one, two)] == ["1", "2"]
    assert codes_of(one) == ["V1-RULE", "UNIT"]
    assert codes_of(judge(value, date(2019, 12, 31), own)) == [Code.VERSION_NOT_IN_FORCE]


def test_other_schemas_may_not_share_an_avro_id(tmp_path: Path) -> None:
    """One id would mean two things."""
    add_version(tmp_path, "1", "2020-01-01", "2027-12-31")
    folder = add_version(tmp_path, "2", "2028-01-01", "null")
    xsd = folder / "message.xsd"
    xsd.write_text(XSD.replace('name="Unit"', 'name="Size"'), "utf-8")
    (folder / "message.avsc").write_text(build_avsc_text(derive_avro(xsd, "{urn:v}Note")), "utf-8")

    with pytest.raises(
        ConfigError, match=r"Avro schema id 77 is also used in .*/1, which has another schema"
    ):
        load_catalogue([tmp_path], {})


@pytest.mark.parametrize(
    ("departure", "law", "code"),
    [
        ("20280101", "2028-01-01", None),
        ("2028-01-01", "2028-01-01", None),
        ("2028-01-01+14:00", "2028-01-01", None),
        (" 2027-12-31T17:00:00Z ", "2028-01-01", None),
        ("2027-12-31T16:59:59Z", "2027-12-31", None),
        ("2027-12-31T23:59:59.999", "2027-12-31", None),
        ("20280110", "2028-01-10", None),
        ("20271201", "2027-12-01", None),
        ("20280111", None, Code.LAW_DATE_OUT_OF_BOUNDS),
        ("20271130", None, Code.LAW_DATE_OUT_OF_BOUNDS),
        ("20271301", None, Code.LAW_DATE_UNREADABLE),
        ("2028-1-1", None, Code.LAW_DATE_UNREADABLE),
        ("๒๐๒๘๐๑๐๑", None, Code.LAW_DATE_UNREADABLE),
        ("0001-01-01T00:00:00+14:00", None, Code.LAW_DATE_UNREADABLE),
        ("", None, Code.LAW_DATE_UNREADABLE),
        (None, None, Code.LAW_DATE_UNREADABLE),
    ],
)
def test_a_type_may_name_the_date_that_decides(
    tmp_path: Path, reference: Reference, departure: str | None, law: str | None, code: Code | None
) -> None:
    """Version, rules and lists go by it within its bounds; else it is a finding, and the lodging date decides."""
    add_version(tmp_path, "1", "2020-01-01", "2027-12-31", more=DATED_BY)
    add_version(tmp_path, "2", "2028-01-01", "null", more=DATED_BY)
    own = with_types(reference, tmp_path)

    judgement = judge(note(departure=departure), date(2027, 12, 31), own)

    assert judgement.message_type is not None
    assert judgement.law is not None
    assert judgement.law.on.isoformat() == (law or "2027-12-31")
    assert judgement.law.field == (None if code else "departure")
    assert judgement.message_type.version == ("2" if (law or "") >= "2028" else "1")
    new = ["V2-RULE", "UNIT"] if judgement.message_type.version == "2" else ["V1-RULE"]
    assert codes_of(judgement) == [*([code] if code else []), *new]
    assert judgement.verdict is (Verdict.REJECTED if code else Verdict.ACCEPTED)
    if code:
        place = "/Note[1]/Departure[1]" if departure is not None else "/Note[1]"
        assert judgement.findings[0].path == place
        assert judgement.findings[0].line == 1
        assert "departure" in judgement.findings[0].text_th


def test_events_tell_which_date_was_used(tmp_path: Path, reference: Reference) -> None:
    """And permits and routes go by it."""
    add_version(tmp_path, "1", "2020-01-01", "null", more=DATED_BY)
    own = with_types(reference, tmp_path)

    events = events_of(note(departure="20280105"), datetime(2027, 12, 31, 23, 59, 59, tzinfo=BANGKOK), own)

    assert {(each["law_date"], each["law_date_field"]) for each in events} == {("2028-01-05", "departure")}


def test_the_version_of_the_lodging_date_says_what_decides(tmp_path: Path, reference: Reference) -> None:
    """Also where it is one that comes into force later, or was in force before."""
    add_version(tmp_path, "1", "2028-01-01", "2028-01-31", more=DATED_BY)
    own = with_types(reference, tmp_path)

    early = judge(note(departure="20280101"), date(2027, 12, 25), own)
    late = judge(note(departure="20280131"), date(2028, 2, 25), own)
    never = judge(note(departure="20280201"), date(2028, 2, 25), own)

    assert (early.verdict, late.verdict) == (Verdict.ACCEPTED, Verdict.ACCEPTED)
    assert codes_of(never) == [Code.VERSION_NOT_IN_FORCE]
    assert "2028-02-01, its departure" in never.findings[0].text_en


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("dated_by: {field: departure}", "type.yaml:12: dated_by.earliest_days: Field required"),
        ("dated_by: {field: nothing, earliest_days: 1, latest_days: 1}", "there is no field 'nothing'"),
        ("dated_by: {field: departure, earliest_days: -1, latest_days: 1}", "dated_by.earliest_days"),
        ("version: '3'", "type.yaml:2: version: is given twice"),
    ],
)
def test_refuses_a_wrong_entry_with_its_line(tmp_path: Path, more: str, sentence: str) -> None:
    """Both bounds are given: without them senders would choose their law."""
    with pytest.raises(ConfigError) as caught:
        load_catalogue([add_version(tmp_path, "1", "2020-01-01", "null", more=more)], {})

    assert sentence in str(caught.value)


def test_an_unknown_root_is_told_apart_from_a_version_that_is_not_in_force(
    tmp_path: Path, reference: Reference
) -> None:
    """A folder that is gone leaves an unknown root."""
    own = with_types(reference, add_version(tmp_path, "1", "2028-01-01", "null").parent)
    shutil.rmtree(tmp_path / "1")

    with pytest.raises(MessageError) as caught:
        reference.catalogue.versions_of_root("{urn:v}Note")

    assert caught.value.code is Code.UNKNOWN_ROOT
    assert codes_of(judge(note(), date(2027, 12, 31), own)) == [Code.VERSION_NOT_IN_FORCE]


def test_commands_tell_the_law_date(tmp_path: Path, reference: Reference) -> None:
    """The same code judges: with the lodging date given, the document's own date decides here too."""
    add_version(tmp_path, "1", "2020-01-01", "2027-12-31", more=DATED_BY)
    add_version(tmp_path, "2", "2028-01-01", "null", more=DATED_BY)
    with_types(reference, tmp_path)
    document = tmp_path / "note.xml"
    document.write_bytes(note("NEW", departure="20280105"))

    def run(*arguments: object) -> str:
        result = CliRunner().invoke(app, [*map(str, arguments), "--schemas", str(tmp_path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    shown = run("validate", document, "--on", "2027-12-31")
    explained = run("route", "explain", document, "--on", "2027-12-31", "--format", "json")
    rows = {
        row["version"]: row
        for row in orjson.loads(run("schemas", "list", "--format", "json"))
        if "dated_by" in row
    }

    assert "test.versioned 2 by the law of 2028-01-05, its departure" in shown
    assert (orjson.loads(explained)["law_date"], orjson.loads(explained)["on"]) == (
        "2028-01-05",
        "2027-12-31",
    )
    assert rows["2"]["dated_by"] == "departure"
    assert rows["2"]["rules"] == [{"from": "2028-01-01", "until": None}]
