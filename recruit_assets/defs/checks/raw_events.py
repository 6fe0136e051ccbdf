"""Checks of raw_events: every drained record became an event or a dead letter, and none is left or lost.

They don't block: hours are exact for what they cover, and a record that comes later makes its hour pending.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.defs.checks.verdict import Finding, Verdict, results_of
from recruit_assets.defs.resources import KafkaResource
from recruit_assets.stores.kafka.offsets import PartitionBacklog, backlog_before

every_record_became_something = dg.AssetCheckSpec(
    "every_record_became_something",
    asset=RAW_EVENTS.name,
    description="Records that this run drained = events + dead letters. If it drained none: those of the last drain.",
)
nothing_left = dg.AssetCheckSpec(
    "nothing_left_in_kafka",
    asset=RAW_EVENTS.name,
    description="Records from before the run are committed, and Kafka dropped none that wasn't.",
)

MATERIALIZATIONS_READ = 1_000
"""The newest, among which the last drain is looked for; cassandra_cdc_sensor reports 144 a day at most."""


@dataclass(frozen=True, slots=True)
class Drained:
    """The counts of a drain's materialization."""

    records: int
    events: int
    dead_letters: int


@dg.multi_asset_check(name="raw_events_checks", specs=[every_record_became_something, nothing_left], can_subset=True)
def raw_events_checks(context: dg.AssetCheckExecutionContext, kafka: KafkaResource) -> Iterator[dg.AssetCheckResult]:
    """Check the drain's own counts, and the group's offsets."""
    if every_record_became_something.key in context.selected_asset_check_keys:
        yield from results_of(context, every_record_became_something, Verdict([adds_up(_last_drain(context))]))
    if nothing_left.key in context.selected_asset_check_keys:
        settings = kafka.settings
        backlog = backlog_before(settings, _started_at(context))
        findings = is_empty(backlog, topic=settings.kafka_topic, group=settings.kafka_group)
        yield from results_of(context, nothing_left, Verdict(list(findings)))


def adds_up(drained: Drained | None) -> Finding:
    """Whether events and dead letters add up to the drained records; None if no run has drained any."""
    if drained is None:
        return Finding(None, not_compared=f"no run has drained records into {RAW_EVENTS.name}")
    accounted = drained.events + drained.dead_letters
    parts = f"{drained.records} records, {drained.events} events and {drained.dead_letters} dead letters"
    return Finding(None, drained.records, accounted, "" if accounted == drained.records else parts)


def is_empty(backlog: Iterable[PartitionBacklog], *, topic: str, group: str) -> Iterator[Finding]:
    """Whether a partition has uncommitted records, or records dropped before they were committed."""
    for one in backlog:
        where = f"{topic}/{one.partition}"
        dropped = f"{where}: {one.dropped} offsets were dropped before {group} had them"
        left = f"{where}: {one.uncommitted} offsets from before the run aren't committed by {group}"
        differences = [text for text, count in ((dropped, one.dropped), (left, one.uncommitted)) if count]
        yield Finding(None, found=one.uncommitted + one.dropped, difference="; ".join(differences))


def _last_drain(context: dg.AssetCheckExecutionContext) -> Drained | None:
    """This run's drain, or the last one if this run drained nothing."""
    key, instance = dg.AssetKey(RAW_EVENTS.name), context.instance
    of_run = instance.get_records_for_run(context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    own = (one.asset_materialization for one in reversed(of_run.records) if one.asset_key == key)
    return _first_drain(own) or _first_drain(
        one.asset_materialization for one in instance.fetch_materializations(key, MATERIALIZATIONS_READ).records
    )


def _first_drain(materializations: Iterable[dg.AssetMaterialization | None]) -> Drained | None:
    """The first that isn't one of cassandra_cdc_sensor's reports and isn't empty."""
    drains = (_drained(one.metadata) for one in materializations if one and "dead_letters" in one.metadata)
    return next((drain for drain in drains if drain != Drained(0, 0, 0)), None)


def _drained(metadata: Mapping[str, dg.MetadataValue]) -> Drained:
    return Drained(*(int(str(metadata[name].value)) for name in ("records", "dagster/row_count", "dead_letters")))


def _started_at(context: dg.AssetCheckExecutionContext) -> datetime:
    """When the run began; later records belong to a later drain."""
    record = context.instance.get_run_record_by_id(context.run.run_id)
    started = record.start_time if record else None
    return datetime.fromtimestamp(started, UTC) if started else datetime.now(UTC)
