"""Checks of filtered_events, on one bucket of an hour: checking all rows would cost as much as computing them.

Each run picks another bucket, and reads again those in which a difference was found. Rows of two runs in one bucket
would lead to wrong numbers, so that check blocks. raw_events may have events that came after the coverage, so the
comparison with it ignores these and only warns.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import dagster as dg

from recruit_assets.contract.tables import FILTERED_EVENTS, RAW_EVENTS
from recruit_assets.defs.checks.scope import Scope, first_comparable_hour
from recruit_assets.defs.checks.verdict import Finding, hour_text
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.defs.rules import RULES
from recruit_assets.hours.ports import RecordedHour
from recruit_assets.hours.wrong_parts import Part
from recruit_assets.runtime.times import to_ms
from recruit_assets.stores.cassandra.bucket_layouts import read_layouts
from recruit_assets.stores.cassandra.check_reads import (
    Bucket,
    changed_since,
    hours_in_hour_coverage,
    pick_sample,
    read_buckets,
    recorded_in_hour_coverage,
)
from recruit_assets.stores.cassandra.session import CassandraSession
from recruit_assets.stores.mysql.wrong_hours import WrongHours
from recruit_assets.transforms.found_jobs import JobFinder

NEWEST_HOURS = 7 * 24
"""What these checks read if they are executed alone: a bucket takes up to 40 ms."""
SAMPLED_HOURS = 48
"""What they read of a run with more hours; each run picks others."""

rows_of_one_run = dg.AssetCheckSpec(
    "rows_of_one_run",
    asset=FILTERED_EVENTS.name,
    blocking=True,
    description="Every row of a bucket has the write timestamp that the coverage records for it. Executed alone, it "
    "reads a bucket of each of the newest 168 hours.",
)
matches_raw_events = dg.AssetCheckSpec(
    "matches_raw_events",
    asset=FILTERED_EVENTS.name,
    description="The rows of a bucket are the countable events of raw_events, in hours that haven't changed since. "
    "Executed alone, it reads a bucket of each of the newest 168 hours.",
)


@dg.multi_asset_check(name="filtered_events_checks", specs=[rows_of_one_run, matches_raw_events], can_subset=True)
def filtered_events_checks(
    context: dg.AssetCheckExecutionContext, cassandra: CassandraResource, mysql: MySqlResource
) -> Iterator[dg.AssetCheckResult]:
    """Check one bucket of each hour that has a coverage, or of some of the hours in a run with many."""
    scope = Scope.of(context, WrongHours(mysql.report_database(), FILTERED_EVENTS.name))
    session = cassandra.session()
    layouts = read_layouts(session)
    hours = scope.hours_and_again(lambda: hours_in_hour_coverage(session)[-NEWEST_HOURS:], at_most=SAMPLED_HOURS)
    before = _recorded(session, hours)
    samples = [Part(hour, pick_sample(one, layouts.at(to_ms(hour)), scope.seed)) for hour, one in before.items()]
    parts = dict.fromkeys([*samples, *(part for part in scope.again if part.hour in before)])
    buckets = list(read_buckets(session, before, parts, layouts=layouts, jobs=JobFinder(RULES)))
    lacking = {bucket.part.hour for bucket in buckets if bucket.missing}
    # only for hours of this run: in others, missing rows stay wrong anyway, and old hours take long to read
    changed = changed_since(session, {hour: before[hour] for hour in lacking if scope.is_of_run(hour)})
    after = _recorded(session, hours)
    replaced = {hour for hour in hours if hour not in before or before[hour] != after.get(hour)}
    covered = [bucket for bucket in buckets if bucket.part.hour not in replaced]
    skipped = [
        Finding(Part(hour), not_compared=f"{hour_text(hour)}: it has no coverage, or another run is replacing it")
        for hour in sorted(replaced)
    ]
    first_hour = first_comparable_hour(scope, session)
    yield from scope.results(rows_of_one_run, [*of_one_run(covered), *skipped], first_hour=first_hour)
    older = {hour for hour, one in before.items() if one.computed_by != RULES.recorded}
    current = [bucket for bucket in covered if bucket.part.hour not in older]
    skipped += [
        Finding(one.part, not_compared=f"{_place(one)}: computed before RECRUIT_ATTRIBUTION changed, so it is pending")
        for one in covered
        if one.part.hour in older
    ]
    findings = [*same_events(current, changed), *skipped]
    yield from scope.results(matches_raw_events, findings, first_hour=first_hour, warn_only=True)


def of_one_run(buckets: Iterable[Bucket]) -> Iterator[Finding]:
    """Whether every row has the write timestamp that its hour's coverage records."""
    for bucket in buckets:
        others = f"{bucket.of_other_runs} of {bucket.rows} rows aren't of the run that covers the hour"
        difference = f"{_place(bucket)}: {others}" if bucket.of_other_runs else ""
        of_this_run = bucket.rows - bucket.of_other_runs
        yield Finding(bucket.part, bucket.rows, of_this_run, difference, empty=not bucket.rows)


def same_events(buckets: Iterable[Bucket], changed: Mapping[datetime, bool]) -> Iterator[Finding]:
    """Whether the rows are the countable events of raw_events.

    Missing rows say nothing in an hour that has changed, or of which nobody looked whether it has.
    """
    for bucket in buckets:
        missing, surplus = bucket.missing, bucket.surplus
        if missing and changed.get(bucket.part.hour, True):
            if not surplus:
                yield Finding(bucket.part, not_compared=f"{_place(bucket)}: it may have changed since it was read")
                continue
            missing = 0
        events = f"{missing} events of {RAW_EVENTS.name} are missing, {surplus} rows have no event"
        difference = f"{_place(bucket)}: {events}" if missing or surplus else ""
        expected = bucket.rows - surplus + missing
        yield Finding(bucket.part, expected, bucket.rows, difference, empty=not (expected or bucket.rows))


def _recorded(session: CassandraSession, hours: Sequence[datetime]) -> dict[datetime, RecordedHour]:
    """What the coverage records of filtered_events, without hours whose rows may be incomplete."""
    found = recorded_in_hour_coverage(session, hours)
    return {hour: found[key] for hour in hours if (key := (FILTERED_EVENTS.name, hour)) in found}


def _place(bucket: Bucket) -> str:
    return f"{hour_text(bucket.part.hour)} bucket {bucket.number}"
