"""The embedded schema registry for real: a Java process, Confluent's own client, a death."""

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from nsw.embedded import BrokerTrouble, EmbeddedBrokerError, EmbeddedRegistry

pytestmark = pytest.mark.registry

SUBJECT = "test.Note"


def _schema(*fields: Mapping[str, object]) -> Schema:
    record = {"type": "record", "name": "Note", "namespace": "test", "fields": fields}
    return Schema(json.dumps(record), "AVRO")


TEXT = {"name": "text", "type": "string"}
OPTIONAL = {"name": "at", "type": ["null", "string"], "default": None}
REQUIRED = {"name": "by", "type": "string"}


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[EmbeddedRegistry]:
    """A registry of the test's own, as the test kills it."""
    with EmbeddedRegistry(tmp_path) as running:
        yield running


def test_keeps_ids_over_a_kill_and_refuses_what_does_not_fit(registry: EmbeddedRegistry) -> None:
    """By Confluent's client: what was answered is there after SIGKILL under the same id; BACKWARD is the rule."""
    with SchemaRegistryClient({"url": registry.url}) as client:
        first = client.register_schema(SUBJECT, _schema(TEXT))
        second = client.register_schema(SUBJECT, _schema(TEXT, OPTIONAL))
    registry.kill()
    registry.start()
    with SchemaRegistryClient({"url": registry.url}) as client:
        assert client.get_config().compatibility_level == "BACKWARD"
        assert client.lookup_schema(SUBJECT, _schema(TEXT)).schema_id == first
        assert client.get_latest_version(SUBJECT).schema_id == second
        assert client.register_schema(SUBJECT, _schema(TEXT)) == first
        with pytest.raises(SchemaRegistryError) as caught:
            client.register_schema(SUBJECT, _schema(TEXT, REQUIRED))
        assert caught.value.error_code == 409
        assert client.get_versions(SUBJECT) == [1, 2]


def test_tells_of_a_death_and_of_a_folder_in_use(registry: EmbeddedRegistry, tmp_path: Path) -> None:
    """One registry a folder; one that was ended by somebody else is told with its status."""
    with pytest.raises(EmbeddedBrokerError) as caught:
        EmbeddedRegistry(tmp_path).start()
    assert caught.value.code is BrokerTrouble.FOLDER_IN_USE
    registry.check_running()
    assert registry.pid is not None
    os.kill(registry.pid, signal.SIGKILL)
    while registry.is_running:
        time.sleep(0.05)
    with pytest.raises(EmbeddedBrokerError) as caught:
        registry.check_running()
    assert caught.value.code is BrokerTrouble.REGISTRY_DIED
