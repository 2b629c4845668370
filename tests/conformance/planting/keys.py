"""The identity constraints of a document: which nodes hold their values, and how to break them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lxml import etree
from xmlschema.validators import XsdElement, XsdKeyref


@dataclass(frozen=True, slots=True)
class Key:
    """The nodes of an identity constraint; *refer* is the key that a keyref means."""

    name: str
    refer: str | None
    nodes: list[etree._Element]
    fields: list[str]
    prefixes: dict[str, str]

    def values(self, node: etree._Element) -> tuple[str, ...]:
        return tuple(str(node.xpath(f"string({field})", namespaces=self.prefixes)) for field in self.fields)

    def owners(self, node: etree._Element) -> list[etree._Element]:
        """Give the elements that hold the values of a node."""
        found = []
        for field in self.fields:
            path, _, last = field.rpartition("/")
            owner = field if not last.startswith("@") else path or "."
            found += node.xpath(owner, namespaces=self.prefixes)
        return found

    def involved(self) -> set[etree._Element]:
        return {each for node in self.nodes for each in (node, *self.owners(node))}

    def is_referred(self, node: etree._Element, keys: "list[Key]") -> bool:
        values = self.values(node)
        return any(
            each.refer == self.name and values in [each.values(other) for other in each.nodes]
            for each in keys
        )

    def copy(self, source: etree._Element, target: etree._Element) -> bool:
        values = self.values(source)
        if not all(values) or self.values(target) == values or len(self.owners(target)) != len(self.fields):
            return False
        for field, owner, value in zip(self.fields, self.owners(target), values, strict=True):
            _set(owner, field, value)
        return True

    def spoil(self, node: etree._Element) -> bool:
        owners = self.owners(node)
        if len(owners) != len(self.fields) or not all(self.values(node)):
            return False
        # A value of the same shape, so that nothing but the reference is wrong.
        value = self.values(node)[0]
        changed = value[:-1] + ("9" if value[-1] != "9" else "8")
        _set(owners[0], self.fields[0], changed)
        return True


def _set(owner: etree._Element, field: str, value: str) -> None:
    last = field.rpartition("/")[2]
    if last.startswith("@"):
        owner.set(last[1:], value)
    else:
        owner.text = value


def find_keys(
    elements: Sequence[etree._Element], declared: Mapping[etree._Element, XsdElement]
) -> Iterator[Key]:
    """Find the constraints of all elements of a document, with the nodes that they select."""
    for element in elements:
        for constraint in declared[element].identities:
            refer = str(getattr(constraint.refer, "name", "")) if isinstance(constraint, XsdKeyref) else None
            selector = constraint.selector.path if constraint.selector is not None else "."
            prefixes = {prefix: uri for prefix, uri in constraint.namespaces.items() if prefix}
            nodes = element.xpath(selector, namespaces=prefixes)
            yield Key(
                str(constraint.name),
                refer,
                list(nodes),
                [each.path for each in constraint.fields],
                prefixes,
            )
