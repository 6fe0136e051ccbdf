"""The rules: what must be equal, and how a violation is reported. Pure functions from counts to a result.

Each rule has a test in which it fails with the number that it should report.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from recruit_assets.contract.measures import CLICKS
from recruit_assets.contract.types import DownstreamTable, SqlTable
from recruit_assets.hours.planning import is_ahead, uncovered
from recruit_assets.observability.audit.differences import RowDifferences
from recruit_assets.observability.audit.ledger_file import LedgerCounts
from recruit_assets.observability.audit.results import EXAMPLES, NONE, RuleResult, Sample
from recruit_assets.runtime.times import aware
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.mysql.audit_reads import ReportedHour


def records_add_up(*, records: int, events: int, duplicates: int, dead_letters: int) -> RuleResult:
    """Every record is an event, a duplicate or a dead letter."""
    found = events + duplicates + dead_letters
    promise = f"records in Kafka = {events} events + {duplicates} duplicates + {dead_letters} dead letters"
    return RuleResult("records", promise, records, found, abs(records - found))


def dead_letters_match(*, rejected: int, missing: Sample, unexpected: Sample, other_reason: Sample) -> RuleResult:
    """One dead letter per rejected record, also where the record is a replay."""
    found = rejected - missing.count + unexpected.count
    promise = "each rejected record has a dead letter with its reason, and nothing else has one"
    return _result("dead letters", promise, rejected, found, missing + unexpected + other_reason)


def events_are_rows(*, events: int, rows: int, missing: Sample, unexpected: Sample) -> RuleResult:
    """Compared by create_time and event time, in the partition where they belong."""
    return _result("events", "distinct valid events in Kafka = rows in Cassandra", events, rows, missing + unexpected)


def contents_match(different: Sample) -> RuleResult:
    return _absent("contents", "each row matches its Kafka record", different)


def received_at_matches(different: Sample) -> RuleResult:
    """Each duplicate is written with its own record's time, so the last record's time remains."""
    return _absent("received_at", "each row's received_at is that of its event's last record", different)


def no_conflicts(conflicts: Sample) -> RuleResult:
    """Which of two contents wins is unspecified, so numbers that depend on it can't be exact."""
    return _absent("conflicts", "no create_time has two event times or contents", conflicts)


def countable_events_match(*, expected: int, found: int, hours: Sample) -> RuleResult:
    """Clicks, conversions, qualified and unqualified applications with a job, in total and by hour."""
    return _result("countable events", "countable events = counts in MySQL, in every hour", expected, found, hours)


def report_matches(*, expected: int, found: int, differences: RowDifferences) -> RuleResult:
    promise = "the report recomputed from the events = MySQL's, row by row"
    return _result("report rows", promise, expected, found, _all_of(differences))


def latest_update_times_match(different: Sample) -> RuleResult:
    return _absent(
        "latest_update_time", "each row's latest_update_time is the latest received_at of its events", different
    )


def days_match(table: SqlTable, *, expected: int, found: int, differences: RowDifferences) -> RuleResult:
    """Only days that are as new as their hours are compared."""
    promise = f"{table.name} recomputed from the events = MySQL's, row by row"
    return _result(table.name, promise, expected, found, _all_of(differences))


def days_follow_hours(late: Sample) -> RuleResult:
    return _absent("pending days", "the daily tables contain what was reported an hour ago", late)


def downstream_matches(table: DownstreamTable, *, expected: int, found: int, differences: RowDifferences) -> RuleResult:
    """Only hours that are as new as the report are compared."""
    promise = f"{table.name} recounted from the events = MySQL's, row by row"
    return _result(table.name, promise, expected, found, _all_of(differences))


def downstream_follows(table: DownstreamTable, late: Sample) -> RuleResult:
    return _absent(f"pending: {table.name}", f"{table.name} contains what was reported an hour ago", late)


def ledger_downstream_matches(
    table: DownstreamTable, *, expected: int, found: int, differences: RowDifferences
) -> RuleResult:
    promise = f"the ledger's {table.name} = MySQL's, row by row, in every column but {table.updated_at}"
    return _result(f"ledger: {table.name}", promise, expected, found, _all_of(differences))


def gross_clicks_match(*, gross: int, judged: int, differing: Sample) -> RuleResult:
    """Valid and invalid ones, in every hour, job, publisher, campaign and group."""
    promise = f"{CLICKS.name} of the report = those of all verdicts together, row by row"
    return _result(f"gross {CLICKS.name}", promise, gross, judged, differing)


def hour_counts_match(wrong: Sample) -> RuleResult:
    return _absent("report hours", "report_hours records how many rows and events each hour of the report has", wrong)


