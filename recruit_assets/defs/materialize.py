"""Brings the report up to date from this process, for `recruit-assets materialize` and the demo.

Drains Kafka, then executes Dagster runs of the pending hours until none is left, or one has failed for good.
"""

import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

import dagster as dg

from recruit_assets.contract.tables import HOURLY_SQL_TABLES, RAW_EVENTS
from recruit_assets.defs.downstream import DOWNSTREAM, due_ranges, reopen_changed
from recruit_assets.defs.jobs import RAW_ASSETS, downstream_job, hours_job, lineage_job
from recruit_assets.defs.launcher.local import HOST_TAG, report_dead_runs
from recruit_assets.defs.partitions import hourly_partitions
from recruit_assets.defs.resources import SparkResource
from recruit_assets.defs.runs import range_tags, started_hours
from recruit_assets.hours.change_feed import DAILY_LOOKBACK, DAILY_ROWS_PER_TICK, FeedState, read_feed
from recruit_assets.hours.planning import SKEW, HourRange, PendingHour, is_covered, plan
from recruit_assets.runtime.echo import Echo, silent
from recruit_assets.runtime.errors import Inconsistent, RunsFailed, StoreUnavailable
from recruit_assets.runtime.settings import Settings, export
from recruit_assets.runtime.signals import notice_signals
from recruit_assets.runtime.times import from_ms
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.compat import OUR_LABEL, REPOSITORY_TAG, on_each_event
from recruit_assets.stores.dagster.instance import open_instance
from recruit_assets.stores.kafka.offsets import uncommitted_records
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.lookups import refresh_lookups_completely
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark.errors import translated_errors
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets.transforms.hourly import count_actions, countable

MAX_TRIES = 3
"""Runs per hour. They are seconds apart, so an outage that lasts longer ends the command."""
PAUSE_S = 1.0
OTHERS_RUN_TIMEOUT_S = 120.0
"""How long to wait for another process's run of an hour. After that we run it too; the newer run wins."""
INTERRUPTED = "A signal interrupted the command. The run's unfinished hours stay pending."
ENDED_IN_ORDER = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED}
QUIET_LOGS = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's UI has the log of each run; here a failure is one line at the end."""


@dataclass(frozen=True, slots=True)
class Materialized:
    """The number of records drained from Kafka, of runs, and of hours that they replaced."""

    records: int
    runs: int
    hours: int


def materialize_pending(defs: dg.Definitions, settings: Settings, echo: Echo = silent) -> Materialized:
    """Drain Kafka and run every pending hour, until the report has everything that existed when the drain ended.

    Needs no daemon; the UI of the same Dagster home shows the runs. RunsFailed if the drain fails, or if an hour fails
    three times; the other hours are replaced all the same. After a kill, a second call does the rest. A signal (see
    `interrupt_on_signals`) ends it with KeyboardInterrupt; the run that it interrupts is canceled.
    """
    export(settings)
    apply_schema(settings)
    with (
        open_instance(settings) as instance,
        open_session(settings) as session,
        open_report_database(settings) as database,
    ):
        worker = _Worker(defs, settings, instance, echo)
        records = worker.drain(keyspace_id=session.keyspace_id())
        _PendingHours(worker, session, database).run_all()
        for table in HOURLY_SQL_TABLES:
            refresh_lookups_completely(database, table)
        _make_downstream(worker, session, database)
        return Materialized(records=records, runs=worker.runs, hours=worker.hours)


