"""
The ids that a schema registry gave to the Avro schemas of message types, as noted in a file of the reference.

The file is what a window knows of its registry: `nsw schemas register` writes it, workers read it and ask no
registry. What it says of a schema holds for one content only, so it names each schema's digest, too.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nsw.errors import ConfigError
from nsw.formats.avro import AvroMapping
from nsw.messagetypes import Catalogue, MessageType

#: Name of the file where the settings name none.
SCHEMA_IDS_FILE = "schema-ids.yaml"
_DIGEST_CHARACTERS = 16
_HEAD = "# Ids that the schema registry gave. Written by `nsw schemas register`; all processes need the same file.\n"


class OlderSchema(BaseModel):
    """
    What a registry has under a subject besides the schemas of today's types: writers may still use it.

    Attributes:
        id: in the Confluent wire format.
        avsc: the schema's JSON.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Annotated[int, Field(ge=0, lt=2**31)]
    avsc: str


class SchemaId(BaseModel):
    """
    What a registry said of one version of one message type.

    Attributes:
        subject: name under which the registry keeps the versions of this schema.
        id: in the Confluent wire format.
        digest: of the schema that was registered; see :func:`digest_schema`.
        older: what else is under the subject and stands for the same document.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    message_type: str
    version: str
    subject: str
    id: Annotated[int, Field(ge=0, lt=2**31)]
    digest: str
    older: tuple[OlderSchema, ...] = ()


class SchemaIds(BaseModel):
    """
    The shape of ``schema-ids.yaml``.

    Attributes:
        registry: its address, without any user or password.
        path: of the file, for messages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    registry: str
    schemas: tuple[SchemaId, ...]
    path: Path = Field(default=Path(SCHEMA_IDS_FILE), exclude=True)

    def of_type(self, message_type: str, version: str) -> SchemaId | None:
        """Find what is said of one version of a type."""
        wanted = (message_type, version)
        return next((each for each in self.schemas if (each.message_type, each.version) == wanted), None)


def digest_schema(schema: Mapping[str, Any]) -> str:
    """Give the first 16 hex digits of the SHA-256 of a schema's JSON; blanks and line ends don't count."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]


def load_schema_ids(path: Path) -> SchemaIds:
    """
    Read the file.

    Raises:
        ConfigError: it can't be read, has another shape, or gives one id or one version twice.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
        read = SchemaIds.model_validate(content).model_copy(update={"path": path})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error
    except ValidationError as error:
        raise ConfigError(
            *(f"{path}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        ) from error
    problems = [*_contradictions(read.schemas)]
    if problems:
        raise ConfigError(*(f"{path}: {problem}" for problem in problems))
    return read


def encode_schema_ids(ids: SchemaIds) -> str:
    """Write the file's text; the same ids give the same text."""
    content = ids.model_dump()
    content["schemas"] = sorted(content["schemas"], key=lambda each: (each["message_type"], each["version"]))
    return _HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def with_registry_ids(catalogue: Catalogue, ids: SchemaIds) -> Catalogue:
    """
    Give the same types with the ids that a schema registry gave them.

    The ids in ``type.yaml`` are understood as before, for senders who ask no registry. So are older schemas of the
    same subject: each says itself what its fields are in XML, and the XSD of the type judges the document.

    Raises:
        ConfigError: a type is missing in the file or has changed since; an id means one type there, another here.
    """
    types: list[MessageType] = []
    other_ids: dict[int, tuple[MessageType, ...]] = {}
    problems: list[str] = []
    for each in catalogue.types:
        try:
            found = _with_registry_id(each, ids)
        except ConfigError as error:
            problems += error.problems
            continue
        types.append(found)
        if each.avro_id is not None and each.avro_id != found.avro_id:
            other_ids[each.avro_id] = (*other_ids.get(each.avro_id, ()), found)
    for each in types:
        for other in other_ids.get(each.avro_id, ()) if each.avro_id is not None else ():
            problems.append(
                f"{other.folder}: {other.name} has in its type.yaml the Avro schema id {each.avro_id}, "
                f"which the registry gave to {each.name} {each.version} ({ids.path}): take another"
            )
    if problems:
        raise ConfigError(*problems)
    source = (
        f"; besides those in type.yaml the ids of the registry {ids.registry} count, as noted in {ids.path}"
    )
    for older_id, versions in _older_schemas(types, ids).items():
        other_ids.setdefault(older_id, versions)
    return Catalogue(tuple(types), other_ids, source)


def _older_schemas(types: Iterable[MessageType], ids: SchemaIds) -> dict[int, tuple[MessageType, ...]]:
    """
    Give the types as they are read by the older schemas of their subjects.

    Raises:
        ConfigError: an older schema in the file is none.
    """
    found: dict[int, tuple[MessageType, ...]] = {}
    mappings: dict[int, AvroMapping] = {}
    for each in types:
        noted = ids.of_type(each.name, each.version)
        for older in noted.older if noted else ():
            if older.id not in mappings:
                mappings[older.id] = load_older_schema(older, f"{ids.path}: id {older.id}")
            if mappings[older.id].root_name == each.root:
                found[older.id] = (*found.get(older.id, ()), replace(each, avro=mappings[older.id]))
    return found


def load_older_schema(older: OlderSchema, source: str) -> AvroMapping:
    """
    Compile an older schema.

    Raises:
        ConfigError: it isn't Avro, or doesn't say what its fields are in XML.
    """
    try:
        schema = json.loads(older.avsc)
    except ValueError as error:
        raise ConfigError(f"{source}: {error}") from error
    return AvroMapping(schema, older.id, source)


def _with_registry_id(message_type: MessageType, ids: SchemaIds) -> MessageType:
    if message_type.avro is None:
        return message_type
    name = f"{message_type.name} {message_type.version}"
    found = ids.of_type(message_type.name, message_type.version)
    if found is None:
        raise ConfigError(f"{ids.path}: {name} is missing: run `nsw schemas register`")
    if found.digest != digest_schema(message_type.avro.schema):
        raise ConfigError(
            f"{ids.path}: the Avro schema of {name} has changed since it was registered: "
            "run `nsw schemas register`"
        )
    return replace(message_type, avro_id=found.id)


def _contradictions(schemas: Iterable[SchemaId]) -> Iterator[str]:
    """Say what can't be: two entries for one version, or one id for two schemas."""
    versions: set[tuple[str, str]] = set()
    digests: dict[int, str] = {}
    for each in schemas:
        if (each.message_type, each.version) in versions:
            yield f"{each.message_type} {each.version} stands there twice"
        versions.add((each.message_type, each.version))
        if digests.setdefault(each.id, each.digest) != each.digest:
            yield f"id {each.id} stands there for two schemas"
