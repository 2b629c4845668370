"""
Loads message types from their folders: every file that one names, and every problem of every folder at once.

A folder's files lie in it, or in a shared set that it declares; links out of it are refused.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import TypeVar

from lxml import etree

from nsw.errors import ConfigError
from nsw.formats.avro import load_mapping
from nsw.messagetypes import (
    Catalogue,
    DatedBy,
    DatedRules,
    FieldPaths,
    MessageType,
    TextReader,
    read_text_by,
    read_text_of_child,
)
from nsw.rules import RuleSet, load_rule_set, prefixes_of
from nsw.schemafiles import compile_xsd, fault_of_file, read_schema_files, real_path
from nsw.typefile import TYPE_FILE, Places, TypeFile, read_type_file

__all__ = ["allowed_folders", "find_clashes", "load_catalogue", "load_message_type"]

T = TypeVar("T")
_ONE_DAY = timedelta(days=1)
_MOST_RULE_FILES = 256
_NAME = r"[^\W\d][\w.-]*"
_PLAIN_STEPS = re.compile(rf"(?:{_NAME}:)?{_NAME}(?:/(?:{_NAME}:)?{_NAME})?")


def load_catalogue(folders: list[Path], variables: Mapping[str, str]) -> Catalogue:
    """
    Load every message type below some folders.

    Args:
        folders: each is searched for ``type.yaml`` at any depth.
        variables: values for ``${NAME}`` in the ``schema`` entry of a ``type.yaml``.

    Raises:
        ConfigError: every problem of every folder.
    """
    types: list[MessageType] = []
    problems: list[str] = []
    for path in _type_files(folders, problems):
        try:
            types.append(load_message_type(path, variables))
        except ConfigError as error:
            problems.extend(error.problems)
    problems.extend(find_clashes(types))
    if problems:
        raise ConfigError(*problems)
    return Catalogue(tuple(types))


def _type_files(folders: list[Path], problems: list[str]) -> Iterator[Path]:
    for folder in folders:
        found = sorted(folder.rglob(TYPE_FILE)) if folder.is_dir() else []
        if not found:
            problems.append(f"{folder}: no message type ({TYPE_FILE}) found")
        yield from found


def find_clashes(types: Sequence[MessageType]) -> Iterator[str]:
    """Say which types can't be loaded together: named alike, of one Avro id, or for the same documents on one day."""
    ids: dict[int, MessageType] = {}
    seen_versions: dict[tuple[str, str], MessageType] = {}
    for each in types:
        other = seen_versions.setdefault((each.name, each.version), each)
        if other is not each:
            yield f"{each.folder}: {each.name} {each.version} is also in {other.folder}"
        if each.avro_id is not None:
            other = ids.setdefault(each.avro_id, each)
            if other is not each and not each.shares_avro(other):
                yield (
                    f"{each.folder}: Avro schema id {each.avro_id} is also used in {other.folder}, "
                    "which has another schema"
                )
    for one, two in _pairs_of_one_root(types):
        if one.overlaps(two):
            yield f"{two.folder}: root {two.root} is in force at the same time as in {one.folder}"


def _pairs_of_one_root(types: Sequence[MessageType]) -> Iterator[tuple[MessageType, MessageType]]:
    for place, one in enumerate(types):
        for two in types[place + 1 :]:
            if one.root == two.root:
                yield one, two


def load_message_type(path: Path, variables: Mapping[str, str]) -> MessageType:
    """
    Load one message type.

    Args:
        path: its ``type.yaml``.

    Raises:
        ConfigError: every problem of the folder, each with its file.
    """
    spec, places = read_type_file(path)
    return _Loader(spec, places, variables).load()


