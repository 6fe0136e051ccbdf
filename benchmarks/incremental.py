"""A busy hour in which little changed: the sensor's incremental run against a run of the whole hour.

One bucket of 48 is the smallest possible change, 2 % of the hour. The change is a late event that comes through Kafka
and ingest. Both ways must lead to the same report. The figure is that of an incremental run that follows another one.
The first after a whole run finds no stored counts per bucket; it is measured too.
"""

from datetime import timedelta

from benchmarks.click import send_click
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side, interleaved
from benchmarks.histories import LAST_HOUR, flat_events
from benchmarks.ingest import PROCESSES, ingest, seconds_of
from benchmarks.processors import describe_usage, processors_in_use
from benchmarks.report_hour import ReportStores, report_stores
from recruit_assets.ingest.service import drain
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.stores.kafka.event_publisher import open_publisher

KEY = "incremental_share"
EVENTS = 1_800_000
"""An hour at 500 events/s, the load of `freshness`."""
REPEATS_OF_EACH = 2
JOB_ID = 900_000_000
WARM_UP = 2


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds to replace the hour after one more event, both ways in turns."""
    with engines.fresh_names("busy", ingest_processes=PROCESSES) as settings, report_stores(settings) as stores:
        simulate_to_kafka(settings, flat_events(EVENTS, hours=1))
        ingest(settings)
        drain(settings)  # moves the consumer group of the measurements behind the hour's events
        for _ in range(WARM_UP):
            _late_event(stores)
            stores.replace(LAST_HOUR, incremental=True)
            stores.replace(LAST_HOUR)
        read: list[int] = []
        sides = {
            "first": lambda: _changed_s(stores, read),
            "changed": lambda: _changed_s(stores, read),
            "whole": lambda: _whole_s(stores),
        }
        found = interleaved(sides, repeats * REPEATS_OF_EACH)
        with processors_in_use(engines, others="other") as used:
            stores.replace(LAST_HOUR)
    names = {"changed": "one bucket", "whole": "whole hour", "first": "one bucket, first run after a whole one"}
    changed, whole, first = (Side(name, "s", found[key]) for key, name in names.items())
    return [
        Figure(
            key=KEY,
            title=f"An hour of {EVENTS:,} events of which one bucket changed, against the whole hour",
            value=changed.median / whole.median,
            unit="x",
            goal=Goal(at_most=0.3),
            ours=changed,
            peer=whole,
            others=(first,),
            notes=(
                f"buckets read of 48: {min(read)} to {max(read)}; the same report rows both ways",
                f"the whole hour: {describe_usage(used)}",
            ),
        )
    ]


def _changed_s(stores: ReportStores, read: list[int]) -> float:
    """Seconds of an incremental run after one more event; appends the number of buckets read to `read`."""
    _late_event(stores)
    before = stores.rows(LAST_HOUR)
    seconds = seconds_of(lambda: read.append(stores.replace(LAST_HOUR, incremental=True)[0].partitions_read))
    if stores.rows(LAST_HOUR) == before:
        raise RuntimeError("the late event isn't in the report: the time doesn't count")
    return seconds


def _whole_s(stores: ReportStores) -> float:
    """Seconds of a run of the whole hour; RuntimeError if it changes the report."""
    before = stores.rows(LAST_HOUR)
    seconds = seconds_of(lambda: stores.replace(LAST_HOUR))
    if stores.rows(LAST_HOUR) != before:
        raise RuntimeError("the whole hour gives another report than the changed bucket did")
    return seconds


def _late_event(stores: ReportStores) -> None:
    """A click in the middle of the hour, durable in Cassandra."""
    with open_publisher(stores.settings) as publisher:
        send_click(publisher, JOB_ID, at=LAST_HOUR + timedelta(minutes=31))
    drain(stores.settings)
