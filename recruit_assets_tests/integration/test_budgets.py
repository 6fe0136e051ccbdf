"""Budgets on a real database: the view's numbers, and each threshold told once, whoever looks and however often."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from itertools import count
from threading import Barrier

import dagster as dg
import pytest
from pydantic import SecretStr

from recruit_assets.contract.budgets import Budget, Crossing
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.defs.resources import MySqlResource
from recruit_assets.defs.sensors import budgets
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.budgets import load_budgets, read_pacing, tell_crossings
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets_tests.conftest import export_to, fresh_names
from recruit_assets_tests.support.receivers import Hook, web_hook
from recruit_assets_tests.support.reports import as_stored, report_database, store_hour

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
PACING = "scope, id, month, name, amount, spent, spent_share, expected_by_now, forecast"
Spend = tuple[int, int, float]
"""Job, campaign and what was spent."""

_versions = count(1)
"""Each time an hour is stored it is covered further, as by a later run."""


@pytest.fixture
def own(engines: Settings) -> Settings:
    return fresh_names(engines)


@pytest.fixture
def report(own: Settings) -> Iterator[ReportDatabase]:
    with report_database(own) as database:
        yield database


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_hook() as hook:
        yield hook


def at(day: int, hour: int = 0, *, month: int = 2) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def store(database: ReportDatabase, hour: datetime, *spends: Spend) -> None:
    """Replace the hour's rows."""
    midnight = hour.replace(hour=0, tzinfo=None)
    rows = [
        (job, midnight, hour.hour, 0, 0, 0, None, 0, campaign, 0, spent, 1, None, spent, "Cassandra", midnight)
        for job, campaign, spent in spends
    ]
    covered_ms = round(hour.timestamp() * 1000) + next(_versions)
    store_hour(MySqlHourSink(database, MYSQL_REPORT), hour, map(as_stored, rows), covered_through_ms=covered_ms)


def campaign(amount: float, *, id: int = 7, month: date = FEBRUARY) -> Budget:
    return Budget("campaign", id, month, amount)


def looks(settings: Settings, hook: Hook, cursor: str | None = None) -> str:
    """What a tick of the sensor does, in a process that has just started; the next cursor."""
    with open_report_database(settings) as database:
        return budgets.evaluate(database, cursor, with_channels(settings, hook)).cursor


def with_channels(settings: Settings, *hooks: Hook) -> Settings:
    return settings.model_copy(update={"alert_urls": SecretStr(" ".join(hook.url for hook in hooks))})


def test_the_view_has_what_was_spent_in_the_month_beside_an_even_pace(report: ReportDatabase) -> None:
    store(report, at(31, 23, month=1), (3, 7, 999))
    store(report, at(1, 0), (3, 7, 100), (4, 7, 50), (4, 8, 30))
    store(report, at(28, 23), (3, 7, 150))
    store(report, at(1, 0, month=3), (3, 7, 888))
    report.query("INSERT INTO campaign VALUES (7, 'Winter')")
    report.query("INSERT INTO job (id, title) VALUES (3, 'Köchin'), (7, 'Koch')")
    load_budgets(report, [campaign(1200), campaign(10, id=9), campaign(0, id=8), campaign(2000, month=JANUARY)])
    load_budgets(report, [Budget("job", 3, FEBRUARY, 500.0), campaign(600, month=MARCH)])

    report.query("SET TIMESTAMP = UNIX_TIMESTAMP('2026-02-08')")  # a quarter of February is over
    assert report.query(f"SELECT {PACING} FROM budget_pacing ORDER BY scope, id, month") == [
        ("campaign", 7, JANUARY, "Winter", 2000, 999, 0.4995, 2000, 999),
        ("campaign", 7, FEBRUARY, "Winter", 1200, 300, 0.25, 300, 1200),
        ("campaign", 7, MARCH, "Winter", 600, 888, 1.48, 0, None),
        ("campaign", 8, FEBRUARY, "unknown", 0, 30, None, 0, 120),
        ("campaign", 9, FEBRUARY, "unknown", 10, 0, 0, 2.5, 0),
        ("job", 3, FEBRUARY, "Köchin", 500, 250, 0.5, 125, 1000),
    ]

    report.query("SET TIMESTAMP = UNIX_TIMESTAMP('2026-03-01')")
    paces = report.query(
        "SELECT month, expected_by_now, forecast FROM budget_pacing WHERE scope = 'campaign' AND id = 7"
    )
    assert sorted(paces) == [(JANUARY, 2000, 999), (FEBRUARY, 1200, 300), (MARCH, 0, None)]


def test_a_month_is_read_without_the_others(report: ReportDatabase) -> None:
    """A view that reads the whole history gets slower with every month."""
    for hour in range(20):
        store(report, at(1, hour, month=1), *((job, 7, 1.0) for job in range(30)))
    store(report, at(1), (3, 7, 5.0))
    load_budgets(report, [campaign(10), campaign(10, month=JANUARY), Budget("job", 5, FEBRUARY, 1.0)])

    with report.transaction() as cursor:
        cursor.execute("FLUSH STATUS")
        cursor.execute("SELECT spent FROM budget_pacing WHERE month = '2026-02-01' ORDER BY scope")
        found = cursor.fetchall()
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler\\_read%'")
        read = sum(int(number) for _, number in cursor.fetchall())

    assert [spent for (spent,) in found] == [5.0, 0.0]
    assert read < 150  # January has 600 rows