class _Loader:
    """Loads what a ``type.yaml`` names, and gathers every problem on the way."""

    def __init__(self, spec: TypeFile, places: Places, variables: Mapping[str, str]) -> None:
        self.spec = spec
        self.places = places
        self.variables = variables
        self.folder = places.path.parent
        self.problems: list[str] = []
        self.files: list[Path] = []

    def load(self) -> MessageType:
        spec = self.spec
        allowed = (self.folder, *allowed_folders(spec.schema_file, spec.shared, self.folder, self.variables))
        self.problems += _shared_problems(self.places, spec)
        schema_path, schema = self.load_schema(allowed)
        avro = spec.avro
        avro_path = self.named("avro.schema", avro.schema_file, allowed) if avro else None
        mapping = self.attempt(lambda: load_mapping(avro_path, avro.id)) if avro and avro_path else None
        rules = self.load_rules(allowed)
        paths = self.attempt(lambda: _compile_paths(spec, self.places))
        dated_by = self.load_dated_by() if paths is not None else None
        if schema is None or schema_path is None or paths is None or self.problems:
            raise ConfigError(*self.problems)
        return MessageType(
            name=spec.message_type,
            version=spec.version,
            kind=spec.kind,
            title_en=spec.title.en,
            title_th=spec.title.th,
            direction=spec.direction,
            root=spec.root.removeprefix("{}"),
            effective_from=spec.effective.from_,
            effective_until=spec.effective.until,
            dated_by=dated_by,
            schema=schema,
            schema_path=schema_path,
            files=tuple(self.files),
            dated_rules=rules,
            avro=mapping,
            avro_id=avro.id if avro else None,
            avro_subject=(avro.subject or mapping.full_name) if avro and mapping else None,
            paths=paths,
            folder=self.folder,
            source=spec.source,
        )

    def attempt(self, load: Callable[[], T]) -> T | None:
        try:
            return load()
        except ConfigError as error:
            self.problems.extend(error.problems)
            return None

    def named(self, entry: str, name: str, allowed: Iterable[Path]) -> Path | None:
        """Find a file that an entry names."""
        path = self.folder / name
        fault = fault_of_file(path, tuple(allowed))
        if fault is None:
            self.files.append(real_path(path))
            return path
        self.problems.append(self.places.problem(entry, f"{name!r} {fault}"))
        return None

    def load_schema(self, allowed: tuple[Path, ...]) -> tuple[Path | None, etree.XMLSchema | None]:
        try:
            name = Template(self.spec.schema_file).substitute(self.variables)
        except (KeyError, ValueError) as error:
            sentence = f"the variable {error} is not set" if isinstance(error, KeyError) else str(error)
            self.problems.append(self.places.problem("schema", sentence))
            return None, None
        path = self.named("schema", name, allowed)
        if path is None:
            return None, None
        files = read_schema_files(path, allowed)
        self.problems += map(str, files.problems)
        schema = None if files.problems else self.attempt(lambda: compile_xsd(path))
        self.files += (each for each in files.trees if each not in self.files)
        return path, schema

    def load_rules(self, allowed: tuple[Path, ...]) -> tuple[DatedRules, ...]:
        effective = self.spec.effective
        found: list[DatedRules] = []
        is_list = not isinstance(self.spec.rules, str)
        for place, each in enumerate(self.spec.rules_files):
            path = self.named(f"rules.{place}.file" if is_list else "rules", each.file, allowed)
            rules = self.attempt(lambda path=path: _load_rules(path)) if path else None  # type: ignore[misc]
            first, last = each.from_ or effective.from_, each.until or effective.until
            if rules is not None:
                found.append(DatedRules(first, last, rules))
        self.problems += _gaps(self.spec, self.places)
        return tuple(sorted(found, key=lambda each: each.effective_from))

    def load_dated_by(self) -> DatedBy | None:
        written = self.spec.dated_by
        if written is None:
            return None
        expression = self.spec.fields.get(written.field)
        if expression is None:
            self.problems.append(
                self.places.problem("dated_by.field", f"there is no field {written.field!r} below 'fields'")
            )
            return None
        path = etree.XPath(expression, namespaces=self.spec.namespaces)
        return DatedBy(written.field, path, written.earliest_days, written.latest_days)


def _load_rules(path: Path) -> RuleSet:
    """Compile a rule file, unless this process did so with the same content: compiling is most of loading."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from error
    return _compiled_rules(path, hashlib.sha256(content).digest())


@lru_cache(maxsize=_MOST_RULE_FILES)
def _compiled_rules(path: Path, _digest: bytes) -> RuleSet:
    return load_rule_set(path)


def allowed_folders(
    schema: str, shared: Iterable[str], folder: Path, variables: Mapping[str, str]
) -> Iterator[Path]:
    """Give the folders beside a type's own in which its files may lie: shared sets, and those of variables."""
    yield from (folder / each for each in shared)
    yield from (Path(variables[name]) for name in Template(schema).get_identifiers() if name in variables)


