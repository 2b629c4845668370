"""What is wrong with a message type's folder: a file, a line where there is one, and a sentence."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nsw.errors import ConfigError

_PLACE = re.compile(r"(?P<file>.+?)(?::(?P<line>\d+))?: (?P<sentence>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing to mend.

    Attributes:
        is_warning: the folder works all the same.
    """

    file: Path
    line: int | None
    sentence: str
    is_warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {'warning: ' if self.is_warning else ''}{self.sentence}"


def problems_of(error: ConfigError, file: Path) -> Iterator[Problem]:
    """
    Take apart what a loader reports.

    Args:
        file: where the problem is when the sentence names no file.
    """
    for text in error.problems:
        found = _PLACE.fullmatch(text)
        if found and Path(found["file"]).exists():
            line = int(found["line"]) if found["line"] else None
            yield Problem(Path(found["file"]), line, " ".join(found["sentence"].split()))
        else:
            yield Problem(file, None, " ".join(text.split()))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort by place, each problem once."""
    return sorted(set(problems), key=lambda each: (str(each.file), each.line or 0, each.sentence))