def nothing_pending(
    changes: Mapping[datetime, datetime], reported: Mapping[datetime, ReportedHour], *, now: datetime
) -> RuleResult:
    """Every changed hour is covered beyond its newest change. `changes` has aware hours, `reported` naive UTC ones.

    A coverage later than `now`, Cassandra's clock, comes from a clock that was ahead, and covers nothing.
    """
    covered_through = {aware(hour): aware(record.covered_through) for hour, record in reported.items()}
    pending = uncovered(changes, {hour: at for hour, at in covered_through.items() if not is_ahead(at, now)})
    examples = tuple(
        f"{hour:%Y-%m-%d %H:%M}: changed {pending[hour]:%Y-%m-%d %H:%M:%S.%f}, "
        + (
            f"covered through {covered_through[hour]:%Y-%m-%d %H:%M:%S.%f}"
            if hour in covered_through
            else "never reported"
        )
        for hour in sorted(pending)[:EXAMPLES]
    )
    return _absent("pending hours", "the report covers every change", Sample(len(pending), examples))


def nothing_uncommitted(spans: Collection[PartitionSpan], *, topic: str, group: str) -> RuleResult:
    """The group has committed every offset, hidden ones too, and the topic dropped none before it was committed."""
    behind = [
        f"{topic}/{one.partition}: {one.uncommitted} uncommitted offsets from {one.position}"
        for one in spans
        if one.uncommitted
    ]
    beyond = [
        f"{topic}/{one.partition}: {group} has committed {one.committed}, but the partition ends at {one.end}"
        for one in spans
        if one.is_beyond_end
    ]
    hidden = [
        f"{topic}/{one.partition}: {one.hidden} offsets from {one.readable_end} on can't be read or compared before an "
        "open transaction ends"
        for one in spans
        if one.hidden
    ]
    lost = [
        f"{topic}/{one.partition}: {one.dropped} offsets before {one.first} were dropped before {group} committed them"
        for one in spans
        if one.dropped
    ]
    count = sum(one.uncommitted + one.dropped for one in spans)
    examples = (*lost[:EXAMPLES], *beyond[:EXAMPLES], *hidden[:EXAMPLES], *behind[:EXAMPLES])
    return _absent("Kafka lag", "the ingest group has committed every record", Sample(count, examples))


def topic_unchanged(before: Sequence[PartitionSpan], after: Sequence[PartitionSpan], *, topic: str) -> RuleResult:
    """Records that arrive or expire during the audit can look like differences, so they are reported."""
    known = {one.partition: one.first + one.end for one in before}
    moved = {now.partition: now.first + now.end - known.get(now.partition, 0) for now in after}
    examples = tuple(
        f"{topic}/{partition}: {count} offsets were added or dropped during the audit; repeat it while nothing is sent"
        for partition, count in sorted(moved.items())
        if count
    )
    promise = "the event topic didn't change during the audit"
    return _absent("unchanged topic", promise, Sample(sum(moved.values()), examples[:EXAMPLES]))


def ledger_counts_match(ledger: LedgerCounts, found: LedgerCounts) -> tuple[RuleResult, ...]:
    """One result for each count in the ledger."""
    names = ("records", "events", "duplicates", "countable", "unattributed")
    simple = [
        _result(f"ledger: {name}", f"{name} in the ledger = found", getattr(ledger, name), getattr(found, name), NONE)
        for name in names
    ]
    dead_letters = _by_name("dead letters", "by reason", ledger.dead_letters, found.dead_letters)
    by_rule = [_by_name("attributed", "by rule", ledger.attributed, found.attributed)] if found.attributed else []
    return (*simple[:3], dead_letters, *simple[3:], *by_rule)


def ledger_report_matches(*, expected: int, found: int, differences: RowDifferences) -> RuleResult:
    promise = "the ledger's report = MySQL's, row by row, in every column but latest_update_time"
    return _result("ledger: report rows", promise, expected, found, _all_of(differences))


def _by_name(what: str, how: str, ledger: Mapping[str, int], found: Mapping[str, int]) -> RuleResult:
    names = sorted(ledger.keys() | found.keys())
    wrong = {name: (ledger.get(name, 0), found.get(name, 0)) for name in names}
    wrong = {name: counts for name, counts in wrong.items() if counts[0] != counts[1]}
    return RuleResult(
        rule=f"ledger: {what}",
        promise=f"{what} in the ledger = found, {how}",
        expected=sum(ledger.values()),
        found=sum(found.values()),
        differences=sum(abs(wanted - has) for wanted, has in wrong.values()),
        examples=tuple(f"{name}: {has}, expected {wanted}" for name, (wanted, has) in wrong.items()),
    )


def _absent(rule: str, promise: str, differing: Sample) -> RuleResult:
    """A rule that expects no violation."""
    return _result(rule, promise, 0, differing.count, differing)


def _result(rule: str, promise: str, expected: int, found: int, differing: Sample) -> RuleResult:
    """Unequal totals are a difference even if no single difference was found."""
    return RuleResult(rule, promise, expected, found, max(differing.count, abs(expected - found)), differing.examples)


def _all_of(differences: RowDifferences) -> Sample:
    return differences.missing + differences.unexpected + differences.different
