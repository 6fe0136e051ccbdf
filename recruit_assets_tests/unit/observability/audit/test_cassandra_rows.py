"""Raw rows are counted correctly, and means are exact."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.contract.attribution import attribution
from recruit_assets.observability.audit.attribution import UNATTRIBUTED, FoundByHour
from recruit_assets.observability.audit.audit_db import open_audit_database, rounded_mean
from recruit_assets.observability.audit.cassandra_rows import local_dates, take_rows
from recruit_assets.observability.audit.event_digest import EventDigest
from recruit_assets.observability.audit.results import no_progress
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.found_jobs import JobFinder

SEVEN = datetime(2026, 1, 5, 7)
SEVEN_MS = 1_767_596_400_000
IN_UTC = local_dates(ZoneInfo("UTC"))


def a_raw_row(number: int, **values: object) -> tuple[object, ...]:
    row: dict[str, object] = dict.fromkeys(READ_COLUMNS)
    row |= {"create_time": UUID(int=number), "event_time_ms": SEVEN_MS, "received_at_ms": SEVEN_MS + number}
    return tuple((row | values).values())


def test_countable_rows_with_a_job_are_counted_by_hour_and_ids() -> None:
    rows = [
        a_raw_row(1, custom_track="click", job_id=1, publisher_id=2, bid=10),
        a_raw_row(2, custom_track="clicks", job_id=1, publisher_id=2, bid=None),
        a_raw_row(3, custom_track="conversion", job_id=1, publisher_id=2, bid=99),
        a_raw_row(4, custom_track="qualified", job_id=0),
        a_raw_row(5, custom_track="unqualified", job_id=0, group_id=0),
        a_raw_row(6, custom_track="click"),
        a_raw_row(7, custom_track="CLICK", job_id=1),
        a_raw_row(8, job_id=1),
    ]
    with open_audit_database() as audit_db:
        buckets = [((SEVEN, 0), iter(rows[:5])), ((SEVEN, 1), iter(rows[5:]))]
        read = take_rows(audit_db, buckets, digest=EventDigest(), date_of=IN_UTC, expected=8, progress=no_progress)

        assert (read, audit_db.number("SELECT count(*) FROM stored")) == (8, 8)
        assert list(audit_db.rows("SELECT * FROM metrics")) == [
            (SEVEN_MS, 0, 0, 0, 0, 0, 0, 1, 1, 0, SEVEN_MS + 5),
            (SEVEN_MS, 1, 2, 0, 0, 2, 1, 0, 0, 10, SEVEN_MS + 3),
        ]


def test_rows_are_counted_for_the_job_that_a_rule_finds_and_by_rule() -> None:
    jobs, found = JobFinder(attribution(["job_id", "ed.jobId"], "")), FoundByHour()
    rows = [
        a_raw_row(1, custom_track="click", job_id=1, bid=10, ed='{"jobId":2}'),
        a_raw_row(2, custom_track="click", publisher_id=5, bid=7, ed='{"jobId":2,"publisherId":6,"groupId":8}'),
        a_raw_row(3, custom_track="click", ed='{"jobId":true}'),
        a_raw_row(4, custom_track="scroll", ed='{"jobId":2}'),
    ]
    with open_audit_database() as audit_db:
        buckets = [((SEVEN, 0), iter(rows))]
        take_rows(
            audit_db,
            buckets,
            digest=EventDigest(),
            date_of=IN_UTC,
            jobs=jobs,
            found=found,
            expected=4,
            progress=no_progress,
        )

        assert [row[1:6] for row in audit_db.rows("SELECT * FROM metrics")] == [(1, 0, 0, 0, 1), (2, 5, 0, 8, 1)]
    assert found == {SEVEN.replace(tzinfo=UTC): {0: 1, 1: 1, UNATTRIBUTED: 1}}


def test_the_buckets_of_an_hour_add_up() -> None:
    with open_audit_database() as audit_db:
        for bucket, bid in ((0, 10), (1, 5)):
            rows = iter([a_raw_row(bucket, custom_track="click", job_id=1, bid=bid)])
            take_rows(
                audit_db,
                [((SEVEN, bucket), rows)],
                digest=EventDigest(),
                date_of=IN_UTC,
                expected=2,
                progress=no_progress,
            )

        assert list(audit_db.rows("SELECT clicks, bid_sum, latest_received_at_ms FROM metrics")) == [
            (2, 15, SEVEN_MS + 1)
        ]


def test_events_of_one_hour_are_counted_on_the_days_that_clocks_showed() -> None:
    """18:14 UTC is the last minute of a day in Kathmandu."""
    kathmandu = local_dates(ZoneInfo("Asia/Kathmandu"))
    hour, minute_ms = datetime(2026, 1, 5, 18), 60_000
    at = SEVEN_MS + 11 * 3_600_000
    rows = [
        a_raw_row(1, custom_track="click", job_id=1, publisher_id=1, bid=10, event_time_ms=at + 14 * minute_ms),
        a_raw_row(2, custom_track="click", job_id=1, publisher_id=1, bid=3, event_time_ms=at + 15 * minute_ms - 1),
        a_raw_row(3, custom_track="click", job_id=1, publisher_id=2, bid=5, event_time_ms=at + 15 * minute_ms),
    ]
    with open_audit_database() as audit_db:
        take_rows(
            audit_db,
            [((hour, 0), iter(rows))],
            digest=EventDigest(),
            date_of=kathmandu,
            expected=3,
            progress=no_progress,
        )

        found = audit_db.rows("SELECT date, job_id, clicks, spend FROM days ORDER BY date")
        assert list(found) == [("2026-01-05", 1, 2, 13), ("2026-01-06", 1, 1, 5)]


@pytest.mark.parametrize(
    ("total", "count", "mean"),
    [(0, 0, 0.0), (10, 3, 3.33), (201, 200, 1.01), (-201, 200, -1.01), (1, 3, 0.33), (5, 1000, 0.01), (4, 1000, 0.0)],
)
def test_means_are_rounded_half_away_from_zero(total: int, count: int, mean: float) -> None:
    assert rounded_mean(total, count) == mean


@given(total=st.integers(-(10**12), 10**12), count=st.integers(1, 10**6))
def test_a_rounded_mean_is_never_more_than_half_a_hundredth_off(total: int, count: int) -> None:
    hundredths = round(rounded_mean(total, count) * 100)
    assert abs(hundredths * count - total * 100) * 2 <= count
