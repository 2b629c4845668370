"""The work itself, for every peer in Python: parse, XSD, route. What a peer does with Kafka is in its own folder."""

import os
from pathlib import Path
from typing import NamedTuple

from lxml import etree

_NAMESPACE = "{urn:nsw:th:export-declaration:1}"
_ITEM = f"{_NAMESPACE}GoodsItem"
_TARIFF = f"{_NAMESPACE}TariffClassificationID"
_STATISTICS = f"{_NAMESPACE}StatisticalCode"


class Job(NamedTuple):
    """
    What the harness tells an engine, by environment variables of these names behind ``BENCH_``.

    Attributes:
        inbox: topic to read.
        refused: topic for documents that break their schema.
        permits: file of lines ``tariff/statistics<TAB>agency,agency``: the permits for export in force today.
        lead: code of the agency that gets every declaration.
        batch_records: records in one transaction at most.
        batch_seconds: how long one transaction gathers at most.
    """

    bootstrap: str
    group: str
    inbox: str
    refused: str
    xsd: Path
    permits: Path
    lead: str
    batch_records: int
    batch_seconds: float


def read_job() -> Job:
    """Read the job from the environment."""
    given = {name: os.environ[f"BENCH_{name.upper()}"] for name in Job.__annotations__}
    return Job(
        bootstrap=given["bootstrap"],
        group=given["group"],
        inbox=given["inbox"],
        refused=given["refused"],
        xsd=Path(given["xsd"]),
        permits=Path(given["permits"]),
        lead=given["lead"],
        batch_records=int(given["batch_records"]),
        batch_seconds=float(given["batch_seconds"]),
    )


def inbox_of_agency(code: str) -> str:
    """Name the topic that an agency reads."""
    return f"nsw.agency.{code}.inbox"


def read_permits(path: Path) -> dict[str, frozenset[str]]:
    """Read the permits: topics by tariff and statistical code."""
    lines = (line.split("\t") for line in path.read_text("ascii").splitlines())
    return {goods: frozenset(map(inbox_of_agency, agencies.split(","))) for goods, agencies in lines}


class Router:
    """Parses, validates and routes documents."""

    def __init__(self, job: Job) -> None:
        self._parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, collect_ids=False
        )
        self._schema = etree.XMLSchema(etree.parse(job.xsd))
        self._permits = read_permits(job.permits)
        self._lead = inbox_of_agency(job.lead)
        self._refused = job.refused
        self.topics = frozenset({self._lead, self._refused}).union(*self._permits.values())

    def route(self, value: bytes) -> list[str]:
        """Give the topics that a document is to be copied to."""
        try:
            root = etree.fromstring(value, self._parser)
        except etree.XMLSyntaxError:
            return [self._refused]
        if not self._schema.validate(root):
            return [self._refused]
        topics = {self._lead}
        for item in root.iterfind(_ITEM):
            tariff = item.findtext(_TARIFF, "").strip()
            statistics = item.findtext(_STATISTICS, "").strip()
            topics |= self._permits.get(f"{tariff[:8]}/{statistics.rjust(3, '0')}", frozenset())
        return sorted(topics)
