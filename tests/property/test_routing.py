"""Routing laws that hold for any table and any declaration."""

import dataclasses
from datetime import date
from itertools import product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Item
from nsw.routing import (
    PermitRow,
    PermitTable,
    Routes,
    RoutingTables,
    decide_agencies,
    load_routing_tables,
)

REFERENCE = Path(__file__).resolve().parents[2] / "deploy" / "reference"
TABLES = load_routing_tables(REFERENCE)

TARIFFS = ("01023900", "03035600", "97050010")
STATISTICAL_CODES = ("000", "001")
DIRECTIONS = ("import", "export")

days = st.dates(min_value=date(2013, 1, 1), max_value=date(2030, 12, 31))
# Few values, so that rows and items meet.
rows = st.builds(
    PermitRow,
    tariff=st.sampled_from(TARIFFS),
    statistical_code=st.sampled_from(STATISTICAL_CODES),
    direction=st.sampled_from(("import", "export", "both")),
    agency=st.sampled_from(sorted(TABLES.agencies)),
    effective_from=days,
    effective_until=st.none() | days,
    line=st.integers(min_value=2, max_value=99),
)
texts = st.text(max_size=12) | st.sampled_from(
    (*TARIFFS, *STATISTICAL_CODES, "0081", "1", "3", "NaN", "1e999999")
)
field_names = st.sampled_from(
    sorted({"tariff_code", "statistical_code", "message_type", "direction", *TABLES.routes.fields_named()})
)
field_maps = st.dictionaries(field_names, texts)
documents = st.builds(
    lambda header, items: CanonicalFields(
        header, tuple(Item(number, each) for number, each in enumerate(items, 1))
    ),
    field_maps,
    st.lists(field_maps, max_size=6),
)
directions = st.sampled_from(("import", "export", "transit", "none")) | st.text(max_size=8)
message_types = st.sampled_from(("th.export-declaration", "th.import-declaration")) | st.text(max_size=8)


def naive(
    table: list[PermitRow], tariff: str, statistical_code: str, direction: str, on: date
) -> set[AgencyCode]:
    """Read the table row by row."""
    return {
        row.agency
        for row in table
        if (row.tariff, row.statistical_code) == (tariff, statistical_code)
        and row.direction in (direction, "both")
        and row.effective_from <= on
        and (row.effective_until is None or on <= row.effective_until)
    }


@given(st.lists(rows, max_size=12), days)
def test_the_index_agrees_with_reading_row_by_row(table: list[PermitRow], on: date) -> None:
    """Compiled or not, a permit table names the same agencies."""
    permits = PermitTable.of("p.csv", table)
    for tariff, statistical_code, direction in product(TARIFFS, STATISTICAL_CODES, DIRECTIONS):
        expected = naive(table, tariff, statistical_code, direction, on)
        assert permits.agencies_for(tariff, statistical_code, direction, on) == tuple(sorted(expected))


@given(st.data(), st.lists(rows, max_size=12, unique_by=lambda row: row.line), documents, directions, days)
def test_the_order_of_rows_does_not_matter(
    data: st.DataObject, table: list[PermitRow], document: CanonicalFields, direction: str, on: date
) -> None:
    """The same rows in another order give the same decision; so do routes, but for nothing."""
    decisions = []
    for permits, routes in (
        (table, list(TABLES.routes.rows)),
        (data.draw(st.permutations(table)), data.draw(st.permutations(TABLES.routes.rows))),
    ):
        tables = dataclasses.replace(
            TABLES, permits=PermitTable.of("p.csv", permits), routes=Routes.of("r.yaml", routes)
        )
        decisions.append(decide_agencies("th.export-declaration", direction, document, on, tables))
    first, second = decisions
    assert first == second


@given(st.lists(rows, max_size=12), rows, documents, directions, days)
def test_a_row_for_another_tariff_changes_nothing(
    table: list[PermitRow], other: PermitRow, document: CanonicalFields, direction: str, on: date
) -> None:
    """A row about goods that are not in a declaration does not change its decision."""
    other = dataclasses.replace(other, tariff="99999999")

    def decide(table: list[PermitRow]) -> object:
        tables = dataclasses.replace(TABLES, permits=PermitTable.of("p.csv", table))
        return decide_agencies("th.export-declaration", direction, document, on, tables)

    assert decide([*table, other]) == decide(table)


@given(message_types, directions, documents, st.dates())
def test_routing_is_total(message_type: str, direction: str, document: CanonicalFields, on: date) -> None:
    """Whatever the fields, there is a decision: sorted, with the lead agency, and with a reason for each agency."""
    decision = decide_agencies(message_type, direction, document, on, TABLES)
    assert TABLES.lead in decision.agencies
    assert list(decision.agencies) == sorted({reason.agency for reason in decision.reasons})
    keys = [(reason.agency, reason.route) for reason in decision.reasons]
    assert keys == sorted(keys)
    numbers = {item.number for item in document.items}
    assert all(numbers.issuperset(reason.items) for reason in decision.reasons)
    assert all(list(reason.items) == sorted(set(reason.items)) for reason in decision.reasons)


@given(message_types, directions, documents, days, field_maps)
def test_a_further_item_takes_no_agency_away(
    message_type: str, direction: str, document: CanonicalFields, on: date, extra: dict[str, str]
) -> None:
    """Items only ever add agencies: no route asks that no item is like this."""
    longer = CanonicalFields(document.fields, (*document.items, Item(len(document.items) + 1, extra)))

    def decide(data: CanonicalFields, tables: RoutingTables = TABLES) -> set[AgencyCode]:
        return set(decide_agencies(message_type, direction, data, on, tables).agencies)

    assert decide(document) <= decide(longer)
