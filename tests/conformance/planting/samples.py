"""The valid documents into which faults are planted: of our own types, of others' sets, and of the hard schema."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from nsw.formats.xml import parse_xml
from nsw.messagetypes import MessageType
from nsw.reference import Reference
from tests.conformance import sets

#: A plant needs the whole document several times over: the largest samples would cost more than they show.
_LARGEST = 60_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A document that its type's XSD accepts."""

    name: str
    document: bytes = field(repr=False)
    message_type: MessageType = field(repr=False)
    reference: Reference = field(repr=False)


def own_samples(reference: Reference, most: int) -> list[Sample]:
    """Take the first valid samples of each of the window's own types."""
    return [
        sample
        for each in reference.catalogue.types
        for sample in _valid(sorted((each.folder / "samples").rglob("*.xml")), reference, most)
    ]


def hard_samples() -> list[Sample]:
    """Take the sample of the schema that has every construct."""
    folder = sets.HERE / "planting" / "hard"
    return list(_valid([folder / "sample.xml"], sets.load_types([folder], folder), 1))


def samples_of(reference: Reference, data: Path, pattern: str, most: int) -> list[Sample]:
    """Take the first documents below the data, for each message type, that its XSD accepts."""
    return list(_valid(sorted(data.glob(pattern)), reference, most))


def _valid(paths: Iterable[Path], reference: Reference, most: int) -> Iterator[Sample]:
    counts: dict[str, int] = {}
    for path in paths:
        document = path.read_bytes()
        if len(document) > _LARGEST:
            continue
        try:
            root = etree.fromstring(document)
        except etree.XMLSyntaxError:
            continue
        for each in reference.catalogue.types:
            taken = counts.get(each.name, 0)
            if each.root == root.tag and taken < most and each.schema.validate(parse_xml(document)):
                counts[each.name] = taken + 1
                yield Sample(f"{each.name}/{path.name}", document, each, reference)
                break
