"""A schema registry beside the local window: the embedded one, with the window's message types registered."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from nsw.config import Config
from nsw.embedded import (
    BrokerTrouble,
    EmbeddedBrokerError,
    EmbeddedRegistry,
    FetchProgress,
    RegistrySettings,
)
from nsw.registration import judge_types, note_ids, register_types, write_schema_ids
from nsw.schemaids import SCHEMA_IDS_FILE
from nsw.schemaregistry import RegistryAccess, SchemaRegistry
from nsw.typefolders import load_catalogue

Tell = Callable[[str], None]
_FOLDER = "registry"


class LocalRegistry:
    """
    The embedded registry while a local window runs; as a context manager it runs inside the block.

    A registry that can't be started is told, and stops nobody: the window then goes by the ids that it knows.

    Args:
        port: where it should listen; when that is taken, a free one is used.
        tell: learns each step as a sentence.
        on_progress: learns when its program was fetched, at the first start.
    """

    def __init__(
        self,
        config: Config,
        port: int,
        *,
        tell: Tell,
        on_progress: Callable[[FetchProgress], None] | None = None,
    ) -> None:
        self._config = config
        self._port = port
        self._tell = tell
        self._on_progress = on_progress
        self._registry: EmbeddedRegistry | None = None

    @property
    def config(self) -> Config:
        """The settings for the window: with the file of ids that this registry gave, when it runs."""
        return self._config

    @property
    def url(self) -> str:
        """Its address; empty when it does not run."""
        return self._registry.url if self._registry else ""

    def check(self) -> None:
        """Tell once when it has ended by itself; to be called every second or so."""
        if self._registry is None:
            return
        try:
            self._registry.check_running()
        except EmbeddedBrokerError as error:
            self._tell(f"{error.problems[0]} The window goes on without it")
            self._stop()

    def __enter__(self) -> Self:
        try:
            self._start()
        except EmbeddedBrokerError as error:
            self._tell(f"there is no schema registry: {error.problems[0]}")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._registry is not None:
            self._tell("stopping the schema registry")
        self._stop()

    def _start(self) -> None:
        self._tell("starting the schema registry (the first time it is fetched: 160 MB)")
        began = time.monotonic()
        try:
            self._registry = self._started(self._port)
        except EmbeddedBrokerError as error:
            if error.code is not BrokerTrouble.PORT_TAKEN:
                raise
            self._registry = self._started(0)
        self._tell(f"the schema registry is ready at {self.url} after {time.monotonic() - began:.1f} s")
        self._register_types()

    def _started(self, port: int) -> EmbeddedRegistry:
        registry = EmbeddedRegistry(
            self._config.data_folder / _FOLDER, RegistrySettings(port=port), on_progress=self._on_progress
        )
        registry.start()
        return registry

    def _register_types(self) -> None:
        catalogue = load_catalogue(list(self._config.schema_folders), self._config.schema_variables)
        path = self._config.data_folder / SCHEMA_IDS_FILE
        with SchemaRegistry(RegistryAccess(self.url)) as client:
            entries = register_types(client, judge_types(client, catalogue))
            path.unlink(missing_ok=True)  # another port is another address, and the same registry
            write_schema_ids(path, note_ids(client.url, entries))
        self._config = self._config.model_copy(update={"schema_ids": path})
        self._tell(f"{len(entries)} Avro schemas are registered; their ids are in {path}")

    def _stop(self) -> None:
        if self._registry is not None:
            self._registry.stop()
            self._registry = None
