"""Recounting click_quality from raw rows: the verdicts that were found by hand, and where they don't add up."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import pytest

from recruit_assets.contract.tables import CLICK_QUALITY, MYSQL_REPORT
from recruit_assets.observability.audit.audit_db import AuditDatabase, Values, open_audit_database
from recruit_assets.observability.audit.click_rows import ClickRecount
from recruit_assets.observability.audit.differences import Differences
from recruit_assets.stores.cassandra.audit_reads import READ_COLUMNS
from recruit_assets.transforms.found_jobs import OWN_JOBS
from recruit_assets_tests.support.click_cases import CASES, END_DATES, RULES, Case

HOUR = "2026-01-05 07:00:00"


@pytest.fixture
def audit_db() -> Iterator[AuditDatabase]:
    with open_audit_database() as opened:
        yield opened


def recount(audit_db: AuditDatabase, *pages: Sequence[Values]) -> list[Values]:
    clicks = ClickRecount(audit_db, OWN_JOBS, rules=RULES, last_days=END_DATES)
    for page in pages:
        assert list(clicks.take(0, page)) == []
    return list(clicks.rest())


def a_row(case: Case, **others: object) -> Values:
    """A raw row; clicks at the same time are in the order of the table."""
    fields = {
        "event_time_ms": case.at_ms, "received_at_ms": case.at_ms + 5, "custom_track": "click", "bid": 2,
        "create_time": uuid5(NAMESPACE_URL, case.create_time), "job_id": case.job_id, "uid": case.uid, "ua": case.ua,
        "dl": case.dl,
    }  # fmt: skip
    return tuple((fields | others).get(name) for name in READ_COLUMNS)


def test_the_audit_finds_the_verdicts_that_were_found_by_hand_whatever_the_order(audit_db: AuditDatabase) -> None:
    rows = [a_row(case) for case in reversed(CASES)]

    found = Counter((row[0], row[1], row[5]) for row in recount(audit_db, rows[::2], rows[1::2], rows[:9]))

    assert found == Counter((f"{case.at:%Y-%m-%d %H}:00:00", case.job_id, case.verdict) for case in CASES)


def test_a_click_counts_for_its_job_with_its_bid(audit_db: AuditDatabase) -> None:
    case = CASES[0]
    rows = [
        a_row(case, publisher_id=4, bid=None),
        a_row(case, create_time=uuid5(NAMESPACE_URL, "x"), custom_track="conversion"),
        a_row(case, create_time=uuid5(NAMESPACE_URL, "y"), job_id=None),
    ]

    assert recount(audit_db, rows) == [(HOUR, 1, 4, 0, 0, "valid", 1, 0.0, "2026-01-05 07:00:00.005")]


def test_verdicts_that_do_not_add_up_to_the_reports_clicks_are_found(audit_db: AuditDatabase) -> None:
    ids = {"job_id": 1, "publisher_id": 2, "campaign_id": 3, "group_id": 4}
    report = ids | {"dates": "2026-01-05 00:00:00", "hours": 7, "clicks": 5}
    audit_db.add_reported([tuple(report.get(name) for name in MYSQL_REPORT.column_names)])
    audit_db.add_downstream(
        "reported",
        CLICK_QUALITY,
        [(HOUR, 1, 2, 3, 4, "valid", 3, 6.0, ""), (HOUR, 1, 2, 3, 4, "robot", 1, 2.0, "")],
    )
    differences = Differences(audit_db, topic="t", compared_from_ms=0)

    audit_db.keep_downstream(CLICK_QUALITY, [datetime(2026, 1, 5, 7)])

    gross, differing = differences.gross_clicks()
    assert (gross, differing.count) == (5, 1)
    assert differing.examples == (
        "2026-01-05 07:00, job_id 1, publisher_id 2, campaign_id 3, group_id 4: 4 judged, expected 5",
    )
