"""Faults of the report database on a real server: doctor finds each in its line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from recruit_assets.contract.tables import (
    CHANGE_FEED_MARK,
    CURRENT_VERSION,
    PENDING_HOURS,
    REPORT_HOURS,
    SCHEMA_VERSION,
    WRONG_HOURS,
)
from recruit_assets.observability.doctor import State
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.connection import connect
from recruit_assets.stores.mysql.schema import apply_mysql_schema
from recruit_assets.stores.mysql.schema_version import record_version
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.cleanup import drop_database
from recruit_assets_tests.support.doctor import CLOSED, Fault, changed, expect, look_at, wrong

SECRET = "a-password-that-is-wrong"


@contextmanager
def installed(engines: Settings) -> Iterator[Settings]:
    """Settings with a database of the test's own, which has the schema."""
    settings = fresh_names(engines)
    apply_mysql_schema(settings)
    record_current_version(settings)
    yield settings
    drop_database(settings)


def record_current_version(settings: Settings) -> None:
    with connect(settings, database=settings.mysql_database) as connection, connection.cursor() as cursor:
        record_version(cursor, CURRENT_VERSION, "as installed")
        connection.commit()


@pytest.fixture(scope="module")
def shared(engines: Settings) -> Iterator[Settings]:
    with installed(engines) as settings:
        yield settings


@pytest.fixture
def report(shared: Settings) -> Iterator[Settings]:
    """The shared database. Rows that the test writes to these tables are deleted after it."""
    yield shared
    for table in (CHANGE_FEED_MARK, PENDING_HOURS, REPORT_HOURS, WRONG_HOURS, SCHEMA_VERSION):
        after(f"DELETE FROM {table.name}")(shared)
    record_current_version(shared)


@pytest.fixture
def own(engines: Settings) -> Iterator[Settings]:
    """A database whose tables the test may change."""
    with installed(engines) as settings:
        yield settings


def after(statement: str) -> Callable[[Settings], None]:
    """What somebody else did to the database."""

    def do(settings: Settings) -> None:
        with connect(settings, database=settings.mysql_database) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            connection.commit()

    return do


def a_pending_hour(*, minutes: int, attempts: int) -> Callable[[Settings], None]:
    """Pending for so many minutes, after so many failed runs."""
    return after(
        "INSERT INTO pending_hours (event_hour, newest_change, attempts, next_try_at) VALUES "
        f"('2026-01-05 07:00', UTC_TIMESTAMP(6) - INTERVAL {minutes} MINUTE, {attempts}, UTC_TIMESTAMP(6))"
    )


def a_feed_read(interval: str) -> Callable[[Settings], None]:
    return after(f"INSERT INTO change_feed_mark (id, low_water) VALUES (1, UTC_TIMESTAMP(6) {interval})")


FAULTS = {
    "MySQL is down": Fault("reachable", "FAIL", "request failed", change={"mysql_port": CLOSED}),
    "MySQL refuses the password": Fault("reachable", "FAIL", "refuses the login", change={"mysql_password": SECRET}),
    "the server doesn't speak TLS": Fault(
        "reachable", "FAIL", "doesn't speak TLS: check RECRUIT_MYSQL_TLS_CA", change={"mysql_tls_ca": "system"}
    ),
    "the database is missing": Fault(
        "database", "FAIL", "database nowhere doesn't exist", change={"mysql_database": "nowhere"}
    ),
    "no schema version is recorded": Fault(
        "schema version", "FAIL", "no schema version is recorded", after("DELETE FROM schema_version")
    ),
    "the schema is older than the program": Fault(
        "schema version",
        "FAIL",
        f"the schema has version 1, this program needs {CURRENT_VERSION}. Run `recruit-assets schema apply`",
        after("UPDATE schema_version SET version = 1"),
    ),
    "the schema is newer than the program": Fault(
        "schema version",
        "FAIL",
        f"the schema has version 99, this program only knows {CURRENT_VERSION}",
        after("UPDATE schema_version SET version = 99"),
    ),
    "the first hour was raised": Fault(
        "first hour", "FAIL", "it may only be lowered", change={"first_hour": datetime(2025, 1, 1, tzinfo=UTC)}
    ),
    "nobody reads the change feed": Fault(
        "change feed", "WARN", "the change feed was last read through", a_feed_read("- INTERVAL 3 MINUTE")
    ),
    "the feed was read beyond the present": Fault(
        "change feed",
        "FAIL",
        "Cassandra's clock is ahead of the report database's",
        a_feed_read("+ INTERVAL 3 MINUTE"),
    ),
    "an hour is covered in the future": Fault(
        "coverage",
        "WARN",
        "1 hour covered in the future, first 2026-01-05 07:00 UTC",
        after(
            "INSERT INTO report_hours (event_hour, covered_through, t, run_id, row_count, event_count) VALUES "
            "('2026-01-05 07:00', UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, 1, 'r', 0, 0)"
        ),
    ),
    "an hour has waited too long": Fault(
        "pending hours",
        "WARN",
        "1 hours have waited for more than 15 minutes, first 2026-01-05 07:00 UTC",
        a_pending_hour(minutes=20, attempts=0),
    ),
    "an hour fails": Fault(
        "failing hours", "FAIL", "the hour 2026-01-05 07:00 UTC fails", a_pending_hour(minutes=1, attempts=2)
    ),
    "a check knows of a wrong hour": Fault(
        "wrong hours",
        "FAIL",
        "wrong hours were found by counts of mysql_report",
        after(
            "INSERT INTO wrong_hours (asset, check_name, event_hour, sample, found_at, run_id) VALUES "
            "('mysql_report', 'counts', '2026-01-05 07:00', 0, UTC_TIMESTAMP(6), 'r')"
        ),
    ),
}


DIFFERENCES = {
    "a table is missing": Fault("tables", "FAIL", "table lookup_checks is missing", after("DROP TABLE lookup_checks")),
    "a column is missing": Fault(
        "tables", "FAIL", "table job, column title: wanted", after("ALTER TABLE job DROP COLUMN title")
    ),
    "a column has another type": Fault(
        "tables",
        "FAIL",
        "table job, column title: wanted (type, nullable, in primary key) ('varchar(255)', True, False), found ('int",
        after("ALTER TABLE job MODIFY title int"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_report_database_is_found_in_its_line(fault: Fault, report: Settings) -> None:
    expect(fault, report, "MySQL")


@pytest.mark.parametrize("fault", DIFFERENCES.values(), ids=DIFFERENCES)
def test_a_table_that_is_missing_or_different_is_found(fault: Fault, own: Settings) -> None:
    expect(fault, own, "MySQL")


def test_a_new_database_is_as_it_should_be(report: Settings) -> None:
    findings = look_at(report, "MySQL")

    assert wrong(findings) == {}
    assert {one.verdict.state for one in findings} == {State.OK}


def test_a_password_is_in_no_line(report: Settings) -> None:
    assert SECRET not in str(look_at(changed(report, mysql_password=SECRET), "MySQL"))
