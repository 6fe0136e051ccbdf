"""The hours that runs are about, on an instance in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg
import pytest

from recruit_assets.defs.runs import (
    HOURS_JOB,
    hours_of_tags,
    range_tags,
    recent_failures,
    started_hours,
    unfinished_runs,
)
from recruit_assets.hours.planning import HourRange

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
NINE = SEVEN + timedelta(hours=2)


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


def an_unfinished_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    tags: dict[str, str],
    *,
    job: str = HOURS_JOB,
    asset: str | None = None,
) -> None:
    selection = frozenset({dg.AssetKey(asset)}) if asset else None
    run = dg.DagsterRun(job_name=job, run_id=str(uuid4()), status=status, tags=tags, asset_selection=selection)
    instance.add_run(run)


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


def test_runs_that_wait_or_run_are_unfinished(instance: dg.DagsterInstance) -> None:
    tags = range_tags(HourRange(SEVEN, NINE))
    a_run(instance, nothing, range_tags(HourRange(NINE, NINE)))
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTING, tags | {"dagster/sensor_name": "a_sensor"})

    unfinished = unfinished_runs(instance)

    assert unfinished.hours == (HourRange(SEVEN, NINE),)
    assert unfinished.by_sensor == {"a_sensor": (HourRange(SEVEN, NINE),)}
    assert started_hours(instance) == ()


def test_failed_runs_are_listed_with_hours_and_end(instance: dg.DagsterInstance) -> None:
    a_run(instance, fails, range_tags(HourRange(SEVEN, NINE)))
    a_run(instance, nothing, range_tags(HourRange(SEVEN, SEVEN)))
    a_run(instance, fails, {})

    (failure,) = recent_failures(instance)

    assert failure.hours == HourRange(SEVEN, NINE)
    assert abs(failure.ended_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_old_failures_are_not_listed(instance: dg.DagsterInstance) -> None:
    a_run(instance, fails, range_tags(HourRange(SEVEN, NINE)))

    assert recent_failures(instance, now=datetime.now(UTC) + timedelta(hours=1)) == []


OF_ASSETS = "__ASSET_JOB"
"""Dagster's name for the job of assets that a person picks in the UI, in every code location."""


def test_runs_of_other_users_of_the_instance_are_not_ours(instance: dg.DagsterInstance) -> None:
    """An hourly asset of somebody else must not hold up our hours, nor count against them."""
    tags = range_tags(HourRange(SEVEN, SEVEN))
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, tags, job="their_job")
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, tags, job=OF_ASSETS, asset="their_hours")
    a_run(instance, fails, tags, "their_job")

    assert unfinished_runs(instance).hours == ()
    assert started_hours(instance) == ()
    assert recent_failures(instance) == []


def test_runs_of_assets_that_a_person_picked_are_ours(instance: dg.DagsterInstance) -> None:
    tags = range_tags(HourRange(SEVEN, SEVEN))
    an_unfinished_run(instance, dg.DagsterRunStatus.STARTED, tags, job=OF_ASSETS, asset="mysql_report")

    assert unfinished_runs(instance).hours == started_hours(instance) == (HourRange(SEVEN, SEVEN),)
