"""Applies every rule to what was collected, and says what the audit covers."""

from collections.abc import Iterator
from math import inf

from recruit_assets.contract.attribution import Attribution
from recruit_assets.contract.measures import CLICKS, REPORT_EVENTS
from recruit_assets.contract.tables import CLICK_QUALITY, DOWNSTREAM_TABLES
from recruit_assets.contract.types import DownstreamTable
from recruit_assets.observability.audit import rules
from recruit_assets.observability.audit.attribution import attribution_matches
from recruit_assets.observability.audit.audit_db import DAILY_TABLES, LATEST, LEDGER_COLUMNS, AuditDatabase
from recruit_assets.observability.audit.collect import Collected
from recruit_assets.observability.audit.differences import NO_HOUR_FROZEN, Differences, moment
from recruit_assets.observability.audit.ledger_file import LedgerCounts, LedgerFile
from recruit_assets.observability.audit.report_rows import wrong_reported_hours
from recruit_assets.observability.audit.results import AuditResult, RuleResult, Sample, Span
from recruit_assets.runtime.settings import Settings
from recruit_assets.runtime.times import to_ms

_EVENTS = "SELECT count(*) FROM (SELECT DISTINCT hour_ms, bucket, create_time, event_time_ms FROM events {where})"
_FIRST_DEAD_LETTERS = """
    SELECT reason, count(*) FROM dead_letters d WHERE NOT EXISTS (SELECT 1 FROM replays r
      WHERE r.kafka_partition = d.kafka_partition AND r.kafka_offset = d.kafka_offset
        AND r.timestamp_ms = d.timestamp_ms)
    GROUP BY reason
"""


def evaluate(
    settings: Settings, audit_db: AuditDatabase, collected: Collected, *, ledger: LedgerFile | None
) -> AuditResult:
    """The result of every rule; those about the ledger come last, if there is one."""
    audit_db.keep_days(collected.days.compared)
    for table in _switched_on(collected):
        audit_db.keep_downstream(table, collected.downstream[table.name].compared)
    audit_db.recompute()
    if collected.frozen_before is not None:
        audit_db.forget_report_before(collected.frozen_before)
    compared_from_ms = _compared_from_ms(collected)
    differences = Differences(
        audit_db,
        topic=settings.kafka_topic,
        compared_from_ms=compared_from_ms,
        first_hour_ms=_first_hour_ms(collected),
    )
    results = [
        *_kafka_results(settings, audit_db, collected, differences=differences),
        *_cassandra_results(audit_db, collected, differences),
        *_report_results(audit_db, collected, differences),
        *_daily_results(audit_db, collected, differences),
        *_downstream_results(audit_db, collected, differences),
    ]
    attribution = settings.job_rules
    if not attribution.is_default:
        results.append(attribution_matches(attribution, collected.found_jobs, collected.recorded_jobs))
    if ledger is not None:
        results += _ledger_results(audit_db, collected, differences, ledger=ledger, attribution=attribution)
    span = _span(settings, collected, compared_from_ms=compared_from_ms, not_compared=differences.rows_not_compared())
    return AuditResult(span, tuple(results))


def _kafka_results(
    settings: Settings, audit_db: AuditDatabase, collected: Collected, *, differences: Differences
) -> tuple[RuleResult, ...]:
    records, events = collected.records, _distinct_events(audit_db)
    missing, unexpected = differences.rejected_without_dead_letter(), Sample()
    for span in collected.before:
        first_ms = records.first_received_ms.get(span.partition, 0)
        unexpected += differences.dead_letters_without_rejection(span, first_ms)
    return (
        rules.topic_unchanged(collected.before, collected.after, topic=settings.kafka_topic),
        rules.nothing_uncommitted(collected.before, topic=settings.kafka_topic, group=settings.kafka_group),
        rules.records_add_up(
            records=records.records,
            events=events,
            duplicates=records.valid - events,
            dead_letters=records.rejected - missing.count + unexpected.count,
        ),
        rules.dead_letters_match(
            rejected=records.rejected,
            missing=missing,
            unexpected=unexpected,
            other_reason=differences.dead_letters_with_other_reason(),
        ),
        rules.no_conflicts(differences.conflicts()),
    )


def _cassandra_results(
    audit_db: AuditDatabase, collected: Collected, differences: Differences
) -> tuple[RuleResult, ...]:
    return (
        rules.events_are_rows(
            events=_distinct_events(audit_db, f"WHERE hour_ms >= {_first_hour_ms(collected)}"),
            rows=collected.rows - differences.rows_not_compared(),
            missing=differences.events_without_row(),
            unexpected=differences.rows_without_event(),
        ),
        rules.contents_match(differences.rows_with_other_content()),
        rules.received_at_matches(differences.rows_with_other_received_at()),
    )


def _report_results(audit_db: AuditDatabase, collected: Collected, differences: Differences) -> tuple[RuleResult, ...]:
    return (
        rules.nothing_pending(
            {hour: at for hour, at in collected.changes.items() if to_ms(hour) >= _first_hour_ms(collected)},
            collected.recorded_hours,
            now=collected.now,
        ),
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
        rules.hour_counts_match(wrong_reported_hours(collected.hour_counts, collected.recorded_hours)),
    )


