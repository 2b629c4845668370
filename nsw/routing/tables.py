"""All tables that a decision is made from, read together and checked against each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode
from nsw.routing.agencies import Agency, lead_of, load_agencies
from nsw.routing.permits import PermitTable, load_permits
from nsw.routing.routes import Routes, load_routes
from nsw.textfile import TextFile

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RoutingTables:
    """
    Everything a decision is made from.

    Attributes:
        lead: the agency that gets every declaration.
    """

    permits: PermitTable
    routes: Routes
    agencies: Mapping[AgencyCode, Agency]
    lead: AgencyCode


def load_routing_tables(folder: Path) -> RoutingTables:
    """
    Read ``permits.csv``, ``routes.yaml`` and ``agencies.yaml`` of a folder, checked against each other.

    Raises:
        ConfigError: with every problem of all three.
    """
    return read_routing_tables(folder / "permits.csv", folder / "routes.yaml", folder / "agencies.yaml")


def read_routing_tables(
    permits_file: TextFile, routes_file: TextFile, agencies_file: TextFile
) -> RoutingTables:
    """
    Read the three tables, wherever they are kept, checked against each other.

    Raises:
        ConfigError: with every problem of all three.
    """
    problems: list[str] = []

    def attempt(load: Callable[[TextFile], _T], file: TextFile) -> _T | None:
        try:
            return load(file)
        except ConfigError as error:
            problems.extend(error.problems)
            return None

    permits = attempt(load_permits, permits_file)
    routes = attempt(load_routes, routes_file)
    agencies = attempt(load_agencies, agencies_file)
    if permits is None or routes is None or agencies is None:
        raise ConfigError(*problems)
    tables = RoutingTables(permits, routes, agencies, lead_of(agencies))
    if problems := check_tables(tables):
        raise ConfigError(*problems)
    return tables


def check_tables(tables: RoutingTables) -> list[str]:
    """Tell where the tables contradict each other, one sentence each."""
    unknown_permits = (
        f"{tables.permits.name} line {row.line}: agency {row.agency} is not in the table of agencies"
        for row in tables.permits.rows
        if row.agency not in tables.agencies
    )
    routed = [(route, agency) for route in tables.routes.rows for agency in route.agencies]
    unknown_routes = (
        f"{tables.routes.name} line {route.line}: route {route.id}:"
        f" agency {agency} is not in the table of agencies"
        for route, agency in routed
        if agency not in tables.agencies
    )
    unaccepted = (
        f"{tables.routes.name} line {route.line}: route {route.id}:"
        f" agency {agency} does not accept {message_type}"
        for route, agency in routed
        for message_type in route.message_types() or ()
        if agency in tables.agencies and not tables.agencies[agency].formats_for(message_type)
    )
    outside_permits = (
        f"{tables.permits.name} line {row.line}: {_outside(row.effective_from, row.effective_until, agency)}"
        for row in tables.permits.rows
        if (agency := tables.agencies.get(row.agency))
        and not agency.covers(row.effective_from, row.effective_until)
    )
    outside_routes = (
        f"{tables.routes.name} line {route.line}: route {route.id}:"
        f" {_outside(route.effective_from, route.effective_until, agency)}"
        for route, code in routed
        if (agency := tables.agencies.get(code))
        and not agency.covers(route.effective_from, route.effective_until)
    )
    used = {tables.lead} | {row.agency for row in tables.permits.rows}
    mute = (
        f"agency {code} gets declarations but accepts no message type"
        for code in sorted(used & tables.agencies.keys())
        if not tables.agencies[code].accepts
    )
    return [*unknown_permits, *unknown_routes, *unaccepted, *outside_permits, *outside_routes, *mute]


def _outside(first: date, last: date | None, agency: Agency) -> str:
    """Say that a row holds when its agency is none: its goods would go to nobody, without a word."""
    return (
        f"it holds {_days(first, last)}, but agency {agency.code} is in the table"
        f" {_days(agency.valid_from, agency.valid_to)} only"
    )


def _days(first: date | None, last: date | None) -> str:
    words = [f"from {first}" if first else "", f"until {last}" if last else ""]
    return " ".join(filter(None, words)) or "on all days"
