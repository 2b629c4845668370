"""Content models as regular expressions: tells, by other means than the window's, what children are allowed."""

import re
from collections import Counter
from collections.abc import Iterable

from xmlschema.validators import XsdAnyElement, XsdElement, XsdGroup

_UNKNOWN = "\x00"
_NONE = "\x01"
_FIRST = 0x4E00


class Content:
    """What children an element may have."""

    def __init__(self, declared: XsdElement) -> None:
        """Read the model of a declaration; *group* is None where there are no child elements."""
        content = getattr(declared.type, "content", None)
        self.group = content if isinstance(content, XsdGroup) and len(content) else None
        self._signs: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        if self.group is not None:
            for tag in self.names():
                self._signs[tag] = chr(_FIRST + len(self._signs))
            if self.group.model != "all":
                self._pattern = re.compile(self._expression(self.group))

    def names(self) -> set[str]:
        """Give the names of all children that the model names, with those that may stand for them."""
        elements = [] if self.group is None else list(self.group.iter_elements())
        return {name for each in elements if isinstance(each, XsdElement) for name in _names(each)}

    def has_wildcard(self) -> bool:
        """Tell whether anything may stand somewhere."""
        return self.group is not None and any(
            isinstance(each, XsdAnyElement) for each in self.group.iter_elements()
        )

    def allows(self, tags: Iterable[str]) -> bool:
        """Tell whether children of these names, in this order, fulfil the model."""
        if self.group is None:
            return not list(tags)
        if self._pattern is None:
            return self._allows_all(Counter(tags))
        return self._pattern.fullmatch("".join(self._signs.get(tag, _UNKNOWN) for tag in tags)) is not None

    def _allows_all(self, counts: Counter[str]) -> bool:
        assert self.group is not None
        for each in self.group:
            if isinstance(each, XsdElement):
                count = counts.pop(str(each.name), 0)
                if not each.min_occurs <= count <= (each.max_occurs or 1):
                    return False
        return not counts.total()

    def _expression(self, particle: object) -> str:
        if isinstance(particle, XsdElement):
            text = "[" + "".join(sorted(self._signs[name] for name in _names(particle))) + "]"
        elif isinstance(particle, XsdAnyElement):
            # A name that the model has is never meant for the wildcard beside it (unique particle attribution).
            text = f"[^{_NONE}{''.join(self._signs.values())}]"
        elif isinstance(particle, XsdGroup):
            parts = [self._expression(each) for each in particle]
            text = "(?:" + ("|" if particle.model == "choice" else "").join(parts) + ")"
        else:
            raise TypeError(f"no particle: {particle!r}")
        least, most = particle.min_occurs, particle.max_occurs
        return text if (least, most) == (1, 1) else f"{text}{{{least},{'' if most is None else most}}}"


def _names(element: XsdElement) -> set[str]:
    return {str(element.name), *(str(each.name) for each in element.iter_substitutes())}
