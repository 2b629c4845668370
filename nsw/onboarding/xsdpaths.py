"""
Whether an XPath can select anything in the documents of an XSD.

Walks each location path over the declarations that a document's nodes would have. In doubt (wildcards, functions that
give nodes) a path counts as possible: what is reported can really never be there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from functools import cached_property

from elementpath import ElementPathError, XPath2Parser, XPathToken
from xmlschema.validators import (
    XMLSchemaBase,
    XsdAnyAttribute,
    XsdAnyElement,
    XsdAttribute,
    XsdComplexType,
    XsdElement,
    XsdGroup,
)

__all__ = ["DeclarationTree", "Nodes", "find_dead_paths", "repeated_children"]

_STRICT = "strict"
_CLOSE = 0.6
_UNKNOWN_AXES = frozenset(("following", "following-sibling", "namespace", "preceding", "preceding-sibling"))
_KIND_TESTS = frozenset(("node", "text", "comment", "processing-instruction"))


class _Other(Enum):
    """Nodes that have no declaration: the document itself, and what a wildcard lets in."""

    DOCUMENT = 0
    ANYTHING = 1


@dataclass(frozen=True, slots=True)
class _Text:
    owner: XsdElement


Node = XsdElement | XsdAttribute | _Text | _Other
Nodes = frozenset[Node]
_NOTHING: Nodes = frozenset()


class DeclarationTree:
    """The declarations that can stand in a document of one root element, and which stand in which."""

    def __init__(self, schema: XMLSchemaBase, root: XsdElement) -> None:
        self.root = root
        self._maps = schema.maps
        self._content: dict[XsdElement, tuple[tuple[XsdElement, ...], tuple[XsdAnyElement, ...]]] = {}

    def children(self, element: XsdElement) -> tuple[tuple[XsdElement, ...], tuple[XsdAnyElement, ...]]:
        """Give the elements and the wildcards that may stand in an element, also by ``xsi:type``."""
        if element not in self._content:
            particles = [
                particle for content in self._types_of(element) for particle in _particles(content.content)
            ]
            named: dict[XsdElement, None] = {}
            for particle in particles:
                if isinstance(particle, XsdElement):
                    declared = particle.ref if isinstance(particle.ref, XsdElement) else particle
                    named[declared] = None
                    if declared.is_global():
                        named.update(dict.fromkeys(self._maps.substitution_groups.get(declared.name, ())))
            wildcards = tuple(each for each in particles if isinstance(each, XsdAnyElement))
            self._content[element] = (tuple(named), wildcards)
        return self._content[element]

    def _types_of(self, element: XsdElement) -> Iterator[XsdComplexType]:
        if isinstance(element.type, XsdComplexType):
            yield element.type
            yield from self._derived.get(element.type, ())

    @cached_property
    def _derived(self) -> dict[XsdComplexType, list[XsdComplexType]]:
        derived: dict[XsdComplexType, list[XsdComplexType]] = {}
        for each in self._maps.types.values():
            if not isinstance(each, XsdComplexType):
                continue
            base = each.base_type
            while isinstance(base, XsdComplexType):
                derived.setdefault(base, []).append(each)
                base = base.base_type if base.base_type is not base else None
        return derived

    def admitted(self, wildcard: XsdAnyElement, name: str | None) -> Iterator[Node]:
        """Give what a wildcard lets in; *name* None asks for every name."""
        for declared in self._maps.elements.values():
            if name in (None, declared.name) and wildcard.is_matching(declared.name):
                yield declared
        if wildcard.process_contents != _STRICT and (name is None or wildcard.is_matching(name)):
            yield _Other.ANYTHING

    def attributes(self, element: XsdElement) -> Iterator[XsdAttribute | XsdAnyAttribute]:
        """Give the attributes that an element may have, also by ``xsi:type``."""
        for each in self._types_of(element):
            for attribute in each.attributes.values():
                if isinstance(attribute, XsdAnyAttribute) or attribute.use != "prohibited":
                    yield attribute

    def holds_text(self, element: XsdElement) -> bool:
        """Tell whether an element may have text."""
        if not isinstance(element.type, XsdComplexType):
            return True
        return any(each.mixed or each.has_simple_content() for each in self._types_of(element))

    @cached_property
    def parents(self) -> dict[XsdElement, set[XsdElement]]:
        """For each element that can be there, the elements it can stand in; the root comes first."""
        parents: dict[XsdElement, set[XsdElement]] = {self.root: set()}
        waiting = [self.root]
        for parent in waiting:
            named, wildcards = self.children(parent)
            admitted = (each for wildcard in wildcards for each in self.admitted(wildcard, None))
            for child in (*named, *(each for each in admitted if isinstance(each, XsdElement))):
                if child not in parents:
                    parents[child] = set()
                    waiting.append(child)
                parents[child].add(parent)
        return parents

    def way_to(self, element: XsdElement) -> list[XsdElement]:
        """Give a shortest way from the root to an element that can be there, both included."""
        steps = [element]
        while steps[0] is not self.root:
            parents = self.parents[steps[0]]
            steps.insert(0, next(each for each in self.parents if each in parents))
        return steps

    def below(self, nodes: Iterable[Node]) -> Nodes:
        """Give nodes with all elements at any depth below them."""
        found: dict[Node, None] = {}
        for node in nodes:
            found[node] = None
            if node is _Other.DOCUMENT:
                found[self.root] = None
        waiting = [each for each in found if isinstance(each, XsdElement)]
        for element in waiting:
            named, wildcards = self.children(element)
            admitted = (each for wildcard in wildcards for each in self.admitted(wildcard, None))
            for child in (*named, *admitted):
                if child not in found:
                    found[child] = None
                    if isinstance(child, XsdElement):
                        waiting.append(child)
        return frozenset(found)


def repeated_children(element: XsdElement) -> Iterator[XsdElement]:
    """Give the child elements that may stand more than once, by themselves."""
    for particle in _particles(getattr(element.type, "content", None)):
        if isinstance(particle, XsdElement) and particle.max_occurs != 1:
            yield particle.ref if isinstance(particle.ref, XsdElement) else particle


def _particles(content: object) -> Iterator[XsdElement | XsdAnyElement]:
    if not isinstance(content, XsdGroup) or content.max_occurs == 0:
        return
    for each in content:
        if isinstance(each, XsdGroup):
            yield from _particles(each)
        elif each.max_occurs != 0:
            yield each


def find_dead_paths(
    expression: str, tree: DeclarationTree, context: Nodes | None, namespaces: Mapping[str, str]
) -> tuple[Nodes, list[str]]:
    """
    Find the location paths of an XPath that can never select anything.

    Args:
        context: the nodes that it is evaluated at; None for the document's root element.
        namespaces: prefixes of the XPath.

    Returns:
        What the expression selects, empty when it gives no nodes; and a sentence for each dead path.

    Raises:
        ValueError: the expression can't be looked at.
    """
    # Version 2 with the compatibility mode reads all of XPath 1.0; elementpath's parser of 1.0 refuses (a|b)/c.
    parser = XPath2Parser(namespaces=dict(namespaces), compatibility_mode=True)
    try:
        token = parser.parse(expression)
    except ElementPathError as error:
        raise ValueError(str(error)) from error
    walk = _Walk(tree, namespaces)
    selected = walk.evaluate(token, frozenset({tree.root}) if context is None else context)
    return selected or _NOTHING, walk.dead


class _Walk:
    def __init__(self, tree: DeclarationTree, namespaces: Mapping[str, str]) -> None:
        self.tree = tree
        self.namespaces = namespaces
        self.prefix_by_uri = {uri: prefix for prefix, uri in namespaces.items()}
        self.dead: list[str] = []
        self.axes: dict[str, Callable[[Nodes, str | None], Iterator[Node]]] = {
            "child": self.child,
            "attribute": self.attribute,
            "self": lambda nodes, _name: iter(nodes),
            "descendant": self.descendant,
            "descendant-or-self": lambda nodes, _name: iter(tree.below(nodes)),
            "parent": lambda nodes, _name: iter(self.parents_of(nodes)),
            "ancestor": lambda nodes, _name: iter(self.ancestors_of(self.parents_of(nodes))),
            "ancestor-or-self": lambda nodes, _name: iter(self.ancestors_of(nodes)),
        }

        self.forms: dict[str, Callable[[XPathToken, Nodes], Nodes | None]] = {
            "/": self.path,
            "//": self.path,
            "[": self.filtered,
            "|": self.union,
            "union": self.union,
            ".": lambda _token, nodes: nodes,
            "..": lambda _token, nodes: self.parents_of(nodes),
            "@": lambda token, nodes: self.step("attribute", token[0], nodes),
        }

    def evaluate(self, token: XPathToken, context: Nodes) -> Nodes | None:
        """Give the nodes that an expression selects; None when it gives a value, or nodes of a function."""
        symbol = token.symbol
        if symbol in self.forms:
            return self.forms[symbol](token, context)
        if symbol == "(" and len(token) == 1:
            return self.evaluate(token[0], context)
        if symbol in self.axes and len(token):
            return self.step(symbol, token[0], context)
        if _is_node_test(token):
            return self.step("child", token, context)
        if symbol in _UNKNOWN_AXES:
            return frozenset({_Other.ANYTHING})
        for each in token if symbol != "$" else ():
            self.evaluate(each, context)
        return None

    def filtered(self, token: XPathToken, context: Nodes) -> Nodes | None:
        """Look at a predicate too: paths in it are as dead as any."""
        base = self.evaluate(token[0], context)
        if base:
            self.evaluate(token[1], base)
        return base

    def union(self, token: XPathToken, context: Nodes) -> Nodes:
        """Join what both sides select."""
        sides = [self.evaluate(each, context) for each in token]
        return frozenset(node for side in sides for node in (side or ()))

    def path(self, token: XPathToken, context: Nodes) -> Nodes | None:
        """Follow ``a/b``, ``a//b``, ``/b``, ``//b`` and ``/``."""
        document: Nodes = frozenset({_Other.DOCUMENT})
        if not len(token):
            return document
        left = self.evaluate(token[0], context) if len(token) > 1 else document
        if left is None:
            left = frozenset({_Other.ANYTHING})
        if not left:
            return _NOTHING
        if token.symbol == "//":
            left = self.tree.below(left)
        return self.evaluate(token[len(token) - 1], left)

    def step(self, axis: str, test: XPathToken, context: Nodes) -> Nodes:
        """Follow one step; an empty result is a dead path."""
        if not context:
            return _NOTHING
        name = self.name_of(test)
        candidates = self.axes[axis](context, name if name and not name.endswith("*") else None)
        found = frozenset(each for each in candidates if self.passes(each, test, name))
        if not found:
            self.dead.append(self.sentence(axis, test, name, context))
        return found

    # Axes.

    def child(self, nodes: Nodes, name: str | None) -> Iterator[Node]:
        for node in nodes:
            if node is _Other.ANYTHING:
                yield node
            elif node is _Other.DOCUMENT:
                yield self.tree.root
            elif isinstance(node, XsdElement):
                named, wildcards = self.tree.children(node)
                yield from named
                for wildcard in wildcards:
                    yield from self.tree.admitted(wildcard, name)
                if self.tree.holds_text(node):
                    yield _Text(node)

    def attribute(self, nodes: Nodes, name: str | None) -> Iterator[Node]:
        for node in nodes:
            if node is _Other.ANYTHING:
                yield node
            elif isinstance(node, XsdElement):
                for each in self.tree.attributes(node):
                    if isinstance(each, XsdAttribute):
                        yield each
                    elif name is None or each.is_matching(name):
                        yield _Other.ANYTHING

    def descendant(self, nodes: Nodes, _name: str | None) -> Iterator[Node]:
        for node in self.tree.below(nodes):
            yield from self.child(frozenset({node}), None)

    def parents_of(self, nodes: Nodes) -> Nodes:
        found: set[Node] = set()
        for node in nodes:
            if isinstance(node, _Text):
                found.add(node.owner)
            elif isinstance(node, XsdElement):
                found |= self.tree.parents.get(node, set())
                if node is self.tree.root:
                    found.add(_Other.DOCUMENT)
            elif node is not _Other.DOCUMENT:
                # An attribute's element isn't told, nor where a wildcard stands: any element.
                found |= self.tree.parents.keys()
                found.add(_Other.ANYTHING)
        return frozenset(found)

    def ancestors_of(self, nodes: Nodes) -> Nodes:
        found: set[Node] = set()
        waiting = set(nodes)
        while waiting:
            found |= waiting
            waiting = set(self.parents_of(frozenset(waiting))) - found
        return frozenset(found)

    # Node tests.

    def name_of(self, test: XPathToken) -> str | None:
        """Give ``{namespace}local`` of a name test, with ``*`` for any local name; None for other tests."""
        if test.symbol == "[":
            return self.name_of(test[0])
        if test.symbol == "(name)":
            return str(test.value)
        if test.symbol == ":" and len(test) > 1:
            uri = self.namespaces.get(str(test[0].value), "")
            uri = uri or ("http://www.w3.org/XML/1998/namespace" if test[0].value == "xml" else "")
            return f"{{{uri}}}{'*' if test[1].symbol == '*' else test[1].value}"
        return None

    def passes(self, node: Node, test: XPathToken, name: str | None) -> bool:
        """Tell whether a node passes a test."""
        if node is _Other.ANYTHING or test.symbol == "node":
            return True
        if test.symbol == "text":
            return isinstance(node, _Text)
        if test.symbol in _KIND_TESTS or not isinstance(node, XsdElement | XsdAttribute):
            return False  # parsing removes comments and instructions
        if name is not None and name.endswith("}*"):
            return str(node.name).startswith(name[:-1])
        return name in (None, node.name)

    # Sentences.

    def sentence(self, axis: str, test: XPathToken, name: str | None, context: Nodes) -> str:
        """Say which step leads nowhere, and what may have been meant."""
        where = " or ".join(sorted({self.show(each) for each in context})[:3])
        is_attribute = axis == "attribute"
        wanted = ("@" if is_attribute else "") + (self.shown_name(name) if name else f"{test.symbol}()")
        nearest = self.nearest(name, context, is_attribute=is_attribute) if name else ""
        return f"{wanted} can't be in {where}" + (f"; the nearest name is {nearest}" if nearest else "")

    def nearest(self, name: str, context: Nodes, *, is_attribute: bool) -> str:
        """Find what may have been meant: beside it, else anywhere, else what comes closest."""
        elements = {each for each in self.child(context, None) if isinstance(each, XsdElement)}
        attributes = {each for each in self.attribute(context, None) if isinstance(each, XsdAttribute)}
        elements_by_name = {_local(each): self.show(each) for each in elements}
        attributes_by_name = {_local(each): self.show(each) for each in attributes}
        shown_by_name = (
            elements_by_name | attributes_by_name if is_attribute else attributes_by_name | elements_by_name
        )
        local = name.rpartition("}")[2]
        by_lower = {each.lower(): each for each in shown_by_name}
        if local in shown_by_name:
            return shown_by_name[local]
        if local.lower() in by_lower:
            return shown_by_name[by_lower[local.lower()]]
        close = get_close_matches(local, shown_by_name, 1, _CLOSE)
        elsewhere = {_local(each): each for each in reversed(self.tree.parents)}
        if close:
            return shown_by_name[close[0]]
        if local in elsewhere:
            return self.full_path(elsewhere[local])
        far = get_close_matches(local, shown_by_name, 1, 0.0)
        return shown_by_name[far[0]] if far else ""

    def full_path(self, element: XsdElement) -> str:
        """Give the shortest path to an element that can be there."""
        return "/" + "/".join(map(self.show, self.tree.way_to(element)))

    def show(self, node: Node) -> str:
        """Name a node as the XPath would."""
        if isinstance(node, XsdAttribute):
            return "@" + self.shown_name(str(node.name))
        if isinstance(node, XsdElement):
            return self.shown_name(str(node.name))
        if isinstance(node, _Text):
            return f"text of {self.show(node.owner)}"
        return "the document" if node is _Other.DOCUMENT else "anything"

    def shown_name(self, name: str) -> str:
        """Write an expanded name with the XPath's prefix, or in full where it has none."""
        uri, _, local = name.rpartition("}")
        prefix = self.prefix_by_uri.get(uri[1:])
        if not uri:
            return local
        return f"{prefix}:{local}" if prefix else name


def _is_node_test(token: XPathToken) -> bool:
    if token.symbol == ":":
        return len(token) > 1 and token[1].symbol in {"(name)", "*"}
    return token.symbol in _KIND_TESTS or token.symbol == "(name)" or (token.symbol == "*" and not len(token))


def _local(node: XsdElement | XsdAttribute) -> str:
    return str(node.name).rpartition("}")[2]
