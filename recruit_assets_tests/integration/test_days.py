"""Daily tables on the real engines: exact on days of every length, and made anew when an hour or a company changes."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from pyspark.sql import SparkSession

from recruit_assets.contract.tables import BUCKET_VERSIONS, DAILY_JOB_METRICS
from recruit_assets.definitions import build_defs
from recruit_assets.ingest.service import drain
from recruit_assets.observability.audit import AuditResult, run_audit
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import to_ms
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.day_sink import MySqlDaySink
from recruit_assets.stores.mysql.day_sums import add_up, refresh_days_when_due, stale_sums
from recruit_assets.stores.mysql.dimensions import JobRow, load_jobs
from recruit_assets.stores.mysql.schema import complete_mysql_tables, open_schema_session
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.conftest import export_to, fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.reference_report import recount_days
from recruit_assets_tests.support.reports import report_database
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics, MySqlReport

HOUR = timedelta(hours=1)
COMPANIES: dict[int, int | None] = {1: 7, 2: 7, 3: 8, 4: None}
NUMBERS = (
    "clicks, applications, qualified_applications, disqualified_applications, spend, cpc, cpa, "
    "cost_per_qualified_application, apply_rate, qualified_rate"
)
ROWS = f"SELECT date, job_id, company_id, {NUMBERS} FROM daily_job_metrics ORDER BY date, job_id"
SUMS = f"SELECT date, company_id, {NUMBERS} FROM daily_company_metrics ORDER BY date, company_id"


@dataclass
class Site:
    """A site whose events go through the whole lineage, and then into the days of its zone."""

    settings: Settings
    frames: CassandraFrames
    instance: dg.DagsterInstance
    sent: list[dict[str, object]] = field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        return self.settings.report_zone

    def send(self, *events: dict[str, object]) -> None:
        self.sent += events
        self.send_again(*events)

    def send_again(self, *events: dict[str, object]) -> None:
        producer = open_producer(self.settings)
        for event in events:
            producer.send(self.settings.kafka_topic, as_bytes(event))
        producer.flush()
        producer.close()

    def some_events(self, first: datetime, last: datetime, count: int) -> list[dict[str, object]]:
        """Events at random times, and at the moments around each full quarter of an hour."""
        rng = random.Random(5)
        quarters = [first + number * timedelta(minutes=15) for number in range((last - first) // timedelta(minutes=15))]
        moments = [at + shift for at in quarters for shift in (timedelta(0), -timedelta(milliseconds=1))]
        moments += [first + rng.random() * (last - first) for _ in range(count)]
        tracks = ["click", "clicks", "conversion", "qualified", "unqualified", "view"]
        return [
            an_event(
                at, seed=seed, custom_track=rng.choice(tracks), job_id=rng.choice([*COMPANIES, None]),
                publisher_id=rng.choice([1, 2]), bid=rng.choice([None, 3, 10]),
            )
            for seed, at in enumerate(moments)
        ]  # fmt: skip

    def run_hours(self, first: datetime, last: datetime) -> None:
        """Drain Kafka and replace these hours, as the hourly assets do."""
        first = first.replace(minute=0)
        hours = [first + number * HOUR for number in range((last - first) // HOUR + 1)]
        drain(self.settings)
        with open_session(self.settings) as session, open_report_database(self.settings) as database:
            for table in (FilteredEvents, HourlyJobMetrics, MySqlReport):
                table(session, database, self.frames).run(hours)

    def run_days(self, first: date, last: date, *, raise_on_error: bool = True) -> dg.ExecuteInProcessResult:
        """As the automation requests them."""
        job = build_defs(settings=self.settings).resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance,
            tags={"dagster/asset_partition_range_start": str(first), "dagster/asset_partition_range_end": str(last)},
            asset_selection=[dg.AssetKey("daily_job_metrics"), dg.AssetKey("daily_company_metrics")],
            raise_on_error=raise_on_error,
        )

    def expected(self, days: Sequence[date]) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        """The rows of both tables by plain Python."""
        jobs, companies = recount_days(self.sent, self.zone, COMPANIES)
        dates = {str(day) for day in days}
        return [row for row in jobs if row[0] in dates], [row for row in companies if row[0] in dates]

    def stored(self) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        with open_report_database(self.settings) as database:
            jobs, companies = database.query(ROWS), database.query(SUMS)
        return [(str(day), *rest) for day, *rest in jobs], [(str(day), *rest) for day, *rest in companies]

    def audit(self) -> AuditResult:
        return run_audit(self.settings)


Sites = Callable[[str], Site]


@pytest.fixture
def site_in(settings: Settings, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    with dg.DagsterInstance.ephemeral() as instance:

        def make(zone: str) -> Site:
            own = settings.model_copy(update={"report_timezone": zone})
            export_to(monkeypatch, own)
            with open_schema_session(own) as cursor:
                complete_mysql_tables(cursor, own, may_change_settings=True)
            frames = seen_by(spark, own, timeout_s=30)
            with open_report_database(own) as database:
                load_jobs(database, (JobRow(job, company) for job, company in COMPANIES.items()))
            return Site(own, frames, instance)

        yield make


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("Europe/Berlin", date(2026, 3, 29), date(2026, 3, 29)),  # 23 hours
        ("Europe/Berlin", date(2025, 10, 26), date(2025, 10, 26)),  # 25 hours
        ("Asia/Kathmandu", date(2026, 1, 5), date(2026, 1, 6)),  # from 18:15 UTC on
        ("Australia/Lord_Howe", date(2026, 4, 5), date(2026, 4, 5)),  # half an hour of summer time ends
    ],
)
def test_a_day_is_what_plain_python_counts(site_in: Sites, zone: str, first: date, last: date) -> None:
    site = site_in(zone)
    begin = datetime(first.year, first.month, first.day, tzinfo=site.zone).astimezone(UTC)
    end = datetime(last.year, last.month, last.day, tzinfo=site.zone).astimezone(UTC) + timedelta(days=1, hours=1)
    site.send(*site.some_events(begin - 2 * HOUR, end + 2 * HOUR, 300))
    site.run_hours(begin - 3 * HOUR, end + 2 * HOUR)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]

    assert site.run_days(first, last).success

    jobs, companies = site.expected(days)
    assert (len(jobs), len(companies)) == (4 * len(days), 3 * len(days))
    assert site.stored() == (jobs, companies)


@pytest.fixture
def day(site_in: Sites) -> Site:
    """The 5th of January in Berlin, from 23:00 UTC on, with some events, reported and made."""
    site = site_in("Europe/Berlin")
    site.send(*site.some_events(FIRST, FIRST + 24 * HOUR, 50))
    site.run_hours(FIRST - HOUR, FIRST + 23 * HOUR)
    site.run_days(DAY, DAY)
    return site


DAY = date(2026, 1, 5)
FIRST = datetime(2026, 1, 4, 23, tzinfo=UTC)


def test_a_day_is_the_sum_of_its_reported_hours_and_follows_late_events(day: Site) -> None:
    late = an_event(FIRST + timedelta(minutes=59), seed=99, job_id=1, bid=1000)
    day.send(late)
    day.send_again(late)
    day.run_hours(FIRST, FIRST)

    for _ in range(2):  # a retried run adds nothing
        result = day.run_days(DAY, DAY)

    jobs, companies = day.expected([DAY])
    assert day.stored() == (jobs, companies)
    with open_report_database(day.settings) as database:
        of_hours = database.query(
            "SELECT SUM(clicks), SUM(spend), COUNT(DISTINCT job_id) FROM fact_hourly WHERE event_hour >= %s", (FIRST,)
        )
        of_days = database.query("SELECT SUM(clicks), SUM(spend), COUNT(*) FROM daily_job_metrics")
    assert of_days == of_hours
    (made,) = result.asset_materializations_for_node("daily_job_metrics")
    names = ("dagster/row_count", "clicks", "spend", "superseded_days")
    assert tuple(made.metadata[name].value for name in names) == (4, int(of_days[0][0]), of_days[0][1], 0)


def test_a_day_with_a_pending_hour_stays_as_it_was(day: Site) -> None:
    before = day.stored()
    with open_session(day.settings) as session:
        table = session.table(BUCKET_VERSIONS)
        session.execute(
            f"UPDATE {table} SET last_flights[0] = 1 WHERE event_hour = %s AND writer = uuid()", (FIRST - HOUR,)
        )
        day.run_days(DAY, DAY)  # not an hour of this day
        session.execute(
            f"DELETE FROM {session.keyspace}.hour_coverage WHERE event_hour = %s AND stage = 'hourly_job_metrics'",
            (FIRST + HOUR,),
        )

        failed = day.run_days(DAY, DAY, raise_on_error=False)

    (failure,) = [event for event in failed.all_events if event.is_step_failure]
    assert "2026-01-05 00:00" in str(failure.event_specific_data)
    assert day.stored() == before


def test_the_companies_of_days_follow_the_job_dimension(day: Site) -> None:
    moved = {**COMPANIES, 1: 8, 4: 9, 3: None}
    with open_report_database(day.settings) as database:
        load_jobs(database, (JobRow(job, company) for job, company in moved.items()))
        refresh_days_when_due(database)
        assert [row[2] for row in day.stored()[0]] == [7, 7, 8, None]  # not looked at twice within ten minutes

        refresh_days_when_due(database, every_s=0)

        jobs, companies = recount_days(day.sent, day.zone, moved)
        assert day.stored() == (
            [row for row in jobs if row[0] == str(DAY)],
            [row for row in companies if row[0] == str(DAY)],
        )
        assert stale_sums(database, DAILY_JOB_METRICS) == []


def test_the_audit_recounts_the_days(day: Site) -> None:
    rules = ("pending days", "daily_job_metrics", "daily_company_metrics")
    exact = day.audit()
    assert {one.rule: (one.expected, one.found, one.differences) for one in exact.results if one.rule in rules} == {
        "pending days": (0, 0, 0), "daily_job_metrics": (4, 4, 0), "daily_company_metrics": (3, 3, 0),
    }  # fmt: skip
    assert (exact.span.days, exact.span.days_not_compared) == (1, 1)  # the day before was never made

    with open_report_database(day.settings) as database:
        database.query("UPDATE daily_job_metrics SET clicks = clicks + 1 WHERE job_id = 2")
        database.query("DELETE FROM daily_company_metrics WHERE company_id = 8")
    wrong = {one.rule: one for one in day.audit().differences}
    assert {name: one.differences for name, one in wrong.items() if name in rules} == {
        "daily_job_metrics": 1, "daily_company_metrics": 1,
    }  # fmt: skip
    assert wrong["daily_job_metrics"].examples[0].startswith("2026-01-05, job_id 2: clicks ")
    assert wrong["daily_company_metrics"].examples == ("missing: 2026-01-05, company_id 8",)

    day.run_hours(FIRST, FIRST)  # the day is older than this hour now
    later = day.audit()
    assert (later.span.days, later.span.days_not_compared) == (0, 2)
    assert {one.rule for one in later.differences} & set(rules) == set()


def test_another_zone_is_refused_until_the_tables_are_changed(day: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days of two zones beside each other would count events twice, or not at all."""
    before = day.stored()
    tokyo = day.settings.model_copy(update={"report_timezone": "Asia/Tokyo"})
    export_to(monkeypatch, tokyo)

    failed = day.run_days(DAY, DAY, raise_on_error=False)

    (failure,) = [event for event in failed.all_events if event.is_step_failure]
    assert "RECRUIT_REPORT_TIMEZONE is Asia/Tokyo, but the daily tables have days of Europe/Berlin" in str(
        failure.event_specific_data
    )
    assert day.stored() == before
    with open_schema_session(tokyo) as cursor:
        with pytest.raises(UserError, match="have days of Europe/Berlin: set it to that, or change the tables with"):
            complete_mysql_tables(cursor, tokyo)
        expired = tokyo.model_copy(update={"retention_days": 30})
        with pytest.raises(UserError, match=r"the events of 1 days, the first 2026-01-05, have expired .* Nothing was"):
            complete_mysql_tables(cursor, expired, may_change_settings=True)
        assert day.stored() == before

        complete_mysql_tables(cursor, tokyo, may_change_settings=True)
    day.settings = tokyo
    assert day.stored() == ([], [])
    day.run_days(DAY, DAY)
    assert day.stored() == day.expected([DAY])


