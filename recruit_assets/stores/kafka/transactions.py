"""Transactions that hide records of the event topic from consumers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from kafka import KafkaAdminClient
from kafka.structs import TopicPartition

from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import from_ms
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
    spans = partition_spans(admin, settings)
    hidden = [TopicPartition(settings.kafka_topic, span.partition) for span in spans if span.hidden]
    with translated_errors(f"transactions in topic {settings.kafka_topic}"):
        producers = admin.describe_producers(hidden)
        blocking = {
            tp: min(of_open, key=lambda one: one.current_transaction_start_offset)
            for tp, state in sorted(producers.items())
            if (of_open := [one for one in state.active_producers if one.current_transaction_start_offset >= 0])
        }
        names = _names(admin, {one.producer_id for one in blocking.values()})
        details = admin.describe_transactions(list(names.values())) if names else {}
    started = {one.producer_id: one.transaction_start_time_ms for one in details.values()}
    return tuple(
        OpenTransaction(
            topic=tp.topic,
            partition=tp.partition,
            offset=one.current_transaction_start_offset,
            producer_id=one.producer_id,
            transactional_id=names.get(one.producer_id, ""),
            # without the right to describe the transaction: the time of its last record
            since=from_ms(started.get(one.producer_id, one.last_timestamp)),
        )
        for tp, one in blocking.items()
    )


def _names(admin: KafkaAdminClient, producer_ids: Collection[int]) -> dict[int, str]:
    """By producer id, the transactional ids that our login may see."""
    if not producer_ids:
        return {}
    listed = admin.list_transactions(producer_id_filters=list(producer_ids))
    return {one.producer_id: one.transactional_id for of_broker in listed.values() for one in of_broker}
