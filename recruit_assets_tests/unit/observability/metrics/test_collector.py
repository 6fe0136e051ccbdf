"""A scrape works while stores fail, hang or come back."""

from collections.abc import Callable, Iterator, Sequence
from threading import Event

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily

from recruit_assets.observability.metrics.collector import PlatformCollector
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets_tests.support.waiting import wait_until

Read = Callable[[], Sequence[Metric]]


class AStore:
    """A source whose behaviour a test sets."""

    def __init__(self, store: str, read: Read) -> None:
        self.store, self.read, self.closed = store, read, 0

    def close(self) -> None:
        self.closed += 1


def seven() -> Sequence[Metric]:
    return [GaugeMetricFamily("recruit_something", "What is seven", value=7)]


def down() -> Sequence[Metric]:
    raise StoreUnavailable("nobody listens")


@pytest.fixture
def hold() -> Iterator[Event]:
    """The event that a hanging store waits for."""
    event = Event()
    yield event
    event.set()


def registry_of(*stores: AStore) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(PlatformCollector(stores, timeout_s=0.2))
    return registry


def up(registry: CollectorRegistry, store: str) -> float | None:
    return registry.get_sample_value("recruit_up", {"store": store})


def test_a_store_that_is_down_costs_only_its_own_metrics() -> None:
    broken = AStore("kafka", down)

    registry = registry_of(broken, AStore("mysql", seven))

    assert (up(registry, "kafka"), up(registry, "mysql")) == (0, 1)
    assert registry.get_sample_value("recruit_something") == 7
    assert broken.closed > 0


def test_a_hanging_store_is_down_and_not_read_again_until_it_answers(hold: Event) -> None:
    asked = []

    def hang() -> Sequence[Metric]:
        asked.append(1)
        hold.wait(10)
        return seven()

    registry = registry_of(AStore("mysql", hang))

    assert (up(registry, "mysql"), up(registry, "mysql")) == (0, 0)
    assert len(asked) == 1
    hold.set()
    wait_until(lambda: up(registry, "mysql") == 1, 5)


def test_a_store_that_comes_back_is_up_again() -> None:
    store = AStore("cassandra", down)
    registry = registry_of(store)

    assert up(registry, "cassandra") == 0
    store.read = seven
    assert up(registry, "cassandra") == 1


def test_the_reason_for_a_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    registry = registry_of(AStore("kafka", down))

    for _ in range(3):
        up(registry, "kafka")

    assert [record.message for record in caplog.records] == ["nobody listens"]
