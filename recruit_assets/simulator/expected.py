"""What must come of a simulation in the tables beside the report, computed without the pipeline's code."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Protocol

from recruit_assets.runtime.settings import Settings
from recruit_assets.simulator.click_verdicts import ClickSettings, SentClicks
from recruit_assets.simulator.events import Chunk
from recruit_assets.simulator.fragments import Action, Interaction
from recruit_assets.simulator.job_rules import FoundJobs, Ids, JobRules
from recruit_assets.simulator.journeys import Visits

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
        self._jobs = FoundJobs(rules)
        self._happened: Counter[tuple[int, Interaction]] = Counter()

    def add(self, chunk: Chunk) -> None:
        self._happened.update(one for one in chunk.happened if one[1].track in self._actions)

    def rows(self) -> list[Row]:
        counts: Counter[tuple[object, ...]] = Counter()
        for (hour, event), number in self._happened.items():
            found = self._jobs.of(event)
            if found is not None:
                counts[hour_text(hour), *found[1], event.track] += number
        return sorted((*key, number) for key, number in counts.items())


def countable(chunk: Chunk, jobs: FoundJobs) -> Iterator[tuple[Interaction, Action, bytes, Ids]]:
    """The events that count, with their action, their record and the ids that they count for."""
    for (_, event), value in zip(chunk.happened, chunk.events, strict=True):
        if event.action is not None and (found := jobs.of(event)):
            yield event, event.action, value, found[1]


class ExpectedClicks:
    """Expects click_quality."""

    table = "click_quality"

    def __init__(self, settings: ClickSettings, rules: JobRules, end_dates: Mapping[int, date]) -> None:
        self._jobs = FoundJobs(rules)
        self.clicks = SentClicks(settings, end_dates)

    def add(self, chunk: Chunk) -> None:
        for event, action, value, ids in countable(chunk, self._jobs):
            if action is Action.CLICK:
                self.clicks.add(value, ids, event.bid)

    def rows(self) -> list[Row]:
        return self.clicks.rows()


class ExpectedCredits:
    """Expects attributed_conversions; `clicks` says which clicks are valid, without it all are."""

    table = "attributed_conversions"

    def __init__(self, days: int, rules: JobRules, clicks: SentClicks | None = None) -> None:
        self._jobs = FoundJobs(rules)
        self._visits = Visits(days)
        self._clicks = clicks

    def add(self, chunk: Chunk) -> None:
        for _, action, value, ids in countable(chunk, self._jobs):
            self._visits.add(value, action, ids)

    def rows(self) -> list[Row]:
        return self._visits.rows(None if self._clicks is None else self._clicks.valid())


def rules_of(settings: Settings) -> JobRules:
    """The rules of RECRUIT_ATTRIBUTION."""
    return JobRules(settings.attribution, settings.attribution_dl)


def expected_tables(settings: Settings, end_dates: Mapping[int, date] | None = None) -> list[ExpectedTable]:
    """Those that the settings switch on; `end_dates` has the last day of each job that has one."""
    expected: list[ExpectedTable] = []
    rules, sent = rules_of(settings), None
    if settings.funnel_action_list:
        expected.append(ExpectedFunnel(settings.funnel_action_list, rules))
    if settings.has_click_quality:
        judged = ClickSettings(settings.click_window_s, settings.internal_hosts, settings.report_timezone)
        clicks = ExpectedClicks(judged, rules, end_dates or {})
        expected.append(clicks)
        sent = clicks.clicks
    if settings.attribution_days:
        expected.append(ExpectedCredits(settings.attribution_days, rules, sent))
    return expected


def hour_text(hour: int) -> str:
    """An hour since the epoch, as the ledger has it."""
    return f"{datetime.fromtimestamp(hour * HOUR_S, UTC):%Y-%m-%d %H:%M:%S}"
