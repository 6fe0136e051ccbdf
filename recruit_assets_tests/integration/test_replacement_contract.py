"""What every hourly table guarantees when hours are replaced, on the real engines."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from recruit_assets.hours.planning import HOUR
from recruit_assets.runtime.errors import MissingCoverage
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics, MySqlReport, TableHarness

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture(params=[FilteredEvents, HourlyJobMetrics, MySqlReport])
def table(request: pytest.FixtureRequest, settings: Settings, frames: CassandraFrames) -> Iterator[TableHarness]:
    with open_session(settings) as session, open_report_database(settings) as database:
        yield request.param(session, database, frames)


def test_a_second_run_replaces_the_rows_of_the_first(table: TableHarness) -> None:
    """A plain append would double every click of a run that is retried."""
    table.give(SEVEN, [1, 2, 3])
    table.run([SEVEN])
    table.run([SEVEN], run_id="another run")
    assert table.jobs(SEVEN) == [1, 2, 3]

    table.give(SEVEN, [2])
    result = table.run([SEVEN], run_id="a third run")
    assert table.jobs(SEVEN) == [2]
    assert result.counts[SEVEN].row_count == 1


def test_an_hour_that_lost_its_events_is_cleared(table: TableHarness) -> None:
    table.give(SEVEN, [1, 2])
    table.run([SEVEN])

    table.give(SEVEN, [])
    result = table.run([SEVEN], run_id="another run")

    assert table.jobs(SEVEN) == []
    assert result.counts[SEVEN].row_count == 0


def test_a_run_replaces_its_hours_and_not_its_neighbours(table: TableHarness) -> None:
    table.give(SEVEN, [1])
    table.give(EIGHT, [2])
    table.run([SEVEN, EIGHT])
    table.give(SEVEN, [3])
    table.give(EIGHT, [])

    table.run([SEVEN], run_id="another run")

    assert (table.jobs(SEVEN), table.jobs(EIGHT)) == ([3], [2])


def test_a_slower_older_run_changes_nothing(table: TableHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has read older data: if its rows won, events would disappear from the report."""
    a_minute_ago_ms = table.store.now_ms() - 60_000
    table.give(SEVEN, [1, 2])
    table.run([SEVEN])
    table.give(SEVEN, [1], covered_through_ms=a_minute_ago_ms)
    monkeypatch.setattr(table.store, "now_ms", lambda: a_minute_ago_ms)
    monkeypatch.setattr(table.store, "newest_timestamp", lambda _: 0)  # nothing stood there when it began

    table.run([SEVEN], run_id="an older run")

    assert table.jobs(SEVEN) == [1, 2]


@pytest.mark.parametrize("table", [FilteredEvents, HourlyJobMetrics], indirect=True)
@pytest.mark.parametrize("killed", [False, True])
def test_a_run_replaces_rows_of_a_clock_that_was_ahead(
    table: TableHarness, monkeypatch: pytest.MonkeyPatch, *, killed: bool
) -> None:
    """Their write timestamps lie in the future: they would hide every later run until time gets there."""
    table.give(SEVEN, [1, 2])
    ahead_ms = table.store.now_ms() + 3_600_000
    with monkeypatch.context() as ahead:
        ahead.setattr(table.store, "now_ms", lambda: ahead_ms)
        if killed:
            ahead.setattr(table.store, "cover", lambda *_, **__: None)
        table.run([SEVEN], run_id="a run on the wrong clock")
    table.give(SEVEN, [1, 3])

    table.run([SEVEN], run_id="a run on the right clock")

    assert table.jobs(SEVEN) == [1, 3]
    covered = table.store.coverage(table.into, [SEVEN])[SEVEN]
    assert covered.covered_through_ms < ahead_ms - 3_000_000


@pytest.mark.parametrize("table", [HourlyJobMetrics, MySqlReport], indirect=True)
def test_an_input_that_may_be_incomplete_is_not_used(table: TableHarness) -> None:
    """This can't happen with raw events, which are complete up to the moment before they are read."""
    table.give(SEVEN, [1])
    table.run([SEVEN])
    table.give(SEVEN, [1, 2])
    table.store.clear_coverage(table.source, [SEVEN], timestamp=table.store.now_ms() * 1000)

    with pytest.raises(MissingCoverage, match=rf"{table.source.name} isn't known to be complete for 2026-01-05 07:00"):
        table.run([SEVEN], run_id="another run")

    assert table.jobs(SEVEN) == [1]


@pytest.mark.parametrize("table", [MySqlReport], indirect=True)
def test_of_small_hours_in_one_transaction_those_of_a_newer_run_stay(table: TableHarness) -> None:
    hours = [SEVEN + number * HOUR for number in range(5)]
    for hour in hours:
        table.give(hour, [1])
    table.run(hours)
    table.give(EIGHT, [2], covered_through_ms=table.store.now_ms() + 4_000)
    table.run([EIGHT], run_id="a newer run")
    for hour in hours:
        table.give(hour, [3], covered_through_ms=table.store.now_ms())

    replaced = table.run(hours, run_id="a run with older data")

    assert replaced.superseded == (EIGHT,)
    assert [table.jobs(hour) for hour in hours] == [[3], [2], [3], [3], [3]]
