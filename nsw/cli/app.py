"""
The root of the command line: which commands there are, and how an error ends one.

Command modules import what is heavy inside their commands, so that help comes at once.
"""

import io
import sys
from typing import Annotated, Protocol

import typer
from typer.core import TyperGroup

from nsw.cli import (
    configcheck,
    deadletters,
    demo,
    exchange,
    held,
    inbox,
    permits,
    reference,
    revalidate,
    route,
    rules,
    running,
    schemas,
    topics,
    validate,
)
from nsw.cli.output import DEBUG_VARIABLE, is_debugging, report
from nsw.errors import ConfigError, MessageError, NswError, RefusedError, TransientError

EXIT_NOT_ACCEPTED = 1
EXIT_USAGE = 2
EXIT_TRY_AGAIN = 3
#: ``EX_SOFTWARE`` of sysexits.h: our own bug.
EXIT_BUG = 70


class CommandModule(Protocol):
    """What each module of commands has."""

    def register(self, app: typer.Typer) -> None:
        """Add its commands."""


MODULES: tuple[CommandModule, ...] = (
    running,
    demo,
    exchange,
    inbox,
    deadletters,
    held,
    topics,
    validate,
    route,
    permits,
    reference,
    revalidate,
    configcheck,
    rules,
    schemas,
)


class _Root(TyperGroup):
    """Turns our errors into a message and an exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except NswError as error:
            if is_debugging():
                raise
            raise typer.Exit(_explain(error)) from None


app = typer.Typer(
    cls=_Root,
    help="An event-driven National Single Window: check declarations, see where they go, run the window.",
    epilog="Example: nsw validate declaration.xml",
    no_args_is_help=True,
    add_completion=False,
    # The coloured help would double the time until it comes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _module in MODULES:
    _module.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from nsw import __version__

        typer.echo(f"nsw {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; whatever happens ends in a message and an exit code, not in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show Thai must not end a command.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        if is_debugging():
            raise
        report(
            "nsw failed, and this is its own fault:",
            [f"{type(error).__name__}: {error}"],
            f"Run it again with {DEBUG_VARIABLE}=1 to see where, and report it.",
        )
        sys.exit(EXIT_BUG)


def _explain(error: NswError) -> int:
    """Tell people what happened and what to do; give the exit code."""
    if isinstance(error, RefusedError):
        report("Nothing was changed:", error.problems)
        return EXIT_USAGE
    if isinstance(error, ConfigError):
        # Only errors of settings and tables are plain; the others bring their own remedy.
        hint = "'nsw config check' lists every problem of the settings." if type(error) is ConfigError else ""
        report("This can't run as it is set up:", error.problems, hint)
        return EXIT_USAGE
    if isinstance(error, TransientError):
        hint = f"{error.question} Nothing was lost: try again."
        report("This did not work now, but may later:", [str(error)], hint)
        return EXIT_TRY_AGAIN
    if isinstance(error, MessageError):
        report("This message can't be taken as it is:", [str(error)], f"'nsw codes' explains {error.code}.")
        return EXIT_NOT_ACCEPTED
    report("nsw failed, and this is its own fault:", [str(error)], f"Set {DEBUG_VARIABLE}=1 to see where.")
    return EXIT_BUG
