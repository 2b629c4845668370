"""
From the tree of a test to XPath 1.0 with EXSLT and our own functions.

What the two languages understand differently (the semantics are those of HMRC's evaluator, which runs on Java):

- ``trim`` removes white space at both ends and keeps inner runs; ``normalize-space`` does not keep them. It stands in
  where the two can't differ, and a regular expression elsewhere.
- Java reads ``+1`` as a number, XPath does not. ``sum`` in XPath meets that with NaN, so where a plus sign is among the
  values the exact ``nsw:sum-equals`` decides.
- ``sum`` gives a boxed number; with one the comparisons are those of ``Double.compare``, where NaN equals itself and is
  greater than everything.
- A predicate can't ask for the node around it: what it needs from there is kept in a let.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from tests.conformance.ics.groovy import (
    Binary,
    Call,
    Closure,
    DialectError,
    Name,
    Node,
    Number,
    Text,
    Truth,
    Unary,
)
from tests.conformance.ics.names import ElementNames, Steps
from tests.conformance.ics.regex import RegexError, full_match

_DIGITS = "0123456789"
_MOST_INT = 2**31 - 1
# A double keeps so many digits, and powers of ten up to this one exactly.
_SURE_DIGITS = 15
_MOST_EXACT_TENS = 22
_SPACES = " \t\r\n"
_HERE = "here"
# A let costs an evaluation for each node: it pays where the same number is asked for so often.
_OFTEN = 3
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_XPATH = {**dict(zip(_FLIPPED, _FLIPPED, strict=True)), "==": "="}
_HOLDS: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class Type(Enum):
    """What an expression gives; BOXED is a number that may be compared by ``Double.compare`` only."""

    TEXT = "a string"
    NUMBER = "a number"
    BOXED = "a sum"
    TRUTH = "a truth value"


_NUMERIC = (Type.NUMBER, Type.BOXED)
# How tightly operators bind: an operand that binds less is put in brackets.
_OR, _AND, _EQUAL, _RELATION, _SUM, _PRODUCT, _MINUS, _ATOM = range(8)


@dataclass(frozen=True, slots=True)
class Expression:
    """
    A piece of XPath.

    Attributes:
        binds: how tightly its outermost operator does.
        constant: the value of a literal.
        trimmed: what it is the trimmed text of.
        measured: the trimmed text that it is the length of, in the same way.
    """

    type: Type
    text: str
    binds: int = _ATOM
    constant: str | bool | None = None
    trimmed: str | None = None
    measured: str | None = None

    def at(self, binds: int) -> str:
        """Write it as the operand of an operator."""
        return self.text if self.binds >= binds else f"({self.text})"


_TRUE = Expression(Type.TRUTH, "true()", constant=True)
_FALSE = Expression(Type.TRUTH, "false()", constant=False)


@dataclass(frozen=True, slots=True)
class _Scope:
    """
    A node from which paths start.

    Attributes:
        base: its XPath; '' for the node at which the expression is evaluated, None where XPath can't reach it.
        steps: where it stands in the document.
    """

    base: str | None
    steps: Steps


@dataclass(frozen=True, slots=True)
class _Scopes:
    """
    The nodes that an expression can start from.

    Attributes:
        this: the node of the assert.
        named: those of a closure, by parameter.
        depth: how many predicates are open.
    """

    this: _Scope
    named: Mapping[str, _Scope] = field(default_factory=dict)
    depth: int = 0

    def inside(self) -> "_Scopes":
        """Give them as seen from inside a predicate."""
        named = {name: self.seen(scope) for name, scope in self.named.items()}
        return _Scopes(self.seen(self.this), named, self.depth + 1)

    def seen(self, scope: _Scope) -> _Scope:
        """Give a node as seen from inside: a let leads back to the assert's, nothing to those between."""
        return scope if scope.base else _Scope(None if self.depth else f"${_HERE}", scope.steps)


