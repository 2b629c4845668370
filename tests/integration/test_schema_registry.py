"""Message types in a real registry, and Confluent's own serializer as the trader's and agency's side."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from lxml import etree
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.config import load_config
from nsw.documents import encode_document, identify
from nsw.embedded import EmbeddedRegistry
from nsw.errors import ConfigError
from nsw.formats.avro import join_wire
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.formats.xml import parse_xml
from nsw.messagetypes import Catalogue
from nsw.model import Format
from nsw.reference import Reference
from nsw.registration import judge_types, register_types
from nsw.schemaids import load_schema_ids
from nsw.schemaregistry import RegistryAccess, RegistryAwayError, SchemaRegistry
from nsw.typefolders import load_catalogue
from nsw.worker import load_snapshot

pytestmark = pytest.mark.registry

ROOT = Path(__file__).resolve().parents[2]
TYPE = Path("th/export-declaration/1.0")
SUBJECT = "ExportDeclaration"
CONTEXT = SerializationContext("nsw.inbox.LANNA-CRAFT", MessageField.VALUE)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRegistry]:
    """One registry for the tests of this module; each uses subjects of its own."""
    with EmbeddedRegistry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def ids_file(registry: EmbeddedRegistry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ids of the window's types, after they were registered by the command."""
    ids = tmp_path_factory.mktemp("ids") / "ids.yaml"
    result = register("--registry", registry.url, "--ids", str(ids))
    assert result.exit_code == 0, result.output
    return ids


@pytest.fixture(scope="module")
def window(ids_file: Path) -> Reference:
    """The window's snapshot with the registry's ids."""
    return load_snapshot(load_config({}, schema_ids=ids_file))


def register(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["schemas", "register", *arguments])


