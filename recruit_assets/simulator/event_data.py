"""Events whose job is only in their event data, as real trackers send it: a JSON object as text in `ed`."""

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random

from recruit_assets.simulator.fragments import (
    ABSENT,
    ACTION_WEIGHTS,
    ACTIONS,
    Interaction,
    an_interaction,
    zipf_weights,
)
from recruit_assets.simulator.jobs import Job
from recruit_assets.simulator.names import FIRST_CAMPAIGN_ID, FIRST_GROUP_ID, FIRST_PUBLISHER_ID
from recruit_assets.simulator.spec import SimulationSpec

INTERACTIONS = 2_048
ODD_SHARE = 0.1
"""Of these events: those whose event data names no job, or not as a number."""

Members = dict[str, object]

SPELLINGS: Sequence[Callable[[int], object]] = (int, int, int, float, str, "{}.0".format)
ODDITIES: Sequence[Callable[[Members], str]] = (
    lambda ed: json.dumps(ed)[:-1],
    lambda ed: json.dumps(ed | {"jobId": None}),
    lambda ed: json.dumps(ed | {"jobId": True}),
    lambda ed: json.dumps(ed | {"jobId": ""}),
    lambda ed: json.dumps(ed | {"jobId": -1}),
    lambda ed: json.dumps(ed | {"jobId": 2**31}),
    lambda ed: json.dumps(ed | {"jobId": 0.5}),
    lambda ed: json.dumps(ed | {"jobId": [ed["jobId"]]}),
    lambda ed: json.dumps(ed | {"jobId": {"id": ed["jobId"]}}),
    lambda ed: json.dumps({"data": ed}),
    lambda ed: json.dumps([ed]),
    lambda ed: f"jobId={ed['jobId']}",
)


def event_data_interactions(
    spec: SimulationSpec, jobs: Sequence[Job], rng: Random
) -> Iterator[tuple[Interaction, float]]:
    """Interactions with a countable action and no job of their own, and their weights."""
    popularity = zipf_weights(len(jobs), spec.skew)
    for job in rng.choices(jobs, popularity, k=INTERACTIONS):
        spelling = rng.choices(ACTIONS, ACTION_WEIGHTS)[0]
        ids = {
            "publisher_id": rng.choice((None, ABSENT, 0, FIRST_PUBLISHER_ID + rng.randrange(spec.publishers))),
            "campaign_id": rng.choice((None, ABSENT, FIRST_CAMPAIGN_ID + rng.randrange(spec.campaigns))),
            "group_id": rng.choice((None, ABSENT)),
            "bid": rng.choice((None, 0, rng.randrange(15, 400))),
        }
        page = job if rng.random() < 0.5 else None
        yield an_interaction(rng, spelling, job=None, page=page, ids=ids, ed=_event_data(spec, job, spelling, rng)), 1.0


def _event_data(spec: SimulationSpec, job: Job, action: str, rng: Random) -> str:
    """What the tracker knows, in few or many members."""
    known = {
        "publisherId": rng.choice((0, None, FIRST_PUBLISHER_ID + rng.randrange(spec.publishers))),
        "campaignId": FIRST_CAMPAIGN_ID + rng.randrange(spec.campaigns),
        "groupId": FIRST_GROUP_ID + job.rank % spec.groups,
    }
    ed: Members = {"customEvent": action, "jobId": rng.choice(SPELLINGS)(job.id)}
    ed |= {name: value for name, value in known.items() if rng.random() < 0.6}
    ed |= {"userId": rng.randrange(1, 10**6), "title": f"{job.title} \ud83d" if rng.random() < 0.1 else job.title}
    return rng.choice(ODDITIES)(ed) if rng.random() < ODD_SHARE else json.dumps(ed)
