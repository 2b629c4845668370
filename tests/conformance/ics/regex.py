"""Regular expressions of Java, as the rules' ``re:test`` (which is Python's ``re``) must be given them."""

import re

# Line ends that a dot of Java does not match; Python's knows the first only.
_DOT = "[^\\n\\r\\x85\\u2028\\u2029]"
# As in Java, once white space, digits and word characters are the ASCII ones.
_SAME_ESCAPES = frozenset("sSdDwWntrfv\\.[]{}()*+?^$|-/&~#:;,'\"!@%=<>_ ")
_LITERAL_IN_CLASS = frozenset("[&~|")


class RegexError(ValueError):
    """Java's expression has no equal in Python, or none that this module knows."""


def full_match(pattern: str) -> str:
    """
    Give a pattern whose search in Python finds something exactly where Java's ``matches`` is true.

    It holds no apostrophe, so that it can stand as a literal of XPath.

    Raises:
        RegexError: see there.
    """
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        sign = pattern[place]
        if sign == "\\":
            parts.append(_escape(pattern[place + 1 : place + 2]))
            place += 2
        elif sign == "[":
            text, place = _char_class(pattern, place)
            parts.append(text)
        else:
            parts.append(_DOT if sign == "." else sign)
            place += 1
    found = rf"\A(?a:{''.join(parts)})\Z".replace("'", r"\x27")
    try:
        # lxml compiles with this flag.
        re.compile(found, re.UNICODE)
    except (re.error, RecursionError) as error:
        raise RegexError(f"no regular expression: {error}") from error
    return found


def _escape(sign: str) -> str:
    if sign == "z":
        return r"\Z"
    if sign in _SAME_ESCAPES and sign:
        # Java's \v is all vertical white space.
        return r"[\n\x0b\f\r\x85\u2028\u2029]" if sign == "v" else f"\\{sign}"
    raise RegexError(f"\\{sign} is not known")


def _char_class(pattern: str, start: int) -> tuple[str, int]:
    """Read ``[…]``; in Java an opening bracket or ``&&`` inside would make a set of sets."""
    place = start + 1
    parts = ["["]
    if pattern[place : place + 1] == "^":
        parts.append("^")
        place += 1
    first = place
    while place < len(pattern):
        sign = pattern[place]
        if sign == "]" and place > first:
            return "".join([*parts, "]"]), place + 1
        if sign == "[" or pattern.startswith("&&", place):
            raise RegexError("a set within a set is not known")
        if sign == "\\":
            if pattern[place + 1 : place + 2] == "v":
                raise RegexError("\\v in a set is not known")
            parts.append(_escape(pattern[place + 1 : place + 2]))
            place += 2
            continue
        is_second = sign == "-" and parts[-1] == "-"
        parts.append(f"\\{sign}" if sign in _LITERAL_IN_CLASS or is_second else sign)
        place += 1
    raise RegexError("a set is not closed")
