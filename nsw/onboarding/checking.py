"""
Proves message-type folders: all that is wrong with them, at once, before a window runs with them.

Reads files only; judges samples by the same function as the window.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from xmlschema.validators import XMLSchemaBase, XsdElement

from nsw.codelists import CodeLists, load_code_lists, merge
from nsw.errors import ConfigError
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.messagetypes import Catalogue, MessageType
from nsw.onboarding.samples import check_samples
from nsw.onboarding.typefile import WrittenType, read_written_type
from nsw.onboarding.xsdfiles import check_features, compile_in_both, is_versioned
from nsw.onboarding.xsdpaths import DeclarationTree, Nodes, find_dead_paths
from nsw.problems import Problem, in_order, problems_of
from nsw.reference import Limits, Reference, load_window
from nsw.routing import RoutingTables, load_routing_tables
from nsw.schemafiles import SchemaFiles, find_cycles, find_second_files, read_schema_files, real_path
from nsw.typefile import TYPE_FILE
from nsw.typefolders import find_clashes, load_message_type

__all__ = ["Surroundings", "check_folders"]

_T = TypeVar("_T")
_CODE_LISTS = "codes/lists.yaml"
_MOST_SHOWN = 5
_OF_ROUTING = frozenset(("message_type", "direction"))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    The window that the folders are meant for.

    Attributes:
        variables: values for ``${NAME}`` in ``type.yaml`` files; each names a shared set of XSDs.
    """

    schema_folders: tuple[Path, ...]
    reference_folder: Path
    variables: Mapping[str, str]
    limits: Limits = field(default_factory=Limits)


def check_folders(folders: Sequence[Path], window: Surroundings) -> tuple[int, list[Problem]]:
    """
    Check every message type below some folders.

    Args:
        folders: each is searched for ``type.yaml`` at any depth; none stands for the window's own.

    Returns:
        How many types there are, and every problem, sorted by file and line.
    """
    check = _Check(window, _outermost(folders or window.schema_folders))
    return len(check.written), in_order(check.run())


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Leave out folders that lie in another one, or are given twice."""
    resolved = {folder.resolve(): folder for folder in folders}
    return [folder for full, folder in resolved.items() if resolved.keys().isdisjoint(full.parents)]


class _Check:
    def __init__(self, window: Surroundings, folders: list[Path]) -> None:
        self.window = window
        self.folders = folders
        self.problems: list[Problem] = []
        self.written = [
            read_written_type(path, window.variables)
            for folder in folders
            for path in sorted(folder.rglob(TYPE_FILE))
        ]

    def run(self) -> Iterator[Problem]:
        """Give every problem; the same one may come twice."""
        for folder in self.folders:
            if not any(each.path.is_relative_to(folder) for each in self.written):
                yield Problem(folder, None, f"no message type ({TYPE_FILE}) found")
        proven = [each for each in map(self.check_type, self.written) if each is not None]
        types = [message_type for message_type, _ in proven]
        for clash in find_clashes(types):
            self.problems += problems_of(ConfigError(clash), self.folders[0])
        code_lists = self.code_lists()
        tables = self.attempt(
            lambda: load_routing_tables(self.window.reference_folder), self.window.reference_folder
        )
        if tables is not None:
            self.problems += self.check_routes(types, tables)
        if code_lists is not None:
            self.problems += _unknown_lists(types, code_lists)
        window_file = self.window.reference_folder / "window.yaml"
        window = self.attempt(lambda: load_window(window_file), window_file)
        if code_lists is not None and tables is not None and window is not None and proven:
            # Judging asks for neither parties nor answers.
            reference = Reference(
                version="",
                window=window,
                catalogue=Catalogue(tuple(types)),
                code_lists=code_lists,
                tables=tables,
                parties={},
                acknowledgement=types[0],
                rejection=types[0],
                limits=self.window.limits,
            )
            for each, schema in proven:
                self.problems += check_samples(each, schema, reference)
        yield from self.problems

    def attempt(self, load: Callable[[], _T], file: Path) -> _T | None:
        """Note the problems of a loader; None then."""
        try:
            return load()
        except ConfigError as error:
            self.problems += problems_of(error, file)
            return None

    # One type.

    def check_type(self, written: WrittenType) -> tuple[MessageType, XMLSchemaBase] | None:
        """Check a type by itself, samples apart; give it with its schema, or None when it can't be loaded."""
        schema = None
        files = SchemaFiles()
        if written.schema is not None and written.schema.is_file():
            files = read_schema_files(written.schema, (written.path.parent, *written.sets))
        of_files = [*files.problems, *find_second_files(files), *check_features(files), *find_cycles(files)]
        # Beside files that can't be read, or must not, what the compilers say would only confuse.
        if written.schema is not None and files.trees and all(each.is_warning for each in of_files):
            schema = self.check_schema(written, written.schema, is_versioned=is_versioned(files))
        self.problems += of_files
        message_type = None
        try:
            message_type = load_message_type(written.path, self.window.variables)
        except ConfigError as error:
            self.problems += _further_problems(error, written, files, has_problems=bool(of_files))
        if written.avro_schema is not None and schema is not None and written.schema is not None:
            self.check_avro(written, written.schema, written.avro_schema)
        return (message_type, schema) if message_type is not None and schema is not None else None

    def check_schema(self, written: WrittenType, path: Path, *, is_versioned: bool) -> XMLSchemaBase | None:
        """Compile the XSD, and walk the XPaths over it."""
        schema, problems = compile_in_both(path, is_versioned=is_versioned)
        self.problems += problems
        if schema is None or problems:
            return None
        root = schema.maps.elements.get(written.root.removeprefix("{}"))
        if not isinstance(root, XsdElement):
            names = sorted(str(name) for name in schema.elements)
            shown = ", ".join(names[:_MOST_SHOWN]) + (" …" if len(names) > _MOST_SHOWN else "")
            sentence = f"root: {path.name} declares no element {written.root}; it has {shown or 'none'}"
            self.problems.append(Problem(written.path, written.line("root"), sentence))
            return None
        self.problems += _check_paths(written, DeclarationTree(schema, root))
        return schema

    def check_avro(self, written: WrittenType, xsd: Path, avsc: Path) -> None:
        """Compare the Avro schema with what the XSD gives."""
        derived = self.attempt(
            lambda: build_avsc_text(derive_avro(xsd, written.root.removeprefix("{}"))), avsc
        )
        if derived is None or not avsc.is_file():
            return  # the loader tells that it is missing
        lines = avsc.read_text("utf-8", "replace").splitlines()
        wanted = derived.splitlines()
        if lines == wanted:
            return
        line = next((n for n, (a, b) in enumerate(zip(lines, wanted, strict=False), 1) if a != b), None)
        self.problems.append(
            Problem(avsc, line, "is not what the XSD gives: write it with `nsw schemas avro`")
        )

    # All together.

    def code_lists(self) -> CodeLists | None:
        """Load the window's code lists, and in place of those of the same name the folders' own."""

        def load(folders: Iterable[Path]) -> CodeLists:
            found = {
                path.parent.resolve(): path.parent for each in folders for path in each.rglob(_CODE_LISTS)
            }
            return merge(*(load_code_lists(found[full]) for full in sorted(found)))

        own = self.attempt(lambda: load(self.window.schema_folders), self.folders[0])
        given = self.attempt(lambda: load(self.folders), self.folders[0])
        return CodeLists({**own.lists, **given.lists}) if own is not None and given is not None else None

    def check_routes(self, types: list[MessageType], tables: RoutingTables) -> Iterator[Problem]:
        """Say which fields the routes name in vain: no type has them, or not the one that a route is limited to."""
        path = self.window.reference_folder / tables.routes.name
        checked = {each.path.resolve() for each in self.written}
        own = (
            read_written_type(each, self.window.variables)
            for folder in self.window.schema_folders
            for each in sorted(folder.rglob(TYPE_FILE))
            if each.resolve() not in checked
        )
        written = (*self.written, *own)
        known = frozenset(name for each in written for name in (*each.fields, *each.item_fields))
        names_of = {each.name: _OF_ROUTING | frozenset(each.paths.fields) for each in types}
        item_names_of = {each.name: frozenset(each.paths.item_fields) for each in types}
        for route in tables.routes.rows:
            fields = {each.field for each in route.conditions} - _OF_ROUTING
            item_fields = {each.field for each in route.item_conditions}
            for name in sorted((fields | item_fields) - known):
                yield Problem(path, route.line, f"route {route.id}: no message type has the field {name}")
            for of in route.message_types() or ():
                missing = (fields - names_of.get(of, fields)) & known
                missing_of_items = (item_fields - item_names_of.get(of, item_fields)) & known
                for name in sorted(missing):
                    yield Problem(path, route.line, f"route {route.id}: {of} has no field {name}")
                for name in sorted(missing_of_items):
                    yield Problem(path, route.line, f"route {route.id}: items of {of} have no field {name}")


