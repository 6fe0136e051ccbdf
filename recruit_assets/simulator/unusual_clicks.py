"""Clicks that are invalid: people who click again, robots, the site's own developers, and jobs that have ended."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random

from recruit_assets.simulator.fragments import (
    ABSENT,
    Interaction,
    Visitor,
    a_visitor,
    an_interaction,
    zipf_weights,
)
from recruit_assets.simulator.jobs import Job
from recruit_assets.simulator.names import FIRST_CAMPAIGN_ID, FIRST_PUBLISHER_ID
from recruit_assets.simulator.spec import SimulationSpec

INTERNAL_INTERACTIONS = 256
ROBOTS = 40
RECENT = 4
"""A repeated click is one of the last few: at the rates of simulations, seconds to minutes before."""

SITES = (
    "http://localhost:3000", "https://localhost", "http://127.0.0.1:8080", "http://192.168.178.20", "http://[::1]:8080",
    "https://jobs.test", "http://dev@10.1.2.3:80", "HTTP://Jobs-Dev.LOCAL.",
)  # fmt: skip
"""Developers' machines."""
AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "python-requests/2.32.3",
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/143.0 Safari/537.36",
)


class UnusualClicks:
    """Who clicks on what, if it isn't a click like others. It needs no random number for a share of 0."""

    def __init__(self, spec: SimulationSpec, rng: Random) -> None:
        self._spec = spec
        self._rng = rng
        self._robots = [a_visitor(rng, ua=rng.choice(AGENTS)) for _ in range(ROBOTS)] if spec.robot_share else []
        self._recent: deque[tuple[Interaction, Visitor]] = deque(maxlen=RECENT)

    def of(self, interaction: Interaction, visitor: Visitor) -> tuple[Interaction, Visitor]:
        """This click, or another one in its place."""
        spec, rng = self._spec, self._rng
        if spec.robot_share and rng.random() < spec.robot_share:
            visitor = rng.choice(self._robots)
        if spec.repeat_share:
            if self._recent and rng.random() < spec.repeat_share:
                return rng.choice(self._recent)
            self._recent.append((interaction, visitor))
        return interaction, visitor


def internal_interactions(
    spec: SimulationSpec, jobs: Sequence[Job], rng: Random
) -> Iterator[tuple[Interaction, float]]:
    """Clicks on pages of developers' machines, and their weights."""
    for job in rng.choices(jobs, zipf_weights(len(jobs), spec.skew), k=INTERNAL_INTERACTIONS):
        ids = {
            "publisher_id": rng.choice((None, FIRST_PUBLISHER_ID)),
            "campaign_id": rng.choice((ABSENT, FIRST_CAMPAIGN_ID + rng.randrange(spec.campaigns))),
            "group_id": rng.choice((None, ABSENT)),
            "bid": rng.choice((None, 0, rng.randrange(15, 400))),
        }
        yield an_interaction(rng, rng.choice(("click", "clicks")), job=job, ids=ids, site=rng.choice(SITES)), 1.0


def end_dates(spec: SimulationSpec, jobs: Sequence[Job], *, now: datetime) -> dict[int, date]:
    """The last day of the share of the known jobs that have one: the day before the simulation's last one."""
    end = spec.end if spec.end is not None and not spec.live else now
    last = (end - timedelta(microseconds=1)).date() - timedelta(days=1)
    return {job.id: last for job in jobs if job.known and _has_ended(job, spec.ended_share)}


def _has_ended(job: Job, share: float) -> bool:
    """As many of the ranks as the share says, at equal distances."""
    return int((job.rank + 1) * share) > int(job.rank * share)
