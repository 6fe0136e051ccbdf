"""Queries that find the differences in the audit database: all are counted, the first few shown with their place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from recruit_assets.contract.measures import CLICKS, REPORT_EVENTS
from recruit_assets.contract.tables import CLICK_QUALITY, GRAIN, MYSQL_REPORT, RAW_EVENTS
from recruit_assets.contract.types import DownstreamTable, SqlTable
from recruit_assets.observability.audit.audit_db import AuditDatabase
from recruit_assets.observability.audit.results import EXAMPLES, Sample
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.kafka.offsets import PartitionSpan

Describe = Callable[..., str]
RowName = Callable[[Sequence[Any], Sequence[str]], str]
"""A row in words, from the values of its key and their names."""
NO_HOUR_FROZEN = -(2**62)
_KEY = "hour_ms, bucket, create_time"

# the same create_time with another event time is another event
_MISSING = f"""
    SELECT {_KEY}, event_time_ms, kafka_partition, kafka_offset FROM events e
    WHERE e.hour_ms >= :first_hour_ms
      AND NOT EXISTS (SELECT 1 FROM stored s WHERE s.hour_ms = e.hour_ms AND s.bucket = e.bucket
      AND s.create_time = e.create_time AND s.event_time_ms = e.event_time_ms)
    GROUP BY {_KEY}, event_time_ms
"""
_UNKNOWN = f"""
    SELECT {_KEY}, received_at_ms FROM stored s
    WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.hour_ms = s.hour_ms AND e.bucket = s.bucket
      AND e.create_time = s.create_time AND e.event_time_ms = s.event_time_ms)
"""
_UNEXPECTED = f"SELECT * FROM ({_UNKNOWN}) WHERE received_at_ms IS NULL OR received_at_ms >= :compared_from_ms"
_NOT_COMPARED = f"SELECT * FROM ({_UNKNOWN}) WHERE received_at_ms < :compared_from_ms"
# if an event's records contradict each other, the winner is unspecified: a conflict, not a wrong row
_OTHER_CONTENT = f"""
    SELECT {_KEY}, kafka_partition, kafka_offset
    FROM (SELECT {_KEY}, event_time_ms, min(content) AS sent, kafka_partition, kafka_offset FROM events
          GROUP BY {_KEY} HAVING count(*) = 1) JOIN stored USING ({_KEY}, event_time_ms)
    WHERE sent IS NOT content
"""
# the event's last record may have been dropped already
_OTHER_RECEIVED_AT = f"""
    SELECT {_KEY}, stored.received_at_ms, wanted
    FROM (SELECT {_KEY}, max(received_at_ms) AS wanted FROM events GROUP BY {_KEY}) JOIN stored USING ({_KEY})
    WHERE stored.received_at_ms IS NOT wanted
      AND NOT (coalesce(stored.received_at_ms, 0) > wanted AND stored.received_at_ms < :compared_from_ms)
"""
_CONFLICTS = """
    SELECT create_time, count(DISTINCT event_time_ms), count(DISTINCT content), min(kafka_offset), kafka_partition
    FROM events WHERE create_time IN (SELECT create_time FROM events GROUP BY create_time HAVING count(*) > 1)
    GROUP BY create_time
"""
_RECORD = "kafka_partition, kafka_offset, timestamp_ms"
_SAME_RECORD = (
    "d.kafka_partition = r.kafka_partition AND d.kafka_offset = r.kafka_offset AND d.timestamp_ms = r.timestamp_ms"
)
_WITHOUT_DEAD_LETTER = f"""
    SELECT kafka_partition, kafka_offset, reason FROM rejected r
    WHERE NOT EXISTS (SELECT 1 FROM dead_letters d WHERE {_SAME_RECORD})
"""
_OTHER_REASON = f"""
    SELECT kafka_partition, kafka_offset, r.reason, d.reason FROM rejected r JOIN dead_letters d USING ({_RECORD})
    WHERE NOT EXISTS (SELECT 1 FROM dead_letters d WHERE {_SAME_RECORD} AND d.reason = r.reason)
    GROUP BY {_RECORD}
"""
# an older dead letter is of a record that the topic has dropped, or of the topic before it was made anew
_WITHOUT_REJECTION = f"""
    SELECT kafka_partition, kafka_offset, reason FROM dead_letters d
    WHERE kafka_partition = :partition AND kafka_offset >= :first AND kafka_offset < :end AND timestamp_ms >= :first_ms
      AND NOT EXISTS (SELECT 1 FROM rejected r WHERE {_SAME_RECORD})
    GROUP BY {_RECORD}
