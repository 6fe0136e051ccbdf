"""Publishing a step's hours in the report database."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import pytest

from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.hours.planning import HOUR
from recruit_assets.hours.ports import SqlRow, StoredHour
from recruit_assets.hours.replacement import Replaced, Step, publish_hours
from recruit_assets.runtime.errors import Inconsistent
from recruit_assets_tests.support.memory_stores import START, ReportInMemory, Stores

NOON, NEXT_HOUR = START, START + HOUR
HOURS = [NOON, NEXT_HOUR]


class Report(ReportInMemory):
    """A report that also counts the rows it stores, and keeps the runs' ids."""

    def __init__(self, stores: Stores) -> None:
        super().__init__(stores)
        self.run_ids: list[str] = []

    def replace_hour(
        self, hour: datetime, rows: Iterable[SqlRow], *, newness: tuple[int, int], run_id: str
    ) -> StoredHour:
        self.run_ids.append(run_id)
        found = list(rows)
        stored = super().replace_hour(hour, found, newness=newness, run_id=run_id)
        return replace(stored, counts=RowCounts(len(found), sum(row[2] for row in found)))


def test_publishing_replaces_exactly_the_steps_hours() -> None:
    stores = Stores()
    report = Report(stores)
    step = Step("a run", write_timestamp=7, clock_ms=11)
    publish_hours(report, iter([(NEXT_HOUR, iter([(1, "click", 9)]))]), Step("before", 6, 10), HOURS)

    replaced = publish_hours(report, iter([(NOON, iter([(1, "click", 2)]))]), step, HOURS)

    assert replaced == Replaced(7, {NOON: RowCounts(1, 2), NEXT_HOUR: RowCounts()})
    assert report.run_ids == ["before"] * 2 + ["a run"] * 2
    assert stores.report == {NOON: ((11, 7), {1: {"click": 2}}), NEXT_HOUR: ((11, 7), {})}


def test_an_hour_that_a_newer_run_has_published_stays_and_is_named() -> None:
    stores = Stores()
    report = ReportInMemory(stores)
    publish_hours(report, iter(()), Step("newer", 8, 12), [NEXT_HOUR])

    replaced = publish_hours(report, iter(()), Step("a run", 7, 11), HOURS)

    assert replaced.superseded == (NEXT_HOUR,)
    assert stores.report[NEXT_HOUR][0] == (12, 8)


def test_an_hour_in_two_parts_is_an_error() -> None:
    """The second part would replace the first."""
    parts = iter([(NOON, iter(())), (NEXT_HOUR, iter(())), (NOON, iter(()))])

    with pytest.raises(Inconsistent) as inconsistent:
        publish_hours(ReportInMemory(Stores()), parts, Step("a run", 7, 11), HOURS)

    assert str(inconsistent.value) == "the rows of 2026-01-05 12:00 aren't consecutive: Spark read the hour in parts"
