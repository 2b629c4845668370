"""Loading a rule file: its structure, its expressions, and all that is wrong with them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from lxml.etree import QName, XMLParser, XMLSyntaxError, XPath, XPathSyntaxError, _Element, fromstring

from nsw.errors import Code, ConfigError, Severity
from nsw.rules.checks import ListsUsed, Names, find_faults
from nsw.rules.code import NodeKind, Types
from nsw.rules.compiled import (
    CheckSource,
    Parts,
    Pattern,
    Rule,
    RuleLets,
    compile_pattern,
    compile_rule,
    show,
)
from nsw.rules.context import OWN, RuleEntry
from nsw.rules.engine import RuleSet
from nsw.rules.expressions import Expression, Let, Result, collapse
from nsw.rules.patterns import is_in_pattern, kind_selected, split_alternatives
from nsw.rules.xpath import NAME, Source, tokenize

__all__ = ["load_rule_set"]

_SCH = "{http://purl.oclc.org/dsdl/schematron}"
_XML = "http://www.w3.org/XML/1998/namespace"
_LANG = f"{{{_XML}}}lang"

_COMMON = frozenset((_LANG, "id"))
_ATTRIBUTES: dict[str, frozenset[str]] = {
    "schema": _COMMON | {"queryBinding", "schemaVersion"},
    "title": _COMMON,
    "ns": frozenset(("prefix", "uri")),
    "let": frozenset(("name", "value")),
    "pattern": _COMMON,
    "rule": _COMMON | {"context"},
    "assert": _COMMON | {"test", "role", "flag", "diagnostics"},
    "report": _COMMON | {"test", "role", "flag", "diagnostics"},
    "diagnostics": frozenset(),
    "diagnostic": _COMMON | {"role"},
    "value-of": frozenset(("select",)),
    "name": frozenset(("path",)),
    "emph": _COMMON,
    "dir": _COMMON | {"value"},
    "span": _COMMON | {"class"},
}
_CHILDREN: dict[str, frozenset[str]] = {
    "schema": frozenset(("title", "ns", "p", "let", "pattern", "diagnostics")),
    "pattern": frozenset(("title", "p", "let", "rule")),
    "rule": frozenset(("p", "let", "assert", "report")),
    "diagnostics": frozenset(("diagnostic",)),
    "title": frozenset(("emph", "dir", "span")),
    **dict.fromkeys(
        ("assert", "report", "diagnostic"), frozenset(("value-of", "name", "emph", "dir", "span"))
    ),
    **dict.fromkeys(("emph", "dir", "span"), frozenset(("value-of", "name", "emph", "dir", "span"))),
}
_REQUIRED: dict[str, tuple[str, ...]] = {
    "ns": ("prefix", "uri"),
    "let": ("name", "value"),
    "rule": ("context",),
    "assert": ("id", "test"),
    "report": ("id", "test"),
    "diagnostic": ("id",),
    "value-of": ("select",),
}


class _Lets(NamedTuple):
    """Compiled lets of one scope; *types* are those of all lets in scope, as far as they are known."""

    compiled: Mapping[str, Expression]
    types: Types

    def used_in(self, sources: Iterable[Source]) -> dict[str, Let]:
        navigated = {name for source in sources for name in source.navigated}
        return {name: Let(each, name in navigated) for name, each in self.compiled.items()}


def load_rule_set(path: Path) -> RuleSet:
    """
    Read and compile a rule file.

    Args:
        path: ISO Schematron with the query binding ``xslt``: schema, ns, let, pattern, rule, assert, report, value-of,
            name, diagnostics. A diagnostic with ``xml:lang="th"`` is the Thai sentence of the asserts that refer to
            it, one with ``role="source"`` their source; others are added to the English sentence.

    Raises:
        ConfigError: every problem with file and line: what is not supported, does not compile or refers to nothing.

    Source:
        ISO/IEC 19757-3 (Schematron), XPath 1.0, EXSLT.
    """
    return _Loader(path).load()


class _Loader:
    """Reads one rule file, and keeps what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: dict[str, None] = {}
        self._namespaces: dict[str, str] = {"xml": _XML}
        self._diagnostics: dict[str, _Element] = {}
        self._entries: dict[str, RuleEntry] = {}
        self._lists_used: ListsUsed = set()
        self._sources: list[Source] = []

    def load(self) -> RuleSet:
        root = self._parse()
        rules = None
        if root is not None:
            self._check_structure(root)
            rules = self._read_schema(root)
        if rules is None or self._problems:
            raise ConfigError(*self._problems)
        return rules

    def _parse(self) -> _Element | None:
        try:
            root = fromstring(self._path.read_bytes(), XMLParser(resolve_entities=False, no_network=True))
        except OSError as error:
            self._problems[f"{self._path}: the file can't be read: {error.strerror}"] = None
        except XMLSyntaxError as error:
            self._problems[f"{self._path}:{error.lineno}: no well-formed XML: {error.msg}"] = None
        else:
            if root.tag == f"{_SCH}schema" and not root.getroottree().docinfo.doctype:
                return root
            self._problem(root, f"the root must be {_SCH}schema, without a document type declaration")
        return None

    def _problem(self, element: _Element, sentence: str) -> None:
        self._problems[f"{self._path}:{element.sourceline}: {sentence}"] = None

    def _check_structure(self, element: _Element) -> None:
        name = QName(element).localname
        for attribute in element.attrib:
            if attribute not in _ATTRIBUTES[name]:
                self._problem(element, f"the attribute {attribute} of {name} is not supported")
        for attribute in _REQUIRED.get(name, ()):
            if not element.get(attribute, "").strip():
                self._problem(element, f"{name} needs the attribute {attribute}")
        for child in element.iterchildren("*"):
            known = str(child.tag).removeprefix(_SCH)
            if known not in _CHILDREN.get(name, ()):
                self._problem(child, f"{known} in {name} is not supported")
            elif known != "p":
                self._check_structure(child)

    def _read_schema(self, root: _Element) -> RuleSet:
        if root.get("queryBinding", "xslt").lower() != "xslt":
            self._problem(root, "the query binding must be xslt")
        for ns in root.iterchildren(f"{_SCH}ns"):
            self._read_namespace(ns)
        for diagnostic in root.iterfind(f"{_SCH}diagnostics/{_SCH}diagnostic"):
            name = diagnostic.get("id", "")
            if self._diagnostics.setdefault(name, diagnostic) is not diagnostic:
                self._problem(diagnostic, f"the diagnostic {name!r} is defined twice")
        names: dict[str, str | None] = {}
        lets = self._compile_lets(self._read_lets(root, names), NodeKind.DOCUMENT, {})
        patterns = [
            self._read_pattern(pattern, names, lets.types) for pattern in root.iterchildren(f"{_SCH}pattern")
        ]
        return RuleSet(
            title=_title_of(root),
            catalogue=self._entries.values(),
            lists_used=self._lists_used,
            lets=lets.used_in(self._sources),
            patterns=patterns,
        )

    def _read_namespace(self, ns: _Element) -> None:
        prefix, uri = ns.get("prefix", ""), ns.get("uri", "")
        if prefix.startswith(OWN):
            self._problem(ns, f"the prefix {prefix!r} is reserved")
        elif prefix in self._namespaces:
            self._problem(ns, f"the prefix {prefix!r} is bound twice")
        elif prefix and uri:
            self._namespaces[prefix] = uri

    def _read_lets(self, parent: _Element, names: dict[str, str | None]) -> dict[str, Source]:
        """Read the lets of one scope, each of which may use those before it; adds them to *names*."""
        lets = {}
        for let in parent.iterchildren(f"{_SCH}let"):
            name = let.get("name", "")
            source = self._read_expression(let, "value", names)
            if not re.fullmatch(NAME, name) or name.startswith(OWN):
                self._problem(let, f"{name!r} can't be the name of a let")
            elif name in names:
                self._problem(let, f"another let {name!r} is in scope")
            elif source is not None:
                lets[name] = source
            names[name] = source.literal if source else None
        return lets

    def _compile_lets(self, lets: Mapping[str, Source], kind: NodeKind, outer: Types) -> _Lets:
        """Compile the lets of one scope, each of which may use those before it."""
        compiled: dict[str, Expression] = {}
        types = dict(outer)
        for name, source in lets.items() if not self._problems else ():
            expression = compiled[name] = Expression(source, kind, Result.VALUE, types)
            if expression.type is not None:
                types[name] = expression.type
        return _Lets(compiled, types)

    def _read_pattern(self, pattern: _Element, outer: Names, types: Types) -> Pattern:
        before = len(self._sources)
        names = dict(outer)
        lets = self._compile_lets(self._read_lets(pattern, names), NodeKind.DOCUMENT, types)
        rules = [
            each
            for rule in pattern.iterchildren(f"{_SCH}rule")
            for each in self._read_rule(rule, names, lets.types)
        ]
        return compile_pattern(lets.used_in(self._sources[before:]), rules)

    def _read_rule(self, rule: _Element, outer: Names, types: Types) -> list[Rule]:
        """Read a rule; it is compiled once for each kind of node that its context matches."""
        context = self._read_expression(rule, "context", outer)
        selects = self._split_context(rule, context) if context else {}
        before = len(self._sources)
        names = dict(outer)
        sources = self._read_lets(rule, names)
        elements = rule.iterchildren(f"{_SCH}assert", f"{_SCH}report")
        shown = collapse(rule.get("context", ""))
        checks = [check for each in elements if (check := self._read_check(each, shown, names)) is not None]
        if self._problems:
            return []
        compiled = []
        for kind, alternatives in selects.items():
            lets = self._compile_lets(sources, kind, types)
            used = lets.used_in(self._sources[before:])
            compiled.append(compile_rule(kind, alternatives, RuleLets(sources, used, lets.types), checks))
        return compiled

    def _split_context(self, rule: _Element, context: Source) -> dict[NodeKind, list[Source]]:
        """
        Give expressions that select from the document what the alternatives of a pattern match.

        Source:
            XSLT 1.0, section 5.2: a node matches a pattern if the pattern selects it from the node or an ancestor.
        """
        selects: dict[NodeKind, list[Source]] = {}
        for token in context.tokens:
            if not token.depth and not is_in_pattern(token):
                self._problem(
                    rule, f"a context names elements, attributes or /: {token.text!r} can't stand there"
                )
                return {}
        for tokens in split_alternatives(context.tokens):
            text = context.text[tokens[0].start : tokens[-1].end]
            kind = kind_selected(tokens)
            if tokens[0].text not in ("/", "//"):
                text = f"//{text}"
            selects.setdefault(kind, []).append(Source(text, tuple(tokenize(text)), context.namespaces))
        return selects

    def _read_check(self, element: _Element, context: str, names: Names) -> CheckSource | None:
        test = self._read_expression(element, "test", names)
        text_en, text_th, source = self._read_texts(element, names)
        severity = self._read_severity(element)
        name = element.get("id", "")
        pattern = element.getparent().getparent()  # type: ignore[union-attr] # asserts stand in rules
        if test is None:
            return None
        is_report = QName(element).localname == "report"
        entry = RuleEntry(
            id=name,
            severity=severity,
            text_en=show(text_en),
            text_th=show(text_th),
            source=show(source),
            context=context,
            test=collapse(test.text),
            is_report=is_report,
            line=element.sourceline or 0,
            pattern=_title_of(pattern),
        )
        if name in self._entries:
            self._problem(element, f"the id {name!r} is used twice")
        elif name in set(Code):
            self._problem(element, f"the id {name!r} is a code of the window's own catalogue")
        self._entries[name] = entry
        fires = test if is_report else test.wrapped("not({})")
        return CheckSource(entry, fires, text_en, text_th, source)

    def _read_severity(self, element: _Element) -> Severity:
        word = element.get("role") or element.get("flag") or Severity.ERROR
        if element.get("flag", word) != word:
            self._problem(element, "role and flag differ")
        if word not in set(Severity):
            self._problem(element, f"the role {word!r} is unknown: use {', '.join(Severity)}")
            return Severity.ERROR
        return Severity(word)

    def _read_texts(self, element: _Element, names: Names) -> tuple[Parts, Parts, Parts]:
        """Read the sentence of an assert, and what its diagnostics add."""
        text_en, text_th, source = list(self._read_parts(element, names)), [], []
        for name in element.get("diagnostics", "").split():
            diagnostic = self._diagnostics.get(name)
            if diagnostic is None:
                self._problem(element, f"there is no diagnostic {name!r}")
                continue
            parts = self._read_parts(diagnostic, names)
            language = diagnostic.get(_LANG, "en")
            if diagnostic.get("role") == "source":
                source += [" ", *parts]
            elif language == "th":
                text_th += [" ", *parts]
            elif language == "en" and diagnostic.get("role") is None:
                text_en += [" ", *parts]
            else:
                self._problem(diagnostic, "a diagnostic is English, Thai (xml:lang) or a source (role)")
        return tuple(text_en), tuple(text_th or text_en), tuple(source)

    def _read_parts(self, element: _Element, names: Names) -> Iterator[str | Source]:
        yield element.text or ""
        for child in element:
            tag = str(child.tag).removeprefix(_SCH)
            if tag == "value-of":
                source = self._read_expression(child, "select", names)
                yield source or ""
            elif tag == "name":
                source = self._read_expression(child, "path", names)
                yield source.wrapped("name({})") if source else Source("name()", (), {})
            elif isinstance(child.tag, str):
                yield from self._read_parts(child, names)
            yield child.tail or ""

    def _read_expression(self, element: _Element, attribute: str, names: Names) -> Source | None:
        """Read an expression and report what is wrong with it; None when it is absent or can't be compiled."""
        text = element.get(attribute, "")
        if not text.strip():
            return None
        try:
            XPath(text)
        except XPathSyntaxError as error:
            self._problem(element, f"{attribute}: no XPath 1.0: {error}: {text}")
            return None
        source = Source(text, tuple(tokenize(text)), self._namespaces)
        for fault in find_faults(source, names, self._lists_used):
            self._problem(element, f"{attribute}: {fault}")
        self._sources.append(source)
        return source


def _title_of(element: _Element | None) -> str:
    title = None if element is None else element.find(f"{_SCH}title")
    return "" if title is None else collapse("".join(title.itertext()))
