"""What the asset checks read from Cassandra; the cost depends on the hours of the run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from recruit_assets.contract.measures import ACTION_SPELLINGS
from recruit_assets.contract.tables import (
    CHANGE_SKEW_S,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    RAW_EVENTS,
)
from recruit_assets.hours.planning import uncovered
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.runtime.times import from_ms, to_ms
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession

ROWS_OF_BUCKET = 2_000
"""Rows that are compared per bucket, with the raw events between them: the report waits for the check."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of one bucket of an hour of filtered_events, compared with the same part of raw_events."""

    hour: datetime
    number: int
    rows: int
    of_other_runs: int = 0
    """Rows whose write timestamp isn't the recorded one."""
    missing: int = 0
    """Countable raw events with a job and without a row."""
    surplus: int = 0
    """Rows without a countable raw event."""


def recorded_in_hour_coverage(
    session: CassandraSession, hours: Sequence[datetime]
) -> dict[tuple[str, datetime], RecordedHour]:
    """By table and hour, without hours whose rows may be incomplete."""
    select = session.prepare(
        "SELECT stage, toUnixTimestamp(covered_through), t, row_count, event_count, buckets "
        f"FROM {session.table(HOUR_COVERAGE)} WHERE event_hour = ?"
    )
    answers = session.execute_concurrent((select, (hour,)) for hour in hours)
    return {
        (table, hour): RecordedHour(
            covered_through_ms, write_timestamp, row_count, event_count, _write_timestamps(buckets)
        )
        for hour, rows in zip(hours, answers, strict=True)
        for table, covered_through_ms, write_timestamp, row_count, event_count, buckets in rows
        if covered_through_ms is not None
    }


def read_buckets(
    session: CassandraSession, hours: Mapping[datetime, RecordedHour], *, pick: int, most: int = ROWS_OF_BUCKET
) -> Iterator[Bucket]:
    """Compare one bucket of each of these hours: number `pick`, modulo the number of buckets.

    In a bucket with more than `most` rows, only the first ones are compared, or the last ones if `pick` is in every
    second round of the buckets. Filtered rows are read first, since raw events are only ever added.
    """
    where = "WHERE event_hour = ? AND bucket = ?"
    filtered = f"SELECT create_time, WRITETIME(action) FROM {session.table(FILTERED_EVENTS)} {where}"
    raw = f"SELECT create_time, custom_track, job_id FROM {session.table(RAW_EVENTS)} {where}"
    whole = session.prepare(raw)
    ends = [
        (session.prepare(f"{filtered} ORDER BY create_time {order} LIMIT ?"), session.prepare(f"{raw} AND {until}"))
        for order, until in (("ASC", "create_time <= ?"), ("DESC", "create_time >= ?"))
    ]
    layouts = read_layouts(session)
    for hour, recorded in hours.items():
        buckets = layouts.at(to_ms(hour)).buckets
        number = buckets[pick % len(buckets)]
        of_end, raw_of_end = ends[pick // len(buckets) % len(ends)]
        rows: dict[UUID, int] = dict(session.stream(of_end, (hour, number, most)))
        if len(rows) < most:
            sent = session.stream(whole, (hour, number))
        else:
            sent = session.stream(raw_of_end, (hour, number, next(reversed(rows))))
        countable = {c for c, track, job_id in sent if track in ACTION_SPELLINGS and job_id is not None}
        yield Bucket(
            hour,
            number,
            rows=len(rows),
            of_other_runs=sum(1 for written in rows.values() if written != recorded.write_timestamp_of(number)),
            missing=len(countable - rows.keys()),
            surplus=len(rows.keys() - countable),
        )


def changed_since(
    session: CassandraSession, recorded: Mapping[tuple[str, datetime], RecordedHour]
) -> dict[datetime, bool]:
    """Whether each hour of filtered_events has changes that its coverage doesn't include; such an hour is pending."""
    covered_through = {
        hour: from_ms(found.covered_through_ms)
        for (table, hour), found in recorded.items()
        if table == FILTERED_EVENTS.name
    }
    if not covered_through:
        return {}
    reader = ChangeReader(session)
    changed = dict.fromkeys(covered_through, False)
    for page in reader.pages(min(covered_through.values()) - timedelta(seconds=CHANGE_SKEW_S), reader.now()):
        for hour in uncovered(page.newest, covered_through).keys() & changed.keys():
            changed[hour] = True
    return changed


def _write_timestamps(buckets: Mapping[int, Sequence[int]] | None) -> dict[int, int] | None:
    """The write timestamp is the first of a bucket's numbers."""
    return None if buckets is None else {bucket: write_timestamp for bucket, (write_timestamp, *_) in buckets.items()}
