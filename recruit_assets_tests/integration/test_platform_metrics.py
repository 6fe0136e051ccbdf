"""The platform's metrics over HTTP, as Prometheus reads them, from the real engines."""

from collections.abc import Iterator
from urllib.request import urlopen

import dagster as dg
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from recruit_assets.defs.checks.mysql_report import counts_every_event
from recruit_assets.hours.change_feed import read_feed
from recruit_assets.ingest.service import drain
from recruit_assets.observability.metrics import PlatformCollector, platform_sources
from recruit_assets.runtime.metrics_server import serve_metrics
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets_tests.support.builders import an_event, as_bytes

Samples = dict[str, float]
TWO_EVENTS_OF_FOUR = [as_bytes(an_event(seed=1)), b"{", as_bytes(an_event(seed=2)), b""]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@dg.job(name="hours_job")
def job_that_does_nothing() -> None:
    """A replacement with the real job's name."""


class Endpoint:
    """Serves the metrics of these stores."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        sources = platform_sources(settings, instance, jobs=["hours_job"], checks=[counts_every_event.key])
        self._collector, registry = PlatformCollector(sources, timeout_s=30), CollectorRegistry()
        registry.register(self._collector)
        self._port = serve_metrics(registry, "127.0.0.1:0")

    def scrape(self) -> Samples:
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=60) as response:
            families = text_string_to_metric_families(response.read().decode())
        return {
            sample.name + "".join(f"/{value}" for value in sample.labels.values()): sample.value
            for family in families
            for sample in family.samples
        }

    def close(self) -> None:
        self._collector.close()


def publish(settings: Settings, *values: bytes) -> None:
    with open_publisher(settings) as publisher:
        publisher.send(values)
        publisher.finish()


def lag(samples: Samples) -> float:
    return sum(value for name, value in samples.items() if name.startswith("recruit_kafka_lag_records/"))


def test_the_metrics_follow_what_happens_in_the_stores(settings: Settings, instance: dg.DagsterInstance) -> None:
    endpoint = Endpoint(settings, instance)
    publish(settings, *TWO_EVENTS_OF_FOUR)

    before = endpoint.scrape()
    drain(settings)
    with open_session(settings) as session, open_report_database(settings) as database:
        read_feed(ChangeReader(session), PendingHours(database))
    publish(settings, b"[]")
    drain(settings)
    job_that_does_nothing.execute_in_process(instance=instance)
    after = endpoint.scrape()
    endpoint.close()

    assert {before[f"recruit_up/{store}"] for store in ("kafka", "cassandra", "mysql", "dagster")} == {1}
    assert (lag(before), lag(after)) == (4, 0)
    assert 0 < before["recruit_kafka_lag_age_seconds"] == before["recruit_report_freshness_seconds"] < 60
    assert (after["recruit_kafka_lag_age_seconds"], after["recruit_kafka_committed_records_total"]) == (0, 5)
    assert before["recruit_dead_letters_total/not_json"] == 0
    letters = {reason: after[f"recruit_dead_letters_total/{reason}"] for reason in ("not_json", "empty", "not_object")}
    assert letters == {"not_json": 1, "empty": 1, "not_object": 1}
    assert (before["recruit_pending_partitions"], after["recruit_pending_partitions"]) == (0, 1)
    assert 0 < after["recruit_report_freshness_seconds"] < 60
    assert after["recruit_last_run_success/hours_job"] == 1
    assert abs(after["recruit_cassandra_clock_offset_seconds"]) < 1


def test_an_unreachable_store_is_down_and_the_others_are_still_read(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    endpoint = Endpoint(load_settings(**settings.model_dump() | {"mysql_port": 1}), instance)

    samples = endpoint.scrape()
    endpoint.close()

    up = {name.removeprefix("recruit_up/"): value for name, value in samples.items() if name.startswith("recruit_up/")}
    assert up == {"kafka": 1, "cassandra": 1, "mysql": 0, "dagster": 1}
    assert "recruit_pending_partitions" not in samples
    assert "recruit_report_freshness_seconds" not in samples
