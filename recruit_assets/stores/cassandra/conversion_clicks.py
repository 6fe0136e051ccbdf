"""The table conversion_clicks: finds people's clicks by their uid, and stores which of them led to an application."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from cassandra.query import UNSET_VALUE
from pyspark.sql import DataFrame
from pyspark.sql.types import TimestampType

from recruit_assets.contract.click_quality import ClickRules
from recruit_assets.contract.tables import GRAIN, HOUR_COVERAGE, RAW_EVENTS
from recruit_assets.contract.types import HourTable
from recruit_assets.runtime.chunks import in_chunks
from recruit_assets.runtime.times import aware, from_ms
from recruit_assets.stores.cassandra.erasures import require_index
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets.transforms.click_judge import ClickJudge
from recruit_assets.transforms.found_jobs import JobFinder
from recruit_assets.transforms.journeys import DAY_MS, FIELDS, Click, Journeys, journeys_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
APPLICATIONS_AT_ONCE = 2_000
PEOPLE_IN_FLIGHT = 32
"""Each lookup asks every node, or with vnodes every range of tokens."""


class Application(NamedTuple):
    """An application as Spark has it."""

    job_id: int
    at_ms: int
    create_time: UUID
    uid: str | None


@dataclass(frozen=True, slots=True)
class ClickQuality:
    """What verdicts on clicks depend on."""

    rules: ClickRules
    end_dates: Mapping[int, date]
    """The last day of each job that has one."""

    def judge(self) -> ClickJudge:
        """Of one person's clicks."""
        return ClickJudge(self.rules, self.end_dates)


class Clicks:
    """Finds the click of each application. Reads only the events of people who applied, by the index on uid."""

    def __init__(
        self, session: CassandraSession, jobs: JobFinder, *, days: int, quality: ClickQuality | None = None
    ) -> None:
        """`quality` says which clicks are valid; without it, all are."""
        column = require_index(session)
        self._session, self._jobs, self._days, self._quality = session, jobs, days, quality
        # a person's events are few, so the time is compared where they are
        self._select = session.prepare(
            f"SELECT toUnixTimestamp(event_time), create_time, {', '.join(FIELDS)} FROM {session.table(RAW_EVENTS)} "
            f"WHERE {column} = ? AND event_time >= ? AND event_time <= ? ALLOW FILTERING"
        )

    def of(self, applications: Sequence[Application]) -> Iterator[tuple[Application, Click | None]]:
        """Each application with its click."""
        people = self._journeys(applications)
        for one in applications:
            journeys = people.get(one.uid) if one.uid else None
            click = journeys.last_click(one.job_id, (one.at_ms, one.create_time), days=self._days) if journeys else None
            yield one, click

    def _journeys(self, applications: Sequence[Application]) -> Mapping[str, Journeys]:
        uids = sorted({one.uid for one in applications if one.uid})
        if not uids:
            return {}
        # a click's duplicates are counted from the one before
        window_ms = 1000 * self._quality.rules.window_s if self._quality else 0
        first = from_ms(min(one.at_ms for one in applications) - self._days * DAY_MS - window_ms)
        last = from_ms(max(one.at_ms for one in applications))
        found = self._session.execute_concurrent(
            ((self._select, (uid, first, last)) for uid in uids), concurrency=PEOPLE_IN_FLIGHT
        )
        return {
            uid: journeys_of(
                uid,
                (((at, create_time), fields) for at, create_time, *fields in rows),
                self._jobs,
                self._quality.judge() if self._quality else None,
            )
            for uid, rows in zip(uids, found, strict=True)
        }


class ConversionClickStore(CassandraHourStore):
    """Stores applications, given as rows of `transforms.conversions.journey_events`, with their clicks."""

    def __init__(self, session: CassandraSession, frames: CassandraFrames, clicks: Clicks) -> None:
        super().__init__(session, frames)
        self._clicks = clicks

    def append(self, table: HourTable, rows: DataFrame, *, timestamp: int) -> None:
        columns = table.column_names
        insert = self._session.prepare(
            f"INSERT INTO {self._session.table(table)} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
            "USING TIMESTAMP ?"
        )
        for page in in_chunks(_plain_rows(rows), APPLICATIONS_AT_ONCE):
            found = {_application(row): row for row in page}
            self._session.execute_batches(
                (insert, (*(_value(values, name) for name in columns), timestamp))
                for values in (found[one] | _credited(click) for one, click in self._clicks.of([*found]))
            )

    def later_hours(self, table: HourTable, hours: Sequence[datetime], *, days: int) -> dict[datetime, int | None]:
        """Other hours whose clicks may be in these, and their number of rows; None while a run replaces them."""
        first, last = min(hours), max(hours) + days * DAY
        later = (first + number * HOUR for number in range((last - first) // HOUR + 1))
        rows = self._session.execute_by_hour(
            "SELECT event_hour, covered_through, row_count "
            f"FROM {self._session.table(HOUR_COVERAGE)} WHERE event_hour IN ? AND stage = ?",
            [hour for hour in later if hour not in hours],
            table.name,
        )
        return {aware(hour): None if covered is None else count for hour, covered, count in rows}

    def changed_hours(self, stored: DataFrame) -> set[datetime]:
        """The hours of those applications, rows of `may_have_changed`, whose click is another one by now."""
        hours: set[datetime] = set()
        for page in in_chunks(_plain_rows(stored), APPLICATIONS_AT_ONCE):
            found: dict[Application, dict[str, Any]] = {}
            for row in page:
                hour = from_ms(row["event_hour"])
                if row["uid"] is None:
                    hours.add(hour)
                elif hour not in hours:
                    found[_application(row)] = row
            for one, click in self._clicks.of([*found]):
                if found[one] | _credited(click) != found[one] or (click is None) != (found[one]["click_time"] is None):
                    hours.add(from_ms(found[one]["event_hour"]))
        return hours


def _plain_rows(rows: DataFrame) -> Iterator[dict[str, Any]]:
    """Times in ms since the epoch: pyspark would turn them into the local time of this process."""
    times = {field.name for field in rows.schema if isinstance(field.dataType, TimestampType)}
    plain = rows.selectExpr(*(f"unix_millis({name}) AS {name}" if name in times else name for name in rows.columns))
    return (row.asDict() for row in plain.toLocalIterator())


def _application(row: Mapping[str, Any]) -> Application:
    return Application(row["job_id"], row["event_time"], UUID(row["create_time"]), row["uid"])


def _credited(click: Click | None) -> dict[str, object]:
    """The columns that follow from the click."""
    if click is None:
        return {}
    at_ms, create_time = click.at
    return {"click_time": at_ms, "click_create_time": str(create_time), **dict(zip(GRAIN, click.ids, strict=True))}


def _value(values: Mapping[str, Any], name: str) -> object:
    value = values.get(name)
    return UNSET_VALUE if value is None else UUID(value) if name.endswith("create_time") else value
