"""
The files of an XSD: what it includes and imports is found on this machine, in folders that may hold it.

Nothing is ever read over the network, nor from elsewhere through links.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import etree

from nsw.errors import ConfigError
from nsw.problems import Problem

__all__ = [
    "SchemaFiles",
    "compile_xsd",
    "fault_of_file",
    "find_cycles",
    "find_second_files",
    "read_schema_files",
    "real_path",
]

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_REFERENCES = tuple(f"{_XSD}{name}" for name in ("include", "import", "redefine", "override"))
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True, slots=True)
class _Reference:
    file: Path
    line: int | None
    what: str
    target: Path
    namespace: str | None


@dataclass(slots=True)
class SchemaFiles:
    """
    An XSD with all that it includes and imports.

    Attributes:
        trees: each file's root element, by its real path; the XSD's own is the first.
        shown: each file's path as its reader knows it.
    """

    trees: dict[Path, etree._Element] = field(default_factory=dict)
    shown: dict[Path, Path] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    references: dict[Path, list[_Reference]] = field(default_factory=dict)


def read_schema_files(start: Path, allowed: Sequence[Path]) -> SchemaFiles:
    """
    Follow includes and imports from an XSD, and report every one that must not stand there.

    Args:
        allowed: folders in which, at any depth and without links out of them, all of its files must lie.
    """
    found = SchemaFiles()
    waiting = [start]
    while waiting:
        path = waiting.pop(0)
        full = real_path(path)
        if full in found.trees:
            continue
        root = _parse(path, found.problems)
        if root is None:
            continue
        found.trees[full], found.shown[full] = root, path
        found.references[full] = []
        for element in root.iterchildren(*_REFERENCES):
            target = _target(path, element, allowed, found.problems)
            if target is None:
                continue
            what = f"{etree.QName(element).localname} of {element.get('schemaLocation')!r}"
            namespace = element.get("namespace", "") if element.tag == f"{_XSD}import" else None
            found.references[full].append(
                _Reference(path, _line(element), what, real_path(target), namespace)
            )
            waiting.append(target)
    return found


def real_path(path: Path) -> Path:
    """Give the path without links; other than ``Path.resolve`` it bears links that go round in a circle."""
    return Path(os.path.realpath(path))


def fault_of_file(path: Path, allowed: Sequence[Path]) -> str | None:
    """Say why a file that a message type names can't be used; None when it can."""
    full = real_path(path)
    if not any(full.is_relative_to(real_path(folder)) for folder in allowed):
        shown = ", ".join(map(str, allowed))
        through = "leads by a link" if path.is_symlink() else "is"
        return f"{through} outside of the type's folder and its shared sets ({shown})"
    try:
        if path.is_file():
            return None
        return "is a broken link" if path.is_symlink() else "no such file"
    except OSError as error:  # such as a name that is too long
        return f"can't be read: {error.strerror}"


def find_cycles(files: SchemaFiles) -> Iterator[Problem]:
    """
    Warn of files that include or import one another in a circle, once for each reference that closes one.

    XML Schema allows it, and both processors read each file once; yet it is seldom meant.
    """
    done: set[Path] = set()

    def walk(full: Path, way: tuple[Path, ...]) -> Iterator[Problem]:
        way = (*way, full)
        for each in files.references.get(full, ()):
            if each.target in way:
                circle = (*way[way.index(each.target) :], each.target)
                names = " → ".join(step.name for step in circle)
                sentence = f"{each.what} closes a circle: {names}"
                yield Problem(each.file, each.line, sentence, is_warning=True)
            elif each.target not in done:
                yield from walk(each.target, way)
        done.add(full)

    for start in list(files.trees)[:1]:
        yield from walk(start, ())


def find_second_files(files: SchemaFiles) -> Iterator[Problem]:
    """Name every import of a namespace from another file than the first: libxml2 leaves it out without a word."""
    file_by_namespace: dict[str, Path] = {}
    for each in (each for references in files.references.values() for each in references):
        if each.namespace is None:
            continue
        first = file_by_namespace.setdefault(each.namespace, each.target)
        if first != each.target:
            yield Problem(
                each.file,
                each.line,
                f"namespace {each.namespace!r} is imported from {first.name} already: libxml2 reads only the first "
                "file of a namespace; include the others there",
            )


def compile_xsd(path: Path) -> etree.XMLSchema:
    """
    Compile an XSD whose files are all known to be local.

    Raises:
        ConfigError: everything that libxml2 says against it, each with file and line.
    """
    try:
        return etree.XMLSchema(etree.parse(str(path), _parser()))
    except etree.XMLSchemaParseError as error:
        entries = [
            Problem(_file_of(each, path), each.line or None, f"libxml2: {each.message.strip()}")
            for each in error.error_log
        ]
        raise ConfigError(*map(str, entries or [Problem(path, None, f"libxml2: {error}")])) from error
    except etree.XMLSyntaxError as error:
        raise ConfigError(str(Problem(path, error.lineno, f"is no well-formed XML: {error.msg}"))) from error
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error}") from error


def _file_of(entry: "etree._LogEntry", path: Path) -> Path:
    file = Path(unquote(urlsplit(entry.filename).path)) if entry.filename else path
    return file if file.is_file() else path


def _parser() -> etree.XMLParser:
    return etree.XMLParser(no_network=True, resolve_entities=False)


def _parse(path: Path, problems: list[Problem]) -> etree._Element | None:
    try:
        # Given a path, lxml calls wrong bytes an error of reading, without a line.
        tree = etree.fromstring(path.read_bytes(), _parser(), base_url=str(path)).getroottree()
    except OSError as error:
        problems.append(Problem(path, None, f"can't be read: {error.strerror}"))
        return None
    except etree.XMLSyntaxError as error:
        problems.append(Problem(path, error.lineno, f"is no well-formed XML: {error.msg}"))
        return None
    problems += _entities(path, tree)
    return tree.getroot()


def _entities(path: Path, tree: "etree._ElementTree") -> Iterator[Problem]:
    """Name every entity: one may stand for a file that lies anywhere, and none is put in its place."""
    declared = tree.docinfo.internalDTD
    lines = path.read_bytes().splitlines()
    for entity in declared.iterentities() if declared is not None else ():
        name = str(entity.name)
        line = next(
            (n for n, each in enumerate(lines, 1) if b"ENTITY" in each and name.encode() in each), None
        )
        yield Problem(path, line, f"the entity {name!r} is refused: write what it stands for")


def _target(
    path: Path, element: etree._Element, allowed: Sequence[Path], problems: list[Problem]
) -> Path | None:
    """Give the file that an include or import means; None when it names none, or one that is refused."""
    location = element.get("schemaLocation")
    if location is None:
        return None
    what = f"{etree.QName(element).localname} of {location!r}"
    parts = urlsplit(location)
    is_local = parts.scheme in {"", "file"} or _DRIVE.match(location)
    if not is_local or parts.netloc not in {"", "localhost"}:
        fault = "is remote, and schemas are never fetched: put the file beside this one"
        problems.append(Problem(path, _line(element), f"{what} {fault}"))
        return None
    target = path.parent / unquote(parts.path if parts.scheme == "file" else location)
    found = fault_of_file(target, allowed)
    if found is not None:
        problems.append(Problem(path, _line(element), f"{what}: {found}"))
        return None
    return target


def _line(element: etree._Element) -> int | None:
    return element.sourceline or None
