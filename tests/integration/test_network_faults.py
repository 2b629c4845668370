"""A worker whose connections are slow, cut, refused or swallowed copies every record once all the same."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faultproxy import FaultProxy, proxied_broker
from tests.integration.loop_stage import Stage, numbered
from tests.integration.loop_supervisor import Supervisor

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FaultProxy]]:
    """A broker's own address, and the proxy before it."""
    with proxied_broker(tmp_path_factory.mktemp("kafka")) as (broker, proxy):
        yield broker.bootstrap_servers, proxy


@pytest.mark.parametrize(
    ("fault", "pauses"),
    [
        (lambda proxy: proxy.delay(0.2), [2.0]),
        (FaultProxy.cut, [0.5, 0.5]),
        (FaultProxy.refuse, [1.0, 2.0]),
        (FaultProxy.hold, [0.5, 2.0]),
        # Beyond the session's 6 s, and the transaction's 4 s.
        (FaultProxy.hold, [8.0]),
    ],
    ids=["delayed", "cut", "refused", "held", "held-beyond-its-session"],
)
def test_copies_once_through_a_bad_network(
    proxied: tuple[str, FaultProxy], tmp_path: Path, fault: Callable[[FaultProxy], None], pauses: list[float]
) -> None:
    """The fault strikes in mid-stream, once or twice; the worker goes on, or ends and is started again."""
    address, proxy = proxied
    stage = Stage(address)
    stage.create(stage.source, 4)
    stage.create(stage.target, 1)
    values = numbered(400)
    stage.send(stage.source, values, keyed=True)
    task = stage.keep_cases(tmp_path, record_seconds=0.005, transaction_timeout_ms=4_000)
    with Supervisor(replace(task, bootstrap_servers=proxy.address), tmp_path):
        stage.read_until(stage.target, 1)
        for seconds in pauses:
            fault(proxy)
            time.sleep(seconds)
            proxy.resume()
        stage.send(stage.source, values, keyed=True)
        stage.check_copied_once(values * 2)
