"""Checks that fire, and rules that can't be judged, gathered in one run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from nsw.errors import Layer
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

    def build(self) -> Finding:
        """Fill in the texts and find the place: only for findings that are kept."""
        entry, place, scope = self.check.entry, self.place, self.scope
        attribute = place.attribute if place.attribute != "/" else ""
        return Finding(
            code=entry.id,
            severity=entry.severity,
            layer=Layer.RULE,
            path=build_path(place.element, attribute or None),
            line=place.element.sourceline,
            text_en=self.check.text_en.fill(place, scope),
            text_th=self.check.text_th.fill(place, scope),
            source=self.check.source.fill(place, scope),
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
