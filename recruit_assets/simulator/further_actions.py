"""Events with a further action of the funnel (RECRUIT_FUNNEL_ACTIONS)."""

from collections.abc import Iterator, Sequence
from random import Random

from recruit_assets.simulator.fragments import ABSENT, Interaction, an_interaction, zipf_weights
from recruit_assets.simulator.jobs import Job
from recruit_assets.simulator.names import FIRST_CAMPAIGN_ID, FIRST_GROUP_ID, FIRST_PUBLISHER_ID
from recruit_assets.simulator.spec import SimulationSpec

INTERACTIONS = 1_024
WITHOUT_JOB_SHARE = 0.05
OTHER_SPELLING_SHARE = 0.05


def further_interactions(spec: SimulationSpec, jobs: Sequence[Job], rng: Random) -> Iterator[tuple[Interaction, float]]:
    """Interactions with one of the further actions, and their weights: each action is rarer than the one before."""
    popularity, weights = zipf_weights(len(jobs), spec.skew), zipf_weights(len(spec.further_actions), 1.0)
    for job in rng.choices(jobs, popularity, k=INTERACTIONS):
        action = rng.choices(spec.further_actions, weights)[0]
        ids = {
            "publisher_id": rng.choice((None, ABSENT, FIRST_PUBLISHER_ID + rng.randrange(spec.publishers))),
            "campaign_id": rng.choice((None, FIRST_CAMPAIGN_ID + rng.randrange(spec.campaigns))),
            "group_id": FIRST_GROUP_ID + job.rank % spec.groups,
            "bid": rng.choice((None, ABSENT, rng.randrange(15, 400))),
        }
        spelling = action.swapcase() if rng.random() < OTHER_SPELLING_SHARE else action
        yield an_interaction(rng, spelling, job=None if rng.random() < WITHOUT_JOB_SHARE else job, ids=ids), 1.0
