"""Reads all that an audit needs, in the order in which data flows.

Kafka's committed offsets are read first: what they cover must be in the stores that are read later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf

from recruit_assets.contract.privacy import PERSONAL_FIELDS, PrivacyMode
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.observability.audit.attribution import FoundByHour
from recruit_assets.observability.audit.audit_db import DAILY_TABLES, AuditDatabase
from recruit_assets.observability.audit.cassandra_rows import local_dates, take_rows
from recruit_assets.observability.audit.daily_rows import Days, days_of, take_days
from recruit_assets.observability.audit.downstream_rows import DownstreamHours, recounts_of, take_downstream
from recruit_assets.observability.audit.event_digest import EventDigest
from recruit_assets.observability.audit.kafka_records import RecordCounts, RecordReader, take_dead_letters
from recruit_assets.observability.audit.report_rows import HourCounts, take_companies, take_report
from recruit_assets.observability.audit.results import Progress, Sample
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware, from_ms, to_ms
from recruit_assets.stores.cassandra.attribution import read_counts_by_rule, require_rules
from recruit_assets.stores.cassandra.audit_reads import (
    newest_changes,
    read_partitions,
    stored_partitions,
    versions_of_hours,
)
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.erasures import read_erasures
from recruit_assets.stores.cassandra.privacy import read_privacy
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.kafka.topic_reader import TopicReader, open_topic_reader
from recruit_assets.stores.mysql.audit_reads import (
    ReportedHour,
    companies_of_jobs,
    made_days,
    reported_hours,
    rows_by,
)
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dead_letter_replays import replay_places
from recruit_assets.stores.mysql.end_dates import end_dates
from recruit_assets.stores.mysql.known_topics import was_made_anew
from recruit_assets.transforms.erasure import ErasedPeople
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets.transforms.privacy import privacy_of
from recruit_assets.transforms.validate import Limits


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read. The events, rows, dead letters and report rows themselves are in the audit database."""

    before: Sequence[PartitionSpan]
    """The event topic before reading; its records were read up to the readable ends."""
    after: Sequence[PartitionSpan]
    """The event topic after everything was read."""
    records: RecordCounts
    foreign_records: Sample
    """Records of the dead letter topic that another program wrote."""
    rows: int
    """How many rows raw_events has."""
    changes: Mapping[datetime, datetime]
    """The newest change of each hour in the change feed."""
    hour_counts: HourCounts
    """What mysql_report has, by hour."""
    recorded_hours: Mapping[datetime, ReportedHour]
    """What report_hours records about each hour."""
    now: datetime
    """Cassandra's clock at the beginning."""
    made_anew_ms: float = -inf
    """When the first record came, if another event topic of the same name was there before; inf if none has come."""
    days: Days = field(default_factory=Days)
    """The days of the daily tables, and which of them can be compared."""
    frozen_before: datetime | None = None
    """Events of earlier hours expire, so their rows and their report aren't compared."""
    found_jobs: FoundByHour = field(default_factory=dict)
    """How many events each rule finds the job of, by hour."""
    recorded_jobs: Mapping[datetime, RowCounts] = field(default_factory=dict)
    """The same as runs recorded it; empty if events have no job but their own."""
    downstream: Mapping[str, DownstreamHours] = field(default_factory=dict)
    """Of each downstream table that is switched on: which hours can be compared."""


