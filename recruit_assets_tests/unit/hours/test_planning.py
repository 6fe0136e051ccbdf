"""Which hours are pending, and in which ranges they are run."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.hours.planning import (
    EVENTS_PER_REST,
    EVENTS_PER_RUN,
    HOUR,
    MOST_HOURS,
    REST,
    FailedRun,
    HourRange,
    PendingHour,
    Plan,
    after_runs,
    is_ahead,
    is_covered,
    plan,
    retry_delay,
    uncovered,
)

NOW = datetime(2026, 1, 5, 7, 30, 15, 250_000, tzinfo=UTC)
CURRENT = datetime(2026, 1, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIRST_HOUR = datetime(2024, 1, 1, tzinfo=UTC)


def ago(hours: int) -> datetime:
    """The hour this many hours before the current one."""
    return CURRENT - hours * HOUR


def pending(*hours: datetime) -> list[PendingHour]:
    return [PendingHour(hour, newest_change=NOW, next_try_at=NOW) for hour in hours]


def failed_once(hour: datetime, *, at: datetime) -> PendingHour:
    return PendingHour(hour, newest_change=at, next_try_at=at + retry_delay(1), attempts=1)


def planned(*hours: PendingHour, slots: int = 9, running: tuple[HourRange, ...] = ()) -> Plan:
    return plan(hours, now=NOW, first_hour=FIRST_HOUR, slots=slots, running=running)


@pytest.mark.parametrize(
    ("covered_through", "covered"),
    [
        (None, False),
        (NOW - timedelta(days=1), False),
        (NOW, False),
        (NOW + timedelta(seconds=5), False),
        (NOW + timedelta(seconds=5, milliseconds=1), True),
    ],
)
def test_a_change_is_covered_by_a_coverage_more_than_five_seconds_later(
    covered_through: datetime | None, covered: bool
) -> None:
    assert is_covered(NOW, covered_through) is covered


@pytest.mark.parametrize(("seconds", "ahead"), [(5, False), (5.001, True)])
def test_a_time_is_ahead_if_clocks_that_differ_a_little_do_not_explain_it(seconds: float, ahead: bool) -> None:
    assert is_ahead(NOW + timedelta(seconds=seconds), NOW) is ahead


def test_changed_hours_without_a_later_coverage_are_uncovered() -> None:
    changes = {ago(0): NOW, ago(1): NOW, ago(2): NOW}
    covered_through = {ago(0): NOW + timedelta(minutes=1), ago(1): NOW - timedelta(minutes=1)}

    assert uncovered(changes, covered_through) == {ago(1): NOW, ago(2): NOW}


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (HourRange(ago(1), ago(1)), "2026-01-05 06:00"),
        (HourRange(ago(30), ago(1)), "2026-01-04 01:00 to 2026-01-05 06:00"),
    ],
)
def test_a_range_is_shown_by_its_first_and_last_hour(hours: HourRange, text: str) -> None:
    assert str(hours) == text


def test_a_range_has_both_its_ends() -> None:
    hours = HourRange(ago(3), ago(1))

    assert list(hours.hours()) == [ago(3), ago(2), ago(1)]
    assert [ago(n) in hours for n in (4, 3, 1, 0)] == [False, True, True, False]


def test_the_current_hour_comes_first_and_the_past_from_the_newest_on() -> None:
    requests = planned(*pending(ago(0), ago(1), ago(3), ago(30), ago(200))).requests

    assert requests == (
        HourRange(ago(0), ago(0)),
        HourRange(ago(3), ago(1)),
        HourRange(ago(30), ago(30)),
        HourRange(ago(200), ago(200)),
    )


def test_on_request_the_current_hour_shares_a_range_with_the_past() -> None:
    result = plan(pending(ago(0), ago(1), ago(3)), now=NOW, first_hour=FIRST_HOUR, slots=9, live_apart=False)

    assert result.requests == (HourRange(ago(3), ago(0)),)


@pytest.mark.parametrize(
    ("ended_ago_s", "covered_ago_s", "is_due"),
    [
        pytest.param(180, 179, False, id="done a moment ago"),
        pytest.param(180, 180, True, id="done long enough ago"),
        pytest.param(180, None, True, id="never done"),
        pytest.param(59, 1, True, id="just ended: its last events are on their way"),
        pytest.param(-1, 1, True, id="the current hour"),
    ],
)
def test_an_hour_of_the_past_rests_between_two_runs(ended_ago_s: int, covered_ago_s: int | None, is_due: bool) -> None:
    """Otherwise late events would keep runs of past hours going all the time."""
    now, hour = CURRENT + timedelta(seconds=ended_ago_s), ago(1)
    covered = None if covered_ago_s is None else now - timedelta(seconds=covered_ago_s)
    one = replace(pending(hour)[0], covered_through=covered)

    result = plan([one], now=now, first_hour=FIRST_HOUR, slots=9, rest=REST)

    assert (result.requests, result.resting) == ((HourRange(hour, hour),) if is_due else (), () if is_due else (hour,))


@pytest.mark.parametrize(
    ("events", "covered_ago_s", "is_due"),
    [
        pytest.param(EVENTS_PER_REST, 180, True, id="not busy"),
        pytest.param(2 * EVENTS_PER_REST, 359, False, id="busy"),
        pytest.param(2 * EVENTS_PER_REST, 360, True, id="busy, done long enough ago"),
        pytest.param(9 * EVENTS_PER_REST, 540, True, id="as long as any hour rests"),
    ],
)
def test_a_busy_hour_rests_longer(events: int, covered_ago_s: int, is_due: bool) -> None:
    """Each of its runs takes half a minute, in which those of the current hour wait for processors."""
    covered = NOW - timedelta(seconds=covered_ago_s)
    busy = replace(pending(ago(2))[0], covered_through=covered, reported_events=events)

    result = plan([*pending(ago(3)), busy, *pending(ago(1))], now=NOW, first_hour=FIRST_HOUR, slots=9, rest=REST)

    one_range, around = (HourRange(ago(3), ago(1)),), (HourRange(ago(1), ago(1)), HourRange(ago(3), ago(3)))
    assert (result.requests, result.resting) == ((one_range, ()) if is_due else (around, (ago(2),)))


def test_busy_hours_share_a_run_only_as_far_as_it_stays_short() -> None:
    """Few changes make the whole hour be read."""
    hours = [
        replace(one, event_count=1, reported_events=EVENTS_PER_RUN // 2) for one in pending(ago(1), ago(2), ago(3))
    ]

    assert planned(*hours).requests == (HourRange(ago(2), ago(1)), HourRange(ago(3), ago(3)))


@pytest.mark.parametrize(("seconds", "live"), [(59, [0, 1]), (60, [0])])
def test_the_last_events_of_an_hour_wait_for_no_older_hour(seconds: int, live: list[int]) -> None:
    """Nor does the current hour wait for them: its run takes a second, that of a busy hour several."""
    at, older = CURRENT + timedelta(seconds=seconds), HourRange(ago(6), ago(1))
    hours = [replace(one, event_count=1, reported_events=EVENTS_PER_RUN) for one in pending(ago(0), ago(1), ago(2))]

    result = plan(hours, now=at, first_hour=FIRST_HOUR, slots=0, running=[older], rest=REST)

    assert result.requests == tuple(HourRange(ago(n), ago(n)) for n in live)


def test_the_next_hour_runs_with_the_current() -> None:
    assert planned(*pending(ago(-1), ago(0))).requests == (HourRange(ago(0), ago(-1)),)


def test_a_backlog_of_a_week_with_unknown_changes_is_split_into_ranges_of_a_day() -> None:
    requests = planned(*pending(*(ago(n) for n in range(1, 171)))).requests

    assert [len(one) for one in requests] == [24] * 7 + [2]
    assert {hour for one in requests for hour in one.hours()} == {ago(n) for n in range(1, 171)}


def test_a_range_bridges_hours_that_are_not_pending() -> None:
    assert planned(*pending(ago(1), ago(24))).requests == (HourRange(ago(24), ago(1)),)
    assert planned(*pending(ago(1), ago(25))).requests == (HourRange(ago(1), ago(1)), HourRange(ago(25), ago(25)))


def test_an_hour_of_an_unfinished_run_is_neither_requested_nor_bridged() -> None:
    result = planned(*pending(ago(1), ago(2), ago(3)), running=(HourRange(ago(2), ago(2)),))

    assert result.requests == (HourRange(ago(1), ago(1)), HourRange(ago(3), ago(3)))
    assert result.running == (ago(2),)


def test_the_current_hour_does_not_wait_for_a_range_that_includes_it() -> None:
    """Somebody materializes two years in the UI; beside that, the current hour is as fresh as ever."""
    result = planned(*pending(ago(0), ago(1)), running=(HourRange(ago(17_500), ago(0)),))

    assert (result.requests, result.running) == ((HourRange(ago(0), ago(0)),), (ago(1),))


def test_the_current_hour_waits_for_a_run_of_its_own() -> None:
    result = planned(*pending(ago(-1), ago(0)), running=(HourRange(ago(0), ago(-1)),))

    assert (result.requests, result.running) == ((), (ago(0), ago(-1)))


def test_a_run_of_other_hours_splits_no_range() -> None:
    result = planned(*pending(ago(1), ago(2)), running=(HourRange(ago(100), ago(50)),))

    assert result.requests == (HourRange(ago(2), ago(1)),)


def test_an_hour_that_failed_runs_alone_once_its_pause_is_over() -> None:
    bad = failed_once(ago(2), at=NOW - timedelta(seconds=30))

    requests = planned(*pending(ago(1), ago(3)), bad).requests

    assert requests == tuple(HourRange(hour, hour) for hour in (ago(1), ago(2), ago(3)))


@pytest.mark.parametrize(("attempts", "lengths"), [(0, [60]), (1, [24, 24, 12]), (2, [1] * 60), (9, [1] * 60)])
def test_hours_that_failed_together_are_tried_in_shorter_ranges(attempts: int, lengths: list[int]) -> None:
    """One of them may make every range fail that it is part of."""
    small = [replace(one, attempts=attempts, event_count=9) for one in pending(*map(ago, range(1, 61)))]

    assert [len(one) for one in planned(*small, slots=60).requests] == lengths


def test_a_range_ends_before_its_changes_stand_for_too_many_events() -> None:
    counts = [EVENTS_PER_RUN // 2, EVENTS_PER_RUN // 2, 1, EVENTS_PER_RUN, 2 * EVENTS_PER_RUN, 1]
    hours = [
        replace(one, event_count=count) for one, count in zip(pending(*map(ago, range(1, 7))), counts, strict=True)
    ]

    assert [len(one) for one in planned(*hours).requests] == [2, 1, 1, 1, 1]


def test_an_hour_that_failed_waits_and_blocks_no_other() -> None:
    bad = failed_once(ago(2), at=NOW - timedelta(seconds=29))

    result = planned(*pending(ago(1), ago(3)), bad)

    assert result.requests == (HourRange(ago(1), ago(1)), HourRange(ago(3), ago(3)))
    assert result.waiting == (ago(2),)


def test_hours_that_are_not_partitions_are_named_and_block_no_other() -> None:
    too_old, too_new = FIRST_HOUR - HOUR, ago(-2)

    result = planned(*pending(too_new, ago(1), too_old))

    assert result == Plan(requests=(HourRange(ago(1), ago(1)),), outside=(too_old, too_new))


def test_hours_without_a_slot_are_left_for_the_next_time() -> None:
    result = planned(*pending(ago(0), ago(1), ago(100), ago(200)), slots=1)

    assert result == Plan(requests=(HourRange(ago(0), ago(0)), HourRange(ago(1), ago(1))), left=(ago(200), ago(100)))


def test_the_current_hour_needs_no_slot() -> None:
    assert planned(*pending(ago(0), ago(1)), slots=0).requests == (HourRange(ago(0), ago(0)),)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 600), (7, 600), (10_000, 600)]
)
def test_retries_are_30_seconds_to_10_minutes_apart(attempts: int, seconds: int) -> None:
    assert retry_delay(attempts) == timedelta(seconds=seconds)


def test_a_failure_is_counted_once_however_often_it_is_seen() -> None:
    hour = PendingHour(ago(1), newest_change=NOW, next_try_at=NOW)
    failure = FailedRun(HourRange(ago(5), ago(0)), ended_at=NOW + timedelta(seconds=9))

    once = after_runs(hour, [failure])

    assert once == replace(hour, attempts=1, next_try_at=NOW + timedelta(seconds=39))
    assert after_runs(once, [failure]) == once


def test_the_second_failure_waits_longer() -> None:
    hour = failed_once(ago(1), at=NOW - timedelta(minutes=2))
    failure = FailedRun(HourRange(ago(1), ago(1)), ended_at=NOW)

    assert after_runs(hour, [failure]) == replace(hour, attempts=2, next_try_at=NOW + timedelta(seconds=60))


def test_a_run_that_had_failed_when_the_hour_became_pending_is_not_counted() -> None:
    hour = PendingHour(ago(1), newest_change=NOW, next_try_at=NOW)

    assert after_runs(hour, [FailedRun(HourRange(ago(1), ago(1)), ended_at=NOW)]) == hour


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1)], ids=["at once", "a second later"])
def test_a_failure_is_not_counted_if_a_run_after_it_has_succeeded(later: timedelta) -> None:
    hour = replace(pending(ago(1))[0], covered_through=NOW + HOUR + later)

    assert after_runs(hour, [FailedRun(HourRange(ago(1), ago(1)), ended_at=NOW + HOUR)]) == hour


def test_a_failure_of_other_hours_is_not_counted() -> None:
    hour = PendingHour(ago(1), newest_change=NOW, next_try_at=NOW)

    assert after_runs(hour, [FailedRun(HourRange(ago(3), ago(2)), ended_at=NOW + HOUR)]) == hour


@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1)], ids=["at once", "a second later"])
def test_a_busy_hour_that_succeeded_after_its_failure_is_no_longer_held_back(later: timedelta) -> None:
    """Its changes keep it pending all the time, so its failures would otherwise never be forgotten."""
    failure = FailedRun(HourRange(ago(0), ago(0)), ended_at=NOW)
    hour = replace(failed_once(ago(0), at=NOW), covered_through=NOW + later)

    assert after_runs(hour, [failure]) == replace(hour, attempts=0, next_try_at=NOW)


def test_a_pause_that_a_wrong_clock_made_too_long_is_not_kept() -> None:
    """The daemon's host was an hour ahead when the run failed."""
    wait, too_long = (replace(failed_once(ago(1), at=NOW), next_try_at=NOW + one) for one in (10 * MINUTE, 11 * MINUTE))

    assert planned(wait).waiting == (ago(1),)
    assert planned(too_long).requests == (HourRange(ago(1), ago(1)),)


