"""Checks of filtered_events, on one bucket of each hour: checking all rows would cost as much as computing them.

Each run picks another bucket. Rows of two runs in one bucket would lead to wrong numbers, so that check blocks.
raw_events may have events that came after the coverage, so the comparison with it ignores these and only warns.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zlib import crc32

import dagster as dg

from recruit_assets.contract.tables import FILTERED_EVENTS, RAW_EVENTS
from recruit_assets.defs.checks.verdict import Verdict, hour_text, hours_of_run, result_of
from recruit_assets.defs.resources import CassandraResource
from recruit_assets.stores.cassandra.check_reads import Bucket, changed_since, read_buckets, recorded_in_hour_coverage

rows_of_one_run = dg.AssetCheckSpec(
    "rows_of_one_run",
    asset=FILTERED_EVENTS.name,
    blocking=True,
    description="Every row of a bucket has the write timestamp that the coverage records for it.",
)
matches_raw_events = dg.AssetCheckSpec(
    "matches_raw_events",
    asset=FILTERED_EVENTS.name,
    description="The rows are the countable events of raw_events, in hours that haven't changed since.",
)


@dg.multi_asset_check(name="filtered_events_checks", specs=[rows_of_one_run, matches_raw_events])
def filtered_events_checks(
    context: dg.AssetCheckExecutionContext, cassandra: CassandraResource
) -> Iterator[dg.AssetCheckResult]:
    """Check one bucket of each hour that has a coverage."""
    hours = hours_of_run(context)
    session = cassandra.session()
    before = recorded_in_hour_coverage(session, hours)
    recorded = {hour: before[key] for hour in hours if (key := (FILTERED_EVENTS.name, hour)) in before}
    buckets = list(read_buckets(session, recorded, pick=crc32(context.run.run_id.encode())))
    changed = changed_since(session, before)
    after = recorded_in_hour_coverage(session, hours)
    overtaken = [hour for hour in hours if before.get(key := (FILTERED_EVENTS.name, hour)) != after.get(key)]
    covered = [bucket for bucket in buckets if bucket.hour not in overtaken]
    skipped = tuple(
        f"{hour_text(hour)}: another run is replacing it" for hour in hours if hour in overtaken or hour not in recorded
    )
    yield result_of(rows_of_one_run, of_one_run(covered, skipped=skipped))
    yield result_of(matches_raw_events, same_events(covered, changed, skipped=skipped), warn_only=True)


def of_one_run(buckets: Sequence[Bucket], *, skipped: tuple[str, ...] = ()) -> Verdict:
    """Whether every row has the write timestamp that its hour's coverage records."""
    differences = tuple(
        f"{_place(bucket)}: {bucket.of_other_runs} of {bucket.rows} rows aren't of the run that covers the hour"
        for bucket in buckets
        if bucket.of_other_runs
    )
    rows = sum(bucket.rows for bucket in buckets)
    return Verdict(rows, rows - sum(bucket.of_other_runs for bucket in buckets), differences, skipped)


def same_events(
    buckets: Sequence[Bucket], changed: Mapping[datetime, bool], *, skipped: tuple[str, ...] = ()
) -> Verdict:
    """Whether the rows are the countable events of raw_events; missing rows are ignored in an hour that has changed."""
    differences, not_compared = [], list(skipped)
    expected = found = 0
    for bucket in buckets:
        missing = bucket.missing
        if missing and changed[bucket.hour]:
            not_compared.append(f"{hour_text(bucket.hour)}: changed since it was read; it is pending")
            missing = 0
        expected += bucket.rows - bucket.surplus + missing
        found += bucket.rows
        if missing or bucket.surplus:
            events = f"{missing} events of {RAW_EVENTS.name} are missing"
            differences.append(f"{_place(bucket)}: {events}, {bucket.surplus} rows have no event")
    return Verdict(expected, found, tuple(differences), tuple(not_compared))


def _place(bucket: Bucket) -> str:
    return f"{hour_text(bucket.hour)} bucket {bucket.number}"
