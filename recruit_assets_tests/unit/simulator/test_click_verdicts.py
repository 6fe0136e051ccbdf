"""The ledger's own verdicts on clicks, and the unusual clicks of a simulation."""

import json
import re
from collections import Counter

from recruit_assets.simulator.click_verdicts import ClickSettings, SentClicks
from recruit_assets.simulator.expected import ExpectedClicks
from recruit_assets.simulator.job_rules import OWN_JOB
from recruit_assets.simulator.jobs import site_jobs
from recruit_assets.simulator.ledger import REPORT_COLUMNS
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets.simulator.unusual_clicks import AGENTS, SITES, end_dates
from recruit_assets.transforms.click_judge import host_of, is_robot
from recruit_assets_tests.support.click_cases import CASES, END_DATES, HOSTS, RULES, Case
from recruit_assets_tests.support.simulations import END, FakeClock, all_valid

SETTINGS = ClickSettings(30, ",".join(HOSTS), RULES.timezone)
NOT_SENT = ("xxx", " http", "//localhost/x", "[::1/", ":x/")
"""Besides what isn't printable ASCII: user agents and pages that the simulator doesn't make up."""


def is_sent(case: Case) -> bool:
    text = f"{case.ua}{case.dl}"
    return text.isascii() and text.isprintable() and not any(odd in text for odd in NOT_SENT)


def record(case: Case) -> bytes:
    fields = {"create_time": case.create_time, "ts": case.at.isoformat(), "uid": case.uid, "ua": case.ua, "dl": case.dl}
    return json.dumps(fields).encode()


def test_the_ledger_agrees_with_the_table_on_what_the_simulator_sends() -> None:
    cases = [case for case in CASES if is_sent(case)]
    clicks = SentClicks(SETTINGS, END_DATES)
    for case in cases:
        clicks.add(record(case), (case.job_id, 0, 0, 0), 1)

    found = Counter[object]()
    for *_, verdict, number, _spend in clicks.rows():
        found[verdict] += int(str(number))
    assert found == Counter(case.verdict for case in cases)
    assert len(cases) > 80


def test_each_share_gives_clicks_of_its_verdict() -> None:
    spec = all_valid(events=20_000, repeat_share=0.1, robot_share=0.05, internal_share=0.1, ended_share=0.2)
    sink, clock = ListSink(), FakeClock(END)
    table = ExpectedClicks(SETTINGS, OWN_JOB, end_dates(spec, site_jobs(spec.jobs), now=END))
    ledger = simulate(spec, sink, stop=clock.stop, clock=clock, downstream=[table])

    found = Counter[object]()
    for *_, verdict, number, _spend in ledger.as_document()["downstream"]["click_quality"]:
        found[verdict] += number
    assert found.total() == sum(int(str(row[REPORT_COLUMNS.index("clicks")])) for row in ledger.report())
    assert min(found[verdict] for verdict in ("valid", "duplicate", "robot", "internal", "expired")) > 50
    assert found["valid"] > found.total() / 2


def test_what_the_simulator_calls_a_robot_or_a_developers_machine_is_one() -> None:
    assert all(is_robot(ua) for ua in AGENTS)
    assert all(re.search(RULES.internal_hosts, host_of(f"{site}/job/1")) for site in SITES)
