"""A real Kafka and a real schema registry on this machine, from pinned files and whatever Java is here."""

from nsw.embedded.broker import BrokerSettings, EmbeddedBroker
from nsw.embedded.cache import default_cache_folder
from nsw.embedded.cluster import ClusterSettings, EmbeddedCluster
from nsw.embedded.errors import BrokerTrouble, EmbeddedBrokerError
from nsw.embedded.jars import FetchProgress
from nsw.embedded.properties import Listener
from nsw.embedded.registry import EmbeddedRegistry, RegistrySettings
from nsw.embedded.runtime import KafkaRuntime, prepare_runtime

__all__ = [
    "BrokerSettings",
    "BrokerTrouble",
    "ClusterSettings",
    "EmbeddedBroker",
    "EmbeddedBrokerError",
    "EmbeddedCluster",
    "EmbeddedRegistry",
    "FetchProgress",
    "KafkaRuntime",
    "Listener",
    "RegistrySettings",
    "default_cache_folder",
    "prepare_runtime",
]
