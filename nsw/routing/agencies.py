"""The agencies: who receives and answers, and which message types each takes in which format."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache

import yaml

from nsw.errors import ConfigError
from nsw.identifiers import AgencyCode, parse_agency_code
from nsw.model import Format
from nsw.routing.yamlfile import YamlFile
from nsw.textfile import TextFile

#: Route id of the lead agency's reason: it gets every declaration.
LEAD_AGENCY = "lead-agency"

#: The only view so far: the original bytes, untouched.
IDENTITY_VIEW = "identity"

_OPTIONAL = ("tax_id", "lead", "valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """
    What an agency takes of some message types.

    Attributes:
        message_types: patterns as of file names (``th.*``).
        formats: in order of preference, at least one.
        view: how much of the document it gets.
    """

    message_types: tuple[str, ...]
    formats: tuple[Format, ...]
    view: str = IDENTITY_VIEW


@dataclass(frozen=True, slots=True)
class Agency:
    """
    An authority that receives and answers.

    Attributes:
        tax_id: 13 digits, or '' when it isn't known.
        lead: the one agency that gets every declaration.
        accepts: tried in order.
        valid_from: the first day on which it is an agency of this window; None for no beginning.
        valid_to: the last such day; None for no end.
    """

    code: AgencyCode
    name_en: str
    name_th: str
    tax_id: str = ""
    lead: bool = False
    accepts: tuple[Acceptance, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def covers(self, first: date, last: date | None) -> bool:
        """Tell whether it is an agency of this window on all days from *first* to *last*; None is no end."""
        begins = self.valid_from is None or self.valid_from <= first
        return begins and (self.valid_to is None or (last is not None and last <= self.valid_to))

    def acceptance_for(self, message_type: str) -> Acceptance | None:
        """Give the first acceptance whose patterns cover the message type; None when none does."""
        for acceptance in self.accepts:
            if _covers(acceptance.message_types, message_type):
                return acceptance
        return None

    def formats_for(self, message_type: str) -> tuple[Format, ...]:
        """Give the formats it takes this message type in, in order of preference; () when it takes none."""
        acceptance = self.acceptance_for(message_type)
        return acceptance.formats if acceptance else ()


@lru_cache(maxsize=4096)
def _covers(patterns: tuple[str, ...], message_type: str) -> bool:
    return any(fnmatchcase(message_type, pattern) for pattern in patterns)


def load_agencies(table: TextFile) -> dict[AgencyCode, Agency]:
    """
    Read the agencies, by code.

    Raises:
        ConfigError: with every problem and its line; exactly one agency must lead.
    """
    file = YamlFile(table)
    agency_by_code: dict[AgencyCode, Agency] = {}
    for node in file.rows("agencies"):
        agency = _read_agency(file, node)
        if agency.code and agency.code in agency_by_code:
            file.report(node, f"agency {agency.code!r} is given twice")
        agency_by_code[agency.code] = agency
    file.finish()
    try:
        lead_of(agency_by_code)
    except ConfigError as error:
        raise ConfigError(f"{table}: {error}") from error
    return agency_by_code


def lead_of(agencies: Mapping[AgencyCode, Agency]) -> AgencyCode:
    """
    Give the lead agency.

    Raises:
        ConfigError: there is none, or several.
    """
    leads = [agency.code for agency in agencies.values() if agency.lead]
    if len(leads) != 1:
        raise ConfigError(f"exactly one agency must have 'lead: true', not {', '.join(leads) or 'none'}")
    return leads[0]


def _read_agency(file: YamlFile, node: yaml.Node) -> Agency:
    entries = file.entries(node, "agency", ("code", "name", "accepts"), _OPTIONAL)
    name_en, name_th = file.names(entries.get("name"), "name")
    accepts = file.nodes(entries.get("accepts"), "accepts")
    lead = file.one_of(entries.get("lead"), "lead", ("true", "false"), "false") == "true"
    valid_from = file.day(entries.get("valid_from"), "valid_from", empty=True)
    valid_to = file.day(entries.get("valid_to"), "valid_to", empty=True)
    if valid_from and valid_to and valid_to < valid_from:
        file.report(entries["valid_to"], f"valid_to {valid_to} is before valid_from {valid_from}")
    if lead and (valid_from or valid_to):
        file.report(node, "the lead agency has no days: every declaration has one to go to")
    return Agency(
        code=file.parsed(entries.get("code"), "code", parse_agency_code, AgencyCode("")),
        name_en=name_en,
        name_th=name_th,
        tax_id=file.tax_id(entries.get("tax_id")),
        lead=lead,
        accepts=tuple(_read_acceptance(file, each) for each in accepts),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _read_acceptance(file: YamlFile, node: yaml.Node) -> Acceptance:
    entries = file.entries(node, "accepts", ("message_types", "formats"), optional=("view",))
    formats = file.texts(entries.get("formats"), "formats")
    known = [*Format]
    for unknown in sorted(set(formats).difference(known, {""})):
        file.report(entries["formats"], f"formats: {unknown!r} is not known; known are {', '.join(known)}")
    return Acceptance(
        message_types=file.texts(entries.get("message_types"), "message_types"),
        formats=tuple(Format(each) for each in formats if each in known),
        view=file.one_of(entries.get("view"), "view", (IDENTITY_VIEW,), IDENTITY_VIEW),
    )
