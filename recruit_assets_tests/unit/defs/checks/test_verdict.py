"""Each comparison agrees on matching numbers, and differs with the numbers that it should show."""

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg
import pytest

from recruit_assets.defs.checks import CHECKS
from recruit_assets.defs.checks.comparisons import counts_same_events, holds_what_was_recorded
from recruit_assets.defs.checks.filtered_events import of_one_run, same_events
from recruit_assets.defs.checks.raw_events import Drained, adds_up, is_empty
from recruit_assets.defs.checks.verdict import Finding, Verdict, result_of
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.stores.cassandra.check_reads import Bucket
from recruit_assets.stores.kafka.offsets import PartitionBacklog
from recruit_assets.stores.mysql.check_reads import StoredCounts

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
HOURS = [SEVEN, EIGHT]
OF_SEVEN, OF_EIGHT = Part(SEVEN), Part(EIGHT)
BUCKET = Part(SEVEN, 3)


def recorded(events: int, *, covered: int = 100, rows: int = 2) -> RecordedHour:
    return RecordedHour(covered_through_ms=covered, write_timestamp=7, row_count=rows, event_count=events)


def compare(source: dict[datetime, RecordedHour], derived: dict[datetime, RecordedHour]) -> list[Finding]:
    by_table = {("a", hour): one for hour, one in source.items()} | {("b", hour): one for hour, one in derived.items()}
    return list(counts_same_events(HOURS, by_table, source="a", derived="b"))


def test_tables_that_count_the_same_events_agree() -> None:
    same = {SEVEN: recorded(3), EIGHT: recorded(0)}
    assert compare(same, same) == [Finding(OF_SEVEN, 3, 3), Finding(OF_EIGHT, 0, 0)]


def test_a_table_that_counts_other_events_is_reported_by_hour() -> None:
    assert compare({SEVEN: recorded(3), EIGHT: recorded(4)}, {SEVEN: recorded(4), EIGHT: recorded(3)}) == [
        Finding(OF_SEVEN, 3, 4, "2026-01-05 07:00: b counts 4 events, a 3"),
        Finding(OF_EIGHT, 4, 3, "2026-01-05 08:00: b counts 3 events, a 4"),
    ]


def test_hours_of_another_coverage_are_not_compared() -> None:
    assert compare({SEVEN: recorded(3), EIGHT: recorded(4)}, {SEVEN: recorded(5, covered=99)}) == [
        Finding(OF_SEVEN, not_compared="2026-01-05 07:00: another run has replaced it in a or b"),
        Finding(OF_EIGHT, not_compared="2026-01-05 08:00: b has none, or another run is replacing it"),
    ]


def held(stored: StoredCounts | None, again: RecordedHour | None = None) -> list[Finding]:
    records = {("mysql_report", SEVEN): recorded(3, rows=2)}
    later = {("mysql_report", SEVEN): again} if again else records
    return list(holds_what_was_recorded([SEVEN], records, {SEVEN: stored} if stored else {}, again=later))


def test_a_report_holds_what_it_recorded() -> None:
    assert held(StoredCounts(2, 3)) == [Finding(OF_SEVEN, 3, 3)]


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
    assert held(stored) == [Finding(OF_SEVEN, 3, found, difference)]


def test_rows_without_a_record_are_a_difference() -> None:
    (finding,) = holds_what_was_recorded([SEVEN], {}, {SEVEN: StoredCounts(1, 1)}, again={})
    text = "2026-01-05 07:00: 1 rows with 1 events, report_hours records 0 with 0"
    assert finding == Finding(OF_SEVEN, 0, 1, text)


def test_an_hour_without_a_record_and_without_rows_is_no_evidence() -> None:
    assert list(holds_what_was_recorded([SEVEN], {}, {}, again={})) == [Finding(OF_SEVEN, empty=True)]


def test_an_hour_that_was_replaced_while_it_was_read_is_not_compared() -> None:
    text = "2026-01-05 07:00: another run replaced it during the check"
    assert held(StoredCounts(9, 9), again=recorded(9, covered=200)) == [Finding(OF_SEVEN, not_compared=text)]


def test_rows_of_another_run_are_a_difference() -> None:
    other = Part(EIGHT, 3)
    buckets = [Bucket(BUCKET, 3, rows=5), Bucket(other, 3, rows=4, of_other_runs=1)]

    assert list(of_one_run(buckets)) == [
        Finding(BUCKET, 5, 5),
        Finding(other, 4, 3, "2026-01-05 08:00 bucket 3: 1 of 4 rows aren't of the run that covers the hour"),
    ]


def test_a_bucket_without_rows_is_no_evidence() -> None:
    buckets = [Bucket(BUCKET, 3, rows=0)]
    assert [*of_one_run(buckets), *same_events(buckets, {})] == [Finding(BUCKET, empty=True)] * 2


def test_filtered_rows_are_the_countable_raw_events() -> None:
    assert list(same_events([Bucket(BUCKET, 3, rows=5)], {})) == [Finding(BUCKET, 5, 5)]


def test_missing_and_surplus_rows_are_reported_by_bucket() -> None:
    (finding,) = same_events([Bucket(BUCKET, 3, rows=5, missing=2, surplus=2)], {SEVEN: False})
    text = "2026-01-05 07:00 bucket 3: 2 events of raw_events are missing, 2 rows have no event"
    assert finding == Finding(BUCKET, 5, 5, text)


