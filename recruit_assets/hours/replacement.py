"""How a stage replaces its hours so that no run, however late, slow or dead, leaves a wrong number behind.

Belongs here: the order of the steps, over two Protocols that the stores fulfil and the interleaving tests fake.
All that a run writes carries its number T, so that Cassandra's last-write-wins keeps an older run from overwriting a
newer one, and an hour is covered only while the rows of whole runs stand. No lock is needed. A run may keep buckets of
the coverage that it clears, if their input still is what these rows were made of; `portions` says how that is known.
Not here: statements (`stores`), what rows mean (`transforms`), which hours to run (`pending`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from recruit_assets.contract.tables import RAW_EVENTS, events_of
from recruit_assets.contract.types import CassandraTable
from recruit_assets.hours.bucket_state import Partition, Portion, Tally, tally_by_hour, unchanged
from recruit_assets.hours.ports import ByBucket, Derivation, HourTables, Report, ReportRow, Rows, StageResult
from recruit_assets.runtime.errors import Inconsistent, MissingCoverage

NUMBERS_PER_MS = 1000
"""Runs that read the clock in the same millisecond differ by a number below this."""


def replace_hours(
    tables: HourTables[Rows],
    derivation: Derivation,
    *,
    into: CassandraTable,
    hours: Sequence[datetime],
    run_id: str,
    keep_unchanged: bool = False,
) -> StageResult:
    """Replace the stage's rows of exactly these hours; MissingCoverage, and nothing covered, if the input isn't.

    With `keep_unchanged`, only buckets whose input was written to since the last coverage are read and replaced; the
    rows end the same. Killed anywhere, it leaves the hours uncovered or as they were.
    """
    detour = _detour(tables, derivation, hours) if keep_unchanged else None
    if detour is not None:
        replace_hours(tables, detour.parts, into=detour.table, hours=hours, run_id=run_id, keep_unchanged=True)
    t = write_number(tables.now_ms(), run_id)
    base = tables.portions(into, hours) if keep_unchanged and into.has_buckets else {}
    # what lies uncovered may be half of a run: only rows that were covered up to this moment are kept
    tables.clear_coverage(into, hours, t=t)
    covered_through_ms = _input_coverage(tables, derivation.source, hours, t=t)
    if detour is not None:
        _require_current(tables, detour.table, derivation.source, hours)
        derivation = detour.total
    source = tables.partitions(derivation.source, hours)
    # before the rows: a version that is read later could promise more
    versions = tables.versions(derivation.source, hours) if into.has_buckets else {}
    kept = unchanged(base, source, versions)
    changed = [partition for partition in source if partition not in kept]
    written: Mapping[Partition, Tally] = {}
    if changed:
        rows = derivation.compute(tables.read(derivation.source, changed))
        written = tables.write(into, rows, derivation, t=t)
        replaced = [partition for partition in tables.partitions(into, hours) if partition not in kept]
        tables.delete_older(into, replaced, t=t - 1)
    portions = {partition: portion for partition, portion in kept.items() if portion.t} | {
        partition: Portion(t, versions[partition.hour].get(partition, 0), written.get(partition, Tally()))
        for partition in changed
        if partition.hour in versions and (partition in written or partition in versions[partition.hour])
    }
    tallies = tally_by_hour({partition: portion.tally for partition, portion in kept.items()} | dict(written), hours)
    result = StageResult(t, covered_through_ms, tallies, portions, partitions_read=len(changed))
    tables.cover(into, result, t=t + 1, run_id=run_id)
    return result


def publish_hours(
    tables: HourTables[Rows],
    report: Report,
    derivation: Derivation,
    *,
    hours: Sequence[datetime],
    run_id: str,
) -> StageResult:
    """Replace exactly these hours of the report, each in a transaction of its own; MissingCoverage as above.

    An hour without rows is cleared. An hour that a newer run has published stays as it is.
    """
    t = write_number(tables.now_ms(), run_id)
    covered_through_ms = _input_coverage(tables, derivation.source, hours, t=t)
    rows = derivation.compute(tables.read(derivation.source, tables.partitions(derivation.source, hours)))
    tallies: dict[datetime, Tally] = {}
    superseded = []
    for hour, hour_rows in _every_hour(tables.by_hour(rows), hours):
        mark = covered_through_ms[hour]
        published = report.replace_hour(hour, hour_rows, covered_through_ms=mark, t=t, run_id=run_id)
        tallies[hour] = published.tally
        if not published.stored:
            superseded.append(hour)
    return StageResult(t, covered_through_ms, tallies, superseded=tuple(superseded))


def write_number(clock_ms: int, run_id: str) -> int:
    """T: Cassandra's clock in microseconds with a number of the run's own in the last three digits."""
    own = int.from_bytes(sha256(run_id.encode()).digest()[:4], "big") % NUMBERS_PER_MS
    return clock_ms * NUMBERS_PER_MS + own


def _detour(tables: HourTables[Rows], derivation: Derivation, hours: Sequence[datetime]) -> ByBucket | None:
    """The way by bucket, where there is one and it pays; not where the source doesn't tell all of its buckets."""
    if (by_bucket := derivation.by_bucket) is None:
        return None
    covered = tables.portions(derivation.source, hours)
    events = sum(portion.tally.event_count for portions in covered.values() for portion in portions.values())
    return by_bucket if len(covered) == len(hours) and events >= by_bucket.from_events else None


