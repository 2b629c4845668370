"""A new message type's folder from an XSD: plans its files and suggests canonical fields; writes nothing itself."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from xmlschema.validators import XMLSchemaBase, XsdComplexType, XsdElement

from nsw.errors import ConfigError
from nsw.formats.derive import build_avsc_text, derive_avro
from nsw.onboarding.xsdfiles import check_features, compile_in_both, is_versioned
from nsw.onboarding.xsdpaths import DeclarationTree, repeated_children
from nsw.schemafiles import find_second_files, read_schema_files

__all__ = ["NewType", "Plan", "plan_type"]

AUTO = "auto"
_XSD = "http://www.w3.org/2001/XMLSchema"
_PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_ITEM = (
    re.compile(r"(?i)(government)?(agency)?goodsitem"),
    re.compile(r"(?i).*(item|line)"),
)
#: Canonical field -> local names that are likely to mean it, the likeliest first.
_FIELDS: Mapping[str, str] = {
    "original_reference": r"Original.*Reference.*|Amended.*Reference.*|Cancelled.*Reference.*",
    "reference_number": r"FunctionalReferenceID|LRN|.*ReferenceNumber|.*ReferenceI[Dd]|ID|MRN",
    "document_type": r"TypeCode|DeclarationType(Code)?|DocumentType(Code)?",
    "party_tax_id": r"(Exporter|Importer|Declarant|Consignor|Consignee).*(ID|Id|TaxNumber|TIN)"
    r"|.*Tax(payer)?(ID|Id|Number)",
    "broker_tax_id": r"(Agent|Broker|Representative).*(ID|Id|TaxNumber|TIN)",
    "mode_of_transport": r".*(TransportMeans)?Mode(Code)?|.*ModeOfTransport.*",
    "arrival_date": r".*Arrival.*Date(Time)?",
    "departure_date": r".*Departure.*Date(Time)?",
    "release_port": r"Release.*(ID|Code)",
    "load_port": r"(Port)?(Of)?Loading.*(ID|Code)",
    "destination_country": r"DestinationCountry(Code)?|CountryOfDestination.*",
    "currency": r"CurrencyCode|.*Currency",
}
_ITEM_FIELDS: Mapping[str, str] = {
    "item_number": r"SequenceNumeric|.*ItemNumber|LineNumber",
    "tariff_code": r"Tariff.*(ID|Code)|(HS|Commodity|Harmonized).*Code|CommodityCode",
    "statistical_code": r"Statistical.*Code",
    "origin_country": r"OriginCountry(Code)?|CountryOfOrigin.*",
    "procedure": r".*Procedure(Code)?",
    "un_number": r"UNDGID|UN(DG)?(Number|Code)",
}
_RULES = """\
<?xml version="1.0" encoding="UTF-8"?>
<sch:schema xmlns:sch="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt">
  <sch:title>Rules of {name} {version}</sch:title>
{namespaces}  <!-- An example; a rule is finished when a sample breaks it.
  <sch:pattern>
    <sch:rule context="/{root}">
      <sch:assert id="RULE-001" role="error" test="normalize-space(.)">The document is empty.</sch:assert>
    </sch:rule>
  </sch:pattern>
  -->
</sch:schema>
"""


@dataclass(frozen=True, slots=True)
class NewType:
    """
    What is known of a new type beforehand.

    Attributes:
        root: ``{namespace}name``, or ``auto`` where the XSD leaves no doubt.
        folder: where it is to lie.
        copy: put copies of the XSD and all that it includes into the folder.
        avro_id: an unused number for the Avro schema.
    """

    xsd: Path
    root: str
    name: str
    version: str
    folder: Path
    effective_from: date
    avro_id: int
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The files of a new folder.

    Attributes:
        files: contents by path within the folder.
        notes: what could not be done, for people.
    """

    files: Mapping[Path, bytes]
    notes: tuple[str, ...]


