"""The metrics: names, labels, units and help texts. A test compares docs/operators.md with them.

The report's hours are called partitions here, because promtool takes "hours" in a name for a unit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.stores.dagster.history import LastCheck, LastRun
from recruit_assets.stores.kafka.watch import KafkaState
from recruit_assets.stores.mysql.report_state import ReportState

BEHIND_CASSANDRA, LAG_AGE = "recruit_report_behind_cassandra_seconds", "recruit_kafka_lag_age_seconds"


def freshness(metrics: Iterable[Metric]) -> Metric:
    """The greater of the report's age behind Cassandra and ingest's behind Kafka; no sample unless both are known."""
    parts = [one.samples[0].value for one in metrics if one.name in (BEHIND_CASSANDRA, LAG_AGE) and one.samples]
    return _gauge(
        "recruit_report_freshness_seconds",
        "Upper bound for the age of an event that the report lacks, uncommitted in Kafka or pending in Cassandra",
        max(parts) if len(parts) == 2 else None,
    )


def of_report(state: ReportState) -> Sequence[Metric]:
    """How far the report is behind Cassandra, its size, and the pending hours."""
    return [
        _gauge(BEHIND_CASSANDRA, "Age of the newest event in the report while changes are pending, 0 while the report "
               "covers everything in Cassandra", state.freshness_s),
        _gauge("recruit_report_newest_event_timestamp_seconds", "When Kafka received the newest event in the report",
               None if state.newest_event is None else state.newest_event.timestamp()),
        _gauge("recruit_report_partitions", "Hours in the report", state.hours),
        _gauge("recruit_report_rows", "Rows in the report", state.rows),
        _gauge("recruit_report_events", "Countable events in the report", state.events),
        _gauge("recruit_pending_partitions", "Hours with changes that the report doesn't cover", len(state.pending)),
        _gauge("recruit_failing_partitions", "Pending hours whose last run failed", len(state.failing)),
        _gauge("recruit_oldest_pending_change_age_seconds", "Age of the oldest pending change, 0 if there is none",
               state.oldest_pending_s),
        _gauge("recruit_change_feed_age_seconds", "Time since the change feed was last read",
               None if state.read_through is None else max(0.0, (state.now - state.read_through).total_seconds())),
    ]  # fmt: skip


def of_kafka(state: KafkaState) -> Sequence[Metric]:
    """How far ingest is behind, and the dead letters."""
    lag = GaugeMetricFamily(
        "recruit_kafka_lag_records", "Offsets that the ingest group hasn't committed", labels=["partition"]
    )
    hidden = GaugeMetricFamily(
        "recruit_kafka_hidden_records", "Offsets that an open transaction hides, part of the lag", labels=["partition"]
    )
    for span in state.lag.spans:
        lag.add_metric([str(span.partition)], span.uncommitted)
        hidden.add_metric([str(span.partition)], span.hidden)
    committed = CounterMetricFamily("recruit_kafka_committed_records", "Offsets that the ingest group has committed")
    committed.add_metric([], state.lag.committed)
    problems = GaugeMetricFamily(
        "recruit_kafka_topic_problems", "1 for a setting of the event topic that can lose events", labels=["setting"]
    )
    for setting in state.topic_problems:
        problems.add_metric([setting], 1)
    letters = CounterMetricFamily("recruit_dead_letters", "Dead letters in Kafka by reason", labels=["reason"])
    for reason, count in state.dead_letters.items():
        letters.add_metric([reason], count)
    return [
        lag,
        hidden,
        _gauge(LAG_AGE, "Age of the oldest record that the ingest group hasn't committed, 0 if there is none",
               state.lag.age_s),
        committed,
        problems,
        _gauge("recruit_kafka_group_members", "Consumers in the ingest group", state.lag.members),
        letters,
        _gauge("recruit_dead_letters_uncounted", "Dead letters not counted yet", state.uncounted),
    ]  # fmt: skip


def of_cassandra(*, clock_ms: int, now: datetime) -> Sequence[Metric]:
    """How far Cassandra's clock is ahead of `now`."""
    offset_s = clock_ms / 1000 - now.timestamp()
    return [_gauge("recruit_cassandra_clock_offset_seconds", "Cassandra's clock minus this machine's", offset_s)]


def of_attribution(by_rule: Mapping[str, int]) -> Sequence[Metric]:
    """How many events each rule found the job of; no samples where events have no job but their own."""
    family = GaugeMetricFamily(
        "recruit_attributed_events",
        "Countable events of the last 24 hours by the rule that found their job, none for those without a job",
        labels=["rule"],
    )
    for rule, count in by_rule.items():
        family.add_metric([rule], count)
    return [family]


def of_runs(runs: Sequence[LastRun], unfinished: Mapping[str, int]) -> Iterator[Metric]:
    """The last finished run of each job, and the unfinished runs."""
    families = [
        GaugeMetricFamily(name, text, labels=["job"])
        for name, text in (
            ("recruit_last_run_success", "Whether the job's last finished run succeeded"),
            ("recruit_last_run_end_timestamp_seconds", "When the job's last finished run ended"),
            ("recruit_last_run_duration_seconds", "How long the job's last finished run took"),
        )
    ]
    for run in runs:
        for family, value in zip(families, (run.succeeded, run.ended_at.timestamp(), run.seconds), strict=True):
            family.add_metric([run.job], float(value))
    yield from families
    family = GaugeMetricFamily("recruit_unfinished_runs", "Dagster runs that haven't ended", labels=["status"])
    for status, count in sorted(unfinished.items()):
        family.add_metric([status], count)
    yield family


def of_checks(checks: Sequence[LastCheck]) -> Iterator[Metric]:
    """The state of each asset check."""
    passed = GaugeMetricFamily(
        "recruit_check_passed",
        "Whether the check's last result is a pass and nothing that it found wrong still is",
        labels=["asset", "check"],
    )
    for one in checks:
        passed.add_metric([one.asset, one.check], float(one.passed))
    yield passed


def of_audit(audit: LastAudit | None) -> Sequence[Metric]:
    """The last audit of this state directory; no samples before the first."""
    exact, ended, broken = (audit.exact, audit.ended_at.timestamp(), len(audit.broken)) if audit else (None, None, None)
    return [
        _gauge("recruit_audit_exact", "Whether the last audit found no difference", exact),
        _gauge("recruit_audit_timestamp_seconds", "When the last audit ended", ended),
        _gauge("recruit_audit_broken_rules", "Rules that the last audit found broken", broken),
    ]


def _gauge(name: str, text: str, value: float | None) -> Metric:
    """A gauge without labels; without a sample if there is no value."""
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], float(value))
    return family
