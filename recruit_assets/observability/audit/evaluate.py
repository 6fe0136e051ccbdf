"""Which facts each rule is given, and what the proof is about.

Not here: the rules themselves (`rules`), the queries of single differences (`differences`), reading (`facts`).
"""

from math import inf

from recruit_assets.observability.audit import rules
from recruit_assets.observability.audit.audit_db import LATEST, LEDGER_COLUMNS, Scratch
from recruit_assets.observability.audit.collect import Facts
from recruit_assets.observability.audit.differences import COUNT, Differences, moment
from recruit_assets.observability.audit.ledger_file import LedgerCounts
from recruit_assets.observability.audit.report_rows import wrong_marks
from recruit_assets.observability.audit.results import AuditResult, Finding, Span
from recruit_assets.runtime.settings import Settings

_EVENTS = "SELECT count(*) FROM (SELECT DISTINCT hour_ms, bucket, create_time, event_time_ms FROM events {where})"
_REFUSED_ORIGINS = "SELECT count(*) FROM (SELECT DISTINCT kafka_partition, kafka_offset FROM refused)"


def judge(settings: Settings, scratch: Scratch, facts: Facts, *, ledger: LedgerCounts | None) -> AuditResult:
    """Every rule's finding; those of the ledger last, if there is one."""
    scratch.recompute()
    judged_from_ms = _judged_from_ms(facts)
    differences = Differences(scratch, topic=settings.kafka_topic, judged_from_ms=judged_from_ms)
    findings = [
        *_kafka_findings(settings, scratch, facts, differences=differences),
        *_cassandra_findings(scratch, facts, differences),
        *_report_findings(scratch, facts, differences),
    ]
    if ledger is not None:
        findings += _ledger_findings(scratch, facts, differences, ledger=ledger)
    span = _span(settings, facts, judged_from_ms=judged_from_ms, not_judged=differences.rows_not_judged())
    return AuditResult(span, tuple(findings))


def _kafka_findings(
    settings: Settings, scratch: Scratch, facts: Facts, *, differences: Differences
) -> tuple[Finding, ...]:
    records, events = facts.records, _distinct_events(scratch)
    refused = scratch.number(_REFUSED_ORIGINS)
    missing = differences.refused_without_dead_letter()
    unexpected = facts.strangers
    for span in facts.before:
        unexpected += differences.dead_letters_without_refusal(span.partition, span.first, span.end)
    return (
        rules.nothing_moved(facts.before, facts.after, topic=settings.kafka_topic),
        rules.nothing_uncommitted(facts.before, topic=settings.kafka_topic, group=settings.kafka_group),
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


def _cassandra_findings(scratch: Scratch, facts: Facts, differences: Differences) -> tuple[Finding, ...]:
    return (
        rules.events_are_rows(
            events=_distinct_events(scratch),
            rows=facts.rows - differences.rows_not_judged(),
            missing=differences.events_without_row(),
            unexpected=differences.rows_without_event(),
        ),
        rules.contents_match(differences.rows_with_other_content()),
        rules.received_at_matches(differences.rows_with_other_received_at()),
    )


def _report_findings(scratch: Scratch, facts: Facts, differences: Differences) -> tuple[Finding, ...]:
    return (
        rules.nothing_pending(facts.changes, facts.marks),
        rules.countable_events_match(
            expected=_events_of(scratch, "recomputed"),
            found=_events_of(scratch, "reported"),
            hours=differences.hours("recomputed", "reported"),
        ),
        rules.report_matches(
            expected=_rows_of(scratch, "recomputed"),
            found=_rows_of(scratch, "reported"),
            differences=differences.report("recomputed", "reported", LEDGER_COLUMNS),
        ),
        rules.latest_update_times_match(differences.report("recomputed", "reported", (LATEST,)).different),
        rules.marks_match(wrong_marks(facts.report_hours, facts.marks)),
    )


def _ledger_findings(
    scratch: Scratch, facts: Facts, differences: Differences, *, ledger: LedgerCounts
) -> tuple[Finding, ...]:
    """The ledger knows nothing of replays, so these aren't counted as sent."""
    events = _distinct_events(scratch)
    found = LedgerCounts(
        records=facts.records.records - facts.records.replayed,
        events=events,
        duplicates=facts.records.valid - events,
        dead_letters=dict(scratch.rows("SELECT reason, count(*) FROM dead_letters GROUP BY reason")),
        countable=_distinct_events(scratch, "WHERE countable"),
        unattributed=_distinct_events(scratch, "WHERE unattributed"),
    )
    return (
        *rules.ledger_counts_match(ledger, found),
        rules.ledger_report_matches(
            expected=_rows_of(scratch, "ledger"),
            found=_rows_of(scratch, "reported"),
            differences=differences.report("ledger", "reported", LEDGER_COLUMNS),
        ),
    )


def _judged_from_ms(facts: Facts) -> float:
    """From when on every record that made a row is still in Kafka; always, where no partition has dropped any.

    The last dropped record can be of the same millisecond as the first one that is kept.
    """
    firsts = facts.records.first_received_ms
    return max((firsts.get(span.partition, inf) + 1 for span in facts.before if span.first > 0), default=-inf)


def _span(settings: Settings, facts: Facts, *, judged_from_ms: float, not_judged: int) -> Span:
    firsts = facts.records.first_received_ms.values()
    return Span(
        topic=settings.kafka_topic,
        offsets=tuple(
            f"{span.partition}: {span.first} to {span.end - 1}" for span in facts.before if span.first < span.end
        ),
        records=facts.records.records,
        first_received_at=moment(min(firsts)) if firsts else "",
        last_received_at=moment(facts.records.last_received_ms) if firsts else "",
        judged_from=_shown(judged_from_ms),
        rows_not_judged=not_judged,
    )


def _shown(judged_from_ms: float) -> str:
    if judged_from_ms == -inf:
        return ""
    return "never: a partition has dropped everything" if judged_from_ms == inf else moment(round(judged_from_ms))


def _distinct_events(scratch: Scratch, where: str = "") -> int:
    return scratch.number(_EVENTS.format(where=where))


def _events_of(scratch: Scratch, report: str) -> int:
    return scratch.number(f"SELECT sum({COUNT}) FROM {report}")


def _rows_of(scratch: Scratch, report: str) -> int:
    return scratch.number(f"SELECT count(*) FROM {report}")
