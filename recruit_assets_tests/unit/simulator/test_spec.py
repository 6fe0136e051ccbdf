"""Invalid options of a simulation are errors that name the option."""

from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import UserError
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.simulator.times import segments
from recruit_assets_tests.support.simulations import END, a_spec


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": -1}, "--events must be 0 .* or more, not -1"),
        ({"events": 0}, "--events 0 .* needs --live and --rate"),
        ({"rate": -0.5}, "--rate must be 0 .* not -0.5"),
        ({"live": True}, "--live needs a --rate"),
        ({"live": True, "rate": 5.0, "end": END}, "--live can't be used with --start or --end"),
        ({"jobs": 0}, "--jobs must be 1 to 100000, not 0"),
        ({"publishers": 0}, "--publishers must be 1 to"),
        ({"skew": -1.0}, "--skew must be 0 .* not -1"),
        ({"late_hours": 0.5}, "--late-hours must be 1 or more"),
        ({"late_share": 1.5}, "--late-share must be 0 to 1, not 1.5"),
        ({"uncountable_share": float("nan")}, "--uncountable-share must be 0 to 1, not nan"),
        ({"duplicate_share": 0.6, "malformed_share": 0.5}, "may add up to at most 1, not 1.1"),
        ({"reason_shares": ((DeadLetterReason.FUTURE, 1.2),)}, "--malformed future must be 0 to 1"),
        ({"reason_shares": ((DeadLetterReason.REJECTED_BY_STORE, 0.1),)}, "rejected_by_store isn't possible here"),
        ({"reason_shares": ((DeadLetterReason.EMPTY, 0.1),), "lines_only": True}, "empty isn't possible here"),
        ({"start": END, "end": END}, "--end 2026-01-06T00:00:00Z isn't after"),
        ({"start": datetime(2023, 12, 31)}, "--start 2023-12-31T00:00:00Z is before RECRUIT_FIRST_HOUR"),
        ({"end": datetime(2023, 12, 31)}, "--end 2023-12-31T00:00:00Z isn't after"),
    ],
)
def test_invalid_options_are_errors(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        SimulationSpec(**options)  # type: ignore[arg-type]  # the spec checks what it is given


def test_an_end_in_the_future_is_an_error() -> None:
    with pytest.raises(UserError, match="--end 2026-01-06T00:00:00Z is in the future"):
        a_spec().resolved(END - timedelta(seconds=1))


def test_the_default_window_is_the_last_24_hours() -> None:
    now = datetime(2026, 1, 6, 10, 20, tzinfo=UTC)
    resolved = SimulationSpec().resolved(now)

    assert (resolved.start, resolved.end) == (now - timedelta(hours=24), now)


def test_a_window_never_begins_before_the_first_hour() -> None:
    first_hour = END - timedelta(hours=5)

    assert a_spec(first_hour=first_hour).resolved(END).start == first_hour


@pytest.mark.parametrize("events", [1, 10, 4_999])
@pytest.mark.parametrize("minutes", [1, 90, 60 * 24 * 40])
def test_the_records_of_the_hours_add_up_to_the_total(events: int, minutes: int) -> None:
    start = END - timedelta(minutes=minutes)
    hours = list(segments(a_spec(events=events, start=start).resolved(END)))

    assert sum(records for _, _, records in hours) == events
    assert all(start.timestamp() * 1000 <= begin < end <= END.timestamp() * 1000 for begin, end, _ in hours)
    assert hours == sorted(hours)
