"""
The rules of message types as pages: what is told of a rule comes from the rule file, its days and the samples alone.

A page is pieces, of which Markdown or HTML is written; the generated pages of ``docs/`` come from here, too.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nsw.errors import Severity
from nsw.messagetypes import DatedRules, MessageType
from nsw.onboarding.samples import find_samples
from nsw.rules import OWN_FUNCTIONS_TABLE, RuleEntry

__all__ = [
    "Heading",
    "Items",
    "Page",
    "PageKind",
    "Piece",
    "Rule",
    "Table",
    "blanked",
    "function_table",
    "render",
    "rule_page",
    "rules_of",
]

_INTRODUCTION = """\
What a document of the type `{name}` ({title_en}, {title_th}) must fulfil once its schema holds. An error rejects; a
warning is told, and rejects nothing. In the sentences, … stands for a value of the document. Where: the elements that
the rule looks at, and the place of its finding. Test: what must hold there, as XPath; what a rule forbids must not.
Samples: documents in the type's folder that break the rule."""


class PageKind(StrEnum):
    """What a page is written as."""

    MD = "md"
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the page's title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list; code stands between backticks."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts; code stands between backticks."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Piece = Heading | Items | Table | str
"""A string is a paragraph."""

Page = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One rule of one version of a type.

    Attributes:
        days: when it applies, as texts.
        samples: names of the documents that break it.
    """

    entry: RuleEntry
    days: tuple[str, ...]
    samples: tuple[str, ...]


def rules_of(message_type: MessageType) -> tuple[Rule, ...]:
    """
    Give every rule of a version, each id once, in the order of its file.

    Raises:
        OSError, ValueError: an expected answer of a sample can't be read.
    """
    samples = _samples_by_code(message_type.folder)
    return tuple(
        Rule(
            entry,
            tuple(_days(each) for each in message_type.dated_rules if _holds(each, entry.id)),
            samples.get(entry.id, ()),
        )
        for entry in message_type.rule_catalogue
    )


def _holds(dated: DatedRules, name: str) -> bool:
    return any(entry.id == name for entry in dated.rules.catalogue)


def _days(dated: DatedRules) -> str:
    until = f" until {dated.effective_until}" if dated.effective_until else ""
    return f"from {dated.effective_from}{until}"


def _samples_by_code(folder: Path) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    pairs, _ = find_samples(folder)
    for pair in pairs:
        answer = json.loads(pair.expected.read_text("utf-8"))
        for code in dict.fromkeys(each["code"] for each in answer.get("findings", ())):
            found.setdefault(code, []).append(pair.document.relative_to(folder).as_posix())
    return {code: tuple(names) for code, names in found.items()}


def rule_page(versions: Sequence[MessageType]) -> Page:
    """Give the page of one type: all its versions, in this order."""
    newest = versions[-1]
    about = {"name": newest.name, "title_en": newest.title_en, "title_th": newest.title_th}
    pieces: list[Piece] = [Heading(1, f"Rules of {newest.name}"), _INTRODUCTION.format(**about)]
    for each in versions:
        pieces += [Heading(2, f"Version {each.version}"), *_version(rules_of(each))]
    return tuple(pieces)


def _version(rules: Sequence[Rule]) -> Iterator[Piece]:
    errors = sum(rule.entry.severity is Severity.ERROR for rule in rules)
    days = {rule.days for rule in rules}
    every = f" All apply {', '.join(days.pop())}." if len(days) == 1 else ""
    yield f"{len(rules)} rules, of which {errors} are errors.{every}"
    title = ""
    for rule in rules:
        if rule.entry.pattern != title:
            title = rule.entry.pattern
            yield Heading(3, title)
        yield from rule_pieces(rule, with_days=not every)


def rule_pieces(rule: Rule, *, with_days: bool = True) -> Iterator[Piece]:
    """Give what a page says of one rule."""
    entry = rule.entry
    yield Heading(4, entry.id)
    yield f"{entry.severity.capitalize()}. {blanked(entry.text_en)}"
    yield blanked(entry.text_th)
    items = [
        f"Where: {'; '.join(_code(each) for each in _alternatives(entry.context))}",
        f"{'Forbids' if entry.is_report else 'Test'}: {_code(entry.test)}",
    ]
    if entry.source:
        items.append(f"Source: {entry.source}")
    if with_days:
        items.append(f"Applies {', '.join(rule.days)}")
    if rule.samples:
        items.append(f"Samples: {', '.join(_code(name) for name in rule.samples)}")
    yield Items(tuple(items))


def blanked(sentence: str) -> str:
    """Put … where a value is filled in; no expression of a rule file has braces of its own."""
    return re.sub(r"\{[^{}]*\}", "…", sentence).replace(": ….", ": …")


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`"


def _alternatives(context: str) -> Iterable[str]:
    """Part a context at the bars that stand in no predicate."""
    depth, start = 0, 0
    for place, character in enumerate(context):
        depth += (character in "[(") - (character in "])")
        if character == "|" and depth == 0:
            yield context[start:place].strip()
            start = place + 1
    yield context[start:].strip()


def function_table() -> Table:
    """Give the window's own functions, as rules call them."""
    rows = []
    for name, each in OWN_FUNCTIONS_TABLE.items():
        given, left_out = each.arguments[: each.least], each.arguments[each.least :]
        call = ", ".join(given) + "".join(f"[, {word}]" if given else f"[{word}]" for word in left_out)
        lists = ", ".join(f"`{table}` ({column})" for table, column in each.lists) or (
            "the one named" if each.named else ""
        )
        rows.append((f"`nsw:{name}({call})`", str(each.result), each.gives, each.without, lists))
    head = ("function", "result", "gives", "when it is not there, or no such value", "code list (column)")
    return Table(head, tuple(rows))


# --- writing


def render(page: Page, kind: PageKind) -> str:
    """Write a page."""
    if kind is PageKind.MD:
        return "\n\n".join(map(_markdown, page)) + "\n"
    title = html.escape(next(piece.text for piece in page if isinstance(piece, Heading)))
    head = f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
    return head + "\n".join(map(_html, page)) + "\n</html>\n"


def _markdown(piece: Piece) -> str:
    match piece:
        case Heading(level, text):
            return f"{'#' * level} {text}"
        case Items(items):
            return "\n".join(f"- {item}" for item in items)
        case Table(head, rows):
            cells = [head, ("---",) * len(head), *rows]
            return "\n".join(
                f"| {' | '.join(each.replace('|', '&#124;') for each in row)} |" for row in cells
            )
        case _:
            return piece


def _html(piece: Piece) -> str:
    match piece:
        case Heading(level, text):
            name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
            return f'<h{level} id="{name}">{html.escape(text)}</h{level}>'
        case Items(items):
            return "<ul>\n" + "".join(f"<li>{_inline(item)}</li>\n" for item in items) + "</ul>"
        case Table(head, rows):
            return (
                "<table>\n"
                + _html_row("th", head)
                + "".join(_html_row("td", row) for row in rows)
                + "</table>"
            )
        case _:
            return f"<p>{_inline(piece)}</p>"


def _html_row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{_inline(cell)}</{tag}>" for cell in cells) + "</tr>\n"


def _inline(text: str) -> str:
    """Write a text whose code stands between backticks."""
    parts = text.split("`")
    return "".join(
        f"<code>{html.escape(part)}</code>" if place % 2 else html.escape(part)
        for place, part in enumerate(parts)
    )
