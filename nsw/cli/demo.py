"""The command ``demo``: a whole window with invented traders and agencies, checked against what was expected."""

import logging
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from nsw.cli.cluster import configure
from nsw.cli.output import FormatOption, OutputFormat
from nsw.cli.running import fetching, until_signal

_NUMBERS_PER_SECOND = 10
_NUMBERS = 900_000_000
_ANSWER_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(run_demo)


def run_demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when all is there; exit 1 if anything differs.")
    ] = False,
    declarations: Annotated[
        int, typer.Option(min=1, max=100_000, help="How many records are lodged at once.")
    ] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same records.")] = 1,
    crash: Annotated[
        bool, typer.Option("--crash", help="Kill the worker (kill -9) once in mid-stream.")
    ] = False,
    output: FormatOption = OutputFormat.TEXT,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option(
            "--bootstrap-servers",
            help="Use this cluster, host:port. Left out: NSW_BOOTSTRAP_SERVERS, else a Kafka of its own.",
        ),
    ] = None,
) -> None:
    """
    Watch the window at work: traders lodge good, broken and hostile declarations, agencies answer them.

    Starts Kafka and a worker of its own, lodges a mixed stream in XML and Avro for every party of the register,
    answers as the agencies would, and compares all that comes out with what was expected. Without --once it goes
    on slowly until Ctrl-C, so that you can look inside from another terminal.

    Example: nsw demo --once
    """
    from nsw.cli.output import print_json, stdout
    from nsw.demo.run import Options, Run
    from nsw.demo.screen import Screen, print_report
    from nsw.local import LocalSettings, LocalWindow
    from nsw.worker import load_snapshot

    as_json = output is OutputFormat.JSON
    logging.getLogger("kafka").setLevel(logging.ERROR)
    config = configure(bootstrap_servers)
    shared = bool(config.bootstrap_servers)
    options = Options(
        declarations=declarations,
        once=once,
        crash=crash,
        seed=seed,
        first_number=int(time.time() * _NUMBERS_PER_SECOND) % _NUMBERS if shared else 1,
        strangers=shared,
    )
    reference = load_snapshot(config)
    folder = config.data_folder / f"demo-{os.getpid()}"
    own = config.model_copy(update={"data_folder": folder})
    folder.mkdir(parents=True)
    screen = Screen(reference)
    settings = LocalSettings(worker_log=folder / "worker.log")
    with until_signal() as ended, ExitStack() as stack:
        with fetching() as on_progress:
            window = LocalWindow(own, reference, settings, tell=screen.tell, on_progress=on_progress)  # type: ignore[arg-type]
            stack.enter_context(window)
        # Where the window was already in use, its tables count and not those of the folders.
        reference = window.reference
        command = stack.enter_context(_announced(config.data_folder, folder, window.bootstrap_servers))
        if not once:
            screen.suggest(_hints(reference, command))
        report = Run(window, own, reference, options, screen, ended).run()
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report, reference, stdout())
    _leave(folder, screen, once=once, is_fine=report.is_as_expected or report.interrupted)
    raise typer.Exit(0 if report.is_as_expected else 1)


@contextmanager
def _announced(shared_folder: Path, own_folder: Path, address: str) -> Iterator[str]:
    """
    Let other commands find this window without an option, unless another one is announced there.

    Gives the option that they need, or "".
    """
    from nsw.local import ADDRESS_FILE

    place = shared_folder / ADDRESS_FILE
    if place.exists() and _answers(place.read_text().strip()):
        yield f" --data-folder {own_folder}"
        return
    place.write_text(address + "\n")
    try:
        yield ""
    finally:
        with suppress(OSError):
            if place.read_text().strip() == address:
                place.unlink()


def _answers(address: str) -> bool:
    """Tell whether a window is there; one that was killed leaves its address behind."""
    host, _, port = address.partition(",")[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _ANSWER_SECONDS):
            return True
    except (OSError, ValueError):
        return False


def _hints(reference: Any, option: str) -> list[tuple[str, str]]:
    from nsw.demo.stream import PROFILE

    party = max(reference.parties)
    return [
        (
            f"nsw trace {PROFILE}000000001{option}",
            "every step of one declaration, and why each agency has it",
        ),
        (f"nsw consume --agency CUSTOMS{option}", "what customs received"),
        (f"nsw consume --party {party}{option}", "a trader's acknowledgements, rejections and responses"),
        (f"nsw dead-letters list{option}", "what could not be understood"),
    ]


def _leave(folder: Path, screen: Any, *, once: bool, is_fine: bool) -> None:
    """Remove the run's own folder, unless somebody may want to look into it."""
    if once and is_fine:
        shutil.rmtree(folder, ignore_errors=True)
        screen.tell(
            "run `nsw demo` without --once to keep the window open, and look inside from another terminal"
        )
    elif once:
        screen.tell(f"for the search of the cause, the worker's log and Kafka's data stay in {folder}")
    else:
        screen.tell(f"the records stay in {folder}: `nsw up --data-folder {folder}` opens this window again")
