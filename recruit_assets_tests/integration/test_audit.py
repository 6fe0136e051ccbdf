"""The audit on the real engines: an untouched history is exact, and every manipulation is found and named.

Making a history takes seconds, so all tests share one; each restores what it changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from kafka.structs import TopicPartition
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from recruit_assets.cli.main import app
from recruit_assets.contract.dead_letters import DeadLetter, DeadLetterReason, Origin
from recruit_assets.contract.tables import HOUR_COVERAGE, MYSQL_REPORT, RAW_EVENTS
from recruit_assets.ingest.dead_letters import Selection, list_dead_letters, replay_dead_letters
from recruit_assets.ingest.service import drain
from recruit_assets.observability.audit import AuditResult, run_audit
from recruit_assets.runtime.settings import Settings, as_environment
from recruit_assets.simulator.jobs import dimension_rows, site_jobs
from recruit_assets.simulator.publish import simulate_to_kafka
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets.stores.cassandra.audit_reads import newest_changes
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.clients import open_admin, open_producer
from recruit_assets.stores.kafka.dead_letter_topic import headers_of
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.dimensions import load_jobs
from recruit_assets.stores.mysql.lookups import refresh_lookups_completely
from recruit_assets.stores.schema import apply_schema
from recruit_assets.stores.spark.frames import CassandraFrames
from recruit_assets_tests.conftest import fresh_names, sees
from recruit_assets_tests.support.builders import an_event, as_bytes, uuid1_at
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.table_harness import FilteredEvents, HourlyJobMetrics, MySqlReport
from recruit_assets_tests.support.waiting import wait_until

START = datetime(2026, 1, 5, 6, tzinfo=UTC)
RECORDS = 1_500
SPEC = SimulationSpec(
    events=RECORDS, seed=11, start=START, end=START + timedelta(hours=4), late_hours=3, malformed_share=0.03, jobs=20
)


@dataclass(frozen=True, slots=True)
class History:
    """A simulation that went through the whole lineage."""

    settings: Settings
    session: CassandraSession
    database: ReportDatabase
    ledger: Path

    def audit(self) -> AuditResult:
        return run_audit(self.settings, ledger=self.ledger)

    def reported(self, where: str = "TRUE") -> tuple[int, int]:
        """Rows of the report, and the events that they count."""
        counts = "clicks + conversion + qualified_application + disqualified_application"
        ((rows, events),) = self.database.query(f"SELECT COUNT(*), SUM({counts}) FROM mysql_report WHERE {where}")
        return rows, int(events)


@pytest.fixture(scope="module")
def history(engines: Settings, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    settings = fresh_names(engines)
    apply_schema(settings)
    ledger = tmp_path_factory.mktemp("audit") / "ledger.json"
    simulate_to_kafka(settings, SPEC).write(ledger)
    drain(settings)
    with open_session(settings) as session, open_report_database(settings) as database:
        frames = CassandraFrames(spark, settings)
        wait_until(lambda: sees(frames, HOUR_COVERAGE), timeout_s=30, what="the new keyspace in Spark's metadata")
        materialize(session, database, frames)
        yield History(settings, session, database, ledger)
    drop_everything(settings)


def materialize(session: CassandraSession, database: ReportDatabase, frames: CassandraFrames) -> None:
    """Publish every changed hour, after waiting until no change is too new to be covered."""
    changes = newest_changes(session)
    settled_ms = max(changes.values()).timestamp() * 1000 + 5_001
    wait_until(lambda: session.now_ms() > settled_ms, timeout_s=30, what="the allowance for skewed clocks")
    for sink in (FilteredEvents, HourlyJobMetrics, MySqlReport):
        sink(session, database, frames).run(sorted(changes))


def broken(result: AuditResult) -> dict[str, tuple[int, int, int]]:
    """(expected, found, differences) of each broken rule."""
    return {one.rule: (one.expected, one.found, one.differences) for one in result.differences}


def examples(result: AuditResult, rule: str) -> tuple[str, ...]:
    return next(one.examples for one in result.results if one.rule == rule)


@contextmanager
def changed_row(history: History, key: tuple[object, ...], statement: str) -> Iterator[None]:
    """Applies the statement to a row of raw_events, and restores the row at the end."""
    table, where = history.session.table(RAW_EVENTS), "WHERE event_hour = %s AND bucket = %s AND create_time = %s"
    ((*values,),) = history.session.execute(f"SELECT {', '.join(RAW_EVENTS.column_names)} FROM {table} {where}", key)
    history.session.execute(f"{statement.format(table=table)} {where}", key)
    try:
        yield
    finally:
        markers = ", ".join(["%s"] * len(values))
        insert = f"INSERT INTO {table} ({', '.join(RAW_EVENTS.column_names)}) VALUES ({markers})"
        history.session.execute(insert, values)


@contextmanager
def changed_report(history: History, *statements: str) -> Iterator[None]:
    """Applies the statements to the report, and restores the report at the end."""
    tables = ("mysql_report", "report_hours")
    database = history.database
    for table in tables:
        database.query(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    try:
        for statement in statements:
            database.query(statement)
        yield
    finally:
        for table in tables:
            database.query(f"DELETE FROM {table}")
            database.query(f"INSERT INTO {table} SELECT * FROM kept_{table}")
            database.query(f"DROP TABLE kept_{table}")


def an_uncounted_key(history: History) -> tuple[object, ...]:
    """The key of a raw event that isn't countable."""
    columns = "event_hour, bucket, create_time, custom_track"
    rows = history.session.execute(f"SELECT {columns} FROM {history.session.table(RAW_EVENTS)}")
    return min(row[:3] for row in rows if row[3] not in {"click", "clicks", "conversion", "qualified", "unqualified"})