def altered(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    """Copy the export declaration, with other element names in its schema and nothing that would mind."""
    folder = tmp_path / TYPE
    shutil.copytree(ROOT / "schemas" / TYPE, folder, ignore=shutil.ignore_patterns("samples"))
    for name in ("message.avsc", "type.yaml"):
        text = (folder / name).read_text("utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        (folder / name).write_text(text, "utf-8")
    return tmp_path


def test_a_foreign_reader_and_writer_take_part(
    registry: EmbeddedRegistry, window: Reference, samples: Path
) -> None:
    """What the window writes Confluent's deserializer reads; what its serializer writes the window reads."""
    day = window.catalogue.types[0].effective_from.replace(year=2026)
    for path in sorted((samples / "valid").glob("*.xml"))[:5]:
        sent = identify(path.read_bytes(), day, window.catalogue, window.limits.xml)
        wire = encode_document(sent.message_type, sent.root, Format.AVRO)
        # The trader's side has the schema from the window's file, and its id from the registry.
        text = (ROOT / "schemas" / TYPE / "message.avsc").read_text("utf-8")
        conf = {"auto.register.schemas": False, "subject.name.strategy": record_subject_name_strategy}
        with SchemaRegistryClient({"url": registry.url}) as client:
            value = AvroDeserializer(client)(wire, CONTEXT)
            written = AvroSerializer(client, Schema(text, "AVRO"), conf=conf)(value, CONTEXT)
        assert written == wire
        got = identify(written, day, window.catalogue, window.limits.xml)
        assert (got.format, got.message_type) == (Format.AVRO, sent.message_type)
        assert etree.tostring(got.root, method="c14n2").strip() != b""
        assert encode_document(got.message_type, got.root, Format.AVRO) == wire


def test_registering_again_changes_nothing(
    registry: EmbeddedRegistry, ids_file: Path, tmp_path: Path
) -> None:
    """The same schema keeps its id, and what the file says of other types stays; a dry run only asks."""
    ids = tmp_path / "ids.yaml"
    folder = str(ROOT / "schemas" / TYPE)
    asked = register(folder, "--registry", registry.url, "--ids", str(ids), "--dry-run")
    assert (asked.exit_code, ids.exists(), asked.stdout.count("known")) == (0, False, 1)
    shutil.copy(ids_file, ids)
    again = register(folder, "--registry", registry.url, "--ids", str(ids))
    assert (again.exit_code, ids_in(ids)) == (0, ids_in(ids_file))


def ids_in(path: Path) -> dict[tuple[str, str], int]:
    return {(each.message_type, each.version): each.id for each in load_schema_ids(path).schemas}


def test_an_incompatible_schema_is_refused_with_the_registrys_words(
    registry: EmbeddedRegistry, window: Reference, tmp_path: Path
) -> None:
    """A new reader needs a field that earlier writers did not write: our folder and the registry's reason."""
    assert window.catalogue.ids_source
    folder = altered(tmp_path, ('"name": "ExporterName"', '"name": "ExporterFullName"'))
    result = register(str(folder), "--registry", registry.url, "--ids", str(tmp_path / "ids.yaml"))
    assert (result.exit_code, (tmp_path / "ids.yaml").exists()) == (2, False)
    assert str(folder / TYPE) in result.stderr
    assert f"does not fit what the registry has under {SUBJECT} (level BACKWARD)" in result.stderr
    assert "ExporterFullName" in result.stderr
    with SchemaRegistryClient({"url": registry.url}) as client:
        assert all(
            "ExporterFullName" not in client.get_version(SUBJECT, each).schema.schema_str
            for each in client.get_versions(SUBJECT)
        )


def test_a_sender_with_an_older_schema_is_understood(
    registry: EmbeddedRegistry, window: Reference, ids_file: Path, samples: Path, tmp_path: Path
) -> None:
    """A type gets one more optional element; what is written by the schema before that is read, and judged by now's."""
    own = next(each for each in window.catalogue.types if each.name == "th.export-declaration")
    assert own.avro is not None
    assert own.avro_id is not None
    xml = (samples / "valid" / "small.xml").read_bytes()
    old = join_wire(own.avro_id, own.avro.encode_avro(parse_xml(xml)))
    folder = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", folder, ignore=shutil.ignore_patterns("samples"))
    xsd = folder / TYPE / "message.xsd"
    text = xsd.read_text("utf-8")
    begin = text.index('<xs:element name="TransmissionTime"')
    extra = '<xs:element name="Extra" type="xs:string" minOccurs="0"/>'
    xsd.write_text(f"{text[:begin]}{extra}{text[begin:]}", "utf-8")
    (folder / TYPE / "message.avsc").write_text(build_avsc_text(derive_avro(xsd, own.root)), "utf-8")
    ids = tmp_path / "ids.yaml"
    shutil.copy(ids_file, ids)
    assert register(str(folder / TYPE), "--registry", registry.url, "--ids", str(ids)).exit_code == 0
    changed = load_snapshot(load_config({}, schema_folders=(folder,), schema_ids=ids)).catalogue
    new = next(each for each in changed.types if each.name == own.name)
    assert new.avro_id != own.avro_id
    document = identify(old, own.effective_from, changed, window.limits.xml)
    assert etree.tostring(document.root, method="c14n2") == etree.tostring(
        own.avro.parse_avro(old[5:]), method="c14n2"
    )
    assert document.message_type.schema.validate(document.root)
    assert document.message_type.schema is new.schema


def test_nothing_is_registered_when_one_type_is_refused(
    registry: EmbeddedRegistry, window: Reference, tmp_path: Path
) -> None:
    """All are asked about first."""
    assert window.catalogue.ids_source
    folder = altered(
        tmp_path / "other", ('"ExportDeclaration"', '"Untouched"'), ("th.export-declaration", "th.another")
    )
    altered(tmp_path / "broken", ('"name": "ExporterName"', '"name": "ExporterFullName"'))
    assert folder.is_dir()
    broken = load_catalogue([tmp_path / "broken"], {}).types[0]
    other = load_catalogue([tmp_path / "other"], {}).types[0]
    with SchemaRegistry(RegistryAccess(registry.url)) as client:
        entries = judge_types(client, Catalogue((other, broken)))
        assert [each.judgement.is_compatible for each in entries] == [True, False]
        with pytest.raises(ConfigError, match="ExporterFullName"):
            register_types(client, entries)
        assert not judge_types(client, Catalogue((other,)))[0].judgement.is_known


def test_two_types_must_not_share_a_subject(registry: EmbeddedRegistry, tmp_path: Path) -> None:
    """The second is refused with the way out, which then works."""
    folder = altered(tmp_path, ("th.export-declaration", "th.another"))
    theirs = load_catalogue([ROOT / "schemas" / TYPE], {}).types
    with SchemaRegistry(RegistryAccess(registry.url)) as client:
        with pytest.raises(ConfigError, match=f"the subject {SUBJECT} is also that of th.another"):
            judge_types(client, Catalogue((*load_catalogue([folder], {}).types, *theirs)))
        path = folder / TYPE / "type.yaml"
        path.write_text(path.read_text("utf-8").replace("id: 1001", "id: 1001, subject: th.another"), "utf-8")
        entries = judge_types(client, Catalogue((*load_catalogue([folder], {}).types, *theirs)))
    assert [each.subject for each in entries] == ["th.another", SUBJECT]


@pytest.mark.parametrize("path", ["", "/subjects"])
def test_says_so_when_the_address_is_not_that_of_the_api(registry: EmbeddedRegistry, path: str) -> None:
    """A person gets told which setting to look at, not a traceback."""
    url = registry.url.replace("/apis/ccompat/v7", path)
    with (
        SchemaRegistry(RegistryAccess(url)) as client,
        pytest.raises(ConfigError, match=r"REST API|answers 40"),
    ):
        client.level(SUBJECT)


def test_a_registry_that_is_away_is_a_reason_to_try_again(free_port: int) -> None:
    """Nothing was done; the exit code says that it may work later."""
    url = f"http://127.0.0.1:{free_port}"
    with SchemaRegistry(RegistryAccess(url, timeout_seconds=1)) as client, pytest.raises(RegistryAwayError):
        client.level(SUBJECT)
    result = register("--registry", url)
    assert (result.exit_code, "NSW_SCHEMA_REGISTRY" in result.stderr) == (3, True)


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
