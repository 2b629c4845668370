"""Reading a text file that officers keep: UTF-8, with or without a byte order mark."""

from pathlib import Path

from nsw.errors import ConfigError


def read_text(path: Path) -> str:
    """
    Read a whole file.

    Raises:
        ConfigError: it can't be read, or is not UTF-8, with the line of the first wrong byte.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} line {line}: not UTF-8 text; save the file as UTF-8") from error
