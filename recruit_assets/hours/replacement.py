"""Replaces the rows of a run's hours so that no run, however late, slow or dead, leaves a wrong number behind.

A step of a run takes a write timestamp before it reads, and writes all rows with it. The newest write wins, so an older
run can't overwrite a newer one. The coverage is cleared before the first row changes and stored after the last, so an
hour is covered only while its rows are complete. This needs no lock.

The write timestamp is Cassandra's clock, or what already stands in the step's hours plus a millisecond, whichever is
greater: a clock that was ahead and was set back would otherwise hide all later runs. How far the rows are complete is
always told by the clock alone.
`recruit_assets_tests/support/interleaving.py` shows what goes wrong without each of these safeguards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic

from recruit_assets.contract.types import HourTable
from recruit_assets.hours.bucket_state import BucketState, Partition, RowCounts, counts_by_hour, unchanged
from recruit_assets.hours.ports import Coverage, HourSink, HourStore, Rows, RowsByHour
from recruit_assets.runtime.errors import Inconsistent, MissingCoverage

TIMESTAMPS_PER_MS = 1000
"""The last three digits of a write timestamp tell runs apart that read the clock in the same millisecond."""


@dataclass(frozen=True, slots=True)
class HourInput:
    """What was known of an input's hours before its rows were read: a later coverage could promise more than these."""

    table: HourTable
    covered_through_ms: Mapping[datetime, int]
    versions: Mapping[datetime, Mapping[Partition, int]]
    """Without the hours whose versions are unknown."""
    event_count: int | None = None
    """Events in the rows; None if the coverage doesn't say."""
    row_count: int | None = None
    """The number of rows; None if unknown."""
    untouched: frozenset[datetime] = frozenset()
    """Hours without coverage and events."""


@dataclass(slots=True)
class Step:
    """One step of a run: its write timestamp (microseconds), and the inputs that it has read so far."""

    run_id: str
    write_timestamp: int
    clock_ms: int
    """Cassandra's clock before the step read anything."""
    inputs: list[HourInput] = field(default_factory=list)

    def covered_through_ms(self, hours: Sequence[datetime]) -> dict[datetime, int]:
        """How far all inputs are complete; for a step without inputs, when it began."""
        return {hour: min((i.covered_through_ms[hour] for i in self.inputs), default=self.clock_ms) for hour in hours}


@dataclass(frozen=True, slots=True)
class PreAggregation(Generic[Rows]):
    """A second way to compute the same rows, which reads only the buckets that changed.

    `by_bucket` computes rows per bucket, which `table` keeps; `total` adds them up. Below `from_events` events it is
    cheaper to count everything again.
    """

    table: HourTable
    by_bucket: Callable[[Rows], Rows]
    total: Callable[[Rows], Rows]
    from_events: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """What a step did to its hours."""

    write_timestamp: int
    counts: Mapping[datetime, RowCounts]
    partitions_read: int = 0
    superseded: tuple[datetime, ...] = ()
    """Hours that a newer run had replaced already."""


def begin_step(store: HourStore[Any], run_id: str, hours: Sequence[datetime], *, newest: int = 0) -> Step:
    """A step that replaces these hours, whose write timestamp is now; call this before reading anything.

    `newest` is the greatest write timestamp of what it replaces elsewhere.
    """
    after_newest_ms = max(store.newest_timestamp(hours), newest) // TIMESTAMPS_PER_MS + 1
    clock_ms = store.now_ms()
    return Step(run_id, write_timestamp(max(clock_ms, after_newest_ms), run_id), clock_ms)


def write_timestamp(clock_ms: int, run_id: str) -> int:
    """The clock in microseconds, with a hash of the run's id as the last three digits."""
    digits = int.from_bytes(sha256(run_id.encode()).digest()[:4]) % TIMESTAMPS_PER_MS
    return clock_ms * TIMESTAMPS_PER_MS + digits


def read_input(
    store: HourStore[Rows],
    step: Step,
    table: HourTable,
    hours: Sequence[datetime],
    *,
    untouched_are_empty: bool = False,
) -> Rows:
    """The table's rows of these hours, as a query that runs later; the step notes their coverage and versions now.

    MissingCoverage if the rows may be incomplete. A live table has no coverage: its rows are read after the step read
    the clock, so they contain every change before that. The same holds for hours that ingest never wrote to, which no
    run needs to replace: with `untouched_are_empty` they need no coverage.
    """
    if table.live:
        source = HourInput(table, dict.fromkeys(hours, step.clock_ms), store.live_versions(hours))
    else:
        found = dict(store.coverage(table, hours))
        untouched = _untouched(store, [hour for hour in hours if hour not in found]) if untouched_are_empty else []
        found |= {hour: Coverage(step.clock_ms, {}, 0) for hour in untouched}
        source = replace(_covered_input(table, found, hours), untouched=frozenset(untouched))
    step.inputs.append(source)
    return store.read(table, _partitions(store, table, hours, source), row_count=source.row_count)


