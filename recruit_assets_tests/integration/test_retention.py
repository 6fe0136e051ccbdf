"""RECRUIT_RETENTION_DAYS on the real engines: events expire, their hours stay in the report as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from kafka import TopicPartition
from pyspark.sql import SparkSession

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.contract.retention import hour_of
from recruit_assets.contract.tables import CASSANDRA_TABLES, EVENT_CHANGES, RAW_EVENTS, RETENTION
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import materialize_pending
from recruit_assets.defs.runs import range_tags
from recruit_assets.hours.change_feed import read_feed
from recruit_assets.hours.planning import HOUR, HourRange
from recruit_assets.ingest.dead_letters import Selection, list_dead_letters
from recruit_assets.ingest.service import topic_ends
from recruit_assets.observability.audit.run import run_audit
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.change_reader import ChangeReader
from recruit_assets.stores.cassandra.retention import read_retention
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.dagster.instance import REPOSITORY
from recruit_assets.stores.kafka.clients import open_admin, open_producer
from recruit_assets.stores.mysql.connection import ReportDatabase, open_report_database
from recruit_assets.stores.mysql.pending_hours import PendingHours
from recruit_assets.stores.schema import apply_schema
from recruit_assets_tests.conftest import fresh_names, seen_by
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.old_installation import cassandra_rows, install_cassandra, install_mysql, lost

DAYS = 30
FROZEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
RECENT = hour_of(datetime.now(UTC)) - 2 * HOUR
OF_HOURS = {
    "raw_events", "bucket_versions", "filtered_events", "bucket_metrics", "hourly_job_metrics", "conversion_clicks",
    "hour_coverage",
}  # fmt: skip


def with_days(settings: Settings, days: int) -> Settings:
    return Settings(**settings.model_dump() | {"retention_days": days})


def times_to_live(session: CassandraSession) -> dict[str, int]:
    return dict(
        session.execute(
            "SELECT table_name, default_time_to_live FROM system_schema.tables WHERE keyspace_name = %s",
            (session.keyspace,),
        )
    )


@pytest.fixture
def own(engines: Settings) -> Iterator[Settings]:
    settings = fresh_names(engines)
    yield settings
    drop_everything(settings)


def test_schema_apply_sets_and_unsets_the_time_to_live_of_an_existing_installation(own: Settings) -> None:
    with open_session(own) as session:
        install_cassandra(session)
        install_mysql(own)
        before = cassandra_rows(session)

        apply_schema(with_days(own, DAYS), may_change_settings=True)
        declared = {table.name: table.ttl_s for table in CASSANDRA_TABLES}
        assert times_to_live(session) == declared | dict.fromkeys(OF_HOURS, (DAYS + 3) * 86_400)
        assert lost(before, cassandra_rows(session)) == []

        apply_schema(with_days(own, DAYS))
        apply_schema(own, may_change_settings=True)
        assert times_to_live(session) == declared
        assert [change.days for change in read_retention(session).changes] == [DAYS, 0]


def test_a_process_without_the_setting_does_not_switch_it_off(own: Settings) -> None:
    apply_schema(with_days(own, DAYS))

    with pytest.raises(UserError, match=r"RECRUIT_RETENTION_DAYS is 0, but the schema of keyspace \w+ has 30"):
        apply_schema(own)

    with open_session(own) as session:
        assert times_to_live(session)["raw_events"] == (DAYS + 3) * 86_400


def test_a_time_to_live_begins_with_the_write_however_old_its_timestamp_is(own: Settings) -> None:
    """Rows are written at their Kafka record's time. Counted from there, late events would expire at once."""
    apply_schema(with_days(own, DAYS))
    with open_session(own) as session:
        table = session.table(RAW_EVENTS)
        session.execute(
            f"INSERT INTO {table} (event_hour, bucket, create_time, bn) VALUES (%s, 0, now(), 'x') "
            "USING TIMESTAMP 1700000000000000",
            (FROZEN,),
        )

        ((remaining_s,),) = session.execute(
            f"SELECT TTL(bn) FROM {table} WHERE event_hour = %s AND bucket = 0", (FROZEN,)
        )

    assert remaining_s > (DAYS + 3) * 86_400 - 600


@dataclass(frozen=True, slots=True)
class Installation:
    """Two reported hours, the older of which is frozen and whose events have expired."""

    settings: Settings
    session: CassandraSession
    database: ReportDatabase

    def report(self) -> list[tuple[object, ...]]:
        return self.database.query("SELECT * FROM mysql_report ORDER BY dates, hours")

    def run(self, hours: HourRange) -> str:
        """Run the hours as a backfill does; returns why it failed."""
        with dg.DagsterInstance.get() as instance:
            job = build_defs(settings=self.settings).resolve_job_def("hours_job")
            result = job.execute_in_process(instance=instance, tags=range_tags(hours), raise_on_error=False)
        failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
        return str(failures[0].user_failure_data and failures[0].user_failure_data.description)

    def send(self, at: datetime, *, seed: int) -> None:
        send(self.settings, at, seed=seed)

    def materialize(self) -> None:
        materialize_pending(build_defs(settings=self.settings), self.settings)


