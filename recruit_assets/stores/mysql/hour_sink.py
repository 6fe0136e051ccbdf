"""The tables mysql_report, report_hours and job: how an hour of the report is replaced, and when it isn't.

Belongs here: the one write path of the report, with the join to the job dimension. Not here: connections and retries
(`mysql`), which hours (`pending`), how their rows are computed (`transforms.hourly`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pymysql.cursors import Cursor

from recruit_assets.contract.measures import CLICKS, MEASURES
from recruit_assets.contract.tables import JOB, MYSQL_REPORT, REPORT_HOURS
from recruit_assets.hours.ports import Published, ReportRow
from recruit_assets.hours.replacement import tally_of
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.spill_file import open_spill_file
from recruit_assets.stores.mysql.totals import NOTHING, SUMS, Totals, totals_of


@dataclass(frozen=True, slots=True)
class HourTotals:
    """The rows of one hour, added up; `newest_event` is when Kafka received the newest of its events."""

    totals: Totals = NOTHING
    newest_event: datetime | None = None


def totals_by_hour(database: ReportDatabase, hours: Sequence[datetime]) -> Mapping[datetime, HourTotals]:
    """The totals of each hour, zeros for one without rows. Reads every hour from the first day to the last."""
    rows = database.query(
        f"SELECT dates, hours, MAX(latest_update_time), {SUMS} "
        f"FROM {MYSQL_REPORT.name} WHERE dates BETWEEN %s AND %s GROUP BY dates, hours",
        (min(hours).date(), max(hours).date()),
    )
    found = {
        day.replace(tzinfo=UTC) + timedelta(hours=hour): HourTotals(totals_of(sums), newest.replace(tzinfo=UTC))
        for day, hour, newest, *sums in rows
    }
    return {hour: found.get(hour, HourTotals()) for hour in hours}


CHUNK_ROWS = 1000
"""Rows of one INSERT: about 200 KB, far below any max_allowed_packet."""

EPOCH = datetime(1970, 1, 1)
NEVER = EPOCH + timedelta(days=1)
"""The mark of an hour whose first transaction is under way; older than any real one."""

JOB_ID = MYSQL_REPORT.column_names.index("job_id")
COMPANY_ID = MYSQL_REPORT.column_names.index("company_id")


class MySqlReport:
    """Fulfils `stages.Report`."""

    def __init__(self, database: ReportDatabase) -> None:
        self._database = database

    def replace_hour(
        self, hour: datetime, rows: Iterable[ReportRow], *, covered_through_ms: int, t: int, run_id: str
    ) -> Published:
        """Replace the hour's rows and mark in one transaction, unless the report holds a greater (mark, T).

        Deadlocks, lock waits and lost connections are tried again. One lost in COMMIT is such a case: the second try
        finds its own mark or not, and writes the same rows.
        """
        hour = hour.replace(tzinfo=None)
        covered_through = EPOCH + timedelta(milliseconds=covered_through_ms)
        with open_spill_file(chunk_rows=CHUNK_ROWS) as spill_file:
            tally = tally_of(spill_file.fill(rows))

            def replace(cursor: Cursor) -> bool:
                if _locked_mark(cursor, hour) > (covered_through, t):
                    return False
                _delete_rows(cursor, hour)
                for chunk in spill_file.chunks():
                    _insert(cursor, chunk)
                _store_mark(cursor, hour, (covered_through, t, tally.row_count, tally.event_count, run_id))
                return True

            return Published(tally, stored=self._database.run_transaction(replace))


def _locked_mark(cursor: Cursor, hour: datetime) -> tuple[datetime, int]:
    """The hour's mark, locked until the transaction ends; a missing row is made first: only rows can be locked."""
    cursor.execute(
        f"INSERT IGNORE INTO {REPORT_HOURS.name} (event_hour, covered_through, t, row_count, event_count, run_id) "
        "VALUES (%s, %s, 0, 0, 0, '')",
        (hour, NEVER),
    )
    cursor.execute(f"SELECT covered_through, t FROM {REPORT_HOURS.name} WHERE event_hour = %s FOR UPDATE", (hour,))
    ((covered_through, t),) = cursor.fetchall()
    return covered_through, t


def _delete_rows(cursor: Cursor, hour: datetime) -> None:
    day = hour.replace(hour=0)
    cursor.execute(f"DELETE FROM {MYSQL_REPORT.name} WHERE dates = %s AND hours = %s", (day, hour.hour))


def _insert(cursor: Cursor, rows: Sequence[ReportRow]) -> None:
    companies = _companies(cursor, {row[JOB_ID] for row in rows})
    joined = [(*row[:COMPANY_ID], companies.get(row[JOB_ID]), *row[COMPANY_ID + 1 :]) for row in rows]
    names = MYSQL_REPORT.column_names
    markers = f"({', '.join(['%s'] * len(names))})"
    values = [value for row in joined for value in row]
    cursor.execute(
        f"INSERT INTO {MYSQL_REPORT.name} ({', '.join(names)}) VALUES {', '.join([markers] * len(rows))}", values
    )
    if cursor.rowcount != len(rows) or cursor.warning_count:
        raise Inconsistent(
            f"MySQL took {cursor.rowcount} of {len(rows)} rows of {MYSQL_REPORT.name} with {cursor.warning_count} "
            "warnings; the hour was left as it was"
        )


def _companies(cursor: Cursor, job_ids: set[int]) -> dict[int, int | None]:
    """The company of each known job: asks for the hour's jobs only, whatever the size of the dimension."""
    markers = ", ".join(["%s"] * len(job_ids))
    cursor.execute(f"SELECT id, company_id FROM {JOB.name} WHERE id IN ({markers})", sorted(job_ids))
    return dict(cursor.fetchall())


def _store_mark(cursor: Cursor, hour: datetime, mark: tuple[datetime, int, int, int, str]) -> None:
    cursor.execute(
        f"UPDATE {REPORT_HOURS.name} SET covered_through = %s, t = %s, row_count = %s, event_count = %s, run_id = %s "
        "WHERE event_hour = %s",
        (*mark, hour),
    )


def preview(database: ReportDatabase, hours: Sequence[datetime]) -> str:
    """A Markdown table of the ten rows with the most clicks from the first to the last of these hours."""
    names = ("dates", "hours", "job_id", "publisher_id", *(measure.report_column for measure in MEASURES))
    first, last = min(hours).replace(tzinfo=None), max(hours).replace(tzinfo=None)
    rows = database.query(
        f"SELECT {', '.join(names)} FROM {MYSQL_REPORT.name} "
        "WHERE (dates > %s OR (dates = %s AND hours >= %s)) AND (dates < %s OR (dates = %s AND hours <= %s)) "
        f"ORDER BY {CLICKS.report_column} DESC, dates, hours, job_id, publisher_id LIMIT 10",
        (first.date(), first.date(), first.hour, last.date(), last.date(), last.hour),
    )
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join("| " + " | ".join(str(value) for value in line) + " |" for line in lines)
