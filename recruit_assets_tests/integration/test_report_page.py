"""The page's numbers are the ledger's, read from a real report."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recruit_assets.cli.main import app
from recruit_assets.contract.measures import CLICKS, SPEND
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.ledger import REPORT_COLUMNS, Ledger
from recruit_assets.stores.dagster.instance import HOME_VARIABLE
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dimensions import JobRow, load_jobs
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.mysql.report_summary import ReportSummary, Step, read_summary
from recruit_assets.stores.mysql.schema import apply_mysql_schema
from recruit_assets.stores.mysql.totals import Totals
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.pages import Reading, some_totals
from recruit_assets_tests.support.reports import as_stored, store_hour
from recruit_assets_tests.support.simulations import a_spec, simulated

SPEC = a_spec(events=3_000, jobs=30)
COLUMNS = ("clicks", "conversion", "qualified_application", "disqualified_application", "spend_hour")
NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def own(engines: Settings) -> Settings:
    return fresh_names(engines)


@pytest.fixture
def report(own: Settings) -> Iterator[ReportDatabase]:
    """An empty report of the test's own."""
    apply_mysql_schema(own)
    with open_report_database(own) as database:
        yield database
        database.query(f"DROP DATABASE {own.mysql_database}")


def publish(database: ReportDatabase, ledger: Ledger) -> None:
    """Write the ledger's report to the database."""
    load_jobs(database, dimension_rows(site_jobs(SPEC.jobs)))
    day, hour = REPORT_COLUMNS.index("dates"), REPORT_COLUMNS.index("hours")
    for (date, number), rows in groupby(ledger.report(), key=lambda row: (str(row[day]), int(str(row[hour])))):
        at = datetime.fromisoformat(date).replace(tzinfo=UTC) + timedelta(hours=number)
        publish_hour(database, at, [(*row, at.replace(tzinfo=None)) for row in rows])


def publish_hour(database: ReportDatabase, at: datetime, rows: list[tuple[object, ...]]) -> None:
    sink = MySqlHourSink(database, MYSQL_REPORT)
    store_hour(sink, at, map(as_stored, rows), covered_through_ms=round(at.timestamp() * 1000))


def a_click(at: datetime, *, job: int = 1, bid: int = 3) -> tuple[object, ...]:
    day, received = at.replace(hour=0, tzinfo=None), at.replace(tzinfo=None)
    return (job, day, at.hour, 0, 0, 0, None, 0, 0, 0, float(bid), 1, None, float(bid), "Cassandra", received)


def expected(ledger: Ledger) -> Totals:
    clicks, applications, qualified, disqualified, spend = (
        sum(float(str(row[REPORT_COLUMNS.index(name)])) for row in ledger.report()) for name in COLUMNS
    )
    return Totals((int(clicks), int(applications), int(qualified), int(disqualified), spend))


def test_every_sum_of_the_page_is_the_ledgers(report: ReportDatabase) -> None:
    _, ledger = simulated(SPEC)
    publish(report, ledger)

    summary = read_summary(report)

    assert summary.totals == expected(ledger)
    assert summary.totals[CLICKS] > 100
    for ranking in summary.rankings:
        assert sum((place.totals for place in ranking.places), ranking.others) == expected(ledger)
    jobs = summary.rankings[0].places
    assert [place.totals[SPEND] for place in jobs] == sorted((place.totals[SPEND] for place in jobs), reverse=True)
    assert all(place.name for place in jobs)


def test_the_command_writes_the_page_whole(
    own: Settings, report: ReportDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in as_environment(own).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "dagster"))
    load_jobs(report, [JobRow(1, 77, title="Ärztin <b>看護師</b> 🦊")])
    publish_hour(report, NEW_YEAR, [a_click(NEW_YEAR, bid=1250)])

    done = CliRunner().invoke(app, ["report", "--html", str(tmp_path / "page" / "report.html")])

    assert (done.exit_code, done.exception) == (0, None)
    assert [file.name for file in (tmp_path / "page").iterdir()] == ["report.html"]
    page = Reading((tmp_path / "page" / "report.html").read_text(encoding="utf-8"))
    assert "Spend 1,250 Clicks 1" in page.text
    assert "Ärztin <b>看護師</b> 🦊" in page.text


def test_a_year_of_hours_is_summed_by_day_and_may_be_cut(report: ReportDatabase) -> None:
    days = [NEW_YEAR + timedelta(days=day) for day in range(365) if day != 200]
    for day in days:
        publish_hour(report, day, [a_click(day)])
        publish_hour(report, day + timedelta(hours=23), [a_click(day + timedelta(hours=23))])

    year, week = read_summary(report), read_summary(report, days=7)

    assert (year.step, len(year.points), year.totals) == (Step.DAY, 365, some_totals(clicks=728, spend=2184.0))
    assert (year.points[0].totals[CLICKS], year.points[200].totals[CLICKS]) == (2, 0)
    assert (week.first, week.end, week.totals[CLICKS]) == (days[-7], days[-1] + timedelta(days=1), 14)


def test_hours_without_rows_are_shown_as_zeros(report: ReportDatabase) -> None:
    for hour in (0, 3):
        publish_hour(report, NEW_YEAR + timedelta(hours=hour), [a_click(NEW_YEAR + timedelta(hours=hour))])

    summary = read_summary(report)

    assert [point.totals[CLICKS] for point in summary.points] == [1, 0, 0, 1]


def test_jobs_and_companies_without_a_name_are_shown_by_their_ids(report: ReportDatabase) -> None:
    publish_hour(report, NEW_YEAR, [a_click(NEW_YEAR, job=4)])

    jobs, _, _, companies = read_summary(report).rankings

    assert [(place.id, place.name) for place in (*jobs.places, *companies.places)] == [(4, None), (None, None)]


def test_an_empty_report_has_an_empty_summary(report: ReportDatabase) -> None:
    assert read_summary(report) == ReportSummary(Step.HOUR)


def test_a_snapshot_does_not_see_what_is_published_meanwhile(own: Settings, report: ReportDatabase) -> None:
    """Sums from different moments would not match."""
    publish_hour(report, NEW_YEAR, [a_click(NEW_YEAR)])
    count = "SELECT COUNT(*) FROM mysql_report"

    with report.snapshot() as cursor, open_report_database(own) as other:
        publish_hour(other, NEW_YEAR + timedelta(hours=1), [a_click(NEW_YEAR + timedelta(hours=1))])
        cursor.execute(count)
        seen = cursor.fetchall()

    assert (seen, report.query(count)) == (((1,),), [(2,)])
