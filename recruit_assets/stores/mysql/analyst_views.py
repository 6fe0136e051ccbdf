"""The SQL of the analyst model's views, the same on MySQL and MariaDB, and bringing a database's views up to date."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256

from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import (
    APPLIED_VIEWS,
    BUDGET_PACING,
    CREDITED,
    DIM_DATE,
    DIMENSION_VIEWS,
    DIMENSIONS,
    FACT,
    FACT_ATTRIBUTED,
    FACT_CLICKS,
    FACT_FUNNEL,
    GROSS,
    KPI_BY_ACTION,
    KPI_BY_DATE,
    KPI_VIEWS,
    UNKNOWN,
    Dimension,
)
from recruit_assets.contract.budgets import Scope
from recruit_assets.contract.click_quality import VALID, VERDICTS
from recruit_assets.contract.measures import CLICKS, KPIS, MEASURES, SPEND
from recruit_assets.contract.tables import (
    ATTRIBUTED_CONVERSIONS,
    BUDGET,
    CLICK_QUALITY,
    FIRST_HOUR,
    FUNNEL_ACTIONS,
    GRAIN,
    MYSQL_REPORT,
    REPORT_COMPANIES,
    REPORT_HOURS,
)
from recruit_assets.contract.types import DownstreamTable, Type
from recruit_assets.runtime.errors import SchemaMismatch

log = logging.getLogger(__name__)

DAY_DIGITS = 5
"""Digits of the greatest day number of the calendar: 100,000 days are 273 years."""
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def apply_views(cursor: Cursor) -> None:
    """Create missing views and replace changed ones; SchemaMismatch if a table has the name of a view.

    If all views are up to date it only reads, so a login without the right to create views may call it.
    """
    selects = view_selects()
    existing = _existing(cursor, selects.keys())
    for name, select in selects.items():
        digest = sha256(select.encode()).hexdigest()
        if existing.get(name) == digest:
            continue
        cursor.execute(f"CREATE OR REPLACE SQL SECURITY INVOKER VIEW {name} AS {select}")
        cursor.execute(f"REPLACE INTO {APPLIED_VIEWS.name} (name, definition_sha256) VALUES (%s, %s)", (name, digest))
        if name in existing:
            log.info("view %s is replaced: its definition has changed", name)


def view_selects() -> Mapping[str, str]:
    """The SELECT of each view; a view comes after those it reads."""
    return {
        FACT.name: fact_select(),
        FACT_CLICKS.name: click_select(),
        FACT_FUNNEL.name: beside_select(FUNNEL_ACTIONS, ("action", "events")),
        FACT_ATTRIBUTED.name: beside_select(ATTRIBUTED_CONVERSIONS, CREDITED),
        KPI_BY_ACTION.name: action_select(),
        DIM_DATE.name: date_select(),
        **{view.name: dimension_select(dimension) for dimension, view in DIMENSION_VIEWS.items()},
        KPI_BY_DATE.name: f"SELECT f.*, {', '.join(kpi_columns())} FROM ({sums_by('date')}) f",
        **{view.name: kpi_select(dimension) for dimension, view in KPI_VIEWS.items()},
        BUDGET_PACING.name: pacing_select(),
    }


def fact_select() -> str:
    """Reads report_hours first and its rows by primary key, so a condition on event_hour is a key range.

    An event_hour computed from dates and hours would make every query read the whole report.
    """
    measures = (f"r.{measure.report_column} AS {measure.name}" for measure in MEASURES)
    return (
        f"SELECT h.event_hour, DATE(h.event_hour) AS date, {', '.join([*fact_keys('r', company='r'), *measures])} "
        f"FROM {REPORT_HOURS.name} h STRAIGHT_JOIN {MYSQL_REPORT.name} r "
        "ON r.dates = DATE(h.event_hour) AND r.hours = HOUR(h.event_hour)"
    )


def fact_keys(rows: str, *, company: str) -> Iterator[str]:
    """The dimensions' keys in these rows, with the company of another alias, 0 if there is none."""
    for dimension in DIMENSIONS:
        key = dimension.key
        yield f"COALESCE({company}.{key}, 0) AS {key}" if dimension.name == "company" else f"{rows}.{key}"


def click_select() -> str:
    """The clicks of all verdicts side by side, with the company that the report has for the job."""
    grain = ", ".join(f"q.{name}" for name in GRAIN)
    chosen = ", ".join([*fact_keys("q", company="c"), *click_columns()])
    return (
        f"SELECT q.event_hour, DATE(q.event_hour) AS date, {chosen} "
        f"FROM {CLICK_QUALITY.name} q LEFT JOIN {REPORT_COMPANIES.name} c ON c.id = q.job_id "
        f"GROUP BY q.event_hour, {grain}, c.company_id"
    )


