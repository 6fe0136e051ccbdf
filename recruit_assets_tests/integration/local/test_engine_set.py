"""The real engines. These tests stop, kill and block them, so they use engines of their own.

The fixture `running` starts what the previous test left stopped or dead.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pymysql
import pytest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import RoundRobinPolicy
from filelock import FileLock
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from recruit_assets.local.engines.engine import EngineName, EngineState
from recruit_assets.local.engines.engine_set import LocalEngines
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import ENDPOINTS_FILE, Settings, load_settings
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets_tests.support.command import RECRUIT_ASSETS
from recruit_assets_tests.support.waiting import wait_until

FOUR_GIB = 4 * 1024**3
OPTIMIZED_CODE = 3 * 192 * 1024**2
"""What the code caches of the three JVMs may grow by where they aren't short-lived: from 48 MiB to 240 each."""
LARGE_RECORD = os.urandom(5 * 1024 * 1024 + 1)
ODD_NAME = 'it\'s "a" state, dir #1 %s $HOME {x} y] ~\\ größe 🎉'
ENGINES_COMMAND = (*RECRUIT_ASSETS, "engines")


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngines]:
    """Engines in a folder whose name needs quoting in shells and in every kind of configuration file."""
    state_dir = tmp_path_factory.mktemp("engines") / ODD_NAME
    # the optimizing compiler costs more than it gives code that runs for a minute
    engines = LocalEngines(load_settings(state_dir=state_dir), short_lived=True)
    yield engines
    engines.stop()
    assert processes_of(state_dir) == []


@pytest.fixture
def running(local: LocalEngines) -> Settings:
    local.start()
    return load_settings(state_dir=local.state_dir)


def processes_of(state_dir: Path) -> list[psutil.Process]:
    """All processes with this state directory in their arguments."""
    return [each for each in psutil.process_iter(["cmdline"]) if str(state_dir) in " ".join(each.info["cmdline"] or [])]


def pids(local: LocalEngines) -> dict[EngineName, int | None]:
    return {each.name: each.pid for each in local.status()}


def states(local: LocalEngines) -> dict[EngineName, EngineState]:
    return {each.name: each.state for each in local.status()}


def mysql(settings: Settings) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    password = settings.mysql_password.get_secret_value()
    return pymysql.connect(
        host=settings.mysql_host, port=settings.mysql_port, user=settings.mysql_user, password=password, autocommit=True
    )


def cassandra(settings: Settings) -> tuple[Cluster, Session]:
    cluster = Cluster(
        [settings.cassandra_hosts],
        port=settings.cassandra_port,
        protocol_version=5,
        auth_provider=PlainTextAuthProvider(settings.cassandra_user, settings.cassandra_password.get_secret_value()),
        execution_profiles={EXEC_PROFILE_DEFAULT: ExecutionProfile(RoundRobinPolicy())},
    )
    return cluster, cluster.connect()


def test_started_engines_are_running_at_the_addresses_in_the_settings(local: LocalEngines, running: Settings) -> None:
    assert set(states(local).values()) == {EngineState.RUNNING}
    assert {f"127.0.0.1:{each.port}" for each in local.status() if each.port} == {
        running.kafka_bootstrap,
        f"{running.cassandra_hosts}:{running.cassandra_port}",
        f"{running.mysql_host}:{running.mysql_port}",
    }
    assert Path(running.spark_gateway).stat().st_mode & 0o777 == 0o600


def test_starting_again_changes_nothing(local: LocalEngines, running: Settings) -> None:
    before = pids(local)

    local.start()

    assert pids(local) == before
    assert load_settings(state_dir=local.state_dir) == running


def test_engines_listen_on_this_machine_only(local: LocalEngines, running: Settings) -> None:
    connections = [each for pid in pids(local).values() for each in psutil.Process(pid).net_connections("inet")]
    listening = {each.laddr.ip.removeprefix("::ffff:") for each in connections if each.status == psutil.CONN_LISTEN}

    assert listening == {"127.0.0.1"}


