"""Each guard seen red: with it a harm leaves no difference, without it the audit names one.

Only in the long form (`make chaos`), which docs/chaos.md has the table of.
"""

import pytest

from recruit_assets_tests.chaos.safeguards import GUARDS, Guard
from recruit_assets_tests.support.scenario import Arena

each_guard = pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.promise)


@pytest.mark.timeout(300)
@each_guard
def test_with_its_guard_a_harm_leaves_no_difference(arena: Arena, guard: Guard) -> None:
    guard.harm(arena)

    arena.require_exact()


@pytest.mark.timeout(300)
@each_guard
def test_without_its_guard_the_audit_names_a_difference(
    arena: Arena, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.take_out(monkeypatch)

    guard.harm(arena)

    found = {one.rule: one for one in arena.audit().differences}
    arena.outcome.differences = []  # they are wanted here
    arena.outcome.seen = f"{guard.promise}: {found[guard.seen].differences} {guard.seen}" if guard.seen in found else ""
    assert guard.seen in found, f"the audit saw only {sorted(found)}"
