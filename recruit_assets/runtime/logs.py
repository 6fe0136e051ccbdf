"""How a process of ours logs: a line per event on stderr, and of client libraries only errors, without tracebacks.

Belongs here: levels and format. Not here: what is logged, how an error ends a command (`cli`).
"""

import logging
import sys
import time

CLIENTS = ("kafka", "cassandra", "py4j", "alembic")
UNHEARD = ("kafka.cluster", "cassandra.cluster")
"""What these tell as errors, our own tell too, or it is none: a refresh that was cancelled by closing, for one."""
ATTEMPTS = "kafka.net."
"""Tells each attempt to connect, several a second. A service that lost its broker says so once a minute; a command that
finds none has ended by FIRST_ATTEMPTS_S with an error of our own."""
FIRST_ATTEMPTS_S = 15.0
ATTEMPTS_EVERY_S = 60.0


def configure_logs(process: str = "%(name)s") -> None:
    """To be called once, by a process's main; `process` names it in every line, by default the logger."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_without_tracebacks_of_clients)
    handler.addFilter(_Attempts().are_worth_a_line)
    logging.basicConfig(
        level=logging.INFO, format=f"%(asctime)s %(levelname)s {process}: %(message)s", handlers=[handler]
    )
    for client in CLIENTS:
        logging.getLogger(client).setLevel(logging.ERROR)
    for client in UNHEARD:
        logging.getLogger(client).setLevel(logging.CRITICAL)


class _Attempts:
    """Which of a client's lines about its attempts to connect are shown."""

    def __init__(self) -> None:
        self._next_s = time.monotonic() + FIRST_ATTEMPTS_S

    def are_worth_a_line(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(ATTEMPTS):
            return True
        if time.monotonic() < self._next_s:
            return False
        self._next_s = time.monotonic() + ATTEMPTS_EVERY_S
        return True


def _without_tracebacks_of_clients(record: logging.LogRecord) -> bool:
    """A store that is down isn't a defect: our own error says what and where, in one line."""
    if record.name.partition(".")[0] in CLIENTS:
        record.exc_info = record.exc_text = None
    return True
