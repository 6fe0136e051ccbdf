"""The whole platform with events already in the report: `recruit-assets up` is running and warm, ready for probes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.histories import HOUR
from benchmarks.probes import Probes
from benchmarks.whole_platform import running_platform
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import DayShape, SimulationSpec
from recruit_assets.stores.kafka.event_publisher import open_publisher
from recruit_assets.stores.mysql.connection import open_report_database

WARM_UP_PROBES = 3


@contextmanager
def live_platform(
    engines: BenchmarkEngines, history: SimulationSpec, *, rate: float, **overrides: object
) -> Iterator[Probes]:
    """Load and report the history, start `up` with so many events per second, and wait until it reports events."""
    with engines.fresh_names("live", **overrides) as settings:
        engines.echo(f"loading {describe(history)}")
        simulate_to_kafka(settings, history)
        run_command(settings, "ingest", "--until-caught-up")
        run_command(settings, "materialize")
        with (
            running_platform(engines, settings, rate=rate) as platform,
            open_report_database(settings) as database,
            open_publisher(settings) as publisher,
        ):
            probes = Probes(platform, database, publisher)
            for _ in range(WARM_UP_PROBES):
                probes.together([datetime.now(UTC)])
            yield probes


def arrived(rate: float, *, hours_before: int = 0) -> SimulationSpec:
    """What has arrived by now at this rate, in the current hour and so many hours before."""
    now = datetime.now(UTC)
    start = current_hour() - hours_before * HOUR
    events = max(1, round(rate * (now - start).total_seconds()))
    return SimulationSpec(events=events, start=start, end=now, day_shape=DayShape.FLAT, late_share=0)


def describe(history: SimulationSpec) -> str:
    return f"{history.events:,} events from {history.start:%Y-%m-%d %H:%M} to {history.end:%Y-%m-%d %H:%M}"


def current_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def sleep_until(engines: BenchmarkEngines, moment: datetime) -> None:
    """Wait for a time of the clock; not at all if it has passed."""
    left_s = (moment - datetime.now(UTC)).total_seconds()
    if left_s > 0:
        engines.echo(f"waiting until {moment:%H:%M:%S}")
        time.sleep(left_s)


def sleep_until_minute(engines: BenchmarkEngines, minutes: range) -> None:
    """Wait until the minute of the current time is in this range; not at all if it is."""
    if datetime.now(UTC).minute not in minutes:
        first = current_hour() + timedelta(minutes=minutes.start)
        sleep_until(engines, first if first > datetime.now(UTC) else first + HOUR)
