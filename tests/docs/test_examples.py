"""The examples of README and docs run, command by command, against a window."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nsw.config import load_config
from nsw.local import LocalSettings, LocalWindow
from nsw.worker import load_snapshot

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "README.md",
    "docs/integrate-trader.md",
    "docs/integrate-agency.md",
    "docs/operate.md",
    "docs/message-types.md",
]
#: Where the pages say that Kafka is.
ADDRESS = "127.0.0.1:9092"
_BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WAIT_SECONDS = 30.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder that looks like the repository's, in which `nsw up` runs: a page begins with an empty window."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("schemas", "deploy"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "var").mkdir()
    config = load_config({}, data_folder=folder / "var")
    with LocalWindow(config, load_snapshot(config), LocalSettings(worker_log=folder / "var" / "worker.log")):
        yield folder


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run(folder: Path, page: str) -> None:
    """A block of Python is saved under the name in its first line; each line of a shell block is run."""
    if "kcat -" in page_text(page):
        find_kcat()
    address = (folder / "var" / "bootstrap-servers").read_text("utf-8").strip()
    count = 0
    for language, text in _BLOCK.findall(page_text(page).replace(ADDRESS, address)):
        if language == "python":
            (folder / text.splitlines()[0].removeprefix("# ")).write_text(text, "utf-8")
            continue
        for line in text.splitlines():
            run(folder, line)
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