def test_the_password_is_only_in_private_files(local: LocalEngines, running: Settings) -> None:
    password = running.mysql_password.get_secret_value()
    holding = [path for path in local.state_dir.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]

    assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}
    assert {path.name for path in holding} == {ENDPOINTS_FILE, "password", "init.sql"}
    assert not [each for each in processes_of(local.state_dir) if password in " ".join(each.cmdline())]
    assert not [each for each in processes_of(local.state_dir) if password in " ".join(each.environ().values())]


def test_only_our_user_can_log_in_to_mariadb_over_the_network(running: Settings) -> None:
    with mysql(running) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT user, plugin FROM mysql.user WHERE user <> 'mariadb.sys' AND host <> 'localhost'")
        assert cursor.fetchall() == (("recruit", "mysql_native_password"),)
        cursor.execute("SELECT count(*) FROM mysql.user WHERE user = ''")
        assert cursor.fetchall() == ((0,),)
    for user in ("root", ""):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            pymysql.connect(host=running.mysql_host, port=running.mysql_port, user=user, password="")


def test_no_statement_writes_a_file_that_others_could_run(running: Settings, tmp_path: Path) -> None:
    with mysql(running) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@secure_file_priv")
        assert cursor.fetchone() == (f"{running.state_dir / 'engines' / 'mariadb' / 'tmp'}/",)
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            cursor.execute(f"SELECT 1 INTO OUTFILE '{tmp_path / 'cron'}'")


def test_mariadb_is_strict_and_durable_and_uses_utc_and_unicode(running: Settings) -> None:
    with mysql(running) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%', @@innodb_flush_log_at_trx_commit, @@global.time_zone,"
            " @@character_set_server, left(version(), 5)"
        )
        assert cursor.fetchall() == ((1, 1, "+00:00", "utf8mb4", "11.4."),)


def test_cassandra_acknowledges_only_what_is_on_disk(running: Settings) -> None:
    """With the default commit log, kill -9 lost 441 of 20,000 acknowledged rows."""
    names = ("commitlog_sync", "commitlog_sync_group_window")
    cluster, session = cassandra(running)
    found = [session.execute("SELECT value FROM system_views.settings WHERE name = %s", [name]) for name in names]
    cluster.shutdown()

    assert [value for rows in found for (value,) in rows] == ["group", "10ms"]


def test_the_set_stays_within_4_gib(local: LocalEngines, running: Settings) -> None:
    assert sum(each.rss_bytes or 0 for each in local.status()) < FOUR_GIB - OPTIMIZED_CODE


def test_acknowledged_data_survives_kill_9_of_every_engine(local: LocalEngines, running: Settings) -> None:
    acknowledged = write_everywhere(running)
    lines: list[str] = []

    for name in EngineName:
        local.kill_one(name)
    assert set(states(local).values()) == {EngineState.DEAD}
    local.start(lines.append)

    assert read_everywhere(running) == acknowledged
    assert sorted(line.split(":")[0] for line in lines if "had died" in line) == sorted(EngineName)


