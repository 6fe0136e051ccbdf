"""A Prometheus collector that reads all stores in parallel at each scrape, with a time-out.

A store that doesn't answer becomes `recruit_up 0`.
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import NamedTuple, Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from recruit_assets.observability.metrics.families import freshness
from recruit_assets.runtime.errors import RecruitError

TIMEOUT_S = 5.0
"""Below Prometheus's own 10 s, so that one slow store doesn't cost the metrics of the others."""

log = logging.getLogger(__name__)


class Source(Protocol):
    """A store to read metrics from. Only one thread uses it at a time."""

    @property
    def store(self) -> str:
        """The store's name in labels."""

    def read(self) -> Sequence[Metric]:
        """The current metrics. Connects if needed; RecruitError if the store fails."""

    def close(self) -> None:
        """Close the connections; the next `read` opens new ones."""


class PlatformCollector(Collector):
    """Reads every source at each scrape. One that is still busy with an earlier scrape counts as down."""

    def __init__(self, sources: Sequence[Source], *, timeout_s: float = TIMEOUT_S) -> None:
        self._readers = {source.store: _Reader(source) for source in sources}
        self._timeout_s = timeout_s

    def collect(self) -> Iterator[Metric]:
        """The metrics of the stores that answered in time, what follows from several of them, and which stores did."""
        up = GaugeMetricFamily("recruit_up", "Whether the store answered this scrape in time", labels=["store"])
        duration = GaugeMetricFamily(
            "recruit_scrape_duration_seconds", "How long reading the store took", labels=["store"]
        )
        metrics: list[Metric] = []
        deadline = monotonic() + self._timeout_s
        for reader in self._readers.values():
            reader.begin()
        for store, reader in self._readers.items():
            found = reader.result(deadline - monotonic())
            up.add_metric([store], float(found is not None))
            if found is not None:
                duration.add_metric([store], found.seconds)
                metrics += found.metrics
        yield from metrics
        yield freshness(metrics)
        yield up
        yield duration

    def close(self) -> None:
        """Close every connection that isn't in use."""
        for reader in self._readers.values():
            reader.close()


class _Answer(NamedTuple):
    metrics: Sequence[Metric]
    seconds: float


class _Reader:
    """A source with its own thread, so that it can't delay another."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=source.store)
        self._reading: Future[_Answer] | None = None
        self._why_down = ""

    def begin(self) -> None:
        if self._reading is None or self._reading.done():
            self._reading = self._thread.submit(self._read)

    def result(self, timeout_s: float) -> _Answer | None:
        """None if the read fails or is late. The reason is logged once, until it changes."""
        if self._reading is None:
            return None
        try:
            found = self._reading.result(max(0.0, timeout_s))
        except TimeoutError:
            self._note(f"{self._source.store} didn't answer in time")
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
