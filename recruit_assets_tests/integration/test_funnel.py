"""RECRUIT_FUNNEL_ACTIONS on the real engines: exact after late events and other settings, by `materialize` alone."""

from datetime import UTC, datetime, timedelta

import pytest

from recruit_assets.hours.downstream import downstream_of
from recruit_assets.observability.audit.run import run_audit
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.downstream import StaleHour, stale_hours
from recruit_assets_tests.support.builders import an_event
from recruit_assets_tests.support.installation import Installation

pytestmark = pytest.mark.timeout(600)  # each command is a process that starts Spark

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
IN_EVENT_DATA = '{"jobId": 2, "publisherId": 5}'
RULES = {"attribution": "job_id,ed.jobId"}


def counted(installation: Installation) -> list[tuple[object, ...]]:
    """What was counted in the hours that this file sends events of."""
    with open_report_database(installation.settings) as database:
        return database.query(
            "SELECT HOUR(event_hour), job_id, publisher_id, action, events FROM funnel_actions "
            "WHERE event_hour < '2026-01-06' ORDER BY 1, 2, 3, 4"
        )


def test_further_actions_are_counted_exactly_beside_the_report(installation: Installation) -> None:
    on = installation.with_settings(funnel_actions="redirect,hired", **RULES)
    simulate = "simulate --events 2000 --further-share 0.3 --late-share 0.1 --late-hours 3 --ledger ledger.json"
    assert "ledger: funnel_actions" in on.run("schema apply", simulate, "materialize", "audit --ledger ledger.json")
    hired = an_event(SEVEN + 2 * MINUTE, seed=8, custom_track="hired", job_id=1, publisher_id=4)

    on.send(
        an_event(SEVEN, seed=1, custom_track="hired", job_id=1, publisher_id=4),
        an_event(SEVEN + MINUTE, seed=2, custom_track="hired", job_id=1, publisher_id=4),
        an_event(SEVEN, seed=3, custom_track="redirect", job_id=None, publisher_id=None, ed=IN_EVENT_DATA),
        an_event(SEVEN, seed=4, custom_track="redirect", job_id=None, publisher_id=None),
        an_event(SEVEN, seed=5, custom_track="Hired", job_id=1),
        an_event(SEVEN, seed=6, custom_track="click", job_id=1),
        an_event(EIGHT, seed=7, custom_track="redirect", job_id=0, publisher_id=None),
        hired,
        hired,
    )
    on.run("materialize")
    made = on.runs_of("funnel_actions")
    on.run("materialize", "audit")

    assert counted(on) == [(7, 1, 4, "hired", 3), (7, 2, 5, "redirect", 1), (8, 0, 0, "redirect", 1)]
    assert on.runs_of("funnel_actions") == made, "nothing was stale"
    other = installation.with_settings(funnel_actions="hired", **RULES)
    assert len(stale(other)) > len(stale(on)) == 0
    with open_report_database(installation.settings) as database:
        database.query("UPDATE funnel_actions SET events = events + 1 WHERE action = 'hired' LIMIT 1")
    assert [one.rule for one in run_audit(on.settings).results if one.differences] == ["funnel_actions"]


def stale(installation: Installation) -> list[StaleHour]:
    (funnel,) = downstream_of(installation.settings)
    with open_report_database(installation.settings) as database:
        return stale_hours(database, funnel)
