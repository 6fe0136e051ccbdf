"""Each safeguard is necessary: with it a fault leaves no difference, without it the audit reports one.

Runs in the long form only (`make chaos`); docs/chaos.md has the results as a table.
"""

import pytest

from recruit_assets_tests.chaos.safeguards import SAFEGUARDS, Safeguard
from recruit_assets_tests.support.scenario import Scenario

each_safeguard = pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda safeguard: safeguard.promise)


@pytest.mark.timeout(300)
@each_safeguard
def test_with_its_safeguard_a_fault_leaves_no_difference(scenario: Scenario, safeguard: Safeguard) -> None:
    safeguard.fault(scenario)

    scenario.require_exact()


@pytest.mark.timeout(300)
@each_safeguard
def test_without_its_safeguard_the_audit_names_a_difference(
    scenario: Scenario, safeguard: Safeguard, monkeypatch: pytest.MonkeyPatch
) -> None:
    safeguard.disable(monkeypatch)

    safeguard.fault(scenario)

    found = {one.rule: one.differences for one in scenario.audit().differences}
    scenario.outcome.differences = []  # expected, so the summary doesn't count them
    assert safeguard.seen in found, f"the audit reported only {sorted(found)}"
    scenario.outcome.seen = f"{safeguard.promise}: {found[safeguard.seen]} {safeguard.seen}"
