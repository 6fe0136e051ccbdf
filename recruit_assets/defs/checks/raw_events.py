"""Checks of raw_events: every drained record became an event or a dead letter, and none is left or lost.

They don't block: hours are exact for what they cover, and a record that comes later makes its hour pending.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.defs.checks.verdict import Verdict, result_of
from recruit_assets.defs.resources import KafkaResource
from recruit_assets.stores.kafka.offsets import PartitionBacklog, backlog_before

every_record_became_something = dg.AssetCheckSpec(
    "every_record_became_something",
    asset=RAW_EVENTS.name,
    description="Records that this run drained = events + dead letters.",
)
nothing_left = dg.AssetCheckSpec(
    "nothing_left_in_kafka",
    asset=RAW_EVENTS.name,
    description="Records from before the run are committed, and Kafka dropped none that wasn't.",
)


@dataclass(frozen=True, slots=True)
class Drained:
    """The counts of this run's materialization."""

    records: int
    events: int
    dead_letters: int


@dg.multi_asset_check(name="raw_events_checks", specs=[every_record_became_something, nothing_left])
def raw_events_checks(context: dg.AssetCheckExecutionContext, kafka: KafkaResource) -> Iterator[dg.AssetCheckResult]:
    """Check the drain's own counts, and the group's offsets."""
    yield result_of(every_record_became_something, adds_up(_drained(context)))
    settings = kafka.settings
    backlog = backlog_before(settings, _started_at(context))
    yield result_of(nothing_left, is_empty(backlog, topic=settings.kafka_topic, group=settings.kafka_group))


def adds_up(drained: Drained | None) -> Verdict:
    """Whether events and dead letters add up to the drained records; None if this run didn't drain."""
    if drained is None:
        return Verdict(not_compared=("this run didn't materialize raw_events",))
    accounted = drained.events + drained.dead_letters
    if accounted == drained.records:
        return Verdict(drained.records, accounted)
    parts = f"{drained.records} records, {drained.events} events and {drained.dead_letters} dead letters"
    return Verdict(drained.records, accounted, (parts,))


def is_empty(backlog: Sequence[PartitionBacklog], *, topic: str, group: str) -> Verdict:
    """Whether no partition has uncommitted records, or records dropped before they were committed."""
    lost = [
        f"{topic}/{one.partition}: {one.dropped} offsets were dropped before {group} had them"
        for one in backlog
        if one.dropped
    ]
    left = [
        f"{topic}/{one.partition}: {one.uncommitted} offsets from before the run aren't committed by {group}"
        for one in backlog
        if one.uncommitted
    ]
    return Verdict(0, sum(one.uncommitted + one.dropped for one in backlog), (*lost, *left))


def _drained(context: dg.AssetCheckExecutionContext) -> Drained | None:
    # of this run and not the latest: cassandra_cdc_sensor reports raw_events too
    events = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    ).records
    drains = [each.asset_materialization for each in events if each.asset_key == dg.AssetKey(RAW_EVENTS.name)]
    if not drains or drains[-1] is None:
        return None
    metadata = drains[-1].metadata
    records, events, dead_letters = (
        int(str(metadata[name].value)) for name in ("records", "dagster/row_count", "dead_letters")
    )
    return Drained(records, events, dead_letters)


def _started_at(context: dg.AssetCheckExecutionContext) -> datetime:
    """When the run began; later records belong to a later drain."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    started = record.start_time if record else None
    return datetime.fromtimestamp(started, UTC) if started else datetime.now(UTC)
