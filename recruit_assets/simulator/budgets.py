"""The simulated site's budgets, so that some are overspent, some on their way and some hardly touched.

They depend on the options and the months alone. A live simulation has budgets of a day's events, so that their
thresholds are reached while somebody looks.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from recruit_assets.contract.budgets import Budget, Scope
from recruit_assets.simulator.fragments import zipf_weights
from recruit_assets.simulator.jobs import site_jobs
from recruit_assets.simulator.names import FIRST_CAMPAIGN_ID
from recruit_assets.simulator.spec import SimulationSpec

SPEND_PER_RECORD = 40
"""About what a record brings on average, whatever it is."""
FACTORS = (1.5, 2.0, 0.9, 1.4, 1.1)
"""Amounts of neighbours, relative to what the simulation spends on average."""
CAMPAIGNS, JOBS = 10, 5
"""So many have a budget."""
DAY_S = 86_400


def site_budgets(spec: SimulationSpec, now: datetime) -> Iterator[Budget]:
    """The budgets of the months in which the simulation's events are."""
    shares = _shares(spec)
    spend = SPEND_PER_RECORD * (spec.rate * DAY_S if spec.live else spec.events)
    for month in _months(spec, now):
        for index, ((scope, id), share) in enumerate(shares):
            amount = max(100, round(spend * share * FACTORS[index % len(FACTORS)], -2))
            yield Budget(scope, id, month, float(amount))


def _shares(spec: SimulationSpec) -> Sequence[tuple[tuple[Scope, int], float]]:
    """The campaigns and jobs with the most events, with their shares of the spend."""
    jobs = site_jobs(spec.jobs)
    weights = zipf_weights(spec.jobs, spec.skew)
    campaigns: dict[tuple[Scope, int], float] = defaultdict(float)
    for job, weight in zip(jobs, weights, strict=True):
        for place in range(2):  # a job is in two campaigns
            campaigns[Scope.CAMPAIGN, FIRST_CAMPAIGN_ID + (job.rank * 3 + place) % spec.campaigns] += weight / 2
    most = sorted(campaigns.items(), key=lambda one: -one[1])[:CAMPAIGNS]
    most += [((Scope.JOB, job.id), weight) for job, weight in zip(jobs[:JOBS], weights[:JOBS], strict=True)]
    return [(key, weight / sum(weights)) for key, weight in most]


def _months(spec: SimulationSpec, now: datetime) -> Sequence[date]:
    """The month of the last event and of the first that isn't late; of a live simulation this one and the next."""
    if spec.live:
        first, last = now, now + timedelta(days=31)
    else:
        resolved = spec.resolved(now)
        first, last = resolved.start or now, resolved.end or now
    months = {moment.date().replace(day=1) for moment in (first, last)}
    return sorted(months)
