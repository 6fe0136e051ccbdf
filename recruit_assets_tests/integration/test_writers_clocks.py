"""The clocks of ingest's hosts: one that was ahead hides no later version of a bucket."""

from datetime import UTC, datetime, timedelta
from threading import Event

from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import to_ms
from recruit_assets.stores.cassandra.event_writes import Change, EventWrites
from recruit_assets.stores.cassandra.hour_tables import CassandraHourStore
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.spark.frames import CassandraFrames

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)


def raise_version(writes: EventWrites, *, micro_batch: int) -> None:
    durable = Event()
    change = Change(to_ms(SEVEN), {3}, row_count=1)
    writes.send_versions([change], micro_batch=micro_batch, done=lambda _: durable.set())
    assert durable.wait(30)


def test_every_write_raises_its_buckets_version_though_a_clock_was_ahead_and_set_back(
    settings: Settings, frames: CassandraFrames
) -> None:
    """A version that stands still says that the rows of the bucket are current."""
    versions = []
    with open_session(settings) as reader:
        store = CassandraHourStore(reader, frames)
        for micro_batches, ahead in (((1, 2), timedelta(hours=1)), ((1, 2, 3), timedelta(0))):
            with open_session(settings) as session:
                writes = EventWrites(session)
                for micro_batch in micro_batches:
                    raise_version(writes, micro_batch=micro_batch)
                    versions.append(sum(store.live_versions([SEVEN])[SEVEN].values()))
                    if micro_batch == 1:  # the host's clock jumps, and is set back before the second
                        generator = session.driver.cluster.timestamp_generator
                        generator.last += ahead // timedelta(microseconds=1)

    assert versions == [1, 2, 3, 4, 5]
