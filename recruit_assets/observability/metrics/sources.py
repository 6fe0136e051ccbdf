"""What Prometheus is told of each store: its clients, opened at the first scrape, and the figures made of its answers.

Not here: statements and queries (`stores`, `run_results`), time-outs (`collector`).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import dagster as dg
from prometheus_client import Metric

from recruit_assets.observability.audit.last_result import read_last_audit
from recruit_assets.observability.metrics import families as figures
from recruit_assets.observability.metrics.collector import Source
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.history import last_checks, last_runs, unfinished_run_counts
from recruit_assets.stores.kafka.watch import KafkaWatch
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.report_state import read_report_state


def platform_sources(
    settings: Settings, instance: dg.DagsterInstance, *, jobs: Sequence[str], checks: Sequence[dg.AssetCheckKey]
) -> Sequence[Source]:
    """One per store; nothing is opened yet."""
    return [
        KafkaSource(settings),
        CassandraSource(settings),
        MySqlSource(settings),
        DagsterSource(settings, instance, jobs, checks=checks),
    ]


class KafkaSource:
    """Lag of the ingest group, and dead letters."""

    store = "kafka"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watch: KafkaWatch | None = None

    def read(self) -> Sequence[Metric]:
        if self._watch is None:
            self._watch = KafkaWatch(self._settings)
        return figures.of_kafka(self._watch.read())

    def close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


class CassandraSource:
    """Whether it answers, and how far its clock is from this machine's."""

    store = "cassandra"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened = ExitStack()
        self._session: CassandraSession | None = None

    def read(self) -> Sequence[Metric]:
        if self._session is None:
            self._session = self._opened.enter_context(open_session(self._settings))
        return figures.of_cassandra(clock_ms=self._session.now_ms(), now=datetime.now(UTC))

    def close(self) -> None:
        self._session = None
        self._opened.close()


class MySqlSource:
    """How far the report is."""

    store = "mysql"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened = ExitStack()
        self._database: ReportDatabase | None = None

    def read(self) -> Sequence[Metric]:
        if self._database is None:
            self._database = self._opened.enter_context(open_report_database(self._settings))
        return figures.of_report(read_report_state(self._database))

    def close(self) -> None:
        self._database = None
        self._opened.close()


class DagsterSource:
    """The last run of each job, the last verdict of each check, and what the last audit said."""

    store = "dagster"

    def __init__(
        self,
        settings: Settings,
        instance: dg.DagsterInstance,
        jobs: Sequence[str],
        *,
        checks: Sequence[dg.AssetCheckKey],
    ) -> None:
        self._settings, self._instance = settings, instance
        self._jobs, self._checks = jobs, checks

    def read(self) -> Sequence[Metric]:
        return [
            *figures.of_runs(last_runs(self._instance, self._jobs), unfinished_run_counts(self._instance)),
            *figures.of_checks(last_checks(self._instance, self._checks)),
            *figures.of_audit(read_last_audit(self._settings)),
        ]

    def close(self) -> None:
        """The instance is its opener's."""
