"""Which thresholds a spend has reached, and what channels are told of them."""

from datetime import date

import pytest

from recruit_assets.contract.budgets import Budget, Crossing, Pacing, reached
from recruit_assets.observability.budgets import LINES, message, messages

MARCH = date(2026, 3, 1)


def a_budget(id: int = 1, amount: float = 200.0) -> Budget:
    return Budget("job", id, MARCH, amount)


def a_crossing(threshold: int, id: int = 1, waiting: str = "1 json") -> Crossing:
    return Crossing(a_budget(id), threshold, 2.0 * threshold, waiting=frozenset(waiting.split(",")))


@pytest.mark.parametrize(
    ("spent", "amount", "thresholds"),
    [
        (0.0, 200.0, ()),
        (99.99, 200.0, ()),
        (100.0, 200.0, (50,)),
        (179.99, 200.0, (50, 75)),
        (0.9, 1.0, (50, 75, 90)),
        (200.0, 200.0, (50, 75, 90, 100)),
        (900.0, 200.0, (50, 75, 90, 100)),
        (5.0, 0.0, ()),
        (5.0, -1.0, ()),
    ],
)
def test_a_threshold_is_reached_from_its_share_on(spent: float, amount: float, thresholds: tuple[int, ...]) -> None:
    assert reached(Pacing(a_budget(amount=amount), "", spent)) == thresholds


def test_a_message_names_the_highest_threshold_of_each_budget_the_most_pressing_first() -> None:
    told = message([a_crossing(50), a_crossing(75), a_crossing(50, id=2), a_crossing(90, id=2)])

    assert told.body.splitlines() == [
        "job 2 has spent 90 % of its budget of March 2026: 180.00 of 200.00",
        "job 1 has spent 75 % of its budget of March 2026: 150.00 of 200.00",
    ]
    assert told.subject == f"Recruitment report: {told.body.splitlines()[0]} (and 1 more)"
    assert not told.is_end


def test_a_message_of_many_budgets_can_still_be_read() -> None:
    lines = message([a_crossing(50, id=id) for id in range(LINES + 5)]).body.splitlines()

    assert (len(lines), lines[-1]) == (LINES + 1, "... and 5 more, see the view budget_pacing")


def test_each_channel_gets_what_it_waits_for() -> None:
    crossings = [a_crossing(50, waiting="2 slack"), a_crossing(75, waiting="1 json,2 slack,3 gone")]

    assert messages(crossings, ["1 json", "2 slack"]) == {message(crossings): ["1 json", "2 slack"]}
    assert messages(crossings[:1], ["1 json", "2 slack"]) == {message(crossings[:1]): ["2 slack"]}
    assert messages([], ["1 json"]) == {}
