"""The jobs' last days, which verdicts on clicks depend on: hours are made again when the job dimension changes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

import orjson
from pymysql.cursors import Cursor

from recruit_assets.contract.tables import CLICK_END_DATES, JOB, JUDGED_TABLES, MYSQL_REPORT
from recruit_assets.runtime.times import aware
from recruit_assets.stores.mysql.connection import ReportDatabase, placeholders
from recruit_assets.stores.mysql.downstream import reopen_hours

JOBS_AT_ONCE = 1_000
Change = tuple[int, date | None, date | None]
"""A job's id, the last day that hours were made with, and that of now."""


def end_dates(database: ReportDatabase) -> dict[int, date]:
    """The last day of each job that has one."""
    return dict(database.query(f"SELECT id, end_date FROM {JOB.name} WHERE end_date IS NOT NULL"))


def follow_end_dates(database: ReportDatabase, *, clock: Callable[[], datetime]) -> None:
    """Re-open the hours that the report has of jobs whose last day has changed, from the earlier of both days on.

    Without changes the cost is that of reading the last days once. `clock` is Cassandra's: a run that began before the
    change was seen may have read the old day. May be killed at any point and repeated.
    """
    while changed := _changed(database):
        hours = _hours(database, {id: min(filter(None, days)) for id, *days in changed})
        at = clock()
        for table in JUDGED_TABLES:
            reopen_hours(database, table, hours, at)
        database.run_transaction(partial(_note, changed=changed))


def hours_to_reopen(database: ReportDatabase) -> list[datetime]:
    """The hours that `follow_end_dates` would re-open now; of many jobs those of some."""
    return _hours(database, {id: min(filter(None, days)) for id, *days in _changed(database)})


def _changed(database: ReportDatabase) -> list[Change]:
    """Some jobs whose last day isn't the one that hours were made with."""
    return database.query(
        f"SELECT id, noted.end_date, job.end_date FROM {JOB.name} job LEFT JOIN {CLICK_END_DATES.name} noted "
        "USING (id) WHERE NOT (noted.end_date <=> job.end_date) "
        f"UNION ALL SELECT id, noted.end_date, NULL FROM {CLICK_END_DATES.name} noted LEFT JOIN {JOB.name} job "
        f"USING (id) WHERE job.id IS NULL LIMIT {JOBS_AT_ONCE}"
    )


def _hours(database: ReportDatabase, since: Mapping[int, date]) -> list[datetime]:
    """The hours of the report that have one of the jobs, from its day (UTC) on: a last day ends after its beginning.

    The report is asked, because it has an hour before any run of another table begins to make it.
    """
    rows = database.query(
        "SELECT DISTINCT r.dates, r.hours FROM JSON_TABLE(%s, '$[*]' COLUMNS (id bigint PATH '$[0]', "
        f"since char(10) PATH '$[1]')) changed JOIN {MYSQL_REPORT.name} r "
        "ON r.job_id = changed.id AND r.dates >= CAST(changed.since AS DATE)",
        (orjson.dumps([*since.items()]).decode(),),
    )
    return [aware(day) + timedelta(hours=hour) for day, hour in rows]


def _note(cursor: Cursor, changed: Sequence[Change]) -> None:
    ids = [id for id, *_ in changed]
    cursor.execute(f"DELETE FROM {CLICK_END_DATES.name} WHERE id IN ({placeholders(ids)})", ids)
    cursor.executemany(
        f"INSERT INTO {CLICK_END_DATES.name} (id, end_date) VALUES (%s, %s)",
        [(id, day) for id, _, day in changed if day is not None],
    )