def read_everything(settings: Settings, audit_db: AuditDatabase, progress: Progress) -> Collected:
    """Read the three stores; StoreUnavailable if one doesn't answer.

    UserError if the installation has another RECRUIT_ATTRIBUTION.
    """
    with open_topic_reader(settings) as reader, open_session(settings) as session:
        require_rules(session, settings.job_rules)
        now, retention = from_ms(session.now_ms()), read_retention(session)
        frozen_before = retention.frozen_before(now)
        before = reader.spans()
        with open_report_database(settings) as database:
            made_anew_ms = _made_anew_ms(reader, database, settings.kafka_topic)
            last_days = end_dates(database)
            for page in replay_places(database, settings.kafka_topic):
                audit_db.add_replays(page)
            last_days = end_dates(database)
        foreign_records = _read_dead_letters(reader, settings, audit_db, progress=progress)
        digest = _digest(session, settings)
        records = _read_records(
            reader, before, session, audit_db=audit_db, digest=digest, settings=settings, progress=progress
        )
        stored = (key for key in stored_partitions(session) if frozen_before is None or aware(key[0]) >= frozen_before)
        partitions = read_partitions(session, stored)
        by_hour: FoundByHour = {}
        jobs, date_of = JobFinder(settings.job_rules), local_dates(settings.report_zone)
        rows = take_rows(
            audit_db,
            partitions,
            digest=digest,
            date_of=date_of,
            jobs=jobs,
            found=by_hour,
            recounts=recounts_of(settings, audit_db, last_days),
            expected=records.valid,
            progress=progress,
        )
        recorded = (
            {} if jobs.attribution.is_default else read_counts_by_rule(session, jobs.attribution, sorted(by_hour))
        )
        changes = newest_changes(session)
        with open_report_database(settings) as database:
            hour_counts = take_report(
                audit_db, rows_by(database, MYSQL_REPORT, *MYSQL_REPORT.hour_columns), progress=progress
            )
            take_companies(audit_db, companies_of_jobs(database))
            recorded_hours = reported_hours(database)
            made = take_daily_tables(audit_db, database)
            downstream = take_downstream(audit_db, database, settings, now=now, frozen_before=frozen_before)
        days = days_of(made, versions_of_hours(session), date_of, frozen_before=frozen_before)
        after = reader.spans()
    return Collected(
        before,
        after,
        records,
        foreign_records,
        rows,
        changes,
        hour_counts,
        recorded_hours,
        now,
        made_anew_ms,
        days,
        frozen_before,
        by_hour,
        recorded,
        downstream,
    )


def take_daily_tables(audit_db: AuditDatabase, database: ReportDatabase) -> dict[str, int]:
    """Copy the daily tables; returns the version of each day, read before its rows."""
    made = made_days(database)
    for table in DAILY_TABLES:
        take_days(audit_db, table, rows_by(database, table, "date"))
    return made


def _digest(session: CassandraSession, settings: Settings) -> EventDigest:
    """Of the whole content, unless RECRUIT_PRIVACY has ever been other than keep: then some rows have less."""
    if all(one.mode is PrivacyMode.KEEP for one in read_privacy(session)):
        return EventDigest()
    return EventDigest(without={*PERSONAL_FIELDS, *privacy_of(settings).names})


def _made_anew_ms(reader: TopicReader, database: ReportDatabase, topic: str) -> float:
    if not was_made_anew(database, topic, reader.topic_id()):
        return -inf
    return min(reader.first_times_ms(topic), default=inf)


def _read_dead_letters(
    reader: TopicReader, settings: Settings, audit_db: AuditDatabase, *, progress: Progress
) -> Sample:
    firsts, ends = reader.offsets(settings.dlq_topic)
    batches = reader.records(settings.dlq_topic, firsts=firsts, ends=ends)
    return take_dead_letters(audit_db, batches, progress=progress)


def _read_records(
    reader: TopicReader,
    spans: Sequence[PartitionSpan],
    session: CassandraSession,
    *,
    audit_db: AuditDatabase,
    digest: EventDigest,
    settings: Settings,
    progress: Progress,
) -> RecordCounts:
    limits = Limits(settings.max_event_bytes, to_ms(settings.first_hour), retention=read_retention(session))
    privacy = privacy_of(settings)
    records = RecordReader(
        audit_db,
        layouts=read_layouts(session),
        limits=limits,
        digest=digest,
        erased=ErasedPeople(privacy, read_erasures(session)),
        jobs=JobFinder(settings.job_rules),
        privacy=privacy,
    )
    firsts = {span.partition: span.first for span in spans}
    ends = {span.partition: span.readable_end for span in spans}
    batches = reader.records(settings.kafka_topic, firsts=firsts, ends=ends)
    return records.take(batches, total=sum(ends.values()) - sum(firsts.values()), progress=progress)
