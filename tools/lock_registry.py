"""
Writes nsw/embedded/registry.lock: lets Maven fetch Apicurio Registry, and notes the archive's size and SHA-256.

Run at development time, when its version changes: ``python tools/lock_registry.py``. It needs ``mvn``.
"""

import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from nsw.embedded.lock import REGISTRY_LOCK, Jar, encode_lock

GROUP, ARTIFACT, VERSION, CLASSIFIER, EXTENSION = (
    "io.apicurio",
    "apicurio-registry-app",
    "3.3.3",
    "all",
    "tar.gz",
)
LOCK = Path(__file__).parent.parent / "nsw" / "embedded" / REGISTRY_LOCK
HEAD = f"""\
# Apicurio Registry {VERSION}: the whole server as one archive. Made by tools/lock_registry.py; do not edit.
"""


def main() -> None:
    """Write the lock and print what it holds."""
    artifact = f"{GROUP}:{ARTIFACT}:{VERSION}:{EXTENSION}:{CLASSIFIER}"
    with tempfile.TemporaryDirectory() as work:
        command = [
            "mvn",
            "-B",
            "-q",
            "dependency:copy",
            f"-Dartifact={artifact}",
            f"-DoutputDirectory={work}",
        ]
        subprocess.run(command, cwd=work, check=True)
        body = next(Path(work).glob(f"*.{EXTENSION}")).read_bytes()
    jar = Jar(GROUP, ARTIFACT, VERSION, CLASSIFIER, len(body), sha256(body).hexdigest(), EXTENSION)
    LOCK.write_text(HEAD + encode_lock([jar]), encoding="ascii")
    print(f"{LOCK.name}: {jar.coordinates}, {len(body) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
