"""The ledger equals a recount of the records, and rounds correctly."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recruit_assets.contract.tables import MYSQL_REPORT
from recruit_assets.simulator.events import Chunk
from recruit_assets.simulator.fragments import Action, Interaction
from recruit_assets.simulator.jobs import site_jobs
from recruit_assets.simulator.ledger import REPORT_COLUMNS, Ledger, rounded_ratio
from recruit_assets_tests.support.reference_report import COUNTED_AS, distinct_events, recount
from recruit_assets_tests.support.simulations import a_spec, all_valid, simulated

HOUR = int(datetime(2026, 1, 5, 7, tzinfo=UTC).timestamp()) // 3600


def click(bid: int) -> Interaction:
    return Interaction(b"", Action.CLICK, job_id=1, publisher_id=2, campaign_id=3, group_id=4, bid=bid)


def ledger_of(*interactions: Interaction) -> Ledger:
    ledger = Ledger(7, site_jobs(3))
    ledger.add(Chunk(values=[b"{}"] * len(interactions), happened=[(HOUR, it) for it in interactions]))
    return ledger


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"jobs": 1, "publishers": 1, "campaigns": 1, "groups": 1},
        {"duplicate_share": 0.4, "late_share": 0.4},
        {"uncountable_share": 0.0, "jobs": 5},
        {"uncountable_share": 1.0},
        {"skew": 0.0, "jobs": 2_000},
    ],
)
def test_the_ledger_equals_a_recount_of_the_records(options: dict[str, object]) -> None:
    spec = all_valid(events=6_000, **options)
    values, ledger = simulated(spec)
    company_ids = {job.id: job.company_id for job in site_jobs(spec.jobs)}
    events = distinct_events(values)
    countable = [e for e in events if e.get("custom_track") in COUNTED_AS and e.get("job_id") is not None]
    unattributed = [e for e in events if e.get("custom_track") in COUNTED_AS and e.get("job_id") is None]

    assert ledger.report() == recount(events, company_ids)
    assert ledger.counts == {
        "records": 6_000,
        "events": len(events),
        "duplicates": 6_000 - len(events),
        "dead_letters": {},
        "countable": len(countable),
        "unattributed": len(unattributed),
        "late": ledger.counts["late"],
    }


def test_every_record_is_an_event_a_duplicate_or_a_dead_letter() -> None:
    values, ledger = simulated(a_spec(malformed_share=0.2, duplicate_share=0.2))
    counts = ledger.counts

    assert counts["events"] + counts["duplicates"] + sum(counts["dead_letters"].values()) == len(values) == 5_000


def test_the_report_has_ties_unknown_jobs_and_rows_without_clicks() -> None:
    """The audit can only check the cases that occur."""
    rows = [dict(zip(REPORT_COLUMNS, row, strict=True)) for row in simulated(all_valid(events=20_000))[1].report()]
    ties = [r for r in rows if r["clicks"] and int(str(r["clicks"])) == 8 and float(str(r["spend_hour"])) % 2]

    assert ties
    assert any(row["company_id"] is None for row in rows)
    assert any(row["clicks"] == 0 and row["bid_set"] == row["spend_hour"] == 0.0 for row in rows)
    assert any(row["job_id"] == 0 for row in rows)
    assert any(row["publisher_id"] == 0 for row in rows)


def test_a_row_counts_each_action_and_averages_the_bids_of_its_clicks() -> None:
    others = [
        Interaction(b"", action, job_id=1, publisher_id=2, campaign_id=3, group_id=4, bid=1_000)
        for action in (Action.CONVERSION, Action.CONVERSION, Action.QUALIFIED, Action.UNQUALIFIED)
    ]
    row = dict(zip(REPORT_COLUMNS, ledger_of(click(10), click(11), click(0), *others).report()[0], strict=True))

    assert row == {
        "job_id": 1, "dates": "2026-01-05 00:00:00", "hours": 7,
        "disqualified_application": 1, "qualified_application": 1, "conversion": 2,
        "company_id": None, "group_id": 4, "campaign_id": 3, "publisher_id": 2,
        "bid_set": 7.0, "clicks": 3, "impressions": None, "spend_hour": 21.0, "sources": "Cassandra",
    }  # fmt: skip


def test_rows_have_the_columns_of_the_contract_in_order() -> None:
    assert [*REPORT_COLUMNS, "latest_update_time"] == list(MYSQL_REPORT.column_names)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (1, 8, 0.13),  # half to even gives 0.12
        (3, 8, 0.38),
        (201, 200, 1.01),  # the double nearest to 1.005 is less than 1.005
        (-1, 8, -0.13),
        (1, 3, 0.33),
        (2, 3, 0.67),
        (0, 5, 0.0),
        (2**31 * 1_000 + 1, 8, 268_435_456_000.13),
    ],
)
def test_a_mean_is_rounded_half_away_from_zero(numerator: int, denominator: int, rounded: float) -> None:
    assert rounded_ratio(numerator, denominator) == rounded


def test_the_file_contains_the_complete_ledger(tmp_path: Path) -> None:
    ledger = simulated(a_spec())[1]
    ledger.write(tmp_path / "new" / "ledger.json")
    document = json.loads((tmp_path / "new" / "ledger.json").read_bytes())

    assert document == {
        "version": 1,
        "seed": 7,
        "counts": ledger.counts,
        "report": [list(row) for row in ledger.report()],
    }
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["ledger.json"]
