"""How the command line starts, and how errors end it."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from nsw.cli import app as cli
from nsw.errors import Code, ConfigError, InvariantError, MessageError, NswError, TransientError

RUNNER = CliRunner()
HEAVY = (
    "aiokafka",
    "confluent_kafka",
    "faust",
    "kafka",
    "lxml",
    "prometheus_client",
    "pydantic",
    "xmlschema",
)


def failing_app(error: Exception) -> typer.Typer:
    """Give the root with a single command that fails."""
    app = typer.Typer(cls=cli._Root)

    @app.command()
    def fail() -> None:
        raise error

    @app.command()
    def other() -> None:
        pass

    return app


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (ConfigError("first", "second"), 2),
        (TransientError("no answer"), 3),
        (MessageError(Code.DOCUMENT_TOO_LARGE, "9 bytes"), 1),
        (InvariantError("two leads"), 70),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error: NswError, exit_code: int) -> None:
    """Settings give 2, a broker that is away 3, a message that can't be taken 1, our own bugs 70."""
    result = RUNNER.invoke(failing_app(error), ["fail"])

    assert exit_code == result.exit_code
    assert "Traceback" not in result.output


def test_every_problem_stands_on_its_own_line_of_the_error_output() -> None:
    """Problems of settings are told one a line, with the command that lists them all."""
    result = RUNNER.invoke(failing_app(ConfigError("a: wrong", "b: wrong")), ["fail"])

    lines = [line.strip() for line in result.stderr.splitlines()]
    assert {"a: wrong", "b: wrong"} <= set(lines)
    assert "nsw config check" in lines[-1]
    assert not result.stdout


def test_debugging_shows_where_an_error_arose(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NSW_DEBUG the error itself comes out."""
    monkeypatch.setenv("NSW_DEBUG", "1")

    result = RUNNER.invoke(failing_app(ConfigError("wrong")), ["fail"])

    assert isinstance(result.exception, ConfigError)


def test_a_bug_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unforeseen exception is told as our fault, without a traceback."""
    monkeypatch.setattr(cli, "app", failing_app(ZeroDivisionError("division")))
    monkeypatch.setattr(sys, "argv", ["nsw", "fail"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 70
    assert "ZeroDivisionError: division" in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    """Help comes at once: neither a Kafka client nor a parser is imported for it."""
    script = (
        "import sys\nfrom nsw.cli.app import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert printed.splitlines()[-1] == "[]"


def test_the_module_is_the_command() -> None:
    """``python -m nsw --version`` prints name and version."""
    ended = subprocess.run(
        [sys.executable, "-m", "nsw", "--version"], capture_output=True, text=True, check=True
    )

    assert ended.stdout.startswith("nsw ")


@pytest.mark.parametrize(
    "command",
    [
        ["validate"],
        ["route", "explain"],
        ["permits", "lookup"],
        ["config", "check"],
        ["config", "show"],
        ["schemas", "list"],
        ["schemas", "avro"],
        ["codes"],
        ["metrics"],
    ],
    ids=" ".join,
)
def test_help_of_each_command_has_an_example(command: list[str]) -> None:
    """A newcomer sees how to call it, and that it can print JSON."""
    result = RUNNER.invoke(cli.app, [*command, "--help"])

    assert result.exit_code == 0
    assert "Example:" in result.output
    assert "--format" in result.output
