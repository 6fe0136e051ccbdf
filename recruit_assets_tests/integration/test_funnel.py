"""RECRUIT_FUNNEL_ACTIONS on the real engines: exact after late events and other settings, by `materialize` alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.installation import Installation

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = {"attribution": "job_id,ed.jobId"}


@pytest.fixture
def own(engines: Settings, spark: SparkSession, tmp_path: Path) -> Iterator[Installation]:
    settings = fresh_names(engines)
    apply_schema(settings)
    seen_by(spark, settings, timeout_s=60)
    (tmp_path / "dagster").mkdir()
    yield Installation(settings, tmp_path)
    drop_everything(settings)


def send(own: Installation, *events: dict[str, object]) -> None:
    producer = open_producer(own.settings)
    for event in events:
        producer.send(own.settings.kafka_topic, as_bytes(event))
    producer.flush()
    producer.close()


def counted(own: Installation) -> list[tuple[object, ...]]:
    with open_report_database(own.settings) as database:
        return database.query(
            "SELECT HOUR(event_hour), job_id, publisher_id, action, events FROM funnel_actions ORDER BY 1, 2, 3, 4"
        )


def test_further_actions_are_counted_beside_the_report(own: Installation) -> None:
    on = own.with_settings(funnel_actions="hired,redirect", **RULES)
    on.run("schema apply")
    send(
        on,
        an_event(SEVEN, seed=1, custom_track="hired", job_id=1, publisher_id=4),
        an_event(SEVEN + MINUTE, seed=2, custom_track="hired", job_id=1, publisher_id=4),
        an_event(
            SEVEN, seed=3, custom_track="redirect", job_id=None, publisher_id=None, ed='{"jobId": 2, "publisherId": 5}'
        ),
        an_event(SEVEN, seed=4, custom_track="redirect", job_id=None, publisher_id=None),
        an_event(SEVEN, seed=5, custom_track="Hired", job_id=1),
        an_event(SEVEN, seed=6, custom_track="click", job_id=1),
        an_event(EIGHT, seed=7, custom_track="redirect", job_id=0, publisher_id=None),
    )

    on.run("materialize", "audit")

    seven = [(7, 1, 4, "hired", 2), (7, 2, 5, "redirect", 1)]
    assert counted(on) == [*seven, (8, 0, 0, "redirect", 1)]

    late = an_event(SEVEN + 2 * MINUTE, seed=8, custom_track="hired", job_id=1, publisher_id=4)
    send(on, late, late)
    assert "funnel_actions" in on.run("materialize", "audit")
    assert counted(on) == [(7, 1, 4, "hired", 3), (7, 2, 5, "redirect", 1), (8, 0, 0, "redirect", 1)]
    assert "funnel_actions" not in on.run("materialize"), "nothing is stale"

    other = own.with_settings(funnel_actions="hired", **RULES)
    other.run("materialize", "audit")
    assert counted(other) == [(7, 1, 4, "hired", 3)]
