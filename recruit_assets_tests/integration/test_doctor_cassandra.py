"""Faults of keyspace, stored settings and change feed on a real Cassandra: doctor finds each in its line."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.contract.tables import EVENT_CHANGES, RAW_EVENTS, RETENTION
from recruit_assets.observability.doctor import State
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.schema import complete_cassandra_tables
from recruit_assets.stores.cassandra.session import index_name, open_session, quoted
from recruit_assets_tests.conftest import fresh_names
from recruit_assets_tests.support.builders import uuid1_at
from recruit_assets_tests.support.cleanup import drop_database, drop_topics
from recruit_assets_tests.support.doctor import CLOSED, Fault, changed, expect, look_at, wrong
from recruit_assets_tests.support.keyspace import SharedKeyspace


@pytest.fixture(scope="module")
def installed(engines: Settings, keyspace: SharedKeyspace) -> Iterator[Settings]:
    """An installation that the tests of this file leave as it is."""
    settings = changed(fresh_names(engines), cassandra_keyspace=keyspace.name)
    keyspace.prepare(settings)
    yield settings
    drop_topics(settings)
    drop_database(settings)


@pytest.fixture
def emptied(installed: Settings) -> Iterator[Settings]:
    """The installation for tests that write to these two tables."""
    yield installed
    with open_session(installed) as session:
        for table in (EVENT_CHANGES, RETENTION):
            session.execute(f"TRUNCATE {session.table(table)}")


def a_change_in_an_hour(settings: Settings) -> None:
    """A row of the change feed, written while the clock was ahead."""
    at = datetime.now(UTC) + timedelta(hours=1)
    with open_session(settings) as session:
        session.execute(
            f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, row_count) "
            "VALUES (%s, 0, %s, '2026-01-05 07:00:00+0000', 1)",
            (at.date(), uuid1_at(at)),
        )


def a_retention_of_90_days(settings: Settings) -> None:
    with open_session(settings) as session:
        session.execute(
            f"INSERT INTO {session.table(RETENTION)} (stored_at, days) VALUES ('2026-01-05 07:00:00+0000', 90)"
        )


FAULTS = {
    "Cassandra is down": Fault("reachable", "FAIL", "Cassandra doesn't answer", change={"cassandra_port": CLOSED}),
    "another datacenter is asked for": Fault(
        "reachable",
        "FAIL",
        "has no datacenter elsewhere, only datacenter1",
        change={"cassandra_datacenter": "elsewhere"},
    ),
    "the keyspace is missing": Fault(
        "keyspace", "FAIL", "keyspace nowhere doesn't exist", change={"cassandra_keyspace": "nowhere"}
    ),
    "fewer replicas than the setting": Fault(
        "keyspace",
        "WARN",
        "has datacenter1:1, RECRUIT_CASSANDRA_REPLICATION asks for datacenter1:3",
        change={"cassandra_replication": "3"},
    ),
    "the retention isn't in force": Fault(
        "retention",
        "WARN",
        "RECRUIT_RETENTION_DAYS is 30, but the schema has 0: it isn't in force",
        change={"retention_days": 30},
    ),
    "another privacy mode is in force": Fault(
        "privacy", "FAIL", "RECRUIT_PRIVACY is drop, but this installation has keep", change={"privacy": "drop"}
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_cassandra_is_found_in_its_line(fault: Fault, installed: Settings) -> None:
    expect(fault, installed, "Cassandra")


STORED = {
    "changes lie in the future": Fault(
        "change feed",
        "WARN",
        "1 hour with changes in the future, first 2026-01-05 07:00 UTC",
        a_change_in_an_hour,
    ),
    "another retention is in force": Fault(
        "retention",
        "FAIL",
        "RECRUIT_RETENTION_DAYS is 30, but the schema of keyspace",
        a_retention_of_90_days,
        {"retention_days": 30},
    ),
}


@pytest.mark.parametrize("fault", STORED.values(), ids=STORED)
def test_a_fault_of_what_is_stored_is_found_in_its_line(fault: Fault, emptied: Settings) -> None:
    expect(fault, emptied, "Cassandra")


def test_a_missing_index_on_uid_is_found(installed: Settings) -> None:
    """Without it, the privacy commands refuse to work."""
    with open_session(installed) as session:
        session.execute(f"DROP INDEX {quoted(session.keyspace)}.{index_name(RAW_EVENTS, 'uid')}")
        try:
            expect(Fault("person index", "FAIL", "raw_events has no index on uid: run"), installed, "Cassandra")
        finally:
            complete_cassandra_tables(session, installed)


TABLES = {
    "no table is there": ("", "raw_events is missing"),
    "a column has another type": (
        "CREATE TABLE {}.raw_events (event_hour timestamp PRIMARY KEY, bucket text)",
        "column bucket: wanted (type, kind, position) ('int', 'partition_key', 1), found ('text', 'regular', -1)",
    ),
}


@pytest.mark.parametrize(("statement", "found"), TABLES.values(), ids=TABLES)
def test_tables_that_are_missing_or_different_are_found(statement: str, found: str, installed: Settings) -> None:
    own = fresh_names(installed)
    name = quoted(own.cassandra_keyspace)
    with open_session(installed) as session:
        session.execute(
            f"CREATE KEYSPACE {name} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}}"
        )
        if statement:
            session.execute(statement.format(name))
    try:
        expect(Fault("tables", "FAIL", found), own, "Cassandra")
    finally:
        with open_session(installed) as session:
            session.execute(f"DROP KEYSPACE {name}")


def test_a_new_keyspace_is_as_it_should_be(installed: Settings) -> None:
    findings = look_at(installed, "Cassandra")

    assert wrong(findings) == {}
    assert {one.verdict.state for one in findings} == {State.OK}
