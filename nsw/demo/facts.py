"""What the demonstration sends, expects and sees: frozen values that the comparison works on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from nsw.connection import Receipt
from nsw.errors import Verdict
from nsw.identifiers import build_submission_id
from nsw.model import Format, Headers, Publication

#: Formats by agency, in order of preference.
Accepts = Mapping[str, Sequence[Format]]


@dataclass(frozen=True, slots=True)
class Expected:
    """
    What must come of one record.

    Attributes:
        codes: of all findings, sorted; a code stands as often as it is found.
        agencies: who gets the declaration, sorted.
        answered: False where no case can be known, so that nobody is answered.
    """

    verdict: Verdict
    codes: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()
    answered: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """
    One record before it is sent.

    Attributes:
        title: what it is, in a few words.
        form: the format that it is in, or looks like.
        answer_form: the format in which the party is answered.
        content: digest of what the document says, whatever its format; "" where nobody gets it.
    """

    title: str
    party: str
    publication: Publication
    form: Format
    answer_form: Format
    content: str
    expected: Expected

    @property
    def reference_number(self) -> str:
        """The record's key as text."""
        return (self.publication.key or b"").decode("ascii", "replace")


@dataclass(frozen=True, slots=True)
class Sent:
    """
    One record that stands in an inbox, without its value.

    Attributes:
        digest: lower-case hex SHA-256 of the value.
    """

    submission_id: str
    title: str
    party: str
    reference_number: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    digest: str
    headers: Headers
    form: Format
    answer_form: Format
    content: str
    expected: Expected


@dataclass(frozen=True, slots=True)
class SeenAnswer:
    """
    One record of a trader's outbox.

    Attributes:
        agency: "" where the window itself answers.
        codes: of the findings that a rejection lists, sorted.
        agencies: those that an acknowledgement lists, sorted.
        content: digest of what the document says.
    """

    party: str
    submission_id: str
    reference_number: str
    verdict: Verdict | None
    agency: str
    form: Format | None
    codes: tuple[str, ...]
    agencies: tuple[str, ...]
    content: str


@dataclass(frozen=True, slots=True)
class SeenDelivery:
    """
    One record of an agency's inbox.

    Attributes:
        digest: of the value as it came.
        original_digest: of the value as lodged, as the window says.
        content: digest of what the document says; "" where the format is the original's.
    """

    agency: str
    submission_id: str
    party: str
    reference_number: str
    form: Format | None
    digest: str
    original_digest: str
    content: str


@dataclass(frozen=True, slots=True)
class SeenLetter:
    """One dead letter: its reason, and the record as it stood in its origin."""

    submission_id: str
    code: str
    sender: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    digest: str
    headers: Headers


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """
    One event.

    Attributes:
        codes: the finding codes that it names, each once, sorted.
    """

    submission_id: str
    type: str
    codes: tuple[str, ...] = ()
    agencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Responded:
    """
    One response that a simulated agency published.

    Attributes:
        submission_id: of the declaration.
        response_id: submission id of the response itself.
        content: digest of what the response says.
    """

    agency: str
    submission_id: str
    response_id: str
    party: str
    reference_number: str
    status: str
    content: str


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that came out of the window, each in the order in which it came."""

    answers: Sequence[SeenAnswer] = ()
    deliveries: Sequence[SeenDelivery] = ()
    letters: Sequence[SeenLetter] = ()
    events: Sequence[SeenEvent] = ()

    @property
    def count(self) -> int:
        """How many records were seen."""
        return len(self.answers) + len(self.deliveries) + len(self.letters) + len(self.events)


@dataclass(frozen=True, slots=True)
class Happenings:
    """
    All that happened in a run.

    Attributes:
        accepts: the formats that each agency takes, the one it likes best first.
        strangers: whether records of others may stand in the same topics.
    """

    sent: Sequence[Sent]
    responded: Sequence[Responded]
    seen: Observations
    accepts: Accepts
    strangers: bool = False


def digest_of(value: bytes | None) -> str:
    """Give the lower-case hex SHA-256 of a record's value."""
    return sha256(value or b"").hexdigest()


def sent_of(draft: Draft, receipt: Receipt, cluster: str) -> Sent:
    """Note a draft that was confirmed; its submission id follows from its place in the log."""
    publication = draft.publication
    return Sent(
        submission_id=build_submission_id(cluster, receipt.topic, receipt.partition, receipt.offset),
        title=draft.title,
        party=draft.party,
        reference_number=draft.reference_number,
        topic=receipt.topic,
        partition=receipt.partition,
        offset=receipt.offset,
        key=publication.key,
        digest=digest_of(publication.value),
        headers=publication.headers,
        form=draft.form,
        answer_form=draft.answer_form,
        content=draft.content,
        expected=draft.expected,
    )
