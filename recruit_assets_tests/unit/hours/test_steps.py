"""What a step of a run reads, writes and records of its hours. `test_replacement` has runs beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from recruit_assets.contract.tables import BUCKET_METRICS, FILTERED_EVENTS, HOURLY_JOB_METRICS, RAW_EVENTS
from recruit_assets.contract.types import HourTable
from recruit_assets.hours.bucket_state import BucketState, Partition, RowCounts
from recruit_assets.hours.planning import HOUR
from recruit_assets.hours.ports import Coverage, RecordedHour
from recruit_assets.hours.replacement import (
    HourInput,
    PreAggregation,
    Replaced,
    Step,
    begin_step,
    read_input,
    replace_hours,
    step_of_days,
    versions_of_days,
)
from recruit_assets.runtime.errors import MissingCoverage
from recruit_assets.runtime.times import to_ms
from recruit_assets_tests.support.memory_stores import LAYOUT, START, Row, Rows, Stores, TablesInMemory

NOON, NEXT_HOUR = START, START + HOUR
HOURS = [NOON, NEXT_HOUR]
WRITER = UUID(int=1)
CLOCK_MS = to_ms(START)


@dataclass
class Recorded:
    """What a step stored about its hours when it had written their rows."""

    counts: Mapping[datetime, RowCounts]
    rows_timestamp: int
    run_id: str
    timestamp: int


@dataclass
class Tables(TablesInMemory):
    """Tables that also keep what a step recorded, and tell which buckets were read."""

    stores: Stores = field(default_factory=Stores)
    recorded: dict[str, Recorded] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.stores)

    def receive(self, hour: datetime, bucket: int, count: int = 1, *, job: int | None = 1) -> None:
        """Events as ingest stores them; each time the bucket gets a new version."""
        place = Partition(hour, bucket)
        self.stores.versions[place][WRITER] += 1
        for _ in range(count):
            key = len(self.stores.tables[RAW_EVENTS.name, place].rows)
            row = {"event_hour": hour, "bucket": bucket, "create_time": key, "job_id": job, "action": "click"}
            self.stores.tables[RAW_EVENTS.name, place].write(key, row, at=1)

    def rows(self, table: HourTable, hour: datetime) -> list[Row]:
        return self.read(table, self.partitions(table, [hour]))(None)

    def cover(
        self, table: HourTable, coverage: Mapping[datetime, Coverage], counts: Mapping[datetime, RowCounts],
        *, rows_timestamp: int, run_id: str, timestamp: int,
    ) -> None:  # fmt: skip
        self.recorded[table.name] = Recorded(counts, rows_timestamp, run_id, timestamp)
        super().cover(table, coverage, counts, rows_timestamp=rows_timestamp, run_id=run_id, timestamp=timestamp)


@pytest.fixture
def tables() -> Tables:
    return Tables()


def filter_events(
    tables: Tables, hours: Sequence[datetime] = HOURS, *, incremental: bool = False, computed_by: str = ""
) -> Replaced:
    step = begin_step(tables, "a run", hours)
    rows = read_input(tables, step, RAW_EVENTS, hours)
    return replace_hours(tables, FILTERED_EVENTS, rows, step, hours, incremental=incremental, computed_by=computed_by)


def per_job(rows: Rows) -> Rows:
    def counted(wanted: Sequence[Partition] | None) -> list[Row]:
        hours = [row["event_hour"] for row in rows(wanted)]
        return [{"event_hour": hour, "job_id": 1, "action": "click", "events": hours.count(hour)} for hour in {*hours}]

    return counted


def unused(_: Any) -> Any:
    raise AssertionError("not computed")


def test_a_steps_write_timestamp_is_its_clock_in_microseconds(tables: Tables) -> None:
    step = begin_step(tables, "a run", HOURS)

    assert step.write_timestamp // 1000 == step.clock_ms == tables.stores.clock.now_ms
    assert (step.run_id, step.inputs) == ("a run", [])


def test_a_step_writes_later_than_all_steps_before_although_the_clock_was_set_back(tables: Tables) -> None:
    """Otherwise its rows would lose against older ones, in silence. What it covers follows the clock all the same."""
    ahead_ms = CLOCK_MS + 3_600_000
    tables.clear_coverage(FILTERED_EVENTS, [NEXT_HOUR], timestamp=ahead_ms * 1000 + 999)

    step = begin_step(tables, "a run", HOURS)
    elsewhere = begin_step(tables, "a run", [NOON])

    assert step.write_timestamp // 1000 == ahead_ms + 1
    assert step.clock_ms < ahead_ms
    assert elsewhere.write_timestamp // 1000 == elsewhere.clock_ms


def test_live_rows_are_complete_up_to_the_steps_clock(tables: Tables) -> None:
    tables.receive(NOON, 0)
    tables.receive(NOON, 0)
    step = begin_step(tables, "a run", HOURS)

    read_input(tables, step, RAW_EVENTS, HOURS)

    covered = {NOON: step.clock_ms, NEXT_HOUR: step.clock_ms}
    assert step.inputs == [HourInput(RAW_EVENTS, covered, {NOON: {Partition(NOON, 0): 2}, NEXT_HOUR: {}})]
    assert step.covered_through_ms(HOURS) == covered


def test_the_rows_of_a_table_are_complete_as_far_as_its_coverage_says(tables: Tables) -> None:
    """Its buckets' versions are their write timestamps."""
    tables.receive(NOON, 0, count=2)
    tables.receive(NEXT_HOUR, 3)
    first = filter_events(tables)
    covered = {hour: one.covered_through_ms for hour, one in tables.coverage(FILTERED_EVENTS, HOURS).items()}
    step = begin_step(tables, "a run", HOURS)

    rows = read_input(tables, step, FILTERED_EVENTS, HOURS)

    versions = {hour: {Partition(hour, bucket): first.write_timestamp} for hour, bucket in [(NOON, 0), (NEXT_HOUR, 3)]}
    assert step.inputs == [HourInput(FILTERED_EVENTS, covered, versions, event_count=3)]
    assert len(rows(None)) == 3


