"""Ingest on real Kafka and Cassandra: every record in the topic becomes one row or dead letter, whatever happens."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from kafka import KafkaProducer
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.ingest.dead_letters import Replayed, Selection, list_dead_letters, replay_dead_letters
from recruit_assets.ingest.result import IngestResult
from recruit_assets.ingest.service import drain, serve, topic_ends
from recruit_assets.runtime.errors import SchemaMismatch, StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.cassandra.session import Row, open_session
from recruit_assets.stores.kafka.clients import open_admin, open_producer
from recruit_assets.stores.kafka.connection import connection_options
from recruit_assets.stores.kafka.offsets import committed_offsets, group_members
from recruit_assets_tests.support.builders import an_event, as_bytes
from recruit_assets_tests.support.ingest import Step, connect_with
from recruit_assets_tests.support.topics import alter_topic
from recruit_assets_tests.support.waiting import wait_until

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)


def produce(settings: Settings, *values: bytes | None, headers: list[tuple[str, bytes]] | None = None) -> None:
    """Send the records to all partitions in turn, and wait until each is acknowledged."""
    producer = open_producer(settings)
    try:
        sent = [
            producer.send(settings.kafka_topic, value=value, key=b"k", partition=n % 4, headers=headers)
            for n, value in enumerate(values)
        ]
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close()


def events(count: int, *, first: int = 0) -> list[bytes]:
    return [as_bytes(an_event(seed=seed)) for seed in range(first, first + count)]


def select(settings: Settings, cql: str) -> list[Row]:
    with open_session(settings) as session:
        return session.execute(cql.format(ks=settings.cassandra_keyspace))


def count_events(settings: Settings) -> int:
    ((count,),) = select(settings, "SELECT count(*) FROM {ks}.raw_events")
    return int(count)


def rows_with_write_times(settings: Settings) -> list[Row]:
    cql = "SELECT create_time, event_time, received_at, bid, writetime(job_id) FROM {ks}.raw_events"
    return sorted(select(settings, cql), key=str)


def committed(settings: Settings) -> dict[int, int]:
    with open_admin(settings) as admin:
        return committed_offsets(admin, settings)


def set_committed(settings: Settings, offset: int) -> None:
    with open_admin(settings) as admin:
        offsets = {TopicPartition(settings.kafka_topic, p): OffsetAndMetadata(offset, "", -1) for p in range(4)}
        admin.alter_group_offsets(settings.kafka_group, offsets)


@contextmanager
def running_service(settings: Settings, **options: object) -> Iterator[Callable[[], IngestResult]]:
    """`serve` in a thread until the end of the block; the yielded function stops it and returns its result."""
    stop = threading.Event()
    results: list[IngestResult] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(serve(settings, should_stop=stop.is_set, **options))  # type: ignore[arg-type]  # passed on
        except StoreUnavailable as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def finish() -> IngestResult:
        stop.set()
        thread.join()
        if failures:
            raise failures[0]
        return results[0]

    try:
        yield finish
    finally:
        stop.set()
        thread.join()


def test_a_drain_turns_every_record_into_a_row_or_a_dead_letter(settings: Settings) -> None:
    produce(settings, *events(300), b"not json", None, b"", *events(10))

    result = drain(settings)

    assert (result.records, result.events, result.hours) == (313, 310, {SEVEN: 310})
    assert result.dead_letters == {
        DeadLetterReason.EMPTY: 1,
        DeadLetterReason.NOT_JSON: 1,
        DeadLetterReason.TOMBSTONE: 1,
    }
    assert count_events(settings) == 300
    assert result.offsets == committed(settings) == topic_ends(settings)


def test_a_row_has_the_values_that_were_sent(settings: Settings) -> None:
    sent = an_event(bid="7.0", md=True, bn=None, plan={"price": 1.10})
    produce(settings, as_bytes(sent))
    drain(settings)

    (row,) = select(
        settings,
        "SELECT event_hour, event_time, create_time, ts, bid, md, bn, custom_track, extra, writetime(bid), received_at "
        "FROM {ks}.raw_events",
    )

    received_at_us = round(row[-1].replace(tzinfo=UTC).timestamp() * 1000) * 1000
    assert [str(value) for value in row[:-1]] == [
        "2026-01-05 07:00:00",
        "2026-01-05 07:30:00",
        str(sent["create_time"]),
        str(sent["ts"]),
        "7",
        "true",
        "None",
        "click",
        '{"plan":{"price":1.1}}',
        str(received_at_us),
    ]


def test_a_change_names_hour_buckets_and_row_count_and_expires_after_90_days(settings: Settings) -> None:
    produce(settings, *events(50))
    drain(settings)

    (row,) = select(settings, "SELECT shard, event_hour, buckets, row_count, ttl(row_count) FROM {ks}.event_changes")
    buckets = {bucket for _, bucket in select(settings, "SELECT DISTINCT event_hour, bucket FROM {ks}.raw_events")}

    shard, hour, changed, count, ttl_s = row
    assert (shard, hour, set(changed), count) == (7, SEVEN.replace(tzinfo=None), buckets, 50)
    assert 89 * 86_400 < ttl_s <= 90 * 86_400


def test_a_redelivery_from_the_beginning_changes_nothing(settings: Settings) -> None:
    produce(settings, *events(200))
    drain(settings)
    before = rows_with_write_times(settings)

    set_committed(settings, 0)
    result = drain(settings)

    assert (result.events, rows_with_write_times(settings)) == (200, before)


def test_a_deleted_row_stays_deleted_when_its_record_is_redelivered(settings: Settings) -> None:
    produce(settings, *events(20))
    drain(settings)
    select(settings, "TRUNCATE {ks}.event_changes")
    for hour, bucket in select(settings, "SELECT DISTINCT event_hour, bucket FROM {ks}.raw_events"):
        with open_session(settings) as session:
            table = f"{settings.cassandra_keyspace}.raw_events"
            session.execute(f"DELETE FROM {table} WHERE event_hour = %s AND bucket = %s", (hour, bucket))

    set_committed(settings, 0)
    drain(settings)

    assert count_events(settings) == 0


def test_rows_above_cassandras_batch_limit_are_split_into_batches(settings: Settings) -> None:
    """Cassandra rejects batches above 50 KiB."""
    large = [as_bytes(an_event(seed=seed, dl="x" * 3_000)) for seed in range(200)]
    produce(settings, *large, as_bytes(an_event(seed=999, dl="y" * 400_000)))

    assert (drain(settings).events, count_events(settings)) == (201, 201)


def test_a_statement_that_cassandra_no_longer_knows_is_prepared_again(settings: Settings) -> None:
    """A new node or an altered table doesn't know the statement's id; that used to end ingest."""
    with running_service(settings) as finish:
        produce(settings, *events(10))
        wait_until(lambda: sum(committed(settings).values()) == 10, timeout_s=30, what="the first ten")
        select(settings, "ALTER TABLE {ks}.raw_events ADD noted text")
        produce(settings, *events(10, first=10))
        wait_until(lambda: sum(committed(settings).values()) == 20, timeout_s=30, what="the next ten")

        assert finish().events == 20


def test_a_second_consumer_that_joins_and_leaves_loses_nothing(settings: Settings) -> None:
    """A rebalance during a micro-batch must neither skip records nor commit another member's offsets."""
    produce(settings, *events(4_000))
    with running_service(settings) as stop_first:
        for first in (4_000, 6_000, 8_000):
            with running_service(settings) as stop_second:
                wait_until(lambda: _members(settings) == 2, 30, what="a second member")
                produce(settings, *events(2_000, first=first))
                stop_second()
        targets = topic_ends(settings)
        wait_until(lambda: committed(settings) == targets, 60, what="all offsets committed")
        stop_first()

    assert count_events(settings) == 10_000


