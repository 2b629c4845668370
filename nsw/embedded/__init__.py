"""A real Kafka on this machine: one node in a folder, from pinned jars and whatever Java is here."""

from nsw.embedded.broker import BrokerSettings, EmbeddedBroker
from nsw.embedded.cache import default_cache_folder
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.jars import FetchProgress
from nsw.embedded.properties import Listener
from nsw.embedded.runtime import KafkaRuntime, prepare_runtime

__all__ = [
    "BrokerSettings",
    "BrokerTrouble",
    "EmbeddedBroker",
    "EmbeddedBrokerError",
    "FetchProgress",
    "KafkaRuntime",
    "Listener",
    "default_cache_folder",
    "prepare_runtime",
]
