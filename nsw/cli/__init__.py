"""The command line: reads arguments and settings, puts the parts together, prints."""

from nsw.cli.app import main

__all__ = ["main"]
