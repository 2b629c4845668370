"""Which topics a window has: those of the system, and of every agency and party in its tables."""

from nsw import topics
from nsw.config import Config
from nsw.reference import Reference
from nsw.topics import TopicSpec


def window_topics(config: Config, reference: Reference) -> tuple[TopicSpec, ...]:
    """List every topic that the window's tables call for, system topics first."""
    largest = config.max_document_bytes
    system = topics.system_topics(case_partitions=config.case_partitions, max_document_bytes=largest)
    agencies = (
        spec
        for code in sorted(reference.tables.agencies)
        for spec in topics.agency_topics(code, max_document_bytes=largest)
    )
    parties = (
        spec
        for party in sorted(reference.parties)
        for spec in topics.party_topics(party, max_document_bytes=largest)
    )
    return (*system, *agencies, *parties)