def test_a_corrected_job_is_a_difference_until_the_report_has_it(history: History) -> None:
    database, table = history.database, MYSQL_REPORT
    ((job, rows),) = database.query(
        "SELECT job_id, COUNT(*) FROM mysql_report WHERE company_id > 0 GROUP BY job_id ORDER BY 2 DESC LIMIT 1"
    )
    try:
        database.query("DELETE FROM job WHERE id = %s", (job,))
        assert broken(run_audit(history.settings)).keys() == {"report rows"}
        refresh_lookups_completely(database, table)

        assert broken(run_audit(history.settings)) == {}
        assert database.query("SELECT COUNT(*) FROM mysql_report WHERE job_id = %s AND company_id IS NULL", (job,)) == [
            (rows,)
        ]
    finally:
        load_jobs(database, [row for row in dimension_rows(site_jobs(SPEC.jobs)) if row.id == job])
        refresh_lookups_completely(database, table)
    assert history.audit().differences == ()


def test_an_untouched_history_is_exact(history: History) -> None:
    result = history.audit()

    assert broken(result) == {}
    assert result.exact
    assert (result.span.records, result.span.compared_from, result.span.rows_not_compared) == (RECORDS, "", 0)
    assert [one.rule for one in result.results] == [
        "unchanged topic", "Kafka lag", "records", "dead letters", "conflicts", "events", "contents", "received_at",
        "pending hours", "countable events", "report rows", "latest_update_time", "report hours", "pending days",
        "daily_job_metrics", "daily_company_metrics", "ledger: records", "ledger: events", "ledger: duplicates",
        "ledger: dead letters", "ledger: countable", "ledger: unattributed", "ledger: report rows",
    ]  # fmt: skip


def test_a_deleted_row_is_missing(history: History) -> None:
    key = an_uncounted_key(history)
    with changed_row(history, key, "DELETE FROM {table}"):
        result = history.audit()

    events = history.audit().results[5].expected
    assert broken(result) == {"events": (events, events - 1, 1)}
    (example,) = examples(result, "events")
    assert example.startswith(f"missing: raw_events hour {key[0]:%Y-%m-%d %H:%M} bucket {key[1]} create_time {key[2]}")
    assert f"sent as {history.settings.kafka_topic}/" in example


def test_a_row_without_a_record_is_unexpected(history: History) -> None:
    hour, bucket, _ = an_uncounted_key(history)
    key = (hour, bucket, UUID("00000000-0000-1000-8000-000000000001"))
    table, where = history.session.table(RAW_EVENTS), "WHERE event_hour = %s AND bucket = %s AND create_time = %s"
    history.session.execute(f"UPDATE {table} SET event_time = '2026-01-05', received_at = '2026-01-06' {where}", key)
    try:
        result = history.audit()
    finally:
        history.session.execute(f"DELETE FROM {table} {where}", key)

    events = history.audit().results[5].expected
    assert broken(result) == {"events": (events, events + 1, 1)}
    assert examples(result, "events") == (
        f"unexpected: raw_events hour {hour:%Y-%m-%d %H:%M} bucket {bucket} create_time {key[2]}, "
        "received 2026-01-06 00:00:00.000",
    )