def replace_hours(
    store: HourStore[Rows],
    table: HourTable,
    rows: Rows,
    step: Step,
    hours: Sequence[datetime],
    *,
    incremental: bool = False,
    pre_aggregation: PreAggregation[Rows] | None = None,
    computed_by: str = "",
) -> Replaced:
    """Replace the table's rows of exactly these hours, and cover the hours as far as the step's inputs are covered.

    An incremental replacement reads and replaces only the buckets whose input was written to since the last one; the
    result is the same. It keeps nothing of an hour whose rows were `computed_by` another setting. A run that is killed
    leaves each of its hours as it was, or without a coverage.
    """
    timestamp = step.write_timestamp
    source = step.inputs[0] if len(step.inputs) == 1 else None
    if incremental and source and pre_aggregation and (source.event_count or 0) >= pre_aggregation.from_events:
        rows = _pre_aggregated(store, pre_aggregation, source.table, step.run_id, hours)
    # read before the coverage is cleared: rows without one may be half of a killed run and must not be kept
    is_partial = incremental and source is not None and table.has_buckets
    previous = _bucket_states(store, table, hours, computed_by=computed_by) if is_partial else {}
    store.clear_coverage(table, hours, timestamp=timestamp)
    partitions = _partitions(store, table, hours, source)
    kept = unchanged(previous, partitions, source.versions) if source else {}
    changed = [partition for partition in partitions if partition not in kept]
    written: Mapping[Partition, RowCounts] = {}
    if changed:
        with store.cached(store.narrow(rows, changed) if kept else rows) as found:
            written = store.count_rows(table, found)
            store.append(table, found, timestamp=timestamp)
        store.delete_older(table, changed, timestamp=timestamp - 1)
    counts = counts_by_hour({one: state.counts for one, state in kept.items()} | dict(written), hours)
    states = _states(step, hours, kept, changed, written) if table.has_buckets else {}
    coverage = {
        hour: Coverage(covered, states.get(hour), computed_by=computed_by)
        for hour, covered in step.covered_through_ms(hours).items()
    }
    store.cover(table, coverage, counts, rows_timestamp=timestamp, run_id=step.run_id, timestamp=timestamp + 1)
    return Replaced(timestamp, counts, partitions_read=len(changed))


def publish_hours(sink: HourSink, rows: RowsByHour, step: Step, hours: Sequence[datetime]) -> Replaced:
    """Replace exactly these hours of a table of the report database, each in one transaction.

    An hour without rows is emptied. An hour that a newer run has published stays as it is. Inconsistent if the rows of
    an hour aren't consecutive: each part would replace the previous one.
    """
    counts: dict[datetime, RowCounts] = {}
    superseded: list[datetime] = []
    replaced = sink.replace_hours(
        _every_hour(rows, hours),
        covered_through_ms=step.covered_through_ms(hours),
        write_timestamp=step.write_timestamp,
        run_id=step.run_id,
    )
    for hour, stored in replaced:
        counts[hour] = stored.counts
        if not stored.stored:
            superseded.append(hour)
    return Replaced(step.write_timestamp, counts, superseded=tuple(superseded))


def step_of_days(step: Step, hours_by_day: Mapping[datetime, Sequence[datetime]]) -> Step:
    """The step with days in place of hours: a day is complete as far as each of its hours is, in each input."""
    covered = _covered_hours(step)
    days = {day: min((covered[hour] for hour in hours), default=step.clock_ms) for day, hours in hours_by_day.items()}
    return replace(step, inputs=[HourInput(one.table, days, {}) for one in step.inputs[:1]])


def versions_of_days(step: Step, hours_by_day: Mapping[datetime, Sequence[datetime]]) -> dict[datetime, int]:
    """A number for each day that grows whenever one of its hours is replaced: how far they are complete, added up."""
    covered = _covered_hours(step)
    untouched = {hour for source in step.inputs for hour in source.untouched}
    return {day: sum(covered[hour] for hour in hours if hour not in untouched) for day, hours in hours_by_day.items()}


