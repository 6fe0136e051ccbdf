"""cassandra_cdc_sensor: what a tick requests, and what it says when it requests nothing."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.runs import CDC_SENSOR, range_tags
from recruit_assets.defs.sensors import cdc
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.hours.change_feed import FeedState
from recruit_assets.hours.planning import REST, HourRange, PendingHour
from recruit_assets.runtime.settings import load_settings
from recruit_assets_tests.support.unfinished_runs import an_unfinished_run

NOW = datetime(2026, 1, 5, 7, 30, 0, 250_000, tzinfo=UTC)
CURRENT = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
AT_ONCE = {
    "dagster/max_retries": "0",
    "dagster/priority": "1",
    "recruit/current": "yes",
    "recruit/incremental": "yes",
}
Tick = Callable[..., dg.SensorResult]


@dataclass(frozen=True)
class Feed:
    """A change feed with this many events after any time."""

    new_events: int

    def events_since(self, *_: object, **__: object) -> int:
        return self.new_events


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def tick(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Tick:
    """One evaluation after which these hours are pending."""

    def evaluate(
        *hours: PendingHour,
        now: datetime = NOW,
        feed: Callable[..., FeedState] | None = None,
        tick_s: float = 0,
        new_events: int = 0,
    ) -> dg.SensorResult:
        state = FeedState(now=now, checkpoint=now, changes_read=12, pending=hours)
        monkeypatch.setattr(cdc, "read_feed", feed or (lambda *_, **__: state))
        monkeypatch.setattr(cdc, "refresh_lookups_when_due", lambda *_: None)
        monkeypatch.setattr(cdc, "refresh_days_when_due", lambda *_: None)
        monkeypatch.setattr(stores, "opened", lambda _: nullcontext((Feed(new_events), None)))
        monkeypatch.setattr(cdc, "TICK_S", tick_s)
        settings = load_settings()
        monkeypatch.setenv("RECRUIT_MYSQL_PASSWORD", "")
        resources = {
            "cassandra": CassandraResource.from_settings(settings),
            "mysql": MySqlResource.from_settings(settings),
        }
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            result = cdc.cassandra_cdc_sensor(context)
        assert isinstance(result, dg.SensorResult)
        return result

    return evaluate


def pending(hour: datetime, **fields: object) -> PendingHour:
    return PendingHour(hour, newest_change=NOW, next_try_at=NOW, **fields)  # type: ignore[arg-type]


def requests_of(result: dg.SensorResult) -> list[Mapping[str, str]]:
    return [request.tags for request in result.run_requests or []]


def a_starting_run(instance: dg.DagsterInstance, hours: HourRange, *, sensor: str = "") -> None:
    tags = range_tags(hours) | ({"dagster/sensor_name": sensor} if sensor else {})
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTING, tags)


def a_late_hour(*, days: int, **fields: object) -> PendingHour:
    """An hour, so many days ago, with a late event; the rest after its last run is over."""
    rested = NOW - REST - timedelta(seconds=1)
    return pending(CURRENT - days * 24 * HOUR, **{"event_count": 1, "covered_through": rested, **fields})


def an_ended_run(instance: dg.DagsterInstance, tags: Mapping[str, str]) -> None:
    """A run with these tags that the sensor requested and that has ended."""
    an_unfinished_run(instance, dg.DagsterRunStatus.SUCCESS, {**tags, "dagster/sensor_name": CDC_SENSOR})


def test_the_current_hour_is_requested_first_and_with_priority(tick: Tick) -> None:
    found = requests_of(tick(pending(CURRENT - HOUR), pending(CURRENT)))

    now, before = HourRange(CURRENT, CURRENT), HourRange(CURRENT - HOUR, CURRENT - HOUR)
    assert found == [
        range_tags(now) | AT_ONCE,
        range_tags(before)
        | {"dagster/max_retries": "0", "dagster/priority": "0", "recruit/past": "yes", "recruit/incremental": "yes"},
    ]


def test_an_hour_that_has_just_ended_runs_beside_the_current(tick: Tick) -> None:
    found = requests_of(tick(pending(CURRENT - HOUR), pending(CURRENT), now=CURRENT + timedelta(seconds=30)))

    assert found == [range_tags(HourRange(hour, hour)) | AT_ONCE for hour in (CURRENT, CURRENT - HOUR)]


def test_an_hour_that_failed_is_replaced_completely(tick: Tick) -> None:
    """A run that keeps a bucket which a check found wrong would fail again, for ever."""
    (tags,) = requests_of(tick(pending(CURRENT, attempts=1)))
    assert "recruit/incremental" not in tags


def test_the_cursor_shows_how_far_cassandra_was_read(tick: Tick) -> None:
    assert tick().cursor == "2026-01-05T07:30:00.250+00:00"


def test_a_tick_without_changes_says_what_it_read(tick: Tick) -> None:
    assert tick().skip_reason == dg.SkipReason(
        "read 12 changes through 2026-01-05 07:30:00 (Cassandra's clock), 0 hours pending"
    )


def test_a_tick_says_that_the_clock_was_set_back(tick: Tick) -> None:
    state = FeedState(now=NOW, checkpoint=NOW, changes_read=7, pending=(), set_back_from=NOW + 72 * HOUR)

    assert tick(feed=lambda *_, **__: state).skip_reason == dg.SkipReason(
        "read 7 changes through 2026-01-05 07:30:00 (Cassandra's clock), 0 hours pending; Cassandra's clock was set "
        "back (the feed was read through 2026-01-08 07:30:00): reading the feed again from its beginning"
    )


def test_a_tick_that_must_wait_says_for_what(tick: Tick, instance: dg.DagsterInstance) -> None:
    a_starting_run(instance, HourRange(CURRENT, CURRENT))
    waiting = PendingHour(CURRENT - HOUR, newest_change=NOW, next_try_at=NOW + timedelta(minutes=1), attempts=1)

    result = tick(pending(CURRENT), waiting, pending(datetime(2020, 1, 1, tzinfo=UTC)))

    assert result.run_requests == []
    assert result.skip_reason == dg.SkipReason(
        "read 12 changes through 2026-01-05 07:30:00 (Cassandra's clock), 3 hours pending; "
        "1 in a run already, first 2026-01-05 07:00; 1 wait for their next try, first 2026-01-05 06:00; "
        "1 aren't partitions (see RECRUIT_FIRST_HOUR), first 2020-01-01 00:00"
    )


def test_unfinished_runs_of_the_past_are_limited_and_others_do_not_count(
    tick: Tick, instance: dg.DagsterInstance
) -> None:
    a_starting_run(instance, HourRange(CURRENT - 48 * HOUR, CURRENT - 48 * HOUR), sensor=CDC_SENSOR)
    a_starting_run(instance, HourRange(CURRENT - 144 * HOUR, CURRENT - 144 * HOUR))
    two_ranges = pending(CURRENT - HOUR), pending(CURRENT - 72 * HOUR)

    assert len(requests_of(tick(*two_ranges))) == 1


def test_the_current_hour_does_not_wait_for_the_past(tick: Tick, instance: dg.DagsterInstance) -> None:
    for days in range(2, 6):
        at = CURRENT - days * 24 * HOUR
        a_starting_run(instance, HourRange(at, at), sensor=CDC_SENSOR)

    (found,) = requests_of(tick(pending(CURRENT), pending(CURRENT - HOUR)))

    assert found.items() >= range_tags(HourRange(CURRENT, CURRENT)).items()


def test_a_range_that_somebody_queued_holds_up_nothing(tick: Tick, instance: dg.DagsterInstance) -> None:
    tags = range_tags(HourRange(CURRENT - 764 * HOUR, CURRENT)) | {"dagster/backfill": "mine"}
    an_unfinished_run(instance, dg.DagsterRunStatus.QUEUED, tags)

    assert len(requests_of(tick(pending(CURRENT), pending(CURRENT - HOUR)))) == 2


def test_a_tick_waits_for_something_to_request(tick: Tick, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([(), (), (pending(CURRENT),)])
    clock = [0.0]

    def now_pending(*_: object, **__: object) -> FeedState:
        return FeedState(now=NOW, checkpoint=NOW, changes_read=1, pending=next(readings))

    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    assert len(requests_of(tick(feed=now_pending, tick_s=4.5))) == 1
    assert clock == [2 * cdc.READ_EVERY_S]


def test_a_waiting_tick_reads_at_once_when_a_run_has_ended(
    instance: dg.DagsterInstance, tick: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_starting_run(instance, HourRange(CURRENT, CURRENT), sensor=CDC_SENSOR)
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        for run in instance.get_runs():
            instance.report_run_failed(run)

    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr("time.sleep", sleep)

    assert len(requests_of(tick(pending(CURRENT), tick_s=4.5))) == 1
    assert clock == [cdc.ASK_EVERY_S]


def test_the_current_hour_pauses_after_a_run_while_few_events_come(tick: Tick) -> None:
    """A run costs a second of processor time, however few events it counts."""
    just_covered = pending(CURRENT, covered_through=NOW - timedelta(seconds=2))

    result = tick(just_covered, new_events=cdc.FEW_EVENTS - 1)

    assert result.run_requests == []
    assert result.skip_reason == dg.SkipReason(
        "read 12 changes through 2026-01-05 07:30:00 (Cassandra's clock), 1 hours pending; "
        "1 wait a moment for more events, first 2026-01-05 07:00"
    )
    assert len(requests_of(tick(just_covered, new_events=cdc.FEW_EVENTS))) == 1
    assert len(requests_of(tick(just_covered, now=NOW + cdc.PAUSE))) == 1


def test_late_events_of_several_hours_share_a_run(tick: Tick, instance: dg.DagsterInstance) -> None:
    late = a_late_hour(days=2), a_late_hour(days=3)
    (first,) = requests_of(tick(late[0]))
    an_ended_run(instance, first)

    assert requests_of(tick(*late)) == []
    assert requests_of(tick(*late, pending(CURRENT))) == requests_of(tick(pending(CURRENT)))


@pytest.mark.parametrize(
    "late",
    [
        pytest.param({"event_count": cdc.FEW_PAST_EVENTS}, id="many late events"),
        pytest.param({"attempts": 1}, id="a run of its own has failed"),
        pytest.param({"covered_through": NOW - cdc.LATELY}, id="not replaced for a while"),
        pytest.param({"covered_through": None}, id="never replaced"),
    ],
)
def test_a_late_event_does_not_wait_for_others_if(
    late: Mapping[str, object], tick: Tick, instance: dg.DagsterInstance
) -> None:
    (first,) = requests_of(tick(a_late_hour(days=3)))
    an_ended_run(instance, first)

    assert len(requests_of(tick(a_late_hour(days=2, **late)))) == 1


def test_a_late_event_does_not_wait_if_no_run_has_just_been(
    tick: Tick, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = requests_of(tick(a_late_hour(days=2)))
    an_ended_run(instance, first)
    monkeypatch.setattr(cdc, "PAST_PAUSE", timedelta(0))

    assert len(requests_of(tick(a_late_hour(days=2)))) == 1


def test_an_hour_that_has_just_ended_does_not_pause(tick: Tick) -> None:
    ended = CURRENT + HOUR
    assert len(requests_of(tick(pending(CURRENT, covered_through=ended - timedelta(seconds=1)), now=ended))) == 1


def test_no_run_key_silences_a_retry(tick: Tick) -> None:
    """Dagster never launches two runs with the same key, even if the first one failed."""
    first = tick(pending(CURRENT))
    again = tick(pending(CURRENT), now=NOW + timedelta(milliseconds=1))

    keys = [request.run_key for result in (first, again) for request in result.run_requests or []]
    assert len(set(keys)) == 2


def test_the_sensor_runs_the_three_hourly_assets_and_is_on_by_default() -> None:
    assert cdc.cassandra_cdc_sensor.job_name == "hours_job"
    assert cdc.cassandra_cdc_sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert cdc.cassandra_cdc_sensor.minimum_interval_seconds == 1
