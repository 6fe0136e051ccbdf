"""Each instant belongs to exactly one local day, also where clocks are changed and where a date doesn't exist."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recruit_assets.hours.days import Span, day_hours, day_spans, is_ever_ahead, is_ever_behind

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "cut_hours"),
    [
        ("UTC", "2026-01-05", "2026-01-05 00:00", "2026-01-06 00:00", []),
        ("Europe/Berlin", "2026-01-05", "2026-01-04 23:00", "2026-01-05 23:00", []),
        ("Europe/Berlin", "2026-03-29", "2026-03-28 23:00", "2026-03-29 22:00", []),  # 23 hours
        ("Europe/Berlin", "2026-10-25", "2026-10-24 22:00", "2026-10-25 23:00", []),  # 25 hours
        ("America/New_York", "2026-03-08", "2026-03-08 05:00", "2026-03-09 04:00", []),
        # a zone of half hours with whole hours of summer time
        ("America/St_Johns", "2026-03-08", "2026-03-08 03:30", "2026-03-09 02:30", ["2026-03-08 03", "2026-03-09 02"]),
        ("America/St_Johns", "2026-11-01", "2026-11-01 02:30", "2026-11-02 03:30", ["2026-11-01 02", "2026-11-02 03"]),
        ("Asia/Kolkata", "2026-01-05", "2026-01-04 18:30", "2026-01-05 18:30", ["2026-01-04 18", "2026-01-05 18"]),
        ("Asia/Kathmandu", "2026-01-05", "2026-01-04 18:15", "2026-01-05 18:15", ["2026-01-04 18", "2026-01-05 18"]),
        # half an hour of summer time: one end of the day is at a full hour
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04 13:00", "2026-04-05 13:30", ["2026-04-05 13"]),  # 24.5 hours
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03 13:30", "2026-10-04 13:00", ["2026-10-03 13"]),  # 23.5 hours
        ("Australia/Lord_Howe", "2026-07-01", "2026-06-30 13:30", "2026-07-01 13:30",
         ["2026-06-30 13", "2026-07-01 13"]),
        ("Pacific/Apia", "2011-12-29", "2011-12-29 10:00", "2011-12-30 10:00", []),
        ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00", "2011-12-31 10:00", []),
        # no midnight: clocks go from 23:59:59 to 01:00
        ("America/Santiago", "2026-09-06", "2026-09-06 04:00", "2026-09-07 03:00", []),
        # offset of seconds: -0:44:30
        ("Africa/Monrovia", "1971-06-01", "1971-06-01 00:44:30", "1971-06-02 00:44:30",
         ["1971-06-01 00", "1971-06-02 00"]),
    ],
)  # fmt: skip
def test_a_day_is_these_hours(zone: str, day: str, start: str, end: str, cut_hours: Sequence[str]) -> None:
    parts = day_hours(date.fromisoformat(day), ZoneInfo(zone))

    assert day_spans(date.fromisoformat(day), ZoneInfo(zone)) == [Span(utc(start), utc(end))]
    assert [f"{part.hour:%Y-%m-%d %H}" for part in parts if not part.is_whole] == cut_hours
    assert [part.hour for part in parts] == [parts[0].hour + number * HOUR for number in range(len(parts))]
    assert parts[0].hour <= utc(start) < parts[0].hour + HOUR
    assert parts[-1].hour < utc(end) <= parts[-1].hour + HOUR


def test_a_date_that_was_left_out_has_no_hours() -> None:
    assert day_hours(date(2011, 12, 30), ZoneInfo("Pacific/Apia")) == ()


def test_a_day_has_a_gap_where_clocks_were_set_back_past_midnight() -> None:
    """In Newfoundland that was at 00:01 until 2011: a minute of the new day, then nearly an hour of the old one."""
    zone = ZoneInfo("America/St_Johns")

    assert day_spans(date(2010, 11, 7), zone) == [
        Span(utc("2010-11-07 02:30"), utc("2010-11-07 02:31")),
        Span(utc("2010-11-07 03:30"), utc("2010-11-08 03:30")),
    ]
    assert day_spans(date(2010, 11, 6), zone) == [
        Span(utc("2010-11-06 02:30"), utc("2010-11-07 02:30")),
        Span(utc("2010-11-07 02:31"), utc("2010-11-07 03:30")),
    ]


ZONES = st.sampled_from([
    "UTC", "Europe/Berlin", "Europe/London", "America/St_Johns", "America/Havana", "America/Santiago", "Asia/Kolkata",
    "Asia/Kathmandu", "Asia/Beirut", "Asia/Tehran", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham",
    "Etc/GMT+12", "Pacific/Kiritimati", "Africa/Casablanca", "Antarctica/Troll",
])  # fmt: skip


@given(ZONES, st.dates(date(2008, 1, 1), date(2037, 12, 31)), st.integers(0, 24 * 60 - 1))
def test_an_instant_is_in_the_day_that_its_clocks_show_and_in_no_other(name: str, day: date, minute: int) -> None:
    zone = ZoneInfo(name)
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE

    within = [
        one
        for one in (day + timedelta(days=offset) for offset in (-1, 0, 1))
        if any(span.start <= instant < span.end for span in day_spans(one, zone))
    ]

    assert within == [instant.astimezone(zone).date()]


@pytest.mark.parametrize(
    ("zone", "ahead", "behind"),
    [
        ("UTC", False, False),
        ("Europe/London", True, False),  # in summer
        ("America/New_York", False, True),
        ("Asia/Kathmandu", True, False),
        ("Atlantic/Azores", False, True),
    ],
)
def test_which_way_a_zone_differs_from_utc(zone: str, ahead: bool, behind: bool) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)

    assert (is_ever_ahead(ZoneInfo(zone), since), is_ever_behind(ZoneInfo(zone), since)) == (ahead, behind)
