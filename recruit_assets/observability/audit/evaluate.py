"""Which facts each rule is given, and what the proof is about.

Not here: the rules themselves (`rules`), the queries of single differences (`differences`), reading (`collected`).
"""

from math import inf

from recruit_assets.contract.measures import REPORT_EVENTS
from recruit_assets.observability.audit import rules
from recruit_assets.observability.audit.audit_db import LATEST, LEDGER_COLUMNS, AuditDatabase
from recruit_assets.observability.audit.collect import Collected
from recruit_assets.observability.audit.differences import Differences, moment
from recruit_assets.observability.audit.ledger_file import LedgerCounts
from recruit_assets.observability.audit.report_rows import wrong_marks
from recruit_assets.observability.audit.results import AuditResult, RuleResult, Span
from recruit_assets.runtime.settings import Settings

_EVENTS = "SELECT count(*) FROM (SELECT DISTINCT hour_ms, bucket, create_time, event_time_ms FROM events {where})"
_REFUSED_ORIGINS = "SELECT count(*) FROM (SELECT DISTINCT kafka_partition, kafka_offset FROM refused)"


def evaluate(
    settings: Settings, audit_db: AuditDatabase, collected: Collected, *, ledger: LedgerCounts | None
) -> AuditResult:
    """Every rule's finding; those of the ledger last, if there is one."""
    audit_db.recompute()
    judged_from_ms = _judged_from_ms(collected)
    differences = Differences(audit_db, topic=settings.kafka_topic, judged_from_ms=judged_from_ms)
    findings = [
        *_kafka_findings(settings, audit_db, collected, differences=differences),
        *_cassandra_findings(audit_db, collected, differences),
        *_report_findings(audit_db, collected, differences),
    ]
    if ledger is not None:
        findings += _ledger_findings(audit_db, collected, differences, ledger=ledger)
    span = _span(settings, collected, judged_from_ms=judged_from_ms, not_judged=differences.rows_not_judged())
    return AuditResult(span, tuple(findings))


def _kafka_findings(
    settings: Settings, audit_db: AuditDatabase, collected: Collected, *, differences: Differences
) -> tuple[RuleResult, ...]:
    records, events = collected.records, _distinct_events(audit_db)
    refused = audit_db.number(_REFUSED_ORIGINS)
    missing = differences.refused_without_dead_letter()
    unexpected = collected.strangers
    for span in collected.before:
        unexpected += differences.dead_letters_without_refusal(span.partition, span.first, span.end)
    return (
        rules.nothing_moved(collected.before, collected.after, topic=settings.kafka_topic),
        rules.nothing_uncommitted(collected.before, topic=settings.kafka_topic, group=settings.kafka_group),
        rules.records_add_up(
            records=records.records,
            events=events,
            duplicates=records.valid - events,
            dead_letters=refused - missing.count + unexpected.count,
            refused_again=records.refused - refused,
        ),
        rules.dead_letters_match(
            refused=refused,
            missing=missing,
            unexpected=unexpected,
            other_reason=differences.dead_letters_with_other_reason(),
        ),
        rules.no_conflicts(differences.conflicts()),
    )


def _cassandra_findings(
    audit_db: AuditDatabase, collected: Collected, differences: Differences
) -> tuple[RuleResult, ...]:
    return (
        rules.events_are_rows(
            events=_distinct_events(audit_db),
            rows=collected.rows - differences.rows_not_judged(),
            missing=differences.events_without_row(),
            unexpected=differences.rows_without_event(),
        ),
        rules.contents_match(differences.rows_with_other_content()),
        rules.received_at_matches(differences.rows_with_other_received_at()),
    )


def _report_findings(audit_db: AuditDatabase, collected: Collected, differences: Differences) -> tuple[RuleResult, ...]:
    return (
        rules.nothing_pending(collected.changes, collected.marks),
        rules.countable_events_match(
            expected=_events_of(audit_db, "recomputed"),
            found=_events_of(audit_db, "reported"),
            hours=differences.hours("recomputed", "reported"),
        ),
        rules.report_matches(
            expected=_rows_of(audit_db, "recomputed"),
            found=_rows_of(audit_db, "reported"),
            differences=differences.report("recomputed", "reported", LEDGER_COLUMNS),
        ),
        rules.latest_update_times_match(differences.report("recomputed", "reported", (LATEST,)).different),
        rules.marks_match(wrong_marks(collected.report_hours, collected.marks)),
    )


def _ledger_findings(
    audit_db: AuditDatabase, collected: Collected, differences: Differences, *, ledger: LedgerCounts
) -> tuple[RuleResult, ...]:
    """The ledger knows nothing of replays, so these aren't counted as sent."""
    events = _distinct_events(audit_db)
    found = LedgerCounts(
        records=collected.records.records - collected.records.replayed,
        events=events,
        duplicates=collected.records.valid - events,
        dead_letters=dict(audit_db.rows("SELECT reason, count(*) FROM dead_letters GROUP BY reason")),
        countable=_distinct_events(audit_db, "WHERE countable"),
        unattributed=_distinct_events(audit_db, "WHERE unattributed"),
    )
    return (
        *rules.ledger_counts_match(ledger, found),
        rules.ledger_report_matches(
            expected=_rows_of(audit_db, "ledger"),
            found=_rows_of(audit_db, "reported"),
            differences=differences.report("ledger", "reported", LEDGER_COLUMNS),
        ),
    )


def _judged_from_ms(collected: Collected) -> float:
    """From when on every record that made a row is still in Kafka; always, where no partition has dropped any.

    The last dropped record can be of the same millisecond as the first one that is kept.
    """
    firsts = collected.records.first_received_ms
    return max((firsts.get(span.partition, inf) + 1 for span in collected.before if span.first > 0), default=-inf)


def _span(settings: Settings, collected: Collected, *, judged_from_ms: float, not_judged: int) -> Span:
    firsts = collected.records.first_received_ms.values()
    return Span(
        topic=settings.kafka_topic,
        offsets=tuple(
            f"{span.partition}: {span.first} to {span.end - 1}" for span in collected.before if span.first < span.end
        ),
        records=collected.records.records,
        first_received_at=moment(min(firsts)) if firsts else "",
        last_received_at=moment(collected.records.last_received_ms) if firsts else "",
        judged_from=_shown(judged_from_ms),
        rows_not_judged=not_judged,
    )


def _shown(judged_from_ms: float) -> str:
    if judged_from_ms == -inf:
        return ""
    return "never: a partition has dropped everything" if judged_from_ms == inf else moment(round(judged_from_ms))


def _distinct_events(audit_db: AuditDatabase, where: str = "") -> int:
    return audit_db.number(_EVENTS.format(where=where))


def _events_of(audit_db: AuditDatabase, report: str) -> int:
    return audit_db.number(f"SELECT sum({REPORT_EVENTS}) FROM {report}")


def _rows_of(audit_db: AuditDatabase, report: str) -> int:
    return audit_db.number(f"SELECT count(*) FROM {report}")
