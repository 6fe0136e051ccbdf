"""What the asset checks read of Cassandra, bounded by the hours of one run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from recruit_assets.contract.measures import ACTION_SPELLINGS
from recruit_assets.contract.tables import (
    CHANGE_SKEW_S,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    RAW_EVENTS,
)
from recruit_assets.hours.planning import is_covered
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ROWS_OF_BUCKET = 2_000
"""Looked at of one bucket, and the raw events among them: the report waits for it."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of one bucket of an hour of filtered_events, compared with the same part of raw_events."""

    hour: datetime
    number: int
    rows: int
    of_other_runs: int = 0
    """Rows whose write number isn't the wanted one."""
    missing: int = 0
    """Countable raw events with a job and without a row."""
    surplus: int = 0
    """Rows without a countable raw event."""


def recorded_by_stages(
    session: CassandraSession, hours: Sequence[datetime]
) -> dict[tuple[str, datetime], RecordedHour]:
    """By stage and hour; a stage whose rows of the hour aren't known to be complete is absent."""
    select = session.prepare(
        "SELECT stage, toUnixTimestamp(covered_through), t, row_count, event_count, buckets "
        f"FROM {session.table(HOUR_COVERAGE)} WHERE event_hour = ?"
    )
    answers = session.execute_concurrent((select, (hour,)) for hour in hours)
    return {
        (stage, hour): RecordedHour(mark, t, row_count, event_count, _t_by_bucket(buckets))
        for hour, rows in zip(hours, answers, strict=True)
        for stage, mark, t, row_count, event_count, buckets in rows
        if mark is not None
    }


def read_buckets(
    session: CassandraSession, hours: Mapping[datetime, RecordedHour], *, pick: int, most: int = ROWS_OF_BUCKET
) -> Iterator[Bucket]:
    """One bucket of each hour (with what was recorded of it): the `pick`th, counted round, with at most so many rows.

    Of a larger bucket these are its first rows in one round, its last in the next. Filtered rows are read first: raw
    events only get more.
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
        buckets = layouts.at(round(hour.timestamp() * 1000)).buckets
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
            of_other_runs=sum(1 for written in rows.values() if written != recorded.t_of(number)),
            missing=len(countable - rows.keys()),
            surplus=len(rows.keys() - countable),
        )


def changed_since(
    session: CassandraSession, recorded: Mapping[tuple[str, datetime], RecordedHour]
) -> dict[datetime, bool]:
    """Whether each hour of filtered_events changed since its coverage, as pending decides it."""
    marks = {
        hour: _EPOCH + timedelta(milliseconds=mark.covered_through_ms)
        for (stage, hour), mark in recorded.items()
        if stage == FILTERED_EVENTS.name
    }
    if not marks:
        return {}
    reader = ChangeReader(session)
    changed = dict.fromkeys(marks, False)
    for page in reader.pages(min(marks.values()) - timedelta(seconds=CHANGE_SKEW_S), reader.now()):
        for hour, newest in page.newest.items():
            if hour in marks:
                changed[hour] = changed[hour] or not is_covered(newest, marks[hour])
    return changed


def _t_by_bucket(buckets: Mapping[int, Sequence[int]] | None) -> dict[int, int] | None:
    return None if buckets is None else {bucket: portion[0] for bucket, portion in buckets.items()}
