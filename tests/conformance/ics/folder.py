"""Reads a folder of rule files and writes the folder of a message type."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

import yaml
from lxml import etree

from nsw.schemafiles import read_schema_files
from tests.conformance.ics.groovy import DialectError, Node, parse
from tests.conformance.ics.names import ElementNames, Steps
from tests.conformance.ics.translate import Lets, Translator

_SCH = "http://purl.oclc.org/dsdl/schematron"
_RULES = "rules.sch"
_ELEMENT = re.compile(r"/|(/[^\W\d][\w.\-]*)+")


class RulesError(ValueError):
    """
    The rules can't be translated.

    Attributes:
        problems: a sentence for each, with file and place.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Assert:
    """
    One assert of a rule file.

    Attributes:
        steps: local names from the root to the elements that it judges.
        place: file and place in it, for complaints.
    """

    code: str
    text: str
    test: Node
    steps: Steps
    place: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written; *unknown* are paths that the XSD does not have, which can match nothing."""

    files: int
    asserts: int
    codes: int
    unknown: tuple[str, ...]


def find_rule_files(folder: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[Path]:
    """List the rule files whose names match one pattern of *include* (all ``*.json`` without) and none of *exclude*."""
    return [
        path
        for path in sorted(folder.iterdir())
        if any(fnmatchcase(path.name, glob) for glob in include or ("*.json",))
        and not any(fnmatchcase(path.name, glob) for glob in exclude)
    ]


def write_message_type(
    rule_files: Sequence[Path], schema: str, out: Path, root: str, variables: dict[str, str]
) -> Summary:
    """
    Translate rule files into the folder of a message type.

    Args:
        schema: path of the XSD, which stays where it is; may begin with a ``${VARIABLE}``, which type.yaml keeps.
        root: ``{namespace}name`` of the documents' root element.
        variables: values of the variables.

    Raises:
        RulesError: every problem; nothing is written then.
    """
    try:
        schema_path = Path(Template(schema).substitute(variables) if "${" in schema else schema).resolve()
        names = ElementNames(schema_path, root)
    except (LookupError, OSError, etree.XMLSyntaxError) as error:
        raise RulesError([f"{schema}: {error}"]) from error
    problems: list[str] = []
    found = list(_read(rule_files, names.root, problems))
    schematron = _build(
        _group(found, problems), names, problems, title=f"{names.root}, from {len(rule_files)} files"
    )
    if not rule_files:
        problems.append("there is no rule file")
    if problems:
        raise RulesError(problems)
    out.mkdir(parents=True, exist_ok=True)
    etree.ElementTree(schematron).write(
        out / _RULES, encoding="utf-8", xml_declaration=True, pretty_print=True
    )
    kept = schema if "${" in schema else str(schema_path).replace("$", "$$")
    shared = [] if "${" in schema else [_folder_of(schema_path, out)]
    (out / "type.yaml").write_text(_type_file(root, names.root, kept, shared), "utf-8")
    unknown = sorted("/" + "/".join(steps[1:]) for steps in names.unknown)
    return Summary(len(rule_files), len(found), len({each.code for each in found}), tuple(unknown))


def _folder_of(schema: Path, out: Path) -> str:
    """Give the folder in which an XSD lies with all that it includes, as seen from another one."""
    files = read_schema_files(schema, [Path(schema.anchor)]).trees
    return os.path.relpath(os.path.commonpath([each.parent for each in files]), out.resolve())


def _type_file(root: str, name: str, schema: str, shared: list[str]) -> str:
    namespace = root.removeprefix("{").partition("}")[0] if root.startswith("{") else ""
    word = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name.lower()).strip("-")
    content = {
        "message_type": f"ics.{word}",
        "version": "1",
        "kind": "declaration",
        "title": {"en": f"Entry summary declaration {name}", "th": f"ใบแจ้งข้อมูลสินค้าเข้า {name}"},
        "direction": "import",
        "root": f"{{{namespace}}}{name}",
        "schema": schema,
        "shared": shared,
        "rules": _RULES,
        "effective": {"from": "2000-01-01", "until": None},
        "source": "HM Revenue & Customs, import-control-entry-declaration-store; made by tests.conformance.ics",
    }
    text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110)
    # A date, not a string that looks like one.
    return text.replace("'2000-01-01'", "2000-01-01")


# Reading.


def _read(paths: Iterable[Path], root: str, problems: list[str]) -> Iterator[Assert]:
    for path in paths:
        try:
            element, asserts = _read_file(path)
        except (OSError, ValueError, LookupError, TypeError) as error:
            problems.append(f"{path}: no rule file: {type(error).__name__}: {error}")
            continue
        steps = (root, *filter(None, element.split("/")))
        for number, each in enumerate(asserts):
            place = f"{path}: asserts[{number}]"
            try:
                yield _read_assert(each, steps, place)
            except DialectError as error:
                problems.append(f"{place}, column {error.column}: {error}: {each['test']}")
            except (LookupError, TypeError) as error:
                problems.append(f"{place}: test and errorCode must be strings ({error})")


def _read_file(path: Path) -> tuple[str, list[dict[str, object]]]:
    content = json.loads(path.read_text("utf-8"))
    element, asserts = content["element"], content["asserts"]
    if not isinstance(element, str) or not _ELEMENT.fullmatch(element):
        raise ValueError(f"element must be a path of names from the top, not {element!r}")
    if not isinstance(asserts, list):
        raise TypeError("asserts must be a list")
    return element, asserts


def _read_assert(each: dict[str, object], steps: Steps, place: str) -> Assert:
    code, test = each["errorCode"], each["test"]
    if not isinstance(code, str) or not isinstance(test, str):
        raise TypeError(f"{code!r}, {test!r}")
    text = each.get("errorMessage") or each.get("localErrorMessage") or code
    return Assert(code, str(text), parse(test), steps, f"{place} ({code})")


def _group(asserts: Iterable[Assert], problems: list[str]) -> dict[tuple[Steps, ...], list[list[Assert]]]:
    """
    Put together what is judged at the same elements.

    An id stands once in a rule file: where several elements share a code, one assert judges them all.
    """
    by_code: dict[str, list[Assert]] = {}
    for each in asserts:
        alike = by_code.setdefault(each.code, [])
        other = next((other for other in alike if other.steps == each.steps), None)
        if other is None:
            alike.append(each)
        else:
            problems.append(
                f"{each.place}: the code stands for the same element in {other.place}: exclude one"
            )
    groups: dict[tuple[Steps, ...], list[list[Assert]]] = {}
    for alike in by_code.values():
        groups.setdefault(tuple(each.steps for each in alike), []).append(alike)
    return groups


# Writing.


def _build(
    groups: dict[tuple[Steps, ...], list[list[Assert]]], names: ElementNames, problems: list[str], title: str
) -> etree._Element:
    schema = etree.Element(f"{{{_SCH}}}schema", {"queryBinding": "xslt"}, nsmap={"sch": _SCH})
    _add(schema, "title", text=title)
    # A node is judged by one rule of a pattern only: rules that share no node go into one, the others stand alone.
    single = etree.Element(f"{{{_SCH}}}pattern")
    patterns = [single]
    for contexts, group in groups.items():
        if len(contexts) > 1:
            patterns.append(etree.Element(f"{{{_SCH}}}pattern"))
        _add_rule(single if len(contexts) == 1 else patterns[-1], contexts, group, names, problems)
    for prefix, uri in names.namespaces.items():
        _add(schema, "ns", prefix=prefix, uri=uri)
    schema.extend(each for each in patterns if len(each))
    return schema


def _add_rule(
    pattern: etree._Element,
    contexts: tuple[Steps, ...],
    group: list[list[Assert]],
    names: ElementNames,
    problems: list[str],
) -> None:
    rule = _add(pattern, "rule", context=" | ".join(_context(steps, names) for steps in contexts))
    lets = Lets()
    tests = [_test(alike, names, lets, problems) for alike in group]
    values, tests = lets.finish(tests)
    for name, value in values.items():
        _add(rule, "let", name=name, value=value)
    for alike, test in zip(group, tests, strict=True):
        _add(rule, "assert", text=alike[0].text, id=alike[0].code, test=test)


def _add(parent: etree._Element, tag: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_SCH}}}{tag}", attributes)
    element.text = text
    return element


def _context(steps: Steps, names: ElementNames) -> str:
    return "/" + "/".join(names.name_of(steps[: place + 1]) for place in range(len(steps)))


def _test(alike: list[Assert], names: ElementNames, lets: Lets, problems: list[str]) -> str:
    """Translate the asserts of one code; where they differ, each holds for its own element only."""
    tests: list[tuple[Steps, str]] = []
    for each in alike:
        try:
            tests.append((each.steps, Translator(names, each.steps, lets).translate(each.test)))
        except DialectError as error:
            problems.append(f"{each.place}, column {error.column}: {error}")
    if len({test for _, test in tests}) <= 1:
        return tests[0][1] if tests else "true()"
    return " or ".join(f"{_stands_at(steps, names)} and ({test})" for steps, test in tests)


def _stands_at(steps: Steps, names: ElementNames) -> str:
    condition = "not(parent::*)"
    for place in range(1, len(steps)):
        condition = f"parent::{names.name_of(steps[:place])}[{condition}]"
    return f"self::{names.name_of(steps)}[{condition}]"
