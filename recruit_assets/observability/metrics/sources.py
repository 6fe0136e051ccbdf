"""The stores that the platform's metrics are read from."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from datetime import UTC, datetime
from typing import Generic, TypeVar

import dagster as dg
from prometheus_client import Metric

from recruit_assets.observability.attribution import recent_attribution
from recruit_assets.observability.audit.last_result import read_last_audit
from recruit_assets.observability.metrics import families
from recruit_assets.observability.metrics.collector import Source
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.history import last_checks, last_runs, unfinished_run_counts
from recruit_assets.stores.kafka.watch import KafkaWatch
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.report_state import read_report_state
from recruit_assets.stores.mysql.wrong_hours import checks_with_wrong_hours

Client = TypeVar("Client")


def platform_sources(
    settings: Settings, instance: dg.DagsterInstance, *, jobs: Sequence[str], checks: Sequence[dg.AssetCheckKey]
) -> Sequence[Source]:
    """One source per store. Nothing is opened yet."""

    def cassandra(session: CassandraSession) -> Sequence[Metric]:
        return [
            *families.of_cassandra(clock_ms=session.now_ms(), now=datetime.now(UTC)),
            *families.of_attribution(recent_attribution(session, settings.job_rules, hours=24)),
        ]

    def mysql(database: ReportDatabase) -> Sequence[Metric]:
        wrong = checks_with_wrong_hours(database)
        return [
            *families.of_report(read_report_state(database)),
            *families.of_checks(last_checks(instance, checks, wrong=wrong)),
        ]

    def dagster(_: None) -> Sequence[Metric]:
        return [
            *families.of_runs(last_runs(instance, jobs), unfinished_run_counts(instance)),
            *families.of_audit(read_last_audit(settings)),
        ]

    return [
        StoreSource("kafka", lambda: closing(KafkaWatch(settings)), lambda watch: families.of_kafka(watch.read())),
        StoreSource("cassandra", lambda: open_session(settings), cassandra),
        StoreSource("mysql", lambda: open_report_database(settings), mysql),
        StoreSource("dagster", nullcontext, dagster),  # the caller closes the instance
    ]


class StoreSource(Generic[Client]):
    """Metrics of one store. Its client is opened at the first scrape and kept until `close`."""

    def __init__(
        self,
        store: str,
        connect: Callable[[], AbstractContextManager[Client]],
        metrics: Callable[[Client], Sequence[Metric]],
    ) -> None:
        self.store = store
        self._connect, self._metrics = connect, metrics
        self._opened = ExitStack()
        self._client: Client | None = None

    def read(self) -> Sequence[Metric]:
        if self._client is None:
            self._client = self._opened.enter_context(self._connect())
        return self._metrics(self._client)

    def close(self) -> None:
        self._client = None
        self._opened.close()
