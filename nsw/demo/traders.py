"""The invented traders: each lodges with the client library, and where that refuses, as a careless program would."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from nsw.client import Connection, TraderClient
from nsw.connection import Publisher, Receipt
from nsw.demo.facts import Draft, Sent, sent_of


class Traders:
    """
    The connections of all traders.

    Args:
        cluster: the Kafka cluster's id.
    """

    def __init__(self, connection: Connection, parties: Iterable[str], cluster: str) -> None:
        self._client_by_party = {party: TraderClient(connection, party) for party in parties}
        self._careless = Publisher(connection)
        self._cluster = cluster

    def lodge(self, draft: Draft) -> Sent:
        """
        Publish one record and wait for the confirmation.

        Raises:
            BrokerUnavailableError: not confirmed.
        """
        return sent_of(draft, self._publish(draft), self._cluster)

    def _publish(self, draft: Draft) -> Receipt:
        publication = draft.publication
        if publication.headers or not publication.value or not publication.key:
            return self._careless.publish(publication)
        return self._client_by_party[draft.party].publish(publication.value, publication.key.decode())

    def close(self) -> None:
        """Let go of all connections."""
        for each in self._client_by_party.values():
            each.close()
        self._careless.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
