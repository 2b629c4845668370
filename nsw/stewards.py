"""
What stewards of the tables do in a running window: read ``nsw.reference``, seed it, propose, approve, reject.

Every change is decided on what the topic says at that moment: the writer first ends all others of its name, then reads,
then publishes in one transaction. So of two that approve at the same time one is refused, and no number is given twice.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from nsw import admin, topics
from nsw.connection import Connection
from nsw.errors import ConfigError, RefusedError
from nsw.masterdata import Approval, Difference, Ledger, Proposal, Status, Table, TableSet, compare_tables
from nsw.masterdata.ledger import (
    NO_TABLES,
    apply_proposal,
    decide,
    publish_contents,
    publish_proposal,
    publish_set,
)
from nsw.model import Publication
from nsw.reference import Limits, MessageTypes, Reference, build_reference, tables_version_of
from nsw.routing import run_routing_tests

#: Who a set is by that came from the window's folders.
FOLDERS = "the window's folders"
#: The transactional id of all writers: a second one ends the first one's.
_WRITER = "nsw-reference"
_COMPRESSION = "gzip"


def read_ledger(connection: Connection) -> Ledger:
    """
    Read everything that ``nsw.reference`` says now: every set that ever counted, with its contents.

    ``ledger.tables_of(version)`` gives a set, ``load_reference_of`` makes a snapshot of it.

    Raises:
        TopicMissingError: the topic was not created.
        BrokerUnavailableError: nothing answers.
    """
    return Ledger.of(admin.read_topic(connection, [topics.REFERENCE]))


def load_reference_of(
    version: str, ledger: Ledger, types: MessageTypes, limits: Limits | None = None
) -> Reference:
    """
    Make a snapshot of any set that the topic holds, to judge again by the tables of that day.

    Args:
        version: of a set, or what an event names as ``reference_data_version``: its second part is the set's.
        types: message types as they are now (``nsw.reference.load_types``); if the event's first part is not
            ``types.version``, other ones judged then.

    Raises:
        ConfigError: the topic holds no such set, or it can't be loaded with these types; every problem.
    """
    return build_reference(types, ledger.tables_of(tables_version_of(version)), limits)


def load_newest(
    ledger: Ledger, types: MessageTypes, limits: Limits | None = None
) -> tuple[Reference, list[str]]:
    """
    Make a snapshot of the set that counts, or of the last one before it that can be loaded.

    Returns:
        The snapshot, and why the set that counts was refused; empty when it was not.

    Raises:
        ConfigError: no set can be loaded, or there is none; every problem of the newest.
    """
    refused: list[str] = []
    for version in ledger.versions():
        try:
            return load_reference_of(version, ledger, types, limits), refused
        except ConfigError as error:
            refused = refused or [f"set {version}: {problem}" for problem in error.problems]
    raise ConfigError(*(refused or [NO_TABLES]))


@contextmanager
def _writing(connection: Connection) -> Iterator[tuple[admin.AtomicPublisher, Ledger]]:
    with admin.AtomicPublisher(connection, _WRITER, compression=_COMPRESSION) as publisher:
        publisher.take_over()
        yield publisher, read_ledger(connection)


def seed(connection: Connection, folder: TableSet) -> list[str]:
    """
    Publish the folders' tables as the first set; later on, only those that the set that counts does not have at all.

    A table that is there is never changed by this: that takes a proposal.

    Returns:
        The names of the tables published, sorted.
    """
    # Looked at first without ending other writers: mostly there is nothing to do.
    if not _missing(read_ledger(connection), folder):
        return []
    with _writing(connection) as (publisher, ledger):
        missing = _missing(ledger, folder)
        tables = [folder.tables[name] for name in missing]
        before = ledger.newest() if ledger.current else TableSet({})
        after = TableSet.of([*before.tables.values(), *tables])
        approval = Approval(
            number=_next(ledger.approvals),
            set=after.version,
            previous=ledger.current,
            tables=tuple(missing),
            proposed_by=FOLDERS,
            approved_by=FOLDERS,
            reason="tables that no set had" if ledger.current else "the first set",
        )
        publisher.publish([*publish_contents(tables), *publish_set(after, approval)])
        return missing


def _missing(ledger: Ledger, folder: TableSet) -> list[str]:
    present = ledger.newest() if ledger.current else TableSet({})
    return sorted(folder.tables.keys() - present.tables.keys())


def _next(numbers: Iterable[int]) -> int:
    return max(numbers, default=0) + 1


@dataclass(frozen=True)
class Checks:
    """
    What a set must pass before it counts.

    Attributes:
        routing_tests: folder of the examples that the tables must get right.
    """

    types: MessageTypes
    limits: Limits
    routing_tests: Path

    def load(self, tables: TableSet) -> Reference:
        """
        Check the tables, alone and against each other and the message types.

        Raises:
            RefusedError: every problem.
        """
        try:
            return build_reference(self.types, tables, self.limits)
        except ConfigError as error:
            raise RefusedError(*error.problems) from error

    def failing_tests(self, reference: Reference) -> list[str]:
        """Give what the routing tests expect otherwise, one sentence each."""
        try:
            run_routing_tests(self.routing_tests, reference.tables)
        except ConfigError as error:
            return list(error.problems)
        return []

    def run(self, tables: TableSet, existing_topics: Iterable[str]) -> None:
        """
        Check a set as a whole, with its routing tests.

        Args:
            existing_topics: every agency's topics must be among these.

        Raises:
            RefusedError: every problem.
        """
        reference = self.load(tables)
        problems = [*_without_topics(reference, set(existing_topics)), *self.failing_tests(reference)]
        if problems:
            raise RefusedError(*problems)


def _without_topics(reference: Reference, existing: set[str]) -> list[str]:
    place = reference.table_set.tables["agencies"].file
    return [
        f"{place}: agency {code}: there is no topic {name}; `nsw topics create --agency {code}` makes it"
        for code in sorted(reference.tables.agencies)
        for name in (topics.agency_inbox(code), topics.agency_outbox(code))
        if name not in existing
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did: the proposal as it is now, and what it changes in its table."""

    proposal: Proposal
    differences: Sequence[Difference]


