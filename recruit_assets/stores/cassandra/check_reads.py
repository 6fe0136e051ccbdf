"""What the asset checks read from Cassandra; the cost depends on the hours of the run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
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
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.runtime.times import aware, from_ms, to_ms
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.transforms.buckets import Layout, Layouts
from recruit_assets.transforms.found_jobs import OWN_JOBS, JobFinder

ROWS_OF_BUCKET = 2_000
"""Rows that are compared per bucket, with the raw events between them: the report waits for the check."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Rows of one bucket of an hour of filtered_events, compared with the same part of raw_events."""

    part: Part
    number: int
    rows: int
    of_other_runs: int = 0
    """Rows whose write timestamp isn't the recorded one."""
    missing: int = 0
    """Countable raw events with a job and without a row."""
    surplus: int = 0
    """Rows without a countable raw event."""


def hours_in_hour_coverage(session: CassandraSession) -> list[datetime]:
    """All hours that a run has begun to replace, oldest first; reads keys only."""
    hours = session.stream(f"SELECT DISTINCT event_hour FROM {session.table(HOUR_COVERAGE)}")
    return sorted(aware(hour) for (hour,) in hours)


def recorded_in_hour_coverage(
    session: CassandraSession, hours: Sequence[datetime]
) -> dict[tuple[str, datetime], RecordedHour]:
    """By table and hour, without hours whose rows may be incomplete."""
    rows = session.execute_by_hour(
        "SELECT event_hour, stage, toUnixTimestamp(covered_through), t, row_count, event_count, buckets, computed_by "
        f"FROM {session.table(HOUR_COVERAGE)} WHERE event_hour IN ?",
        hours,
    )
    return {
        (table, aware(hour)): RecordedHour(
            covered_through_ms, write_timestamp, row_count, event_count, _write_timestamps(buckets), computed_by or ""
        )
        for hour, table, covered_through_ms, write_timestamp, row_count, event_count, buckets, computed_by in rows
        if covered_through_ms is not None
    }


def pick_sample(recorded: RecordedHour, layout: Layout, seed: int) -> int:
    """One bucket of the hour with raw events, any if the coverage doesn't say which have some, and one of its ends.

    The sample is the bucket's number, plus the number of buckets if the bucket's last rows are to be read.
    """
    candidates = sorted(recorded.write_timestamps or layout.buckets)
    from_end, index = divmod(seed % (2 * len(candidates)), len(candidates))
    return candidates[index] + from_end * len(layout.buckets)


def read_buckets(
    session: CassandraSession,
    recorded: Mapping[datetime, RecordedHour],
    parts: Iterable[Part],
    *,
    layouts: Layouts,
    jobs: JobFinder = OWN_JOBS,
    most: int = ROWS_OF_BUCKET,
) -> Iterator[Bucket]:
    """Compare the samples (see `pick_sample`) of hours that are recorded: at most `most` rows of a bucket.

    Filtered rows are read first, since raw events are only ever added.
    """
    where = "WHERE event_hour = ? AND bucket = ?"
    filtered = f"SELECT create_time, WRITETIME(action) FROM {session.table(FILTERED_EVENTS)} {where}"
    found_in = "" if jobs.attribution.is_default else ", publisher_id, campaign_id, group_id, ed, dl"
    raw = f"SELECT create_time, custom_track, job_id{found_in} FROM {session.table(RAW_EVENTS)} {where}"
    whole = session.prepare(raw)
    ends = [
        (session.prepare(f"{filtered} ORDER BY create_time {order} LIMIT ?"), session.prepare(f"{raw} AND {until}"))
        for order, until in (("ASC", "create_time <= ?"), ("DESC", "create_time >= ?"))
    ]
    for part in parts:
        hour = part.hour
        from_end, number = divmod(part.sample, len(layouts.at(to_ms(hour)).buckets))
        of_end, raw_of_end = ends[from_end]
        rows: dict[UUID, int] = dict(session.stream(of_end, (hour, number, most)))
        if len(rows) < most:
            sent = session.stream(whole, (hour, number))
        else:
            sent = session.stream(raw_of_end, (hour, number, next(reversed(rows))))
        countable = {c for c, track, *named in sent if track in ACTION_SPELLINGS and _has_job(named, jobs)}
        written_at = recorded[hour].write_timestamp_of(number)
        yield Bucket(
            part,
            number,
            rows=len(rows),
            of_other_runs=sum(1 for written in rows.values() if written != written_at),
            missing=len(countable - rows.keys()),
            surplus=len(rows.keys() - countable),
        )


def _has_job(named: Sequence[Any], jobs: JobFinder) -> bool:
    """Whether a rule finds the job of an event with these columns: job_id, or the ids of GRAIN, then `ed` and `dl`."""
    if jobs.attribution.is_default:
        return named[0] is not None
    *own, ed, dl = named
    return jobs.find(own, ed, dl) is not None


def changed_since(session: CassandraSession, recorded: Mapping[datetime, RecordedHour]) -> dict[datetime, bool]:
    """Whether each of these hours has changes that its coverage doesn't include; such an hour is pending.

    Reads the change feed from the oldest coverage on.
    """
    covered_through = {hour: from_ms(found.covered_through_ms) for hour, found in recorded.items()}
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
