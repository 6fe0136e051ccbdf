"""How far ingest is behind, read from a real Kafka, and what the page and the alerts make of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from kafka.structs import OffsetAndMetadata, TopicPartition

from recruit_assets.definitions import build_resources
from recruit_assets.defs.sensors.alerts import standstill_alert
from recruit_assets.defs.sensors.connections import database, kafka_lag
from recruit_assets.ingest.service import drain
from recruit_assets.observability import conditions
from recruit_assets.observability.report_page import write_page
from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import Settings, load_settings
from recruit_assets.stores.kafka.clients import open_admin, open_consumer
from recruit_assets.stores.kafka.ingest_lag import IngestLag, LagReader, open_lag_reader
from recruit_assets_tests.support.kafka_topic import events, make_anew, open_transaction, produce, set_commits
from recruit_assets_tests.support.pages import Reading
from recruit_assets_tests.support.receivers import web_hook
from recruit_assets_tests.support.waiting import wait_until

SOON = timedelta(seconds=30)


@pytest.fixture
def reader(settings: Settings) -> Iterator[LagReader]:
    with open_lag_reader(settings) as reader:
        yield reader


def times_in(settings: Settings, partition: int) -> list[datetime]:
    """When Kafka received each record of the partition, read by a client of the test's own."""
    consumer = open_consumer(settings, group=None, isolation_level="read_uncommitted")
    tp = TopicPartition(settings.kafka_topic, partition)
    try:
        consumer.assign([tp])
        found = []
        end = consumer.end_offsets([tp])[tp]
        consumer.seek_to_beginning(tp)
        while consumer.position(tp) < end:
            found += [record.timestamp for records in consumer.poll(timeout_ms=200).values() for record in records]
    finally:
        consumer.close(autocommit=False)
    return [datetime.fromtimestamp(time / 1000, UTC) for time in found]


def commit(settings: Settings, **offsets: int) -> None:
    """Commit p0=3 and so on; the other partitions have no commit."""
    with open_admin(settings) as admin:
        wanted = {
            TopicPartition(settings.kafka_topic, int(name[1:])): OffsetAndMetadata(offset, "", -1)
            for name, offset in offsets.items()
        }
        admin.alter_group_offsets(settings.kafka_group, wanted)


def test_an_empty_topic_has_no_lag(reader: LagReader) -> None:
    lag = reader.read()

    assert (lag.records, lag.oldest, lag.age_s, lag.members, lag.dead_letter_share) == (0, None, 0, 0, 0)


def test_the_lag_is_as_old_as_the_oldest_record_that_is_not_committed(settings: Settings, reader: LagReader) -> None:
    for number in range(3):  # one after the other, so that their times differ
        produce(settings, *events(2, first=10 * number))
    first, second, third = times_in(settings, 0)
    assert first < second < third

    assert (reader.read().oldest, reader.read().records) == (min(first, times_in(settings, 1)[0]), 6)
    commit(settings, p0=2, p1=3)
    assert (reader.read().oldest, reader.read().records) == (third, 1)
    commit(settings, p0=3, p1=3)
    assert (reader.read().oldest, reader.read().records) == (None, 0)


def test_partitions_without_records_have_no_age(settings: Settings, reader: LagReader) -> None:
    produce(settings, events(1)[0])
    (only,) = times_in(settings, 0)

    assert reader.read().oldest == only
    assert [span.uncommitted for span in reader.read().spans] == [1, 0, 0, 0]


def test_a_lag_that_stays_is_told_from_one_that_is_read(settings: Settings, reader: LagReader) -> None:
    for number in range(3):
        produce(settings, events(1, first=number)[0])
    found = [reader.read().has_advanced, reader.read().has_advanced]
    commit(settings, p0=1)
    found += [reader.read().has_advanced, reader.read().has_advanced]

    assert found == [None, False, True, False]


def test_records_behind_an_open_transaction_have_an_age(settings: Settings, reader: LagReader) -> None:
    """Ingest can't read them, and the report lacks them."""
    with open_transaction(settings, *events(2)):
        produce(settings, events(1, first=10)[0])
        first, *_ = times_in(settings, 0)

        lag = reader.read()
        assert (lag.oldest, lag.records, [span.hidden for span in lag.spans]) == (first, 3, [3, 0, 0, 0])


def test_transaction_markers_alone_have_no_age(settings: Settings, reader: LagReader) -> None:
    with open_transaction(settings, *events(2)) as producer:
        producer.commit_transaction()
    commit(settings, p0=2)  # before the marker, as other programs' consumers commit

    lag = reader.read()
    assert (lag.records, lag.oldest) == (1, None)
    produce(settings, events(1, first=10)[0])
    assert reader.read().oldest == times_in(settings, 0)[-1]


