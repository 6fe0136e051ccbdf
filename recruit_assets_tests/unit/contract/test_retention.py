"""Which hours take events and which are frozen, while the retention is changed in any way."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.contract.retention import KEEP_ALL, MIN_DAYS, Retention, RetentionChange, time_to_live_s

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LONGEST_RUN = 2 * HOUR

days = st.one_of(st.just(0), st.integers(MIN_DAYS, 60))
minutes = st.integers(-200 * 24 * 60, 0).map(lambda n: NOON + n * MINUTE)
histories = st.lists(st.tuples(minutes, days), max_size=5, unique_by=lambda one: one[0]).map(
    lambda drawn: Retention(tuple(sorted(RetentionChange(at, found) for at, found in drawn)))
)


def changed(*changes: tuple[datetime, int]) -> Retention:
    return Retention(tuple(RetentionChange(at, found) for at, found in changes))


def test_without_a_retention_no_hour_is_frozen() -> None:
    assert KEEP_ALL.first_hour(NOON) is None
    assert KEEP_ALL.frozen_before(NOON) is None
    assert time_to_live_s(0) == 0


def test_an_hour_takes_events_until_its_days_are_over_and_is_frozen_two_days_later() -> None:
    thirty = changed((NOON - 100 * DAY, 30))

    assert thirty.first_hour(NOON + 59 * MINUTE) == NOON - 30 * DAY
    assert thirty.first_hour(NOON + HOUR) == NOON - 30 * DAY + HOUR
    assert thirty.frozen_before(NOON) == NOON - 32 * DAY
    assert time_to_live_s(30) == 33 * 86_400


@pytest.mark.parametrize(("stored_ago", "in_force"), [(3 * HOUR, True), (2 * HOUR, False)])
def test_a_change_is_in_force_after_every_process_has_read_it(stored_ago: timedelta, in_force: bool) -> None:
    assert (changed((NOON - stored_ago, 30)).first_hour(NOON) is not None) == in_force


def test_a_shorter_retention_applies_to_all_hours() -> None:
    assert changed((NOON - 100 * DAY, 60), (NOON - DAY, 30)).first_hour(NOON) == NOON - 30 * DAY


def test_a_longer_retention_applies_to_hours_that_begin_later() -> None:
    """Rows of the hours before were written with the shorter time to live."""
    longer = changed((NOON - 100 * DAY, 30), (NOON - 3 * HOUR, 60))

    assert longer.first_hour(NOON) == NOON - 30 * DAY
    assert longer.first_hour(NOON + 20 * DAY) == NOON - 10 * DAY
    assert longer.first_hour(NOON + 50 * DAY) == NOON
    assert longer.first_hour(NOON + 61 * DAY) == NOON + DAY


def test_switched_off_hours_that_began_before_are_still_frozen() -> None:
    off = changed((NOON - 100 * DAY, 30), (NOON - 3 * HOUR, 0))

    assert off.days == 0
    assert off.first_hour(NOON + 20 * DAY) == NOON - 10 * DAY
    assert off.first_hour(NOON + 999 * DAY) == NOON


@given(histories, st.integers(0, 100 * 24), st.integers(-5, 99 * 24 * 60), minutes)
def test_no_row_of_an_hour_expires_before_the_hour_is_frozen(
    retention: Retention, hour: int, written_after: int, now: datetime
) -> None:
    """A run would find an hour without some of its events, and replace the report by less."""
    event_hour = NOON - hour * HOUR
    written_at = event_hour + written_after * MINUTE
    ever = [change.days for change in retention.changes if change.stored_at <= written_at]
    time_to_live = time_to_live_s(ever[-1] if ever else 0)
    frozen_before = retention.frozen_before(now)

    if time_to_live and written_at <= now and (frozen_before is None or event_hour >= frozen_before):
        assert written_at + timedelta(seconds=time_to_live) > now + LONGEST_RUN


@given(histories, minutes, st.integers(0, 100 * 24))
def test_what_is_frozen_or_too_late_stays_so(retention: Retention, moment: datetime, hours: int) -> None:
    now, then = retention.first_hour(moment), retention.first_hour(moment + hours * HOUR)

    assert now is None or (then is not None and then >= now)


@given(histories, minutes)
def test_an_event_that_came_in_time_has_two_days_to_be_reported(retention: Retention, received_at: datetime) -> None:
    assert retention.frozen_before(received_at + 2 * DAY) == retention.first_hour(received_at)


@given(histories, minutes, days)
def test_a_later_change_judges_no_earlier_record_anew(retention: Retention, received_at: datetime, new: int) -> None:
    """A redelivered record must end as it did before."""
    known = tuple(change for change in retention.changes if change.stored_at < received_at - 2 * HOUR)
    later = Retention((*known, RetentionChange(received_at - 2 * HOUR, new)))

    assert later.first_hour(received_at) == Retention(known).first_hour(received_at)
