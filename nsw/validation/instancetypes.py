"""
``xsi:type`` in documents of types that also travel as Avro.

It may name the type that the XSD declares anyhow; that says nothing, and is taken off the parsed copy. Any other one
changes what the element's content is, and Avro has no place for that: the same document must be one in both.
"""

from collections.abc import Iterator

from lxml import etree

from nsw.errors import Code
from nsw.validation.places import Declarations, Fault

__all__ = ["drop_declared_types", "has_instance_type"]

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_XSI}}}type"
#: Whether any element of a document has the attribute; nearly none does.
has_instance_type = etree.XPath("boolean(//@xsi:type)", namespaces={"xsi": _XSI})
_select = etree.XPath("//*[@xsi:type]", namespaces={"xsi": _XSI})


def drop_declared_types(declarations: Declarations) -> Iterator[Fault]:
    """
    Take off every ``xsi:type`` that names the declared type, and give a fault for each other one.

    Args:
        declarations: of a document that fulfils its XSD.

    Source:
        W3C XML Schema 1.0, part 1, section 3.3.4, Element Locally Valid (Element), clause 4: the named type must be
        the declared one, or derived from it.
    """
    found = _select(declarations.root)
    for element in found if isinstance(found, list) else ():
        if not isinstance(element, etree._Element):
            continue
        declared = declarations.of(element)
        prefix, _, local = str(element.attrib[_TYPE]).strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        name = f"{{{namespace}}}{local}" if namespace else local
        if declared is not None and declared.type.name == name:
            del element.attrib[_TYPE]
        else:
            detail = "xsi:type names another type than the declared one, which can't be carried over to Avro"
            yield Fault(Code.SCHEMA_ATTRIBUTE, element, detail, _TYPE)
