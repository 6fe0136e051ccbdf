"""Reads all that an audit needs, in the order in which data flows.

Kafka's committed offsets are read first: what they cover must be in the stores that are read later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from recruit_assets.observability.audit.audit_db import AuditDatabase
from recruit_assets.observability.audit.cassandra_rows import take_rows
from recruit_assets.observability.audit.kafka_records import RecordCounts, RecordReader, take_dead_letters
from recruit_assets.observability.audit.report_rows import HourCounts, take_companies, take_report
from recruit_assets.observability.audit.results import Progress, Sample
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import aware, from_ms, to_ms
from recruit_assets.stores.cassandra.audit_reads import newest_changes, read_partitions, stored_partitions
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.kafka.topic_reader import TopicReader, open_topic_reader
from recruit_assets.stores.mysql.audit_reads import ReportedHour, companies_of_jobs, report_rows, reported_hours
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.transforms.validate import Limits


@dataclass(frozen=True, slots=True)
class Collected:
    """What was read. The events, rows, dead letters and report rows themselves are in the audit database."""

    before: Sequence[PartitionSpan]
    """The event topic before reading; its records were read up to here."""
    after: Sequence[PartitionSpan]
    """The event topic after everything was read."""
    records: RecordCounts
    foreign_records: Sample
    """Records of the dead letter topic that aren't dead letters of the event topic."""
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
    frozen_before: datetime | None = None
    """Events of earlier hours expire, so their rows and their report aren't compared."""


def read_everything(settings: Settings, audit_db: AuditDatabase, progress: Progress) -> Collected:
    """Read the three stores; StoreUnavailable if one doesn't answer."""
    with open_topic_reader(settings) as reader, open_session(settings) as session:
        now, retention = from_ms(session.now_ms()), read_retention(session)
        frozen_before = retention.frozen_before(now)
        before = reader.spans()
        foreign_records = _read_dead_letters(reader, settings, audit_db, progress=progress)
        records = _read_records(reader, before, session, audit_db=audit_db, settings=settings, progress=progress)
        stored = (key for key in stored_partitions(session) if frozen_before is None or aware(key[0]) >= frozen_before)
        partitions = read_partitions(session, stored)
        rows = take_rows(audit_db, partitions, expected=records.valid, progress=progress)
        changes = newest_changes(session)
        hour_counts, recorded_hours = _read_report(settings, audit_db, progress)
        after = reader.spans()
    return Collected(
        before, after, records, foreign_records, rows, changes, hour_counts, recorded_hours, now, frozen_before
    )


def _read_dead_letters(
    reader: TopicReader, settings: Settings, audit_db: AuditDatabase, *, progress: Progress
) -> Sample:
    firsts, ends = reader.offsets(settings.dlq_topic)
    batches = reader.records(settings.dlq_topic, firsts=firsts, ends=ends)
    return take_dead_letters(audit_db, batches, topic=settings.kafka_topic, progress=progress)


def _read_records(
    reader: TopicReader,
    spans: Sequence[PartitionSpan],
    session: CassandraSession,
    *,
    audit_db: AuditDatabase,
    settings: Settings,
    progress: Progress,
) -> RecordCounts:
    limits = Limits(settings.max_event_bytes, to_ms(settings.first_hour), retention=read_retention(session))
    records = RecordReader(audit_db, topic=settings.kafka_topic, layouts=read_layouts(session), limits=limits)
    firsts, ends = {span.partition: span.first for span in spans}, {span.partition: span.end for span in spans}
    batches = reader.records(settings.kafka_topic, firsts=firsts, ends=ends)
    return records.take(batches, total=sum(span.end - span.first for span in spans), progress=progress)


def _read_report(
    settings: Settings, audit_db: AuditDatabase, progress: Progress
) -> tuple[HourCounts, Mapping[datetime, ReportedHour]]:
    with open_report_database(settings) as database:
        hours = take_report(audit_db, report_rows(database), progress=progress)
        take_companies(audit_db, companies_of_jobs(database))
        return hours, reported_hours(database)
