"""The register of parties: what the window knows of those who lodge."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import yaml

from nsw.identifiers import PartyId, parse_party_id
from nsw.model import SenderRole
from nsw.routing.yamlfile import YamlFile
from nsw.textfile import TextFile


class AnswerFormat(StrEnum):
    """In which format a party gets its answers."""

    AS_SENT = "as-sent"
    XML = "xml"
    AVRO = "avro"


@dataclass(frozen=True, slots=True)
class Party:
    """
    A party that is connected to the window; one that isn't registered has these defaults.

    Attributes:
        tax_id: 13 digits, or '' when it isn't known.
    """

    id: PartyId
    name_en: str = ""
    name_th: str = ""
    tax_id: str = ""
    role: SenderRole = SenderRole.TRADER
    answers: AnswerFormat = AnswerFormat.AS_SENT


def load_parties(table: TextFile) -> dict[PartyId, Party]:
    """
    Read the register of parties, by id.

    Raises:
        ConfigError: with every problem and its line.
    """
    file = YamlFile(table)
    party_by_id: dict[PartyId, Party] = {}
    for node in file.rows("parties"):
        party = _read_party(file, node)
        if party.id and party.id in party_by_id:
            file.report(node, f"party {party.id!r} is given twice")
        party_by_id[party.id] = party
    file.finish()
    return party_by_id


def _read_party(file: YamlFile, node: yaml.Node) -> Party:
    entries = file.entries(node, "party", ("id", "name"), optional=("tax_id", "role", "answers"))
    name_en, name_th = file.names(entries.get("name"), "name")
    answers = file.one_of(entries.get("answers"), "answers", [*AnswerFormat], AnswerFormat.AS_SENT)
    # Agencies stand in agencies.yaml, so the only role of a party is trader.
    role = file.one_of(entries.get("role"), "role", (SenderRole.TRADER,), SenderRole.TRADER)
    return Party(
        id=file.parsed(entries.get("id"), "id", parse_party_id, PartyId("")),
        name_en=name_en,
        name_th=name_th,
        tax_id=file.tax_id(entries.get("tax_id")),
        role=SenderRole(role),
        answers=AnswerFormat(answers),
    )


def find_party(party_by_id: Mapping[PartyId, Party], party_id: PartyId) -> Party:
    """Give a party as registered, or with the defaults."""
    return party_by_id.get(party_id) or Party(party_id)
