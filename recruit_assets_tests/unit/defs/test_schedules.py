"""daily_6am_schedule: when it skips, and which runs it requests."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from recruit_assets.defs import schedules
from recruit_assets.defs.jobs import HOURLY_ASSETS
from recruit_assets.defs.partitions import hours
from recruit_assets.defs.resources import CassandraResource, KafkaResource, MySqlResource
from recruit_assets.defs.runs import range_tags
from recruit_assets.hours.change_feed import FeedState
from recruit_assets.hours.planning import HourRange, PendingHour
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import load_settings

SIX = datetime(2026, 1, 5, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
YESTERDAY = HourRange(SIX - 24 * HOUR, SIX - HOUR)
Tick = Callable[[Callable[..., schedules.Probe]], list[dg.RunRequest] | dg.SkipReason]


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Tick]:
    """Evaluate the tick of 6 AM, with the given results of its probe."""
    monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "")

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:

        def evaluate(read: Callable[..., schedules.Probe]) -> list[dg.RunRequest] | dg.SkipReason:
            monkeypatch.setattr(schedules, "read", read)
            settings = load_settings()
            resources = {
                "cassandra": CassandraResource.from_settings(settings),
                "mysql": MySqlResource.from_settings(settings),
                "kafka": KafkaResource.from_settings(settings),
            }
            with dg.build_schedule_context(
                instance=instance, scheduled_execution_time=SIX, resources=resources
            ) as context:
                result = schedules.daily_6am_schedule(context)
            assert isinstance(result, list | dg.SkipReason)
            return result

        yield evaluate


def found(*hours: datetime, lag: int = 0) -> Callable[..., schedules.Probe]:
    pending = tuple(PendingHour(hour, newest_change=SIX, next_try_at=SIX) for hour in hours)
    feed = FeedState(now=SIX, checkpoint=SIX, changes_read=0, pending=pending)
    return lambda *_: schedules.Probe(lag=lag, feed=feed)


def whole_lineage() -> dg.RunRequest:
    return dg.RunRequest(run_key="2026-01-05T06:00 2026-01-04 06:00 to 2026-01-05 05:00", tags=range_tags(YESTERDAY))


def test_a_tick_with_nothing_to_do_skips_and_says_so(tick: Tick) -> None:
    assert tick(found()) == dg.SkipReason(
        "Kafka lag is 0 and no hour is pending, changes of the last 2 days read again"
    )


@pytest.mark.parametrize("probe", [found(lag=1), found(SIX - 3 * HOUR)], ids=["lag", "a pending hour"])
def test_one_run_drains_and_replaces_the_24_hours_before(tick: Tick, probe: Callable[..., schedules.Probe]) -> None:
    assert tick(probe) == [whole_lineage()]


def test_older_pending_hours_are_further_runs_of_the_hourly_assets(tick: Tick) -> None:
    """A backlog of a week must not become one run of 170 hours."""
    older = [SIX - hours * HOUR for hours in range(25, 75)]

    result = tick(found(*older))

    assert isinstance(result, list)
    assert result[0] == whole_lineage()
    assert [request.tags for request in result[1:]] == [
        range_tags(HourRange(SIX - 48 * HOUR, SIX - 25 * HOUR)),
        range_tags(HourRange(SIX - 72 * HOUR, SIX - 49 * HOUR)),
        range_tags(HourRange(SIX - 74 * HOUR, SIX - 73 * HOUR)),
    ]
    assert all(request.asset_selection == list(HOURLY_ASSETS) for request in result[1:])
    assert len({request.run_key for request in result}) == 4


def test_a_tick_is_not_skipped_when_a_store_does_not_answer(tick: Tick, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_kafka(_: object) -> int:
        raise StoreUnavailable("Kafka doesn't answer")

    real = schedules.read
    monkeypatch.setattr(schedules, "uncommitted_records", no_kafka)

    assert tick(real) == [whole_lineage()]


def test_the_schedule_is_on_by_default_at_six() -> None:
    schedule = schedules.daily_6am_schedule
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 6 * * *", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_the_first_day_begins_with_the_first_partition() -> None:
    first = hours.start

    assert schedules.the_day_before(first + 3 * HOUR) == HourRange(first, first + 2 * HOUR)
