"""How many records the ingest group hasn't committed. Not here: reading them (`ingest`)."""

from contextlib import closing

from recruit_assets.settings import Settings
from recruit_assets.stores.kafka import (
    beginning_offsets,
    committed_offsets,
    end_offsets,
    open_admin,
    open_consumer,
)


def uncommitted_records(settings: Settings) -> int:
    """Offsets between what the group committed and the topic's end; StoreUnavailable when Kafka can't say.

    An upper bound of the records: offsets of transaction markers are among them. Joins no group.
    """
    with open_admin(settings) as admin:
        committed = committed_offsets(admin, settings)
    with closing(open_consumer(settings, group=None, client_id="recruit_lag")) as consumer:
        firsts = beginning_offsets(consumer, settings.kafka_topic)
        ends = end_offsets(consumer, settings.kafka_topic)
    return sum(max(0, end - max(committed.get(p, 0), firsts[p])) for p, end in ends.items())
