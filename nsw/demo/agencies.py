"""Simulated agencies: each reads its inbox and answers what the demonstration's traders lodged."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import count
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from nsw import admin
from nsw.client import AgencyClient, Connection, Delivery
from nsw.demo.contents import content_digest
from nsw.demo.facts import Responded
from nsw.demo.stream import PROFILE
from nsw.documents import encode_document, identify
from nsw.errors import InvariantError
from nsw.identifiers import build_submission_id
from nsw.model import Format
from nsw.reference import Reference
from nsw.routing import Agency

RESPONSE_TYPE = "th.response"
_NAMESPACE = "urn:nsw:th:response:1"
_READY_SECONDS = 30.0
_BUDDHIST_YEARS = 543
_EXPORT = "1"


class Office:
    """
    Writes the responses of one agency.

    Customs accepts and gives declaration numbers; every second response of the others is a permit.
    """

    def __init__(self, agency: Agency, reference: Reference) -> None:
        self._agency = agency
        self._reference = reference
        self._time_zone = reference.window.time_zone
        self._numbers = count(1)

    def respond(self, delivery: Delivery) -> tuple[str, Format, bytes, str]:
        """
        Decide about a delivery.

        Returns:
            The status, the response's format and bytes, and the digest of what it says. The format is the
            delivery's, which is one that the agency takes.
        """
        number = next(self._numbers)
        at = (delivery.lodged_at or datetime.fromtimestamp(0, ZoneInfo("UTC"))).astimezone(self._time_zone)
        status, particulars = self._decide(number, at)
        fields = {
            "FunctionCode": "11",
            "FunctionalReferenceID": delivery.reference_number,
            "ResponseID": f"{self._agency.code}-{at.year + _BUDDHIST_YEARS}-{number:06}",
            "IssueDateTime": at.isoformat(timespec="seconds"),
            "AgencyCode": self._agency.code,
            "StatusCode": status,
        }
        xml = f'<Response xmlns="{_NAMESPACE}">{_elements(fields)}{particulars}</Response>'.encode()
        document = identify(xml, at.date(), self._reference.catalogue, self._reference.limits.xml)
        form = delivery.format or Format.XML
        return (
            status,
            form,
            encode_document(document.message_type, document.root, form),
            content_digest(document),
        )

    def _decide(self, number: int, at: datetime) -> tuple[str, str]:
        if self._agency.lead:
            return "accepted", _elements({"DeclarationNumber": declaration_number(number, at)})
        if number % 2:
            return "received", _elements({"EnglishDescription": "Received.", "ThaiDescription": "ได้รับแล้ว"})
        permit = {
            "PermitID": f"{self._agency.code}-{at.year + _BUDDHIST_YEARS}-{number:06}",
            "PermitIssueDate": f"{at:%Y%m%d}",
        }
        return "permit-issued", f"<Permit>{_elements(permit)}</Permit>"


def declaration_number(number: int, at: datetime) -> str:
    """
    Write a declaration number of customs.

    Source:
        Thai Customs e-Export manual: XXDDTYYMMNNNNN, that is a letter and a digit that roll on, the day, the document
        type, two digits of the Buddhist year, the month, and a running number.
    """
    roll, running = divmod(number, 100_000)
    year = (at.year + _BUDDHIST_YEARS) % 100
    return f"A{roll % 10}{at:%d}{_EXPORT}{year:02}{at:%m}{running:05}"


def _elements(fields: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())


class SimulatedAgency:
    """
    One agency's system, in a thread of its own: reads the inbox from where it ends, and responds to each delivery.

    Deliveries of others than the demonstration's traders are left alone.
    """

    def __init__(
        self,
        connection: Connection,
        office: Office,
        code: str,
        cluster: str,
        tell: Callable[[Responded], None],
    ) -> None:
        self._connection = connection
        self._office = office
        self._code = code
        self._cluster = cluster
        self._tell = tell
        self._ready = threading.Event()
        self._ended = threading.Event()
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"demo-agency-{code}", daemon=True)
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Wait until it reads: what is delivered from now on is answered."""
        if not self._ready.wait(_READY_SECONDS):
            raise InvariantError(f"the simulated agency {self._code} did not begin to read")

    def stop(self) -> None:
        """Tell it to end, without waiting."""
        self._ended.set()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(_READY_SECONDS)

    def _run(self) -> None:
        try:
            with AgencyClient(self._connection, self._code) as client:
                deliveries = client.deliveries(follow=True, from_end=True, stop=self._ended.is_set)
                self._ready.set()
                for delivery in deliveries:
                    if delivery.reference_number.startswith(PROFILE):
                        self._tell(self._respond(client, delivery))
        except Exception as error:  # noqa: BLE001 - raised again in the main thread
            self.failure = error
        self._ready.set()

    def _respond(self, client: AgencyClient, delivery: Delivery) -> Responded:
        status, form, response, content = self._office.respond(delivery)
        receipt = client.respond(delivery, response, form)
        return Responded(
            agency=self._code,
            submission_id=delivery.submission_id,
            response_id=build_submission_id(self._cluster, receipt.topic, receipt.partition, receipt.offset),
            party=delivery.party,
            reference_number=delivery.reference_number,
            status=status,
            content=content,
        )


class Agencies:
    """All simulated agencies; each begins when the first declaration for it is about to be lodged."""

    def __init__(self, connection: Connection, reference: Reference) -> None:
        self._connection = connection
        self._reference = reference
        self._cluster = admin.cluster_id(connection)
        self._by_code: dict[str, SimulatedAgency] = {}
        self._responded: list[Responded] = []

    @property
    def responded(self) -> tuple[Responded, ...]:
        """What they published until now."""
        return tuple(self._responded)

    def begin(self, codes: Iterable[str]) -> None:
        """Let these agencies read, if they do not yet."""
        agencies = self._reference.tables.agencies
        new: dict[str, SimulatedAgency] = {
            agency.code: SimulatedAgency(
                self._connection,
                Office(agency, self._reference),
                agency.code,
                self._cluster,
                self._responded.append,
            )
            for agency in agencies.values()
            if agency.code in set(codes) - set(self._by_code)
        }
        self._by_code.update(new)
        for each in new.values():
            each.wait_until_ready()
        self.check()

    def check(self) -> None:
        """
        Tell whether all still read.

        Raises:
            NswError: what ended one of them.
        """
        for each in self._by_code.values():
            if each.failure is not None:
                raise each.failure

    def stop(self) -> None:
        """End all of them."""
        for each in self._by_code.values():
            each.stop()
        for each in self._by_code.values():
            each.join()
