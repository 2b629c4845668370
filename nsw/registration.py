"""Registers the Avro schemas of message types in a schema registry, and notes the ids that it gives."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nsw.errors import ConfigError, InvariantError
from nsw.messagetypes import Catalogue, MessageType
from nsw.schemaids import (
    OlderSchema,
    SchemaId,
    SchemaIds,
    digest_schema,
    encode_schema_ids,
    load_older_schema,
    load_schema_ids,
)
from nsw.schemaregistry import Judgement, RegistryRefusalError, SchemaRegistry


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What is to be registered, or became of it.

    Attributes:
        level: the registry's compatibility level for the subject, such as ``BACKWARD``.
        id: given by the registry; None when it was only judged.
        older: what else the registry has under the subject.
    """

    message_type: MessageType
    subject: str
    judgement: Judgement
    level: str
    id: int | None = None
    older: tuple[OlderSchema, ...] = ()


def judge_types(registry: SchemaRegistry, catalogue: Catalogue) -> tuple[Entry, ...]:
    """
    Ask a registry about every type that has an Avro schema, older versions first; nothing is registered.

    Raises:
        ConfigError: types of different names would share a subject; RegistryRefusalError, RegistryAwayError.
    """
    types = sorted(
        (each for each in catalogue.types if each.avro is not None),
        key=lambda each: (each.name, each.effective_from),
    )
    problems = list(_shared_subjects(types))
    if problems:
        raise ConfigError(*problems)
    return tuple(_judge(registry, each) for each in types)


def register_types(registry: SchemaRegistry, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """
    Register what was judged; nothing of it when the registry would refuse any.

    Returns:
        The same entries with their ids.

    Raises:
        ConfigError: every refusal, with the type's folder and the registry's words; RegistryAwayError.
    """
    todo = list(entries)
    # One that judges without reasons gives them when it refuses: so the refused are tried, and only they.
    refused = [each for each in todo if not each.judgement.is_compatible]
    done: list[Entry] = []
    problems: list[str] = []
    for each in refused or todo:
        try:
            done.append(replace(each, id=registry.register(each.subject, _text(each.message_type))))
        except RegistryRefusalError as refusal:
            problems.append(_refusal(each, "; ".join((*each.judgement.reasons, refusal.message))))
    if problems:
        raise ConfigError(*problems)
    if refused:
        return register_types(registry, map(_as_compatible, todo))
    return tuple(replace(each, older=_older(registry, each, done)) for each in done)


def _older(registry: SchemaRegistry, entry: Entry, done: Iterable[Entry]) -> tuple[OlderSchema, ...]:
    """Give what stands under a type's subject besides the schemas of today, and stands for the same document."""
    ids = {each.id for each in done}
    return tuple(
        each
        for each in registry.versions(entry.subject)
        if each.id not in ids and _root_of(each) == entry.message_type.root
    )


def _root_of(schema: OlderSchema) -> str | None:
    """Give the root element that a schema stands for; None when it was not derived from an XSD."""
    try:
        return load_older_schema(schema, f"id {schema.id}").root_name
    except ConfigError:
        return None


def _as_compatible(entry: Entry) -> Entry:
    """Take the registry's deed for its word: what it judged incompatible, it has registered."""
    return replace(entry, judgement=replace(entry.judgement, is_compatible=True))


def _refusal(entry: Entry, reason: str) -> str:
    found = entry.message_type
    return (
        f"{found.folder}: the Avro schema of {found.name} {found.version} does not fit what the registry has under "
        f"{entry.subject} (level {entry.level}): {reason}"
    )


def note_ids(registry_url: str, entries: Iterable[Entry]) -> SchemaIds:
    """Give the contents of the file that workers read."""
    return SchemaIds(
        registry=registry_url,
        schemas=tuple(
            SchemaId(
                message_type=each.message_type.name,
                version=each.message_type.version,
                subject=each.subject,
                id=each.id,
                digest=digest_schema(_schema(each.message_type)),
                older=each.older,
            )
            for each in entries
            if each.id is not None
        ),
    )


def write_schema_ids(path: Path, ids: SchemaIds) -> None:
    """
    Write the file of ids; what it says of other types, by the same registry, stays.

    Raises:
        ConfigError: the file that is there can't be read.
    """
    if path.exists():
        before = load_schema_ids(path)
        if before.registry == ids.registry:
            kept = (each for each in before.schemas if ids.of_type(each.message_type, each.version) is None)
            ids = ids.model_copy(update={"schemas": (*ids.schemas, *kept)})
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(encode_schema_ids(ids), "utf-8")
    unfinished.replace(path)


def _judge(registry: SchemaRegistry, message_type: MessageType) -> Entry:
    subject = message_type.avro_subject or message_type.name
    return Entry(message_type, subject, registry.judge(subject, _text(message_type)), registry.level(subject))


def _schema(message_type: MessageType) -> dict[str, Any]:
    if message_type.avro is None:
        raise InvariantError(f"{message_type.name} has no Avro schema")
    return message_type.avro.schema


def _text(message_type: MessageType) -> str:
    return json.dumps(_schema(message_type), ensure_ascii=False, separators=(",", ":"))


def _shared_subjects(types: Iterable[MessageType]) -> Iterator[str]:
    owners: dict[str | None, MessageType] = {}
    for each in types:
        other = owners.setdefault(each.avro_subject, each)
        if other.name != each.name:
            yield (
                f"{each.folder}: the subject {each.avro_subject} is also that of {other.name} ({other.folder}): "
                "name another one with 'subject' below 'avro' in type.yaml"
            )
