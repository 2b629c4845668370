"""Commands to a running window in ``nsw.control``: the latest by key counts, so the topic is compacted."""

import orjson

from nsw import topics
from nsw.identifiers import PartyId
from nsw.model import Publication, Purpose, Record


def build_pause(party: PartyId, *, paused: bool, reason: str) -> Publication:
    """Write the command that pauses or resumes a party's inbox; ``nsw.control`` keeps the latest by key."""
    value = orjson.dumps({"paused": paused, "reason": reason}) if paused else None
    return Publication(Purpose.CONTROL, topics.CONTROL, f"inbox:{party}".encode(), value, counted_as="inbox")


def apply_control(record: Record, paused: set[PartyId]) -> None:
    """Bring the set of paused parties up to date with one record of ``nsw.control``."""
    subject, _, name = (record.key or b"").decode("utf-8", "replace").partition(":")
    if subject != "inbox":
        return
    if record.value is None:
        paused.discard(PartyId(name))
    else:
        paused.add(PartyId(name))
