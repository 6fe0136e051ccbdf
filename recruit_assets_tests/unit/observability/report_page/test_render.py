"""The report page shows the report's content in browsers, on phones, in screen readers and in print."""

import re
from datetime import date, timedelta
from importlib import resources

import pytest

from recruit_assets.contract.budgets import Budget, Pacing
from recruit_assets.contract.click_quality import ROBOT, VALID, VERDICTS
from recruit_assets.hours.planning import PendingHour
from recruit_assets.observability.audit.last_result import LastAudit
from recruit_assets.observability.freshness import Freshness
from recruit_assets.observability.report_page.render import age, money, percent, render
from recruit_assets.stores.dagster.history import LastCheck
from recruit_assets.stores.mysql.click_quality import ClickSums, JudgedClicks
from recruit_assets.stores.mysql.report_state import ReportState
from recruit_assets.stores.mysql.report_summary import Place, Step
from recruit_assets.stores.mysql.totals import NOTHING, Totals
from recruit_assets_tests.support.lags import NOW, a_lag
from recruit_assets_tests.support.pages import START, Reading, a_page, a_summary, some_totals

HOURS = (Totals((100, 20, 8, 6, 1234.0)), NOTHING, Totals((60, 9, 2, 1, 766.0)))
HOSTILE = '<script>alert("x")</script> Ärztin 看護師 🦊 & Söhne'
CSS = resources.files("recruit_assets.observability.report_page").joinpath("page.css").read_text(encoding="utf-8")


def reading(*totals: Totals, **fields: object) -> Reading:
    return Reading(render(a_page(a_summary(*totals), **fields)))


def test_totals_and_every_hour_are_shown() -> None:
    text = reading(*HOURS).text

    for wanted in ("Spend 2,000", "Clicks 160", "Applications 29", "Qualified 10", "Disqualified 7",
                   "Cost per click 12.50", "Cost per application 68.97", "Cost per qualified 200",
                   "Apply rate 18.1%", "Qualified rate 34.5%", "2026-01-05 00:00 1,234 100 20 8 6",
                   "2026-01-05 01:00 0 0 0 0 0", "2026-01-05 02:00 766 60 9 2 1",
                   "Total 2,000 160 29 10 7"):  # fmt: skip
        assert wanted in text