def plan_type(new: NewType, variables: Mapping[str, str]) -> Plan:
    """
    Plan a folder from an XSD.

    Args:
        variables: for the ``schema`` entry; an XSD below the folder of one is named by it.

    Raises:
        ConfigError: the XSD can't be used, or its root is in doubt.
    """
    shared = next((name for name, each in variables.items() if _is_below(new.xsd, Path(each))), None)
    allowed = Path("/") if new.copy else Path(variables[shared]) if shared else new.xsd.parent
    files = read_schema_files(new.xsd, [allowed])
    faults = [
        each
        for each in (*files.problems, *find_second_files(files), *check_features(files))
        if not each.is_warning
    ]
    if faults:
        hint = [] if new.copy else ["with --copy the XSD is copied with all that it includes"]
        raise ConfigError(*map(str, faults), *hint)
    schema, problems = compile_in_both(new.xsd, is_versioned=is_versioned(files))
    if schema is None or problems:
        raise ConfigError(*map(str, problems))
    root = _find_root(schema, new)
    tree = DeclarationTree(schema, root)
    prefixes = _prefixes(schema, tree)
    planned: dict[Path, bytes] = {}
    shared_set = ""
    if new.copy:
        places = _places_of_copies(new.xsd.resolve(), files.trees)
        planned |= {place: path.read_bytes() for path, place in places.items()}
        location = places[new.xsd.resolve()].as_posix()
    elif shared:
        below = new.xsd.resolve().relative_to(Path(variables[shared]).resolve())
        location = f"${{{shared}}}/{below.as_posix()}"
    else:
        location = Path(os.path.relpath(new.xsd.resolve(), new.folder.resolve())).as_posix()
        shared_set = Path(location).parent.as_posix()
    notes: list[str] = []
    try:
        planned[Path("message.avsc")] = build_avsc_text(derive_avro(new.xsd, root.name)).encode()
    except ConfigError as error:
        notes += (f"no Avro schema: {each}" for each in error.problems)
    has_avro = Path("message.avsc") in planned
    text = "\n".join(_type_lines(new, root, tree, prefixes, (location, shared_set), has_avro=has_avro)) + "\n"
    planned[Path("type.yaml")] = text.encode()
    rules = _RULES.format(
        name=new.name,
        version=new.version,
        namespaces="".join(
            f'  <sch:ns prefix="{prefix}" uri="{uri}"/>\n' for uri, prefix in prefixes.items()
        ),
        root=_show(root, prefixes),
    )
    planned[Path("rules.sch")] = rules.encode()
    planned |= {Path("samples/valid/.gitkeep"): b"", Path("samples/invalid/.gitkeep"): b""}
    return Plan(planned, tuple(notes))


def _places_of_copies(xsd: Path, paths: Iterable[Path]) -> dict[Path, Path]:
    """Give each XSD a place in the new folder: a lone one beside ``type.yaml``, several below ``xsd``."""
    found = list(paths)
    if found == [xsd]:
        return {xsd: Path("message.xsd")}
    base = Path(os.path.commonpath([path.parent for path in found]))
    return {path: Path("xsd") / path.relative_to(base) for path in found}


