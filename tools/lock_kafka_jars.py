"""
Writes nsw/embedded/kafka-jars.lock: lets Maven resolve Kafka once, and notes each file's size and SHA-256.

Run at development time, when Kafka's version changes: ``python tools/lock_kafka_jars.py``. It needs ``mvn``.
"""

import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from nsw.embedded.lock import Jar, encode_lock

KAFKA = "4.3.1"
# The SLF4J 1.7 binding, which Kafka's slf4j-api wants; log4j-slf4j2-impl would silently log nothing.
LOG4J = "2.25.3"
LOCK = Path(__file__).parent.parent / "nsw" / "embedded" / "kafka-jars.lock"

HEAD = f"""\
# Apache Kafka {KAFKA}: broker, command-line tools and what they need.
# Made by tools/lock_kafka_jars.py; do not edit. group:artifact:version[:classifier], bytes, SHA-256.
"""

# connect-runtime and the JAX-RS provider serve Kafka Connect alone: 45 of 92 jars.
POM = f"""\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>nsw</groupId><artifactId>kafka-jars</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{KAFKA}</version>
      <exclusions>
        <exclusion><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId></exclusion>
        <exclusion>
          <groupId>com.fasterxml.jackson.jakarta.rs</groupId>
          <artifactId>jackson-jakarta-rs-json-provider</artifactId>
        </exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>{LOG4J}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>{LOG4J}</version>
    </dependency>
  </dependencies>
</project>
"""


def resolve_with_maven(work: Path, pom: str = POM) -> Path:
    """Let Maven copy every jar below *work*, in the layout of a repository; returns that folder."""
    (work / "pom.xml").write_text(pom, encoding="utf-8")
    repository = work / "repository"
    command = ["mvn", "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    layout = ["-Dmdep.useRepositoryLayout=true", f"-DoutputDirectory={repository}"]
    subprocess.run([*command, *layout], cwd=work, check=True)
    return repository


def describe_jar(repository: Path, path: Path) -> Jar:
    """Read a jar's coordinates from its place in the repository, and its size and SHA-256 from itself."""
    *group, artifact, version, name = path.relative_to(repository).parts
    classifier = name.removesuffix(".jar").removeprefix(f"{artifact}-{version}").removeprefix("-")
    body = path.read_bytes()
    return Jar(".".join(group), artifact, version, classifier, len(body), sha256(body).hexdigest())


def main() -> None:
    """Write the lock and print what it holds."""
    with tempfile.TemporaryDirectory() as work:
        repository = resolve_with_maven(Path(work))
        jars = [describe_jar(repository, path) for path in repository.rglob("*.jar")]
    LOCK.write_text(HEAD + encode_lock(jars), encoding="ascii")
    total_bytes = sum(jar.size_bytes for jar in jars)
    print(f"{LOCK.name}: {len(jars)} jars, {total_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
