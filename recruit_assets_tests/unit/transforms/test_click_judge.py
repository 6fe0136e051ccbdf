"""The verdict on a click, against a table that was made by hand (support/click_cases.py)."""

import pytest

from recruit_assets.contract.internal_hosts import host_pattern
from recruit_assets.transforms.click_judge import Click, ClickJudge, RecentClicks, is_robot
from recruit_assets.transforms.robots import plain_text, robot_instances
from recruit_assets_tests.support.click_cases import CASES, END_DATES, RULES


def test_a_click_has_the_first_verdict_that_holds() -> None:
    cases = sorted(CASES, key=lambda case: (case.at_ms, case.create_time))
    clicks = [Click(case.at_ms, *case[1:6]) for case in cases]

    verdicts = [verdict.name for verdict in ClickJudge(RULES, END_DATES).verdicts(clicks)]

    assert [case for case, verdict in zip(cases, verdicts, strict=True) if verdict != case.verdict] == []


def test_what_is_too_old_for_a_duplicate_is_forgotten() -> None:
    """Otherwise memory would grow with the months that the audit judges."""
    recent = RecentClicks(window_s=30)

    for second in range(10_000):
        recent.is_duplicate(f"person {second}", 1, 1000 * second)

    assert 30 <= len(recent) <= 60


def test_every_user_agent_that_the_list_names_is_a_robots() -> None:
    assert [ua for ua in robot_instances() if not is_robot(ua)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"a\/b\.c d-e", "a/b.c d-e"), (r"\(x", "(x"), ("a.c", None), (r"\d", None), ("^a", None), ("a|b", None),
     ("[a]", None), ("a$", None), (r"a\n", None), ("a+", None)],
)  # fmt: skip
def test_a_pattern_without_operators_is_plain_text(pattern: str, text: str | None) -> None:
    assert plain_text(pattern) == text


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "http://localhost",
        "*",
        "*.",
        "a*.example",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "2001:db8::/32",
        "::/8",
        "b\u00fcro",
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="has '?" + host.partition(":")[0].replace("*", r"\*")):
        host_pattern([host])
