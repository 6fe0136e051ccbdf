"""The verdict on each click, in plain Python: for what reads events without Spark, such as the audit."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from recruit_assets.contract.click_quality import (
    DUPLICATE,
    EXPIRED,
    INTERNAL,
    LONGEST_AGENT,
    ROBOT,
    VALID,
    ClickRules,
    Verdict,
)
from recruit_assets.contract.internal_hosts import HOST
from recruit_assets.contract.url_patterns import LONGEST_URL
from recruit_assets.runtime.times import from_ms
from recruit_assets.transforms.robots import robot_pattern

AGENTS_CACHED = 50_000
_HOST = re.compile(HOST)


class Click(NamedTuple):
    """What a verdict depends on; in the order in which clicks are judged."""

    event_time_ms: int
    create_time: str
    job_id: int
    uid: str | None
    ua: str | None
    dl: str | None


class ClickJudge:
    """Judges clicks in the order of their event times, then of create_time as text."""

    def __init__(self, rules: ClickRules, end_dates: Mapping[int, date]) -> None:
        """`end_dates` has the last day of each job that has one."""
        self._recent = RecentClicks(rules.window_s)
        self._internal = re.compile(rules.internal_hosts)
        self._zone = ZoneInfo(rules.timezone)
        self._end_dates = end_dates

    def verdicts(self, clicks: Iterable[Click]) -> Iterator[Verdict]:
        """The verdict on each of these clicks, which must not be before those judged already."""
        for click in clicks:
            is_duplicate = self._recent.is_duplicate(click.uid, click.job_id, click.event_time_ms)
            yield DUPLICATE if is_duplicate else self.alone(click)

    def alone(self, click: Click) -> Verdict:
        """The verdict unless the click is a duplicate; asked in any order."""
        if click.ua and is_robot(click.ua):
            return ROBOT
        if self._internal.search(host_of(click.dl)):
            return INTERNAL
        end_date = self._end_dates.get(click.job_id)
        if end_date is not None and from_ms(click.event_time_ms).astimezone(self._zone).date() > end_date:
            return EXPIRED
        return VALID


class RecentClicks:
    """The last click of each person on each job, until it is too old for another to be its duplicate."""

    def __init__(self, window_s: int) -> None:
        self._window_ms = 1000 * window_s
        self._last: dict[tuple[object, int], int] = {}
        self._forgotten_at_ms = 0

    def __len__(self) -> int:
        return len(self._last)

    def is_duplicate(self, person: object, job_id: int, at_ms: int) -> bool:
        """Whether the person clicked on the job within the window; clicks come in their order. Nobody is empty."""
        if not person or not self._window_ms:
            return False
        self._forget(at_ms)
        key = person, job_id
        before, self._last[key] = self._last.get(key), at_ms
        return before is not None and at_ms - before < self._window_ms

    def _forget(self, now_ms: int) -> None:
        """Once per window, so that at most the clicks of two windows are remembered."""
        if now_ms - self._forgotten_at_ms >= self._window_ms:
            self._last = {key: at for key, at in self._last.items() if now_ms - at < self._window_ms}
            self._forgotten_at_ms = now_ms


@lru_cache(AGENTS_CACHED)
def is_robot(ua: str) -> bool:
    """Whether the user agent is a robot's."""
    return _robots().search(ua[:LONGEST_AGENT]) is not None


def host_of(url: str | None) -> str:
    """The host of a landing URL in lower case; empty if it has none."""
    found = _HOST.search(url[:LONGEST_URL]) if url else None
    return found[1].lower() if found else ""


@lru_cache(1)
def _robots() -> re.Pattern[str]:
    return re.compile(robot_pattern(), re.ASCII)
