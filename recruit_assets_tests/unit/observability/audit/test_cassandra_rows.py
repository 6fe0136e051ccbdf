"""Raw rows are counted correctly, and means are exact."""

from datetime import datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.observability.audit.audit_db import open_audit_database, rounded_mean
from recruit_assets.observability.audit.cassandra_rows import take_rows
from recruit_assets.observability.audit.event_digest import EventDigest
from recruit_assets.observability.audit.results import no_progress
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS

SEVEN = datetime(2026, 1, 5, 7)
SEVEN_MS = 1_767_596_400_000


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
        read = take_rows(audit_db, buckets, digest=EventDigest(), expected=8, progress=no_progress)

        assert (read, audit_db.number("SELECT count(*) FROM stored")) == (8, 8)
        assert list(audit_db.rows("SELECT * FROM metrics")) == [
            (SEVEN_MS, 0, 0, 0, 0, 0, 0, 1, 1, 0, SEVEN_MS + 5),
            (SEVEN_MS, 1, 2, 0, 0, 2, 1, 0, 0, 10, SEVEN_MS + 3),
        ]


def test_the_buckets_of_an_hour_add_up() -> None:
    with open_audit_database() as audit_db:
        for bucket, bid in ((0, 10), (1, 5)):
            rows = iter([a_raw_row(bucket, custom_track="click", job_id=1, bid=bid)])
            take_rows(audit_db, [((SEVEN, bucket), rows)], digest=EventDigest(), expected=2, progress=no_progress)

        assert list(audit_db.rows("SELECT clicks, bid_sum, latest_received_at_ms FROM metrics")) == [
            (2, 15, SEVEN_MS + 1)
        ]


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
