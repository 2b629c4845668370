"""The sample files of one message type: valid documents, and those with planted faults."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lxml import etree

from tools.samples.faults import Base, Case, Edited, build_expected
from tools.samples.layout import Layout

#: All samples are meant as lodged on this day.
LODGED_ON = date(2026, 11, 18)


@dataclass(frozen=True)
class SampleSet:
    """
    All samples of one message type.

    Args:
        valid: by file name.
        base: the valid document that faults are planted in, unless a case names another.
    """

    layout: Layout
    valid: Mapping[str, Base]
    base: Base
    cases: tuple[Case, ...]

    @property
    def folder(self) -> Path:
        """Where the samples lie."""
        return self.layout.path / "samples"

    def build(self, case: Case) -> bytes:
        """Build the document of a case."""
        return Edited(self.layout, case.base or self.base, case.edits).build()

    def valid_files(self) -> Iterator[tuple[Path, bytes]]:
        """Make every valid sample and its expected answer: the path and the bytes that belong there."""
        for name, each in self.valid.items():
            answer = {"verdict": "accepted", "findings": [], "agencies": list(each.agencies)}
            yield self.folder / "valid" / f"{name}.xml", each.build()
            yield self.folder / "valid" / f"{name}.expected.json", _write_json(answer)

    def invalid_files(self) -> Iterator[tuple[Path, bytes]]:
        """Make every invalid sample and its expected answer; nothing here runs the schema or the rules."""
        severities = self._severity_by_code()
        for case in self.cases:
            expected = build_expected(case, self.base, self.layout, severities)
            yield self.folder / "invalid" / f"{case.name}.xml", self.build(case)
            yield self.folder / "invalid" / f"{case.name}.expected.json", _write_json(expected)

    def files(self) -> dict[Path, bytes]:
        """Give all that belongs into the folder, by path."""
        return dict(self.valid_files()) | dict(self.invalid_files())

    def _severity_by_code(self) -> dict[str, str]:
        """Read how much each rule weighs from the rule file."""
        rules = etree.parse(self.layout.path / "rules.sch").getroot()
        asserts = rules.iter("{http://purl.oclc.org/dsdl/schematron}assert")
        return {each.get("id", ""): each.get("role", "") for each in asserts}


def _write_json(answer: Mapping[str, object]) -> bytes:
    return f"{json.dumps(answer, indent=2)}\n".encode()
