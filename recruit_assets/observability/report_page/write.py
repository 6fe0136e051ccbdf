"""Reading what the page shows, and writing the page."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg

from recruit_assets.observability.attribution import recent_attribution
from recruit_assets.observability.audit.last_result import read_last_audit
from recruit_assets.observability.freshness import read_freshness
from recruit_assets.observability.report_page.page import Page
from recruit_assets.observability.report_page.render import render
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.cassandra.session import open_session
from recruit_assets.stores.dagster.history import last_checks
from recruit_assets.stores.mysql.budgets import read_pacing
from recruit_assets.stores.mysql.click_quality import read_click_sums
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.report_summary import DAYS, read_summary
from recruit_assets.stores.mysql.wrong_hours import checks_with_wrong_hours

ATTRIBUTION_HOURS = 7 * 24


def write_page(
    settings: Settings,
    instance: dg.DagsterInstance,
    path: Path,
    *,
    checks: Sequence[dg.AssetCheckKey],
    days: int = DAYS,
) -> Page:
    """Write the page of the report's last days; StoreUnavailable if a store can't be read, and the old page stays."""
    page = read_page(settings, instance, checks=checks, days=days)
    atomic_write(path, render(page).encode())
    return page


def read_page(
    settings: Settings, instance: dg.DagsterInstance, *, checks: Sequence[dg.AssetCheckKey], days: int = DAYS
) -> Page:
    """The page's contents as they are now."""
    made_at = datetime.now(UTC)
    with open_report_database(settings) as database:
        freshness = read_freshness(settings, database)
        summary = read_summary(database, days=days)
        wrong = checks_with_wrong_hours(database)
        judged = read_click_sums(database, since=summary.first) if settings.has_click_quality else None
        budgets = read_pacing(database, _months(made_at.date()))
    return Page(
        made_at=made_at,
        summary=summary,
        freshness=freshness,
        checks=last_checks(instance, checks, wrong=wrong),
        audit=read_last_audit(settings),
        attribution=_attribution(settings),
        budgets=budgets,
        judged=judged,
    )


def _months(today: date) -> Sequence[date]:
    """This month and the last one, whose end people look at in the first days of this one."""
    this = today.replace(day=1)
    return (this - timedelta(days=1)).replace(day=1), this


def _attribution(settings: Settings) -> Mapping[str, int]:
    """How many events each rule found the job of; empty for the default rule, without asking Cassandra."""
    if settings.job_rules.is_default:
        return {}
    with open_session(settings) as session:
        return recent_attribution(session, settings.job_rules, hours=ATTRIBUTION_HOURS)
