"""The hours that runs are about, on an instance in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from recruit_assets.defs import runs
from recruit_assets.defs.runs import (
    HOURS_JOB,
    hours_of_tags,
    range_tags,
    recent_failures,
    started_hours,
    unfinished_runs,
)
from recruit_assets.hours.planning import HourRange
from recruit_assets_tests.support.unfinished_runs import an_unfinished_run

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
NINE = SEVEN + timedelta(hours=2)
SEVEN_TO_NINE = HourRange(SEVEN, NINE)
OF_SENSOR = {"dagster/sensor_name": "cassandra_cdc_sensor"}


@dg.op
def nothing() -> None:
    """Succeeds."""


@dg.op
def fails() -> None:
    raise dg.Failure("as it should")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def a_run(instance: dg.DagsterInstance, op: dg.OpDefinition, tags: dict[str, str], name: str = HOURS_JOB) -> None:
    job = dg.GraphDefinition(name, node_defs=[op]).to_job()
    job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


@pytest.mark.parametrize("hours", [HourRange(SEVEN, SEVEN), HourRange(SEVEN, NINE)])
def test_the_tags_of_a_range_name_its_hours(hours: HourRange) -> None:
    assert hours_of_tags(range_tags(hours)) == hours


@pytest.mark.parametrize(
    ("last", "shown"),
    [(SEVEN, "2026-01-05 07:00"), (NINE, "3 h from 2026-01-05 07:00")],
)
def test_the_list_of_runs_shows_the_hours(last: datetime, shown: str) -> None:
    assert range_tags(HourRange(SEVEN, last))["hours"] == shown


def test_a_run_of_one_partition_is_about_its_hour() -> None:
    assert hours_of_tags({"dagster/partition": "2026-01-05-07:00"}) == HourRange(SEVEN, SEVEN)


@pytest.mark.parametrize("tags", [{}, {"dagster/partition": "blue"}])
def test_other_runs_are_about_no_hour(tags: dict[str, str]) -> None:
    assert hours_of_tags(tags) is None


@pytest.mark.parametrize("status", ["NOT_STARTED", "QUEUED", "STARTING", "STARTED"])
def test_a_run_of_the_sensor_holds_its_hours_from_its_request_on(instance: dg.DagsterInstance, status: str) -> None:
    a_run(instance, nothing, range_tags(HourRange(NINE, NINE)) | OF_SENSOR)
    an_unfinished_run(instance, dg.DagsterRunStatus(status), range_tags(SEVEN_TO_NINE) | OF_SENSOR)

    unfinished = unfinished_runs(instance)

    assert set(unfinished.hours) == {SEVEN_TO_NINE}
    assert unfinished.of_sensor == (SEVEN_TO_NINE,)


@pytest.mark.parametrize(
    ("status", "holds"),
    [("NOT_STARTED", False), ("QUEUED", False), ("STARTING", True), ("STARTED", True), ("CANCELING", False)],
)
def test_another_run_holds_its_hours_while_it_runs(instance: dg.DagsterInstance, status: str, holds: bool) -> None:
    """A backfill of two years is queued for hours."""
    an_unfinished_run(instance, dg.DagsterRunStatus(status), range_tags(SEVEN_TO_NINE) | {"dagster/backfill": "two"})

    unfinished = unfinished_runs(instance)

    assert unfinished.hours == ((SEVEN_TO_NINE,) if holds else ())
    assert unfinished.of_sensor == ()
    assert started_hours(instance) == ((SEVEN_TO_NINE,) if status == "STARTED" else ())


def test_however_many_runs_are_queued_those_that_hold_hours_are_found(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MAX_RUNS_READ", 2)
    of_sensor, begun = HourRange(SEVEN, SEVEN), HourRange(NINE, NINE)
    an_unfinished_run(instance, dg.DagsterRunStatus.QUEUED, range_tags(of_sensor) | OF_SENSOR)
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, range_tags(begun))
    for _ in range(5):
        an_unfinished_run(instance, dg.DagsterRunStatus.QUEUED, range_tags(SEVEN_TO_NINE))

    assert set(unfinished_runs(instance).hours) == {of_sensor, begun}


def test_failed_runs_of_the_sensor_are_listed_with_hours_and_end(instance: dg.DagsterInstance) -> None:
    a_run(instance, fails, range_tags(HourRange(SEVEN, NINE)) | OF_SENSOR)
    a_run(instance, nothing, range_tags(HourRange(SEVEN, SEVEN)) | OF_SENSOR)
    a_run(instance, fails, OF_SENSOR)

    (failure,) = recent_failures(instance)

    assert failure.hours == HourRange(SEVEN, NINE)
    assert abs(failure.ended_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_range_that_a_person_picked_is_no_failure_of_its_hours(instance: dg.DagsterInstance) -> None:
    """It may be too large, or reach into frozen hours; each pending hour of it would wait for minutes."""
    a_run(instance, fails, range_tags(SEVEN_TO_NINE) | {"dagster/backfill": "mine"})

    assert recent_failures(instance) == []


@pytest.mark.parametrize("reason", ["START_TIMEOUT", "UNEXPECTED_TERMINATION"])
def test_a_run_that_was_canceled_stopped_or_never_began_is_no_failure_of_its_hours(
    instance: dg.DagsterInstance, reason: str
) -> None:
    tags = range_tags(SEVEN_TO_NINE) | OF_SENSOR
    canceled = an_unfinished_run(instance, dg.DagsterRunStatus.CANCELING, tags)
    ended = an_unfinished_run(instance, dg.DagsterRunStatus.STARTING, tags | {"dagster/failure_reason": reason})
    killed = an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, range_tags(HourRange(NINE, NINE)) | OF_SENSOR)

    instance.report_run_canceled(canceled)
    instance.report_run_failed(ended)
    instance.report_run_failed(killed)

    assert [failure.hours for failure in recent_failures(instance)] == [HourRange(NINE, NINE)]


def test_old_failures_are_not_listed(instance: dg.DagsterInstance) -> None:
    a_run(instance, fails, range_tags(HourRange(SEVEN, NINE)) | OF_SENSOR)

    assert recent_failures(instance, now=datetime.now(UTC) + timedelta(hours=1)) == []


OF_ASSETS = "__ASSET_JOB"
"""Dagster's name for the job of assets that a person picks in the UI, in every code location."""


def test_runs_of_other_users_of_the_instance_are_not_ours(instance: dg.DagsterInstance) -> None:
    """An hourly asset of somebody else must not hold up our hours, nor count against them."""
    tags = range_tags(HourRange(SEVEN, SEVEN))
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, tags, job="their_job")
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, tags, job=OF_ASSETS, asset="their_hours")
    a_run(instance, fails, tags | OF_SENSOR, "their_job")

    assert unfinished_runs(instance).hours == ()
    assert started_hours(instance) == ()
    assert recent_failures(instance) == []


def test_runs_of_assets_that_a_person_picked_are_ours(instance: dg.DagsterInstance) -> None:
    tags = range_tags(HourRange(SEVEN, SEVEN))
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, tags, job=OF_ASSETS, asset="mysql_report")

    assert unfinished_runs(instance).hours == started_hours(instance) == (HourRange(SEVEN, SEVEN),)