def write_everywhere(settings: Settings) -> dict[str, object]:
    """Write to each engine; returns what `read_everywhere` must find."""
    with KafkaAdminClient(**connection_options(settings)) as admin:
        admin.create_topics([NewTopic("durable", num_partitions=1, replication_factor=1)])
    producer = KafkaProducer(**connection_options(settings), acks="all", max_request_size=8 * 1024 * 1024)
    producer.send("durable", LARGE_RECORD).get(30)
    producer.close()
    cluster, session = cassandra(settings)
    session.execute("CREATE KEYSPACE durable WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    session.execute("CREATE TABLE durable.rows (id int PRIMARY KEY)")
    insert = session.prepare("INSERT INTO durable.rows (id) VALUES (?)")
    for pending in [session.execute_async(insert, [number]) for number in range(500)]:
        pending.result()
    cluster.shutdown()
    with mysql(settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE durable")
        cursor.execute("CREATE TABLE durable.rows (text varchar(32))")
        cursor.execute("INSERT INTO durable.rows VALUES ('grüße 🎉')")
    return {"kafka": LARGE_RECORD, "cassandra": 500, "mariadb": "grüße 🎉"}


def read_everywhere(settings: Settings) -> dict[str, object]:
    consumer = KafkaConsumer(**connection_options(settings), auto_offset_reset="earliest", consumer_timeout_ms=30_000)
    consumer.assign([TopicPartition("durable", 0)])
    record = next(consumer).value
    consumer.close()
    cluster, session = cassandra(settings)
    ((rows,),) = session.execute("SELECT count(*) FROM durable.rows")
    cluster.shutdown()
    with mysql(settings) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT text FROM durable.rows")
        ((text,),) = cursor.fetchall()
    return {"kafka": record, "cassandra": rows, "mariadb": text}


def test_an_error_about_a_port_in_use_names_the_other_program(local: LocalEngines, running: Settings) -> None:
    local.stop_one("mariadb")
    taken = rf"port {running.mysql_port} of mariadb is in use by .* \(pid {os.getpid()}\): stop that program"

    with socket.create_server(("127.0.0.1", running.mysql_port)), pytest.raises(UserError, match=taken):
        local.start()

    assert states(local)[EngineName.MARIADB] is EngineState.STOPPED
    assert states(local)[EngineName.KAFKA] is EngineState.RUNNING


def test_a_second_command_waits_for_the_first(local: LocalEngines, running: Settings) -> None:
    lines: list[str] = []
    with FileLock(local.state_dir / "engines" / ".lock"):
        second = threading.Thread(target=local.start, args=(lines.append,))
        second.start()
        wait_until(lambda: lines, 10, what="the second command's message")
    second.join(60)

    assert lines[0] == "waiting for another `engines` command in this state directory"
    assert set(states(local).values()) == {EngineState.RUNNING}


def test_ports_and_password_stay_the_same_after_a_restart(local: LocalEngines, running: Settings) -> None:
    local.stop_one("mariadb")
    local.start_one("mariadb")

    assert load_settings(state_dir=local.state_dir) == running


def test_stopped_engines_leave_no_processes_and_no_addresses(local: LocalEngines, running: Settings) -> None:
    local.stop()

    assert processes_of(local.state_dir) == []
    assert set(states(local).values()) == {EngineState.STOPPED}
    assert load_settings(state_dir=local.state_dir).kafka_bootstrap == ""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_start_stops_what_it_started(ending: signal.Signals, tmp_path: Path) -> None:
    environment = dict(os.environ, RECRUIT_STATE_DIR=str(tmp_path))
    with subprocess.Popen([*ENGINES_COMMAND, "start"], env=environment, stderr=subprocess.PIPE, text=True) as command:
        assert command.stderr is not None
        lines = iter(command.stderr.readline, "")
        assert "cassandra: starting\n" in lines
        command.send_signal(ending)
        rest = command.stderr.read()

    assert "Traceback" not in rest
    assert "cassandra: stopping\n" in rest
    assert command.returncode == 130
    assert processes_of(tmp_path) == []


def test_a_state_directory_of_another_user_is_a_user_error(
    local: LocalEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)

    for act in (local.stop, local.status):
        with pytest.raises(UserError, match=r"can't read .*ports\.json as this user: Permission denied"):
            act()


def test_a_copied_state_directory_leaves_the_engines_of_the_original_alone(
    local: LocalEngines, running: Settings, tmp_path: Path
) -> None:
    for file in (ENDPOINTS_FILE, "engines/ports.json", *(f"engines/{name}/process.json" for name in EngineName)):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(local.state_dir / file, tmp_path / file)
    before = pids(local)
    copy = LocalEngines(load_settings(state_dir=tmp_path), short_lived=True)

    assert set(states(copy).values()) == {EngineState.STOPPED}
    copy.stop()
    copy.start_one("mariadb")
    copy.stop()

    assert pids(local) == before
    assert load_settings(state_dir=tmp_path).kafka_bootstrap == ""


def test_the_status_command_fails_unless_all_engines_are_running(tmp_path: Path) -> None:
    environment = dict(os.environ, RECRUIT_STATE_DIR=str(tmp_path))

    done = subprocess.run([*ENGINES_COMMAND, "status"], env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:]] == [[name, "stopped"] for name in EngineName]
    assert list(tmp_path.iterdir()) == []
