"""Stops ingest when records keep failing with internal errors: then ingest is broken, not the records.

Without it, a bad version of ingest would turn the whole topic into dead letters.
"""

import logging
import traceback

from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.stores.kafka.record import Record, place_of

log = logging.getLogger(__name__)

MAX_FAILURES = 100
"""So many in a row stop ingest, and so many in one micro-batch if they are more than half of it."""


class Breaker:
    """Counts failed records, across micro-batches. A failure is logged once per class of error and micro-batch."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._last = -1
        """Position of the last failure in this micro-batch; -1 is the last record of the one before."""
        self._failed: list[str] = []

    def add(self, error: Exception, record: Record, *, position: int) -> None:
        """Count this failed record; Inconsistent if it is one too many in a row."""
        name = error_name(error)
        if name not in self._failed:
            # without the error's message, which may contain the record's data
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s fails with an internal error, a bug: %s\n%s", place_of(record), name, frames)
        self._failed.append(name)
        self._in_a_row = self._in_a_row + 1 if position == self._last + 1 else 1
        self._last = position
        if self._in_a_row >= MAX_FAILURES:
            raise _broken(f"{self._in_a_row} records in a row, up to {place_of(record)},", name)

    def end_micro_batch(self, records: int) -> None:
        """Inconsistent if most of this number of records failed."""
        failed, self._failed = self._failed, []
        self._last -= records
        if len(failed) >= MAX_FAILURES and len(failed) * 2 > records:
            raise _broken(f"{len(failed)} of {records} records", failed[-1])


def error_name(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _broken(which: str, name: str) -> Inconsistent:
    return Inconsistent(
        f"{which} failed with an internal error, the last with {name}; the log has its place in the code. Nothing of "
        "this micro-batch was committed or became a dead letter. Run a version of ingest that can read these records"
    )
