"""Shared fixtures: a real Kafka for the tests that need one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsw.config import load_config
from nsw.embedded import BrokerSettings, EmbeddedBroker
from nsw.reference import Reference
from nsw.worker import load_snapshot

ROOT = Path(__file__).resolve().parent.parent

# Tests that run side by side are told the width of a terminal that they do not have.
os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session")
def bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """
    Give the address of a real Kafka: one that is named by NSW_TEST_BOOTSTRAP_SERVERS, else an embedded one.

    There is no way to go on without: a machine that can't run it fails the tests, and never skips them.
    """
    given = os.environ.get("NSW_TEST_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    # Transactions' state must be found by other consumers soon, and everything else as people get it.
    with EmbeddedBroker(tmp_path_factory.mktemp("kafka"), BrokerSettings()) as broker:
        yield broker.bootstrap_servers


@pytest.fixture(scope="session")
def conformance_data() -> Path:
    """
    Give the folder of documents that others wrote.

    In a clone without it the tests say so and are left out; in CI its absence is a failure.
    """
    folder = Path(os.environ.get("NSW_CONFORMANCE_DATA") or ROOT.parent / "shared" / "data")
    if folder.is_dir():
        return folder
    if os.environ.get("CI"):
        pytest.fail(f"the conformance data is missing: {folder}")
    pytest.skip(f"left out: no conformance data at {folder} (set NSW_CONFORMANCE_DATA)")


@pytest.fixture(scope="session")
def reference() -> Reference:
    """Give the project's own snapshot: its message types, code lists and tables."""
    return load_snapshot(load_config({}))


@pytest.fixture(scope="session")
def samples() -> Path:
    """Give the folder of the export declaration's samples."""
    return ROOT / "schemas" / "th" / "export-declaration" / "1.0" / "samples"
