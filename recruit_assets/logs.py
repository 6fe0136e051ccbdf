"""How a process of ours logs: a line per event on stderr, and of client libraries only errors, without tracebacks.

Belongs here: levels and format. Not here: what is logged, how an error ends a command (`cli`).
"""

import logging
import sys

CLIENTS = ("kafka", "cassandra", "py4j", "alembic")
ATTEMPTS = ("kafka.net", "kafka.cluster", "cassandra.cluster")
"""Tell each of many attempts to connect, and a cancelled one as an error; what becomes of them, our own errors tell."""


def configure_logs(process: str = "%(name)s") -> None:
    """To be called once, by a process's main; `process` names it in every line, by default the logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_without_tracebacks_of_clients)
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s %(levelname)s {process}: %(message)s", handlers=[handler]
    )
    for client in CLIENTS:
        logging.getLogger(client).setLevel(logging.ERROR)
    for client in ATTEMPTS:
        logging.getLogger(client).setLevel(logging.CRITICAL)


def _without_tracebacks_of_clients(record: logging.LogRecord) -> bool:
    """A store that is down isn't a defect: our own error says what and where, in one line."""
    if record.name.partition(".")[0] in CLIENTS:
        record.exc_info = record.exc_text = None
    return True
