"""A Prometheus collector whose every scrape asks all stores at once and waits for none of them longer than it may.

Belongs here: time-outs, and turning a store that doesn't answer into `recruit_up 0`. Not here: what a store is asked
(`sources`).
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from recruit_assets.runtime.errors import RecruitError

TIMEOUT_S = 5.0
"""Below Prometheus's own of 10 s, so that one silent store doesn't cost the figures of the others."""

log = logging.getLogger(__name__)


class Source(Protocol):
    """A store that is asked for figures, by one thread at a time."""

    @property
    def store(self) -> str:
        """Its name in labels."""

    def read(self) -> Sequence[Metric]:
        """Its figures now, RecruitError when it can't say; connects where that is needed."""

    def close(self) -> None:
        """Drop connections; the next reading opens others."""


class PlatformCollector(Collector):
    """Reads every source per scrape. One that is still busy with an earlier scrape is down, and isn't asked again."""

    def __init__(self, sources: Sequence[Source], *, timeout_s: float = TIMEOUT_S) -> None:
        self._asked = {source.store: _Asked(source) for source in sources}
        self._timeout_s = timeout_s

    def collect(self) -> Iterator[Metric]:
        """What the stores that answered in time say, and which did."""
        up = GaugeMetricFamily("recruit_up", "Whether the store answered this scrape in time", labels=["store"])
        duration = GaugeMetricFamily(
            "recruit_scrape_duration_seconds", "How long the store's figures took", labels=["store"]
        )
        deadline = monotonic() + self._timeout_s
        for asked in self._asked.values():
            asked.begin()
        for store, asked in self._asked.items():
            found = asked.answer(deadline - monotonic())
            up.add_metric([store], float(found is not None))
            if found is not None:
                duration.add_metric([store], found.seconds)
                yield from found.metrics
        yield up
        yield duration

    def close(self) -> None:
        """Drop every connection that isn't in use."""
        for asked in self._asked.values():
            asked.close()


class _Answer:
    def __init__(self, metrics: Sequence[Metric], seconds: float) -> None:
        self.metrics, self.seconds = metrics, seconds


class _Asked:
    """A source with a thread of its own, so that it can't hold up another."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=source.store)
        self._reading: Future[_Answer] | None = None
        self._why_down = ""

    def begin(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = self._thread.submit(self._read)

    def answer(self, timeout_s: float) -> _Answer | None:
        """None where it fails or is late; why is logged once, until it changes."""
        if self._reading is None:
            return None
        try:
            found = self._reading.result(max(0.0, timeout_s))
        except TimeoutError:
            self._note(f"{self._source.store} is late")
            return None
        except RecruitError as error:
            self._note(str(error))
            return None
        self._note("")
        return found

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self._reading is None or self._reading.done():
            self._source.close()

    def _read(self) -> _Answer:
        started = monotonic()
        try:
            return _Answer(self._source.read(), monotonic() - started)
        except RecruitError:
            self._source.close()
            raise

    def _note(self, why_down: str) -> None:
        if why_down and why_down != self._why_down:
            log.warning("%s", why_down)
        self._why_down = why_down
