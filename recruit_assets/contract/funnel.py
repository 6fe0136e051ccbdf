"""The further actions of the funnel (RECRUIT_FUNNEL_ACTIONS), such as interview_scheduled or hired.

An event with such an action counts if its job is found, as for the report's own actions (`measures`).
"""

import re
from collections import Counter
from collections.abc import Sequence

from recruit_assets.contract.measures import ACTION_SPELLINGS

MOST_ACTIONS = 20
_ACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")


def require_funnel_actions(names: Sequence[str]) -> None:
    """ValueError if a name can't be an action, comes twice, or is one that the report counts."""
    if len(names) > MOST_ACTIONS:
        raise ValueError(f"has {len(names)} actions, at most {MOST_ACTIONS} are allowed")
    for name in names:
        if not _ACTION.fullmatch(name):
            raise ValueError(f"has {name!r}; an action has at most 64 letters, digits and _ . : -")
        if name in ACTION_SPELLINGS:
            raise ValueError(f"has {name}, which the report counts already")
    # the report database takes spellings that differ only in case for the same
    repeated = [name for name, count in Counter(name.lower() for name in names).items() if count > 1]
    if repeated:
        raise ValueError(f"has {repeated[0]} twice")
