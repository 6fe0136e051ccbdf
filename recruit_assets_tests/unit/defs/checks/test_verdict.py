"""Each check passes on matching numbers, and fails with the numbers that it should show."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from recruit_assets.defs.checks import CHECKS
from recruit_assets.defs.checks.comparisons import counts_same_events, holds_what_was_recorded
from recruit_assets.defs.checks.filtered_events import of_one_run, same_events
from recruit_assets.defs.checks.raw_events import Drained, adds_up, is_empty
from recruit_assets.defs.checks.verdict import Verdict, result_of
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.stores.cassandra.check_reads import Bucket
from recruit_assets.stores.kafka.offsets import PartitionBacklog
from recruit_assets.stores.mysql.check_reads import StoredCounts

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
HOURS = [SEVEN, EIGHT]


def recorded(events: int, *, covered: int = 100, rows: int = 2) -> RecordedHour:
    return RecordedHour(covered_through_ms=covered, write_timestamp=7, row_count=rows, event_count=events)


def compare(source: dict[datetime, RecordedHour], derived: dict[datetime, RecordedHour]) -> Verdict:
    by_table = {("a", hour): one for hour, one in source.items()} | {("b", hour): one for hour, one in derived.items()}
    return counts_same_events(HOURS, by_table, source="a", derived="b")


def test_tables_that_count_the_same_events_agree() -> None:
    same = {SEVEN: recorded(3), EIGHT: recorded(0)}
    assert compare(same, same) == Verdict(3, 3)


def test_a_table_that_counts_other_events_is_reported_by_hour() -> None:
    verdict = compare({SEVEN: recorded(3), EIGHT: recorded(4)}, {SEVEN: recorded(4), EIGHT: recorded(3)})
    assert verdict == Verdict(
        7, 7, ("2026-01-05 07:00: b counts 4 events, a 3", "2026-01-05 08:00: b counts 3 events, a 4")
    )
    assert not verdict.passed


def test_hours_of_another_coverage_are_not_compared() -> None:
    verdict = compare({SEVEN: recorded(3), EIGHT: recorded(4)}, {SEVEN: recorded(5, covered=99)})
    assert verdict == Verdict(
        not_compared=(
            "2026-01-05 07:00: another run has replaced it in a or b",
            "2026-01-05 08:00: another run is replacing it in b",
        )
    )
    assert verdict.passed


def held(stored: StoredCounts | None, again: RecordedHour | None = None) -> Verdict:
    records = {("mysql_report", SEVEN): recorded(3, rows=2)}
    later = {("mysql_report", SEVEN): again} if again else records
    return holds_what_was_recorded([SEVEN], records, {SEVEN: stored} if stored else {}, again=later)


def test_a_report_holds_what_it_recorded() -> None:
    assert held(StoredCounts(2, 3)) == Verdict(3, 3)


@pytest.mark.parametrize(
    ("stored", "found", "difference"),
    [
        (StoredCounts(2, 4), 4, "2026-01-05 07:00: 2 rows with 4 events, report_hours records 2 with 3"),
        (StoredCounts(3, 3), 3, "2026-01-05 07:00: 3 rows with 3 events, report_hours records 2 with 3"),
        (None, 0, "2026-01-05 07:00: 0 rows with 0 events, report_hours records 2 with 3"),
    ],
)
def test_a_report_with_other_rows_than_recorded_is_a_difference(
    stored: StoredCounts | None, found: int, difference: str
) -> None:
    verdict = held(stored)
    assert (verdict, verdict.passed) == (Verdict(3, found, (difference,)), False)


def test_rows_without_a_record_are_a_difference() -> None:
    verdict = holds_what_was_recorded([SEVEN], {}, {SEVEN: StoredCounts(1, 1)}, again={})
    assert verdict == Verdict(0, 1, ("2026-01-05 07:00: 1 rows with 1 events, report_hours records 0 with 0",))


def test_an_hour_that_was_replaced_while_it_was_read_is_not_compared() -> None:
    verdict = held(StoredCounts(9, 9), again=recorded(9, covered=200))
    assert verdict == Verdict(not_compared=("2026-01-05 07:00: another run replaced it during the check",))


def test_rows_of_another_run_are_a_difference() -> None:
    buckets = [Bucket(SEVEN, 3, rows=5), Bucket(EIGHT, 3, rows=4, of_other_runs=1)]

    assert of_one_run(buckets[:1]) == Verdict(5, 5)
    assert of_one_run(buckets) == Verdict(
        9, 8, ("2026-01-05 08:00 bucket 3: 1 of 4 rows aren't of the run that covers the hour",)
    )


def test_filtered_rows_are_the_countable_raw_events() -> None:
    assert same_events([Bucket(SEVEN, 3, rows=5)], {SEVEN: False}) == Verdict(5, 5)


def test_missing_and_surplus_rows_are_reported_by_bucket() -> None:
    verdict = same_events([Bucket(SEVEN, 3, rows=5, missing=2, surplus=2)], {SEVEN: False})
    assert verdict == Verdict(
        5, 5, ("2026-01-05 07:00 bucket 3: 2 events of raw_events are missing, 2 rows have no event",)
    )
    assert not verdict.passed


def test_events_that_came_after_the_coverage_are_not_missing() -> None:
    verdict = same_events([Bucket(SEVEN, 3, rows=5, missing=2)], {SEVEN: True})
    assert verdict == Verdict(5, 5, not_compared=("2026-01-05 07:00: changed since it was read; it is pending",))
    assert verdict.passed


def test_a_surplus_is_a_difference_whatever_came_after_the_coverage() -> None:
    verdict = same_events([Bucket(SEVEN, 3, rows=5, missing=2, surplus=1)], {SEVEN: True})
    assert (verdict.expected, verdict.found, verdict.passed) == (4, 5, False)


def test_a_drain_accounts_for_each_record() -> None:
    assert adds_up(Drained(records=10, events=8, dead_letters=2)) == Verdict(10, 10)
    assert adds_up(Drained(records=10, events=7, dead_letters=2)) == Verdict(
        10, 9, ("10 records, 7 events and 2 dead letters",)
    )
    assert adds_up(None).passed


def test_uncommitted_or_lost_offsets_are_reported_by_partition() -> None:
    nothing = [PartitionBacklog(0, uncommitted=0, dropped=0)]
    backlog = [PartitionBacklog(0, uncommitted=4, dropped=0), PartitionBacklog(1, uncommitted=0, dropped=3)]

    assert is_empty(nothing, topic="t", group="g") == Verdict(0, 0)
    assert is_empty(backlog, topic="t", group="g") == Verdict(
        0,
        7,
        ("t/1: 3 offsets were dropped before g had them", "t/0: 4 offsets from before the run aren't committed by g"),
    )


def test_a_verdict_shows_what_was_expected_and_found() -> None:
    spec = dg.AssetCheckSpec("a_check", asset="an_asset")
    verdict = Verdict(3, 4321, ("here", "there"), ("elsewhere",))

    failed, warned = result_of(spec, verdict), result_of(spec, verdict, warn_only=True)

    assert {name: entry.value for name, entry in failed.metadata.items()} == {
        "expected": "3", "found": "4,321", "differences": "- here\n- there", "not_compared": "- elsewhere",
    }  # fmt: skip
    assert (failed.passed, failed.severity, warned.severity) == (
        False, dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN,
    )  # fmt: skip


def test_only_checks_whose_errors_would_spread_block_a_run() -> None:
    specs = [spec for check in CHECKS for spec in check.check_specs]
    assert {(spec.asset_key.path[-1], spec.name): spec.blocking for spec in specs} == {
        ("raw_events", "every_record_became_something"): False,
        ("raw_events", "nothing_left_in_kafka"): False,
        ("filtered_events", "rows_of_one_run"): True,
        ("filtered_events", "matches_raw_events"): False,
        ("hourly_job_metrics", "counts_every_event"): True,
        ("mysql_report", "counts_every_event"): False,
        ("mysql_report", "holds_what_it_recorded"): False,
    }


def test_no_check_loads_an_asset() -> None:
    """An input of a check would load every partition of the report."""
    for check in CHECKS:
        (op,) = [check.op]
        assert all(definition.dagster_type.is_nothing for definition in op.input_defs)
