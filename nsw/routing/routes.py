"""Routes: who else gets a declaration, on conditions that do not hang on tariff codes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain

import yaml

from nsw.identifiers import AgencyCode
from nsw.model import CanonicalFields, Item, Reason
from nsw.routing.agencies import LEAD_AGENCY
from nsw.routing.conditions import Comparison, Condition, all_hold, read_conditions
from nsw.routing.permits import PERMITS
from nsw.routing.validity import in_force
from nsw.routing.yamlfile import YamlFile
from nsw.textfile import TextFile

_ROUTE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True)
class Route:
    """
    One entry of ``routes.yaml``: when all conditions hold, these agencies get the declaration.

    Attributes:
        agencies: sorted.
        effective_until: the last day; None for no end.
        conditions: on the declaration as a whole.
        item_conditions: at least one goods item must meet all of them; empty asks nothing of items.
        line: 1-based line in the file.
    """

    id: str
    agencies: tuple[AgencyCode, ...]
    effective_from: date
    effective_until: date | None
    reason_en: str
    reason_th: str
    source: str
    conditions: tuple[Condition, ...]
    item_conditions: tuple[Condition, ...]
    line: int

    def fields_named(self) -> frozenset[str]:
        """Give the canonical fields that its conditions name."""
        named = frozenset(condition.field for condition in (*self.conditions, *self.item_conditions))
        return named - {"message_type", "direction"}

    def message_types(self) -> tuple[str, ...] | None:
        """Give the message types that the route is limited to by name; None when it isn't."""
        for condition in self.conditions:
            if condition.field == "message_type" and condition.test is Comparison.ANY_OF:
                return condition.values
        return None

    def applies(self, fields: Mapping[str, str], on: date) -> bool:
        """Tell whether the route is in force and holds for the declaration as a whole."""
        return in_force(on, self.effective_from, self.effective_until) and all_hold(self.conditions, fields)

    def items_concerned(self, groups: Iterable["_AlikeItems"]) -> tuple[int, ...]:
        """Give the numbers of the goods items that meet all item conditions, in order."""
        found = [group.numbers for group in groups if all_hold(self.item_conditions, group.fields)]
        return tuple(sorted(chain.from_iterable(found)))


class _Fields(dict[str, str]):
    """What conditions on the declaration as a whole ask for; a document's fields are read only when asked for."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str], message_type: str, direction: str) -> None:
        super().__init__(message_type=message_type, direction=direction)
        self._fields = fields

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        """Give a field."""
        return self[name] if name in self else self._fields.get(name, default)


@dataclass(frozen=True, slots=True)
class _AlikeItems:
    """The goods items that have the same values in the fields that routes ask about."""

    fields: Mapping[str, str]
    numbers: list[int]


def _group_items(items: Iterable[Item], routes: Iterable[Route]) -> list[_AlikeItems]:
    """Group items before asking about them: 999 items seldom have more than a few different UN numbers."""
    names = tuple(sorted({condition.field for route in routes for condition in route.item_conditions}))
    numbers_by_values: dict[tuple[str, ...], list[int]] = {}
    for item in items if names else ():
        values = tuple([item.fields.get(name, "") for name in names])
        numbers_by_values.setdefault(values, []).append(item.number)
    return [
        _AlikeItems(dict(zip(names, values, strict=True)), numbers)
        for values, numbers in numbers_by_values.items()
    ]


@dataclass(frozen=True, slots=True)
class Routes:
    """
    All routes, compiled.

    Attributes:
        name: the file's name, for explanations.
        rows: in the order of the file.
        by_message_type: for each message type that a route names: the routes to try.
        general: the routes to try for every other message type.
    """

    name: str
    rows: tuple[Route, ...]
    by_message_type: Mapping[str, tuple[Route, ...]]
    general: tuple[Route, ...]

    @classmethod
    def of(cls, name: str, rows: Iterable[Route]) -> "Routes":
        """Compile routes."""
        rows = tuple(rows)
        named = {message_type for row in rows for message_type in row.message_types() or ()}
        by_message_type = {
            message_type: tuple(row for row in rows if message_type in (row.message_types() or named))
            for message_type in named
        }
        return cls(name, rows, by_message_type, tuple(row for row in rows if row.message_types() is None))

    def fields_named(self) -> frozenset[str]:
        """Give the canonical fields that conditions name."""
        return frozenset().union(*(row.fields_named() for row in self.rows))

    def reasons_for(self, message_type: str, direction: str, data: CanonicalFields, on: date) -> list[Reason]:
        """Give one reason for each agency of each route that applies."""
        candidates = self.by_message_type.get(message_type, self.general)
        fields = _Fields(data.fields, message_type, direction)
        routes = [route for route in candidates if route.applies(fields, on)]
        groups = _group_items(data.items, routes)
        found = ((route, route.items_concerned(groups)) for route in routes)
        return [
            Reason(agency, route.id, route.reason_en, route.reason_th, numbers)
            for route, numbers in found
            if numbers or not route.item_conditions
            for agency in route.agencies
        ]


def load_routes(table: TextFile) -> Routes:
    """
    Read the routes.

    Args:
        table: YAML; the head of ``deploy/reference/routes.yaml`` tells its shape.

    Raises:
        ConfigError: with every problem and its line.
    """
    file = YamlFile(table)
    line_by_id: dict[str, int] = {}
    rows = [_read_route(file, node, line_by_id) for node in file.rows("routes")]
    file.finish()
    return Routes.of(table.name, rows)


def _read_route(file: YamlFile, node: yaml.Node, line_by_id: dict[str, int]) -> Route:
    entries = file.entries(
        node, "route", ("id", "agencies", "from", "reason", "source", "when"), optional=("until",)
    )
    line = node.start_mark.line + 1
    route_id = file.text(entries.get("id"), "id")
    if route_id in {PERMITS, LEAD_AGENCY}:
        file.report(entries["id"], f"id {route_id!r} is reserved")
    elif route_id and not _ROUTE_ID.fullmatch(route_id):
        file.report(entries["id"], f"id {route_id!r}: 1 to 64 characters of a-z, 0-9 and '-' are allowed")
    if route_id and line_by_id.setdefault(route_id, line) != line:
        file.report(entries["id"], f"id {route_id!r} is already the route of line {line_by_id[route_id]}")
    effective_from = file.day(entries.get("from"), "from")
    effective_until = file.day(entries.get("until"), "until", empty=True)
    if effective_from and effective_until and effective_until < effective_from:
        file.report(entries["until"], f"until {effective_until} is before from {effective_from}")
    reason_en, reason_th = file.names(entries.get("reason"), "reason")
    conditions, item_conditions = read_conditions(file, entries.get("when"))
    return Route(
        id=route_id,
        agencies=file.agencies(entries.get("agencies"), "agencies"),
        effective_from=effective_from or date.min,  # absent: a problem is noted, the route is not used
        effective_until=effective_until,
        reason_en=reason_en,
        reason_th=reason_th,
        source=file.text(entries.get("source"), "source"),
        conditions=conditions,
        item_conditions=item_conditions,
        line=line,
    )
