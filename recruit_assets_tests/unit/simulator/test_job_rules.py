"""The ledger's own reading of RECRUIT_ATTRIBUTION, and events whose job is only in their event data."""

import json
from collections import Counter
from hashlib import sha256

import pytest

from recruit_assets.simulator.fragments import Action, Interaction
from recruit_assets.simulator.job_rules import JobRules, whole
from recruit_assets.simulator.jobs import site_jobs
from recruit_assets.simulator.publish import ListSink, simulate
from recruit_assets_tests.support.job_cases import CASES, PATTERN, RULES, Case
from recruit_assets_tests.support.reference_report import COUNTED_AS, Event, distinct_events, recount
from recruit_assets_tests.support.simulations import END, FakeClock, all_valid, simulated

BYTES_BEFORE = "6dd76f4787f30f4153d85b9ec5c9ff4c45e8e27b23565b9ce1bebc4cbef32b0e"
LEDGER = JobRules(",".join(RULES), PATTERN)


def an_interaction(case: Case) -> Interaction:
    names = ("job_id", "publisher_id", "campaign_id", "group_id")
    fields = dict(zip(names, case.own, strict=True)) | {"ed": case.ed, "dl": case.dl}
    publisher, campaign, group = (one or 0 for one in case.own[1:])
    members = json.dumps(fields)[1:-1].encode()
    return Interaction(members, Action.CLICK, case.own[0], publisher, campaign, group)


@pytest.mark.parametrize("case", CASES[:15], ids=lambda case: f"{case.own} {case.ed} {case.dl}"[:80])
def test_the_ledger_agrees_with_the_table_on_what_the_simulator_sends(case: Case) -> None:
    found = LEDGER.found(an_interaction(case))

    assert (found and (found[0], *found[1])) == case.found


@pytest.mark.parametrize(
    ("value", "number"),
    [(192, 192), (192.0, 192), ("192", 192), ("192.0", 192), (0, 0), (2**31 - 1, 2**31 - 1), (2**31, None), (-1, None),
     (0.5, None), (True, None), (None, None), ("", None), ("a", None), ([192], None), ({"id": 192}, None)],
)  # fmt: skip
def test_a_whole_number_may_be_spelled_in_four_ways(value: object, number: int | None) -> None:
    assert whole(value) == number


def test_without_event_data_the_bytes_are_those_of_before_there_was_any() -> None:
    """Ledgers and figures of earlier versions stay comparable."""
    values, _ = simulated(all_valid(events=200))

    assert sha256(b"\n".join(value or b"" for value in values)).hexdigest() == BYTES_BEFORE


@pytest.fixture(scope="module")
def half() -> list[Event]:
    return distinct_events(simulated(all_valid(events=20_000, event_data_share=0.5))[0])


def test_the_share_of_countable_events_has_its_job_only_in_the_event_data(half: list[Event]) -> None:
    countable = [event for event in half if event.get("custom_track") in COUNTED_AS]
    in_data = [event for event in countable if event.get("job_id") is None and "jobId" in str(event.get("ed"))]

    assert len(in_data) == pytest.approx(0.5 * 0.3 * len(half), rel=0.1)
    kinds = Counter(kind(str(event["ed"])) for event in in_data)
    assert {"int", "float", "str", "NoneType", "bool", "list", "dict", "no object", "no JSON"} <= kinds.keys()
    assert kinds["int"] > len(in_data) / 3


def kind(ed: str) -> str:
    """The type of the job's id in the event data."""
    try:
        data = json.loads(ed)
    except ValueError:
        return "no JSON"
    return type(data["jobId"]).__name__ if isinstance(data, dict) and "jobId" in data else "no object"


def test_the_ledger_with_rules_equals_a_recount_of_events_that_name_their_job() -> None:
    """Each event gets the job that the simplest reading of the rules finds, then the plain recount counts it."""
    spec, rules = all_valid(events=6_000, event_data_share=0.5), JobRules("job_id,ed.jobId,dl", PATTERN)
    sink, clock = ListSink(), FakeClock(END)
    ledger = simulate(spec, sink, stop=clock.stop, clock=clock, rules=rules)
    events = distinct_events(sink.values)
    named = [naming_its_job(event) for event in events]
    countable = [event for event in named if event.get("custom_track") in COUNTED_AS]

    assert ledger.report() == recount(named, {job.id: job.company_id for job in site_jobs(spec.jobs)})
    assert ledger.counts["countable"] == sum(event["job_id"] is not None for event in countable)
    assert ledger.counts["unattributed"] == sum(event["job_id"] is None for event in countable) > 0
    assert ledger.counts["attributed"].keys() == {"job_id", "ed.jobId", "dl"}
    assert sum(ledger.counts["attributed"].values()) == ledger.counts["countable"]
    assert min(ledger.counts["attributed"].values()) > 0


def naming_its_job(event: Event) -> Event:
    event = {"job_id": None} | event
    if event["job_id"] is not None:
        return event
    try:
        data = json.loads(str(event.get("ed")))
        job = int(float(data["jobId"])) if not isinstance(data["jobId"], bool) else -1
        if job == float(data["jobId"]) and 0 <= job < 2**31:
            known = {f"{name}_id": data.get(f"{name}Id") for name in ("publisher", "campaign", "group")}
            own = {name: value for name, value in event.items() if value is not None}
            return known | own | {"job_id": job}
    except (ValueError, TypeError, KeyError):
        pass
    *_, folder, last = ["", *str(event.get("dl")).split("/")]
    return event | {"job_id": int(last)} if folder in ("stelle", "job") else event
