"""What the asset checks read: counts recorded by the stages, one bucket of an hour, the lag of what came before a run.

Belongs here: the statements, all of them bounded by the hours of one run. Not here: what must equal what (`checks`),
recounting everything (`audit`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kafka.structs import TopicPartition

from recruit_assets.contract import (
    ACTION_SPELLINGS,
    CHANGE_SKEW_S,
    FILTERED_EVENTS,
    HOUR_COVERAGE,
    MYSQL_REPORT,
    RAW_EVENTS,
    REPORT_HOURS,
)
from recruit_assets.pending import is_covered
from recruit_assets.settings import Settings
from recruit_assets.stores import kafka
from recruit_assets.stores.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra import CassandraSession
from recruit_assets.stores.change_reads import ChangeReader
from recruit_assets.stores.mysql import ReportDatabase

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EVENTS = "clicks + conversion + qualified_application + disqualified_application"

ROWS_OF_BUCKET = 2_000
"""Looked at of one bucket, and the raw events among them: the report waits for it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a stage recorded of an hour; `covered_through_ms` tells which changes it is about."""

    covered_through_ms: int
    t: int
    row_count: int
    event_count: int
    t_by_bucket: Mapping[int, int] | None = None
    """Where a run may keep the rows of others: the write number of each bucket with raw events."""

    def t_of(self, bucket: int) -> int | None:
        """The write number that every row of the bucket has; None where it has no rows."""
        return self.t if self.t_by_bucket is None else self.t_by_bucket.get(bucket)


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """What the report holds of an hour."""

    row_count: int = 0
    event_count: int = 0


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


@dataclass(frozen=True, slots=True)
class Backlog:
    """Offsets of a partition that hold records from before a moment and aren't committed, or were dropped."""

    partition: int
    uncommitted: int
    dropped: int


def recorded_by_stages(session: CassandraSession, hours: Sequence[datetime]) -> dict[tuple[str, datetime], Recorded]:
    """By stage and hour; a stage whose rows of the hour aren't known to be complete is absent."""
    select = session.prepare(
        "SELECT stage, toUnixTimestamp(covered_through), t, row_count, event_count, buckets "
        f"FROM {session.table(HOUR_COVERAGE)} WHERE event_hour = ?"
    )
    answers = session.execute_concurrent((select, (hour,)) for hour in hours)
    return {
        (stage, hour): Recorded(mark, t, row_count, event_count, _t_by_bucket(buckets))
        for hour, rows in zip(hours, answers, strict=True)
        for stage, mark, t, row_count, event_count, buckets in rows
        if mark is not None
    }


def recorded_by_report(database: ReportDatabase, hours: Sequence[datetime]) -> dict[tuple[str, datetime], Recorded]:
    """report_hours, as the stages' records are."""
    rows = database.query(
        f"SELECT event_hour, covered_through, t, row_count, event_count FROM {REPORT_HOURS.name} "
        "WHERE event_hour BETWEEN %s AND %s",
        (_naive(min(hours)), _naive(max(hours))),
    )
    found = {
        hour.replace(tzinfo=UTC): Recorded((mark.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1), *counts)
        for hour, mark, *counts in rows
    }
    return {(MYSQL_REPORT.name, hour): found[hour] for hour in hours if hour in found}


def stored_in_report(database: ReportDatabase, hours: Sequence[datetime]) -> dict[datetime, StoredCounts]:
    """What mysql_report holds of each hour with rows."""
    rows = database.query(
        f"SELECT dates, hours, COUNT(*), SUM({_EVENTS}) FROM {MYSQL_REPORT.name} "
        "WHERE dates BETWEEN %s AND %s GROUP BY dates, hours",
        (min(hours).date(), max(hours).date()),
    )
    found = {
        day.replace(tzinfo=UTC) + timedelta(hours=hour): StoredCounts(count, int(events))
        for day, hour, count, events in rows
    }
    return {hour: found[hour] for hour in hours if hour in found}


def read_buckets(
    session: CassandraSession, hours: Mapping[datetime, Recorded], *, pick: int, most: int = ROWS_OF_BUCKET
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
        buckets = layouts.of(round(hour.timestamp() * 1000)).buckets
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


def changed_since(session: CassandraSession, recorded: Mapping[tuple[str, datetime], Recorded]) -> dict[datetime, bool]:
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


def backlog_before(settings: Settings, moment: datetime) -> tuple[Backlog, ...]:
    """What the ingest group hasn't committed of the records that the event topic got before then."""
    topic = settings.kafka_topic
    consumer = kafka.open_consumer(settings, group=None)
    try:
        firsts, ends = kafka.beginning_offsets(consumer, topic), kafka.end_offsets(consumer, topic)
        with kafka.translated_errors(f"offsets of topic {topic} at {moment}"):
            since = consumer.offsets_for_times(
                {TopicPartition(topic, partition): round(moment.timestamp() * 1000) for partition in ends}
            )
    finally:
        consumer.close(autocommit=False)
    with kafka.open_admin(settings) as admin:
        committed = kafka.committed_offsets(admin, settings)
    before = {tp.partition: ends[tp.partition] if found is None else found.offset for tp, found in since.items()}
    return tuple(
        Backlog(
            partition=partition,
            uncommitted=max(0, end - max(firsts[partition], committed.get(partition, 0))),
            dropped=max(0, firsts[partition] - committed.get(partition, firsts[partition])),
        )
        for partition, end in sorted(before.items())
    )


def _t_by_bucket(buckets: Mapping[int, Sequence[int]] | None) -> dict[int, int] | None:
    return None if buckets is None else {bucket: portion[0] for bucket, portion in buckets.items()}


def _naive(hour: datetime) -> datetime:
    return hour.astimezone(UTC).replace(tzinfo=None)
