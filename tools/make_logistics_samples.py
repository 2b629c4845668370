"""
Makes the samples of logistics messages that nobody writes by hand: those of ``samples/cases.yaml`` of a message type.

``cases`` are valid samples with faults planted, each with exactly what is found; ``many`` repeats the bills of a
manifest. Nothing here runs the schema or the rules. All samples are meant as lodged on 2026-11-18.

Run ``python tools/make_logistics_samples.py`` to write the samples, and with ``--check`` to fail if one differs.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path

import yaml
from lxml import etree
from pydantic import BaseModel, ConfigDict, Field

# Run as a script, Python looks for modules beside this file only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.samples.faults import Case, Draft, Edit, drop, put, repeat
from tools.samples.files import SampleSet
from tools.samples.layout import SCHEMAS, Layout, write_document

CASES = "cases.yaml"

#: Of ISO 6346: a character's place is its value; multiples of 11 are no value.
_CONTAINER_VALUES = "0123456789A-BCDEFGHIJK-LMNOPQRSTU-VWXYZ"
_CONTAINER = re.compile(r"[A-Z]{4}[0-9]{7}")
_LOAD_DEVICE = re.compile(r"([A-Z]{3})([0-9]{5})([A-Z]{2})")
_AIR_WAYBILL = re.compile(r"[0-9]{11}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WrittenCase(_Strict):
    """
    One invalid sample; its edits are done in the order of these fields.

    Attributes:
        base: name of the valid sample that it starts as.
        copies: elements to repeat right behind themselves.
        add: after the element at a path, new elements by name.
        put: texts by path.
        drop: elements to take out.
        finds: each a code and, but for the root, a path below it: "TH-SEA-020 Control/AgentID".
        agencies: who gets it if nothing rejects it; None stands for those of the base.
    """

    base: str = Field("small", alias="from")
    copies: tuple[str, ...] = Field((), alias="copy")
    add: dict[str, dict[str, str]] = {}
    put: dict[str, str] = {}
    drop: tuple[str, ...] = ()
    finds: tuple[str, ...]
    agencies: tuple[str, ...] | None = None


class Many(_Strict):
    """A valid sample with the bills of another one, repeated up to a number of them."""

    name: str
    base: str = Field(alias="from")
    bills: int
    reference: str


class Cases(_Strict):
    """The shape of ``cases.yaml``."""

    cases: dict[str, WrittenCase]
    many: Many | None = None


@dataclass(frozen=True)
class SampleFile:
    """A valid sample that somebody wrote; with *sent_to*, who gets it once faults are planted."""

    path: Path
    sent_to: tuple[str, ...] | None = None

    def build(self) -> bytes:
        """Read the document."""
        return self.path.read_bytes()

    @property
    def agencies(self) -> tuple[str, ...]:
        """Who gets the document, sorted."""
        if self.sent_to is not None:
            return self.sent_to
        return tuple(json.loads(self.path.with_suffix(".expected.json").read_bytes())["agencies"])


def add_after(path: str, new: dict[str, str]) -> Edit:
    """Put new elements behind another one, in the order given."""

    def edit(draft: Draft) -> None:
        place = draft.find(path)
        for name, text in reversed(new.items()):
            element = etree.Element(draft.layout.qualified(name))
            element.text = text
            place.addnext(element)

    return edit


def sample_files(path: Path) -> Iterator[tuple[Path, bytes]]:
    """
    Make every sample that a ``cases.yaml`` tells of, and its expected answer: the path and the bytes that belong there.

    Raises:
        ValueError: it isn't of this shape, or names an element that is not there.
    """
    written = Cases.model_validate(yaml.safe_load(path.read_text("utf-8")))
    valid = path.parent / "valid"
    if written.many is not None:
        base = SampleFile(valid / f"{written.many.base}.xml")
        made = valid / f"{written.many.name}.xml"
        yield made, build_many(_draft(base, path), written.many)
        yield made.with_suffix(".expected.json"), base.path.with_suffix(".expected.json").read_bytes()
    cases = tuple(_case(name, each, valid) for name, each in written.cases.items())
    small = SampleFile(valid / "small.xml")
    yield from SampleSet(_draft(small, path).layout, {}, small, cases).invalid_files()


def _case(name: str, written: WrittenCase, valid: Path) -> Case:
    edits = (
        *(repeat(path) for path in written.copies),
        *(add_after(path, new) for path, new in written.add.items()),
        *(put(path, text) for path, text in written.put.items()),
        drop(*written.drop),
    )
    return Case(name, written.finds, edits, SampleFile(valid / f"{written.base}.xml", written.agencies))


def _draft(base: SampleFile, path: Path) -> Draft:
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False)
    root = etree.fromstring(base.build(), parser)
    name = etree.QName(root)
    folder = path.parent.parent.relative_to(SCHEMAS).as_posix()
    return Draft(Layout(folder, name.namespace or "", name.localname), root)


def build_many(draft: Draft, many: Many) -> bytes:
    """Repeat the bills of a manifest, each round with containers and master waybills of its own."""
    root, qualified = draft.element, draft.layout.qualified
    bills = root.findall(qualified("Consignment"))
    containers = {
        each.findtext(qualified("TransportEquipmentID")): each
        for each in root.findall(qualified("TransportEquipment"))
    }
    numbers: dict[tuple[int, str], str] = {}
    draft.find("Control/FunctionalReferenceID").text = many.reference
    for number, bill in enumerate(islice(cycle(bills), many.bills)):
        turn = number // len(bills)
        new = deepcopy(bill) if turn else bill
        root.append(new)
        Draft(draft.layout, new).find("SequenceNumeric").text = str(number + 1)
        if not turn:
            continue
        for each in new.iterfind(qualified("TransportEquipmentID")):
            old = each.text or ""
            if (turn, old) not in numbers:
                numbers[turn, old] = renumber(old, turn)
                equipment = deepcopy(containers[old])
                equipment[0].text = numbers[turn, old]
                bills[0].addprevious(equipment)
            each.text = numbers[turn, old]
        for name in ("MasterTransportDocumentID", "HouseTransportDocumentID"):
            for each in new.iterfind(qualified(name)):
                each.text = renumber(each.text or "", turn)
    _sum_up(draft)
    return write_document(root)


def _sum_up(draft: Draft) -> None:
    bills = [
        Draft(draft.layout, each) for each in draft.element.iterfind(draft.layout.qualified("Consignment"))
    ]
    containers = draft.element.findall(draft.layout.qualified("TransportEquipment"))
    totals = {
        "TotalConsignmentQuantity": len(bills),
        "TotalTransportEquipmentQuantity": len(containers),
        "TotalPackageQuantity": sum(int(each.find("PackageQuantity").text or "") for each in bills),
        "TotalGrossMassMeasure": sum(Decimal(each.find("GrossMassMeasure").text or "") for each in bills),
    }
    for name, total in totals.items():
        draft.find(f"Control/{name}").text = str(total)


def renumber(number: str, turn: int) -> str:
    """Give another number of the same kind: the last digits counted on, and a right check digit where there is one."""
    if _CONTAINER.fullmatch(number):
        stem = f"{number[:4]}{int(number[4:10]) + 100 * turn:06}"
        values = (_CONTAINER_VALUES.index(each) * 2**place for place, each in enumerate(stem))
        return f"{stem}{sum(values) % 11 % 10}"
    if _AIR_WAYBILL.fullmatch(number):
        serial = int(number[3:10]) + 100 * turn
        return f"{number[:3]}{serial:07}{serial % 7}"
    if device := _LOAD_DEVICE.fullmatch(number):
        return f"{device[1]}{int(device[2]) + 100 * turn:05}{device[3]}"
    return f"{number}R{turn}"


def main(arguments: Sequence[str]) -> int:
    """Write the samples; with --check only compare, and give 1 if a file is missing, differs or has no case."""
    if not set(arguments) <= {"--check"}:
        print(f"usage: {Path(__file__).name} [--check]", file=sys.stderr)
        return 2
    files = sorted(SCHEMAS.rglob(CASES))
    contents = {path: content for each in files for path, content in sample_files(each)}
    strays = {path for each in files for path in (each.parent / "invalid").glob("*")} - contents.keys()
    stale = [path for path, content in contents.items() if not path.is_file() or path.read_bytes() != content]
    if "--check" in arguments:
        for path in sorted((*stale, *strays)):
            print(f"{path.relative_to(SCHEMAS)} is not what this tool makes", file=sys.stderr)
        return 1 if stale or strays else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[path])
    for path in strays:
        path.unlink()
    print(f"{len(contents)} files, {len(stale)} written, {len(strays)} removed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
