"""Which days are compared: those that are as new as their hours; one that stays older is a difference."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recruit_assets.contract.tables import DAILY_COMPANY_METRICS, DAILY_JOB_METRICS
from recruit_assets.observability.audit.audit_db import AuditDatabase, open_audit_database
from recruit_assets.observability.audit.cassandra_rows import local_dates
from recruit_assets.observability.audit.daily_rows import Days, dates_in, days_of, take_days
from recruit_assets.observability.audit.differences import Differences
from recruit_assets.observability.audit.results import NONE, Sample
from recruit_assets.runtime.times import to_ms

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ONE, EARLIER = NOON - timedelta(hours=1), NOON - timedelta(days=1)
NOON_MS = to_ms(NOON)
IN_BERLIN = local_dates(ZoneInfo("Europe/Berlin"))


def days(made: dict[str, int], hours: dict[datetime, int | None], *, frozen_before: datetime | None = None) -> Days:
    return days_of(made, hours, IN_BERLIN, frozen_before=frozen_before)


def test_a_day_is_compared_unless_an_hour_of_it_was_replaced_since_it_was_made() -> None:
    made = {"2026-01-04": NOON_MS, "2026-01-05": 2 * NOON_MS}

    found = days(made, {EARLIER: NOON_MS, ONE: NOON_MS, NOON: NOON_MS + 1})

    assert (found.compared, found.older_than_hours) == (["2026-01-04"], ["2026-01-05"])


def test_a_day_is_not_compared_while_a_run_replaces_an_hour_of_it() -> None:
    assert days({"2026-01-05": 2 * NOON_MS}, {ONE: NOON_MS, NOON: None}).compared == []


def test_a_day_without_reported_hours_is_compared_with_no_events() -> None:
    assert days({"2026-01-05": 0}, {}).compared == ["2026-01-05"]


def test_an_hour_belongs_to_the_day_that_clocks_show() -> None:
    made = {"2026-01-05": 0, "2026-01-06": NOON_MS}

    assert days(made, {datetime(2026, 1, 5, 23, tzinfo=UTC): NOON_MS}).compared == ["2026-01-05", "2026-01-06"]


def test_an_hour_that_two_days_share_belongs_to_both() -> None:
    kathmandu = local_dates(ZoneInfo("Asia/Kathmandu"))

    assert dates_in(to_ms(datetime(2026, 1, 5, 18, tzinfo=UTC)), kathmandu) == {"2026-01-05", "2026-01-06"}


def test_a_day_that_stays_older_than_its_hours_is_a_difference_after_an_hour() -> None:
    found = days({"2026-01-05": NOON_MS - 1}, {NOON: NOON_MS})

    assert found.late(NOON + timedelta(minutes=59)) == NONE
    text = "2026-01-05: one of its hours was replaced at 2026-01-05 12:00:00, the day wasn't made again since then"
    assert found.late(NOON + timedelta(minutes=61)) == Sample(1, (text,))


def test_a_day_that_was_never_made_is_missed_only_where_days_are_made() -> None:
    hours: dict[datetime, int | None] = {NOON: NOON_MS, EARLIER: NOON_MS}

    assert days({}, hours).older_than_hours == []
    assert days({"2026-01-05": NOON_MS}, hours).older_than_hours == ["2026-01-04"]


def test_a_day_with_an_hour_whose_events_expire_is_not_compared() -> None:
    """What runs recorded of its hours expires too."""
    made = {"2025-12-01": NOON_MS, "2026-01-05": NOON_MS, "2026-01-06": 0}

    found = days(made, {NOON: NOON_MS}, frozen_before=NOON + timedelta(hours=1))

    assert (found.compared, found.older_than_hours) == (["2026-01-06"], [])


@pytest.fixture
def audit_db() -> Iterator[AuditDatabase]:
    with open_audit_database() as opened:
        opened.add_companies([(1, 7), (2, 7), (3, None)])
        # date, job, then clicks, applications, qualified, disqualified, spend
        opened.add_days([("2026-01-05", job, 2, 1, 0, 0, 10 * job, to_ms(NOON)) for job in (1, 2, 3)])
        opened.add_days([("2026-01-04", 1, 9, 9, 9, 9, 9, to_ms(NOON))])
        yield opened


def a_row(*key: object, clicks: int, applications: int, spend: float) -> tuple[object, ...]:
    """A row of either table as MySQL returns it."""
    ratios = (spend / clicks, spend / applications, None, applications / clicks, 0.0)
    latest = datetime(2026, 1, 5, 12)
    return (date(2026, 1, 5), *key, clicks, applications, 0, 0, spend, *ratios, latest)


JOBS = [
    a_row(1, 7, clicks=2, applications=1, spend=10.0),
    a_row(2, 7, clicks=2, applications=1, spend=20.0),
    a_row(3, None, clicks=2, applications=1, spend=30.0),
]
COMPANIES = [a_row(0, clicks=2, applications=1, spend=30.0), a_row(7, clicks=4, applications=2, spend=30.0)]


def compared(
    audit_db: AuditDatabase, jobs: list[tuple[object, ...]], companies: list[tuple[object, ...]]
) -> list[Sample]:
    take_days(audit_db, DAILY_JOB_METRICS, [jobs])
    take_days(audit_db, DAILY_COMPANY_METRICS, [companies])
    audit_db.keep_days(["2026-01-05"])
    audit_db.recompute()
    differences = Differences(audit_db, topic="t", compared_from_ms=0)
    found = [differences.days(table) for table in (DAILY_JOB_METRICS, DAILY_COMPANY_METRICS)]
    return [one.missing + one.unexpected + one.different for one in found]


def test_days_as_the_events_say_have_no_difference(audit_db: AuditDatabase) -> None:
    assert compared(audit_db, JOBS, COMPANIES) == [NONE, NONE]


def test_each_difference_of_a_day_is_found_and_named(audit_db: AuditDatabase) -> None:
    jobs = [
        a_row(1, 8, clicks=2, applications=1, spend=10.0),
        JOBS[2],
        a_row(4, 7, clicks=1, applications=1, spend=1.0),
    ]
    companies = [COMPANIES[0], a_row(7, clicks=4, applications=2, spend=31.0)]

    of_jobs, of_companies = compared(audit_db, jobs, companies)

    assert of_jobs == Sample(
        3,
        (
            "missing: 2026-01-05, job_id 2",
            "unexpected: 2026-01-05, job_id 4",
            "2026-01-05, job_id 1: company_id 8, expected 7",
        ),
    )
    assert of_companies == Sample(
        1, ("2026-01-05, company_id 7: spend 31.0, expected 30.0, cpc 7.75, expected 7.5, cpa 15.5, expected 15.0",)
    )
