"""
Registers the Avro schemas of message types in a schema registry, by Confluent's REST API.

Operators' commands use it; no worker does (see ``schemaids``). The API: Confluent Schema Registry API reference,
content type ``application/vnd.schemaregistry.v1+json``; errors are ``{"error_code": …, "message": …}``.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from nsw.errors import ConfigError, InvariantError, TransientError
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

_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
_SUBJECT_NOT_FOUND, _VERSION_NOT_FOUND = 40401, 40402
_CONFLICT, _SERVER_ERROR, _FIRST_ERROR = 409, 500, 400


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """
    How a registry is reached.

    Attributes:
        url: address, with the path of the API if it has one; without user and password.
        user: name for basic authentication; empty for none.
        password: the same.
        timeout_seconds: for one answer.
    """

    url: str
    user: str = ""
    password: str = ""
    timeout_seconds: float = 10.0


class RegistryRefusalError(ConfigError):
    """
    The registry answered with an error.

    Attributes:
        error_code: Confluent's, such as 40401, or the HTTP status where the answer has none.
        message: the registry's own words.
    """

    def __init__(self, url: str, error_code: int, message: str) -> None:
        super().__init__(f"{url}: the schema registry answers {error_code}: {message}")
        self.error_code = error_code
        self.message = message


class RegistryAwayError(TransientError):
    """The registry gives no answer, or none that says anything of the question."""

    question = "Does a registry answer at NSW_SCHEMA_REGISTRY?"


@dataclass(frozen=True, slots=True)
class Judgement:
    """
    Whether a registry would take a schema.

    Attributes:
        is_known: exactly this schema is registered already.
        is_compatible: it fits the versions that are there, by the registry's level for the subject.
        reasons: the registry's own words when not; some registries give none here.
    """

    is_known: bool
    is_compatible: bool
    reasons: tuple[str, ...] = ()


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


class SchemaRegistry:
    """A client of one registry; as a context manager it closes its connections. Not for several threads at once."""

    def __init__(self, access: RegistryAccess) -> None:
        self._access = access
        self._http = httpx2.Client(
            headers={"Accept": f"{_CONTENT_TYPE}, application/json", "Content-Type": _CONTENT_TYPE},
            auth=(access.user, access.password) if access.user else None,
            timeout=access.timeout_seconds,
        )

    @property
    def url(self) -> str:
        """Its address."""
        return self._access.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def level(self, subject: str) -> str:
        """
        Ask which compatibility a subject demands, such as ``BACKWARD`` or ``NONE``.

        Raises:
            RegistryRefusalError, RegistryAwayError: as every method here.
        """
        answer = self._ask(
            "GET", f"/config/{quote(subject, safe='')}?defaultToGlobal=true", absent={40401, 40408}
        )
        if answer is None:
            answer = self._ask("GET", "/config")
        return str(_member(answer, "compatibilityLevel"))

    def judge(self, subject: str, schema: str) -> Judgement:
        """Ask whether a schema is there already, and whether it would be taken; nothing is registered."""
        path, body = quote(subject, safe=""), {"schema": schema}
        absent = {_SUBJECT_NOT_FOUND, _VERSION_NOT_FOUND, 40403}
        if self._ask("POST", f"/subjects/{path}", body, absent=absent) is not None:
            return Judgement(is_known=True, is_compatible=True)
        address = f"/compatibility/subjects/{path}/versions/latest?verbose=true"
        answer = self._ask("POST", address, body, absent=absent)
        if answer is None:
            return Judgement(is_known=False, is_compatible=True)
        reasons = answer.get("messages", ()) if isinstance(answer, dict) else ()
        return Judgement(
            is_known=False,
            is_compatible=bool(_member(answer, "is_compatible")),
            reasons=tuple(map(str, reasons)),
        )

    def versions(self, subject: str) -> tuple[OlderSchema, ...]:
        """Give every schema that is registered under a subject, the first one first."""
        address = f"/subjects/{quote(subject, safe='')}/versions"
        answers = [
            self._ask("GET", f"{address}/{int(version)}") for version in self._ask("GET", address) or ()
        ]
        return tuple(
            OlderSchema(id=int(_member(each, "id")), avsc=str(_member(each, "schema"))) for each in answers
        )

    def register(self, subject: str, schema: str) -> int:
        """
        Register a schema, or find it when it is there.

        Returns:
            Its id.

        Raises:
            RegistryRefusalError: 409 it is not compatible; 42201 it is no valid schema; and as every method here.
        """
        answer = self._ask("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema})
        return int(_member(answer, "id"))

    def _ask(self, method: str, path: str, body: object = None, *, absent: Iterable[int] = ()) -> Any:  # noqa: ANN401 -- JSON
        """Send one request; None when the answer is an error code of *absent*."""
        try:
            answer = self._http.request(
                method, self._access.url + path, content=json.dumps(body).encode() if body else None
            )
        except httpx2.HTTPError as error:
            raise RegistryAwayError(
                f"the schema registry {self.url} can't be asked: {type(error).__name__}: {error}"
            ) from error
        content = _read_json(answer)
        if answer.status_code < _FIRST_ERROR:
            return content
        said = content if isinstance(content, dict) else {}
        code = int(said.get("error_code", answer.status_code))
        if code in absent:
            return None
        message = str(said.get("message", answer.reason_phrase))
        if answer.status_code >= _SERVER_ERROR:
            raise RegistryAwayError(f"the schema registry {self.url} answers {code}: {message}")
        raise RegistryRefusalError(self.url, code, message)


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


def _read_json(answer: httpx2.Response) -> Any:  # noqa: ANN401 -- JSON
    try:
        return answer.json()
    except ValueError:
        return None


def _member(answer: object, name: str) -> Any:  # noqa: ANN401 -- JSON
    if not isinstance(answer, dict) or name not in answer:
        raise ConfigError(
            f"NSW_SCHEMA_REGISTRY: the answer has no {name!r}: is this the address of Confluent's REST API?"
        )
    return answer[name]
