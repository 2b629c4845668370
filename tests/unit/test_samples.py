"""Every sample below ``schemas`` gives, through the command line, exactly the answer that lies beside it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from nsw.cli.app import app

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
EXPECTED = sorted(SCHEMAS.rglob("samples/**/*.expected.json"))
#: All samples are meant as lodged on this day; see ``tools/samples/files.py``.
LODGED_ON = "2026-11-18"


def document_of(expected: Path) -> Path:
    stem = expected.name.removesuffix(".expected.json")
    return next(path for path in expected.parent.glob(f"{stem}.*") if path.suffix in {".xml", ".avro"})


def name_of(expected: Path) -> str:
    return expected.relative_to(SCHEMAS).as_posix().removesuffix(".expected.json").replace("/samples", "")


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    """Validate all samples in one run; give the answers by file."""
    files = [str(document_of(path)) for path in EXPECTED]
    result = CliRunner().invoke(app, ["validate", "--format", "json", "--on", LODGED_ON, *files])
    lines: Iterator[dict[str, Any]] = map(json.loads, result.stdout.splitlines())
    return {line["file"]: line for line in lines}


def findings_in(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((each["path"] or "", each["code"]) for each in answer["findings"])


@pytest.mark.parametrize("path", EXPECTED, ids=name_of)
def test_gives_the_expected_answer(path: Path, answers: dict[str, dict[str, Any]]) -> None:
    """Verdict, findings with their places, and agencies are those of the file beside the sample."""
    expected = json.loads(path.read_text("utf-8"))

    answer = answers[str(document_of(path))]

    assert (expected["verdict"], findings_in(expected), expected["agencies"]) == (
        answer["verdict"],
        findings_in(answer),
        answer["agencies"],
    )


def test_finds_samples_to_check() -> None:
    """The battery is not empty, and each sample has its expected answer."""
    documents = [path for path in SCHEMAS.rglob("samples/**/*") if path.suffix in {".xml", ".avro"}]

    assert sorted(documents) == sorted(map(document_of, EXPECTED))
    assert documents