def click_columns() -> Iterator[str]:
    """Sums of click_quality, as `q`, by verdict. Whole numbers as in `sum_columns`."""
    number, amount = f"q.{CLICKS.name}", f"q.{SPEND.name}"
    yield f"CAST(SUM(1e0 * {number}) AS SIGNED) AS {GROSS}_{CLICKS.name}"
    for one in VERDICTS:
        counted = f"CASE WHEN q.verdict = '{one.name}' THEN 1e0 * {number} ELSE 0e0 END"
        yield f"CAST(SUM({counted}) AS SIGNED) AS {one.name}_{CLICKS.name}"
    yield f"SUM({amount}) AS {GROSS}_{SPEND.name}"
    valid = f"CASE WHEN q.verdict = '{VALID.name}' THEN {amount} ELSE 0e0 END"
    yield f"SUM({valid}) AS {VALID.name}_{SPEND.name}"


def beside_select(table: DownstreamTable, columns: Sequence[str]) -> str:
    """Rows of a table beside the report, with the company that the report has for the job."""
    chosen = ", ".join([*fact_keys("f", company="c"), *(f"f.{name}" for name in columns)])
    return (
        f"SELECT f.event_hour, DATE(f.event_hour) AS date, {chosen} "
        f"FROM {table.name} f LEFT JOIN {REPORT_COMPANIES.name} c ON c.id = f.job_id"
    )


def action_select(where: str = "TRUE") -> str:
    """Each further action with its cost, over the rows of both fact views that meet the condition."""
    return (
        "SELECT a.action, a.events, s.spend, s.spend / NULLIF(a.events, 0) AS cost_per_event FROM "
        f"(SELECT action, CAST(SUM(1e0 * events) AS SIGNED) AS events FROM {FACT_FUNNEL.name} WHERE {where} "
        f"GROUP BY action) a CROSS JOIN (SELECT SUM({SPEND.name}) AS spend FROM {FACT.name} WHERE {where}) s"
    )


def date_select() -> str:
    """Whole years, as Power BI's time intelligence needs: from the first hour's to the report's last, or this one."""
    first = f"SELECT MAKEDATE(YEAR(event_hour), 1) AS day FROM {FIRST_HOUR.name}"
    last = f"SELECT GREATEST(UTC_DATE(), COALESCE(DATE(MAX(dates)), UTC_DATE())) AS day FROM {MYSQL_REPORT.name}"
    # not a recursive query: MySQL stops it after 1,000 rows, and a view can't raise that limit
    digits = ", ".join(f"digit d{place}" for place in range(DAY_DIGITS))
    number = " + ".join(f"d{place}.n * {10**place}" for place in range(DAY_DIGITS))
    return (
        f"WITH digit AS ({' UNION ALL '.join(f'SELECT {n} AS n' for n in range(10))}), "
        f"day AS (SELECT first.day + INTERVAL {number} DAY AS date FROM ({first}) first, ({last}) last, {digits} "
        f"WHERE {number} < DATEDIFF(MAKEDATE(YEAR(last.day) + 1, 1), first.day)) "
        "SELECT date, YEAR(date) + 0 AS year, QUARTER(date) AS quarter, MONTH(date) AS month, "
        f"{_spelled('MONTH(date)', MONTHS)} AS month_name, WEEK(date, 3) AS iso_week, WEEKDAY(date) + 1 AS weekday, "
        f"{_spelled('WEEKDAY(date) + 1', WEEKDAYS)} AS weekday_name FROM day"
    )


def dimension_select(dimension: Dimension) -> str:
    """Every key of the report, so that a join with the fact view loses no row, and every key that has a name."""
    key, names = dimension.key, dimension.names.name
    none = "" if dimension.name == "job" else " UNION SELECT 0"  # 0 is a real job id; elsewhere it means none
    return (
        f"SELECT k.{key}, {label_of(dimension)} FROM ("
        f"SELECT DISTINCT {key} FROM {MYSQL_REPORT.name} WHERE {key} IS NOT NULL UNION SELECT id FROM {names}{none}) k "
        f"LEFT JOIN {names} n ON n.id = k.{key}"
    )


def kpi_select(dimension: Dimension, where: str = "TRUE") -> str:
    """Sums and key figures of each member, over the rows of the fact view that meet the condition."""
    key = dimension.key
    sums = ", ".join(f"f.{measure.name}" for measure in MEASURES)
    return (
        f"SELECT f.{key}, {label_of(dimension)}, {sums}, {', '.join(kpi_columns())} FROM ({sums_by(key, where)}) f "
        f"LEFT JOIN {dimension.names.name} n ON n.id = f.{key}"
    )


def pacing_select(where: str = "TRUE") -> str:
    """The pacing of the budgets whose month `b.month` meets the condition; reads only the rows of these months.

    A condition on the view's month is pushed down as far as to its hours; an outer join would prevent that, so budgets
    without spend are added as zeros.
    """
    budgets = f"{_budgets(Scope.CAMPAIGN, _spent_by_campaigns(where), where)} UNION ALL "
    budgets += _budgets(Scope.JOB, _spent_by_jobs(where), where)
    seconds = "TIMESTAMPDIFF(SECOND, p.month, {0})".format
    over = f"1e0 * {seconds('UTC_TIMESTAMP()')} / {seconds('p.month + INTERVAL 1 MONTH')}"
    over = f"LEAST(1e0, GREATEST(0e0, {over}))"
    return (
        "SELECT p.scope, p.id, p.month, p.name, p.amount, p.spent, p.spent / NULLIF(p.amount, 0) AS spent_share, "
        f"p.amount * {over} AS expected_by_now, p.spent / NULLIF({over}, 0) AS forecast FROM ({budgets}) p"
    )


