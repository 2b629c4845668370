"""The examples of README and docs run, command by command, against a window."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from nsw.config import load_config
from nsw.local import LocalSettings, LocalWindow
from nsw.localregistry import LocalRegistry
from nsw.worker import load_snapshot

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "README.md",
    "docs/integrate-trader.md",
    "docs/integrate-agency.md",
    "docs/operate.md",
    "docs/message-types.md",
    "docs/reference-data.md",
    pytest.param("docs/schema-registry.md", marks=pytest.mark.registry),
]
#: Where the pages say that Kafka and the schema registry are.
ADDRESS = "127.0.0.1:9092"
REGISTRY_ADDRESS = "http://127.0.0.1:8081/apis/ccompat/v7"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Place:
    """Where the commands of a page run, and what stands there for the addresses in the page."""

    folder: Path
    kafka: str
    registry: str

    def text_of(self, page: str) -> str:
        """Give a page with the addresses of this place."""
        return page_text(page).replace(ADDRESS, self.kafka).replace(REGISTRY_ADDRESS, self.registry)


@pytest.fixture
def place(tmp_path: Path, page: str) -> Iterator[Place]:
    """
    Run `nsw up` in a folder that looks like the repository's: a page begins with an empty window.

    A page that names the schema registry gets one.
    """
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("schemas", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "var").mkdir()
    config = load_config({}, data_folder=folder / "var")
    settings = LocalSettings(worker_log=folder / "var" / "worker.log")
    with ExitStack() as stack:
        registry = LocalRegistry(config, 0, tell=lambda _sentence: None)
        if REGISTRY_ADDRESS in page_text(page):
            config = stack.enter_context(registry).config
        window = stack.enter_context(LocalWindow(config, load_snapshot(config), settings))
        yield Place(folder, window.bootstrap_servers, registry.url)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(place: Place, page: str) -> None:
    """A block of Python is saved under the name in its first line; each line of a shell block is run."""
    if "kcat -" in page_text(page):
        find_kcat()
    count = 0
    for language, text in _BLOCK.findall(place.text_of(page)):
        if language == "python":
            (place.folder / text.splitlines()[0].removeprefix("# ")).write_text(text, "utf-8")
            continue
        for line in text.splitlines():
            run(place.folder, line)
            count += 1
    assert count > 0


def page_text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def find_kcat() -> None:
    """Where a person has not installed the foreign client the test says so, in CI it fails."""
    if shutil.which("kcat"):
        return
    if os.environ.get("CI"):
        pytest.fail("kcat is missing: .ci/run installs it")
    pytest.skip("left out: the foreign client kcat is not installed (Debian package kcat)")


def run(folder: Path, line: str) -> None:
    """Run a line as a person would: again, a moment later, when what it looks for is not there yet."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NSW_")}
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=folder,
            env=environment | {"PATH": programs},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode == 0:
            return
        assert time.monotonic() < until, f"{line}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
        time.sleep(0.5)
