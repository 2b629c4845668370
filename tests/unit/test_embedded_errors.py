"""What the operator reads when the embedded broker cannot run."""

import string

import pytest

from nsw.embedded import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.errors import TROUBLES
from nsw.errors import ConfigError


def _facts(code: BrokerTrouble) -> dict[str, object]:
    entry = TROUBLES[code]
    names = {name for _, name, _, _ in string.Formatter().parse(entry.sentence + entry.remedy) if name}
    return {name: 7 if name == "seconds" else f"<{name}>" for name in names}


@pytest.mark.parametrize("code", list(BrokerTrouble))
def test_each_trouble_is_told_in_a_sentence_with_a_remedy(code: BrokerTrouble) -> None:
    """Every code has a sentence and a remedy, and each fact that they name is filled in."""
    error = EmbeddedBrokerError(code, (), **_facts(code))
    assert error.code is code
    assert str(error).count(". ") >= 1
    assert str(error).endswith(".")
    assert "{" not in str(error)


def test_no_two_troubles_share_a_sentence() -> None:
    """Sentences are one of a kind, so that people can search for them."""
    assert len({entry.sentence for entry in TROUBLES.values()}) == len(BrokerTrouble)


def test_the_error_stops_the_start_and_lists_the_log() -> None:
    """It is a ConfigError, and the lines of the broker's log are problems of their own."""
    error = EmbeddedBrokerError(BrokerTrouble.DIED, ["first", "second"], status=1, folder="logs")
    assert isinstance(error, ConfigError)
    assert error.problems[1:] == ("first", "second")


def test_keeps_braces_of_the_log_as_they_are(tmp_path: object) -> None:
    """Kafka logs braces; they are not taken for names of facts."""
    error = EmbeddedBrokerError(BrokerTrouble.DIED, ["voters={1=VoterNode}"], status=1, folder=tmp_path)
    assert error.problems[1] == "voters={1=VoterNode}"
