"""Fetching one exact file with a client that knows where Maven's repository is."""

import stat
from pathlib import Path

import pytest

from nsw.embedded import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.fetching import choose_fetcher, fetch_with_maven
from nsw.embedded.lock import Jar

JAR = Jar("org.example", "thing", "1.0", "linux", 4, "0" * 64)
# Stands in for mvn: notes its arguments, and copies the file where it was told to.
MAVEN = """\
#!/bin/sh
echo "$@" >arguments
for argument; do case "$argument" in -DoutputDirectory=*) out="${argument#*=}" ;; esac; done
mkdir -p "$out" && echo jar >"$out/thing-1.0-linux.jar"
"""


def _program(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_maven_is_asked_for_the_exact_coordinates(tmp_path: Path) -> None:
    """The classifier stands behind the type, as Maven wants it; nothing is left to be resolved."""
    path = fetch_with_maven(_program(tmp_path / "mvn", MAVEN), JAR, tmp_path)
    assert path.read_text(encoding="ascii") == "jar\n"
    assert "-Dartifact=org.example:thing:1.0:jar:linux" in (tmp_path / "arguments").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", None], ids=["fails", "is-missing"])
def test_a_failing_maven_is_told(tmp_path: Path, script: str | None) -> None:
    """The error names the jar, whether mvn ended badly or cannot be run."""
    maven = _program(tmp_path / "mvn", script) if script else str(tmp_path / "mvn")
    with pytest.raises(EmbeddedBrokerError, match=r"org\.example:thing:1\.0:linux") as caught:
        fetch_with_maven(maven, JAR, tmp_path)
    assert caught.value.code is BrokerTrouble.FETCH_FAILED


def test_maven_stands_in_where_jgo_is_missing(tmp_path: Path) -> None:
    """Without the extra, a machine with mvn can fetch all the same."""
    fetch = choose_fetcher([JAR], has_jgo=False, maven=_program(tmp_path / "mvn", MAVEN))
    assert fetch(JAR, tmp_path).exists()


def test_maven_stands_in_when_jgo_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that cannot reach the repository does not end the fetching."""
    pytest.importorskip("jgo")

    def no_network(*_arguments: object, **_options: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("jgo.util.http.get", no_network)
    fetch = choose_fetcher([JAR], has_jgo=True, maven=_program(tmp_path / "mvn", MAVEN))
    assert fetch(JAR, tmp_path).exists()
