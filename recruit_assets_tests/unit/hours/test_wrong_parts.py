"""The parts of hours that are wrong are named in few words."""

from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.hours.wrong_parts import Part, texts_of

SEVEN, EIGHT, NINE = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (7, 8, 9))


@pytest.mark.parametrize(
    ("parts", "texts"),
    [
        ([], []),
        ([Part(SEVEN)], ["2026-01-05 07:00"]),
        ([Part(NINE), Part(SEVEN), Part(EIGHT)], ["2026-01-05 07:00 to 2026-01-05 09:00"]),
        ([Part(SEVEN), Part(NINE)], ["2026-01-05 07:00", "2026-01-05 09:00"]),
        ([Part(SEVEN, 3), Part(EIGHT)], ["2026-01-05 08:00", "2026-01-05 07:00 #3"]),
    ],
)
def test_neighboring_hours_are_one_text(parts: list[Part], texts: list[str]) -> None:
    assert texts_of(parts) == texts


def test_a_wrong_year_is_one_text() -> None:
    (text,) = texts_of(Part(SEVEN + timedelta(hours=hour)) for hour in range(365 * 24))
    assert text == "2026-01-05 07:00 to 2027-01-05 06:00"
