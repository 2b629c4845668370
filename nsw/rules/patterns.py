"""Contexts of rules: the patterns of XSLT 1.0, and those that an index of elements can answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml.etree import _Element

from nsw.rules.code import NodeKind, Types
from nsw.rules.expressions import Expression, Result
from nsw.rules.xpath import Source, Token

__all__ = ["Select", "compile_select", "is_in_pattern", "kind_selected", "split_alternatives"]


@dataclass(frozen=True, slots=True)
class Select:
    """
    One alternative of a rule's context.

    Attributes:
        text: XPath that selects its nodes from the document; *expression* is the same, compiled.
        tag: of the elements it selects, or whose attributes it selects; '' when any element's.
        parents: tags of parent, grandparent and so on; None when the alternative says more than that.
        is_absolute: whether the last of them is the root.
        attribute: name of the attribute it selects; '' for elements.
        chain: names from the root to the element, whatever else is said of them; () when they are not known.
    """

    text: str
    expression: Expression
    tag: str = ""
    parents: tuple[str, ...] | None = None
    is_absolute: bool = False
    attribute: str = ""
    chain: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...] | None:
        """Names from the root to the element, for an alternative that says just these."""
        return (*reversed(self.parents), self.tag) if self.is_absolute and self.parents is not None else None

    def matches(self, element: _Element) -> bool:
        """Tell whether an element of the right tag stands where the alternative says."""
        above = element.getparent()
        for tag in self.parents or ():
            if above is None or above.tag != tag:
                return False
            above = above.getparent()
        return above is None or not self.is_absolute


def is_in_pattern(token: Token) -> bool:
    """Tell whether a token outside all predicates may stand in a pattern."""
    if token.kind == "axis":
        return token.text in ("child", "attribute")
    return token.kind == "test" or token.text in ("/", "//", "|", "@", "::", "[", "]")


def split_alternatives(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Split a pattern at its bars."""
    start = 0
    for place, token in enumerate(tokens):
        if token.text == "|" and not token.depth:
            yield tokens[start:place]
            start = place + 1
    yield tokens[start:]


def kind_selected(tokens: Sequence[Token]) -> NodeKind:
    """Tell what one alternative of a pattern matches, by its last step."""
    words = list(_top_words(tokens))
    if words == ["/"]:
        return NodeKind.DOCUMENT
    return NodeKind.ATTRIBUTE if words[-2:-1] == ["@"] else NodeKind.ELEMENT


def compile_select(source: Source, types: Types) -> Select:
    """Compile one alternative, and see whether it is a chain of names that the index of elements can answer."""
    expression = Expression(source, NodeKind.ELEMENT, Result.VALUE, types)
    words = list(_top_words(source.tokens))
    is_plain = all(token.text != "[" for token in source.tokens)
    attribute = ""
    if words[-2:-1] == ["@"]:
        attribute = _expand(words[-1], source.namespaces)
        is_plain = is_plain and attribute != ""
        words = words[:-3] if words[-3] == "/" else []
    separators, names = words[0::2], [_expand(word, source.namespaces) for word in words[1::2]]
    if not names:
        return Select(source.text, expression)
    is_chain = all(names) and "//" not in separators[1:]
    is_plain = is_plain and is_chain
    return Select(
        source.text,
        expression,
        tag=names[-1],
        parents=tuple(reversed(names[:-1])) if is_plain else None,
        is_absolute=separators[0] == "/",
        attribute=attribute,
        chain=tuple(names) if is_chain and separators[0] == "/" else (),
    )


def _top_words(tokens: Iterable[Token]) -> Iterator[str]:
    """Give the steps and separators of an alternative without its predicates, attributes abbreviated to @."""
    for token in tokens:
        if token.text == "attribute" and token.kind == "axis":
            yield "@"
        elif not token.depth and token.kind != "axis" and token.text not in ("[", "]", "::"):
            yield token.text


def _expand(name: str, namespaces: Mapping[str, str]) -> str:
    """Give a name as lxml writes it; '' for a wildcard."""
    prefix, _, local = name.rpartition(":")
    if local == "*":
        return ""
    return f"{{{namespaces[prefix]}}}{local}" if prefix else local
