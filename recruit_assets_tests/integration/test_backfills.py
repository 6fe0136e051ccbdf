"""Ranges that a person picks in the UI: they are cut into runs, can be canceled, and hold up nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from pyspark.sql import SparkSession

from recruit_assets.defs.runs import hours_of_tags
from recruit_assets.hours.planning import HOUR, HOURS_PER_RUN, HourRange
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.dagster.history import UNFINISHED
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets_tests.conftest import prepare_lineage
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.dagster_ui import Ui, running_ui
from recruit_assets_tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(600)
YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
TWO_YEARS = HourRange(YESTERDAY - 17_500 * HOUR, datetime.now(UTC).replace(minute=0, second=0, microsecond=0))


@pytest.fixture
def ui(settings: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ui]:
    home = tmp_path / "dagster"
    home.mkdir()
    prepare_lineage(settings, spark, home=home, monkeypatch=monkeypatch)
    with dg.DagsterInstance.get() as instance, running_ui(instance, tmp_path / "logs") as running:
        yield running


def click(settings: Settings, at: datetime, seed: int) -> None:
    """A click on a job, as the ingest service stores it."""
    with open_producer(settings) as producer:
        producer.send(settings.kafka_topic, as_bytes(an_event(at, seed=seed)))
        producer.flush()
    drain(settings)


def reported_hours(settings: Settings) -> set[datetime]:
    """The hours that the report has an event of."""
    with open_report_database(settings) as database:
        rows = database.query("SELECT DISTINCT dates, hours FROM mysql_report")
    return {dates.replace(tzinfo=UTC) + hour * HOUR for dates, hour in rows}


def failed_tries(settings: Settings) -> int:
    with open_report_database(settings) as database:
        return int(database.query("SELECT COALESCE(SUM(attempts), 0) FROM pending_hours")[0][0])


def is_canceled(ui: Ui, backfill: str) -> bool:
    """Click "Cancel", and again if Dagster's daemon overwrote it: it may have read the backfill just before."""
    status = ui.status(backfill)
    if status == "REQUESTED":
        ui.cancel(backfill)
    return status == "CANCELED"


def test_any_range_works_and_can_be_canceled_and_the_current_hour_stays_fresh(ui: Ui, settings: Settings) -> None:
    """As one run, 764 hours or two years didn't start in time, and held back every hour of theirs meanwhile."""
    one_hour = ui.materialize(HourRange(YESTERDAY, YESTERDAY))
    three_days = ui.materialize(HourRange(YESTERDAY - 72 * HOUR, YESTERDAY - HOUR))
    wait_until(lambda: {ui.status(one_hour), ui.status(three_days)} == {"COMPLETED_SUCCESS"}, 240)
    assert [len(ui.runs(one_hour)), len(ui.runs(three_days))] == [1, 3]

    two_years = ui.materialize(TWO_YEARS)
    wait_until(lambda: len(ui.runs(two_years)) > 2, 120, what="the first runs of the backfill")
    assert all(len(hours_of_tags(run.tags) or ()) == HOURS_PER_RUN for run in ui.runs(two_years))
    now = datetime.now(UTC)
    click(settings, now, seed=1)
    wait_until(lambda: now.replace(minute=0, second=0, microsecond=0) in reported_hours(settings), 120)

    wait_until(lambda: ui.runs(two_years, dg.DagsterRunStatus.STARTED), 120, what="a running run of the backfill")
    wait_until(lambda: is_canceled(ui, two_years), 240, what="the end of the canceled backfill")
    assert ui.runs(two_years, *UNFINISHED) == []
    assert ui.runs(two_years, dg.DagsterRunStatus.FAILURE) == []
    assert failed_tries(settings) == 0
