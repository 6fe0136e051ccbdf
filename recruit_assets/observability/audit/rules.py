"""The rules of exactness: pure functions from what was counted to a finding.

Belongs here: what must equal what, and how a broken rule is put. Not here: counting (`records`, `rows`, `report`,
`differences`), the order of reading (`run`). Each rule has a test in which it fails with the number it should report.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from recruit_assets.hours.planning import uncovered
from recruit_assets.observability.audit.differences import RowDifferences
from recruit_assets.observability.audit.ledger_file import LedgerCounts
from recruit_assets.observability.audit.results import EXAMPLES, RuleResult, Sample
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.mysql.audit_reads import ReportMark


def records_add_up(*, records: int, events: int, duplicates: int, dead_letters: int, refused_again: int) -> RuleResult:
    """Every record is an event, another record of one, a dead letter, or a replay that was refused again."""
    found = events + duplicates + dead_letters + refused_again
    parts = f"{events} events + {duplicates} duplicates + {dead_letters} dead letters"
    if refused_again:
        parts += f" + {refused_again} replays refused again"
    return RuleResult("records", f"records in Kafka = {parts}", records, found, abs(records - found))


def dead_letters_match(*, refused: int, missing: Sample, unexpected: Sample, other_reason: Sample) -> RuleResult:
    """Distinct by the record that was refused; one that isn't a dead letter of the topic is unexpected."""
    found = refused - missing.count + unexpected.count
    promise = "each refused record has its dead letter, with its reason; nothing else has one"
    return _finding("dead letters", promise, refused, found, missing + unexpected + other_reason)


def events_are_rows(*, events: int, rows: int, missing: Sample, unexpected: Sample) -> RuleResult:
    """By identity: create_time and event time, in the partition that they belong to."""
    return _finding("events", "distinct valid events in Kafka = rows in Cassandra", events, rows, missing + unexpected)


def contents_match(different: Sample) -> RuleResult:
    return _absent("contents", "each row in Cassandra says what its record says", different)


def received_at_matches(different: Sample) -> RuleResult:
    """A duplicate is written at its own record's time, so that the last one's stays."""
    return _absent("received_at", "each row's received_at is that of the event's last record", different)


def no_conflicts(conflicts: Sample) -> RuleResult:
    """Which of two contents wins is unspecified, so that no number that depends on it can be called exact."""
    return _absent("conflicts", "no create_time has two event times or contents", conflicts)


def countable_events_match(*, expected: int, found: int, hours: Sample) -> RuleResult:
    """Clicks, conversions, qualified and unqualified applications with a job, in total and in each hour."""
    return _finding("countable events", "countable events = counts in MySQL, in every hour", expected, found, hours)


def report_matches(*, expected: int, found: int, differences: RowDifferences) -> RuleResult:
    promise = "the report recomputed from the events = MySQL's, row by row"
    return _finding("report rows", promise, expected, found, _all_of(differences))


def latest_update_times_match(different: Sample) -> RuleResult:
    return _absent("latest_update_time", "each row's latest_update_time is its events' greatest received_at", different)


def marks_match(wrong: Sample) -> RuleResult:
    return _absent("report hours", "report_hours tells the rows and events that each hour has", wrong)


def nothing_pending(changes: Mapping[datetime, datetime], marks: Mapping[datetime, ReportMark]) -> RuleResult:
    """Every changed hour (aware) is covered by the report's mark (naive UTC) beyond its newest change."""
    aware = {hour.replace(tzinfo=UTC): mark.covered_through.replace(tzinfo=UTC) for hour, mark in marks.items()}
    pending = uncovered(changes, aware)
    examples = tuple(
        f"{hour:%Y-%m-%d %H:%M}: changed {pending[hour]:%Y-%m-%d %H:%M:%S.%f}, "
        + (f"covered through {aware[hour]:%Y-%m-%d %H:%M:%S.%f}" if hour in aware else "never reported")
        for hour in sorted(pending)[:EXAMPLES]
    )
    return _absent("pending hours", "the report covers every change", Sample(len(pending), examples))