class _Worker:
    """Executes runs in this process; they share its Spark session."""

    def __init__(self, defs: dg.Definitions, settings: Settings, instance: dg.DagsterInstance, echo: Echo) -> None:
        self.settings, self.instance, self.echo = settings, instance, echo
        self.first_hour = hourly_partitions(settings.first_hour).start
        self._repository = defs.get_repository_def()
        self.runs = self.hours = 0

    def drain(self, *, keyspace_id: str) -> int:
        """Materialize raw_events if Kafka has uncommitted records; returns their number."""
        lag = uncommitted_records(self.settings, keyspace_id=keyspace_id)
        if lag:
            problem = self._run(lineage_job.name, {}, assets=RAW_ASSETS)
            if problem:
                raise RunsFailed(f"cannot drain Kafka topic {self.settings.kafka_topic} into raw_events: {problem}")
        self.echo(f"{lag:,} records drained from Kafka topic {self.settings.kafka_topic}")
        return lag

    def run(self, hours: HourRange, *, downstream: Sequence[str] = ()) -> str:
        """Replace the hours in the report, or in these downstream tables; returns the error, empty after a success."""
        started = time.monotonic()
        if downstream:
            assets = [dg.AssetKey(name) for name in downstream]
            problem = self._run(downstream_job.name, range_tags(hours), assets=assets)
        else:
            problem = self._run(hours_job.name, range_tags(hours))
            self.hours += len(hours)
        self.runs += 1
        outcome = f"failed: {problem}" if problem else "done"
        what = f", {', '.join(downstream)}" if downstream else ""
        self.echo(f"{hours} ({len(hours)} h{what}): {outcome}, {time.monotonic() - started:.1f} s")
        return problem

    def _run(self, job: str, tags: dict[str, str], *, assets: Sequence[dg.AssetKey] | None = None) -> str:
        run_id = str(uuid4())
        with self._canceled_by_signals(run_id):
            # with host and process id (in the event log), `report_dead_runs` finds a run whose process was killed; with
            # the label, `delete_old_runs` finds it, as all others of our code location
            result = self._repository.get_job(job).execute_in_process(
                instance=self.instance,
                run_id=run_id,
                tags=tags | {HOST_TAG: socket.gethostname(), REPOSITORY_TAG: OUR_LABEL},
                asset_selection=assets,
                run_config=QUIET_LOGS,
                raise_on_error=False,
            )
        return "" if result.success else f"{_cause(result)} (run {run_id})"

    @contextmanager
    def _canceled_by_signals(self, run_id: str) -> Iterator[None]:
        """A signal in the block cancels this run, and ends the block with KeyboardInterrupt.

        Dagster handles signals during a run: it records one as a failure, unless the run is being canceled already.
        """
        with notice_signals() as has_arrived:
            on_each_event(self.instance, run_id, partial(self._announce_cancellation, run_id, has_arrived))
            try:
                yield
            except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError) as error:
                self._record_cancellation(run_id)
                raise KeyboardInterrupt from error
            if has_arrived():
                self._record_cancellation(run_id)
                raise KeyboardInterrupt

    def _announce_cancellation(self, run_id: str, has_arrived: Callable[[], bool]) -> None:
        run = self.instance.get_run_by_id(run_id) if has_arrived() else None
        if run is not None and not run.is_finished and run.status is not dg.DagsterRunStatus.CANCELING:
            self.instance.report_run_canceling(run, INTERRUPTED)

    def _record_cancellation(self, run_id: str) -> None:
        """For a run that Dagster hasn't ended in order, because the signal came before or between its steps."""
        run = self.instance.get_run_by_id(run_id)
        if run is not None and run.status not in ENDED_IN_ORDER:
            self.instance.report_run_canceled(run, INTERRUPTED)


