"""One hour of the report with a short history and one ten times as long: against a full scan, and against each other.

Both sides are warm. Each measurement follows an unmeasured run of the same side, so that what the other side left in
caches and in Spark's heap doesn't count. The rows of both sides must be equal. Our side is in `report_hour`, the peer
in `report_peer`.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.histories import LAST_HOUR, MORE, count_statements, two_histories
from benchmarks.ingest import seconds_of
from benchmarks.processors import describe_usage, processors_in_use
from benchmarks.report_hour import ReportStores, report_stores
from benchmarks.report_peer import make_table, peer_s

EVENTS, HOURS = 300_000, 25
VS_SCAN, VS_SCAN_MORE, GROWTH = "report_vs_full_scan", "report_vs_full_scan_10x", "report_growth"
GOALS = {VS_SCAN: 10, VS_SCAN_MORE: 60}
TIMES = 20
WARM_UP_S = 60
"""Per side: Spark's JVM compiles for this long. A running platform is as warm after some minutes."""
OURS = "one hour, up to MySQL's commit"
LESS, TEN = f"{EVENTS:,} events", f"{MORE * EVENTS:,} events"


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Both sides on both histories, then ours alone on both."""
    with (
        two_histories(engines, events=EVENTS, hours=HOURS) as histories,
        report_stores(histories.less) as less,
        report_stores(histories.more) as more,
    ):
        for stores in (less, more):
            make_table(stores)
            _ours(stores, LAST_HOUR)
            peer_s(stores, LAST_HOUR, cached=True)
        for work in (partial(_ours, less, LAST_HOUR), partial(peer_s, less, LAST_HOUR, cached=False)):
            started = time.monotonic()
            while time.monotonic() - started < WARM_UP_S:
                work()
        figures = [
            _against_scan(VS_SCAN, less, EVENTS, repeats),
            _against_scan(VS_SCAN_MORE, more, MORE * EVENTS, repeats),
        ]
        with processors_in_use(engines, others="other") as used:
            found = interleaved({LESS: partial(_ours, less, LAST_HOUR), TEN: partial(_ours, more, LAST_HOUR)}, TIMES)
        return [*figures, _growth(found, _same_reads(less, more), describe_usage(used))]


def _against_scan(key: str, stores: ReportStores, events: int, repeats: int) -> Figure:
    sides: dict[str, Callable[[], float]] = {
        "ours": partial(_ours, stores, LAST_HOUR),
        "scans": partial(peer_s, stores, LAST_HOUR, cached=False),
        "cached": partial(peer_s, stores, LAST_HOUR, cached=True),
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


def _same_reads(less: ReportStores, more: ReportStores) -> str:
    """Statements and reads of one hour; RuntimeError unless they are the same for both histories."""
    reads, reads_of_more = _reads(less), _reads(more)
    if reads != reads_of_more:
        raise RuntimeError(f"with {MORE} x the history the hour needs {reads_of_more}, not {reads}")
    return "the same for both histories: " + ", ".join(f"{count:,} {what}" for what, count in reads.items() if count)


def _reads(stores: ReportStores) -> dict[str, int]:
    """Of one hour: the drivers' statements, the reads that Cassandra counted, and the events that Spark read."""
    before = stores.server_reads()
    with count_statements() as statements:
        filtered, _ = stores.replace(LAST_HOUR)
    after = stores.server_reads()
    reads = {table: count - before.get(table, 0) for table, count in after.items()}
    return {
        "buckets read by Spark": filtered.partitions_read,
        "countable events in them": sum(counts.event_count for counts in filtered.counts.values()),
        "statements to Cassandra": statements.cassandra_statements,
        "statements to MySQL": statements.mysql_statements,
        **{f"reads of {table}": count for table, count in sorted(reads.items())},
    }
