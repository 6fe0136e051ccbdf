"""The users of the report database: one per role, each with the fewest privileges that its work needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from pymysql.cursors import Cursor

from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import AccountPasswords, Settings
from recruit_assets.stores.mysql.connection import connect, quoted, translated_errors

DAGSTER_DATABASE = "dagster"
USER_PREFIX = "recruit_"


@dataclass(frozen=True, slots=True)
class Role:
    """What a user may do in one database; empty: the report database."""

    name: str
    privileges: str
    database: str = ""


ROLES = (
    Role("owner", "ALL PRIVILEGES"),  # creates and upgrades tables (`schema apply`); no service runs as it
    Role("ingest", "SELECT"),  # compares the schema when it starts; writes only to Cassandra
    Role("lineage", "SELECT, INSERT, UPDATE, DELETE"),  # runs, sensor and schedule write rows and no tables
    Role("analyst", "SELECT, SHOW VIEW"),  # created here, so that the owner needs no right to create users
    Role("dagster", "ALL PRIVILEGES", database=DAGSTER_DATABASE),  # Dagster creates and migrates its own tables
)


def apply_accounts(settings: Settings, passwords: AccountPasswords, *, prefix: str = USER_PREFIX) -> Sequence[str]:
    """Create the user, database and privileges of each role that has a password; returns the users.

    A second call changes passwords and adds privileges that a role has gained; it revokes nothing. The login of the
    settings must be allowed to create users.
    """
    settings.require("mysql_host", "mysql_user", "mysql_password")
    given: dict[Role, SecretStr] = {role: getattr(passwords, role.name) for role in ROLES}
    wanted = {role: password.get_secret_value() for role, password in given.items() if password.get_secret_value()}
    with (
        translated_errors(host_port(settings.mysql_host, settings.mysql_port)),
        connect(settings, database=None) as connection,
        connection.cursor() as cursor,
    ):
        for role, password in wanted.items():
            database = role.database or settings.mysql_database
            _apply(cursor, prefix + role.name, password, privileges=role.privileges, database=database)
    return [prefix + role.name for role in wanted]


def _apply(cursor: Cursor, user: str, password: str, *, privileges: str, database: str) -> None:
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(database)} CHARACTER SET utf8mb4")
    make_user(cursor, user, password)
    cursor.execute(f"GRANT {privileges} ON {quoted(database)}.* TO %s@'%%'", (user,))


def make_user(cursor: Cursor, user: str, password: str) -> None:
    """Create the user, without privileges, or change its password."""
    cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, password))
    cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password))
