"""``nsw config``."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from nsw.cli.app import app
from nsw.config import Config

ROOT = Path(__file__).resolve().parents[2]


def config(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["config", *arguments], env=environment)


@pytest.fixture
def reference_folder(tmp_path: Path) -> Path:
    """Give a copy of the window's tables that a test may break."""
    return Path(shutil.copytree(ROOT / "deploy" / "reference", tmp_path / "reference"))


def test_the_project_as_it_is_has_no_problems() -> None:
    """The files of this repository make a window that can start; the development secret is a warning."""
    result = config("check", "--format", "json")

    answer = json.loads(result.stdout)
    assert answer["problems"] == []
    assert "NSW_CONVERSATION_KEY" in answer["warnings"][0]
    assert answer["routing_tests_passed"] > 0
    assert result.exit_code == 0


def test_a_secret_of_ones_own_takes_the_warning_away() -> None:
    """Only the published secret is warned of."""
    result = config("check", "--format", "json", NSW_CONVERSATION_KEY="a secret of sixteen characters")

    assert json.loads(result.stdout)["warnings"] == []


def test_lists_the_problems_of_all_parts_at_once(tmp_path: Path) -> None:
    """Wrong variables hide neither each other nor what is wrong in folders."""
    result = config(
        "check",
        "--schemas",
        str(tmp_path),
        NSW_MAX_FINDINGS="0",
        NSW_UNKNOWN="1",
        NSW_REFERENCE_FOLDER=str(tmp_path / "none"),
    )

    for part in ("NSW_MAX_FINDINGS", "NSW_UNKNOWN", "permits.csv", "window.yaml", "no message type"):
        assert part in result.stdout
    assert result.exit_code == 2


def test_runs_the_routing_tests_beside_the_tables(reference_folder: Path) -> None:
    """An example that the tables get wrong is a problem."""
    path = reference_folder / "routing_tests" / "rice-export.yaml"
    path.write_text(path.read_text("utf-8").replace("2026", "2000"), "utf-8")
    (reference_folder / "permits.csv").write_text(
        "tariff,statistical_code,direction,agency,effective_from\n", "utf-8"
    )

    result = config("check", NSW_REFERENCE_FOLDER=str(reference_folder))

    assert "rice-export.yaml: expected" in result.stdout
    assert result.exit_code == 2


def test_names_code_lists_that_rules_ask_for_in_vain(tmp_path: Path) -> None:
    """Rules whose code lists are not loaded could never be judged."""
    folder = tmp_path / "schemas"
    shutil.copytree(ROOT / "schemas", folder, ignore=shutil.ignore_patterns("codes", "samples"))

    result = config("check", NSW_SCHEMA_FOLDERS=str(folder))

    assert "the code list" in result.stdout
    assert result.exit_code == 2


def test_shows_every_setting_with_where_it_comes_from() -> None:
    """Each setting has its variable, value, origin and meaning."""
    result = config("show", "--format", "json", NSW_MAX_FINDINGS="7")

    row_by_name = {row["variable"]: row for row in json.loads(result.stdout)}
    assert {f"NSW_{name.upper()}" for name in Config.model_fields} == set(row_by_name)
    assert (
        row_by_name["NSW_MAX_FINDINGS"]["value"],
        row_by_name["NSW_MAX_FINDINGS"]["from"],
    ) == (7, "environment")
    assert all(row["meaning"] for row in row_by_name.values())


@pytest.mark.parametrize("form", ["text", "json"])
def test_never_shows_a_secret(form: str) -> None:
    """Secrets are stars in either format."""
    result = config("show", "--format", form, NSW_CONVERSATION_KEY="a secret of sixteen characters")

    assert "a secret" not in result.stdout
    assert "***" in result.stdout