def test_a_step_is_complete_as_far_as_its_least_complete_input() -> None:
    inputs = [HourInput(RAW_EVENTS, {NOON: through}, {}) for through in (9, 5, 7)]

    assert Step("a run", 1, clock_ms=11, inputs=inputs).covered_through_ms([NOON]) == {NOON: 5}
    assert Step("a run", 1, clock_ms=11).covered_through_ms([NOON]) == {NOON: 11}


def test_an_input_whose_buckets_were_not_recorded_has_no_versions_and_no_number_of_events(tables: Tables) -> None:
    filter_events(tables)
    tables.cover(
        FILTERED_EVENTS, {NEXT_HOUR: Coverage(5)}, {}, rows_timestamp=1, run_id="", timestamp=2 * CLOCK_MS * 1000
    )  # fmt: skip
    step = begin_step(tables, "a run", HOURS)

    read_input(tables, step, FILTERED_EVENTS, HOURS)

    assert step.inputs[0].versions == {NOON: {}}
    assert step.inputs[0].event_count is None


def test_an_input_that_may_be_incomplete_is_not_read(tables: Tables) -> None:
    step = begin_step(tables, "a run", HOURS)

    with pytest.raises(MissingCoverage) as missing:
        read_input(tables, step, FILTERED_EVENTS, HOURS)

    assert str(missing.value) == (
        "filtered_events isn't known to be complete for 2026-01-05 12:00 and 1 more hours: another run is replacing it "
        "or died. The hours stay pending; materialize from filtered_events on"
    )


def test_a_step_records_its_rows_their_counts_and_how_far_they_are_complete(tables: Tables) -> None:
    tables.receive(NOON, 0, count=2)
    tables.receive(NOON, 1)
    tables.receive(NOON, 1, job=None)

    replaced = filter_events(tables)

    t = replaced.write_timestamp
    counts = {NOON: RowCounts(3, 3, 1), NEXT_HOUR: RowCounts()}
    assert replaced == Replaced(t, counts, partitions_read=2)
    assert tables.recorded[FILTERED_EVENTS.name] == Recorded(counts, rows_timestamp=t, run_id="a run", timestamp=t + 1)
    clock_ms = t // 1000
    assert tables.coverage(FILTERED_EVENTS, HOURS) == {
        NOON: Coverage(
            clock_ms,
            {
                Partition(NOON, 0): BucketState(t, version=1, counts=RowCounts(2, 2)),
                Partition(NOON, 1): BucketState(t, version=2, counts=RowCounts(1, 1, 1)),
            },
        ),
        NEXT_HOUR: Coverage(clock_ms, {}),
    }


def test_rows_that_the_input_no_longer_has_are_deleted(tables: Tables) -> None:
    tables.receive(NOON, 0, count=2)
    filter_events(tables)
    tables.stores.tables[RAW_EVENTS.name, Partition(NOON, 0)].rows.pop(0)

    filter_events(tables)

    assert [row["create_time"] for row in tables.rows(FILTERED_EVENTS, NOON)] == [1]


def test_a_row_of_the_run_just_before_is_deleted_too(tables: Tables) -> None:
    """The write timestamps of two runs may be one microsecond apart."""
    tables.stores.versions[Partition(NOON, 0)][WRITER] = 1
    step = begin_step(tables, "a run", [NOON])
    rows = read_input(tables, step, RAW_EVENTS, [NOON])
    before = {"event_hour": NOON, "bucket": 0, "create_time": 9, "job_id": 1, "action": "click"}
    tables.append(FILTERED_EVENTS, lambda _: [before], timestamp=step.write_timestamp - 1)

    replace_hours(tables, FILTERED_EVENTS, rows, step, [NOON])

    assert tables.rows(FILTERED_EVENTS, NOON) == []


