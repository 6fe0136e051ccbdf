"""Reports for the tests of their readers: a simulation's ledger, written the way a run writes it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby

from recruit_assets.contract.click_quality import VALID
from recruit_assets.contract.tables import ATTRIBUTED_CONVERSIONS, CLICK_QUALITY, FUNNEL_ACTIONS, GRAIN, MYSQL_REPORT
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.budgets import site_budgets
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.ledger import REPORT_COLUMNS, Ledger
from recruit_assets.simulator.names import site_names
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.mysql.budgets import load_budgets
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs, load_names
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.mysql.lookups import refresh_lookups_completely
from recruit_assets.stores.mysql.schema import apply_mysql_schema

CLICKED = ("clicks", "spend_hour")
APPLIED = ("conversion", "qualified_application", "disqualified_application")


@contextmanager
def report_database(settings: Settings) -> Iterator[ReportDatabase]:
    """Create the settings' database with its schema; drop it at the end."""
    apply_mysql_schema(settings)
    with open_report_database(settings) as database:
        yield database
        database.query(f"DROP DATABASE {settings.mysql_database}")


def write_report(database: ReportDatabase, spec: SimulationSpec, ledger: Ledger) -> None:
    """Fill the report with what the ledger expects, and load jobs, names and budgets.

    In the tables beside it all clicks are valid, each application has its own click, and each row has one hire.
    """
    load_jobs(database, dimension_rows(site_jobs(spec.jobs)))
    load_names(database, site_names(spec))
    load_budgets(database, site_budgets(spec, datetime.now(UTC)))
    refresh_lookups_completely(database, MYSQL_REPORT)
    sink, clicks = MySqlHourSink(database, MYSQL_REPORT), MySqlHourSink(database, CLICK_QUALITY)
    further, credited = MySqlHourSink(database, FUNNEL_ACTIONS), MySqlHourSink(database, ATTRIBUTED_CONVERSIONS)
    for hour, grouped in groupby(ledger.report(), key=_hour):
        rows, made_at = list(grouped), hour.replace(tzinfo=None)
        end_ms = round((hour + timedelta(hours=1)).timestamp() * 1000)
        store_hour(sink, hour, [as_stored((*row, made_at)) for row in rows], covered_through_ms=end_ms)
        judged = [(made_at, *_values(row, *GRAIN), VALID.name, *_values(row, *CLICKED), made_at) for row in rows]
        store_hour(clicks, hour, judged, covered_through_ms=end_ms)
        hires = [(made_at, *_values(row, *GRAIN), "hired", 1, made_at) for row in rows]
        store_hour(further, hour, hires, covered_through_ms=end_ms)
        credits = [(made_at, *_values(row, *GRAIN), 1, *_values(row, *APPLIED), made_at) for row in rows]
        store_hour(credited, hour, credits, covered_through_ms=end_ms)


def store_hour(
    sink: MySqlHourSink, hour: datetime, rows: Iterable[tuple[object, ...]], *, covered_through_ms: int
) -> None:
    """Replace the hour's rows."""
    covered = {hour: covered_through_ms}
    list(sink.replace_hours([(hour, rows)], covered_through_ms=covered, write_timestamp=1, run_id="a run"))


def as_stored(row: tuple[object, ...]) -> tuple[object, ...]:
    """A report row as a run hands it over: without the company, which is looked up when the row is stored."""
    company = MYSQL_REPORT.column_names.index("company_id")
    return (*row[:company], *row[company + 1 :])


def total(ledger: Ledger, column: str) -> float:
    """The sum of a column over the rows that the ledger expects."""
    return sum(float(str(row[REPORT_COLUMNS.index(column)])) for row in ledger.report())


def _values(row: tuple[object, ...], *columns: str) -> tuple[object, ...]:
    return tuple(row[REPORT_COLUMNS.index(column)] for column in columns)


def _hour(row: tuple[object, ...]) -> datetime:
    day = datetime.fromisoformat(str(row[REPORT_COLUMNS.index("dates")])).replace(tzinfo=UTC)
    return day.replace(hour=int(str(row[REPORT_COLUMNS.index("hours")])))
