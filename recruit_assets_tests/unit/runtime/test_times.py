"""Times survive the way to a store and back."""

from datetime import UTC, datetime, timedelta, timezone

from recruit_assets.runtime.times import aware, from_ms, naive, to_ms

SEVEN = datetime(2026, 1, 5, 7, 0, 0, 123_000, tzinfo=UTC)


def test_milliseconds_come_back_exactly() -> None:
    assert from_ms(to_ms(SEVEN)) == SEVEN
    assert to_ms(SEVEN + timedelta(microseconds=999)) == to_ms(SEVEN)


def test_a_time_without_a_zone_is_utc() -> None:
    berlin = SEVEN.astimezone(timezone(timedelta(hours=1)))

    assert naive(berlin) == datetime(2026, 1, 5, 7, 0, 0, 123_000)
    assert aware(naive(berlin)) == SEVEN
