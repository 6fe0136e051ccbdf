"""Every panel that reads the report database, with the read-only login: none is empty, and all match the ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.ledger import REPORT_COLUMNS, Ledger
from recruit_assets.stores.mysql.budgets import read_pacing, tell_crossings
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.grafana import PanelQuery, panel_queries, variable_queries
from recruit_assets_tests.support.reports import report_database, total, write_report
from recruit_assets_tests.support.simulations import END, all_valid, simulated

SPEC = all_valid(events=4_000, jobs=18)
START = END - timedelta(days=4)
SUMMED = {"clicks": "clicks", "applications": "conversion", "spend": "spend_hour"}
"""Columns of the panels, with their columns in the ledger."""
PANELS = panel_queries("mysql")
RATIOS = ("Costs", "Rates", "Cost per click and per application")
PENDING_ONLY = {"failed_runs", "newest_change"}
"""Columns of the hours' table that are null while nothing is pending."""
FACTS = [query for query in PANELS if "fact_hourly" in query.text]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return simulated(SPEC)[1]


@pytest.fixture(scope="module")
def analyst(engines: Settings, ledger: Ledger) -> Iterator[ReportDatabase]:
    names = fresh_names(engines)
    own = names.model_copy(update={"analyst_user": names.mysql_database, "analyst_password": SecretStr("only reads")})
    with report_database(own) as database:
        write_report(database, SPEC, ledger)
        reached = read_pacing(database, {START.date().replace(day=1), END.date().replace(day=1)})
        tell_crossings(database, reached, [], lambda _crossings, _channels: {})
        login = {"mysql_user": own.analyst_user, "mysql_password": own.analyst_password}
        with open_report_database(own.model_copy(update=login)) as reader:
            yield reader
        database.query(f"DROP USER '{own.analyst_user}'@'%%'")


def rows_of(database: ReportDatabase, sql: str) -> list[dict[str, object]]:
    with database.transaction() as cursor:
        cursor.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize("query", PANELS + variable_queries(), ids=str)
def test_no_panel_is_empty(analyst: ReportDatabase, query: PanelQuery) -> None:
    rows = rows_of(analyst, query.expanded(START, END))

    assert rows
    assert all(any(row[name] is not None for row in rows) for name in rows[0] if name not in PENDING_ONLY)


@pytest.mark.parametrize("query", FACTS, ids=str)
def test_a_panel_adds_up_to_the_ledger(analyst: ReportDatabase, ledger: Ledger, query: PanelQuery) -> None:
    rows = rows_of(analyst, query.expanded(START, END))

    summed = [name for name in SUMMED if name in rows[0]]
    assert bool(summed) is (query.panel not in RATIOS)
    assert {name: sum(float(str(row[name])) for row in rows) for name in summed} == {
        name: total(ledger, SUMMED[name]) for name in summed
    }


def test_key_figures_are_ratios_of_the_ledgers_sums(analyst: ReportDatabase, ledger: Ledger) -> None:
    by_panel = {query.panel: query.expanded(START, END) for query in FACTS}
    spend, clicks, applications, qualified = (
        total(ledger, column) for column in ("spend_hour", "clicks", "conversion", "qualified_application")
    )

    assert rows_of(analyst, by_panel["Costs"]) == [
        {
            "cpc": pytest.approx(spend / clicks),
            "cpa": pytest.approx(spend / applications),
            "cost_per_qualified_application": pytest.approx(spend / qualified),
        }
    ]
    assert rows_of(analyst, by_panel["Rates"]) == [
        {
            "apply_rate": pytest.approx(applications / clicks),
            "qualified_rate": pytest.approx(qualified / applications),
        }
    ]


@pytest.mark.parametrize("query", FACTS, ids=str)
def test_a_filter_shows_only_the_chosen_publishers(analyst: ReportDatabase, ledger: Ledger, query: PanelQuery) -> None:
    chosen = [41, 43]
    publisher, clicks = REPORT_COLUMNS.index("publisher_id"), REPORT_COLUMNS.index("clicks")
    expected = sum(int(str(row[clicks])) for row in ledger.report() if row[publisher] in chosen)

    rows = rows_of(analyst, query.expanded(START, END, chosen={"publisher": chosen}))

    assert 0 < expected < total(ledger, "clicks")
    if "clicks" in rows[0]:
        assert sum(int(str(row["clicks"])) for row in rows) == expected


@pytest.mark.parametrize("query", FACTS, ids=str)
def test_a_range_without_events_has_only_nulls(analyst: ReportDatabase, query: PanelQuery) -> None:
    """A division by zero must be null in strict mode too."""
    long_ago = datetime(2025, 1, 1, tzinfo=UTC)

    rows = rows_of(analyst, query.expanded(long_ago, long_ago + timedelta(days=1)))

    assert all(value is None for row in rows for value in row.values())
