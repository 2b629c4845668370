"""
A TCP proxy for tests, in a thread of its own: it delays, cuts and black-holes the connections through it.

toxiproxy would do the same, but needs Go and a minute's build, or a download, on every machine that runs the tests;
what they need of it is this one file.
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nsw.embedded import BrokerSettings, ClusterSettings, EmbeddedBroker, EmbeddedCluster, Listener
from nsw.embedded.ports import pick_free_port

_CHUNK_BYTES = 64 * 1024
#: Chunks under way in each direction: with a delay, they overtake nothing and wait for nothing but their time.
_CHUNKS_UNDER_WAY = 256
_HOST = "127.0.0.1"
#: The listener whose advertised address is the proxy's, so that its clients cannot come another way.
PROXIED = "PROXIED"


class _Mode(Enum):
    PASSING = auto()
    HOLDING = auto()
    REFUSING = auto()


class FaultProxy:
    """
    Forwards one address; as a context manager it listens inside the block. Its faults last until :meth:`resume`.

    All methods may be called from any thread, and have taken effect when they return.
    """

    def __init__(self) -> None:
        self.address = f"{_HOST}:{pick_free_port(_HOST)}"
        self._target = ""
        self._mode = _Mode.PASSING
        self._delay_seconds = 0.0
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._passing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="faultproxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def forward_to(self, address: str) -> None:
        """Say where connections go, as host:port; until then they are refused."""
        self._target = address

    def cut(self) -> None:
        """Cut all connections; new ones pass."""
        self._do(self._set(_Mode.PASSING, 0.0, cut=True))

    def refuse(self) -> None:
        """Cut all connections, and every new one at once."""
        self._do(self._set(_Mode.REFUSING, 0.0, cut=True))

    def hold(self) -> None:
        """Let nothing through, in both directions, and cut nothing: a black hole. What is held passes later."""
        self._do(self._set(_Mode.HOLDING, 0.0))

    def delay(self, seconds: float) -> None:
        """Let everything through so much later, in each direction."""
        self._do(self._set(_Mode.PASSING, seconds))

    def resume(self) -> None:
        """Let everything through at once again."""
        self._do(self._set(_Mode.PASSING, 0.0))

    @property
    def connections(self) -> int:
        """Count the connections that are open to the target."""
        return len(self._writers) // 2

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        host, port = self.address.split(":")
        self._server = await asyncio.start_server(self._serve, host, int(port))

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        self._cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _set(self, mode: _Mode, delay_seconds: float, *, cut: bool = False) -> None:
        self._mode, self._delay_seconds = mode, delay_seconds
        if mode is _Mode.HOLDING:
            self._passing.clear()
        else:
            self._passing.set()
        if cut:
            self._cut()

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._mode is _Mode.REFUSING or not self._target:
                writer.transport.abort()
                return
            await self._passing.wait()
            host, port = self._target.split(":")
            with suppress(OSError):
                await self._join(reader, writer, *await asyncio.open_connection(host, int(port)))
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _join(
        self,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        server: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
    ) -> None:
        writers = {to_client, to_server}
        self._writers |= writers
        pumps = [
            asyncio.create_task(self._pump(client, to_server)),
            asyncio.create_task(self._pump(server, to_client)),
        ]
        try:
            # When one side has ended, so has the connection: Kafka knows no half-closed ones.
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers -= writers
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in writers:
                writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS_UNDER_WAY)
        delivery = asyncio.create_task(self._deliver(under_way, writer))
        try:
            while chunk := await reader.read(_CHUNK_BYTES):
                await under_way.put((self._loop.time() + self._delay_seconds, chunk))
            await under_way.join()
        finally:
            delivery.cancel()

    async def _deliver(
        self, under_way: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, chunk = await under_way.get()
            await asyncio.sleep(max(0.0, due - self._loop.time()))
            await self._passing.wait()
            writer.write(chunk)
            await writer.drain()
            under_way.task_done()


@contextmanager
def proxied_broker(folder: Path) -> Iterator[tuple[EmbeddedBroker, FaultProxy]]:
    """Run one broker; clients of the proxy's address know no other, all others connect as usual."""
    with FaultProxy() as proxy:
        settings = BrokerSettings(extra_listeners=(Listener(PROXIED, 0, advertised=proxy.address),))
        with EmbeddedBroker(folder, settings) as broker:
            proxy.forward_to(broker.address_of(PROXIED))
            yield broker, proxy


@contextmanager
def proxied_cluster(folder: Path) -> Iterator[tuple[EmbeddedCluster, dict[int, FaultProxy]]]:
    """Run three brokers, each with a proxy before it; brokers talk to one another without them."""
    with FaultProxy() as first, FaultProxy() as second, FaultProxy() as third:
        proxies = dict(enumerate((first, second, third), start=1))
        listeners = {
            node: (Listener(PROXIED, 0, advertised=proxy.address),) for node, proxy in proxies.items()
        }
        with EmbeddedCluster(folder, ClusterSettings(extra_listeners=listeners)) as cluster:
            for node in cluster.nodes:
                proxies[node.node_id].forward_to(node.address_of(PROXIED))
            yield cluster, proxies
