"""Transactions that hide records of the event topic from consumers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from kafka import KafkaAdminClient
from kafka.structs import TopicPartition

from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.clients import translated_errors
from recruit_assets.stores.kafka.offsets import partition_spans


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that hides the records behind it from consumers until it is committed or aborted."""

    topic: str
    partition: int
    offset: int
    producer_id: int
    transactional_id: str
    since: datetime

    def __str__(self) -> str:
        return (
            f"{self.topic}/{self.partition} can't be read from offset {self.offset} on: producer {self.producer_id} "
            f"(transactional.id {self.transactional_id or 'unknown'}) has had a transaction open since "
            f"{self.since:%Y-%m-%d %H:%M:%S} UTC"
        )


def open_transactions(admin: KafkaAdminClient, settings: Settings) -> tuple[OpenTransaction, ...]:
    """The open transaction that blocks each partition with hidden records."""
    hidden = [
        TopicPartition(settings.kafka_topic, one.partition) for one in partition_spans(admin, settings) if one.hidden
    ]
    if not hidden:
        return ()
    with translated_errors(f"transactions in topic {settings.kafka_topic}"):
        producers = admin.describe_producers(hidden)
        names = {one.producer_id: one.transactional_id for one in admin.list_transactions()}
        started = {
            one.producer_id: one.transaction_start_time_ms
            for one in admin.describe_transactions(list(names.values())).values()
        }
    found = []
    for tp, state in sorted(producers.items()):
        blocking = [one for one in state.active_producers if one.current_transaction_start_offset >= 0]
        if not blocking:
            continue  # it has ended meanwhile
        first = min(blocking, key=lambda one: one.current_transaction_start_offset)
        # without the right to describe the transaction: the time of its last record
        since_ms = started.get(first.producer_id, first.last_timestamp)
        found.append(
            OpenTransaction(
                topic=tp.topic,
                partition=tp.partition,
                offset=first.current_transaction_start_offset,
                producer_id=first.producer_id,
                transactional_id=names.get(first.producer_id, ""),
                since=datetime.fromtimestamp(since_ms / 1000, UTC),
            )
        )
    return tuple(found)
