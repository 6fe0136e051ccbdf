"""The simulated site's budgets."""

from datetime import UTC, date, datetime

from recruit_assets.simulator.budgets import site_budgets
from recruit_assets.simulator.ledger import REPORT_COLUMNS
from recruit_assets.simulator.spec import SimulationSpec
from recruit_assets_tests.support.simulations import END, a_spec, simulated

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


def test_some_are_overspent_and_some_are_not() -> None:
    """A page on which all budgets look alike would show nothing."""
    spec = a_spec(events=20_000)
    spent: dict[tuple[str, object], float] = {}
    for row in simulated(spec)[1].report():
        values = dict(zip(REPORT_COLUMNS, row, strict=True))
        for scope in ("campaign", "job"):
            key = scope, values[f"{scope}_id"]
            spent[key] = spent.get(key, 0.0) + float(str(values["spend_hour"]))

    shares = [spent[one.scope, one.id] / one.amount for one in site_budgets(spec, END)]

    assert sum(share < 0.5 for share in shares) >= 2
    assert sum(0.5 <= share < 1 for share in shares) >= 2
    assert sum(share >= 1 for share in shares) >= 2


def test_they_are_of_the_months_with_events() -> None:
    turn = datetime(2026, 12, 1, 6, tzinfo=UTC)

    past = {one.month for one in site_budgets(a_spec(end=turn), turn)}
    live = {
        one.month
        for one in site_budgets(SimulationSpec(events=0, live=True, rate=5.0), datetime(2026, 11, 3, tzinfo=UTC))
    }

    assert past == live == {NOVEMBER, DECEMBER}