def propose(connection: Connection, table: Table, by: str, reason: str, checks: Checks) -> Outcome:
    """
    Propose another content for a table of the set that counts, or a table that it does not have.

    Args:
        table: with the description that it is to have.

    Raises:
        RefusedError: every problem of the set as it would be; nothing changes; the same is proposed already.
    """
    by, reason = _said("by", by), _said("reason", reason)
    with _writing(connection) as (publisher, ledger):
        current = ledger.newest()
        old = current.tables.get(table.name)
        if old == table:
            raise RefusedError(
                f"{table.file}: nothing changes: this is the table {table.name} that counts now"
            )
        for each in ledger.proposals.values():
            if each.is_open and (each.table, each.sha256, each.about) == (
                table.name,
                table.sha256,
                table.about,
            ):
                raise RefusedError(f"{table.file}: proposal {each.number} is the same, and open")
        checks.run(current.with_table(table), admin.list_topics(connection))
        proposal = Proposal(
            number=_next(ledger.proposals),
            table=table.name,
            sha256=table.sha256,
            about=dict(table.about),
            base=old.sha256 if old else "",
            base_about=dict(old.about) if old else {},
            by=by,
            reason=reason,
        )
        publisher.publish([*publish_contents([table]), publish_proposal(proposal)])
        return Outcome(proposal, compare_tables(old, table))


def approve(connection: Connection, number: int, by: str, checks: Checks) -> tuple[Approval, Outcome]:
    """
    Let a proposal count: the set with it becomes the one that counts.

    Raises:
        RefusedError: it is not open, its proposer wants to approve it, its table has changed since, or the set as it
            would be now can't be loaded; every problem.
    """
    by = _said("by", by)
    with _writing(connection) as (publisher, ledger):
        proposal = _open_proposal(ledger, number)
        if _same_person(by, proposal.by):
            raise RefusedError(f"proposal {number} is by {proposal.by}: somebody else must approve it")
        current = ledger.newest()
        old = current.tables.get(proposal.table)
        if (old.sha256 if old else "", dict(old.about) if old else {}) != (
            proposal.base,
            proposal.base_about,
        ):
            raise RefusedError(
                f"proposal {number}: the table {proposal.table} has changed since it was proposed;"
                " reject it, and propose the change anew on the table as it is"
            )
        after = apply_proposal(current, proposal, ledger.contents[proposal.table, proposal.sha256])
        checks.run(after, admin.list_topics(connection))
        approval = Approval(
            number=_next(ledger.approvals),
            set=after.version,
            previous=ledger.current,
            tables=(proposal.table,),
            proposal=number,
            proposed_by=proposal.by,
            approved_by=by,
            reason=proposal.reason,
        )
        decided = decide(proposal, Status.APPROVED, by)
        publisher.publish([publish_proposal(decided), *publish_set(after, approval)])
        return approval, Outcome(decided, compare_tables(old, after.tables[proposal.table]))


def reject(connection: Connection, number: int, by: str, reason: str) -> Proposal:
    """
    Close a proposal without a change; its proposer may do so too.

    Raises:
        RefusedError: it is not open.
    """
    by, reason = _said("by", by), _said("reason", reason)
    with _writing(connection) as (publisher, ledger):
        rejected = decide(_open_proposal(ledger, number), Status.REJECTED, by, reason)
        publications: list[Publication] = [publish_proposal(rejected)]
        publisher.publish(publications)
        return rejected


def differences_of(ledger: Ledger, proposal: Proposal) -> list[Difference]:
    """Tell what a proposal changes in the content that it was made on."""
    new = Table(proposal.table, ledger.contents[proposal.table, proposal.sha256], proposal.about)
    if not proposal.base:
        return compare_tables(None, new)
    old = replace(new, content=ledger.contents[proposal.table, proposal.base], about=proposal.base_about)
    return compare_tables(old, new)


def _open_proposal(ledger: Ledger, number: int) -> Proposal:
    proposal = ledger.proposals.get(number)
    if proposal is None:
        raise RefusedError(f"there is no proposal {number}; `nsw reference list` shows them")
    if not proposal.is_open:
        raise RefusedError(f"proposal {number} was {proposal.status} by {proposal.decided_by} already")
    return proposal


def _said(what: str, text: str) -> str:
    """Give what somebody said on one line; nobody and no reason are refused."""
    said = " ".join(text.split())
    if not said:
        raise RefusedError(f"--{what}: it is empty; it is recorded for good, so say it")
    return said


def _same_person(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()
