"""
The files of an XSD: what each includes and imports lies where it may, and both processors read them alike.

libxml2 judges every document, the `xmlschema` package looks again at broken ones: a schema must compile in both.
Nothing is ever read over the network.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import xmlschema
from lxml import etree
from xmlschema.validators import XMLSchemaBase

from nsw.onboarding.problems import Problem

__all__ = ["XsdFiles", "compile_in_both", "read_xsd_files"]

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_VERSIONING = "{http://www.w3.org/2007/XMLSchema-versioning}"
_REFERENCES = frozenset(f"{_XSD}{name}" for name in ("include", "import", "redefine", "override"))
#: What XML Schema 1.1 added; libxml2 reads 1.0.
_ONLY_IN_11 = frozenset(
    f"{_XSD}{name}"
    for name in (
        "alternative",
        "assert",
        "assertion",
        "defaultOpenContent",
        "explicitTimezone",
        "openContent",
        "override",
    )
)
_TYPES_ONLY_IN_11 = frozenset(
    ("anyAtomicType", "dateTimeStamp", "dayTimeDuration", "error", "yearMonthDuration")
)
_TYPE_ATTRIBUTES = ("type", "base", "itemType", "memberTypes")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(slots=True)
class XsdFiles:
    """
    An XSD with all that it includes and imports.

    Attributes:
        trees: each file's root element, by resolved path; the XSD's own is the first.
        references: for each file the files it refers to.
        is_versioned: parts of it are for other versions of XML Schema (``vc:minVersion`` and the like).
    """

    trees: dict[Path, etree._Element] = field(default_factory=dict)
    references: dict[Path, list[Path]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    is_versioned: bool = False


def read_xsd_files(start: Path, allowed: Sequence[Path]) -> XsdFiles:
    """
    Follow includes and imports from an XSD, and report every one that must not stand there.

    Args:
        allowed: folders in which, at any depth, all of its files must lie.
    """
    found = XsdFiles()
    roots = [folder.resolve() for folder in allowed]
    file_by_namespace: dict[str, Path] = {}
    waiting = [start]
    while waiting:
        path = waiting.pop(0)
        full = path.resolve()
        if full in found.trees:
            continue
        root = _parse(path, found.problems)
        if root is None:
            continue
        found.trees[full] = root
        found.references[full] = []
        found.problems += _features(path, root, found)
        for element in root.iterchildren(*_REFERENCES):
            target = _target(path, element, roots, found.problems)
            if target is None:
                continue
            found.references[full].append(target.resolve())
            waiting.append(target)
            if element.tag == f"{_XSD}import":
                found.problems += _second_file(path, element, target, file_by_namespace)
    return found


def _parse(path: Path, problems: list[Problem]) -> etree._Element | None:
    try:
        return etree.parse(str(path), etree.XMLParser(no_network=True, resolve_entities=False)).getroot()
    except OSError as error:
        problems.append(Problem(path, None, f"can't be read: {error.strerror or 'no such file'}"))
    except etree.XMLSyntaxError as error:
        problems.append(Problem(path, error.lineno, f"is no well-formed XML: {error.msg}"))
    return None


def _target(path: Path, element: etree._Element, roots: list[Path], problems: list[Problem]) -> Path | None:
    """Give the file that an include or import means; None when it names none, or one that is refused."""
    location = element.get("schemaLocation")
    if location is None:
        return None
    what = f"{etree.QName(element).localname} of {location!r}"
    parts = urlsplit(location)
    is_local = parts.scheme in {"", "file"} or _DRIVE.match(location)
    if not is_local or parts.netloc not in {"", "localhost"}:
        sentence = f"{what} is remote, and schemas are never fetched: put the file beside this one"
    else:
        target = path.parent / unquote(parts.path if parts.scheme == "file" else location)
        full = target.resolve()
        if not any(full.is_relative_to(root) for root in roots):
            shown = ", ".join(map(str, roots))
            sentence = f"{what} is outside of the type's folder and its shared sets ({shown})"
        elif not target.is_file():
            sentence = f"{what}: no such file"
        else:
            return target
    problems.append(Problem(path, _line(element), sentence))
    return None


def _second_file(
    path: Path, element: etree._Element, target: Path, file_by_namespace: dict[str, Path]
) -> Iterator[Problem]:
    namespace = element.get("namespace", "")
    first = file_by_namespace.setdefault(namespace, target.resolve())
    if first != target.resolve():
        yield Problem(
            path,
            _line(element),
            f"namespace {namespace!r} is imported from {first.name} already: libxml2 reads only the first file of a "
            "namespace; include the others there",
        )


def _features(path: Path, root: etree._Element, found: XsdFiles) -> Iterator[Problem]:
    for element in root.iter(f"{_XSD}*"):
        name = etree.QName(element).localname
        if element.tag in _ONLY_IN_11:
            yield Problem(path, _line(element), f"xs:{name} is of XML Schema 1.1; libxml2 reads 1.0")
        for attribute in element.attrib:
            if str(attribute).startswith(_VERSIONING):
                found.is_versioned = True
                shown = etree.QName(str(attribute)).localname
                sentence = f"libxml2 reads this part in spite of vc:{shown}; others may leave it out"
                yield Problem(path, _line(element), sentence, is_warning=True)
        for attribute in _TYPE_ATTRIBUTES:
            for word in element.get(attribute, "").split():
                prefix, _, local = word.rpartition(":")
                if local in _TYPES_ONLY_IN_11 and f"{{{element.nsmap.get(prefix or None)}}}" == _XSD:
                    yield Problem(path, _line(element), f"xs:{local} is of XML Schema 1.1; libxml2 reads 1.0")


def compile_in_both(path: Path, *, is_versioned: bool) -> tuple[XMLSchemaBase | None, list[Problem]]:
    """
    Compile an XSD in libxml2 and in the `xmlschema` package.

    Args:
        is_versioned: parts of it are marked with ``vc:``, which the package's reader of 1.0 would leave out.

    Returns:
        The package's schema if it compiles there, and what either says against it.
    """
    problems = list(_libxml2_problems(path))
    reader = xmlschema.XMLSchema11 if is_versioned else xmlschema.XMLSchema10
    try:
        return reader(str(path), allow="local"), problems
    except xmlschema.XMLSchemaException as error:
        reason = getattr(error, "message", None) or str(error)
        problems.append(Problem(path, None, f"the xmlschema package: {' '.join(reason.split())}"))
    except (OSError, SyntaxError) as error:
        problems.append(Problem(path, None, f"the xmlschema package: {' '.join(str(error).split())}"))
    return None, problems


def _libxml2_problems(path: Path) -> Iterator[Problem]:
    try:
        etree.XMLSchema(etree.parse(str(path), etree.XMLParser(no_network=True, resolve_entities=False)))
    except etree.XMLSchemaParseError as error:
        entries = list(error.error_log)
        for entry in entries:
            file = Path(unquote(urlsplit(entry.filename).path)) if entry.filename else path
            yield Problem(
                file if file.is_file() else path, entry.line or None, f"libxml2: {entry.message.strip()}"
            )
        if not entries:
            yield Problem(path, None, f"libxml2: {error}")
    except (OSError, etree.XMLSyntaxError) as error:
        yield Problem(path, None, f"libxml2: {error}")


def _line(element: etree._Element) -> int | None:
    return element.sourceline or None