@pytest.mark.parametrize("incremental", [True, False])
def test_a_bucket_is_read_once_it_has_a_version(tables: Tables, incremental: bool) -> None:
    """Ingest raises the version after the event is durable, and then publishes the change that requests a run."""
    place = Partition(NOON, 0)
    tables.receive(NOON, 0)
    tables.stores.versions.clear()

    assert filter_events(tables, [NOON], incremental=incremental).partitions_read == 0
    tables.stores.versions[place][WRITER] = 1
    assert filter_events(tables, [NOON], incremental=incremental).partitions_read == 1
    assert len(tables.rows(FILTERED_EVENTS, NOON)) == 1


def test_an_incremental_step_reads_what_has_changed_and_counts_everything(tables: Tables) -> None:
    tables.receive(NOON, 0, count=2)
    tables.receive(NOON, 1)
    first = filter_events(tables)
    tables.receive(NOON, 1)

    second = filter_events(tables, incremental=True)

    counts = {NOON: RowCounts(4, 4), NEXT_HOUR: RowCounts()}
    assert second == Replaced(second.write_timestamp, counts, partitions_read=1)
    assert tables.coverage(FILTERED_EVENTS, [NOON])[NOON].buckets == {
        Partition(NOON, 0): BucketState(first.write_timestamp, version=1, counts=RowCounts(2, 2)),
        Partition(NOON, 1): BucketState(second.write_timestamp, version=2, counts=RowCounts(2, 2)),
    }
    assert filter_events(tables, incremental=True).partitions_read == 0


def test_an_incremental_step_keeps_nothing_that_another_setting_computed(tables: Tables) -> None:
    """Half of the hour would follow the old rules, half the new ones."""
    tables.receive(NOON, 0)
    tables.receive(NOON, 1)
    filter_events(tables)

    reads = [
        filter_events(tables, incremental=True, computed_by=rules).partitions_read for rules in ("", "x", "x", "y", "")
    ]

    assert reads == [0, 2, 0, 2, 2]
    assert tables.coverage(FILTERED_EVENTS, [NOON])[NOON].computed_by == ""


def test_a_bucket_that_has_no_rows_any_more_is_still_known_by_its_version(tables: Tables) -> None:
    """Forgotten, it would be read again by every run."""
    tables.receive(NOON, 0)
    filter_events(tables)
    tables.receive(NOON, 0, count=0)
    tables.stores.tables[RAW_EVENTS.name, Partition(NOON, 0)].rows.clear()

    emptied = filter_events(tables, incremental=True)

    assert emptied.counts[NOON] == RowCounts()
    assert tables.coverage(FILTERED_EVENTS, [NOON])[NOON].buckets == {
        Partition(NOON, 0): BucketState(emptied.write_timestamp, version=2)
    }


def test_a_step_with_two_inputs_replaces_everything_and_records_no_versions(tables: Tables) -> None:
    """A change of the second input would not show in the versions of the first."""
    tables.receive(NOON, 0)
    filter_events(tables)
    step = begin_step(tables, "a run", [NOON])
    rows = read_input(tables, step, RAW_EVENTS, [NOON])
    read_input(tables, step, FILTERED_EVENTS, [NOON])

    replaced = replace_hours(tables, FILTERED_EVENTS, rows, step, [NOON], incremental=True)

    assert replaced.partitions_read == len(LAYOUT.buckets)
    assert tables.coverage(FILTERED_EVENTS, [NOON])[NOON].buckets == {}


@pytest.mark.parametrize(("from_events", "is_by_bucket"), [(2, True), (3, True), (4, False)])
def test_only_a_busy_hour_is_counted_by_bucket(tables: Tables, from_events: int, is_by_bucket: bool) -> None:
    tables.receive(NOON, 0, count=3)
    filter_events(tables, [NOON])
    step = begin_step(tables, "a run", [NOON])
    rows = read_input(tables, step, FILTERED_EVENTS, [NOON])
    by_bucket = PreAggregation(BUCKET_METRICS, lambda found: found, per_job, from_events)

    replaced = replace_hours(
        tables, HOURLY_JOB_METRICS, unused if is_by_bucket else per_job(rows), step, [NOON],
        incremental=True, pre_aggregation=by_bucket,
    )  # fmt: skip

    assert replaced.counts == {NOON: RowCounts(1, 3)}
    assert (BUCKET_METRICS.name in tables.recorded) is is_by_bucket
    assert [row["events"] for row in tables.rows(HOURLY_JOB_METRICS, NOON)] == [3]