def _is_below(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _find_root(schema: XMLSchemaBase, new: NewType) -> XsdElement:
    own = {each.name: each for each in schema.elements.values()}
    declared = own or {each.name: each for each in schema.maps.elements.values()}
    declared = {name: each for name, each in declared.items() if f"{{{_XSD}}}" not in name}
    if new.root != AUTO:
        found = declared.get(new.root) or schema.maps.elements.get(new.root)
        if isinstance(found, XsdElement):
            return found
    inner = {
        child
        for each in declared.values()
        for child in DeclarationTree(schema, each).parents
        if child is not each
    }
    tops = [each for each in declared.values() if each not in inner] or list(declared.values())
    with_content = [each for each in tops if tuple(DeclarationTree(schema, each).parents)[1:]]
    if new.root == AUTO and len(with_content or tops) == 1:
        return (with_content or tops)[0]
    shown = ", ".join(sorted(str(each.name) for each in tops)) or "none"
    raise ConfigError(f"{new.xsd}: choose the root element with --root; it declares {shown}")


def _prefixes(schema: XMLSchemaBase, tree: DeclarationTree) -> dict[str, str]:
    """Choose a prefix for each namespace of the documents: the XSD's own where there is one."""
    own = {uri: prefix for prefix, uri in schema.namespaces.items() if _PREFIX.fullmatch(prefix)}
    found: dict[str, str] = {}
    for uri in dict.fromkeys(
        str(each.name)[1:].partition("}")[0] for each in tree.parents if "}" in each.name
    ):
        wanted = own.get(uri, "d")
        while wanted in found.values():
            wanted += "1"
        found[uri] = wanted
    return found


def _show(element: XsdElement, prefixes: Mapping[str, str]) -> str:
    uri, _, local = str(element.name).rpartition("}")
    return f"{prefixes[uri[1:]]}:{local}" if uri else local


def _type_lines(
    new: NewType,
    root: XsdElement,
    tree: DeclarationTree,
    prefixes: Mapping[str, str],
    location: tuple[str, str],
    *,
    has_avro: bool,
) -> Iterator[str]:
    yield f"message_type: {new.name}"
    yield f'version: "{new.version}"'
    yield "kind: declaration"
    yield f'title: {{en: "{new.name}", th: "{new.name}"}} # give it a title in both languages'
    yield "direction: none"
    yield f'root: "{root.name if root.name.startswith("{") else "{}" + root.name}"'
    if prefixes:
        yield "namespaces:"
        yield from (f'  {prefix}: "{uri}"' for uri, prefix in prefixes.items())
    schema, shared_set = location
    yield f'schema: "{schema}"'
    if shared_set:
        yield f'shared: ["{shared_set}"]'
    yield "rules: rules.sch"
    if has_avro:
        yield f"avro: {{schema: message.avsc, id: {new.avro_id}}}"
    yield f"effective: {{from: {new.effective_from}, until: null}}"
    yield "signature: none"
    item = _find_item(tree)
    places = list(_leaves(tree, root, prefixes, item))
    fields = list(_suggest(_FIELDS, places))
    if fields:
        yield "fields: # suggested by name: check each"
        yield from (f"  {name}: {path} # suggested" for name, path in fields)
    if item is not None:
        yield "items:"
        yield f"  path: {'/'.join(_show(each, prefixes) for each in tree.way_to(item)[1:])} # suggested"
        yield "  fields:"
        lines = [
            f"    {name}: {path} # suggested"
            for name, path in _suggest(_ITEM_FIELDS, list(_leaves(tree, item, prefixes, None)))
        ]
        yield from lines or ["    {}"]
    yield "source: scaffolded from the XSD; name where the definition comes from"


def _find_item(tree: DeclarationTree) -> XsdElement | None:
    """Find what is most like a goods item: an element with elements in it, that repeats, of a likely name."""
    repeated = [
        child
        for parent in tree.parents
        for child in repeated_children(parent)
        if isinstance(child.type, XsdComplexType) and child.type.has_complex_content()
    ]
    for pattern in _ITEM:
        for each in repeated:
            if each in tree.parents and pattern.fullmatch(each.local_name or ""):
                return each
    return None


def _leaves(
    tree: DeclarationTree, start: XsdElement, prefixes: Mapping[str, str], leave_out: XsdElement | None
) -> Iterator[tuple[str, str]]:
    """Give local name and path of the elements with text below an element, the nearest first."""
    seen = {start}
    waiting: list[tuple[XsdElement, str]] = [(start, "")]
    for element, path in waiting:
        for child in tree.children(element)[0]:
            if child in seen or child is leave_out:
                continue
            seen.add(child)
            below = f"{path}/{_show(child, prefixes)}".lstrip("/")
            if tree.holds_text(child):
                yield child.local_name or "", below
            waiting.append((child, below))


def _suggest(names: Mapping[str, str], places: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    used: set[str] = set()
    for name, pattern in names.items():
        for alternative in _alternatives(pattern):
            found = next((p for local, p in places if p not in used and alternative.fullmatch(local)), None)
            if found is not None:
                used.add(found)
                yield name, found
                break


def _alternatives(pattern: str) -> Iterator[re.Pattern[str]]:
    """Part a pattern at its outermost bars: the likeliest name first, wherever it stands."""
    depth, start = 0, 0
    for place, character in enumerate(f"{pattern}|"):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield re.compile(pattern[start:place])
            start = place + 1
