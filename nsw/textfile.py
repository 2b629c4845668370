"""Reading a text file that officers keep, on disk or out of a record: UTF-8, with or without a byte order mark."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Protocol

from nsw.errors import ConfigError


class TextFile(Protocol):
    """
    What a table is read from: a ``Path``, or a ``KeptFile``.

    ``str()`` gives the place that problems name.
    """

    @property
    def name(self) -> str:
        """The file's name without its folder."""

    def read_bytes(self) -> bytes:
        """
        Give the whole content.

        Raises:
            OSError: it can't be read.
        """


@dataclass(frozen=True, slots=True)
class KeptFile:
    """
    A file whose content is at hand already.

    Attributes:
        place: what problems call it; its last part is the file's name.
    """

    place: str
    content: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return PurePath(self.place).name

    def read_bytes(self) -> bytes:
        """Give the whole content."""
        return self.content

    def __str__(self) -> str:
        return self.place


def read_text(file: TextFile) -> str:
    """
    Read a whole file.

    Raises:
        ConfigError: it can't be read, or is not UTF-8, with the line of the first wrong byte.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}: can't be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file} line {line}: not UTF-8 text; save the file as UTF-8") from error
