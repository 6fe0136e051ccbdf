"""How a stage replaces its hours so that no run, however late, slow or dead, leaves a wrong number behind.

Belongs here: the order of the steps, over two Protocols that the stores fulfil and the interleaving tests fake.
All that a run writes carries its number T, so that Cassandra's last-write-wins keeps an older run from overwriting a
newer one, and an hour is covered only while the rows of one whole run stand. No lock is needed.
Not here: statements (`stores`), what rows mean (`transforms`), which hours to run (`pending`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol, TypeVar

from recruit_assets.contract import MYSQL_REPORT, RAW_EVENTS, CassandraTable
from recruit_assets.errors import MissingCoverage

NUMBERS_PER_MS = 1000
"""Runs that read the clock in the same millisecond differ by a number below this."""

Rows = TypeVar("Rows")
Compute = Callable[[Any], Any]
"""Rows in, rows out, a DataFrame each in production. Not generic: Dagster checks an asset's output by its class."""
ReportRow = tuple[Any, ...]
"""The values of one row in the order of the contract's report columns."""
_COUNT_INDEXES = tuple(
    MYSQL_REPORT.column_names.index(name)
    for name in ("clicks", "conversion", "qualified_application", "disqualified_application")
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How much a stage holds of one hour: its rows, and the countable events that these stand for."""

    row_count: int = 0
    event_count: int = 0
    unattributed: int = 0


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage did: its number T, and per hour the coverage mark (ms since the epoch) and the tally."""

    t: int
    covered_through_ms: Mapping[datetime, int]
    tallies: Mapping[datetime, Tally] = field(default_factory=dict)
    superseded: tuple[datetime, ...] = ()
    """Hours that a newer run had already replaced."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the rows of a stage follow from those of its input. Nothing is read before a stage runs it.

    `compute` may keep rows that only the tally looks at; `stored` drops them. `tally` gives a row per hour with rows.
    """

    source: CassandraTable
    compute: Compute
    stored: Compute
    tally: Compute


@dataclass(frozen=True, slots=True)
class StoredHours:
    """A table as the input of a stage; which of its hours are read follows from the run."""

    table: CassandraTable

    def derive(
        self,
        compute: Compute,
        *,
        tally: Compute,
        stored: Compute = lambda rows: rows,
    ) -> Derivation:
        return Derivation(self.table, compute, stored, tally)


class HourTables(Protocol[Rows]):
    """Cassandra: partitions of last-write-wins rows, and a coverage mark per hour and stage. T is in microseconds."""

    def now_ms(self) -> int:
        """Cassandra's clock."""

    def clear_coverage(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        """From here on nobody takes the stage's rows of these hours for complete."""

    def coverage_ms(self, stage: CassandraTable, hours: Sequence[datetime]) -> Mapping[datetime, int]:
        """The marks of those of the hours that have one."""

    def read(self, table: CassandraTable, hours: Sequence[datetime]) -> Rows:
        """The rows of the hours, read no earlier than this call."""

    def write(self, stage: CassandraTable, rows: Rows, derivation: Derivation, *, t: int) -> Mapping[datetime, Tally]:
        """Store the rows at timestamp T; returns the tallies of the hours that have rows."""

    def delete_older(self, stage: CassandraTable, hours: Sequence[datetime], *, t: int) -> None:
        """Remove what was written at T or before from the hours' partitions."""

    def cover(self, stage: CassandraTable, result: StageResult, *, t: int, run_id: str) -> None:
        """Set the result's marks and tallies at timestamp T."""

    def by_hour(self, rows: Rows) -> Iterator[tuple[datetime, list[ReportRow]]]:
        """The report rows of each hour that has any."""


class Report(Protocol):
    """The report database."""

    def replace_hour(
        self, hour: datetime, rows: Sequence[ReportRow], *, covered_through_ms: int, t: int, tally: Tally, run_id: str
    ) -> bool:
        """Replace the hour's rows and mark in one transaction; False if the report already holds a newer mark."""


def replace_hours(
    tables: HourTables[Rows],
    derivation: Derivation,
    *,
    into: CassandraTable,
    hours: Sequence[datetime],
    run_id: str,
) -> StageResult:
    """Replace the stage's rows of exactly these hours; MissingCoverage, and nothing covered, if the input isn't.

    Killed anywhere, it leaves the hours uncovered or as they were.
    """
    t = write_number(tables.now_ms(), run_id)
    tables.clear_coverage(into, hours, t=t)
    covered_through_ms = _input_coverage(tables, derivation.source, hours, t=t)
    rows = derivation.compute(tables.read(derivation.source, hours))
    tallies = tables.write(into, rows, derivation, t=t)
    tables.delete_older(into, hours, t=t - 1)
    result = StageResult(t, covered_through_ms, {hour: tallies.get(hour, Tally()) for hour in hours})
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
    rows = derivation.compute(tables.read(derivation.source, hours))
    tallies: dict[datetime, Tally] = {}
    superseded = []
    for hour, hour_rows in _every_hour(tables.by_hour(rows), hours):
        tallies[hour] = tally = Tally(row_count=len(hour_rows), event_count=_events_of(hour_rows))
        mark = covered_through_ms[hour]
        if not report.replace_hour(hour, hour_rows, covered_through_ms=mark, t=t, tally=tally, run_id=run_id):
            superseded.append(hour)
    return StageResult(t, covered_through_ms, tallies, tuple(superseded))


def write_number(clock_ms: int, run_id: str) -> int:
    """T: Cassandra's clock in microseconds with a number of the run's own in the last three digits."""
    own = int.from_bytes(sha256(run_id.encode()).digest()[:4], "big") % NUMBERS_PER_MS
    return clock_ms * NUMBERS_PER_MS + own


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
    groups: Iterator[tuple[datetime, list[ReportRow]]], hours: Sequence[datetime]
) -> Iterator[tuple[datetime, list[ReportRow]]]:
    """The groups, then the hours that had none."""
    seen = set()
    for hour, rows in groups:
        seen.add(hour)
        yield hour, rows
    yield from ((hour, []) for hour in hours if hour not in seen)


def _events_of(rows: Sequence[ReportRow]) -> int:
    return sum(row[index] for row in rows for index in _COUNT_INDEXES)
