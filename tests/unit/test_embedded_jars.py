"""Kafka's jars in the cache: only whole and right files stay there."""

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from nsw.embedded import BrokerTrouble, EmbeddedBrokerError, FetchProgress
from nsw.embedded.fetching import choose_fetcher
from nsw.embedded.jars import ensure_jars
from nsw.embedded.lock import Jar

BODIES = {"alpha": b"first jar", "beta": b"second jar, a little longer"}
JARS = [
    Jar("org.example", name, "1.0", "", len(body), sha256(body).hexdigest()) for name, body in BODIES.items()
]


class Shop:
    """A repository in memory that notes what was fetched."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        self.bodies = bodies
        self.fetched: list[str] = []

    def fetch(self, jar: Jar, folder: Path) -> Path:
        """Write the jar's bytes as a client would: under a name of its own."""
        self.fetched.append(jar.artifact)
        path = folder / f"{jar.artifact}.download"
        path.write_bytes(self.bodies[jar.artifact])
        return path


def _age(path: Path) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(path, (two_hours_ago, two_hours_ago))


def _refuse(jar: Jar, _folder: Path) -> Path:
    raise AssertionError(f"{jar.coordinates} must not be fetched")


def _left_behind(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "kafka-jars").iterdir())


def test_fetches_into_an_empty_cache(tmp_path: Path) -> None:
    """All jars come, in the order of the lock, and nothing else stays."""
    paths = ensure_jars(tmp_path / "new", jars=JARS, fetch=Shop(BODIES).fetch)
    assert [path.read_bytes() for path in paths] == list(BODIES.values())
    assert _left_behind(tmp_path / "new") == ["alpha-1.0.jar", "beta-1.0.jar"]


def test_fetches_nothing_into_a_full_cache(tmp_path: Path) -> None:
    """A second start needs no network."""
    first = ensure_jars(tmp_path, jars=JARS, fetch=Shop(BODIES).fetch)
    assert ensure_jars(tmp_path, jars=JARS, fetch=_refuse) == first


@pytest.mark.parametrize("damage", [b"first", b"first jam", b""], ids=["half", "altered", "empty"])
def test_replaces_a_damaged_file(tmp_path: Path, damage: bytes) -> None:
    """A file that is not the one in the lock is fetched again; the others stay."""
    shop = Shop(BODIES)
    paths = ensure_jars(tmp_path, jars=JARS, fetch=shop.fetch)
    shop.fetched.clear()
    paths[0].write_bytes(damage)
    ensure_jars(tmp_path, jars=JARS, fetch=shop.fetch)
    assert shop.fetched == ["alpha"]
    assert paths[0].read_bytes() == BODIES["alpha"]


def test_refuses_a_fetched_file_that_is_not_the_one_in_the_lock(tmp_path: Path) -> None:
    """The error names the jar, what was expected and what came; the file is not kept."""
    shop = Shop(BODIES | {"beta": b"something else"})
    with pytest.raises(EmbeddedBrokerError) as caught:
        ensure_jars(tmp_path, jars=JARS, fetch=shop.fetch)
    assert caught.value.code is BrokerTrouble.JAR_MISMATCH
    for expected in ("org.example:beta:1.0", JARS[1].sha256, sha256(b"something else").hexdigest()):
        assert expected in str(caught.value)
    assert "beta-1.0.jar" not in _left_behind(tmp_path)


def test_a_transfer_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    """What was half fetched never gets the final name; what was whole is kept for the next try."""

    def break_off(jar: Jar, folder: Path) -> Path:
        path = folder / f"{jar.artifact}.download"
        path.write_bytes(BODIES[jar.artifact][:3])
        raise EmbeddedBrokerError(BrokerTrouble.FETCH_FAILED, jar=jar.coordinates, reason="broken off")

    with pytest.raises(EmbeddedBrokerError, match="broken off"):
        ensure_jars(tmp_path, jars=JARS, fetch=break_off)
    assert _left_behind(tmp_path) == []


def test_sweeps_what_a_killed_process_left(tmp_path: Path) -> None:
    """A staging folder of an hour ago goes; a young one may be in use and stays."""
    for name in (".fetch-old", ".fetch-young"):
        (tmp_path / "kafka-jars" / name).mkdir(parents=True)
    _age(tmp_path / "kafka-jars" / ".fetch-old")
    ensure_jars(tmp_path, jars=JARS, fetch=Shop(BODIES).fetch)
    assert _left_behind(tmp_path) == [".fetch-young", "alpha-1.0.jar", "beta-1.0.jar"]


def test_tells_its_progress(tmp_path: Path) -> None:
    """After each fetched jar the count and the bytes so far are told; at the end they are the totals."""
    seen: list[FetchProgress] = []
    ensure_jars(tmp_path, jars=JARS, fetch=Shop(BODIES).fetch, on_progress=seen.append)
    total = sum(map(len, BODIES.values()))
    assert [(one.done_count, one.total_count, one.total_bytes) for one in seen] == [
        (1, 2, total),
        (2, 2, total),
    ]
    assert seen[-1].done_bytes == total


def test_without_any_client_the_extra_is_named() -> None:
    """Who installed nsw without the extra is told which to add."""
    with pytest.raises(EmbeddedBrokerError, match=r"nsw\[embedded\]") as caught:
        choose_fetcher(JARS, has_jgo=False, maven="")
    assert caught.value.code is BrokerTrouble.FETCHER_MISSING