"""

_HOURLY = """
    SELECT dates, hours, sum(expected), sum(found) FROM (
      SELECT dates, hours, {count} AS expected, 0 AS found FROM {expected}
      UNION ALL SELECT dates, hours, 0, {count} FROM {found})
    GROUP BY dates, hours HAVING sum(expected) <> sum(found)
"""
_REPORT_KEY = MYSQL_REPORT.primary_key
_GRAIN = ", ".join(GRAIN)
_GROSS = f"""
    SELECT event_hour, {_GRAIN}, sum(gross) AS gross, sum(judged) AS judged FROM (
      SELECT substr(dates, 1, 10) || printf(' %02d:00:00', hours) AS event_hour, {_GRAIN},
        {CLICKS.report_column} AS gross, 0 AS judged FROM reported
      UNION ALL SELECT event_hour, {_GRAIN}, 0, {CLICKS.name} FROM reported_{CLICK_QUALITY.name})
    WHERE event_hour IN (SELECT event_hour FROM kept_{CLICK_QUALITY.name})
    GROUP BY event_hour, {_GRAIN}
"""


@dataclass(frozen=True, slots=True)
class RowDifferences:
    """How two reports differ: rows that only one of them has, and rows whose values differ."""

    missing: Sample
    unexpected: Sample
    different: Sample


class Differences:
    """The differences in a filled audit database. Kafka no longer has every record of before `compared_from_ms`,
    Cassandra no longer has every row of before `first_hour_ms`.
    """

    def __init__(
        self, audit_db: AuditDatabase, *, topic: str, compared_from_ms: float, first_hour_ms: int = NO_HOUR_FROZEN
    ) -> None:
        self._audit_db = audit_db
        self._topic = topic
        self._span = {"compared_from_ms": compared_from_ms, "first_hour_ms": first_hour_ms}

    def events_without_row(self) -> Sample:
        return self._sample(_MISSING, lambda h, b, c, _, p, o: f"missing: {_row(h, b, c)}, sent as {self._place(p, o)}")

    def rows_without_event(self) -> Sample:
        return self._sample(_UNEXPECTED, lambda h, b, c, at: f"unexpected: {_row(h, b, c)}, received {moment(at)}")

    def rows_not_compared(self) -> int:
        return self._audit_db.number(f"SELECT count(*) FROM ({_NOT_COMPARED})", self._span)

    def rows_with_other_content(self) -> Sample:
        return self._sample(
            _OTHER_CONTENT, lambda h, b, c, p, o: f"{_row(h, b, c)} differs from its record {self._place(p, o)}"
        )

    def rows_with_other_received_at(self) -> Sample:
        return self._sample(
            _OTHER_RECEIVED_AT, lambda h, b, c, at, wanted: f"{_row(h, b, c)}: {moment(at)}, expected {moment(wanted)}"
        )

    def conflicts(self) -> Sample:
        return self._sample(
            _CONFLICTS,
            lambda c, times, contents, offset, p: (
                f"create_time {UUID(bytes=c)} has {times} event times and {contents} contents, first in "
                f"{self._place(p, offset)}"
            ),
        )

    def rejected_without_dead_letter(self) -> Sample:
        return self._sample(_WITHOUT_DEAD_LETTER, lambda p, o, reason: f"missing: {self._place(p, o)} ({reason})")

    def dead_letters_with_other_reason(self) -> Sample:
        return self._sample(
            _OTHER_REASON, lambda p, o, wanted, found: f"{self._place(p, o)}: reason {found}, expected {wanted}"
        )

    def dead_letters_without_rejection(self, span: PartitionSpan, first_ms: int) -> Sample:
        """Only for records that the partition still holds; the first one has this time."""
        return self._sample(
            _WITHOUT_REJECTION,
            lambda p, o, reason: f"unexpected: {self._place(p, o)} ({reason})",
            {"partition": span.partition, "first": span.first, "end": span.end, "first_ms": first_ms},
        )

    def hours(self, expected: str, found: str) -> Sample:
        """Hours in which two reports count a different number of events."""
        query = _HOURLY.format(count=REPORT_EVENTS, expected=expected, found=found)
        return self._sample(query, lambda day, hour, wanted, n: f"{_hour(day, hour)}: {n} events, expected {wanted}")

    def report(self, expected: str, found: str, columns: Sequence[str]) -> RowDifferences:
        """How the report table `found` differs from `expected`, in the key and in these columns."""
        return self._rows(expected, found, columns, names=_REPORT_KEY, describe=_report_row)

    def days(self, table: SqlTable) -> RowDifferences:
        """How a daily table differs from the recomputed one."""
        expected, found = f"recomputed_{table.name}", f"reported_{table.name}"
        return self._rows(expected, found, table.column_names, names=table.primary_key, describe=_dated_row)

    def downstream(self, table: DownstreamTable) -> RowDifferences:
        """How a downstream table differs from the recounted one."""
        expected, found = f"recomputed_{table.name}", f"reported_{table.name}"
        return self._rows(expected, found, table.column_names, names=table.primary_key, describe=_dated_row)

    def downstream_ledger(self, table: DownstreamTable) -> RowDifferences:
        """How a downstream table differs from the ledger's, which doesn't know when an event was received."""
        columns = [name for name in table.column_names if name != table.updated_at]
        expected, found = f"ledger_{table.name}", f"reported_{table.name}"
        return self._rows(expected, found, columns, names=table.primary_key, describe=_dated_row)

    def gross_clicks(self) -> tuple[int, Sample]:
        """The report's clicks in the hours of click_quality that are kept, and where verdicts don't add up to them."""
        gross = self._audit_db.number(f"SELECT sum(gross) FROM ({_GROSS})")
        return gross, self._sample(
            f"SELECT * FROM ({_GROSS}) WHERE gross <> judged",
            lambda hour, *row: f"{hour[:16]}, {_ids(GRAIN, row[:-2])}: {row[-1]} judged, expected {row[-2]}",
        )

    def _rows(
        self, expected: str, found: str, columns: Sequence[str], *, names: Sequence[str], describe: RowName
    ) -> RowDifferences:
        key = ", ".join(names)
        values = [name for name in columns if name not in names]
        pairs = ", ".join(f"e.{name}, f.{name}" for name in values)
        on = " AND ".join(f"e.{name} = f.{name}" for name in names)
        other = " OR ".join(f"e.{name} IS NOT f.{name}" for name in values)
        keys = ", ".join(f"e.{name}" for name in names)
        changed = f"SELECT {keys}, {pairs} FROM {expected} e JOIN {found} f ON {on} WHERE {other}"
        missing = f"SELECT {key} FROM {expected} EXCEPT SELECT {key} FROM {found}"
        unexpected = f"SELECT {key} FROM {found} EXCEPT SELECT {key} FROM {expected}"
        return RowDifferences(
            missing=self._sample(missing, lambda *row: f"missing: {describe(row, names)}"),
            unexpected=self._sample(unexpected, lambda *row: f"unexpected: {describe(row, names)}"),
            different=self._sample(
                changed, lambda *row: f"{describe(row[: len(names)], names)}: {_changes(row[len(names) :], values)}"
            ),
        )

    def _place(self, partition: int, offset: int) -> str:
        return f"{self._topic}/{partition}/{offset}"

    def _sample(self, query: str, describe: Describe, parameters: Mapping[str, object] | None = None) -> Sample:
        parameters = self._span | dict(parameters or {})
        count = self._audit_db.number(f"SELECT count(*) FROM ({query})", parameters)
        if not count:
            return Sample()
        rows = self._audit_db.rows(f"SELECT * FROM ({query}) LIMIT {EXAMPLES}", parameters)
        return Sample(count, tuple(describe(*row) for row in rows))


def moment(instant_ms: int | None) -> str:
    """A UTC time as text, with milliseconds."""
    if instant_ms is None:
        return "never"
    return from_ms(instant_ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _row(hour_ms: int, bucket: int, create_time: bytes) -> str:
    return f"{RAW_EVENTS.name} hour {moment(hour_ms)[:16]} bucket {bucket} create_time {UUID(bytes=create_time)}"


def _hour(day: str, hour: int) -> str:
    return f"{day[:10]} {hour:02d}:00"


def _report_row(key: Sequence[Any], names: Sequence[str]) -> str:
    day, hour, *grain = key
    return f"{_hour(day, hour)}, {_ids(names[2:], grain)}"


def _dated_row(key: Sequence[Any], names: Sequence[str]) -> str:
    date_or_hour, *grain = key
    return f"{date_or_hour}, {_ids(names[1:], grain)}"


def _ids(names: Sequence[str], values: Sequence[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def _changes(values: Sequence[Any], columns: Sequence[str]) -> str:
    """The columns that differ; `values` has the wanted and the found one of each column."""
    pairs = zip(columns, values[::2], values[1::2], strict=True)
    return ", ".join(f"{name} {found}, expected {wanted}" for name, wanted, found in pairs if wanted != found)
