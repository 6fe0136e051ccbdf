"""RECRUIT_FUNNEL_ACTIONS: which names are possible."""

import pytest

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings


def test_the_actions_keep_their_order() -> None:
    assert load_settings(funnel_actions=" redirect, interview_scheduled,hired").funnel_action_list == [
        "redirect",
        "interview_scheduled",
        "hired",
    ]


@pytest.mark.parametrize(
    ("actions", "problem"),
    [
        ("hired,clicks", "has clicks, which the report counts already"),
        ("hired,hired", "has hired twice"),
        ("hired,Hired", "has hired twice"),
        ("it's", 'has "it\'s"; an action has at most 64 letters'),
        ("a" * 65, "an action has at most 64 letters"),
        (",".join(f"a{number}" for number in range(21)), "has 21 actions, at most 20 are allowed"),
    ],
)
def test_what_is_no_action_is_refused_with_its_name(actions: str, problem: str) -> None:
    with pytest.raises(UserError, match=f"RECRUIT_FUNNEL_ACTIONS: .*{problem}"):
        load_settings(funnel_actions=actions)
