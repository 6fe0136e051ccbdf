"""What Spark counts of raw events, and how counts become rows of the report; on a few rows, without a store."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from recruit_assets.contract.tables import BUCKET_METRICS, FILTERED_EVENTS, HOURLY_JOB_METRICS, MYSQL_REPORT
from recruit_assets.transforms.hourly import add_up, count_actions, count_actions_by_bucket, countable, to_report

RAW: Mapping[str, str] = {
    "event_hour": "timestamp'2026-01-05 07:00:00'",
    "bucket": "0",
    "create_time": "'a'",
    "event_time": "timestamp'2026-01-05 07:30:00'",
    "received_at": "timestamp'2026-01-05 07:31:00'",
    "custom_track": "'click'",
    "job_id": "1",
    "publisher_id": "2",
    "campaign_id": "3",
    "group_id": "4",
    "bid": "10",
}
METRICS: Mapping[str, str] = {
    "event_hour": "timestamp'2026-01-05 07:00:00'",
    "bucket": "0",
    "job_id": "1",
    "publisher_id": "2",
    "campaign_id": "3",
    "group_id": "4",
    "clicks": "8L",
    "conversion": "2L",
    "qualified": "1L",
    "unqualified": "3L",
    "bid_sum": "17L",
    "latest_received_at": "timestamp'2026-01-05 07:31:00'",
}


class Rows:
    """DataFrames of rows in SQL: each row is a default row with other values in some columns."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark.newSession()
        self._spark.conf.set("spark.sql.shuffle.partitions", "1")  # with 200, each test takes seconds

    def raw(self, *changes: Mapping[str, str]) -> DataFrame:
        return self._of(RAW, changes)

    def metrics(self, *changes: Mapping[str, str]) -> DataFrame:
        return self._of(METRICS, changes)

    def _of(self, default: Mapping[str, str], changes: tuple[Mapping[str, str], ...]) -> DataFrame:
        rows = (", ".join({**default, **change}.values()) for change in changes)
        return self._spark.sql(f"SELECT * FROM VALUES ({'), ('.join(rows)}) AS rows ({', '.join(default)})")


@pytest.fixture
def rows(spark: SparkSession) -> Rows:
    return Rows(spark)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 5, hour, minute, tzinfo=UTC)


