"""Message types keep their documents through Avro: documents drawn from the XSDs, not only those people write."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nsw.formats.xml import encode_xml, parse_xml
from nsw.typefile import TYPE_FILE
from nsw.typefolders import load_message_type
from tests.property.xsd_documents import DerivedType, documents_of

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
# Folders are found, not named: a type that lands is covered.
FOLDERS = sorted(path.parent for path in SCHEMAS.rglob(TYPE_FILE))
# Documents are slow to draw and to compare: few of each type, others in each run.
few = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],  # to shrink a whole document takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)


@cache
def derived(xsd: Path, root: str) -> DerivedType:
    return DerivedType(xsd, root)


def check_a_drawn_document(types: DerivedType, data: st.DataObject) -> None:
    """XML, Avro, XML: valid, with the same elements in the same order and values that are equal by their types."""
    sent = parse_xml(encode_xml(data.draw(documents_of(types.root))))
    types.validator.assertValid(sent)
    body = types.mapping.encode_avro(sent)
    got = types.mapping.parse_avro(body)
    types.validator.assertValid(got)
    assert types.typed(got) == types.typed(sent)
    assert types.mapping.encode_avro(got) == body


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.relative_to(SCHEMAS).as_posix())
@given(data=st.data())
@few
def test_documents_of_each_type_come_back_from_avro(folder: Path, data: st.DataObject) -> None:
    """Of every message type under schemas/ that has an Avro schema."""
    message_type = load_type(folder)
    if message_type is not None:
        check_a_drawn_document(derived(*message_type), data)


@cache
def load_type(folder: Path) -> tuple[Path, str] | None:
    found = load_message_type(folder / TYPE_FILE, {})
    return None if found.avro is None else (found.schema_path, found.root)


def test_types_are_found() -> None:
    """The search finds what is there, and most of it has an Avro schema."""
    assert sum(load_type(folder) is not None for folder in FOLDERS) >= 8