def test_an_aborted_transaction_that_ingest_has_still_to_skip_has_an_age(settings: Settings, reader: LagReader) -> None:
    with open_transaction(settings, *events(2)) as producer:
        producer.abort_transaction()

    assert reader.read().oldest == times_in(settings, 0)[0]
    drain(settings)
    assert (reader.read().records, reader.read().oldest) == (0, None)


def test_commits_beyond_the_end_leave_the_age_of_the_first_record(settings: Settings, reader: LagReader) -> None:
    produce(settings, events(1)[0])
    set_commits(settings, 900)

    assert reader.read().oldest == times_in(settings, 0)[0]


def test_a_topic_made_anew_is_read_from_its_first_record(settings: Settings, reader: LagReader) -> None:
    produce(settings, *events(40))
    drain(settings)
    assert reader.read().oldest is None
    make_anew(settings)
    produce(settings, events(1, first=1_000)[0])

    # the clients learn of the new topic's leaders with their next metadata
    wait_until(lambda: _read(reader) is not None, 30, what="a reading of the new topic")
    assert reader.read().oldest == times_in(settings, 0)[0]


def _read(reader: LagReader) -> IngestLag | None:
    try:
        return reader.read()
    except StoreUnavailable:
        return None


def test_a_missing_topic_is_an_error_that_names_it(engines: Settings) -> None:
    nowhere = load_settings(**engines.model_dump() | {"kafka_topic": "no-such-topic", "kafka_group": "no-such-group"})

    with open_lag_reader(nowhere) as reader, pytest.raises(StoreUnavailable, match="no-such-topic doesn't exist"):
        reader.read()


def test_the_share_of_dead_letters_is_that_of_the_last_minutes(settings: Settings, reader: LagReader) -> None:
    produce(settings, *events(30), *[b"{"] * 10)
    drain(settings)

    lag = reader.read()
    assert (lag.recent_records, lag.recent_dead_letters, lag.dead_letter_share) == (40, 10, 0.25)


def test_the_page_says_what_waits_in_kafka_and_that_nobody_reads_it(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing pending in Cassandra it said "Up to date"."""
    monkeypatch.setattr("recruit_assets.observability.freshness.LIVE_LAG_S", 0)
    produce(settings, *events(40), *[b"{"] * 10)

    waiting = page_of(settings, tmp_path)
    drain(settings)
    drained = page_of(settings, tmp_path)

    assert "ingest hasn't stored 50 records of Kafka, the first since " in waiting
    assert "no process is in its consumer group" in waiting
    assert "Up to date" not in waiting
    assert "Up to date" in drained
    assert "Dead letters 20.0% of the records of the last 15 minutes: 10 of 50" in drained


def test_the_page_says_that_kafka_cannot_be_read(settings: Settings, tmp_path: Path) -> None:
    unreachable = load_settings(**settings.model_dump() | {"kafka_bootstrap": "127.0.0.1:1"})

    text = page_of(unreachable, tmp_path)

    assert "Up to date" not in text
    assert "Unknown : Kafka can't be read and may hold newer events (" in text


def page_of(settings: Settings, folder: Path) -> str:
    file = folder / "page.html"
    with dg.DagsterInstance.ephemeral() as instance:
        write_page(settings, instance, file, checks=[])
    return Reading(file.read_text(encoding="utf-8")).text


def test_a_dead_ingest_sends_one_alert_and_one_when_it_has_caught_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "UNATTENDED_AFTER_S", 0)
    produce(settings, *events(40))
    with web_hook() as hook:
        monkeypatch.setenv("RECRUIT_ALERT_URLS", hook.url)
        cursor = standstill_tick(settings, standstill_tick(settings, None))
        drain(settings)
        standstill_tick(settings, standstill_tick(settings, cursor))

    begun, over = hook.messages
    assert begun.startswith("ingest hasn't stored 40 records of Kafka, the first since ")
    assert over == f"Over: {begun}"


def standstill_tick(settings: Settings, cursor: str | None) -> str | None:
    """A tick with the stores' real clients; returns the next cursor."""
    resources = {name: build_resources(settings)[name] for name in ("cassandra", "mysql", "kafka")}
    try:
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context,
        ):
            result = standstill_alert(context)
    finally:
        database.close()
        kafka_lag.close()
    assert isinstance(result, dg.SensorResult)
    return result.cursor