@pytest.mark.parametrize("changed", [{SEVEN: True}, {}], ids=["it has changed", "nobody looked"])
def test_missing_rows_say_nothing_in_an_hour_that_may_have_changed(changed: dict[datetime, bool]) -> None:
    (finding,) = same_events([Bucket(BUCKET, 3, rows=5, missing=2)], changed)
    text = "2026-01-05 07:00 bucket 3: it may have changed since it was read"
    assert finding == Finding(BUCKET, not_compared=text)


def test_a_surplus_is_a_difference_whatever_came_after_the_coverage() -> None:
    (finding,) = same_events([Bucket(BUCKET, 3, rows=5, missing=2, surplus=1)], {SEVEN: True})
    assert (finding.expected, finding.found, bool(finding.difference)) == (4, 5, True)


def test_a_drain_accounts_for_each_record() -> None:
    assert adds_up(Drained(records=10, events=8, dead_letters=2)) == Finding(None, 10, 10)
    assert adds_up(Drained(records=10, events=7, dead_letters=2)) == Finding(
        None, 10, 9, "10 records, 7 events and 2 dead letters"
    )
    assert adds_up(None) == Finding(None, not_compared="no run has drained records into raw_events")


def test_uncommitted_or_lost_offsets_are_reported_by_partition() -> None:
    backlog = [
        PartitionBacklog(0, uncommitted=4, dropped=0),
        PartitionBacklog(1, uncommitted=0, dropped=3),
        PartitionBacklog(2, uncommitted=0, dropped=0),
    ]

    assert list(is_empty(backlog, topic="t", group="g")) == [
        Finding(None, 0, 4, "t/0: 4 offsets from before the run aren't committed by g"),
        Finding(None, 0, 3, "t/1: 3 offsets were dropped before g had them"),
        Finding(None),
    ]


GOOD, BAD, UNKNOWN = Finding(OF_SEVEN, 3, 3), Finding(OF_SEVEN, 3, 4, "4, not 3"), Finding(OF_SEVEN, not_compared="?")
EMPTY = Finding(OF_SEVEN, empty=True)
GOOD_EIGHT = Finding(OF_EIGHT, 5, 5)


@pytest.mark.parametrize(
    ("findings", "wrong_before", "passed", "wrong"),
    [
        pytest.param([GOOD], [], True, [], id="agrees"),
        pytest.param([BAD], [], False, [OF_SEVEN], id="differs"),
        pytest.param([BAD, GOOD_EIGHT], [], False, [OF_SEVEN], id="one hour differs"),
        pytest.param([GOOD, UNKNOWN], [], True, [], id="one of two was compared"),
        pytest.param([GOOD_EIGHT], [OF_SEVEN], False, [OF_SEVEN], id="another hour is wrong since before"),
        pytest.param([UNKNOWN], [OF_SEVEN], False, [OF_SEVEN], id="not compared this time"),
        pytest.param([], [OF_SEVEN], False, [OF_SEVEN], id="nothing was compared, something is wrong"),
        pytest.param([GOOD], [OF_SEVEN], True, [], id="good again"),
        pytest.param([EMPTY], [OF_SEVEN], True, [], id="good again because it is gone"),
        pytest.param([GOOD, BAD], [Part(SEVEN, 3)], False, [OF_SEVEN, Part(SEVEN, 3)], id="another sample"),
    ],
)
def test_what_is_wrong_stays_wrong_until_it_is_found_good(
    findings: list[Finding], wrong_before: list[Part], passed: bool, wrong: list[Part]
) -> None:
    verdict = Verdict(findings, frozenset(wrong_before))
    assert verdict.is_conclusive
    assert (verdict.passed, sorted(verdict.wrong)) == (passed, wrong)


@pytest.mark.parametrize("findings", [[], [UNKNOWN], [EMPTY], [EMPTY, UNKNOWN]])
def test_nothing_compared_is_no_verdict_and_never_a_pass(findings: list[Finding]) -> None:
    verdict = Verdict(findings)
    assert not verdict.is_conclusive
    assert not verdict.passed


def shown(metadata: Iterable[tuple[str, dg.MetadataValue]]) -> dict[str, object]:
    return {name: entry.value for name, entry in metadata}


def test_a_verdict_shows_what_was_expected_and_found() -> None:
    spec = dg.AssetCheckSpec("a_check", asset="an_asset")
    findings = [Finding(OF_EIGHT, 3, 4321, "4321, not 3"), GOOD, Finding(Part(SEVEN, 9), not_compared="elsewhere")]
    verdict = Verdict(findings, frozenset({OF_SEVEN, Part(SEVEN, 9)}))

    failed, warned = result_of(spec, verdict), result_of(spec, verdict, warn_only=True)

    assert shown(failed.metadata.items()) == {
        "compared": "2", "expected": "6", "found": "4,324",
        "differences": "- 4321, not 3", "not_compared": "- elsewhere",
        "wrong_hours": ["2026-01-05 08:00", "2026-01-05 07:00 #9"], "newly_wrong": ["2026-01-05 08:00"],
        "good_again": ["2026-01-05 07:00"],
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
