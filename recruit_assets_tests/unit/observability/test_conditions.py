"""From which limits on something is a trouble, and that a trouble keeps its name while it lasts."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.hours.planning import HOUR, PendingHour
from recruit_assets.observability.conditions import failing_hours, of_ingest, of_report, unreadable
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.stores.kafka.ingest_lag import IngestLag
from recruit_assets_tests.support.lags import a_lag

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def failed(*hours: datetime) -> list[PendingHour]:
    return [PendingHour(hour, SEVEN, SEVEN, attempts=1) for hour in hours]


def after(hour: datetime, count: int) -> list[datetime]:
    """The hour and those that follow it."""
    return [hour + number * HOUR for number in range(count)]


@pytest.mark.parametrize(
    ("pending", "checkpoint", "names"),
    [
        pytest.param([], SEVEN, set(), id="nothing is wrong"),
        pytest.param([], None, set(), id="nothing was ever read"),
        pytest.param([], SEVEN - 2 * MINUTE, set(), id="the feed was read 2 minutes ago"),
        pytest.param([], SEVEN - 2 * MINUTE - SECOND, {"report feed"}, id="the feed isn't read"),
        pytest.param([PendingHour(SEVEN, SEVEN - 16 * MINUTE, SEVEN)], SEVEN, {"report late"}, id="an hour waits"),
        pytest.param(failed(SEVEN), SEVEN, {"report hours 2026-01-05T07 2026-01-05T07"}, id="an hour failed"),
        pytest.param([PendingHour(SEVEN, SEVEN, SEVEN)], SEVEN, set(), id="an hour is pending"),
    ],
)
def test_a_report_is_in_trouble_when_the_feed_is_unread_or_hours_wait_or_fail(
    pending: list[PendingHour], checkpoint: datetime | None, names: set[str]
) -> None:
    assert of_report(pending, checkpoint, now=SEVEN).keys() == names


def test_a_clock_of_cassandra_that_is_ahead_is_named() -> None:
    assert of_report([], SEVEN + 2 * MINUTE, now=SEVEN) == {
        "report clock": "Cassandra's clock is ahead of the report database's: 2026-01-05 07:02:00 and 2026-01-05 "
        "07:00:00 UTC. Check the clocks of both hosts"
    }
    assert of_report([], SEVEN + MINUTE, now=SEVEN) == {}


def names_after(*ticks: Collection[datetime]) -> list[list[str]]:
    """The troubles' names at each tick, given these failing hours."""
    found: list[list[str]] = [[]]
    for hours in ticks:
        found.append(sorted(failing_hours(failed(*hours), found[-1])))
    return found[1:]


def test_a_range_that_is_retried_hour_by_hour_is_one_trouble_until_its_last_hour_succeeds() -> None:
    day = after(SEVEN, 24)

    ((first,), *others) = names_after(day, day[3:], [day[5], day[20]], [day[20]], [])

    assert first == "report hours 2026-01-05T07 2026-01-06T06"
    assert others == [[first], [first], [first], []]


def test_hours_that_fail_next_to_a_failing_hour_are_the_same_trouble() -> None:
    """While Spark is down, each new hour fails too."""
    ((first,), *others) = names_after([SEVEN], after(SEVEN, 2), after(SEVEN, 3), after(SEVEN + HOUR, 2))

    assert others == [[first], [first], [first]]


def test_hours_that_fail_elsewhere_are_another_trouble() -> None:
    """One bad hour must not hide the next."""
    last_week = SEVEN - 7 * 24 * HOUR

    (first,), both, (second,) = names_after([last_week], [last_week, SEVEN], [SEVEN])

    assert both == sorted([first, second])


@pytest.mark.parametrize(
    "name", ["report hours", "report hours x y", "report hours 2026-01-05T07", "run lineage_job", ""]
)
def test_a_name_that_a_person_edited_names_no_hours(name: str) -> None:
    assert failing_hours(failed(SEVEN), [name]).keys() == {"report hours 2026-01-05T07 2026-01-05T07"}


INGEST = "kafka ingest"


@pytest.mark.parametrize(
    ("lag", "known", "is_dead"),
    [
        pytest.param(a_lag(age_s=0, members=0, records=0), (), False, id="nothing waits and nobody reads"),
        pytest.param(a_lag(age_s=61, members=0), (), True, id="records wait and nobody reads"),
        pytest.param(a_lag(age_s=59, members=0), (), False, id="a process is replaced"),
        pytest.param(a_lag(age_s=301, has_advanced=False), (), True, id="a process reads nothing"),
        pytest.param(a_lag(age_s=299, has_advanced=False), (), False, id="not for long"),
        pytest.param(a_lag(age_s=9999, has_advanced=True), (), False, id="a backlog is read"),
        pytest.param(a_lag(age_s=9999, has_advanced=None), (), False, id="nobody knows yet"),
        pytest.param(a_lag(age_s=9999, has_advanced=None), (INGEST,), True, id="it was dead, and nobody knows better"),
    ],
)
def test_ingest_is_dead_when_records_wait_and_nobody_reads_or_gets_on(
    lag: IngestLag, known: Collection[str], *, is_dead: bool
) -> None:
    assert (INGEST in of_ingest(lag, known)) == is_dead


def test_a_dead_ingest_is_described() -> None:
    assert of_ingest(a_lag(age_s=120, members=0, records=1234, at=SEVEN)) == {
        INGEST: "ingest hasn't stored 1,234 records of Kafka, the first since 2026-01-05 06:58:00 UTC; no process is "
        "in its consumer group"
    }


@pytest.mark.parametrize(
    ("records", "letters", "is_trouble"),
    [(1000, 101, True), (1000, 100, False), (25, 20, True), (19, 19, False), (0, 0, False), (0, 30, True)],
)
def test_a_high_share_of_dead_letters_is_a_trouble(records: int, letters: int, *, is_trouble: bool) -> None:
    troubles = of_ingest(a_lag(recent_records=records, recent_dead_letters=letters))

    assert ("kafka dead letters" in troubles) == is_trouble


def test_what_was_known_of_a_store_that_cannot_be_read_is_kept() -> None:
    """Otherwise an outage of Kafka would say that ingest works again."""
    known = {"kafka ingest": "it is dead", "report late": "2 hours wait", "kafka unreadable": "it was down"}

    assert unreadable("kafka", StoreUnavailable("nobody listens"), known) == {
        "kafka ingest": "it is dead",
        "kafka unreadable": "cannot find out whether the report is up to date: nobody listens",
    }
