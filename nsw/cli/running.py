"""Commands that run something in the foreground: ``broker``, ``worker`` and ``up``."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Annotated

import typer

from nsw.cli.cluster import Bootstrap, DataFolder, configure, connect
from nsw.cli.output import complain, stderr

_PARENT_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("broker")(run_broker)
    app.command("worker")(run_worker_process)
    app.command("up")(run_up)


def tell(sentence: str) -> None:
    """Say one step of a long run to the person who watches."""
    complain(f"· {sentence}")


@contextmanager
def fetching() -> Iterator[object]:
    """Draw a bar while the broker's jars are fetched at the first start."""
    from rich.progress import BarColumn, Progress, TextColumn

    from nsw.embedded import FetchProgress

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        console=stderr(),
        transient=True,
    ) as bar:
        task = bar.add_task("fetching Kafka", total=None, visible=False)

        def on_progress(progress: FetchProgress) -> None:
            bar.update(task, completed=progress.done_count, total=progress.total_count, visible=True)

        yield on_progress


@contextmanager
def until_signal() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or SIGTERM sets."""
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


Nodes = Annotated[
    int, typer.Option(help="Nodes of the embedded Kafka: 1, or 3 that keep everything three times.")
]


def run_broker(
    port: Annotated[int, typer.Option(help="Port of Kafka on 127.0.0.1; 0 takes a free one.")] = 9092,
    nodes: Nodes = 1,
    data_folder: DataFolder = None,
) -> None:
    """
    Run a real Kafka on this machine until Ctrl-C; its records stay in the data folder.

    Example: nsw broker --port 9092
    """
    from nsw.embedded import EmbeddedBrokerError
    from nsw.localkafka import LocalKafka

    config = configure(None, data_folder)
    with until_signal() as ended:
        with fetching() as on_progress:
            kafka = LocalKafka(config.data_folder, nodes, port, on_progress)  # type: ignore[arg-type]
            tell("starting Kafka")
            kafka.start()
        tell(f"Kafka is ready at {kafka.bootstrap_servers}; Ctrl-C stops it")
        try:
            while not ended.wait(0.5):
                for sentence in kafka.check():
                    tell(sentence)
        except EmbeddedBrokerError as error:
            complain(str(error))
            raise typer.Exit(1) from error
        finally:
            kafka.stop()
    tell("Kafka stopped")


def run_worker_process(
    role: Annotated[list[str], typer.Option(help="intake or casework; repeat for several in one process.")],
    slot: Annotated[
        str | None, typer.Option(help="Stable name of this worker among those of its role.")
    ] = None,
    metrics_port: Annotated[int | None, typer.Option(help="Port of /metrics; 0 takes a free one.")] = None,
    end_with_parent: Annotated[
        bool, typer.Option("--end-with-parent", help="Also end when the process that started it is gone.")
    ] = False,
    bootstrap_servers: Bootstrap = None,
) -> None:
    """
    Run one worker process until SIGTERM, which lets it finish its batch.

    Its exit code is 0 after a signal, 1 when a loop died and 3 when Kafka does not answer
    (start it again), 2 when its settings are wrong.

    Example: nsw worker --role intake --slot 0
    """
    from nsw import worker

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # The client library tells every connection.
    logging.getLogger("kafka").setLevel(logging.WARNING)
    # And reports it as an error when a reader that is done closes while it refreshes its metadata.
    logging.getLogger("kafka.cluster").setLevel(logging.CRITICAL)
    _, connection = connect(bootstrap_servers)
    config = configure(connection.bootstrap_servers, worker_slot=slot, metrics_port=metrics_port)
    names = [name for each in role for name in each.split(",")]
    unknown = sorted(set(names) - set(worker.Role))
    if unknown:
        raise typer.BadParameter(
            f"unknown: {', '.join(unknown)}; known: {', '.join(worker.Role)}", param_hint="--role"
        )
    if end_with_parent:
        _end_with_parent()
    raise typer.Exit(worker.run(config, [worker.Role(name) for name in names]))


def _end_with_parent() -> None:
    """Send this process SIGTERM once it has another parent: the one that supervised it was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_PARENT_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def run_up(
    port: Annotated[int, typer.Option(help="Port of the embedded Kafka; 0 takes a free one.")] = 9092,
    nodes: Nodes = 1,
    schema_registry: Annotated[
        bool, typer.Option("--schema-registry", help="Also run a schema registry with the window's types.")
    ] = False,
    registry_port: Annotated[
        int, typer.Option(help="Port of that registry; when it is taken, a free one is used.")
    ] = 8081,
    bootstrap_servers: Bootstrap = None,
    data_folder: DataFolder = None,
) -> None:
    """
    Run the whole window on this machine until Ctrl-C: Kafka, all topics, and a worker.

    Then, in another terminal: nsw publish --party P FILE, nsw consume --party P, nsw trace ID.
    """
    from nsw.local import LocalSettings, LocalWindow
    from nsw.localregistry import LocalRegistry
    from nsw.worker import load_snapshot

    config = configure(bootstrap_servers, data_folder)
    config.data_folder.mkdir(parents=True, exist_ok=True)
    settings = LocalSettings(port=port, nodes=nodes, worker_log=config.data_folder / "worker.log")
    with ExitStack() as stack:
        ended, on_progress = stack.enter_context(until_signal()), stack.enter_context(fetching())
        registry = LocalRegistry(config, registry_port, tell=tell, on_progress=on_progress)  # type: ignore[arg-type]
        if schema_registry:
            config = stack.enter_context(registry).config
        reference = load_snapshot(config)
        window = LocalWindow(config, reference, settings, tell=tell, on_progress=on_progress)  # type: ignore[arg-type]
        with window:
            tell(f"the worker's log is {settings.worker_log}")
            tell(f"parties: {', '.join(sorted(window.reference.parties))}")
            tell("the window is up; Ctrl-C stops it")
            while not ended.wait(1.0):
                window.check()
                registry.check()
    tell("everything stopped")