def test_an_hour_with_an_unknown_number_of_events_is_not_counted_by_bucket(tables: Tables) -> None:
    tables.cover(FILTERED_EVENTS, {NOON: Coverage(5)}, {}, rows_timestamp=1, run_id="", timestamp=1)
    step = begin_step(tables, "a run", [NOON])
    rows = read_input(tables, step, FILTERED_EVENTS, [NOON])

    replace_hours(
        tables, HOURLY_JOB_METRICS, per_job(rows), step, [NOON],
        incremental=True, pre_aggregation=PreAggregation(BUCKET_METRICS, unused, unused, from_events=1),
    )  # fmt: skip

    assert BUCKET_METRICS.name not in tables.recorded


def test_a_run_of_whole_hours_does_not_trust_the_counts_of_buckets(tables: Tables) -> None:
    tables.receive(NOON, 0)
    filter_events(tables, [NOON])
    step = begin_step(tables, "a run", [NOON])
    rows = read_input(tables, step, FILTERED_EVENTS, [NOON])

    replace_hours(
        tables, HOURLY_JOB_METRICS, per_job(rows), step, [NOON],
        pre_aggregation=PreAggregation(BUCKET_METRICS, unused, unused, from_events=0),
    )  # fmt: skip

    assert [row["events"] for row in tables.rows(HOURLY_JOB_METRICS, NOON)] == [1]


def test_a_table_without_buckets_records_how_far_it_is_complete(tables: Tables) -> None:
    tables.receive(NOON, 0)
    filter_events(tables, [NOON])
    step = begin_step(tables, "a run", [NOON])
    rows = read_input(tables, step, FILTERED_EVENTS, [NOON])

    replace_hours(tables, HOURLY_JOB_METRICS, per_job(rows), step, [NOON])

    filtered = tables.coverage(FILTERED_EVENTS, [NOON])[NOON]
    assert tables.coverage(HOURLY_JOB_METRICS, [NOON]) == {NOON: Coverage(filtered.covered_through_ms)}


def test_a_buckets_rows_have_the_write_timestamp_of_the_run_that_replaced_it() -> None:
    by_bucket = RecordedHour(1, write_timestamp=9, row_count=1, event_count=1, write_timestamps={0: 7})

    assert [by_bucket.write_timestamp_of(bucket) for bucket in (0, 1)] == [7, None]
    assert RecordedHour(1, write_timestamp=9, row_count=1, event_count=1).write_timestamp_of(1) == 9


def test_an_hour_that_ingest_never_wrote_to_needs_no_run_to_be_read_as_empty(tables: Tables) -> None:
    """A day has such hours, at night or in the future."""
    tables.receive(NOON, 0)
    filter_events(tables, [NOON])
    step = begin_step(tables, "a run", HOURS)

    rows = read_input(tables, step, FILTERED_EVENTS, HOURS, untouched_are_empty=True)

    assert [row["event_hour"] for row in rows(None)] == [NOON]
    filtered = tables.coverage(FILTERED_EVENTS, [NOON])[NOON]
    (source,) = step.inputs
    assert source.covered_through_ms == {NOON: filtered.covered_through_ms, NEXT_HOUR: step.clock_ms}
    # an hour that nobody wrote to is in no version: later runs must find the same one
    assert versions_of_days(step, {START: HOURS}) == {START: filtered.covered_through_ms}


def test_an_hour_with_events_that_no_run_has_replaced_yet_is_missing(tables: Tables) -> None:
    """Read as empty, it would leave its events out of a day that counts as complete."""
    tables.receive(NOON, 0)
    filter_events(tables, [NOON])
    tables.receive(NEXT_HOUR, 0)

    with pytest.raises(MissingCoverage, match="2026-01-05 13:00"):
        read_input(tables, begin_step(tables, "a run", HOURS), FILTERED_EVENTS, HOURS, untouched_are_empty=True)


def test_a_day_is_complete_as_far_as_its_least_complete_hour() -> None:
    first, second, empty = START, START + 24 * HOUR, START + 48 * HOUR
    whole = HourInput(HOURLY_JOB_METRICS, {NOON: 5_000, NEXT_HOUR: 3_000}, {})
    cut = HourInput(FILTERED_EVENTS, {second: 9_000, NOON: 4_000}, {})

    of_hours = Step("a run", 1, CLOCK_MS, [whole, cut])
    hours = {first: [NOON, NEXT_HOUR], second: [NOON, second], empty: []}

    step = step_of_days(of_hours, hours)

    assert step.covered_through_ms([first, second, empty]) == {first: 3_000, second: 4_000, empty: CLOCK_MS}
    assert versions_of_days(of_hours, hours) == {first: 7_000, second: 13_000, empty: 0}
    assert step.write_timestamp == 1
