"""The whole graph, run by Dagster on the real engines: from Kafka records to rows of the report."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from recruit_assets.contract.events import EVENT_COLUMNS
from recruit_assets.contract.tables import MYSQL_REPORT, RAW_EVENTS
from recruit_assets.definitions import build_defs
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.spark.frames import CassandraFrames, sql_frame
from recruit_assets_tests.support.builders import an_event, as_bytes, uuid1_at

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
RANGE = {
    "dagster/asset_partition_range_start": "2026-01-05-07:00",
    "dagster/asset_partition_range_end": "2026-01-05-08:00",
}
REPORT = (
    "hours, job_id, publisher_id, campaign_id, group_id, company_id, clicks, conversion, qualified_application, "
    "disqualified_application, bid_set, spend_hour"
)


def send(settings: Settings, records: Sequence[bytes | None]) -> None:
    producer = open_producer(settings)
    for record in records:
        producer.send(settings.kafka_topic, record, key=b"a tombstone needs a key")
    producer.flush()
    producer.close()


def run_lineage(settings: Settings, job: str = "lineage_job") -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return build_defs(settings=settings).resolve_job_def(job).execute_in_process(instance=instance, tags=RANGE)


def report_of(settings: Settings, columns: str = REPORT) -> list[tuple[object, ...]]:
    with open_report_database(settings) as database:
        return database.query(f"SELECT {columns} FROM mysql_report ORDER BY dates, hours, job_id, publisher_id")


@pytest.fixture
def warm(settings: Settings, frames: CassandraFrames) -> Settings:
    """The test's settings, once Spark can see its keyspace."""
    return settings


def test_events_as_real_trackers_send_them_are_counted_in_their_hour(warm: Settings) -> None:
    at = SEVEN + timedelta(minutes=59, seconds=59)
    send(
        warm,
        [
            as_bytes(an_event(at, seed=1, job_id="1.0", bid=10.0, publisher_id="2")),
            as_bytes(an_event(at, seed=2, custom_track="clicks", bid="5", ua="Überbrowser 🦊", surprise={"kept": [1]})),
            as_bytes(an_event(at, seed=3, ts=..., bid=None)),
            as_bytes(an_event(at, seed=4, ts="2026-01-05T09:00:00+02:00", custom_track="conversion")),
            as_bytes(an_event(SEVEN, seed=5, ts="2026-01-05 08:00:00", custom_track="qualified", publisher_id=None)),
            as_bytes(an_event(at, seed=6, custom_track="unqualified", md=True)),
            as_bytes(an_event(at, seed=7, custom_track=None)),
            as_bytes(an_event(at, seed=8, custom_track="scroll")),
            as_bytes(an_event(at, seed=9, job_id=None)),
            as_bytes(an_event(at, seed=10, job_id=0, campaign_id=None, group_id=None)),
        ],
    )
    with open_report_database(warm) as database:
        database.query("INSERT INTO job (id, company_id) VALUES (1, 77)")

    result = run_lineage(warm)

    assert result.success
    assert report_of(warm) == [
        (7, 0, 2, 0, 0, None, 1, 0, 0, 0, 10.0, 10.0),
        (7, 1, 2, 3, 4, 77, 3, 1, 0, 1, 5.0, 15.0),
        (8, 1, 0, 3, 4, 77, 0, 0, 1, 0, 0.0, 0.0),
    ]
    (filtered, *_) = result.asset_materializations_for_node("filtered_events")
    assert filtered.metadata["unattributed"].value == 1


def test_each_hour_of_a_run_has_its_own_metadata(warm: Settings) -> None:
    events = [(SEVEN, "click"), (SEVEN, "conversion"), (SEVEN + timedelta(hours=1), "click")]
    send(warm, [as_bytes(an_event(at, seed=seed, custom_track=what)) for seed, (at, what) in enumerate(events)])
    send(warm, [as_bytes(an_event(SEVEN, seed=9, job_id=None))])

    result = run_lineage(warm)

    names = ("dagster/row_count", "events", "clicks", "applications", "spend")
    assert numbers(result, "mysql_report", names) == {"07:00": (1, 2, 1, 1, 10.0), "08:00": (1, 1, 1, 0, 10.0)}
    assert numbers(result, "hourly_job_metrics", names[:2]) == {"07:00": (1, 2), "08:00": (1, 1)}
    assert numbers(result, "filtered_events", ("dagster/row_count", "unattributed")) == {
        "07:00": (2, 1),
        "08:00": (1, 0),
    }
    ages = numbers(result, "mysql_report", ("freshness_s",))
    assert all(0 < age < 60 for (age,) in ages.values())


