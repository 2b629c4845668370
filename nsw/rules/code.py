"""
Python source in the making: pieces that are computed once, and the loops in which they stand.

A piece that may be shared is written as a mark. When all is known, a piece that is used once is put in the place of its
mark, and another one becomes a variable of the innermost loop whose node it speaks of.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from nsw.rules.context import FEW_NODES
from nsw.rules.syntax import UnsupportedError

__all__ = ["EMPTY", "FALSE", "TRUE", "Block", "Code", "NodeKind", "Pieces", "Type", "Types", "build", "quote"]


class Type(StrEnum):
    """What an expression gives: elements, the texts of attributes, or one of XPath's other types."""

    NODES = "nodes"
    ATTRIBUTES = "attributes"
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"


class NodeKind(StrEnum):
    """What the context node of a rule is; lxml itself can only start from an element."""

    ELEMENT = "element"
    ATTRIBUTE = "attribute"
    DOCUMENT = "document"


Types = Mapping[str, Type]
"""Types of the lets that compiled expressions may use."""


@dataclass(frozen=True, slots=True)
class Code:
    """
    Python source of a value.

    Attributes:
        is_one: it gives one element, not a list.
        is_flat: no element it gives lies in another one.
        base: variable of the node from which they are reached by child steps alone, or ``d`` for the document.
        is_strict: a truth value is True or False, not just taken so.
        is_let: it is the list of a let, the same each time.
        whole: source of the same number as an int, for comparisons; '' when there is none.
    """

    text: str
    type: Type
    is_one: bool = False
    is_flat: bool = True
    base: str = ""
    is_strict: bool = True
    is_let: bool = False
    whole: str = ""


EMPTY = Code("()", Type.NODES)
TRUE, FALSE = "True", "False"

_MARK = re.compile("\x02([0-9]+)\x03")
_VARIABLE = re.compile(r"\b[nx][0-9]+\b")
_SIMPLE = re.compile(r"\x02[0-9]+\x03|\w+|\(\)|''")
_WALK = re.compile(r"\bW(?:_(n[0-9]+|d))?\((?:(m[0-9]+)\))?")
_MOST_NESTED = 12
_MEMOS = {"K": "children", "T": "texts", "N": "numbers", "walk": "walk"}
"""Short names for what is read most of the index ``D``."""


def quote(text: str) -> str:
    """Write a string so that nothing in it looks like a variable or a mark."""
    literal = repr(text)
    if _VARIABLE.search(literal) or _WALK.search(literal) or "\x02" in text:
        return "'" + "".join(f"\\U{ord(each):08x}" for each in text) + "'"
    return literal


class Block:
    """
    A loop over the elements of a context, with what is done for each of them; or the whole function.

    Attributes:
        node: variable of the element; '' for the function.
        header: source of what is looped over.
        when: source of a condition without which nothing of it is evaluated; '' without one.
    """

    def __init__(
        self, node: str = "", header: str = "", outer: "Block | None" = None, when: str = ""
    ) -> None:
        self.node = node
        self.header = header
        self.when = when
        self.outer = outer
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.parts: list[str | Block] = []
        if self.depth > _MOST_NESTED:
            raise UnsupportedError("a context that is too deep")

    @property
    def is_used(self) -> bool:
        """Whether anything is done in it."""
        return any(isinstance(part, str) or part.is_used for part in self.parts)

    def texts(self) -> Iterator[str]:
        """Give all source in it, with its marks."""
        yield self.header
        for part in self.parts:
            if isinstance(part, str):
                yield part
            elif part.is_used:
                yield from part.texts()


class Pieces:
    """The pieces of one function."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: list[str] = []
        self._free: list[str] = []

    def new(self, number: int) -> list[str]:
        """Give variables for a comprehension: the same ones for the same source, whatever stands around it."""
        return [f"x{len(self._free) + each}" for each in range(number)]

    def bind(self, *variables: str) -> None:
        """Begin a comprehension: a piece that speaks of its variables can't leave it."""
        self._free.extend(variables)

    def release(self, *variables: str) -> None:
        """End the comprehension of these variables."""
        for each in variables:
            self._free.remove(each)

    def share(self, text: str) -> str:
        """Give a mark for a piece that may be computed once; the piece itself where it can't be, or is a name."""
        if _SIMPLE.fullmatch(text) or any(each in self._free for each in _VARIABLE.findall(text)):
            return text
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return f"\x02{number}\x03"

    def is_shared(self, text: str) -> bool:
        """Tell whether a piece is computed once however often it is written."""
        return _MARK.fullmatch(text) is not None

    def expand(self, text: str) -> str:
        """Give source with all pieces in their places."""
        return _MARK.sub(lambda mark: self.expand(self._texts[int(mark[1])]), text)

    def write(self, top: Block, indent: str) -> str:
        """Give the source of a function's body."""
        body = _Writer(self._texts, top).write(top, indent, frozenset())
        used = (
            f"{indent}{name} = D.{memo}\n" for name, memo in _MEMOS.items() if re.search(rf"\b{name}\b", body)
        )
        return "".join(used) + body


