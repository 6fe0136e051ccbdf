"""MySQL or MariaDB: the server, the report database's schema, and how current the report is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from recruit_assets.observability.doctor.decisions import clocks, schema, versions
from recruit_assets.observability.doctor.decisions import mysql as decisions
from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, ok
from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets.stores.mysql.schema import require_first_hour
from recruit_assets.stores.mysql.server import ServerReader, open_server
from recruit_assets.stores.mysql.wrong_hours import checks_with_wrong_hours

DATABASE, VERSION, TABLES = "database", "schema version", "tables"


@dataclass(frozen=True, slots=True)
class MySqlReadings:
    """The server by itself, and the report database as the platform opens it."""

    settings: Settings
    server: ServerReader
    database: ReportDatabase

    @property
    def hours(self) -> PendingHours:
        return PendingHours(self.database)


def mysql(settings: Settings, *, remedy: str) -> Subject[MySqlReadings]:
    @contextmanager
    def opened() -> Iterator[MySqlReadings]:
        with open_server(settings) as server, open_report_database(settings) as database:
            yield MySqlReadings(settings, server, database)

    return Subject("MySQL", opened, CHECKS, remedy)


def _reachable(mysql: MySqlReadings) -> Verdict:
    settings = mysql.settings
    return ok(f"{host_port(settings.mysql_host, settings.mysql_port)}, as user {settings.mysql_user}")


def _version(mysql: MySqlReadings) -> Verdict:
    found = mysql.server.server().version
    return versions.version(versions.sql_store(found), found)


def _clock(mysql: MySqlReadings) -> Verdict:
    before = datetime.now(UTC)
    theirs = mysql.server.now()
    return clocks.clock("MySQL", clocks.ClockReading(theirs, before, datetime.now(UTC)))


def _first_hour(mysql: MySqlReadings) -> Verdict:
    wanted = mysql.settings.first_hour
    require_first_hour(mysql.server.first_hour(), wanted)
    return ok(f"the report begins at {wanted:%Y-%m-%d %H:%M} UTC")


def _database(mysql: MySqlReadings) -> Verdict:
    return decisions.database(mysql.settings.mysql_database, exists=mysql.server.enter_database())


def _change_feed(mysql: MySqlReadings) -> Verdict:
    return decisions.change_feed(mysql.hours.checkpoint(), now=mysql.hours.now())


def _covered_ahead(mysql: MySqlReadings) -> Verdict:
    return decisions.covered_ahead(mysql.hours.covered_ahead(mysql.hours.now()))


def _waiting_hours(mysql: MySqlReadings) -> Verdict:
    return decisions.waiting_hours(mysql.hours.load(), now=mysql.hours.now())


CHECKS: tuple[Check[MySqlReadings], ...] = (
    Check("reachable", _reachable),
    Check("version", _version),
    Check("server settings", lambda mysql: decisions.server(mysql.server.server())),
    Check("clock", _clock),
    Check(DATABASE, _database),
    Check(VERSION, lambda mysql: schema.version(mysql.server.schema_version()), needs=(DATABASE,)),
    Check(TABLES, lambda mysql: schema.tables(mysql.server.differences()), needs=(VERSION,)),
    Check("first hour", _first_hour, needs=(TABLES,)),
    Check("change feed", _change_feed, needs=(TABLES,)),
    Check("coverage", _covered_ahead, needs=(TABLES,)),
    Check("pending hours", _waiting_hours, needs=(TABLES,)),
    Check("failing hours", lambda mysql: decisions.failing_hours(mysql.hours.load()), needs=(TABLES,)),
    Check(
        "wrong hours",
        lambda mysql: decisions.wrong_hours(checks_with_wrong_hours(mysql.database)),
        needs=(TABLES,),
    ),
)