def _shared_problems(places: Places, spec: TypeFile) -> Iterator[str]:
    for place, each in enumerate(spec.shared):
        path = Path(each)
        if path.is_absolute():
            yield places.problem(f"shared.{place}", f"{each!r} must be relative to the type's folder")
        elif not (places.path.parent / path).is_dir():
            yield places.problem(f"shared.{place}", f"{each!r}: no such folder")


def _gaps(spec: TypeFile, places: Places) -> Iterator[str]:
    """Say where a type's rule files leave out days on which it is in force, overlap, or go beyond them."""
    effective = spec.effective
    if effective.until is not None and effective.until < effective.from_:
        yield places.problem("effective.until", f"{effective.until} is before {effective.from_}")
        return
    spans = sorted(
        (each.from_ or effective.from_, each.until or effective.until or date.max, place)
        for place, each in enumerate(spec.rules_files)
    )
    if not spans:
        return
    for first, last, place in spans:
        if last < first:
            yield places.problem(f"rules.{place}.until", f"{last} is before {first}")
    for (_, last, one), (first, _, two) in pairwise(spans):
        if first <= last:
            yield places.problem(
                f"rules.{two}.from", f"on {first} {spec.rules_files[one].file} is in force as well"
            )
        elif first > last + _ONE_DAY:
            yield places.problem(
                f"rules.{two}.from", f"no rules are in force from {last + _ONE_DAY} to {first - _ONE_DAY}"
            )
    first, _, place = spans[0]
    if first != effective.from_:
        yield places.problem(
            f"rules.{place}.from", f"{first}: the type is in force from {effective.from_}; they must be equal"
        )
    _, last, place = spans[-1]
    if last != (effective.until or date.max):
        yield places.problem(
            f"rules.{place}.until",
            f"{last}: the type is in force until {effective.until or 'further notice'}; they must be equal",
        )


def _compile_paths(spec: TypeFile, places: Places) -> FieldPaths:
    problems: list[str] = []

    def compiled(name: str, expression: str) -> etree.XPath | None:
        try:
            path = etree.XPath(expression, namespaces=spec.namespaces, smart_strings=False)
            # libxml2 looks at prefixes and functions only when it comes to them.
            path(etree.Element("empty"))
        except etree.XPathError as error:
            problems.append(places.problem(name, f"XPath {expression!r}: {error}"))
            return None
        unbound = ", ".join(sorted(prefixes_of(expression) - spec.namespaces.keys()))
        if unbound:
            problems.append(places.problem(name, f"XPath {expression!r}: 'namespaces' lacks {unbound}"))
        return path

    def texts(prefix: str, fields: Mapping[str, str]) -> dict[str, TextReader]:
        found: dict[str, TextReader] = {}
        for name, expression in fields.items():
            path = compiled(f"{prefix}.{name}", f"string({expression})")
            if path is not None:
                steps = _plain_steps(expression, spec.namespaces)
                found[name] = read_text_of_child(*steps) if steps else read_text_by(path)
        return found

    fields = texts("fields", spec.fields)
    item_path = compiled("items.path", spec.items.path) if spec.items else None
    item_fields = texts("items.fields", spec.items.fields if spec.items else {})
    if problems:
        raise ConfigError(*problems)
    return FieldPaths(fields, item_path, item_fields)


def _plain_steps(expression: str, namespaces: Mapping[str, str]) -> list[str]:
    """Give the names of elements, as lxml writes them, that a path of one or two plain child steps names; else none."""
    if not _PLAIN_STEPS.fullmatch(expression):
        return []
    steps = [step.rpartition(":") for step in expression.split("/")]
    if any(prefix and prefix not in namespaces for prefix, _, _ in steps):
        return []
    return [f"{{{namespaces[prefix]}}}{name}" if prefix else f"{{}}{name}" for prefix, _, name in steps]
