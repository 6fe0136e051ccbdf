"""Each rule holds, and fails with the number that it should report."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from recruit_assets.contract.attribution import attribution
from recruit_assets.hours.bucket_state import RowCounts
from recruit_assets.observability.audit import rules
from recruit_assets.observability.audit.attribution import UNATTRIBUTED, attribution_matches
from recruit_assets.observability.audit.differences import RowDifferences
from recruit_assets.observability.audit.ledger_file import LedgerCounts
from recruit_assets.observability.audit.results import NONE, RuleResult, Sample
from recruit_assets.stores.kafka.offsets import PartitionSpan
from recruit_assets.stores.mysql.audit_reads import ReportedHour

SEVEN = datetime(2026, 1, 5, 7, tzinfo=UTC)
CHANGED = datetime(2026, 1, 5, 8, tzinfo=UTC)
TWO = Sample(2, ("this", "that"))
LEDGER = LedgerCounts(
    records=10, events=6, duplicates=1, dead_letters={"empty": 2, "not_json": 1}, countable=4, unattributed=1
)


def outcome(result: RuleResult) -> tuple[int, int, int, tuple[str, ...]]:
    return result.expected, result.found, result.differences, result.examples


def test_records_are_events_duplicates_and_dead_letters() -> None:
    result = rules.records_add_up(records=10, events=6, duplicates=1, dead_letters=3)

    assert outcome(result) == (10, 10, 0, ())
    assert result.promise == "records in Kafka = 6 events + 1 duplicates + 3 dead letters"


def test_a_lost_record_is_one_difference() -> None:
    result = rules.records_add_up(records=10, events=6, duplicates=1, dead_letters=2)
    assert outcome(result) == (10, 9, 1, ())


def test_dead_letters_that_are_missing_unexpected_or_have_another_reason_are_differences() -> None:
    kinds = {"missing": Sample(1, ("a",)), "unexpected": Sample(2, ("b", "c")), "other_reason": Sample(1, ("d",))}
    assert outcome(rules.dead_letters_match(rejected=5, missing=NONE, unexpected=NONE, other_reason=NONE))[:3] == (
        5,
        5,
        0,
    )
    assert outcome(rules.dead_letters_match(rejected=5, **kinds)) == (5, 6, 4, ("a", "b", "c", "d"))


def test_a_missing_and_an_unexpected_row_are_two_differences_although_the_totals_agree() -> None:
    one = Sample(1, ("here",))
    assert outcome(rules.events_are_rows(events=9, rows=9, missing=NONE, unexpected=NONE)) == (9, 9, 0, ())
    assert outcome(rules.events_are_rows(events=9, rows=9, missing=one, unexpected=one)) == (9, 9, 2, ("here", "here"))


def test_unequal_totals_are_a_difference_even_if_no_row_was_found_to_differ() -> None:
    assert outcome(rules.events_are_rows(events=9, rows=7, missing=NONE, unexpected=NONE)) == (9, 7, 2, ())


def test_rules_that_expect_nothing_report_the_number_of_violations() -> None:
    for rule in (
        rules.contents_match,
        rules.received_at_matches,
        rules.no_conflicts,
        rules.latest_update_times_match,
        rules.hour_counts_match,
    ):
        assert rule(NONE).ok
        assert outcome(rule(TWO)) == (0, 2, 2, ("this", "that"))


def test_countable_events_differ_by_hours_or_in_total() -> None:
    assert rules.countable_events_match(expected=8, found=8, hours=NONE).ok
    assert outcome(rules.countable_events_match(expected=8, found=8, hours=TWO))[:3] == (8, 8, 2)
    assert outcome(rules.countable_events_match(expected=8, found=3, hours=Sample(1)))[:3] == (8, 3, 5)


def test_reports_differ_by_rows_missing_unexpected_and_different() -> None:
    differences = RowDifferences(Sample(1, ("a",)), Sample(1, ("b",)), Sample(3, ("c",)))
    same = RowDifferences(NONE, NONE, NONE)
    for rule in (rules.report_matches, rules.ledger_report_matches):
        assert rule(expected=7, found=7, differences=same).ok
        assert outcome(rule(expected=7, found=7, differences=differences)) == (7, 7, 5, ("a", "b", "c"))


def test_an_hour_is_pending_until_the_report_covers_its_change_and_the_skew() -> None:
    def pending(covered_through: datetime, *, now: datetime = CHANGED + timedelta(hours=1)) -> RuleResult:
        record = ReportedHour(covered_through.replace(tzinfo=None), row_count=1, event_count=1)
        return rules.nothing_pending({SEVEN: CHANGED}, {SEVEN.replace(tzinfo=None): record}, now=now)

    assert pending(CHANGED + timedelta(seconds=5, milliseconds=1)).ok
    assert outcome(pending(CHANGED + timedelta(seconds=5))) == (
        0,
        1,
        1,
        ("2026-01-05 07:00: changed 2026-01-05 08:00:00.000000, covered through 2026-01-05 08:00:05.000000",),
    )
    # a clock was ahead when the hour was covered
    assert pending(CHANGED + timedelta(minutes=1), now=CHANGED + timedelta(seconds=54)).differences == 1
    assert rules.nothing_pending({SEVEN: CHANGED}, {}, now=CHANGED).examples == (
        "2026-01-05 07:00: changed 2026-01-05 08:00:00.000000, never reported",
    )


def test_uncommitted_offsets_are_reported_by_partition() -> None:
    spans = [PartitionSpan(0, first=0, end=9, committed=9), PartitionSpan(1, first=5, end=9, committed=6)]

    assert rules.nothing_uncommitted(spans[:1], topic="t", group="g").ok
    assert outcome(rules.nothing_uncommitted(spans, topic="t", group="g")) == (
        0,
        3,
        3,
        ("t/1: 3 uncommitted offsets from 6",),
    )


def test_a_group_that_never_committed_lags_by_the_whole_topic() -> None:
    spans = [PartitionSpan(0, first=4, end=9, committed=None)]
    assert outcome(rules.nothing_uncommitted(spans, topic="t", group="g"))[:3] == (0, 5, 5)


def test_records_that_an_open_transaction_hides_are_uncommitted() -> None:
    spans = [PartitionSpan(0, first=0, end=9, committed=5, hidden=4)]
    assert outcome(rules.nothing_uncommitted(spans, topic="t", group="g"))[2:] == (
        4,
        (
            "t/0: 4 offsets from 5 on can't be read or compared before an open transaction ends",
            "t/0: 4 uncommitted offsets from 5",
        ),
    )


def test_everything_is_uncommitted_after_a_commit_beyond_the_end() -> None:
    spans = [PartitionSpan(0, first=2, end=9, committed=12)]
    assert outcome(rules.nothing_uncommitted(spans, topic="t", group="g"))[2:] == (
        7,
        ("t/0: g has committed 12, but the partition ends at 9", "t/0: 7 uncommitted offsets from 2"),
    )


def test_records_dropped_before_they_were_committed_are_lost() -> None:
    spans = [PartitionSpan(0, first=8, end=9, committed=6)]
    assert outcome(rules.nothing_uncommitted(spans, topic="t", group="g")) == (
        0,
        3,
        3,
        ("t/0: 2 offsets before 8 were dropped before g committed them", "t/0: 1 uncommitted offsets from 8"),
    )


def test_records_that_arrive_during_the_audit_are_reported() -> None:
    before = [PartitionSpan(0, first=0, end=9, committed=9)]
    after = [PartitionSpan(0, first=0, end=11, committed=9), PartitionSpan(1, first=0, end=2, committed=None)]

    assert rules.topic_unchanged(before, before, topic="t").ok
    assert outcome(rules.topic_unchanged(before, after, topic="t")) == (
        0,
        4,
        4,
        (
            "t/0: 2 offsets were added or dropped during the audit; repeat it while nothing is sent",
            "t/1: 2 offsets were added or dropped during the audit; repeat it while nothing is sent",
        ),
    )


def test_every_count_of_the_ledger_is_compared() -> None:
    found = LedgerCounts(
        records=11, events=4, duplicates=4, dead_letters={"empty": 1, "too_deep": 2}, countable=5, unattributed=1
    )

    assert all(result.ok for result in rules.ledger_counts_match(LEDGER, LEDGER))
    assert [(result.rule, *outcome(result)) for result in rules.ledger_counts_match(LEDGER, found)] == [
        ("ledger: records", 10, 11, 1, ()),
        ("ledger: events", 6, 4, 2, ()),
        ("ledger: duplicates", 1, 4, 3, ()),
        (
            "ledger: dead letters",
            3,
            3,
            4,
            ("empty: 1, expected 2", "not_json: 0, expected 1", "too_deep: 2, expected 0"),
        ),
        ("ledger: countable", 4, 5, 1, ()),
        ("ledger: unattributed", 1, 1, 0, ()),
    ]


def test_events_by_rule_are_compared_if_there_are_several_rules() -> None:
    sent = replace(LEDGER, attributed={"job_id": 3, "ed.jobId": 1})
    found = replace(LEDGER, attributed={"job_id": 2, "ed.jobId": 2})

    *_, result = rules.ledger_counts_match(sent, found)
    assert (result.rule, *outcome(result)) == (
        "ledger: attributed", 4, 4, 2, ("ed.jobId: 2, expected 1", "job_id: 2, expected 3"),
    )  # fmt: skip
    *_, result = rules.ledger_counts_match(LEDGER, found)
    assert outcome(result) == (0, 4, 4, ("ed.jobId: 2, expected 0", "job_id: 2, expected 0"))


def test_runs_recorded_what_each_rule_finds_in_every_hour() -> None:
    two_rules = attribution(["job_id", "ed.jobId"], "")
    found = {SEVEN: Counter({0: 3, 1: 2, UNATTRIBUTED: 1}), CHANGED: Counter({0: 4})}
    recorded = {SEVEN: RowCounts(5, 5, 1, by_rule=(3, 2)), CHANGED: RowCounts(4, 4, by_rule=(4,))}

    assert outcome(attribution_matches(two_rules, found, recorded)) == (10, 10, 0, ())
    recorded[SEVEN] = RowCounts(5, 5, 2, by_rule=(2, 2))
    del recorded[CHANGED]
    assert outcome(attribution_matches(two_rules, found, recorded)) == (
        10,
        6,
        3,
        (
            "2026-01-05 07:00 unattributed: 2 recorded, expected 1",
            "2026-01-05 07:00 job_id: 2 recorded, expected 3",
            "2026-01-05 08:00 job_id: 0 recorded, expected 4",
        ),
    )


def test_verdicts_add_up_to_gross_clicks() -> None:
    assert outcome(rules.gross_clicks_match(gross=9, judged=9, differing=NONE)) == (9, 9, 0, ())
    assert outcome(rules.gross_clicks_match(gross=9, judged=9, differing=TWO)) == (9, 9, 2, TWO.examples)
    assert outcome(rules.gross_clicks_match(gross=9, judged=6, differing=TWO))[2] == 3
