"""``nsw rules``: the business rules of the message types, as pages, as a list, or one of them explained."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nsw.cli.output import (
    FormatOption,
    OutputFormat,
    SchemasOption,
    print_json,
    print_table,
    read_settings,
)
from nsw.cli.validate import load_snapshot

if TYPE_CHECKING:
    from nsw.messagetypes import MessageType
    from nsw.onboarding.rulebook import Page, Rule


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="The business rules of the message types.")
    group.command(name="doc", epilog="Example: nsw rules doc --out rulebook --format html")(doc)
    group.command(name="list", epilog="Example: nsw rules list --format json")(list_rules)
    group.command(name="explain", epilog="Example: nsw rules explain TH-EXP-001")(explain)
    app.add_typer(group, name="rules")


def doc(
    schemas: SchemasOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", file_okay=False, help="Folder for the pages; without it they are printed."),
    ] = None,
    page_format: Annotated[str, typer.Option("--format", metavar="md|html", help="What pages are.")] = "md",
) -> None:
    """
    Write the rule catalogue: a page for each message type, one for the functions that rules may call, and an index.

    Codes, severities, sentences in both languages, places, tests, sources, days and samples come from the rule files
    and the samples themselves.
    """
    from nsw.onboarding.rulebook import Heading, Items, PageKind, function_table, render, rule_page

    if page_format not in set(PageKind):
        raise typer.BadParameter("use md or html", param_hint="--format")
    kind = PageKind(page_format)
    found = _types_with_rules(schemas)
    pages: dict[str, Page] = {name: rule_page(versions) for name, versions in found.items()}
    pages["functions"] = (Heading(1, "Functions that rules may call"), function_table())
    names = tuple(f"`{name}.{kind}`" for name in pages)
    pages = {"index": (Heading(1, "Rules of all message types"), Items(names)), **pages}
    if out is None:
        typer.echo("\n".join(render(page, kind) for page in pages.values()), nl=False)
        return
    _write({out / f"{name}.{kind}": render(page, kind) for name, page in pages.items()})
    typer.echo(f"{out}: {len(pages)} pages, {sum(map(_count, found.values()))} rules")


def _write(texts: dict[Path, str]) -> None:
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def _count(versions: Iterable["MessageType"]) -> int:
    return sum(len(each.rule_catalogue) for each in versions)


def list_rules(schemas: SchemasOption = None, output: FormatOption = OutputFormat.TEXT) -> None:
    """List every rule of every message type."""
    from nsw.onboarding.rulebook import blanked

    rows = [
        {
            "type": each.name,
            "version": each.version,
            "code": entry.id,
            "severity": str(entry.severity),
            "text_en": blanked(entry.text_en),
            "text_th": blanked(entry.text_th),
        }
        for versions in _types_with_rules(schemas).values()
        for each in versions
        for entry in each.rule_catalogue
    ]
    if output is OutputFormat.JSON:
        print_json(rows)
        return
    columns = ("type", "version", "code", "severity", "text_en")
    print_table(
        ("Type", "Version", "Code", "Severity", "Sentence"), [[row[each] for each in columns] for row in rows]
    )


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Code of a rule, such as TH-EXP-001.")],
    schemas: SchemasOption = None,
) -> None:
    """Tell all about one rule: sentences, place, test, source, days and samples, for each version that has it."""
    from nsw.onboarding.rulebook import Heading, PageKind, render, rule_pieces

    found = list(_rules_named(code, _types_with_rules(schemas).values()))
    if not found:
        raise typer.BadParameter(
            f"no message type has the rule {code!r}: see nsw rules list", param_hint="CODE"
        )
    for message_type, rule in found:
        heading = Heading(2, f"{message_type.name} {message_type.version}")
        typer.echo(render((heading, *rule_pieces(rule)), PageKind.MD), nl=False)


def _rules_named(
    code: str, found: Iterable[Sequence["MessageType"]]
) -> Iterable[tuple["MessageType", "Rule"]]:
    from nsw.onboarding.rulebook import rules_of

    for message_type in (each for versions in found for each in versions):
        if any(entry.id == code for entry in message_type.rule_catalogue):
            yield from ((message_type, rule) for rule in rules_of(message_type) if rule.entry.id == code)


def _types_with_rules(schemas: list[Path] | None) -> dict[str, list["MessageType"]]:
    types = load_snapshot(read_settings(), schemas or ()).catalogue.types
    known = sorted(
        (each for each in types if each.rule_catalogue), key=lambda each: (each.name, each.version)
    )
    return {name: list(versions) for name, versions in groupby(known, key=lambda each: each.name)}