@pytest.fixture
def database(engines: Settings) -> Iterator[ReportDatabase]:
    with report_database(fresh_names(engines)) as opened:
        yield opened


def label_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def store(database: ReportDatabase, day: date, jobs: dict[int, int], *, t: int, fails: bool = False) -> None:
    """Replace the day's rows as a run does; `jobs` has the clicks of each."""

    def rows() -> Iterator[tuple[object, ...]]:
        for job, clicks in jobs.items():
            yield (day, job, clicks, 0, 0, 0, float(clicks), 1.0, None, None, 0.0, None, datetime(2026, 1, 6))
        if fails:
            raise ConnectionError("the run was killed here")

    covered = {label_of(day): to_ms(label_of(day))}
    sink = MySqlDaySink(database, DAILY_JOB_METRICS, zone="UTC", hours_versions={label_of(day): 10 * t})
    list(sink.replace_hours([(label_of(day), rows())], covered_through_ms=covered, write_timestamp=t, run_id="a run"))


def clicks(database: ReportDatabase) -> list[tuple[object, ...]]:
    return database.query("SELECT date, job_id, clicks FROM daily_job_metrics ORDER BY date, job_id")


def test_a_day_is_replaced_as_a_whole_and_its_neighbours_stay(database: ReportDatabase) -> None:
    five, six = date(2026, 1, 5), date(2026, 1, 6)
    store(database, five, {1: 5, 2: 6}, t=1)
    store(database, six, {1: 7}, t=1)

    store(database, five, {1: 8}, t=2)
    with pytest.raises(ConnectionError):
        store(database, five, {1: 9, 2: 9}, t=3, fails=True)
    store(database, five, {1: 1}, t=1)  # an older run that was slow

    assert clicks(database) == [(five, 1, 8), (six, 1, 7)]
    store(database, six, {}, t=2)
    assert clicks(database) == [(five, 1, 8)]
    recorded = database.query("SELECT date, t, row_count, event_count, hours_version FROM daily_job_days ORDER BY date")
    assert recorded == [(five, 2, 1, 8, 20), (six, 2, 0, 0, 20)]


def test_sums_are_made_again_for_every_day_that_was_replaced(database: ReportDatabase) -> None:
    five, six = date(2026, 1, 5), date(2026, 1, 6)
    store(database, five, {1: 5, 2: 6}, t=1)
    store(database, six, {1: 7}, t=1)
    assert stale_sums(database, DAILY_JOB_METRICS) == [six, five]

    assert add_up(database, DAILY_JOB_METRICS, [five]) == {five: 1}
    assert stale_sums(database, DAILY_JOB_METRICS) == [six]
    store(database, five, {1: 1}, t=2)
    refresh_days_when_due(database)

    assert stale_sums(database, DAILY_JOB_METRICS) == []
    found = database.query("SELECT date, company_id, clicks, spend, cpc FROM daily_company_metrics ORDER BY date")
    assert found == [(five, 0, 1, 1.0, 1.0), (six, 0, 7, 7.0, 1.0)]
