"""
The case: what the window remembers of one declaration of one party.

``process`` takes the case so far and gives the new one. Keeping it durable (changelog, store) is the edge's job;
until that exists, casework begins every record with no case.
"""

from dataclasses import dataclass

from nsw.identifiers import AgencyCode, CaseId, SubmissionId
from nsw.model import Format, Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """
    A case after its latest submission.

    Attributes:
        digest: lower-case hex SHA-256 of the declaration's bytes.
        format: wire format in which the trader gets answers.
        agencies: who had the declaration.
    """

    case_id: CaseId
    submission_id: SubmissionId
    verdict: Verdict
    digest: str
    format: Format
    agencies: tuple[AgencyCode, ...]
