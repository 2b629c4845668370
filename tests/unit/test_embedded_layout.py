"""The places inside a data folder."""

from pathlib import Path

import pytest

from nsw.embedded import EmbeddedBrokerError, KafkaRuntime, Listener
from nsw.embedded.archive import ClassArchive
from nsw.embedded.java import Java
from nsw.embedded.layout import DataFolder
from nsw.embedded.properties import ServerConfig, Voter


def _config(folder: DataFolder) -> ServerConfig:
    return ServerConfig(1, (Voter(1, 9093),), (Listener("PLAINTEXT", 9092),), folder.records)


def _runtime(tmp_path: Path, java_script: str) -> KafkaRuntime:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\n{java_script}\n", encoding="ascii")
    java.chmod(0o755)
    archive = ClassArchive(tmp_path / "base", tmp_path / "top", tmp_path / "draft")
    return KafkaRuntime(Java(java, 17, ""), (tmp_path / "kafka.jar",), archive)


def test_a_start_sets_the_last_log_aside(tmp_path: Path) -> None:
    """The tail shows this run only, so that an old error is not taken for a new one."""
    folder = DataFolder(tmp_path)
    folder.write_configuration(_config(folder))
    folder.log_file.write_text("No space left on device\n", encoding="ascii")
    folder.write_configuration(_config(folder))
    assert folder.tail() == []
    assert (folder.logs / "previous.log").exists()


def test_a_killed_node_is_known_by_its_folder(tmp_path: Path) -> None:
    """Kafka leaves a mark when it ends cleanly, and takes it away when it starts; a new folder has seen no node."""
    folder = DataFolder(tmp_path)
    seen = [folder.was_killed]
    folder.records.mkdir()
    seen.append(folder.was_killed)
    (folder.records / ".kafka_cleanshutdown").touch()
    assert [*seen, folder.was_killed] == [False, True, False]


def test_the_tail_is_short_and_without_stack_frames(tmp_path: Path) -> None:
    """People read the last lines of what Java printed and of the log; frames of a stack trace are left out."""
    folder = DataFolder(tmp_path)
    folder.logs.mkdir()
    folder.console_file.write_text("printed\n", encoding="ascii")
    lines = [f"line {number}" for number in range(100)]
    folder.log_file.write_text("\n".join([*lines, "\tat java.base/Thread.run", "end"]), encoding="ascii")
    tail = folder.tail()
    assert (tail[0], tail[-2:], len(tail)) == ("printed", ["line 99", "end"], 21)


def test_a_used_folder_keeps_its_cluster(tmp_path: Path) -> None:
    """A folder that was prepared before is not prepared again: Java is not even run."""
    folder = DataFolder(tmp_path)
    folder.records.mkdir()
    (folder.records / "meta.properties").write_text(
        "version=1\ncluster.id=abc\nnode.id=1\n", encoding="ascii"
    )
    assert folder.ensure_formatted(_runtime(tmp_path, "exit 1")) == "abc"


def test_a_failed_preparation_shows_what_kafka_said(tmp_path: Path) -> None:
    """The lines that the tool printed are part of the error."""
    runtime = _runtime(tmp_path, "echo 'Invalid value 0 for configuration log.cleaner.threads'; exit 1")
    with pytest.raises(EmbeddedBrokerError, match="Invalid value 0"):
        DataFolder(tmp_path).ensure_formatted(runtime)


def test_a_class_archive_is_learnt_once(tmp_path: Path) -> None:
    """Without one the broker writes a draft; a draft that was kept is used from then on."""
    archive = ClassArchive(tmp_path / "base", tmp_path / "top", tmp_path / "draft")
    assert archive.learn_options() == []
    archive.base.touch()
    assert f"-XX:ArchiveClassesAtExit={archive.draft}" in archive.learn_options()
    archive.draft.touch()
    archive.keep_draft()
    assert archive.learn_options() == [f"-XX:SharedArchiveFile={archive.base}:{archive.top}"]
    archive.discard()
    assert archive.use_options() == []