def test_a_member_that_crashes_at_any_step_loses_nothing(settings: Settings) -> None:
    """The next member repeats everything from the first write to the offset commit."""

    class Crash(Exception):
        pass

    produce(settings, *events(400))
    for step in Step:
        crashed: list[Step] = []

        def at(reached: Step, step: Step = step, crashed: list[Step] = crashed) -> None:
            if reached is step:
                crashed.append(step)
                raise Crash

        set_committed(settings, 0)
        with pytest.raises(Crash):
            serve(settings, should_stop=lambda: False, targets=topic_ends(settings), connect=connect_with(at))
        assert crashed == [step]
    drain(settings)

    assert (count_events(settings), committed(settings)) == (400, topic_ends(settings))


def test_a_drain_waits_for_a_service_that_makes_progress(settings: Settings) -> None:
    produce(settings, *events(500))
    with running_service(settings) as stop:
        wait_until(lambda: _members(settings) == 1, 30, what="the service's member")
        result = drain(settings)
        service = stop()

    assert (result.records, service.records) == (0, 500)
    assert result.offsets == topic_ends(settings)


def test_a_drain_joins_the_group_of_a_service_that_hangs(settings: Settings) -> None:
    released = threading.Event()
    produce(settings, *events(40))

    def hang(step: Step) -> None:
        if step is Step.EVENTS_WRITTEN:
            released.wait(60)

    with running_service(settings, connect=connect_with(hang)) as stop:
        wait_until(lambda: _members(settings) == 1, 30, what="the service's member")
        timer = threading.Timer(8, released.set)
        timer.start()
        result = drain(settings, standstill_s=2)
        timer.cancel()
        stop()

    assert result.offsets == topic_ends(settings)
    assert count_events(settings) == 40


