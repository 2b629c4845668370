"""``nsw route explain``: which agencies get a document, and why."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from nsw.cli.output import (
    DayOption,
    FormatOption,
    Language,
    LanguageOption,
    OutputFormat,
    SchemasOption,
    print_json,
    read_settings,
    stdout,
)
from nsw.cli.validate import (
    describe,
    find_documents,
    judge_file,
    load_snapshot,
    print_judgement,
    print_reasons,
    sentence,
    today,
)
from nsw.errors import Verdict

if TYPE_CHECKING:
    from nsw.model import Decision
    from nsw.processing import Judgement
    from nsw.reference import Reference

_NO_DOCUMENT = "It can't be read as a document of a known type, so no table can say where it would go."
_NO_DECLARATION = "Only declarations go to agencies; this is of the kind {kind}."
_HYPOTHETIC = "It goes to no agency. Were it accepted, it would go to:"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Where declarations go.")
    group.command(name="explain", epilog="Example: nsw route explain --language th declaration.xml")(explain)
    app.add_typer(group, name="route")


def explain(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="An XML or Avro document; '-' is the standard input.")
    ],
    schemas: SchemasOption = None,
    on: DayOption = None,
    language: LanguageOption = Language.EN,
    output: FormatOption = OutputFormat.TEXT,
) -> None:
    """
    Show which agencies get a declaration, with the reason for each.

    For a rejected document the findings are shown, and where it would go once they are mended.

    Exit code: 0 accepted, 1 not, 2 it could not be tried.
    """
    names = find_documents([file])
    if len(names) != 1:
        raise typer.BadParameter(f"{file} holds {len(names)} documents; name one", param_hint="FILE")
    reference = load_snapshot(read_settings(), schemas or ())
    on = on or today(reference)
    judgement = judge_file(names[0], on, reference)
    decision = _decide(judgement, reference)
    if output is OutputFormat.JSON:
        print_json({**describe(names[0], judgement, language), **_describe_decision(decision, on, language)})
    else:
        _print(names[0], judgement, decision, language)
    raise typer.Exit(0 if judgement.verdict is Verdict.ACCEPTED else 1)


def _decide(judgement: "Judgement", reference: "Reference") -> "Decision | None":
    """Ask the tables even about a rejected declaration; None when there is nothing to ask about."""
    from nsw.processing import decide

    document, law = judgement.document, judgement.law
    if judgement.verdict is Verdict.ACCEPTED:
        return judgement.decision
    if document is None or law is None or not document.message_type.kind.is_lodged:
        return None
    return decide(document, judgement.data, law, reference)


def _describe_decision(decision: "Decision | None", on: date, language: Language) -> dict[str, object]:
    reasons = decision.reasons if decision else ()
    return {
        "on": on.isoformat(),
        "would_go_to": list(decision.agencies) if decision else [],
        "reasons": [
            {
                "agency": each.agency,
                "route": each.route,
                "items": list(each.items),
                "text": sentence(each, language),
            }
            for each in reasons
        ],
    }


def _print(name: str, judgement: "Judgement", decision: "Decision | None", language: Language) -> None:
    console = stdout()
    print_judgement(console, name, judgement, language)
    message_type = judgement.message_type
    if message_type is None:
        console.print(_NO_DOCUMENT)
    elif decision is None or not decision.agencies:
        console.print(_NO_DECLARATION.format(kind=message_type.kind))
    elif judgement.verdict is not Verdict.ACCEPTED:
        console.print(_HYPOTHETIC)
        print_reasons(console, decision.reasons, language)