def send(settings: Settings, at: datetime, *, seed: int) -> None:
    producer = open_producer(settings)
    producer.send(settings.kafka_topic, as_bytes(an_event(at, seed=seed)))
    producer.flush()
    producer.close()


@pytest.fixture
def installation(
    own: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    (tmp_path / "dagster.yaml").symlink_to(REPOSITORY / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    apply_schema(own)
    seen_by(spark, own, timeout_s=30)
    send(own, FROZEN, seed=1)
    send(own, RECENT, seed=2)
    materialize_pending(build_defs(settings=own), own)
    # these records are as new as the test: the retention that is put in force below would find them too late
    with open_admin(own) as admin:
        admin.delete_records({TopicPartition(own.kafka_topic, n): end for n, end in topic_ends(own).items()})
    with open_session(own) as session, open_report_database(own) as database:
        apply_schema(with_days(own, DAYS), may_change_settings=True)
        session.execute(f"TRUNCATE {session.table(RETENTION)}")
        session.execute(
            f"INSERT INTO {session.table(RETENTION)} (stored_at, days) VALUES (%s, %s)",
            (datetime.now(UTC) - timedelta(days=10), DAYS),
        )
        for bucket in range(48):
            session.execute(
                f"DELETE FROM {session.table(RAW_EVENTS)} WHERE event_hour = %s AND bucket = %s", (FROZEN, bucket)
            )
        yield Installation(with_days(own, DAYS), session, database)


def test_a_frozen_hour_keeps_its_report(installation: Installation) -> None:
    """Its events have expired: each of these would replace it by nothing."""
    before = installation.report()
    assert len(before) == 2
    frozen_before = hour_of(datetime.now(UTC)) - timedelta(days=DAYS + 2)

    why = installation.run(HourRange(FROZEN, FROZEN))
    assert why.startswith("frozen: 1 hours, 2026-01-05 07:00 to 2026-01-05 07:00. Their events expire"), why
    why = installation.run(HourRange(frozen_before - 2 * HOUR, frozen_before + 3 * HOUR))
    assert "Nothing was changed. Pick hours from" in why
    installation.send(FROZEN, seed=3)
    installation.materialize()

    assert installation.report() == before
    assert covered_hours(installation) == {FROZEN, RECENT}


def covered_hours(installation: Installation) -> set[datetime]:
    rows = installation.session.execute(
        f"SELECT event_hour FROM {installation.session.keyspace}.hour_coverage WHERE stage = 'filtered_events' "
        "AND row_count = 1 ALLOW FILTERING"
    )
    return {hour.replace(tzinfo=UTC) for (hour,) in rows}


def test_an_event_of_a_frozen_hour_is_a_dead_letter_and_the_audit_is_exact(installation: Installation) -> None:
    installation.send(FROZEN, seed=3)
    installation.send(RECENT, seed=4)
    installation.materialize()

    result = run_audit(installation.settings)

    assert [(one.rule, one.examples) for one in result.differences] == []
    assert result.span.hours_from
    letters = next(one for one in result.results if one.rule == "dead letters")
    assert letters.found == 1
    assert reasons(installation.settings) == [DeadLetterReason.TOO_LATE]
    # a difference in an hour that is compared is found
    installation.database.query("UPDATE mysql_report SET clicks = clicks + 1")
    assert {one.rule: one.differences for one in run_audit(installation.settings).differences}["report rows"] == 1


def reasons(settings: Settings) -> list[DeadLetterReason]:
    return [listed.letter.reason for listed in list_dead_letters(settings, Selection())]


def test_a_pending_hour_that_is_frozen_is_given_up_and_named(installation: Installation) -> None:
    """Its change was published after the two days in which hours are still replaced."""
    session = installation.session
    session.execute(
        f"INSERT INTO {session.table(EVENT_CHANGES)} (day, shard, changed_at, event_hour, buckets, row_count) "
        "VALUES (toDate(now()), %s, now(), %s, {0}, 1)",
        (int(FROZEN.timestamp()) // 3600 % 8, FROZEN),
    )

    state = read_feed(ChangeReader(session), PendingHours(installation.database))

    assert (state.frozen, [one.hour for one in state.pending]) == ((FROZEN,), [])
    assert installation.database.query("SELECT * FROM pending_hours") == []
