"""The metrics' names and values, and that docs/operators.md explains each."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import Metric

from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.observability.metrics import families
from recruit_assets.stores.dagster.history import LastCheck, LastRun
from recruit_assets.stores.kafka.ingest_lag import IngestLag
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.kafka.watch import KafkaState
from recruit_assets.stores.mysql.report_state import ReportState
from recruit_assets_tests.support.lags import a_lag

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DOCS = Path(__file__).parents[4] / "docs" / "operators.md"
PENDING = PendingHour(NOW - timedelta(hours=9), newest_change=NOW - timedelta(seconds=40), next_try_at=NOW, attempts=1)
AUDIT = LastAudit(ended_at=NOW, records=10, rules=12, broken=("events",))


def samples(metrics: Iterable[Metric]) -> dict[str, float]:
    """Values by name and label values."""
    return {
        sample.name + "".join(f"/{value}" for value in sample.labels.values()): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_with_pending_hours_freshness_is_the_age_of_the_newest_event() -> None:
    newest = NOW - timedelta(minutes=3)
    state = ReportState(NOW, (PENDING,), read_through=NOW - timedelta(seconds=4), newest_event=newest, hours=2, rows=30,
                        events=90)  # fmt: skip

    assert samples(families.of_report(state)) == {
        "recruit_report_behind_cassandra_seconds": 180,
        "recruit_report_newest_event_timestamp_seconds": newest.timestamp(),
        "recruit_report_partitions": 2,
        "recruit_report_rows": 30,
        "recruit_report_events": 90,
        "recruit_pending_partitions": 1,
        "recruit_failing_partitions": 1,
        "recruit_oldest_pending_change_age_seconds": 40,
        "recruit_change_feed_age_seconds": 4,
    }


def test_an_empty_report_has_no_times() -> None:
    found = samples(families.of_report(ReportState(NOW)))

    assert found["recruit_report_behind_cassandra_seconds"] == 0
    assert not found.keys() & {"recruit_report_newest_event_timestamp_seconds", "recruit_change_feed_age_seconds"}


def test_a_complete_report_of_a_quiet_site_is_fresh() -> None:
    state = ReportState(NOW, read_through=NOW - timedelta(seconds=4), newest_event=NOW - timedelta(days=3))

    assert state.freshness_s == 0


def test_freshness_grows_while_nobody_reads_the_change_feed() -> None:
    state = ReportState(NOW, read_through=NOW - timedelta(minutes=9), newest_event=NOW - timedelta(days=3))

    assert state.freshness_s == 540


def test_lag_and_dead_letters_have_labels() -> None:
    spans = [PartitionSpan(0, first=0, end=13, committed=10, hidden=2), PartitionSpan(1, first=0, end=5, committed=5)]
    lag = IngestLag(NOW, spans, members=2, oldest=NOW - timedelta(seconds=90))
    state = KafkaState(lag, dead_letters={"not_json": 5}, uncounted=1, topic_problems=["cleanup.policy"])

    assert samples(families.of_kafka(state)) == {
        "recruit_kafka_lag_records/0": 3,
        "recruit_kafka_lag_records/1": 0,
        "recruit_kafka_hidden_records/0": 2,
        "recruit_kafka_hidden_records/1": 0,
        "recruit_kafka_lag_age_seconds": 90,
        "recruit_kafka_committed_records_total": 15,
        "recruit_kafka_topic_problems/cleanup.policy": 1,
        "recruit_kafka_group_members": 2,
        "recruit_dead_letters_total/not_json": 5,
        "recruit_dead_letters_uncounted": 1,
    }


@pytest.mark.parametrize(
    ("pending_s", "waiting_s", "freshness"), [(0, 0, 0), (180, 0, 180), (0, 7200, 7200), (180, 90, 180)]
)
def test_freshness_is_the_age_of_what_waits_longest_in_cassandra_or_in_kafka(
    pending_s: float, waiting_s: float, freshness: float
) -> None:
    """A dead ingest looked up to date."""
    pending = (PENDING,) if pending_s else ()
    report = families.of_report(ReportState(NOW, pending, newest_event=NOW - timedelta(seconds=pending_s)))
    kafka = families.of_kafka(KafkaState(a_lag(age_s=waiting_s), {}, 0))

    assert samples([families.freshness([*report, *kafka])]) == {"recruit_report_freshness_seconds": freshness}
    assert samples([families.freshness(report)]) == {}
    assert samples([families.freshness(kafka)]) == {}


def test_runs_checks_and_audit_show_the_last_result() -> None:
    runs = families.of_runs([LastRun("hours_job", succeeded=False, ended_at=NOW, seconds=7.5)], {"queued": 2})
    checks = families.of_checks([LastCheck("mysql_report", "counts_every_event", passed=True, evaluated_at=NOW)])

    assert samples([*runs, *checks, *families.of_audit(AUDIT)]) == {
        "recruit_last_run_success/hours_job": 0,
        "recruit_last_run_end_timestamp_seconds/hours_job": NOW.timestamp(),
        "recruit_last_run_duration_seconds/hours_job": 7.5,
        "recruit_unfinished_runs/queued": 2,
        "recruit_check_passed/mysql_report/counts_every_event": 1,
        "recruit_audit_exact": 0,
        "recruit_audit_timestamp_seconds": NOW.timestamp(),
        "recruit_audit_broken_rules": 1,
    }
    assert samples(families.of_audit(None)) == {}


def test_events_are_counted_by_the_rule_that_found_their_job() -> None:
    assert samples(families.of_attribution({"job_id": 7, "ed.jobId": 0, "none": 2})) == {
        "recruit_attributed_events/job_id": 7,
        "recruit_attributed_events/ed.jobId": 0,
        "recruit_attributed_events/none": 2,
    }
    assert samples(families.of_attribution({})) == {}


def test_every_metric_is_documented_with_its_help_text() -> None:
    every = [
        *families.of_report(ReportState(NOW)),
        *families.of_kafka(KafkaState(a_lag(), {}, 0)),
        families.freshness([]),
        *families.of_cassandra(clock_ms=0, now=NOW),
        *families.of_attribution({}),
        *families.of_runs([], {}),
        *families.of_checks([]),
        *families.of_audit(None),
    ]
    documented = {line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `recruit_")}

    named = {f"{metric.name}{'_total' if metric.type == 'counter' else ''}": metric.documentation for metric in every}
    assert {f"| `{name}` | {meaning} |" for name, meaning in named.items()} <= documented
