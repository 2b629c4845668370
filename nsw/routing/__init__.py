"""
Which agencies get a declaration, and why: a permit table and routes, both with dates.

The tables are read once from files that officers keep (``permits.csv``, ``routes.yaml``, ``agencies.yaml``,
``parties.yaml``) and compiled into dictionaries: a decision looks each goods item up once, however many rows
there are. Nothing here knows a message type's structure: it sees canonical fields only.
"""

from nsw.routing.agencies import IDENTITY_VIEW, LEAD_AGENCY, Acceptance, Agency, lead_of, load_agencies
from nsw.routing.conditions import Comparison, Condition
from nsw.routing.decision import SAME_CASE, add_agencies, decide_agencies
from nsw.routing.parties import AnswerFormat, Party, find_party, load_parties
from nsw.routing.permits import PERMITS, PermitRow, PermitTable, load_permits
from nsw.routing.routes import Route, Routes, load_routes
from nsw.routing.routingtests import RoutingTest, load_routing_tests, run_routing_test, run_routing_tests
from nsw.routing.tables import RoutingTables, check_tables, load_routing_tables, read_routing_tables

__all__ = [
    "IDENTITY_VIEW",
    "LEAD_AGENCY",
    "PERMITS",
    "SAME_CASE",
    "Acceptance",
    "Agency",
    "AnswerFormat",
    "Comparison",
    "Condition",
    "Party",
    "PermitRow",
    "PermitTable",
    "Route",
    "Routes",
    "RoutingTables",
    "RoutingTest",
    "add_agencies",
    "check_tables",
    "decide_agencies",
    "find_party",
    "lead_of",
    "load_agencies",
    "load_parties",
    "load_permits",
    "load_routes",
    "load_routing_tables",
    "load_routing_tests",
    "read_routing_tables",
    "run_routing_test",
    "run_routing_tests",
]