def _covered_hours(step: Step) -> dict[datetime, int]:
    """How far each hour is complete in the inputs that it was read from."""
    covered: dict[datetime, int] = {}
    for source in step.inputs:
        for hour, through_ms in source.covered_through_ms.items():
            covered[hour] = min(through_ms, covered.get(hour, through_ms))
    return covered


def _untouched(store: HourStore[Any], hours: Sequence[datetime]) -> list[datetime]:
    """Those of the hours that ingest has never written to. A bucket's version is stored before its change is published.

    So if the step read the clock before, every change until then would have been found.
    """
    versions = store.live_versions(hours) if hours else {}
    return [hour for hour in hours if not versions.get(hour)]


def _covered_input(table: HourTable, found: Mapping[datetime, Coverage], hours: Sequence[datetime]) -> HourInput:
    missing = [hour for hour in hours if hour not in found]
    if missing:
        raise MissingCoverage(
            f"{table.name} isn't known to be complete for {missing[0]:%Y-%m-%d %H:%M} and {len(missing) - 1} more "
            "hours: another run is replacing it or died. The hours stay pending; materialize from filtered_events on"
        )
    buckets = {hour: found[hour].buckets for hour in hours}
    known = {hour: states for hour, states in buckets.items() if states is not None}
    events = sum(state.counts.event_count for states in known.values() for state in states.values())
    row_counts = [count for hour in hours if (count := found[hour].row_count) is not None]
    return HourInput(
        table,
        {hour: found[hour].covered_through_ms for hour in hours},
        {hour: {one: state.write_timestamp for one, state in states.items()} for hour, states in known.items()},
        events if len(known) == len(hours) else None,
        sum(row_counts) if len(row_counts) == len(hours) else None,
    )


def _pre_aggregated(
    store: HourStore[Rows], by: PreAggregation[Rows], source: HourTable, run_id: str, hours: Sequence[datetime]
) -> Rows:
    """Bring the per-bucket table up to date; returns its rows, added up."""
    step = begin_step(store, run_id, hours)
    rows = by.by_bucket(read_input(store, step, source, hours))
    replace_hours(store, by.table, rows, step, hours, incremental=True)
    return by.total(store.read(by.table, _partitions(store, by.table, hours, step.inputs[0])))


def _partitions(
    store: HourStore[Any], table: HourTable, hours: Sequence[datetime], source: HourInput | None
) -> Sequence[Partition]:
    """The table's partitions that can have rows: the buckets in which `source` ever had some, or all if unknown.

    A run that was killed has written rows of these buckets only: a bucket that was written to once stays known.
    """
    versions = source.versions if source and table.has_buckets else {}
    unknown = store.partitions(table, [hour for hour in hours if hour not in versions])
    return [*(one for hour in hours for one in versions.get(hour, ())), *unknown]


def _bucket_states(
    store: HourStore[Rows], table: HourTable, hours: Sequence[datetime], *, computed_by: str
) -> dict[datetime, Mapping[Partition, BucketState]]:
    found = store.coverage(table, hours)
    return {
        hour: covered.buckets
        for hour, covered in found.items()
        if covered.buckets is not None and covered.computed_by == computed_by
    }


def _states(
    step: Step,
    hours: Sequence[datetime],
    kept: Mapping[Partition, BucketState],
    changed: Sequence[Partition],
    written: Mapping[Partition, RowCounts],
) -> dict[datetime, dict[Partition, BucketState]]:
    """By hour, the state of every bucket that has rows, or whose input had some."""
    versions = step.inputs[0].versions if len(step.inputs) == 1 else {}
    states: dict[datetime, dict[Partition, BucketState]] = {hour: {} for hour in hours}
    for one, state in kept.items():
        if state.write_timestamp:
            states[one.hour][one] = state
    for one in changed:
        if one.hour in versions and (one in written or one in versions[one.hour]):
            version = versions[one.hour].get(one, 0)
            states[one.hour][one] = BucketState(step.write_timestamp, version, written.get(one, RowCounts()))
    return states


def _every_hour(rows: RowsByHour, hours: Sequence[datetime]) -> RowsByHour:
    """The rows of each hour that has some, then the other hours without rows."""
    seen = set()
    for hour, hour_rows in rows:
        if hour in seen:
            raise Inconsistent(f"the rows of {hour:%Y-%m-%d %H:%M} aren't consecutive: Spark read the hour in parts")
        seen.add(hour)
        yield hour, hour_rows
    yield from ((hour, ()) for hour in hours if hour not in seen)
