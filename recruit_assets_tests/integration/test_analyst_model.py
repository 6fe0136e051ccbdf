"""The analysts' views match the report: the same totals, every id with a name or 'unknown', ratios or null."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import pytest

from recruit_assets.contract.analyst_model import DIMENSIONS, FACT, VIEWS, Dimension, View
from recruit_assets.contract.measures import KPIS, MEASURES
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.ledger import REPORT_COLUMNS, Ledger
from recruit_assets.stores.mysql.connection import ReportDatabase
from recruit_assets.stores.mysql.schema import SQL_TYPES
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.reports import report_database, total, write_report
from recruit_assets_tests.support.simulations import all_valid, simulated

SPEC = all_valid(events=4_000, jobs=40, late_share=0.1)
TWO_HOURS = "event_hour BETWEEN '2026-01-05 09:00:00' AND '2026-01-05 10:00:00'"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return simulated(SPEC)[1]


@pytest.fixture(scope="module")
def report(engines: Settings, ledger: Ledger) -> Iterator[ReportDatabase]:
    with report_database(fresh_names(engines)) as database:
        write_report(database, SPEC, ledger)
        yield database


def test_the_fact_view_adds_up_to_the_ledger(report: ReportDatabase, ledger: Ledger) -> None:
    sums = ", ".join(f"SUM({measure.name})" for measure in MEASURES)

    ((rows, *found),) = report.query(f"SELECT COUNT(*), {sums} FROM {FACT.name}")

    assert rows == len(ledger.report())
    assert [float(number) for number in found] == [total(ledger, measure.report_column) for measure in MEASURES]
    assert min(found) > 0


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)
def test_a_join_with_a_dimension_neither_loses_nor_doubles_rows(
    report: ReportDatabase, ledger: Ledger, dimension: Dimension
) -> None:
    found = report.query(
        f"SELECT COUNT(*), SUM(clicks) FROM {FACT.name} JOIN dim_{dimension.name} USING ({dimension.key})"
    )

    assert found == [(len(ledger.report()), total(ledger, "clicks"))]


@pytest.mark.parametrize("dimension", DIMENSIONS, ids=lambda dimension: dimension.name)
def test_a_member_has_its_name_or_is_unknown(report: ReportDatabase, dimension: Dimension) -> None:
    names = dict(report.query(f"SELECT id, {dimension.name_column} FROM {dimension.names.name}"))

    shown = dict(report.query(f"SELECT {dimension.key}, {dimension.label} FROM dim_{dimension.name}"))

    assert shown == {id: names.get(id, "unknown") for id in shown}
    assert names.keys() < shown.keys()


def test_the_calendar_has_every_day_of_whole_years(report: ReportDatabase) -> None:
    days = [day for (day,) in report.query("SELECT date FROM dim_date ORDER BY date")]

    assert days[0] == date(2024, 1, 1)
    assert (days[-1].month, days[-1].day) == (12, 31)
    assert days[-1] >= date.today()
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(days=1)}


def test_a_day_is_described_as_in_the_iso_calendar(report: ReportDatabase) -> None:
    assert report.query("SELECT * FROM dim_date WHERE date = '2027-01-01'") == []
    assert report.query("SELECT * FROM dim_date WHERE date IN ('2024-02-29', '2024-12-30') ORDER BY date") == [
        (date(2024, 2, 29), 2024, 1, 2, "February", 9, 4, "Thursday"),
        (date(2024, 12, 30), 2024, 4, 12, "December", 1, 1, "Monday"),
    ]


@pytest.mark.parametrize("name", ["date", *(dimension.name for dimension in DIMENSIONS)])
def test_key_figures_are_ratios_of_sums_and_null_over_nothing(
    report: ReportDatabase, ledger: Ledger, name: str
) -> None:
    sums = [measure.name for measure in MEASURES]
    rows = report.query(f"SELECT {', '.join([*sums, *(kpi.name for kpi in KPIS)])} FROM kpi_by_{name}")

    for row in rows:
        by_name = dict(zip(sums, row, strict=False))
        assert row[len(sums) :] == tuple(
            pytest.approx(by_name[kpi.numerator.name] / by_name[kpi.denominator.name])
            if by_name[kpi.denominator.name]
            else None
            for kpi in KPIS
        )
    assert sum(row[0] for row in rows) == total(ledger, "clicks")


def test_a_budgets_spend_is_the_ledgers_over_its_month(report: ReportDatabase, ledger: Ledger) -> None:
    month, spend = REPORT_COLUMNS.index("dates"), REPORT_COLUMNS.index("spend_hour")
    spent: dict[tuple[str, object, str], float] = defaultdict(float)
    for row in ledger.report():
        for scope in ("campaign", "job"):
            id = row[REPORT_COLUMNS.index(f"{scope}_id")]
            spent[scope, id, str(row[month])[:7]] += float(str(row[spend]))

    found = report.query("SELECT scope, id, DATE_FORMAT(month, '%%Y-%%m'), spent FROM budget_pacing")

    assert {(scope, id, month): total for scope, id, month, total in found} == {
        key[:3]: spent[key[:3]] for key in found
    }
    assert {scope for scope, _, _, total in found if total > 0} == {"campaign", "job"}


def test_some_job_has_no_qualified_application(report: ReportDatabase) -> None:
    """Otherwise the test above wouldn't compare a null."""
    ((jobs,),) = report.query(
        "SELECT COUNT(*) FROM kpi_by_job WHERE qualified_applications = 0 AND cost_per_qualified_application IS NULL"
    )

    assert jobs > 0


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_has_its_columns_with_types_that_importers_know(report: ReportDatabase, view: View) -> None:
    """Power BI uses the types in information_schema: whole numbers must not be decimals of 32 digits."""
    found = report.query(
        "SELECT column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position",
        (view.name,),
    )

    whole = {"int", "bigint", "year"}  # servers differ in how wide the whole number of an expression is
    wanted = [(column.name, SQL_TYPES[column.type].partition("(")[0]) for column in view.columns]
    assert [(name, "whole" if type_ in whole else type_) for name, type_ in found] == [
        (name, "whole" if type_ in whole else type_) for name, type_ in wanted
    ]


def test_a_range_of_hours_reads_only_its_own_rows(report: ReportDatabase, ledger: Ledger) -> None:
    """If event_hour were computed from dates and hours, every panel would read the whole report."""
    report.query("ANALYZE TABLE report_hours, mysql_report")
    with report.transaction() as cursor:
        cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL SELECT SUM(clicks) FROM {FACT.name} WHERE {TWO_HOURS}")
        names = [column[0] for column in cursor.description]
        plan = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        cursor.execute("FLUSH STATUS")
        cursor.execute(f"SELECT COUNT(*), SUM(clicks) FROM {FACT.name} WHERE {TWO_HOURS}")
        ((rows, _),) = cursor.fetchall()
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler\\_read%'")
        read = sum(int(count) for _, count in cursor.fetchall())

    assert [(step["table"], step["type"], step["key"]) for step in plan] == [
        ("h", "range", "PRIMARY"), ("r", "ref", "PRIMARY"),
    ]  # fmt: skip
    assert 0 < rows < read < rows + 20 < len(ledger.report())
