"""The schema registry beside the local window."""

import socket
from pathlib import Path

import pytest

from nsw.config import load_config
from nsw.localregistry import LocalRegistry
from nsw.schemaids import load_schema_ids

ACKNOWLEDGEMENT = Path(__file__).resolve().parents[2] / "schemas" / "nsw" / "acknowledgement"


def test_a_window_goes_on_without_a_registry_that_cannot_start(tmp_path: Path) -> None:
    """What is wrong is told, and the settings stay as they were."""
    (tmp_path / "registry").write_text("not a folder", "utf-8")
    config = load_config({}, data_folder=tmp_path)
    told: list[str] = []
    with LocalRegistry(config, 0, tell=told.append) as registry:
        assert (registry.config, registry.url) == (config, "")
        registry.check()
    assert told[-1].startswith("there is no schema registry: The folder")


@pytest.mark.registry
def test_takes_a_free_port_and_tells_of_its_end(tmp_path: Path) -> None:
    """Another program has the port: the address says which is used. An end is told once, and stops nobody."""
    config = load_config({}, data_folder=tmp_path, schema_folders=(ACKNOWLEDGEMENT,))
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with LocalRegistry(config, port, tell=told.append) as registry:
            ids = load_schema_ids(tmp_path / "schema-ids.yaml")
            assert registry.config.schema_ids_file == tmp_path / "schema-ids.yaml"
            assert (ids.registry, [each.subject for each in ids.schemas]) == (
                registry.url,
                ["Acknowledgement"],
            )
            assert f":{port}/" not in registry.url
            registry.check()
            assert registry._registry is not None
            assert registry._registry._process is not None
            registry._registry._process.kill()
            registry.check()
            registry.check()
            assert registry.url == ""
    assert sum("goes on without it" in each for each in told) == 1
