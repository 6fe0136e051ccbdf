"""RECRUIT_CLICK_QUALITY on the real engines: exact after late clicks and a corrected last day, by `materialize`."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from recruit_assets.observability.audit.run import run_audit
from recruit_assets.stores.mysql.connection import open_report_database
from recruit_assets.stores.mysql.dimensions import JobRow, load_jobs
from recruit_assets_tests.support.builders import an_event
from recruit_assets_tests.support.installation import Installation
from recruit_assets_tests.support.pages import Reading

pytestmark = pytest.mark.timeout(600)  # each command is a process that starts Spark

SEVEN, EIGHT = datetime(2026, 1, 5, 7, tzinfo=UTC), datetime(2026, 1, 5, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SUMS = (
    "gross_clicks", "valid_clicks", "duplicate_clicks", "robot_clicks", "internal_clicks", "expired_clicks",
    "gross_spend",
)  # fmt: skip
ROBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@pytest.fixture
def own(installation: Installation) -> Installation:
    return installation.with_settings(click_quality="on")


def judged(own: Installation) -> list[tuple[object, ...]]:
    with open_report_database(own.settings) as database:
        return database.query(
            "SELECT HOUR(event_hour), job_id, verdict, clicks, spend FROM click_quality ORDER BY 1, 2, 3"
        )


def ends(own: Installation, day: date | None) -> None:
    with open_report_database(own.settings) as database:
        load_jobs(database, [JobRow(2, 20, end_date=day)])


def test_valid_and_invalid_clicks_are_told_apart_beside_the_report(own: Installation) -> None:
    own.run("schema apply")
    own.send(
        an_event(SEVEN, seed=1, custom_track="click", job_id=1, bid=5, uid="a", ua="x"),
        an_event(SEVEN + 29 * SECOND, seed=2, custom_track="clicks", job_id=1, uid="a", bid=3),
        an_event(SEVEN, seed=3, custom_track="click", job_id=1, bid=7, uid="b", ua=ROBOT),
        an_event(SEVEN, seed=4, custom_track="click", job_id=2, bid=None, uid="a", dl="http://localhost/x"),
        an_event(SEVEN, seed=5, custom_track="conversion", job_id=1, uid="a"),
        an_event(EIGHT, seed=6, custom_track="click", job_id=1, bid=5, uid="a"),
        an_event(EIGHT, seed=7, custom_track="click", job_id=2, bid=5, uid="c"),
        an_event(EIGHT, seed=8, custom_track="click", job_id=None, uid="c"),
    )

    own.run("materialize", "audit")

    seven = [(7, 1, "duplicate", 1, 3.0), (7, 1, "robot", 1, 7.0), (7, 1, "valid", 1, 5.0), (7, 2, "internal", 1, 0.0)]
    assert judged(own) == [*seven, (8, 1, "valid", 1, 5.0), (8, 2, "valid", 1, 5.0)]

    # a late click of the hour before makes another one a duplicate
    own.send(an_event(EIGHT - SECOND, seed=9, custom_track="click", job_id=1, bid=1, uid="a"))
    own.run("materialize", "audit")
    later = (7, 1, "valid", 2, 6.0)
    assert judged(own) == [*seven[:2], later, seven[3], (8, 1, "duplicate", 1, 5.0), (8, 2, "valid", 1, 5.0)]

    # only the hours of the job that are after its last day are made again
    ends(own, date(2026, 1, 4))
    own.run("materialize", "audit")
    assert judged(own)[-1] == (8, 2, "expired", 1, 5.0)
    ends(own, None)
    own.run("materialize", "audit")
    assert judged(own)[-1] == (8, 2, "valid", 1, 5.0)
    made = own.runs_of("click_quality")
    ends(own, date(2026, 1, 31))
    own.run("materialize", "audit")
    assert own.runs_of("click_quality") == made, "the day is after all hours"

    with open_report_database(own.settings) as database:
        database.query("UPDATE click_quality SET clicks = clicks + 1 WHERE verdict = 'robot'")
    broken = [one.rule for one in run_audit(own.settings).results if one.differences]
    assert broken == ["click_quality", "gross clicks"]

    # of nobody, clicks aren't duplicates
    own.run("privacy erase a", "materialize", "audit")
    clicks = {(hour, job, verdict): number for hour, job, verdict, number, _ in judged(own)}
    assert clicks == {
        (7, 1, "valid"): 3, (7, 1, "robot"): 1, (7, 2, "valid"): 1, (8, 1, "valid"): 1, (8, 2, "valid"): 1,
    }  # fmt: skip


def test_the_ledger_agrees_on_every_kind_of_click(own: Installation) -> None:
    ours = own.with_settings(attribution="job_id,ed.jobId", report_timezone="Asia/Kathmandu")
    shares = " ".join(f"--{name}-share 0.1" for name in ("repeat", "robot", "internal", "ended", "event-data"))
    ours.run("schema apply", f"simulate --events 6000 --malformed-share 0 {shares} --ledger ledger.json", "materialize")

    text = ours.run("audit --ledger ledger.json --json", "report --html report.html")

    rules = {one["rule"]: one for one in json.loads(text[: text.rindex("}") + 1])["findings"]}
    for rule in ("click_quality", "ledger: click_quality"):
        assert rules[rule]["differences"] == 0
        assert rules[rule]["expected"] == rules[rule]["found"] > 100
    with open_report_database(ours.settings) as database:
        (sums,) = database.query(f"SELECT {', '.join(f'SUM({name})' for name in SUMS)} FROM fact_clicks")
        ((gross, spend),) = database.query("SELECT SUM(clicks), SUM(spend) FROM fact_hourly")
    assert (sum(sums[1:-1]), sums[0], sums[-1]) == (gross, gross, spend)
    assert min(sums) > 0
    page = Reading((own.folder / "report.html").read_text(encoding="utf-8"))
    assert f"Gross {gross:,}" in page.text
