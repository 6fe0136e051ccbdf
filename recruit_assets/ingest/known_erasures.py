"""The erasures that an ingest process knows. They are read so often that `privacy erase` only waits for seconds."""

import time
from collections.abc import Callable

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from recruit_assets.ingest.writer import BACKOFF_MAX_S, GIVE_UP_S, Writes
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.transforms.erasure import ErasedPeople
from recruit_assets.transforms.privacy import Privacy

MAX_AGE_S = 5
"""No record is converted with older knowledge."""
OVERLAP_MS = 600_000
"""Clocks of Cassandra's nodes, which the times of erasures come from, differ by less."""


class KnownErasures:
    """Reads all erasures once, then only new ones."""

    def __init__(self, writes: Writes, privacy: Privacy, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._writes = writes
        self._clock = clock
        self._people = ErasedPeople(privacy)
        self._read_at = float("-inf")

    def current(self) -> ErasedPeople:
        """What was stored MAX_AGE_S ago, at least; StoreUnavailable if Cassandra doesn't answer for minutes."""
        if self._clock() - self._read_at > MAX_AGE_S:
            now = self._clock()
            tries = Retrying(
                retry=retry_if_exception_type(StoreUnavailable),
                stop=stop_after_delay(GIVE_UP_S),
                wait=wait_random_exponential(multiplier=0.1, max=BACKOFF_MAX_S),
                reraise=True,
            )
            tries(self._read)
            self._read_at = now
        return self._people

    def _read(self) -> None:
        self._people.add(self._writes.erasures(after_ms=max(0, self._people.newest_ms - OVERLAP_MS)))
