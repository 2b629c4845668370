"""The longest time that an agency waited for something and saw nothing; nothing of ``nsw`` is used here."""

from collections.abc import Mapping, Sequence

from tests.chaos.ledger import Ledger


def longest_silence(deliveries: Sequence[tuple[float, float]]) -> float:
    """
    Give the longest time in seconds between two sights, counted only while something was under way.

    Args:
        deliveries: when each was confirmed to its sender, and when the agency saw it.
    """
    by_sight = sorted(deliveries, key=lambda each: each[1])
    # Of each place in that order: when the oldest of what was not seen before it had been confirmed.
    oldest = float("inf")
    oldest_from = []
    for confirmed, _ in reversed(by_sight):
        oldest = min(oldest, confirmed)
        oldest_from.append(oldest)
    longest, before = 0.0, float("-inf")
    for (_, seen), since in zip(by_sight, reversed(oldest_from), strict=True):
        longest = max(longest, seen - max(before, since))
        before = seen
    return longest


def silences(ledger: Ledger, numbers: Mapping[tuple[str, int], int]) -> dict[str, float]:
    """
    Give each agency's longest silence, by its code.

    Args:
        numbers: which submission stands at each topic and offset of the agencies' inboxes.
    """
    deliveries: dict[str, list[tuple[float, float]]] = {}
    for (topic, offset), seen in ledger.seen.items():
        confirmed = ledger.confirmed.get(numbers.get((topic, offset), -1))
        if confirmed is not None:
            deliveries.setdefault(topic.split(".")[2], []).append((confirmed.at, seen))
    return {agency: longest_silence(each) for agency, each in sorted(deliveries.items())}
