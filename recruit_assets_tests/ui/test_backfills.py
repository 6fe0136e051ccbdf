"""Ranges that a person picks in the UI: they are cut into runs, can be canceled, and hold up nothing."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from recruit_assets.defs.partitions import HOURS_PER_BACKFILL_RUN
from recruit_assets.defs.runs import hours_of_tags
from recruit_assets.hours.planning import HOUR, HourRange
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.history import UNFINISHED
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.support.dagster_ui import DagsterUi
from recruit_assets_tests.ui.clicks import click, reported_hours
from recruit_assets_tests.ui.conftest import Platform

pytestmark = pytest.mark.timeout(600)
DONE = {"COMPLETED_SUCCESS"}
YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
TWO_YEARS = HourRange(YESTERDAY - 17_500 * HOUR, datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


def failed_tries(settings: Settings) -> int:
    with open_report_database(settings) as database:
        return int(database.query("SELECT COALESCE(SUM(attempts), 0) FROM pending_hours")[0][0])


def is_canceled(ui: DagsterUi, backfill: str) -> bool:
    """Click "Cancel", and again if Dagster's daemon overwrote it: it may have read the backfill just before."""
    status = ui.backfill_status(backfill)
    if status == "REQUESTED":
        ui.cancel(backfill)
    return status == "CANCELED"


def test_any_range_works_and_can_be_canceled_and_the_current_hour_stays_fresh(platform: Platform) -> None:
    """As one run, 764 hours or two years didn't start in time, and held back every hour of theirs meanwhile."""
    settings, ui = platform.settings, platform.ui
    one_hour = ui.materialize(HourRange(YESTERDAY, YESTERDAY))
    eight_days = ui.materialize(HourRange(YESTERDAY - 192 * HOUR, YESTERDAY - HOUR))
    platform.wait(lambda: {ui.backfill_status(one) for one in (one_hour, eight_days)} == {"COMPLETED_SUCCESS"}, 240)
    assert [len(platform.runs_of(one_hour)), len(platform.runs_of(eight_days))] == [1, 2]

    two_years = ui.materialize(TWO_YEARS)
    platform.wait(lambda: len(platform.runs_of(two_years)) > 2, 120)
    assert all(len(hours_of_tags(run.tags) or ()) == HOURS_PER_BACKFILL_RUN for run in platform.runs_of(two_years))
    now = datetime.now(UTC)
    click(settings, now, seed=1)
    platform.wait(lambda: now.replace(minute=0, second=0, microsecond=0) in reported_hours(settings), 120)

    platform.wait(lambda: platform.runs_of(two_years, dg.DagsterRunStatus.STARTED), 120)
    platform.wait(lambda: is_canceled(ui, two_years), 240)
    assert platform.runs_of(two_years, *UNFINISHED) == []
    assert platform.runs_of(two_years, dg.DagsterRunStatus.FAILURE) == []
    assert failed_tries(settings) == 0
