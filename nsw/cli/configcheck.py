"""``nsw config``: every problem of settings and tables at once, and the settings as they are."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import typer

from nsw.cli.output import (
    FormatOption,
    OutputFormat,
    SchemasOption,
    clean,
    print_json,
    print_table,
    read_settings,
    settings_variables,
    stdout,
)
from nsw.cli.validate import load_snapshot
from nsw.errors import ConfigError

if TYPE_CHECKING:
    from nsw.config import Config

_T = TypeVar("_T")
_VARIABLE = re.compile(r"NSW_[A-Z0-9_]+")
_HIDDEN = "***"
_DEVELOPMENT_KEY = (
    "NSW_CONVERSATION_KEY: the published development secret is in use: anyone can forge conversation ids; "
    "set a secret of your own before others can reach this window"
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The settings of this process, and the tables they name.")
    group.command(name="check", epilog="Example: nsw config check --schemas ./my-message-types")(check)
    group.command(name="show", epilog="Example: NSW_MAX_FINDINGS=100 nsw config show")(show)
    app.add_typer(group, name="config")


@dataclass(slots=True)
class _Report:
    """What a check found."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)

    def attempt(self, load: Callable[[], _T]) -> _T | None:
        """Note the problems of a loader; None then."""
        try:
            return load()
        except ConfigError as error:
            self.problems += (each for each in error.problems if each not in self.problems)
            return None


def check(schemas: SchemasOption = None, output: FormatOption = OutputFormat.TEXT) -> None:
    """
    List every problem of the settings, message types, and tables at once; start nothing.

    The routing tests that lie beside the tables are run, too.

    Exit code: 0 no problem (there may be warnings), 2 the window would not start.
    """
    from nsw.routing import run_routing_tests

    found = _Report()
    config = found.attempt(read_settings) or _without_faults(found.problems)
    if config.uses_development_key:
        found.warnings.append(_DEVELOPMENT_KEY)
    reference = found.attempt(lambda: load_snapshot(config, schemas or ()))
    if reference is not None:
        folder = config.reference_folder / "routing_tests"
        tests = found.attempt(lambda: run_routing_tests(folder, reference.tables))
        found.facts = {
            "reference_data_version": reference.version,
            "message_types": len(reference.catalogue.types),
            "code_lists": len(reference.code_lists.lists),
            "permits": len(reference.tables.permits.rows),
            "routes": len(reference.tables.routes.rows),
            "agencies": len(reference.tables.agencies),
            "parties": len(reference.parties),
            "routing_tests_passed": tests or 0,
        }
    if output is OutputFormat.JSON:
        print_json({"problems": found.problems, "warnings": found.warnings, **found.facts})
    else:
        _print(found)
    raise typer.Exit(2 if found.problems else 0)


def _without_faults(problems: list[str]) -> "Config":
    """Read the settings without the variables that are wrong, so that what they do not touch is checked too."""
    from nsw.config import load_config

    wrong = {match[0] for problem in problems if (match := _VARIABLE.match(problem))}
    try:
        return load_config({name: value for name, value in settings_variables().items() if name not in wrong})
    except ConfigError:
        return load_config({})


def _print(found: _Report) -> None:
    from rich.text import Text

    console = stdout()
    for problem in found.problems:
        console.print(Text.assemble(("problem  ", "bold red"), clean(problem)), soft_wrap=True)
    for warning in found.warnings:
        console.print(Text.assemble(("warning  ", "bold yellow"), clean(warning)), soft_wrap=True)
    for name, value in found.facts.items():
        console.print(f"{name.replace('_', ' ')}: {value}")
    if found.problems:
        count = len(found.problems)
        console.print(f"{count} problem{'s'[: count > 1]}: the window would not start.", style="bold red")
    else:
        console.print("No problems: the window can start.", style="bold green")


def show(output: FormatOption = OutputFormat.TEXT) -> None:
    """Print every setting: its variable, its value, whether it was set, and what it means."""
    rows = list(_settings(read_settings()))
    if output is OutputFormat.JSON:
        print_json(rows)
        return
    columns = ("variable", "value", "from", "meaning")
    print_table(columns, (tuple(str(cell) for cell in row.values()) for row in rows))


def _settings(config: "Config") -> Iterator[dict[str, str | int | float]]:
    for name, described in type(config).model_fields.items():
        yield {
            "variable": f"NSW_{name.upper()}",
            "value": _shown(getattr(config, name)),
            "from": "environment" if name in config.model_fields_set else "default",
            "meaning": described.description or "",
        }


def _shown(value: object) -> str | int | float:
    from pydantic import SecretStr

    if isinstance(value, SecretStr):
        return _HIDDEN
    if isinstance(value, tuple):
        return ":".join(map(str, value))
    if value is None:
        return ""
    return value if isinstance(value, int | float) else str(value)
