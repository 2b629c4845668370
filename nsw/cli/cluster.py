"""Options and steps that all commands share that need a running window."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nsw.cli.output import read_settings
from nsw.errors import ConfigError

if TYPE_CHECKING:
    from nsw.config import Config
    from nsw.connection import Connection

Bootstrap = Annotated[
    str | None,
    typer.Option(
        "--bootstrap-servers",
        help="Kafka's address, host:port. Left out: NSW_BOOTSTRAP_SERVERS, else the window that `nsw up` runs here.",
    ),
]
DataFolder = Annotated[Path | None, typer.Option("--data-folder", help="Where `nsw up` keeps its data.")]


def configure(
    bootstrap_servers: str | None, data_folder: Path | None = None, **overrides: object
) -> "Config":
    """
    Read the settings, with those of the command line on top.

    Raises:
        ConfigError: every problem.
    """
    return read_settings(bootstrap_servers=bootstrap_servers, data_folder=data_folder, **overrides)


def connect(bootstrap_servers: str | None, data_folder: Path | None = None) -> "tuple[Config, Connection]":
    """
    Find the running window.

    Raises:
        ConfigError: no address is given, and no window runs here.
    """
    from nsw.connection import Connection

    config = configure(bootstrap_servers, data_folder)
    address = config.bootstrap_servers or _local_address(config.data_folder)
    if not address:
        raise ConfigError(
            "no window found: run `nsw up` in another terminal, or give --bootstrap-servers HOST:PORT"
            " (or NSW_BOOTSTRAP_SERVERS)"
        )
    return config, Connection(address)


def _local_address(data_folder: Path) -> str:
    from nsw.local import ADDRESS_FILE

    try:
        return (data_folder / ADDRESS_FILE).read_text().strip()
    except OSError:
        return ""


#: Name of the transactions that operators' commands write: a second command ends the first one's.
OPERATOR = "nsw-operator"


def mark_done(key: bytes) -> Any:
    """Give the publication that remembers in ``nsw.control`` that an operator did something once."""
    from nsw import topics
    from nsw.model import Publication, Purpose

    return Publication(Purpose.CONTROL, topics.CONTROL, key, b"{}")


def format_moment(timestamp_ms: int) -> str:
    """Write a broker's timestamp for people: UTC, to the millisecond."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds")
