"""`privacy export` and `erase` on the real engines: what is found of a person, and that nothing brings them back."""

import json
import stat
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from recruit_assets.cli.main import app
from recruit_assets.contract.privacy import PERSONAL_FIELDS
from recruit_assets.contract.tables import CONVERSION_CLICKS, RAW_EVENTS
from recruit_assets.definitions import build_defs
from recruit_assets.defs.materialize import Materialized, materialize_pending
from recruit_assets.ingest import erasing
from recruit_assets.ingest.conversion import Converter
from recruit_assets.ingest.dead_letters import Selection, replay_dead_letters
from recruit_assets.ingest.erasing import erase
from recruit_assets.ingest.known_erasures import KnownErasures
from recruit_assets.ingest.service import drain, serve, topic_ends
from recruit_assets.ingest.writer import EventWriter
from recruit_assets.observability.audit import run_audit
from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra import erasures
from recruit_assets.stores.cassandra.event_writes import EventWrites
from recruit_assets.stores.cassandra.session import CassandraSession, open_session
from recruit_assets.stores.kafka.clients import open_admin
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.schema import apply_schema
from recruit_assets.transforms.validate import Limits
from recruit_assets_tests.conftest import fresh_names, prepare_lineage
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.cleanup import drop_everything
from recruit_assets_tests.support.ingest import ARecord
from recruit_assets_tests.support.topics import audit, records_in, send
from recruit_assets_tests.support.waiting import wait_until

PERSON, OTHER = "jane@example.org", "joe@example.org"
SOON_S = 0.2
"""Nobody ingests meanwhile, so nobody needs to learn of the erasure."""
PSEUDONYMISE = {"privacy": "pseudonymise", "privacy_key": "a key of the tests"}


def traces_of(uid: str) -> dict[str, object]:
    traces: dict[str, object] = {name: f"{name} of {uid}" for name in PERSONAL_FIELDS}
    return traces | {"uid": uid}


def of_person(seed: int, uid: str = PERSON, **fields: object) -> ARecord:
    return ARecord(as_bytes(an_event(seed=seed) | traces_of(uid) | {"plan": f"of {uid}"} | fields))


@pytest.fixture
def session(settings: Settings) -> Iterator[CassandraSession]:
    with open_session(settings) as opened:
        yield opened


def stored(session: CassandraSession) -> list[dict[str, Any]]:
    names = RAW_EVENTS.column_names
    rows = session.execute(f"SELECT {', '.join(names)} FROM {session.table(RAW_EVENTS)}")
    return sorted((dict(zip(names, row, strict=True)) for row in rows), key=lambda row: str(row["create_time"]))


