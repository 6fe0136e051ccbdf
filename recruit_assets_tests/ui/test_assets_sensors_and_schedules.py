"""What people do on the pages of assets, checks, sensors, schedules and code locations."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from recruit_assets.defs.checks import CHECK_KEYS
from recruit_assets.defs.checks.mysql_report import holds_what_it_recorded
from recruit_assets.defs.partitions import key_of
from recruit_assets.defs.runs import CDC_SENSOR
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.ui.clicks import click, reported_hours
from recruit_assets_tests.ui.conftest import Platform

MONDAY = datetime(2026, 1, 12, tzinfo=UTC)
FIVE, SIX, SEVEN, EIGHT = (MONDAY.replace(hour=hour) for hour in (5, 6, 7, 8))


def replaced(platform: Platform, hour: datetime) -> None:
    """The hour, materialized by a person."""
    run = platform.ended(platform.ui.launched("hours_job", {"dagster/partition": key_of(hour)}))
    assert run.status is dg.DagsterRunStatus.SUCCESS


def is_in_report_hours(settings: Settings, hour: datetime) -> bool:
    with open_report_database(settings) as database:
        found = database.query("SELECT 1 FROM report_hours WHERE event_hour = %s", (hour.replace(tzinfo=None),))
    return bool(found)


def test_any_single_check_can_be_executed_in_the_ui(platform: Platform) -> None:
    """It used to be an InvalidSubsetError."""
    can_execute = {key: one["canExecuteIndividually"] for key, one in platform.ui.checks().items()}
    assert can_execute == dict.fromkeys(CHECK_KEYS, "CAN_EXECUTE")
    replaced(platform, FIVE)

    run = platform.ended(platform.ui.execute_check(holds_what_it_recorded.key))

    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert platform.ui.checks()[holds_what_it_recorded.key]["executionForLatestMaterialization"] == {
        "status": "SUCCEEDED"
    }


def test_wiping_an_asset_leaves_the_report_and_its_hours_can_be_materialized_again(platform: Platform) -> None:
    replaced(platform, SIX)

    assert platform.ui.wipe("mysql_report") == "AssetWipeSuccess"

    assert platform.instance.get_latest_materialization_event(dg.AssetKey("mysql_report")) is None
    assert is_in_report_hours(platform.settings, SIX)
    replaced(platform, SIX)


@pytest.fixture
def sensor_off(platform: Platform) -> Iterator[None]:
    """cassandra_cdc_sensor, turned off until the test or its end turns it on."""
    platform.ui.stop_sensor(CDC_SENSOR)
    yield
    platform.ui.start_sensor(CDC_SENSOR)


@pytest.mark.usefixtures("sensor_off")
def test_what_came_while_the_sensor_was_off_is_reported_once_it_is_on_again(platform: Platform) -> None:
    click(platform.settings, SEVEN, seed=7)
    on_again = datetime.now(UTC)
    platform.ui.start_sensor(CDC_SENSOR)

    platform.wait(lambda: SEVEN in reported_hours(platform.settings), 120)

    since = dg.RunsFilter(tags={"dagster/sensor_name": CDC_SENSOR}, created_after=on_again - timedelta(seconds=1))
    assert platform.instance.get_runs(since)


def test_nothing_depends_on_the_cursor_of_the_sensor(platform: Platform) -> None:
    platform.ui.set_cursor(CDC_SENSOR, "garbage")
    click(platform.settings, EIGHT, seed=8)

    platform.wait(lambda: EIGHT in reported_hours(platform.settings), 120)


def test_the_daily_schedule_can_be_tested(platform: Platform) -> None:
    six = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0)

    tick = platform.ui.test_schedule("daily_6am_schedule", six)

    assert tick["error"] is None
    assert tick["runRequests"] or "no hour is pending" in tick["skipReason"]


def test_after_a_reload_runs_can_be_launched(platform: Platform) -> None:
    assert platform.ui.reload() == "WorkspaceLocationEntry"

    assert platform.ui.is_loaded()
    replaced(platform, FIVE)
