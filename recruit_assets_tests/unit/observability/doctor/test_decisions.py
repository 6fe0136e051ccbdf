"""Faults that a test can't make on this machine or on a shared engine: each is told from what is right."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from recruit_assets.local.engine_checks import engine
from recruit_assets.local.engines.engine import EngineName, EngineState, EngineStatus
from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.observability.doctor.decisions import (
    cassandra,
    clocks,
    dagster,
    kafka,
    machine,
    mysql,
    settings,
    versions,
)
from recruit_assets.observability.doctor.verdict import State, Verdict
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.cluster import Nodes
from recruit_assets.stores.dagster.history import LastCheck, LastRun
from recruit_assets.stores.kafka.cluster import TopicLayout
from recruit_assets.stores.mysql.server import Server

NOW = datetime(2026, 1, 5, 7, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
HERE = Path("/state")
GIB = 1024**3
GOOD_SERVER = Server("9.7.4", read_only=False, binlog_format="ROW", max_allowed_packet=64 * 1024**2)
LOCAL = {"kafka_bootstrap": "127.0.0.1:9092", "cassandra_hosts": "127.0.0.1", "mysql_host": "127.0.0.1"}


def at(offset: timedelta, *, took: timedelta = SECOND) -> Verdict:
    """A clock that is this far ahead in the middle of the request."""
    return clocks.clock("Cassandra", clocks.ClockReading(NOW + took / 2 + offset, NOW, NOW + took))


def a_disk(free: float, *, free_inodes: int = 900, inodes: int = 1000) -> Verdict:
    return machine.disk(HERE, free_bytes=round(free), free_inodes=free_inodes, inodes=inodes)


def a_folder(*, may_write: bool = True, others_may_write: bool = False) -> Verdict:
    return machine.folder(
        HERE, exists=True, may_write=may_write, others_may_write=others_may_write, variable="RECRUIT_STATE_DIR"
    )


def given(**values: object) -> Settings:
    """Settings of local engines, whatever the environment of this test has."""
    secrets = {name: SecretStr(str(value)) for name, value in values.items() if name.endswith(("_password", "_key"))}
    return Settings.model_construct().model_copy(update=LOCAL | values | secrets)


def a_server(**values: object) -> Verdict:
    return mysql.server(Server(**{name: getattr(GOOD_SERVER, name) for name in Server.__slots__} | values))


def an_engine(state: EngineState, note: str = "") -> Verdict:
    return engine(EngineStatus(EngineName.KAFKA, state, HERE / "log", 9092, pid=7, note=note))


def a_layout(**values: tuple[int, ...]) -> TopicLayout:
    return TopicLayout(partitions=(0, 1), replicas=1, **values)


def a_run(*, succeeded: bool) -> LastRun:
    return LastRun("lineage_job", succeeded=succeeded, ended_at=NOW, seconds=1)


def a_check(*, passed: bool) -> LastCheck:
    return LastCheck("mysql_report", "counts_every_event", passed=passed, evaluated_at=NOW)


def an_audit(*broken: str) -> LastAudit:
    return LastAudit(ended_at=NOW, records=1, rules=9, broken=broken)


WRONG = {
    "another Python": (machine.python_version("3.10.4", ">=3.11,<3.13"), "FAIL", "Python 3.10.4, but wanted is >=3.11"),
    "another version of a client": (
        machine.clients({"pymysql": "1.1.0"}, {"pymysql": "1.2.4"}),
        "WARN",
        "pymysql 1.1.0, checked with 1.2.4",
    ),
    "a client that is missing": (machine.clients({}, {"pymysql": "1.2.4"}), "WARN", "pymysql is missing"),
    "a Java that doesn't run": (machine.java(HERE, 1, "Error: no libjvm.so\n"), "FAIL", "no libjvm.so"),
    "too little memory": (
        machine.memory(2 * GIB, 2 * GIB, has_local_engines=True),
        "FAIL",
        "2.0 GiB, 2.0 available; the local engines need 3.5 GiB",
    ),
    "hardly any free memory": (
        machine.memory(8 * GIB, GIB // 10, has_local_engines=False),
        "WARN",
        "8.0 GiB, 0.1 available",
    ),
    "a folder that can't be written": (a_folder(may_write=False), "FAIL", "this user can't write to /state"),
    "a folder that others can write": (a_folder(others_may_write=True), "WARN", "others can write to /state"),
    "a full disk": (a_disk(1e6), "FAIL", "0.0 GB free on the disk of /state"),
    "a disk that is nearly full": (a_disk(1e9), "WARN", "1.0 GB free on the disk of /state"),
    "a disk without free inodes": (a_disk(1e12, free_inodes=3), "WARN", "only 3 of 1,000 files"),
    "a clock that is ahead": (at(90 * SECOND), "FAIL", "Cassandra's clock is 89.5 s ahead of this machine's"),
    "a clock that is behind": (at(-90 * SECOND), "FAIL", "Cassandra's clock is 89.5 s behind this machine's"),
    "a clock that is off by some seconds": (at(8 * SECOND), "WARN", "Cassandra's clock is 7.5 s ahead"),
    "an old MySQL": (versions.version("MySQL", "8.0.36"), "WARN", "MySQL 8.0.36, older than 8.4"),
    "an old MariaDB": (versions.version("MariaDB", "10.6.1-MariaDB-log"), "WARN", "older than 10.11"),
    "an old Cassandra": (versions.version("Cassandra", "4.1.3"), "WARN", "Cassandra 4.1.3, older than 5.0"),
    "an old Kafka": (versions.version("Kafka", "3.9"), "WARN", "Kafka 3.9, older than 4.0"),
    "nodes of different versions": (versions.version("Cassandra", "5.0.9", "5.1.0"), "WARN", "different versions"),
    "a partition without a leader": (
        kafka.replicas(a_layout(without_leader=(1,)), wanted=1, brokers=1),
        "FAIL",
        "partitions 1 have no leader",
    ),
    "replicas that aren't in sync": (
        kafka.replicas(a_layout(behind=(0, 1)), wanted=1, brokers=2),
        "WARN",
        "partitions 0, 1 have replicas that aren't in sync",
    ),
    "a node that is down": (
        cassandra.nodes(Nodes(("5.0.9",), count=3, down=("10.0.0.2",))),
        "WARN",
        "1 of 3 nodes don't answer: 10.0.0.2",
    ),
    "a keyspace of a simple strategy": (
        cassandra.replication({}, {"datacenter1": 1}, keyspace="recruit"),
        "WARN",
        "a strategy without datacenters",
    ),
    "an index that doesn't answer": (
        cassandra.unanswering_index("Cassandra doesn't answer (SELECT ...)"),
        "FAIL",
        "a person's events can't be found: Cassandra doesn't answer",
    ),
    "a server that is read-only": (a_server(read_only=True), "FAIL", "read_only is on"),
    "a server with binlog_format STATEMENT": (
        a_server(binlog_format="STATEMENT"),
        "FAIL",
        "binlog_format is STATEMENT",
    ),
    "a server with small packets": (a_server(max_allowed_packet=65536), "FAIL", "max_allowed_packet is 65536"),
    "a failed asset check": (
        dagster.last_checks([a_check(passed=False)]),
        "FAIL",
        "counts_every_event of mysql_report",
    ),
    "a failed run": (
        dagster.last_runs([a_run(succeeded=False)]),
        "FAIL",
        "the last run failed of lineage_job (2026-01-05",
    ),
    "an audit that wasn't exact": (dagster.last_audit(an_audit("events")), "WARN", "wasn't exact: events"),
    "a daemon of which a part is silent": (
        dagster.daemon({"SENSOR": NOW - HOUR, "SCHEDULER": NOW}, now=NOW),
        "FAIL",
        "Dagster's daemon is silent: no heartbeat of SENSOR",
    ),
    "an engine that died": (
        an_engine(EngineState.DEAD, "not enough memory"),
        "FAIL",
        "dead: not enough memory (log: /state/log)",
    ),
    "an engine that is stopped": (an_engine(EngineState.STOPPED), "FAIL", "stopped"),
    "an engine that is paused": (an_engine(EngineState.PAUSED), "FAIL", "paused"),
    "an engine on a full disk": (an_engine(EngineState.RUNNING, "the disk is full"), "FAIL", "the disk is full"),
    "a misspelt setting": (
        settings.names({"RECRUIT_KAFKA_BOOTSTRP", "PATH"}),
        "WARN",
        "RECRUIT_KAFKA_BOOTSTRP isn't a setting (is it RECRUIT_KAFKA_BOOTSTRAP?)",
    ),
    "a setting that doesn't exist": (settings.names({"RECRUIT_ZOO"}), "WARN", "RECRUIT_ZOO isn't a setting"),
    "no address and no local engine": (
        settings.addresses(given(kafka_bootstrap="", cassandra_hosts=""), {}),
        "FAIL",
        "RECRUIT_KAFKA_BOOTSTRAP, RECRUIT_CASSANDRA_HOSTS not set",
    ),
    "one store elsewhere, the others local": (
        settings.addresses(given(kafka_bootstrap="kafka:9092"), LOCAL),
        "WARN",
        "RECRUIT_KAFKA_BOOTSTRAP names another server",
    ),
    "analysts with the platform's login": (
        settings.logins(given(mysql_user="recruit", analyst_user="recruit", analyst_password="secret")),
        "FAIL",
        "RECRUIT_ANALYST_USER and RECRUIT_MYSQL_USER are both recruit",
    ),
    "one password for operators and viewers": (
        settings.logins(given(ui_operator_password="secret", ui_viewer_password="secret")),
        "WARN",
        "are the same",
    ),
    "a UI for other machines without a login": (
        settings.logins(given(ui_hosts="dagster.example.com")),
        "WARN",
        "the UI asks for no login",
    ),
    "two Sparks": (
        settings.spark(given(spark_remote="sc://spark:15002", spark_master="spark://spark:7077")),
        "WARN",
        "the master is not used",
    ),
    "a key without pseudonyms": (
        settings.privacy_key(given(privacy_key="0123456789abcdef")),
        "WARN",
        "RECRUIT_PRIVACY is keep: nothing is pseudonymised",
    ),
}

RIGHT = {
    "Python": machine.python_version("3.11.9", ">=3.11,<3.13"),
    "a new Python": machine.python_version("3.12.1", ">=3.11,<3.13"),
    "clients": machine.clients({"pymysql": "1.2.4"}, {"pymysql": "1.2.4"}),
    "Java": machine.java(HERE, 0, 'openjdk version "17.0.9"'),
    "memory": machine.memory(8 * GIB, 4 * GIB, has_local_engines=True),
    "a small machine without engines": machine.memory(GIB, GIB * 3 // 4, has_local_engines=False),
    "a small container": machine.memory(GIB // 4, GIB // 4, has_local_engines=False),
    "a folder": a_folder(),
    "a disk": a_disk(50e9),
    "a file system without a number of inodes": a_disk(50e9, free_inodes=0, inodes=0),
    "a clock": at(3 * SECOND),
    "a clock that took long to answer": at(20 * SECOND, took=60 * SECOND),
    "the newest record": clocks.newest_record(NOW - HOUR, now=NOW),
    "an empty topic": clocks.newest_record(None, now=NOW),
    "MariaDB": versions.version("MariaDB", "11.4.5-MariaDB"),
    "MySQL": versions.version("MySQL", "8.4.0"),
    "Kafka": versions.version("Kafka", "4.3"),
    "replicas": kafka.replicas(a_layout(), wanted=1, brokers=1),
    "a server": mysql.server(GOOD_SERVER),
    "a retention": cassandra.retention(90, wanted=90),
    "a server without a binary log": a_server(binlog_format=""),
    "a daemon": dagster.daemon({"SENSOR": NOW - 60 * SECOND}, now=NOW),
    "a run": dagster.last_runs([a_run(succeeded=True)]),
    "no run": dagster.last_runs([]),
    "a check": dagster.last_checks([a_check(passed=True)]),
    "an audit": dagster.last_audit(an_audit()),
    "an engine": an_engine(EngineState.RUNNING),
    "settings of ours": settings.names(
        {"RECRUIT_TIMEZONE", "RECRUIT_ACCOUNT_OWNER", "RECRUIT_TEST_STATE_DIR", "RECRUIT_DOCKER_NETWORK", "HOME"}
    ),
    "local engines": settings.addresses(given(), LOCAL),
    "other engines": settings.addresses(given(), {}),
    "all stores elsewhere while local engines run": settings.addresses(
        given(kafka_bootstrap="k:1", cassandra_hosts="c", mysql_host="m", mysql_tls_ca="off"), LOCAL
    ),
    "logins": settings.logins(given(ui_operator_password="a", ui_viewer_password="b", ui_hosts="h")),
    "a cluster": settings.spark(given(spark_master="spark://spark:7077")),
    "a key": settings.privacy_key(given(privacy_key="0123456789abcdef", privacy="pseudonymise")),
}

NOT_LOOKED_AT = {
    "no daemon has ever run": dagster.daemon({"SENSOR": None}, now=NOW),
    "no audit has ever run": dagster.last_audit(None),
    "a store that doesn't tell its time": clocks.clock("Kafka", None),
    "engines elsewhere": engine(None),
    "a platform that needn't run engines": machine.not_local("the platform"),
}


@pytest.mark.parametrize(("verdict", "state", "text"), WRONG.values(), ids=WRONG)
def test_a_fault_is_found_and_the_line_says_what_to_do(verdict: Verdict, state: str, text: str) -> None:
    assert verdict.state == state
    assert text in verdict.found
    assert verdict.remedy
    assert "secret" not in verdict.found + verdict.remedy


@pytest.mark.parametrize("verdict", RIGHT.values(), ids=RIGHT)
def test_what_is_right_is_ok(verdict: Verdict) -> None:
    assert (verdict.state, verdict.remedy) == (State.OK, "")
    assert verdict.found


@pytest.mark.parametrize("verdict", NOT_LOOKED_AT.values(), ids=NOT_LOOKED_AT)
def test_what_cannot_be_looked_at_is_neither_right_nor_wrong(verdict: Verdict) -> None:
    assert verdict.state is State.SKIPPED
    assert verdict.found
