"""``nsw schemas new``: a folder made from an XSD is proven at once, and nothing is overwritten."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from nsw.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[2]
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:n="urn:note" targetNamespace="urn:note"
    elementFormDefault="qualified">
  <xs:include schemaLocation="{types}"/>
  <xs:element name="Note">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="LRN" type="n:Text"/>
        <xs:element name="ExporterID" type="n:Text"/>
        <xs:element name="GoodsItem" maxOccurs="9">
          <xs:complexType><xs:sequence><xs:element name="CommodityCode" type="n:Text"/></xs:sequence></xs:complexType>
        </xs:element>
        {more}
      </xs:sequence>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""
TYPES = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:note">
  <xs:simpleType name="Text"><xs:restriction base="xs:token"/></xs:simpleType>
</xs:schema>
"""


def new(xsd: Path, into: Path, *options: str) -> Result:
    arguments = ["schemas", "new", str(xsd), "--type", "test.note", "--version", "1.0", "--into", str(into)]
    return CliRunner().invoke(app, [*arguments, *options])


def write_xsd(folder: Path, types: str = "types.xsd", more: str = "") -> Path:
    folder.mkdir()
    (folder / types).resolve().write_text(TYPES, "utf-8")
    path = folder / "note.xsd"
    path.write_text(XSD.format(types=types, more=more), "utf-8")
    return path


def test_makes_a_folder_that_is_proven(tmp_path: Path) -> None:
    """Root, namespace, fields, items and Avro come from the XSD, which is named and not copied."""
    result = new(write_xsd(tmp_path / "xsd"), tmp_path / "note")

    made = yaml.safe_load((tmp_path / "note/type.yaml").read_text("utf-8"))
    assert result.exit_code == 0, result.output
    assert made["root"] == "{urn:note}Note"
    assert made["schema"] == "../xsd/note.xsd"
    assert made["fields"] == {"reference_number": "n:LRN", "party_tax_id": "n:ExporterID"}
    assert made["items"] == {"path": "n:GoodsItem", "fields": {"tariff_code": "n:CommodityCode"}}
    assert (tmp_path / "note/message.avsc").is_file()
    assert not list((tmp_path / "note").rglob("*.xsd"))


def test_copies_an_xsd_with_all_that_it_includes(tmp_path: Path) -> None:
    """With --copy the files keep their places to one another, also where one lies in another folder."""
    xsd = write_xsd(tmp_path / "xsd", "../types.xsd")

    refused = new(xsd, tmp_path / "note")
    made = new(xsd, tmp_path / "note", "--copy")

    assert refused.exit_code == 2
    assert "--copy" in refused.output
    assert made.exit_code == 0, made.output
    assert (tmp_path / "note/xsd/xsd/note.xsd").read_bytes() == xsd.read_bytes()
    assert (tmp_path / "note/xsd/types.xsd").is_file()


def test_copies_a_lone_xsd_beside_the_type_file_and_knows_a_declaration_about_another(tmp_path: Path) -> None:
    """The Thai amendment as an example: one file, which names the declaration that it is about."""
    xsd = REPOSITORY / "schemas/th/amendment/1.0/message.xsd"

    made = new(xsd, tmp_path / "amendment", "--copy")
    written = yaml.safe_load((tmp_path / "amendment/type.yaml").read_text("utf-8"))

    assert made.exit_code == 0, made.output
    assert (tmp_path / "amendment/message.xsd").read_bytes() == xsd.read_bytes()
    assert written["schema"] == "message.xsd"
    assert written["fields"]["original_reference"] == "d:Control/d:OriginalReferenceID"
    assert written["fields"]["reference_number"] == "d:Control/d:FunctionalReferenceID"


def test_never_overwrites(tmp_path: Path) -> None:
    """A folder that is there already stays as it is, even an empty one."""
    xsd = write_xsd(tmp_path / "xsd")
    (tmp_path / "note").mkdir()

    result = new(xsd, tmp_path / "note")

    assert result.exit_code == 2
    assert not list((tmp_path / "note").iterdir())


def test_says_what_avro_can_not_carry(tmp_path: Path) -> None:
    """A type whose Avro schema can't be derived travels as XML only, and the reason is told."""
    result = new(write_xsd(tmp_path / "xsd", more='<xs:any namespace="##other"/>'), tmp_path / "note")

    assert result.exit_code == 0, result.output
    assert "no Avro schema: " in result.output
    assert "avro" not in yaml.safe_load((tmp_path / "note/type.yaml").read_text("utf-8"))


def test_asks_for_the_root_when_in_doubt(tmp_path: Path) -> None:
    """Of several roots none is guessed, and a root that isn't there is refused; nothing is written."""
    xsd = write_xsd(tmp_path / "xsd")

    result = new(xsd, tmp_path / "note", "--root", "{urn:note}Other")

    assert result.exit_code == 2
    assert "it declares {urn:note}Note" in result.output
    assert not (tmp_path / "note").exists()


@pytest.mark.parametrize("options", [["--type", "Not A Name"], ["--version", 'a"b']])
def test_refuses_names_that_type_yaml_can_not_hold(tmp_path: Path, options: list[str]) -> None:
    """Name and version are checked before anything is written."""
    result = new(write_xsd(tmp_path / "xsd"), tmp_path / "note", *options)

    assert result.exit_code == 2
    assert not (tmp_path / "note").exists()


def test_suggests_for_the_export_declaration_what_its_folder_says(tmp_path: Path) -> None:
    """Every field suggested for the window's own declaration is the one that people chose."""
    own = REPOSITORY / "schemas/th/export-declaration/1.0"
    new(own / "message.xsd", tmp_path / "note")

    made = yaml.safe_load((tmp_path / "note/type.yaml").read_text("utf-8"))
    chosen = yaml.safe_load((own / "type.yaml").read_text("utf-8"))
    assert made["fields"].items() <= chosen["fields"].items()
    assert made["items"]["fields"].items() <= chosen["items"]["fields"].items()
