"""
Judging a record in a process of its own, with limits, so that it can end no worker.

Three processes: the worker asks its *warden*, a process that knows the message types and does nothing else; the warden
forks a *cell*, which judges until a record ends it. The warden has one thread, so it can fork at any time; it is
started when the first record is suspected, and ends with the worker.
"""

from nsw.quarantine.limits import CellLimits, forbid_core_files
from nsw.quarantine.messages import Setup
from nsw.quarantine.quarantine import Quarantine

__all__ = ["CellLimits", "Quarantine", "Setup", "forbid_core_files"]