def numbers(result: dg.ExecuteInProcessResult, asset: str, names: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """These metadata values of each materialization, by the hour of its partition."""
    return {
        str(one.partition)[-5:]: tuple(one.metadata[name].value for name in names)
        for one in result.asset_materializations_for_node(asset)
    }


def test_running_again_without_new_events_changes_no_row(warm: Settings) -> None:
    send(warm, [as_bytes(an_event(SEVEN, seed=seed, bid=seed)) for seed in range(5)])
    run_lineage(warm)
    before = report_of(warm, "*")

    run_lineage(warm)

    assert len(before) == 1
    assert report_of(warm, "*") == before


def test_a_late_event_reopens_its_hour(warm: Settings) -> None:
    send(warm, [as_bytes(an_event(SEVEN, seed=1))])
    run_lineage(warm)
    send(warm, [as_bytes(an_event(SEVEN, seed=2, bid=20)), as_bytes(an_event(SEVEN, seed=1))])

    run_lineage(warm)

    assert report_of(warm, "clicks, spend_hour, bid_set") == [(2, 30.0, 15.0)]


def test_malformed_records_become_dead_letters_and_good_ones_are_reported(warm: Settings) -> None:
    good = [as_bytes(an_event(SEVEN, seed=seed)) for seed in range(1000)]
    bad = [
        b"", None, b"\xe9", b"{", b"[]", b"1", b"[" * 5000, b"{}", b'{"create_time": "no"}', b'{"create_time": 1}',
        as_bytes(an_event(SEVEN, job_id="abc")),
        as_bytes(an_event(SEVEN, job_id=1.5)),
        as_bytes(an_event(SEVEN, job_id=True)),
        as_bytes(an_event(SEVEN, bid=2**31)),
        as_bytes(an_event(SEVEN, ts="2026-02-30 10:00:00")),
        as_bytes(an_event(SEVEN, ts="tomorrow")),
        as_bytes(an_event(SEVEN, ts="2019-01-01 00:00:00")),
        as_bytes(an_event(SEVEN, ts="2099-01-01 00:00:00")),
        as_bytes(an_event(SEVEN, ua="x" * 600_000)),
        as_bytes(an_event(SEVEN, create_time=str(uuid1_at(SEVEN))[:-1])),
    ]  # fmt: skip
    send(warm, [*good[:500], *bad, *good[500:]])

    result = run_lineage(warm)

    (raw,) = result.asset_materializations_for_node("raw_events")
    found = {name.split("/")[1]: raw.metadata[name].value for name in raw.metadata if name.startswith("dead_letters/")}
    assert found == {
        "empty": 1, "tombstone": 1, "not_utf8": 1, "not_json": 1, "not_object": 2, "too_deep": 1, "missing": 1,
        "invalid_uuid": 3, "wrong_type": 3, "out_of_range": 1, "bad_timestamp": 2, "before_first_hour": 1, "future": 1,
        "too_large": 1,
    }  # fmt: skip
    assert report_of(warm, "clicks") == [(1000,)]


def test_raw_events_read_through_spark_have_the_contracts_29_fields(frames: CassandraFrames) -> None:
    names = [column.name for column in EVENT_COLUMNS]
    numbers = {"bid", "campaign_id", "cd", "ev", "group_id", "job_id", "publisher_id", "tz", "v"}

    found = {field.name: field.dataType.simpleString() for field in frames.table(RAW_EVENTS).select(*names).schema}

    assert len(found) == 29
    assert found == {name: "int" if name in numbers else "string" for name in names}


def test_the_report_read_through_spark_has_the_contracts_types(warm: Settings, frames: CassandraFrames) -> None:
    found = {field.name: field.dataType.simpleString() for field in sql_frame(frames.spark, warm, MYSQL_REPORT).schema}

    assert found == {
        "job_id": "int", "dates": "timestamp", "hours": "int", "disqualified_application": "int",
        "qualified_application": "int", "conversion": "int", "company_id": "int", "group_id": "int",
        "campaign_id": "int", "publisher_id": "int", "bid_set": "double", "clicks": "int", "impressions": "string",
        "spend_hour": "double", "sources": "string", "latest_update_time": "timestamp",
    }  # fmt: skip
