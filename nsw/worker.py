"""Assembles one worker process by hand: settings, snapshot, metrics, and a loop for each role that it plays."""

import faulthandler
import gc
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from enum import StrEnum
from functools import partial

from nsw import __version__, admin, casework, intake, telemetry, topics
from nsw.casestore import CaseBook
from nsw.casework import Casework, Decide, Destinations
from nsw.config import Config
from nsw.connection import Connection
from nsw.errors import ConfigError, TransientError
from nsw.formats.xml import XmlLimits
from nsw.intake import Intake
from nsw.lodging import LodgingSettings
from nsw.loop import ChangelogReader, ControlFollower, LoopSettings, TransactionalLoop, Work
from nsw.processing import process
from nsw.quarantine import CellLimits, Quarantine, Setup, forbid_core_files
from nsw.readahead import ReadAhead
from nsw.reference import Limits, Reference, load_reference
from nsw.refresh import TableFollower
from nsw.stream import Runnable, run_worker
from nsw.telemetry import Telemetry

log = logging.getLogger(__name__)
_LAG_SECONDS = 5.0
_Builder = Callable[[Config, Connection, TableFollower, Telemetry], TransactionalLoop]


class Role(StrEnum):
    """What a worker process can do; on one machine one process plays both."""

    INTAKE = intake.ROLE
    CASEWORK = casework.ROLE


def load_snapshot(config: Config) -> Reference:
    """
    Read the reference snapshot that the settings name.

    Raises:
        ConfigError: every problem of every file.
    """
    limits = Limits(XmlLimits(max_document_bytes=config.max_document_bytes), config.max_findings)
    return load_reference(
        config.schema_folders,
        config.reference_folder,
        config.schema_variables,
        limits,
        config.schema_ids_file,
    )


def run(config: Config, roles: Sequence[Role], decide: Decide = process) -> int:
    """
    Work until a signal or the death of a loop.

    Args:
        decide: casework's decision; benchmarks measure others.

    Returns:
        The process's exit code.

    Raises:
        ConfigError: every problem found before the first record is read.
    """
    if config.uses_development_key:
        log.warning(
            "NSW_CONVERSATION_KEY is not set: with the published one anybody can forge conversation ids"
        )
    # Where a crash in C code happened is told in the log; no values are, and none are left in a file.
    faulthandler.enable()
    forbid_core_files()
    folder = load_snapshot(config)
    folder.catalogue.warm()
    connection = Connection(config.bootstrap_servers)
    _check_cluster(config, connection)
    # Labels from closed sets only, from the first count on.
    metrics = Telemetry({"agency": (), "message_type": ()})
    tables = TableFollower(connection, folder, metrics)
    reference = tables.load()
    log.info("judging by %s", reference.version)
    # Message types and tables live as long as the process: no collection of garbage need look at them again.
    gc.collect()
    gc.freeze()
    port = _serve(config, metrics)
    log.info("metrics on http://%s:%d/metrics", config.metrics_host, port)
    builders: dict[Role, _Builder] = {
        Role.INTAKE: _build_intake,
        Role.CASEWORK: partial(_build_casework, decide),
    }

    def builder(role: Role) -> Callable[[], Runnable]:
        return lambda: builders[role](config, connection, tables, metrics)

    with _watch_lag(connection, metrics, roles), tables:
        return run_worker(
            {role: builder(role) for role in roles},
            app_id=f"nsw-worker-{config.worker_slot}",
            bootstrap_servers=config.bootstrap_servers,
        )


def _serve(config: Config, metrics: Telemetry) -> int:
    try:
        return metrics.serve(config.metrics_host, config.metrics_port)
    except OSError as error:
        raise ConfigError(
            f"NSW_METRICS_PORT: port {config.metrics_port} of {config.metrics_host} can't be used: {error.strerror}"
        ) from error


def _check_cluster(config: Config, connection: Connection) -> None:
    """Refuse a cluster whose own topics of the window are missing or set up otherwise."""
    specs = topics.system_topics(
        case_partitions=config.case_partitions, max_document_bytes=config.max_document_bytes
    )
    problems = admin.check_topics(connection, specs, config.replication_factor, config.in_sync_replicas)
    if problems:
        raise ConfigError(*problems)


