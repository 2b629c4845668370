"""What is wrong with an expression of a rule file, beyond what libxml2 says of it."""

import re
from collections.abc import Iterator, Mapping

from nsw.rules.context import DATES, NSW_FUNCTIONS, RE
from nsw.rules.functions import FUNCTIONS, compile_pattern
from nsw.rules.own import OWN_FUNCTIONS_TABLE, OwnFunction
from nsw.rules.xpath import Call, Source, find_calls, literal_of

__all__ = ["ListsUsed", "Names", "find_faults"]

Names = Mapping[str, str | None]
"""Lets in scope, with the text of those that are only a literal."""

ListsUsed = set[tuple[str, str | None]]
"""Code list and column (None for the list alone) that is asked for."""

_NAMED_FAULTS = {
    "current": "current() belongs to XSLT: keep the node in a let",
    "document": "document() would read another document",
    "key": "key() belongs to XSLT",
    "id": "id() needs a document type declaration",
}


def find_faults(source: Source, names: Names, lists_used: ListsUsed) -> Iterator[str]:
    """Tell what is wrong with an expression that libxml2 compiles; adds to *lists_used*."""
    for prefix in sorted(source.prefixes - source.namespaces.keys()):
        yield f"the prefix {prefix!r} is bound by no ns"
    for name in source.variables:
        if name not in names:
            yield f"no let {name!r} is in scope"
    for call in find_calls(source.tokens):
        yield from _call_faults(call, source, names, lists_used)


def _call_faults(call: Call, source: Source, names: Names, lists_used: ListsUsed) -> Iterator[str]:
    prefix, _, name = call.name.rpartition(":")
    uri = source.namespaces.get(prefix, "")
    function = FUNCTIONS.get(uri, {}).get(name)
    given = len(call.arguments)
    if prefix and not uri:
        return
    if function is None:
        yield _NAMED_FAULTS.get(call.name, f"there is no function {call.name}()")
    elif uri == DATES and not given:
        yield f"{call.name}() without an argument would read the clock"
    elif not function.least <= given <= function.most:
        yield f"{call.name}() can't take {given} arguments"
    elif name in ("position", "last") and not uri and not call.depth:
        yield f"{call.name}() has a meaning inside a predicate only"
    elif uri == RE:
        yield from _regex_faults(call, names)
    elif uri == NSW_FUNCTIONS:
        yield from _note_lists(call, OWN_FUNCTIONS_TABLE[name], lists_used)


def _note_lists(call: Call, function: OwnFunction, lists_used: ListsUsed) -> Iterator[str]:
    """Remember which code lists are asked for, so that a missing one is noticed when loading."""
    lists_used.update(function.lists)
    if not function.named:
        return
    list_name, *column = (literal_of(call.arguments[place]) for place in function.named)
    if list_name is None or None in column:
        yield f"{call.name}() needs literals as the names of list and column"
    else:
        lists_used.add((list_name, column[0] if column else None))


def _regex_faults(call: Call, names: Names) -> Iterator[str]:
    """Check a pattern when loading: one taken from a document could be made to run for ever."""
    tokens = call.arguments[1]
    pattern = literal_of(tokens)
    if [token.kind for token in tokens] == ["variable"]:
        pattern = names.get(tokens[0].text[1:])
    if pattern is None:
        yield f"{call.name}() needs a literal as its pattern, or a let that is one"
        return
    flags = [literal_of(argument) or "" for argument in call.arguments[2:3]]
    is_folded = any("i" in each for each in flags)
    try:
        compile_pattern(pattern, ignore_case=is_folded)
    except (re.error, ValueError, OverflowError, RecursionError) as error:
        yield f"{call.name}(): no regular expression: {error}: {pattern}"
