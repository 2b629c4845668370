"""A warden, started by a worker: ``python -m nsw.quarantine FILE-DESCRIPTOR``."""

import sys
from multiprocessing.connection import Connection

from nsw.errors import ConfigError
from nsw.quarantine.warden import serve

if __name__ == "__main__":
    try:
        serve(Connection(int(sys.argv[1])))
    except ConfigError as error:
        sys.exit(str(error))