def test_each_threshold_is_told_once_through_restarts(report: ReportDatabase, own: Settings, hook: Hook) -> None:
    report.query("INSERT INTO campaign VALUES (7, 'Winter')")
    load_budgets(report, [campaign(1000)])
    for spent in (499.0, 500.0, 510.0, 920.0, 899.0, 1000.0, 1500.0):
        store(report, at(3, 7), (3, 7, spent))
        cursor = looks(own, hook)
        assert looks(own, hook, cursor) == cursor

    told = "campaign 7 (Winter) has spent {} % of its budget of February 2026: {} of 1,000.00"
    assert hook.messages == [told.format(50, "500.00"), told.format(90, "920.00"), told.format(100, "1,000.00")]
    assert report.query("SELECT threshold, spent, waiting FROM budget_alerts ORDER BY threshold") == [
        (50, 500, ""), (75, 920, ""), (90, 920, ""), (100, 1000, ""),
    ]  # fmt: skip


def test_late_events_reach_the_thresholds_of_their_own_month(report: ReportDatabase, own: Settings, hook: Hook) -> None:
    load_budgets(report, [campaign(100), campaign(100, month=MARCH), Budget("job", 3, FEBRUARY, 80.0)])
    store(report, at(28, 23), (3, 7, 40))
    store(report, at(1, 0, month=3), (3, 7, 40))
    cursor = looks(own, hook)
    hook.accepted.clear()

    store(report, at(28, 23), (3, 7, 76))
    looks(own, hook, cursor)

    assert [one["title"] for one in hook.accepted] == [
        "Recruitment report: job 3 has spent 90 % of its budget of February 2026: 76.00 of 80.00 (and 1 more)"
    ]
    assert hook.messages[0].splitlines()[1:] == [
        "campaign 7 has spent 75 % of its budget of February 2026: 76.00 of 100.00"
    ]


def test_a_raised_budget_is_told_of_anew(report: ReportDatabase, own: Settings, hook: Hook) -> None:
    """Otherwise nobody would hear that the raised one is used up too."""
    load_budgets(report, [campaign(100)])
    store(report, at(3), (3, 7, 100))
    cursor = looks(own, hook)
    load_budgets(report, [campaign(400)])
    cursor = looks(own, hook, cursor)
    store(report, at(4), (3, 7, 120))
    looks(own, hook, cursor)

    assert [line.partition(" of its")[0][-5:] for line in hook.messages] == ["100 %", "50 %".rjust(5)]


def test_of_daemons_that_look_at_the_same_time_one_sends(report: ReportDatabase, own: Settings) -> None:
    load_budgets(report, [campaign(100), campaign(100, id=8)])
    store(report, at(3), (3, 7, 100), (3, 8, 60))
    together, sent = Barrier(4), list[int]()

    def send(crossings: Sequence[Crossing], channels: Sequence[str]) -> Mapping[str, str]:
        time.sleep(0.3)  # a channel takes a while to answer, and the others come meanwhile
        sent.append(len(crossings))
        return {}

    def look(_: int) -> None:
        with open_report_database(own) as database:
            found = read_pacing(database, [FEBRUARY])
            together.wait()
            tell_crossings(database, found, ["1 json"], send)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(4)))

    assert sent == [5]


def test_a_channel_that_fails_is_told_at_the_next_look_and_the_others_are_not_told_twice(
    report: ReportDatabase, own: Settings, hook: Hook
) -> None:
    load_budgets(report, [campaign(100)])
    store(report, at(3), (3, 7, 60))
    with web_hook() as bad:
        bad.status = 500
        settings = with_channels(own, hook, bad)
        first = budgets.evaluate(report, None, settings)
        bad.status = 200
        second = budgets.evaluate(report, first.cursor, settings)
        budgets.evaluate(report, second.cursor, settings)

        assert [list(look.failed) for look in (first, second)] == [["2 json"], []]
        assert len(hook.messages) == len(bad.messages) == 1


def test_a_process_that_dies_before_the_end_of_its_transaction_has_it_sent_once_more(
    report: ReportDatabase, own: Settings, hook: Hook
) -> None:
    """At least once: no alert is lost."""
    load_budgets(report, [campaign(100)])
    store(report, at(3), (3, 7, 60))

    def die(_crossings: Sequence[Crossing], _channels: Sequence[str]) -> Mapping[str, str]:
        raise KeyboardInterrupt

    with open_report_database(own) as database, pytest.raises(KeyboardInterrupt):
        tell_crossings(database, read_pacing(database, [FEBRUARY]), ["1 json"], die)
    looks(own, hook)

    assert len(hook.messages) == 1


def test_what_was_reached_without_any_channel_is_recorded_and_not_sent_later(
    report: ReportDatabase, own: Settings, hook: Hook
) -> None:
    load_budgets(report, [campaign(100)])
    store(report, at(3), (3, 7, 60))
    budgets.evaluate(report, None, own)
    looks(own, hook)

    assert report.query("SELECT threshold FROM budget_alerts") == [(50,)]
    assert hook.messages == []


def test_the_sensor_looks_only_at_months_that_have_changed(
    report: ReportDatabase, own: Settings, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_to(monkeypatch, with_channels(own, hook))
    load_budgets(report, [campaign(100), campaign(100, month=MARCH)])
    resources = {"mysql": MySqlResource.from_settings(own)}
    said, cursor = [], None
    for spent in (10, None, 95):
        if spent:
            store(report, at(3), (3, 7, spent))
        with dg.build_sensor_context(cursor=cursor, resources=resources) as context:
            result = budgets.budget_alert(context)
        assert isinstance(result, dg.SensorResult)
        assert result.skip_reason is not None
        cursor = result.cursor
        said.append(result.skip_reason.skip_message)
    budgets.database.close()

    assert said == [f"months with a budget: 2, changed since the last look: {changed}" for changed in (2, 0, 1)]
    assert len(hook.messages) == 1