def without_person(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    erased = dict.fromkeys((*PERSONAL_FIELDS, "extra"))
    return [row | erased if row["uid"] == PERSON else row for row in rows]


def deliver_again(settings: Settings) -> None:
    """Ingest everything in the topic once more."""
    with open_admin(settings) as admin:
        starts = {TopicPartition(settings.kafka_topic, p): OffsetAndMetadata(0, "", -1) for p in topic_ends(settings)}
        admin.alter_group_offsets(settings.kafka_group, starts)
    drain(settings)


def changes_of(session: CassandraSession) -> list[object]:
    return [
        sorted(map(repr, session.execute(f"SELECT * FROM {session.keyspace}.{table}")))
        for table in ("event_changes", "bucket_versions")
    ]


def test_only_the_persons_fields_are_deleted_and_no_hour_counts_as_changed(
    settings: Settings, session: CassandraSession
) -> None:
    send(settings, *(of_person(seed) for seed in range(30)), of_person(30, OTHER), ARecord(as_bytes(an_event(seed=31))))
    drain(settings)
    before, changes = stored(session), changes_of(session)

    done = erase(settings, PERSON, known_after_s=SOON_S)

    assert (done.events, done.letters, done.waiting) == (30, 0, 0)
    assert sum(one.records for one in done.kept) == 30
    assert all(one.until and one.until > datetime.now(UTC) for one in done.kept)
    assert stored(session) == without_person(before)
    assert changes_of(session) == changes
    assert audit(settings)[0] == {}
    again = erase(settings, PERSON, known_after_s=SOON_S)
    assert (again.events, again.letters) == (0, 0)


@pytest.mark.parametrize("tombstones", ["there", "gone"])
def test_a_redelivery_does_not_bring_a_person_back(
    settings: Settings, session: CassandraSession, tombstones: str
) -> None:
    """Cassandra forgets deletions after gc_grace_seconds: emptied tables know of none either."""
    send(settings, of_person(1), of_person(2, OTHER))
    drain(settings)
    expected = without_person(stored(session))
    erase(settings, PERSON, known_after_s=SOON_S)
    if tombstones == "gone":
        session.execute(f"TRUNCATE {session.table(RAW_EVENTS)}")

    deliver_again(settings)

    assert stored(session) == expected
    assert audit(settings)[0] == {}


def test_a_record_that_is_sent_again_later_does_not_bring_a_person_back(
    settings: Settings, session: CassandraSession
) -> None:
    """Another program copied the topic, or a tracker was offline: the record is new, its event isn't."""
    send(settings, of_person(1))
    drain(settings)
    erase(settings, PERSON, known_after_s=SOON_S)

    send(settings, of_person(1), of_person(2))
    drain(settings)

    assert [(row["uid"], row["extra"]) for row in stored(session)] == [(None, None)] * 2
    assert audit(settings)[0] == {}


def test_nothing_tells_whose_an_application_is_and_its_hour_is_made_again(
    settings: Settings, session: CassandraSession
) -> None:
    own = settings.model_copy(update={"attribution_days": 7})
    send(settings, of_person(1, custom_track="conversion"), of_person(2, OTHER, custom_track="conversion"))
    drain(settings)
    columns = "event_hour, create_time, event_time, person, click_time, click_create_time"
    for row in session.execute(f"SELECT event_hour, create_time, event_time FROM {session.table(RAW_EVENTS)}"):
        values = (*row, 5, row[2], row[1])
        session.execute(
            f"INSERT INTO {session.table(CONVERSION_CLICKS)} ({columns}) VALUES (%s, %s, %s, %s, %s, %s)", values
        )

    erase(own, PERSON, known_after_s=SOON_S)

    left = session.execute(f"SELECT person, click_time, click_create_time FROM {session.table(CONVERSION_CLICKS)}")
    assert sorted(sum(value is None for value in row) for row in left) == [0, 3]
    with open_report_database(own) as database:
        reopened = database.query(
            "SELECT HOUR(event_hour), reopened_at > covered_through FROM attributed_conversions_hours"
        )
    assert reopened == [(7, 1)]


def test_events_after_the_erasure_are_the_persons_again(settings: Settings, session: CassandraSession) -> None:
    erase(settings, PERSON, known_after_s=-600)  # as if it were ten minutes ago
    now = datetime.now(UTC) - timedelta(minutes=1)
    send(settings, ARecord(as_bytes(an_event(now, uid=PERSON))), of_person(1))
    drain(settings)

    assert sorted(str(row["uid"]) for row in stored(session)) == ["None", PERSON]
    assert audit(settings)[0] == {}


def test_the_audit_finds_a_difference_in_an_erased_persons_row(settings: Settings, session: CassandraSession) -> None:
    send(settings, of_person(1, dt="a title"), of_person(2))
    drain(settings)
    erase(settings, PERSON, known_after_s=SOON_S)
    first, second = stored(session)
    key = "WHERE event_hour = %s AND bucket = %s AND create_time = %s"
    for row, change in ((first, "ua = 'it is back'"), (second, "dt = 'another title'")):
        values = [row[name] for name in ("event_hour", "bucket", "create_time")]
        # newer than the deletion, which is some minutes ahead
        timestamp = int((time.time() + 3600) * 1_000_000)
        session.execute(f"UPDATE {session.table(RAW_EVENTS)} USING TIMESTAMP {timestamp} SET {change} {key}", values)

    differences, _ = audit(settings)

    assert {rule: len(examples) for rule, examples in differences.items()} == {"contents": 2}


class Crash(Exception):
    """What a kill -9 would be."""


def test_an_erasure_that_was_killed_halfway_is_finished_by_the_next(
    settings: Settings, session: CassandraSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, *(of_person(seed) for seed in range(20)), ARecord(b"{", key=PERSON.encode()))
    drain(settings)
    expected = without_person(stored(session))
    batches = 0
    execute = CassandraSession.execute_batches

    def die(self: CassandraSession, calls: Any) -> None:
        nonlocal batches
        execute(self, calls)
        batches += 1
        if batches == 2:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(erasures, "ROWS_AT_ONCE", 5)
        patch.setattr(CassandraSession, "execute_batches", die)
        with pytest.raises(Crash):
            erase(settings, PERSON, known_after_s=SOON_S)
    assert [row["uid"] for row in stored(session)].count(None) == 10

    done = erase(settings, PERSON, known_after_s=SOON_S)

    assert (done.events, done.letters) == (10, 1)
    assert stored(session) == expected
    assert audit(settings)[0] == {}


def test_a_person_is_erased_while_ingest_stores_more_of_them(settings: Settings, session: CassandraSession) -> None:
    """For some seconds the process doesn't know; what it stores meanwhile is found before `erase` ends."""
    stop, sent = threading.Event(), [0]
    service = threading.Thread(target=serve, args=(settings,), kwargs={"should_stop": stop.is_set})

    def produce() -> None:
        while not stop.is_set():
            sent[0] += 1
            send(settings, of_person(sent[0]), ARecord(b"{", key=PERSON.encode()))

    producer = threading.Thread(target=produce)
    for thread in (service, producer):
        thread.start()
    try:
        wait_until(lambda: stored(session), timeout_s=60, what="the first event")

        done = erase(settings, PERSON)

        (left,) = {row["uid"] for row in stored(session)}
        letters = records_in(settings, settings.dlq_topic)
    finally:
        stop.set()
        for thread in (producer, service):
            thread.join()
    assert left is None
    assert done.events
    assert PERSON not in repr([(one.key, one.value, one.headers) for one in letters])
    drain(settings)
    assert {row["uid"] for row in stored(session)} == {None}
    assert len(stored(session)) == sent[0]
    assert audit(settings)[0] == {}


def write_without_knowing(settings: Settings, session: CassandraSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process does that slept since before the erasure; its commit would fail."""
    with monkeypatch.context() as patch:
        patch.setattr(KnownErasures, "_read", lambda _: None)
        writes = EventWrites(session)
        records = records_in(settings, settings.kafka_topic)
        rows = Converter(writes, limits=Limits(100_000, 0), backlog=lambda: 0).convert(records).rows
        writer = EventWriter(writes)
        writer.wait_durable(writer.submit(rows))


def test_what_a_process_writes_late_does_not_bring_a_person_back(
    settings: Settings, session: CassandraSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, of_person(1))
    drain(settings)
    erase(settings, PERSON, known_after_s=SOON_S)

    write_without_knowing(settings, session, monkeypatch)

    assert [row["uid"] for row in stored(session)] == [None]


def test_what_a_process_writes_late_of_a_new_event_is_deleted_when_the_event_comes_again(
    settings: Settings, session: CassandraSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, of_person(1))
    done = erase(settings, PERSON, known_after_s=SOON_S)
    write_without_knowing(settings, session, monkeypatch)
    assert (done.waiting, [row["uid"] for row in stored(session)]) == (1, [PERSON])

    drain(settings)

    assert without_person(stored(session)) == stored(session)
    assert {stored(session)[0][name] for name in (*PERSONAL_FIELDS, "extra")} == {None}


def test_erase_does_not_succeed_while_ingest_commits_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(settings, of_person(1))
    monkeypatch.setattr(erasing, "COMMITTED_AFTER_S", 1)
    monkeypatch.setattr(erasing, "group_members", lambda *_: 1)

    with pytest.raises(StoreUnavailable, match=r"hasn't committed 1 records within 1 s.*again"):
        erase(settings, PERSON, known_after_s=SOON_S)


def test_dead_letters_are_erased_and_a_replay_does_not_bring_a_person_back(
    settings: Settings, session: CassandraSession
) -> None:
    rejected = of_person(1, job_id="none")
    of_other = of_person(2, OTHER, job_id="none")
    send(settings, of_other, ARecord(rejected.value, key=PERSON.encode()), ARecord(b"{", key=PERSON.encode()))
    drain(settings)

    done = erase(settings, PERSON, known_after_s=SOON_S)

    letters = records_in(settings, settings.dlq_topic)
    texts = repr([(one.key, one.value, one.headers) for one in letters])
    assert (done.letters, len(letters)) == (2, 3)
    assert PERSON not in texts
    assert of_other.value in [one.value for one in letters]
    assert audit(settings)[0] == {}

    replayed = replay_dead_letters(settings, Selection())
    drain(settings)
    assert (replayed.sent, replayed.cut) == (2, 1)
    sent = [one.value or b"" for one in records_in(settings, settings.kafka_topic)]
    assert (len(sent), [PERSON.encode() in value for value in sent].count(True)) == (5, 1)
    assert PERSON not in repr(stored(session))
    deliver_again(settings)
    assert PERSON not in repr([(one.key, one.value) for one in records_in(settings, settings.dlq_topic)])
    assert audit(settings)[0] == {}


def test_a_person_stored_under_a_pseudonym_is_found_by_both_names(engines: Settings) -> None:
    own = Settings(**fresh_names(engines).model_dump() | PSEUDONYMISE)
    try:
        with open_session(own) as session:
            apply_schema(own)
            send(own, of_person(1), of_person(2, OTHER))
            drain(own)
            pseudonym = next(row["uid"] for row in stored(session) if "jane" not in repr(row))
            assert pseudonym.startswith("p1_")
            with pytest.raises(UserError, match="RECRUIT_PRIVACY is keep"):
                erase(Settings(**own.model_dump() | {"privacy": "keep"}), PERSON)

            done = erase(own, PERSON, known_after_s=SOON_S)
            deliver_again(own)

            assert done.events == 1
            assert sorted(str(row["uid"])[:3] for row in stored(session)) == ["Non", "p1_"]
            assert audit(own)[0] == {}
    finally:
        drop_everything(own)


def test_an_event_with_a_uid_that_is_too_long_for_the_index_is_stored(settings: Settings) -> None:
    send(settings, of_person(1), of_person(2, "x" * 9_000), of_person(3, "x" * 1_000))

    result = drain(settings)

    assert (result.events, dict(result.dead_letters)) == (3, {})
    assert audit(settings)[0] == {}


def run(*arguments: str, input: str | None = None) -> Any:
    return CliRunner().invoke(app, ["privacy", *arguments], input=input)


def test_everything_of_a_person_is_exported(settings: Settings, tmp_path: Path) -> None:
    rejected = of_person(2, job_id="none")
    send(settings, of_person(1), rejected, of_person(3, OTHER))
    drain(settings)

    printed = run("export", PERSON)
    written = run("export", "-", "--out", str(tmp_path / "jane.jsonl"), input=f"{PERSON}\n")

    assert (printed.exit_code, written.exit_code) == (0, 0), (printed.output, written.output)
    event, letter, *records = map(json.loads, printed.stdout.splitlines())
    assert event == event | traces_of(PERSON) | {"kind": "event", "event_time": "2026-01-05T07:30:00Z", "job_id": 1}
    assert (letter["reason"], letter["value"]) == ("wrong_type", (rejected.value or b"").decode())
    # the rejected record may have come in the same millisecond
    assert {(one["topic"], json.loads(one["value"])["uid"]) for one in records} == {(settings.kafka_topic, PERSON)}
    assert OTHER not in printed.stdout
    file = tmp_path / "jane.jsonl"
    assert file.read_text() == printed.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"{2 + len(records)} lines are in" in written.stderr


def test_the_command_says_what_it_erased_and_what_kafka_still_has(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "KNOWN_AFTER_S", SOON_S)
    send(settings, of_person(1))
    drain(settings)

    done = run("erase", PERSON)

    assert (done.exit_code, done.stdout) == (0, "")
    assert "erased from 1 events and 0 dead letters; no row was removed" in done.stderr
    assert f"Kafka still has 1 records of these events in {settings.kafka_topic}/" in " ".join(done.stderr.split())
    assert PERSON not in done.stderr
    assert run("export", PERSON).stdout == ""


@pytest.mark.parametrize("command", ["export", "erase"])
@pytest.mark.parametrize("uid", ["", "x" * 9_000], ids=["empty", "too long"])
def test_a_wrong_uid_is_refused(settings: Settings, command: str, uid: str) -> None:
    refused = run(command, uid)

    assert isinstance(refused.exception, UserError)
    assert str(refused.exception).startswith("UID: wanted the uid of a person")


def report_of(settings: Settings) -> list[tuple[object, ...]]:
    with open_report_database(settings) as database:
        return database.query("SELECT * FROM mysql_report ORDER BY dates, hours, job_id")


def test_the_report_stays_the_same_to_the_last_click(
    settings: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_lineage(settings, spark, home=tmp_path, monkeypatch=monkeypatch)
    send(settings, *(of_person(seed, bid=seed) for seed in range(20)), of_person(20, OTHER))
    defs = build_defs(settings=settings)
    materialize_pending(defs, settings)
    before = report_of(settings)

    erase(settings, PERSON, known_after_s=SOON_S)

    assert materialize_pending(defs, settings) == Materialized(records=0, runs=0, hours=0)
    assert (report_of(settings), run_audit(settings).exact) == (before, True)
    send(settings, of_person(21, bid=100))  # the hour is replaced
    materialize_pending(defs, settings)
    assert run_audit(settings).exact
    assert [(row[11], row[13]) for row in report_of(settings)] == [(22, 10 + sum(range(20)) + 100)]
