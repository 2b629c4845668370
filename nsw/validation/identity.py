"""
Identity constraints of XSD: which nodes break a key, a unique or a keyref.

libxml2 knows that one is broken, but tells the place of a reference only as that of the whole document, and does not
look at what lies behind a broken content model.

Source: W3C XML Schema 1.0, part 1, section 3.11.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import xmlschema
from lxml import etree
from xmlschema.validators import XsdElement, XsdIdentity, XsdKey, XsdKeyref

_OF_SCHEMAS = "{http://www.w3.org/2001/XMLSchema}"

Schema = xmlschema.XMLSchema10 | xmlschema.XMLSchema11
Found = list[Any]
Declarations = Callable[[etree._Element], XsdElement | None]
"""Finds the declaration of an element of the document."""


@dataclass(frozen=True, slots=True)
class BrokenKey:
    """A node that breaks a constraint, and how, in words."""

    element: etree._Element
    detail: str


def find_broken_keys(
    schema: Schema, root: etree._Element, declaration_of: Declarations
) -> Iterator[BrokenKey]:
    """
    Find all nodes that break an identity constraint.

    Args:
        schema: the XSD as the xmlschema package reads it.

    Nodes whose fields hold values that their types refuse are left out: that is another fault.
    """
    tags = constrained(schema)
    compiled = _Compiled()
    tables: dict[tuple[str, etree._Element], list[_Row]] = {}
    references: list[tuple[XsdKeyref, etree._Element, list[_Row]]] = []
    for scope in root.iter(*tags) if tags else ():
        declared = declaration_of(scope)
        for constraint in declared.identities if declared is not None else ():
            rows = [_row(node, found, declaration_of) for node, found in compiled.select(constraint, scope)]
            if isinstance(constraint, XsdKeyref):
                references.append((constraint, scope, rows))
            else:
                tables[str(constraint.name), scope] = rows
                yield from _twice(constraint, rows)
    for constraint, scope, rows in references:
        yield from _nowhere(constraint, scope, rows, tables)


@dataclass(frozen=True, slots=True)
class _Row:
    """A selected node with the values of its fields; None for one that is absent."""

    element: etree._Element
    values: tuple[object, ...]
    is_wrong: bool


def constrained(schema: Schema) -> set[str]:
    """Give the names of the elements that have identity constraints."""
    return {
        str(each.parent.name)
        for each in schema.maps.identities.values()
        if not str(each.parent.name).startswith(_OF_SCHEMAS)
    }


class _Compiled:
    """The XPaths of constraints, compiled once."""

    def __init__(self) -> None:
        self._paths: dict[XsdIdentity, tuple[etree.XPath, list[etree.XPath]]] = {}

    def select(
        self, constraint: XsdIdentity, scope: etree._Element
    ) -> Iterator[tuple[etree._Element, list[Found]]]:
        """Give the nodes that a constraint selects, each with what its fields find."""
        if constraint not in self._paths:
            namespaces = {prefix: uri for prefix, uri in constraint.namespaces.items() if prefix}
            selected = constraint.selector.path if constraint.selector is not None else "."
            paths = [selected, *(str(each.path) for each in constraint.fields)]
            selector, *fields = (etree.XPath(path, namespaces=namespaces) for path in paths)
            self._paths[constraint] = selector, fields
        selector, fields = self._paths[constraint]
        for node in selector(scope):
            yield node, [field(node) for field in fields]


def _row(node: etree._Element, found: list[Found], declaration_of: Declarations) -> _Row:
    values = [_value(each, declaration_of) for each in found]
    return _Row(node, tuple(value for value, _ in values), any(is_wrong for _, is_wrong in values))


def _value(nodes: Found, declaration_of: Declarations) -> tuple[object, bool]:
    """Give the value of a field in the space of its type, None where it is absent; and whether it has none."""
    if len(nodes) != 1:
        return None, len(nodes) > 1
    (node,) = nodes
    owner = node if isinstance(node, etree._Element) else node.getparent()
    declared = declaration_of(owner)
    if declared is None:
        return None, True
    if owner is node:
        text, simple = str(node.text or ""), declared.type.simple_type
    else:
        attribute = declared.attributes.get(node.attrname)
        text, simple = str(node), attribute.type if attribute is not None else None
    if simple is None or not simple.is_valid(text):
        return None, True
    value = simple.text_decode(text)
    return (type(value).__name__, value if value.__hash__ else str(value)), False


def _twice(constraint: XsdIdentity, rows: list[_Row]) -> Iterator[BrokenKey]:
    seen: set[tuple[object, ...]] = set()
    for row in rows:
        if row.is_wrong:
            continue
        if None in row.values:
            if isinstance(constraint, XsdKey):
                yield BrokenKey(row.element, f"{_name(constraint)} has no value")
        elif row.values in seen:
            yield BrokenKey(row.element, f"{_name(constraint)} is given twice: {_shown(row)}")
        else:
            seen.add(row.values)


def _nowhere(
    constraint: XsdKeyref,
    scope: etree._Element,
    rows: list[_Row],
    tables: dict[tuple[str, etree._Element], list[_Row]],
) -> Iterator[BrokenKey]:
    refer = str(getattr(constraint.refer, "name", ""))
    known = {
        row.values
        for (name, holder), found in tables.items()
        if name == refer and (holder is scope or scope in holder.iterancestors())
        for row in found
    }
    for row in rows:
        if not row.is_wrong and None not in row.values and row.values not in known:
            yield BrokenKey(row.element, f"{_name(constraint)} refers to nothing: {_shown(row)}")


def _name(constraint: XsdIdentity) -> str:
    return str(constraint.local_name)


def _shown(row: _Row) -> str:
    return ", ".join(str(each[1]) for each in row.values if isinstance(each, tuple))
