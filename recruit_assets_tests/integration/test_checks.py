"""The asset checks on the real graph: they pass on correct data, fail on tampered data, and stop the report."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg
import pytest

from recruit_assets.definitions import build_defs
from recruit_assets.defs.checks import CHECK_KEYS, hourly_job_metrics
from recruit_assets.defs.checks.mysql_report import holds_what_it_recorded
from recruit_assets.defs.checks.verdict import Finding
from recruit_assets.defs.runs import range_tags
from recruit_assets.hours.planning import HOUR, HourRange
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.check_reads import Bucket, read_buckets, recorded_in_hour_coverage
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.history import last_checks
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.wrong_hours import WrongHours, checks_with_wrong_hours
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.support.builders import an_event, as_bytes

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
RANGE = range_tags(HourRange(SEVEN, SEVEN + HOUR))
ALONE: Mapping[str, str] = {}
"""The tags of a run of checks that a person starts in the UI."""
LINEAGE = dg.AssetSelection.assets("raw_events", "filtered_events", "hourly_job_metrics", "mysql_report")
HOURLY = LINEAGE - dg.AssetSelection.assets("raw_events")
CLICKS = 20

Outcome = tuple[bool, object, object]
"""Passed, expected, found."""


@pytest.fixture
def one_bucket(settings: Settings, frames: CassandraFrames) -> Iterator[CassandraSession]:
    """A session of a keyspace in which an hour is one bucket, so that checks that sample buckets read all of it."""
    with open_session(settings) as session:
        session.execute(
            f"INSERT INTO {session.keyspace}.bucket_layout (valid_from_hour, slices, shards) VALUES (%s, 1, 1)",
            (settings.first_hour,),
        )
        yield session


def send_clicks(settings: Settings) -> None:
    """Send 20 clicks of one job, and a record that is rejected."""
    producer = open_producer(settings)
    for seed in range(CLICKS):
        producer.send(settings.kafka_topic, as_bytes(an_event(SEVEN, seed=seed)))
    producer.send(settings.kafka_topic, b"{")
    producer.flush()
    producer.close()


def run(
    settings: Settings, selection: dg.AssetSelection, instance: dg.DagsterInstance, *, tags: Mapping[str, str] = RANGE
) -> dg.ExecuteInProcessResult:
    """Execute the selection, for two hours without other tags."""
    selected = dg.Definitions(jobs=[dg.define_asset_job("selected", selection=selection)])
    job = dg.Definitions.merge(build_defs(settings=settings), selected).resolve_job_def("selected")
    return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def count(shown: dg.MetadataValue) -> int:
    return int(str(shown.value).replace(",", ""))


def outcomes(result: dg.ExecuteInProcessResult) -> dict[str, Outcome]:
    return {
        f"{one.asset_key.path[-1]}/{one.check_name}": (
            one.passed,
            count(one.metadata["expected"]),
            count(one.metadata["found"]),
        )
        for one in result.get_asset_check_evaluations()
    }


def tamper(session: CassandraSession, settings: Settings) -> None:
    """Change the stores so that each check finds a difference."""
    keys = session.execute(f"SELECT event_hour, bucket, create_time FROM {session.keyspace}.filtered_events")
    where = "WHERE event_hour = %s AND bucket = %s AND create_time = %s"
    session.execute(f"UPDATE {session.keyspace}.filtered_events SET action = 'click' {where}", keys[0])
    session.execute(f"DELETE FROM {session.keyspace}.raw_events {where}", keys[1])
    session.execute(
        f"UPDATE {session.keyspace}.hour_coverage SET event_count = 19 WHERE event_hour = %s AND stage = %s",
        (SEVEN, "hourly_job_metrics"),
    )
    with open_report_database(settings) as database:
        database.query("UPDATE mysql_report SET clicks = clicks + 3")
        database.query("UPDATE report_hours SET event_count = 22 WHERE event_hour = '2026-01-05 07:00:00'")
    send_clicks(settings)


def test_checks_pass_on_correct_data_and_fail_on_tampered_data(
    settings: Settings, one_bucket: CassandraSession
) -> None:
    send_clicks(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(settings, LINEAGE, instance)
        assert result.success
        assert outcomes(result) == {
            "raw_events/every_record_became_something": (True, CLICKS + 1, CLICKS + 1),
            "raw_events/nothing_left_in_kafka": (True, 0, 0),
            "filtered_events/rows_of_one_run": (True, CLICKS, CLICKS),
            "filtered_events/matches_raw_events": (True, CLICKS, CLICKS),
            "hourly_job_metrics/counts_every_event": (True, CLICKS, CLICKS),
            "mysql_report/counts_every_event": (True, CLICKS, CLICKS),
            "mysql_report/holds_what_it_recorded": (True, CLICKS, CLICKS),
        }

        tamper(one_bucket, settings)

        assert outcomes(run(settings, dg.AssetSelection.all_asset_checks(), instance)) == {
            "raw_events/every_record_became_something": (True, CLICKS + 1, CLICKS + 1),
            "raw_events/nothing_left_in_kafka": (False, 0, CLICKS + 1),
            "filtered_events/rows_of_one_run": (False, CLICKS, CLICKS - 1),
            "filtered_events/matches_raw_events": (False, CLICKS - 1, CLICKS),
            "hourly_job_metrics/counts_every_event": (False, CLICKS, CLICKS - 1),
            "mysql_report/counts_every_event": (False, CLICKS, CLICKS + 2),
            "mysql_report/holds_what_it_recorded": (False, CLICKS + 2, CLICKS + 3),
        }


def test_of_a_large_bucket_the_first_or_the_last_rows_are_read(
    settings: Settings, one_bucket: CassandraSession
) -> None:
    send_clicks(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        assert run(settings, LINEAGE, instance).success
    ((first,),) = one_bucket.execute(f"SELECT create_time FROM {one_bucket.keyspace}.filtered_events LIMIT 1")
    one_bucket.execute(
        f"DELETE FROM {one_bucket.keyspace}.filtered_events WHERE event_hour = %s AND bucket = 0 AND create_time = %s",
        (SEVEN, first),
    )
    recorded = recorded_in_hour_coverage(one_bucket, [SEVEN])
    hours, ends = {SEVEN: recorded["filtered_events", SEVEN]}, [Part(SEVEN, 0), Part(SEVEN, 1)]

    buckets = read_buckets(one_bucket, hours, ends, layouts=read_layouts(one_bucket), most=5)

    assert list(buckets) == [Bucket(ends[0], 0, rows=5, missing=1), Bucket(ends[1], 0, rows=5)]


def test_a_wrong_count_does_not_reach_the_report(
    settings: Settings, one_bucket: CassandraSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Finding(Part(SEVEN), 2, 1, "1, not 2")
    monkeypatch.setattr(hourly_job_metrics, "counts_same_events", lambda *_, **__: [wrong])

    with dg.DagsterInstance.ephemeral() as instance:
        result = run(settings, HOURLY, instance)

    assert not result.success
    materialized = {event.asset_key for event in result.get_asset_materialization_events()}
    assert materialized == {dg.AssetKey("filtered_events"), dg.AssetKey("hourly_job_metrics")}


def test_a_row_changed_by_hand_is_red_until_its_hour_is_redone(settings: Settings) -> None:
    send_clicks(settings)
    selected = dg.AssetSelection.checks(holds_what_it_recorded.key)
    later = HourRange(SEVEN + 2 * HOUR, SEVEN + 2 * HOUR)

    with dg.DagsterInstance.ephemeral() as instance:

        def state() -> bool:
            with open_report_database(settings) as database:
                wrong = checks_with_wrong_hours(database)
            (check,) = last_checks(instance, [holds_what_it_recorded.key], wrong=wrong)
            return check.passed

        assert run(settings, LINEAGE, instance).success
        assert state()

        with open_report_database(settings) as database:
            database.query("UPDATE mysql_report SET clicks = clicks + 3")
        found = outcomes(run(settings, selected, instance, tags=ALONE))
        assert found == {"mysql_report/holds_what_it_recorded": (False, CLICKS, CLICKS + 3)}

        assert run(settings, HOURLY, instance, tags=range_tags(later)).success
        assert not state()

        assert run(settings, HOURLY, instance).success
        assert state()


def test_checks_alone_say_nothing_of_an_empty_installation(settings: Settings) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = run(settings, dg.AssetSelection.all_asset_checks(), instance, tags=ALONE)

    assert result.success
    # the topic has offsets from the beginning
    assert outcomes(result) == {"raw_events/nothing_left_in_kafka": (True, 0, 0)}


def test_each_check_alone_compares_what_is_stored(settings: Settings, one_bucket: CassandraSession) -> None:
    send_clicks(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        everything = outcomes(run(settings, LINEAGE, instance))
        alone = [run(settings, dg.AssetSelection.checks(key), instance, tags=ALONE) for key in CHECK_KEYS]

    found = [item for one in alone for item in outcomes(one).items()]
    assert sorted(found) == sorted(everything.items())


def test_wrong_hours_are_kept_per_check_until_they_are_good(settings: Settings) -> None:
    seven, sample = Part(SEVEN), Part(SEVEN, 3)
    with open_report_database(settings) as database:
        hours = WrongHours(database, "mysql_report")
        hours.update("other", wrong=[seven], good=[], run_id="a")
        assert hours.update("check", wrong=[seven, sample], good=[], run_id="a") == {seven, sample}
        assert hours.update("check", wrong=[seven], good=[sample], run_id="b") == {seven}
        assert checks_with_wrong_hours(database) == {("mysql_report", "check"), ("mysql_report", "other")}

        hours.update("check", wrong=[], good=[seven], run_id="c")
        assert hours.read("check") == frozenset()
        assert hours.read("other") == {seven}
        assert checks_with_wrong_hours(database) == {("mysql_report", "other")}


def test_a_wrong_year_is_kept_and_forgotten(settings: Settings) -> None:
    year = frozenset(Part(SEVEN + hour * HOUR) for hour in range(365 * 24))
    with open_report_database(settings) as database:
        hours = WrongHours(database, "mysql_report")
        assert hours.update("check", wrong=year, good=[], run_id="a") == year
        assert hours.update("check", wrong=[], good=year, run_id="b") == frozenset()
