"""Fetches one exact file of Maven's repository, with the clients that know where that is; checks nothing."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.lock import Jar

_CONNECT_SECONDS = 30
_MAVEN_SECONDS = 300


def choose_fetcher(
    jars: Sequence[Jar],
    *,
    has_jgo: bool | None = None,
    maven: str | None = None,
) -> Callable[[Jar, Path], Path]:
    """
    Choose what brings *jars* here: jgo's Maven client, with mvn as its stand-in where that is installed.

    Args:
        jars: what is to be fetched; used in the error only.
        has_jgo: whether the package jgo can be imported; None to look.
        maven: path of mvn; None to look on the PATH, empty for none.

    Returns:
        A function of a jar and a folder to put it in, which tells the file's path.

    Raises:
        EmbeddedBrokerError: FETCHER_MISSING, there is neither.
    """
    has_jgo = find_spec("jgo") is not None if has_jgo is None else has_jgo
    maven = (shutil.which("mvn") or "") if maven is None else maven
    if has_jgo and maven:
        return partial(_fetch_with_either, maven)
    if has_jgo:
        return fetch_with_jgo
    if maven:
        return partial(fetch_with_maven, maven)
    raise EmbeddedBrokerError(BrokerTrouble.FETCHER_MISSING, count=len(jars))


def fetch_with_jgo(jar: Jar, folder: Path) -> Path:
    """
    Fetch one jar with jgo's Maven client.

    Only its download of a named file is used, never its choice of versions: asked for a 4.x broker's
    dependencies it took kafka-clients 3.9.1.

    Raises:
        EmbeddedBrokerError: FETCH_FAILED.
    """
    from jgo.maven import MavenContext  # noqa: PLC0415 (an optional extra)

    context = MavenContext(repo_cache=folder, timeout=_CONNECT_SECONDS)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        return component.artifact(jar.classifier, jar.extension).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # requests' errors are OSErrors
        # A transfer that broke off leaves its part under the name that jgo takes for a whole file.
        shutil.rmtree(folder / component.path_prefix, ignore_errors=True)
        raise EmbeddedBrokerError(
            BrokerTrouble.FETCH_FAILED, jar=jar.coordinates, reason=type(error).__name__
        ) from error


def fetch_with_maven(maven: str, jar: Jar, folder: Path) -> Path:
    """
    Fetch one jar with the program mvn, which costs some seconds a jar.

    Raises:
        EmbeddedBrokerError: FETCH_FAILED.
    """
    target = folder / f"mvn-{jar.file_name}"
    artifact = f"{jar.group}:{jar.artifact}:{jar.version}:{jar.extension}" + (
        f":{jar.classifier}" if jar.classifier else ""
    )
    command = [maven, "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={target}"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_MAVEN_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedBrokerError(
            BrokerTrouble.FETCH_FAILED, jar=jar.coordinates, reason=f"mvn: {type(error).__name__}"
        ) from error
    return target / jar.file_name


def _fetch_with_either(maven: str, jar: Jar, folder: Path) -> Path:
    try:
        return fetch_with_jgo(jar, folder)
    except EmbeddedBrokerError:
        return fetch_with_maven(maven, jar, folder)
