"""Lists of files of Maven's repository, each with exact coordinates, size and SHA-256; knows nothing of fetching."""

import re
from dataclasses import dataclass
from importlib.resources import files

from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError

KAFKA_LOCK = "kafka-jars.lock"
REGISTRY_LOCK = "registry.lock"
_JAR = "jar"
_LINE = re.compile(
    r"([\w.-]+):([\w.-]+):([\w.-]+)(?::([\w.-]+))?(?:@([\w.]+))? (\d+) ([0-9a-f]{64})", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """
    One file of a Maven repository.

    Attributes:
        group: Maven's groupId.
        artifact: Maven's artifactId.
        version: one exact version, never a range.
        classifier: Maven's classifier; empty for most.
        size_bytes: length of the file.
        sha256: 64 lower-case hexadecimal digits.
        extension: of the file's name.
    """

    group: str
    artifact: str
    version: str
    classifier: str
    size_bytes: int
    sha256: str
    extension: str = _JAR

    @property
    def coordinates(self) -> str:
        """The name by which people know the file: group:artifact:version[:classifier][@extension]."""
        name = ":".join(part for part in (self.group, self.artifact, self.version, self.classifier) if part)
        return name if self.extension == _JAR else f"{name}@{self.extension}"

    @property
    def file_name(self) -> str:
        """The file's name in the cache, as Maven would call it."""
        stem = "-".join(part for part in (self.artifact, self.version, self.classifier) if part)
        return f"{stem}.{self.extension}"


def encode_lock(jars: list[Jar]) -> str:
    """Write the list's text, one line a jar, in the order of coordinates."""
    lines = [f"{jar.coordinates} {jar.size_bytes} {jar.sha256}" for jar in sorted(jars)]
    return "\n".join(lines) + "\n"


def parse_lock(text: str) -> tuple[Jar, ...]:
    """
    Read the list of jars.

    Args:
        text: lines ``group:artifact:version[:classifier][@extension] size sha256``; empty lines and lines that
            begin with ``#`` are skipped.

    Returns:
        The jars in the order of the text; their file names differ from one another.

    Raises:
        EmbeddedBrokerError: LOCK_UNREADABLE, a line has another shape, or a file name comes twice.
    """
    jars: dict[str, Jar] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        jar = _parse_line(number, line)
        if jar.file_name in jars:
            raise EmbeddedBrokerError(
                BrokerTrouble.LOCK_UNREADABLE, line=number, reason=f"{jar.file_name} comes twice"
            )
        jars[jar.file_name] = jar
    return tuple(jars.values())


def load_lock(name: str = KAFKA_LOCK) -> tuple[Jar, ...]:
    """Read a list that this package carries."""
    return parse_lock(files("nsw.embedded").joinpath(name).read_text(encoding="ascii"))


def _parse_line(number: int, line: str) -> Jar:
    match = _LINE.fullmatch(line)
    if match is None:
        raise EmbeddedBrokerError(
            BrokerTrouble.LOCK_UNREADABLE,
            line=number,
            reason="it is not group:artifact:version[:classifier][@extension], a size and a SHA-256",
        )
    group, artifact, version, classifier, extension, size, sha256 = match.groups(default="")
    return Jar(group, artifact, version, classifier, int(size), sha256, extension or _JAR)
