"""
The samples of a message type: each document gives exactly the answer that lies beside it, and Avro loses nothing of it.

``NAME.expected.json`` beside ``NAME.xml`` or ``NAME.avro`` holds ``verdict``, ``findings`` (``code`` and ``path``),
``agencies``, and optionally ``on``, the lodging date.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError
from xmlschema.validators import XMLSchemaBase

from nsw.documents import Document
from nsw.errors import Code, MessageError, Verdict
from nsw.formats.xml import XmlLimits
from nsw.messagetypes import MessageType
from nsw.onboarding.values import find_differences
from nsw.problems import Problem
from nsw.processing import Judgement, judge
from nsw.reference import Reference
from nsw.validation import check_schema

__all__ = ["LODGED_ON", "Sample", "check_samples", "find_samples", "lodging_date"]

#: The day on which samples are lodged that name none (docs/message-types.md).
LODGED_ON = date(2026, 11, 18)
_FOLDER = "samples"
_EXPECTED = ".expected.json"
_SUFFIXES = (".xml", ".avro")
_MOST_DIFFERENCES = 10
_MOST_RULES = 10
#: Larger samples are judged by libxml2 only: the xmlschema package takes seconds for a megabyte.
_SECOND_OPINION_BYTES = 200_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Finding(_Strict):
    code: str
    path: str | None = None


class _Expected(_Strict):
    """The shape of ``NAME.expected.json``."""

    verdict: Verdict
    findings: tuple[_Finding, ...] = ()
    agencies: tuple[str, ...] = ()
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """A document, and the file with its expected answer."""

    document: Path
    expected: Path


def find_samples(folder: Path) -> tuple[list[Sample], list[Problem]]:
    """
    Pair the documents in a type's ``samples`` folder, at any depth, with their expected answers.

    Returns:
        The pairs, and a problem for each file that stands alone.
    """
    below = folder / _FOLDER
    files = sorted(path for path in below.rglob("*") if path.is_file()) if below.is_dir() else []
    expected = [path for path in files if path.name.endswith(_EXPECTED)]
    pairs: list[Sample] = []
    problems: list[Problem] = []
    for document in (path for path in files if path.suffix in _SUFFIXES):
        answer = document.with_name(document.stem + _EXPECTED)
        if answer.is_file():
            pairs.append(Sample(document, answer))
        else:
            problems.append(Problem(document, None, f"has no expected answer beside it: {answer.name}"))
    used = {each.expected for each in pairs}
    problems += [
        Problem(path, None, "belongs to no document: neither .xml nor .avro of this name")
        for path in expected
        if path not in used
    ]
    return pairs, problems


def lodging_date(message_type: MessageType, on: date | None) -> date:
    """Choose the day on which a sample is lodged: its own, else the documented one, else the type's first."""
    if on is not None:
        return on
    return LODGED_ON if message_type.is_in_force(LODGED_ON) else message_type.effective_from


def check_samples(
    message_type: MessageType, schema: XMLSchemaBase, reference: Reference
) -> Iterator[Problem]:
    """
    Judge all samples of a type.

    Args:
        schema: its XSD, for a second opinion.
        reference: must hold the type.
    """
    samples, problems = find_samples(message_type.folder)
    yield from problems
    met: set[str] = set()
    for sample in samples:
        expected = _read_expected(sample.expected)
        if isinstance(expected, Problem):
            yield expected
            continue
        met.update(each.code for each in expected.findings)
        content = sample.document.read_bytes()
        judgement = judge(content, lodging_date(message_type, expected.on), reference)
        yield from _compare(sample, expected, judgement)
        document = judgement.document
        if document is None:
            continue
        if document.message_type.folder != message_type.folder:
            yield Problem(sample.document, None, f"is of another folder: {document.message_type.folder}")
            continue
        yield from _check_document(sample.document, document, schema, reference.limits.xml)
    if not samples:
        yield Problem(
            message_type.folder, None, "has no samples, so nothing shows what it does", is_warning=True
        )
    else:
        unproven = [each.id for each in message_type.rule_catalogue if each.id not in met]
        if unproven:
            sentence = f"no sample breaks {len(unproven)} of the rules: {', '.join(unproven[:_MOST_RULES])}"
            yield Problem(
                message_type.folder,
                None,
                sentence + (" …" if len(unproven) > _MOST_RULES else ""),
                is_warning=True,
            )


def _read_expected(path: Path) -> _Expected | Problem:
    try:
        return _Expected.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return Problem(path, None, f"{place}: {first['msg']}" if place else first["msg"])


def _compare(sample: Sample, expected: _Expected, judgement: Judgement) -> Iterator[Problem]:
    if judgement.verdict is not expected.verdict:
        yield Problem(sample.document, None, f"is {judgement.verdict}, expected is {expected.verdict}")
    given = Counter((each.code, each.path or "") for each in judgement.findings)
    wanted = Counter((each.code, each.path or "") for each in expected.findings)
    line_by_finding = {(each.code, each.path or ""): each for each in judgement.findings}
    for code, path in (given - wanted).elements():
        finding = line_by_finding[code, path]
        yield Problem(
            sample.document,
            finding.line,
            f"unexpected finding {code} at {path or 'no place'}: {finding.text_en}",
        )
    text = sample.expected.read_text("utf-8").splitlines()
    for code, path in (wanted - given).elements():
        line = next((number for number, each in enumerate(text, 1) if json.dumps(code) in each), None)
        yield Problem(sample.expected, line, f"expected finding {code} at {path or 'no place'} is not given")
    if judgement.decision.agencies != expected.agencies:
        yield Problem(
            sample.document,
            None,
            f"goes to {_shown(judgement.decision.agencies)}, expected is {_shown(expected.agencies)}",
        )


def _shown(agencies: tuple[str, ...]) -> str:
    return ", ".join(agencies) or "no agency"


def _check_document(
    path: Path, document: Document, schema: XMLSchemaBase, limits: XmlLimits
) -> Iterator[Problem]:
    message_type, root = document.message_type, document.root
    is_valid = not check_schema(message_type, root)
    is_small = path.stat().st_size <= _SECOND_OPINION_BYTES
    # The package takes lxml's elements, but declares the standard library's only.
    if is_small and is_valid is not schema.is_valid(cast("Any", root)):
        one, two = ("valid", "not") if is_valid else ("not valid", "valid")
        yield Problem(path, None, f"libxml2 calls it {one}, the xmlschema package {two}")
    mapping = message_type.avro
    declared = schema.maps.elements.get(message_type.root.removeprefix("{}"))
    if not is_valid or mapping is None or declared is None:
        return
    try:
        back = mapping.parse_avro(mapping.encode_avro(root), limits)
    except MessageError as error:
        yield Problem(path, None, f"can't go through Avro: {error.detail or Code(error.code)}")
        return
    differences = list(find_differences(declared, root, back))
    for each in differences[:_MOST_DIFFERENCES]:
        yield Problem(path, None, f"XML → Avro → XML: {each}")
    if check_schema(message_type, back):
        yield Problem(path, None, "XML → Avro → XML: what comes back breaks the schema")