def test_a_row_with_changed_content_is_found(history: History) -> None:
    with changed_row(history, an_uncounted_key(history), "UPDATE {table} SET ua = 'nobody'"):
        assert broken(history.audit()) == {"contents": (0, 1, 1)}


def test_a_row_with_another_received_at_is_found(history: History) -> None:
    with changed_row(history, an_uncounted_key(history), "UPDATE {table} SET received_at = '2026-01-06'"):
        assert broken(history.audit()) == {"received_at": (0, 1, 1)}


def test_a_change_that_no_run_has_read_leaves_its_hour_pending(history: History) -> None:
    table = f"{history.session.keyspace}.event_changes"
    now = datetime.now(UTC)
    key = (now.date(), 6, uuid1_at(now))
    columns = "day, shard, changed_at, event_hour, buckets, row_count"
    history.session.execute(f"INSERT INTO {table} ({columns}) VALUES (%s, %s, %s, %s, {{1}}, 1)", (*key, START))
    try:
        result = history.audit()
    finally:
        history.session.execute(f"DELETE FROM {table} WHERE day = %s AND shard = %s AND changed_at = %s", key)

    assert broken(result) == {"pending hours": (0, 1, 1)}
    assert examples(result, "pending hours")[0].startswith("2026-01-05 06:00: changed ")


def test_one_wrong_cell_of_the_report_is_found(history: History) -> None:
    with changed_report(history, "UPDATE mysql_report SET bid_set = bid_set + 0.01 ORDER BY job_id, dates LIMIT 1"):
        result = history.audit()

    rows, _ = history.reported()
    assert broken(result) == {"report rows": (rows, rows, 1), "ledger: report rows": (rows, rows, 1)}
    assert "bid_set" in examples(result, "report rows")[0]


def test_one_wrong_latest_update_time_is_found(history: History) -> None:
    later = "latest_update_time = latest_update_time + INTERVAL 1 SECOND"
    with changed_report(history, f"UPDATE mysql_report SET {later} ORDER BY job_id, dates LIMIT 1"):
        assert broken(history.audit()) == {"latest_update_time": (0, 1, 1)}


HOUR = "dates = '2026-01-05' AND hours = 7"


def test_an_hour_missing_from_the_report_is_found(history: History) -> None:
    (rows, events), (all_rows, all_events) = history.reported(HOUR), history.reported()
    gone = {
        "countable events": (all_events, all_events - events, events),
        "report rows": (all_rows, all_rows - rows, rows),
        "ledger: report rows": (all_rows, all_rows - rows, rows),
    }

    with changed_report(history, f"DELETE FROM mysql_report WHERE {HOUR}"):
        assert broken(history.audit()) == gone | {"report hours": (0, 1, 1)}
    forget = "DELETE FROM report_hours WHERE event_hour = '2026-01-05 07:00:00'"
    with changed_report(history, f"DELETE FROM mysql_report WHERE {HOUR}", forget):
        result = history.audit()
        assert broken(result) == gone | {"pending hours": (0, 1, 1)}
        assert examples(result, "countable events") == (f"2026-01-05 07:00: 0 events, expected {events}",)


def test_an_hour_reported_twice_is_found(history: History) -> None:
    (rows, events), (all_rows, all_events) = history.reported(HOUR), history.reported()
    columns = ", ".join(MYSQL_REPORT.column_names)
    copied = columns.replace("hours,", "23,")

    with changed_report(
        history, f"INSERT INTO mysql_report ({columns}) SELECT {copied} FROM mysql_report WHERE {HOUR}"
    ):
        result = history.audit()

    assert broken(result) == {
        "countable events": (all_events, all_events + events, events),
        "report rows": (all_rows, all_rows + rows, rows),
        "report hours": (0, 1, 1),
        "ledger: report rows": (all_rows, all_rows + rows, rows),
    }
    assert examples(result, "report rows")[0].startswith("unexpected: 2026-01-05 23:00, job_id ")


