"""Which days Dagster's declarative automation requests, evaluated by Dagster itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Any

import dagster as dg
import pytest

from recruit_assets.definitions import build_defs, defs
from recruit_assets.defs.assets.daily_job_metrics import CONDITION
from recruit_assets.defs.jobs import ASSETS
from recruit_assets.defs.partitions import HOURS_OF_DAYS, days, hours
from recruit_assets.defs.sensors.days import EVERY_S, daily_metrics_automation

JOBS, COMPANIES = dg.AssetKey("daily_job_metrics"), dg.AssetKey("daily_company_metrics")
DAILY = dg.AssetSelection.assets(JOBS, COMPANIES)


class Automation:
    """The sensor's evaluations, one after the other, on an instance without any history."""

    def __init__(self, instance: dg.DagsterInstance, definitions: dg.Definitions = defs) -> None:
        self.instance = instance
        self.definitions = definitions
        self.cursor: Any = None

    def replaced(self, *keys: str) -> None:
        """Hours that a run has replaced just now."""
        for key in keys:
            self.instance.report_runless_asset_event(dg.AssetMaterialization("hourly_job_metrics", partition=key))

    def requested(self, asset: dg.AssetKey = JOBS, *, at: datetime | None = None) -> list[str | None]:
        """The days that the next evaluation requests."""
        known = self.definitions.resolve_asset_graph().materializable_asset_keys
        result = dg.evaluate_automation_conditions(
            self.definitions,
            self.instance,
            asset_selection=DAILY if known >= {JOBS, COMPANIES} else dg.AssetSelection.assets(JOBS),
            cursor=self.cursor,
            evaluation_time=at,
        )
        self.cursor = result.cursor
        return sorted(result.get_requested_partitions(asset), key=str)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def automation(instance: dg.DagsterInstance) -> Automation:
    return Automation(instance)


def test_at_first_every_day_that_has_hours_is_requested(automation: Automation) -> None:
    """As after an upgrade: the hours of years are there, and no day is."""
    automation.replaced("2026-01-05-07:00", "2026-01-05-08:00", "2026-02-01-23:00")

    assert automation.requested() == ["2026-01-05", "2026-02-01"]
    assert automation.requested() == []


def test_an_hour_that_is_replaced_requests_its_day_and_the_companies_of_it(automation: Automation) -> None:
    automation.requested()
    automation.replaced("2024-03-10-23:00", "2024-03-10-07:00")

    assert automation.requested(COMPANIES) == ["2024-03-10"]
    assert automation.requested(COMPANIES) == []
    automation.replaced("2024-03-10-07:00")
    assert automation.requested() == ["2024-03-10"]


def test_an_hour_replaced_after_the_request_is_not_forgotten(automation: Automation) -> None:
    """The run that was requested may have read the hour before. Dagster's any_deps_updated() forgets such an update."""
    automation.requested()
    automation.replaced("2026-01-05-07:00")
    assert automation.requested() == ["2026-01-05"]

    automation.replaced("2026-01-05-08:00")

    assert automation.requested() == ["2026-01-05"]


def test_the_last_days_are_requested_every_morning(automation: Automation) -> None:
    """Dagster doesn't see an hour that was replaced minutes before it began."""
    six = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(days=1)
    long_ago, yesterday = (f"{six - timedelta(days=number):%Y-%m-%d}" for number in (9, 1))
    automation.replaced(f"{long_ago}-07:00", f"{yesterday}-07:00")

    assert automation.requested(at=six - timedelta(hours=1)) == [long_ago, yesterday]
    assert automation.requested(at=six) == []
    assert automation.requested(at=six + timedelta(hours=1)) == [yesterday]
    assert automation.requested(at=six + timedelta(hours=2)) == []


def in_another_zone(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(code_version="another zone") if spec.key == JOBS else spec


def test_a_change_of_the_code_or_zone_requests_the_days_that_have_hours(automation: Automation) -> None:
    automation.requested()
    automation.replaced("2026-01-05-07:00")
    automation.requested()
    automation.requested()

    automation.definitions = build_defs(assets=dg.map_asset_specs(in_another_zone, ASSETS))

    assert automation.requested() == ["2026-01-05"]
    assert automation.requested() == []


def test_a_day_whose_run_failed_is_requested_again_and_none_while_it_runs(instance: dg.DagsterInstance) -> None:
    seen: list[list[str | None]] = []

    @dg.asset(name="hourly_job_metrics", partitions_def=hours)
    def an_hour() -> None: ...

    @dg.asset(
        name="daily_job_metrics",
        deps=[dg.AssetDep(an_hour, partition_mapping=HOURS_OF_DAYS)],
        partitions_def=days,
        automation_condition=CONDITION,
    )
    def a_day() -> None:
        own.replaced("2026-01-05-08:00")
        seen.append(own.requested())
        raise ValueError("the first try")

    own = Automation(instance, dg.Definitions([an_hour, a_day]))
    own.replaced("2026-01-05-07:00")
    assert own.requested() == ["2026-01-05"]

    failed = dg.materialize(
        [a_day, an_hour], selection=[a_day], partition_key="2026-01-05", instance=instance, raise_on_error=False
    )

    assert (failed.success, seen) == (False, [[]])
    assert own.requested() == ["2026-01-05"]


def test_a_day_is_requested_every_ten_minutes_at_most_and_by_a_sensor_that_runs_by_itself() -> None:
    assert daily_metrics_automation.minimum_interval_seconds == EVERY_S == 600
    assert daily_metrics_automation.default_status is dg.DefaultSensorStatus.RUNNING
    assert daily_metrics_automation.run_tags == {"recruit/days": "yes"}


def test_an_evaluation_costs_little_with_years_of_hours(automation: Automation) -> None:
    """The daemon has one thread for all sensors of this kind, and this machine is shared with the hours."""
    now = datetime.now(UTC)
    automation.replaced(*(f"{now - timedelta(days=day):%Y-%m-%d}-07:00" for day in range(1, 400)))
    automation.requested()

    begun_s = process_time()
    assert automation.requested() == []
    assert process_time() - begun_s < 3
