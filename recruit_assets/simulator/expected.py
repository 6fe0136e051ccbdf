"""What must come of a simulation in the tables beside the report, computed without the pipeline's code."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.click_verdicts import ClickSettings, SentClicks
from recruit_assets.simulator.events import Chunk
from recruit_assets.simulator.fragments import Action, Interaction
from recruit_assets.simulator.job_rules import Ids, JobRules

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


class ExpectedClicks:
    """Expects click_quality."""

    table = "click_quality"

    def __init__(self, settings: ClickSettings, rules: JobRules, end_dates: Mapping[int, date]) -> None:
        self._rules = rules
        self._clicks = SentClicks(settings, end_dates)
        self._found: dict[Interaction, tuple[str, Ids] | None] = {}

    def add(self, chunk: Chunk) -> None:
        for (_, event), value in zip(chunk.happened, chunk.events, strict=True):
            if event.action is not Action.CLICK:
                continue
            if event not in self._found:
                self._found[event] = self._rules.found(event)
            found = self._found[event]
            if found is not None:
                self._clicks.add(value, found[1], event.bid)

    def rows(self) -> list[Row]:
        return self._clicks.rows()


def rules_of(settings: Settings) -> JobRules:
    """The rules of RECRUIT_ATTRIBUTION."""
    return JobRules(settings.attribution, settings.attribution_dl)


def expected_tables(settings: Settings, end_dates: Mapping[int, date] | None = None) -> list[ExpectedTable]:
    """Those that the settings switch on; `end_dates` has the last day of each job that has one."""
    expected: list[ExpectedTable] = []
    if settings.funnel_action_list:
        expected.append(ExpectedFunnel(settings.funnel_action_list, rules_of(settings)))
    if settings.has_click_quality:
        clicks = ClickSettings(settings.click_window_s, settings.internal_hosts, settings.report_timezone)
        expected.append(ExpectedClicks(clicks, rules_of(settings), end_dates or {}))
    return expected


def hour_text(hour: int) -> str:
    """An hour since the epoch, as the ledger has it."""
    return f"{datetime.fromtimestamp(hour * HOUR_S, UTC):%Y-%m-%d %H:%M:%S}"
