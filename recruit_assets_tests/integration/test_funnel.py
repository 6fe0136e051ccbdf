"""RECRUIT_FUNNEL_ACTIONS on the real engines: exact after late events and other settings, by `materialize` alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from recruit_assets.hours.downstream import downstream_of
from recruit_assets.observability.audit.run import run_audit
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.downstream import StaleHour, stale_hours
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.installation import Installation

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
IN_EVENT_DATA = '{"jobId": 2, "publisherId": 5}'
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
    """What was counted in the hours that this file sends events of."""
    with open_report_database(own.settings) as database:
        return database.query(
            "SELECT HOUR(event_hour), job_id, publisher_id, action, events FROM funnel_actions "
            "WHERE event_hour < '2026-01-06' ORDER BY 1, 2, 3, 4"
        )


def test_further_actions_are_counted_exactly_beside_the_report(own: Installation) -> None:
    on = own.with_settings(funnel_actions="redirect,hired", **RULES)
    simulate = "simulate --events 2000 --further-share 0.3 --late-share 0.1 --late-hours 3 --ledger ledger.json"
    assert "ledger: funnel_actions" in on.run("schema apply", simulate, "materialize", "audit --ledger ledger.json")
    hired = an_event(SEVEN + 2 * MINUTE, seed=8, custom_track="hired", job_id=1, publisher_id=4)

    send(
        on,
        an_event(SEVEN, seed=1, custom_track="hired", job_id=1, publisher_id=4),
        an_event(SEVEN + MINUTE, seed=2, custom_track="hired", job_id=1, publisher_id=4),
        an_event(SEVEN, seed=3, custom_track="redirect", job_id=None, publisher_id=None, ed=IN_EVENT_DATA),
        an_event(SEVEN, seed=4, custom_track="redirect", job_id=None, publisher_id=None),
        an_event(SEVEN, seed=5, custom_track="Hired", job_id=1),
        an_event(SEVEN, seed=6, custom_track="click", job_id=1),
        an_event(EIGHT, seed=7, custom_track="redirect", job_id=0, publisher_id=None),
        hired,
        hired,
    )
    on.run("materialize")
    made = versions(on)
    on.run("materialize", "audit")

    assert counted(on) == [(7, 1, 4, "hired", 3), (7, 2, 5, "redirect", 1), (8, 0, 0, "redirect", 1)]
    assert versions(on) == made, "nothing was stale"
    other = own.with_settings(funnel_actions="hired", **RULES)
    assert len(stale(other)) > len(stale(on)) == 0
    with open_report_database(own.settings) as database:
        database.query("UPDATE funnel_actions SET events = events + 1 WHERE action = 'hired' LIMIT 1")
    assert [one.rule for one in run_audit(on.settings).results if one.differences] == ["funnel_actions"]


def versions(own: Installation) -> list[tuple[object, ...]]:
    """Which run each hour was made by."""
    with open_report_database(own.settings) as database:
        return database.query("SELECT event_hour, run_id FROM funnel_actions_hours ORDER BY 1")


def stale(own: Installation) -> list[StaleHour]:
    (funnel,) = downstream_of(own.settings)
    with open_report_database(own.settings) as database:
        return stale_hours(database, funnel)
