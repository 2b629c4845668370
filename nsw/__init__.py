"""An event-driven National Single Window message broker on Kafka."""

from importlib.metadata import version

__version__ = version("nsw")
