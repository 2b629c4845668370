"""Changes to documents of which nobody knows beforehand whether they stay valid."""

import copy
from collections.abc import Callable, Mapping

from lxml import etree

XSI = "http://www.w3.org/2001/XMLSchema-instance"
#: Values on which readers of XSD are known to differ, and plain ones.
TEXTS = (
    "",
    " ",
    "0",
    "-0",
    "+1",
    "01",
    "1.",
    ".5",
    "1.50",
    "1e3",
    "NaN",
    "INF",
    "١٢",
    "9" * 20,
    "9" * 60,
    "0." + "3" * 40,
    "1" + "0" * 30 + ".0",
    "true",
    "TRUE",
    "1 ",
    " 1",
    "a",
    "Z",
    "é",
    "ก" * 3,
    "a b",
    "a  b",
    "\ta",
    "a\n",
    "X" * 70,
    "\u00a0",
    "\u2003x",
    "2026-02-29",
    "2024-02-29",
    "2026-11-22",
    " 2026-11-22 ",
    "2026-11-22Z",
    "2026-11-22+14:00",
    "2026-11-22+14:01",
    "2026-11-22T24:00:00",
    "2026-11-22T23:59:60",
    "2026-11-22T08:00:00.123456789Z",
    "-0001-01-01",
    "0000-01-01",
    "12026-01-01",
    "08:00:00",
    "24:00:00",
    "20261122",
    "P1Y",
    "P",
    "GB",
    "gb",
    "THB",
    "KGM",
)
Mutation = Callable[[etree._Element, int], None]
"""Changes an element, and what is around it, by a number that chooses among the ways."""


def _delete(element: etree._Element, _: int) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _duplicate(element: etree._Element, _: int) -> None:
    if element.getparent() is not None:
        element.addnext(copy.deepcopy(element))


def _swap(element: etree._Element, _: int) -> None:
    after = element.getnext()
    if after is not None:
        after.addnext(element)


def _move(element: etree._Element, number: int) -> None:
    parent = element.getparent()
    if parent is None:
        return
    others = [
        each for each in element.getroottree().getroot().iter("*") if element not in each.iterancestors()
    ]
    target = others[number % len(others)]
    if target is not element:
        target.append(element)


def _rename(element: etree._Element, number: int) -> None:
    names = sorted({str(each.tag) for each in element.getroottree().getroot().iter("*")})
    if element.getparent() is not None:
        element.tag = names[number % len(names)]


def _change_namespace(element: etree._Element, number: int) -> None:
    if element.getparent() is not None:
        local = etree.QName(element).localname
        namespaces = sorted(
            {etree.QName(each).namespace or "" for each in element.getroottree().getroot().iter("*")}
        )
        uri = [*namespaces, "", "urn:other"][number % (len(namespaces) + 2)]
        element.tag = f"{{{uri}}}{local}" if uri else local


def _change_text(element: etree._Element, number: int) -> None:
    if not len(element):
        element.text = TEXTS[number % len(TEXTS)]


def _add_space(element: etree._Element, number: int) -> None:
    if not len(element):
        text = element.text or ""
        element.text = (f" {text}", f"{text} ", f"\n\t{text}\r\n", text.replace(" ", "  "))[number % 4]


def _change_character(element: etree._Element, number: int) -> None:
    text = element.text or ""
    if not len(element) and text:
        at = number % len(text)
        element.text = text[:at] + "0Aa-. ฿"[number % 7] + text[at + 1 :]


def _mix(element: etree._Element, number: int) -> None:
    """Put text where only elements stand."""
    element.tail = (element.tail or "") + ("x", " ", "\u00a0", "&")[number % 4]


def _attribute(element: etree._Element, number: int) -> None:
    names = [str(each) for each in element.attrib]
    ways = number % 4
    if ways == 0 or not names:
        element.set(
            ("unknown", f"{{{XSI}}}nil", f"{{{XSI}}}type", f"{{{XSI}}}schemaLocation")[number // 4 % 4],
            ("true", "false", "x", "a b")[number // 16 % 4],
        )
    elif ways == 1:
        del element.attrib[names[number // 4 % len(names)]]
    else:
        element.set(names[number // 4 % len(names)], TEXTS[number // 4 % len(TEXTS)])


MUTATIONS: Mapping[str, Mutation] = {
    "delete": _delete,
    "duplicate": _duplicate,
    "swap": _swap,
    "move": _move,
    "rename": _rename,
    "change the namespace": _change_namespace,
    "change the text": _change_text,
    "add white space": _add_space,
    "change a character": _change_character,
    "mix text in": _mix,
    "change an attribute": _attribute,
}


def mutate(document: bytes, steps: list[tuple[str, int, int]]) -> bytes:
    """
    Change a document step by step.

    Args:
        steps: name of the mutation, which element (counted round), and a number that chooses how.
    """
    root = etree.fromstring(document, etree.XMLParser(remove_comments=True, remove_pis=True))
    for name, place, number in steps:
        elements = list(root.iter("*"))
        MUTATIONS[name](elements[place % len(elements)], number)
    return etree.tostring(root, with_tail=False)