def _build_intake(
    config: Config, connection: Connection, _tables: TableFollower, metrics: Telemetry
) -> TransactionalLoop:
    settings = LodgingSettings(
        cluster=admin.cluster_id(connection),
        conversation_key=config.conversation_key.get_secret_value().encode(),
        case_partitions=config.case_partitions,
        version=__version__,
    )
    follower = ControlFollower(config.bootstrap_servers, topics.CONTROL)
    work = Intake(settings, metrics, follower.poll)
    return TransactionalLoop(_loop_settings(config, intake.ROLE, intake.SUBSCRIPTION), work)


def _build_casework(
    decide: Decide, config: Config, _connection: Connection, tables: TableFollower, metrics: Telemetry
) -> TransactionalLoop:
    def known_topics() -> frozenset[str]:
        return loop.known_topics()

    changelog = ChangelogReader(
        config.bootstrap_servers, topics.CASES_CHANGELOG, stopping=lambda: loop.is_stopping
    )
    book = CaseBook(
        config.data_folder / "cases" / config.worker_slot,
        changelog,
        keep_days=config.case_days,
        today=date.today,
    )
    quarantine = Quarantine(_quarantine_setup(config, tables.newest.limits), lambda: loop.is_stopping)
    work: Work = Casework(
        lambda: tables.newest,
        metrics,
        Destinations(known_topics),
        book,
        config.dead_letters_in_a_row,
        decide=decide,
        ahead=_reads_ahead(config, tables.newest),
        judge_apart=quarantine.judge,
    )
    settings = replace(
        _loop_settings(config, casework.ROLE, (topics.CASES,)), judge_seconds=config.judge_seconds
    )
    loop = TransactionalLoop(settings, work)
    return loop


def _reads_ahead(config: Config, reference: Reference) -> ReadAhead | None:
    if not config.reading_threads:
        return None
    return ReadAhead(reference.catalogue, reference.limits.xml, config.reading_threads)


def _quarantine_setup(config: Config, limits: Limits) -> Setup:
    return Setup(
        schema_folders=config.schema_folders,
        variables=config.schema_variables,
        schema_ids=config.schema_ids_file,
        limits=limits,
        cell=CellLimits(config.judge_seconds, config.judge_memory_bytes),
    )


def group_of(role: str) -> str:
    """Name the consumer group of a role."""
    return f"nsw-{role}"


def _loop_settings(config: Config, role: str, subscription: tuple[str, ...]) -> LoopSettings:
    return LoopSettings(
        bootstrap_servers=config.bootstrap_servers,
        group_id=group_of(role),
        transactional_id=f"nsw-{role}-{config.worker_slot}",
        group_instance_id=f"nsw-{role}-{config.worker_slot}",
        subscription=subscription,
        batch_records=config.batch_records,
        batch_seconds=config.batch_seconds,
        transaction_timeout_ms=int(config.transaction_timeout_seconds * 1000),
        session_timeout_ms=int(config.session_timeout_seconds * 1000),
        # The dead letters' topic takes the largest records of all.
        max_message_bytes=topics.output_max_bytes(config.max_document_bytes) + topics.OUTPUT_HEADROOM_BYTES,
    )


@contextmanager
def _watch_lag(connection: Connection, metrics: Telemetry, roles: Sequence[Role]) -> Iterator[None]:
    """Measure every few seconds how far the roles are behind."""
    ended = threading.Event()
    group_by_role = {role: group_of(role) for role in roles}

    def watch() -> None:
        while not ended.wait(_LAG_SECONDS):
            try:
                lag = admin.consumer_lag(connection, list(group_by_role.values()))
            except TransientError as error:
                log.warning("lag not measured: %s", error)
                continue
            for role, group in group_by_role.items():
                behind = sum(records for (each, _topic, _partition), records in lag.items() if each == group)
                metrics.set(telemetry.LAG, behind, role)

    thread = threading.Thread(target=watch, name="lag", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