def values(frame: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows, sorted, with their times in UTC: PySpark returns the machine's local time, without a zone."""
    return sorted(
        tuple(value.astimezone(UTC) if isinstance(value, datetime) else value for value in row)
        for row in frame.select(*columns).collect()
    )


def test_only_events_whose_action_counts_are_kept_under_the_actions_name(rows: Rows) -> None:
    tracks = ["'click'", "'clicks'", "'conversion'", "'qualified'", "'unqualified'", "'CLICK'", "'view'", "''", "NULL"]

    kept = countable(rows.raw(*({"custom_track": track} for track in tracks)))

    assert values(kept, "action") == [("click",), ("click",), ("conversion",), ("qualified",), ("unqualified",)]


def test_an_event_that_counts_keeps_what_its_table_has(rows: Rows) -> None:
    kept = countable(rows.raw({}))

    assert set(kept.columns) == set(FILTERED_EVENTS.column_names)
    assert values(kept, *FILTERED_EVENTS.column_names) == [
        (at(7), 0, "a", at(7, 30), "click", 1, 2, 3, 4, 10, at(7, 31))
    ]


def test_unknown_ids_and_bids_are_zero_but_an_unknown_job_stays_unknown(rows: Rows) -> None:
    """Events without a job are counted as unattributed and not stored."""
    unknown = dict.fromkeys(("job_id", "publisher_id", "campaign_id", "group_id", "bid"), "cast(NULL AS int)")

    kept = countable(rows.raw(unknown))

    assert values(kept, *unknown) == [(None, 0, 0, 0, 0)]


def test_an_action_is_counted_per_job_publisher_campaign_and_group(rows: Rows) -> None:
    others = [{}, *({name: "9"} for name in ("job_id", "publisher_id", "campaign_id", "group_id"))]

    counts = count_actions(countable(rows.raw({"bucket": "1"}, *others)))

    assert values(counts, "job_id", "publisher_id", "campaign_id", "group_id", "clicks") == [
        (1, 2, 3, 4, 2), (1, 2, 3, 9, 1), (1, 2, 9, 4, 1), (1, 9, 3, 4, 1), (9, 2, 3, 4, 1),
    ]  # fmt: skip


def test_each_action_has_its_own_column_and_only_clicks_are_spend(rows: Rows) -> None:
    tracks = ["'click'", "'clicks'", "'conversion'", "'qualified'", "'qualified'", "'qualified'", "'unqualified'"]
    events = [{"custom_track": track, "bid": str(10**number)} for number, track in enumerate(tracks)]

    counts = count_actions(countable(rows.raw(*events)))

    assert tuple(counts.columns) == HOURLY_JOB_METRICS.column_names
    assert values(counts, "clicks", "conversion", "qualified", "unqualified", "bid_sum") == [(2, 1, 3, 1, 11)]


def test_bids_add_up_beyond_32_bits(rows: Rows) -> None:
    bids = [{"bid": "2147483647"}] * 3

    assert values(count_actions(countable(rows.raw(*bids))), "clicks", "bid_sum") == [(3, 3 * 2147483647)]


def test_an_event_that_was_stored_before_a_field_was_summed_adds_nothing(rows: Rows) -> None:
    """A new column is null in rows that are there already."""
    stored = countable(rows.raw({})).withColumn("bid", F.expr("cast(NULL AS int)"))

    assert values(count_actions(stored), "clicks", "bid_sum") == [(1, 0)]


def test_the_newest_receipt_of_a_row_is_kept(rows: Rows) -> None:
    received = [{"received_at": f"timestamp'2026-01-05 0{hour}:00:00'"} for hour in (8, 9, 7)]

    by_bucket = count_actions_by_bucket(countable(rows.raw(*received)))

    assert values(by_bucket, "latest_received_at") == [(at(9),)]
    later = [{"latest_received_at": one["received_at"]} for one in received]
    assert values(add_up(rows.metrics(*later)), "latest_received_at") == [(at(9),)]


def test_the_sum_over_the_buckets_is_the_count_of_the_hour(rows: Rows) -> None:
    events = [
        {"bucket": str(number % 3), "custom_track": track, "job_id": str(number % 2), "bid": str(number)}
        for number, track in enumerate(["'click'", "'clicks'", "'conversion'", "'qualified'", "'unqualified'"] * 4)
    ]
    filtered = countable(rows.raw(*events, {"event_hour": "timestamp'2026-01-05 08:00:00'"}))

    by_bucket = count_actions_by_bucket(filtered)
    added, counted = add_up(by_bucket), count_actions(filtered)

    assert tuple(by_bucket.columns) == BUCKET_METRICS.column_names
    assert {row["bucket"] for row in by_bucket.collect()} == {0, 1, 2}
    assert added.columns == counted.columns
    assert values(added, *added.columns) == values(counted, *counted.columns)


def test_a_report_row_has_the_reports_columns_except_the_company(rows: Rows) -> None:
    report = to_report(rows.metrics({}))

    assert report.columns == [name for name in MYSQL_REPORT.column_names if name != "company_id"]
    assert values(report, *report.columns) == [
        (
            1, at(0), 7, 3, 1, 2, 4, 3, 2, 2.13, 8, None, 17.0, "Cassandra", at(7, 31),
        )
    ]  # fmt: skip
    types = dict(report.dtypes)
    assert (types["clicks"], types["spend_hour"], types["bid_set"], types["impressions"]) == (
        "int", "double", "double", "string",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("clicks", "bid_sum", "mean"),
    [
        pytest.param(8, 17, 2.13, id="2.125 is rounded away from zero"),
        pytest.param(8, -17, -2.13, id="as below zero"),
        pytest.param(3, 1, 0.33, id="a third"),
        pytest.param(0, 0, 0.0, id="no clicks"),
    ],
)
def test_the_mean_bid_is_that_of_the_clicks_to_two_decimals(rows: Rows, clicks: int, bid_sum: int, mean: float) -> None:
    report = to_report(rows.metrics({"clicks": f"{clicks}L", "bid_sum": f"{bid_sum}L"}))

    assert values(report, "bid_set", "spend_hour") == [(mean, float(bid_sum))]


def test_a_measure_without_a_value_is_zero_but_a_key_without_one_is_not(rows: Rows) -> None:
    """Rows that were stored before a measure was declared have a null there; a null in a key would be a mistake."""
    metrics = rows.metrics({"conversion": "cast(NULL AS bigint)", "campaign_id": "cast(NULL AS int)"})

    assert values(to_report(metrics), "conversion", "campaign_id") == [(0, None)]
    assert values(add_up(metrics), "conversion", "campaign_id") == [(0, None)]


def test_the_last_hour_of_a_day_belongs_to_that_day(rows: Rows) -> None:
    report = to_report(rows.metrics({"event_hour": "timestamp'2026-01-05 23:00:00'"}))

    assert values(report, "dates", "hours") == [(at(0), 23)]