hour_offsets = st.integers(min_value=-3, max_value=400)
hours_strategy = st.builds(
    lambda offset, attempts, wait: PendingHour(
        ago(offset), newest_change=NOW, next_try_at=NOW + timedelta(seconds=wait), attempts=attempts
    ),
    hour_offsets,
    st.integers(min_value=0, max_value=3),
    st.integers(min_value=-900, max_value=900),
)
ranges_strategy = st.builds(
    lambda last, length: HourRange(ago(last + length), ago(last)), hour_offsets, st.integers(min_value=0, max_value=23)
)


@given(
    st.lists(hours_strategy, unique_by=lambda one: one.hour), st.lists(ranges_strategy, max_size=3), st.integers(0, 9)
)
def test_no_pending_hour_is_lost_and_no_hour_runs_twice(
    hours: list[PendingHour], running: list[HourRange], slots: int
) -> None:
    first_hour = ago(350)

    result = plan(hours, now=NOW, first_hour=first_hour, slots=slots, running=running)

    requested = [hour for one in result.requests for hour in one.hours()]
    named = [*result.running, *result.waiting, *result.outside, *result.left]
    assert len(requested) == len(set(requested))
    assert len(named) == len(set(named))
    assert set(requested).isdisjoint(named)
    assert {one.hour for one in hours} <= set(requested) | set(named)
    assert all(first_hour <= hour <= CURRENT + HOUR for hour in requested)
    assert not any(hour in run for hour in requested for run in running if hour < CURRENT or run.first >= CURRENT)


@given(st.lists(hours_strategy, unique_by=lambda one: one.hour), st.integers(0, 9))
def test_every_range_fits_into_a_run_with_hours_that_failed_equally_often(hours: list[PendingHour], slots: int) -> None:
    failures = {one.hour: min(one.attempts, 2) for one in hours}

    requests = planned(*hours, slots=slots).requests

    assert sum(1 for one in requests if one.last < CURRENT) <= slots
    for one in requests:
        (of_its_hours,) = {failures[hour] for hour in one.hours() if hour in failures}
        assert 1 <= len(one) <= MOST_HOURS[of_its_hours]


@given(st.lists(hours_strategy, unique_by=lambda one: one.hour))
def test_running_the_requests_leaves_only_what_has_to_wait(hours: list[PendingHour]) -> None:
    rest = {one.hour: one for one in hours}
    while (result := planned(*rest.values(), slots=1)).requests:
        for hour in result.requests[0].hours():
            rest.pop(hour, None)

    assert set(rest) == {*result.waiting, *result.outside}
