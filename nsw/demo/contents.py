"""What a document says, whatever its format: for comparing XML with Avro, and for reading the window's answers."""

import re
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any

from nsw.documents import Document, identify
from nsw.errors import MessageError
from nsw.reference import Reference

_DECIMAL = re.compile(r"[+-]?[0-9]+\.[0-9]+")


def content_digest(document: Document) -> str:
    """
    Name what a document says: equal for XML and Avro of the same document.

    Elements and texts count; white space around a text, and zeros at the end of a decimal fraction, do not.
    """
    return sha256("\n".join(_lines(document.root)).encode()).hexdigest()


def _lines(element: Any) -> Iterator[str]:  # noqa: ANN401 - lxml stays behind nsw.documents
    for each in element.iter():
        yield f"{each.tag} {len(each)} {_plain(each.text or '')}"
        yield from (f"@{name}={value}" for name, value in sorted(each.attrib.items()))


def _plain(text: str) -> str:
    text = " ".join(text.split())
    return text.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(text) else text


def listed_codes(document: Document, parent: str) -> tuple[str, ...]:
    """
    Give the codes that one of the window's answers lists, sorted.

    Args:
        parent: local name of the elements that hold the codes: ``Finding`` or ``Agency``.
    """
    namespace = str(document.root.tag).rpartition("}")[0] + "}"
    found = document.root.findall(f"{namespace}{parent}/{namespace}Code")
    return tuple(sorted(each.text or "" for each in found))


def read_document(value: bytes, reference: Reference, on: date) -> Document | None:
    """Read a document of the window or of an agency; None when it can't be understood."""
    try:
        return identify(value, on, reference.catalogue, reference.limits.xml)
    except MessageError:
        return None
