"""How long an event takes from Kafka's producer to its click in a row of MySQL, with the whole platform running.

The current hour first gets as many events as if they had arrived at this rate since it began. Probes are clicks on jobs
that no other event has, sent at random moments among the simulator's events. The report is read with plain queries, as
a dashboard would.
"""

import random
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks.click import send_click
from benchmarks.command import run_command
from benchmarks.engines import BenchmarkEngines
from benchmarks.figure import Figure, Goal, Side
from benchmarks.ingest import PROCESSES, ingest
from benchmarks.processors import describe_usage, processors_in_use
from benchmarks.whole_platform import Platform, running_platform
from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.kafka.event_publisher import EventPublisher, open_publisher
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database

KEY = "freshness_p95_s"
RATE = 500
PROBES_PER_REPEAT = 40
PAUSE_S = (1.5, 3.5)
"""Random, so that probes arrive at every phase of the platform's polling loops."""
ASK_EVERY_S = 0.1
FIRST_JOB_ID = 900_000_000
UP_WITHIN_S = 300
LOST_AFTER_S = 120
HOUR = timedelta(hours=1)


def measure(engines: BenchmarkEngines, repeats: int) -> list[Figure]:
    """Seconds of each probe, all in one series, since there is no side to compare with."""
    with engines.fresh_names("freshness", ingest_processes=PROCESSES) as settings, ExitStack() as opened:
        filled = _fill_hour(engines, settings)
        platform = opened.enter_context(running_platform(engines, settings, rate=RATE))
        database = opened.enter_context(open_report_database(settings))
        publisher = opened.enter_context(open_publisher(settings))
        _until_fresh(Probes(database, publisher), platform)
        probes = Probes(database, publisher, first_job_id=FIRST_JOB_ID + 1_000)
        with processors_in_use(engines, others="up") as processors:
            seconds = probed_s(probes, platform, count=PROBES_PER_REPEAT * repeats)
    p95 = statistics.quantiles(seconds, n=100)[94]
    return [
        Figure(
            key=KEY,
            title=f"Time from Kafka to the row in MySQL, p95, at {RATE} events/s with the whole platform running",
            value=p95,
            unit="s",
            goal=Goal(at_most=15, stretch=10),
            ours=Side("recruit-assets up", "s", tuple(seconds)),
            notes=(
                f"{len(seconds)} probes: median {statistics.median(seconds):.1f} s, p95 {p95:.1f} s, "
                f"slowest {max(seconds):.1f} s",
                describe_usage(processors),
                f"when the platform started, the hour was {filled}",
            ),
        )
    ]


@dataclass(slots=True)
class Probes:
    """Clicks that were sent but aren't in the report yet, and how long the others took."""

    database: ReportDatabase
    publisher: EventPublisher
    first_job_id: int = FIRST_JOB_ID
    sent: int = 0
    waiting: dict[int, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def send(self) -> None:
        """Send a click. Its time starts before it is handed to the producer."""
        job_id = self.first_job_id + self.sent
        self.sent += 1
        self.waiting[job_id] = time.monotonic()
        send_click(self.publisher, job_id, at=datetime.now(UTC))

    def check(self) -> None:
        """Record the probes that are in the report by now; RuntimeError if one takes far too long."""
        found, now = set(_reported(self.database, self.first_job_id)), time.monotonic()
        for job_id in found & self.waiting.keys():
            self.seconds.append(now - self.waiting.pop(job_id))
        if any(now - since > LOST_AFTER_S for since in self.waiting.values()):
            raise RuntimeError(f"{len(self.waiting)} probes aren't in the report after {LOST_AFTER_S} s")


def _fill_hour(engines: BenchmarkEngines, settings: Settings) -> str:
    """Load and report what the current hour would contain by now; returns a description of it."""
    now = datetime.now(UTC)
    hour = now.replace(minute=0, second=0, microsecond=0)
    events = round(RATE * (now - hour).total_seconds())
    engines.echo(f"loading {events:,} events")
    simulate_to_kafka(settings, SimulationSpec(events=events, start=hour, end=now, late_share=0))
    ingest(settings)
    run_command(settings, "materialize")
    return f"{now.minute} minutes old and held {events:,} events"


def probed_s(probes: Probes, platform: Platform, *, count: int) -> list[float]:
    """Seconds of this many probes, in the order in which they appeared in the report."""
    pauses = random.Random(1)  # noqa: S311  # no secret
    next_at = time.monotonic()
    while probes.sent < count or probes.waiting:
        platform.require_running()
        if probes.sent < count and time.monotonic() >= next_at:
            probes.send()
            next_at += pauses.uniform(*PAUSE_S)
        probes.check()
        time.sleep(ASK_EVERY_S)
    return probes.seconds


def _until_fresh(probes: Probes, platform: Platform) -> None:
    """Wait until the platform is up and warm: until three probes, one after the other, are in the report."""
    give_up_at = time.monotonic() + UP_WITHIN_S
    for _ in range(3):
        probes.send()
        while probes.waiting:
            platform.require_running()
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"the platform isn't up after {UP_WITHIN_S} s, see {platform.log}")
            probes.check()
            time.sleep(ASK_EVERY_S)


def _reported(database: ReportDatabase, first_job_id: int) -> Iterator[int]:
    """Jobs with an id from this one on and a click, in the report's current and previous hour."""
    now = datetime.now(UTC).replace(tzinfo=None)
    for hour in (now - HOUR, now):
        rows = database.query(
            f"SELECT job_id FROM {MYSQL_REPORT.name} WHERE dates = %s AND hours = %s AND job_id >= %s AND clicks = 1",
            (datetime(hour.year, hour.month, hour.day), hour.hour, first_job_id),
        )
        yield from (job_id for (job_id,) in rows)
