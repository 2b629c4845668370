"""What librdkafka logs, brought into our log without its floods."""

import logging

_QUIET_SECONDS = 10.0


class FloodFilter(logging.Filter):
    """
    Lets one line through per kind of event and client in ten seconds.

    While a broker is away, each client logs every attempt to connect: about twenty lines a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until: dict[tuple[str, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the line is the first of its kind for a while."""
        # A line begins with the event's name and the client's: "FAIL [rdkafka#consumer-2] ...".
        kind = tuple(record.getMessage().split(" ", 2)[:2])
        if record.created < self._quiet_until.get(kind, 0.0):
            return False
        self._quiet_until[kind] = record.created + _QUIET_SECONDS
        return True


client_log = logging.getLogger("nsw.librdkafka")
client_log.addFilter(FloodFilter())
