"""Bringing the report up to date from this process: what `recruit-assets materialize` and the demo do.

Belongs here: draining, then running the pending hours as Dagster runs of this process, until none is left or one fails
for good. Not here: which hours are due and in which ranges (`pending`), what a run does (`jobs`, `assets`).
"""

import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from recruit_assets.defs.jobs import RAW_ASSETS, hours_job, lineage_job
from recruit_assets.defs.launcher.local import HOST_TAG, report_dead_runs
from recruit_assets.defs.partitions import hourly_partitions
from recruit_assets.defs.runs import range_tags, started_hours
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, DAILY_ROWS_PER_TICK, FeedState, read_feed
from recruit_assets.hours.planning import SKEW, HourRange, PendingHour, is_covered, plan
from recruit_assets.runtime.errors import RunsFailed
from recruit_assets.runtime.settings import Settings, export
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.instance import open_instance
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets.stores.schema import apply_schema

MAX_TRIES = 3
"""Runs of an hour before it is given up; they are seconds apart, so a longer outage ends the command."""
PAUSE_S = 1.0
OTHERS_RUN_S = 120.0
"""So long another process's run of an hour is waited for. Then it is run here too: the newer of both wins."""
QUIET_LOGS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Of each event there is a line in Dagster's UI; a failure is told at the end, in one."""

Echo = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Materialized:
    """What was done: the records that Kafka held, the runs of hours, and how many hours these replaced."""

    records: int
    runs: int
    hours: int


def materialize_pending(defs: dg.Definitions, settings: Settings, echo: Echo = lambda _: None) -> Materialized:
    """Drain Kafka and run every pending hour, until the report holds all that was there when the drain ended.

    Needs no daemon. The runs are in the UI of the same Dagster home. RunsFailed when the drain fails, or an hour three
    times; the other hours are done by then. Killed anywhere, a second call does the rest.
    """
    export(settings)
    apply_schema(settings)
    with (
        open_instance(settings) as instance,
        open_session(settings) as session,
        open_report_database(settings) as database,
    ):
        worker = _Worker(defs, settings, instance, echo)
        records = worker.drain()
        _Pass(worker, session, database).until_done()
        return Materialized(records=records, runs=worker.runs, hours=worker.hours)


class _Worker:
    """Runs of this process, which share its Spark session."""

    def __init__(self, defs: dg.Definitions, settings: Settings, instance: dg.DagsterInstance, echo: Echo) -> None:
        self.settings, self.instance, self.echo = settings, instance, echo
        self.first_hour = hourly_partitions(settings.first_hour).start
        self._repository = defs.get_repository_def()
        self.runs = self.hours = 0

    def drain(self) -> int:
        """Materialize raw_events, if Kafka holds anything new."""
        lag = uncommitted_records(self.settings)
        if lag:
            problem = self._run(lineage_job.name, {}, assets=RAW_ASSETS)
            if problem:
                raise RunsFailed(f"raw_events could not be drained from {self.settings.kafka_topic}: {problem}")
        self.echo(f"{lag:,} records drained from Kafka topic {self.settings.kafka_topic}")
        return lag

    def run(self, hours: HourRange) -> str:
        """Replace the hours; says what failed, nothing after a success."""
        started = time.monotonic()
        problem = self._run(hours_job.name, range_tags(hours))
        self.runs += 1
        self.hours += len(hours)
        outcome = f"failed: {problem}" if problem else "done"
        self.echo(f"{hours} ({len(hours)} h): {outcome}, {time.monotonic() - started:.1f} s")
        return problem

    def _run(self, job: str, tags: dict[str, str], *, assets: Sequence[dg.AssetKey] | None = None) -> str:
        # the process's host, so that a run whose process was killed is found (the event log holds its id)
        result = self._repository.get_job(job).execute_in_process(
            instance=self.instance,
            tags=tags | {HOST_TAG: socket.gethostname()},
            asset_selection=assets,
            run_config=QUIET_LOGS,
            raise_on_error=False,
        )
        return "" if result.success else f"{_cause(result)} (run {result.run_id})"


class _Pass:
    """One reading of the pending hours after the other."""

    def __init__(self, worker: _Worker, session: CassandraSession, database: ReportDatabase) -> None:
        self._worker, self._session, self._database = worker, session, database
        # what changes from here on isn't waited for: a running site would never be done
        self._cutoff = datetime.fromtimestamp(session.now_ms() / 1000, UTC)
        self._tries: Counter[datetime] = Counter()
        self._problems: dict[datetime, str] = {}
        self._others_until = time.monotonic() + OTHERS_RUN_S

    def until_done(self) -> None:
        while True:
            report_dead_runs(self._worker.instance)
            state = self._read()
            wanted = [one for one in state.pending if self._is_wanted(one)]
            todo = [one for one in wanted if self._tries[one.hour] < MAX_TRIES]
            if not todo and not state.behind:
                return self._end(wanted)
            self._let_clocks_pass(todo, state.now)
            self._run_all(todo, state.now)

    def _read(self) -> FeedState:
        return read_feed(
            ChangeReader(self._session),
            PendingHours(self._database),
            lookback=DAILY_LOOKBACK,
            rows_per_tick=DAILY_ROWS_PER_TICK,
        )

    def _is_wanted(self, one: PendingHour) -> bool:
        return not is_covered(min(one.newest_change, self._cutoff), one.covered_through)

    def _let_clocks_pass(self, todo: Sequence[PendingHour], now: datetime) -> None:
        """A run that begins within the skew allowance after a change would leave its hour pending."""
        newest = max((min(one.newest_change, self._cutoff) for one in todo), default=now - 2 * SKEW)
        time.sleep(max(0.0, (newest + SKEW - now + timedelta(milliseconds=50)).total_seconds()))

    def _run_all(self, todo: Sequence[PendingHour], now: datetime) -> None:
        due = [replace(one, attempts=self._tries[one.hour], next_try_at=now) for one in todo]
        running = started_hours(self._worker.instance) if time.monotonic() < self._others_until else ()
        decided = plan(due, now=now, first_hour=self._worker.first_hour, slots=len(due), running=running)
        for hours in decided.requests:
            # a success counts too: it should have been enough, and nothing is tried for ever
            self._tries.update(hours.hours())
            problem = self._worker.run(hours)
            if problem:
                self._problems |= dict.fromkeys(hours.hours(), problem)
        for hour in decided.outside:
            self._tries[hour] = MAX_TRIES
            self._problems[hour] = "it isn't a partition, see RECRUIT_FIRST_HOUR"
        if self._problems or not decided.requests:
            time.sleep(PAUSE_S)

    def _end(self, left: Sequence[PendingHour]) -> None:
        if not left:
            return
        problem = self._problems.get(left[0].hour, "its runs succeed, and yet its changes aren't covered")
        names = ", ".join(f"{one.hour:%Y-%m-%d %H:%M}" for one in left[:24])
        more = f" and {len(left) - 24} more" if len(left) > 24 else ""
        raise RunsFailed(f"still pending, {len(left)} h: {names}{more}. The first: {problem}")


def _cause(result: dg.ExecuteInProcessResult) -> str:
    """The first line of what made the run's first failed step fail: our own message, or else the innermost error's."""
    for event in result.all_events:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        if event.is_failure and error is not None:
            # below a Failure lies the driver's error, which doesn't tell where
            while error.cause is not None and error.cls_name != dg.Failure.__name__:
                error = error.cause
            first_line = str(error.message).strip().splitlines()[0]
            return re.sub(r"^[\w.]+: ", "", first_line)  # the class in front says nothing that the message doesn't
    return "the run failed before its first step"
