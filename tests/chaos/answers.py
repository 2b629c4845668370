"""Looks into the bytes of an answer; nothing of ``nsw`` is used here."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from tests.chaos.expected import ACCEPTED, Expected

_AVRO_MARK = b"\0"


def problem_of_answer(value: bytes, wanted: Iterable[str], expected: Expected) -> str:
    """Look into an answer: the ids that it must name, and its codes and agencies where it is XML."""
    missing = [each for each in wanted if each.encode() not in value]
    if missing:
        return f"the answer does not name {', '.join(missing)}"
    if value.startswith(_AVRO_MARK):
        # Avro's texts are plain UTF-8; what stands beside them is not looked at.
        silent = [each for each in expected.codes if each.encode() not in value]
        return f"the answer does not name {', '.join(silent)}" if silent else ""
    root = ET.fromstring(value)  # noqa: S314 - as above
    if expected.verdict == ACCEPTED:
        if expected.repeats is not None:
            return ""
        agencies = _texts(root, "Agency")
        return "" if agencies == expected.agencies else f"the agencies are {sorted(agencies)}"
    codes = _texts(root, "Finding")
    return (
        "" if codes == expected.codes else f"the findings are {sorted(codes)}, not {sorted(expected.codes)}"
    )


def _texts(root: ET.Element, parent: str) -> frozenset[str]:
    """Give the texts of the ``Code`` of each such child, whatever the namespace."""
    return frozenset(
        code.text or ""
        for each in root
        if each.tag.rpartition("}")[2] == parent
        for code in each
        if code.tag.rpartition("}")[2] == "Code"
    )
