"""The report's companies follow the job dimension: corrections, deletions, races, crashes, and what they cost."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import dagster as dg
import pytest

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.defs.sensors.cdc import evaluate
from recruit_assets.defs.sensors.connections import stores
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.migrations.m0003_companies_follow_jobs import record_companies
from recruit_assets.stores.mysql import lookups
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dimensions import JobRow, load_jobs
from recruit_assets.stores.mysql.hour_sink import MySqlHourSink
from recruit_assets.stores.mysql.lookups import refresh_lookups, refresh_lookups_completely, refresh_lookups_when_due
from recruit_assets_tests.support.reports import store_hour

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
RECEIVED = datetime(2026, 1, 6)
THOUSANDS = "(WITH RECURSIVE n AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 999) SELECT n FROM n)"


class Report:
    """The report database, and hours written as runs write them."""

    def __init__(self, database: ReportDatabase) -> None:
        self.database = database
        self.sink = MySqlHourSink(database, MYSQL_REPORT)

    def jobs(self, *jobs: tuple[int, int | None]) -> None:
        load_jobs(self.database, (JobRow(*job) for job in jobs))

    def hours(self, jobs: Sequence[int], *, hours: int = 3, first: datetime = SEVEN) -> None:
        """Hours in which each job had a click from two publishers."""
        for number in range(hours):
            hour = first + timedelta(hours=number)
            rows = [row(hour, job, publisher_id=publisher) for job in jobs for publisher in (1, 2)]
            store_hour(self.sink, hour, rows, covered_through_ms=1_800_000_000_000)

    def refresh(self) -> None:
        assert refresh_lookups(self.database, MYSQL_REPORT)

    def companies(self, *, below: int = 1000) -> dict[int, set[int | None]]:
        """The companies in the rows of each job with a number below this."""
        found: dict[int, set[int | None]] = {}
        for job, company in self.database.query(
            "SELECT job_id, company_id FROM mysql_report WHERE job_id < %s", (below,)
        ):
            found.setdefault(job, set()).add(company)
        return found

    def rest(self) -> list[tuple[object, ...]]:
        """Everything else in the report, and its coverage."""
        names = ", ".join(name for name in MYSQL_REPORT.column_names if name != "company_id")
        return self.database.query(f"SELECT {names} FROM mysql_report ORDER BY 1, 2, 3, 10") + self.database.query(
            "SELECT * FROM report_hours ORDER BY 1"
        )

    def cost(self, work: Callable[[], object]) -> int:
        """Rows and index entries that this connection reads in the meantime."""
        before = self._entries_read()
        work()
        return self._entries_read() - before

    def _entries_read(self) -> int:
        found = self.database.query("SHOW SESSION STATUS LIKE 'Handler_read%%'")
        return sum(int(value) for _, value in found)


def row(hour: datetime, job: int, *, publisher_id: int = 1) -> tuple[object, ...]:
    values = {
        "job_id": job, "dates": hour.replace(tzinfo=None, hour=0), "hours": hour.hour, "publisher_id": publisher_id,
        "clicks": 1, "impressions": None, "sources": "Cassandra", "latest_update_time": RECEIVED,
    }  # fmt: skip
    return tuple(values.get(name, 0) for name in MYSQL_REPORT.column_names if name != "company_id")


@pytest.fixture
def report(settings: Settings) -> Iterator[Report]:
    with open_report_database(settings) as database:
        yield Report(database)


@pytest.fixture
def other(settings: Settings) -> Iterator[Report]:
    """The same report on another connection."""
    with open_report_database(settings) as database:
        yield Report(database)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE job SET company_id = 99 WHERE id = 1", {1: {99}, 2: {20}, 3: {None}}),
        ("UPDATE job SET company_id = NULL WHERE id = 1", {1: {None}, 2: {20}, 3: {None}}),
        ("DELETE FROM job WHERE id = 1", {1: {None}, 2: {20}, 3: {None}}),
        ("INSERT INTO job (id, company_id) VALUES (3, 30)", {1: {10}, 2: {20}, 3: {30}}),
        ("UPDATE job SET id = 3 WHERE id = 1", {1: {None}, 2: {20}, 3: {10}}),
        ("UPDATE job SET company_id = 20", {1: {20}, 2: {20}, 3: {None}}),
    ],
    ids=["corrected", "taken away", "deleted", "new", "renumbered", "merged companies"],
)
def test_every_hour_has_the_companies_that_the_jobs_have_now(
    report: Report, change: str, expected: dict[int, set[int | None]]
) -> None:
    report.jobs((1, 10), (2, 20))
    report.refresh()
    report.hours([1, 2, 3])
    rest = report.rest()
    assert report.companies() == {1: {10}, 2: {20}, 3: {None}}

    report.database.query(change)
    report.refresh()

    assert report.companies() == expected
    assert report.rest() == rest
    report.hours([1, 2, 3], hours=1)
    assert report.companies() == expected


def test_a_correction_waits_for_an_hour_between_its_lookup_and_its_commit(report: Report, other: Report) -> None:
    """Without the lock it would miss the hour's rows, which keep the old company for good."""
    report.jobs((1, 10))
    report.refresh()
    with report.database.transaction() as cursor:
        report.sink.lock_coverage(cursor, [SEVEN.replace(tzinfo=None)])
        lookups.hold_lookups(cursor, MYSQL_REPORT)
        report.sink.insert_rows(cursor, [row(SEVEN, 1)])
        other.jobs((1, 11))
        assert not refresh_lookups(other.database, MYSQL_REPORT)

    assert report.companies() == {1: {10}}
    other.refresh()

    assert report.companies() == {1: {11}}