def test_transaction_markers_leave_no_lag_and_aborted_records_are_no_events(settings: Settings) -> None:
    producer = KafkaProducer(**connection_options(settings), transactional_id=settings.kafka_topic)
    try:
        producer.init_transactions()
        for finish, value in ((producer.commit_transaction, 1), (producer.abort_transaction, 2)):
            producer.begin_transaction()
            producer.send(settings.kafka_topic, value=as_bytes(an_event(seed=value)), partition=0).get(timeout=30)
            finish()
    finally:
        producer.close()

    result = drain(settings)

    assert (result.events, result.offsets) == (1, {0: 4})


def test_records_that_retention_deleted_are_counted_as_gaps(settings: Settings) -> None:
    produce(settings, *events(80))
    set_committed(settings, 5)
    with open_admin(settings) as admin:
        admin.delete_records({TopicPartition(settings.kafka_topic, 0): 12})

    result = drain(settings)

    assert (result.gaps, result.events) == (7, (20 - 12) + 3 * (20 - 5))


def test_a_topic_with_producer_timestamps_is_an_error(settings: Settings) -> None:
    alter_topic(settings, settings.kafka_topic, message_timestamp_type="CreateTime")
    produce(settings, *events(1))

    with pytest.raises(SchemaMismatch, match=r"wanted message.timestamp.type LogAppendTime, found CreateTime"):
        drain(settings)


@pytest.mark.parametrize("size_bytes", [700_000, 5_000_000])
def test_a_too_large_record_becomes_a_dead_letter_and_the_next_record_is_read(
    settings: Settings, size_bytes: int
) -> None:
    alter_topic(settings, settings.kafka_topic, max_message_bytes="8000000")
    alter_topic(settings, settings.dlq_topic, max_message_bytes="1048588")
    produce(settings, b"x" * size_bytes, *events(8))

    result = drain(settings)

    (listed,) = list_dead_letters(settings, Selection())
    whole = size_bytes < 1_000_000
    assert (result.events, listed.letter.reason) == (8, DeadLetterReason.TOO_LARGE)
    assert (listed.letter.is_whole, len(listed.letter.value or b"")) == (whole, size_bytes if whole else 65_536)


def test_a_row_that_cassandra_rejects_is_a_dead_letter_and_the_rest_is_written(settings: Settings) -> None:
    select(settings, "CREATE INDEX ON {ks}.raw_events (dl)")  # an index rejects values above 64 KiB
    produce(settings, as_bytes(an_event(seed=99, dl="x" * 70_000)), *events(30))

    result = drain(settings)

    assert (result.events, result.dead_letters) == (30, {DeadLetterReason.REJECTED_BY_STORE: 1})
    assert count_events(settings) == 30
    assert sum(count for (count,) in select(settings, "SELECT row_count FROM {ks}.event_changes")) == 30


