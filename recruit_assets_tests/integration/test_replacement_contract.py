"""What every stage promises about the hours that it replaces, on the real engines."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from recruit_assets.runtime.errors import MissingCoverage
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics, MySqlReportSink, Sink

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
EIGHT = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.fixture(params=[FilteredEvents, HourlyJobMetrics, MySqlReportSink])
def sink(request: pytest.FixtureRequest, settings: Settings, frames: CassandraFrames) -> Iterator[Sink]:
    with open_session(settings) as session, open_report_database(settings) as database:
        yield request.param(session, database, frames)


def test_twice_is_once_and_the_second_time_wins(sink: Sink) -> None:
    """A plain append doubles every click of a run that is retried."""
    sink.give(SEVEN, [1, 2, 3])
    sink.run([SEVEN])
    sink.run([SEVEN], run_id="another run")
    assert sink.jobs(SEVEN) == [1, 2, 3]

    sink.give(SEVEN, [2])
    result = sink.run([SEVEN], run_id="a third run")
    assert sink.jobs(SEVEN) == [2]
    assert result.tallies[SEVEN].row_count == 1


def test_an_hour_that_lost_its_events_is_cleared(sink: Sink) -> None:
    sink.give(SEVEN, [1, 2])
    sink.run([SEVEN])

    sink.give(SEVEN, [])
    result = sink.run([SEVEN], run_id="another run")

    assert sink.jobs(SEVEN) == []
    assert result.tallies[SEVEN].row_count == 0


def test_a_run_replaces_its_hours_and_not_its_neighbours(sink: Sink) -> None:
    sink.give(SEVEN, [1])
    sink.give(EIGHT, [2])
    sink.run([SEVEN, EIGHT])
    sink.give(SEVEN, [3])
    sink.give(EIGHT, [])

    sink.run([SEVEN], run_id="another run")

    assert (sink.jobs(SEVEN), sink.jobs(EIGHT)) == ([3], [2])


def test_a_slower_older_run_changes_nothing(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older run read is older: letting it finish last would take events out of the report again."""
    sink.give(SEVEN, [1, 2])
    newest = sink.run([SEVEN])
    a_minute_ago_ms = newest.t // 1000 - 60_000
    sink.give(SEVEN, [1], covered_through_ms=a_minute_ago_ms)
    monkeypatch.setattr(sink.tables, "now_ms", lambda: a_minute_ago_ms)

    sink.run([SEVEN], run_id="an older run")

    assert sink.jobs(SEVEN) == [1, 2]


def test_an_input_that_may_be_incomplete_is_not_used(sink: Sink) -> None:
    if isinstance(sink, FilteredEvents):
        return  # raw events are complete up to the moment before they are read
    sink.give(SEVEN, [1])
    sink.run([SEVEN])
    sink.give(SEVEN, [1, 2])
    sink.tables.clear_coverage(sink.source, [SEVEN], t=sink.tables.now_ms() * 1000)

    with pytest.raises(MissingCoverage, match=rf"{sink.source.name} isn't known to be complete for 2026-01-05 07:00"):
        sink.run([SEVEN], run_id="another run")

    assert sink.jobs(SEVEN) == [1]
