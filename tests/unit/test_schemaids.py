"""The ids that a schema registry gave, as a part of the reference."""

from pathlib import Path

import pytest

from nsw.config import load_config
from nsw.documents import identify
from nsw.errors import Code, ConfigError, MessageError
from nsw.formats.avro import join_wire
from nsw.messagetypes import Catalogue, MessageType
from nsw.reference import Reference
from nsw.schemaids import (
    SchemaId,
    SchemaIds,
    digest_schema,
    encode_schema_ids,
    load_schema_ids,
    with_registry_ids,
)
from nsw.worker import load_snapshot

REGISTRY = "https://registry.example"
OFFSET = 5000


def noted(catalogue: Catalogue, **changes: object) -> SchemaIds:
    """Note an id of the registry's own for each type; *changes* are for the export declaration."""
    return SchemaIds(
        registry=REGISTRY,
        schemas=tuple(
            entry_of(each).model_copy(update=changes if each.name == "th.export-declaration" else {})
            for each in catalogue.types
            if each.avro is not None
        ),
    )


def entry_of(message_type: MessageType) -> SchemaId:
    assert message_type.avro is not None
    assert message_type.avro_id is not None
    return SchemaId(
        message_type=message_type.name,
        version=message_type.version,
        subject=message_type.avro.full_name,
        id=message_type.avro_id + OFFSET,
        digest=digest_schema(message_type.avro.schema),
    )


def export(catalogue: Catalogue) -> MessageType:
    return next(each for each in catalogue.types if each.name == "th.export-declaration")


def test_what_is_written_is_read(tmp_path: Path, reference: Reference) -> None:
    """The file's text says all, and the same ids give the same text."""
    ids = noted(reference.catalogue)
    path = tmp_path / "ids.yaml"
    path.write_text(encode_schema_ids(ids), "utf-8")
    read = load_schema_ids(path)
    assert (read.registry, set(read.schemas)) == (REGISTRY, set(ids.schemas))
    assert encode_schema_ids(read) == path.read_text("utf-8")


def test_both_ids_are_understood_and_the_registrys_is_written(reference: Reference, samples: Path) -> None:
    """A sender who asked the registry is understood, and one who took the id of type.yaml."""
    catalogue = with_registry_ids(reference.catalogue, noted(reference.catalogue))
    own, theirs = export(reference.catalogue), export(catalogue)
    assert own.avro_id is not None
    assert theirs.avro_id == own.avro_id + OFFSET
    assert own.avro is not None
    day = own.effective_from
    xml = (samples / "valid" / "small.xml").read_bytes()
    root = identify(xml, day, catalogue, reference.limits.xml).root
    body = own.avro.encode_avro(root)
    for schema_id in (own.avro_id, theirs.avro_id):
        document = identify(join_wire(schema_id, body), day, catalogue, reference.limits.xml)
        assert document.message_type is theirs


def test_an_unknown_id_is_told_with_the_registry(reference: Reference) -> None:
    """Whoever reads the dead letter learns which registry's ids the window knows."""
    catalogue = with_registry_ids(reference.catalogue, noted(reference.catalogue))
    with pytest.raises(MessageError, match=r"4711; .*https://registry\.example") as caught:
        catalogue.versions_of_schema_id(4711)
    assert caught.value.code is Code.UNKNOWN_SCHEMA_ID


def test_refuses_a_file_that_does_not_fit_the_types(reference: Reference) -> None:
    """A type that is missing or has changed, and an id with two meanings: each with what to do, all at once."""
    with pytest.raises(
        ConfigError, match=r"th\.export-declaration 1\.0 is missing: run `nsw schemas register`"
    ):
        with_registry_ids(reference.catalogue, noted(reference.catalogue, version="0.9"))
    with pytest.raises(ConfigError, match="has changed since it was registered"):
        with_registry_ids(reference.catalogue, noted(reference.catalogue, digest="0" * 16))
    other = next(each for each in reference.catalogue.types if each.name == "th.response")
    with pytest.raises(ConfigError, match=f"the Avro schema id {other.avro_id}, which the registry gave to"):
        with_registry_ids(reference.catalogue, noted(reference.catalogue, id=other.avro_id))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("registry: x\nschemas: [{message_type: a}]\n", "version"),
        ("registry: x\n", "schemas"),
        ("[", "can't be read"),
        (
            (
                "registry: x\nschemas:\n"
                "- {message_type: a, version: '1', subject: A, id: 7, digest: x}\n"
                "- {message_type: a, version: '1', subject: A, id: 7, digest: y}\n"
            ),
            "a 1 stands there twice",
        ),
    ],
)
def test_refuses_a_file_of_another_shape(tmp_path: Path, text: str, problem: str) -> None:
    """Each problem names the file and the place."""
    path = tmp_path / "ids.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=problem) as caught:
        load_schema_ids(path)
    assert all(each.startswith(str(path)) for each in caught.value.problems)


def test_the_file_is_part_of_the_snapshot(tmp_path: Path, reference: Reference) -> None:
    """It is found in the data folder too, and changes the snapshot's version."""
    (tmp_path / "schema-ids.yaml").write_text(encode_schema_ids(noted(reference.catalogue)), "utf-8")
    found = load_snapshot(load_config({}, data_folder=tmp_path))
    assert export(found.catalogue).avro_id == 1001 + OFFSET
    assert found.version != reference.version


@pytest.mark.parametrize(
    "url", ["registry:8081", "ftp://registry.example", "http://", "https://me:secret@registry"]
)
def test_refuses_an_address_that_is_none_or_holds_a_secret(url: str) -> None:
    """Addresses are shown and noted: a password in one would be, too; and the message holds none."""
    with pytest.raises(ConfigError, match="NSW_SCHEMA_REGISTRY") as caught:
        load_config({"NSW_SCHEMA_REGISTRY": url})
    assert "secret" not in str(caught.value)
