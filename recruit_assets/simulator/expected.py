"""What must come of a simulation in the tables beside the report, computed without the pipeline's code."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.events import Chunk
from recruit_assets.simulator.fragments import Interaction
from recruit_assets.simulator.job_rules import JobRules

HOUR_S = 3600
Row = tuple[object, ...]


class ExpectedTable(Protocol):
    """The rows that a table must have, in the contract's columns but the last, the time of the newest event."""

    table: str

    def add(self, chunk: Chunk) -> None:
        """Count records that were sent."""

    def rows(self) -> list[Row]:
        """The rows, sorted."""


class ExpectedFunnel:
    """Expects funnel_actions."""

    table = "funnel_actions"

    def __init__(self, actions: Sequence[str], rules: JobRules) -> None:
        self._actions = frozenset(actions)
        self._rules = rules
        self._happened: Counter[tuple[int, Interaction]] = Counter()

    def add(self, chunk: Chunk) -> None:
        self._happened.update(one for one in chunk.happened if one[1].track in self._actions)

    def rows(self) -> list[Row]:
        counts: Counter[tuple[object, ...]] = Counter()
        for (hour, event), number in self._happened.items():
            found = self._rules.found(event)
            if found is not None:
                counts[hour_text(hour), *found[1], event.track] += number
        return sorted((*key, number) for key, number in counts.items())


def rules_of(settings: Settings) -> JobRules:
    """The rules of RECRUIT_ATTRIBUTION."""
    return JobRules(settings.attribution, settings.attribution_dl)


def expected_tables(settings: Settings) -> list[ExpectedTable]:
    """Those that the settings switch on."""
    actions = settings.funnel_action_list
    return [ExpectedFunnel(actions, rules_of(settings))] if actions else []


def hour_text(hour: int) -> str:
    """An hour since the epoch, as the ledger has it."""
    return f"{datetime.fromtimestamp(hour * HOUR_S, UTC):%Y-%m-%d %H:%M:%S}"
