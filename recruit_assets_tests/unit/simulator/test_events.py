"""What the stream of records contains, and in which shares."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from recruit_assets.simulator.events import respelled
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets.simulator.spec import DayShape
from recruit_assets_tests.support.reference_report import Event, as_number, create_time, distinct_events, event_time
from recruit_assets_tests.support.simulations import END, FakeClock, a_spec, all_valid, simulated, valid_values

Oddity = Callable[[bytes, Event], bool]

ODDITIES: dict[str, Oddity] = {
    "a number as a float": lambda _, e: isinstance(e.get("bid"), float),
    "a number as a string": lambda _, e: str(e.get("job_id")).isdigit() and isinstance(e["job_id"], str),
    "a float as a string": lambda _, e: isinstance(e.get("publisher_id"), str) and ".0" in str(e["publisher_id"]),
    "true for a string": lambda _, e: e.get("md") is True,
    "'true' for a string": lambda _, e: e.get("md") == "true",
    "click": lambda _, e: e.get("custom_track") == "click",
    "clicks": lambda _, e: e.get("custom_track") == "clicks",
    "conversion": lambda _, e: e.get("custom_track") == "conversion",
    "qualified": lambda _, e: e.get("custom_track") == "qualified",
    "unqualified": lambda _, e: e.get("custom_track") == "unqualified",
    "an action in upper case": lambda _, e: e.get("custom_track") == "CLICK",
    "a space before an action": lambda _, e: e.get("custom_track") == " click",
    "a null action": lambda _, e: "custom_track" in e and e["custom_track"] is None,
    "no action": lambda _, e: "custom_track" not in e,
    "an action without a job": lambda _, e: e.get("custom_track") == "click" and e.get("job_id") is None,
    "job 0": lambda _, e: e.get("custom_track") == "click" and e.get("job_id") in (0, "0", "0.0"),
    "the largest job id": lambda _, e: as_number(e.get("job_id")) == 2**31 - 1,
    "a click without a publisher": lambda _, e: e.get("custom_track") == "click" and e.get("publisher_id") is None,
    "a click with a null bid": lambda _, e: e.get("custom_track") == "click" and e.get("bid") is None,
    "a field that isn't in the contract": lambda _, e: "consent" in e,
    "a null character": lambda _, e: "\x00" in str(e.get("nul")),
    "text in UTF-8": lambda value, _: "Köln".encode() in value,
    "text with escapes": lambda value, _: rb"K\u00f6ln" in value,
    "spaces between the fields": lambda value, _: b'", "' in value,
    "ts with a fraction": lambda _, e: "." in str(e.get("ts")),
    "ts in microseconds": lambda _, e: len(str(e.get("ts"))) == len("2026-01-05 07:30:00.123456"),
    "ts without a fraction": lambda _, e: len(str(e.get("ts"))) == len("2026-01-05 07:30:00"),
    "ts with a T": lambda _, e: "T" in str(e.get("ts")),
    "ts with Z": lambda _, e: str(e.get("ts")).endswith("Z"),
    "ts east of UTC": lambda _, e: str(e.get("ts")).endswith("+02:00"),
    "ts west of UTC": lambda _, e: str(e.get("ts")).endswith("-07:00"),
    "no ts": lambda _, e: "ts" not in e,
    "a null ts": lambda _, e: "ts" in e and e["ts"] is None,
}  # fmt: skip


def parsed(values: list[bytes]) -> list[Event]:
    return [json.loads(value) for value in values]


def test_the_same_options_give_the_same_bytes() -> None:
    assert simulated(a_spec())[0] == simulated(a_spec())[0]


@pytest.mark.parametrize("other", [{"seed": 8}, {"jobs": 201}, {"end": END - timedelta(seconds=1)}, {"rate": 40.0}])
def test_simulations_with_different_options_share_no_event(other: dict[str, object]) -> None:
    """Otherwise two simulations in one topic could have different events with the same create_time."""
    spec = all_valid(events=1_000)
    ours = {str(event["create_time"]) for event in parsed(valid_values(spec))}
    theirs = {str(event["create_time"]) for event in parsed(valid_values(all_valid(**{"events": 1_000} | other)))}

    assert ours.isdisjoint(theirs)


def test_every_event_has_a_unique_version_1_uuid() -> None:
    events = parsed(valid_values(all_valid(duplicate_share=0.0)))
    ids = {UUID(str(event["create_time"])) for event in events}

    assert len(ids) == len(events)
    assert {(id.version, id.variant) for id in ids} == {(1, "specified in RFC 4122")}


def test_create_time_is_shortly_before_the_event_time() -> None:
    lags = [event_time(event) - create_time(event) for event in parsed(valid_values(all_valid()))]

    assert min(lags) > timedelta(seconds=-1)  # a ts without fraction is truncated to the second
    assert max(lags) < timedelta(seconds=4)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_events_have_the_oddities_of_real_ones(oddity: str, many: list[tuple[bytes, Event]]) -> None:
    assert any(ODDITIES[oddity](value, event) for value, event in many)


@pytest.fixture(scope="module")
def many() -> list[tuple[bytes, Event]]:
    values = valid_values(all_valid(events=30_000))
    return list(zip(values, parsed(values), strict=True))


def test_most_events_have_neither_action_nor_job(many: list[tuple[bytes, Event]]) -> None:
    assert sum(event.get("custom_track") is None for _, event in many) > len(many) / 2
    assert sum(event.get("job_id") is None for _, event in many) > len(many) / 2


def test_each_step_of_the_funnel_has_fewer_events(many: list[tuple[bytes, Event]]) -> None:
    steps = Counter(str(event.get("custom_track")).removesuffix("s") for _, event in many)

    assert steps["click"] > 5 * steps["conversion"] > 5 * steps["qualified"] > steps["unqualified"] > 0


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_late_events_have_the_given_share(share: float) -> None:
    counts = simulated(a_spec(late_share=share, events=10_000))[1].counts

    assert counts["late"] == pytest.approx(share * counts["events"], abs=150)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_duplicates_have_the_given_share(share: float) -> None:
    counts = simulated(a_spec(duplicate_share=share, events=10_000))[1].counts

    assert counts["duplicates"] == pytest.approx(share * 10_000, abs=150)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.98])
def test_malformed_records_have_the_given_share(share: float) -> None:
    counts = simulated(a_spec(malformed_share=share, events=10_000))[1].counts

    assert sum(counts["dead_letters"].values()) == pytest.approx(share * 10_000, abs=150)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_uncountable_events_have_the_given_share(share: float) -> None:
    counts = simulated(a_spec(uncountable_share=share, events=10_000))[1].counts

    assert counts["events"] - counts["countable"] == pytest.approx(share * counts["events"], abs=150)


def test_events_are_sent_in_order_of_event_time() -> None:
    times = [event_time(event) for event in parsed(valid_values(all_valid(late_share=0.0, duplicate_share=0.0)))]
    steps_back = [before - after for before, after in pairwise(times)]

    assert max(steps_back) < timedelta(minutes=1)
    assert END - timedelta(hours=24) - timedelta(seconds=1) <= min(times) <= max(times) < END


def test_late_events_are_one_hour_to_late_hours_late() -> None:
    spec = all_valid(late_share=1.0, late_hours=30.0, duplicate_share=0.0, start=END - timedelta(minutes=1))
    times = [event_time(event) for event in parsed(valid_values(spec))]

    assert END - timedelta(hours=30, minutes=2) < min(times) < END - timedelta(hours=24)
    assert END - timedelta(hours=2) < max(times) <= END - timedelta(hours=1)


def test_no_event_time_is_before_the_first_hour() -> None:
    first_hour = END - timedelta(hours=2)
    spec = all_valid(first_hour=first_hour, late_share=0.5, late_hours=500.0)

    assert min(event_time(event) for event in parsed(valid_values(spec))) >= first_hour


def test_duplicates_repeat_an_earlier_event() -> None:
    values = valid_values(all_valid(duplicate_share=0.3))
    seen: dict[object, Event] = {}
    repeated: list[tuple[Event, Event]] = []
    for event in parsed(values):
        if event["create_time"] in seen:
            repeated.append((seen[event["create_time"]], event))
        seen.setdefault(event["create_time"], event)

    assert len(seen) == len(distinct_events(values))
    assert sum(first == again for first, again in repeated) > sum(first != again for first, again in repeated) > 0


def test_respelling_changes_the_bytes_but_not_the_content() -> None:
    value = b'{"create_time":"x","bid":"7.0","job_id":3,"v":2.0,"dt":"1","rl":null,"new":null,"perf":1.5,"md":true}'

    assert respelled(value) != value
    assert json.loads(respelled(value)) == {
        "create_time": "x", "bid": 7, "job_id": "3", "v": "2.0", "dt": "1", "new": None, "perf": 1.5, "md": True
    }  # fmt: skip


def test_a_few_jobs_get_most_of_the_clicks() -> None:
    skewed, even = (jobs_by_popularity(all_valid(skew=skew, jobs=50)) for skew in (1.2, 0.0))

    assert skewed[0] > 5 * skewed[len(skewed) // 2]
    assert even[0] < 3 * even[len(even) // 2]


def jobs_by_popularity(spec: object) -> list[int]:
    events = parsed(valid_values(spec))  # type: ignore[arg-type]  # a spec
    clicks = Counter(as_number(event["job_id"]) for event in events if event.get("job_id") is not None)
    return [number for _, number in clicks.most_common()]


def test_the_day_shape_determines_the_events_per_hour() -> None:
    office, flat = (events_by_hour(shape) for shape in (DayShape.OFFICE, DayShape.FLAT))

    assert office[10] > 10 * office[3]
    assert max(flat.values()) < 1.2 * min(flat.values())


def events_by_hour(shape: DayShape) -> Counter[int]:
    values = valid_values(all_valid(day_shape=shape, late_share=0.0, duplicate_share=0.0, events=10_000))
    return Counter(event_time(event).hour for event in parsed(values))


def test_live_events_have_the_time_of_sending() -> None:
    clock, sink = FakeClock(), ListSink()
    spec = a_spec(
        live=True, rate=100.0, events=1_000, end=None, late_share=0.0, duplicate_share=0.0, malformed_share=0.0
    )
    simulate(spec, sink, stop=clock.stop, clock=clock)
    times = [event_time(json.loads(value)) for value in sink.values if value]

    assert END - timedelta(seconds=1.1) <= min(times) <= max(times) <= clock.now()
    assert max(times) - min(times) > timedelta(seconds=9)


def test_the_default_end_is_now() -> None:
    now = datetime(2025, 5, 6, 7, 8, tzinfo=UTC)
    sink = ListSink()
    simulate(all_valid(end=None, late_share=0.0, events=500), sink, clock=FakeClock(now))
    times = [event_time(json.loads(value)) for value in sink.values if value]

    assert now - timedelta(hours=24, seconds=1) <= min(times) <= max(times) < now
