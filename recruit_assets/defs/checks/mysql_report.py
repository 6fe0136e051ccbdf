"""Checks of mysql_report: its rows match report_hours, and it counts every event that filtered_events has.

They don't block, since nothing follows the report; a difference is an error nevertheless.
"""

from collections.abc import Iterator

import dagster as dg

from recruit_assets.contract.tables import FILTERED_EVENTS, MYSQL_REPORT
from recruit_assets.defs.checks.comparisons import counts_same_events, holds_what_was_recorded, in_batches
from recruit_assets.defs.checks.scope import Scope, first_comparable_hour
from recruit_assets.defs.checks.verdict import Finding
from recruit_assets.defs.resources import CassandraResource, MySqlResource
from recruit_assets.stores.cassandra.check_reads import recorded_in_hour_coverage
from recruit_assets.stores.mysql.check_reads import hours_of_report, recorded_in_report_hours, stored_in_report
from recruit_assets.stores.mysql.wrong_hours import WrongHours

counts_every_event = dg.AssetCheckSpec(
    "counts_every_event",
    asset=MYSQL_REPORT.name,
    description="Events that report_hours records = rows of filtered_events, in each hour, at the same coverage. "
    "Executed alone, it compares all hours.",
)
holds_what_it_recorded = dg.AssetCheckSpec(
    "holds_what_it_recorded",
    asset=MYSQL_REPORT.name,
    description="Rows and events of each hour in the report = what report_hours records. Executed alone, it compares "
    "all hours.",
)


@dg.multi_asset_check(name="mysql_report_checks", specs=[counts_every_event, holds_what_it_recorded], can_subset=True)
def mysql_report_checks(
    context: dg.AssetCheckExecutionContext, cassandra: CassandraResource, mysql: MySqlResource
) -> Iterator[dg.AssetCheckResult]:
    """Compare what was recorded of each hour, and what its rows add up to."""
    database = mysql.report_database()
    scope = Scope.of(context, WrongHours(database, MYSQL_REPORT.name))
    counted: list[Finding] = []
    held: list[Finding] = []
    for hours in in_batches(scope.hours_and_again(lambda: hours_of_report(database))):
        recorded = recorded_in_report_hours(database, hours)
        if scope.has(counts_every_event):
            both = recorded | recorded_in_hour_coverage(cassandra.session(), hours)
            counted += counts_same_events(hours, both, source=FILTERED_EVENTS.name, derived=MYSQL_REPORT.name)
        if scope.has(holds_what_it_recorded):
            stored = stored_in_report(database, hours)
            again = recorded_in_report_hours(database, hours)
            held += holds_what_was_recorded(hours, recorded, stored, again=again)
    if scope.has(counts_every_event):
        first_hour = first_comparable_hour(scope, cassandra.session())
        yield from scope.results(counts_every_event, counted, first_hour=first_hour)
    yield from scope.results(holds_what_it_recorded, held)
