"""Every kind of malformed record occurs, and the pipeline rejects it for the reason in the ledger."""

from random import Random

import pytest

from recruit_assets.contract.dead_letters import DeadLetterReason
from recruit_assets.runtime.errors import RejectedEvent
from recruit_assets.simulator.malformed import KINDS, Kind, ValidRecord, kinds_by_reason
from recruit_assets.simulator.spec import NOT_IN_LINES, SIMULATED_REASONS, SimulationSpec
from recruit_assets.simulator.times import milliseconds
from recruit_assets.transforms.validate import Limits, read_event
from recruit_assets_tests.support.simulations import END, a_spec, all_valid, simulated, valid_values

SPEC = SimulationSpec()
LIMITS = Limits(max_bytes=SPEC.max_event_bytes, first_hour_ms=milliseconds(SPEC.first_hour))
RECEIVED_AT_MS = milliseconds(END) + 60_000


@pytest.fixture(scope="module")
def valid_record() -> ValidRecord:
    value = valid_values(all_valid(events=1))[0]
    return ValidRecord(value, Random(1), SPEC.first_hour, SPEC.max_event_bytes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.reason}: {kind.name}")
def test_the_pipeline_rejects_each_kind_for_its_reason(kind: Kind, valid_record: ValidRecord) -> None:
    with pytest.raises(RejectedEvent) as rejected:
        read_event(kind.corrupt(valid_record), RECEIVED_AT_MS, limits=LIMITS)

    assert rejected.value.reason is kind.reason


def test_the_pipeline_accepts_exactly_the_events_that_the_ledger_counts() -> None:
    values, ledger = simulated(a_spec(malformed_share=0.2, late_share=0.2, duplicate_share=0.2))
    events: set[tuple[bytes, int]] = set()
    dead_letters = dict.fromkeys(ledger.counts["dead_letters"], 0)
    for value in values:
        try:
            event = read_event(value, RECEIVED_AT_MS, limits=LIMITS)
        except RejectedEvent as rejected:
            dead_letters[rejected.reason.value] += 1
        else:
            events.add((event.key, event.event_time_ms))

    assert (len(events), dead_letters) == (ledger.counts["events"], ledger.counts["dead_letters"])


@pytest.mark.parametrize("reason", SIMULATED_REASONS)
def test_every_reason_has_several_distinct_kinds(reason: DeadLetterReason, valid_record: ValidRecord) -> None:
    of_reason = [kind.corrupt(valid_record) for kind in KINDS if kind.reason is reason]

    assert len(of_reason) >= (1 if reason in (DeadLetterReason.EMPTY, DeadLetterReason.TOMBSTONE) else 2)
    assert len(set(of_reason)) == len(of_reason)


def test_the_kinds_of_a_reason_alternate() -> None:
    kinds = kinds_by_reason(lines_only=False)
    of_reason = [kind for kind in KINDS if kind.reason is DeadLetterReason.NOT_JSON]

    assert [next(kinds[DeadLetterReason.NOT_JSON]) for _ in range(2 * len(of_reason))] == of_reason * 2


def test_all_reasons_occur_by_default() -> None:
    """The demo sends 20,000 events and should show every reason."""
    counts = simulated(SimulationSpec(events=20_000, end=END))[1].counts

    assert set(counts["dead_letters"]) == {reason.value for reason in SIMULATED_REASONS}


def test_a_reason_can_have_its_own_share() -> None:
    shares = ((DeadLetterReason.FUTURE, 0.3), (DeadLetterReason.NOT_JSON, 0.1))
    counts = simulated(a_spec(events=10_000, malformed_share=0.0, reason_shares=shares))[1].counts

    assert counts["dead_letters"] == {
        "future": pytest.approx(3_000, abs=150),
        "not_json": pytest.approx(1_000, abs=150),
    }


def test_lines_only_records_are_text_without_line_breaks() -> None:
    values, ledger = simulated(a_spec(lines_only=True, malformed_share=0.9))
    lines = [value.decode() for value in values if value]

    assert len(lines) == len(values)
    assert [line for line in lines if len(line.splitlines()) != 1 or not line.strip()] == []
    assert set(ledger.counts["dead_letters"]) == {
        reason.value for reason in SIMULATED_REASONS if reason not in NOT_IN_LINES | {DeadLetterReason.TOO_LARGE}
    }
