"""
The window's master data: tables that officers keep, each with its description, and sets of them named by content.

A *table* is one named piece: ``permits``, ``routes``, ``agencies``, ``parties``, ``window``, and each code list as
``codes/<name>``. A *set* is the tables of one moment. Nothing here knows a broker: what is kept in ``nsw.reference`` is
made and understood here, and read and written by ``nsw.stewards``.
"""

from nsw.masterdata.difference import Change, Difference, compare_sets, compare_tables
from nsw.masterdata.folder import read_some_tables, read_tables, write_tables
from nsw.masterdata.ledger import Approval, Ledger, Proposal, Status
from nsw.masterdata.rows import Rows, read_rows
from nsw.masterdata.tables import CODES, FILES, Table, TableSet, table_of_file

__all__ = [
    "CODES",
    "FILES",
    "Approval",
    "Change",
    "Difference",
    "Ledger",
    "Proposal",
    "Rows",
    "Status",
    "Table",
    "TableSet",
    "compare_sets",
    "compare_tables",
    "read_rows",
    "read_some_tables",
    "read_tables",
    "table_of_file",
    "write_tables",
]
