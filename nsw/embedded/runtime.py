"""What it takes to run any program of Kafka on this machine: a Java, the jars, and the archive of classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nsw.embedded.archive import ClassArchive, open_archive
from nsw.embedded.cache import default_cache_folder
from nsw.embedded.jars import OnProgress, ensure_jars
from nsw.embedded.java import Java, candidate_paths, find_java

_OPTIONS = (
    # One collector thread and little memory suit a broker that shares its machine with the workers.
    "-XX:+UseSerialGC",
    # Only Java's quick compiler: on two cores the start is 0.5 s shorter, and the first 300,000 records cost
    # the broker 8 s of processor time instead of 14 s; from the millionth record on it makes no difference.
    "-XX:TieredStopAtLevel=1",
    # No statistics file in the system's folder for temporary files, where a killed broker would leave it.
    "-XX:-UsePerfData",
    "-Djava.awt.headless=true",
)


@dataclass(frozen=True, slots=True)
class KafkaRuntime:
    """
    Kafka's programs on this machine.

    Attributes:
        java: the Java that runs them.
        class_path: the checked jars.
        archive: what makes them start sooner.
    """

    java: Java
    class_path: tuple[Path, ...]
    archive: ClassArchive

    def command(
        self, main_class: str, *arguments: str, options: Sequence[str] = (), learn: bool = False
    ) -> list[str]:
        """
        Build the command that runs one of Kafka's programs.

        Args:
            main_class: such as ``org.apache.kafka.tools.consumer.ConsoleConsumer``.
            arguments: the program's own.
            options: Java's; they win over ours.
            learn: whether this run may write the archive at its end, which takes it some seconds more.
        """
        archive = self.archive.learn_options() if learn else self.archive.use_options()
        class_path = ":".join(map(str, self.class_path))
        return [str(self.java.path), *_OPTIONS, *archive, *options, "-cp", class_path, main_class, *arguments]


def prepare_runtime(
    *,
    cache_folder: Path | None = None,
    java: Path | None = None,
    on_progress: OnProgress | None = None,
) -> KafkaRuntime:
    """
    Find Java, and bring Kafka's jars to this user's cache.

    Args:
        cache_folder: None for this user's cache folder.
        java: the only Java to try; None to look for one.
        on_progress: called after each jar that had to be fetched.

    Raises:
        EmbeddedBrokerError: JAVA_MISSING or JAVA_TOO_OLD; FETCHER_MISSING, FETCH_FAILED or JAR_MISMATCH;
            DISK_FULL or FOLDER_NOT_WRITABLE of the cache.
    """
    folder = cache_folder or default_cache_folder()
    found = find_java([java] if java else candidate_paths())
    class_path = ensure_jars(folder, on_progress=on_progress)
    return KafkaRuntime(found, class_path, open_archive(folder, found, class_path))