class _Writer:
    """Puts each piece in its place."""

    def __init__(self, texts: list[str], top: Block) -> None:
        self._texts = texts
        self._top = top
        self._uses = self._count(top.texts())
        self._homes: dict[int, Block] = {}
        self._blocks = {top.node: top, **{each.node: each for each in _blocks_in(top)}}
        self._bases = {**self._blocks, "d": None if top.node else top}
        self._reset: dict[Block, dict[int, None]] = {}

    def _count(self, texts: Iterable[str]) -> Counter[int]:
        uses: Counter[int] = Counter()
        left = list(texts)
        while left:
            for mark in _MARK.findall(left.pop()):
                number = int(mark)
                uses[number] += 1
                if uses[number] == 1:
                    left.append(self._texts[number])
        return uses

    def _home(self, number: int) -> Block:
        """Give the innermost block whose node a piece speaks of."""
        found = self._homes.get(number)
        if found is None:
            text = self._texts[number]
            homes = [self._blocks[each] for each in _VARIABLE.findall(text) if each in self._blocks]
            homes += [self._home(int(mark)) for mark in _MARK.findall(text)]
            found = self._homes[number] = max(homes, key=lambda block: block.depth, default=self._top)
        return found

    def write(self, block: Block, indent: str, known: Iterable[int]) -> str:
        """Write a block's body; *known* are the pieces that have been computed around it."""
        have = set(known)
        lines: list[str] = []
        for part in sorted(block.parts, key=lambda part: isinstance(part, Block)):
            if isinstance(part, str):
                self._statement(part, block, indent, have, lines)
            elif part.is_used:
                self._loop(part, block, indent, have, lines)
        reset = self._reset.get(block)
        head = f"{indent}{' = '.join(f'm{number}' for number in reset)} = U\n" if reset else ""
        return head + "".join(lines)

    def _statement(self, text: str, block: Block, indent: str, have: set[int], lines: list[str]) -> None:
        before: list[str] = []
        written = self._put(text, _Place(block, block, indent), have, before)
        lines += [*before, f"{indent}{written}\n"]

    def _loop(self, loop: Block, block: Block, indent: str, have: set[int], lines: list[str]) -> None:
        if loop.when:
            self._statement(f"if {loop.when}:", block, indent, have, lines)
            indent += " "
            have = set(have)
        self._statement(f"for {loop.node} in {loop.header}:", block, indent, have, lines)
        lines.append(self.write(loop, indent + " ", have))

    def _put(self, text: str, place: "_Place", have: set[int], before: list[str]) -> str:
        """Give source without marks; adds to *before* the lines that must stand above it."""
        text = _MARK.sub(lambda mark: self._piece(int(mark[1]), place, have, before), text)
        return _WALK.sub(lambda walk: self._walk(walk, place), text)

    def _walk(self, walk: re.Match[str], place: "_Place") -> str:
        """Write how elements are gone through: where that is done again and again, many are counted."""
        base, name = walk.groups()
        if base and place.at is self._bases.get(base):
            return name or "("
        return f"({name} if len({name}) < {FEW_NODES} else walk({name}))" if name else "walk("

    def _piece(self, number: int, place: "_Place", have: set[int], before: list[str]) -> str:
        if self._uses[number] == 1:
            return self._put(self._texts[number], place, have, before)
        name = f"m{number}"
        if number not in have:
            home = self._home(number)
            if home is place.block:
                text = self._put(self._texts[number], _Place(home, home, place.indent), have, before)
                before.append(f"{place.indent}{name} = {text}\n")
            else:
                self._reset.setdefault(home, {})[number] = None
                inner: list[str] = []
                deeper = _Place(place.block, home, place.indent + " ")
                text = self._put(self._texts[number], deeper, have, inner)
                before += [f"{place.indent}if {name} is U:\n", *inner, f"{deeper.indent}{name} = {text}\n"]
            have.add(number)
        return name


class _Place(NamedTuple):
    """
    Where source is written.

    Attributes:
        at: the block for each of whose nodes it is evaluated once, or none.
    """

    block: Block
    at: Block
    indent: str


def _blocks_in(block: Block) -> Iterator[Block]:
    for part in block.parts:
        if isinstance(part, Block):
            yield part
            yield from _blocks_in(part)


def build(source: str, scope: Mapping[str, object]) -> Any:  # noqa: ANN401 - the function that was written
    """
    Compile the source of a function that is called ``compiled``.

    Raises:
        UnsupportedError: it is too large for Python.
    """
    names = {**scope, "U": object(), "EMPTY": {}}
    try:
        exec(compile(source, "<rules>", "exec"), names)  # noqa: S102 - written here: no name or text is unquoted
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise UnsupportedError("too long an expression") from error
    return names["compiled"]
