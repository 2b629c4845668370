"""The list of Kafka's jars."""

import pytest

from nsw.embedded import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.lock import Jar, encode_lock, load_lock, parse_lock

SHA = "0123456789abcdef" * 4
PLAIN = Jar("org.example", "thing", "1.0", "", 10, SHA)
ARCHIVE = Jar("org.example", "thing", "1.0", "all", 12, SHA, "tar.gz")
CLASSIFIED = Jar("org.example", "thing", "1.0", "linux", 11, SHA)


def test_reads_coordinates_size_and_hash() -> None:
    """A line holds the coordinates, with or without a classifier, the size and the SHA-256."""
    text = f"# head\n\norg.example:thing:1.0 10 {SHA}\norg.example:thing:1.0:linux 11 {SHA}\n"
    assert parse_lock(text) == (PLAIN, CLASSIFIED)


def test_writing_and_reading_give_the_same_list() -> None:
    """What the tool writes is what the broker reads, in the order of coordinates."""
    assert parse_lock(encode_lock([CLASSIFIED, PLAIN])) == (PLAIN, CLASSIFIED)


def test_names_the_file_as_maven_does() -> None:
    """The classifier stands behind the version."""
    names = [each.file_name for each in (PLAIN, CLASSIFIED, ARCHIVE)]
    assert names == ["thing-1.0.jar", "thing-1.0-linux.jar", "thing-1.0-all.tar.gz"]


def test_a_file_that_is_no_jar_says_its_extension() -> None:
    """It stands behind the coordinates, after an @."""
    assert ARCHIVE.coordinates == "org.example:thing:1.0:all@tar.gz"
    assert parse_lock(encode_lock([ARCHIVE])) == (ARCHIVE,)


@pytest.mark.parametrize(
    "line",
    [
        "org.example:thing 10 " + SHA,
        "org.example:thing:1.0 ten " + SHA,
        "org.example:thing:1.0 10 " + SHA[:-1],
        "org.example:thing:1.0 10 " + SHA.upper(),
        "org.example:../thing:1.0 10 " + SHA,
        "org.example:thing:1.0 10",
    ],
)
def test_refuses_a_line_of_another_shape(line: str) -> None:
    """The error names the line; nothing is guessed, and no name leads out of the cache."""
    with pytest.raises(EmbeddedBrokerError, match="line 2") as caught:
        parse_lock(f"# head\n{line}\n")
    assert caught.value.code is BrokerTrouble.LOCK_UNREADABLE


def test_refuses_two_jars_with_one_file_name() -> None:
    """The cache is one folder, so file names must differ."""
    with pytest.raises(EmbeddedBrokerError, match=r"thing-1\.0\.jar comes twice"):
        parse_lock(f"a:thing:1.0 10 {SHA}\nb:thing:1.0 10 {SHA}\n")


def test_the_own_list_holds_broker_tools_and_log() -> None:
    """The list of this package has the broker, its tools, and the logger's binding that Kafka's SLF4J 1.7 wants."""
    jars = {jar.artifact: jar.version for jar in load_lock()}
    assert jars["kafka_2.13"] == jars["kafka-tools"] == jars["kafka-clients"]
    assert jars["slf4j-api"].startswith("1.7.")
    assert {"log4j-slf4j-impl", "log4j-core"} <= jars.keys()