def test_an_hour_waits_for_a_correction_between_its_rows_and_its_commit(
    report: Report, other: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock it would take the old company after the correction has passed its rows."""
    report.jobs((1, 10))
    report.refresh()
    report.hours([1], hours=1)
    report.jobs((1, 11))
    corrected, go_on = Event(), Event()

    def paused(*arguments: object) -> None:
        corrected.set()
        assert go_on.wait(30)
        store_applied(*arguments)  # type: ignore[arg-type]  # passed on as given

    store_applied = lookups._store_applied
    monkeypatch.setattr(lookups, "_store_applied", paused)
    with ThreadPoolExecutor(2) as pool:
        correction = pool.submit(report.refresh)
        assert corrected.wait(30)
        # of an hour without rows, which no lock on rows could hold up
        hour = pool.submit(other.hours, [1], hours=1, first=SEVEN + timedelta(hours=1))
        with pytest.raises(TimeoutError):
            hour.result(0.5)
        go_on.set()
        correction.result(30)
        hour.result(30)

    assert report.companies() == {1: {11}}


def test_a_dimension_that_is_empty_for_a_moment_leaves_no_trace(report: Report) -> None:
    """A reload empties the table first. An hour that looked there would keep nulls, since no change is left to see."""
    report.jobs((1, 10))
    report.refresh()

    report.database.query("DELETE FROM job")
    report.hours([1])
    report.jobs((1, 10))
    report.refresh()

    assert report.companies() == {1: {10}}


def test_a_crash_in_the_middle_of_a_correction_is_made_good_by_the_next(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    report.jobs(*((job, 10) for job in range(5)))
    report.refresh()
    report.hours(range(5))
    report.jobs(*((job, 11) for job in range(5)))
    monkeypatch.setattr(lookups, "HOLD_S", 0)  # a job per transaction
    store_applied, transactions = lookups._store_applied, iter(range(5))

    def killed(*arguments: object) -> None:
        if next(transactions) == 2:
            raise StoreUnavailable("killed before the third commit")
        store_applied(*arguments)  # type: ignore[arg-type]  # passed on as given

    with monkeypatch.context() as patched:
        patched.setattr(lookups, "_store_applied", killed)
        patched.setattr("recruit_assets.stores.mysql.connection.TRANSACTION_TRIES", 1)
        with pytest.raises(StoreUnavailable, match="killed before the third commit"):
            report.refresh()

    assert report.companies() == {0: {11}, 1: {11}, 2: {10}, 3: {10}, 4: {10}}
    assert sorted(report.database.query("SELECT * FROM report_companies")) == [
        (0, 11),
        (1, 11),
        (2, 10),
        (3, 10),
        (4, 10),
    ]
    report.refresh()
    assert report.companies() == {job: {11} for job in range(5)}


def test_a_large_correction_is_left_to_several_calls(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    report.hours(range(4))
    report.jobs(*((job, 10) for job in range(4)))
    monkeypatch.setattr(lookups, "HOLD_S", 0)

    calls = [refresh_lookups(report.database, MYSQL_REPORT, budget_s=0) for _ in range(5)]

    assert calls == [False, False, False, False, True]
    assert report.companies() == {job: {10} for job in range(4)}


def test_materialize_fails_if_hours_never_let_a_correction_in(report: Report, other: Report) -> None:
    report.jobs((1, 10))
    with other.database.transaction() as cursor:
        lookups.hold_lookups(cursor, MYSQL_REPORT)
        with pytest.raises(StoreUnavailable, match="mysql_report couldn't be brought up to date with job"):
            refresh_lookups_completely(report.database, MYSQL_REPORT, timeout_s=0)


def test_unknown_jobs_and_the_size_of_the_report_cost_nothing(report: Report) -> None:
    report.jobs((1, 10), (2, 20))
    report.refresh()
    report.hours([1, 2])
    without = report.cost(report.refresh)
    of_a_correction = report.cost(lambda: correct(report, company=11))

    add_unknown_jobs(report, thousands=100)

    assert report.cost(report.refresh) == without
    assert report.cost(lambda: correct(report, company=12)) == of_a_correction
    assert report.companies() == {1: {12}, 2: {20}}


def correct(report: Report, *, company: int) -> None:
    report.jobs((1, company))
    report.refresh()


def add_unknown_jobs(report: Report, *, thousands: int) -> None:
    """A row for each of so many random job ids that no dimension knows."""
    report.database.query(
        "INSERT INTO mysql_report SELECT 1000000 + 1000 * a.n + b.n, '2026-01-04', 1, 0, 0, 0, NULL, 0, 0, 0, 0, 1, "
        f"NULL, 0, 'Cassandra', '2026-01-06' FROM {THOUSANDS} a, {THOUSANDS} b WHERE a.n < %s",
        (thousands,),
    )
    report.database.query("ANALYZE TABLE mysql_report")


def test_a_correction_finds_the_rows_of_a_job_by_their_index(report: Report) -> None:
    add_unknown_jobs(report, thousands=20)

    plan = report.database.query("EXPLAIN SELECT * FROM mysql_report WHERE job_id = 1000007")

    assert "by_job_id" in str(plan)


def test_rows_of_before_an_upgrade_get_the_companies_of_now(report: Report) -> None:
    """Old versions corrected nothing: some jobs have rows with several companies, some are gone."""
    report.hours([1, 2, 3, 4, 5])
    report.database.query("UPDATE mysql_report SET company_id = 10 * job_id WHERE job_id < 5")
    report.database.query("UPDATE mysql_report SET company_id = 7 WHERE job_id = 2 AND hours = 8")
    report.database.query("UPDATE mysql_report SET company_id = NULL WHERE job_id = 3 AND hours = 8")
    report.jobs((1, 10), (2, 20), (3, 30))
    report.database.query("DELETE FROM lookup_locks")

    for _ in range(2):
        report.database.run_transaction(record_companies)
        recorded = sorted(report.database.query("SELECT * FROM report_companies"))
        assert recorded == [(1, 10), (2, None), (3, None), (4, 40)]
    assert sorted(lookups._changed(report.database, MYSQL_REPORT.lookups[0])) == [(2, 20), (3, 30), (4, None)]
    report.refresh()

    assert report.companies() == {1: {10}, 2: {20}, 3: {30}, 4: {None}, 5: {None}}


def test_the_sensor_corrects_the_report_and_looks_every_20_seconds(report: Report, settings: Settings) -> None:
    report.jobs((1, 10))
    tick(settings)
    report.hours([1])
    report.jobs((1, 11))
    tick(settings)
    assert report.companies() == {1: {10}}

    report.database.query("UPDATE lookup_checks SET checked_at = checked_at - INTERVAL 20 SECOND")
    tick(settings)

    assert report.companies() == {1: {11}}


def tick(settings: Settings) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        evaluate(instance, settings)
    stores.close()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_check_in_the_past_or_in_the_future_is_due(report: Report, hours: int) -> None:
    report.hours([1])
    report.jobs((1, 10))
    report.database.query(
        "INSERT INTO lookup_checks VALUES ('mysql_report', UTC_TIMESTAMP(6) + INTERVAL %s HOUR)", (hours,)
    )

    refresh_lookups_when_due(report.database, MYSQL_REPORT)

    assert report.companies() == {1: {10}}