class _PendingHours:
    """Reads the pending hours and runs them, until none is left or the rest has failed too often."""

    def __init__(self, worker: _Worker, session: CassandraSession, database: ReportDatabase) -> None:
        self._worker, self._session, self._database = worker, session, database
        # later changes don't count: with a live site this would never end
        self._cutoff = from_ms(session.now_ms())
        self._tries: Counter[datetime] = Counter()
        self._problems: dict[datetime, str] = {}
        self._wait_for_others_until = time.monotonic() + OTHERS_RUN_TIMEOUT_S

    def run_all(self) -> None:
        while True:
            report_dead_runs(self._worker.instance)
            state = self._read()
            wanted = [one for one in state.pending if self._is_wanted(one)]
            todo = [one for one in wanted if self._tries[one.hour] < MAX_TRIES]
            if not todo and not state.behind:
                return self._end(wanted)
            self._let_clocks_pass(todo, state.now)
            self._run(todo, state.now)

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
        """Wait until all changes are older than SKEW: a run that begins sooner leaves its hour pending."""
        newest = max((min(one.newest_change, self._cutoff) for one in todo), default=now - 2 * SKEW)
        pause_s = (newest + SKEW - now + timedelta(milliseconds=50)).total_seconds()
        if pause_s > 0:
            until = time.monotonic() + pause_s
            with suppress(StoreUnavailable, Inconsistent):  # the run will fail too, and say why
                _warm_up(self._worker.settings, self._session, todo[0].hour)
            time.sleep(max(0.0, until - time.monotonic()))

    def _run(self, todo: Sequence[PendingHour], now: datetime) -> None:
        due = [replace(one, attempts=self._tries[one.hour], next_try_at=now) for one in todo]
        running = started_hours(self._worker.instance) if time.monotonic() < self._wait_for_others_until else ()
        decided = plan(
            due, now=now, first_hour=self._worker.first_hour, slots=len(due), running=running, live_apart=False
        )
        for hours in decided.requests:
            # successes count too: an hour that stays pending after three of them must not be tried forever
            self._tries.update(hours.hours())
            problem = self._worker.run(hours)
            if problem:
                self._problems |= dict.fromkeys(hours.hours(), problem)
        for hour in decided.outside:
            self._tries[hour] = MAX_TRIES
            self._problems[hour] = "it isn't a partition: check RECRUIT_FIRST_HOUR"
        if self._problems or not decided.requests:
            time.sleep(PAUSE_S)

    def _end(self, left: Sequence[PendingHour]) -> None:
        if not left:
            return
        problem = self._problems.get(left[0].hour, "its runs succeeded, but don't cover its changes")
        names = ", ".join(f"{one.hour:%Y-%m-%d %H:%M}" for one in left[:24])
        more = f" and {len(left) - 24} more" if len(left) > 24 else ""
        raise RunsFailed(f"{len(left)} h are still pending: {names}{more}. The first: {problem}")


def _warm_up(settings: Settings, session: CassandraSession, hour: datetime) -> None:
    """Count the hour's events, without storing them: Spark's first query takes seconds longer than later ones."""
    spark = SparkResource.from_settings(settings).spark_session
    store = CassandraHourStore(session, CassandraFrames(spark, settings))
    with translated_errors():
        count_actions(countable(store.read(RAW_EVENTS, store.partitions(RAW_EVENTS, [hour])))).collect()


def _make_downstream(worker: _Worker, session: CassandraSession, database: ReportDatabase) -> None:
    """Make the hours that are stale in the downstream tables; RunsFailed if a range fails three times."""
    problems: list[str] = []
    for _ in range(MAX_TRIES):
        reopen_changed(database, DOWNSTREAM, clock=lambda: from_ms(session.now_ms()))
        now = from_ms(session.now_ms())
        frozen_before = read_retention(session).frozen_before(now)
        due = due_ranges(database, DOWNSTREAM, now=now, first_hour=worker.first_hour, frozen_before=frozen_before)
        if not due:
            return
        # the runs may have re-opened later hours
        problems = [problem for one in due if (problem := worker.run(one.hours, downstream=one.assets))]
    if problems:
        raise RunsFailed(f"tables beside the report lack hours: {problems[0]}")


def _cause(result: dg.ExecuteInProcessResult) -> str:
    """Why the run's first failed step failed: the first line of our message, or of the innermost error."""
    for event in result.all_events:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        if event.is_failure and error is not None:
            # stop at a Failure: below it is the driver's error, which doesn't say where it happened
            while error.cause is not None and error.cls_name != dg.Failure.__name__:
                error = error.cause
            first_line = str(error.message).strip().splitlines()[0]
            return re.sub(r"^[\w.]+: ", "", first_line)  # without the name of the class
    return "the run failed before its first step"