class Lets:
    """The variables of one rule."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._optional: set[str] = set()

    def add(self, value: str, *, optional: bool = False) -> str:
        """Keep a value; an optional one only if it is asked for often."""
        name = self._names.setdefault(value, f"v{len(self._names) + 1}")
        if optional:
            self._optional.add(value)
        return f"${name}"

    def finish(self, tests: Sequence[str]) -> tuple[dict[str, str], list[str]]:
        """Give the variables that are used, and the tests with the other optional ones put in their places."""
        found = list(tests)
        lets: dict[str, str] = {}
        for value, name in self._names.items():
            pattern = re.compile(rf"\${name}(?![0-9])")
            uses = sum(len(pattern.findall(test)) for test in found)
            if value in self._optional and uses < _OFTEN:
                found = [value.join(pattern.split(test)) for test in found]
            elif uses:
                lets[name] = value
        here = {_HERE: "."} if any(f"${_HERE}" in test for test in found) else {}
        return {**here, **lets}, found


class Translator:
    """Translates the tests of one context."""

    def __init__(self, names: ElementNames, context: Steps, lets: Lets) -> None:
        self._names = names
        self._lets = lets
        self._scopes = _Scopes(_Scope("", context))

    def translate(self, test: Node) -> str:
        """
        Give the XPath of a test.

        Raises:
            DialectError: it has no equal.
        """
        return self._truth(test, self._scopes).text

    # Types.

    def _of(self, node: Node, scopes: _Scopes, *types: Type) -> Expression:
        found = self._expression(node, scopes)
        if found.type not in types:
            raise DialectError(f"this is {found.type.value}, wanted is {types[0].value}", node.column)
        return found

    def _truth(self, node: Node, scopes: _Scopes) -> Expression:
        return self._of(node, scopes, Type.TRUTH)

    def _text(self, node: Node, scopes: _Scopes) -> Expression:
        return self._of(node, scopes, Type.TEXT)

    def _expression(self, node: Node, scopes: _Scopes) -> Expression:
        found: Expression
        match node:
            case Text(value, column):
                found = _literal(value, column)
            case Number(value):
                found = _number(value)
            case Truth(is_true):
                found = _TRUE if is_true else _FALSE
            case Unary():
                found = self._unary(node, scopes)
            case Binary():
                found = self._binary(node, scopes)
            case Call():
                found = self._call(node, scopes)
            case _:
                raise DialectError("a closure or its parameter can't stand here", node.column)
        return found

    # Operators.

    def _unary(self, node: Unary, scopes: _Scopes) -> Expression:
        if node.operator == "!":
            return _not(self._truth(node.operand, scopes))
        operand = self._of(node.operand, scopes, Type.NUMBER)
        return Expression(Type.NUMBER, f"-{operand.at(_MINUS)}", _MINUS)

    def _binary(self, node: Binary, scopes: _Scopes) -> Expression:
        if node.operator in ("||", "&&"):
            return _join(node.operator, self._truth(node.left, scopes), self._truth(node.right, scopes))
        if node.operator in _FLIPPED:
            return self._comparison(node, scopes)
        left = self._of(node.left, scopes, *_NUMERIC, Type.TEXT)
        right = self._of(node.right, scopes, *((Type.TEXT,) if left.type is Type.TEXT else _NUMERIC))
        if left.type is Type.TEXT:
            if node.operator != "+":
                raise DialectError("strings can only be joined", node.column)
            return Expression(Type.TEXT, f"concat({left.text}, {right.text})")
        binds = _PRODUCT if node.operator == "*" else _SUM
        boxed = Type.BOXED in (left.type, right.type)
        if boxed and binds == _PRODUCT:
            raise DialectError("a sum can be added to, not multiplied", node.column)
        text = f"{left.at(binds)} {node.operator} {right.at(binds + 1)}"
        return Expression(Type.BOXED if boxed else Type.NUMBER, text, binds)

    def _comparison(self, node: Binary, scopes: _Scopes) -> Expression:
        for counted, other, operator in (
            (node.left, node.right, node.operator),
            (node.right, node.left, _FLIPPED[node.operator]),
        ):
            if isinstance(counted, Call) and counted.name in ("countDistinct", "countDistinctChildCount"):
                return self._distinct(counted, operator, other, scopes)
        left, right = self._expression(node.left, scopes), self._expression(node.right, scopes)
        if Type.BOXED in (left.type, right.type) and {left.type, right.type} <= set(_NUMERIC):
            return self._comparison_of_sums(node, left, right, scopes)
        is_order = node.operator not in ("==", "!=")
        if left.type is not right.type or (is_order and left.type is not Type.NUMBER):
            sentence = f"{left.type.value} can't be compared with {right.type.value} by {node.operator}"
            raise DialectError(sentence, node.column)
        if left.type is Type.TEXT:
            found = _same_text(left, right)
            return found if node.operator == "==" else _not(found)
        left, right = (
            _with_short_length(left, node.operator, right),
            _with_short_length(right, _FLIPPED[node.operator], left),
        )
        return _compare(left, node.operator, right)

    def _comparison_of_sums(
        self, node: Binary, left: Expression, right: Expression, scopes: _Scopes
    ) -> Expression:
        """
        Compare where a sum is on one side.

        XPath's sum serves unless a value has a plus sign. Else the sums are brought to the left side, all else to the
        right, and the exact functions decide.
        """
        plain = _compare_boxed(left, node.operator, right)
        sums: list[tuple[bool, str]] = []
        rest: list[tuple[bool, Expression]] = []
        for side, is_left in ((node.left, True), (node.right, False)):
            self._collect_terms(side, scopes, is_left, sums, rest)
        paths = [path for _, path in sums]
        if len({sign for sign, _ in sums}) > 1 or len(set(paths)) < len(paths):
            raise DialectError("sums must be of different paths, and all added on one side", node.column)
        is_left = sums[0][0]
        operator = node.operator if is_left else _FLIPPED[node.operator]
        total = _total([(sign is not is_left, each) for sign, each in rest])
        plus = " | ".join(_filter(path, "contains(., '+')") for path in paths)
        # Where another value is no number at all the sum is NaN for both.
        wrong = " | ".join(_filter(path, f"not({_JAVA_NUMBER} = {_JAVA_NUMBER})") for path in paths)
        exact = _exact(paths, operator, total)
        text = f"({exact}) and ({plus}) and not({wrong}) or {plain.at(_EQUAL)} and (not({plus}) or {wrong})"
        return Expression(Type.TRUTH, text, _OR)

    def _collect_terms(
        self,
        node: Node,
        scopes: _Scopes,
        is_added: bool,  # noqa: FBT001 - a sign
        sums: list[tuple[bool, str]],
        rest: list[tuple[bool, Expression]],
    ) -> None:
        if isinstance(node, Call) and node.name == "sum":
            sums.append((is_added, self._path_argument(node, 0, scopes)[0]))
        elif (
            isinstance(node, Binary)
            and node.operator in ("+", "-")
            and self._expression(node, scopes).type is Type.BOXED
        ):
            self._collect_terms(node.left, scopes, is_added, sums, rest)
            self._collect_terms(node.right, scopes, is_added is (node.operator == "+"), sums, rest)
        else:
            rest.append((is_added, self._of(node, scopes, Type.NUMBER)))

    # Calls.

    def _call(self, node: Call, scopes: _Scopes) -> Expression:
        if isinstance(node.target, Name):
            scope = scopes.named.get(node.target.value)
            if scope is None:
                raise DialectError(f"there is no {node.target.value} here", node.target.column)
            return self._function(Call(None, node.name, node.arguments, node.column), scopes, scope)
        if node.target is not None:
            return self._method(node, self._text(node.target, scopes), scopes)
        return self._function(node, scopes, scopes.this)

    def _method(self, node: Call, target: Expression, scopes: _Scopes) -> Expression:
        """Translate a method of strings."""
        if node.name in ("length", "size") and not node.arguments:
            return Expression(Type.NUMBER, f"string-length({target.text})", measured=target.trimmed)
        if node.name == "trim" and not node.arguments:
            return _trimmed(target.text)
        if node.name == "isEmpty" and not node.arguments:
            return _same_text(target, _literal("", node.column))
        methods: dict[str, Callable[[Expression, Expression], Expression]] = {
            "contains": lambda text, part: Expression(Type.TRUTH, f"contains({text.text}, {part.text})"),
            "startsWith": _starts_with,
            "endsWith": _ends_with,
            "equals": _same_text,
        }
        if len(node.arguments) == 1 and node.name == "take":
            return _take(target, self._count_literal(node.arguments[0]))
        if len(node.arguments) == 1 and node.name in methods:
            return methods[node.name](target, self._text(node.arguments[0], scopes))
        raise DialectError(
            f"the method {node.name} with {len(node.arguments)} arguments is not known", node.column
        )

    @staticmethod
    def _count_literal(node: Node) -> int:
        if not isinstance(node, Number) or not node.value.isdigit():
            raise DialectError("a whole number must stand here", node.column)
        return int(node.value)

    def _function(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        """Translate a function of the evaluator, whose paths start at a scope's node."""
        functions: dict[tuple[str, int], Callable[[Call, _Scopes, _Scope], Expression]] = {
            ("exists", 1): self._exists,
            ("exists", 2): self._exists_with,
            ("not", 1): lambda *given: _not(self._exists(*given)),
            ("existsForAll", 3): self._exists_for_all,
            ("getValue", 1): self._get_value,
            ("trim", 1): self._trim,
            ("substringAfter", 2): self._substring_after,
            ("applyRegex", 2): self._apply_regex,
            ("number", 1): self._number,
            ("intOrElse", 2): self._int_or_else,
            ("sum", 1): self._sum,
            ("count", 1): self._count,
            ("countEquals", 2): self._count_equals,
            ("areIndices", 1): self._are_indices,
        }
        translate = functions.get((node.name, len(node.arguments)))
        if translate is None:
            count = len(node.arguments)
            raise DialectError(
                f"the function {node.name} with {count} arguments is not known here", node.column
            )
        return translate(node, scopes, scope)

    def _path_argument(
        self, node: Call, place: int, scopes: _Scopes, scope: _Scope | None = None
    ) -> tuple[str, Steps]:
        argument = node.arguments[place]
        if not isinstance(argument, Text):
            raise DialectError(f"{node.name} needs a path as a literal", argument.column)
        scope = scope or scopes.this
        if scope.base is None:
            raise DialectError("XPath can't reach that node from inside two closures", node.column)
        return self._path(argument, scope.base, scope.steps)

    def _path(self, argument: Text, base: str, start: Steps) -> tuple[str, Steps]:
        """Give the XPath of a path, and where it leads."""
        words = argument.value.split("/")
        steps, parts = list(start), [base] if base else []
        if not words[0]:
            if words[1:2] != [self._names.root]:
                raise DialectError(f"a path from the top begins with /{self._names.root}", argument.column)
            steps, parts, words = (
                [self._names.root],
                ["", self._names.name_of((self._names.root,))],
                words[2:],
            )
        for word in words:
            if word == "..":
                del steps[-1:]
                if not steps:
                    raise DialectError(
                        f"the path {argument.value} leads out of the document", argument.column
                    )
                parts.append(word)
            elif re.fullmatch(r"[^\W\d][\w.\-]*", word):
                steps.append(word)
                parts.append(self._names.name_of(tuple(steps)))
            elif word != ".":
                raise DialectError(f"{argument.value!r} is no path of element names", argument.column)
        return "/".join(parts) or ".", tuple(steps)

    def _exists(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        path, _ = self._path_argument(node, 0, scopes, scope)
        return _TRUE if path in (".", f"${_HERE}") else Expression(Type.TRUTH, f"boolean({path})")

    def _exists_with(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        path, steps = self._path_argument(node, 0, scopes, scope)
        closure = node.arguments[1]
        if not isinstance(closure, Closure) or len(closure.parameters) != 2:
            raise DialectError("exists needs a closure of two parameters", closure.column)
        outer, local = closure.parameters
        inside = scopes.inside()
        named = {**inside.named, outer: scopes.seen(scope), local: _Scope("", steps)}
        body = self._truth(closure.body, _Scopes(inside.this, named, inside.depth))
        return Expression(Type.TRUTH, f"boolean({_filter(path, body.text)})")

    def _exists_for_all(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        parents, steps = self._path_argument(node, 0, scopes, scope)
        argument = node.arguments[1]
        if not isinstance(argument, Text):
            raise DialectError("existsForAll needs paths as literals", argument.column)
        children, _ = self._path(argument, "", steps)
        equal = _same_text(_trimmed("."), self._text(node.arguments[2], scopes.inside().inside()))
        return Expression(Type.TRUTH, f"not({_filter(parents, f'not({_filter(children, equal.text)})')})")

    def _get_value(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        return Expression(Type.TEXT, f"string({self._path_argument(node, 0, scopes, scope)[0]})")

    def _trim(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        return _trimmed(self._path_argument(node, 0, scopes, scope)[0])

    def _substring_after(self, node: Call, scopes: _Scopes, _: _Scope) -> Expression:
        text, mark = self._text(node.arguments[0], scopes), self._text(node.arguments[1], scopes)
        if not isinstance(mark.constant, str) or not mark.constant:
            raise DialectError("substringAfter needs a character as a literal", node.column)
        first = _literal(mark.constant[0], node.column)
        return Expression(Type.TEXT, f"substring-after({text.text}, {first.text})")

    def _apply_regex(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        path, _ = self._path_argument(node, 0, scopes, scope)
        pattern = node.arguments[1]
        if not isinstance(pattern, Text):
            raise DialectError("applyRegex needs its pattern as a literal", pattern.column)
        try:
            regex = full_match(pattern.value)
        except RegexError as error:
            raise DialectError(f"the pattern {pattern.value!r}: {error}", pattern.column) from error
        matches = Expression(Type.TRUTH, f"re:test(string({path}), '{regex}')")
        return _join("&&", self._exists(node, scopes, scope), matches)

    def _number(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        number = _java_number(self._path_argument(node, 0, scopes, scope)[0])
        if not scopes.depth:
            number = self._lets.add(number, optional=True)
        return Expression(Type.NUMBER, number)

    def _int_or_else(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        """Choose between two texts by lengths: XPath 1.0 has no other condition inside an expression."""
        text = f"normalize-space({self._path_argument(node, 0, scopes, scope)[0]})"
        default = self._of(node.arguments[1], scopes, Type.NUMBER)
        unsigned = f"substring({text}, 1 + (starts-with({text}, '+') or starts-with({text}, '-')))"
        value = f"substring({text}, 1 + starts-with({text}, '+'))"
        # What has more than a sign and ten digits, or is longer by zeros only, is compared as a number.
        is_int = (
            f"({unsigned} != '' and translate({unsigned}, '{_DIGITS}', '') = ''"
            f" and number({value}) >= -{_MOST_INT + 1} and number({value}) <= {_MOST_INT})"
        )
        chosen = f"substring({value}, 1, string-length({value}) * {is_int})"
        other = f"substring(string({default.text}), 1, 99 * not({is_int}))"
        return Expression(Type.NUMBER, f"number(concat({chosen}, {other}))")

    def _sum(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        if scope != scopes.this:
            raise DialectError("a sum can't stand in a closure", node.column)
        return Expression(Type.BOXED, f"sum({self._path_argument(node, 0, scopes)[0]})")

    def _count(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        return Expression(Type.NUMBER, f"count({self._path_argument(node, 0, scopes, scope)[0]})")

    def _count_equals(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        path, _ = self._path_argument(node, 0, scopes, scope)
        equal = _same_text(_trimmed("."), self._text(node.arguments[1], scopes.inside()))
        return Expression(Type.NUMBER, f"count({_filter(path, equal.text)})")

    def _are_indices(self, node: Call, scopes: _Scopes, scope: _Scope) -> Expression:
        """Tell whether the values are 1, 2, 3 and so on: counted over all nodes, not below each parent."""
        path, _ = self._path_argument(node, 0, scopes, scope)
        text = "normalize-space(.)"
        digits = f"substring({text}, 1 + starts-with({text}, '+'))"
        is_index = f"{digits} = position() and translate({digits}, '{_DIGITS}', '') = ''"
        return Expression(Type.TRUTH, f"not(({path})[not({is_index})])")

    def _distinct(self, node: Call, operator: str, other: Node, scopes: _Scopes) -> Expression:
        """Compare the number of distinct values: only none, one and more can be told apart."""
        bound = self._count_literal(other)
        path, _ = self._path_argument(node, 0, scopes)
        if scopes.depth or node.target is not None:
            raise DialectError(f"{node.name} can't stand in a closure", node.column)
        holds = _HOLDS[operator]
        many = {holds(number, bound) for number in range(2, bound + 4)}
        if len(many) > 1:
            raise DialectError(f"{node.name} can be compared with 0 and 1, or told from 2, only", node.column)
        differ = self._differ(node, path)
        cases = {
            (False, False, False): _FALSE,
            (True, True, True): _TRUE,
            (False, False, True): differ,
            (True, True, False): _not(differ),
            (False, True, True): Expression(Type.TRUTH, f"boolean({path})"),
            (True, False, False): Expression(Type.TRUTH, f"not({path})"),
            (False, True, False): _join("&&", Expression(Type.TRUTH, f"boolean({path})"), _not(differ)),
            (True, False, True): _join("||", Expression(Type.TRUTH, f"not({path})"), differ),
        }
        return cases[holds(0, bound), holds(1, bound), many.pop()]

    def _differ(self, node: Call, path: str) -> Expression:
        """Tell whether nodes differ: each is compared with the first one, so the cost stays linear."""
        if node.name == "countDistinctChildCount":
            first = self._lets.add(f"count(({path})[1]/*)")
            return Expression(Type.TRUTH, f"boolean({_filter(path, f'count(*) != {first}')})")
        trims = node.arguments[1] if len(node.arguments) == 2 else None
        if not isinstance(trims, Truth):
            raise DialectError("countDistinct needs true or false as a literal", node.column)
        raw = Expression(Type.TRUTH, f"{path} != string({path})", _EQUAL)
        if not trims.value:
            return raw
        first = self._lets.add(f"string({path})")
        nearly = Expression(Type.TRUTH, _filter(path, f"normalize-space(.) != normalize-space({first})"))
        exactly = Expression(Type.TRUTH, _filter(path, f"{_trim_text('.')} != {_trim_text(first)}"))
        return _join("&&", raw, _join("||", nearly, exactly))


# Pieces of XPath.


def _literal(value: str, column: int) -> Expression:
    if "'" in value and '"' in value:
        raise DialectError("a literal can't hold both kinds of quotes", column)
    quote = '"' if "'" in value else "'"
    return Expression(Type.TEXT, f"{quote}{value}{quote}", constant=value)


def _number(value: str) -> Expression:
    """Write a number; a long fraction as a quotient of exact numbers: libxml2 reads its digits with an error."""
    whole, _, fraction = value.partition(".")
    digits = (whole + fraction).lstrip("0")
    if len(value) <= _SURE_DIGITS or len(digits) > _SURE_DIGITS or not 0 < len(fraction) <= _MOST_EXACT_TENS:
        return Expression(Type.NUMBER, value, constant=value)
    half = len(fraction) // 2
    tens = f"1{'0' * half} * 1{'0' * (len(fraction) - half)}"
    return Expression(Type.NUMBER, f"{digits or 0} div ({tens})", _PRODUCT, constant=value)


def _join(operator: str, left: Expression, right: Expression) -> Expression:
    """Join truth values; a constant one is left out, or decides."""
    decides = operator == "||"
    for one, other in ((left, right), (right, left)):
        if isinstance(one.constant, bool):
            return one if one.constant is decides else other
    binds, word = (_OR, "or") if decides else (_AND, "and")
    return Expression(Type.TRUTH, f"{left.at(binds)} {word} {right.at(binds)}", binds)


def _java_number(path: str) -> str:
    """Read a number as Java does, which knows a plus sign."""
    text = f"normalize-space({path})"
    has_plus = f"starts-with({text}, '+') and translate(substring({text}, 2, 1), '.{_DIGITS}', '') = ''"
    return f"number(substring({text}, 1 + ({has_plus})))"


def _not(truth: Expression) -> Expression:
    if isinstance(truth.constant, bool):
        return _FALSE if truth.constant else _TRUE
    inner = truth.text.removeprefix("boolean(")
    text = truth.text if inner == truth.text or truth.binds < _ATOM else inner.removesuffix(")")
    return Expression(Type.TRUTH, f"not({text})")


def _filter(path: str, condition: str) -> str:
    """Give the nodes of a path that fulfil a condition; a dot can't have a predicate itself."""
    whole = path if path.rpartition("/")[2] not in (".", "..") else f"({path})"
    return f"{whole}[{condition}]"


def _trim_text(text: str) -> str:
    return rf"re:replace(string({text}), '\A[ \t\r\n]+|[ \t\r\n]+\Z', 'g', '')"


def _trimmed(text: str) -> Expression:
    return Expression(Type.TEXT, _trim_text(text), trimmed=text)


def _has_space(text: str) -> bool:
    return any(sign in _SPACES for sign in text)


def _same_text(left: Expression, right: Expression) -> Expression:
    if left.trimmed is None and right.trimmed is not None:
        left, right = right, left
    if left.trimmed is None:
        return Expression(Type.TRUTH, f"{left.text} = {right.text}", _EQUAL)
    if isinstance(right.constant, str):
        return _is_trimmed(left.trimmed, right.constant, right.text)
    if right.trimmed is None:
        return Expression(Type.TRUTH, f"{left.text} = {right.text}", _EQUAL)
    nearly = f"normalize-space({left.trimmed}) = normalize-space({right.trimmed})"
    return Expression(Type.TRUTH, f"{nearly} and {left.text} = {right.text}", _AND)


def _is_trimmed(text: str, value: str, literal: str) -> Expression:
    """Tell whether a trimmed text is a value: if it has no space inside, that can't be between others either."""
    if value != value.strip(_SPACES):
        return _FALSE
    if not _has_space(value):
        return Expression(Type.TRUTH, f"normalize-space({text}) = {literal}", _EQUAL)
    return Expression(
        Type.TRUTH,
        f"contains({text}, {literal}) and normalize-space({text}) = normalize-space({literal})",
        _AND,
    )


def _take(target: Expression, count: int) -> Expression:
    text = target.text if target.trimmed is None or count > 1 else f"normalize-space({target.trimmed})"
    return Expression(Type.TEXT, f"substring({text}, 1, {count})")


def _starts_with(target: Expression, part: Expression) -> Expression:
    text = target.text
    if target.trimmed is not None and isinstance(part.constant, str) and not _has_space(part.constant):
        text = f"normalize-space({target.trimmed})"
    return Expression(Type.TRUTH, f"starts-with({text}, {part.text})")


def _ends_with(target: Expression, part: Expression) -> Expression:
    start = f"string-length({target.text}) - string-length({part.text}) + 1"
    is_long = f"string-length({target.text}) >= string-length({part.text})"
    return Expression(Type.TRUTH, f"{is_long} and substring({target.text}, {start}) = {part.text}", _AND)


def _with_short_length(length: Expression, operator: str, bound: Expression) -> Expression:
    """Measure by normalize-space where the bound is so small that inner runs of white space can't matter."""
    if length.measured is None or not isinstance(bound.constant, str) or not bound.constant.isdigit():
        return length
    # Up to two characters there is no room for a run inside; with one, at least three are left of it.
    most = 3 if operator in ("<", ">=") else 2
    if int(bound.constant) > most:
        return length
    return Expression(Type.NUMBER, f"string-length(normalize-space({length.measured}))")


def _compare(left: Expression, operator: str, right: Expression) -> Expression:
    binds = _EQUAL if operator in ("==", "!=") else _RELATION
    text = f"{left.at(binds + 1)} {_XPATH[operator]} {right.at(binds + 1)}"
    return Expression(Type.TRUTH, text, binds)


def _compare_boxed(left: Expression, operator: str, right: Expression) -> Expression:
    """Compare as ``Double.compare``: NaN equals itself and is greater than everything."""
    plain = _compare(left, operator, right)
    left_nan, right_nan = _is_nan(left), _is_nan(right)
    also = {
        "<": _join("&&", right_nan, _not(left_nan)),
        "<=": right_nan,
        ">": _join("&&", left_nan, _not(right_nan)),
        ">=": left_nan,
        "==": _join("&&", left_nan, right_nan),
        "!=": None,
    }[operator]
    if also is None:
        return _join("&&", plain, _not(_join("&&", left_nan, right_nan)))
    return _join("||", plain, also)


def _is_nan(number: Expression) -> Expression:
    text = number.at(_RELATION)
    return Expression(Type.TRUTH, f"{text} != {text}", _EQUAL)


def _total(terms: Iterable[tuple[bool, Expression]]) -> str:
    """Add up what is not a sum, each term with its sign."""
    text = ""
    for is_added, term in terms:
        sign = " + " if is_added else " - "
        text = f"{text}{sign}{term.at(_PRODUCT)}" if text else f"{'' if is_added else '-'}{term.at(_MINUS)}"
    return text or "0"


def _exact(paths: Sequence[str], operator: str, total: str) -> str:
    """
    Compare a sum with a number by ``nsw:sum-equals``, which knows signs.

    That a sum is at most a number is a question of distance: from a point so far below the number that the sum can't
    be below it by more.
    """
    nodes = " | ".join(paths)
    equal = f"nsw:sum-equals({nodes}, {total}, 0)"
    negative = " - ".join(f"sum({_filter(path, _NEGATIVE)})" for path in paths)
    distance = f"(({total}) * (1 - 2 * (({total}) < 0)) - {negative})"
    most = f"(nsw:sum-equals({nodes}, ({total}) - {distance}, {distance}) or ({total}) != ({total}))"
    less = f"{most} and not({equal})"
    return {
        "==": equal,
        "!=": f"not({equal})",
        "<=": most,
        "<": less,
        ">": f"not({most})",
        ">=": f"not({less})",
    }[operator]


_JAVA_NUMBER = _java_number(".")
_NEGATIVE = "starts-with(normalize-space(.), '-')"