def _further_problems(
    error: ConfigError, written: WrittenType, files: SchemaFiles, *, has_problems: bool
) -> Iterator[Problem]:
    """Give what a type's loader reports; of a faulty XSD it says the same in other words."""
    for each in problems_of(error, written.path):
        if not has_problems or real_path(each.file) not in files.trees:
            yield each


def _check_paths(written: WrittenType, tree: DeclarationTree) -> Iterator[Problem]:
    def look(entry: str, expression: str, context: Nodes | None) -> Nodes:
        try:
            selected, dead = find_dead_paths(expression, tree, context, written.namespaces)
        except ValueError as error:
            sentence = f"{entry}: {expression!r} can't be compared with the XSD: {error}"
            problems.append(Problem(written.path, written.line(entry), sentence, is_warning=True))
            return frozenset()
        for each in dead:
            sentence = f"{entry}: {expression!r} can never select anything: {each}"
            problems.append(Problem(written.path, written.line(entry), sentence))
        return selected

    problems: list[Problem] = []
    for name, expression in written.fields.items():
        look(f"fields.{name}", expression, None)
    items = look("items.path", written.item_path, None) if written.item_path is not None else None
    for name, expression in written.item_fields.items() if items else ():
        look(f"items.fields.{name}", expression, items)
    return iter(problems)


def _unknown_lists(types: Iterable[MessageType], code_lists: CodeLists) -> Iterator[Problem]:
    for each in types:
        for name, column in sorted(each.lists_used, key=str):
            found = code_lists.lists.get(name)
            if found is None:
                yield Problem(
                    each.folder, None, f"the rules ask for the code list {name!r}, which isn't there"
                )
            elif column is not None and column not in found.columns:
                sentence = (
                    f"the rules ask for the column {column!r} of the code list {name!r}, which isn't there"
                )
                yield Problem(each.folder, None, sentence)