def _budgets(scope: Scope, spent: str, where: str) -> str:
    (names,) = (one for one in DIMENSIONS if one.name == scope)
    none = f"SELECT b.month, b.id, 0e0 FROM {BUDGET.name} b WHERE b.scope = '{scope}' AND {where}"
    return (
        f"SELECT b.scope, s.id, s.month, COALESCE(n.{names.name_column}, '{UNKNOWN}') AS name, b.amount, s.spent "
        f"FROM (SELECT month, id, SUM(spent) AS spent FROM ({spent} UNION ALL {none}) r GROUP BY month, id) s "
        f"JOIN {BUDGET.name} b ON b.scope = '{scope}' AND b.id = s.id AND b.month = s.month "
        f"LEFT JOIN {names.names.name} n ON n.id = s.id"
    )


def _spent_by_campaigns(where: str) -> str:
    """What each campaign has spent in each month in which any campaign has a budget; reads these hours once."""
    months = f"SELECT DISTINCT b.month FROM {BUDGET.name} b WHERE b.scope = '{Scope.CAMPAIGN}' AND {where}"
    return (
        f"SELECT b.month, r.campaign_id AS id, SUM(r.{SPEND.report_column}) AS spent FROM ({months}) b "
        f"STRAIGHT_JOIN {REPORT_HOURS.name} h ON {_in_month('h.event_hour')} "
        f"STRAIGHT_JOIN {MYSQL_REPORT.name} r ON r.dates = DATE(h.event_hour) AND r.hours = HOUR(h.event_hour) "
        "GROUP BY b.month, r.campaign_id"
    )


def _spent_by_jobs(where: str) -> str:
    """What each job has spent in each month in which it has a budget; reads these jobs' rows by their index."""
    return (
        f"SELECT b.month, b.id, SUM(r.{SPEND.report_column}) AS spent FROM {BUDGET.name} b "
        f"STRAIGHT_JOIN {MYSQL_REPORT.name} r ON r.job_id = b.id AND {_in_month('r.dates')} "
        f"WHERE b.scope = '{Scope.JOB}' AND {where} GROUP BY b.month, b.id"
    )


def _in_month(time: str) -> str:
    return f"{time} >= b.month AND {time} < b.month + INTERVAL 1 MONTH"


def sums_by(key: str, where: str = "TRUE") -> str:
    """The measures' sums by an expression over the fact view's columns ("a" or "a AS name")."""
    name = key.rpartition(" AS ")[2]
    return f"SELECT {key}, {', '.join(sum_columns())} FROM {FACT.name} WHERE {where} GROUP BY {name}"


def sum_columns() -> Iterator[str]:
    """Each measure's sum. Whole numbers are summed as doubles, exact up to 2^53, and cast back.

    MySQL would sum them as decimals, which takes 1.5 times as long.
    """
    for measure in MEASURES:
        total = f"SUM({measure.name})" if measure.type is Type.DOUBLE else f"CAST(SUM(1e0 * {measure.name}) AS SIGNED)"
        yield f"{total} AS {measure.name}"


def kpi_columns() -> Iterator[str]:
    """Each ratio of the sums of table alias f, as a double; null where the denominator is 0."""
    for kpi in KPIS:
        # without 1e0 MySQL divides whole numbers to 4 decimals only
        yield f"1e0 * f.{kpi.numerator.name} / NULLIF(f.{kpi.denominator.name}, 0) AS {kpi.name}"


def _existing(cursor: Cursor, views: Collection[str]) -> Mapping[str, str]:
    """The SHA-256 of the SELECT that each existing view was made from; empty if unknown."""
    cursor.execute(f"SELECT name, definition_sha256 FROM {APPLIED_VIEWS.name}")
    digests = dict(cursor.fetchall())
    cursor.execute("SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = DATABASE()")
    found = {name: type_ for name, type_ in cursor.fetchall() if name in views}
    for name, type_ in found.items():
        if type_ != "VIEW":
            raise SchemaMismatch(
                f"MySQL has a table {name} where the analyst model has a view. Nothing was changed; "
                "rename the table or use another RECRUIT_MYSQL_DATABASE"
            )
    return {name: digests.get(name, "") for name in found}


def label_of(dimension: Dimension) -> str:
    """The name of a dimension's member, of its table of names as `n`."""
    return f"COALESCE(n.{dimension.name_column}, '{UNKNOWN}') AS {dimension.label}"


def _spelled(number: str, words: Sequence[str]) -> str:
    """The word at a position; MONTHNAME would depend on the language of server and session."""
    return f"ELT({number}, {', '.join(repr(word) for word in words)})"