def test_the_page_needs_no_other_file_and_no_script() -> None:
    html = render(a_page(a_summary(*HOURS)))

    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)|url\((?!#)|@import|<script|<link|<iframe""", html)


@pytest.mark.parametrize(
    "totals",
    [(), HOURS[:1], HOURS, (NOTHING,), (some_totals(applications=3),)],
    ids=["empty", "hour", "hours", "0", "no click"],
)
def test_the_page_is_well_formed_for_any_report(totals: tuple[Totals, ...]) -> None:
    page = reading(*totals, checks=[LastCheck("mysql_report", "counts_every_event", passed=True, evaluated_at=START)])

    assert (page.misplaced, page.open) == ([], [])
    assert len(page.ids) == len(set(page.ids))


def test_budgets_are_shown_by_month_the_most_spent_first() -> None:
    january, december = date(2026, 1, 1), date(2025, 12, 1)
    text = reading(*HOURS, budgets=[
        Pacing(Budget("campaign", 7, january, 2000.0), HOSTILE, 500.0, 0.25, 100.0, 3100.5),
        Pacing(Budget("job", 3, january, 1000.0), "", 1200.0, 1.2, 50.0, 7440.0),
        Pacing(Budget("job", 3, december, 0.0), "", 0.0, None, 0.0, 0.0),
    ]).text  # fmt: skip

    first, second = (
        text.index("job 3 1,200 120.0% 1,000 50 7,440"),
        text.index(f"{HOSTILE} 500 25.0% 2,000 100 3,100"),
    )
    assert text.index("January 2026") < first < second < text.index("December 2025")
    assert "job 3 0 n/a 0 0 0" in text


def test_without_a_budget_the_page_says_how_to_load_one() -> None:
    assert "recruit-assets import-budgets FILE" in reading(*HOURS).text


def test_an_empty_report_says_so() -> None:
    page = reading()

    assert "The report is empty." in page.text
    assert "recruit-assets import FILE" in page.text
    assert page.of("svg") == []


def test_a_ratio_without_a_denominator_is_not_available() -> None:
    assert (
        "Cost per click n/a Cost per application n/a Cost per qualified n/a Apply rate n/a Qualified rate n/a"
        in reading(NOTHING).text
    )


def test_events_are_shown_by_the_rule_that_found_their_job() -> None:
    page = reading(*HOURS, attribution={"job_id": 1500, "ed.jobId": 450, "none": 50})

    assert "Rule Events Share job_id 1,500 75.0% ed.jobId 450 22.5% no job found 50 2.5%" in page.text
    assert (page.misplaced, page.open) == ([], [])
    assert "job_id 0 n/a" in reading(*HOURS, attribution={"job_id": 0, "none": 0}).text
    assert "How events find their job" not in reading(*HOURS).text


def test_clicks_are_shown_by_verdict() -> None:
    numbers = {VALID: (140, 500.0), ROBOT: (10, 25.5)}
    judged = ClickSums(tuple(JudgedClicks(one, *numbers.get(one, (0, 0.0))) for one in VERDICTS))

    page = reading(*HOURS, judged=judged)

    assert "93.3% of the 150 judged clicks are valid. 10 aren't judged yet." in page.text
    assert f"Valid {VALID.description} 140 93.3% 500" in page.text
    assert f"Robot {ROBOT.description} 10 6.7% 25.50" in page.text
    assert "Gross 150 525.50" in page.text
    assert (page.misplaced, page.open) == ([], [])
    nothing = ClickSums(tuple(JudgedClicks(one, 0, 0.0) for one in VERDICTS))
    assert "No click is judged yet. 160 aren't judged yet." in reading(*HOURS, judged=nothing).text
    assert "RECRUIT_CLICK_QUALITY is off" in reading(*HOURS).text


def test_titles_of_jobs_are_shown_as_they_are_and_never_as_html() -> None:
    html = render(a_page(a_summary(*HOURS, places=[Place(1, HOSTILE, HOURS[0]), Place(2, None, HOURS[2])])))

    assert HOSTILE in Reading(html).text
    assert "job 2" in Reading(html).text
    assert "<script" not in html


def test_a_company_that_no_job_names_is_unknown() -> None:
    assert "unknown" in Reading(render(a_page(a_summary(*HOURS, places=[Place(None, None, HOURS[0])])))).text


def test_a_year_is_plotted_and_listed_by_day() -> None:
    page = Reading(render(a_page(a_summary(*[HOURS[0]] * 366, step=Step.DAY))))

    assert "Clicks per day, UTC" in page.text
    assert "2027-01-05 1,234 100" in page.text


def test_each_plot_has_a_text_alternative() -> None:
    page = reading(*HOURS)

    plots = page.of("svg")
    assert len(plots) == 4
    assert all(plot["role"] == "img" and set(plot["aria-labelledby"].split()) <= set(page.ids) for plot in plots)
    assert "160 in 3 hours; the most, 100, from 2026-01-05 00:00 UTC on." in page.text


def test_every_table_has_a_caption_and_named_headings() -> None:
    page = reading(*HOURS)

    assert len(page.of("table")) == len(page.of("caption"))
    assert all(heading.get("scope") in {"row", "col"} for heading in page.of("th"))
    assert page.of("html") == [{"lang": "en"}]


def test_problems_are_named() -> None:
    now = START + timedelta(days=1)
    pending = PendingHour(START, newest_change=now, next_try_at=now, attempts=2)
    page = reading(
        *HOURS,
        freshness=Freshness(
            ReportState(now, (pending,), newest_event=now - timedelta(minutes=5)),
            a_lag(age_s=7200, members=0, recent_records=400, recent_dead_letters=30),
        ),
        audit=LastAudit(ended_at=now, records=10, rules=17, broken=("events", "report rows")),
        checks=[LastCheck("mysql_report", "counts_every_event", passed=False, evaluated_at=now)],
    )

    for wanted in ("2 hours behind : ingest hasn't stored 7 records of Kafka, the first since 2026-01-05 22:00:00 UTC; "
                   "no process is in its consumer group; newer events are stored but not in the report yet.",
                   "Dead letters 7.5% of the records of the last 15 minutes: 30 of 400",
                   "1 , the first 2026-01-05 00:00 UTC ; the last run of 1 failed",
                   "Not exact : events, report rows", "1 of 1 failed : mysql_report: counts_every_event"):  # fmt: skip
        assert wanted in page.text


def test_a_report_without_problems_says_so() -> None:
    audit = LastAudit(ended_at=START, records=20_000, rules=17, broken=())
    check = LastCheck("mysql_report", "counts_every_event", passed=True, evaluated_at=START)

    text = reading(*HOURS, audit=audit, checks=[check]).text

    for wanted in ("Up to date : the report holds every event that has arrived.", "none in the last 15 minutes",
                   "Exact , 17 rules on 20,000 records", "All 1 passed"):  # fmt: skip
        assert wanted in text


def test_a_live_stream_is_up_to_date() -> None:
    freshness = Freshness(
        ReportState(NOW, (PendingHour(NOW, NOW, NOW),), newest_event=NOW - timedelta(seconds=12)), a_lag()
    )

    assert (
        "Up to date : at most 12 seconds behind the events that arrive now."
        in reading(*HOURS, freshness=freshness).text
    )


def test_a_kafka_that_cannot_be_read_is_never_up_to_date() -> None:
    text = reading(*HOURS, freshness=Freshness(ReportState(NOW), None, "nobody listens")).text

    assert "Up to date" not in text
    assert "Freshness Unknown : Kafka can't be read and may hold newer events (nobody listens)." in text
    assert "Dead letters unknown" in text


def test_numbers_are_formatted_for_people() -> None:
    assert [money(None), money(1234.0), money(12.346)] == ["n/a", "1,234", "12.35"]
    assert [percent(None), percent(0.5)] == ["n/a", "50.0%"]
    assert [age(1), age(150), age(3 * 3600), age(3 * 86_400)] == ["1 seconds", "2 minutes", "3 hours", "3 days"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_and_plots_have_the_contrast_of_wcag_aa(scheme: str) -> None:
    """WCAG 2.2: 4.5 for text (1.4.3), 3 for graphics (1.4.11)."""
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", blocks[0 if scheme == "light" else 1]))

    for behind in ("page", "card"):
        for name, wanted in {"text": 4.5, "quiet": 4.5, "good": 4.5, "bad": 4.5, "series": 3, "series-2": 3}.items():
            assert contrast(colours[name], colours[behind]) >= wanted, (name, behind)


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
