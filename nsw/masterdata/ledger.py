"""
What the topic ``nsw.reference`` says: contents, sets, proposals, approvals, and which set counts now.

Keys, each the latest that counts; none is ever taken back, so that every set stays readable:

    content/<table>/<sha256>   the bytes of a table's file
    set/<version>              JSON: of each table the hash of its content, and its description
    proposal/<number>          JSON: one table's new content, by whom and why, and what became of it
    approval/<number>          JSON: how one set followed another
    current                    the version of the set that counts
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import orjson
from pydantic import BaseModel, ConfigDict, Field

from nsw import topics
from nsw.errors import ConfigError
from nsw.masterdata.tables import Table, TableSet, hash_of_manifest
from nsw.model import Publication, Purpose, Record

NO_TABLES = f"{topics.REFERENCE} holds no tables yet: run `nsw topics create`"
#: The key of the record that says which set counts.
CURRENT = b"current"
_JSON = "application/json"
_MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "yaml": "application/yaml; charset=utf-8"}


class Status(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableEntry(_Kept):
    """One table in a set."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    about: dict[str, object] = {}


class Proposal(_Kept):
    """
    A new content for one table of the set that counts.

    Attributes:
        number: from 1.
        base: hash of the content that it is to replace; '' for a new table.
        base_about: the description that it is to replace.
        by: who says to have proposed it; decided_by: who says to have approved or rejected it.
        at_ms: when the broker took the latest record of it, milliseconds since 1970-01-01 UTC.
    """

    number: int = Field(ge=1)
    table: str
    sha256: str
    about: dict[str, object] = {}
    base: str = ""
    base_about: dict[str, object] = {}
    by: str
    reason: str
    status: Status = Status.OPEN
    decided_by: str = ""
    decision_reason: str = ""
    at_ms: int = Field(0, exclude=True)

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided about it."""
        return self.status is Status.OPEN


class Approval(_Kept):
    """
    How one set followed another.

    Attributes:
        number: from 1, without gaps.
        previous: version of the set before; '' for the first one.
        proposal: its number; None for a set that came from the window's folders.
        at_ms: when the broker took it, milliseconds since 1970-01-01 UTC.
    """

    number: int = Field(ge=1)
    set: str
    previous: str = ""
    tables: tuple[str, ...]
    proposal: int | None = None
    proposed_by: str
    approved_by: str
    reason: str
    at_ms: int = Field(0, exclude=True)


@dataclass(frozen=True)
class Ledger:
    """
    All that the topic says, folded.

    Attributes:
        contents: bytes by table and SHA-256.
        sets: of each set's version the tables with their hashes and descriptions.
        problems: records that no command of ours wrote, one sentence each; they count for nothing.
    """

    contents: Mapping[tuple[str, str], bytes] = field(default_factory=dict, repr=False)
    sets: Mapping[str, Mapping[str, TableEntry]] = field(default_factory=dict, repr=False)
    proposals: Mapping[int, Proposal] = field(default_factory=dict)
    approvals: Mapping[int, Approval] = field(default_factory=dict)
    current: str = ""
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Ledger":
        """Fold the records of the topic, in their order."""
        folding = _Folding()
        for record in records:
            folding.add(record)
        return cls(
            folding.contents,
            folding.sets,
            dict(sorted(folding.proposals.items())),
            dict(sorted(folding.approvals.items())),
            folding.current,
            tuple(folding.problems),
        )

    def tables_of(self, version: str) -> TableSet:
        """
        Give a set that the topic holds, with the contents of all its tables.

        Args:
            version: of a set, or the beginning of one that is no other's.

        Raises:
            ConfigError: there is no such set, or a content of it is missing or not what its hash says.
        """
        full = self.find_version(version)
        problems: list[str] = []
        tables = []
        for name, entry in self.sets[full].items():
            content = self.contents.get((name, entry.sha256))
            if content is None:
                problems.append(
                    f"set {full}: the content {entry.sha256} of {name} is not in {topics.REFERENCE}"
                )
            else:
                tables.append(Table(name, content, entry.about))
        if problems:
            raise ConfigError(*problems)
        return TableSet.of(tables)

    def versions(self) -> list[str]:
        """Give the set that counts, then those that counted before it, newest first."""
        newest_first = [self.current, *(each.set for each in self.history())]
        return list(dict.fromkeys(filter(None, newest_first)))

    def newest(self) -> TableSet:
        """
        Give the set that counts; when it can't be read, the last one before it that can.

        Raises:
            ConfigError: no set can be read, or there is none.
        """
        refused: list[str] = []
        for version in self.versions():
            try:
                return self.tables_of(version)
            except ConfigError as error:
                refused += error.problems
        raise ConfigError(*(refused or [NO_TABLES]))

    def find_version(self, text: str) -> str:
        """
        Give the whole version that begins so.

        Raises:
            ConfigError: none does, or several do.
        """
        if text in self.sets:
            return text
        found = [version for version in self.sets if text and version.startswith(text)]
        if len(found) != 1:
            what = f"{len(found)} sets begin with {text!r}" if found else f"there is no set {text!r}"
            raise ConfigError(f"{topics.REFERENCE}: {what}; `nsw reference list` shows them")
        return found[0]

    def history(self) -> list[Approval]:
        """Give the approvals, newest first."""
        return sorted(self.approvals.values(), key=lambda each: -each.number)


class _Folding:
    """A ledger while its records are read."""

    def __init__(self) -> None:
        self.contents: dict[tuple[str, str], bytes] = {}
        self.sets: dict[str, dict[str, TableEntry]] = {}
        self.proposals: dict[int, Proposal] = {}
        self.approvals: dict[int, Approval] = {}
        self.current = ""
        self.problems: list[str] = []

    def add(self, record: Record) -> None:
        """Take one record in; one that is not as we write them is a problem."""
        key, value = (record.key or b"").decode("utf-8", "replace"), record.value or b""
        try:
            self._add(key, value, record.timestamp_ms)
        except ValueError as error:  # of JSON and of pydantic, too
            sentence = " ".join(str(error).split())
            self.problems.append(f"{record.topic} offset {record.offset}, key {key[:100]!r}: {sentence}")

    def _add(self, key: str, value: bytes, at_ms: int) -> None:
        kind, _, name = key.partition("/")
        if key == CURRENT.decode():
            self.current = value.decode("ascii")
        elif kind == "content":
            self._add_content(name, value)
        elif kind == "set":
            self._add_set(name, value)
        elif kind == "proposal":
            proposal = Proposal.model_validate_json(value)
            self.proposals[proposal.number] = proposal.model_copy(update={"at_ms": at_ms})
        elif kind == "approval":
            approval = Approval.model_validate_json(value)
            self.approvals[approval.number] = approval.model_copy(update={"at_ms": at_ms})
        else:
            raise ValueError("nothing of ours has such a key")

    def _add_content(self, name: str, value: bytes) -> None:
        table, _, sha256 = name.rpartition("/")
        if hashlib.sha256(value).hexdigest() != sha256:
            raise ValueError("the content is not the one that its key names")
        self.contents[table, sha256] = value

    def _add_set(self, version: str, value: bytes) -> None:
        told = orjson.loads(value)
        if hash_of_manifest(told) != version:
            raise ValueError("the set is not the one that its key names")
        self.sets[version] = {name: TableEntry.model_validate(entry) for name, entry in told.items()}


# What is published.


def publish_contents(tables: Iterable[Table]) -> list[Publication]:
    """Write contents down."""
    return [_content(each) for each in tables]


def publish_set(tables: TableSet, approval: Approval) -> list[Publication]:
    """Write a set down, how it came about, and that it counts from now on; its contents stand already."""
    return [
        _json(f"set/{tables.version}", tables.manifest),
        _json(f"approval/{approval.number}", approval.model_dump(mode="json")),
        _publication(CURRENT, tables.version.encode(), "text/plain"),
    ]


def publish_proposal(proposal: Proposal) -> Publication:
    """Write a proposal down as it is now."""
    return _json(f"proposal/{proposal.number}", proposal.model_dump(mode="json"))


def decide(proposal: Proposal, status: Status, by: str, reason: str = "") -> Proposal:
    """Give a proposal as it is once somebody has decided."""
    return proposal.model_copy(update={"status": status, "decided_by": by, "decision_reason": reason})


def _content(table: Table) -> Publication:
    media_type = _MEDIA_TYPES[table.file_name.rpartition(".")[2]]
    return _publication(f"content/{table.name}/{table.sha256}".encode(), table.content, media_type)


def _json(key: str, value: object) -> Publication:
    return _publication(key.encode(), orjson.dumps(value), _JSON)


def _publication(key: bytes, value: bytes, media_type: str) -> Publication:
    headers = ((topics.CONTENT_TYPE, media_type.encode()),)
    return Publication(Purpose.REFERENCE, topics.REFERENCE, key, value, headers)


def apply_proposal(tables: TableSet, proposal: Proposal, content: bytes) -> TableSet:
    """Give the set as it would be with the proposal approved."""
    place = f"proposal {proposal.number} ({proposal.table})"
    table = Table(proposal.table, content, proposal.about)
    return tables.with_table(replace(table, place=place))