def _daily_results(audit_db: AuditDatabase, collected: Collected, differences: Differences) -> tuple[RuleResult, ...]:
    return (
        rules.days_follow_hours(collected.days.late(collected.now)),
        *(
            rules.days_match(
                table,
                expected=_rows_of(audit_db, f"recomputed_{table.name}"),
                found=_rows_of(audit_db, f"reported_{table.name}"),
                differences=differences.days(table),
            )
            for table in DAILY_TABLES
        ),
    )


def _downstream_results(
    audit_db: AuditDatabase, collected: Collected, differences: Differences
) -> Iterator[RuleResult]:
    for table in _switched_on(collected):
        yield rules.downstream_follows(table, collected.downstream[table.name].late)
        yield rules.downstream_matches(
            table,
            expected=_rows_of(audit_db, f"recomputed_{table.name}"),
            found=_rows_of(audit_db, f"reported_{table.name}"),
            differences=differences.downstream(table),
        )
    if CLICK_QUALITY.name in collected.downstream:
        gross, differing = differences.gross_clicks()
        judged = audit_db.number(f"SELECT sum({CLICKS.name}) FROM reported_{CLICK_QUALITY.name}")
        yield rules.gross_clicks_match(gross=gross, judged=judged, differing=differing)


def _switched_on(collected: Collected) -> list[DownstreamTable]:
    return [table for table in DOWNSTREAM_TABLES if table.name in collected.downstream]


def _ledger_results(
    audit_db: AuditDatabase,
    collected: Collected,
    differences: Differences,
    *,
    ledger: LedgerFile,
    attribution: Attribution,
) -> tuple[RuleResult, ...]:
    """The ledger doesn't know replays, so they aren't counted as sent."""
    events = _distinct_events(audit_db)
    found = LedgerCounts(
        records=collected.records.records - collected.records.replayed,
        events=events,
        duplicates=collected.records.valid - events,
        dead_letters=dict(audit_db.rows(_FIRST_DEAD_LETTERS)),
        countable=_distinct_events(audit_db, "WHERE countable"),
        unattributed=_distinct_events(audit_db, "WHERE unattributed"),
        attributed=_attributed(audit_db, attribution),
    )
    return (
        *rules.ledger_counts_match(ledger.counts, found),
        rules.ledger_report_matches(
            expected=_rows_of(audit_db, "ledger"),
            found=_rows_of(audit_db, "reported"),
            differences=differences.report("ledger", "reported", LEDGER_COLUMNS),
        ),
        *(
            rules.ledger_downstream_matches(
                table,
                expected=_rows_of(audit_db, f"ledger_{table.name}"),
                found=_rows_of(audit_db, f"reported_{table.name}"),
                differences=differences.downstream_ledger(table),
            )
            for table in _switched_on(collected)
            if table.name in ledger.downstream
        ),
    )


def _attributed(audit_db: AuditDatabase, attribution: Attribution) -> dict[str, int]:
    """How many events each rule finds the job of; empty if events have no job but their own."""
    if attribution.is_default:
        return {}
    return {
        name: _distinct_events(audit_db, f"WHERE countable = {position}")
        for position, name in enumerate(attribution.names, start=1)
    }


def _first_hour_ms(collected: Collected) -> int:
    """The first hour that is compared."""
    return NO_HOUR_FROZEN if collected.frozen_before is None else to_ms(collected.frozen_before)


def _compared_from_ms(collected: Collected) -> float:
    """Rows received from this time on still have their record in Kafka. -inf if there never were other records.

    One millisecond is added because the last dropped record may have the same time as the first one that is left.
    """
    firsts = collected.records.first_received_ms
    dropped = [firsts.get(span.partition, inf) + 1 for span in collected.before if span.first > 0]
    return max([collected.made_anew_ms, *dropped])


def _span(settings: Settings, collected: Collected, *, compared_from_ms: float, not_compared: int) -> Span:
    firsts = collected.records.first_received_ms.values()
    return Span(
        topic=settings.kafka_topic,
        offsets=tuple(
            f"{span.partition}: {span.first} to {span.readable_end - 1}"
            for span in collected.before
            if span.first < span.readable_end
        ),
        records=collected.records.records,
        first_received_at=moment(min(firsts)) if firsts else "",
        last_received_at=moment(collected.records.last_received_ms) if firsts else "",
        compared_from=_shown(compared_from_ms, made_anew_ms=collected.made_anew_ms),
        rows_not_compared=not_compared,
        foreign_records=collected.foreign_records.count,
        foreign_examples=collected.foreign_records.examples,
        days=len(collected.days.compared),
        days_not_compared=len(collected.days.older_than_hours),
        hours_from="" if collected.frozen_before is None else moment(to_ms(collected.frozen_before)),
    )


def _shown(compared_from_ms: float, *, made_anew_ms: float) -> str:
    if compared_from_ms == -inf:
        return ""
    if made_anew_ms == inf:
        return "never, because the topic was made anew and is empty"
    if compared_from_ms == inf:
        return "never, because a partition has dropped everything"
    made_anew = ", where the topic was made anew" if compared_from_ms == made_anew_ms else ""
    return moment(round(compared_from_ms)) + made_anew


def _distinct_events(audit_db: AuditDatabase, where: str = "") -> int:
    return audit_db.number(_EVENTS.format(where=where))


def _events_of(audit_db: AuditDatabase, report: str) -> int:
    return audit_db.number(f"SELECT sum({REPORT_EVENTS}) FROM {report}")


def _rows_of(audit_db: AuditDatabase, report: str) -> int:
    return audit_db.number(f"SELECT count(*) FROM {report}")
