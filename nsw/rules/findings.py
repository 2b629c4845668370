"""Checks that fire, and rules that can't be judged, gathered in one run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from nsw.formats.xml import build_path
from nsw.model import Finding
from nsw.rules.compiled import Check
from nsw.rules.expressions import Place, Variables

__all__ = ["Firing", "Firings", "Unjudged"]


class Firing(NamedTuple):
    """A check that fires; *rank* is its place in its rule."""

    rank: int
    check: Check
    place: Place
    scope: Variables

    @property
    def path(self) -> str:
        """Where it fires."""
        element, attribute = self.place
        if attribute and attribute != "/":
            return build_path(element, attribute)
        return self.scope.index.path_of(element)

    def build(self) -> Finding:
        """Fill in the texts and find the place: only for findings that are kept."""
        check, place, scope = self.check, self.place, self.scope
        return check.finding(
            self.path,
            place.element.sourceline,
            check.text_en.fill(place, scope),
            check.text_th.fill(place, scope),
            check.source.fill(place, scope),
        )


class Firings:
    """The firings of one pattern: all are counted, the first in document order are kept."""

    def __init__(self, room: int, order: Callable[[Place], tuple[int, int]]) -> None:
        self.count = 0
        self._room = room
        self._order = order
        self._kept: list[Firing] = []

    def add(self, firing: Firing) -> None:
        """Count a firing, and keep it while there may be room."""
        self.count += 1
        self._kept.append(firing)
        if len(self._kept) > 2 * self._room:
            self._kept = self.first()

    def first(self) -> list[Firing]:
        """Give as many as there is room for, by node, then check."""
        return sorted(self._kept, key=lambda firing: (self._order(firing.place), firing.rank))[: self._room]


@dataclass(slots=True)
class Unjudged:
    """Rules that failed, at how many places, and the first of these."""

    place: Place
    count: int = 0
