"""
Writes benchmarks/peers/java/jars.lock: lets Maven resolve the pom beside it once, and notes each file's SHA-256.

Run at development time: ``python -m tools.lock_peer_jars``. It needs ``mvn``.
"""

import tempfile
from pathlib import Path

from nsw.embedded.lock import encode_lock
from tools.lock_kafka_jars import describe_jar, resolve_with_maven

FOLDER = Path(__file__).parent.parent / "benchmarks" / "peers" / "java"
HEAD = (
    "# Made by tools/lock_peer_jars.py; do not edit. group:artifact:version[:classifier], bytes, SHA-256.\n"
)


def main() -> None:
    """Write the lock."""
    with tempfile.TemporaryDirectory() as work:
        repository = resolve_with_maven(Path(work), (FOLDER / "pom.xml").read_text("utf-8"))
        jars = [describe_jar(repository, path) for path in repository.rglob("*.jar")]
    (FOLDER / "jars.lock").write_text(HEAD + encode_lock(jars), encoding="ascii")
    print(f"{len(jars)} jars, {sum(jar.size_bytes for jar in jars) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
