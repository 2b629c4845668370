"""Function calls, to Python: those of XPath, of EXSLT, and our own."""

import re
from collections.abc import Sequence

from nsw.rules.code import FALSE, TRUE, Code, Type, quote
from nsw.rules.context import NSW_FUNCTIONS, RE, SETS
from nsw.rules.emit_paths import PathEmitter
from nsw.rules.functions import compile_pattern, without_groups
from nsw.rules.own import OWN_FUNCTIONS_TABLE
from nsw.rules.syntax import Binary, FunctionCall, Literal, Number, Path, Step, Tree, UnsupportedError
from nsw.rules.values import translation

__all__ = ["Emitter"]

_PREFIXES = {"": "_core_", SETS: "_set_", RE: "_re_"}
_TEXT_OF_NODE = re.compile(r"T\[\w+\]")
_NOT = {TRUE: FALSE, FALSE: TRUE}


class Emitter(PathEmitter):
    """Adds function calls."""

    def _emit_functioncall(self, tree: FunctionCall) -> Code:
        if tree.uri == NSW_FUNCTIONS:
            return self._own_function(tree)
        prefix = _PREFIXES.get(tree.uri)
        method = getattr(self, f"{prefix}{tree.name.replace('-', '_')}", None) if prefix else None
        if method is None:
            raise UnsupportedError(f"{tree.name}() is not compiled")
        code: Code = method(*tree.arguments)
        return code

    def _own_function(self, tree: FunctionCall) -> Code:
        is_sum = tree.name == "sum-equals"
        codes = [
            self._unordered(each) if is_sum and not place else self.emit(each)
            for place, each in enumerate(tree.arguments)
        ]
        memo = {("in-list", 2): "held", ("list-value", 3): "cells"}.get((tree.name, len(codes)))
        own = OWN_FUNCTIONS_TABLE[tree.name]
        if memo and codes[1].type not in (Type.NUMBER, Type.BOOLEAN):
            words = [self.string(code) for code in codes]
            words[1] = f"{words[1]}.strip(' \\t\\r\\n')"
            return Code(f"D.{memo}[{', '.join(words)}]", own.result)
        function = self._constant(("function", tree.name), lambda: own.call)
        values = [self._own_argument(code, is_sum=is_sum and not place) for place, code in enumerate(codes)]
        return Code(f"{function}({', '.join(['None', *values])})", own.result)

    def _own_argument(self, code: Code, *, is_sum: bool) -> str:
        """Give texts for nodes: the functions read nothing else of them, and only a sum reads all."""
        if is_sum and code.type is Type.ATTRIBUTES:
            return f"list({code.text})"
        if is_sum and code.type is Type.NODES:
            (name,) = self.pieces.new(1)
            return f"[T[{name}] for {name} in {self.walked(code)}]"
        if code.type is Type.BOOLEAN:
            return self.boolean(code)
        return self.string(code) if code.type in (Type.NODES, Type.ATTRIBUTES) else code.text

    def _call(self, name: str, kind: Type, *arguments: str) -> Code:
        return Code(f"{name}({', '.join(arguments)})", kind)

    def _texts(self, arguments: Sequence[Tree]) -> list[str]:
        return [self.string(self.emit(each)) for each in arguments]

    def _text_argument(self, arguments: Sequence[Tree]) -> str:
        """Give the string of the only argument, or of the context node."""
        return self.string(self.emit(arguments[0] if arguments else Path((Step("self", "node()"),))))

    # --- XPath

    def _core_true(self) -> Code:
        return Code(TRUE, Type.BOOLEAN)

    def _core_false(self) -> Code:
        return Code(FALSE, Type.BOOLEAN)

    def _core_not(self, argument: Tree) -> Code:
        truth = self.truth(self._unordered(argument))
        return Code(_NOT.get(truth, f"(not {truth})"), Type.BOOLEAN)

    def _core_boolean(self, argument: Tree) -> Code:
        code = self.emit(argument)
        is_strict = code.type in (Type.BOOLEAN, Type.NUMBER) and code.is_strict
        truth = self.truth(code)
        return Code(truth, Type.BOOLEAN, is_strict=is_strict or truth in _NOT)

    def _core_string(self, *arguments: Tree) -> Code:
        return Code(self._text_argument(arguments), Type.STRING)

    def _core_number(self, *arguments: Tree) -> Code:
        if arguments:
            return Code(self.number(self.emit(arguments[0])), Type.NUMBER)
        return Code(f"N[{self._text_argument(())}]", Type.NUMBER)

    def _core_string_length(self, *arguments: Tree) -> Code:
        return self._length(self._text_argument(arguments))

    def _length(self, text: str) -> Code:
        return Code(f"float(len({text}))", Type.NUMBER, whole=f"len({text})")

    def _core_normalize_space(self, *arguments: Tree) -> Code:
        text = self._text_argument(arguments)
        if self.pieces.is_shared(text) or _TEXT_OF_NODE.fullmatch(text):
            # Most texts are one word: to ask here costs less than the call.
            return Code(f"({text} if {text}.isalnum() else normalize({text}))", Type.STRING)
        return self._call("normalize", Type.STRING, text)

    def _core_concat(self, *arguments: Tree) -> Code:
        return Code(f"({' + '.join(self._texts(arguments))})", Type.STRING)

    def _core_contains(self, *arguments: Tree) -> Code:
        whole, inner = self._texts(arguments)
        return Code(f"({inner} in {whole})", Type.BOOLEAN)

    def _core_starts_with(self, *arguments: Tree) -> Code:
        whole, start = self._texts(arguments)
        return Code(f"{whole}.startswith({start})", Type.BOOLEAN)

    def _core_substring_before(self, *arguments: Tree) -> Code:
        return self._call("substring_before", Type.STRING, *self._texts(arguments))

    def _core_substring_after(self, *arguments: Tree) -> Code:
        return self._call("substring_after", Type.STRING, *self._texts(arguments))

    def _core_translate(self, *arguments: Tree) -> Code:
        text, old, new = arguments
        if isinstance(old, Literal) and isinstance(new, Literal):
            table = self._constant(
                ("translation", old.text, new.text), lambda: translation(old.text, new.text)
            )
            return Code(f"{self.string(self.emit(text))}.translate({table})", Type.STRING)
        return self._call("translate", Type.STRING, *self._texts(arguments))

    def _core_substring(self, text: Tree, *numbers: Tree) -> Code:
        whole = self.string(self.emit(text))
        places = [int(each.text) for each in numbers if isinstance(each, Number) and each.text.isdigit()]
        if len(places) == len(numbers) and places[0] > 0:
            start = places[0] - 1
            end = str(start + places[1]) if len(places) > 1 else ""
            return Code(f"{whole}[{start}:{end}]", Type.STRING)
        codes = [self.emit(each) for each in numbers]
        match numbers:
            case (Binary("+", Number("1"), more),) if (flag := self.emit(more)).type is Type.BOOLEAN:
                return Code(f"{whole}[{self.boolean(flag)}:]", Type.STRING)
        if all(code.whole for code in codes):
            return self._call("cut", Type.STRING, whole, *(code.whole for code in codes))
        return self._call("substring", Type.STRING, whole, *(self.number(code) for code in codes))

    def _core_floor(self, argument: Tree) -> Code:
        return self._call("floor", Type.NUMBER, self.number(self.emit(argument)))

    def _core_ceiling(self, argument: Tree) -> Code:
        return self._call("ceiling", Type.NUMBER, self.number(self.emit(argument)))

    def _core_round(self, argument: Tree) -> Code:
        return self._call("round_half_up", Type.NUMBER, self.number(self.emit(argument)))

    def _unordered(self, tree: Tree) -> Code:
        """Give the nodes of a union in any order."""
        if not isinstance(tree, Binary) or tree.operator != "|":
            return self.emit(tree)
        left, right = self._unordered(tree.left), self._unordered(tree.right)
        text = f"unique((*{self.many(left)}, *{self.many(right)}))"
        return self._share(Code(text, Type.NODES, is_flat=False))

    def _core_count(self, argument: Tree) -> Code:
        code = self._unordered(argument)
        return self._length(code.text if code.type is Type.ATTRIBUTES else self.many(code))

    def _core_sum(self, argument: Tree) -> Code:
        code = self.emit(argument)
        if code.type is not Type.NODES:
            raise UnsupportedError(f"a sum of {code.type}")
        (name,) = self.pieces.new(1)
        return Code(f"total([N[T[{name}]] for {name} in {self.walked(code)}])", Type.NUMBER)

    def _core_position(self) -> Code:
        if self._place is None:
            raise UnsupportedError("position()")
        return Code(f"float({self._place[0]})", Type.NUMBER, whole=self._place[0])

    def _core_last(self) -> Code:
        if self._place is None:
            raise UnsupportedError("last()")
        return Code(f"float(len({self._place[1]}))", Type.NUMBER, whole=f"len({self._place[1]})")

    def _core_name(self, *arguments: Tree) -> Code:
        return self._name("full_name", arguments)

    def _core_local_name(self, *arguments: Tree) -> Code:
        return self._name("local_name", arguments)

    def _core_namespace_uri(self, *arguments: Tree) -> Code:
        return self._name("namespace", arguments)

    def _name(self, function: str, arguments: Sequence[Tree]) -> Code:
        code = self.emit(arguments[0] if arguments else Path((Step("self", "node()"),)))
        if code.is_one:
            return self._call(function, Type.STRING, code.text)
        (name,) = self.pieces.new(1)
        return Code(f"next(({function}({name}) for {name} in {self.many(code)}), '')", Type.STRING)

    # --- EXSLT

    def _set_distinct(self, argument: Tree) -> Code:
        code = self.emit(argument)
        self.many(code)
        return Code(f"distinct(T, {self.walked(code)})", Type.NODES, is_flat=code.is_flat)

    def _set_intersection(self, left: Tree, right: Tree) -> Code:
        return self._set("intersection", left, right)

    def _set_difference(self, left: Tree, right: Tree) -> Code:
        return self._set("difference", left, right)

    def _set(self, function: str, left: Tree, right: Tree) -> Code:
        code, other = self.emit(left), self.emit(right)
        self.many(code), self.many(other)
        return Code(
            f"{function}({self.walked(code)}, {self.walked(other)})", Type.NODES, is_flat=code.is_flat
        )

    def _set_has_same_node(self, left: Tree, right: Tree) -> Code:
        one, other = self.emit(left), self.emit(right)
        if one.is_one and not other.is_one:
            members = f"D.members_of({other.text})" if other.is_let else self.many(other)
            return Code(f"({one.text} in {members})", Type.BOOLEAN)
        self.many(one), self.many(other)
        return self._call("has_same_node", Type.BOOLEAN, self.walked(one), self.walked(other))

    def _re_test(self, text: Tree, pattern: Tree, *flags: Tree) -> Code:
        if isinstance(pattern, Literal):
            pattern = Literal(without_groups(pattern.text))
        found, name = self._pattern(pattern, flags[0] if flags else Literal("")), self._subject(text)
        return Code(f"({found}.search({name}) is not None)", Type.BOOLEAN)

    def _re_replace(self, text: Tree, pattern: Tree, flags: Tree, new: Tree) -> Code:
        if not isinstance(new, Literal) or "\\" in new.text or not isinstance(flags, Literal):
            raise UnsupportedError("a replacement that is no literal, or speaks of groups")
        found, name = self._pattern(pattern, flags), self._subject(text)
        times = 0 if "g" in flags.text else 1
        return Code(f"{found}.sub({quote(new.text)}, {name}, {times})", Type.STRING)

    def _subject(self, text: Tree) -> str:
        code = self.emit(text)
        if code.type in (Type.NUMBER, Type.BOOLEAN):
            raise UnsupportedError("a pattern on a number")
        return self.string(code)

    def _pattern(self, pattern: Tree, flags: Tree) -> str:
        """Give the name of a compiled pattern: one for each, so that equal calls are equal source."""
        if not isinstance(pattern, Literal) or not isinstance(flags, Literal):
            raise UnsupportedError("a pattern or flag that is no literal")
        text, is_folded = pattern.text, "i" in flags.text
        return self._constant(
            ("pattern", text, is_folded), lambda: compile_pattern(text, ignore_case=is_folded)
        )