def test_a_dead_letter_topic_with_a_too_small_record_limit_stops_ingest_at_its_start(settings: Settings) -> None:
    alter_topic(settings, settings.dlq_topic, max_message_bytes="10000")
    produce(settings, b"poison")

    with pytest.raises(SchemaMismatch, match=r"wanted max.message.bytes of at least"):
        drain(settings)

    assert committed(settings) == {}


def test_a_dead_letter_that_cant_be_stored_holds_up_the_offsets(settings: Settings) -> None:
    produce(settings, *events(4), b"x" * 60_000)

    def shrink(step: Step) -> None:
        if step is Step.BEFORE_WRITE:
            alter_topic(settings, settings.dlq_topic, max_message_bytes="10000")

    with pytest.raises(StoreUnavailable, match="no offset was committed"):
        serve(settings, should_stop=lambda: False, targets=topic_ends(settings), connect=connect_with(shrink))

    assert (committed(settings), count_events(settings)) == ({}, 4)


def test_a_replay_is_recorded_and_harmless_when_repeated(settings: Settings) -> None:
    """A record rejected only because of a setting becomes an event; one rejected again keeps its origin."""
    early = as_bytes(an_event(datetime(2023, 6, 1, tzinfo=UTC)))
    produce(settings, early, b"poison")
    drain(settings)

    done = [replay_dead_letters(settings, Selection()), replay_dead_letters(settings, Selection())]
    lower = load_settings(**settings.model_dump() | {"first_hour": datetime(2023, 1, 1, tzinfo=UTC)})
    drain(lower)
    again = replay_dead_letters(settings, Selection(reason=DeadLetterReason.BEFORE_FIRST_HOUR), again=True)
    drain(lower)

    assert done == [Replayed(sent=2), Replayed(skipped=2)]
    assert (again.sent, count_events(settings)) == (1, 1)
    listed = list(list_dead_letters(settings, Selection(reason=DeadLetterReason.NOT_JSON)))
    assert sorted(one.attempts for one in listed) == [1, 2]
    assert (len({one.first for one in listed}), len({one.letter.origin for one in listed})) == (1, 2)
    assert all(one.last is not None for one in list_dead_letters(settings, Selection()))


def _members(settings: Settings) -> int:
    with open_admin(settings) as admin:
        return group_members(admin, settings)


def test_rows_of_many_small_partitions_are_written_announced_and_versioned_once(settings: Settings) -> None:
    """They share requests: each change must keep a time of its own, or one would hide another."""
    hours = [SEVEN - timedelta(hours=number) for number in range(400)]
    produce(settings, *[as_bytes(an_event(hour, seed=number)) for number, hour in enumerate(hours)])

    result = drain(settings)

    changes = select(settings, "SELECT changed_at, event_hour, row_count FROM {ks}.event_changes")
    versions = select(settings, "SELECT event_hour, last_flights FROM {ks}.bucket_versions")
    assert (result.hours, count_events(settings)) == (dict.fromkeys(sorted(hours), 1), 400)
    assert (len(changes), len({changed_at for changed_at, _, _ in changes})) == (400, 400)
    assert sorted(hour for _, hour, _ in changes) == sorted(hour.replace(tzinfo=None) for hour in hours)
    assert len(versions) == 400


def test_of_rows_that_share_a_batch_only_the_one_that_cassandra_rejects_is_a_dead_letter(settings: Settings) -> None:
    select(settings, "CREATE INDEX ON {ks}.raw_events (dl)")  # an index rejects values above 64 KiB
    values = [an_event(SEVEN - timedelta(hours=number), seed=number) for number in range(40)]
    values[17]["dl"] = "x" * 65_600
    produce(settings, *map(as_bytes, values))

    result = drain(settings)

    assert (result.events, result.dead_letters) == (39, {DeadLetterReason.REJECTED_BY_STORE: 1})
    assert count_events(settings) == 39