def _require_current(
    tables: HourTables[Rows], parts: CassandraTable, source: CassandraTable, hours: Sequence[datetime]
) -> None:
    """MissingCoverage unless the parts are of what their source is now, after T was taken.

    Other runs count the source itself. Where a later T went with parts from before, a run that had read the coverage of
    newer rows would find older ones.
    """
    now, made = tables.versions(source, hours), tables.portions(parts, hours)
    for hour in hours:
        if hour not in now or {one: portion.version for one, portion in made.get(hour, {}).items()} != now[hour]:
            raise MissingCoverage(
                f"{parts.name} was made of what {source.name} no longer is for {hour:%Y-%m-%d %H:%M}: another run is "
                "replacing it. The hour stays pending"
            )


def _input_coverage(
    tables: HourTables[Rows], source: CassandraTable, hours: Sequence[datetime], *, t: int
) -> Mapping[datetime, int]:
    """What the input is known to contain, to be asked before its rows are read: a mark read later could promise more.

    Raw events are written at any time, so reading them after T gives every change before T's clock.
    """
    if source is RAW_EVENTS:
        return dict.fromkeys(hours, t // NUMBERS_PER_MS)
    marks = tables.coverage_ms(source, hours)
    missing = [hour for hour in hours if hour not in marks]
    if missing:
        raise MissingCoverage(
            f"{source.name} isn't known to be complete for {missing[0]:%Y-%m-%d %H:%M} and {len(missing) - 1} more "
            "hours: another run is replacing it or died. The hours stay pending; materialize from filtered_events on"
        )
    return marks


def _every_hour(
    groups: Iterator[tuple[datetime, Iterator[ReportRow]]], hours: Sequence[datetime]
) -> Iterator[tuple[datetime, Iterator[ReportRow]]]:
    """The groups, then the hours that had none; Inconsistent where an hour comes in parts: each would replace the one
    before.
    """
    seen = set()
    for hour, rows in groups:
        if hour in seen:
            raise Inconsistent(f"the rows of {hour:%Y-%m-%d %H:%M} don't come together")
        seen.add(hour)
        yield hour, rows
    yield from ((hour, iter(())) for hour in hours if hour not in seen)


def tally_of(rows: Iterable[ReportRow]) -> Tally:
    """The report rows and the events that they stand for, taken one by one."""
    row_count = event_count = 0
    for row in rows:
        row_count += 1
        event_count += events_of(row)
    return Tally(row_count, event_count)
