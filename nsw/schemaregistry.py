"""
A client of schema registries that speak Confluent's REST API.

Operators' commands use it; no worker does (see ``schemaids``). The API: Confluent Schema Registry API reference,
content type ``application/vnd.schemaregistry.v1+json``; errors are ``{"error_code": …, "message": …}``.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from nsw.errors import ConfigError, TransientError
from nsw.schemaids import (
    OlderSchema,
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
