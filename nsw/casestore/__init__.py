"""
Case state on local disk: what casework knows of the cases of its partitions.

The truth is the compacted topic ``nsw.cases.changelog``, written in the same transaction as what follows from a
record. The files here only spare reading it from the start: they are written after the commit, may be deleted at any
time, and may lag behind. This package knows files and cases; reading the topic is handed in.
"""

from nsw.casestore.book import CaseBook, Restore
from nsw.casestore.partition import PartitionStore

__all__ = ["CaseBook", "PartitionStore", "Restore"]
