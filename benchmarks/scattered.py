"""A history whose events arrive in random order: consecutive records belong to different hours.

That is a first load of data that somebody already has, or a replay of several sources one after the other.
"""

import random
from collections.abc import Sequence

from benchmarks.histories import flat_events
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets.simulator.spec import MAX_CHUNK, SimulationSpec
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs

EVENTS, HOURS = 100_000, 88 * 24


def hours_of(events: int) -> int:
    """Hours over which so many events are scattered: the density is always that of the whole history."""
    return -(-HOURS * events // EVENTS)


def send_scattered(settings: Settings, events: int) -> None:
    """Load the jobs of the events, then send them."""
    values = scattered_events(events)
    with open_report_database(settings) as database:
        load_jobs(database, dimension_rows(site_jobs(SimulationSpec().jobs)))
    with open_publisher(settings) as publisher:
        for first in range(0, len(values), MAX_CHUNK):
            publisher.send(values[first : first + MAX_CHUNK])
        publisher.finish()


def scattered_events(events: int) -> Sequence[bytes | None]:
    """Distinct valid events, equally many per hour, in random order."""
    spec, sink = flat_events(events, hours=hours_of(events)), ListSink()
    simulate(spec, sink)
    random.Random(spec.seed).shuffle(sink.values)  # noqa: S311  # not a secret
    return sink.values
