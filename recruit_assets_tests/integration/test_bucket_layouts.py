"""The first bucket layout on the real Cassandra: decided once, by whoever is first, before any event is stored."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from recruit_assets.contract.tables import BUCKET_LAYOUT
from recruit_assets.ingest.service import drain
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import to_ms
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts, store_first_layout, stored_layouts
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.kafka.clients import open_producer
from recruit_assets.stores.schema import apply_schema
from recruit_assets.transforms.buckets import FIRST_LAYOUT, ONE_BUCKET, Layout, Layouts
from recruit_assets_tests.support.builders import an_event, as_bytes

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
OPINIONS = (None, to_ms(SEVEN), to_ms(SEVEN - HOUR), to_ms(SEVEN + HOUR))
"""Of deciders that saw other records, or whose hour had turned."""
ROUNDS = 10
AROUND = [to_ms(SEVEN + number * HOUR) for number in range(-100, 100)]


def every(layouts: Layouts | None) -> list[Layout]:
    assert layouts is not None
    return [layouts.at(hour) for hour in AROUND]


def test_deciders_with_different_opinions_use_one_layout(settings: Settings) -> None:
    start = Barrier(len(OPINIONS))

    with open_session(settings) as session, ThreadPoolExecutor(len(OPINIONS)) as pool:

        def decide(opinion: int | None) -> list[Layout]:
            start.wait(30)
            store_first_layout(session, one_bucket_before_ms=opinion)
            return every(stored_layouts(session))

        for _ in range(ROUNDS):
            session.execute(f"TRUNCATE {session.table(BUCKET_LAYOUT)}")

            assert list(pool.map(decide, OPINIONS)) == [every(read_layouts(session))] * len(OPINIONS)


@pytest.mark.parametrize(("opinion", "past"), [(None, FIRST_LAYOUT), (to_ms(SEVEN), ONE_BUCKET)])
def test_a_layout_that_is_stored_stays(settings: Settings, opinion: int | None, past: Layout) -> None:
    with open_session(settings) as session:
        assert stored_layouts(session) is None
        assert set(every(read_layouts(session))) == {FIRST_LAYOUT}

        for each in (opinion, *OPINIONS):
            store_first_layout(session, one_bucket_before_ms=each)
            apply_schema(settings)
            stored = read_layouts(session)
            assert [stored.at(to_ms(hour)) for hour in (SEVEN - HOUR, SEVEN)] == [past, FIRST_LAYOUT]


def test_the_layout_of_an_older_installation_stays(settings: Settings) -> None:
    """It was stored by `schema apply`, valid from RECRUIT_FIRST_HOUR."""
    produce_history(settings)
    with open_session(settings) as session:
        insert = f"INSERT INTO {session.table(BUCKET_LAYOUT)} (valid_from_hour, slices, shards) VALUES (%s, 12, 4)"
        session.execute(insert, (settings.first_hour,))

        drain(settings)

        assert set(every(stored_layouts(session))) == {Layout(12, 4)}


def test_hours_of_a_sparse_history_are_one_bucket_each_and_live_hours_are_not(settings: Settings) -> None:
    hours = produce_history(settings)

    drain(settings)

    with open_session(settings) as session:
        rows = session.execute(f"SELECT DISTINCT event_hour, bucket FROM {session.keyspace}.raw_events")
        assert sorted(rows) == [(hour.replace(tzinfo=None), 0) for hour in sorted(hours)]
        assert read_layouts(session).at(to_ms(datetime.now(UTC) + HOUR)) == FIRST_LAYOUT


def produce_history(settings: Settings) -> list[datetime]:
    """Send two events for each of 30 hours; returns the hours."""
    hours = [SEVEN - number * HOUR for number in range(30)]
    producer = open_producer(settings)
    for number, hour in enumerate(hours):
        for minute in (5, 55):
            event = an_event(hour + timedelta(minutes=minute), seed=number)
            producer.send(settings.kafka_topic, as_bytes(event))
    producer.flush()
    producer.close()
    return hours