def test_the_command_exits_with_0_only_if_nothing_differs(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in as_environment(history.settings).items():
        monkeypatch.setenv(name, value)
    command = ["audit", "--ledger", str(history.ledger), "--json"]

    exact = CliRunner().invoke(app, command)
    with changed_report(history, "UPDATE mysql_report SET clicks = clicks + 1 ORDER BY job_id, dates LIMIT 1"):
        differing = CliRunner().invoke(app, command)

    assert (exact.exit_code, orjson.loads(exact.stdout)["exact"]) == (0, True)
    assert (differing.exit_code, orjson.loads(differing.stdout)["exact"]) == (1, False)


def send(settings: Settings, *values: bytes | None, partition: int = 0) -> None:
    producer = open_producer(settings)
    for value in values:
        producer.send(settings.kafka_topic, value, key=b"a key", partition=partition)
    producer.flush()
    producer.close()


KAFKA_RULES = ("Kafka lag", "records", "dead letters", "conflicts", "events", "contents", "received_at")


def broken_in_kafka(settings: Settings) -> dict[str, tuple[int, int, int]]:
    """Broken rules except those about the report, which these tests don't make."""
    return {rule: counts for rule, counts in broken(run_audit(settings)).items() if rule in KAFKA_RULES}


def test_uncommitted_records_are_reported(settings: Settings) -> None:
    send(settings, as_bytes(an_event(START, seed=1)))
    drain(settings)
    send(settings, as_bytes(an_event(START, seed=2)), b"{")

    result = run_audit(settings)

    assert {rule: found for rule, found in broken(result).items() if rule in KAFKA_RULES} == {
        "Kafka lag": (0, 2, 2),
        "records": (3, 2, 1),
        "dead letters": (1, 0, 1),
        "events": (2, 1, 1),
    }
    topic = settings.kafka_topic
    assert examples(result, "Kafka lag") == (f"{topic}/0: 2 uncommitted offsets from 1",)
    assert examples(result, "dead letters") == (f"missing: {topic}/0/2 (not_json)",)


def test_a_dead_letter_of_a_valid_record_is_unexpected(settings: Settings) -> None:
    send(settings, as_bytes(an_event(START)), b"{")
    drain(settings)
    assert broken_in_kafka(settings) == {}
    (rejected,) = list_dead_letters(settings, Selection())
    time_ms = rejected.letter.origin.timestamp_ms
    letter = DeadLetter(
        Origin(settings.kafka_topic, 0, 0, time_ms), DeadLetterReason.EMPTY, "why", "an.Error", None, b"x", headers=()
    )
    producer = open_producer(settings)
    producer.send(settings.dlq_topic, letter.value, headers=headers_of(letter))
    producer.flush()
    producer.close()

    assert broken_in_kafka(settings) == {"records": (2, 3, 1), "dead letters": (1, 2, 1)}


def test_replays_that_are_rejected_again_are_counted(settings: Settings) -> None:
    send(settings, as_bytes(an_event(START)), b"{")
    drain(settings)
    replay_dead_letters(settings, Selection())
    drain(settings)

    result = run_audit(settings)

    assert {rule for rule in broken(result) if rule in KAFKA_RULES} == set()
    (records,) = (one for one in result.results if one.rule == "records")
    assert records.promise == "records in Kafka = 1 events + 0 duplicates + 2 dead letters"


def test_one_create_time_with_two_contents_is_a_conflict(settings: Settings) -> None:
    event = an_event(START)
    send(settings, as_bytes(event), as_bytes(event | {"bid": 11}), as_bytes(event))
    drain(settings)

    result = run_audit(settings)

    assert {rule: found for rule, found in broken(result).items() if rule in KAFKA_RULES} == {"conflicts": (0, 1, 1)}
    assert examples(result, "conflicts") == (
        f"create_time {event['create_time']} has 1 event times and 2 contents, first in {settings.kafka_topic}/0/0",
    )


def test_rows_older_than_kafkas_records_are_not_compared(settings: Settings) -> None:
    send(settings, *(as_bytes(an_event(START, seed=seed)) for seed in range(3)))
    drain(settings)
    with open_admin(settings) as admin:
        admin.delete_records({TopicPartition(settings.kafka_topic, 0): 2})

    result = run_audit(settings)

    assert {rule for rule in broken(result) if rule in KAFKA_RULES} == set()
    assert (result.span.records, result.span.offsets, result.span.rows_not_compared) == (1, ("0: 2 to 2",), 2)
