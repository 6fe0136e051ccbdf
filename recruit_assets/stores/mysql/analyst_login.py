"""The read-only login of dashboards and analysts, created if RECRUIT_ANALYST_PASSWORD is set.

Further privileges that an administrator granted are left alone.
"""

import pymysql
from pymysql.cursors import Cursor

from recruit_assets.contract.analyst_model import NAME_TABLES, VIEWS, View
from recruit_assets.contract.tables import (
    BUDGET,
    BUDGET_ALERTS,
    CHANGE_FEED_MARK,
    DAILY_COMPANY_METRICS,
    DAILY_JOB_DAYS,
    DAILY_JOB_METRICS,
    DOWNSTREAM_TABLES,
    FIRST_HOUR,
    JOB,
    MYSQL_REPORT,
    PENDING_HOURS,
    REPORT_COMPANIES,
    REPORT_HOURS,
    REPORT_ZONE,
    SCHEMA_VERSION,
)
from recruit_assets.contract.types import SqlTable
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.accounts import make_user
from recruit_assets.stores.mysql.connection import quoted

READABLE: tuple[View | SqlTable, ...] = (
    *VIEWS, *NAME_TABLES, MYSQL_REPORT, DAILY_JOB_METRICS, DAILY_COMPANY_METRICS, JOB, FIRST_HOUR, REPORT_ZONE,
    *DOWNSTREAM_TABLES, *(table.coverage for table in DOWNSTREAM_TABLES), REPORT_COMPANIES,
    BUDGET, BUDGET_ALERTS,
    REPORT_HOURS, DAILY_JOB_DAYS, PENDING_HOURS, CHANGE_FEED_MARK,  # how fresh the report is
    SCHEMA_VERSION,
)  # fmt: skip
"""The tables behind the views too: a view runs with its reader's rights, so it outlives the login that created it."""
NOT_ALLOWED = frozenset({1142, 1227, 1410})
"""The errors of a login that lacks GRANT OPTION or CREATE USER."""


def apply_analyst_login(cursor: Cursor, settings: Settings) -> None:
    """Create the user or change its password, and grant what it may read; does nothing if no password is set.

    UserError if the platform's own login isn't allowed to do that.
    """
    password = settings.analyst_password.get_secret_value()
    if not password:
        return
    user = settings.analyst_user
    if user == settings.mysql_user:
        raise UserError(
            f"RECRUIT_ANALYST_USER and RECRUIT_MYSQL_USER are both {user}: analysts need a login of their own"
        )
    try:
        make_user(cursor, user, password)
        for readable in READABLE:
            cursor.execute(f"GRANT SELECT ON {quoted(settings.mysql_database)}.{readable.name} TO %s@'%%'", (user,))
    except pymysql.err.OperationalError as error:
        if error.args[0] not in NOT_ALLOWED:
            raise
        raise UserError(
            f"RECRUIT_MYSQL_USER {settings.mysql_user} may not make the login {user}: {error.args[1]}. "
            "Use one that has CREATE USER and GRANT OPTION, or unset RECRUIT_ANALYST_PASSWORD"
        ) from error
