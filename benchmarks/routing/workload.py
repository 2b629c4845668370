"""The declarations that every engine gets: valid by schema and rules, each with a reference number of its own."""

from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice

from nsw import topics
from nsw.identifiers import AgencyCode
from tools.samples.catalogue import CATALOGUE, LAOS, SEA
from tools.samples.export_declaration import build_export_declaration
from tools.samples.trade import Goods, agencies_for

_PLACE = "123456789"
#: So many different goods stand in one declaration, however many items it has: two to five agencies each.
_GOODS = 3
#: Agencies that take Avro only: no other engine converts documents.
_AVRO_ONLY = frozenset({"DOEB", "NBTC"})
_ITEM_START = b"<GoodsItem>"


@dataclass(frozen=True)
class Workload:
    """
    Declarations with so many items each; their goods differ, and with them who gets copies.

    Args:
        items: goods items in each.
    """

    items: int

    @cached_property
    def _templates(self) -> tuple[bytes, ...]:
        return tuple(
            build_export_declaration(
                reference=f"NSWB{_PLACE}",
                items=self._goods(start),
                transport=SEA,
                sale=LAOS,
            )
            for start in range(len(CATALOGUE))
        )

    @cached_property
    def _agencies(self) -> tuple[frozenset[str], ...]:
        return tuple(
            frozenset(topics.agency_inbox(AgencyCode(code)) for code in agencies_for(self._goods(start)))
            for start in range(len(CATALOGUE))
        )

    def _goods(self, start: int) -> tuple[Goods, ...]:
        # What goes by permits alone: other engines know no other routes.
        plain = [
            each for each in CATALOGUE if not each.un_number and _AVRO_ONLY.isdisjoint(agencies_for((each,)))
        ]
        return tuple(islice(cycle((plain * 2)[start % len(plain) :][:_GOODS]), self.items))

    def key(self, number: int) -> bytes:
        """Give the key of a declaration: its reference number."""
        return f"NSWB{number:09d}".encode()

    def document(self, number: int) -> bytes:
        """Give a declaration."""
        template = self._templates[number % len(self._templates)]
        return template.replace(_PLACE.encode(), f"{number:09d}".encode())

    def broken(self, number: int) -> bytes:
        """Give a declaration that breaks its schema: it must go to no agency."""
        return self.document(number).replace(_ITEM_START, _ITEM_START + b"<Unknown/>", 1)

    def copies(self, number: int) -> frozenset[str]:
        """Name the topics that a declaration must be copied to, by the catalogue and not by any engine."""
        return self._agencies[number % len(self._agencies)]

    def expected(self, first: int, count: int) -> dict[str, int]:
        """Count the copies by topic that so many declarations lead to."""
        found: dict[str, int] = {}
        for number in range(first, first + count):
            for topic in self.copies(number):
                found[topic] = found.get(topic, 0) + 1
        return found

    @cached_property
    def mean_bytes(self) -> int:
        """Give the mean size of the documents."""
        return sum(map(len, self._templates)) // len(self._templates)

    @cached_property
    def mean_copies(self) -> float:
        """Give how many copies a document leads to, in the mean."""
        return sum(map(len, self._agencies)) / len(self._agencies)
