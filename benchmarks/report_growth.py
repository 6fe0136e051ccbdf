"""One hour of the report over a history and over ten times as much of it: against a full scan, and against itself.

Both sides are warm: each measurement follows a try of the same side, since what the other left in caches and in Spark's
heap would count otherwise. An hour that isn't the same row for row on both doesn't count. Not here: our side
(`report_hour`), the peer (`report_peer`), the histories.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from benchmarks.arena import Arena
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.histories import LAST_HOUR, MORE, counted, two_histories
from benchmarks.ingest import seconds_of
from benchmarks.processors import busy, told
from benchmarks.report_hour import ReportStores, report_stores
from benchmarks.report_peer import TABLE as PEERS_TABLE
from benchmarks.report_peer import append_hour, empty_table, make_table

EVENTS, HOURS = 300_000, 25
VS_SCAN, VS_SCAN_MORE, GROWTH = "report_vs_full_scan", "report_vs_full_scan_10x", "report_growth"
GOALS = {VS_SCAN: 10, VS_SCAN_MORE: 60}
TIMES = 20
WARM_UP_S = 60
"""Of each side: Spark's JVM compiles for as long. A platform that is up is as warm after some minutes."""
OURS = "one hour, from T to MySQL's commit"
LESS, TEN = f"{EVENTS:,} events", f"{MORE * EVENTS:,} events"


def measure(arena: Arena, repeats: int) -> list[Figure]:
    """The hour on both histories by both sides, then by ours alone."""
    with (
        two_histories(arena, events=EVENTS, hours=HOURS) as histories,
        report_stores(histories.less) as less,
        report_stores(histories.more) as more,
    ):
        for stores in (less, more):
            make_table(stores)
            _ours(stores, LAST_HOUR)
            _peer(stores, LAST_HOUR, cached=True)
        for work in (partial(_ours, less, LAST_HOUR), partial(_peer, less, LAST_HOUR, cached=False)):
            started = time.monotonic()
            while time.monotonic() - started < WARM_UP_S:
                work()
        figures = [
            _against_scan(VS_SCAN, less, EVENTS, repeats),
            _against_scan(VS_SCAN_MORE, more, MORE * EVENTS, repeats),
        ]
        with busy(arena, others="other") as used:
            found = interleaved({LESS: partial(_ours, less, LAST_HOUR), TEN: partial(_ours, more, LAST_HOUR)}, TIMES)
        return [*figures, _growth(found, _asked_alike(less, more), told(used))]


def _against_scan(key: str, stores: ReportStores, events: int, repeats: int) -> Figure:
    sides: dict[str, Callable[[], float]] = {
        "ours": partial(_ours, stores, LAST_HOUR),
        "scans": partial(_peer, stores, LAST_HOUR, cached=False),
        "cached": partial(_peer, stores, LAST_HOUR, cached=True),
    }
    found = interleaved({name: partial(_second_of_two, side) for name, side in sides.items()}, repeats)
    ours = Side(OURS, "s", found["ours"])
    scans = Side("four group-bys, full outer joins, JDBC append", "s", found["scans"])
    cached = Side("the same with cache()", "s", found["cached"])
    return Figure(
        key=key,
        title=f"The report of one hour, warm, {events:,} events of history",
        value=scans.median / ours.median,
        unit="x",
        goal=Goal(at_least=GOALS[key]),
        ours=ours,
        peer=scans,
        others=(cached,),
        notes=(f"{len(stores.rows(LAST_HOUR)):,} report rows, equal in all 16 columns; both in the same warm Spark",),
    )


def _second_of_two(measure: Callable[[], float]) -> float:
    measure()
    return measure()


def _ours(stores: ReportStores, hour: datetime) -> float:
    return seconds_of(lambda: stores.replace(hour))


def _peer(stores: ReportStores, hour: datetime, *, cached: bool) -> float:
    """Seconds of the peer; RuntimeError unless it found the same rows."""
    empty_table(stores)
    seconds = seconds_of(lambda: append_hour(stores, hour, cached=cached))
    ours = stores.rows(hour)
    if not ours or stores.rows(hour, table=PEERS_TABLE) != ours:
        raise RuntimeError(f"the report of {hour} differs between the sides: the times don't count")
    return seconds


def _growth(found: Mapping[str, tuple[float, ...]], *notes: str) -> Figure:
    less, more = (Side(f"{OURS}, {name}", "s", found[name]) for name in (LESS, TEN))
    return Figure(
        key=GROWTH,
        title=f"The same hour with {MORE} x the history",
        value=more.median / less.median,
        unit="x",
        goal=Goal(at_most=1.2),
        ours=more,
        peer=less,
        notes=(f"medians of {TIMES}", *notes),
    )


def _asked_alike(less: ReportStores, more: ReportStores) -> str:
    """What one hour asks for over either history; RuntimeError unless it is the same."""
    asked, again = _asked(less), _asked(more)
    if asked != again:
        raise RuntimeError(f"over {MORE} x the history the hour asks for something else: {again}, not {asked}")
    return "asked in both alike: " + ", ".join(f"{count:,} {what}" for what, count in asked.items() if count)


def _asked(stores: ReportStores) -> dict[str, int]:
    """What one hour asks of the servers: statements of the drivers, Cassandra's own count of reads, events read."""
    before = stores.server_reads()
    with counted() as asked:
        filtered, _ = stores.replace(LAST_HOUR)
    after = stores.server_reads()
    reads = {table: count - before.get(table, 0) for table, count in after.items()}
    return {
        "buckets read by Spark": filtered.partitions_read,
        "countable events in them": sum(tally.event_count for tally in filtered.counts.values()),
        "statements to Cassandra": asked.cassandra_statements,
        "statements to MySQL": asked.mysql_statements,
        **{f"reads of {table}": count for table, count in sorted(reads.items())},
    }
