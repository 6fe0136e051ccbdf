"""Rules of Kafka: topics, group, lag, dead letters."""

from collections.abc import Collection, Mapping, Sequence

from recruit_assets.observability import conditions
from recruit_assets.observability.doctor.verdict import AS_IT_SAYS, Verdict, counted, fail, ok, shown, skipped, warn
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.kafka.cluster import TopicLayout
from recruit_assets.stores.kafka.ingest_lag import IngestLag
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.kafka.topics import MIN_RETENTION_MS, TopicRule
from recruit_assets.stores.kafka.watch import UNKNOWN

CREATE = "run `recruit-assets schema apply`, which creates it"
LIST = "see `recruit-assets dead-letters list`"


def topic(name: str, layout: TopicLayout | None, *, variable: str) -> Verdict:
    if layout is None:
        return fail(f"topic {name} doesn't exist", f"check {variable}, or {CREATE}")
    return ok(f"topic {name} exists")


def partitions(layout: TopicLayout, *, processes: int) -> Verdict:
    """Whether each of one `ingest`'s processes gets a partition."""
    count = len(layout.partitions)
    if processes > count:
        return warn(
            f"RECRUIT_INGEST_PROCESSES is {processes}, but the topic has {counted(count, 'partition')}: "
            f"{processes - count} get nothing to read",
            "lower it, or add partitions",
        )
    return ok(f"{counted(count, 'partition')}, RECRUIT_INGEST_PROCESSES is {processes}")


def replicas(layout: TopicLayout, *, wanted: int, brokers: int) -> Verdict:
    """`wanted` is what `schema apply` would give a new topic."""
    if layout.without_leader:
        return fail(f"partitions {shown(layout.without_leader)} have no leader", "start the brokers that hold them")
    if layout.behind:
        return warn(f"partitions {shown(layout.behind)} have replicas that aren't in sync", "start the other brokers")
    if layout.replicas < wanted:
        return warn(
            f"the topic has {counted(layout.replicas, 'replica')}, RECRUIT_KAFKA_REPLICATION is {wanted}, and "
            f"{counted(brokers, 'broker')} answered",
            "reassign its partitions (kafka-reassign-partitions.sh), or change the setting",
        )
    return ok(f"{counted(layout.replicas, 'replica')}, all in sync")


def setting(rule: TopicRule, options: Mapping[str, str], settings: Settings) -> Verdict:
    """A setting of the event topic."""
    if rule.setting not in options:
        return skipped(f"the brokers don't tell {rule.setting}")
    problem = rule.problem(options[rule.setting], settings)
    if problem is None:
        return ok(options[rule.setting])
    found = f"wanted {problem.wanted}, found {problem.found}. {problem.why}"
    remedy = f"set {problem.setting} of topic {settings.kafka_topic} (kafka-configs.sh --alter)"
    return fail(found, remedy) if problem.stops else warn(found, remedy)


def dead_letter_retention(options: Mapping[str, str]) -> Verdict:
    """Dead letters that are gone can't be replayed."""
    found_ms = int(options["retention.ms"])
    if 0 <= found_ms < MIN_RETENTION_MS:
        return warn(
            f"wanted retention.ms at least {MIN_RETENTION_MS}, found {found_ms}: dead letters are deleted before "
            "anybody replays them",
            "raise it (kafka-configs.sh --alter)",
        )
    return ok(f"retention.ms {found_ms}")


def foreign_consumers(foreign: Sequence[str], why: str) -> Verdict:
    """`why` names the consumers in the group that aren't ingest, and what to do."""
    return fail(why, AS_IT_SAYS) if foreign else ok("the group is ours, and nobody else's consumers are in it")


def offsets(spans: Collection[PartitionSpan]) -> Verdict:
    """Whether the group's offsets are of what the partitions hold."""
    dropped = sum(span.dropped for span in spans)
    if dropped:
        return fail(
            f"{counted(dropped, 'record')} were deleted before ingest had read them",
            "those events are lost; raise the topic's retention.ms, and run ingest",
        )
    beyond = [span.partition for span in spans if span.is_beyond_end]
    if beyond:
        return warn(
            f"the group has committed offsets beyond the end of partitions {shown(beyond)}: these have lost records",
            "run ingest, which reads them again, then `recruit-assets audit`",
        )
    return ok("every record is still there or was committed")


def lag(found: IngestLag) -> Verdict:
    """As the alerts judge it; a record that has waited that long counts, also if others are read meanwhile."""
    trouble = conditions.of_ingest(found, known=(conditions.INGEST,)).get(conditions.INGEST)
    if trouble:
        return fail(trouble, "start `recruit-assets ingest`" if found.members == 0 else "look at ingest's log")
    waiting = f"{counted(found.records, 'record')} to read, the oldest for {found.age_s:.0f} s"
    return ok(f"{waiting}; members of the group: {found.members}")


def dead_letter_share(found: IngestLag) -> Verdict:
    trouble = conditions.of_ingest(found).get(conditions.DEAD_LETTERS)
    if trouble:
        return warn(trouble, "fix the sender, then `recruit-assets dead-letters replay`")
    return ok(f"{found.recent_dead_letters:,} of {found.recent_records:,} records of the last minutes")


def dead_letters(by_reason: Mapping[str, int], uncounted: int) -> Verdict:
    """What the dead letter topic holds. With records of other programs in it, `list` and `replay` exit with 1."""
    total = sum(by_reason.values())
    reasons = shown(f"{count:,} {reason}" for reason, count in by_reason.items() if count)
    rest = f", and {uncounted:,} that there was no time to count" if uncounted else ""
    if by_reason.get(UNKNOWN):
        return warn(
            f"records of the topic that aren't dead letters of this platform: {by_reason[UNKNOWN]:,}{rest}", LIST
        )
    return ok(f"{counted(total, 'dead letter')}{f': {reasons}' if reasons else ''}{rest}")
