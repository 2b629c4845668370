"""Translates HMRC's rules for entry summary declarations into a message type: ``python -m tests.conformance.ics``."""