def nothing_uncommitted(spans: Collection[PartitionSpan], *, topic: str, group: str) -> RuleResult:
    """The group has committed all that the topic holds, and the topic has dropped nothing that it hadn't."""
    behind = [
        f"{topic}/{one.partition}: {one.uncommitted} offsets from {one.end - one.uncommitted} on aren't committed"
        for one in spans
        if one.uncommitted
    ]
    lost = [
        f"{topic}/{one.partition}: {one.dropped} offsets before {one.first} were dropped before {group} had them"
        for one in spans
        if one.dropped
    ]
    count = sum(one.uncommitted + one.dropped for one in spans)
    examples = (*lost[:EXAMPLES], *behind[:EXAMPLES])
    return _absent("Kafka lag", "the ingest group has committed every record", Sample(count, examples))


def nothing_moved(before: Sequence[PartitionSpan], after: Sequence[PartitionSpan], *, topic: str) -> RuleResult:
    """What is written while the audit reads can look like a difference: say so."""
    known = {one.partition: one for one in before}
    moved = {
        now.partition: (now.end - known[now.partition].end) + (now.first - known[now.partition].first)
        if now.partition in known
        else now.end
        for now in after
    }
    examples = tuple(
        f"{topic}/{partition}: {count} offsets came or went while the audit read; audit again while nothing is sent"
        for partition, count in sorted(moved.items())
        if count
    )
    return _absent(
        "stillness", "Kafka stood still while the audit read", Sample(sum(moved.values()), examples[:EXAMPLES])
    )


def ledger_counts_match(ledger: LedgerCounts, found: LedgerCounts) -> tuple[RuleResult, ...]:
    """What the simulator says it sent, count by count."""
    names = ("records", "events", "duplicates", "countable", "unattributed")
    simple = [
        _count(f"ledger: {name}", f"{name} that the ledger tells = found", getattr(ledger, name), getattr(found, name))
        for name in names
    ]
    return (*simple[:3], _ledger_dead_letters(ledger.dead_letters, found.dead_letters), *simple[3:])


def ledger_report_matches(*, expected: int, found: int, differences: RowDifferences) -> RuleResult:
    promise = "the ledger's report = MySQL's, row by row, in every column but latest_update_time"
    return _finding("ledger: report rows", promise, expected, found, _all_of(differences))


def _ledger_dead_letters(ledger: Mapping[str, int], found: Mapping[str, int]) -> RuleResult:
    reasons = sorted(ledger.keys() | found.keys())
    wrong = {reason: (ledger.get(reason, 0), found.get(reason, 0)) for reason in reasons}
    wrong = {reason: counts for reason, counts in wrong.items() if counts[0] != counts[1]}
    return RuleResult(
        rule="ledger: dead letters",
        promise="dead letters that the ledger tells = found, reason by reason",
        expected=sum(ledger.values()),
        found=sum(found.values()),
        differences=sum(abs(wanted - has) for wanted, has in wrong.values()),
        examples=tuple(f"{reason}: {has}, expected {wanted}" for reason, (wanted, has) in wrong.items()),
    )


def _count(rule: str, promise: str, expected: int, found: int) -> RuleResult:
    return RuleResult(rule, promise, expected, found, abs(expected - found))


def _absent(rule: str, promise: str, differing: Sample) -> RuleResult:
    """A rule of which there must be no breach."""
    return _finding(rule, promise, 0, differing.count, differing)


def _finding(rule: str, promise: str, expected: int, found: int, differing: Sample) -> RuleResult:
    """Totals that differ are a difference even where no single one was found."""
    return RuleResult(rule, promise, expected, found, max(differing.count, abs(expected - found)), differing.examples)


def _all_of(differences: RowDifferences) -> Sample:
    return differences.missing + differences.unexpected + differences.different
