"""A report database whose server has other settings than ours: it works, or one line names the setting."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest

from recruit_assets.contract.measures import MEASURES
from recruit_assets.local.engines.mariadb import MariaDb
from recruit_assets.local.engines.ports import free_ports
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.mysql.connection import connect, open_report_database
from recruit_assets_tests.support.engine_set import running
from recruit_assets_tests.support.reports import report_database, total, write_report
from recruit_assets_tests.support.simulations import END, all_valid, simulated

OPTIONS = {"lower-case-table-names": 1, "log-bin": "binlog", "server-id": 1}
SELECT_LIMIT = 10
STRICT = {
    "sql_mode": "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY,PIPES_AS_CONCAT'",
    "character_set_server": "latin1",
    "collation_server": "latin1_swedish_ci",
    "time_zone": "'+05:30'",
    "autocommit": 0,
    "transaction_read_only": 1,
    "transaction_isolation": "'SERIALIZABLE'",
    "wait_timeout": 1,
    "max_allowed_packet": 1024 * 1024,
    "sql_safe_updates": 1,
    "sql_select_limit": SELECT_LIMIT,
}
FORBIDDING = [("binlog_format", "'STATEMENT'"), ("read_only", "1"), ("max_allowed_packet", "1024")]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("mariadb")
    (port,) = free_ports(1)
    server = MariaDb(load_settings(state_dir=folder), folder, {"mariadb": port}, extra=OPTIONS)
    with running([server]):
        settings = load_settings(state_dir=folder, **server.endpoints())
        set_global(settings, STRICT)
        yield settings


def set_global(settings: Settings, values: Mapping[str, object]) -> None:
    with connect(settings, database=None) as connection, connection.cursor() as cursor:
        for name, value in values.items():
            cursor.execute(f"SET GLOBAL {name} = {value}")


def test_a_report_is_written_and_read_whatever_the_servers_own_settings_are(strict: Settings) -> None:
    spec = all_valid(events=3_000)
    _, ledger = simulated(spec)
    with report_database(strict) as database:
        write_report(database, spec, ledger)

        rows = database.query("SELECT clicks, conversion, spend_hour FROM mysql_report")

    assert len(rows) == len(ledger.report()) > SELECT_LIMIT
    assert sum(clicks for clicks, _, _ in rows) == total(ledger, MEASURES[0].report_column)


@pytest.mark.parametrize(("setting", "value"), FORBIDDING)
def test_a_setting_that_forbids_the_report_is_named(setting: str, value: str, strict: Settings) -> None:
    spec = all_valid(events=3_000, start=END - timedelta(hours=1))
    _, ledger = simulated(spec)
    with (
        report_database(strict),
        plain_login(strict) as login,
        changed(strict, setting, value),
        open_report_database(login) as database,
        pytest.raises(UserError, match="has a setting that forbids this"),
    ):
        write_report(database, spec, ledger)


@contextmanager
def plain_login(settings: Settings) -> Iterator[Settings]:
    """A login that read_only binds, as it doesn't bind the local engine's own."""
    reader = f"u{uuid4().hex[:8]}"
    with connect(settings, database=None) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE USER {reader} IDENTIFIED BY %s", (settings.mysql_password.get_secret_value(),))
        cursor.execute(f"GRANT ALL PRIVILEGES ON {settings.mysql_database}.* TO {reader}")
        yield settings.model_copy(update={"mysql_user": reader})
        cursor.execute(f"DROP USER {reader}")


@contextmanager
def changed(settings: Settings, setting: str, value: str) -> Iterator[None]:
    with connect(settings, database=None) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT @@GLOBAL.{setting}")
        ((before,),) = cursor.fetchall()
        cursor.execute(f"SET GLOBAL {setting} = {value}")
        try:
            yield
        finally:
            cursor.execute(f"SET GLOBAL {setting} = %s", (before,))
