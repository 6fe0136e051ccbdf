"""Logging setup: one line per event on stderr; of client libraries only errors, without tracebacks."""

import logging
import sys
import time
from types import TracebackType

from recruit_assets.runtime.foreign_text import printable

CLIENTS = ("kafka", "cassandra", "py4j", "alembic")
SILENCED = ("kafka.cluster", "cassandra.cluster")
"""Their errors are either reported by our own exceptions too, or harmless (a refresh cancelled by closing)."""
CONNECTION_LOGGERS = "kafka.net."
"""These log every attempt to connect, several per second. We show one per minute, and none in the first seconds, in
which a command that finds no broker ends with its own error."""
FIRST_ATTEMPTS_S = 15.0
ATTEMPTS_EVERY_S = 60.0


def configure_logs(process: str = "%(name)s") -> None:
    """Call once, in a process's main function; `process` is the name shown in each line, by default the logger's."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_without_tracebacks_of_clients)
    handler.addFilter(_ConnectionAttempts().should_log)
    handler.setFormatter(_OneLine(f"%(asctime)s %(levelname)s {process}: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for client in CLIENTS:
        logging.getLogger(client).setLevel(logging.ERROR)
    for client in SILENCED:
        logging.getLogger(client).setLevel(logging.CRITICAL)


_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _OneLine(logging.Formatter):
    """A message is one line, whatever it quotes of others: nothing in it can pass for another line of the log."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        return printable(super().formatMessage(record))

    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802
        return printable(super().formatException(ei), keep="\n")


class _ConnectionAttempts:
    """Limits how often attempts to connect are logged."""

    def __init__(self) -> None:
        self._next_s = time.monotonic() + FIRST_ATTEMPTS_S

    def should_log(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(CONNECTION_LOGGERS):
            return True
        if time.monotonic() < self._next_s:
            return False
        self._next_s = time.monotonic() + ATTEMPTS_EVERY_S
        return True


def _without_tracebacks_of_clients(record: logging.LogRecord) -> bool:
    """A store that is down isn't a bug in our code, and our own error names it."""
    if record.name.partition(".")[0] in CLIENTS:
        record.exc_info = record.exc_text = None
    return True
