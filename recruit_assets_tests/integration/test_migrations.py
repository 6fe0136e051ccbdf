"""`schema apply` on existing installations: no row is lost, however often it is killed or repeated."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import pytest
from pymysql.cursors import Cursor

from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import CassandraSession, open_session, quoted
from recruit_assets.stores.migrations import MIGRATIONS
from recruit_assets.stores.migrations.runner import Migration
from recruit_assets.stores.migrations.steps import add_cassandra_column, add_mysql_column
from recruit_assets.stores.mysql.connection import connect, open_report_database
from recruit_assets.stores.mysql.schema import create_mysql_tables, open_schema_session
from recruit_assets.stores.mysql.schema_version import record_version
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.ingest_process import exit_code_of
from recruit_assets_tests.support.old_installation import (
    cassandra_rows,
    cassandra_shape,
    install_cassandra,
    install_mysql,
    lost,
    mysql_rows,
    mysql_shape,
)
from recruit_assets_tests.support.reports import report_database


@dataclass
class AddViews:
    """An example migration: a column with a default, in both stores."""

    done: list[str] = field(default_factory=list)
    __name__ = "stores.migrations.m9999_views"

    def cassandra(self, session: CassandraSession) -> None:
        self.done.append("cassandra")
        add_cassandra_column(session, "filtered_events", "views", "int")

    def mysql(self, cursor: Cursor) -> None:
        self.done.append("mysql")
        add_mysql_column(cursor, "mysql_report", "views", "int NOT NULL DEFAULT 3")


class KilledInTheMiddle(AddViews):
    def mysql(self, cursor: Cursor) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def with_views(views: AddViews) -> Sequence[Migration]:
    return (*MIGRATIONS, views)


@pytest.fixture
def own(engines: Settings) -> Iterator[Settings]:
    settings = fresh_names(engines)
    yield settings
    drop_everything(settings)


@pytest.fixture(scope="module")
def connected(engines: Settings) -> Iterator[CassandraSession]:
    """One connection for all queries that the tests themselves send."""
    with open_session(engines) as session:
        yield session


@pytest.fixture
def session(own: Settings, connected: CassandraSession) -> CassandraSession:
    return CassandraSession(connected.driver, own.cassandra_keyspace)


@pytest.fixture
def old(own: Settings, session: CassandraSession) -> Settings:
    """An installation of commit 4ff88f8 with rows in every table."""
    install_cassandra(session)
    install_mysql(own)
    return own


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with connect(settings, database=settings.mysql_database) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def versions(settings: Settings) -> list[tuple[Any, ...]]:
    return query(settings, "SELECT version, name FROM schema_version ORDER BY version")


def column_names(settings: Settings, session: CassandraSession) -> set[tuple[Any, ...]]:
    """(table, column) of both stores."""
    columns = session.execute(
        "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = %s", (session.keyspace,)
    )
    sql = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    return {*columns, *query(settings, sql)}


VIEWS = {("filtered_events", "views"), ("mysql_report", "views")}
RELEASED = [(number, step.__name__.rpartition(".")[2]) for number, step in enumerate(MIGRATIONS, start=1)]
UP_TO_VIEWS = [*RELEASED, (len(RELEASED) + 1, "m9999_views")]


def test_an_upgraded_installation_equals_a_new_one_and_has_all_its_rows(
    old: Settings, session: CassandraSession, engines: Settings
) -> None:
    before = cassandra_rows(session) | mysql_rows(old)
    assert min(len(rows) for rows in before.values()) == 1

    apply_schema(old)

    assert lost(before, cassandra_rows(session) | mysql_rows(old)) == []
    new = fresh_names(engines)
    try:
        apply_schema(new)
        assert cassandra_shape(session) == cassandra_shape(CassandraSession(session.driver, new.cassandra_keyspace))
        assert mysql_shape(old) == mysql_shape(new)
        assert versions(old) == versions(new) == RELEASED
    finally:
        drop_everything(new)


def test_a_migration_adds_a_column_to_both_stores_once(old: Settings, session: CassandraSession) -> None:
    before = cassandra_rows(session) | mysql_rows(old)
    views = AddViews()

    apply_schema(old, with_views(views))
    apply_schema(old, with_views(views))

    after = cassandra_rows(session) | mysql_rows(old)
    assert lost(before, after) == []
    assert [row["views"] for row in after["filtered_events"] + after["mysql_report"]] == [None, 3]
    assert (views.done, versions(old)) == (["cassandra", "mysql"], UP_TO_VIEWS)


def upgrade_and_die(settings: Settings) -> None:
    apply_schema(settings, with_views(KilledInTheMiddle()))


def test_an_upgrade_killed_between_the_stores_is_finished_by_the_next(old: Settings, session: CassandraSession) -> None:
    before = cassandra_rows(session) | mysql_rows(old)

    assert exit_code_of(upgrade_and_die, old, timeout_s=120) == -signal.SIGKILL
    assert column_names(old, session) & VIEWS == {("filtered_events", "views")}
    assert versions(old) == RELEASED

    apply_schema(old, with_views(AddViews()))

    assert column_names(old, session) >= VIEWS
    assert versions(old) == UP_TO_VIEWS
    assert lost(before, cassandra_rows(session) | mysql_rows(old)) == []


def test_processes_that_start_together_upgrade_once(own: Settings, session: CassandraSession) -> None:
    """Like services that Docker starts at the same time."""
    views, start = AddViews(), Barrier(3)

    def apply() -> None:
        start.wait(30)
        apply_schema(own, with_views(views))

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(apply) for _ in range(3)]:
            each.result(120)

    assert (views.done, versions(own)) == (["cassandra", "mysql"], UP_TO_VIEWS)
    assert column_names(own, session) >= VIEWS


def test_the_wait_for_another_processs_lock_is_limited(own: Settings) -> None:
    with open_schema_session(own) as other:
        other.execute("SELECT CONNECTION_ID()")
        ((connection,),) = other.fetchall()

        with pytest.raises(StoreUnavailable, match=rf"has been changing the schema for 1 s.*\(KILL {connection}\)"):
            apply_schema(own, lock_wait_s=1)


Change = Callable[[Settings, CassandraSession], None]


def drop_keyspace(_: Settings, session: CassandraSession) -> None:
    session.execute(f"DROP KEYSPACE {quoted(session.keyspace)}")


def drop_database(settings: Settings, _: CassandraSession) -> None:
    query(settings, f"DROP DATABASE {settings.mysql_database}")


def upgrade_cassandra(_: Settings, session: CassandraSession) -> None:
    AddViews().cassandra(session)


def upgrade_mysql(settings: Settings, _: CassandraSession) -> None:
    with open_schema_session(settings) as cursor:
        create_mysql_tables(cursor)
        for migration in (*MIGRATIONS, AddViews()):
            migration.mysql(cursor)
        for version, name in UP_TO_VIEWS:
            record_version(cursor, version, name)


@pytest.mark.parametrize(
    ("change", "rerun"),
    [
        (drop_keyspace, False),
        (drop_database, False),
        (upgrade_cassandra, False),  # MySQL restored from before the upgrade
        (upgrade_mysql, True),  # Cassandra restored from before the upgrade: only its operator knows
    ],
)
def test_an_upgrade_completes_stores_that_do_not_match(
    old: Settings, session: CassandraSession, change: Change, rerun: bool
) -> None:
    """One of them was lost, recreated or restored from a backup."""
    in_cassandra, in_mysql = cassandra_rows(session), mysql_rows(old)
    change(old, session)

    apply_schema(old, with_views(AddViews()), rerun=rerun)

    assert column_names(old, session) >= VIEWS
    assert versions(old) == UP_TO_VIEWS
    assert change is drop_keyspace or lost(in_cassandra, cassandra_rows(session)) == []
    assert change is drop_database or lost(in_mysql, mysql_rows(old)) == []


def test_an_unfinished_installation_is_finished(own: Settings, session: CassandraSession) -> None:
    """If it was killed halfway, some tables are missing and it has no version, like an installation of 4ff88f8."""
    apply_schema(own)
    query(own, "DROP TABLE mysql_report, schema_version")
    session.execute(f"DROP TABLE {quoted(session.keyspace)}.filtered_events")

    apply_schema(own, with_views(AddViews()))

    assert column_names(own, session) >= VIEWS
    assert versions(own) == UP_TO_VIEWS


def test_a_newer_schema_is_refused(own: Settings, session: CassandraSession) -> None:
    """An older program would leave out the columns that it doesn't know."""
    upgrade_mysql(own, session)
    known = len(MIGRATIONS)

    refused = rf"schema has version {known + 1}, this program only knows {known}\. Install the newer"
    with pytest.raises(UserError, match=refused):
        apply_schema(own)
    # runs, sensors, schedules and all other commands open it this way
    with open_report_database(own) as database, pytest.raises(UserError, match=f"this program only knows {known}"):
        database.query("SELECT 1")


def test_an_older_schema_names_the_command(engines: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = fresh_names(engines)
    with report_database(settings) as database:
        database.run_transaction(lambda cursor: record_version(cursor, 1, "m0001_baseline"))
        monkeypatch.setattr("recruit_assets.stores.mysql.connection.CURRENT_VERSION", 2)

        with (
            open_report_database(settings) as another,
            pytest.raises(UserError, match=r"has version 1, this program needs 2\. Run `recruit-assets schema apply`"),
        ):
            another.query("SELECT 1")
