"""Errors of the driver become errors that say where they happened and what to do."""

import pymysql
import pytest

from recruit_assets.runtime.errors import Inconsistent, RecruitError, StoreUnavailable, UserError
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.mysql.connection import ReportDatabase, translated_errors
from recruit_assets_tests.support.impostor import impostor

Operational, Programming = pymysql.err.OperationalError, pymysql.err.ProgrammingError


@pytest.mark.parametrize(
    ("error", "ours", "message"),
    [
        (
            Operational(1045, "Access denied"),
            UserError,
            "refuses the login: 1045 Access denied. Check RECRUIT_MYSQL_USER",
        ),
        (Operational(1049, "Unknown database"), UserError, "Unknown database. Run `recruit-assets schema apply`"),
        (Operational(1021, "Disk full"), StoreUnavailable, "has no room left, make some: 1021 Disk full"),
        (Operational(1114, "The table is full"), StoreUnavailable, "has no room left, make some: 1114 The table"),
        (
            Operational(1665, "Cannot execute statement: BINLOG_FORMAT = STATEMENT"),
            UserError,
            "BINLOG_FORMAT = STATEMENT",
        ),
        (
            Operational(1290, "running with the --read-only option"),
            UserError,
            "has a setting that forbids this: 1290 running",
        ),
        (Operational(2013, "Lost connection"), StoreUnavailable, "request failed: 2013 Lost connection"),
        (ConnectionRefusedError("refused"), StoreUnavailable, "request failed: refused"),
        (Programming(1146, "No such table"), Inconsistent, "rejected the statement: 1146 No such table"),
    ],
)
def test_an_error_names_the_database_and_what_to_do(error: Exception, ours: type[RecruitError], message: str) -> None:
    with pytest.raises(ours) as raised, translated_errors("127.0.0.1:3306/recruit"):
        raise error

    assert "MySQL at 127.0.0.1:3306/recruit" in str(raised.value)
    assert message in str(raised.value)


@pytest.mark.parametrize("tls_ca", ["", "off"])
@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog"])
def test_a_server_that_poses_as_the_database_gets_no_password(plugin: bytes, tls_ca: str) -> None:
    with impostor(plugin) as server:
        settings = load_settings(
            mysql_host="127.0.0.1",
            mysql_port=server.port,
            mysql_user="u",
            mysql_password="hunter2",
            mysql_tls_ca=tls_ca,
        )
        with pytest.raises(UserError, match=r"clear text.*check RECRUIT_MYSQL_TLS_CA"):
            ReportDatabase(settings).query("SELECT 1")

    assert b"u\0" in server.heard
    assert b"hunter2" not in server.heard
